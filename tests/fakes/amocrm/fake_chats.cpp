#include "fakes/amocrm/fake_chats.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <ctime>
#include <deque>
#include <map>
#include <mutex>
#include <set>

#include "fakes/common/api_error.h"
#include "fakes/common/http_post.h"
#include "fakes/common/http_server.h"

namespace sufler::fakes {
namespace {

std::string hex(const unsigned char* bytes, unsigned size) {
  std::string out;
  for (unsigned i = 0; i < size; ++i) {
    out.push_back("0123456789abcdef"[bytes[i] >> 4]);
    out.push_back("0123456789abcdef"[bytes[i] & 15]);
  }
  return out;
}

std::string md5(const std::string& bytes) {
  unsigned char sum[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_Digest(bytes.data(), bytes.size(), sum, &size, EVP_md5(), nullptr);
  return hex(sum, size);
}

std::string hmac(const std::string& secret, const std::string& bytes) {
  unsigned char sum[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  HMAC(EVP_sha1(), secret.data(), static_cast<int>(secret.size()), reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), sum, &size);
  return hex(sum, size);
}

/// Seconds since 1970 of `Wed, 15 Dec 2021 23:12:55 +0000`; 0 when it is written in another way.
std::time_t date_of(const std::string& text) {
  std::tm at{};
  const char* end = strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S +0000", &at);
  if (end == nullptr || *end != 0) return 0;
  return timegm(&at);
}

constexpr std::time_t kFresh = 15 * 60;

/// What the documentation knows of: anything else is a mistake of ours.
void only(const Json& object, const std::set<std::string>& names, const std::string& where) {
  if (!object.is_object()) throw ApiError{400, where + " is no object"};
  for (const auto& [name, value] : object.items())
    if (!names.contains(name)) throw ApiError{400, where + "." + name + " is unknown"};
}

std::string text_at(const Json& object, const char* name, bool needed = true) {
  if (!object.contains(name)) {
    if (needed) throw ApiError{400, std::string(name) + " is missing"};
    return {};
  }
  if (!object[name].is_string()) throw ApiError{400, std::string(name) + " is no text"};
  if (needed && object[name].get<std::string>().empty()) throw ApiError{400, std::string(name) + " is empty"};
  return object[name];
}

void check_user(const Json& user, const std::string& where) {
  only(user, {"id", "name", "avatar", "profile", "profile_link", "ref_id"}, where);
  text_at(user, "id");
  text_at(user, "name");
  if (user.contains("profile")) only(user["profile"], {"phone", "email"}, where + ".profile");
}

}  // namespace

struct FakeChats::Impl {
  explicit Impl(FakeChatsOptions given) : options(std::move(given)) {
    HttpServer::Handlers handlers;
    handlers.on_head = [](const HttpRequest&) { return true; };
    handlers.on_request = [this](HttpRequest&& request) { serve(request); };
    handlers.on_close = [](ConnectionId) {};
    server.start(options.port, std::size_t{4} << 20, std::move(handlers));
  }
  ~Impl() { server.stop(); }

  struct Fault {
    std::string kind;
    int status = 500;
    bool carried_out = false;
  };

  const FakeChatsOptions options;
  HttpServer server;
  mutable std::mutex mutex;
  mutable std::condition_variable changed;
  std::string scope;
  std::vector<ChatRequest> requests;
  std::vector<ChatMessage> messages;
  std::vector<ChatStatus> statuses;
  std::vector<ChatOpening> openings;
  std::deque<Fault> faults;
  std::map<std::string, std::string> files;
  std::size_t repeats = 0;
  std::size_t serial = 1;
  struct Said {
    std::string conversation;  ///< ours
    Json entry;                ///< of the history
  };
  std::vector<Said> said;  ///< oldest first

  void check_signature(const HttpRequest& request) const {
    const std::string date(request.header("date")), sum(request.header("content-md5")), type(request.header("content-type"));
    const std::time_t at = date_of(date), now = std::time(nullptr);
    if (at == 0) throw ApiError{403, "the date is no RFC 2822 date: " + date};
    if (at > now + kFresh || at < now - kFresh) throw ApiError{403, "the date is too old: " + date};
    if (sum != md5(request.body)) throw ApiError{403, "Content-MD5 is not of the body"};
    const std::string signature = hmac(options.secret, request.method + "\n" + sum + "\n" + type + "\n" + date + "\n" + request.path);
    if (std::string(request.header("x-signature")) != signature) throw ApiError{403, "X-Signature is wrong"};
    if (type != "application/json") throw ApiError{400, "Content-Type is " + type};
  }

