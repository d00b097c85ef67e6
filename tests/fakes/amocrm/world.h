#pragma once
// Inside of the fake.
#include <chrono>
#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "fakes/amocrm/checks.h"
#include "fakes/amocrm/fake_amocrm.h"
#include "fakes/common/platform.h"

namespace sufler::fakes {

class AmocrmWorld : public Platform {
 public:
  AmocrmWorld(FakeAmocrmOptions options, HttpServer& server);
  ~AmocrmWorld() override { stop(); }

  const FakeAmocrmOptions& options() const { return options_; }
  std::vector<AmocrmRequest> requests(const std::string& method) const;

 private:
  /// A path that was understood: `/api/v4/leads/5/notes` is notes of leads, 5.
  struct Route {
    std::string method;  ///< `notes.add`; empty: there is no such path
    std::string kind;    ///< leads, contacts, companies
    std::int64_t id = 0;
  };
  using Query = std::vector<std::pair<std::string, std::string>>;

  void serve(HttpRequest&& request) override;
  std::size_t account_of(const Json& /*params*/) override { return 0; }
  Json act(const std::string& path, const Json& params) override;
  bool holds(const Json& params) override;
  const std::set<std::string>& own_faults() override;
  bool knows_method(const std::string& name) override;
  bool only_by_name(const std::string& /*method*/) override { return false; }
  bool drops_at_head(const FaultRule& /*rule*/, const std::string& /*method*/) override { return false; }
  bool set_option(const std::string& name, const Json& value) override;
  void forget_all() override;

  static Route route(const HttpRequest& request);
  std::optional<HttpReply> too_many();
  void check_token(const HttpRequest& request) const;
  HttpReply answer(const Route& route, const Json& body, const Query& query);
  HttpReply give_token(const Json& body);
  HttpReply add(const std::string& kind, const Json& body);
  HttpReply update(const std::string& kind, std::int64_t id, const Json& body);
  HttpReply complex(const Json& body);
  HttpReply add_notes(const std::string& kind, std::int64_t id, const Json& body);
  HttpReply add_tasks(const Json& body);
  HttpReply list(const std::string& kind, const Query& query, std::optional<std::int64_t> of = std::nullopt, const std::string& of_kind = {});
  HttpReply link_chats(const Json& body);

  std::int64_t create(const std::string& kind, Json entity);
  void change(const std::string& kind, Json& stored, const Json& by);
  void link(std::int64_t lead, std::int64_t contact);
  Json shown(const std::string& kind, const Json& stored, const std::set<std::string>& with) const;
  Json self(const std::string& path) const { return {{"self", {{"href", root() + path}}}}; }
  void send(const HttpRequest& request, ApiCall call, HttpReply reply);

  FakeAmocrmOptions options_;
  AmocrmAccount account_;
  std::map<std::string, std::map<std::int64_t, Json>> entities_;  ///< by kind
  std::map<std::int64_t, std::vector<std::int64_t>> contacts_of_;  ///< by lead
  std::map<std::string, std::int64_t> access_;  ///< tokens of OAuth, and when they end, ms
  std::set<std::string> refresh_;
  bool code_used_ = false;
  std::deque<std::chrono::steady_clock::time_point> all_;      ///< in the last second
  std::deque<std::chrono::steady_clock::time_point> came_;     ///< of these, that were let in
  std::deque<std::chrono::steady_clock::time_point> refused_;  ///< in the last ten
  std::chrono::steady_clock::time_point blocked_until_{};
  std::size_t most_per_second_ = 0;
  std::map<std::string, std::size_t> counts_;  ///< by method
};

}  // namespace sufler::fakes
