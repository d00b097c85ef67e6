#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "interpreter/core/api_call.h"
#include "interpreter/core/program.h"
#include "interpreter/core/result.h"
#include "interpreter/core/turn.h"

/// Everything durable, behind the few operations that the runtime needs. No SQL anywhere else.
namespace sufler {

struct StorageError {
  enum class Kind : std::uint8_t {
    Busy,  ///< try again
    Lost,  ///< the connection is gone; whether a commit happened is unknown
    Constraint,
    CannotOpen,   ///< no such folder, no rights, not a database
    Full,         ///< disk full or an I/O error
    NewerSchema,  ///< written by a newer Sufler
    Corrupt,
    Refused,  ///< a change of tables that would lose data
    Other,
  };
  Kind kind = Kind::Other;
  std::string message;  ///< one line for the operator: what, where, the way out; no secrets
};
template <class T>
using Stored = Result<T, StorageError>;

/// The world's trouble: nothing is wrong with what was asked, and it may succeed later.
constexpr bool may_pass(StorageError::Kind kind) {
  using Kind = StorageError::Kind;
  return kind != Kind::Constraint && kind != Kind::Refused && kind != Kind::Other;
}

enum class Durability : std::uint8_t { Full, Normal };

struct DialogKey {
  std::string bot;
  ChatAddress chat;
  std::string user_id;
  friend bool operator==(const DialogKey&, const DialogKey&) = default;
};
struct DialogRow {
  std::int64_t id = 0;        ///< 0: not stored yet
  std::string state;          ///< JSON; empty for a new dialog
  std::int64_t user_row = 0;  ///< 0: not stored yet
  std::string user;           ///< JSON of UserRecord; empty for a new person
  std::string place;          ///< where it rests
  std::int64_t generation = 0;  ///< of the deployment it was stored under (storage/version_store.h)
  std::string pinned;  ///< the version on which it finishes a branch; empty: it follows the live one
  Moment pinned_at;
};

struct OutboxRow {
  std::int64_t id = 0;
  std::string bot;
  ChatAddress chat;
  ApiCall call;
  ResendPolicy resend = ResendPolicy::Repeat;
  /// Dead: withdrawn; nothing is left of what it said.
  enum class State : std::uint8_t { New, Sending, Unknown, Dead } state = State::New;
  std::uint32_t attempts = 0;
  std::int64_t dialog_id = 0;  ///< whose turn wrote it; its rows to one chat keep their order
  bool notice = false;  ///< tells somebody else of the dialog: what was sent is remembered as being about it
  std::int64_t ticket_message = 0;  ///< that it carries (storage/desk_store.h), else 0; what was sent is its copy
  /// That it is of (storage/broadcast_store.h), else 0; below 0: not the first message to the person, so not counted.
  std::int64_t broadcast = 0;
};
struct TimerRow {
  std::int64_t dialog_id = 0;
  DialogKey key;
  std::string name;
  Moment due;
  std::uint64_t serial = 0;
};
struct JournalRow {
  std::int64_t dialog_id = 0;
  Moment at;
  std::string event_id;  ///< of the platform; empty for timers
  std::string event;     ///< JSON, secrets blotted out
  std::string turn;      ///< JSON: what was sent and done
  std::string version;   ///< of the scenario
};
struct InboxRow {
  std::int64_t id = 0;
  std::string bot, transport, event_id;
  std::string user_id;    ///< whose dialogs it is about: the events of one person are played in order
  std::string incoming;  ///< JSON of Incoming
  std::uint32_t attempts = 0;
  std::int64_t person = 0;  ///< whoever `user_id` is, as a number; given by whatever reads the inbox
};
struct DeadLetter {
  std::int64_t id = 0;
  std::string bot, kind;  ///< kind: `event` or `outbox`
  std::string subject;    ///< JSON of what died
  std::string reason;
  Moment at;
};

class BroadcastStore;
class Housekeeping;
class DeskStore;
class JobStore;
class KnowledgeStore;
class ReportStore;
class ScheduleStore;
class VersionStore;

/// Operations of one transaction. References stay valid until it ends. After an error the
/// transaction is lost as a whole: return the error.
class Transaction {
 public:
  virtual ~Transaction() = default;

  virtual Stored<DialogRow> load_dialog(const DialogKey& key) = 0;
  virtual Stored<std::optional<DialogKey>> find_dialog(std::int64_t dialog_id) = 0;
  /// Inserts or updates; sets row.id. The user part is written only when `user_changed`.
  virtual Stored<Done> save_dialog(const DialogKey& key, DialogRow& row, bool user_changed,
                                   Moment at) = 0;

  /// Whether the event is new; it is remembered. For platforms whose position does not tell.
  virtual Stored<bool> claim_event(std::string_view bot, std::string_view transport,
                                   std::string_view event_id, Moment at) = 0;
  virtual Stored<std::string> position(std::string_view bot, std::string_view transport) = 0;
  virtual Stored<Done> set_position(std::string_view bot, std::string_view transport,
                                    std::string_view position, Moment at) = 0;

