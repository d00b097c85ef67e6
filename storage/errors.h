#pragma once
#include <exception>
#include <string>
#include <string_view>

#include "storage/storage.h"

namespace soci {
class session;
}
using PGconn = struct pg_conn;
using PGresult = struct pg_result;

/// The one place where failures of the database become StorageErrors.
namespace sufler::storage {

/// `code` is SQLite's, extended or not; `detail` its message, which holds no values.
StorageError from_sqlite(int code, std::string_view detail);

/// `result` may be null: the connection is then asked. Details, which hold values, are left out.
StorageError from_postgres(PGconn* connection, const PGresult* result);
/// `state` is the five characters of an SQLSTATE, empty when the connection failed.
StorageError from_sqlstate(std::string_view state, std::string_view detail);

/// For a catch block: what SOCI or the standard library threw. SOCI's `what()` would add the query
/// with the values bound to it, people's words among them, so only the bare message is taken. SOCI
/// loses SQLite's code where a statement with bound values fails; it is then asked of the
/// connection, if there is one.
StorageError from_exception(const std::exception& thrown, soci::session* sql);

/// Runs `body`, which gives a Stored, and turns what it throws into an error.
template <class Body>
auto guarded(soci::session* sql, Body&& body) -> decltype(body()) {
  try {
    return body();
  } catch (const std::exception& thrown) {
    return Error{from_exception(thrown, sql)};
  }
}

}  // namespace sufler::storage
