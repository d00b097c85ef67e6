#pragma once
#include <array>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "storage/postgres_connection.h"
#include "storage/transaction.h"

namespace sufler::storage {

/// The operations where many rows at once cost a small part of one by one: what turns read is loaded
/// together, what they write waits in memory and goes out in a few statements, each for all rows,
/// before the commit or before something reads it.
class PostgresTransaction final : public SqlTransaction {
 public:
  /// `sql` is a connection to PostgreSQL.
  explicit PostgresTransaction(soci::session& sql);

  /// Who this process is among those that share the database, and the bots whose rows it sends.
  struct Sender {
    std::int64_t process = 0;
    std::set<std::string, std::less<>> bots;
  };
  Sender sender;

  Stored<Done> begin() override;
  Stored<Done> commit() override;
  void roll_back() override;

  Stored<DialogRow> load_dialog(const DialogKey& key) override;
  Stored<Done> save_dialog(const DialogKey& key, DialogRow& row, bool user_changed,
                           Moment at) override;
  Stored<Done> expect_dialogs(const std::vector<DialogKey>& keys) override;

  using SqlTransaction::put_inbox;
  Stored<Done> put_inbox(std::vector<InboxRow> rows, bool claim, Moment at) override;
  Stored<std::vector<InboxRow>> claim_inbox(const std::vector<std::string>& bots, std::size_t persons,
                                            std::size_t of_each, std::size_t events) override;
  Stored<std::vector<InboxRow>> claim_people(const std::vector<std::int64_t>& persons, std::size_t of_each,
                                             std::size_t events) override;
  Stored<std::optional<InboxRow>> claim_person(std::int64_t person) override;
  Stored<Done> hold_person(std::string_view bot, std::string_view transport, std::string_view user_id) override;
  Stored<Done> drop_inbox(std::int64_t inbox_id) override;

  Stored<std::int64_t> enqueue(const OutboxRow& row, Moment at) override;
  Stored<std::vector<OutboxRow>> outbox(std::string_view bot, std::int64_t after_id, std::size_t limit) override;
  Stored<std::set<std::int64_t>> still_in_outbox(const std::vector<std::int64_t>& ids) override;
  Stored<std::vector<ClaimedRow>> claim_outbox(std::string_view bot, bool all, std::size_t limit) override;
  Stored<std::vector<std::int64_t>> withdrawn(std::string_view bot) override;

  Stored<Done> map_message(std::string_view bot, const ChatAddress& chat, std::string_view message_id,
                           std::int64_t dialog_id, Moment at, std::int64_t ticket_message) override;
  Stored<std::optional<std::int64_t>> dialog_of_message(std::string_view bot, const ChatAddress& chat,
                                                        std::string_view message_id) override;

  Stored<Done> set_timer(std::int64_t dialog_id, const SetTimer& timer) override;
  Stored<Done> cancel_timer(std::int64_t dialog_id, std::string_view name) override;
  Stored<std::vector<TimerRow>> due_timers(std::string_view bot, Moment now, std::size_t limit) override;
  Stored<std::optional<Moment>> next_timer(std::string_view bot) override;
  Stored<std::size_t> claim_timers(const std::vector<std::string>& bots, Moment now, std::size_t limit,
                                   const std::function<InboxRow(const TimerRow&)>& event) override;

  Stored<Done> append_journal(const JournalRow& row) override;
  Stored<std::vector<JournalRow>> journal(std::int64_t dialog_id, std::size_t limit) override;

  Stored<ValueMap> load_shared(std::string_view bot) override;
  Stored<Done> set_shared(std::string_view bot, std::string_view name, const Value& value) override;
  Stored<List> find_rows(const Table& table, const FindRows& find) override;
  Stored<std::int64_t> count_rows(const Table& table, const std::vector<Condition>& conditions) override;

 private:
  /// A dialog with its person, as this transaction sees it.
  struct Dialog {
    DialogKey key;
    DialogRow row;
    Moment changed;
    bool inserted = false;  // no row in the database yet
    bool dirty = false;
    bool user_inserted = false;
    bool user_dirty = false;
  };
  struct TimerChange {
    std::string bot;
    std::optional<SetTimer> set;  // empty: cancelled
  };
  struct Queued {
    OutboxRow row;
    Moment at;
  };
  struct Line {
    std::int64_t id = 0;
    std::int64_t previous = 0;
    JournalRow row;
  };

  struct Mapped {
    std::int64_t dialog_id = 0, at_unix_ms = 0, ticket_message = 0;
  };

  std::vector<bool> hold_if_free(const std::vector<DialogKey>& people) override;
  bool try_hold(std::int64_t person);
  bool others_serve() override;
  void lock_deployments() override;
  void withdraw(const std::vector<std::int64_t>& outbox_ids) override;
  void write_out() override;
  void write_mapped() override;
  void write_users();
  void write_dialogs();
  void write_timers();
  void write_outbox();
  /// Of the bots of `queued_`, those that this process still leads; that stays so until the transaction ends.
  std::set<std::string, std::less<>> led_bots();
  void write_journal();
  void write_drops();
  /// Found in what is loaded or loaded now; `row.id` is 0 when there is none.
  Dialog& dialog_of(const DialogKey& key);
  /// Claims the ids of events, and leaves out those that were claimed before.
  void keep_fresh(std::vector<InboxRow>& rows, Moment at);
  /// Whoever reads a table to decide what to write waits for others who do the same.
  void lock_table(const Table& table);
  void lock_shared(std::string_view bot);
  void lock_desk(std::string_view bot, std::string_view desk) override;
  bool desk_awaited() override;
  /// Events of the people whose oldest ones were locked.
  std::vector<InboxRow> claim_behind(const PostgresRows& heads, std::size_t of_each, std::size_t events);

  PostgresStatements postgres_;
  Ids dialog_ids_, user_ids_;
  std::map<std::string, Dialog, std::less<>> dialogs_;
  std::unordered_map<std::int64_t, const Dialog*> by_id_;
  std::set<std::int64_t> lines_moved_;  // dialogs with a newer line than their row says
  std::map<std::pair<std::int64_t, std::string>, TimerChange> timers_;
  std::vector<Queued> queued_;
  std::map<std::array<std::string, 4>, Mapped> mapped_;  // by message, chat, transport and bot: in one order for all
  std::vector<Line> journal_;
  std::vector<std::int64_t> played_;  // rows of the inbox that are done
  bool claimed_ = false;              // what is claimed is told by `processes.playing`, which the commit ends
  std::set<std::string, std::less<>> locked_;
  std::map<std::pair<std::string, std::string>, std::int32_t> locked_desks_;  // by bot and desk; the lock's number
  std::set<std::string, std::less<>> read_shared_;  // bots whose `shared` was read without a lock
  /// Bots whose turns write `shared`: their transactions go one after another. Found out by the first that does.
  std::set<std::string, std::less<>> writes_shared_;
};

}  // namespace sufler::storage
