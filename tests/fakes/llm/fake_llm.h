#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace sufler::fakes {

struct FakeLlmOptions {
  int port = 0;  ///< 0: a free one
  /// What it is strict about: openai, vllm, llamacpp, ollama, lmstudio, yandex, gigachat.
  std::string kind = "openai";
  /// Every secret of the tests has the word in capitals: nothing that a program writes may hold it (tests/canaries).
  std::string key = "sk-CANARY-of-the-fake-llm-0000";
  std::vector<std::string> models = {"fake-model"};  ///< with their folder, `gpt://b1gfake/fake-model/latest`, for yandex
  std::int64_t context_tokens = 0;                   ///< 0: no bound
  std::size_t body_limit_bytes = std::size_t{8} << 20;
  std::chrono::seconds token_lifetime{1800};  ///< of gigachat
};

struct LlmCall {
  std::string id = {};  ///< empty: one is made
  std::string name = {};
  std::string arguments = "{}";  ///< as text, which need not be JSON; gigachat: an object
};

/// What the model says next.
struct LlmAnswer {
  std::string text = {};
  std::vector<LlmCall> calls = {};
  std::string finish = {};  ///< empty: stop, or tool_calls
  std::string when = {};    ///< only when the last message of the person holds this; empty: whatever it is
  int times = 1;            ///< -1: for ever
  std::chrono::milliseconds delay{0};
  bool usage = true;
  std::size_t piece = 0;  ///< of a stream: bytes at a time; 0: all at once
  bool crlf = false;      ///< line ends of a stream
};

/// Makes the next calls fail. `kind` is one of those in README.md.
struct LlmFault {
  std::string kind = {};
  std::string method = "chat";  ///< chat, embeddings, oauth, models
  int times = 1;                ///< -1: for ever
  int skip = 0;
  int retry_after_s = 0;  ///< 0: no header
  bool as_date = false;   ///< Retry-After as a date
  std::chrono::milliseconds delay{0};
  std::size_t size = 0;  ///< huge
  int status = 0;        ///< custom
  std::string body = {};
};

struct LlmRequest {
  std::string method = {};
  std::string body = {};     ///< JSON
  std::string project = {};  ///< the header OpenAI-Project
  bool ok = false;
  int status = 0;
  std::string error = {};
  std::string fault = {};
};

/// A server of Chat Completions on a free port of 127.0.0.1, stricter than the real ones. What nobody has scripted is
/// answered by an echo of the last message, or by the least JSON that fits the schema. Thread-safe.
class FakeLlm {
 public:
  explicit FakeLlm(FakeLlmOptions options = {});
  ~FakeLlm();
  FakeLlm(const FakeLlm&) = delete;
  FakeLlm& operator=(const FakeLlm&) = delete;

  std::string url() const;        ///< in the place of https://api.openai.com/v1
  std::string oauth_url() const;  ///< of gigachat
  int port() const;
  std::string key() const;

  void answer(const LlmAnswer& answer);
  void say(const std::string& text) { answer(LlmAnswer{text}); }
  void fail_next(const LlmFault& fault);
  void clear_faults();
  void revoke_tokens();  ///< of gigachat: 401 until a fresh one is fetched
  void advance_clock(std::chrono::milliseconds by);

  /// Calls of the method (empty: all) in order.
  std::vector<LlmRequest> requests(const std::string& method = {}) const;
  /// Until so many have been answered well.
  bool wait_for_calls(const std::string& method, std::size_t count,
                      std::chrono::milliseconds timeout = std::chrono::seconds(5)) const;
  /// Until so many requests have come, whether they were answered or not.
  bool wait_for_requests(std::size_t count, std::chrono::milliseconds timeout = std::chrono::seconds(5)) const;
  /// The most answers that were under way at a time.
  std::size_t most_at_once() const;

  /// The control API of README.md without HTTP.
  std::string control(const std::string& path, const std::string& json = "{}") const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sufler::fakes
