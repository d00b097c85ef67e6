// What an account of amoCRM has, so that a scenario can name it: pipelines, stages, users, fields. And whether it answers at all.
#include <iostream>
#include <nlohmann/json.hpp>

#include "interpreter/network/http_client.h"
#include "interpreter/runtime/config.h"
#include "interpreter/runtime/log.h"
#include "interpreter/services/amocrm/connection.h"
#include "interpreter/services/amocrm/directory.h"
#include "tools/commands.h"
#include "tools/crm_memory.h"
#include "tools/services.h"

namespace sufler {
namespace {

using json = nlohmann::ordered_json;
using amocrm::Outcome;

json of(const std::vector<amocrm::Named>& all) {
  json out = json::array();
  for (const amocrm::Named& one : all) out.push_back({{"id", one.id}, {"name", one.name}});
  return out;
}

json of(const std::vector<amocrm::Field>& all) {
  json out = json::array();
  for (const amocrm::Field& one : all) {
    json field = {{"id", one.id}, {"name", one.name}, {"code", one.code}, {"type", one.type}};
    if (!one.choices.empty()) field["choices"] = of(one.choices);
    out.push_back(std::move(field));
  }
  return out;
}

class Show {
 public:
  Show(const CrmAccount& account, amocrm::Memory& memory, HttpClient& http, Language language)
      : connection_(account, memory, http, [] { return 0.0; }), directory_(connection_), russian_(language == Language::Russian) {}

  /// Why not; empty when all is there.
  std::string ask() {
    const Outcome account = connection_.get("/api/v4/account", {});
    if (account.failed() || account.nothing()) return account.log.empty() ? account.error : account.error + "\n" + account.log;
    name_ = amocrm::text_in(account.value, "name");
    amocrm::Caller no{[] { return false; }};
    for (const Outcome& one : {directory_.pipelines(pipelines_, true, no), directory_.users(users_, true, no), directory_.task_types(types_, true, no),
                               directory_.fields("leads", of_leads_, true, no), directory_.fields("contacts", of_contacts_, true, no)})
      if (one.failed()) return one.error;
    return {};
  }

  json as_json() const {
    json out = {{"account", connection_.account().url}, {"name", name_}, {"pipelines", json::array()}};
    for (const amocrm::Pipeline& one : pipelines_) out["pipelines"].push_back({{"id", one.id}, {"name", one.name}, {"main", one.is_main}, {"stages", of(one.stages)}});
    out["users"] = of(users_);
    out["task_types"] = of(types_);
    out["lead_fields"] = of(of_leads_);
    out["contact_fields"] = of(of_contacts_);
    return out;
  }

  std::string as_text() const {
    std::string out = connection_.account().url + ": " + name_ + "\n";
    for (const amocrm::Pipeline& one : pipelines_) {
      out += say("pipeline", "воронка") + " " + one.name + "\n";
      for (const amocrm::Named& stage : one.stages) out += "  " + say("stage", "этап") + " " + stage.name + "\n";
    }
    list(out, say("users (responsible)", "сотрудники (ответственный)"), users_);
    list(out, say("types of tasks", "типы задач"), types_);
    fields(out, say("fields of a lead", "поля сделки"), of_leads_);
    fields(out, say("fields of a contact", "поля контакта"), of_contacts_);
    return out;
  }

 private:
  std::string say(const char* english, const char* russian) const { return russian_ ? russian : english; }
  static void list(std::string& out, const std::string& title, const std::vector<amocrm::Named>& all) {
    out += title + ":\n";
    for (const amocrm::Named& one : all) out += "  " + one.name + "\n";
  }
  static void fields(std::string& out, const std::string& title, const std::vector<amocrm::Field>& all) {
    out += title + ":\n";
    for (const amocrm::Field& one : all) {
      out += "  " + one.name + " (" + one.type + ")";
      // Kinds of phones are nobody's choice.
      if (one.type != "multitext" && !one.choices.empty()) out += ": " + amocrm::names_of(one.choices);
      out += "\n";
    }
  }

  amocrm::Connection connection_;
  amocrm::Directory directory_;
  const bool russian_;
  std::string name_;
  std::vector<amocrm::Pipeline> pipelines_;
  std::vector<amocrm::Named> users_, types_;
  std::vector<amocrm::Field> of_leads_, of_contacts_;
};

}  // namespace

int run_crm(const CrmOptions& options) {
  const Language language = tool_language({});
  LoadedConfig loaded = load_programs(options.config);
  if (!loaded.config) {
    std::cerr << redact(render_text(loaded.diagnostics.sorted(), loaded.sources, language));
    return kExitErrors;
  }
  const Config& config = *loaded.config;
  std::map<std::string, CrmAccount> accounts;  // by key: bots of one account are one
  for (auto& [bot, account] : crm_accounts(config))
    if ((options.bot.empty() || options.bot == bot) && !account.off && (!account.token.empty() || !account.client_secret.empty())) accounts.try_emplace(account.key(), account);
  if (accounts.empty()) {
    std::cerr << "sufler: "
              << (language == Language::Russian ? "в настройках запуска нет `crm:`, он выключен или не заданы переменные, на которые он ссылается\n"
                                                : "the configuration has no `crm:`, it is off, or the variables that it names are not set\n");
    return kExitErrors;
  }
  const auto memory = crm_memory(config.database, config.durability, true);
  HttpClient http;
  json all = json::array();
  int code = kExitClean;
  for (const auto& [key, account] : accounts) {
    Show show(account, *memory, http, language);
    if (const std::string why = show.ask(); !why.empty()) {
      std::cerr << "sufler: " << account.url << ": " << redact(why) << "\n";
      code = kExitErrors;
    } else if (options.format == "json") {
      all.push_back(show.as_json());
    } else {
      std::cout << show.as_text();
    }
  }
  if (options.format == "json") std::cout << json{{"accounts", all}}.dump(2) << "\n";
  return code;
}

}  // namespace sufler
