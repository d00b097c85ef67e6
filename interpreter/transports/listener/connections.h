#pragma once
// All incoming connections on one thread behind epoll: what comes is gathered, within limits of size and time, until a
// request is whole, and answers are written as the peer takes them.
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "interpreter/transports/listener.h"
#include "interpreter/transports/listener/request.h"

namespace sufler::listening {

using Clock = std::chrono::steady_clock;

struct Connection {
  enum class State {
    Reading,   // a request, or waits for its first byte
    Busy,      // a pool answers it
    Writing,   // the answer
    Draining,  // said goodbye: what still comes is thrown away, lest it break the goodbye
  };

  std::uint64_t id = 0;
  int fd = -1;
  State state = State::Reading;
  std::string in;
  bool head_done = false;
  Head head;
  Chunks chunks;
  std::string body;
  std::string out;
  std::size_t sent = 0;
  bool close = false;
  std::size_t requests = 0;
  std::size_t drained = 0;
  std::size_t held = 0;     // bytes of `in` and `body`, as they are counted
  Clock::time_point since;  // the state's begin
  Clock::time_point deadline;

  bool idle() const { return state == State::Reading && !head_done && in.empty(); }
};

class Connections {
 public:
  /// Called on the thread of the connections; must return at once.
  struct Handlers {
    std::function<void(Request)> whole;       ///< `answered` is to follow, from any thread
    std::function<void(int status)> refused;  ///< before anybody else saw the request
  };

  /// `settings` must outlive it.
  Connections(const Listener::Settings& settings, Handlers handlers);

  /// Binds. Returns the reason of a failure, or nothing.
  std::string open();
  void start();    ///< throws std::system_error; after `open`
  void release();  ///< undoes `open` when there was no start
  bool running() const { return thread_.joinable(); }
  bool stopped() const;  ///< accepts no more
  int port() const { return port_; }

  /// The answer as it goes out; an empty one closes the connection. Thread-safe.
  void answered(std::uint64_t id, std::string answer, bool close_after);

  /// Accepts no more and closes what is idle; the rest ends with its answer, or at `until`.
  void begin_stop(Clock::time_point until);
  void wait_until_none_left(Clock::time_point until);
  /// Closes all and joins the thread.
  void end();

  /// Fills the numbers of connections. Thread-safe.
  void counts(Listener::Counts& counts) const;

 private:
  /// A connection that there is no memory for goes; the others stay.
  template <class What>
  void guarded(std::uint64_t id, What what) {
    const auto found = connections_.find(id);
    if (found == connections_.end()) return;
    try {
      what(*found->second);
    } catch (...) {
      close(id);
    }
  }

  void run();
  int wait_ms() const;
  void post(std::function<void()> job);
  void run_posted();
  void set_deadline(Connection& c, Clock::time_point at);
  void enter(Connection& c, Connection::State state, std::chrono::milliseconds time);
  void check_deadlines();
  void quiesce(Clock::time_point until);

  void watch_acceptor(bool on);
  void accept_all();
  void admit(int fd);
  bool evict(bool idle_only);
  void close(std::uint64_t id);
  void watch(Connection& c, std::uint32_t what);

  void on_ready(Connection& c);
  void read(Connection& c);
  void account(Connection& c);
  bool drop_largest();
  void advance(Connection& c);
  void refuse(Connection& c, int status);
  void write(Connection& c);
  void drain(Connection& c);

  const Listener::Settings& settings_;
  const Handlers handlers_;
  std::thread thread_;
  std::atomic<int> port_{0};

  // Of the thread of the connections.
  int acceptor_ = -1;
  int poller_ = -1;
  int waker_ = -1;
  std::unordered_map<std::uint64_t, std::unique_ptr<Connection>> connections_;
  std::vector<std::function<void()>> running_;
  std::size_t buffered_ = 0;  // bytes of unfinished requests
  std::uint64_t next_id_;
  Clock::time_point next_check_ = Clock::time_point::max();
  Clock::time_point accept_again_;
  bool accept_paused_ = false;
  bool stopping_ = false;
  bool ended_ = false;
  Clock::time_point stop_at_;

  mutable std::mutex mutex_;
  std::condition_variable none_left_;
  std::vector<std::function<void()>> posted_;
  std::size_t open_ = 0;
  std::uint64_t accepted_ = 0;
  bool quiet_ = false;  // accepts no more
};

}  // namespace sufler::listening
