// Variables that are read where nothing has set them.
//
// One walk over the steps carries two sets from the entries of the scenario along everything that leads
// on, branch by branch until nothing changes: `may`, what some way has set, and `unset`, what is certainly
// unset on some way that people can really take. A use outside `may` is an error, one in `unset` a warning.
//
// To be certain of a way is the hard part, for conditions hang together: what is set where `delivery` is
// 'courier' is read where it is again. So both arms of an `if` count as possible only when it compares
// an answer that no other condition asks about; of any other condition nothing is certain inside, and
// behind it only what neither arm could have set. What a condition mentions is taken for guarded.
#include <algorithm>

#include "interpreter/core/http/order.h"
#include "interpreter/core/crm/order.h"
#include "interpreter/core/mail/html_template.h"
#include "interpreter/core/tables/similarity.h"
#include "schema/checks/flow_analysis.h"
#include "schema/flow_talk.h"
#include "schema/loading.h"

namespace sufler {
namespace {

/// A set of names, by their index.
class Bits {
 public:
  Bits() = default;
  Bits(std::size_t size, bool all) : size_(size), words_((size + 63) / 64, all ? ~std::uint64_t{0} : 0) {
    if (all && size % 64 != 0) words_.back() = (std::uint64_t{1} << size % 64) - 1;
  }
  std::size_t size() const { return size_; }
  bool operator[](std::size_t i) const { return (words_[i / 64] >> i % 64 & 1) != 0; }
  void set(std::size_t i) { words_[i / 64] |= std::uint64_t{1} << i % 64; }
  void reset(std::size_t i) { words_[i / 64] &= ~(std::uint64_t{1} << i % 64); }
  /// Whether anything is new.
  bool add(const Bits& other) {
    std::uint64_t fresh = 0;
    for (std::size_t i = 0; i < words_.size(); ++i) {
      fresh |= other.words_[i] & ~words_[i];
      words_[i] |= other.words_[i];
    }
    return fresh != 0;
  }
  void remove(const Bits& other) {
    for (std::size_t i = 0; i < words_.size(); ++i) words_[i] &= ~other.words_[i];
  }

 private:
  std::size_t size_ = 0;
  std::vector<std::uint64_t> words_;
};

struct Ways {
  Bits may, unset;
  bool alive = true;  ///< whether any way comes here
};

void add(Bits& to, const Bits& from, bool* changed = nullptr) {
  if (to.add(from) && changed) *changed = true;
}
void remove(Bits& from, const Bits& what) { from.remove(what); }

class UnsetCheck {
 public:
  explicit UnsetCheck(Loading& loading) : loading_(loading), program_(loading.program) {}

  void check() {
    collect_names();
    // Nobody writes so much by hand, and a check must take no longer than a second.
    if (names_.empty() || names_.size() * program_.branches.size() > 30'000'000 ||
        names_.size() * program_.steps.size() > 200'000'000) {
      return;
    }
    collect_tests();
    mentions_count_ = false;
    collect_changes();
    sets_ = std::move(changes_);
    mentions_count_ = true;
    collect_changes();
    collect_kept();
    entry_.assign(program_.branches.size(), {none(), none(), false});
    enter_from_outside();
    for (int round = 0; !open_.empty() && round < 200'000; ++round) {
      const std::uint32_t branch = open_.back();
      open_.pop_back();
      queued_[branch] = 0;
      walk(program_.branches[branch].block, entry_[branch]);
    }
    reporting_ = true;
    at_rule_.assign(program_.handoffs.size(), {none(), none(), false});
    for (std::uint32_t i = 0; i < entry_.size(); ++i)
      if (entry_[i].alive) walk(program_.branches[i].block, entry_[i]);
    use_texts_of_rules();
  }

 private:
  // ---- names

  Bits none() const { return Bits(names_.size(), false); }
  Bits all() const { return Bits(names_.size(), true); }

  std::optional<std::size_t> index_of(std::string_view name) const {
    const auto found = names_.find(std::string(name));
    return found == names_.end() ? std::nullopt : std::optional(found->second);
  }

  void collect_names() {
    for (std::uint32_t i = 0; i < loading_.expressions.size(); ++i)
      by_identity_.emplace(loading_.expressions[i].identity, &loading_.expressions[i]);
    std::unordered_set<std::string> locals;
    for (const Step& step : program_.steps) {
      if (const auto* call = std::get_if<Call>(&step.verb))
        for (const Assignment& one : call->with) locals.insert(one.path[0]);
      if (const auto* loop = std::get_if<For>(&step.verb)) locals.insert(loop->name);
    }
    for (const Assistant& assistant : program_.assistants)
      for (const Assistant::Tool& tool : assistant.tools)
        for (const QuestionId argument : tool.with) locals.insert(program_.question(argument).name);
    for (const std::string& name : loading_.variables)
      if (!locals.count(name)) names_.emplace(name, names_.size());
    queued_.assign(program_.branches.size(), 0);
    for (const Question& question : program_.questions) {
      Answer& answer = answers_[question.name];
      answer.certain = !answer.question;
      answer.question = &question;
    }
  }

  /// An answer that only its question sets.
  struct Answer {
    const Question* question = nullptr;
    bool certain = false;
  };

