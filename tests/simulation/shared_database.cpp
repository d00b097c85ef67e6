#include "simulation/shared_database.h"

#include <algorithm>

#include "storage/database.h"
#include "storage/presence.h"
#include "storage/sqlite_connection.h"
#include "storage/sqlite_statement.h"

namespace sufler::simulation {
namespace {

using storage::Dialect;
using storage::SqlTransaction;

const Dialect& dialect_of_many() {
  static const Dialect dialect = [] {
    Dialect made = storage::sqlite_dialect();
    made.shared = true;
    // Blocks would let a later row of another process have a lower id.
    made.id_block = 1;
    return made;
  }();
  return dialect;
}

class SharedTransaction final : public SqlTransaction {
 public:
  SharedTransaction(soci::session& sql, storage::Statements::Prepare prepare, Processes& processes)
      : SqlTransaction(sql, dialect_of_many(), std::move(prepare)), processes_(processes) {}

  Stored<Done> commit() override {
    auto done = SqlTransaction::commit();
    if (done) processes_.playing.erase(process);
    return done;
  }

  Stored<std::int64_t> enqueue(const OutboxRow& row, Moment at) override {
    auto id = SqlTransaction::enqueue(row, at);
    if (!id || !bots.contains(row.bot)) return id;
    auto mine = operation([&]() -> Stored<Done> {
      std::int64_t leader = 0;
      statements_.one("SELECT process FROM leaders WHERE bot = ?", std::tie(leader), row.bot);
      if (leader == process) statements_.run("UPDATE outbox SET sender = ? WHERE id = ?", process, *id);
      return Done{};
    });
    if (!mine) return Error{mine.error()};
    return id;
  }

  Stored<std::vector<OutboxRow>> outbox(std::string_view bot, std::int64_t after_id, std::size_t limit) override {
    auto rows = SqlTransaction::outbox(bot, after_id, limit);
    if (!rows) return rows;
    return operation([&]() -> Stored<std::vector<OutboxRow>> {
      std::erase_if(*rows, [&](const OutboxRow& row) {
        std::int64_t sender = 0;
        statements_.one("SELECT sender FROM outbox WHERE id = ?", std::tie(sender), row.id);
        return sender != process;
      });
      return std::move(*rows);
    });
  }

  Stored<std::vector<ClaimedRow>> claim_outbox(std::string_view bot, bool all, std::size_t limit) override {
    auto rows = SqlTransaction::outbox(bot, 0, 100'000);
    if (!rows) return Error{rows.error()};
    return operation([&]() -> Stored<std::vector<ClaimedRow>> {
      if (all)
        statements_.run(
            "INSERT INTO leaders (bot, process) VALUES (?, ?) ON CONFLICT (bot) DO UPDATE SET process = excluded.process",
            bot, process);
      std::vector<ClaimedRow> claimed;
      for (OutboxRow& row : *rows) {
        std::int64_t sender = 0;
        statements_.one("SELECT sender FROM outbox WHERE id = ?", std::tie(sender), row.id);
        if (all ? sender == process : sender != 0) continue;
        if (claimed.size() >= limit) break;
        statements_.run("UPDATE outbox SET sender = ? WHERE id = ?", process, row.id);
        claimed.push_back({std::move(row), sender != 0});
      }
      return claimed;
    });
  }

  Stored<std::vector<InboxRow>> claim_inbox(const std::vector<std::string>& of_bots, std::size_t persons, std::size_t of_each,
                                            std::size_t events) override {
    auto rows = SqlTransaction::claim_inbox(of_bots, persons, of_each, events);
    if (!rows) return rows;
    // Those of a process that died wait until that is known.
    std::set<std::int64_t> waiting, known;
    for (const InboxRow& row : *rows) {
      if (!known.insert(row.person).second) continue;
      for (const auto& [other, ids] : processes_.playing)
        if (other != process && std::find(ids.begin(), ids.end(), row.id) != ids.end()) waiting.insert(row.person);
    }
    std::erase_if(*rows, [&](const InboxRow& row) { return waiting.contains(row.person); });
    return rows;
  }

  Stored<Done> count_attempts(const std::vector<std::int64_t>& ids) {
    return operation([&]() -> Stored<Done> {
      for (const std::int64_t id : ids) statements_.run("UPDATE inbox SET attempts = attempts + 1 WHERE id = ?", id);
      return Done{};
    });
  }

  std::int64_t process = 0;
  std::set<std::string, std::less<>> bots;

 private:
  Processes& processes_;
};

class SimulatedPresence final : public Presence {
 public:
  SimulatedPresence(Processes& processes, Member& member) : processes_(processes), member_(member) {}
  std::int64_t process() const override { return member_.process; }
  bool leads(std::string_view bot) const override { return member_.leads.contains(bot); }
  void serve(std::string_view) override {}
  Stored<Done> playing(const std::vector<std::int64_t>& inbox_ids) override {
    processes_.playing[member_.process] = inbox_ids;
    return Done{};
  }
  void tell_news() override { member_.tell_news(); }
  void leave() override { member_.leads.clear(); }

 private:
  Processes& processes_;
  Member& member_;
};

class SharedDatabase final : public storage::Database {
 public:
  SharedDatabase(std::string path, Processes& processes, Member& member)
      : file_{std::move(path), Durability::Full, std::chrono::seconds(10)}, processes_(processes), member_(member) {}

  const Dialect& dialect() const override { return dialect_of_many(); }
  Stored<std::unique_ptr<soci::session>> connect() override {
    auto opened = storage::open_sqlite(file_);
    if (opened) **opened << "CREATE TABLE IF NOT EXISTS leaders (bot TEXT PRIMARY KEY, process INTEGER NOT NULL)";
    return opened;
  }
  std::unique_ptr<SqlTransaction> transaction_on(soci::session& sql) override {
    return std::make_unique<SharedTransaction>(
        sql, [db = storage::handle_of(sql)](const char* text) { return storage::prepare_sqlite(db, text); }, processes_);
  }
  Stored<std::unique_ptr<Presence>> join(std::vector<std::string>, Storage::PresenceHandlers handlers) override {
    member_.handlers = std::move(handlers);
    return std::unique_ptr<Presence>(std::make_unique<SimulatedPresence>(processes_, member_));
  }
  void send_for(SqlTransaction& transaction, std::int64_t process, const std::vector<std::string>& bots) override {
    auto& mine = static_cast<SharedTransaction&>(transaction);
    mine.process = process;
    mine.bots = {bots.begin(), bots.end()};
  }

 private:
  storage::SqliteFile file_;
  Processes& processes_;
  Member& member_;
};

}  // namespace

Stored<Storage> open_shared(const std::string& path, Processes& processes, Member& member) {
  return Storage::over(std::make_unique<SharedDatabase>(path, processes, member));
}

Stored<Done> count_attempts(Transaction& tx, const std::vector<std::int64_t>& inbox_ids) {
  return static_cast<SharedTransaction&>(tx).count_attempts(inbox_ids);
}

}  // namespace sufler::simulation
