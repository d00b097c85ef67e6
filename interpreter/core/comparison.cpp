#include "interpreter/core/comparison.h"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "interpreter/core/expects.h"
#include "interpreter/core/happenings.h"
#include "interpreter/core/meaning.h"
#include "interpreter/core/tables/table_data.h"

namespace sufler {
namespace {

using What = Change::What;

constexpr std::string_view kCodes[] = {
    "branch_added",      "branch_removed",  "branch_renamed",   "branch_changed",  "branch_texts",
    "start_changed",     "fallback_changed", "on_error_changed",
    "place_added",       "place_removed",   "place_moved",      "text_changed",    "type_changed",
    "buttons_added",     "buttons_removed", "options_added",    "options_removed", "options_changed",
    "stricter",          "looser",          "check_changed",    "confirm_added",   "confirm_removed",
    "timers_changed",
    "command_added",     "command_removed", "command_changed",  "command_words_removed",
    "table_added",       "table_removed",   "columns_added",    "columns_removed", "column_changed",
    "handoff_added",     "handoff_removed", "handoff_changed",
    "desk_added",        "desk_removed",    "desk_changed",
    "assistant_added",   "assistant_removed", "assistant_changed",
    "schedule_added",    "schedule_removed", "schedule_changed",
    "event_added",       "event_removed",   "event_changed",
    "role_added",        "role_removed",
    "settings_changed",  "texts_changed",   "phrases_changed",  "moved_changed",
    "language_changed",  "timezone_changed", "question_changed", "defaults_changed", "files_changed",
    "rows_changed",
};
static_assert(std::size(kCodes) == static_cast<std::size_t>(kLastChange) + 1);

constexpr std::string_view kTypes[] = {
    "text",   "name",   "number",  "money",  "phone",    "email",   "url",   "date", "time",  "datetime",
    "yes_no", "choice", "choices", "rating", "location", "contact", "photo", "file", "files", "any",
};
static_assert(std::size(kTypes) == static_cast<std::size_t>(QuestionType::Any) + 1);
constexpr std::string_view kColumnTypes[] = {"text", "number", "integer", "boolean", "date", "time",
                                             "datetime", "file", "files", "list", "map"};
static_assert(std::size(kColumnTypes) == static_cast<std::size_t>(ColumnType::Map) + 1);

std::string_view branch_of_place(std::string_view place) { return place.substr(0, place.find('/')); }
std::string_view name_of_place(std::string_view place) {
  const std::size_t slash = place.find('/');
  return slash == std::string_view::npos ? place : place.substr(slash + 1);
}

/// Places with their names, in the order of the steps.
struct NamedPlace {
  std::string name;
  Program::Place place;
};
std::vector<NamedPlace> places_of(const Program& program) {
  std::vector<NamedPlace> all;
  for (std::uint32_t i = 0; i < program.steps.size(); ++i) {
    const Step& step = program.steps[i];
    if (const auto* ask = std::get_if<Ask>(&step.verb)) {
      for (std::uint32_t q = 0; q < ask->places.size(); ++q) all.push_back({ask->places[q], {StepId{i}, q}});
    } else if (!step.place.empty()) {
      all.push_back({step.place, {StepId{i}, 0}});
    }
  }
  return all;
}

std::vector<std::string> labels_of(const Buttons& buttons) {
  std::vector<std::string> labels;
  for (const Option& option : buttons.options) labels.push_back(source_of(option.label));
  if (buttons.from) labels.push_back("{{ " + buttons.from->from.source() + " }}");
  return labels;
}

std::vector<std::string> missing_in(const std::vector<std::string>& names, const std::vector<std::string>& others) {
  std::vector<std::string> missing;
  for (const std::string& name : names)
    if (std::find(others.begin(), others.end(), name) == others.end()) missing.push_back(name);
  return missing;
}

class Comparison {
 public:
  Comparison(const Program& before, const Program& after) : before_(before), after_(after) {}

