#pragma once
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "interpreter/core/model_connection.h"
#include "interpreter/network/backoff.h"
#include "interpreter/network/http_client.h"
#include "interpreter/services/llm/breaker.h"
#include "interpreter/services/llm/chat.h"
#include "interpreter/services/llm/gigachat.h"

namespace sufler::llm {

/// One question to a server and what is made of its answer.
class Exchange {
 public:
  virtual ~Exchange() = default;
  virtual std::string path() const = 0;  ///< behind the connection's URL
  virtual std::string body() const = 0;
  /// Gets the pieces of a stream; empty: the answer is wanted whole.
  virtual std::function<bool(std::string_view)> pieces() { return {}; }
  /// Of a 2xx. Nothing: it was accepted, and whoever asked has been told.
  virtual std::optional<Failure> take(const std::string& body) = 0;
  /// The body broke off in the middle. Nothing: what had come was enough.
  virtual std::optional<Failure> take_broken() { return Failure{Fault::Unavailable, "the answer broke off", true, {}, false}; }
  /// The question is too long. True: it is shorter now and may be asked again.
  virtual bool shorten() { return false; }
  /// No further attempts.
  virtual void fail(const Failure& failure) = 0;
};

/// What the outside gives to a connection.
struct Outside {
  HttpClient* http = nullptr;
  std::function<std::chrono::steady_clock::time_point()> now;
  std::function<Moment()> wall;      ///< for the end of a token
  std::function<double()> chance;    ///< in [0, 1)
};

/// Everything between a question and the server: the turn among others, the token, attempts and their pauses, the time
/// that all of it may take, the circuit breaker. Lives on the network thread: all but `figures` is called there.
class Connection {
 public:
  using Id = std::int64_t;

  Connection(ModelConnection settings, Outside outside);
  ~Connection();
  const ModelConnection& settings() const { return settings_; }

  /// `exchange` hears of its end once, unless it is abandoned.
  void begin(Id id, std::unique_ptr<Exchange> exchange);
  /// Ends it without a word.
  void abandon(Id id);
  /// Of what a server said, without this connection's secrets.
  std::string redacted(std::string text) const;

  struct Figures {
    std::uint64_t requests = 0;  ///< to the server, each attempt
    std::uint64_t answered = 0;  ///< questions
    std::map<std::string, std::uint64_t> failed;  ///< questions, by the word of the failure
    std::uint64_t tokens_in = 0, tokens_out = 0;
    std::uint64_t waiting = 0, asking = 0;  ///< now
    bool open = false;                      ///< the circuit breaker
  };
  Figures figures() const;  ///< thread-safe
  void count(const Usage& usage);

 private:
  using Clock = std::chrono::steady_clock;
  enum class State : std::uint8_t { Queued, Token, Asking, Resting };
  struct Task {
    std::unique_ptr<Exchange> exchange;
    State state = State::Queued;
    Clock::time_point deadline;
    Backoff backoff;
    std::uint32_t attempts = 0;   ///< begun
    std::uint64_t serial = 0;     ///< of the present attempt: what belongs to an older one is passed over
    HttpClient::RequestId request = 0;
    bool streams = false;
    bool shortened = false;
    bool renewed = false;         ///< its token was refused once
    std::string token;            ///< that it was sent with
    std::optional<Failure> last;
  };

  void pump();
  void start(Id id, Task& task);
  void send(Id id, Task& task);
  void answered(Id id, std::uint64_t serial, HttpAnswer answer);
  std::optional<Failure> judge(Task& task, const HttpAnswer& answer);
  void failed(Id id, Task& task, Failure failure);
  bool mend(Id id, Task& task, const Failure& failure);
  void pause_all(std::chrono::milliseconds pause);
  void rest(Id id, Task& task, Clock::duration pause);
  void give_up(Id id, Task& task, Failure failure);
  void end(Id id);
  void at_deadline(Id id);
  void leave(Task& task);
  Clock::duration left(const Task& task) const { return task.deadline - outside_.now(); }

  bool token_is_good() const;
  void fetch_token();
  void token_came(const HttpAnswer& answer);

  void publish();

  const ModelConnection settings_;
  const Outside outside_;
  /// Posted functions outlive the connection by moments.
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::map<Id, Task> tasks_;
  std::deque<Id> queue_;
  std::size_t asking_ = 0;
  std::uint64_t serials_ = 0;
  Breaker breaker_;
  Clock::time_point paused_until_{};

  std::optional<AccessToken> token_;
  bool fetching_ = false;
  HttpClient::RequestId token_request_ = 0;
  HttpHeaders headers_;          ///< of `headers_token_`
  std::string headers_token_;

  mutable std::mutex figures_mutex_;
  Figures figures_;
};

}  // namespace sufler::llm
