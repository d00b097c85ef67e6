// run: a program of the operator's computes something. No border: what it computes can be computed again.
#include "interpreter/core/jobs.h"
#include "interpreter/core/plain_json.h"
#include "interpreter/core/steps/steps.h"

namespace sufler {
namespace {

/// As it is known to services and in the configuration.
constexpr std::string_view kService = "run";
constexpr std::size_t kMostRequestBytes = 256 * 1024;

}  // namespace

Flow play_verb(Play& play, StepId id, const Step&, const Run& run) {
  ValueMap with;
  for (const Assignment& one : run.with) {
    Value value;
    if (!play.evaluate(one.value, value)) return Flow::Next;
    if (!one.path.empty()) with.set(one.path.front(), std::move(value));
  }
  std::string request = to_plain_json(with, play.program.zone);
  if (request.size() > kMostRequestBytes) {
    play.fail("more than " + std::to_string(kMostRequestBytes) + " bytes for the program `" + run.program + "`");
    return Flow::Next;
  }
  return begin_job(play, id, std::string(kService), run.program, std::move(request));
}

Flow take_result(Play& play, const Waiting&, const Run& run, const Value& result, const std::string& error) {
  if (error.empty()) {
    if (!run.into.empty()) play.set_variable(run.into, result);
    return Flow::Next;
  }
  ValueMap why;
  why.set("error", error);
  if (!run.into.empty() && !play.set_variable(run.into, std::move(why))) return Flow::Next;
  if (run.on_error) {
    play.enter(run.on_error);
  } else {
    play.fail("the program `" + run.program + "` gave no result: " + error);
  }
  return Flow::Next;
}

}  // namespace sufler
