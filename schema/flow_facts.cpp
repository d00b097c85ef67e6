#include "schema/flow_facts.h"

#include <algorithm>
#include <utility>

namespace sufler {
namespace {

/// The variable that an assignment changes: `phone`, `user.vip`.
std::string variable_of(const std::vector<std::string>& path) {
  if (path.size() > 1 && path[0] == "user") return path[0] + "." + path[1];
  return path[0];
}

bool is_system(std::string_view name) {
  for (const std::string_view one : {"message", "сообщение", "shared", "общее", "handoff", "передача", "event", "событие",
                                     "chat", "чат", "value", "значение", "item", "элемент", "vars", "переменные"})
    if (one == name) return true;
  return false;
}

std::string joined(const std::vector<std::string>& path) {
  std::string text;
  for (const std::string& part : path) text += (text.empty() ? "" : ".") + part;
  return text;
}

/// `not x` → `x`; nothing when there is an `or` behind, which `not` binds closer than.
std::optional<std::string_view> behind_not(std::string_view source) {
  for (const std::string_view word : {"not ", "не "}) {
    if (source.substr(0, word.size()) != word) continue;
    const std::string_view rest = trim(source.substr(word.size()));
    for (const std::string_view other : {" or ", " или ", " and ", " и ", " if ", " если "})
      if (rest.find(other) != rest.npos) return std::nullopt;
    return rest;
  }
  return std::nullopt;
}

}  // namespace

FlowFacts::FlowFacts(const FlowGraph& graph)
    : graph_(graph), program_(graph.program()), locale_{program_.language, program_.zone} {
  value_of(Value());
  intern({false, {}});
  intern({true, {}});
  collect();
}

// ---- conditions

void FlowFacts::collect() {
  const auto locals = [&](const std::vector<Assignment>& with) {
    for (const Assignment& one : with) not_followed_.insert(one.path[0]);
  };
  const auto aside = [&](const Buttons& buttons) {
    for (const Option& option : buttons.options)
      for (const Assignment& one : option.set) not_followed_.insert(variable_of(one.path));
  };
  for (const Step& step : program_.steps) {
    if (const auto* call = std::get_if<Call>(&step.verb)) locals(call->with);
    if (const auto* broadcast = std::get_if<BroadcastStep>(&step.verb)) locals(broadcast->with);
    if (const auto* loop = std::get_if<For>(&step.verb)) not_followed_.insert(loop->name);
    if (const ServiceStep* service = service_of(step)) not_followed_.insert(service->into);
    const auto* assistant = std::get_if<AssistantStep>(&step.verb);
    if (assistant && assistant->task == AssistantStep::Task::Talk) {
      not_followed_.insert(assistant->into);
      for (const QuestionId field : assistant->fields) not_followed_.insert(program_.question(field).name);
    }
    if (const auto* say = std::get_if<Say>(&step.verb); say && say->buttons) aside(*say->buttons);
    if (const auto* notify = std::get_if<Notify>(&step.verb); notify && notify->buttons) aside(*notify->buttons);
  }
  for (const Assistant& assistant : program_.assistants)
    for (const Assistant::Tool& tool : assistant.tools)
      for (const QuestionId argument : tool.with) not_followed_.insert(program_.question(argument).name);
  for (const Step& step : program_.steps) {
    if (step.when) note(*step.when);
    if (const auto* condition = std::get_if<If>(&step.verb)) note(condition->condition);
    if (const auto* match = std::get_if<Match>(&step.verb)) {
      if (const auto subject = subject_of(match->subject, true)) match_subjects_[match->subject.identity()] = *subject;
    }
    if (const auto* choose = std::get_if<Choose>(&step.verb))
      for (const Option& option : choose->buttons.options)
        if (option.when) note(*option.when);
  }
  for (const Question& question : program_.questions) {
    if (question.ask_when) note(*question.ask_when);
    for (const Option& option : question.buttons.options)
      if (option.when) note(*option.when);
  }
}

void FlowFacts::note(const Expression& condition) {
  auto& [holding, failing] = known_[condition.identity()];
  const std::vector<Expression> parts = condition.conjuncts();
  for (const Expression& part : parts) literals_of(part.source(), true, holding);
  if (parts.size() == 1) literals_of(parts[0].source(), false, failing);
}

void FlowFacts::literals_of(std::string_view source, bool holds, Literals& out) {
  source = trim(source);
  if (const auto rest = behind_not(source)) return literals_of(*rest, !holds, out);
  const auto parsed = Expression::parse(source);
  if (!parsed) return;
  const Expression& expression = *parsed;
  const auto comparison = expression.as_comparison();
  const auto other = expression.comparison_value();
  const std::optional<Value> value = other ? other->constant() : std::nullopt;
  if (comparison && value && (comparison->op == "==" || comparison->op == "!=")) {
    // Its subject is the name alone.
    const auto name = Expression::parse(joined(comparison->path));
    const auto subject = name ? subject_of(*name, true) : std::nullopt;
    if (subject) out.push_back({*subject, Kind::Equal, holds == (comparison->op == "=="), value_of(*value)});
    return;
  }
  const std::vector<NameUse>& names = expression.names();
  const bool is_name = names.size() == 1 && joined(names[0].path) == source;
  if (const auto subject = subject_of(expression, is_name))
    out.push_back({*subject, is_name ? Kind::Truthy : Kind::Holds, holds, 0});
}

std::optional<std::uint32_t> FlowFacts::subject_of(const Expression& expression, bool is_name) {
  const std::vector<NameUse>& names = expression.names();
  const std::string source(trim(expression.source()));
  if (names.empty() || source.find('(') != source.npos) return std::nullopt;
  if (is_name && (names.size() != 1 || joined(names[0].path) != source)) return std::nullopt;
  Subject subject;
  subject.is_name = is_name;
  subject.name = source;
  for (const NameUse& use : names) {
    std::string variable = variable_of(use.path);
    if (is_system(use.path[0]) || not_followed_.count(variable) || not_followed_.count(use.path[0])) return std::nullopt;
    subject.variables.push_back(std::move(variable));
  }
  const auto [found, fresh] = subject_ids_.emplace(source, static_cast<std::uint32_t>(subjects_.size()));
  if (!fresh) return found->second;
  for (const std::string& variable : subject.variables) {
    std::vector<std::uint32_t>& of = by_variable_[variable];
    if (of.empty() || of.back() != found->second) of.push_back(found->second);
  }
  subjects_.push_back(std::move(subject));
  return found->second;
}

std::uint32_t FlowFacts::value_of(const Value& value) {
  const auto [found, fresh] = value_ids_.emplace(std::pair(static_cast<int>(value.type()), to_display(value, locale_)),
                                                 static_cast<std::uint32_t>(values_.size()));
  if (fresh) values_.push_back(value);
  return found->second;
}

// ---- sets of facts

std::size_t FlowFacts::HashSet::operator()(const Set& set) const {
  std::uint64_t hash = set.fresh;
  for (const Fact& fact : set.facts) {
    const std::uint64_t mixed = (std::uint64_t{fact.subject} << 32 | fact.value) * 4 + static_cast<unsigned>(fact.kind);
    hash = (hash ^ (mixed * 2 + fact.yes)) * 0x9e3779b97f4a7c15ull;
    hash ^= hash >> 32;
  }
  return static_cast<std::size_t>(hash);
}

FlowFacts::Id FlowFacts::intern(Set set) {
  const auto [found, fresh] = set_ids_.emplace(std::move(set), static_cast<Id>(sets_.size()));
  if (fresh) sets_.push_back(found->first);
  return found->second;
}

/// Whether an answer can still be one of its question's options.
bool FlowFacts::options_left(const Set& set, std::uint32_t subject) const {
  const Question* question = nullptr;
  for (const Fact& fact : set.facts)
    if (fact.subject == subject && fact.kind == Kind::Known) question = &program_.questions[fact.value];
  if (!question) return true;
  const auto ruled_out = [&](const Value& value) {
    return std::any_of(set.facts.begin(), set.facts.end(), [&](const Fact& fact) {
      return fact.subject == subject && fact.kind == Kind::Equal && !fact.yes &&
             is_case_of(values_[fact.value], value, locale_);
    });
  };
  if (question->type == QuestionType::YesNo) return !ruled_out(Value(true)) || !ruled_out(Value(false));
  for (const Option& option : question->buttons.options) {
    if (option.url) continue;
    const bool constant = option.label.any_of.size() == 1 && option.label.any_of[0].is_constant();
    if (!option.value && !constant) return true;
    if (!ruled_out(option.value ? *option.value : Value(option.label.any_of[0].source()))) return true;
  }
  return false;
}

bool FlowFacts::assume(Set& set, const Fact& fact) const {
  bool assigned = false, any = false;
  for (const Fact& one : set.facts) {
    if (one.subject != fact.subject) continue;
    any = true;
    assigned = assigned || one.kind == Kind::Assigned;
    if (one.kind == fact.kind && one.value == fact.value) return one.yes == fact.yes;
    const bool both_equal = one.kind == Kind::Equal && fact.kind == Kind::Equal && one.yes && fact.yes;
    if (both_equal) {
      const Value &a = values_[one.value], &b = values_[fact.value];
      // Values of different types may still be the same case of a `match`.
      if (a.is_null() || b.is_null() || a.type() == b.type() || !is_case_of(a, b, locale_)) return false;
    }
    if (one.kind == Kind::Equal && one.yes && fact.kind == Kind::Truthy && values_[one.value].truthy() != fact.yes)
      return false;
    if (fact.kind == Kind::Equal && fact.yes && one.kind == Kind::Truthy && values_[fact.value].truthy() != one.yes)
      return false;
    const bool known_equal = one.kind == Kind::Equal && one.yes && fact.kind == Kind::Equal && !fact.yes;
    if (known_equal && !is_case_of(values_[fact.value], values_[one.value], locale_)) return true;  // follows
  }
  // What a new dialog has not set is null.
  if (set.fresh && !any && subjects_[fact.subject].is_name) {
    const std::string& variable = subjects_[fact.subject].variables[0];
    if (variable.find('.') == variable.npos) {
      if (fact.kind == Kind::Equal) return values_[fact.value].is_null() == fact.yes;
      if (fact.kind == Kind::Truthy) return !fact.yes;
    }
  }
  set.facts.insert(std::lower_bound(set.facts.begin(), set.facts.end(), fact), fact);
  return fact.yes || fact.kind != Kind::Equal || options_left(set, fact.subject);
}

std::optional<FlowFacts::Id> FlowFacts::assume(Id before, const Literals& literals) {
  if (literals.empty()) return before;
  Set set = sets_[before];
  for (const Fact& fact : literals)
    if (!assume(set, fact)) return std::nullopt;
  return intern(std::move(set));
}

const FlowFacts::Literals& FlowFacts::literals(const Expression& condition, bool holds) {
  static const Literals kNone;
  const auto found = known_.find(condition.identity());
  if (found == known_.end()) return kNone;
  return holds ? found->second.first : found->second.second;
}

FlowFacts::Id FlowFacts::set(Id before, std::string_view name, const Value* constant, const Question* answered) {
  const auto found = by_variable_.find(std::string(name));
  if (found == by_variable_.end()) return before;
  Set set = sets_[before];
  std::erase_if(set.facts, [&](const Fact& fact) {
    return std::find(found->second.begin(), found->second.end(), fact.subject) != found->second.end();
  });
  for (const std::uint32_t subject : found->second) {
    const auto add = [&](Kind kind, bool yes, std::uint32_t value) {
      const Fact fact{subject, kind, yes, value};
      set.facts.insert(std::lower_bound(set.facts.begin(), set.facts.end(), fact), fact);
    };
    if (set.fresh) add(Kind::Assigned, true, 0);
    const Subject& of = subjects_[subject];
    if (!of.is_name || of.name != name) continue;
    if (constant) add(Kind::Equal, true, value_of(*constant));
    if (!answered) continue;
    add(Kind::Equal, false, 0);
    if ((answered->type == QuestionType::Choice && !answered->buttons.from) || answered->type == QuestionType::YesNo)
      add(Kind::Known, true, static_cast<std::uint32_t>(answered - program_.questions.data()));
  }
  return intern(std::move(set));
}

FlowFacts::Id FlowFacts::set(Id before, const std::vector<Assignment>& assignments) {
  for (const Assignment& one : assignments) {
    const std::string variable = variable_of(one.path);
    const bool whole = one.path.size() == 1 || variable.find('.') != variable.npos;
    const std::optional<Value> constant = whole ? one.value.constant() : std::nullopt;
    before = set(before, variable, constant ? &*constant : nullptr);
  }
  return before;
}

std::vector<std::uint32_t> FlowFacts::asked_at(FlowNodeId node) const {
  std::vector<std::uint32_t> asked;
  const FlowNode& at = graph_.node(node);
  if (at.kind != FlowNode::Kind::Step) return asked;
  const auto add = [&](const std::optional<Expression>& condition) {
    const auto found = condition ? known_.find(condition->identity()) : known_.end();
    if (found == known_.end()) return;
    for (const Literals* literals : {&found->second.first, &found->second.second})
      for (const Fact& fact : *literals) asked.push_back(fact.subject);
  };
  const auto options = [&](const Buttons& buttons) {
    for (const Option& option : buttons.options) add(option.when);
  };
  const Step& step = program_.step(at.step);
  add(step.when);
  if (const Question* question = graph_.question_of(node)) {
    add(question->ask_when);
    options(question->buttons);
  }
  if (const auto* condition = std::get_if<If>(&step.verb)) add(condition->condition);
  if (const auto* choose = std::get_if<Choose>(&step.verb)) options(choose->buttons);
  if (const auto* match = std::get_if<Match>(&step.verb)) {
    const auto found = match_subjects_.find(match->subject.identity());
    if (found != match_subjects_.end()) asked.push_back(found->second);
  }
  return asked;
}

std::vector<std::uint32_t> FlowFacts::set_at(FlowNodeId node) const {
  std::vector<std::uint32_t> gone;
  const FlowNode& at = graph_.node(node);
  if (at.kind != FlowNode::Kind::Step) return gone;
  const auto add = [&](const std::string& variable) {
    const auto found = by_variable_.find(variable);
    if (found != by_variable_.end()) gone.insert(gone.end(), found->second.begin(), found->second.end());
  };
  if (const Question* question = graph_.question_of(node)) {
    const auto leads_out = [](const Option& option) { return option.target || !option.set.empty(); };
    const std::vector<Option>& options = question->buttons.options;
    if (question->type == QuestionType::Choice || std::none_of(options.begin(), options.end(), leads_out))
      add(question->name);
    return gone;
  }
  const auto& verb = program_.step(at.step).verb;
  if (const auto* assign = std::get_if<sufler::Set>(&verb))
    for (const Assignment& one : assign->assignments)
      if (one.path.size() == 1) add(one.path[0]);
  if (const auto* save = std::get_if<Save>(&verb)) add(save->into);
  if (const auto* find = std::get_if<Find>(&verb)) add(find->into);
  if (const auto* count = std::get_if<Count>(&verb)) add(count->into);
  if (const ServiceStep* service = service_of(program_.step(at.step))) add(service->into);
  if (const auto* assistant = std::get_if<AssistantStep>(&verb)) {
    add(assistant->into);
    for (const QuestionId field : assistant->fields) add(program_.question(field).name);
  }
  return gone;
}

// ---- along the graph

std::optional<FlowFacts::Id> FlowFacts::played(Id before, FlowNodeId node) {
  const FlowNode& at = graph_.node(node);
  if (at.kind != FlowNode::Kind::Step) return before;
  const Step& step = program_.step(at.step);
  // Of a row of questions the first is where `when` stands.
  if (!step.when || at.question > 0) return before;
  return assume(before, literals(*step.when, true));
}

std::optional<FlowFacts::Id> FlowFacts::follow_match(Id before, const Match& match, const FlowEdge& edge) {
  const auto subject = match_subjects_.find(match.subject.identity());
  if (subject == match_subjects_.end()) return before;
  Literals facts;
  if (edge.via == FlowVia::Case) {
    facts.push_back({subject->second, Kind::Equal, true, value_of(match.cases[edge.index].value)});
  } else {
    for (const Match::Case& one : match.cases)
      facts.push_back({subject->second, Kind::Equal, false, value_of(one.value)});
  }
  return assume(before, facts);
}

std::optional<FlowFacts::Id> FlowFacts::follow_question(Id before, const Question& question, FlowNodeId from,
                                                        const FlowEdge& edge) {
  const Value null;
  const Value* default_value = nullptr;
  std::optional<Value> constant;
  if (question.default_value) constant = question.default_value->constant();
  if (constant) default_value = &*constant;
  const bool is_null = !question.default_value;
  if (question.ask_when) {
    const auto asked = assume(before, literals(*question.ask_when, edge.via != FlowVia::NotAsked));
    if (!asked) return std::nullopt;
    before = *asked;
  }
  switch (edge.via) {
    case FlowVia::Answer: return set(before, question.name, nullptr, &question);
    case FlowVia::Skip:
    case FlowVia::NotAsked:
    case FlowVia::NoOptions: return set(before, question.name, is_null ? &null : default_value);
    case FlowVia::Otherwise:
    case FlowVia::Timeout: return set(before, question.name, &null);
    case FlowVia::Option: {
      const Option& option = *graph_.option_of(from, edge);
      const bool choice = question.type == QuestionType::Choice;
      if (choice || option.value) {
        const bool constant_label = option.label.any_of.size() == 1 && option.label.any_of[0].is_constant();
        const Value label = constant_label ? Value(option.label.any_of[0].source()) : Value();
        before = set(before, question.name, option.value ? &*option.value : constant_label ? &label : nullptr);
      }
      return set(before, option.set);
    }
    default: return before;
  }
}

std::optional<FlowFacts::Id> FlowFacts::follow(Id before, FlowNodeId from, const FlowEdge& edge) {
  if (edge.via == FlowVia::Restart) return fresh();
  const FlowNode& node = graph_.node(from);
  if (node.kind != FlowNode::Kind::Step) return before;
  const Step& step = program_.step(node.step);
  if (edge.via == FlowVia::WhenFails) return assume(before, literals(*step.when, false));
  const auto played_here = played(before, from);
  if (!played_here) return std::nullopt;
  before = *played_here;
  if (const Question* question = graph_.question_of(from)) return follow_question(before, *question, from, edge);
  if (const auto* condition = std::get_if<If>(&step.verb))
    return assume(before, literals(condition->condition, edge.via == FlowVia::Then));
  if (const auto* match = std::get_if<Match>(&step.verb)) return follow_match(before, *match, edge);
  if (const auto* assign = std::get_if<sufler::Set>(&step.verb)) return set(before, assign->assignments);
  if (const auto* choose = std::get_if<Choose>(&step.verb)) {
    if (edge.via == FlowVia::OptionOfData) return set(before, choose->into, nullptr);
    if (edge.via != FlowVia::Option) return before;
    const Option& option = choose->buttons.options[edge.index];
    if (option.when) {
      const auto shown = assume(before, literals(*option.when, true));
      if (!shown) return std::nullopt;
      before = *shown;
    }
    return set(set(before, choose->into, nullptr), option.set);
  }
  if (const auto* save = std::get_if<Save>(&step.verb)) return set(before, save->into, nullptr);
  if (const auto* find = std::get_if<Find>(&step.verb)) return set(before, find->into, nullptr);
  if (const auto* count = std::get_if<Count>(&step.verb)) return set(before, count->into, nullptr);
  if (const ServiceStep* service = service_of(step)) return set(before, service->into, nullptr);
  if (const auto* assistant = std::get_if<AssistantStep>(&step.verb)) {
    before = set(before, assistant->into, nullptr);
    for (const QuestionId field : assistant->fields) before = set(before, program_.question(field).name, nullptr);
  }
  return before;
}

FlowFacts::Id FlowFacts::command(Id before, const Command& command) {
  for (const std::string& name : command.args) before = set(before, name, nullptr);
  return before;
}

FlowFacts::Id FlowFacts::called(Id before, FlowNodeId call) {
  const FlowNode& node = graph_.node(call);
  if (node.kind != FlowNode::Kind::Step) return before;
  const auto* verb = std::get_if<Call>(&program_.step(node.step).verb);
  return verb ? set(before, verb->into, nullptr) : before;
}

}  // namespace sufler
