#include "storage/sqlite_connection.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string_view>

#include "storage/dialect.h"
#include "storage/errors.h"
#include "storage/migrations.h"

namespace sufler::storage {
namespace {

using sqlite_api::sqlite3;
using sqlite_api::sqlite3_context;
using sqlite_api::sqlite3_value;

// Bigger files are not read through at start, for a start must be quick; what is damaged in them is
// found when it is met.
constexpr off_t kExaminedBytes = 16 * 1024 * 1024;

StorageError cannot_open(const std::string& path, std::string_view why) {
  return {StorageError::Kind::CannotOpen, "database " + path + ": " + std::string(why)};
}

enum class Found : std::uint8_t { Empty, Database };

/// Closing any descriptor of a file drops all locks that the process has on it, those of its other connections, too: other
/// processes would then take the log for abandoned, and remove it.
bool is_open_here(const std::string& path) {
  struct stat wanted {};
  if (::stat(path.c_str(), &wanted) != 0 || !S_ISREG(wanted.st_mode)) return false;
  std::error_code unknown;
  for (const auto& descriptor : std::filesystem::directory_iterator("/proc/self/fd", unknown)) {
    struct stat open {};
    if (::stat(descriptor.path().c_str(), &open) == 0 && open.st_ino == wanted.st_ino && open.st_dev == wanted.st_dev) return true;
  }
  return false;
}

/// Looks at the file without SQLite; creates it, for nobody but its owner, when there is none.
Stored<Found> look_at(const SqliteFile& file, bool& created) {
  if (is_open_here(file.path)) return Found::Database;  // whoever opened it has looked
  int fd = ::open(file.path.c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT) {
    fd = ::open(file.path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    created = fd >= 0;
  }
  if (fd < 0) {
    switch (errno) {
      case ENOENT:
      case ENOTDIR:
        return Error{
            cannot_open(file.path, "there is no such folder: create it, or name another file")};
      case EISDIR:
        return Error{cannot_open(file.path, "this is a folder: name a file in it")};
      case EACCES:
      case EPERM:
      case EROFS:
        return Error{
            cannot_open(file.path, "no right to write here: check the owner and the rights")};
      case ENOSPC:
      case EDQUOT:
        return Error{
            StorageError{StorageError::Kind::Full, "database " + file.path + ": the disk is full"}};
      default:
        return Error{cannot_open(file.path, std::strerror(errno))};
    }
  }
  struct stat status {};
  std::array<char, 16> head{};
  const bool known = ::fstat(fd, &status) == 0;
  const ssize_t read = ::pread(fd, head.data(), head.size(), 0);
  ::close(fd);
  if (!known || !S_ISREG(status.st_mode))
    return Error{cannot_open(file.path, "this is not a file")};
  if (read == 0) return Found::Empty;
  constexpr std::string_view kMagic("SQLite format 3\0", 16);
  if (std::string_view(head.data(), static_cast<std::size_t>(std::max<ssize_t>(read, 0))) !=
      kMagic) {
    return Error{
        cannot_open(file.path, "this file is not a database: name another, or restore a copy")};
  }
  return Found::Database;
}

std::optional<Decimal> number_of(sqlite3_value* value) {
  switch (sqlite_api::sqlite3_value_type(value)) {
    case SQLITE_INTEGER:
      return Decimal(static_cast<std::int64_t>(sqlite_api::sqlite3_value_int64(value)));
    case SQLITE_FLOAT:
      return Decimal::from_double(sqlite_api::sqlite3_value_double(value));
    case SQLITE_TEXT:
      return Decimal::parse({reinterpret_cast<const char*>(sqlite_api::sqlite3_value_text(value)),
                             static_cast<std::size_t>(sqlite_api::sqlite3_value_bytes(value))});
    default:
      return std::nullopt;
  }
}

template <class Convert>
void give_text(sqlite3_context* context, sqlite3_value* value, Convert convert) {
  const std::optional<Decimal> number = number_of(value);
  if (!number) return sqlite_api::sqlite3_result_null(context);
  const std::string text = convert(*number);
  // The macro for "copy it" is an old-style cast; this is its value.
  const auto copy = reinterpret_cast<sqlite_api::sqlite3_destructor_type>(std::intptr_t{-1});
  sqlite_api::sqlite3_result_text(context, text.data(), static_cast<int>(text.size()), copy);
}

void order_function(sqlite3_context* context, int, sqlite3_value** values) {
  give_text(context, values[0], [](const Decimal& number) { return sortable(number); });
}
void text_function(sqlite3_context* context, int, sqlite3_value** values) {
  give_text(context, values[0], [](const Decimal& number) { return number.to_string(); });
}

/// Each connection has one owner, so SQLite's locks around every call, and its count of memory, are
/// in vain: together a twentieth of a turn. Has no effect when the process has used SQLite before.
void spare_locks() {
  static const bool once = [] {
    sqlite_api::sqlite3_config(SQLITE_CONFIG_MULTITHREAD);
    sqlite_api::sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    return true;
  }();
  (void)once;
}

void checkpoint_on_close(sqlite3* db, bool wanted) {
  sqlite_api::sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, wanted ? 0 : 1, nullptr);
}

Stored<Done> examine(soci::session& sql, const SqliteFile& file) {
  struct stat status {};
  if (::stat(file.path.c_str(), &status) != 0 || status.st_size > kExaminedBytes) return Done{};
  return guarded(&sql, [&]() -> Stored<Done> {
    std::string found;
    sql << "PRAGMA quick_check(1)", soci::into(found);
    if (found == "ok") return Done{};
    return Error{StorageError{StorageError::Kind::Corrupt,
                              "database " + file.path + " is damaged: restore a copy"}};
  });
}

Stored<Done> prepare(soci::session& sql, const SqliteFile& file) {
  return guarded(&sql, [&]() -> Stored<Done> {
    std::string mode;
    sql << "PRAGMA journal_mode = WAL", soci::into(mode);
    sql << (file.durability == Durability::Full ? "PRAGMA synchronous = FULL"
                                                : "PRAGMA synchronous = NORMAL");
    // A checkpoint costs two syncs, so it comes once in 16 MB; the log is cut back to that when it
    // has grown.
    sql << "PRAGMA wal_autocheckpoint = 4000";
    sql << "PRAGMA journal_size_limit = 33554432";
    sql << "PRAGMA cache_size = -32768";
    sql << "PRAGMA temp_store = MEMORY";
    // Debian's library overwrites all that is deleted, which a queue pays for with every row.
    // Erasing a person turns it on for its own transaction.
    int overwrites = 0;
    sql << "PRAGMA secure_delete = OFF", soci::into(overwrites);
    sql << "PRAGMA foreign_keys = OFF";
    return Done{};
  });
}

StorageError named(StorageError error, const SqliteFile& file) {
  if (error.message.find(file.path) == std::string::npos) {
    error.message = "database " + file.path + ": " + error.message;
  }
  return error;
}

}  // namespace

// SOCI cuts its parameters at spaces and `=`, so a path with `=` goes in quotes.
std::string sqlite_connect_string(const std::string& path) {
  return path.find('=') == std::string::npos ? path : "dbname=\"" + path + "\"";
}

sqlite3* handle_of(soci::session& sql) {
  return static_cast<soci::sqlite3_session_backend*>(sql.get_backend())->conn_;
}

Stored<std::unique_ptr<soci::session>> open_sqlite(const SqliteFile& file) {
  using Opened = Stored<std::unique_ptr<soci::session>>;
  spare_locks();
  bool created = false;
  if (!file.in_memory()) {
    const auto found = look_at(file, created);
    if (!found) return Error{found.error()};
  }
  Opened opened = guarded(nullptr, [&]() -> Opened {
    auto sql = std::make_unique<soci::session>(soci::sqlite3, sqlite_connect_string(file.path));
    sqlite3* const db = handle_of(*sql);
    // Until the file is known to be ours, closing must not write into it.
    checkpoint_on_close(db, false);
    sqlite_api::sqlite3_busy_timeout(db, static_cast<int>(file.busy_timeout.count()));
    for (const auto& [name, function] :
         {std::pair{"sufler_order", &order_function}, std::pair{"sufler_text", &text_function}}) {
      sqlite_api::sqlite3_create_function_v2(db, name, 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC,
                                             nullptr, function, nullptr, nullptr, nullptr);
    }
    const Stored<int> version = schema_of(*sql, sqlite_dialect(), file.path);
    if (!version) return Error{version.error()};
    if (*version > 0 && !file.in_memory()) {
      if (auto sound = examine(*sql, file); !sound) return Error{sound.error()};
    }
    if (auto ready = prepare(*sql, file); !ready) return Error{ready.error()};
    if (auto ready = migrate(*sql, sqlite_dialect(), *version); !ready) return Error{ready.error()};
    checkpoint_on_close(db, true);
    return sql;
  });
  if (!opened) {
    if (created) {
      for (const char* const suffix : {"", "-wal", "-shm"}) ::unlink((file.path + suffix).c_str());
    }
    return Error{named(opened.error(), file)};
  }
  return opened;
}

}  // namespace sufler::storage