  std::vector<Change> run() {
    branches();
    places();
    commands();
    tables();
    people();
    rest();
    return std::move(changes_);
  }

 private:
  void add(What what, std::string name, std::string place = {}, std::vector<std::string> names = {},
           std::string before = {}, std::string after = {}) {
    changes_.push_back({what, std::move(name), std::move(place), std::move(before), std::move(after), std::move(names)});
  }

  // ---- branches

  static std::string name_of(const Program& program, BranchId id) { return id ? program.branch(id).name : std::string(); }

  std::string renamed(const std::string& branch) const {
    const auto moved = after_.moved.find(branch);
    if (moved == after_.moved.end() || !after_.find_branch(moved->second) || before_.find_branch(moved->second)) return {};
    return moved->second;
  }

  void branches() {
    std::set<std::string> taken;
    std::vector<Change> changed;
    for (std::uint32_t i = 0; i < before_.branches.size(); ++i) {
      const std::string& name = before_.branches[i].name;
      BranchId now = after_.find_branch(name);
      if (!now) {
        const std::string other = renamed(name);
        if (other.empty()) {
          add(What::BranchRemoved, name);
          continue;
        }
        add(What::BranchRenamed, name, {}, {}, name, other);
        taken.insert(other);
        now = after_.find_branch(other);
      }
      if (steps_of(before_, BranchId{i}, With::Steps) != steps_of(after_, now, With::Steps)) {
        changed.push_back({What::BranchChanged, name, {}, {}, {}, {}});
      } else if (steps_of(before_, BranchId{i}, With::Texts) != steps_of(after_, now, With::Texts)) {
        changed.push_back({What::BranchTexts, name, {}, {}, {}, {}});
      }
    }
    for (const Branch& branch : after_.branches)
      if (!before_.find_branch(branch.name) && !taken.contains(branch.name)) add(What::BranchAdded, branch.name);
    changes_.insert(changes_.end(), std::make_move_iterator(changed.begin()), std::make_move_iterator(changed.end()));
    const auto root = [&](What what, BranchId before, BranchId after) {
      const std::string was = name_of(before_, before), is = name_of(after_, after);
      if (was != is && !(is == renamed(was) && !is.empty())) add(what, {}, {}, {}, was, is);
    };
    root(What::StartChanged, before_.start, after_.start);
    root(What::FallbackChanged, before_.fallback, after_.fallback);
    root(What::OnErrorChanged, before_.on_error, after_.on_error);
  }

  // ---- places

  void places() {
    std::unordered_set<std::string> led_to;
    for (const NamedPlace& was : places_of(before_)) {
      const auto here = after_.places.find(was.name);
      if (here != after_.places.end()) {
        place(was, here->second);
        continue;
      }
      const PlaceFate fate = fate_of(after_, was.name, 0);
      const std::string name(name_of_place(was.name));
      const auto there = after_.places.find(fate.to);
      if (fate.kind == PlaceFate::Kind::Moved && there != after_.places.end()) {
        // A branch that was renamed has said so already.
        if (name_of_place(fate.to) != name || renamed(std::string(branch_of_place(was.name))) != branch_of_place(fate.to))
          add(What::PlaceMoved, name, was.name, {}, was.name, fate.to);
        led_to.insert(fate.to);
        place(was, there->second);
      } else {
        add(What::PlaceRemoved, name, was.name, {}, {}, fate.to);
      }
    }
    for (const NamedPlace& is : places_of(after_))
      if (!before_.places.contains(is.name) && !led_to.contains(is.name))
        add(What::PlaceAdded, std::string(name_of_place(is.name)), is.name);
  }

  static std::string kind_of(const Step& step) {
    if (std::holds_alternative<Ask>(step.verb)) return "ask";
    if (std::holds_alternative<Choose>(step.verb)) return "choose";
    if (std::holds_alternative<Run>(step.verb)) return "run";
    if (std::holds_alternative<Mail>(step.verb)) return "mail";
    if (std::holds_alternative<ReportStep>(step.verb)) return "report";
    if (std::holds_alternative<HttpStep>(step.verb)) return "http";
    if (std::holds_alternative<CrmStep>(step.verb)) return "crm";
    if (std::holds_alternative<AssistantStep>(step.verb)) return "assistant";
    return std::holds_alternative<Wait>(step.verb) ? "wait" : "handoff";
  }

