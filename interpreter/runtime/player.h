#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "interpreter/core/api_call.h"
#include "interpreter/core/program.h"
#include "interpreter/core/step.h"
#include "storage/storage.h"

namespace sufler {

/// How messages become calls of a platform; given by whoever owns the transports.
class Renderer {
 public:
  virtual ~Renderer() = default;
  virtual std::vector<ApiCall> render(const ChatAddress& chat, const Message& message) const = 0;
  virtual ApiCall render_press_answer(const ChatAddress& chat, const std::string& press_id,
                                      const std::string& text) const = 0;
};

/// A bot as the player needs it.
struct BotSetup {
  std::string name;  ///< key in `bots:` of the configuration
  std::shared_ptr<const Program> program;
  std::map<std::string, std::vector<ChatAddress>> roles;
  std::map<std::string, const Renderer*> renderers;  ///< by transport
  std::uint64_t seed = 0;  ///< all chance of the bot comes from it
  bool trace = false;      ///< fill Played::visited
};

/// A line for the operator that a turn left, with the dialog it is about.
struct TurnNote {
  enum class Kind : std::uint8_t { Log, Fault, Relocated, Buried } kind = Kind::Log;
  ChatAddress chat;
  std::string text;
  SourceSpan span;  ///< of a Fault
};

/// What a batch led to, once committed.
struct Played {
  std::vector<OutboxRow> outbox;  ///< new rows, in order
  bool timers_changed = false;
  std::vector<TurnNote> notes;
  std::vector<StepId> visited;    ///< when tracing
  std::size_t turns = 0;
  /// Why events that are stored wait in the inbox: `go_on` plays them. They are taken nonetheless.
  std::optional<StorageError> trouble = {};
};

/// A message that told somebody of a dialog.
struct SentNotice {
  ChatAddress chat;
  std::string message_id;
  std::int64_t dialog_id = 0;
  Moment at;
};

/// What became of an outbox row, to be recorded with the next transaction.
struct Settled {
  std::int64_t outbox_id = 0;
  bool drop = true;                 ///< sent, or given up without loss
  OutboxRow::State state = OutboxRow::State::New;
  std::uint32_t attempts = 0;
  std::string reason;
  std::optional<DeadLetter> letter; ///< refused for good: kept for the operator
  std::optional<SentNotice> notice = {};
};

/// Plays events of one bot against the storage: each event is one turn, and a batch commits as one
/// transaction, so that the cost of a sync is shared. The engine of `run`, `test` and `chat` alike.
/// No threads and no clock of its own.
///
/// An event whose turn fails (an exception, a refused row) goes through the inbox alone: its attempts are
/// counted before it is played, a crash counts, and after kMaxAttempts it becomes a dead letter and the person
/// gets `on_error` (ARCHITECTURE, invariant 5).
class Player {
 public:
  static constexpr std::uint32_t kMaxAttempts = 3;

  Player(Storage& storage, BotSetup setup);
  ~Player();
  Player(Player&&) noexcept;

  /// After an unclean stop the next events are played one at a time through the inbox, because one of them
  /// may be what killed the process. Plays what the inbox still holds.
  Stored<Played> recover(bool clean_stop);

  /// Plays what was put into the inbox meanwhile.
  Stored<Played> play_inbox();

  /// Plays all updates and stores the position with them: all or nothing. Of an update whose id was
  /// claimed before (`claim` true) nothing is played again.
  Stored<Played> play(const std::vector<Incoming>& updates, std::string_view transport,
                      std::string_view position, const std::vector<Settled>& settled = {},
                      bool claim = false);
  /// Plays what the inbox still holds after a trouble.
  Stored<Played> go_on();
  /// Plays timers due at `now`, oldest first, at most `limit`.
  Stored<Played> play_timers(Moment now, std::size_t limit);
  Stored<std::optional<Moment>> next_timer();
  /// Records what became of sent messages when no batch takes it along.
  Stored<Done> settle(const std::vector<Settled>& settled);
  Stored<std::string> position(std::string_view transport);
  /// Rows still to be sent, oldest first, behind `after_id`.
  Stored<std::vector<OutboxRow>> outbox(std::int64_t after_id, std::size_t limit);

  // ---- Where several processes share the database (ARCHITECTURE, Storage): events are stored first, and played by
  // whichever process claims them.

  /// An event as the inbox keeps it.
  InboxRow inbox_row(const Incoming& update) const;
  /// The event of a row, when it can be read.
  static std::optional<Incoming> read(const InboxRow& row);
  /// The dialog that an event is about, to be expected before it is played.
  DialogKey dialog_of(const Incoming& update) const;
  /// Before the first event of a transaction of the caller's: others may have changed what is kept in memory.
  void begin_batch();
  /// Plays an event that the transaction has claimed, and drops its row. An exception counts as an error.
  Stored<Done> play_claimed(Transaction& tx, const InboxRow& row, const Incoming& update, Played& played);
  /// Plays an event that has failed, or whose process died: alone, counted before it is played. Nothing happens when
  /// another process has it.
  /// `first` is done in the transaction that plays it, once the event is this process's.
  using First = std::function<Stored<Done>(Transaction&, Played&)>;
  Stored<Done> play_alone(const InboxRow& row, Played& played, const First& first);
  /// Inside a transaction of the caller's.
  Stored<Done> record(Transaction& tx, const std::vector<Settled>& settled) const;
  /// The event of a due timer.
  InboxRow timer_row(const TimerRow& timer, Moment now) const;

  const BotSetup& setup() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sufler
