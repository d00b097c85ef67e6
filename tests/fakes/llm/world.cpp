#include "fakes/llm/world.h"

#include <algorithm>
#include <ctime>
#include <utility>

#include "fakes/common/form_data.h"
#include "fakes/llm/checks.h"

namespace sufler::fakes {
namespace {

using std::chrono::milliseconds;

const std::set<std::string>& methods() {
  static const std::set<std::string> kAll = {"chat", "embeddings", "models", "oauth"};
  return kAll;
}

std::string http_date(std::int64_t unix_s) {
  const std::time_t seconds = unix_s;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[64];
  std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return text;
}

bool is_uuid4(std::string_view text) {
  return text.size() == 36 && text[8] == '-' && text[13] == '-' && text[14] == '4' && text[18] == '-' && text[23] == '-';
}

}  // namespace

LlmWorld::LlmWorld(FakeLlmOptions options, HttpServer& server)
    : Platform(server, {.name = "fake llm", .account = "account", .place = "place", .description = "error", .garbage = "{\"choices\":["}, 100'000),
      options_(std::move(options)) {}

// ---- requests

void LlmWorld::serve(HttpRequest&& request) {
  ++came_;
  ApiCall call;
  const std::string base = path();
  if (request.path == base + "/chat/completions") call.method = "chat";
  if (request.path == base + "/embeddings") call.method = "embeddings";
  if (request.path == base + "/models") call.method = "models";
  if (request.path == "/api/v2/oauth" && options_.kind == "gigachat") call.method = "oauth";
  under_way_.insert(request.connection);
  most_at_once_ = std::max(most_at_once_, under_way_.size());
  changed();
  if (call.method.empty()) {
    call.method = "unknown";
    return send(request, std::move(call), refused({404, "Invalid URL (" + request.method + " " + request.path + ")"}));
  }
  const bool gets = call.method == "models";
  const Json body = gets || call.method == "oauth" ? Json(request.body) : Json::parse(request.body, nullptr, false);
  call.params = {{"body", body}, {"project", std::string(request.header("openai-project"))}};
  const auto fault = take_fault(0, call.method, std::nullopt, false);
  if (fault) call.fault = fault->kind;
  HttpReply reply;
  try {
    if (fault) {
      if (auto spoilt = fault_reply(*fault, call.method)) {
        call.error_code = spoilt->status;
        return send(request, std::move(call), std::move(*spoilt));
      }
    }
    if (request.method != (gets ? "GET" : "POST")) refuse_request(405, "Not allowed to " + request.method + " on " + request.path);
    if (request.body_too_large) refuse_request(413, "The request is too large");
    if (call.method == "oauth") {
      reply = give_token(request, call);
    } else {
      check_key(request);
      if (!gets && media_type(request.header("content-type")) != "application/json")
        refuse_request(415, "Unsupported Media Type");
      if (!gets && !body.is_object())
        refuse_request(400, "We could not parse the JSON body of your request.");
      if (options_.kind == "yandex" && request.header("openai-project").empty()) refuse_request(400, "Specify OpenAI-Project header");
      reply = gets ? models() : call.method == "chat" ? chat(body, call, fault) : embeddings(body);
    }
    call.ok = call.applied = true;
  } catch (const ApiError& error) {
    call.error_code = error.code;
    call.description = error.description;
    return send(request, std::move(call), refused(error));
  } catch (const Json::exception& error) {
    call.error_code = 400;
    call.description = error.what();
    return send(request, std::move(call), refused({400, std::string("wrong type: ") + error.what()}));
  }
  if (fault) spoil(reply, *fault);
  send(request, std::move(call), std::move(reply));
}

/// The place of the request is free once its answer leaves.
void LlmWorld::send(const HttpRequest& request, ApiCall call, HttpReply reply) {
  const milliseconds delay = std::exchange(reply.delay, milliseconds(0));
  const auto leave = [this, connection = request.connection, reply = std::move(reply)]() mutable {
    under_way_.erase(connection);
    server_.reply(connection, std::move(reply));
  };
  log(std::move(call));
  if (delay.count() > 0) {
    later(delay, leave);
  } else {
    auto now = leave;
    now();
  }
}

void LlmWorld::forget(ConnectionId connection) { under_way_.erase(connection); }

void LlmWorld::check_key(const HttpRequest& request) {
  const std::string header(request.header("authorization"));
  if (options_.kind == "gigachat") {
    const std::string token = header.starts_with("Bearer ") ? header.substr(7) : "";
    const auto found = tokens_.find(token);
    if (found == tokens_.end() || found->second <= now_ms()) refuse_request(401, "Token has expired");
    return;
  }
  if (header.empty()) refuse_request(401, "You didn't provide an API key.");
  const bool good = header == "Bearer " + options_.key || (options_.kind == "yandex" && header == "Api-Key " + options_.key);
  // Servers like to repeat what they were given.
  if (!good) refuse_request(401, "Incorrect API key provided: " + header.substr(std::min<std::size_t>(7, header.size())) + ".", {}, "invalid_api_key");
}

void LlmWorld::check_model(const std::string& model) {
  if (std::find(options_.models.begin(), options_.models.end(), model) == options_.models.end())
    refuse_request(404, "The model `" + model + "` does not exist or you do not have access to it.", {}, "model_not_found");
}

HttpReply LlmWorld::chat(const Json& body, ApiCall& call, const std::optional<FaultRule>& fault) {
  check_chat(body, options_.kind);
  check_model(body["model"]);
  const std::int64_t tokens = tokens_of(body);
  if (options_.context_tokens > 0 && tokens > options_.context_tokens) {
    refuse_request(400, "This model's maximum context length is " + std::to_string(options_.context_tokens) + " tokens. However, your messages resulted in " +
                            std::to_string(tokens) + " tokens. Please reduce the length of the messages.",
                   "messages", "context_length_exceeded");
  }
  const Script script = next_script(body);
  const std::string kind = fault ? fault->kind : std::string();
  Said said{options_.kind, std::to_string(serial_++), body["model"], now_s(), tokens};
  HttpReply reply;
  reply.delay = milliseconds(script.delay_ms);
  if (body.value("stream", false) && kind != "plain") {
    const StreamFault broken = kind == "stream_error" ? StreamFault::Error : kind == "stream_cut" ? StreamFault::Cut : kind == "no_done" ? StreamFault::NoDone : StreamFault::None;
    const bool usage = body.value("stream_options", Json::object()).value("include_usage", false) || options_.kind == "gigachat";
    reply.content_type = "text/event-stream; charset=utf-8";
    reply.body = stream_of(script, said, usage, broken);
    if (script.piece > 0) {
      reply.ending = Ending::Slow;
      reply.slow_step = milliseconds(1);
      reply.slow_piece = script.piece;
    }
  } else {
    Json answer = whole_answer(script, said);
    call.result = answer;
    reply.body = wire_text(answer);
  }
  return reply;
}

Script LlmWorld::next_script(const Json& body) {
  const std::string words = last_words(body);
  for (auto script = scripts_.begin(); script != scripts_.end(); ++script) {
    if (!script->when.empty() && words.find(script->when) == std::string::npos) continue;
    Script taken = *script;
    if (script->times > 0 && --script->times == 0) scripts_.erase(script);
    return taken;
  }
  Script echo;
  echo.text = "echo: " + words;
  const Json format = body.value("response_format", Json::object());
  if (format.value("type", "") == "json_object") echo.text = "{}";
  if (format.value("type", "") == "json_schema") {
    Json schema = format.contains("json_schema") ? format["json_schema"] : format["schema"];
    if (options_.kind != "yandex" && options_.kind != "gigachat") schema = schema["schema"];
    echo.text = least_of(schema).dump();
  }
  return echo;
}

HttpReply LlmWorld::embeddings(const Json& body) {
  check_embeddings(body, options_.kind);
  std::vector<std::string> texts;
  if (body["input"].is_string()) {
    texts.push_back(body["input"]);
  } else {
    texts = body["input"].get<std::vector<std::string>>();
  }
  Json data = Json::array();
  std::int64_t tokens = 0;
  // Something that differs from text to text; the last comes first, since the order is nobody's promise.
  for (std::size_t i = texts.size(); i-- > 0;) {
    std::uint32_t hash = 2166136261U;
    for (const char c : texts[i]) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
    Json vector = Json::array();
    for (int n = 0; n < 8; ++n) vector.push_back(static_cast<double>((hash >> (n * 4)) & 15U) / 16.0 + 0.01);
    data.push_back({{"object", "embedding"}, {"index", i}, {"embedding", vector}});
    tokens += static_cast<std::int64_t>(texts[i].size()) / 4 + 1;
  }
  HttpReply reply;
  reply.body = wire_text({{"object", "list"}, {"data", data}, {"model", body["model"]}, {"usage", {{"prompt_tokens", tokens}, {"total_tokens", tokens}}}});
  return reply;
}

HttpReply LlmWorld::models() {
  Json data = Json::array();
  for (const std::string& model : options_.models) data.push_back({{"id", model}, {"object", "model"}, {"created", now_s()}, {"owned_by", "fake"}});
  HttpReply reply;
  reply.body = wire_text({{"object", "list"}, {"data", data}});
  return reply;
}

HttpReply LlmWorld::give_token(const HttpRequest& request, ApiCall& call) {
  if (request.header("authorization") != "Basic " + options_.key) refuse_request(401, "Authorization error: header is incorrect");
  if (!is_uuid4(request.header("rquid"))) refuse_request(400, "Missing header: RqUID");
  if (media_type(request.header("content-type")) != "application/x-www-form-urlencoded") refuse_request(415, "Unsupported Media Type");
  const std::set<std::string> scopes = {"scope=GIGACHAT_API_PERS", "scope=GIGACHAT_API_B2B", "scope=GIGACHAT_API_CORP"};
  if (!scopes.contains(request.body)) refuse_request(400, "scope is empty or wrong");
  const std::string token = "eyJ-CANARY-of-the-fake-token-" + std::to_string(serial_++);
  const std::int64_t end = now_ms() + std::chrono::duration_cast<milliseconds>(options_.token_lifetime).count();
  tokens_[token] = end;
  call.params["body"] = request.body;
  HttpReply reply;
  reply.body = wire_text({{"access_token", token}, {"expires_at", end}});
  return reply;
}

// ---- failures

HttpReply LlmWorld::refused(const ApiError& error) const {
  HttpReply reply;
  reply.status = error.code;
  Json envelope;
  const auto more = [&](const char* name) { return error.more.is_object() ? error.more.value(name, Json()) : Json(); };
  if (options_.kind == "gigachat") {
    envelope = {{"status", error.code}, {"message", error.description}};
  } else if (options_.kind == "vllm" || options_.kind == "llamacpp") {
    envelope = {{"error", {{"message", error.description}, {"type", error.code == 404 ? "NotFoundError" : "BadRequestError"}, {"param", nullptr}, {"code", error.code}}}};
  } else {
    envelope = {{"error", {{"message", error.description}, {"type", "invalid_request_error"}, {"param", more("param")}, {"code", more("code")}}}};
  }
  reply.body = wire_text(envelope);
  return reply;
}

const std::set<std::string>& LlmWorld::own_faults() {
  static const std::set<std::string> kKinds = {"rate_limit", "quota", "loading", "unauthorized", "country", "context", "filtered", "empty", "no_words",
                                               "html", "huge", "plain", "stream_error", "stream_cut", "no_done", "hang"};
  return kKinds;
}

std::optional<HttpReply> LlmWorld::fault_reply(const FaultRule& fault, const std::string& method) const {
  const std::string& kind = fault.kind;
  const auto error = [&](int status, const char* message, const char* type, const Json& code) {
    HttpReply reply;
    reply.status = status;
    reply.body = wire_text({{"error", {{"message", message}, {"type", type}, {"param", nullptr}, {"code", code}}}});
    const std::int64_t after = fault.number("retry_after", 0);
    if (after > 0) reply.headers.emplace_back("Retry-After", fault.json.value("as_date", false) ? http_date(now_s() + after) : std::to_string(after));
    reply.delay = milliseconds(fault.number("delay_ms", 0));
    return reply;
  };
  const auto page = [&](int status, const std::string& body, const std::string& type) {
    HttpReply reply;
    reply.status = status;
    reply.body = body;
    reply.content_type = type;
    return reply;
  };
  if (kind == "rate_limit") return error(429, "Rate limit reached for fake-model on requests per min (RPM): Limit 3, Used 3, Requested 1.", "requests", "rate_limit_exceeded");
  if (kind == "quota") return error(429, "You exceeded your current quota, please check your plan and billing details.", "insufficient_quota", "insufficient_quota");
  if (kind == "loading") return error(503, "Loading model", "unavailable_error", 503);
  if (kind == "unauthorized") return error(401, "Incorrect API key provided.", "invalid_request_error", "invalid_api_key");
  if (kind == "country") return error(403, "Country, region, or territory not supported", "request_forbidden", "unsupported_country_region_territory");
  if (kind == "context") return error(400, "This model's maximum context length is 8192 tokens.", "invalid_request_error", "context_length_exceeded");
  if (kind == "filtered") return error(400, "The response was filtered due to the prompt triggering content management policy.", "invalid_request_error", "content_filter");
  if (kind == "server_error") return error(500, "The server had an error while processing your request. Sorry about that!", "server_error", nullptr);
  if (kind == "bad_gateway") return page(502, error_page("502 Bad Gateway", "nginx"), "text/html");
  if (kind == "html") return page(200, error_page("Welcome", "proxy"), "text/html");
  if (kind == "empty") return page(200, "", "application/json");
  if (kind == "no_words") return page(200, R"({"choices":[{"index":0,"message":{"role":"assistant","content":null},"finish_reason":"stop"}]})", "application/json");
  if (kind == "huge") {
    const auto size = static_cast<std::size_t>(fault.number("size", std::int64_t{8} << 20));
    return page(200, R"({"choices":[{"index":0,"message":{"role":"assistant","content":")" + std::string(size, 'x') + R"("},"finish_reason":"stop"}]})", "application/json");
  }
  if (kind == "hang") {  // nothing for so long that nobody waits
    HttpReply reply = error(504, "Timeout", "server_error", nullptr);
    reply.delay = milliseconds(fault.number("delay_ms", 600'000));
    return reply;
  }
  if (kind == "custom") return custom_reply(fault, 500);
  if (kind == "drop") {
    HttpReply reply;
    reply.ending = Ending::Drop;
    return reply;
  }
  if (method != "chat" && (kind == "plain" || kind.starts_with("stream_") || kind == "no_done")) refuse("a stream is of chat");
  return std::nullopt;  // spoils the answer
}

// ---- the control API

bool LlmWorld::knows_method(const std::string& name) { return methods().contains(name); }

Json LlmWorld::act(const std::string& path, const Json& params) {
  if (path == "answer") {
    scripts_.push_back(Script::parse(params));
    return true;
  }
  if (path == "answers") return scripts_.size();
  if (path == "answers/clear") {
    scripts_.clear();
    return true;
  }
  if (path == "tokens/revoke") {
    tokens_.clear();
    return true;
  }
  if (path == "load") return {{"under_way", under_way_.size()}, {"most_at_once", most_at_once_}, {"came", came_}};
  refuse("no such path: " + path);
}

bool LlmWorld::set_option(const std::string& name, const Json& value) {
  if (name == "context_tokens") {
    options_.context_tokens = value;
  } else if (name == "token_lifetime_s") {
    options_.token_lifetime = std::chrono::seconds(value.get<std::int64_t>());
  } else {
    return false;
  }
  return true;
}

void LlmWorld::forget_all() {
  scripts_.clear();
  tokens_.clear();
  most_at_once_ = under_way_.size();
  came_ = 0;
}

std::vector<LlmRequest> LlmWorld::requests(const std::string& method) const {
  std::lock_guard lock(mutex_);
  std::vector<LlmRequest> all;
  for (const ApiCall& call : calls()) {
    if (!method.empty() && call.method != method) continue;
    LlmRequest one;
    one.method = call.method;
    if (call.params.contains("body")) one.body = call.params["body"].is_string() ? call.params["body"].get<std::string>() : call.params["body"].dump();
    one.project = call.params.value("project", "");
    one.ok = call.ok;
    one.status = call.ok ? 200 : call.error_code;
    one.error = call.description;
    one.fault = call.fault;
    all.push_back(std::move(one));
  }
  return all;
}

std::size_t LlmWorld::most_at_once() const {
  std::lock_guard lock(mutex_);
  return most_at_once_;
}

}  // namespace sufler::fakes
