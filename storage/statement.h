#pragma once
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <utility>

#include "storage/storage.h"

namespace sufler::storage {

/// How a statement's failure travels up to `guarded`.
struct Failure : std::exception {
  explicit Failure(StorageError reason) : error(std::move(reason)) {}
  const char* what() const noexcept override { return error.message.c_str(); }
  StorageError error;
};

/// A prepared statement on the connection that SOCI opened. SOCI's own would prepare again, copy
/// each text on its way in and twice on its way out: several times the work of a turn. Throws
/// Failure.
class Statement {
 public:
  virtual ~Statement() = default;

  /// From 1. A text is not copied: it must live until `reset`.
  virtual void bind(int at, std::int64_t value) = 0;
  virtual void bind(int at, std::string_view value) = 0;
  virtual void bind(int at, double value) = 0;
  virtual void bind_null(int at) = 0;
  /// Whether there is a row.
  virtual bool step() = 0;
  virtual void reset() noexcept = 0;
  /// Columns of the row, from 0; a text lives until the next `step` or `reset`.
  virtual bool is_null(int column) const = 0;
  virtual std::int64_t integer(int column) const = 0;
  virtual std::string_view text(int column) const = 0;
  /// Rows that the statement changed, once `step` was false; before `reset`.
  virtual std::int64_t changes() const = 0;
};

/// Runs statements, each prepared once in the life of the connection. Texts must be literals: a
/// statement is known by the address of its text.
class Statements {
 public:
  using Prepare = std::function<std::unique_ptr<Statement>(const char* sql)>;
  explicit Statements(Prepare prepare) : prepare_(std::move(prepare)) {}

  /// The number of rows changed.
  template <class... Args>
  std::int64_t run(const char* sql, const Args&... args) {
    const Use statement(prepared(sql));
    bind(*statement, std::index_sequence_for<Args...>(), args...);
    while (statement->step()) {
    }
    return statement->changes();
  }
  /// Reads the first row into `outs` (`std::tie`); false, and they stay as they were, when there is
  /// none.
  template <class... Outs, class... Args>
  bool one(const char* sql, std::tuple<Outs&...> outs, const Args&... args) {
    const Use statement(prepared(sql));
    bind(*statement, std::index_sequence_for<Args...>(), args...);
    if (!statement->step()) return false;
    read(*statement, std::index_sequence_for<Outs...>(), outs);
    return true;
  }
  /// Calls `row()` after reading each row into `outs`.
  template <class Row, class... Outs, class... Args>
  void each(const char* sql, std::tuple<Outs&...> outs, Row&& row, const Args&... args) {
    const Use statement(prepared(sql));
    bind(*statement, std::index_sequence_for<Args...>(), args...);
    while (statement->step()) {
      read(*statement, std::index_sequence_for<Outs...>(), outs);
      row();
    }
  }
 private:
  /// Leaves the statement ready for the next, whatever happens.
  class Use {
   public:
    explicit Use(Statement& statement) : statement_(statement) {}
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;
    ~Use() { statement_.reset(); }
    Statement& operator*() const { return statement_; }
    Statement* operator->() const { return &statement_; }

   private:
    Statement& statement_;
  };

  Statement& prepared(const char* sql) {
    std::unique_ptr<Statement>& statement = statements_[sql];
    if (!statement) statement = prepare_(sql);
    return *statement;
  }

  template <class T>
  static void bind_one(Statement& statement, int at, const T& value) {
    if constexpr (std::is_integral_v<T> || std::is_enum_v<T>) {
      statement.bind(at, static_cast<std::int64_t>(value));
    } else {
      statement.bind(at, std::string_view(value));
    }
  }
  template <std::size_t... I, class... Args>
  static void bind(Statement& statement, std::index_sequence<I...>, const Args&... args) {
    (bind_one(statement, static_cast<int>(I) + 1, args), ...);
  }
  template <class T>
  static void read_one(const Statement& statement, int column, T& out) {
    if constexpr (std::is_same_v<T, std::string>) {
      out.assign(statement.text(column));
    } else {
      out = static_cast<T>(statement.integer(column));
    }
  }
  static void read_one(const Statement& statement, int column, std::optional<std::int64_t>& out) {
    if (statement.is_null(column))
      out.reset();
    else
      out = statement.integer(column);
  }
  template <std::size_t... I, class... Outs>
  static void read(const Statement& statement, std::index_sequence<I...>,
                   std::tuple<Outs&...>& outs) {
    (read_one(statement, static_cast<int>(I), std::get<I>(outs)), ...);
  }

  Prepare prepare_;
  std::unordered_map<const char*, std::unique_ptr<Statement>> statements_;
};

/// Statements whose texts are made at run time, each prepared once and lent to one at a time.
class KeptStatements {
 public:
  explicit KeptStatements(Statements::Prepare prepare) : prepare_(std::move(prepare)) {}

  std::unique_ptr<Statement> take(const std::string& sql) {
    if (auto kept = kept_.extract(sql)) return std::move(kept.mapped());
    return prepare_(sql.c_str());
  }
  /// After `reset`.
  void keep(std::string sql, std::unique_ptr<Statement> statement) {
    constexpr std::size_t kMost = 200;
    if (kept_.size() >= kMost) kept_.clear();
    kept_.insert_or_assign(std::move(sql), std::move(statement));
  }

 private:
  Statements::Prepare prepare_;
  std::unordered_map<std::string, std::unique_ptr<Statement>> kept_;
};

}  // namespace sufler::storage
