#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
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
};

struct OutboxRow {
  std::int64_t id = 0;
  std::string bot;
  ChatAddress chat;
  ApiCall call;
  ResendPolicy resend = ResendPolicy::Repeat;
  enum class State : std::uint8_t { New, Sending, Unknown, Dead } state = State::New;
  std::uint32_t attempts = 0;
  std::int64_t dialog_id = 0;  ///< whose turn wrote it; its rows to one chat keep their order
  bool notice = false;  ///< tells somebody else of the dialog: what was sent is remembered as being about it
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
  std::string incoming;  ///< JSON of Incoming
  std::uint32_t attempts = 0;
};
struct DeadLetter {
  std::int64_t id = 0;
  std::string bot, kind;  ///< kind: `event` or `outbox`
  std::string subject;    ///< JSON of what died
  std::string reason;
  Moment at;
};

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
  virtual Stored<std::vector<InboxRow>> inbox(std::string_view bot, std::size_t limit) = 0;
  virtual Stored<std::uint32_t> count_attempt(std::int64_t inbox_id) = 0;
  virtual Stored<Done> drop_inbox(std::int64_t inbox_id) = 0;

  virtual Stored<std::int64_t> enqueue(const OutboxRow& row,
                                       Moment at) = 0;  ///< gives its id, growing
  virtual Stored<std::vector<OutboxRow>> outbox(std::string_view bot, std::int64_t after_id,
                                                std::size_t limit) = 0;
  virtual Stored<Done> mark_outbox(std::int64_t id, OutboxRow::State state, std::uint32_t attempts,
                                   std::string_view reason) = 0;
  virtual Stored<Done> drop_outbox(std::int64_t id) = 0;  ///< sent

  /// That a message which a chat got is about a dialog: a reply to it means the dialog.
  virtual Stored<Done> map_message(std::string_view bot, const ChatAddress& chat, std::string_view message_id,
                                   std::int64_t dialog_id, Moment at) = 0;
  virtual Stored<std::optional<std::int64_t>> dialog_of_message(std::string_view bot, const ChatAddress& chat,
                                                                std::string_view message_id) = 0;

  virtual Stored<Done> set_timer(std::int64_t dialog_id, const SetTimer& timer) = 0;
  virtual Stored<Done> cancel_timer(std::int64_t dialog_id, std::string_view name) = 0;
  virtual Stored<std::vector<TimerRow>> due_timers(std::string_view bot, Moment now,
                                                   std::size_t limit) = 0;
  virtual Stored<std::optional<Moment>> next_timer(std::string_view bot) = 0;

  virtual Stored<Done> append_journal(const JournalRow& row) = 0;
  virtual Stored<std::vector<JournalRow>> journal(std::int64_t dialog_id, std::size_t limit) = 0;
  virtual Stored<Done> count_track(std::string_view bot, std::int64_t dialog_id,
                                   std::string_view name, Moment at) = 0;
  virtual Stored<Done> bury(const DeadLetter& letter) = 0;
  virtual Stored<std::vector<DeadLetter>> dead_letters(std::string_view bot, std::size_t limit) = 0;

  virtual Stored<ValueMap> load_shared(std::string_view bot) = 0;
  virtual Stored<Done> set_shared(std::string_view bot, std::string_view name,
                                  const Value& value) = 0;
  virtual Stored<Done> add_version(std::string_view bot, std::string_view version,
                                   std::string_view scenario, Moment at) = 0;

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
};

class Storage {
 public:
  /// `sqlite:PATH` or `sqlite::memory:`. Creates and migrates. `busy_timeout` is how long an
  /// operation waits for another program that holds the database, before it fails with Busy.
  static Stored<Storage> open(std::string_view url, Durability durability,
                              std::chrono::milliseconds busy_timeout = std::chrono::seconds(10));
  Storage(Storage&&) noexcept;
  Storage& operator=(Storage&&) noexcept;
  ~Storage();

  /// Runs `body` in one write transaction and commits when it returns Done. Not thread-safe: one
  /// owner.
  Stored<Done> transact(const std::function<Stored<Done>(Transaction&)>& body);

  /// Creates the scenario's tables and adds new columns. Refuses what would lose data. Two bots
  /// with one database have tables of their own when their scenarios differ: see README.
  Stored<Done> prepare_tables(const Program& program);
  /// Whether the last owner stopped in an orderly way; afterwards this one counts as running.
  Stored<bool> begin_running();
  Stored<Done> end_running();

 private:
  struct Impl;
  explicit Storage(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sufler
