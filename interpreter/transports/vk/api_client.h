#pragma once
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "interpreter/network/http_client.h"
#include "interpreter/transports/vk/answers.h"
#include "interpreter/transports/vk/pacer.h"
#include "interpreter/transports/vk/vk.h"

namespace sufler::vk {

using Fields = std::vector<std::pair<std::string, std::string>>;
/// Not copied for each of the places that a call goes through.
using SharedFields = std::shared_ptr<const Fields>;

/// What became of a call.
struct CallResult {
  HttpAnswer::Kind kind = HttpAnswer::Kind::NotSent;
  bool cancelled = false;
  std::string error;  ///< when there is no answer; holds no token
  Answer answer;      ///< when there is one
  std::string body;   ///< of a question's answer

  bool ok() const { return kind == HttpAnswer::Kind::Answered && answer.ok; }
  /// Why it is not, in a line.
  std::string reason() const;
};

/// Every request that bears the community's token, kept to VK's limit without holding up a thread. Calls
/// that must wait go together in an `execute`, up to 25 of different dialogs, and each gets its own result.
class ApiClient : public std::enable_shared_from_this<ApiClient> {
 public:
  using Done = std::function<void(CallResult)>;

  ApiClient(HttpClient& client, const VkSettings& settings);

  // All of these may be called on any thread. `done` comes exactly once, on the network thread; after
  // `close`, at once.

  /// A question: goes before waiting calls, and may be written a second time by the client.
  void ask(std::string method, Fields fields, Done done);
  /// A call that does something. `peer`: of calls to one dialog only one goes in an `execute`; empty: the
  /// call goes alone.
  void call(std::string method, SharedFields fields, std::string peer, Done done);
  /// Nothing goes for a while.
  void rest(std::chrono::milliseconds pause);
  /// Calls that wait are given up.
  void close();

  /// A text without the token.
  std::string hidden(std::string_view text) const;

 private:
  struct Job {
    std::string method;
    SharedFields fields;
    std::string peer;
    bool question = false;
    Done done;
  };

  void enter(Job job);
  void pump();
  std::vector<Job> take_jobs();
  void submit(std::vector<Job> jobs);
  void on_answer(Job& job, HttpAnswer answer);
  void on_answer_of_execute(std::vector<Job>& jobs, HttpAnswer answer);
  HttpRequest request_of(std::string_view method, const Fields& fields) const;

  HttpClient& client_;
  std::string base_;
  std::string token_;
  HttpHeaders headers_;
  std::string proxy_;
  std::chrono::milliseconds timeout_;

  /// Requests of a window that are kept for questions: events wait for names, whatever is being sent.
  std::size_t spare_;

  std::mutex mutex_;
  Pacer pacer_;
  std::deque<Job> questions_;
  std::deque<Job> calls_;
  bool pump_is_due_ = false;
  bool closed_ = false;
};

/// VKScript that makes the calls and returns what each gave.
std::string execute_code(const std::vector<std::pair<std::string_view, const Fields*>>& calls);

}  // namespace sufler::vk
