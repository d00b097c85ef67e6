#include "tools/services.h"

#include <algorithm>
#include <chrono>
#include <future>
#include <thread>
#include <utility>

#include "interpreter/core/http/order.h"
#include "interpreter/services/registry.h"
#include "tools/crm_memory.h"

namespace sufler {

namespace {

MailSettings mail_settings(const MailConfig& mail, const std::string& proxy) {
  using Tls = SmtpServer::Tls;
  MailSettings settings;
  SmtpServer& server = settings.server;
  server.tls = mail.tls == MailConfig::Tls::Implicit ? Tls::Implicit : mail.tls == MailConfig::Tls::StartTls ? Tls::StartTls : Tls::Off;
  server.host = mail.host;
  server.port = mail.port;
  server.user = mail.user;
  server.password = mail.password;
  // Of this machine is meant, not of the proxy's; and without TLS nothing may leave it.
  const bool here = mail.tls == MailConfig::Tls::Off;
  server.proxy = mail.proxy.empty() && !here ? proxy : mail.proxy == "direct" ? std::string() : mail.proxy;
  server.ca_file = mail.ca_file;
  server.hello = mail.hello;
  server.timeout = std::chrono::milliseconds(mail.timeout.ms);
  server.connect_timeout = std::min(server.connect_timeout, server.timeout);
  settings.sender.from = mail.from;
  settings.sender.reply_to = mail.reply_to;
  return settings;
}

}  // namespace

Services::Services(const Config& config, KnowledgeSearch search, FetchFile fetch, MakeReport report) {
  ServiceSettings settings;
  for (const ProgramConfig& program : config.programs) {
    ProgramSettings one;
    one.name = program.name;
    one.command = program.command;
    one.folder = config.folder;
    one.timeout = program.timeout;
    one.memory_bytes = static_cast<std::size_t>(program.memory_bytes);
    one.environment = program.environment;
    settings.programs.push_back(std::move(one));
  }
  settings.models = config.models;
  settings.proxy = config.proxy;
  settings.search = std::move(search);
  for (const HostConfig& host : config.hosts)
    settings.hosts.push_back({host.place, host.in_private, host.headers, host.query, host.user, host.password, host.proxy, host.ca_file});
  if (config.mail) settings.mail = mail_settings(*config.mail, config.proxy);
  settings.fetch = std::move(fetch);
  settings.report = std::move(report);
  settings.crm = crm_accounts(config);
  memory_ = crm_memory(config.database, config.durability, false, &errands_);
  settings.memory = memory_.get();
  for (const ServiceKind& kind : service_kinds()) services_.push_back(kind.make(settings));
}

std::vector<ServiceTerms> Services::terms() const {
  std::vector<ServiceTerms> all;
  for (const auto& service : services_) all.push_back(service->terms());
  return all;
}

void Services::begin(const Job& job, JobDoneCall done) {
  for (const auto& service : services_)
    if (service->terms().name == job.service) return service->begin(job, std::move(done));
  done({JobResult::Kind::Failed, {}, "there is no service `" + job.service + "`", {}, {}});
}

void Services::abandon(std::int64_t job_id) {
  for (const auto& service : services_) service->abandon(job_id);
}

void Services::when_growing(JobGrewCall grew) {
  for (const auto& service : services_) service->when_growing(grew);
}

JobResult Services::do_now(const Job& job) {
  Job attempt = job;
  Duration pause{1'000};
  for (;;) {
    const auto promise = std::make_shared<std::promise<JobResult>>();
    auto result = promise->get_future();
    begin(attempt, [promise](JobResult came) { promise->set_value(std::move(came)); });
    JobResult came = result.get();
    // Where jobs are kept, the runner does this.
    if (came.kind != JobResult::Kind::Again || job.service != kHttpService) return came;
    std::this_thread::sleep_for(std::chrono::milliseconds(std::max(pause, came.wait).ms));
    pause.ms *= 2;
    ++attempt.attempt;
    if (!came.rest.empty()) attempt.request = std::move(came.rest);
  }
}

std::vector<ServiceFigure> Services::figures() const {
  std::vector<ServiceFigure> all;
  for (const auto& service : services_)
    for (ServiceFigure& figure : service->figures()) all.push_back(std::move(figure));
  return all;
}

std::vector<AllowedPlace> host_places(const Config& config) {
  std::vector<AllowedPlace> places;
  for (const HostConfig& host : config.hosts) places.push_back(host.place);
  return places;
}

std::map<std::string, CrmAccount> crm_accounts(const Config& config) {
  std::map<std::string, CrmAccount> accounts;
  for (const BotConfig& bot : config.bots) {
    const CrmAccount* account = crm_of(config, bot);
    if (!account) continue;
    CrmAccount& own = accounts[bot.name] = *account;
    if (own.proxy.empty()) own.proxy = config.proxy;
  }
  return accounts;
}

std::vector<std::string> model_names(const Config& config) {
  std::vector<std::string> names;
  for (const ModelConnection& model : config.models) names.push_back(model.name);
  return names;
}

std::vector<std::string> program_names(const Config& config) {
  std::vector<std::string> names;
  for (const ProgramConfig& program : config.programs) names.push_back(program.name);
  return names;
}

}  // namespace sufler