  const ExpressionAt* place_of(const Expression& expression) const {
    const auto found = by_identity_.find(expression.identity());
    return found == by_identity_.end() ? nullptr : found->second;
  }

  /// Calls `visit(use, index)` for each variable that the expression reads.
  template <class Visit>
  void each_use(const Expression& expression, Visit visit) const {
    const ExpressionAt* at = place_of(expression);
    if (!at || at->any_name || at->of_agent) return;
    for (const NameUse& use : at->written.names()) {
      const std::string& root = use.path[0];
      if (std::find(at->local_names.begin(), at->local_names.end(), root) != at->local_names.end()) continue;
      if (is_column(*at, root)) continue;
      if (const auto index = index_of(root)) visit(*at, use, *index);
    }
  }

  bool is_column(const ExpressionAt& at, const std::string& name) const {
    if (at.table == UINT32_MAX) return false;
    if (loading_.implied_tables.count(at.table)) return true;
    const std::vector<Column>& columns = program_.tables[at.table].columns;
    return std::any_of(columns.begin(), columns.end(), [&](const Column& one) { return one.name == name; });
  }

  Bits names_in(const Expression& expression) const {
    Bits names = none();
    each_use(expression, [&](const ExpressionAt&, const NameUse&, std::size_t index) { names.set(index); });
    return names;
  }

  // ---- conditions

  void test(const std::optional<Expression>& condition) {
    if (condition) test(*condition);
  }
  void test(const Expression& condition) {
    const Bits names = names_in(condition);
    for (std::size_t i = 0; i < names.size(); ++i)
      if (names[i]) ++tests_[i];
  }
  void test(const Buttons& buttons) {
    for (const Option& option : buttons.options) test(option.when);
  }

  void collect_tests() {
    tests_.assign(names_.size(), 0);
    for (const Question& question : program_.questions) {
      test(question.check);
      test(question.ask_when);
      test(question.buttons);
      if (question.default_value) open_answer(question.name);
    }
    for (const Step& step : program_.steps) {
      test(step.when);
      if (const auto* condition = std::get_if<If>(&step.verb)) test(condition->condition);
      if (const auto* match = std::get_if<Match>(&step.verb)) test(match->subject);
      if (const auto* choose = std::get_if<Choose>(&step.verb)) {
        test(choose->buttons);
        open_answer(choose->into);
        for (const Option& option : choose->buttons.options) open_answers(option.set);
      }
      if (const auto* say = std::get_if<Say>(&step.verb); say && say->buttons) {
        test(*say->buttons);
        for (const Option& option : say->buttons->options) open_answers(option.set);
      }
      if (const auto* notify = std::get_if<Notify>(&step.verb); notify && notify->buttons)
        for (const Option& option : notify->buttons->options) open_answers(option.set);
      if (const auto* set = std::get_if<Set>(&step.verb)) open_answers(set->assignments);
      if (const auto* call = std::get_if<Call>(&step.verb)) open_answer(call->into);
      if (const auto* find = std::get_if<Find>(&step.verb)) open_answer(find->into);
      if (const auto* count = std::get_if<Count>(&step.verb)) open_answer(count->into);
      if (const auto* save = std::get_if<Save>(&step.verb)) open_answer(save->into);
      if (const ServiceStep* service = service_of(step)) open_answer(service->into);
      if (const auto* assistant = std::get_if<AssistantStep>(&step.verb)) {
        open_answer(assistant->into);
        for (const QuestionId field : assistant->fields) open_answer(program_.question(field).name);
      }
    }
    for (const Question& question : program_.questions)
      for (const Option& option : question.buttons.options) open_answers(option.set);
    for (const Command& command : program_.commands)
      for (const std::string& name : command.args) open_answer(name);
  }
  void open_answer(const std::string& name) {
    const auto found = answers_.find(name);
    if (found != answers_.end()) found->second.certain = false;
  }
  void open_answers(const std::vector<Assignment>& assignments) {
    for (const Assignment& one : assignments)
      if (one.path.size() == 1) open_answer(one.path[0]);
  }

  /// The question whose answer is `name`, when anything it takes may be the answer and nothing else asks.
  const Question* free_answer(const std::string& name, const Ways& ways) const {
    const auto found = answers_.find(name);
    const auto index = index_of(name);
    if (found == answers_.end() || !found->second.certain || !index) return nullptr;
    const Question& question = *found->second.question;
    if (tests_[*index] != 1 || ways.unset[*index] || !ways.may[*index]) return nullptr;
    if (question.check || question.ask_when || question.optional || question.min || question.max ||
        !question.pattern.empty() || question.buttons.from) {
      return nullptr;
    }
    return &question;
  }

  /// Whether both outcomes of a condition are possible, whatever came before.
  bool is_free(const Expression& condition, const Ways& ways) const {
    const ExpressionAt* at = place_of(condition);
    if (!at || !at->local_names.empty()) return false;
    const std::vector<NameUse>& names = at->written.names();
    if (names.size() != 1 || names[0].path.size() != 1) return false;
    const Question* question = free_answer(names[0].path[0], ways);
    if (!question) return false;
    const auto comparison = at->written.as_comparison();
    const auto other = at->written.comparison_value();
    const std::optional<Value> value = other ? other->constant() : std::nullopt;
    switch (question->type) {
      case QuestionType::YesNo:
        return trim(at->written.source()) == names[0].path[0] || (value && value->boolean());
      case QuestionType::Choice:
        return comparison && value && (comparison->op == "==" || comparison->op == "!=") &&
               question->buttons.options.size() > 1 && is_option(*question, *value);
      case QuestionType::Text:
      case QuestionType::Name:
      case QuestionType::Number:
      case QuestionType::Money: return comparison && value && !value->is_null();
      default: return false;
    }
  }

