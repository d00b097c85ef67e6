#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <thread>

namespace sufler::tests {

/// Stands between a program and PostgreSQL, and cuts connections at their commits.
class PostgresProxy {
 public:
  enum class Cut : std::uint8_t {
    Never,
    BeforeCommit,  ///< the server never hears of it
    AtCommit,      ///< sent, and nobody waited for what becomes of it
    AfterCommit,   ///< the server has answered, the program does not hear it
  };
  explicit PostgresProxy(int server_port);
  ~PostgresProxy();
  PostgresProxy(const PostgresProxy&) = delete;
  PostgresProxy& operator=(const PostgresProxy&) = delete;

  int port() const { return port_; }
  /// Asked at every commit, on a thread of the connection.
  void set_plan(std::function<Cut()> plan);
  std::size_t cuts() const { return cuts_; }

 private:
  struct Link;
  void accept_all();
  void serve(Link& link);
  Cut ask();

  const int server_port_;
  int listening_ = -1;
  int port_ = 0;
  std::atomic<bool> stopping_{false};
  std::atomic<std::size_t> cuts_{0};
  std::mutex mutex_;
  std::function<Cut()> plan_;
  std::list<Link> links_;
  std::thread thread_;
};

}  // namespace sufler::tests
