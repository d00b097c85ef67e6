#pragma once
#include <stdlib.h>

#include <filesystem>
#include <future>
#include <memory>
#include <string>
#include <utility>

#include "fakes/amocrm/fake_amocrm.h"
#include "interpreter/core/value.h"
#include "interpreter/services/registry.h"
#include "tools/crm_memory.h"

namespace sufler::tests {

/// 2026-03-15 09:00 UTC.
inline constexpr std::int64_t kTurn = 1'773'565'200;

inline ValueMap values(std::vector<ValueMap::Item> items) { return ValueMap(std::move(items)); }

/// What the step asks for; `values` has `fields` for those of the account.
inline Job crm_job(const std::string& what, ValueMap given, const std::string& mark = "mark-1", const std::string& text = {}) {
  ValueMap person = values({{"transport", "telegram"}, {"id", "501"}, {"first_name", "Анна"}, {"last_name", ""}, {"phone", ""}});
  ValueMap request = values({{"do", what}, {"mark", mark}, {"at", Moment{kTurn * 1000}}, {"person", std::move(person)}, {"zone", "Europe/Moscow"},
                             {"russian", true}, {"values", std::move(given)}, {"waits", true}});
  if (!text.empty()) request.set("text", text);
  Job job;
  job.id = 1;
  job.bot = "shop";
  job.service = "crm";
  job.name = what;
  job.request = to_json(Value(std::move(request)));
  return job;
}

/// Gone with the test.
class OwnFolder {
 public:
  OwnFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "sufler-crm-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~OwnFolder() {
    std::error_code unknown;
    std::filesystem::remove_all(path_, unknown);
  }
  OwnFolder(const OwnFolder&) = delete;
  OwnFolder& operator=(const OwnFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// A process: it has a service and a connection to the database, and may be replaced by another.
class CrmProcess {
 public:
  CrmProcess(const CrmAccount& account, const std::string& database) : memory(crm_memory(database, Durability::Normal, true)) {
    ServiceSettings settings;
    settings.crm["shop"] = account;
    settings.memory = memory.get();
    settings.seed = 1;
    service = make_crm_service(settings);
    // The tables are there before anybody works.
    (void)memory->tokens(account.key());
  }
  JobResult perform(const Job& job) {
    const auto promise = std::make_shared<std::promise<JobResult>>();
    auto result = promise->get_future();
    service->begin(job, [promise](JobResult came) { promise->set_value(std::move(came)); });
    return result.get();
  }
  std::unique_ptr<amocrm::Memory> memory;
  std::unique_ptr<Service> service;
};

}  // namespace sufler::tests