  // ---- what parts of the scenario could change

  void sets(Bits& bits, const std::string& name) const {
    if (const auto index = index_of(name)) bits.set(*index);
  }
  void sets(Bits& bits, const std::vector<Assignment>& assignments) const {
    for (const Assignment& one : assignments)
      if (one.path.size() == 1) sets(bits, one.path[0]);
  }

  const Target& otherwise_of(const AssistantStep& step) const {
    return step.otherwise ? step.otherwise : program_.assistant(step.assistant).otherwise;
  }

  /// All that a list of steps may set, with what its conditions mention.
  void changes_of(const Target& target, Bits& bits) const {
    if (target.steps) changes_of(target.steps, bits);
    if (target.call && !changes_.empty()) add(bits, changes_[target.call.value]);
  }
  void changes_of(const Buttons& buttons, Bits& bits) const {
    for (const Option& option : buttons.options) {
      sets(bits, option.set);
      changes_of(option.target, bits);
      if (option.when) mentions(bits, *option.when);
    }
  }
  /// What a condition asks about hangs together with what is done under it.
  void mentions(Bits& bits, const Expression& condition) const {
    if (mentions_count_) add(bits, names_in(condition));
  }
  void changes_of(BlockId block, Bits& bits) const {
    for (const StepId id : program_.block(block).steps) {
      const Step& step = program_.step(id);
      if (step.when) mentions(bits, *step.when);
      std::visit([&](const auto& verb) { changes_of_verb(verb, bits); }, step.verb);
    }
  }
  template <class Verb>
  void changes_of_verb(const Verb& verb, Bits& bits) const {
    if constexpr (std::is_same_v<Verb, Choose>) {
      sets(bits, verb.into);
      changes_of(verb.buttons, bits);
      changes_of(verb.otherwise, bits);
      if (verb.timeout) changes_of(verb.timeout->target, bits);
    } else if constexpr (std::is_same_v<Verb, Ask>) {
      for (const QuestionId id : verb.questions) {
        if (!id) continue;
        const Question& question = program_.question(id);
        sets(bits, question.name);
        if (question.ask_when) mentions(bits, *question.ask_when);
        changes_of(question.buttons, bits);
        changes_of(question.otherwise, bits);
        if (question.timeout) changes_of(question.timeout->target, bits);
      }
    } else if constexpr (std::is_same_v<Verb, If>) {
      mentions(bits, verb.condition);
      changes_of(verb.then_target, bits);
      changes_of(verb.else_target, bits);
    } else if constexpr (std::is_same_v<Verb, Match>) {
      mentions(bits, verb.subject);
      for (const Match::Case& one : verb.cases) changes_of(one.target, bits);
      changes_of(verb.otherwise, bits);
    } else if constexpr (std::is_same_v<Verb, HandoffStep>) {
      for (const Target& outcome : verb.outcomes) changes_of(outcome, bits);
    } else if constexpr (std::is_base_of_v<ServiceStep, Verb>) {
      sets(bits, verb.into);
      changes_of(verb.on_error, bits);
    } else if constexpr (std::is_same_v<Verb, Mail>) {
      changes_of(verb.on_error, bits);
    } else if constexpr (std::is_same_v<Verb, AssistantStep>) {
      sets(bits, verb.into);
      for (const QuestionId field : verb.fields) sets(bits, program_.question(field).name);
      changes_of(otherwise_of(verb), bits);
      if (verb.task != AssistantStep::Task::Talk || changes_.empty()) return;
      for (const Assistant::Tool& tool : program_.assistant(verb.assistant).tools) add(bits, changes_[tool.branch.value]);
    } else if constexpr (std::is_same_v<Verb, For>) {
      if (verb.body) changes_of(verb.body, bits);
    } else if constexpr (std::is_same_v<Verb, Set>) {
      sets(bits, verb.assignments);
    } else if constexpr (std::is_same_v<Verb, Call>) {
      sets(bits, verb.into);
      if (verb.branch && !changes_.empty()) add(bits, changes_[verb.branch.value]);
    } else if constexpr (std::is_same_v<Verb, Save> || std::is_same_v<Verb, Find> ||
                         std::is_same_v<Verb, Count>) {
      sets(bits, verb.into);
    }
  }
  void collect_changes() {
    changes_.assign(program_.branches.size(), none());
    bool changed = true;
    for (int round = 0; changed && round < 50; ++round) {
      changed = false;
      for (std::uint32_t i = 0; i < changes_.size(); ++i) {
        Bits now = none();
        changes_of(program_.branches[i].block, now);
        add(changes_[i], now, &changed);
      }
    }
  }

