#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "interpreter/core/program.h"

/// What differs between two versions of a scenario, by meaning: the order of branches and files, comments and the
/// form of the YAML never count. `plan`, `diff`, the lines of a reload and `check --live` are made of it.
namespace sufler {

struct Change {
  enum class What : std::uint8_t {
    // Branches; `name` is the branch. Renamed: by `moved`; `after` is the new name.
    BranchAdded, BranchRemoved, BranchRenamed,
    BranchChanged,  ///< steps other than those that a place's own change tells
    BranchTexts,    ///< only what is said in it
    StartChanged, FallbackChanged, OnErrorChanged,  ///< `before`, `after`: branches; may be empty

    // Places where dialogs wait; `place` in the old version (PlaceAdded: in the new one), `name` the question's or
    // the step's. `after` of a removed one: where its dialogs go, a place or a branch, empty for `start`.
    PlaceAdded, PlaceRemoved, PlaceMoved,
    TextChanged,
    TypeChanged,      ///< `before`, `after`: English words of the types; `question`, `choose`, `wait` of verbs
    ButtonsAdded,     ///< there were none; `names`: labels
    ButtonsRemoved,   ///< none are left
    OptionsAdded, OptionsRemoved,  ///< `names`: labels
    OptionsChanged,   ///< the same labels: values, targets, order or conditions
    Stricter,         ///< answers that passed may fail now; `names`: fields, such as `min`, `check`
    Looser,           ///< more answers pass
    CheckChanged,     ///< other answers pass; which can not be told
    ConfirmAdded, ConfirmRemoved,
    TimersChanged,    ///< `remind`, `timeout`, `gather`, the length of a `wait`

    // `name` is the command's; `names` the words.
    CommandAdded, CommandRemoved, CommandChanged, CommandWordsRemoved,

    // `name` is the table, `names` columns.
    TableAdded, TableRemoved, ColumnsAdded,
    ColumnsRemoved,   ///< the column stays in the database, unused
    ColumnChanged,    ///< `before`, `after`: types; refused at the reload when rows have a value

    HandoffAdded, HandoffRemoved, HandoffChanged,
    DeskAdded, DeskRemoved, DeskChanged,
    AssistantAdded, AssistantRemoved, AssistantChanged,
    ScheduleAdded, ScheduleRemoved, ScheduleChanged,
    EventAdded, EventRemoved, EventChanged,
    RoleAdded, RoleRemoved,    ///< roles that the scenario names
    SettingsChanged, TextsChanged, PhrasesChanged,  ///< `names`: which
    MovedChanged,              ///< `names`: what `moved:` tells about now and did not before
    LanguageChanged, TimezoneChanged,
    QuestionChanged,  ///< `name` the question's; `names`: fields of it that tell no answer apart, such as `pii`
    DefaultsChanged,  ///< `name` is the table, `names` columns
    FilesChanged,     ///< `names`: files that are sent or known, with other contents
    RowsChanged,      ///< of the file that table `name` is read from; `before`, `after`, `names`: how many are new, changed, removed
  } what = What::BranchChanged;
  std::string name = {};
  std::string place = {};
  std::string before = {}, after = {};
  std::vector<std::string> names = {};
};

/// In a settled order: by kind of thing, then as the versions have them. A branch that is gone tells of its places,
/// too; a question that stands in several places tells of its change once, at the first.
std::vector<Change> compare_programs(const Program& before, const Program& after);
/// A line more for files that both versions have: by name, what marks their contents.
void compare_files(const std::map<std::string, std::string>& before, const std::map<std::string, std::string>& after,
                   std::vector<Change>& changes);

/// `text_changed`, `branch_added`: for JSON; does not change.
std::string_view change_code(Change::What what);
inline constexpr Change::What kLastChange = Change::What::RowsChanged;

/// Where a dialog that waits at a place of the old version goes (LANGUAGE 11).
struct PlaceFate {
  enum class Kind : std::uint8_t {
    Stays,     ///< nothing changes for it
    Changed,   ///< it waits on, by other rules
    Moved,     ///< `moved:` leads to `to`, a place
    Branch,    ///< `moved:` leads to `to`, a branch
    FallBack,  ///< gone: `start` with the answers kept
  } kind = Kind::Stays;
  std::string to;
};
/// `expected`: what the place accepted (expects.h); 0: not known.
PlaceFate fate_of(const Program& after, std::string_view place, std::uint64_t expected);

/// Whether an answer that was given before would be taken now: what decides at a take-over whether it is asked again.
bool passes_now(const Program& program, QuestionId question, const Value& answer, const ValueMap& variables,
                Moment now);
/// What the question makes of a text that is written now; nothing when it refuses it. Its own check is not asked.
std::optional<Value> answer_to(const Program& program, QuestionId question, const std::string& text,
                               const ValueMap& variables, Moment now);

/// A line of `moved:` that would help: a guess by likeness.
struct MovedGuess {
  std::string from, to;  ///< both places, or both branches
  double likeness = 0;   ///< 0 … 1
};
/// For branches and places of `before` that are gone and that `moved` does not tell about. A branch stands for its
/// places. Best first.
std::vector<MovedGuess> guess_moved(const Program& before, const Program& after);
/// The same where the old version is not known: for places by their names alone.
std::vector<MovedGuess> guess_moved(const std::vector<std::string>& gone_places, const Program& after);

}  // namespace sufler
