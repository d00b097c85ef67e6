// The platform's side of the wire: long poll and the methods that a bot of the load calls.
#include <algorithm>
#include <cmath>

#include "fakes/vk/load_run.h"
#include "fakes/vk/script.h"

namespace sufler::fakes::vk {
namespace {

constexpr std::size_t kInputsInAnswer = 100;  // as many as Telegram gives at once; echoes come beside them
constexpr std::size_t kRemembered = 20;       // messages that a random_id is compared with

}  // namespace

void Load::answer_soon() {
  if (!poll_ || answer_planned_) return;
  // After all requests of this round, so that one answer takes what they have brought.
  answer_planned_ = true;
  server_.call_after(milliseconds(0), [this] {
    answer_planned_ = false;
    if (poll_ && !queue_.empty()) answer_poll();
  });
}

void Load::answer_poll() {
  HttpReply reply;
  std::int64_t ts = poll_->ts;
  std::size_t count = 0;
  std::size_t inputs = 0;
  std::string list;
  for (Queued& queued : queue_) {
    if (queued.ts <= poll_->ts) continue;
    if (queued.input && inputs++ == kInputsInAnswer) break;
    if (count++ > 0) list += ',';
    list += queued.json;
    ts = queued.ts;
    if (!queued.input) {
      ++echoes_delivered_;
    } else if (queued.delivered) {
      ++redelivered_;
    } else {
      ++delivered_;
    }
    queued.delivered = true;
  }
  if (count > 0) ++batches_;
  reply.body = R"({"ts":")" + std::to_string(ts) + R"(","updates":[)" + list + "]}";
  server_.reply(poll_->connection, std::move(reply));
  poll_.reset();
}

void Load::serve_poll(const HttpRequest& request) {
  FormData form;
  read_urlencoded(request.query, form);
  Poll poll{request.connection, 0, ++poll_number_};
  std::int64_t wait = 25;
  for (const auto& [name, value] : form.fields) {
    if (name == "ts") poll.ts = std::strtoll(value.c_str(), nullptr, 10);
    if (name == "wait") wait = std::strtoll(value.c_str(), nullptr, 10);
  }
  if (!polled_) first_poll_ = Clock::now();
  polled_ = true;
  ++requests_["longpoll"];
  while (!queue_.empty() && queue_.front().ts <= poll.ts) queue_.pop_front();
  if (poll_) answer_poll();
  poll_ = poll;
  if (!queue_.empty() || wait == 0) return answer_poll();
  server_.call_after(std::chrono::seconds(wait), [this, number = poll.number] {
    if (poll_ && poll_->number == number) answer_poll();
  });
}

std::string Load::field(const Fields& fields, const char* name) {
  const auto found = fields.find(name);
  return found == fields.end() ? std::string{} : found->second;
}

void Load::release(int user, milliseconds after) {
  if (after.count() == 0) {
    next_input(user);
  } else {
    server_.call_after(after, [this, user] { next_input(user); });
  }
}

std::array<std::int64_t, 2> Load::send_to(std::int64_t peer, const Fields& fields, bool edit,
                                          std::vector<int>& released) {
  const std::string text = field(fields, "message");
  const bool to_admin = peer == options_.admin;
  const std::int64_t index = peer - options_.first_user;
  if (!to_admin && (index < 0 || index >= options_.users)) throw api_error(901);
  LoadUser& user = to_admin ? admin_ : users_[static_cast<std::size_t>(index)];
  const std::int64_t random_id = std::strtoll(field(fields, "random_id").c_str(), nullptr, 10);
  if (!edit && random_id != 0) {
    for (const auto& sent : user.sent) {
      if (sent.random_id == random_id) return {sent.message_id, sent.cmid};
    }
  }
  const std::int64_t id = next_message_++;
  const std::int64_t cmid = user.next_cmid++;
  user.sent.push_back({random_id, id, cmid});
  if (user.sent.size() > kRemembered) user.sent.pop_front();
  if (to_admin) {
    if (!edit) admin_message(text);
  } else if (user_message(static_cast<int>(index), text, edit, field(fields, "keyboard"), cmid)) {
    released.push_back(static_cast<int>(index));
  }
  if (options_.echo && !edit && events_on_.contains("message_reply")) {
    std::string json = event("message_reply");
    add_message(json, id, cmid, peer, -options_.group_id, random_id, text);
    push(json + "}}", false);
  }
  return {id, cmid};
}

std::string Load::send(const Fields& fields, std::vector<int>& released) {
  if (!fields.contains("random_id")) throw invalid("random_id is a required parameter");
  const std::string many = field(fields, "peer_ids");
  if (many.empty()) {
    const std::string one = field(fields, fields.contains("user_id") ? "user_id" : "peer_id");
    return std::to_string(
        send_to(std::strtoll(one.c_str(), nullptr, 10), fields, false, released)[0]);
  }
  std::string out = "[";
  for (std::size_t at = 0; at < many.size();) {
    const std::size_t comma = std::min(many.find(',', at), many.size());
    const std::int64_t peer = std::strtoll(many.c_str() + at, nullptr, 10);
    at = comma + 1;
    if (out.size() > 1) out += ',';
    out += R"({"peer_id":)" + std::to_string(peer);
    try {
      const auto [id, cmid] = send_to(peer, fields, false, released);
      out += R"(,"message_id":)" + std::to_string(id) + R"(,"conversation_message_id":)" +
             std::to_string(cmid) + '}';
    } catch (const ApiError& error) {
      out += R"(,"message_id":0,"error":{"code":)" + std::to_string(error.code) +
             R"(,"description":)" + Json(error.description).dump() + "}}";
    }
  }
  return out + ']';
}

std::string Load::run(const std::string& method, const Fields& fields, std::vector<int>& released) {
  ++requests_[method];
  if (method == "messages.send") return send(fields, released);
  if (method == "messages.edit") {
    send_to(std::strtoll(field(fields, "peer_id").c_str(), nullptr, 10), fields, true, released);
    return "1";
  }
  if (method == "messages.sendMessageEventAnswer") {
    const auto found = callbacks_.find(field(fields, "event_id"));
    if (found == callbacks_.end() || field(fields, "user_id") != std::to_string(found->second)) {
      throw invalid("event_id");
    }
    callbacks_.erase(found);
    return "1";
  }
  if (method == "messages.setActivity" || method == "messages.markAsRead" ||
      method == "messages.markAsAnsweredConversation" || method == "groups.setSettings") {
    return "1";
  }
  if (method == "users.get") {
    std::string out = "[";
    const std::string ids = field(fields, "user_ids");
    for (std::size_t at = 0; at < ids.size(); at = std::min(ids.find(',', at), ids.size()) + 1) {
      const std::string id = std::to_string(std::strtoll(ids.c_str() + at, nullptr, 10));
      if (out.size() > 1) out += ',';
      out += R"({"id":)" + id + R"(,"first_name":"User)" + id +
             R"(","last_name":"Test","is_closed":false,"can_access_closed":true})";
    }
    return out + ']';
  }
  if (method == "groups.getById") {
    return R"({"groups":[{"id":)" + std::to_string(options_.group_id) +
           R"(,"name":"Load","screen_name":"load","is_closed":0,"type":"group"}],"profiles":[]})";
  }
  if (method == "groups.getTokenPermissions") {
    return R"({"mask":397316,"permissions":[{"name":"messages","setting":4096},)"
           R"({"name":"manage","setting":262144},{"name":"photos","setting":4},)"
           R"({"name":"docs","setting":131072}]})";
  }
  if (method == "groups.setLongPollSettings") {
    for (const auto& [name, value] : fields) {
      if (!name.starts_with("message_")) continue;
      if (value == "1") events_on_.insert(name);
      if (value == "0") events_on_.erase(name);
    }
    return "1";
  }
  if (method == "groups.getLongPollSettings") {
    Json events = Json::object();
    for (const std::string& name : events_on_) events[name] = 1;
    return Json{{"is_enabled", true}, {"api_version", "5.199"}, {"events", events}}.dump();
  }
  if (method == "groups.getLongPollServer") {
    return Json{{"key", "key"},
                {"server", root_ + "/longpoll/" + std::to_string(options_.group_id)},
                {"ts", std::to_string(queue_.empty() ? ts_ : queue_.front().ts - 1)}}
        .dump();
  }
  if (method == "groups.getCallbackServers" || method == "messages.getHistory" ||
      method == "messages.getConversations") {
    return R"({"count":0,"items":[]})";
  }
  if (method == "messages.isMessagesFromGroupAllowed") return R"({"is_allowed":1})";
  ++unknown_methods_;
  throw api_error(3);
}

