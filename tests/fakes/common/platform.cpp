#include "fakes/common/platform.h"

#include <algorithm>
#include <stdexcept>

#include "fakes/common/call_params.h"
#include "fakes/common/form_data.h"

namespace sufler::fakes {
namespace {

using std::chrono::milliseconds;

constexpr std::string_view kControl = "/control/";

}  // namespace

Platform::Platform(HttpServer& server, PlatformWords words, std::size_t kept_calls)
    : server_(server), words_(std::move(words)), kept_calls_(kept_calls) {}

Platform::~Platform() { stop(); }

void Platform::start(int port, std::size_t max_body_bytes) {
  HttpServer::Handlers handlers;
  handlers.on_head = [this](const HttpRequest& request) { return on_head(request); };
  handlers.on_request = [this](HttpRequest&& request) { on_request(std::move(request)); };
  handlers.on_close = [this](ConnectionId connection) { on_close(connection); };
  if (!server_.start(port, max_body_bytes, std::move(handlers))) {
    throw std::runtime_error(words_.name + ": the port is taken");
  }
}

void Platform::stop() {
  {
    std::lock_guard lock(mutex_);
    if (stopping_) return;
    stopping_ = true;
  }
  changed_.notify_all();
  deliver_wake_.notify_all();
  if (deliver_thread_.joinable()) deliver_thread_.join();
}

std::int64_t Platform::now_ms() const {
  const auto now = std::chrono::system_clock::now().time_since_epoch() + clock_advance_;
  return std::chrono::duration_cast<milliseconds>(now).count();
}

void Platform::later(milliseconds delay, std::function<void()> call) {
  server_.call_after(delay, [this, call = std::move(call)] {
    std::lock_guard lock(mutex_);
    call();
  });
}

// ---- requests

bool Platform::on_head(const HttpRequest& request) {
  std::lock_guard lock(mutex_);
  return admit(request);
}

void Platform::on_request(HttpRequest&& request) {
  std::lock_guard lock(mutex_);
  if (request.path.starts_with(kControl)) return serve_control(request);
  serve(std::move(request));
}

void Platform::on_close(ConnectionId connection) {
  std::lock_guard lock(mutex_);
  forget(connection);
  std::erase_if(waiters_, [&](const Waiter& w) { return w.connection == connection; });
  changed();
}

// ---- the log of calls

void Platform::log(ApiCall call) {
  call.number = next_call_++;
  call.at_ms = now_ms();
  if (call.ok && call.applied) ++applied_[ascii_lower(call.method)];
  calls_.push_back(std::move(call));
  while (calls_.size() > kept_calls_) calls_.pop_front();
  changed();
}

void Platform::log(ApiCall call, const ApiError& error) {
  call.error_code = error.code;
  call.description = error.description;
  log(std::move(call));
}

void Platform::log_fault(ApiCall call, const FaultRule& fault) {
  call.fault = fault.kind;
  log(std::move(call));
}

Json Platform::calls_report(const Json& params) {
  const std::string method = params.value("method", "");
  const std::int64_t since = params.value("since", std::int64_t{0});
  Json out = Json::array();
  for (const ApiCall& call : calls_) {
    if (call.number <= since) continue;
    if (method.empty() ? call.method == words_.polls : call.method != method) continue;
    if (params.contains(words_.place) && params[words_.place] != call.place) continue;
    if (params.contains("ok") && params["ok"] != call.ok) continue;
    if (params.contains(words_.account) && account_of(params) != call.account) continue;
    out.push_back({{"number", call.number},
                   {"at_ms", call.at_ms},
                   {words_.account, call.account},
                   {"method", call.method},
                   {words_.place, call.place},
                   {"params", call.params},
                   {"ok", call.ok},
                   {"applied", call.applied},
                   {"error_code", call.error_code},
                   {words_.description, call.description},
                   {"fault", call.fault},
                   {"result", call.result}});
    if (!words_.batched.empty()) out.back()[words_.batched] = call.batched;
  }
  return out;
}

// ---- faults

std::optional<FaultRule> Platform::take_fault(std::size_t account, const std::string& method,
                                              std::optional<std::int64_t> place, bool head_only) {
  const std::string lower = ascii_lower(method);
  for (auto rule = faults_.begin(); rule != faults_.end(); ++rule) {
    if (rule->method.empty() ? only_by_name(lower) : rule->method != lower) continue;
    if (rule->account && *rule->account != account) continue;
    if (rule->place && rule->place != place) continue;
    if ((rule->kind == "drop" && drops_at_head(*rule, lower)) != head_only) continue;
    if (rule->skip > 0) {
      --rule->skip;
      continue;
    }
    FaultRule taken = *rule;
    if (rule->times > 0 && --rule->times == 0) faults_.erase(rule);
    return taken;
  }
  return std::nullopt;
}

void Platform::add_fault(const Json& params) {
  FaultRule rule;
  rule.kind = params.value("kind", "");
  if (!network_faults().contains(rule.kind) && !own_faults().contains(rule.kind)) {
    refuse("no such kind of fault: \"" + rule.kind + "\"");
  }
  const std::string method = params.value("method", "");
  if (!method.empty() && !knows_method(method)) refuse("no such method: " + method);
  const std::string wrong = wrong_with_fault(params);
  if (!wrong.empty()) refuse(wrong);
  rule.method = ascii_lower(method);
  if (params.contains(words_.place)) rule.place = params[words_.place].get<std::int64_t>();
  if (params.contains(words_.account)) rule.account = account_of(params);
  rule.times = params.value("times", 1);
  rule.skip = params.value("skip", 0);
  rule.json = params;
  faults_.push_back(std::move(rule));
}

// ---- waiting

void Platform::changed() {
  changed_.notify_all();
  serve_waiters();
}

bool Platform::satisfied(const Json& params) {
  account_of(params);  // a wait for an account that is not there is refused
  if (params.contains("method")) {
    const auto found = applied_.find(ascii_lower(params["method"].get<std::string>()));
    if ((found == applied_.end() ? 0 : found->second) < params.value("count", 1)) return false;
  } else if (params.contains(words_.place)) {
    if (sent_to(params) < params.value("count", std::size_t{1})) return false;
  }
  return holds(params);
}

bool Platform::wait(const Json& params, milliseconds timeout) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, timeout, [&] { return stopping_ || satisfied(params); }) &&
         satisfied(params);
}

