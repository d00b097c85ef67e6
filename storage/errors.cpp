#include "storage/errors.h"

#include <soci/soci.h>
#include <soci/sqlite3/soci-sqlite3.h>

#include "storage/statement.h"

namespace sufler::storage {

StorageError from_sqlite(int code, std::string_view detail) {
  using Kind = StorageError::Kind;
  struct Meaning {
    Kind kind;
    std::string_view words;
  };
  const Meaning meaning = [&]() -> Meaning {
    switch (code & 0xff) {
      case SQLITE_BUSY:
      case SQLITE_LOCKED:
        return {Kind::Busy, "another program holds the database"};
      case SQLITE_CONSTRAINT:
        return {Kind::Constraint, "the database refused a row"};
      case SQLITE_CANTOPEN:
      case SQLITE_READONLY:
      case SQLITE_PERM:
      case SQLITE_AUTH:
        return {Kind::CannotOpen,
                "the database cannot be written: check the folder and its rights"};
      case SQLITE_NOTADB:
        return {Kind::CannotOpen, "the file is not a database of Sufler"};
      case SQLITE_FULL:
        return {Kind::Full, "the disk is full"};
      case SQLITE_IOERR:
        return {Kind::Full, "the disk failed or is full"};
      case SQLITE_CORRUPT:
        return {Kind::Corrupt, "the database file is damaged: restore a copy"};
      default:
        return {Kind::Other, "the database failed"};
    }
  }();
  std::string message(meaning.words);
  if (!detail.empty()) message.append(" (").append(detail).append(")");
  return {meaning.kind, std::move(message)};
}

StorageError from_exception(const std::exception& thrown, soci::session* sql) {
  if (const auto* failure = dynamic_cast<const Failure*>(&thrown)) return failure->error;
  if (const auto* sqlite = dynamic_cast<const soci::sqlite3_soci_error*>(&thrown)) {
    if (sql && sql->get_backend()) {
      auto* const db = static_cast<soci::sqlite3_session_backend*>(sql->get_backend())->conn_;
      const int code = sqlite_api::sqlite3_extended_errcode(db);
      const int basic = code & 0xff;
      if (basic != SQLITE_OK && basic != SQLITE_ROW && basic != SQLITE_DONE) {
        return from_sqlite(code, sqlite_api::sqlite3_errmsg(db));
      }
    }
    return from_sqlite(sqlite->result(), sqlite->get_error_message());
  }
  if (const auto* other = dynamic_cast<const soci::soci_error*>(&thrown)) {
    return {StorageError::Kind::Other, "the database failed (" + other->get_error_message() + ")"};
  }
  return {StorageError::Kind::Other, std::string("the database failed (") + thrown.what() + ")"};
}

}  // namespace sufler::storage
