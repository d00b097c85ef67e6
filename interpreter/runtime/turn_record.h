#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "interpreter/core/step.h"

/// What a turn was given besides its event, kept in the journal behind what it did: `{"given": {…}}`. With it the
/// turn can be played again (ARCHITECTURE, invariant 10). Answers to secret questions are blotted out.
namespace sufler {

struct TurnGiven {
  bool known = false;    ///< false: a line of a version that recorded nothing
  bool is_new = false;   ///< the dialog began with it
  std::string state;     ///< JSON of the State before; only now and then, see TurnRecorder
  std::string place;     ///< where the turn left the dialog
  std::string user;      ///< JSON of the UserRecord before; where it is not what the turn before left
  std::optional<ValueMap> shared;  ///< when the turn looked at it
  Moment now;   ///< when the turn was played; zero when it did not look, or was played as its event happened
  std::vector<std::string> roles;
  bool is_agent = false;
  /// What the tables and the desk answered, in order, with the seed of what followed.
  struct Result {
    std::string of;  ///< `find orders`, `desk`
    Event event;
  };
  std::vector<Result> results;
};

/// What the journal has instead of an event where a dialog was taken over by another version and something of it did
/// not simply stay: `{"at":…,"seed":…,"version":"…"}`.
struct RecordedMove {
  Moment at;
  std::uint64_t seed = 0;  ///< 0 in lines of an older program
  std::string version;     ///< that it came to
};
std::string to_json(const RecordedMove& move);
/// Nothing when the line is no move.
std::optional<RecordedMove> read_move(std::string_view event_json);

/// `find orders`: what a turn asked for, as the journal has it.
std::string name_of(const TableRequest& request, const Program& program);

/// Of a journal's `turn`.
TurnGiven read_given(std::string_view turn_json);

/// The same without it: what the turn did.
std::string without_given(std::string_view turn_json);

/// Collects it while a turn is played.
class TurnRecorder {
 public:
  /// `stored` is the state as the database has it, JSON, empty for a new dialog. It is kept where a talk begins, and
  /// at every 64th turn or so, so that a journal whose beginning was cleared away can still be played from there.
  /// `moved`: the state is of another version.
  void begin(const Program& program, const State& before, std::string_view stored, bool moved, const Event& event);
  /// The person is not as the turn before left them. `json`: to_json(UserRecord).
  void user(std::string json) { given_.user = std::move(json); }
  bool keeps_state() const { return !given_.state.empty(); }
  void around(const Surroundings& surroundings);
  void shared(ValueMap values) { given_.shared = std::move(values); }
  void now(Moment moment) { given_.now = moment; }
  void result(std::string of, const Event& event) { given_.results.push_back({std::move(of), event}); }
  void place(std::string place) { given_.place = std::move(place); }
  /// Appends to a `journal_turn_json`.
  void finish(const Program& program, const std::vector<std::string>& secrets, std::string& turn_json);

 private:
  void hide(const Program& program, const std::vector<std::string>& secrets);

  TurnGiven given_;
  /// Columns that answers to secret questions are saved in, of `columns_of_`.
  std::vector<std::string> secret_columns_;
  std::string columns_of_;
  bool columns_known_ = false;
};

}  // namespace sufler
