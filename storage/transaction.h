#pragma once
#include <memory>
#include <array>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "storage/dialect.h"
#include "storage/errors.h"
#include "storage/ids.h"
#include "storage/statement.h"
#include "storage/storage.h"

namespace soci {
class session;
}

namespace sufler {
class CrmStore;
}

namespace sufler::storage {

class SqlDesk;
class SqlJobs;
class SqlKnowledge;
class SqlHousekeeping;
class SqlReports;
class SqlBroadcasts;
class SqlSchedules;
class SqlVersions;

/// All operations, in SQL that every database understands. Lives as long as its connection and
/// serves one transaction after another.
class SqlTransaction : public Transaction {
 public:
  SqlTransaction(soci::session& sql, const Dialect& dialect, Statements::Prepare prepare);
  ~SqlTransaction() override;

  /// What is begun next writes nothing.
  bool only_reads = false;

  virtual Stored<Done> begin();
  virtual Stored<Done> commit();
  virtual void roll_back();
  /// The first error since `begin`: such a transaction is never committed.
  const std::optional<StorageError>& failure() const { return failure_; }

  Stored<DialogRow> load_dialog(const DialogKey& key) override;
  Stored<std::optional<DialogKey>> find_dialog(std::int64_t dialog_id) override;
  Stored<Done> save_dialog(const DialogKey& key, DialogRow& row, bool user_changed,
                           Moment at) override;

  Stored<bool> claim_event(std::string_view bot, std::string_view transport,
                           std::string_view event_id, Moment at) override;
  Stored<std::string> position(std::string_view bot, std::string_view transport) override;
  Stored<Done> set_position(std::string_view bot, std::string_view transport,
                            std::string_view position, Moment at) override;

  Stored<Done> put_inbox(InboxRow& row) override;
  Stored<Done> put_inbox(std::vector<InboxRow> rows, bool claim, Moment at) override;
  Stored<std::vector<InboxRow>> claim_inbox(const std::vector<std::string>& bots, std::size_t persons,
                                            std::size_t of_each, std::size_t events) override;
  Stored<std::vector<InboxRow>> claim_people(const std::vector<std::int64_t>& persons, std::size_t of_each,
                                             std::size_t events) override;
  Stored<std::optional<InboxRow>> claim_person(std::int64_t person) override;
  Stored<Done> hold_person(std::string_view bot, std::string_view transport, std::string_view user_id) override;
  Stored<Done> expect_dialogs(const std::vector<DialogKey>& keys) override;
  Stored<std::vector<InboxRow>> inbox(std::string_view bot, std::size_t limit) override;
  Stored<std::uint32_t> count_attempt(std::int64_t inbox_id) override;
  Stored<Done> drop_inbox(std::int64_t inbox_id) override;

  Stored<std::int64_t> enqueue(const OutboxRow& row, Moment at) override;
  Stored<std::vector<OutboxRow>> outbox(std::string_view bot, std::int64_t after_id,
                                        std::size_t limit) override;
  Stored<Done> mark_outbox(std::int64_t id, OutboxRow::State state, std::uint32_t attempts,
                           std::string_view reason) override;
  Stored<Done> drop_outbox(std::int64_t id) override;
  Stored<std::set<std::int64_t>> still_in_outbox(const std::vector<std::int64_t>& ids) override;
  Stored<std::vector<ClaimedRow>> claim_outbox(std::string_view bot, bool all, std::size_t limit) override;
  Stored<std::vector<std::int64_t>> withdrawn(std::string_view bot) override;

  Stored<Done> map_message(std::string_view bot, const ChatAddress& chat, std::string_view message_id,
                           std::int64_t dialog_id, Moment at, std::int64_t ticket_message) override;
  Stored<std::optional<std::int64_t>> dialog_of_message(std::string_view bot, const ChatAddress& chat,
                                                        std::string_view message_id) override;

  Stored<Done> set_timer(std::int64_t dialog_id, const SetTimer& timer) override;
  Stored<Done> cancel_timer(std::int64_t dialog_id, std::string_view name) override;
  Stored<std::vector<TimerRow>> due_timers(std::string_view bot, Moment now,
                                           std::size_t limit) override;
  Stored<std::optional<Moment>> next_timer(std::string_view bot) override;
  Stored<std::size_t> claim_timers(const std::vector<std::string>& bots, Moment now, std::size_t limit,
                                   const std::function<InboxRow(const TimerRow&)>& event) override;

  Stored<Done> append_journal(const JournalRow& row) override;
  Stored<std::vector<JournalRow>> journal(std::int64_t dialog_id, std::size_t limit) override;
  Stored<Done> count_track(std::string_view bot, std::int64_t dialog_id, std::string_view name,
                           Moment at) override;
  Stored<Done> bury(const DeadLetter& letter) override;
  Stored<std::vector<DeadLetter>> dead_letters(std::string_view bot, std::size_t limit) override;

  Stored<ValueMap> load_shared(std::string_view bot) override;
  Stored<Done> set_shared(std::string_view bot, std::string_view name, const Value& value) override;

