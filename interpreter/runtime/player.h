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
#include "interpreter/core/crm_chat.h"
#include "interpreter/core/program.h"
#include "interpreter/core/step.h"
#include "interpreter/runtime/clock.h"
#include "interpreter/runtime/versions.h"
#include "storage/storage.h"

namespace sufler {

/// How messages become calls of a platform; given by whoever owns the transports.
class Renderer {
 public:
  virtual ~Renderer() = default;
  virtual std::vector<ApiCall> render(const ChatAddress& chat, const Message& message) const = 0;
  virtual ApiCall render_press_answer(const ChatAddress& chat, const std::string& press_id,
                                      const std::string& text) const = 0;
  /// Whether the platform sees a repeated call by its `repeat_key`, so that nothing is said twice.
  virtual bool tells_repeats() const { return false; }
  /// The call that makes a topic in a group; its method is empty where the platform has none.
  virtual ApiCall render_topic(const ChatAddress& group, const std::string& title) const {
    (void)group, (void)title;
    return {};
  }
  /// Closes a topic, or opens it again: people see that nothing is to be written there. Without a method where a
  /// platform has no topics.
  virtual ApiCall render_topic_state(const ChatAddress& topic, bool open) const {
    (void)topic, (void)open;
    return {};
  }
  /// Shows for some seconds that the bot is at work. Without a method where a platform cannot, as the next.
  virtual ApiCall render_typing(const ChatAddress& chat) const {
    (void)chat;
    return {};
  }
  /// A message that grows: as a new one, or in the place of what `message_id` said before.
  virtual ApiCall render_growing(const ChatAddress& chat, const std::string& text, const std::string& message_id) const {
    (void)chat, (void)text, (void)message_id;
    return {};
  }
  /// The grown message, which said `text`, becomes what `call` would send.
  virtual ApiCall render_grown(const ApiCall& call, const std::string& text, const std::string& message_id) const {
    (void)call, (void)text, (void)message_id;
    return {};
  }
  virtual ApiCall render_removal(const ChatAddress& chat, const std::string& message_id) const {
    (void)chat, (void)message_id;
    return {};
  }
};

/// A bot as the player needs it.
struct BotSetup {
  std::string name;  ///< key in `bots:` of the configuration
  std::shared_ptr<const Program> program;
  std::map<std::string, std::vector<ChatAddress>> roles;
  std::map<std::string, const Renderer*> renderers;  ///< by transport
  /// Values of the environment variables that the desks name for their tokens.
  std::map<std::string, std::string> secrets = {};
  std::uint64_t seed = 0;  ///< all chance of the bot comes from it
  bool trace = false;      ///< fill Played::trace
  int log_turns = 0;       ///< of a hundred dialogs, those whose turns fill Played::lines
  /// What tells when a turn is played, and outlives the player. None where time is an input, as in talks: each turn is
  /// played when its event happens.
  const Clock* clock = nullptr;
  Serving serving = {};    ///< versions beside `program`, where they are stored; its own `program` is not looked at
  /// Nobody could read its scenario: nothing of it is played until `Player::serve` brings one, and `program` is empty.
  bool left_out = false;
  std::string crm_account = {};  ///< CrmAccount::key; empty: there is none
  std::optional<CrmChatSettings> crm_chat = {};  ///< dialogs are shown in the CRM's chats; nothing: there are none
};

/// A line for the operator that a turn left, with the dialog it is about.
struct TurnNote {
  enum class Kind : std::uint8_t {
    Log,
    Fault,      ///< the scenario could not do what it says
    Relocated,
    Buried,
    Alarm,      ///< somebody must look: the log has it with `ALARM: ` before it
  } kind = Kind::Log;
  ChatAddress chat;
  std::string text;
  SourceSpan span;  ///< of a Fault
  std::string file = {};  ///< that `span` is in; may be empty
};

/// A turn for the operator's log: what happened and where it led, and no word of what was said.
struct TurnLine {
  std::int64_t dialog_id = 0;
  ChatAddress chat;
  std::string event;       ///< its kind, as the journal names it: `message`, `timer`, …
  std::string from, to;    ///< places of the dialog before and behind it; empty: it was new
  std::size_t messages = 0;  ///< that it said
  std::string version;     ///< of the scenario
  std::int64_t lag_ms = 0;  ///< from what happened until it was played
};

/// What a batch led to, once committed.
struct Played {
  std::vector<OutboxRow> outbox;  ///< new rows, in order
  bool timers_changed = false;
  bool jobs_started = false;
  bool broadcasts_begun = false;
  std::vector<TurnNote> notes;
  std::vector<TurnLine> lines;
  Trace trace;                    ///< when tracing
  std::size_t turns = 0;
  /// Why events that are stored wait in the inbox: `go_on` plays them. They are taken nonetheless.
  std::optional<StorageError> trouble = {};

