// crm: writes to amoCRM.
#include "interpreter/services/registry.h"

namespace sufler {
namespace {

class CrmService : public Service {
 public:
  ServiceTerms terms() const override { return {"crm"}; }
  void begin(const Job&, JobDoneCall done) override { done({JobResult::Kind::Failed, {}, "there is no `crm` yet", {}, {}, {}}); }
  void abandon(std::int64_t) override {}
};

}  // namespace

std::unique_ptr<Service> make_crm_service(const ServiceSettings&) { return std::make_unique<CrmService>(); }

}  // namespace sufler
