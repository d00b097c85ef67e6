#pragma once
// Who answers at which path, and the answer as it goes out.
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "interpreter/transports/listener.h"
#include "interpreter/transports/listener/request.h"

namespace sufler::listening {

/// A path and who answers there.
struct Route {
  Listener::Page page;
  Listener::Webhook webhook;
  RetryAfterForm retry_after = RetryAfterForm::Seconds;
  bool service = false;  ///< `webhook` takes all paths below the route's, and all methods

  bool enter();  ///< false: the route is closed
  void leave();
  /// Lets nobody in and waits for those inside.
  void close();

 private:
  std::mutex mutex_;
  std::condition_variable idle_;
  std::size_t calls_ = 0;
  bool gone_ = false;
};

class Pending;

/// Thread-safe.
class Answering {
 public:
  explicit Answering(std::chrono::milliseconds answer_time);  ///< for a webhook's answer; then 503
  ~Answering();

  /// The later route of a path replaces the earlier one; null takes it away. Waits for calls of the earlier one.
  void add(std::string path, std::shared_ptr<Route> route);
  /// The answer as it goes out; empty when there was no memory for one. Waits for a webhook's.
  std::string answer(Request& request);
  /// Whether a service may be meant, as far as the first line tells.
  bool is_for_service(const Request& request) const;
  void count(int status, const std::string* webhook = nullptr);  ///< an answer, of the path of a webhook
  /// From now on nobody waits: 503 to those who do. True: there were some.
  bool give_up();
  /// Fills the numbers of answers.
  void counts(Listener::Counts& counts) const;

 private:
  class Front;

  WebhookAnswer answer_webhook(Route& route, Request& request, std::string path);

  const std::chrono::milliseconds answer_time_;
  std::unique_ptr<Front> front_;

  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Route>, std::less<>> routes_;
  /// The route of a path; with the mutex held.
  std::shared_ptr<Route> find_route(std::string_view path, std::string* prefix) const;
  std::set<std::shared_ptr<Pending>> waiting_;
  std::map<int, std::uint64_t> by_status_;
  std::map<std::string, std::map<int, std::uint64_t>> webhooks_;
  bool giving_up_ = false;
};

}  // namespace sufler::listening