  void place(const NamedPlace& was, const Program::Place& is) {
    const Step& old_step = before_.step(was.place.step);
    const Step& new_step = after_.step(is.step);
    const std::string name(name_of_place(was.name));
    if (old_step.verb.index() != new_step.verb.index())
      return add(What::TypeChanged, name, was.name, {}, kind_of(old_step), kind_of(new_step));
    if (const auto* ask = std::get_if<Ask>(&old_step.verb)) {
      const QuestionId old_id = ask->questions[was.place.question];
      const QuestionId new_id = std::get<Ask>(new_step.verb).questions[is.question];
      if (!compared_.insert(std::uint64_t{old_id.value} << 32 | new_id.value).second) return;
      question(before_.question(old_id), after_.question(new_id), was.name);
    } else if (const auto* choose = std::get_if<Choose>(&old_step.verb)) {
      const Choose& now = std::get<Choose>(new_step.verb);
      if (source_of(choose->text) != source_of(now.text)) add(What::TextChanged, name, was.name);
      buttons(choose->buttons, now.buttons, name, was.name);
      timers(choose->reminders, choose->timeout, {}, now.reminders, now.timeout, {}, name, was.name);
    } else if (const auto* wait = std::get_if<Wait>(&old_step.verb)) {
      if (std::get<Wait>(new_step.verb).duration != wait->duration) add(What::TimersChanged, name, was.name);
    }
  }

  void buttons(const Buttons& was, const Buttons& is, const std::string& name, const std::string& place) {
    const std::vector<std::string> old_labels = labels_of(was), new_labels = labels_of(is);
    if (old_labels.empty() && !new_labels.empty()) return add(What::ButtonsAdded, name, place, new_labels);
    if (new_labels.empty() && !old_labels.empty()) return add(What::ButtonsRemoved, name, place, old_labels);
    auto gone = missing_in(old_labels, new_labels), added = missing_in(new_labels, old_labels);
    const bool same = gone.empty() && added.empty();
    if (!gone.empty()) add(What::OptionsRemoved, name, place, std::move(gone));
    if (!added.empty()) add(What::OptionsAdded, name, place, std::move(added));
    if (same && (meaning_of(was, before_) != meaning_of(is, after_))) add(What::OptionsChanged, name, place);
  }

  void timers(const std::vector<Reminder>& was, const std::optional<Timeout>& was_timeout,
              const std::optional<Duration>& was_gather, const std::vector<Reminder>& is,
              const std::optional<Timeout>& is_timeout, const std::optional<Duration>& is_gather,
              const std::string& name, const std::string& place) {
    const bool same_reminders = std::equal(was.begin(), was.end(), is.begin(), is.end(),
                                           [](const Reminder& a, const Reminder& b) { return a.after == b.after; });
    const bool same_timeout = was_timeout.has_value() == is_timeout.has_value() &&
                              (!was_timeout || was_timeout->after == is_timeout->after);
    if (!same_reminders || !same_timeout || was_gather != is_gather) add(What::TimersChanged, name, place);
  }

