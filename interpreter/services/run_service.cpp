// `run`: the request is JSON on the program's standard input, the result JSON on its standard output. A program that
// failed is not tried again: it would fail again. One that could not be started for want of something may.
#include <cstring>

#include "interpreter/core/plain_json.h"
#include "interpreter/services/pool.h"
#include "interpreter/services/program.h"
#include "interpreter/services/registry.h"

namespace sufler {
namespace {

constexpr std::size_t kAtOnce = 4;
/// What a program says of its own failure, so much of it.
constexpr std::size_t kMostReason = 200;

JobResult failed(std::string error, std::string log = {}) {
  return {JobResult::Kind::Failed, {}, std::move(error), std::move(log), {}};
}

/// `{"error": "…"}`: the program could not do it and says why.
const std::string* own_error(const Value& result) {
  const Value* error = result.map() ? result.map()->find("error") : nullptr;
  return error && error->text() && !error->text()->empty() ? error->text() : nullptr;
}

JobResult result_of(ProgramEnd end, const ProgramSettings& program) {
  using How = ProgramEnd::How;
  switch (end.how) {
    case How::Exited: break;
    case How::Killed: return failed("signal " + std::to_string(end.code), std::move(end.errors));
    case How::TimedOut: return failed("no result within " + program.timeout.to_string(), std::move(end.errors));
    case How::Abandoned: return failed("stopped", std::move(end.errors));
    case How::TooMuchOutput: return failed("too much output", std::move(end.errors));
    case How::CannotStart: {
      const std::string why = "cannot start: " + std::string(std::strerror(end.code));
      if (end.code == EAGAIN || end.code == ENOMEM || end.code == EMFILE || end.code == ENFILE)
        return {JobResult::Kind::Again, {}, why, {}, {}};
      return failed(why);
    }
  }
  if (end.code != 0) return failed("exit code " + std::to_string(end.code), std::move(end.errors));
  auto result = from_plain_json(end.output);
  if (!result) return failed("the output is " + result.error(), std::move(end.errors));
  if (const std::string* error = own_error(*result))
    return failed(std::string(first_code_points(*error, kMostReason)), std::move(end.errors));
  return {JobResult::Kind::Done, std::move(*result), {}, std::move(end.errors), {}};
}

class RunService : public Service {
 public:
  explicit RunService(const ServiceSettings& settings)
      : programs_(settings.programs),
        pool_(kAtOnce, [this](const Job& job, const Abandonment& abandonment) { return perform(job, abandonment); }) {}

  ServiceTerms terms() const override { return {"run", kAtOnce, 3, Duration{1'000}}; }
  void begin(const Job& job, JobDoneCall done) override { pool_.begin(job, std::move(done)); }
  void abandon(std::int64_t job_id) override { pool_.abandon(job_id); }

 private:
  JobResult perform(const Job& job, const Abandonment& abandonment) const {
    for (const ProgramSettings& program : programs_) {
      if (program.name != job.name) continue;
      ProgramCall call;
      call.command = program.command;
      call.folder = program.folder;
      call.environment = program.environment;
      call.input = job.request;
      call.timeout = program.timeout;
      call.memory_bytes = program.memory_bytes;
      return result_of(run_program(call, abandonment.fd()), program);
    }
    return failed("the configuration has no program `" + job.name + "`");
  }

  const std::vector<ProgramSettings> programs_;
  Pool pool_;  ///< last: its threads use the rest
};

}  // namespace

std::unique_ptr<Service> make_run_service(const ServiceSettings& settings) {
  return std::make_unique<RunService>(settings);
}

}  // namespace sufler