void Platform::answer_waiter(const Waiter& waiter, bool satisfied) {
  Json body = {{"satisfied", satisfied}};
  if (waiter.params.contains(words_.place)) body["messages"] = messages_report(waiter.params);
  HttpReply reply;
  reply.body = body.dump();
  server_.reply(waiter.connection, std::move(reply));
}

void Platform::serve_waiters() {
  for (std::size_t i = 0; i < waiters_.size();) {
    if (!satisfied(waiters_[i].params)) {
      ++i;
      continue;
    }
    answer_waiter(waiters_[i], true);
    waiters_[i] = std::move(waiters_.back());
    waiters_.pop_back();
  }
}

void Platform::hold(ConnectionId connection, const Json& params) {
  const std::uint64_t serial = serial_++;
  const auto is_this = [serial](const Waiter& waiter) { return waiter.serial == serial; };
  waiters_.push_back({connection, params, serial});
  later(milliseconds(params.value("timeout_ms", 5000)), [this, is_this] {
    const auto late = std::find_if(waiters_.begin(), waiters_.end(), is_this);
    if (late == waiters_.end()) return;
    answer_waiter(*late, false);
    waiters_.erase(late);
  });
  try {
    serve_waiters();
  } catch (...) {
    std::erase_if(waiters_, is_this);
    throw;
  }
}

// ---- deliveries

