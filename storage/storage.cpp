#include "storage/storage.h"

#include <soci/soci.h>

#include "storage/database.h"
#include "storage/errors.h"
#include "storage/presence.h"
#include "storage/erasing.h"
#include "storage/scenario_tables.h"
#include "storage/transaction.h"

namespace sufler {

struct Storage::Impl {
  std::unique_ptr<storage::Database> database;
  std::unique_ptr<soci::session> sql;
  std::unique_ptr<storage::SqlTransaction> transaction;  ///< holds statements of `sql`
  std::vector<std::string> sent_here;                    ///< bots whose rows this process sends
  std::unique_ptr<Presence> presence;
  Fault fault;  ///< of tests; mostly empty

  Stored<Done> fail_at(Place place) {
    std::optional<StorageError> error;
    if (fault) error = fault(place);
    if (error) return Error{std::move(*error)};
    return Done{};
  }

  Stored<Done> connect() {
    transaction.reset();
    sql.reset();
    auto opened = database->connect();
    if (!opened) return Error{opened.error()};
    sql = std::move(*opened);
    transaction = database->transaction_on(*sql);
    send_for();
    return Done{};
  }

  void send_for() {
    if (transaction && presence) database->send_for(*transaction, presence->process(), sent_here);
  }

  /// After a failed sync the state of the connection's caches is not to be trusted, and a lost connection is
  /// of no use: the next transaction begins with a new one.
  void give_up(const StorageError& error) {
    transaction->roll_back();
    using Kind = StorageError::Kind;
    const bool distrusted =
        error.kind == Kind::Full || error.kind == Kind::Corrupt || error.kind == Kind::Lost;
    if (distrusted && !database->lives_in_its_connection()) {
      transaction.reset();
      sql.reset();
    }
  }
};

Storage::Storage(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Storage::Storage(Storage&&) noexcept = default;
Storage& Storage::operator=(Storage&&) noexcept = default;
Storage::~Storage() = default;

Stored<Storage> Storage::open(std::string_view url, const Options& options) {
  for (const storage::DatabaseKind& kind : storage::kDatabases) {
    if (!url.starts_with(kind.scheme)) continue;
    auto database = kind.make(url, options);
    if (!database) return Error{database.error()};
    return over(std::move(*database));
  }
  return Error{StorageError{StorageError::Kind::CannotOpen,
                            "a database is named `sqlite:PATH`, for example `sqlite:sufler.db`, or "
                            "`postgresql://USER@HOST/NAME`"}};
}

Stored<Storage> Storage::over(std::unique_ptr<storage::Database> database) {
  auto impl = std::make_unique<Impl>();
  impl->database = std::move(database);
  if (auto done = impl->connect(); !done) return Error{done.error()};
  return Storage(std::move(impl));
}

Stored<Storage> Storage::open(std::string_view url, Durability durability,
                              std::chrono::milliseconds busy_timeout) {
  return open(url, Options{durability, busy_timeout, true});
}

bool Storage::shared() const { return impl_->database->dialect().shared; }
Presence* Storage::presence() const { return impl_->presence.get(); }

Stored<Done> Storage::join(std::vector<std::string> bots, PresenceHandlers handlers) {
  auto joined = impl_->database->join(std::move(bots), std::move(handlers));
  if (!joined) return Error{joined.error()};
  impl_->presence = std::move(*joined);
  impl_->send_for();
  return Done{};
}

void Storage::leave() {
  if (impl_->presence) impl_->presence->leave();
}

void Storage::send_for(const std::vector<std::string>& bots) {
  impl_->sent_here = bots;
  impl_->send_for();
}

void Storage::fail_by(Fault fault) { impl_->fault = std::move(fault); }

Stored<Done> Storage::transact(const std::function<Stored<Done>(Transaction&)>& body) {
  if (auto failed = impl_->fail_at(Place::Begin); !failed) return failed;
  if (!impl_->sql) {
    if (auto done = impl_->connect(); !done) return done;
  }
  storage::SqlTransaction& transaction = *impl_->transaction;
  if (auto begun = transaction.begin(); !begun) {
    impl_->give_up(begun.error());
    return begun;
  }
  // What `body` throws is the caller's; the transaction does not outlive it.
  struct Guard {
    Impl* impl;
    ~Guard() {
      if (impl) impl->transaction->roll_back();
    }
  } guard{impl_.get()};
  Stored<Done> result = body(transaction);
  if (result && transaction.failure()) result = Error{*transaction.failure()};
  if (result) result = impl_->fail_at(Place::Commit);
  guard.impl = nullptr;
  if (result) result = transaction.commit();
  if (result) result = impl_->fail_at(Place::Answer);
  if (!result) impl_->give_up(transaction.failure() ? *transaction.failure() : result.error());
  return result;
}

Stored<Done> Storage::look(const std::function<Stored<Done>(Transaction&)>& body) {
  if (!impl_->sql) {
    if (auto done = impl_->connect(); !done) return done;
  }
  impl_->transaction->only_reads = true;
  const auto done = transact(body);
  if (impl_->transaction) impl_->transaction->only_reads = false;
  return done;
}

Stored<std::string> Storage::transact_without_trace(const std::function<Stored<Done>(Transaction&)>& body) {
  const Stored<Done> done = transact([&](Transaction& tx) {
    storage::overwrite_deletions(*impl_->sql, true);
    return body(tx);
  });
  if (!impl_->sql) return done ? Stored<std::string>(std::string()) : Error{done.error()};
  storage::overwrite_deletions(*impl_->sql, false);
  if (!done) return Error{done.error()};
  return storage::write_anew(*impl_->sql);
}

Stored<Done> Storage::prepare_tables(const Program& program) {
  return transact([&](Transaction&) -> Stored<Done> {
    return storage::guarded(impl_->sql.get(), [&]() -> Stored<Done> {
      const storage::Dialect& dialect = impl_->database->dialect();
      if (*dialect.lock_tables != '\0') *impl_->sql << std::string(dialect.lock_tables);
      return storage::ScenarioTables(*impl_->sql, dialect).prepare(program);
    });
  });
}

Stored<bool> Storage::begin_running() {
  if (shared()) return true;
  bool orderly = true;
  const Stored<Done> done = transact([&](Transaction&) -> Stored<Done> {
    return storage::guarded(impl_->sql.get(), [&]() -> Stored<Done> {
      int running = 0;
      *impl_->sql << "SELECT max(running) FROM run_state", soci::into(running);
      *impl_->sql << "UPDATE run_state SET running = 1";
      orderly = running == 0;
      return Done{};
    });
  });
  if (!done) return Error{done.error()};
  return orderly;
}

Stored<Done> Storage::end_running() {
  if (shared()) return Done{};
  return transact([&](Transaction&) -> Stored<Done> {
    return storage::guarded(impl_->sql.get(), [&]() -> Stored<Done> {
      *impl_->sql << "UPDATE run_state SET running = 0";
      return Done{};
    });
  });
}

}  // namespace sufler