  /// What was played behind it.
  void add(Played behind);
};

/// A message that told somebody of a dialog.
struct SentNotice {
  ChatAddress chat;
  std::string message_id;
  std::int64_t dialog_id = 0;
  Moment at;
  std::int64_t ticket_message = 0;  ///< that it carried, else 0
  std::vector<std::string> further_ids = {};  ///< of an album: its other messages
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
  ChatAddress chat = {};            ///< of a row that carried a line of a ticket
  std::int64_t ticket_message = 0;  ///< that line, else 0; below 0: the row made a topic for it
  bool unreachable = false;         ///< refused because the person blocked the bot, or is gone
  bool topic_gone = false;          ///< refused because the topic was deleted
  std::int64_t broadcast = 0;       ///< as the row's: what became of it is counted
  std::string crm_message = {};     ///< a manager's message in the CRM, that the row carried; may be empty
  std::int64_t dialog_id = 0;       ///< the same: whose
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
  /// Whether what became of messages waits for the desk: `go_on` plays it.
  bool has_reports() const;
  /// Plays what the inbox still holds after a trouble.
  Stored<Played> go_on();
  /// Plays timers due at `now`, oldest first, at most `limit`.
  Stored<Played> play_timers(Moment now, std::size_t limit);
  Stored<std::optional<Moment>> next_timer();
  /// Records what became of sent messages when no batch takes it along.
  Stored<Done> settle(const std::vector<Settled>& settled);

  // ---- Other versions of the scenario (LANGUAGE 11)

  /// From the next turn on the bot is played with this. Gives what it was played with, to be freed by whoever has time.
  Serving serve(Serving serving);
  std::int64_t generation() const;
  std::int64_t swept() const;  ///< as `serve` said
  /// Of a shared database: another process has deployed something newer than what is played here. Nothing is played
  /// until `serve`.
  bool outdated() const;
  bool left_out() const;  ///< as its BotSetup, until `serve`
  bool stale() const { return left_out() || outdated(); }
  /// Versions that dialogs are pinned to and that are not at hand. No turn waits for them: what happens in these
  /// dialogs stays in the inbox until `keep` brings them, and all others go on.
  std::vector<std::string> wanted() const;
  /// Null: the version is gone, and these dialogs follow the live one. `play_inbox` plays what has waited.
  void keep(const std::string& version, std::shared_ptr<const Program> program);
  /// Whether the last event could not be played because its dialog waits for a version.
  bool waits_for_version() const;
  /// The generation that the database names.
  void note_newest(std::int64_t generation);
  /// How far the dialogs of older versions have been taken over.
  struct Sweep {
    static constexpr std::size_t kMost = 400;
    std::size_t at_once = kMost;  ///< dialogs that are looked at in one transaction, at most kMost
    std::int64_t after_id = 0;
    std::int64_t alone_until = 0;  ///< one up to here cannot be moved: each gets a transaction of its own
    std::size_t moved = 0;    ///< dialogs
    std::size_t changed = 0;  ///< of these: did not simply stay where they were
    std::size_t left = 0;     ///< in this pass: played by another process, or could not be moved
    bool done = false;
  };
  /// Takes over dialogs that an older version stored, in one transaction, as long as `go_on` says. What is written of
  /// them comes behind that and takes its time, too.
  Stored<Played> sweep(Sweep& sweep, Moment now, const std::function<bool()>& go_on);
  /// A message of the program's own to all members of a role of the configuration.
  Stored<Played> notify(const std::string& role, const std::string& text, Moment now);
  Stored<std::string> position(std::string_view transport);
  /// What an earlier process left to be sent, oldest first, behind `after_id`, which moves on; `more`: there may be
  /// further ones. What may have gone out and must not go out twice is marked instead.
  Stored<std::vector<OutboxRow>> left_in_outbox(std::int64_t& after_id, bool& more);
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