  /// What a branch sets on some ways and leaves unset on others, so that behind a call of it nothing is certain.
  void collect_kept() {
    kept_.assign(program_.branches.size(), none());
    std::vector<std::uint8_t> called(program_.branches.size());
    for (const BranchUse& use : loading_.branch_uses)
      if (use.is_call) called[use.to.value] = 1;
    entry_.assign(program_.branches.size(), {none(), none(), false});
    summing_ = true;
    bool changed = true;
    // A call inside a call wants another round; what is not known yet counts as set.
    for (int round = 0; changed && round < 4; ++round) {
      changed = false;
      for (std::uint32_t i = 0; i < kept_.size(); ++i) {
        if (!called[i]) continue;
        left_ = {none(), none(), false};
        join(left_, walk(program_.branches[i].block, {all(), sets_[i], true}));
        if (left_.alive) add(kept_[i], left_.unset, &changed);
      }
    }
    summing_ = false;
  }

  // ---- entries

  void enter(BranchId branch, const Bits& may, const Bits& unset) {
    if (reporting_ || summing_ || !branch) return;
    Ways& entry = entry_[branch.value];
    bool changed = !std::exchange(entry.alive, true);
    add(entry.may, may, &changed);
    add(entry.unset, unset, &changed);
    if (changed && !std::exchange(queued_[branch.value], std::uint8_t{1})) open_.push_back(branch.value);
  }
  void enter(BranchId branch, const Ways& ways) { enter(branch, ways.may, ways.unset); }

  static bool is_alone(const Happening& event) { return event.kind == Happening::Kind::Webhook && !event.find_user; }

  void enter_from_outside() {
    // What the first steps of `start` set is there before a person can say a command.
    Bits later = all();
    bool start_is_command = false;
    if (program_.start) {
      Bits first = none();
      for (const StepId id : program_.block(program_.branch(program_.start).block).steps) {
        const auto& verb = program_.step(id).verb;
        if (std::holds_alternative<Ask>(verb) || std::holds_alternative<Choose>(verb)) break;
        std::visit([&](const auto& one) { changes_of_verb(one, first); }, verb);
      }
      remove(later, first);
    }
    // What may be set beside the way, while a question waits: by a command that comes back, by `fallback`.
    background_ = none();
    for (const Command& command : program_.commands) {
      for (const std::string& name : command.args) sets(background_, name);
      if (command.target.call) add(background_, changes_[command.target.call.value]);
    }
    for (const BranchId branch : {program_.fallback, program_.on_error})
      if (branch) add(background_, changes_[branch.value]);
    for (const Schedule& schedule : program_.schedules)
      if (schedule.branch && schedule.whom != Schedule::For::Nobody) add(background_, changes_[schedule.branch.value]);
    const std::vector<Happening> none_happen;
    const std::vector<Happening>& events = program_.events ? program_.events->all : none_happen;
    for (const Happening& event : events)
      if (event.branch && !is_alone(event)) add(background_, changes_[event.branch.value]);
    for (const Command& command : program_.commands) {
      start_is_command = start_is_command || std::find(command.words.begin(), command.words.end(), "/start") != command.words.end();
      Bits unset = later;
      for (const std::string& name : command.args)
        if (const auto index = index_of(name)) unset.reset(*index);
      enter(command.target.go, all(), unset);
      enter(command.target.call, all(), unset);
    }
    // With both, nothing but `restart` need ever come to `start` itself.
    enter(program_.start, background_, start_is_command && program_.fallback ? none() : all());
    enter(program_.fallback, all(), none());
    enter(program_.on_error, all(), none());
    for (const Schedule& schedule : program_.schedules) {
      // Alone it begins with nothing; what somebody's dialog holds is that dialog's.
      const bool alone = schedule.whom == Schedule::For::Nobody;
      enter(schedule.branch, alone ? none() : all(), alone ? all() : none());
    }
    for (const Happening& event : events)
      enter(event.branch, is_alone(event) ? none() : all(), is_alone(event) ? all() : none());
  }

  // ---- the walk

  void use(const Expression& expression, Ways& ways) {
    if (!reporting_ || !ways.alive) return;
    each_use(expression, [&](const ExpressionAt& at, const NameUse& use, std::size_t index) {
      if (use.guarded) return;
      const bool never = !ways.may[index];
      if (!never && !ways.unset[index]) return;
      const std::string& name = use.path[0];
      const SourceSpan span =
          at.exact ? span_inside(*at.node, loading_.sources, at.offset + use.offset, use.length) : at.node->span;
      report(name, span, never);
      // Told once on this way.
      ways.may.set(index);
      ways.unset.reset(index);
    });
  }
  void report(const std::string& name, SourceSpan span, bool never) {
    if (never) {
      hint(loading_, loading_.report(DiagnosticId::NeverSetBefore, span, {name}),
           "move this behind the step that sets it", "поставьте это после шага, который это запоминает");
      return;
    }
    const FlowWay way = way_without(name);
    // All ways were gone along, and those that seemed to lead here contradict themselves.
    if (here_ && way.verdict == FlowWay::Verdict::None) return;
    Diagnostic& problem = loading_.report(DiagnosticId::PerhapsUnset, span, {name});
    const bool russian = span.file < loading_.words_of_file.size() &&
                         loading_.words_of_file[span.file] == Language::Russian;
    const std::string guard = "`" + name + (russian ? " | по_умолчанию('…')`" : " | default('…')`");
    problem.hint_en = "set it on every way, or write " + guard;
    problem.hint_ru = "запомните его на каждом пути или напишите " + guard;
    if (way.verdict != FlowWay::Verdict::Found || way.moves.empty()) return;
    const FlowGraph& graph = flow_of(loading_).graph;
    problem.hint_en += "; for example: " + talk_of(graph, way.shown(), Language::English, 200);
    problem.hint_ru += "; например: " + talk_of(graph, way.shown(), Language::Russian, 200);
  }

