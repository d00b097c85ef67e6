#include "fakes/llm/fake_llm.h"

#include "fakes/llm/world.h"

namespace sufler::fakes {

struct FakeLlm::Impl {
  explicit Impl(FakeLlmOptions options) : world(std::move(options), server) {}
  ~Impl() {
    world.stop();
    server.stop();
  }

  HttpServer server;
  LlmWorld world;
};

FakeLlm::FakeLlm(FakeLlmOptions options) : impl_(std::make_unique<Impl>(options)) {
  impl_->world.start(options.port, options.body_limit_bytes);
}

FakeLlm::~FakeLlm() = default;

int FakeLlm::port() const { return impl_->server.port(); }
std::string FakeLlm::url() const { return "http://127.0.0.1:" + std::to_string(port()) + impl_->world.path(); }
std::string FakeLlm::oauth_url() const { return "http://127.0.0.1:" + std::to_string(port()) + "/api/v2/oauth"; }
std::string FakeLlm::key() const { return impl_->world.options().key; }

void FakeLlm::answer(const LlmAnswer& answer) {
  Json json = {{"text", answer.text}, {"finish", answer.finish}, {"when", answer.when}, {"times", answer.times}, {"delay_ms", answer.delay.count()},
               {"usage", answer.usage}, {"piece", answer.piece}, {"crlf", answer.crlf}, {"calls", Json::array()}};
  for (const LlmCall& call : answer.calls) json["calls"].push_back({{"id", call.id}, {"name", call.name}, {"arguments", call.arguments}});
  impl_->world.ask("answer", json);
}

void FakeLlm::fail_next(const LlmFault& fault) {
  Json json = {{"kind", fault.kind}, {"method", fault.method}, {"times", fault.times}, {"skip", fault.skip}};
  if (fault.retry_after_s > 0) json["retry_after"] = fault.retry_after_s;
  if (fault.as_date) json["as_date"] = true;
  if (fault.delay.count() > 0) json["delay_ms"] = fault.delay.count();
  if (fault.size > 0) json["size"] = fault.size;
  if (fault.status > 0) json["status"] = fault.status;
  if (!fault.body.empty()) json["body"] = fault.body;
  impl_->world.ask("faults", json);
}

void FakeLlm::clear_faults() { impl_->world.ask("faults/clear", Json::object()); }
void FakeLlm::revoke_tokens() { impl_->world.ask("tokens/revoke", Json::object()); }
void FakeLlm::advance_clock(std::chrono::milliseconds by) { impl_->world.ask("clock", {{"advance_ms", by.count()}}); }

std::vector<LlmRequest> FakeLlm::requests(const std::string& method) const { return impl_->world.requests(method); }
bool FakeLlm::wait_for_calls(const std::string& method, std::size_t count, std::chrono::milliseconds timeout) const {
  return impl_->world.wait({{"method", method}, {"count", count}}, timeout);
}
bool FakeLlm::wait_for_requests(std::size_t count, std::chrono::milliseconds timeout) const { return impl_->world.wait({{"came", count}}, timeout); }
std::size_t FakeLlm::most_at_once() const { return impl_->world.most_at_once(); }
std::string FakeLlm::control(const std::string& path, const std::string& json) const { return impl_->world.ask_text(path, json); }

}  // namespace sufler::fakes
