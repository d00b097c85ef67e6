#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace sufler::fakes {

struct FakeAmocrmOptions {
  int port = 0;  ///< 0: a free one
  /// Every secret of the tests has the word in capitals: nothing that a program writes may hold it (tests/canaries).
  std::string token = "eyJ-CANARY-of-the-fake-amocrm-0000";  ///< long-lived; empty: none is taken
  std::string client_id = "fake-client";
  std::string client_secret = "CANARY-secret-of-the-fake-amocrm";
  std::string redirect_uri = "https://bot.test/amocrm";
  std::string code = "CANARY-code-of-the-fake-amocrm";  ///< of OAuth, worth one pair
  std::chrono::seconds token_lifetime{86'400};          ///< of OAuth
  std::size_t requests_per_second = 7;                  ///< in any second; more are answered by 429
  std::size_t patience = 10;                            ///< answers of 429 within ten seconds; then 403 for ten seconds
};

/// Makes the next calls fail. `kind` is one of those in README.md.
struct AmocrmFault {
  std::string kind = {};
  std::string method = {};  ///< `leads.complex`; empty: any
  int times = 1;            ///< -1: for ever
  int skip = 0;
  int retry_after_s = 0;  ///< 0: no header
  int status = 0;         ///< custom
  std::string body = {};
  std::chrono::milliseconds delay{0};
};

struct AmocrmRequest {
  std::string method = {};  ///< `contacts.find`
  std::string path = {};    ///< with its query
  std::string body = {};    ///< JSON; empty: none
  bool ok = false;
  int status = 0;
  std::string error = {};
  std::string fault = {};
};

/// amoCRM's API v4 and OAuth on a free port of 127.0.0.1, stricter than the real one. It begins with two pipelines, two
/// users and some fields of leads and contacts (README.md). Thread-safe.
class FakeAmocrm {
 public:
  explicit FakeAmocrm(FakeAmocrmOptions options = {});
  ~FakeAmocrm();
  FakeAmocrm(const FakeAmocrm&) = delete;
  FakeAmocrm& operator=(const FakeAmocrm&) = delete;

  std::string url() const;  ///< in the place of https://example.amocrm.ru
  int port() const;
  const FakeAmocrmOptions& options() const;

  /// A contact that is there already; gives its id.
  std::int64_t add_contact(const std::string& name, const std::vector<std::string>& phones, const std::string& email = {});
  std::int64_t add_lead(const std::string& name, std::int64_t contact_id = 0);
  /// JSON as the API shows it; `kind` is contacts, leads, notes, tasks, companies.
  std::string entity(const std::string& kind, std::int64_t id) const;
  std::vector<std::int64_t> ids(const std::string& kind) const;

  void fail_next(const AmocrmFault& fault);
  void clear_faults();
  /// Every access token is worth nothing any more: 401 until a fresh one is fetched.
  void revoke_tokens();
  /// Calls of the method (empty: all) in order.
  std::vector<AmocrmRequest> requests(const std::string& method = {}) const;
  bool wait_for_requests(const std::string& method, std::size_t count, std::chrono::milliseconds timeout = std::chrono::seconds(5)) const;
  /// The most requests that came within any second, whatever the answer.
  std::size_t most_per_second() const;

  /// The control API of README.md without HTTP.
  std::string control(const std::string& path, const std::string& json = "{}") const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sufler::fakes