  std::string new_id() {
    const std::string number = std::to_string(serial++);
    return "00000000-0000-4000-8000-" + std::string(12 - number.size(), '0') + number;
  }

  /// Kind of a path, and what is behind the scope.
  std::string kind_of(const std::string& path, std::string& msgid) const {
    const std::string base = "/v2/origin/custom/";
    if (path == base + options.channel + "/connect") return "connect";
    if (scope.empty() || !path.starts_with(base + scope)) return {};
    const std::string rest = path.substr(base.size() + scope.size());
    if (rest.empty()) return "message";
    if (rest == "/chats") return "open";
    if (rest.starts_with("/chats/") && rest.ends_with("/history")) {
      msgid = rest.substr(7, rest.size() - 7 - 8);
      return "history";
    }
    const std::string end = "/delivery_status";
    if (rest.size() > end.size() + 1 && rest.ends_with(end)) {
      msgid = rest.substr(1, rest.size() - end.size() - 1);
      return "delivery";
    }
    return {};
  }

  Json act(const std::string& kind, const std::string& msgid, const Json& body) {
    if (kind == "connect") {
      only(body, {"account_id", "title", "hook_api_version"}, "body");
      if (text_at(body, "account_id") != options.account) throw ApiError{404, "there is no such account"};
      if (text_at(body, "hook_api_version") != "v2") throw ApiError{400, "hook_api_version"};
      text_at(body, "title");
      scope = options.channel + "_" + options.account;
      return {{"account_id", options.account}, {"scope_id", scope}, {"title", body["title"]}, {"hook_api_version", "v2"}};
    }
    if (kind == "open") return open(body);
    if (kind == "message") return take(body);
    only(body, {"msgid", "delivery_status", "status_code", "error_code", "error"}, "body");
    ChatStatus status;
    status.msgid = msgid;
    if (body.contains("msgid") && body["msgid"] != msgid) throw ApiError{400, "msgid is another one"};
    if (body.contains("delivery_status") == body.contains("status_code")) throw ApiError{400, "delivery_status or status_code"};
    status.status = body.contains("delivery_status") ? body["delivery_status"] : body["status_code"];
    if (!std::set<int>{1, 2, -1}.contains(status.status)) throw ApiError{400, "the status"};
    if (status.status == -1) {
      status.error_code = body.value("error_code", 0);
      status.error = text_at(body, "error");
      if (status.error_code < 901 || status.error_code > 905) throw ApiError{400, "error_code"};
    }
    statuses.push_back(status);
    return Json::object();
  }

  Json open(const Json& body) {
    only(body, {"conversation_id", "source", "user", "account_id"}, "body");
    ChatOpening opening;
    opening.conversation = text_at(body, "conversation_id");
    check_user(body.value("user", Json()), "user");
    opening.name = body["user"]["name"];
    if (body["user"].contains("profile")) opening.phone = body["user"]["profile"].value("phone", "");
    const auto known = std::find_if(openings.begin(), openings.end(), [&](const ChatOpening& one) { return one.conversation == opening.conversation; });
    if (known == openings.end()) {
      opening.id = new_id();
      openings.push_back(opening);
    } else {
      opening = *known;
    }
    return {{"id", opening.id}, {"user", {{"id", new_id()}, {"client_id", body["user"]["id"]}, {"name", opening.name}, {"phone", opening.phone}}}};
  }

  Json take(const Json& body) {
    only(body, {"event_type", "payload"}, "body");
    const std::string type = text_at(body, "event_type");
    const Json payload = body.value("payload", Json());
    only(payload, {"timestamp", "msec_timestamp", "msgid", "conversation_id", "conversation_ref_id", "silent", "source", "sender", "receiver", "message", "reply_to", "forwards"}, "payload");
    ChatMessage message;
    message.msgid = text_at(payload, "msgid");
    message.conversation = text_at(payload, "conversation_id");
    message.msec_timestamp = payload.at("msec_timestamp");
    if (payload.at("timestamp").get<std::int64_t>() != message.msec_timestamp / 1000) throw ApiError{400, "timestamp"};
    const Json content = payload.value("message", Json());
    only(content, {"type", "text", "media", "file_name", "file_size", "location", "contact"}, "message");
    message.type = text_at(content, "type");
    message.text = text_at(content, "text", message.type == "text");
    message.media = text_at(content, "media", message.type != "text");
    const auto known = std::find_if(messages.begin(), messages.end(), [&](const ChatMessage& one) { return one.msgid == message.msgid; });
    if (type == "edit_message") {
      if (known == messages.end()) throw ApiError{404, "there is no such message"};
      known->text = message.text;
      known->edited = true;
      return Json::object();
    }
    if (type != "new_message") throw ApiError{400, "event_type"};
    check_user(payload.value("sender", Json()), "sender");
    message.by_bot = payload.contains("receiver");
    if (message.by_bot) check_user(payload["receiver"], "receiver");
    message.silent = payload.value("silent", false);
    if (known == messages.end()) {
      message.id = new_id();
      messages.push_back(message);
      // The channel's bot is nobody of ours there; anybody else of ours keeps the id that we gave.
      const Json& by = payload["sender"];
      Json sender = {{"id", new_id()}, {"name", by["name"]}};
      if (by.contains("ref_id")) sender["id"] = by["ref_id"];
      else sender["client_id"] = by["id"];
      remember(message.conversation, sender, message.id, message.msgid, message.text);
    } else {
      ++repeats;
      message.id = known->id;
    }
    return {{"new_message", {{"conversation_id", message.conversation}, {"sender_id", "1"}, {"receiver_id", "2"}, {"msgid", message.id}, {"ref_id", message.msgid}}}};
  }

