#pragma once
// Inside of the fake.
#include <string>
#include <vector>

#include "fakes/common/api_error.h"

namespace sufler::fakes {

/// What an account has: pipelines with their stages, users, fields.
struct AmocrmAccount {
  Json pipelines = Json::array();
  Json users = Json::array();
  Json task_types = Json::array();
  Json fields_of_leads = Json::array(), fields_of_contacts = Json::array(), fields_of_companies = Json::array();
};
AmocrmAccount usual_account(const std::string& root);

/// Errors of one entity, as `validation-errors` names them.
struct Complaints {
  Json errors = Json::array();
  void add(const std::string& path, const std::string& code, const std::string& detail) {
    errors.push_back({{"code", code}, {"path", path}, {"detail", detail}});
  }
};

/// What the documentation does not allow in a lead (`leads`), a contact, a company: unknown members, other types, ids that are
/// nowhere.
void check_entity(const AmocrmAccount& account, const std::string& kind, const Json& entity, bool update, Complaints& complaints,
                  const std::string& path = {});
void check_note(const Json& note, bool names_entity, Complaints& complaints);
void check_task(const AmocrmAccount& account, const Json& task, Complaints& complaints);

/// Values as the API shows them: with names, codes and types of their fields.
Json shown_fields(const Json& fields, const Json& values);
const Json& fields_of(const AmocrmAccount& account, const std::string& kind);

}  // namespace sufler::fakes
