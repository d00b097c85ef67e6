#include "interpreter/core/tables/table_data.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "interpreter/core/fnv.h"
#include "interpreter/core/sha256.h"
#include "interpreter/core/tables/cells.h"
#include "interpreter/core/text.h"

namespace sufler {
namespace {

/// Photos of one object stand in one cell: `a.jpg, b.jpg`, or one below the other.
std::vector<std::string> paths_of(std::string_view text) {
  std::vector<std::string> paths;
  while (!text.empty()) {
    const std::size_t end = text.find_first_of(",;|\n");
    const std::string_view one = trim(text.substr(0, end));
    if (!one.empty()) paths.emplace_back(one);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
  }
  return paths;
}

std::string key_of(const Value& value) {
  if (value.number()) return value.number()->to_string();
  return value.text() ? *value.text() : std::string();
}

}  // namespace

std::string mark_of(const Table& table) {
  if (!table.data) return {};
  std::string all = "1\n" + table.data->content + "\n" + table.key + "\n" + table.data->zone.name() + "\n" + table.data->separator;
  for (const std::uint32_t column : table.data->columns) all += std::to_string(column) + ",";
  for (const Column& column : table.columns) {
    all += "\n" + column.name + "\t" + std::to_string(static_cast<int>(column.type)) + "\t";
    if (column.default_value) append_json(all, *column.default_value);
  }
  for (const auto& [path, file] : table.data->files) all += "\n" + path + "\t" + to_json(Value(file));
  return sha256_hex(all);
}

std::int64_t mark_of(const TableRow& row) {
  Fnv1a mark;
  std::string json;
  for (const Value& value : row.values) {
    json.clear();
    append_json(json, value);
    mark.bytes(json).number('\n');
  }
  return static_cast<std::int64_t>(mark.value());
}

TableRows::TableRows(const Table& table, FindFile find_file)
    : table_(table), data_(*table.data), find_file_(std::move(find_file)), reader_(*table.data->text, table.data->separator, table.data->first_row) {
  for (std::uint32_t i = 0; i < data_.columns.size(); ++i) {
    const std::uint32_t column = data_.columns[i];
    if (column == TableData::kUnused) continue;
    if (column == TableData::kId ? table.key == "id" : table.columns[column].name == table.key) key_ = i;
  }
}

std::optional<Attachment> TableRows::file(const std::string& path, const CsvCell& cell) const {
  if (find_file_) return find_file_(path, cell);
  const auto found = data_.files.find(path);
  return found == data_.files.end() ? std::nullopt : std::optional(found->second);
}

bool TableRows::next(TableRow& row, std::vector<CellProblem>* problems) {
  if (!reader_.next(cells_)) return false;
  row.values.assign(table_.columns.size(), Value());
  row.id.reset();
  row.key.clear();
  row.key_offset = cells_.front().offset;
  row.key_length = 0;
  row.end_offset = cells_.back().offset + cells_.back().length;
  row.lacks.reset();
  for (std::size_t i = cells_.size(); i < data_.columns.size() && !row.lacks; ++i)
    if (data_.columns[i] < table_.columns.size()) row.lacks = data_.columns[i];
  for (std::size_t i = 0; i < table_.columns.size(); ++i)
    if (table_.columns[i].default_value) row.values[i] = *table_.columns[i].default_value;
  const auto wrong = [&](CellProblem::What what, std::uint32_t column, const CsvCell& cell) {
    if (problems) problems->push_back({what, column, cell.text, cell.offset, cell.length});
  };
  for (std::uint32_t i = 0; i < cells_.size(); ++i) {
    const CsvCell& cell = cells_[i];
    const std::uint32_t column = i < data_.columns.size() ? data_.columns[i] : TableData::kUnused;
    if (i == key_) row.key_offset = cell.offset, row.key_length = cell.length;
    if (cell.text.empty()) continue;
    if (i >= data_.columns.size()) {
      wrong(CellProblem::What::ExtraCell, column, cell);
      break;
    }
    if (column == TableData::kUnused) continue;
    if (column == TableData::kId) {
      const auto number = number_of_cell(cell.text);
      row.id = number ? number->to_int64() : std::nullopt;
      // The database counts its own rows from 1.
      if (!row.id || *row.id < 1) {
        row.id.reset();
        wrong(CellProblem::What::BadValue, column, cell);
      } else {
        row.key = std::to_string(*row.id);
      }
      continue;
    }
    const Column& known = table_.columns[column];
    if (known.type == ColumnType::File || known.type == ColumnType::Files) {
      List files;
      bool all = true;
      for (const std::string& path : paths_of(cell.text)) {
        auto one = file(path, cell);
        if (one) files.emplace_back(std::move(*one));
        all = all && one.has_value();
      }
      if (!all) {
        wrong(CellProblem::What::BadFile, column, cell);
      } else if (known.type == ColumnType::Files) {
        row.values[column] = Value(std::move(files));
      } else if (files.size() == 1) {
        row.values[column] = std::move(files[0]);
      } else {
        wrong(CellProblem::What::BadValue, column, cell);
      }
      continue;
    }
    auto value = value_of_cell(known, data_.zone, cell.text);
    if (!value) {
      wrong(CellProblem::What::BadValue, column, cell);
      continue;
    }
    if (!known.options.empty() && value->text() &&
        std::find(known.options.begin(), known.options.end(), *value->text()) == known.options.end()) {
      wrong(CellProblem::What::NoOption, column, cell);
    }
    if (i == key_) row.key = key_of(*value);
    row.values[column] = std::move(*value);
  }
  const bool told = key_ < cells_.size() && !cells_[key_].text.empty();
  if (row.key.empty() && !told && problems)
    problems->push_back({CellProblem::What::NoKey, TableData::kUnused, {}, cells_.front().offset, cells_.front().length});
  return true;
}

TableLoad difference(const Table& before, const Table& after) {
  TableLoad load;
  std::unordered_map<std::string, std::int64_t> marks;
  TableRow row;
  if (before.data)
    for (TableRows rows(before); rows.next(row);) marks.emplace(row.key, mark_of(row));
  if (after.data)
    for (TableRows rows(after); rows.next(row);) {
      const auto found = marks.find(row.key);
      if (found == marks.end()) {
        ++load.added;
        continue;
      }
      if (found->second != mark_of(row)) ++load.changed;
      marks.erase(found);
    }
  load.removed = static_cast<std::int64_t>(marks.size());
  return load;
}

}  // namespace sufler