  void question(const Question& was, const Question& is, const std::string& place) {
    if (source_of(was.text) != source_of(is.text) || source_of(was.invalid) != source_of(is.invalid))
      add(What::TextChanged, is.name, place);
    if (was.type != is.type)
      add(What::TypeChanged, is.name, place, {}, std::string(kTypes[static_cast<std::size_t>(was.type)]),
          std::string(kTypes[static_cast<std::size_t>(is.type)]));
    buttons(was.buttons, is.buttons, is.name, place);
    checks(was, is, place);
    if (was.confirm.has_value() != is.confirm.has_value())
      add(is.confirm ? What::ConfirmAdded : What::ConfirmRemoved, is.name, place);
    timers(was.reminders, was.timeout, was.gather, is.reminders, is.timeout, is.gather, is.name, place);
    std::vector<std::string> others;
    const auto differs = [&](bool same, const char* field) {
      if (!same) others.push_back(field);
    };
    differs(was.pii == is.pii, "pii");
    differs(was.secret == is.secret, "secret");
    differs(was.free_words_are_commands == is.free_words_are_commands, "commands");
    differs(source_of(was.default_value) == source_of(is.default_value), "default");
    differs(source_of(was.ask_when) == source_of(is.ask_when), "ask_when");
    differs(was.attempts == is.attempts, "attempts");
    if (!others.empty()) add(What::QuestionChanged, is.name, place, std::move(others));
  }

  void checks(const Question& was, const Question& is, const std::string& place) {
    std::vector<std::string> stricter, looser, other;
    const auto bound = [&](const auto& old_bound, const auto& new_bound, bool lower, const char* field) {
      if (old_bound == new_bound) return;
      const bool narrows = !old_bound || (new_bound && (lower ? *new_bound > *old_bound : *new_bound < *old_bound));
      (narrows && new_bound ? stricter : looser).push_back(field);
    };
    bound(was.min, is.min, true, "min");
    bound(was.max, is.max, false, "max");
    bound(was.earliest, is.earliest, true, "min");
    bound(was.latest, is.latest, false, "max");
    bound(was.max_bytes, is.max_bytes, false, "size");
    if (was.integer != is.integer) (is.integer ? stricter : looser).push_back("integer");
    if (was.optional != is.optional) (is.optional ? looser : stricter).push_back("optional");
    const auto text = [&](const std::string& old_text, const std::string& new_text, const char* field) {
      if (old_text == new_text) return;
      (old_text.empty() ? stricter : new_text.empty() ? looser : other).push_back(field);
    };
    text(was.pattern, is.pattern, "pattern");
    text(source_of(was.check), source_of(is.check), "check");
    if (was.formats != is.formats) {
      const bool fewer = !is.formats.empty() && (was.formats.empty() || !missing_in(was.formats, is.formats).empty());
      const bool more = is.formats.empty() || (!was.formats.empty() && !missing_in(is.formats, was.formats).empty());
      if (fewer || more) (fewer && more ? other : fewer ? stricter : looser).push_back("formats");
    }
    if (!stricter.empty()) add(What::Stricter, is.name, place, std::move(stricter));
    if (!looser.empty()) add(What::Looser, is.name, place, std::move(looser));
    if (!other.empty()) add(What::CheckChanged, is.name, place, std::move(other));
  }

  // ---- what has a name and lies in a list

  template <class Things, class Same>
  void named(const Things& was, const Things& is, What added, What removed, What changed, Same same) {
    std::unordered_map<std::string_view, const typename Things::value_type*> now;
    for (const auto& thing : is) now.emplace(thing.name, &thing);
    std::unordered_set<std::string_view> known;
    for (const auto& thing : was) {
      known.insert(thing.name);
      const auto found = now.find(thing.name);
      if (found == now.end()) {
        add(removed, thing.name);
      } else if (!same(thing, *found->second)) {
        add(changed, thing.name);
      }
    }
    for (const auto& thing : is)
      if (!known.contains(thing.name)) add(added, thing.name);
  }

  void commands() {
    named(before_.commands, after_.commands, What::CommandAdded, What::CommandRemoved, What::CommandChanged,
          [&](const Command& was, const Command& is) {
            auto gone = missing_in(was.words, is.words);
            const bool same = meaning_of(before_, was) == meaning_of(after_, is) && missing_in(is.words, was.words).empty();
            if (!gone.empty()) add(What::CommandWordsRemoved, was.name, {}, std::move(gone));
            return same;
          });
  }

