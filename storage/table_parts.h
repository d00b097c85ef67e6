#pragma once
#include <soci/soci.h>

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "storage/dialect.h"
#include "storage/statement.h"
#include "storage/storage.h"

/// What statements about a scenario's tables are made of; for the .cpp files about them.
namespace sufler::storage {

/// A column as the tables see it: one of the scenario's, or one of ours.
struct Seen {
  std::string name;
  ColumnType type = ColumnType::Text;
};
std::optional<Seen> column_of(const Table& table, std::string_view name);
std::vector<Seen> all_columns(const Table& table);
bool is_system(std::string_view column);
/// As SQL compares names: without regard to the case of Latin letters.
bool same_name(std::string_view a, std::string_view b);
std::string name_of(ColumnType type);
std::optional<ColumnType> type_named(std::string_view name);

StorageError refused(const Table& table, std::string_view why);
StorageError no_column(const Table& table, std::string_view name);

using Converted = Stored<Bound>;
/// What goes into the column. A text is read where the column holds something that is written as text.
Converted to_column(const Dialect& dialect, const Table& table, const Seen& column, const Value& value);
std::optional<Value> from_column(const Seen& column, const std::string& text);

/// A statement whose values are known only now. SOCI binds by reference, so they are kept here.
class Query {
 public:
  explicit Query(soci::session& sql) : statement_(std::in_place, sql) {}
  /// With `kept`, unless null, the statement is one of those, prepared when its text came first; SOCI prepares each time.
  Query(soci::session& sql, KeptStatements* kept) : kept_(kept) {
    if (!kept) statement_.emplace(sql);
  }
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;
  ~Query() {
    if (!lent_) return;
    lent_->reset();
    kept_->keep(std::move(text_), std::move(lent_));
  }

  /// Adds the placeholder for the value to the text.
  Query& bind(const Bound& value) {
    Slot& slot = slots_.emplace_back();
    text_ += ":v" + std::to_string(slots_.size());
    if (kept_) {
      slot.bound = value;
    } else if (const auto* integer = std::get_if<std::int64_t>(&value)) {
      slot.integer = *integer;
      statement_->exchange(soci::use(slot.integer));
    } else if (const auto* real = std::get_if<double>(&value)) {
      slot.real = *real;
      statement_->exchange(soci::use(slot.real));
    } else {
      if (const auto* text = std::get_if<std::string>(&value)) slot.text = *text;
      slot.indicator = std::holds_alternative<std::monostate>(value) ? soci::i_null : soci::i_ok;
      statement_->exchange(soci::use(slot.text, slot.indicator));
    }
    return *this;
  }
  Query& operator<<(std::string_view text) {
    text_ += text;
    return *this;
  }
  /// Where the next column of a row goes.
  void column(std::int64_t& number) {
    if (kept_) {
      columns_.push_back({&number, nullptr, nullptr});
    } else {
      statement_->exchange(soci::into(number));
    }
  }
  void column(std::string& text, soci::indicator& there) {
    if (kept_) {
      columns_.push_back({nullptr, &text, &there});
    } else {
      statement_->exchange(soci::into(text, there));
    }
  }
  template <class Into>
  void into(Into&& target) {
    statement_->exchange(std::forward<Into>(target));
  }
  void run(bool fetch_first) {
    if (!kept_) {
      statement_->alloc();
      statement_->prepare(text_);
      statement_->define_and_bind();
      statement_->execute(fetch_first);
      return;
    }
    lent_ = kept_->take(text_);
    int at = 0;
    for (const Slot& slot : slots_) {
      ++at;
      if (const auto* integer = std::get_if<std::int64_t>(&slot.bound)) {
        lent_->bind(at, *integer);
      } else if (const auto* real = std::get_if<double>(&slot.bound)) {
        lent_->bind(at, *real);
      } else if (const auto* text = std::get_if<std::string>(&slot.bound)) {
        lent_->bind(at, std::string_view(*text));
      } else {
        lent_->bind_null(at);
      }
    }
    if (!fetch_first) return;
    // To its end, so that what it changes is changed.
    if (fetch())
      while (lent_->step()) {
      }
  }
  bool fetch() {
    if (!kept_) return statement_->fetch();
    if (!lent_->step()) return false;
    int at = 0;
    for (const Target& target : columns_) {
      const int column = at++;
      if (target.number) {
        *target.number = lent_->integer(column);
        continue;
      }
      *target.there = lent_->is_null(column) ? soci::i_null : soci::i_ok;
      target.text->assign(lent_->text(column));
    }
    return true;
  }
  std::int64_t affected() { return kept_ ? lent_->changes() : statement_->get_affected_rows(); }

 private:
  struct Slot {
    Bound bound;
    std::int64_t integer = 0;
    double real = 0;
    std::string text;
    soci::indicator indicator = soci::i_ok;
  };
  struct Target {
    std::int64_t* number;
    std::string* text;
    soci::indicator* there;
  };
  std::deque<Slot> slots_;
  std::vector<Target> columns_;
  std::string text_;
  KeptStatements* kept_ = nullptr;
  std::unique_ptr<Statement> lent_;
  std::optional<soci::statement> statement_;
};

/// One condition, or its outcome where the language knows it without looking at the rows.
Stored<Done> add_condition(Query& query, const Dialect& dialect, const Table& table, const Condition& condition);

/// Rows on their way out of a statement: one text a column.
class Reader {
 public:
  explicit Reader(const Table& table)
      : table_(table),
        columns_(all_columns(table)),
        texts_(columns_.size()),
        found_(columns_.size()) {}

  std::string list(const Dialect& dialect) const {
    std::string out;
    for (const Seen& column : columns_) {
      if (!out.empty()) out += ", ";
      const std::string name = quote_name(column.name);
      out += column.type == ColumnType::Number ? dialect.number_text(name) : name;
    }
    return out;
  }
  void attach(Query& query) {
    for (std::size_t i = 0; i < columns_.size(); ++i) query.column(texts_[i], found_[i]);
  }
  Stored<ValueMap> row() const {
    ValueMap row;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (found_[i] == soci::i_null) {
        row.set(columns_[i].name, Value());
        continue;
      }
      std::optional<Value> value = from_column(columns_[i], texts_[i]);
      if (!value) {
        return Error{StorageError{StorageError::Kind::Corrupt,
                                  "table `" + table_.name + "`: column `" + columns_[i].name +
                                      "` holds what is no " + name_of(columns_[i].type)}};
      }
      row.set(columns_[i].name, std::move(*value));
    }
    return row;
  }

 private:
  const Table& table_;
  std::vector<Seen> columns_;
  std::vector<std::string> texts_;
  std::vector<soci::indicator> found_;
};

}  // namespace sufler::storage
