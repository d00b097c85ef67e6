#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/storage.h"

/// Broadcasts, and who is still to get them (LANGUAGE 4); `Transaction::broadcasts` gives it.
namespace sufler {

struct BroadcastRow {
  enum class State : std::uint8_t {
    Preparing,  ///< those who get it are being looked for
    Sending,
    Stopping,   ///< nobody gets it any more; what is on its way is waited for
    Done,
    Stopped,
    Counted,    ///< nobody was to get it: how many would
  };
  std::int64_t id = 0;
  std::string bot;
  std::string name;            ///< may be empty
  std::string order;           ///< JSON of BroadcastOrder (core/broadcast.h)
  std::string begun_by;        ///< for lists: `telegram:42`, `schedule:daily`, `operator`, kBegunByErased
  std::int64_t dialog_id = 0;  ///< whose turn began it, which is told when it ends; 0: none
  State state = State::Preparing;
  bool only_counts = false;    ///< ends as Counted
  std::string only;            ///< `telegram:42`: nobody else gets it; empty: everybody
  Moment created_at, ended_at, paused_at;  ///< 0: not
  std::int64_t looked_at = 0;  ///< dialogs up to this id have been looked at
  // People, when they were looked for:
  std::int64_t people = 0;        ///< who get it
  std::int64_t not_meant = 0;     ///< `where` does not hold
  std::int64_t unreachable = 0;   ///< they blocked the bot
  std::int64_t unsubscribed = 0;
  std::int64_t with_staff = 0;    ///< people have the dialog
  // What became of it:
  std::int64_t given = 0;    ///< people whose turn it was
  std::int64_t sent = 0, failed = 0;
  std::int64_t gone = 0;     ///< of `failed`: they have blocked the bot
  std::int64_t unknown = 0;  ///< a process died, or an answer was lost, and it is not said twice

  bool is_over() const { return state >= State::Done; }
  friend bool operator==(const BroadcastRow&, const BroadcastRow&) = default;
};

/// Whoever began it was erased: when it is over it goes, with what they typed.
inline constexpr std::string_view kBegunByErased = "erased";

class BroadcastStore {
 public:
  virtual ~BroadcastStore() = default;

  /// False, and nothing is stored, when the bot has one of this name that is not over. Sets `id`.
  virtual Stored<bool> begin(BroadcastRow& row) = 0;
  /// The newest first, of one bot, or of all when it is empty.
  virtual Stored<std::vector<BroadcastRow>> all(std::string_view bot, std::size_t limit) = 0;
  virtual Stored<std::optional<BroadcastRow>> find(std::int64_t id) = 0;
  /// Those that are not over and not paused, oldest first.
  virtual Stored<std::vector<std::int64_t>> active(std::string_view bot) = 0;
  /// One of these, which nobody else gets until the transaction ends; nothing when another has it, or it is active no
  /// more.
  virtual Stored<std::optional<BroadcastRow>> claim(std::int64_t id) = 0;
  /// Of a claimed row: how far it is. What became of it is counted by `count` alone.
  virtual Stored<Done> save(const BroadcastRow& row) = 0;
  struct Outcomes {
    std::int64_t sent = 0, failed = 0, gone = 0, unknown = 0;
  };
  virtual Stored<Done> count(std::int64_t id, const Outcomes& outcomes) = 0;

  /// What an operator wants. False when there is none, or it is over.
  virtual Stored<bool> pause(std::int64_t id, Moment now) = 0;
  virtual Stored<bool> resume(std::int64_t id) = 0;
  virtual Stored<bool> stop(std::int64_t id) = 0;
  virtual Stored<Done> drop(std::int64_t id) = 0;

  struct Person {
    std::int64_t dialog_id = 0;
    DialogKey key;
    std::string user, state;  ///< JSON of UserRecord and State; only of `look`
  };
  /// Private dialogs with people among the `rows` dialogs behind `after_id`; `last_id` is the last that was looked at, 0
  /// when there was none.
  struct Look {
    std::vector<Person> found;
    std::int64_t last_id = 0;
  };
  virtual Stored<Look> look(std::string_view bot, std::int64_t after_id, std::int64_t rows) = 0;
  /// Dialogs of one platform.
  virtual Stored<Done> add_people(std::int64_t id, std::string_view transport, const std::vector<std::int64_t>& dialogs) = 0;
  /// Platforms with somebody who is still to get it, sorted.
  virtual Stored<std::vector<std::string>> platforms(std::int64_t id) = 0;
  /// Who are next on a platform.
  virtual Stored<std::vector<Person>> next_people(std::int64_t id, std::string_view transport, std::int64_t most) = 0;
  /// They have had their turn: all of a platform up to this dialog.
  virtual Stored<Done> drop_people(std::int64_t id, std::string_view transport, std::int64_t through_dialog) = 0;
  virtual Stored<Done> drop_all_people(std::int64_t id) = 0;
  /// Whether an event or a message of it is still on its way.
  virtual Stored<bool> is_under_way(std::string_view bot, std::int64_t id) = 0;
};

}  // namespace sufler