  /// A way that leads here without the name having a value.
  FlowWay way_without(const std::string& name) {
    FlowWay way;
    way.verdict = FlowWay::Verdict::TooLarge;
    FlowAnalysis& flow = flow_of(loading_);
    // A talk each for a few, or for many where that is quick.
    if (!here_ || ++shown_ways_ * flow.graph.size() > std::max<std::size_t>(5 * flow.graph.size(), 200'000)) return way;
    FlowMarks ends(flow.graph.size());
    ends[FlowGraph::value(*here_)] = 1;
    FlowQuery query;
    query.ends = &ends;
    query.watched = name;
    query.limit = 200'000;
    return flow.paths().find_real(query);
  }

  void use(const std::optional<Expression>& expression, Ways& ways) {
    if (expression) use(*expression, ways);
  }
  void use(const Text& text, Ways& ways) {
    if (!reporting_) return;
    for (const Template& one : text.any_of)
      for (const Expression& expression : one.expressions()) use(expression, ways);
  }
  void use(const std::optional<Text>& text, Ways& ways) {
    if (text) use(*text, ways);
  }
  void use(const Attach& attach, Ways& ways) {
    for (const Expression& one : attach.expressions) use(one, ways);
  }
  void use(const Buttons& buttons, Ways& ways) {
    for (const Option& option : buttons.options) {
      if (option.when) continue;  // shown only under its condition
      use(option.label, ways);
      use(option.url, ways);
    }
    if (buttons.from) use(buttons.from->from, ways);
  }

  void set(Ways& ways, std::string_view name) {
    const auto index = index_of(name);
    if (!index) return;
    ways.may.set(*index);
    ways.unset.reset(*index);
  }
  void set(Ways& ways, const std::vector<Assignment>& assignments) {
    for (const Assignment& one : assignments) {
      use(one.value, ways);
      if (one.path.size() == 1) set(ways, one.path[0]);
    }
  }

  static void join(Ways& into, const Ways& other) {
    if (!other.alive) return;
    if (!into.alive) {
      into = other;
      return;
    }
    add(into.may, other.may);
    add(into.unset, other.unset);
  }

  void call(BranchId branch, Ways& ways) {
    if (!branch) return;
    enter(branch, ways);
    add(ways.may, changes_[branch.value]);
    Bits set = changes_[branch.value];
    remove(set, kept_[branch.value]);
    remove(ways.unset, set);
  }

  void follow(const Target& target, Ways& ways) {
    if (target.go) {
      enter(target.go, ways);
      ways.alive = false;
    } else if (target.call) {
      call(target.call, ways);
    } else if (target.steps) {
      ways = walk(target.steps, std::move(ways));
    }
  }

  /// A way that is possible only under some condition: nothing is certain in it.
  Ways uncertain(const Ways& ways) const {
    Ways result = ways;
    result.unset = none();
    return result;
  }

  /// What is certain behind arms of which nobody knows which is taken: what none of them changed.
  void join_uncertain(Ways& ways, const std::vector<const Target*>& arms, const Bits& mentioned) {
    Bits unset = ways.unset;
    remove(unset, mentioned);
    Ways behind = ways;
    behind.alive = false;
    bool all_come_back = true;
    for (const Target* arm : arms) {
      Ways one = uncertain(ways);
      Bits changed = none();
      changes_of(*arm, changed);
      remove(unset, changed);
      follow(*arm, one);
      all_come_back = all_come_back && one.alive;
      join(behind, one);
    }
    ways = std::move(behind);
    ways.unset = all_come_back ? std::move(unset) : none();
  }

  Ways walk(BlockId block, Ways ways) {
    for (const StepId id : program_.block(block).steps) {
      if (!ways.alive) break;
      const Step& step = program_.step(id);
      if (reporting_) here_ = flow_of(loading_).graph.node_of(id);
      if (!step.when) {
        std::visit([&](const auto& verb) { play(verb, ways); }, step.verb);
        continue;
      }
      Bits changed = names_in(*step.when);
      if (is_free(*step.when, ways)) {
        Ways skipped = ways;
        std::visit([&](const auto& verb) { play(verb, ways); }, step.verb);
        join(skipped, ways);
        ways = std::move(skipped);
        remove(ways.unset, changed);
        continue;
      }
      Bits unset = ways.unset;
      std::visit([&](const auto& verb) { changes_of_verb(verb, changed); }, step.verb);
      remove(unset, changed);
      Ways skipped = ways;
      Ways taken = uncertain(ways);
      std::visit([&](const auto& verb) { play(verb, taken); }, step.verb);
      if (!taken.alive) unset = none();
      join(skipped, taken);
      ways = std::move(skipped);
      ways.unset = std::move(unset);
    }
    return ways;
  }

  // ---- verbs

  void play(const If& verb, Ways& ways) {
    const Bits mentioned = names_in(verb.condition);
    if (!is_free(verb.condition, ways))
      return join_uncertain(ways, {&verb.then_target, &verb.else_target}, mentioned);
    Ways other = ways;
    follow(verb.then_target, ways);
    follow(verb.else_target, other);
    join(ways, other);
  }

  void play(const Match& verb, Ways& ways) {
    std::vector<const Target*> arms;
    for (const Match::Case& one : verb.cases) arms.push_back(&one.target);
    const ExpressionAt* at = place_of(verb.subject);
    const bool name = at && at->written.names().size() == 1 && at->local_names.empty() &&
                      trim(at->written.source()) == at->written.names()[0].path[0];
    const Question* question = name ? free_answer(at->written.names()[0].path[0], ways) : nullptr;
    const bool choice = question && question->type == QuestionType::Choice;
    if (!choice) {
      arms.push_back(&verb.otherwise);
      return join_uncertain(ways, arms, names_in(verb.subject));
    }
    const Locale locale{program_.language, program_.zone};
    const Ways before = ways;
    ways.alive = false;
    std::size_t covered = 0;
    for (const Option& option : question->buttons.options) {
      const bool constant = option.label.any_of.size() == 1 && option.label.any_of[0].is_constant();
      const Value value = option.value ? *option.value : constant ? Value(option.label.any_of[0].source()) : Value();
      covered += std::any_of(verb.cases.begin(), verb.cases.end(),
                             [&](const Match::Case& one) { return is_case_of(one.value, value, locale); });
    }
    for (const Target* arm : arms) {
      Ways one = before;
      follow(*arm, one);
      join(ways, one);
    }
    Ways rest = covered < question->buttons.options.size() ? before : uncertain(before);
    follow(verb.otherwise, rest);
    // With every option in a case, what comes past them is no way at all.
    if (covered < question->buttons.options.size() || verb.otherwise) join(ways, rest);
  }

  void play_options(const Buttons& buttons, const std::string& into, const Ways& before, Ways& behind) {
    for (const Option& option : buttons.options) {
      if (option.url) continue;
      Ways one = option.when ? uncertain(before) : before;
      set(one, into);
      set(one, option.set);
      follow(option.target, one);
      join(behind, one);
    }
  }

  void play(const Choose& verb, Ways& ways) {
    use(verb.text, ways);
    use(verb.attach, ways);
    use(verb.buttons, ways);
    for (const Reminder& one : verb.reminders) use(one.text, ways);
    Ways behind = ways;
    behind.alive = false;
    play_options(verb.buttons, verb.into, ways, behind);
    if (verb.buttons.from) {
      Ways one = ways;
      set(one, verb.into);
      join(behind, one);
    }
    if (verb.otherwise) {
      Ways other = ways;
      follow(verb.otherwise, other);  // steps return to the choice
    }
    if (verb.timeout) {
      Ways late = ways;
      follow(verb.timeout->target, late);
      join(behind, late);
    }
    // An option whose `when` reads a name shows that its author thought of it.
    for (const Option& option : verb.buttons.options)
      if (option.when) remove(behind.unset, names_in(*option.when));
    ways = std::move(behind);
  }

  /// Whether some message is a wrong answer.
  static bool refuses(const Question& question) {
    const bool any_text = question.type == QuestionType::Text || question.type == QuestionType::Name ||
                          question.type == QuestionType::Any;
    return !any_text || question.min || question.max || !question.pattern.empty() || question.check;
  }

  void play(const Ask& verb, Ways& ways) {
    const std::optional<FlowNodeId> first = here_;
    for (std::uint32_t row = 0; row < verb.questions.size(); ++row) {
      if (!ways.alive) return;
      if (first) here_ = FlowNodeId{FlowGraph::value(*first) + row};
      if (verb.questions[row]) ask(program_.question(verb.questions[row]), ways);
    }
  }

  void ask(const Question& question, Ways& ways) {
    // Passed over it is null, which is certain where nothing but this asks what is asked here.
    const bool passed_over = question.ask_when && !question.default_value && is_free(*question.ask_when, ways);
    if (question.ask_when) remove(ways.unset, names_in(*question.ask_when));
    Ways before = question.ask_when && !passed_over ? uncertain(ways) : ways;
    use(question.text, before);
    use(question.attach, before);
    use(question.buttons, before);
    for (const Reminder& one : question.reminders) use(one.text, before);
    const auto leave = [&](const Target& target, bool certain) {
      Ways left = certain ? before : uncertain(before);
      const auto index = index_of(question.name);
      if (index) left.may.set(*index);  // it is null then
      if (index && certain && !question.ask_when) left.unset.set(*index);
      follow(target, left);
      return left;
    };
    Ways behind = ways;
    set(behind, question.name);
    if (const auto index = index_of(question.name); passed_over && index) behind.unset.set(*index);
    if (question.otherwise && question.attempts > 0) join(behind, leave(question.otherwise, refuses(question)));
    if (question.timeout) join(behind, leave(question.timeout->target, true));
    for (const Option& option : question.buttons.options) {
      if (!option.target && option.set.empty()) continue;
      Ways one = option.when ? uncertain(before) : before;
      set(one, question.name);
      set(one, option.set);
      follow(option.target, one);
      join(behind, one);
    }
    ways = std::move(behind);
  }

  void play(const For& verb, Ways& ways) {
    use(verb.in, ways);
    if (!verb.body) return;
    Bits changed = none();
    changes_of(verb.body, changed);
    Ways body = uncertain(ways);
    add(body.may, changed);  // by the turns before
    body = walk(verb.body, std::move(body));
    Bits unset = ways.unset;
    remove(unset, changed);
    join(ways, body);
    ways.unset = std::move(unset);
  }

  void play(const Say& verb, Ways& ways) {
    use(verb.text, ways);
    use(verb.attach, ways);
    if (!verb.buttons) return;
    use(*verb.buttons, ways);
    offer(*verb.buttons, ways.unset, ways);
  }
  void play(const Notify& verb, Ways& ways) {
    use(verb.user, ways);
    use(verb.text, ways);
    use(verb.attach, ways);
    if (!verb.buttons) return;
    use(*verb.buttons, ways);
    // Pressed by others, in dialogs of their own.
    offer(*verb.buttons, all(), ways);
  }
  /// Buttons that nobody waits for: pressed at any time later.
  void offer(const Buttons& buttons, const Bits& unset, Ways& ways) {
    for (const Option& option : buttons.options) {
      Ways pressed{all(), option.when ? none() : unset, true};
      set(pressed, option.set);
      follow(option.target, pressed);
      Bits set_later = none();
      sets(set_later, option.set);
      changes_of(option.target, set_later);
      add(ways.may, set_later);
      remove(ways.unset, set_later);
    }
  }

  void play(const Set& verb, Ways& ways) { set(ways, verb.assignments); }
  void play(const Go& verb, Ways& ways) { follow(Target{verb.branch, {}, {}}, ways); }
  void play(const Call& verb, Ways& ways) {
    for (const Assignment& one : verb.with) use(one.value, ways);
    call(verb.branch, ways);
    set(ways, verb.into);
  }
  void play(const Return& verb, Ways& ways) {
    use(verb.value, ways);
    if (summing_) join(left_, ways);
    ways.alive = false;
  }
  void play(const Back&, Ways& ways) { ways.alive = false; }
  void play(const End&, Ways& ways) { ways.alive = false; }
  void play(const Restart&, Ways& ways) {
    enter(program_.start, background_, all());
    ways.alive = false;
  }
  void play(const Wait& verb, Ways& ways) {
    use(verb.until, ways);
    use(verb.duration_expression, ways);
  }
  void play(const ScheduleStep& verb, Ways& ways) {
    use(verb.in_expression, ways);
    use(verb.at, ways);
    if (!verb.branch) return;
    // It begins some time later, when more may be set.
    enter(verb.branch, all(), ways.unset);
    add(ways.may, changes_[verb.branch.value]);
    remove(ways.unset, changes_[verb.branch.value]);
  }
  void play(const CancelStep&, Ways&) {}
  void play(const BroadcastStep& verb, Ways& ways) {
    use(verb.text, ways);
    use(verb.attach, ways);
    use(verb.where, ways);
    for (const Assignment& one : verb.with) use(one.value, ways);
    // It begins in dialogs of others, and what those hold is theirs.
    if (verb.branch) enter(verb.branch, all(), none());
  }
  void play(const Save& verb, Ways& ways) {
    if (verb.values)
      for (const ColumnValue& one : *verb.values) use(one.value, ways);
    set(ways, verb.into);
  }
  void play(const Find& verb, Ways& ways) {
    use(verb.where, ways);
    use(verb.limit, ways);
    if (verb.similar)
      for (const Similarity::Near& one : verb.similar->near) use(one.to, ways);
    set(ways, verb.into);
  }
  void play(const Count& verb, Ways& ways) {
    use(verb.where, ways);
    set(ways, verb.into);
  }
  void play(const Update& verb, Ways& ways) {
    use(verb.where, ways);
    for (const ColumnValue& one : verb.values) use(one.value, ways);
  }
  void play(const Delete& verb, Ways& ways) { use(verb.where, ways); }
  void play(const HandoffStep& verb, Ways& ways) {
    const HandoffRule* rule = verb.rule ? &program_.handoffs[verb.rule.value] : nullptr;
    const bool relays = rule && rule->mode == HandoffRule::Mode::Relay;
    if (rule && !relays) enter(rule->resume_go ? rule->resume_go : program_.start, ways);
    if (relays) {
      if (rule->hours) enter(rule->hours->otherwise, ways);
      if (reporting_) join(at_rule_[verb.rule.value], ways);
    }
    Ways behind = ways;
    behind.alive = false;
    for (const Target& outcome : verb.outcomes) {
      if (!outcome && !relays) continue;
      Ways one = ways;
      follow(outcome, one);
      join(behind, one);
    }
    ways = std::move(behind);
  }
  /// Texts of rules and desks are told in the dialogs that are handed over, by whichever step.
  void use_texts_of_rules() {
    here_.reset();
    std::vector<Ways> at_desk(program_.desks.size(), {none(), none(), false});
    for (std::size_t i = 0; i < at_rule_.size(); ++i) {
      const HandoffRule& rule = program_.handoffs[i];
      Ways& ways = at_rule_[i];
      if (rule.desk) join(at_desk[rule.desk.value], ways);
      for (const std::optional<Text>* text : {&rule.queue, &rule.greeting, &rule.closed_text}) use(*text, ways);
    }
    for (std::size_t i = 0; i < at_desk.size(); ++i)
      for (const Desk::Reply& reply : program_.desks[i].replies) use(reply.text, at_desk[i]);
  }

  /// The result's name holds the error of a failure, too.
  void play_service(const ServiceStep& verb, Ways& ways) {
    set(ways, verb.into);
    Ways failed = ways;
    follow(verb.on_error, failed);
    if (verb.on_error) join(ways, failed);
  }
  void play(const Run& verb, Ways& ways) {
    for (const Assignment& one : verb.with) use(one.value, ways);
    play_service(verb, ways);
  }
  void play(const HttpStep& verb, Ways& ways) {
    for (const Expression& expression : verb.order->expressions()) use(expression, ways);
    play_service(verb, ways);
  }
  void play(const CrmStep& verb, Ways& ways) {
    each_expression(*verb.order, [&](const Expression& one) { use(one, ways); });
    use(verb.order->text, ways);
    play_service(verb, ways);
  }
  void play(const ReportStep& verb, Ways& ways) {
    use(verb.title, ways);
    use(verb.where, ways);
    for (const ReportStep::Column& column : verb.columns) use(column.value, ways);
    use(verb.period.from, ways);
    use(verb.period.to, ways);
    Ways failed = ways;
    set(ways, verb.into);
    follow(verb.on_error, failed);
    if (verb.on_error) join(ways, failed);
  }
  void play(const Mail& verb, Ways& ways) {
    for (const Template& one : verb.to)
      for (const Expression& expression : one.expressions()) use(expression, ways);
    use(verb.subject, ways);
    use(verb.text, ways);
    use(verb.attach, ways);
    use(verb.report, ways);
    std::size_t conditions = 0;  // what stands under one may ask about it first
    std::vector<bool> open;
    const std::vector<HtmlTemplate::Part> none;
    for (const HtmlTemplate::Part& part : verb.html ? verb.html->parts() : none) {
      using What = HtmlToken::What;
      if (part.what == What::If || part.what == What::For) {
        open.push_back(part.what == What::If);
        conditions += open.back() ? 1 : 0;
      } else if (part.what == What::End && !open.empty()) {
        conditions -= open.back() ? 1 : 0;
        open.pop_back();
      } else if (part.what == What::Value && !part.history && conditions == 0) {
        use(part.expression, ways);
      }
    }
    Ways failed = ways;
    follow(verb.on_error, failed);
    if (verb.on_error) join(ways, failed);
  }
  void play(const AssistantStep& verb, Ways& ways) {
    use(verb.text, ways);
    use(verb.prompt, ways);
    Ways failed = ways;
    if (verb.task == AssistantStep::Task::Talk) {
      // Any of its branches may have been called, in any order, or none.
      for (const Assistant::Tool& tool : program_.assistant(verb.assistant).tools) {
        Ways called = uncertain(ways);
        add(called.may, changes_[tool.branch.value]);
        enter(tool.branch, called);
        add(ways.may, changes_[tool.branch.value]);
        remove(ways.unset, changes_[tool.branch.value]);
      }
      failed = ways;
      use(verb.until, ways);
      ways.alive = ways.alive && verb.until;
    }
    set(ways, verb.into);
    for (const QuestionId field : verb.fields) set(ways, program_.question(field).name);
    if (verb.task == AssistantStep::Task::Forget) return;
    const Target& otherwise = otherwise_of(verb);
    if (!otherwise) return;
    // It is null then, which is set.
    set(failed, verb.into);
    for (const QuestionId field : verb.fields) set(failed, program_.question(field).name);
    follow(otherwise, failed);
    join(ways, failed);
  }
  void play(const Log& verb, Ways& ways) { use(verb.text, ways); }
  void play(const Track&, Ways&) {}

  Loading& loading_;
  const Program& program_;
  std::unordered_map<std::string, std::size_t> names_;
  std::unordered_map<const void*, const ExpressionAt*> by_identity_;
  std::unordered_map<std::string, Answer> answers_;
  std::vector<std::uint32_t> tests_;  ///< by name: how many conditions ask about it
  Bits background_;
  std::vector<Bits> changes_;         ///< by branch
  std::vector<Bits> sets_;            ///< by branch, without what its conditions ask about
  std::vector<Bits> kept_;            ///< by branch
  Ways left_;                         ///< of the branch that is summed up: where it ends
  std::vector<Ways> entry_;           ///< by branch
  std::vector<Ways> at_rule_;         ///< by handoff rule: where its clients come from
  std::vector<std::uint32_t> open_;
  std::vector<std::uint8_t> queued_;
  bool reporting_ = false, summing_ = false, mentions_count_ = true;
  std::optional<FlowNodeId> here_;    ///< what is being played
  std::size_t shown_ways_ = 0;
};

}  // namespace

void check_unset(Loading& loading) {
  // Where something could not be read, what it would have set is not known.
  if (!loading.flow_is_known || !loading.questions_are_known || loading.diagnostics.has_errors()) return;
  if (!loading.program.branches.empty()) UnsetCheck(loading).check();
}

}  // namespace sufler