  /// A page, newest first, of the chat with this id.
  Json history(const std::string& chat, const std::string& query) const {
    const auto number = [&](const std::string& name, int least, int most) {
      const std::size_t at = ("&" + query).find("&" + name + "=");
      if (at == std::string::npos) throw ApiError{400, name + " is missing"};
      const int value = std::atoi(query.c_str() + at + name.size() + 1);
      if (value < least || value > most) throw ApiError{400, name};
      return static_cast<std::size_t>(value);
    };
    const std::size_t offset = number("offset", 0, 1'000'000), limit = number("limit", 1, 50);
    const auto opening = std::find_if(openings.begin(), openings.end(), [&](const ChatOpening& one) { return one.id == chat; });
    if (opening == openings.end()) throw ApiError{404, "there is no such chat"};
    Json all = Json::array();
    std::size_t skipped = 0;
    for (auto one = said.rbegin(); one != said.rend() && all.size() < limit; ++one)
      if (one->conversation == opening->conversation && skipped++ >= offset) all.push_back(one->entry);
    return {{"messages", all}};
  }
  /// As a page of the history has it; without empty values, as the documentation allows.
  void remember(const std::string& conversation, const Json& sender, const std::string& id, const std::string& client_id, const std::string& text) {
    Json message = {{"id", id}, {"type", "text"}, {"text", text}};
    if (!client_id.empty()) message["client_id"] = client_id;
    const std::int64_t now = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
    said.push_back({conversation, {{"timestamp", now / 1000}, {"msec_timestamp", now}, {"sender", sender}, {"message", message}}});
  }

  void serve(const HttpRequest& request) {
    HttpReply reply;
    {
      const std::lock_guard lock(mutex);
      if (request.method == "GET" && request.path.starts_with("/attachments/")) {
        const auto file = files.find(request.path.substr(13));
        reply.status = file == files.end() ? 404 : 200;
        reply.content_type = "application/octet-stream";
        if (file != files.end()) reply.body = file->second;
      } else {
        reply = answer(request);
      }
    }
    changed.notify_all();
    server.reply(request.connection, std::move(reply));
  }

