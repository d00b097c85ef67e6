#include "fakes/amocrm/fake_amocrm.h"

#include "fakes/amocrm/world.h"

namespace sufler::fakes {

struct FakeAmocrm::Impl {
  explicit Impl(FakeAmocrmOptions options) : world(std::move(options), server) {}
  ~Impl() {
    world.stop();
    server.stop();
  }

  HttpServer server;
  AmocrmWorld world;
};

FakeAmocrm::FakeAmocrm(FakeAmocrmOptions options) : impl_(std::make_unique<Impl>(options)) {
  impl_->world.start(options.port, std::size_t{4} << 20);
}
FakeAmocrm::~FakeAmocrm() = default;

int FakeAmocrm::port() const { return impl_->server.port(); }
std::string FakeAmocrm::url() const { return "http://127.0.0.1:" + std::to_string(port()); }
const FakeAmocrmOptions& FakeAmocrm::options() const { return impl_->world.options(); }

std::int64_t FakeAmocrm::add_contact(const std::string& name, const std::vector<std::string>& phones, const std::string& email) {
  return impl_->world.ask("contact", {{"name", name}, {"phones", phones}, {"email", email}});
}
std::int64_t FakeAmocrm::add_lead(const std::string& name, std::int64_t contact_id) {
  return impl_->world.ask("lead", {{"name", name}, {"contact_id", contact_id}});
}
std::string FakeAmocrm::entity(const std::string& kind, std::int64_t id) const {
  return impl_->world.ask("entity", {{"kind", kind}, {"id", id}}).dump();
}
std::vector<std::int64_t> FakeAmocrm::ids(const std::string& kind) const {
  return impl_->world.ask("ids", {{"kind", kind}}).get<std::vector<std::int64_t>>();
}

void FakeAmocrm::fail_next(const AmocrmFault& fault) {
  Json json = {{"kind", fault.kind}, {"times", fault.times}, {"skip", fault.skip}};
  if (!fault.method.empty()) json["method"] = fault.method;
  if (fault.retry_after_s > 0) json["retry_after"] = fault.retry_after_s;
  if (fault.status > 0) json["status"] = fault.status;
  if (!fault.body.empty()) json["body"] = fault.body;
  if (fault.delay.count() > 0) json["delay_ms"] = fault.delay.count();
  impl_->world.ask("faults", json);
}
void FakeAmocrm::clear_faults() { impl_->world.ask("faults/clear", Json::object()); }
void FakeAmocrm::revoke_tokens() { impl_->world.ask("tokens/revoke", Json::object()); }
std::vector<AmocrmRequest> FakeAmocrm::requests(const std::string& method) const { return impl_->world.requests(method); }
bool FakeAmocrm::wait_for_requests(const std::string& method, std::size_t count, std::chrono::milliseconds timeout) const {
  return impl_->world.wait({{"came", count}, {"of", method}}, timeout);
}
std::size_t FakeAmocrm::most_per_second() const { return impl_->world.ask("most_per_second", Json::object()); }
std::string FakeAmocrm::control(const std::string& path, const std::string& json) const { return impl_->world.ask_text(path, json); }

}  // namespace sufler::fakes
