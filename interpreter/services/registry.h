#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "interpreter/core/http/url.h"
#include "interpreter/core/crm/account.h"
#include "interpreter/core/model_connection.h"
#include "interpreter/core/moment.h"
#include "interpreter/network/smtp_client.h"
#include "interpreter/services/amocrm/memory.h"
#include "interpreter/services/knowledge_search.h"
#include "interpreter/services/mail/compose.h"
#include "interpreter/services/service.h"

namespace sufler {

/// A program of the configuration, `programs:`.
struct ProgramSettings {
  std::string name;
  std::vector<std::string> command;  ///< at least one word; no shell reads it
  std::string folder;                ///< where it runs: absolute
  Duration timeout{10'000};
  std::size_t memory_bytes = std::size_t{512} << 20;
  std::map<std::string, std::string> environment;  ///< beside the few variables that every program has
};

/// The mail server of the configuration, `mail:`.
struct MailSettings {
  SmtpServer server;
  Sender sender;
};

/// A host that `http` may reach, `allow_hosts:` of the configuration.
struct HttpHost {
  AllowedPlace place;
  bool in_private = false;  ///< may be at an address that is not of the public Internet
  std::vector<std::pair<std::string, std::string>> headers, query;  ///< keys: go along with each request
  std::string user, password;  ///< of HTTP Basic; both empty: none
  std::string proxy;           ///< empty: the common one; `direct`: none
  std::string ca_file;         ///< empty: the machine's authorities
};

/// Brings the bytes of a file, of at most `limit`, whoever holds it: on any thread, which waits until it is there or `stop`
/// says so. An empty reason means success; `again`: another attempt may succeed.
struct FetchedFile {
  std::string bytes, reason;
  bool again = false;
};
using FetchFile = std::function<FetchedFile(const std::string& bot, const Attachment& file, std::size_t limit,
                                            const std::function<bool()>& stop)>;

/// Does a job of the service `report`, on any thread, until `stop` says so.
using MakeReport = std::function<JobResult(const Job& job, const std::function<bool()>& stop)>;

/// What services are made from.
struct ServiceSettings {
  std::vector<ProgramSettings> programs;
  std::vector<ModelConnection> models;
  KnowledgeSearch search = {};  ///< empty: nothing is ever found
  std::string proxy = {};       ///< of connections to models that name none
  std::vector<HttpHost> hosts = {};
  std::optional<MailSettings> mail = {};
  FetchFile fetch = {};         ///< empty: no files can be had
  MakeReport report = {};       ///< empty: none can be made
  std::map<std::string, CrmAccount> crm = {};  ///< by bot; may be off
  amocrm::Memory* memory = nullptr;  ///< of the work with amoCRM: outlives the services; null: there is none
  std::uint64_t seed = 0;       ///< of the chance that spreads pauses; 0: the machine's
};

struct ServiceKind {
  std::string_view name;  ///< as jobs call it
  std::unique_ptr<Service> (*make)(const ServiceSettings& settings);
};
const std::vector<ServiceKind>& service_kinds();

std::unique_ptr<Service> make_run_service(const ServiceSettings& settings);
std::unique_ptr<Service> make_assistant_service(const ServiceSettings& settings);
std::unique_ptr<Service> make_http_service(const ServiceSettings& settings);
std::unique_ptr<Service> make_mail_service(const ServiceSettings& settings);
std::unique_ptr<Service> make_report_service(const ServiceSettings& settings);
std::unique_ptr<Service> make_crm_service(const ServiceSettings& settings);
std::unique_ptr<Service> make_crm_news_service(const ServiceSettings& settings);

}  // namespace sufler
