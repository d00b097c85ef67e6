#include "storage/storage.h"

#include <filesystem>

#include "storage/errors.h"
#include "storage/scenario_tables.h"
#include "storage/sqlite_connection.h"
#include "storage/transaction.h"

namespace sufler {
namespace {

constexpr std::string_view kSqlite = "sqlite:";

StorageError cannot_open(std::string message) {
  return {StorageError::Kind::CannotOpen, std::move(message)};
}

}  // namespace

struct Storage::Impl {
  storage::SqliteFile file;
  std::unique_ptr<soci::session> sql;
  std::unique_ptr<storage::SqlTransaction> transaction;  ///< holds statements of `sql`

  Stored<Done> connect() {
    transaction.reset();
    sql.reset();
    auto opened = storage::open_sqlite(file);
    if (!opened) return Error{opened.error()};
    sql = std::move(*opened);
    transaction = std::make_unique<storage::SqlTransaction>(*sql, storage::sqlite_dialect());
    return Done{};
  }

  /// After a failed sync the state of the connection's caches is not to be trusted: the next
  /// transaction begins with a new connection. A database in memory has nothing but its connection.
  void give_up(const StorageError& error) {
    transaction->roll_back();
    const bool distrusted =
        error.kind == StorageError::Kind::Full || error.kind == StorageError::Kind::Corrupt;
    if (distrusted && !file.in_memory()) {
      transaction.reset();
      sql.reset();
    }
  }
};

Storage::Storage(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Storage::Storage(Storage&&) noexcept = default;
Storage& Storage::operator=(Storage&&) noexcept = default;
Storage::~Storage() = default;

Stored<Storage> Storage::open(std::string_view url, Durability durability,
                              std::chrono::milliseconds busy_timeout) {
  if (url.substr(0, kSqlite.size()) != kSqlite) {
    return Error{cannot_open("a database is named `sqlite:PATH`, for example `sqlite:sufler.db`")};
  }
  const std::string path(url.substr(kSqlite.size()));
  if (path.empty()) return Error{cannot_open("`sqlite:` lacks the path of the database's file")};
  if (path.find('\0') != std::string::npos || path.find('"') != std::string::npos) {
    return Error{cannot_open("the path of the database has a quote or a NUL: name another file")};
  }
  auto impl = std::make_unique<Impl>();
  impl->file = {path, durability, busy_timeout};
  if (path != ":memory:") {
    std::error_code failed;
    const std::filesystem::path absolute = std::filesystem::absolute(path, failed);
    if (failed) return Error{cannot_open("database " + path + ": " + failed.message())};
    impl->file.path = absolute.string();
  }
  if (auto done = impl->connect(); !done) return Error{done.error()};
  return Storage(std::move(impl));
}

Stored<Done> Storage::transact(const std::function<Stored<Done>(Transaction&)>& body) {
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
  guard.impl = nullptr;
  if (result && transaction.failure()) result = Error{*transaction.failure()};
  if (result) result = transaction.commit();
  if (!result) impl_->give_up(transaction.failure() ? *transaction.failure() : result.error());
  return result;
}

Stored<Done> Storage::prepare_tables(const Program& program) {
  return transact([&](Transaction&) -> Stored<Done> {
    return storage::guarded(impl_->sql.get(), [&] {
      return storage::ScenarioTables(*impl_->sql, storage::sqlite_dialect()).prepare(program);
    });
  });
}

Stored<bool> Storage::begin_running() {
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
  return transact([&](Transaction&) -> Stored<Done> {
    return storage::guarded(impl_->sql.get(), [&]() -> Stored<Done> {
      *impl_->sql << "UPDATE run_state SET running = 0";
      return Done{};
    });
  });
}

}  // namespace sufler
