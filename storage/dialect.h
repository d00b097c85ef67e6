#pragma once
#include <string>
#include <string_view>
#include <variant>

#include "interpreter/core/program.h"
#include "interpreter/core/result.h"
#include "interpreter/core/value.h"

/// Where the databases differ. All other SQL of this folder is common to them.
namespace sufler::storage {

/// A value as the database takes it.
using Bound = std::variant<std::monostate, std::int64_t, double, std::string>;

struct Dialect {
  std::string_view name;  ///< statements of migrations that begin with `NAME: ` are for it alone
  const char* begin_write;
  const char* lock_tables = "";  ///< held while a scenario's tables are prepared; none where one process is alone
  std::string_view identity;      ///< type of a key that the database numbers, never twice the same
  std::string_view key;           ///< type of a key that we number
  std::string_view clustered;     ///< after the `)` of a table that is its own index
  std::string_view table_exists;  ///< a query: how many tables are named :name
  std::string_view count_tables;  ///< a query: how many there are at all
  /// How many ids are taken at once.
  std::int64_t id_block = 1;
  /// Whether ids come from sequences `TABLE_ids`, and what a transaction leaves of a block is dropped: where
  /// several processes share the database, the ids of a dialog's rows grow only so. Else from `counters`.
  bool sequences = false;
  /// Whether several processes may share the database.
  bool shared = false;
  /// Whether rows can be locked, and those that others have locked be passed over.
  bool locks_rows = false;

  std::string_view number_type, text_type;  ///< of columns; what is neither is BIGINT
  /// Expression over a quoted number column that compares and sorts exactly.
  std::string (*number_order)(const std::string& column);
  /// Expression over a quoted number column that gives its exact digits.
  std::string (*number_text)(const std::string& column);
  /// What stands on the other side of such a comparison, its placeholder between these.
  std::string_view number_opens, number_closes;
  Bound (*number_order_of)(const Decimal& number);
  Bound (*store_number)(const Decimal& number);

  std::string_view column_type(ColumnType type) const;

  /// Replaces {identity}, {key} and {clustered}; empty when the statement is another dialect's.
  std::string expand(std::string_view sql) const;
};

const Dialect& sqlite_dialect();
const Dialect& postgres_dialect();

/// Any name of a table or column, in quotes; NUL bytes cannot be in one and are dropped.
std::string quote_name(std::string_view name);

/// Text of one width that sorts as the numbers do.
std::string sortable(const Decimal& number);

}  // namespace sufler::storage
