// `crm_news`: what a webhook told of is read again over the API before anything believes it, for anybody could have sent
// the webhook, and it may be old by now.
#include <algorithm>
#include <chrono>
#include <mutex>
#include <random>
#include <utility>

#include "interpreter/core/crm_chat.h"
#include "interpreter/services/amocrm/connection.h"
#include "interpreter/services/pool.h"
#include "interpreter/services/registry.h"

namespace sufler {
namespace {

using amocrm::Connection;
using amocrm::Outcome;

constexpr std::uint32_t kAttempts = 20;
constexpr Duration kBackoff{2'000};
/// Until a person has paid, or has put another token into the configuration. The attempts last for ten hours of it.
constexpr Duration kForAPerson{30 * 60'000};
/// Names of stages change seldom; an unknown one is looked up at once.
constexpr std::chrono::minutes kNamesLast{10};

JobResult failed(std::string error) { return {JobResult::Kind::Failed, {}, std::move(error), {}, {}, {}}; }
JobResult nothing() { return {JobResult::Kind::Done, {}, {}, {}, {}, {}}; }

class NewsService : public Service {
 public:
  explicit NewsService(const ServiceSettings& settings)
      : accounts_(settings.crm), memory_(settings.memory), random_(settings.seed != 0 ? settings.seed : std::random_device{}()),
        pool_(1, [this](const Job& job, const Abandonment& abandonment) { return perform(job, abandonment); }) {}

  ServiceTerms terms() const override {
    ServiceTerms terms{kCrmNewsService, 1, kAttempts, kBackoff};
    return terms;
  }
  void begin(const Job& job, JobDoneCall done) override { pool_.begin(job, std::move(done)); }
  void abandon(std::int64_t job_id) override { pool_.abandon(job_id); }

 private:
  /// One account, with what is known of it.
  struct Known {
    std::unique_ptr<Connection> connection;
    std::int64_t own_user = 0;
    struct Stage {
      std::string stage, pipeline;
    };
    std::map<std::pair<std::int64_t, std::int64_t>, Stage> stages;  ///< by pipeline and stage
    std::chrono::steady_clock::time_point read_at{};
  };

  Known* known_of(const std::string& bot) {
    const auto account = accounts_.find(bot);
    if (account == accounts_.end() || account->second.off || !memory_) return nullptr;
    Known& known = known_[account->second.key()];
    if (!known.connection) {
      known.connection = std::make_unique<Connection>(account->second, *memory_, http_, [this] {
        const std::lock_guard lock(mutex_);
        return std::uniform_real_distribution<double>(0, 1)(random_);
      });
    }
    return &known;
  }

  static JobResult trouble(const Outcome& outcome) {
    // amoCRM has sent the webhook and will not again.
    if (outcome.status == 401 || outcome.status == 402 || outcome.status == 403)
      return {JobResult::Kind::Again, {}, outcome.error, outcome.log, std::max(outcome.wait, kForAPerson), {}};
    if (outcome.kind == Outcome::Kind::Refused) return {JobResult::Kind::Failed, {}, outcome.error, outcome.log, {}, {}};
    return {JobResult::Kind::Again, {}, outcome.error, outcome.log, outcome.wait, {}};
  }

  JobResult perform(const Job& job, const Abandonment& abandonment) {
    Known* const known = known_of(job.bot);
    if (!known) return failed("the configuration has no `crm:` for the bot");
    Value request;
    if (!from_json(job.request, request) || !request.map()) return failed("news that cannot be read");
    const auto stop = [&] { return abandonment.asked(); };
    if (amocrm::text_in(request, "what") == "talk") return look_at_talk(*known, request, stop);
    return look_at_lead(*known, request, stop);
  }

  JobResult look_at_talk(Known& known, const Value& request, const std::function<bool()>& stop) {
    const std::string id = amocrm::text_in(request, "id");
    const Outcome talk = known.connection->get("/api/v4/talks/" + amocrm::url_part(id), stop);
    if (talk.nothing()) return nothing();
    if (!talk.good()) return trouble(talk);
    const Value& works = amocrm::field(talk.value, "is_in_work");
    if (!works.boolean() || *works.boolean()) return nothing();
    ValueMap result;
    result.set("what", "closed");
    result.set("id", id);
    result.set("event", "talk:" + id + ":" + std::to_string(amocrm::id_in(talk.value, "updated_at")));
    return {JobResult::Kind::Done, Value(std::move(result)), {}, {}, {}, {}};
  }

  JobResult look_at_lead(Known& known, const Value& request, const std::function<bool()>& stop) {
    const std::string id = amocrm::text_in(request, "id");
    if (known.own_user == 0) {
      const Outcome account = known.connection->get("/api/v4/account", stop);
      if (!account.good()) return trouble(account);
      known.own_user = amocrm::id_in(account.value, "current_user_id");
    }
    const Outcome lead = known.connection->get("/api/v4/leads/" + amocrm::url_part(id), stop);
    if (lead.nothing()) return nothing();
    if (!lead.good()) return trouble(lead);
    // What the bot itself changed comes back, too.
    const std::string told_by = amocrm::text_in(request, "modified_user_id");
    const std::int64_t by = told_by.empty() ? amocrm::id_in(lead.value, "updated_by") : amocrm::id_in(request, "modified_user_id");
    if (by != 0 && by == known.own_user) return nothing();
    const std::int64_t stage = amocrm::id_in(lead.value, "status_id"), pipeline = amocrm::id_in(lead.value, "pipeline_id");
    auto name = known.stages.find({pipeline, stage});
    if (name == known.stages.end() || std::chrono::steady_clock::now() - known.read_at > kNamesLast) {
      if (const Outcome read = read_stages(known, stop); !read.good() && !read.nothing()) return trouble(read);
      name = known.stages.find({pipeline, stage});
    }
    if (name == known.stages.end()) return failed("the lead's stage is none of the account's");
    ValueMap result;
    result.set("what", "staged");
    result.set("id", id);
    result.set("stage", name->second.stage);
    result.set("pipeline", name->second.pipeline);
    result.set("event", "lead:" + id + ":" + std::to_string(pipeline) + ":" + std::to_string(stage) + ":" +
                            std::to_string(amocrm::id_in(lead.value, "updated_at")));
    return {JobResult::Kind::Done, Value(std::move(result)), {}, {}, {}, {}};
  }

  static Outcome read_stages(Known& known, const std::function<bool()>& stop) {
    Outcome pipelines = known.connection->get("/api/v4/leads/pipelines", stop);
    if (!pipelines.good()) return pipelines;
    known.stages.clear();
    for (const Value& pipeline : amocrm::embedded(pipelines.value, "pipelines"))
      for (const Value& stage : amocrm::embedded(pipeline, "statuses"))
        known.stages[{amocrm::id_in(pipeline, "id"), amocrm::id_in(stage, "id")}] = {amocrm::text_in(stage, "name"),
                                                                                    amocrm::text_in(pipeline, "name")};
    known.read_at = std::chrono::steady_clock::now();
    return pipelines;
  }

  const std::map<std::string, CrmAccount> accounts_;
  amocrm::Memory* const memory_;
  HttpClient http_;
  std::mutex mutex_;
  std::mt19937_64 random_;
  std::map<std::string, Known> known_;  ///< by account; of the pool's one thread
  Pool pool_;
};

}  // namespace

std::unique_ptr<Service> make_crm_news_service(const ServiceSettings& settings) { return std::make_unique<NewsService>(settings); }

}  // namespace sufler
