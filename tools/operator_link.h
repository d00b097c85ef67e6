#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "interpreter/core/result.h"
#include "interpreter/runtime/config.h"
#include "storage/storage.h"

/// The way from an operator's command to what it asks: the process that serves, else the database itself.
namespace sufler {

/// Where the process of this configuration listens; empty: nowhere.
std::string socket_place(const Config& config);

/// `sqlite` or `postgresql`.
std::string database_kind(const Config& config);

/// Tells one database from another, without what its address may hold.
std::string database_mark(const Config& config);

class OperatorLink {
 public:
  /// The reason is told on standard error already.
  static std::optional<OperatorLink> open(const std::string& config);

  /// One answer to one request, both JSON; the error is one line. The request's object is completed here.
  Result<std::string, std::string> ask(std::string request);
  /// Whether a process serves.
  bool live() const { return !socket_.empty(); }
  /// The database, when no process serves; else null.
  Storage* storage() { return storage_ ? &*storage_ : nullptr; }
  const Config& config() const { return config_; }
  std::string database_kind() const { return sufler::database_kind(config_); }

 private:
  explicit OperatorLink(Config config) : config_(std::move(config)) {}

  Config config_;
  std::string socket_;
  std::optional<Storage> storage_;
};

/// A moment as these commands print it: `2026-03-15T10:00:00Z`.
std::string shown_time(std::int64_t unix_ms);
/// Text of people and platforms for a terminal: nothing in it acts, and no secret is in it.
std::string printable(std::string_view text);
/// Says the line on standard error; gives the code of errors.
int complain(std::string_view line);

}  // namespace sufler