  virtual Stored<Done> put_inbox(InboxRow& row) = 0;  ///< a repeated event id changes nothing
  /// The same for many at once; `claim`: ids that were claimed before are left out. Keeps their order.
  virtual Stored<Done> put_inbox(std::vector<InboxRow> rows, bool claim, Moment at) = 0;
  /// Events of at most `persons` people of these bots, the oldest people first, of each the first `of_each` in order,
  /// `events` in all. Until the transaction ends no other process gets an event of these people.
  virtual Stored<std::vector<InboxRow>> claim_inbox(const std::vector<std::string>& bots, std::size_t persons,
                                                    std::size_t of_each, std::size_t events) = 0;
  /// The same of these people alone.
  virtual Stored<std::vector<InboxRow>> claim_people(const std::vector<std::int64_t>& persons, std::size_t of_each,
                                                     std::size_t events) = 0;
  /// The oldest event of a person, so claimed; nothing when another process has them, or none is left.
  virtual Stored<std::optional<InboxRow>> claim_person(std::int64_t person) = 0;
  /// Until the transaction ends no other process plays the person's events; one that does is waited for. For work on
  /// what is theirs that is no turn. Before anything of theirs is read.
  virtual Stored<Done> hold_person(std::string_view bot, std::string_view transport, std::string_view user_id) = 0;
  /// That these dialogs will be loaded: many at once cost less than one by one.
  virtual Stored<Done> expect_dialogs(const std::vector<DialogKey>& keys) = 0;
  virtual Stored<std::vector<InboxRow>> inbox(std::string_view bot, std::size_t limit) = 0;
  virtual Stored<std::uint32_t> count_attempt(std::int64_t inbox_id) = 0;
  virtual Stored<Done> drop_inbox(std::int64_t inbox_id) = 0;

  virtual Stored<std::int64_t> enqueue(const OutboxRow& row,
                                       Moment at) = 0;  ///< gives its id, growing
  /// Rows still to be sent, oldest first; of a process that has joined others those that are its own to send.
  virtual Stored<std::vector<OutboxRow>> outbox(std::string_view bot, std::int64_t after_id,
                                                std::size_t limit) = 0;
  virtual Stored<Done> mark_outbox(std::int64_t id, OutboxRow::State state, std::uint32_t attempts,
                                   std::string_view reason) = 0;
  virtual Stored<Done> drop_outbox(std::int64_t id) = 0;  ///< sent
  /// Those of these rows that are still there; nobody else may drop them until the transaction ends.
  virtual Stored<std::set<std::int64_t>> still_in_outbox(const std::vector<std::int64_t>& ids) = 0;
  /// Rows of the bot that wait for a sender become this process's to send; with `all`, those of other senders too,
  /// and from now on this process is the bot's leader.
  /// `state` is what it was: a row that says Sending and had a sender may have gone out.
  struct ClaimedRow {
    OutboxRow row;
    bool had_sender = false;
  };
  virtual Stored<std::vector<ClaimedRow>> claim_outbox(std::string_view bot, bool all, std::size_t limit) = 0;
  /// Rows that this process, the bot's leader, had claimed and another took back: they are not to be sent. Until
  /// `drop_outbox`.
  virtual Stored<std::vector<std::int64_t>> withdrawn(std::string_view bot) = 0;

  /// That a message which a chat got is about a dialog: a reply to it means the dialog.
  virtual Stored<Done> map_message(std::string_view bot, const ChatAddress& chat, std::string_view message_id,
                                   std::int64_t dialog_id, Moment at, std::int64_t ticket_message = 0) = 0;
  virtual Stored<std::optional<std::int64_t>> dialog_of_message(std::string_view bot, const ChatAddress& chat,
                                                                std::string_view message_id) = 0;

  virtual Stored<Done> set_timer(std::int64_t dialog_id, const SetTimer& timer) = 0;
  virtual Stored<Done> cancel_timer(std::int64_t dialog_id, std::string_view name) = 0;
  virtual Stored<std::vector<TimerRow>> due_timers(std::string_view bot, Moment now,
                                                   std::size_t limit) = 0;
  virtual Stored<std::optional<Moment>> next_timer(std::string_view bot) = 0;
  /// Due timers of these bots become events of the inbox, oldest first; how many. `event` makes the event.
  virtual Stored<std::size_t> claim_timers(const std::vector<std::string>& bots, Moment now, std::size_t limit,
                                           const std::function<InboxRow(const TimerRow&)>& event) = 0;

  virtual Stored<Done> append_journal(const JournalRow& row) = 0;
  virtual Stored<std::vector<JournalRow>> journal(std::int64_t dialog_id, std::size_t limit) = 0;
  virtual Stored<Done> count_track(std::string_view bot, std::int64_t dialog_id,
                                   std::string_view name, Moment at) = 0;
  virtual Stored<Done> bury(const DeadLetter& letter) = 0;
  virtual Stored<std::vector<DeadLetter>> dead_letters(std::string_view bot, std::size_t limit) = 0;

  virtual Stored<ValueMap> load_shared(std::string_view bot) = 0;
  virtual Stored<Done> set_shared(std::string_view bot, std::string_view name,
                                  const Value& value) = 0;

