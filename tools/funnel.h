#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "interpreter/core/program.h"
#include "storage/live_dialogs.h"

namespace sufler {

/// How many dialogs came to each question of a branch, and what became of them there. Of a dialog that came to one
/// several times the last time counts.
class Funnel {
 public:
  /// `program` tells which questions there are, in which order, and what is a command; it outlives the funnel.
  explicit Funnel(const Program& program) : program_(program) {}

  /// A line of the journal; those of a dialog in their order.
  void add(const LiveDialogs::Passage& passage);

  struct Question {
    std::string place;              ///< `branch/question`
    std::int64_t came = 0;
    std::int64_t went_on = 0;       ///< answered, and the talk went on to something else
    std::int64_t by_command = 0;    ///< left by a command
    std::int64_t silent = 0;        ///< left without a word: the time for an answer ran out, a schedule came, or nothing did since `silent_since`
    std::int64_t there = 0;         ///< waits there now
    std::int64_t asked_again = 0;   ///< answers that were not understood, of all dialogs and times
    std::int64_t left() const { return by_command + silent; }
  };
  struct Branch {
    std::string name;
    std::int64_t came = 0;      ///< dialogs that came to any of its questions
    std::int64_t went_through = 0;  ///< whose last question of it was answered, and that rest elsewhere behind it
    std::vector<Question> questions;  ///< those of the program in its order, then others that the journal names
    std::vector<std::string> events;  ///< that its steps `track`, each once
  };
  /// All branches that ask something, in the program's order. Who has waited since before `silent_since` has left.
  std::vector<Branch> branches(Moment silent_since) const;

 private:
  enum class Fate : std::uint8_t { There, WentOn, ByCommand, Silent };
  struct Visit {
    Moment since;
    Fate fate = Fate::There;
    bool outside = false;  ///< went on to what is not of the branch
    std::uint64_t turn = 0;  ///< which visit of the dialog was the later one
  };
  struct Talk {
    std::string place;
    std::uint64_t turns = 0;
    std::map<std::string, Visit> visits;  ///< by place
  };
  bool is_no_question(const std::string& place) const;
  /// What the event that ended a wait at the place says of it.
  Fate fate_of(std::string_view event_json, const std::string& place) const;

  const Program& program_;
  std::map<std::int64_t, Talk> talks_;
  std::map<std::string, std::int64_t> asked_again_;
};

}  // namespace sufler
