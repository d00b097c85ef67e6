#pragma once
// Inside of the fakes: what every fake of a platform has. README.md says how a new one starts.
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "fakes/common/api_error.h"
#include "fakes/common/faults.h"
#include "fakes/common/http_post.h"
#include "fakes/common/http_server.h"

namespace sufler::fakes {

/// A call as the log keeps it.
struct ApiCall {
  std::int64_t number = 0;
  std::int64_t at_ms = 0;   ///< Unix, by the fake's clock
  std::size_t account = 0;  ///< index of the bot, the community …
  std::string method;
  Json params = Json::object();
  std::int64_t place = 0;  ///< the chat, the dialog …; 0: none
  bool ok = false;
  bool applied = false;  ///< false: a fault or a limit answered instead of the method
  bool batched = false;  ///< inside of a call that carries several
  int error_code = 0;
  std::string description;
  std::string fault;
  Json result;
};

/// What a platform calls in the control API what all of them have.
struct PlatformWords {
  std::string name;            ///< begins what a test is told: `fake vk`
  std::string account;         ///< `bot`
  std::string place;           ///< `chat`
  std::string description;     ///< of an error, in the reports of calls
  std::string batched = {};    ///< in the same reports; empty: the platform has no such calls
  std::string polls = {};      ///< the method that reports leave out unless it is asked for
  std::string file = {};       ///< names a stored file
  std::string garbage = "{[";  ///< the beginning of an answer, for a fault of that kind
};

/// The clock, the log of calls, faults, those who wait for something to happen, deliveries to
/// webhooks and the control API. A platform derives its world and answers its own calls.
/// Public functions take the lock; all others, the overridden ones too, are called under it.
class Platform {
 public:
  virtual ~Platform();
  Platform(const Platform&) = delete;
  Platform& operator=(const Platform&) = delete;

  /// Serves until stop(); throws std::runtime_error when the port is taken.
  void start(int port, std::size_t max_body_bytes);
  /// Ends waits and deliveries. To be called by the destructor of what derives.
  void stop();

  /// The control API without HTTP; `path` is what follows /control/. Throws ApiError.
  Json control(const std::string& path, const Json& params);
  /// The same for tests: throws std::runtime_error.
  Json ask(const std::string& path, const Json& params);
  std::string ask_text(const std::string& path, const std::string& json);
  /// Until the conditions of /control/wait hold. False: they do not.
  bool wait(const Json& params, std::chrono::milliseconds timeout);
  /// The bytes of a stored file; empty when there is none.
  std::string file_bytes(const Json& params);

 protected:
  Platform(HttpServer& server, PlatformWords words, std::size_t kept_calls);

  // What a platform is.
  /// After the headers and before the body; false closes the connection unanswered.
  virtual bool admit(const HttpRequest& /*request*/) { return true; }
  /// Any request but those of the control API.
  virtual void serve(HttpRequest&& request) = 0;
  /// The connection is gone: nobody polls there any more.
  virtual void forget(ConnectionId /*connection*/) {}
  /// Which account the parameters of the control API mean. Throws ApiError.
  virtual std::size_t account_of(const Json& params) = 0;
  /// A path of the platform's own. Throws ApiError.
  virtual Json act(const std::string& path, const Json& params) = 0;
  /// A path whose answer comes later; false: it is none of those.
  virtual bool act_later(const std::string& /*path*/, const Json& /*params*/,
                         ConnectionId /*connection*/) {
    return false;
  }
  /// Null: there is no such file.
  virtual const std::string* stored_file(const Json& /*params*/) { return nullptr; }
  /// Whether the platform's own conditions of a wait hold.
  virtual bool holds(const Json& /*params*/) { return true; }
  /// How many messages the bot has sent to the place of the parameters, and what they are.
  virtual std::size_t sent_to(const Json& /*params*/) { return 0; }
  virtual Json messages_report(const Json& /*params*/) { return Json::array(); }
  /// Kinds beside those of the network, and what is wrong with a rule of them (empty: nothing).
  virtual const std::set<std::string>& own_faults() = 0;
  virtual std::string wrong_with_fault(const Json& /*params*/) { return {}; }
  /// Whether a rule may name it, as it stands there.
  virtual bool knows_method(const std::string& name) = 0;
  /// Polls, downloads and the like: a rule without a method does not mean them. In lower case.
  virtual bool only_by_name(const std::string& method) = 0;
  /// Whether a `drop` closes the connection before the body is read.
  virtual bool drops_at_head(const FaultRule& rule, const std::string& method) = 0;
  /// False: there is no such option.
  virtual bool set_option(const std::string& name, const Json& value) = 0;
  /// For /control/reset: people, messages and what came of them.
  virtual void forget_all() = 0;
  /// Delivers one thing to a webhook; false: none is due. It lets go of the lock while it posts.
  virtual bool deliver_one(std::unique_lock<std::mutex>& /*lock*/) { return false; }
  virtual bool any_to_deliver() { return false; }

  // What a platform needs.
  std::int64_t now_ms() const;
  std::int64_t now_s() const { return now_ms() / 1000; }
  std::string root() const { return "http://127.0.0.1:" + std::to_string(server_.port()); }
  /// The first rule that matches, used up once. `head_only`: before the body is read.
  std::optional<FaultRule> take_fault(std::size_t account, const std::string& method,
                                      std::optional<std::int64_t> place, bool head_only);
  /// Makes of the answer what a fault of the network leaves of it; false: it is no such fault.
  bool spoil(HttpReply& reply, const FaultRule& fault) const {
    return fakes::spoil(reply, fault, words_.garbage);
  }
  void log(ApiCall call);
  void log(ApiCall call, const ApiError& error);
  void log_fault(ApiCall call, const FaultRule& fault);
  const std::deque<ApiCall>& calls() const { return calls_; }
  /// Something happened that somebody may wait for.
  void changed();
  /// Runs the call under the lock, on the server's thread.
  void later(std::chrono::milliseconds delay, std::function<void()> call);
  /// Starts the thread of deliveries; the last thing that a constructor does.
  void start_deliveries();
  void wake_deliveries() { deliver_wake_.notify_all(); }
  PostResult post_unlocked(std::unique_lock<std::mutex>& lock, const std::string& url,
                           const Headers& headers, const std::string& body);

  HttpServer& server_;
  const PlatformWords words_;
  mutable std::mutex mutex_;
  bool stopping_ = false;
  std::uint64_t serial_ = 1;  ///< for ids

 private:
  struct Waiter {
    ConnectionId connection;
    Json params;
    std::uint64_t serial;
  };

  bool on_head(const HttpRequest& request);
  void on_request(HttpRequest&& request);
  void on_close(ConnectionId connection);
  void serve_control(const HttpRequest& request);
  Json control_locked(const std::string& path, const Json& params);
  Json calls_report(const Json& params);
  void add_fault(const Json& params);
  void reset();
  bool satisfied(const Json& params);
  void hold(ConnectionId connection, const Json& params);
  void answer_waiter(const Waiter& waiter, bool satisfied);
  void serve_waiters();
  void deliver_loop();

  const std::size_t kept_calls_;
  std::condition_variable changed_;
  std::chrono::milliseconds clock_advance_{0};
  std::deque<ApiCall> calls_;
  std::int64_t next_call_ = 1;
  std::unordered_map<std::string, std::int64_t> applied_;  ///< successful calls by method
  std::list<FaultRule> faults_;
  std::vector<Waiter> waiters_;
  std::condition_variable deliver_wake_;
  std::thread deliver_thread_;
};

}  // namespace sufler::fakes