  // The scenario's own tables. `owner` fills user_id and dialog_id of a new row.
  struct Owner {
    std::string_view user_id;
    std::int64_t dialog_id = 0;
  };
  /// The inserted row with its system columns.
  virtual Stored<ValueMap> insert_row(const Table& table, const ValueMap& values,
                                      const Owner& owner, Moment at) = 0;
  virtual Stored<List> find_rows(const Table& table, const FindRows& find) = 0;
  virtual Stored<std::int64_t> count_rows(const Table& table,
                                          const std::vector<Condition>& conditions) = 0;
  virtual Stored<std::int64_t> update_row(const Table& table, std::int64_t id,
                                          const ValueMap& values) = 0;
  virtual Stored<std::int64_t> delete_row(const Table& table, std::int64_t id) = 0;

  /// Agents and tickets: storage/desk_store.h.
  virtual DeskStore& desk() = 0;
  /// What is done outside of transactions: storage/job_store.h.
  virtual JobStore& jobs() = 0;
  /// What runs by the clock: storage/schedule_store.h.
  virtual ScheduleStore& schedules() = 0;
  /// What reports are made of: storage/report_store.h.
  virtual ReportStore& reports() = 0;
  /// What goes to many people: storage/broadcast_store.h.
  virtual BroadcastStore& broadcasts() = 0;
  /// Versions of scenarios: storage/version_store.h.
  virtual VersionStore& versions() = 0;
  /// What assistants know: storage/knowledge_store.h.
  virtual KnowledgeStore& knowledge() = 0;
  /// What operators ask: storage/housekeeping.h.
  virtual Housekeeping& housekeeping() = 0;
};

class Presence;
namespace storage {
class Database;
}

class Storage {
 public:
  struct Options {
    Durability durability = Durability::Full;
    /// How long an operation waits for others before it fails with Busy.
    std::chrono::milliseconds busy_timeout = std::chrono::seconds(10);
    /// Whether tables of an older version are brought up to date; else they are an error.
    bool migrate = true;
  };
  /// `sqlite:PATH`, `sqlite::memory:` or `postgresql://USER@HOST/NAME`. Creates and migrates.
  static Stored<Storage> open(std::string_view url, const Options& options);
  static Stored<Storage> open(std::string_view url, Durability durability,
                              std::chrono::milliseconds busy_timeout = std::chrono::seconds(10));
  /// Over a database of the caller's making: for tests, which include storage/database.h.
  static Stored<Storage> over(std::unique_ptr<storage::Database> database);
  Storage(Storage&&) noexcept;
  Storage& operator=(Storage&&) noexcept;
  ~Storage();

  /// Whether several processes may work on the database at the same time.
  bool shared() const;
  /// Called on a thread of the presence; must return soon and must not call the storage.
  struct PresenceHandlers {
    std::function<void()> news;  ///< others stored something: worth a look
    std::function<void(std::string_view bot, bool leads)> leads;
    std::function<void(std::string line)> trouble;  ///< one line for the operator, once for each trouble
  };
  /// Makes this process one of those that share the database. Only when `shared`; once.
  Stored<Done> join(std::vector<std::string> bots, PresenceHandlers handlers);
  /// The opposite: what this process leads may be led by another at once.
  void leave();
  /// Null before `join`.
  Presence* presence() const;
  /// Rows that are enqueued from now on are this process's to send, of these bots; others wait for their leader.
  void send_for(const std::vector<std::string>& bots);

  /// Runs `body` in one write transaction and commits when it returns Done. Not thread-safe: one
  /// owner.
  Stored<Done> transact(const std::function<Stored<Done>(Transaction&)>& body);
  /// The same for what only reads: on SQLite it waits for no writer, and no writer for it.
  Stored<Done> look(const std::function<Stored<Done>(Transaction&)>& body);
  /// As `transact`, and neither what `body` deletes nor what was deleted before can be read from the
  /// database's files afterwards: the file is written anew, which takes seconds a gigabyte. Gives
  /// why not, when that failed after the commit; empty when all went well.
  Stored<std::string> transact_without_trace(const std::function<Stored<Done>(Transaction&)>& body);

  /// What the world does to a database, for tests: asked at these places of every transaction. An error it gives is
  /// what happens there; what it throws leaves `transact`, as when the process died.
  enum class Place : std::uint8_t {
    Begin,   ///< nothing has been done
    Commit,  ///< all was written; an error here loses it
    Answer,  ///< it is durable; an error here says that nobody knows
  };
  using Fault = std::function<std::optional<StorageError>(Place)>;
  void fail_by(Fault fault);

  /// Creates the scenario's tables and adds new columns. Refuses what would lose data. Two bots
  /// with one database have tables of their own when their scenarios differ: see README.
  Stored<Done> prepare_tables(const Program& program);
  /// Whether the last owner stopped in an orderly way; afterwards this one counts as running. Of a shared database
  /// always true: see Presence.
  Stored<bool> begin_running();
  Stored<Done> end_running();

 private:
  struct Impl;
  explicit Storage(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sufler
