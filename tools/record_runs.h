#pragma once
#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "interpreter/core/job.h"
#include "interpreter/runtime/replay.h"
#include "tools/masking.h"

namespace sufler {

/// What programs and models gave in a talk of the journal, for those who play it again: each call gets what the same call
/// of the same program gave then.
class RecordedRuns {
 public:
  /// Of the rows from `first` on.
  RecordedRuns(const RecordedDialog& dialog, std::size_t first);
  /// The next call's. What the journal does not have is a failure.
  JobResult next(const Job& job, const Zone& zone, Masker& masker);
  /// `mock:` of a talk with all calls so far, indented by six; empty when there were none.
  std::string mock() const;

 private:
  struct Call {
    std::string serial;
    bool done = false;
    Value result;
    std::string error;
  };
  struct Program {
    std::vector<Call> calls;
    std::size_t called = 0;
  };
  /// What a talk says of it.
  struct Mock {
    std::vector<std::string> given;  ///< YAML, by call
    bool is_list = false;            ///< what the only call gave
  };
  std::map<std::string, Program> programs_;  ///< by service and name: `run estimate`
  std::map<std::string, Mock> mocks_;        ///< the same; of a model by its assistant
  std::vector<std::string> letters_;         ///< what became of each, as YAML
  bool letters_refused_ = false;             ///< of any; a talk in which all are accepted says nothing of them
};

/// A value in a talk, on one line; texts masked. `played`: the value that a talk reads there.
std::string talk_yaml(const Value& value, Masker& masker, Value& played);

}  // namespace sufler
