#include "storage/errors.h"

#include <libpq-fe.h>
#include <soci/postgresql/soci-postgresql.h>
#include <soci/soci.h>
#include <soci/sqlite3/soci-sqlite3.h>

#include <algorithm>

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

StorageError from_sqlstate(std::string_view state, std::string_view detail) {
  using Kind = StorageError::Kind;
  const auto in_class = [&](std::string_view group) { return state.substr(0, 2) == group; };
  Kind kind = Kind::Other;
  std::string message = "the database failed";
  if (state.empty() || in_class("08") || state == "57P01" || state == "57P02" || state == "57P03" ||
      state == "57P05" || state == "25P03" || state == "26000") {
    // 26000: a pooler between us gave another server connection, without our statements.
    kind = Kind::Lost;
    message = "the connection to the database was lost";
  } else if (in_class("40") || state == "55P03" || state == "57014" || in_class("53")) {
    kind = state == "53100" ? Kind::Full : Kind::Busy;
    message = state == "53100" ? "the database's disk is full" : "the database is busy";
  } else if (in_class("23")) {
    kind = Kind::Constraint;
    message = "the database refused a row";
  } else if (in_class("58")) {
    kind = Kind::Full;
    message = "the database's disk failed";
  } else if (state == "42501") {
    kind = Kind::CannotOpen;
    message = "the database refuses it to this user: run `sufler db migrate` as its owner";
  } else if (in_class("28") || in_class("3D") || in_class("3F") || state == "42P01") {
    kind = Kind::CannotOpen;
    message = "the database cannot be used";
  } else if (in_class("XX")) {
    kind = Kind::Corrupt;
    message = "the database is damaged";
  } else if (in_class("22")) {
    // Such words repeat the value.
    return {kind, "the database refused a value (" + std::string(state) + ")"};
  }
  std::string_view line = detail.substr(0, detail.find('\n'));
  if (!line.empty()) message.append(" (").append(line).append(")");
  return {kind, std::move(message)};
}

StorageError from_postgres(PGconn* connection, const PGresult* result) {
  const char* const state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : nullptr;
  const char* const detail = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : nullptr;
  if (state) return from_sqlstate(state, detail ? detail : "");
  if (connection && PQstatus(connection) == CONNECTION_OK) {
    return {StorageError::Kind::Other, "the database failed (no reason was given)"};
  }
  return from_sqlstate({}, {});
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
  if (const auto* postgres = dynamic_cast<const soci::postgresql_soci_error*>(&thrown)) {
    std::string state = postgres->sqlstate();
    state.resize(std::min<std::size_t>(state.size(), 5));
    const bool lost = sql && sql->get_backend() && sql->get_backend_name() == "postgresql" &&
                      PQstatus(static_cast<soci::postgresql_session_backend*>(sql->get_backend())->conn_) !=
                          CONNECTION_OK;
    // SOCI puts blanks where there is no state.
    if (lost || state.find_first_not_of(" \0") == std::string::npos) state.clear();
    std::string detail = postgres->get_error_message();
    // "Cannot execute query. ERROR:  the words\nDETAIL: values".
    if (const std::size_t at = detail.find("ERROR:"); at != std::string::npos) detail.erase(0, at + 8);
    return from_sqlstate(state, lost ? std::string() : detail);
  }
  if (const auto* other = dynamic_cast<const soci::soci_error*>(&thrown)) {
    // So fails a connection that cannot be made, in several lines.
    const std::string message = other->get_error_message();
    if (message.find("Cannot establish connection") != std::string::npos) {
      const bool refused = message.find("FATAL:") != std::string::npos &&
                           message.find("starting up") == std::string::npos &&
                           message.find("shutting down") == std::string::npos &&
                           message.find("too many") == std::string::npos &&
                           message.find("remaining connection slots") == std::string::npos;
      std::string words = message;
      if (const std::size_t at = words.rfind(": "); at != std::string::npos) words.erase(0, at + 2);
      words = words.substr(0, words.find('\n'));
      return {refused ? StorageError::Kind::CannotOpen : StorageError::Kind::Lost,
              "the database cannot be reached (" + words + ")"};
    }
  }
  if (const auto* other = dynamic_cast<const soci::soci_error*>(&thrown)) {
    return {StorageError::Kind::Other, "the database failed (" + other->get_error_message() + ")"};
  }
  return {StorageError::Kind::Other, std::string("the database failed (") + thrown.what() + ")"};
}

}  // namespace sufler::storage