  Stored<ValueMap> insert_row(const Table& table, const ValueMap& values, const Owner& owner,
                              Moment at) override;
  Stored<List> find_rows(const Table& table, const FindRows& find) override;
  Stored<std::int64_t> count_rows(const Table& table,
                                  const std::vector<Condition>& conditions) override;
  Stored<std::int64_t> update_row(const Table& table, std::int64_t id,
                                  const ValueMap& values) override;
  Stored<std::int64_t> delete_row(const Table& table, std::int64_t id) override;

  DeskStore& desk() override;
  JobStore& jobs() override;
  ScheduleStore& schedules() override;
  ReportStore& reports() override;
  BroadcastStore& broadcasts() override;
  VersionStore& versions() override;
  KnowledgeStore& knowledge() override;
  Housekeeping& housekeeping() override;

 protected:
  friend class sufler::CrmStore;
  friend class SqlDesk;
  friend class SqlJobs;
  friend class SqlKnowledge;
  friend class SqlHousekeeping;
  friend class SqlReports;
  friend class SqlBroadcasts;
  friend class SqlSchedules;
  friend class SqlVersions;

  /// Runs one operation; its failure makes the transaction lost. Nothing more is done after one:
  /// the database may have ended the transaction itself, and a statement would then be committed
  /// alone.
  template <class Body>
  auto operation(Body&& body) -> decltype(body()) {
    if (failure_) return Error{*failure_};
    auto result = guarded(&sql_, std::forward<Body>(body));
    if (!result && !failure_) failure_ = result.error();
    return result;
  }

  // A journal with an index by dialog would write one more page in every turn. Instead each line
  // names the one before it in its dialog, and the dialog's row, which a turn writes anyway, names
  // the newest: saving a dialog takes the id that its next line will have. `commit` corrects the
  // rows of those dialogs whose line did not come, or came without a save.
  struct Lines {
    std::int64_t newest = 0;  ///< 0: none
    std::int64_t promised =
        0;                ///< id in the dialog's row of a line that is not written yet; 0: none
    bool behind = false;  ///< the dialog's row names an older line than `newest`
  };
  Lines& lines_of(std::int64_t dialog_id);
  void correct_lines();

  /// As `hold_person`, but nobody is waited for: of each, whether nobody else plays the person.
  virtual std::vector<bool> hold_if_free(const std::vector<DialogKey>& people);

  /// Whether another process serves on the database; this one has not joined it.
  virtual bool others_serve() { return false; }
  /// Where others write at the same time: nobody else deploys until the transaction ends.
  virtual void lock_deployments() {}

  /// These rows leave the outbox unsent. Where another process has claimed one, it is told: `withdrawn`.
  virtual void withdraw(const std::vector<std::int64_t>& outbox_ids);

  /// Whatever is written later than it is asked for is written now.
  virtual void write_out();
  /// What `map_message` keeps back, before somebody reads it.
  virtual void write_mapped() {}

  /// Where others write at the same time: from now until the transaction ends nobody else has the desk.
  virtual void lock_desk(std::string_view bot, std::string_view desk);
  virtual bool desk_awaited() { return false; }

  /// What was claimed longer ago than platforms repeat, now and then.
  void forget_old_claims(Moment at);

  /// Deletes what `drop_outbox` named. What is sent together was mostly queued together, so whole
  /// ranges go at once.
  void delete_dropped();

  soci::session& sql_;
  const Dialect& dialect_;
  Statements statements_;
  KeptStatements kept_;  ///< of the scenario's tables
  Ids inbox_ids_, outbox_ids_, journal_ids_;
  std::unordered_map<std::int64_t, Lines> lines_;  ///< of the dialogs of this transaction
  std::vector<std::int64_t> dropped_;  ///< ids of the outbox, to be deleted by this transaction
  std::optional<StorageError> failure_;
  std::int64_t claims_ = 0;
  std::array<std::string, 3> looked_at_;  ///< the key of `seen_events` up to which old claims were looked for
  std::unique_ptr<SqlHousekeeping> housekeeping_;
  std::unique_ptr<SqlDesk> desk_;
  std::unique_ptr<SqlJobs> jobs_;
  std::unique_ptr<SqlReports> reports_;
  std::unique_ptr<SqlSchedules> schedules_;
  std::unique_ptr<SqlBroadcasts> broadcasts_;
  std::unique_ptr<SqlVersions> versions_;
  std::unique_ptr<SqlKnowledge> knowledge_;
};

/// The number by which the events of a person are kept in order.
std::int64_t person_number(std::string_view bot, std::string_view transport, std::string_view user_id);

/// `counters` holds the next number of a desk's tickets, by this followed by bot, newline and desk.
inline constexpr std::string_view kTicketNumbers = "tickets\n";

/// The files of a call as one text for the row, and back.
std::string files_to_text(const std::vector<FilePart>& files);
bool files_from_text(std::string_view text, std::vector<FilePart>& files);

}  // namespace sufler::storage