  void tables() {
    named(before_.tables, after_.tables, What::TableAdded, What::TableRemoved, What::ColumnsAdded,
          [&](const Table& was, const Table& is) {
            std::vector<std::string> added, removed, defaults;
            for (const Column& column : is.columns) {
              const auto old = std::find_if(was.columns.begin(), was.columns.end(),
                                            [&](const Column& one) { return one.name == column.name; });
              if (old == was.columns.end()) {
                added.push_back(column.name);
              } else if (old->type != column.type) {
                add(What::ColumnChanged, is.name, {}, {column.name},
                    std::string(kColumnTypes[static_cast<std::size_t>(old->type)]),
                    std::string(kColumnTypes[static_cast<std::size_t>(column.type)]));
              } else if (old->default_value != column.default_value) {
                defaults.push_back(column.name);
              }
            }
            for (const Column& column : was.columns)
              if (std::none_of(is.columns.begin(), is.columns.end(),
                               [&](const Column& one) { return one.name == column.name; }))
                removed.push_back(column.name);
            if (!added.empty()) add(What::ColumnsAdded, is.name, {}, std::move(added));
            if (!removed.empty()) add(What::ColumnsRemoved, is.name, {}, std::move(removed));
            if (!defaults.empty()) add(What::DefaultsChanged, is.name, {}, std::move(defaults));
            if (is.data && mark_of(was) != mark_of(is)) {
              const TableLoad rows = difference(was, is);
              if (rows.added + rows.changed + rows.removed > 0)
                add(What::RowsChanged, is.name, {}, {std::to_string(rows.removed)}, std::to_string(rows.added), std::to_string(rows.changed));
            }
            return true;
          });
  }

  static std::set<std::string> roles_of(const Program& program) {
    std::set<std::string> roles;
    for (const Step& step : program.steps)
      if (const auto* notify = std::get_if<Notify>(&step.verb)) roles.insert(notify->role);
    for (const Command& command : program.commands) roles.insert(command.role);
    for (const HandoffRule& rule : program.handoffs) roles.insert(rule.role);
    for (const Desk& desk : program.desks) roles.insert(desk.topics);
    roles.erase("");
    return roles;
  }

  void people() {
    named(before_.handoffs, after_.handoffs, What::HandoffAdded, What::HandoffRemoved, What::HandoffChanged,
          [&](const HandoffRule& was, const HandoffRule& is) { return meaning_of(before_, was) == meaning_of(after_, is); });
    named(before_.desks, after_.desks, What::DeskAdded, What::DeskRemoved, What::DeskChanged,
          [&](const Desk& was, const Desk& is) { return meaning_of(was) == meaning_of(is); });
    named(before_.assistants, after_.assistants, What::AssistantAdded, What::AssistantRemoved, What::AssistantChanged,
          [&](const Assistant& was, const Assistant& is) { return meaning_of(before_, was) == meaning_of(after_, is); });
    named(before_.schedules, after_.schedules, What::ScheduleAdded, What::ScheduleRemoved, What::ScheduleChanged,
          [&](const Schedule& was, const Schedule& is) { return meaning_of(before_, was) == meaning_of(after_, is); });
    static const std::vector<Happening> kNone;
    named(before_.events ? before_.events->all : kNone, after_.events ? after_.events->all : kNone, What::EventAdded,
          What::EventRemoved, What::EventChanged,
          [&](const Happening& was, const Happening& is) { return meaning_of(before_, was) == meaning_of(after_, is); });
    const std::set<std::string> was = roles_of(before_), is = roles_of(after_);
    for (const std::string& role : was)
      if (!is.contains(role)) add(What::RoleRemoved, role);
    for (const std::string& role : is)
      if (!was.contains(role)) add(What::RoleAdded, role);
  }

  // ---- the rest

