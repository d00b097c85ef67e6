#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "interpreter/core/step.h"
#include "interpreter/runtime/turn_record.h"
#include "storage/storage.h"

/// Plays what the journal has of a dialog again, with the results that were recorded: by the same program the talk is
/// the same (ARCHITECTURE, invariant 10), by another it shows what a change does. Where the dialog was taken over by
/// another version while it was live, that is played, too (LANGUAGE 11). Sends, writes and looks up nothing.
namespace sufler {

/// A dialog as it was stored.
struct RecordedDialog {
  std::int64_t id = 0;
  DialogKey key;
  std::string user;  ///< JSON of UserRecord as it is now; for lines that do not have what was known then
  std::vector<JournalRow> rows;  ///< oldest first
};

/// What a person, or a role, was told: a message as people see it.
struct ToldLine {
  std::string to;       ///< empty: the person of the dialog; else a role or an address
  std::string text;
  std::vector<std::string> buttons;
  std::vector<std::string> files;  ///< names, or kinds where there are none
  friend bool operator==(const ToldLine&, const ToldLine&) = default;
};

/// What came in, for people to read.
struct HeardLine {
  enum class By : std::uint8_t {
    Person,
    Press,
    Timer,
    Staff,
    Program,  ///< the result of a job
    Desk,     ///< something became of the client's ticket
    Version,  ///< the dialog was taken over by another version (LANGUAGE 11)
    Other,
  } by = By::Other;
  std::string text;     ///< what was said; the name of the button, timer, job, agent or version
  std::vector<std::string> files;
};

struct ReplayedTurn {
  Moment at;
  HeardLine heard;
  Event event;                      ///< as it was played
  bool recorded = true;             ///< false: a timer that only the replay had
  std::vector<ToldLine> then, now;  ///< as recorded, as played
  bool same = false;                ///< what was said then may be what is said now; secrets may be anything
  std::string place_before, place_after;
  std::string version;              ///< that played it then
  std::vector<std::string> faults;
  Trace trace;                      ///< when asked for
  bool jumped = false;              ///< the state before was taken from the journal, because the talk had gone another way
};

struct Replayed {
  enum class End : std::uint8_t {
    Same,         ///< all was played, and nothing differed
    Differs,      ///< some turns differ, in words or in the way the talk goes
    NoBeginning,  ///< the journal's first lines are gone, and no line has the state it began with
    NoResults,    ///< the journal does not have what a table or the desk answered, or who the person was
    Secret,       ///< the talk hangs on an answer that was not kept
    Unreadable,   ///< a line is no JSON of ours
  } end = End::Same;
  std::vector<ReplayedTurn> turns;
  std::size_t skipped = 0;  ///< lines before the first that could be played
  std::size_t old_lines = 0; ///< lines of a version that recorded no results; played as far as they go
  /// Turns (positions) in which only words, buttons' labels aside, are others.
  std::vector<std::size_t> reworded;
  /// What differs, or is missing.
  struct Why {
    enum class What : std::uint8_t {
      Nothing,
      OtherPlace,     ///< the dialog goes to `name`, then it went to `then`
      OtherMessages,  ///< of a line that has no place: other messages, buttons or notices
      NoButton,       ///< what was pressed, `name`, is not there
      NoTimer,        ///< what came due, `name`, is not set
      NewTimer,       ///< `name` comes due, and was not set then
      NoAnswer,       ///< `name` is asked for (`find orders`), and the journal has no answer
      NoProgram,      ///< nothing waits for the result of `name` (`run estimate`)
      OtherRequest,   ///< `name` is given other values, so that what it gave then tells nothing
      Earlier,        ///< the talk parted before the time that is compared
    } what = What::Nothing;
    std::string name = {}, then = {};
    auto operator<=>(const Why&) const = default;
  } why;  ///< of the first parting, or of the end
  /// Turns in which the talk goes another way. Behind one it is taken up again where the journal's dialog came to
  /// another version, or by the next state there is (`follow_journal`).
  struct Parting {
    std::size_t turn = 0;
    Why why;
  };
  std::vector<Parting> partings;
};

struct ReplayOptions {
  std::shared_ptr<const Program> program;
  bool trace = false;
  /// Goes on behind a difference with the next state that the journal has: for looking at what happened, not for
  /// comparing.
  bool follow_journal = false;
  std::optional<Moment> since;  ///< turns before it are played, not compared
};

Replayed replay(const RecordedDialog& dialog, const ReplayOptions& options);

/// In plain words, without a capital or a full stop.
std::string words_of(const Replayed::Why& why, Language language);

/// Work outside of the turn that a journal's `turn` asked for.
struct RecordedJob {
  std::string name;     ///< `run estimate`
  std::string serial;   ///< of the rest that waits for it; empty in lines of an older program
  std::string request;  ///< a mark of what it was given; empty where that is secret, or not known
};
std::vector<RecordedJob> jobs_of(std::string_view turn_json);
/// What a journal's `turn` tells people.
std::vector<ToldLine> told_by(std::string_view turn_json);
/// Labels of the buttons that a journal's `turn` shows the person, by payload.
std::map<std::string, std::string> labels_of(std::string_view turn_json);
/// An answer that a question will most likely take; for secrets, which no journal has.
std::string plausible_answer(const Question& question);

}  // namespace sufler
