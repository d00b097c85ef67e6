// What happens around a method call: whose token, faults and limits, the log, files and their
// links.
#include "fakes/vk/world.h"

#include <algorithm>

#include "fakes/common/bytes.h"

namespace sufler::fakes::vk {
namespace {

const std::set<std::string>& common_params() {
  static const std::set<std::string> kCommon = {"v",           "access_token", "lang",
                                                "captcha_sid", "captcha_key",  "test_mode"};
  return kCommon;
}

/// Faults of the network or the front server: `execute` has them as a whole or not at all.
bool is_api_error(const std::string& kind) {
  return kind == "error" || kind == "rate_limit" || kind == "flood" || kind == "captcha" ||
         kind == "internal";
}

ApiError fault_error(const FaultRule& fault) {
  const std::string& kind = fault.kind;
  int code = fault.json.value("code", 1);
  if (kind == "rate_limit") code = 6;
  if (kind == "flood") code = 9;
  if (kind == "captcha") code = 14;
  if (kind == "internal") code = 10;
  ApiError error = api_error(code, code == 10 ? "Unknown error, try later" : "");
  if (fault.json.contains("message")) error.description = fault.json["message"];
  if (code == 14) {
    error.more = {{"captcha_sid", "548747100691"},
                  {"captcha_img", "https://api.vk.ru/captcha.php?sid=548747100691&s=1"}};
  }
  return error;
}

HttpReply html_reply(int status, const std::string& title) {
  HttpReply reply;
  reply.status = status;
  reply.content_type = "text/html; charset=utf-8";
  reply.body = error_page(std::to_string(status) + " " + title, "kittenx");
  return reply;
}

}  // namespace

World::World(FakeVkOptions options, HttpServer& server)
    : Platform(server,
               {.name = "fake vk",
                .account = "community",
                .place = "peer",
                .description = "error",
                .batched = "executed",
                .polls = "longpoll",
                .file = "attachment",
                .garbage = R"({"response":{"items":[)"},
               options.kept_calls),
      options_(std::move(options)) {
  if (options_.communities.empty()) {
    VkCommunity only;
    only.group_id = kVkTestGroup;
    only.token = kVkTestToken;
    options_.communities.push_back(std::move(only));
  }
  for (const VkCommunity& community : options_.communities) add_community(community);
  start_deliveries();
}

World::~World() { stop(); }

std::string World::random_hex(std::size_t length) {
  return sha256_hex("fake vk " + std::to_string(serial_++)).substr(0, length);
}

void World::add_community(VkCommunity given) {
  Community community;
  community.index = communities_.size();
  community.group_id = given.group_id;
  community.token = given.token;
  community.name = given.name;
  community.screen_name = given.screen_name;
  community.confirmation = given.confirmation;
  community.permissions.insert(given.permissions.begin(), given.permissions.end());
  community.bot_features = given.bot_features;
  community.long_poll = given.long_poll;
  if (given.long_poll) all_on(community.events);
  communities_.push_back(std::move(community));
  new_key(communities_.back());
}

Community* World::by_token(const std::string& token) {
  for (Community& community : communities_)
    if (community.token == token) return &community;
  return nullptr;
}

HttpReply World::error_reply(const ApiError& error, const Json& request_params) {
  Json body = {{"error_code", error.code}, {"error_msg", error.description}};
  if (!error.more.is_null()) body.update(error.more);
  // Code 10 comes without them, as in the fixture.
  if (error.code != 10) body["request_params"] = request_params;
  HttpReply reply;
  reply.content_type = "application/json; charset=utf-8";
  reply.body = wire_text({{"error", body}});
  return reply;
}

bool World::admit(const HttpRequest& request) {
  if (!request.path.starts_with("/method/")) return true;
  const std::string method = request.path.substr(8);
  // The token is in the body more often than not, so the rule may ask only for the method.
  for (const Community& community : communities_) {
    const auto fault = take_fault(community.index, method, std::nullopt, true);
    if (!fault) continue;
    ApiCall call;
    call.method = method;
    log_fault(std::move(call), *fault);
    return false;
  }
  return true;
}

void World::serve(HttpRequest&& request) {
  if (request.path.starts_with("/method/")) {
    serve_method(request, request.path.substr(8));
  } else if (request.path.starts_with("/longpoll/")) {
    serve_long_poll(request);
  } else if (request.path.starts_with("/files/")) {
    serve_file(request);
  } else if (request.path.starts_with("/upload/")) {
    serve_upload(request);
  } else {
    server_.reply(request.connection, html_reply(404, "Not Found"));
  }
  for (auto& call : std::exchange(after_reply_, {})) call();
}

void World::forget(ConnectionId connection) {
  for (Community& community : communities_) {
    std::erase_if(community.polls, [&](const Poll& p) { return p.connection == connection; });
  }
}

/// Turns an answer into what the fault makes of it.
void World::apply_manner(HttpReply& reply, const FaultRule& fault, const Json& request_params) {
  if (spoil(reply, fault)) return;
  const std::string& kind = fault.kind;
  if (is_api_error(kind)) {
    reply = error_reply(fault_error(fault), request_params);
  } else if (kind == "server_error") {
    reply = html_reply(500, "Internal Server Error");
  } else if (kind == "bad_gateway") {
    reply = html_reply(static_cast<int>(fault.number("status", 502)), "Bad Gateway");
  } else if (kind == "custom") {
    reply = custom_reply(fault, 200);
  }
}

void World::check_rate(Community& community) {
  if (!options_.rate_limit) return;
  auto& times = community.call_times_ms;
  const std::int64_t now = now_ms();
  while (!times.empty() && times.front() <= now - 1000) times.pop_front();
  if (static_cast<int>(times.size()) >= options_.calls_per_second + options_.calls_slack) throw api_error(6);
  times.push_back(now);
}

Json World::run(Community& community, const std::string& name, const Params& params, ApiCall call) {
  const auto found = methods().find(name);
  try {
    if (found == methods().end()) throw api_error(3);
    const MethodInfo& info = found->second;
    if (options_.strict) {
      for (const auto& [key, value] : params.values()) {
        if (!info.params.contains(key) && !common_params().contains(key)) {
          throw invalid("unknown parameter " + key + " of " + name);
        }
      }
      for (const auto& [key, part] : params.files()) throw invalid("unexpected file " + key);
    }
    if (*info.permission != '\0' && !community.permissions.contains(info.permission)) {
      throw api_error(15, "no access to call this method. It cannot be called with current scopes");
    }
    CallContext context{community, params, name};
    Json result;
    try {
      result = (this->*info.call)(context);
    } catch (const Json::exception& error) {
      throw invalid(std::string("a field of a wrong type: ") + error.what());
    }
    call.ok = call.applied = true;
    call.result = result;
    log(std::move(call));
    return result;
  } catch (const ApiError& error) {
    log(std::move(call), error);
    throw;
  }
}

void World::serve_method(const HttpRequest& request, const std::string& name) {
  const ConnectionId connection = request.connection;
  Json request_params =
      Json::array({{{"key", "oauth"}, {"value", "1"}}, {{"key", "method"}, {"value", name}}});
  ApiCall call;
  call.method = name;
  HttpReply reply;
  std::optional<FaultRule> fault;
  bool written = false;  // into the log
  try {
    if (request.body_too_large) {
      return server_.reply(connection, html_reply(413, "Request Entity Too Large"));
    }
    if (request.method != "POST" && (options_.strict || request.method != "GET")) {
      throw api_error(9999);
    }
    const Params params = Params::from(request, options_.strict);
    // The token stands among them, as it may on the real server: logging them whole is a leak.
    for (const auto& [key, value] : params.values()) {
      request_params.push_back({{"key", key}, {"value", value}});
    }
    std::string token = params.text("access_token");
    const std::string_view bearer = request.header("authorization");
    if (token.empty() && bearer.starts_with("Bearer ")) token = bearer.substr(7);
    call.params = params.for_log("access_token");
    call.place = params.peer().value_or(0);
    if (token.empty()) throw api_error(5, "no access_token passed.");
    Community* community = by_token(token);
    if (community == nullptr) throw api_error(5, "invalid access_token (4).");
    call.account = community->index;
    if (community->revoked) throw api_error(5, "access_token has expired.");
    const std::string version = params.text("v");
    if (version.empty()) throw api_error(8, "v is a required parameter");
    if (options_.strict && version < std::string("5.103")) {
      throw api_error(8, "version " + version + " is deprecated");
    }
    fault = take_fault(community->index, name, params.peer(), false);
    if (fault) call.fault = fault->kind;
    if (fault && !spoils_only_the_answer(fault->kind)) {
      apply_manner(reply, *fault, request_params);
      if (is_api_error(fault->kind)) {
        const ApiError error = fault_error(*fault);
        call.error_code = error.code;
        call.description = error.description;
      }
      log(std::move(call));
      return server_.reply(connection, std::move(reply));
    }
    try {
      check_rate(*community);
    } catch (const ApiError& error) {
      log(std::move(call), error);
      return server_.reply(connection, error_reply(error, request_params));
    }
    written = true;
    Json result = run(*community, name, params, std::move(call));
    reply.content_type = "application/json; charset=utf-8";
    Json body = Json::object();
    if (name == "execute") {
      body["response"] = result["response"];
      if (!result["errors"].empty()) body["execute_errors"] = result["errors"];
    } else {
      body["response"] = std::move(result);
    }
    reply.body = wire_text(body);
  } catch (const ApiError& error) {
    // run() has written down those of the method itself.
    if (!written) log(std::move(call), error);
    reply = error_reply(error, request_params);
  }
  if (fault) apply_manner(reply, *fault, request_params);
  server_.reply(connection, std::move(reply));
}

// ---- files

File& World::add_file(Community& community, File file) {
  file.id = community.next_file_id++;
  file.access_key = random_hex(18);
  file.sha256 = sha256_hex(*file.bytes);
  file.date = now_s();
  const std::string key = file.key();
  return community.files[key] = std::move(file);
}

std::string World::link(const Community& community, const File& file, const std::string& size) {
  const std::int64_t expires = now_s() + std::chrono::seconds(options_.file_link_lifetime).count();
  const std::string what = std::to_string(community.index) + "/" + file.key() + "/" + size + "/" +
                           std::to_string(expires);
  return root() + "/files/" + what + "/" + sha256_hex(what + file.access_key).substr(0, 16) + "." +
         file.ext;
}

Json World::file_json(const Community& community, const File& file) {
  Json out = {{"id", file.id},
              {"owner_id", file.owner},
              {"access_key", file.access_key},
              {"date", file.date}};
  if (file.kind == "photo") {
    struct Box {
      const char* type;
      int side;
    };
    static constexpr Box kBoxes[] = {{"s", 75},  {"m", 130},  {"x", 604},
                                     {"y", 807}, {"z", 1080}, {"w", 2560}};
    Json sizes = Json::array();
    const int longest = std::max(file.width, file.height);
    const char* last = "s";
    for (const Box& box : kBoxes) {
      last = box.type;
      if (longest <= box.side) break;
      const int width = std::max(1, file.width * box.side / longest);
      const int height = std::max(1, file.height * box.side / longest);
      sizes.push_back(
          {{"type", box.type},
           {"width", width},
           {"height", height},
           {"url", link(community, file, std::to_string(width) + "x" + std::to_string(height))}});
    }
    // The largest is neither first nor last: order says nothing.
    sizes.insert(sizes.begin() + static_cast<std::ptrdiff_t>(sizes.size() / 2),
                 Json{{"type", last},
                      {"width", file.width},
                      {"height", file.height},
                      {"url", link(community, file, "full")}});
    out["sizes"] = std::move(sizes);
    out["album_id"] = -3;
    out["text"] = "";
    out["has_tags"] = false;
    if (file.owner < 0) out["user_id"] = 100;
  } else if (file.kind == "audio_message") {
    out["duration"] = 5;
    out["waveform"] = Json::array({0, 3, 17, 31, 12, 4, 0});
    out["link_ogg"] = link(community, file, "full");
    out["link_mp3"] = link(community, file, "mp3");
    out["transcript_state"] = "in_progress";
  } else {
    out["title"] = file.name;
    out["size"] = file.bytes->size();
    out["ext"] = file.ext;
    out["type"] = file.width > 0 ? 4 : 1;
    out["url"] = link(community, file, "full");
    out["is_unsafe"] = 0;
  }
  return out;
}

Json World::attachment_json(const Community& community, const Attachment& attachment) {
  if (attachment.file.empty()) return attachment.raw;
  const File& file = community.files.at(attachment.file);
  return {{"type", file.kind}, {file.kind, file_json(community, file)}};
}

Json World::message_json(const Community& community, const Dialog& dialog, const Message& message,
                         bool nested) {
  Json out = {{"id", message.id},
              {"conversation_message_id", message.cmid},
              {"date", message.at_ms / 1000},
              {"peer_id", message.peer},
              {"from_id", message.from},
              {"text", message.text},
              {"attachments", Json::array()},
              {"fwd_messages", Json::array()}};
  for (const Attachment& attachment : message.attachments) {
    out["attachments"].push_back(attachment_json(community, attachment));
  }
  if (!message.geo.is_null()) out["geo"] = message.geo;
  if (nested) return out;
  out["out"] = message.out ? 1 : 0;
  out["random_id"] = message.random_id;
  out["important"] = false;
  out["is_hidden"] = false;
  out["version"] = 10000000 + message.cmid + message.edits;
  if (!message.payload.empty()) out["payload"] = message.payload;
  if (!message.keyboard.is_null()) {
    out["keyboard"] = message.keyboard;
    out["keyboard"]["author_id"] = -community.group_id;
  }
  if (!message.carousel.is_null()) out["template"] = message.carousel;
  if (!message.spans.empty()) out["format_data"] = {{"version", "1"}, {"items", message.spans}};
  if (message.admin != 0) out["admin_author_id"] = message.admin;
  if (!message.ref.empty()) out["ref"] = message.ref;
  if (!message.ref_source.empty()) out["ref_source"] = message.ref_source;
  if (message.updated_ms != 0) out["update_time"] = message.updated_ms / 1000;
  const auto answered = dialog.messages.find(message.reply_to);
  if (answered != dialog.messages.end()) {
    out["reply_message"] = message_json(community, dialog, answered->second, true);
  }
  for (const Json& copy : message.copies) out["fwd_messages"].push_back(copy);
  return out;
}

const std::string* World::stored_file(const Json& params) {
  const auto& files = community_of(params).files;
  const auto found = files.find(params.at(words_.file).get<std::string>());
  return found == files.end() ? nullptr : found->second.bytes.get();
}

void World::serve_file(const HttpRequest& request) {
  std::vector<std::string> parts;
  std::string_view rest = std::string_view(request.path).substr(7);
  while (!rest.empty()) {
    const std::size_t slash = rest.find('/');
    parts.emplace_back(rest.substr(0, slash));
    rest = slash == std::string_view::npos ? std::string_view{} : rest.substr(slash + 1);
  }
  HttpReply reply = html_reply(404, "Not Found");
  ApiCall call;
  call.method = "file";
  call.params = {{"path", request.path}};
  std::optional<FaultRule> fault;
  const std::size_t index =
      parts.size() == 5 ? static_cast<std::size_t>(std::strtoul(parts[0].c_str(), nullptr, 10))
                        : communities_.size();
  if (index < communities_.size()) {
    Community& community = communities_[index];
    call.account = index;
    const auto found = community.files.find(parts[1]);
    const std::string what = parts[0] + "/" + parts[1] + "/" + parts[2] + "/" + parts[3];
    if (found != community.files.end() &&
        parts[4].starts_with(sha256_hex(what + found->second.access_key).substr(0, 16)) &&
        std::strtoll(parts[3].c_str(), nullptr, 10) > now_s()) {
      const File& file = found->second;
      reply = HttpReply{};
      reply.content_type = "application/octet-stream";
      const std::size_t by = parts[2].find('x');
      if (parts[2] == "full" || parts[2] == "mp3") {
        reply.body = *file.bytes;
      } else if (by != std::string::npos) {
        reply.body = make_png(std::atoi(parts[2].c_str()), std::atoi(parts[2].c_str() + by + 1));
      }
    }
    fault = take_fault(community.index, "file", std::nullopt, false);
  }
  call.ok = call.applied = reply.status == 200;
  call.error_code = call.ok ? 0 : reply.status;
  if (fault) {
    call.fault = fault->kind;
    apply_manner(reply, *fault, Json::array());
  }
  log(std::move(call));
  server_.reply(request.connection, std::move(reply));
}

void World::serve_upload(const HttpRequest& request) {
  const std::string ticket_id = request.path.substr(8);
  for (Community& community : communities_) {
    const auto found = community.tickets.find(ticket_id);
    if (found == community.tickets.end()) continue;
    UploadTicket& ticket = found->second;
    ApiCall call;
    call.method = "upload";
    call.account = community.index;
    HttpReply reply;
    reply.content_type = "text/html; charset=utf8";  // as VK's upload servers do
    const auto fault = take_fault(community.index, "upload", std::nullopt, false);
    if (fault) call.fault = fault->kind;
    if (fault && !spoils_only_the_answer(fault->kind)) {
      apply_manner(reply, *fault, Json::array());
      log(std::move(call));
      return server_.reply(request.connection, std::move(reply));
    }
    Json answer;
    const bool photo = ticket.kind == "photo";
    try {
      if (request.method != "POST") throw invalid("a file is POSTed");
      const Params params = Params::from(request, true);
      call.params = params.for_log("access_token");
      const char* name = photo ? "photo" : "file";
      const FilePart* part = params.file(name);
      if (ticket.used) throw invalid("the upload_url was used already");
      if (part == nullptr) throw invalid(std::string("no part \"") + name + "\" with a filename");
      if (params.files().size() > 1) throw invalid("more than one file");
      if (part->file_name.empty()) throw invalid("the file has no name");
      if (part->bytes->empty()) throw invalid("the file is empty");
      const std::size_t limit = photo ? options_.photo_limit_bytes : options_.doc_limit_bytes;
      if (request.body_too_large || part->bytes->size() > limit) throw invalid("too large");
      ticket.used = true;
      Uploaded uploaded{ticket.kind, part->bytes, part->file_name, random_hex(32), 848128, false};
      const std::string mark = random_hex(24);
      if (photo) {
        const auto size = image_size(*part->bytes);
        if (size && (size->width + size->height > 14000 || size->width > 20 * size->height ||
                     size->height > 20 * size->width)) {
          throw invalid("ERR_UPLOAD_BAD_IMAGE_SIZE: wrong size of the image");
        }
        const std::string photos =
            size ? Json::array({{{"markers_restarted", true}, {"photo", mark}}}).dump() : "[]";
        answer = {{"server", uploaded.server}, {"photo", photos}, {"hash", uploaded.hash}};
        if (size) community.uploads[photos] = std::move(uploaded);
      } else {
        const std::string lower = ascii_lower(part->file_name);
        for (const char* ext : {".mp3", ".exe", ".bat", ".com"}) {
          if (lower.ends_with(ext)) throw invalid("no such type of file: " + part->file_name);
        }
        if (ticket.kind == "audio_message" && !part->bytes->starts_with("OggS")) {
          throw invalid("a voice message is OGG Opus");
        }
        const std::string text = std::to_string(-community.group_id) + "|0|0|848128|" + mark + "|" +
                                 std::to_string(part->bytes->size()) + "|" + uploaded.hash;
        answer = {{"file", text}};
        community.uploads[text] = std::move(uploaded);
      }
      call.ok = call.applied = true;
    } catch (const ApiError& error) {
      answer = {{"error", error.description}};
      call.error_code = 22;
      call.description = error.description;
    }
    reply.body = wire_text(answer);
    if (fault) apply_manner(reply, *fault, Json::array());
    log(std::move(call));
    return server_.reply(request.connection, std::move(reply));
  }
  server_.reply(request.connection, html_reply(404, "Not Found"));
}

// ---- waiting

std::size_t World::sent_to(const Json& params) {
  const auto& dialogs = community_of(params).dialogs;
  const auto found = dialogs.find(params[words_.place].get<std::int64_t>());
  return found == dialogs.end() ? 0 : found->second.sent.size();
}

bool World::holds(const Json& params) {
  const Community& community = community_of(params);
  if (params.contains("confirmed")) {
    const auto found = community.by_id.find(params["confirmed"].get<std::string>());
    if (found == community.by_id.end() || !found->second->confirmed) return false;
  }
  if (params.contains("polling") && params["polling"].get<bool>() == community.polls.empty()) {
    return false;
  }
  if (params.contains("answered")) {
    const auto found = callbacks_.find(params["answered"].get<std::string>());
    if (found == callbacks_.end() || !found->second.answered) return false;
  }
  if (params.contains("server")) {
    const auto found = community.servers.find(params["server"].get<std::int64_t>());
    const std::string status = found == community.servers.end()              ? "deleted"
                               : found->second.suspended_until_ms > now_ms() ? "suspended"
                                                                             : found->second.status;
    if (status != params.value("status", "ok")) return false;
  }
  if (params.contains("delivery")) {
    const std::string id = params["delivery"];
    const int attempts = params.value("attempts", 1);
    bool enough = false;
    for (const Delivery& delivery : community.deliveries) {
      enough = enough || (delivery.event && delivery.event->id == id && !delivery.in_work &&
                          delivery.attempts >= attempts);
    }
    if (!enough) return false;
  }
  return true;
}

}  // namespace sufler::fakes::vk
