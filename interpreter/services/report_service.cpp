// `report`: a file made of what is stored. One at a time: it reads much, and the machine has other work.
#include "interpreter/core/report/order.h"
#include "interpreter/services/pool.h"
#include "interpreter/services/registry.h"

namespace sufler {
namespace {

class ReportService : public Service {
 public:
  explicit ReportService(const ServiceSettings& settings)
      : report_(settings.report), pool_(1, [this](const Job& job, const Abandonment& abandonment) {
          if (!report_) return JobResult{JobResult::Kind::Failed, {}, "nobody makes reports here", {}, {}, {}};
          return report_(job, [&] { return abandonment.asked(); });
        }) {}

  ServiceTerms terms() const override { return {std::string(kReportService), 1, 5, Duration{2'000}}; }
  void begin(const Job& job, JobDoneCall done) override { pool_.begin(job, std::move(done)); }
  void abandon(std::int64_t job_id) override { pool_.abandon(job_id); }

 private:
  const MakeReport report_;
  Pool pool_;  ///< last: its thread uses the rest
};

}  // namespace

std::unique_ptr<Service> make_report_service(const ServiceSettings& settings) { return std::make_unique<ReportService>(settings); }

}  // namespace sufler
