#include "tools/hooks.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "interpreter/core/text.h"
#include "interpreter/runtime/failpoint.h"
#include "interpreter/runtime/log.h"
#include "interpreter/runtime/outside.h"
#include "tools/desk_tokens.h"

namespace sufler {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kLongestKey = 255;
constexpr const char* kJson = "application/json; charset=utf-8";

/// At 1, 10, 100 …: whoever tries secrets is seen, and does not fill the log.
bool is_told(std::uint64_t count) {
  while (count >= 10 && count % 10 == 0) count /= 10;
  return count == 1;
}

enum class Body : std::uint8_t { Json, Form, Other };

Body body_of(std::string_view content_type) {
  const std::string type = to_lower(trim(content_type.substr(0, content_type.find(';'))));
  if (type.empty() || type == "application/json" || type.ends_with("+json")) return Body::Json;
  return type == "application/x-www-form-urlencoded" ? Body::Form : Body::Other;
}

WebhookAnswer taken(const EventIntake::Outcome& outcome) {
  if (outcome.answer.empty()) {
    const bool repeated = outcome.what == EventIntake::Outcome::What::Repeated;
    return {200, repeated ? "{\"ok\":true,\"repeated\":true}\n" : "{\"ok\":true}\n", seconds(0), kJson};
  }
  const std::size_t first = outcome.answer.find_first_not_of(" \n\t");
  const bool json = first != std::string::npos && (outcome.answer[first] == '{' || outcome.answer[first] == '[');
  return {200, outcome.answer, seconds(0), json ? kJson : ""};
}

}  // namespace

WebhookAnswer json_error(int status, std::string_view code, std::string_view message, std::string_view way_out,
                         seconds retry_after) {
  nlohmann::json error{{"code", code}, {"message", message}};
  if (!way_out.empty()) error["way_out"] = way_out;
  return {status, nlohmann::json{{"error", std::move(error)}}.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n",
          retry_after, kJson};
}

std::optional<seconds> CallGate::pass(std::uint32_t limit, Duration period, milliseconds monotonic) {
  const milliseconds span(period.ms);
  if (!begun_ || monotonic - since_ >= span) {
    begun_ = true;
    since_ = monotonic;
    count_ = 0;
  }
  if (count_ < limit) {
    ++count_;
    return std::nullopt;
  }
  return std::chrono::ceil<seconds>(since_ + span - monotonic);
}

struct Hooks::Calling {
  std::string bot, event;
  EventIntake intake;
  std::function<void(WebhookAnswer)> answer;
  std::atomic<std::size_t>& waiting;

  Calling(std::string of_bot, std::string of_event, EventIntake::Call call, std::function<void(WebhookAnswer)> to,
          std::atomic<std::size_t>& count)
      : bot(std::move(of_bot)), event(std::move(of_event)), intake(std::move(call)), answer(std::move(to)), waiting(count) {
    ++waiting;
  }
  ~Calling() { --waiting; }
  Calling(const Calling&) = delete;
  Calling& operator=(const Calling&) = delete;
};

void Hooks::serve(const std::string& bot, const Program& program) {
  Terms terms{program.events, event_secrets(program)};
  std::lock_guard lock(mutex_);
  bots_[bot] = std::move(terms);
}

void Hooks::count(const std::string& bot, const std::string& event, const char* outcome) {
  std::lock_guard lock(mutex_);
  ++figures_[{bot, event, outcome}];
}

WebhookAnswer Hooks::forged(const std::string& bot, const std::string& event) {
  std::uint64_t count = 0;
  {
    std::lock_guard lock(mutex_);
    count = ++figures_[{bot, event, "forged"}];
  }
  if (is_told(count))
    write_log(LogLevel::Warning, "calls of the event with a wrong secret so far: " + std::to_string(count),
              {{"bot", bot}, {"event", event}});
  return {401, {}, {}};
}

