#pragma once
#include <string>
#include <vector>

#include "serve/sufler_process.h"

namespace sufler::tests {

/// A PostgreSQL server of one test alone, which may be ill-treated. It syncs.
class OwnPostgres {
 public:
  explicit OwnPostgres(const std::vector<std::string>& options = {});
  ~OwnPostgres();
  OwnPostgres(const OwnPostgres&) = delete;
  OwnPostgres& operator=(const OwnPostgres&) = delete;

  /// Without a word to those who are connected; until `resume`.
  void crash();
  /// Comes back when it answers again.
  void resume();
  void restart();  ///< both
  int port() const { return port_; }
  std::string url() const { return url(port_); }
  /// Through whatever listens at `port`.
  static std::string url(int port) { return "postgresql://sufler@127.0.0.1:" + std::to_string(port) + "/postgres"; }

 private:
  void run(const std::string& command, const std::vector<std::string>& options = {}) const;

  TempFolder folder_;
  int port_ = 0;
};

}  // namespace sufler::tests
