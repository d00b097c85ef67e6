#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "interpreter/core/program.h"
#include "interpreter/core/tables/csv.h"

/// Tables that are read from a CSV file of the scenario's folder (LANGUAGE 10). A version keeps the file's text and reads
/// it again whenever rows are wanted: of a million rows that is a tenth of what they would take as values.
namespace sufler {

/// What taking a file over did to the rows of a database.
struct TableLoad {
  std::int64_t added = 0, changed = 0, removed = 0;
};
/// Told by whoever stores, asked by whoever writes the log; on any thread.
class TableLoads {
 public:
  void put(TableLoad load) {
    std::lock_guard lock(mutex_);
    last_ = load;
  }
  /// What was told since the last time.
  std::optional<TableLoad> take() {
    std::lock_guard lock(mutex_);
    return std::exchange(last_, std::nullopt);
  }

 private:
  std::mutex mutex_;
  std::optional<TableLoad> last_;
};

struct TableData {
  std::shared_ptr<const std::string> text;  ///< UTF-8, checked: each row can be read
  std::string content;                      ///< SHA-256 of the text
  char separator = ';';
  std::uint32_t first_row = 0;              ///< where the rows begin, behind the headings
  static constexpr std::uint32_t kUnused = UINT32_MAX, kId = UINT32_MAX - 1;
  std::vector<std::uint32_t> columns;       ///< by cell: the column of the table, or one of these
  Zone zone;                                ///< of dates with a time
  std::map<std::string, Attachment> files;  ///< that cells name, by what stands there
  std::int64_t rows = 0;
  bool rehearsed = false;  ///< rows that the database has already stay: other people are served by them
  std::shared_ptr<TableLoads> loads = std::make_shared<TableLoads>();
};

/// What makes the rows what they are: when it is the same, the rows are.
std::string mark_of(const Table& table);

struct CellProblem {
  enum class What : std::uint8_t {
    BadValue,   ///< none of the column's type
    NoOption,   ///< the column has options, and this is none
    BadFile,    ///< no file of the folder; whoever looked has said why
    NoKey,      ///< the row has no key
    ExtraCell,  ///< the file has no heading for it
  } what = What::BadValue;
  std::uint32_t column = TableData::kUnused;
  std::string text;
  std::uint32_t offset = 0, length = 0;  ///< in TableData::text
};

struct TableRow {
  std::string key;            ///< as texts compare: the digits of a number
  std::uint32_t key_offset = 0, key_length = 0;
  std::optional<std::int64_t> id;  ///< with `key: id`
  std::vector<Value> values;  ///< by column of the table
  std::uint32_t end_offset = 0;          ///< behind the last cell
  std::optional<std::uint32_t> lacks;    ///< the first column that the row is too short for
};

/// Reads the rows of a table's file in their order.
class TableRows {
 public:
  /// Makes the file of what a cell says; nothing when there is none.
  using FindFile = std::function<std::optional<Attachment>(const std::string& path, const CsvCell& cell)>;
  /// `table.data` is set. Without `find_file` files are those of the data.
  explicit TableRows(const Table& table, FindFile find_file = {});

  /// False at the end, or where the CSV itself is broken. `problems`: what is wrong with this row's cells.
  bool next(TableRow& row, std::vector<CellProblem>* problems = nullptr);
  const std::optional<CsvProblem>& broken() const { return reader_.problem(); }

 private:
  std::optional<Attachment> file(const std::string& path, const CsvCell& cell) const;

  const Table& table_;
  const TableData& data_;
  FindFile find_file_;
  CsvReader reader_;
  std::uint32_t key_ = TableData::kUnused;
  std::vector<CsvCell> cells_;
};

/// Of a row's values, to see whether they have changed; outlives the process.
std::int64_t mark_of(const TableRow& row);

/// What would be done to the rows of `before` to make them those of `after`, which has another file or other columns.
TableLoad difference(const Table& before, const Table& after);

}  // namespace sufler
