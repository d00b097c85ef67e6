#include "interpreter/services/amocrm/directory.h"

#include <utility>

#include "interpreter/core/text.h"

namespace sufler::amocrm {
namespace {

using std::chrono::steady_clock;

constexpr auto kKept = std::chrono::minutes(10);
/// What was asked a moment ago is not asked again because of a name that is nowhere.
constexpr auto kMoment = std::chrono::seconds(20);
constexpr int kMostPages = 40;

std::string folded(std::string_view name) {
  std::string lower = to_lower(trim(name)), out;
  for (std::size_t i = 0; i < lower.size();) {
    const char32_t c = next_code_point(lower, i);
    append_utf8(out, c == U'ё' ? U'е' : c == 0xA0 ? U' ' : c);
  }
  return out;
}

Named named(const Value& one) { return {id_in(one, "id"), text_in(one, "name")}; }

}  // namespace

std::vector<Pipeline> read_pipelines(const Value& answer) {
  std::vector<Pipeline> all;
  for (const Value& one : embedded(answer, "pipelines")) {
    Pipeline pipeline;
    static_cast<Named&>(pipeline) = named(one);
    const bool* main = field(one, "is_main").boolean();
    pipeline.is_main = main && *main;
    for (const Value& stage : embedded(one, "statuses")) pipeline.stages.push_back(named(stage));
    if (pipeline.id != 0) all.push_back(std::move(pipeline));
  }
  return all;
}

std::vector<Named> read_users(const Value& answer) {
  std::vector<Named> all;
  for (const Value& one : embedded(answer, "users")) all.push_back(named(one));
  return all;
}

std::vector<Named> read_task_types(const Value& account) {
  std::vector<Named> all;
  for (const Value& one : embedded(account, "task_types")) all.push_back(named(one));
  return all;
}

std::vector<Field> read_fields(const Value& answer) {
  std::vector<Field> all;
  for (const Value& one : embedded(answer, "custom_fields")) {
    Field own;
    static_cast<Named&>(own) = named(one);
    own.code = text_in(one, "code");
    own.type = text_in(one, "type");
    if (const List* choices = field(one, "enums").list())
      for (const Value& choice : *choices) own.choices.push_back({id_in(choice, "id"), text_in(choice, "value")});
    if (own.id != 0) all.push_back(std::move(own));
  }
  return all;
}

const Named* find_named(const std::vector<Named>& all, const Value& wanted) {
  const std::int64_t id = id_of(wanted);
  const std::string name = wanted.text() ? folded(*wanted.text()) : std::string();
  for (const Named& one : all)
    if (!name.empty() && folded(one.name) == name) return &one;
  for (const Named& one : all)
    if (id != 0 && one.id == id) return &one;
  return nullptr;
}

const Field* find_field(const std::vector<Field>& all, std::string_view wanted) {
  const std::string name = folded(wanted);
  for (const Field& one : all)
    if (folded(one.name) == name) return &one;
  for (const Field& one : all)
    if (!one.code.empty() && to_lower(one.code) == name) return &one;
  const std::int64_t id = id_of(Value(std::string(wanted)));
  for (const Field& one : all)
    if (id != 0 && one.id == id) return &one;
  return nullptr;
}

std::string names_of(const std::vector<Named>& all) {
  std::string out;
  for (const Named& one : all) out += (out.empty() ? "`" : ", `") + one.name + "`";
  return out;
}

template <class T>
Outcome Directory::ask(Kept<T>& kept, const std::string& path, std::vector<T> (*read)(const Value&), bool pages, std::vector<T>& out, bool fresh,
                       Caller& caller) {
  {
    const std::lock_guard lock(mutex_);
    const auto age = steady_clock::now() - kept.at;
    if (kept.there && age < (fresh ? kMoment : kKept)) {
      out = kept.all;
      return {};
    }
  }
  std::vector<T> all;
  for (int page = 1; page <= kMostPages; ++page) {
    std::string whole = path;
    if (pages) whole += std::string(path.find('?') == std::string::npos ? "?" : "&") + "limit=250&page=" + std::to_string(page);
    Outcome outcome = connection_.get(whole, caller);
    if (outcome.failed()) return outcome;
    if (outcome.nothing()) break;
    for (T& one : read(outcome.value)) all.push_back(std::move(one));
    if (!pages || text_in(field(field(outcome.value, "_links"), "next"), "href").empty()) break;
  }
  const std::lock_guard lock(mutex_);
  kept.all = all;
  kept.at = steady_clock::now();
  kept.there = true;
  out = std::move(all);
  return {};
}

Outcome Directory::pipelines(std::vector<Pipeline>& out, bool fresh, Caller& caller) {
  return ask(pipelines_, "/api/v4/leads/pipelines", &read_pipelines, false, out, fresh, caller);
}
Outcome Directory::users(std::vector<Named>& out, bool fresh, Caller& caller) {
  return ask(users_, "/api/v4/users", &read_users, true, out, fresh, caller);
}
Outcome Directory::task_types(std::vector<Named>& out, bool fresh, Caller& caller) {
  return ask(task_types_, "/api/v4/account?with=task_types", &read_task_types, false, out, fresh, caller);
}
Outcome Directory::fields(const std::string& kind, std::vector<Field>& out, bool fresh, Caller& caller) {
  Kept<Field>* kept = nullptr;
  {
    const std::lock_guard lock(mutex_);
    kept = &fields_[kind];
  }
  return ask(*kept, "/api/v4/" + kind + "/custom_fields", &read_fields, true, out, fresh, caller);
}

}  // namespace sufler::amocrm