void Platform::start_deliveries() {
  deliver_thread_ = std::thread([this] { deliver_loop(); });
}

void Platform::deliver_loop() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (deliver_one(lock)) continue;
    // Back-off is short in tests, so looking again soon costs nothing.
    if (any_to_deliver()) {
      deliver_wake_.wait_for(lock, milliseconds(5));
    } else {
      deliver_wake_.wait(lock);
    }
  }
}

PostResult Platform::post_unlocked(std::unique_lock<std::mutex>& lock, const std::string& url,
                                   const Headers& headers, const std::string& body) {
  lock.unlock();
  PostResult result = http_post(url, headers, body, [this] {
    std::lock_guard guard(mutex_);
    return stopping_;
  });
  lock.lock();
  return result;
}

// ---- the control API

Json Platform::control(const std::string& path, const Json& params) {
  std::lock_guard lock(mutex_);
  try {
    Json result = control_locked(path, params);
    changed();
    return result;
  } catch (const Json::exception& error) {
    refuse(std::string("wrong parameters: ") + error.what());
  }
}

Json Platform::ask(const std::string& path, const Json& params) {
  try {
    return control(path, params);
  } catch (const ApiError& error) {
    throw std::runtime_error(words_.name + ": " + error.description);
  }
}

std::string Platform::ask_text(const std::string& path, const std::string& json) {
  const Json params = Json::parse(json, nullptr, false);
  if (!params.is_object()) throw std::runtime_error(words_.name + ": parameters are a JSON object");
  return ask(path, params).dump();
}

std::string Platform::file_bytes(const Json& params) {
  std::lock_guard lock(mutex_);
  const std::string* bytes = stored_file(params);
  return bytes == nullptr ? std::string{} : *bytes;
}

void Platform::reset() {
  forget_all();
  calls_.clear();
  applied_.clear();
  faults_.clear();
  clock_advance_ = milliseconds{0};
}

Json Platform::control_locked(const std::string& path, const Json& params) {
  if (path == "options") {
    for (const auto& [name, value] : params.items()) {
      if (!set_option(name, value)) refuse("no such option: " + name);
    }
    return true;
  }
  if (path == "clock") {
    clock_advance_ += milliseconds(params.value("advance_ms", std::int64_t{0}));
    wake_deliveries();
    return {{"now_ms", now_ms()}};
  }
  if (path == "reset") {
    reset();
    return true;
  }
  if (path == "faults") {
    if (!params.contains("kind")) return faults_.size();
    add_fault(params);
    return true;
  }
  if (path == "faults/clear") {
    faults_.clear();
    return true;
  }
  if (path == "connections/close") {
    server_.close_all_connections();
    return true;
  }
  if (path == "calls") return calls_report(params);
  return act(path, params);
}

void Platform::serve_control(const HttpRequest& request) {
  const std::string path = request.path.substr(kControl.size());
  HttpReply reply;
  try {
    Json params = query_to_json(request.query);
    if (!request.body.empty()) {
      const Json body = Json::parse(request.body, nullptr, false);
      if (!body.is_object()) refuse("the body must be a JSON object");
      params.update(body);
    }
    if (path == "wait") return hold(request.connection, params);
    if (act_later(path, params, request.connection)) return;
    if (path == "file") {
      const std::string* bytes = stored_file(params);
      if (bytes == nullptr) refuse("no such file");
      reply.content_type = "application/octet-stream";
      reply.body = *bytes;
    } else {
      reply.body = control_locked(path, params).dump();
      changed();
    }
  } catch (const ApiError& error) {
    reply.status = error.code == 404 ? 404 : 400;
    reply.body = wire_text({{"error", error.description}});
  } catch (const Json::exception& error) {
    reply.status = 400;
    reply.body = wire_text({{"error", std::string("wrong parameters: ") + error.what()}});
  }
  server_.reply(request.connection, std::move(reply));
}

}  // namespace sufler::fakes
