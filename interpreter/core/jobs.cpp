// Rests that wait for a job (ARCHITECTURE, invariant 6). The result comes as an event of its own and names the rest by
// its serial. A command may interrupt the rest: a result that comes meanwhile is put aside in it. What else the person
// writes is kept in the state and heard when the job is done. Whatever becomes of the job, a timer ends the rest.
#include <algorithm>

#include "interpreter/core/assistants/asking.h"
#include "interpreter/core/http/order.h"
#include "interpreter/core/jobs.h"
#include "interpreter/core/play.h"
#include "interpreter/core/steps/steps.h"

namespace sufler {
namespace {

/// Whoever works on jobs gives up long before; this is for what nobody gives up any more.
constexpr Duration kLongestJob{10 * 60'000};
/// Who writes more than this while a job is under way is asked to wait.
constexpr std::size_t kMostKept = 20;
/// So many jobs may end in a dialog with nothing else happening to it: steps that go back to a failing one would go
/// round for ever, each turn by itself within its limits. A `for` gets somewhere with each of its items, so that a
/// job inside it counts less.
constexpr std::uint32_t kJobsInARow = 20;
constexpr std::uint32_t kInLoop = 1, kOutsideLoops = 250;
constexpr std::uint32_t kMostInARow = kJobsInARow * kOutsideLoops;

template <class Verb>
Flow take_result(Play&, const Waiting&, const Verb&, const Value&, const std::string&) {
  return Flow::Next;
}

void put_aside(Waiting& waiting, const Value& result, std::string_view error) {
  ValueMap outcome;
  if (error.empty()) {
    outcome.set("result", result);
  } else {
    outcome.set("error", std::string(error));
  }
  waiting.candidate = Value(std::move(outcome));
}

bool waits_for(const Waiting& waiting, std::uint64_t serial) {
  return waiting.what == Waiting::For::Job && waiting.serial == serial && waiting.candidate.is_null();
}

/// What it does in the world is wanted, whether anybody waits for it or not.
bool goes_on_alone(const Step& step) {
  const auto* http = std::get_if<HttpStep>(&step.verb);
  return std::holds_alternative<Mail>(step.verb) || std::holds_alternative<CrmStep>(step.verb) || (http && http->order->method != HttpMethod::Get);
}

/// False when jobs follow each other without end. The first time `on_error` speaks; should it go on like that, the
/// dialog ends.
bool count_job(Play& play) {
  State& state = play.state;
  const bool in_loop = std::any_of(state.frames.begin(), state.frames.end(),
                                   [](const Frame& frame) { return frame.kind == Frame::Kind::Loop; });
  const std::uint32_t before = state.jobs_in_a_row;
  state.jobs_in_a_row = std::min(before, 2 * kMostInARow) + (in_loop ? kInLoop : kOutsideLoops);
  const bool again = state.jobs_in_a_row > 2 * kMostInARow;
  if (!again && (before > kMostInARow || state.jobs_in_a_row <= kMostInARow)) return true;
  if (again) play.faults = std::max(play.faults, 1u);
  play.span = play.program.step(state.waiting.step).span;
  return play.fail("more than " + std::to_string(kJobsInARow) + " jobs in a row, and nothing came from a person");
}

/// Leaves the present rest for what came of its job.
Flow settle(Play& play, const Value& result, std::string_view error) {
  if (!count_job(play)) {
    play.leave_rest();
    return Flow::Rest;
  }
  Waiting waiting = play.state.waiting;
  put_aside(waiting, result, error);
  play.leave_rest();
  return go_on_behind_job(play, waiting);
}

}  // namespace

Flow begin_job(Play& play, StepId step, std::string service, std::string name, std::string request) {
  Waiting waiting;
  waiting.step = step;
  return begin_job(play, std::move(waiting), std::move(service), std::move(name), std::move(request));
}

Flow begin_job(Play& play, Waiting waiting, std::string service, std::string name, std::string request) {
  return begin_job(play, std::move(waiting), StartJob{std::move(service), std::move(name), std::move(request)});
}

Flow begin_job(Play& play, Waiting waiting, StartJob job) {
  waiting.what = Waiting::For::Job;
  waiting.candidate = Value();
  waiting.serial = job.serial = play.next_serial();
  play.effect(std::move(job));
  play.rest(std::move(waiting));
  // The words that led to it may have waited long for a process; the job has not.
  play.set_timer("job", later(play.now(), kLongestJob));
  return Flow::Rest;
}

Flow go_on_behind_job(Play& play, const Waiting& waiting) {
  const Step& step = play.program.step(waiting.step);
  play.span = step.span;
  const ValueMap* outcome = waiting.candidate.map();
  const Value* result = outcome ? outcome->find("result") : nullptr;
  const Value* error = outcome ? outcome->find("error") : nullptr;
  const std::string why = result ? "" : error && error->text() ? *error->text() : "no result";
  if (play.traces())
    play.note({result ? Way::What::Done : Way::What::Failed, waiting.step, {}, 0}, result ? *result : Value(why));
  return std::visit(
      [&](const auto& verb) { return take_result(play, waiting, verb, result ? *result : Value(), why); }, step.verb);
}

void hear_job_done(Play& play, const JobDone& done) {
  State& state = play.state;
  if (waits_for(state.waiting, done.serial)) {
    if (settle(play, done.result, done.error) == Flow::Next || play.fault) play.run();
    return;
  }
  if (take_summary(play, done)) return;
  const auto rest = std::find_if(state.interrupted.begin(), state.interrupted.end(),
                                 [&](const Waiting& waiting) { return waits_for(waiting, done.serial); });
  if (rest == state.interrupted.end()) {
    play.effect(WriteLog{"the result of a job comes late: the dialog does not wait for it any more"});
    return;
  }
  put_aside(*rest, done.result, done.error);
  state.timers.erase(play.timer_name("job", static_cast<std::size_t>(rest - state.interrupted.begin())));
}

Flow give_up_job(Play& play, std::string reason) { return settle(play, {}, reason); }

void put_job_aside(Waiting& waiting, std::string_view error) { put_aside(waiting, {}, error); }

void lose_job(Play& play, std::uint64_t serial) {
  State& state = play.state;
  lose_summary(state, serial);
  if (waits_for(state.waiting, serial)) play.leave_rest();
  for (Waiting& waiting : state.interrupted)
    if (waits_for(waiting, serial)) put_aside(waiting, {}, "the result could not be used");
}

void keep_for_later(Play& play) {
  State& state = play.state;
  if (state.kept.size() >= kMostKept) {
    if (play.said) play.say_phrase(Phrase::TooFast);
    return;
  }
  play.kept = true;
  UserMessage message;
  if (play.said) {
    message = *play.said;
  } else {
    message.text = play.heard.text;  // a button that says its label
  }
  state.kept.push_back(std::move(message));
}

void hear_kept(Play& play) {
  State& state = play.state;
  if (state.kept.empty() || state.waiting.what == Waiting::For::Job) return;
  const UserMessage message = std::move(state.kept.front());
  state.kept.erase(state.kept.begin());
  hear_message(play, message);
  play.said = nullptr;
}

std::vector<std::uint64_t> jobs_of(const State& state, const Program& program) {
  std::vector<std::uint64_t> serials;
  const auto look = [&](const Waiting& waiting) {
    if (waiting.what != Waiting::For::Job || !waiting.candidate.is_null()) return;
    if (waiting.step.value >= program.steps.size() || !goes_on_alone(program.step(waiting.step))) serials.push_back(waiting.serial);
  };
  look(state.waiting);
  for (const Waiting& waiting : state.interrupted) look(waiting);
  for (const auto& [name, talk] : state.assisted.talks)
    if (talk.summary_job != 0) serials.push_back(talk.summary_job);
  return serials;
}

}  // namespace sufler