void Hooks::take(WebhookRequest request, std::function<void(WebhookAnswer)> answer) {
  const std::string_view rest = std::string_view(request.path).substr(std::min(kPrefix.size(), request.path.size()));
  const std::size_t slash = rest.rfind('/');
  const std::string bot(rest.substr(0, slash)), webhook(slash == rest.npos ? std::string_view() : rest.substr(slash + 1));
  const auto nothing_here = [] { return json_error(404, "unknown", "nothing takes calls at this address"); };
  Happening event;
  std::string secret;
  {
    std::lock_guard lock(mutex_);
    const auto terms = bots_.find(bot);
    const Happening* found = terms == bots_.end() || !terms->second.events ? nullptr : terms->second.events->find_webhook(webhook);
    if (!found) return answer(nothing_here());
    event = *found;
    if (const auto known = terms->second.secrets.find(event.secret_variable); known != terms->second.secrets.end())
      secret = known->second;
  }
  if (request.method != "POST") return answer(json_error(405, "method", "only POST is answered here"));
  if (request.body.size() > kMaxEventBytes)
    return answer(json_error(413, "too_large", "at most 64 kB are taken"));
  // Nothing of the body is read before.
  if (!is_proven(event, secret, request.header(event.header), request.body)) return answer(forged(bot, event.name));
  {
    std::optional<seconds> wait;
    {
      std::lock_guard lock(mutex_);
      wait = gates_[bot + "\n" + event.name].pass(event.limit, event.period, clock_.monotonic());
    }
    if (wait) {
      count(bot, event.name, "too_many");
      return answer(json_error(429, "too_many", "more calls than the event's `limit` allows", "try again later", *wait));
    }
  }
  const Body kind = body_of(request.header("content-type"));
  if (kind == Body::Other) {
    count(bot, event.name, "refused");
    return answer(json_error(415, "content_type", "JSON or a form is taken",
                             "send `Content-Type: application/json` or `application/x-www-form-urlencoded`"));
  }
  const std::string key = request.header("idempotency-key");
  auto body = read_event_body(request.body, kind == Body::Form);
  if (!body || key.size() > kLongestKey) {
    count(bot, event.name, "refused");
    return answer(json_error(400, "unreadable", body ? "`Idempotency-Key` is longer than 255 bytes" : body.error()));
  }
  if (waiting_ >= kMostWaiting) return answer(json_error(503, "busy", "too many calls at once", "try again", seconds(1)));
  store(std::make_shared<Calling>(bot, event.name, EventIntake::Call{bot, webhook, std::move(*body), key}, std::move(answer), waiting_));
}

/// A portion of the work, on the engine's thread; the next one stands behind whatever people wrote meanwhile.
void Hooks::store(std::shared_ptr<Calling> calling) {
  engine_.ask([this, calling](Storage& storage) {
    using What = EventIntake::Outcome::What;
    const Program* const program = engine_.program(calling->bot);
    if (!program) return calling->answer({503, {}, seconds(5)});
    auto outcome = calling->intake.go_on(storage, *program, clock_.now());
    if (!outcome) {
      count(calling->bot, calling->event, "not_stored");
      return calling->answer({503, {}, seconds(1)});
    }
    if (!*outcome) return store(calling);
    const EventIntake::Outcome& what = **outcome;
    const auto tell = [&](const std::string& line) {
      write_log(LogLevel::Warning, line + (what.reason.empty() ? "" : ": " + what.reason),
                {{"bot", calling->bot}, {"event", calling->event}});
    };
    switch (what.what) {
      case What::Stored:
        engine_.play_inbox();
        failpoint("hook_stored");
        count(calling->bot, calling->event, "stored");
        return calling->answer(taken(what));
      case What::Repeated: count(calling->bot, calling->event, "repeated"); return calling->answer(taken(what));
      case What::Nobody:
        count(calling->bot, calling->event, "nobody");
        tell("an event is about nobody that `find_user` finds: it was refused");
        return calling->answer(json_error(404, "nobody", "no person of this bot is meant by that",
                                          "nothing was stored: the same call may be made again"));
      case What::Several:
        count(calling->bot, calling->event, "several");
        tell("an event is about several people that `find_user` finds: it was refused");
        return calling->answer(json_error(409, "several", "more than one person of this bot is meant by that, and none got it"));
      case What::Unreadable:
        count(calling->bot, calling->event, "unreadable");
        tell("what came with an event does not fit its expressions");
        return calling->answer(json_error(422, "unreadable", "the scenario cannot make out what was sent"));
      case What::Unknown: return calling->answer(json_error(404, "unknown", "nothing takes calls at this address"));
    }
  });
}

void Hooks::add_metrics(MetricsText& text) const {
  std::map<Figure, std::uint64_t> figures;
  {
    std::lock_guard lock(mutex_);
    figures = figures_;
  }
  if (figures.empty()) return;
  text.metric("sufler_events_total", "counter", "Calls of other systems at the scenarios' webhooks, by what became of them.");
  for (const auto& [figure, number] : figures)
    text.sample({{"bot", figure.bot}, {"event", figure.event}, {"outcome", figure.outcome}}, number);
}

}  // namespace sufler