std::string Load::execute(const std::string& code, std::vector<int>& released) {
  bool list = false;
  const std::vector<ScriptCall> calls = read_script(code, list);
  if (calls.size() > 25) throw api_error(13, "Too many API calls");
  std::string results;
  std::string errors;
  for (const ScriptCall& call : calls) {
    if (!results.empty()) results += ',';
    try {
      results += run(call.method, Params::from_json(call.params, false).values(), released);
    } catch (const ApiError& error) {
      results += "false";
      ++api_errors_[error.code];
      if (!errors.empty()) errors += ',';
      errors +=
          Json{{"method", call.method}, {"error_code", error.code}, {"error_msg", error.description}}
              .dump();
    }
  }
  std::string out = R"({"response":)" + (list ? "[" + results + "]" : results);
  if (!errors.empty()) out += R"(,"execute_errors":[)" + errors + "]";
  return out + "}";
}

void Load::serve(HttpRequest&& request) {
  ++http_requests_;
  if (request.path.starts_with("/longpoll/")) return serve_poll(request);
  HttpReply reply;
  if (!request.path.starts_with("/method/")) {
    reply.status = 404;
    return server_.reply(request.connection, std::move(reply));
  }
  const std::string method = request.path.substr(8);
  std::vector<int> released;
  milliseconds latency{0};
  try {
    FormData form;
    read_urlencoded(request.query, form);
    const std::string_view type = request.header("content-type");
    if (type.starts_with("multipart/")) {
      read_multipart(request.body, type, form);
    } else {
      read_urlencoded(request.body, form);
    }
    Fields fields;
    for (auto& [name, value] : form.fields) fields[std::move(name)] = std::move(value);
    std::string token = field(fields, "access_token");
    const std::string_view bearer = request.header("authorization");
    if (token.empty() && bearer.starts_with("Bearer ")) token = bearer.substr(7);
    if (token != options_.token) throw api_error(5, "invalid access_token (4).");
    if (method == "execute") {
      ++requests_["execute"];
      reply.body = execute(field(fields, "code"), released);
    } else {
      reply.body = R"({"response":)" + run(method, fields, released) + '}';
    }
    if (options_.latency_ms > 0 && (method == "messages.send" || method == "execute")) {
      latency = milliseconds(std::llround(options_.latency_ms));
    }
  } catch (const ApiError& error) {
    ++api_errors_[error.code];
    reply.body =
        Json{{"error", {{"error_code", error.code}, {"error_msg", error.description}}}}.dump();
  }
  reply.delay = latency;
  server_.reply(request.connection, std::move(reply));
  for (const int user : released) release(user, latency);
}

}  // namespace sufler::fakes::vk
