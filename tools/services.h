#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "interpreter/runtime/config.h"
#include "interpreter/runtime/crew.h"
#include "interpreter/runtime/errands.h"
#include "interpreter/services/knowledge_search.h"
#include "interpreter/services/registry.h"
#include "interpreter/services/service.h"

namespace sufler {

/// The way from the runtime to the services of a configuration.
class Services final : public Crew {
 public:
  /// `search`: what assistants know; empty: nothing is ever found. `fetch`: brings the files of letters;
  /// `report`: makes reports.
  explicit Services(const Config& config, KnowledgeSearch search = {}, FetchFile fetch = {}, MakeReport report = {});
  std::vector<ServiceTerms> terms() const override;
  void begin(const Job& job, JobDoneCall done) override;
  void abandon(std::int64_t job_id) override;
  void when_growing(JobGrewCall grew) override;
  Errands* errands() override { return &errands_; }

  /// For `/metrics`. Thread-safe.
  std::vector<ServiceFigure> figures() const;

  /// Does the job and waits for its result: for a talk in the terminal.
  JobResult do_now(const Job& job);

 private:
  Errands errands_;
  std::unique_ptr<amocrm::Memory> memory_;  ///< before those that use it
  std::vector<std::unique_ptr<Service>> services_;
};

/// By bot; `proxy` is filled in.
std::map<std::string, CrmAccount> crm_accounts(const Config& config);

/// Names, for whoever checks a scenario against the configuration.
std::vector<std::string> program_names(const Config& config);
std::vector<AllowedPlace> host_places(const Config& config);
std::vector<std::string> model_names(const Config& config);

}  // namespace sufler