  HttpReply answer(const HttpRequest& request) {
    std::string msgid;
    ChatRequest one;
    one.kind = kind_of(request.path, msgid);
    one.body = request.body;
    HttpReply reply;
    const auto fault = std::find_if(faults.begin(), faults.end(), [&](const Fault& known) { return known.kind.empty() || known.kind == one.kind; });
    std::optional<Fault> spoiled;
    if (fault != faults.end()) {
      spoiled = *fault;
      faults.erase(fault);
    }
    try {
      if (one.kind.empty()) throw ApiError{404, "there is no such path or scope"};
      if (request.method != (one.kind == "history" ? "GET" : "POST")) throw ApiError{405, "another method"};
      check_signature(request);
      if (one.kind == "history") {
        const Json page = history(msgid, request.query);
        reply.body = wire_text(page);
        if (page["messages"].empty()) reply.status = 204, reply.body.clear();
        if (spoiled) reply.status = spoiled->status, reply.body = "{}";
        one.status = reply.status;
        requests.push_back(one);
        return reply;
      }
      const Json body = Json::parse(request.body, nullptr, false);
      if (body.is_discarded()) throw ApiError{400, "the body is no JSON"};
      if (!spoiled || spoiled->carried_out) reply.body = wire_text(act(one.kind, msgid, body));
    } catch (const ApiError& error) {
      one.error = error.description;
      reply.status = error.code;
    } catch (const Json::exception& error) {
      one.error = error.what();
      reply.status = 400;
    }
    if (!one.error.empty()) reply.body = wire_text({{"error_code", reply.status}, {"error_type", "error"}, {"error_description", one.error}});
    if (spoiled && one.error.empty()) {
      reply.status = spoiled->status;
      reply.body = "{}";
      if (spoiled->status == 0) {
        reply.status = 200;
        reply.ending = Ending::Drop;
      }
    }
    one.status = spoiled && one.error.empty() ? spoiled->status : reply.status;
    requests.push_back(one);
    return reply;
  }
};

FakeChats::FakeChats(FakeChatsOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
FakeChats::~FakeChats() = default;

std::string FakeChats::url() const { return "http://127.0.0.1:" + std::to_string(impl_->server.port()); }
const FakeChatsOptions& FakeChats::options() const { return impl_->options; }
std::string FakeChats::scope() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->scope;
}
std::vector<ChatRequest> FakeChats::requests(const std::string& kind) const {
  const std::lock_guard lock(impl_->mutex);
  std::vector<ChatRequest> found;
  for (const ChatRequest& one : impl_->requests)
    if (kind.empty() || one.kind == kind) found.push_back(one);
  return found;
}
std::vector<ChatMessage> FakeChats::messages() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->messages;
}
std::vector<ChatStatus> FakeChats::statuses() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->statuses;
}
std::vector<ChatOpening> FakeChats::openings() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->openings;
}
std::size_t FakeChats::repeats() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->repeats;
}

void FakeChats::fail_next(const std::string& kind, int status, int times, bool carried_out) {
  const std::lock_guard lock(impl_->mutex);
  for (int i = 0; i < times; ++i) impl_->faults.push_back({kind, status, carried_out});
}

void FakeChats::disconnect() {
  const std::lock_guard lock(impl_->mutex);
  impl_->scope.clear();
}

void FakeChats::add_file(const std::string& name, const std::string& bytes) {
  const std::lock_guard lock(impl_->mutex);
  impl_->files[name] = bytes;
}

bool FakeChats::wait(const std::function<bool()>& holds, std::chrono::milliseconds timeout) const {
  const auto until = std::chrono::steady_clock::now() + timeout;
  for (;;) {
    if (holds()) return true;
    std::unique_lock lock(impl_->mutex);
    if (std::chrono::steady_clock::now() >= until) return false;
    impl_->changed.wait_for(lock, std::chrono::milliseconds(50));
  }
}

void FakeChats::write_unheard(const ManagerMessage& message) const {
  const std::lock_guard lock(impl_->mutex);
  impl_->remember(message.conversation, {{"id", "76fc2bea-902f-425c-9a3d-dcdac4766090"}, {"name", message.manager}}, message.id, {}, message.text);
}

int FakeChats::write(const std::string& webhook, const ManagerMessage& message) const {
  write_unheard(message);
  Json conversation = {{"id", message.their_conversation}};
  Json receiver = {{"id", "2ed64e26-70a1-4857-8382-bb066a076219"}, {"phone", nullptr}, {"email", nullptr}};
  if (!message.conversation.empty()) {
    conversation["client_id"] = message.conversation;
    receiver["client_id"] = "client";
  }
  const Json body = {{"account_id", impl_->options.account},
                     {"time", std::time(nullptr)},
                     {"message",
                      {{"receiver", receiver},
                       {"sender", {{"id", "76fc2bea-902f-425c-9a3d-dcdac4766090"}, {"name", message.manager}}},
                       {"conversation", conversation},
                       {"timestamp", std::time(nullptr)},
                       {"msec_timestamp", std::int64_t{std::time(nullptr)} * 1000},
                       {"message",
                        {{"id", message.id},
                         {"type", message.type},
                         {"text", message.text},
                         {"markup", nullptr},
                         {"tag", ""},
                         {"media", message.media},
                         {"thumbnail", ""},
                         {"file_name", ""},
                         {"file_size", 0}}}}}};
  return send_hook(webhook, wire_text(body));
}

int FakeChats::send_hook(const std::string& webhook, const std::string& body, const std::string& secret) const {
  const std::string signature = hmac(secret.empty() ? impl_->options.secret : secret, body);
  return http_post(webhook, {{"Content-Type", "application/json"}, {"X-Signature", signature}}, body, [] { return false; }).status;
}

int send_crm_hook(const std::string& webhook, const std::string& form) {
  return http_post(webhook, {{"Content-Type", "application/x-www-form-urlencoded"}}, form, [] { return false; }).status;
}

}  // namespace sufler::fakes
