#pragma once
#include <compare>
#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "interpreter/core/program.h"

/// What of a scenario a turn has visited, for `test --coverage`, `explain` and the studio.
namespace sufler {

/// Something of the scenario's text that a talk can pass by: a step, or one of the ways that lead on from it.
struct Way {
  enum class What : std::uint8_t {
    Step,        ///< it is played
    PassedOver,  ///< a step whose `when`, or a question whose `ask_when`, does not hold
    Option,      ///< `index` in the author's list of buttons
    DataOption,  ///< a button that `from` made
    Then, Else,  ///< of `if`
    Case,        ///< `index` among the cases of `match`
    Otherwise,   ///< of `match`, `choose`, `assistant`, or of a question after the last attempt
    Timeout,
    Reminder,    ///< `index` in the author's list
    Outcome,     ///< of `handoff`; `index` is the HandoffOutcome
    Answered, Skipped, Wrong,
    Default,     ///< the question took its `default`
    Declined,    ///< No to the question's `confirm`
    Command,     ///< `index` in Program::commands
    Done,        ///< of `run`: the result came
    Failed,      ///< of `run`: none came, and its `on_error` is played
    // What no author wrote a line for: only in traces.
    Start,       ///< `/start` of the platform
    Fallback,
    Resumed,     ///< a `wait` is over
    Repeated,    ///< `back` or the end of a command shows a question again
    Fault,
  };
  What what = What::Step;
  StepId step;          ///< none for commands
  QuestionId question;  ///< when it is a question's: then the step is the `ask` that it was asked by
  std::uint32_t index = 0;
  auto operator<=>(const Way&) const = default;
};

/// One entry of a trace. Secrets are blotted out.
struct TraceEntry {
  Way way;
  std::string source = {};  ///< the condition that decided, as the author wrote it; empty: none did
  std::vector<std::pair<std::string, Value>> values = {};  ///< names that it reads, and what they were
  Value value = {};         ///< what it gave; the answer; the label of an option; the reason of a fault
};
using Trace = std::vector<TraceEntry>;

/// What was visited, by `key_of`.
using Visits = std::set<Way>;

/// A question's ways are the same whichever step asked it.
Way key_of(Way way);
/// All that talks can visit, in the order of the program's steps; commands stand last. A question counts once.
std::vector<Way> ways_of(const Program& program);

enum class WayKind : std::uint8_t { Step, Option, Outcome };
WayKind kind_of(const Way& way);

}  // namespace sufler