  void rest() {
    std::vector<std::string> names;
    for (const auto& [name, value] : before_.settings) {
      const Value* now = after_.settings.find(name);
      if (!now || !(*now == value)) names.push_back(name);
    }
    for (const auto& [name, value] : after_.settings)
      if (!before_.settings.find(name)) names.push_back(name);
    if (!names.empty()) add(What::SettingsChanged, {}, {}, std::exchange(names, {}));
    const auto sources = [](const std::map<std::string, Template>& text) {
      std::string all;
      for (const auto& [language, one] : text) all += language + '\x1f' + one.source() + '\x1e';
      return all;
    };
    for (const auto& [name, text] : before_.texts) {
      const auto now = after_.texts.find(name);
      if (now == after_.texts.end() || sources(now->second) != sources(text)) names.push_back(name);
    }
    for (const auto& [name, text] : after_.texts)
      if (!before_.texts.contains(name)) names.push_back(name);
    if (!names.empty()) add(What::TextsChanged, {}, {}, std::exchange(names, {}));
    for (std::size_t i = 0; i < static_cast<std::size_t>(Phrase::Count); ++i) {
      const auto phrase = static_cast<Phrase>(i);
      if (before_.phrases.get(phrase, before_.language).source() != after_.phrases.get(phrase, before_.language).source())
        names.emplace_back(Phrases::key(phrase));
    }
    if (!names.empty()) add(What::PhrasesChanged, {}, {}, std::exchange(names, {}));
    for (const auto& [from, to] : after_.moved)
      if (const auto was = before_.moved.find(from); was == before_.moved.end() || was->second != to) names.push_back(from);
    if (!names.empty()) add(What::MovedChanged, {}, {}, std::exchange(names, {}));
    if (before_.language != after_.language) {
      const auto code = [](Language language) { return language == Language::Russian ? "ru" : "en"; };
      add(What::LanguageChanged, {}, {}, {}, code(before_.language), code(after_.language));
    }
    if (before_.zone.name() != after_.zone.name())
      add(What::TimezoneChanged, {}, {}, {}, std::string(before_.zone.name()), std::string(after_.zone.name()));
  }

  const Program& before_;
  const Program& after_;
  std::vector<Change> changes_;
  std::unordered_set<std::uint64_t> compared_;
};

}  // namespace

std::vector<Change> compare_programs(const Program& before, const Program& after) {
  return Comparison(before, after).run();
}

void compare_files(const std::map<std::string, std::string>& before, const std::map<std::string, std::string>& after,
                   std::vector<Change>& changes) {
  std::vector<std::string> names;
  for (const auto& [name, mark] : after)
    if (const auto was = before.find(name); was != before.end() && was->second != mark) names.push_back(name);
  if (!names.empty()) changes.push_back({What::FilesChanged, {}, {}, {}, {}, std::move(names)});
}

std::string_view change_code(Change::What what) { return kCodes[static_cast<std::size_t>(what)]; }

PlaceFate fate_of(const Program& after, std::string_view place, std::uint64_t expected) {
  const std::string name(place);
  const auto kind_at = [&](const Program::Place& found) {
    const Expects now = expects_of(after, found.step, found.question);
    return expected == 0 || now.number() == expected ? PlaceFate::Kind::Stays : PlaceFate::Kind::Changed;
  };
  if (const auto here = after.places.find(name); here != after.places.end()) return {kind_at(here->second), name};
  const auto lead = [&](const std::string& to) -> PlaceFate {
    if (after.places.contains(to)) return {PlaceFate::Kind::Moved, to};
    if (after.find_branch(to)) return {PlaceFate::Kind::Branch, to};
    return {PlaceFate::Kind::FallBack, {}};
  };
  if (const auto moved = after.moved.find(name); moved != after.moved.end()) return lead(moved->second);
  const auto moved = after.moved.find(branch_of_place(name));
  if (moved == after.moved.end()) return {PlaceFate::Kind::FallBack, {}};
  const std::string same = moved->second + "/" + std::string(name_of_place(name));
  if (name.find('/') != std::string::npos && after.places.contains(same)) return {PlaceFate::Kind::Moved, same};
  return lead(moved->second);
}

}  // namespace sufler
