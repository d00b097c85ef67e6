#pragma once
// Inside of the fake.
#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "fakes/common/platform.h"
#include "fakes/llm/answers.h"
#include "fakes/llm/fake_llm.h"

namespace sufler::fakes {

class LlmWorld : public Platform {
 public:
  LlmWorld(FakeLlmOptions options, HttpServer& server);
  ~LlmWorld() override { stop(); }

  std::string path() const { return options_.kind == "gigachat" ? "/api/v1" : "/v1"; }
  const FakeLlmOptions& options() const { return options_; }
  std::vector<LlmRequest> requests(const std::string& method) const;
  std::size_t most_at_once() const;

 private:
  void serve(HttpRequest&& request) override;
  std::size_t account_of(const Json& /*params*/) override { return 0; }
  Json act(const std::string& path, const Json& params) override;
  void forget(ConnectionId connection) override;
  bool holds(const Json& params) override { return came_ >= params.value("came", std::size_t{0}); }
  const std::set<std::string>& own_faults() override;
  bool knows_method(const std::string& name) override;
  bool only_by_name(const std::string& method) override { return method != "chat"; }
  bool drops_at_head(const FaultRule& /*rule*/, const std::string& /*method*/) override { return false; }
  bool set_option(const std::string& name, const Json& value) override;
  void forget_all() override;

  /// Throws ApiError.
  HttpReply chat(const Json& body, ApiCall& call, const std::optional<FaultRule>& fault);
  HttpReply embeddings(const Json& body);
  HttpReply models();
  HttpReply give_token(const HttpRequest& request, ApiCall& call);
  void check_key(const HttpRequest& request);
  void check_model(const std::string& model);
  Script next_script(const Json& body);
  HttpReply refused(const ApiError& error) const;
  std::optional<HttpReply> fault_reply(const FaultRule& fault, const std::string& method) const;
  void send(const HttpRequest& request, ApiCall call, HttpReply reply);

  FakeLlmOptions options_;
  std::deque<Script> scripts_;
  std::map<std::string, std::int64_t> tokens_;  ///< of gigachat, and when they end
  std::set<ConnectionId> under_way_;
  std::size_t most_at_once_ = 0;
  std::size_t came_ = 0;
};

}  // namespace sufler::fakes
