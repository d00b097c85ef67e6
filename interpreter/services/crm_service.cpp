// crm: writes to amoCRM what a step asked for. amoCRM has no key by which it would know a request again, so everything that is
// made is noted before, as begun, and behind, as made. Whoever finds it begun and not made (a process died, an answer was lost)
// looks for it in amoCRM before making another one: a lead and a contact carry the time of the person's turn as the time
// they were made, so they are found without any mark that managers would see. Of one person's jobs one is done after the other.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <thread>
#include <utility>

#include "interpreter/core/crm/order.h"
#include "interpreter/core/text.h"
#include "interpreter/services/amocrm/connection.h"
#include "interpreter/services/amocrm/directory.h"
#include "interpreter/services/amocrm/encode.h"
#include "interpreter/services/pool.h"
#include "interpreter/services/registry.h"

namespace sufler {
namespace {

using namespace amocrm;
using std::chrono::milliseconds;

/// At once as many as get a place in their account's row of requests within this time.
constexpr Duration kWaitInRow{2'000};
constexpr std::size_t kLeastAtOnce = 4, kMostAtOnce = 64;
/// From 2 s on, doubled up to ten minutes: amoCRM may be away for a night.
constexpr std::uint32_t kAttempts = 60;
constexpr Duration kBackoff{2'000};
/// How long amoCRM may still work on what was lost: since its answer was given up, which another process does not know; there
/// since the latest time when it could have been.
constexpr std::int64_t kSettleSeconds = 5;
/// The place in the row that a request may have taken beforehand, seconds.
constexpr std::int64_t kMostInRow = 5;
constexpr std::size_t kMostLost = 10'000;
/// For an older job of the same person that is nearly done.
constexpr milliseconds kForOlder{3'000};

std::int64_t now_unix_s() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

/// What ends the work on a job before its end.
struct Stopped {
  JobResult result;
};

[[noreturn]] void fail(std::string error, std::string log = {}) {
  throw Stopped{{JobResult::Kind::Failed, {}, std::move(error), std::move(log), {}, {}}};
}
[[noreturn]] void later(std::string error, Duration wait, std::string log = {}) {
  throw Stopped{{JobResult::Kind::Again, {}, std::move(error), std::move(log), wait, {}}};
}

/// An account at work.
struct Account {
  Account(const CrmAccount& settings, Memory& memory, HttpClient& http, const std::function<double()>& random)
      : connection(settings, memory, http, random), directory(connection) {}
  Connection connection;
  Directory directory;

  /// When this process gave an answer up, seconds, by mark and what was to be made.
  std::optional<std::int64_t> lost_at(const std::string& mark, const std::string& what) {
    const std::lock_guard lock(mutex_);
    const auto known = lost_.find({mark, what});
    return known == lost_.end() ? std::nullopt : std::optional(known->second);
  }
  void lost(const std::string& mark, const std::string& what, std::int64_t at) {
    const std::lock_guard lock(mutex_);
    // Forgotten, one waits longer.
    if (lost_.size() >= kMostLost) lost_.clear();
    lost_[{mark, what}] = at;
  }
  /// It is asked for again.
  void begins(const std::string& mark, const std::string& what) {
    const std::lock_guard lock(mutex_);
    lost_.erase({mark, what});
  }

 private:
  std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, std::int64_t> lost_;
};

/// One job. Throws Stopped, and nothing else.
class Work {
 public:
  Work(Account& account, const Job& job, Value request, std::function<bool()> stop)
      : account_(account), connection_(account.connection), directory_(account.directory), memory_(account.connection.memory()), key_(account.connection.account().key()),
        job_(job), request_(std::move(request)), caller_{std::move(stop)} {
    const Value& person = field(request_, "person");
    person_ = {job.bot, text_in(person, "transport"), text_in(person, "id")};
    mark_ = text_in(request_, "mark");
    if (const Moment* at = field(request_, "at").moment()) at_unix_s_ = at->unix_ms / 1000;
    if (const auto zone = Zone::find(text_in(request_, "zone"))) zone_ = *zone;
    values_ = &field(request_, "values");
  }

  Value perform() {
    const std::string what = text_in(request_, "do");
    recall(what);
    try {
      return carry_out(what);
    } catch (const Stopped&) {
      // It ended before the request that it was begun for.
      if (caller_.place && caller_.place->begun) known(memory_.not_made(mark_, what));
      throw;
    }
  }

 private:
  Value carry_out(const std::string& what) {
    if (what == "contact") return do_contact();
    if (what == "lead") return do_lead();
    if (what == "note") return do_note();
    if (what == "task") return do_task();
    if (what == "stage") return do_stage();
    fail("a job that cannot be read");
  }

  // ---- the memory and the calls, or the end of the work

  template <class T>
  T known(Result<T, std::string> result) {
    if (!result) later("the database: " + result.error(), {1'000});
    return std::move(*result);
  }

  /// Of what changes nothing, or may be done twice.
  Outcome must(Outcome outcome) {
    if (outcome.kind == Outcome::Kind::Refused) fail(outcome.error, outcome.log);
    if (outcome.failed()) later(outcome.error, outcome.wait, outcome.log);
    return outcome;
  }
  Outcome get(const std::string& path) { return must(connection_.get(path, caller_)); }

  /// Makes something that a mark is there for.
  Outcome make(const std::string& what, const std::string& path, const Value& body) {
    const Begun begun{mark_, what, person_, now_unix_s()};
    account_.begins(mark_, what);
    Outcome outcome = connection_.call("POST", path, body, caller_, &begun);
    if (outcome.good()) return outcome;
    if (outcome.kind == Outcome::Kind::Unsure) account_.lost(mark_, what, now_unix_s());
    if (outcome.kind == Outcome::Kind::Unsure) later(outcome.error, std::max(outcome.wait, Duration{kSettleSeconds * 1000}), outcome.log);
    known(memory_.not_made(mark_, what));
    if (outcome.nothing()) fail("amoCRM made nothing: there is no such lead or contact any more");
    return must(std::move(outcome));
  }

  /// What is known, once no older job of the same person is left.
  void recall(const std::string& what) {
    const auto end = std::chrono::steady_clock::now() + kForOlder;
    // A task may have names to look up first.
    const bool begin = what == "note" || (what == "task" && field(*values_, "type").is_null() && field(*values_, "responsible").is_null());
    for (;;) {
      recalled_ = known(memory_.recall(key_, job_.id, {mark_, what, person_, now_unix_s()}, {connection_.account().between, kLongestInRow}, begin));
      if (recalled_.first) break;
      if (caller_.stop() || std::chrono::steady_clock::now() > end) later("an older job of this person is not done yet", {});
      std::this_thread::sleep_for(milliseconds(100));
    }
    if (recalled_.place) caller_.place = Caller::Place{std::chrono::steady_clock::now() + milliseconds(recalled_.place->ms), recalled_.begun};
  }

  /// What became of it, where it was begun before. `doubt`: begun, and nobody knows.
  std::optional<Mark> made_before(const std::string& what, bool& doubt) const {
    const std::optional<Mark>& mark = recalled_.mark;
    doubt = mark && mark->made_id == 0;
    if (!doubt) return mark;
    const std::optional<std::int64_t> lost = account_.lost_at(mark_, what);
    const std::int64_t timeout = (connection_.account().timeout.ms + 999) / 1000;
    const std::int64_t most = lost ? kSettleSeconds : timeout + kSettleSeconds;
    const std::int64_t left = (lost ? *lost : mark->begun_unix_s) + most - now_unix_s();
    // Farther away it is only where a clock was wrong.
    if (left > 0 && left <= most + kMostInRow) later("amoCRM may still work on what was asked", {left * 1000});
    return std::nullopt;
  }

  // ---- names

  std::int64_t responsible(const Value& values) {
    const Value& wanted = field(values, "responsible");
    if (wanted.is_null()) return 0;
    return id_named(wanted, "user", [&](std::vector<Named>& all, bool fresh) { return directory_.users(all, fresh, caller_); });
  }

  template <class Ask>
  std::int64_t id_named(const Value& wanted, const std::string& what, const Ask& ask) {
    std::vector<Named> all;
    for (const bool fresh : {false, true}) {
      must(ask(all, fresh));
      if (const Named* found = find_named(all, wanted)) return found->id;
    }
    fail("amoCRM has no " + what + " `" + display(wanted) + "`; it has " + names_of(all));
  }

  std::string display(const Value& value) const { return to_display(value, {Language::English, zone_}); }

  struct Stage {
    std::int64_t pipeline = 0, status = 0;
  };
  /// `of`: the pipeline where the lead is, 0: it is nowhere yet.
  Stage stage(const Value& pipeline_wanted, const Value& stage_wanted, std::int64_t of) {
    Stage out;
    if (pipeline_wanted.is_null() && stage_wanted.is_null()) return out;
    std::vector<Pipeline> all;
    std::string problem;
    for (const bool fresh : {false, true}) {
      must(directory_.pipelines(all, fresh, caller_));
      if (find_stage(all, pipeline_wanted, stage_wanted, of, out, problem)) return out;
    }
    fail(problem);
  }

  bool find_stage(const std::vector<Pipeline>& all, const Value& pipeline_wanted, const Value& stage_wanted, std::int64_t of, Stage& out,
                  std::string& problem) const {
    std::vector<Named> names(all.begin(), all.end());
    const Named* named = pipeline_wanted.is_null() ? nullptr : find_named(names, pipeline_wanted);
    if (!pipeline_wanted.is_null() && !named) {
      problem = "amoCRM has no pipeline `" + display(pipeline_wanted) + "`; it has " + names_of(names);
      return false;
    }
    out.pipeline = named ? named->id : of;
    if (stage_wanted.is_null()) return true;
    std::vector<std::pair<const Pipeline*, const Named*>> found;
    for (const Pipeline& one : all) {
      const Named* stage = find_named(one.stages, stage_wanted);
      if (!stage) continue;
      if (one.id == out.pipeline || (!named && of == 0 && one.is_main)) {
        out = {one.id, stage->id};
        return true;
      }
      found.emplace_back(&one, stage);
    }
    if (!named && found.size() == 1) {
      out = {found[0].first->id, found[0].second->id};
      return true;
    }
    if (!named && found.size() > 1) {
      problem = "several pipelines of amoCRM have a stage `" + display(stage_wanted) + "`: name the pipeline, too";
      return false;
    }
    std::vector<Named> stages;
    for (const Pipeline& one : all)
      if (out.pipeline == 0 || one.id == out.pipeline) stages.insert(stages.end(), one.stages.begin(), one.stages.end());
    problem = "amoCRM has no stage `" + display(stage_wanted) + "`" + (named ? " in `" + named->name + "`" : "") + "; it has " + names_of(stages);
    return false;
  }

  List own_fields(const std::string& kind, const Value& values) {
    List out;
    const ValueMap* wanted = field(values, "fields").map();
    if (!wanted || wanted->empty()) return out;
    std::vector<amocrm::Field> all;
    const auto find_all = [&](bool fresh, std::string& missing) {
      must(directory_.fields(kind, all, fresh, caller_));
      missing.clear();
      for (const auto& [name, value] : *wanted)
        if (missing.empty() && !find_field(all, name)) missing = name;
      return missing.empty();
    };
    std::string missing;
    if (!find_all(false, missing) && !find_all(true, missing)) {
      std::vector<Named> names(all.begin(), all.end());
      fail("amoCRM has no field `" + missing + "` of " + kind + "; it has " + names_of(names));
    }
    for (const auto& [name, value] : *wanted) {
      auto encoded = encode_field(*find_field(all, name), value, zone_);
      if (!encoded) {
        // Perhaps the choice was added a moment ago.
        must(directory_.fields(kind, all, true, caller_));
        if (const amocrm::Field* again = find_field(all, name)) encoded = encode_field(*again, value, zone_);
        if (!encoded) fail(encoded.error());
      }
      if (!encoded->is_null()) out.push_back(std::move(*encoded));
    }
    return out;
  }

  std::vector<std::string> texts(const Value& value) const {
    std::vector<std::string> all;
    if (const List* list = value.list()) {
      for (const Value& one : *list)
        for (std::string& text : texts(one)) all.push_back(std::move(text));
    } else if (std::string text(trim(display(value))); !text.empty()) {
      all.push_back(std::move(text));
    }
    return all;
  }
  std::string text_of(const Value& values, std::string_view name) const { return std::string(trim(display(field(values, name)))); }
  /// It is compared with what amoCRM has.
  std::string name_of(const Value& values, std::string_view name) const { return plain_name(display(field(values, name))); }

  std::optional<std::int64_t> price(const Value& values) const {
    const Value& given = field(values, "price");
    if (given.is_null()) return std::nullopt;
    std::optional<Decimal> number = given.number() ? std::optional(*given.number()) : given.text() ? Decimal::parse(trim(*given.text())) : std::nullopt;
    const auto whole = number ? number->rounded(0).to_int64() : std::nullopt;
    if (!whole || *whole < 0) fail("the price of a lead is a number from 0 on");
    return whole;
  }

  // ---- contacts

  struct Contact {
    std::int64_t id = 0;  ///< that the scenario names
    std::string name, first_name, last_name;
    bool named = false;   ///< by the scenario, not only by the platform
    std::vector<std::string> phones, emails, tags;
    std::int64_t responsible = 0;
    const Value* values = nullptr;
    bool tells() const { return named || !phones.empty() || !emails.empty() || !tags.empty() || responsible != 0 || !field(*values, "fields").is_null(); }
  };

  /// `more`: phone and address that stand beside the contact.
  Contact contact_of(const Value& values, const Value& more) {
    Contact contact;
    contact.values = &values;
    contact.id = values.map() ? id_in(values, "id") : id_of(values);
    contact.name = name_of(values, "name");
    contact.first_name = name_of(values, "first_name");
    contact.last_name = name_of(values, "last_name");
    contact.named = !contact.name.empty() || !contact.first_name.empty() || !contact.last_name.empty();
    const Value& person = field(request_, "person");
    if (!contact.named) {
      contact.name = text_in(person, "first_name");
      if (const std::string last = text_in(person, "last_name"); !last.empty()) contact.name += (contact.name.empty() ? "" : " ") + last;
      contact.name = plain_name(contact.name);
    }
    for (const Value* one : {&values, &more}) {
      for (const std::string& phone : texts(field(*one, "phone")))
        if (std::string plain = plain_phone(phone); !plain.empty() && std::find(contact.phones.begin(), contact.phones.end(), plain) == contact.phones.end()) contact.phones.push_back(std::move(plain));
      for (std::string& email : texts(field(*one, "email"))) contact.emails.push_back(std::move(email));
      if (&values == &more) break;
    }
    if (contact.phones.empty())
      if (std::string plain = plain_phone(text_in(person, "phone")); !plain.empty()) contact.phones.push_back(std::move(plain));
    contact.tags = texts(field(values, "tags"));
    contact.responsible = responsible(values);
    return contact;
  }

  Entity entity_of(const Contact& contact) {
    Entity entity;
    entity.name = contact.name;
    entity.first_name = contact.first_name;
    entity.last_name = contact.last_name;
    entity.responsible_user_id = contact.responsible;
    entity.created_at = at_unix_s_;
    entity.tags = contact.tags;
    entity.fields = own_fields("contacts", *contact.values);
    if (!contact.phones.empty()) entity.fields.push_back(multitext("PHONE", contact.phones));
    if (!contact.emails.empty()) entity.fields.push_back(multitext("EMAIL", contact.emails));
    return entity;
  }

  /// The contact that has one of the phones, else one of the addresses; null when there is none. What a search finds has the
  /// words anywhere, so each is looked at.
  Value find_contact(const Contact& contact) {
    for (const std::string& phone : contact.phones) {
      const std::string digits = phone.substr(1);
      std::vector<std::string> queries = {digits};
      // As people type it: 8 912 …
      if (digits.size() == 11 && digits[0] == '7') queries.push_back(digits.substr(1));
      for (const std::string& query : queries)
        if (Value found = find_contact(query, "PHONE", [&](const std::string& one) { return plain_phone(one) == phone; }); !found.is_null()) return found;
    }
    for (const std::string& email : contact.emails) {
      const std::string folded = to_lower(email);
      std::vector<std::string> queries = {email};
      if (folded != email) queries.push_back(folded);
      for (const std::string& query : queries)
        if (Value found = find_contact(query, "EMAIL", [&](const std::string& one) { return to_lower(trim(one)) == folded; }); !found.is_null()) return found;
    }
    return {};
  }
  template <class Same>
  Value find_contact(const std::string& query, std::string_view code, const Same& same) {
    const Outcome outcome = get("/api/v4/contacts?query=" + url_part(query) + "&with=leads&limit=250");
    Value oldest;
    for (const Value& one : embedded(outcome.value, "contacts")) {
      const std::vector<std::string> all = values_of(one, code);
      if (!std::any_of(all.begin(), all.end(), same)) continue;
      if (oldest.is_null() || id_in(one, "id") < id_in(oldest, "id")) oldest = one;
    }
    return oldest;
  }

  /// That is there already: by the scenario's word, by our own memory, by phone or address. Null: none.
  Value existing(const Contact& contact) {
    for (const std::int64_t id : {contact.id, recalled_.links.contact_id}) {
      if (id == 0) continue;
      Outcome outcome = get("/api/v4/contacts/" + std::to_string(id) + "?with=leads");
      if (outcome.good()) return outcome.value;
      if (id == contact.id) fail("amoCRM has no contact " + std::to_string(id));
    }
    return find_contact(contact);
  }

  /// What the scenario says of a contact that is there; its phones and addresses stay.
  void update_contact(const Value& there, const Contact& contact) {
    Entity change;
    if (contact.named) {
      if (contact.name != text_in(there, "name")) change.name = contact.name;
      if (contact.first_name != text_in(there, "first_name")) change.first_name = contact.first_name;
      if (contact.last_name != text_in(there, "last_name")) change.last_name = contact.last_name;
    } else if (text_in(there, "name").empty()) {
      change.name = contact.name;
    }
    if (contact.responsible != id_in(there, "responsible_user_id")) change.responsible_user_id = contact.responsible;
    change.fields = own_fields("contacts", *contact.values);
    if (auto phones = merged(there, "PHONE", contact.phones)) change.fields.push_back(std::move(*phones));
    if (auto emails = merged(there, "EMAIL", contact.emails)) change.fields.push_back(std::move(*emails));
    for (const std::string& tag : contact.tags) {
      bool has = false;
      for (const Value& one : embedded(there, "tags")) has = has || text_in(one, "name") == tag;
      if (!has) change.tags.push_back(tag);
    }
    const Value body = encode(change);
    if (body.map()->empty()) return;
    if (must(connection_.call("PATCH", "/api/v4/contacts/" + std::to_string(id_in(there, "id")), body, caller_)).nothing())
      later("the contact was deleted meanwhile", {});
  }

  static bool same_contact(const Value& there, const Contact& contact) {
    const std::vector<std::string> phones = values_of(there, "PHONE"), emails = values_of(there, "EMAIL");
    for (const std::string& phone : contact.phones)
      if (std::any_of(phones.begin(), phones.end(), [&](const std::string& one) { return plain_phone(one) == phone; })) return true;
    for (const std::string& email : contact.emails)
      if (std::any_of(emails.begin(), emails.end(), [&](const std::string& one) { return to_lower(one) == to_lower(email); })) return true;
    if (!contact.phones.empty() || !contact.emails.empty()) return false;
    return text_in(there, "name") == contact.name ||
           (text_in(there, "first_name") == contact.first_name && text_in(there, "last_name") == contact.last_name && !contact.first_name.empty());
  }

  /// All that was made in the second of the person's turn.
  std::string of_that_second(const std::string& kind, const std::string& with) const {
    const std::string at = std::to_string(at_unix_s_);
    return "/api/v4/" + kind + "?filter%5Bcreated_at%5D%5Bfrom%5D=" + at + "&filter%5Bcreated_at%5D%5Bto%5D=" + at + "&with=" + with + "&limit=250";
  }

  Value result_of(std::string_view kind, std::int64_t id) const {
    ValueMap result;
    result.set("id", id);
    result.set("url", connection_.account().url + "/" + std::string(kind) + "/detail/" + std::to_string(id));
    return Value(std::move(result));
  }

  Value contact_result(std::int64_t id, bool made) const {
    ValueMap result = *result_of("contacts", id).map();
    result.set("made", made);
    return Value(std::move(result));
  }

  /// A list that a filter gives; nothing where the account takes none.
  std::optional<List> filtered(const std::string& path, std::string_view name) {
    const Outcome outcome = connection_.get(path, caller_);
    if (outcome.kind == Outcome::Kind::Later || outcome.kind == Outcome::Kind::Unsure) later(outcome.error, outcome.wait, outcome.log);
    if (outcome.failed()) return std::nullopt;
    return embedded(outcome.value, name);
  }

  /// Those that this order may have made before. Its phones and addresses were searched for already.
  List contacts_in_doubt(const Contact& contact) {
    if (auto all = filtered(of_that_second("contacts", "leads"), "contacts")) return std::move(*all);
    List candidates;
    const std::string& name = !contact.name.empty() ? contact.name : !contact.first_name.empty() ? contact.first_name : contact.last_name;
    if (name.empty()) return candidates;
    for (Value& one : embedded(get("/api/v4/contacts?query=" + url_part(name) + "&with=leads&limit=250").value, "contacts"))
      if (id_in(one, "created_at") == at_unix_s_) candidates.push_back(std::move(one));
    return candidates;
  }

  Value do_contact() {
    const Contact contact = contact_of(*values_, *values_);
    bool doubt = false;
    if (const auto made = made_before("contact", doubt)) return contact_result(made->made_id, true);
    Value there = existing(contact);
    if (there.is_null() && doubt) {
      for (const Value& one : contacts_in_doubt(contact))
        if (there.is_null() && same_contact(one, contact) && !known(memory_.is_made(key_, "contact", id_in(one, "id")))) there = one;
    }
    if (!there.is_null()) {
      const std::int64_t id = id_in(there, "id");
      update_contact(there, contact);
      known(memory_.made(key_, doubt ? mark_ : std::string(), "contact", person_, {0, id, id}, {id, 0}));
      return contact_result(id, doubt);
    }
    Entity entity = entity_of(contact);
    entity.request_id = mark_;
    const Outcome outcome = make("contact", "/api/v4/contacts", Value(List{encode(entity)}));
    const List& made = embedded(outcome.value, "contacts");
    const std::int64_t id = made.empty() ? 0 : id_in(made.front(), "id");
    if (id == 0) later("amoCRM's answer names no contact", {kSettleSeconds * 1000});
    known(memory_.made(key_, mark_, "contact", person_, {0, id, id}, {id, 0}));
    return contact_result(id, true);
  }

  // ---- leads

  Entity lead_entity(std::int64_t pipeline_of) {
    Entity lead;
    lead.name = name_of(*values_, "name");
    lead.price = price(*values_);
    const Stage at = stage(field(*values_, "pipeline"), field(*values_, "stage"), pipeline_of);
    if (at.pipeline != pipeline_of || at.status != 0) lead.pipeline_id = at.pipeline;
    lead.status_id = at.status;
    lead.responsible_user_id = responsible(*values_);
    lead.tags = texts(field(*values_, "tags"));
    lead.fields = own_fields("leads", *values_);
    return lead;
  }

  Value lead_result(std::int64_t id, std::int64_t contact_id, bool made, bool merged) const {
    ValueMap result = *result_of("leads", id).map();
    if (contact_id != 0) {
      result.set("contact_id", contact_id);
      result.set("contact_url", connection_.account().url + "/contacts/detail/" + std::to_string(contact_id));
    }
    result.set("made", made);
    result.set("merged", merged);
    return Value(std::move(result));
  }

  Value update_lead(std::int64_t id) {
    const Outcome there = get("/api/v4/leads/" + std::to_string(id) + "?with=contacts");
    if (there.nothing()) fail("amoCRM has no lead " + std::to_string(id));
    Entity change = lead_entity(id_in(there.value, "pipeline_id"));
    const Value& named = field(*values_, "contact");
    const List& contacts = embedded(there.value, "contacts");
    const std::int64_t contact_id = contacts.empty() ? 0 : id_in(contacts.front(), "id");
    const Contact contact = contact_of(named, *values_);
    if (contact_id != 0 && (!named.is_null() || !field(*values_, "phone").is_null() || !field(*values_, "email").is_null())) {
      if (const Outcome own = get("/api/v4/contacts/" + std::to_string(contact_id)); own.good()) update_contact(own.value, contact);
    }
    change.id = id;
    if (encode(change).map()->size() > 1) must(connection_.call("PATCH", "/api/v4/leads", Value(List{encode(change)}), caller_));
    known(memory_.made(key_, {}, "lead", person_, {}, {contact_id, id}));
    return lead_result(id, contact_id, false, false);
  }

  /// The lead of this order that may have been made before; 0: there is none.
  std::int64_t made_in_doubt(const Entity& lead, const Contact& contact, const Value& there, std::int64_t& contact_id) {
    List candidates;
    if (auto all = filtered(of_that_second("leads", "contacts"), "leads")) {
      candidates = std::move(*all);
    } else {
      // An account without filters: the contact knows its leads.
      const List owners = there.is_null() ? contacts_in_doubt(contact) : List{there};
      for (const Value& owner : owners)
        for (const Value& one : embedded(owner, "leads")) {
          Outcome own = get("/api/v4/leads/" + std::to_string(id_in(one, "id")) + "?with=contacts");
          if (own.good() && id_in(own.value, "created_at") == at_unix_s_) candidates.push_back(own.value);
        }
    }
    for (const Value& one : candidates) {
      const std::int64_t id = id_in(one, "id");
      if ((!lead.name.empty() && text_in(one, "name") != lead.name) || known(memory_.is_made(key_, "lead", id))) continue;
      for (const Value& own : embedded(one, "contacts")) {
        const std::int64_t its = id_in(own, "id");
        bool same = !there.is_null() && its == id_in(there, "id");
        if (!same && there.is_null()) {
          const Outcome read = get("/api/v4/contacts/" + std::to_string(its));
          same = read.good() && same_contact(read.value, contact);
        }
        if (!same) continue;
        contact_id = its;
        return id;
      }
    }
    return 0;
  }

  Value do_lead() {
    if (const std::int64_t id = id_in(*values_, "id")) return update_lead(id);
    bool doubt = false;
    if (const auto made = made_before("lead", doubt)) return lead_result(made->made_id, made->contact_id, true, false);
    const Contact contact = contact_of(field(*values_, "contact"), *values_);
    Entity lead = lead_entity(0);
    lead.created_at = at_unix_s_;
    lead.request_id = mark_;
    if (std::string company = text_of(*values_, "company"); !company.empty()) lead.companies.emplace_back().name = std::move(company);
    const Value there = existing(contact);
    std::int64_t contact_id = there.is_null() ? 0 : id_in(there, "id");
    if (doubt) {
      if (const std::int64_t id = made_in_doubt(lead, contact, there, contact_id)) {
        known(memory_.made(key_, mark_, "lead", person_, {0, id, contact_id}, {contact_id, id}));
        return lead_result(id, contact_id, true, false);
      }
    }
    if (contact_id != 0) {
      if (contact.tells()) update_contact(there, contact);
      lead.contacts.emplace_back().id = contact_id;
      // A company of its own cannot be named here, but by its id.
      lead.companies.clear();
      const Outcome outcome = make("lead", "/api/v4/leads", Value(List{encode(lead)}));
      const List& made = embedded(outcome.value, "leads");
      const std::int64_t id = made.empty() ? 0 : id_in(made.front(), "id");
      if (id == 0) later("amoCRM's answer names no lead", {kSettleSeconds * 1000});
      known(memory_.made(key_, mark_, "lead", person_, {0, id, contact_id}, {contact_id, id}));
      return lead_result(id, contact_id, true, false);
    }
    lead.contacts.push_back(entity_of(contact));
    const Outcome outcome = make("lead", "/api/v4/leads/complex", Value(List{encode(lead)}));
    const List* made = outcome.value.list();
    const Value one = made && !made->empty() ? made->front() : Value();
    const std::int64_t id = id_in(one, "id");
    if (id == 0) later("amoCRM's answer names no lead", {kSettleSeconds * 1000});
    contact_id = id_in(one, "contact_id");
    const bool* merged = field(one, "merged").boolean();
    known(memory_.made(key_, mark_, "lead", person_, {0, id, contact_id}, {contact_id, id}));
    return lead_result(id, contact_id, true, merged && *merged);
  }

  // ---- what hangs at a lead

  struct Target {
    std::string kind;
    std::int64_t id = 0;
  };
  /// `{id: 5}` and 5 alike.
  static std::int64_t named_id(const Value& value) { return value.map() ? id_in(value, "id") : id_of(value); }

  Target target(const char* what) {
    if (const std::int64_t id = named_id(field(*values_, "lead"))) return {"leads", id};
    if (const std::int64_t id = named_id(field(*values_, "contact"))) return {"contacts", id};
    const Links& links = recalled_.links;
    if (links.lead_id != 0) return {"leads", links.lead_id};
    if (links.contact_id != 0) return {"contacts", links.contact_id};
    fail("there is no lead and no contact of this person yet, to which the " + std::string(what) + " would belong");
  }

  Value do_note() {
    const Target to = target("note");
    const std::string text = note_text(text_in(request_, "text"), text_in(request_, "talk"));
    if (trim(text).empty()) fail("the note is empty");
    bool doubt = false;
    const std::string notes = "/api/v4/" + to.kind + "/" + std::to_string(to.id) + "/notes";
    if (const auto made = made_before("note", doubt)) return hanging(to, made->made_id);
    if (doubt) {
      for (const Value& one : embedded(get(notes + "?order%5Bid%5D=desc&limit=50").value, "notes"))
        if (text_in(field(one, "params"), "text") == text && !known(memory_.is_made(key_, "note", id_in(one, "id")))) return kept("note", to, id_in(one, "id"));
    }
    const Outcome outcome = make("note", notes, encode_note(to.id, text, mark_));
    const List& made = embedded(outcome.value, "notes");
    return kept("note", to, made.empty() ? 0 : id_in(made.front(), "id"));
  }

  Value do_task() {
    const Target to = target("task");
    const std::string text(trim(text_in(request_, "text")));
    if (text.empty()) fail("the task is empty");
    const Moment* due = field(request_, "due").moment();
    const std::int64_t till = due ? due->unix_ms / 1000 : at_unix_s_ + 86'400;
    bool doubt = false;
    if (const auto made = made_before("task", doubt)) return hanging(to, made->made_id);
    if (doubt) {
      const std::string path = "/api/v4/tasks?filter%5Bentity_type%5D=" + to.kind + "&filter%5Bentity_id%5D=" + std::to_string(to.id) + "&limit=250";
      std::optional<List> all = filtered(path, "tasks");
      if (!all) all = embedded(get("/api/v4/tasks?order%5Bid%5D=desc&limit=250").value, "tasks");
      for (const Value& one : *all)
        if (id_in(one, "entity_id") == to.id && text_in(one, "entity_type") == to.kind && text_in(one, "text") == text && id_in(one, "complete_till") == till && !known(memory_.is_made(key_, "task", id_in(one, "id")))) return kept("task", to, id_in(one, "id"));
    }
    const Value& type = field(*values_, "type");
    const std::int64_t type_id =
        type.is_null() ? 0 : id_named(type, "type of task", [&](std::vector<Named>& all, bool fresh) { return directory_.task_types(all, fresh, caller_); });
    const Outcome outcome = make("task", "/api/v4/tasks", encode_task(to.kind, to.id, text, till, type_id, responsible(*values_), mark_));
    const List& made = embedded(outcome.value, "tasks");
    return kept("task", to, made.empty() ? 0 : id_in(made.front(), "id"));
  }

  Value kept(const char* what, const Target& to, std::int64_t id) {
    if (id == 0) later("amoCRM's answer names nothing", {kSettleSeconds * 1000});
    known(memory_.made(key_, mark_, what, person_, {0, id, 0}, {}));
    return hanging(to, id);
  }
  /// Of a note or a task: where it is seen.
  Value hanging(const Target& to, std::int64_t id) const {
    ValueMap result;
    result.set("id", id);
    result.set("url", connection_.account().url + "/" + to.kind + "/detail/" + std::to_string(to.id));
    return Value(std::move(result));
  }

  Value do_stage() {
    std::int64_t id = named_id(field(*values_, "lead"));
    if (id == 0) id = recalled_.links.lead_id;
    if (id == 0) fail("there is no lead of this person yet");
    const Outcome there = get("/api/v4/leads/" + std::to_string(id));
    if (there.nothing()) fail("amoCRM has no lead " + std::to_string(id));
    const std::string text(trim(text_in(request_, "text")));
    const Stage to = stage(field(*values_, "pipeline"), text.empty() ? field(*values_, "stage") : Value(text), id_in(there.value, "pipeline_id"));
    if (to.status == 0) fail("the stage has no name");
    if (to.status != id_in(there.value, "status_id") || to.pipeline != id_in(there.value, "pipeline_id")) {
      Entity change;
      change.id = id;
      change.pipeline_id = to.pipeline;
      change.status_id = to.status;
      must(connection_.call("PATCH", "/api/v4/leads", Value(List{encode(change)}), caller_));
    }
    return result_of("leads", id);
  }

  Account& account_;
  Connection& connection_;
  Directory& directory_;
  Memory& memory_;
  const std::string key_;
  const Job& job_;
  const Value request_;
  Caller caller_;
  Person person_;
  Recalled recalled_;
  std::string mark_;
  std::int64_t at_unix_s_ = 0;
  Zone zone_;
  const Value* values_ = nullptr;
};

std::size_t at_once(const std::map<std::string, CrmAccount>& accounts) {
  std::size_t most = kLeastAtOnce;
  for (const auto& [bot, account] : accounts)
    most = std::max(most, static_cast<std::size_t>(kWaitInRow.ms / std::max<std::int64_t>(1, account.between.ms)));
  return std::min(most, kMostAtOnce);
}

class CrmService : public Service {
 public:
  explicit CrmService(const ServiceSettings& settings)
      : chance_(settings.seed != 0 ? settings.seed : std::random_device{}()),
        at_once_(at_once(settings.crm)),
        pool_(at_once_, [this](const Job& job, const Abandonment& abandonment) { return perform(job, abandonment); }) {
    if (settings.crm.empty() || !settings.memory) return;
    http_ = std::make_unique<HttpClient>();
    const auto random = [this] {
      const std::lock_guard lock(chance_mutex_);
      return std::uniform_real_distribution<double>(0, 1)(chance_);
    };
    for (const auto& [bot, account] : settings.crm) {
      if (account.off) {
        off_.insert(bot);
        continue;
      }
      // Bots of one account share what is known of it.
      std::shared_ptr<Account>& one = by_key_[account.key()];
      if (!one) one = std::make_shared<Account>(account, *settings.memory, *http_, random);
      by_bot_[bot] = one;
    }
  }

  ServiceTerms terms() const override {
    ServiceTerms terms{std::string(kCrmService), at_once_, kAttempts, kBackoff};
    terms.buries = true;
    terms.hands_over = true;
    terms.in_order = true;
    return terms;
  }
  void begin(const Job& job, JobDoneCall done) override { pool_.begin(job, std::move(done)); }
  void abandon(std::int64_t job_id) override { pool_.abandon(job_id); }

  std::vector<ServiceFigure> figures() const override {
    std::vector<ServiceFigure> all;
    std::map<int, std::uint64_t> by_status;
    std::uint64_t refreshed = 0;
    for (const auto& [key, account] : by_key_) {
      const Connection::Figures figures = account->connection.figures();
      for (const auto& [status, count] : figures.by_status) by_status[status] += count;
      refreshed += figures.refreshed;
    }
    for (const auto& [status, count] : by_status)
      all.push_back({"sufler_crm_requests_total", "counter", "Requests to amoCRM by the status of their answer; 0: none came.", {{"status", std::to_string(status)}}, count});
    if (!by_key_.empty()) all.push_back({"sufler_crm_tokens_refreshed_total", "counter", "Tokens of amoCRM that were fetched anew.", {}, refreshed});
    return all;
  }

 private:
  JobResult perform(const Job& job, const Abandonment& abandonment) {
    const auto failed = [](std::string why) { return JobResult{JobResult::Kind::Failed, {}, std::move(why), {}, {}, {}}; };
    if (off_.contains(job.bot)) {
      JobResult result = failed("amoCRM is off");
      result.meant = true;
      return result;
    }
    const auto account = by_bot_.find(job.bot);
    if (account == by_bot_.end()) return failed("the configuration has no `crm:`");
    Value request;
    if (!from_json(job.request, request) || !request.map()) return failed("a job that cannot be read");
    try {
      Work work(*account->second, job, std::move(request), [&] { return abandonment.asked(); });
      return {JobResult::Kind::Done, work.perform(), {}, {}, {}, {}};
    } catch (Stopped& stopped) {
      return std::move(stopped.result);
    }
  }

  std::set<std::string> off_;  ///< bots that do without, by the configuration
  std::mutex chance_mutex_;
  std::mt19937_64 chance_;
  std::unique_ptr<HttpClient> http_;
  std::map<std::string, std::shared_ptr<Account>> by_key_, by_bot_;
  const std::size_t at_once_;
  Pool pool_;  ///< last: its threads use the rest
};

}  // namespace

std::unique_ptr<Service> make_crm_service(const ServiceSettings& settings) { return std::make_unique<CrmService>(settings); }

}  // namespace sufler
