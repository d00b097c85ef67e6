#include "tools/operator_desk.h"

#include <unistd.h>

#include <mutex>
#include <nlohmann/json.hpp>

#include "interpreter/runtime/clock.h"
#include "interpreter/runtime/log.h"
#include "interpreter/runtime/operations.h"
#include "tools/operator_link.h"

#ifndef SUFLER_VERSION
#define SUFLER_VERSION "0.1.0"
#endif

namespace sufler {
namespace {

using json = nlohmann::ordered_json;

const char* word_of(ServedTransport::Health health) {
  switch (health) {
    case ServedTransport::Health::Standby:
      return "standby";
    case ServedTransport::Health::Starting:
      return "starting";
    case ServedTransport::Health::Well:
      return "well";
    case ServedTransport::Health::Troubled:
      return "troubled";
    case ServedTransport::Health::LeftOut:
      return "left out";
    case ServedTransport::Health::Failed:
      break;
  }
  return "failed";
}

}  // namespace

struct OperatorDesk::Impl {
  std::string mark;
  std::string kind;  ///< of the database
  Moment started = system_clock().now();

  using Answer = std::function<void(std::string)>;
  std::mutex mutex;
  bool starting = true;
  std::vector<std::pair<std::string, Answer>> early;  ///< came while it starts
  Engine* engine = nullptr;
  const std::vector<std::unique_ptr<ServedTransport>>* served = nullptr;
  Reloader* reloader = nullptr;

  /// On the server's thread.
  static void take(const std::shared_ptr<Impl>& self, std::string request, std::function<void(std::string)> answer) {
    const json asked = json::parse(request, nullptr, false);
    if (!asked.is_object()) return answer(R"({"error":"a request is one JSON object"})");
    if (const auto given = asked.find("database"); given == asked.end() || *given != self->mark)
      return answer(R"({"error":"another database is served here","other_database":true})");
    const auto op = asked.find("op");
    if (op != asked.end() && *op == "hello") return answer("{}");
    std::lock_guard lock(self->mutex);
    if (self->starting) return void(self->early.emplace_back(std::move(request), std::move(answer)));
    if (!self->engine) return answer(R"({"error":"the process is stopping; try again"})");
    if (op != asked.end() && op->is_string() && is_for_reloader(op->get<std::string>()))
      return self->reloader->command(request, std::move(answer));
    const bool status = op != asked.end() && *op == "status";
    self->engine->ask([self, status, request = std::move(request), answer = std::move(answer)](Storage& storage) {
      answer(self->answer_to(storage, request, status));
    });
  }

  static void take_early(const std::shared_ptr<Impl>& self) {
    std::vector<std::pair<std::string, Answer>> all;
    {
      std::lock_guard lock(self->mutex);
      self->starting = false;
      all.swap(self->early);
    }
    for (auto& [request, answer] : all) take(self, std::move(request), std::move(answer));
  }

  /// On the engine's thread.
  std::string answer_to(Storage& storage, const std::string& request, bool status) {
    Operated operated = operate(storage, request, system_clock().now());
    std::lock_guard lock(mutex);
    if (engine) {
      if (!operated.forgotten.empty()) engine->forget(operated.forgotten);
      if (operated.inbox_filled) engine->play_inbox();
      if (operated.jobs_filled) engine->look_for_jobs();
      if (!operated.to_send.empty()) engine->send(std::move(operated.to_send));
      if (status) return with_process(operated.answer);
    }
    return std::move(operated.answer);
  }

  /// With the mutex held.
  std::string with_process(const std::string& answer) const {
    json whole = json::parse(answer, nullptr, false);
    if (!whole.is_object()) return answer;
    whole["database"]["kind"] = kind;
    whole["process"] = {{"version", SUFLER_VERSION},
                        {"pid", ::getpid()},
                        {"started_at_unix_ms", started.unix_ms},
                        {"sending", engine->sending()},
                        {"database_well", engine->storage_well()},
                        {"lost_log_lines", lost_log_lines()}};
    const std::map<std::string, std::string> versions = reloader->versions();
    json bots = json::array();
    for (const Engine::Figures& one : engine->figures()) {
      json transports = json::array();
      for (const auto& transport : *served) {
        if (transport->bot != one.bot) continue;
        transports.push_back({{"name", transport->transport->name()}, {"health", word_of(transport->health)}});
      }
      const auto version = versions.find(one.bot);
      bots.push_back({{"bot", one.bot},
                      {"scenario_version", version == versions.end() ? std::string() : version->second},
                      {"transports", std::move(transports)},
                      {"updates", one.updates},
                      {"turns", one.turns},
                      {"sent", one.sent},
                      {"given_up", one.given_up},
                      {"waiting_for_pace", one.waiting.for_chats + one.waiting.for_bot},
                      {"faults", one.faults},
                      {"storage_errors", one.storage_errors}});
    }
    whole["bots"] = std::move(bots);
    return whole.dump(-1, ' ', false, json::error_handler_t::replace);
  }
};

OperatorDesk::OperatorDesk(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
OperatorDesk::~OperatorDesk() { stop(); }

Result<std::unique_ptr<OperatorDesk>, std::string> OperatorDesk::open(const Config& config) {
  auto impl = std::make_shared<Impl>();
  impl->mark = database_mark(config);
  impl->kind = database_kind(config);
  std::unique_ptr<OperatorDesk> desk(new OperatorDesk(impl));
  const std::string place = socket_place(config);
  if (place.empty()) return desk;
  auto server = ControlServer::open(place, [impl](std::string request, std::function<void(std::string)> answer) {
    Impl::take(impl, std::move(request), std::move(answer));
  });
  if (server) {
    desk->server_ = std::move(*server);
    return desk;
  }
  // Several processes may share a database that is not a file; only one of them has the socket.
  const bool taken = server.error().kind == ControlError::Kind::Taken;
  if (taken ? impl->kind == "sqlite" : !config.socket.empty()) return Error{server.error().message};
  write_log(LogLevel::Warning, server.error().message + "; commands such as `sufler status` do not reach this process");
  return desk;
}

void OperatorDesk::serve(Engine& engine, const std::vector<std::unique_ptr<ServedTransport>>& served,
                         Reloader& reloader) {
  {
    std::lock_guard lock(impl_->mutex);
    impl_->engine = &engine;
    impl_->served = &served;
    impl_->reloader = &reloader;
  }
  Impl::take_early(impl_);
}

void OperatorDesk::stop() {
  Impl::take_early(impl_);  // a start that failed answers them, too
  if (server_) server_->stop();
  std::lock_guard lock(impl_->mutex);
  impl_->engine = nullptr;
  impl_->reloader = nullptr;
}

}  // namespace sufler
