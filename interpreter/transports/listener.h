#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "interpreter/core/result.h"
#include "interpreter/transports/transport.h"

namespace sufler {

/// What a page of the process itself answers.
struct PageAnswer {
  int status = 200;
  std::string body;
  std::string content_type = "text/plain; charset=utf-8";
};

/// Every incoming HTTP connection of the process: the platforms' webhooks, and pages such as `/healthz`. HTTP/1.1
/// without TLS: what is seen from outside stands behind a proxy that has it.
///
/// A connection costs a thread only while a whole request of it is being answered, so neither kept connections nor
/// ones that send a byte a second keep others from being served. What is no plain request is refused before any
/// handler sees it, with an empty body: 400 (malformed, two lengths, a length and chunks), 404, 405, 408, 413, 414,
/// 415, 417, 431.
class Listener {
 public:
  struct Settings {
    std::string host = "127.0.0.1";
    int port = 8080;  ///< 0: a free one
    std::size_t body_limit = std::size_t{1} << 20;  ///< bytes; more gives 413
    std::size_t head_limit = std::size_t{16} << 10;
    std::chrono::milliseconds request_time{10'000};  ///< for a whole request to arrive, and for its answer to be taken
    std::chrono::milliseconds idle_time{75'000};     ///< between the requests of a kept connection
    std::size_t requests_per_connection = 10'000;
    std::chrono::milliseconds answer_time{10'000};   ///< for a webhook's answer; then 503
    /// Beyond this the connection that has been idle the longest goes, or else the slowest sender.
    std::size_t most_connections = 1024;
    std::size_t buffer_limit = std::size_t{64} << 20;  ///< of all requests that are coming in; the largest goes
    std::size_t most_webhook_threads = 120;  ///< each waits for one webhook's answer; further requests queue
    std::size_t most_page_threads = 8;
    std::chrono::milliseconds thread_rest{10'000};  ///< after so long without work a thread ends, but for a few
  };

  using Page = std::function<PageAnswer()>;
  /// As `Transport::take_webhook`. May be called in parallel; must return soon.
  using Webhook = std::function<void(WebhookRequest request, std::function<void(WebhookAnswer)> answer)>;

  explicit Listener(Settings settings);
  ~Listener();  ///< stops without waiting
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // Routes come and go at any time, before the start too. A path is matched as a whole, after `%D0%B1` became what it
  // stands for and without the query; the later route of a path replaces the earlier one.

  /// `GET path` (and HEAD). What the handler throws becomes a 500.
  void add_page(std::string path, Page page);
  /// `POST path`. The answer may come on any thread; one that comes after `answer_time`, or never, is a 503 with
  /// Retry-After in this form, and a late or second one is dropped.
  void add_webhook(std::string path, Webhook webhook, RetryAfterForm form = RetryAfterForm::Seconds);
  /// The same for a transport, which must outlive the route.
  void add_webhook(std::string path, Transport& transport);
  /// Every request to a path that begins with `prefix` (which ends with `/`) and is no other route's, whatever its method
  /// but HEAD. Its refusals are the handler's own, those before it as of webhooks. An answer that does not come in time is
  /// a 503.
  void add_service(std::string prefix, Webhook service);
  /// On return no call of the handler is under way, and none will come; answers may still be. Not from a handler of
  /// the same path.
  void remove(const std::string& path);

  /// Binds and begins to serve. The reason of a failure is one line.
  Result<Done, std::string> start();
  /// The port that is listened on; 0 before `start`.
  int port() const;
  /// Accepts no more, lets requests under way go on for at most `grace`, then answers 503 to those that wait for a
  /// webhook and closes everything. Safe to call twice.
  void stop(std::chrono::milliseconds grace);

  struct Counts {
    std::size_t connections = 0;  ///< open now
    std::size_t threads = 0;      ///< of the pools, now
    std::uint64_t accepted = 0;   ///< connections since the start
    std::map<int, std::uint64_t> by_status;  ///< every answer since the start
    std::map<std::string, std::map<int, std::uint64_t>> webhooks;  ///< the same by path, of webhooks that stand
  };
  Counts counts() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sufler
