// Types that are certain before anything runs: of answers by their question, of what `set` and `into` give, of
// settings, of the fields of a person and of columns. A variable that may hold values of two types, or what
// nobody can know, is of no certain type, and nothing is said of it: only certain mistakes are errors.
#include <algorithm>
#include <map>
#include <set>

#include "interpreter/core/expression_shapes.h"
#include "interpreter/core/http/order.h"
#include "interpreter/core/crm/order.h"
#include "interpreter/core/tables/similarity.h"
#include "schema/loading.h"

namespace sufler {
namespace {

using T = ValueType;

T column_value(ColumnType type) {
  switch (type) {
    case ColumnType::Text: return T::Text;
    case ColumnType::Number:
    case ColumnType::Integer: return T::Number;
    case ColumnType::Boolean: return T::Boolean;
    case ColumnType::Date: return T::Date;
    case ColumnType::Time: return T::Time;
    case ColumnType::DateTime: return T::Moment;
    case ColumnType::File: return T::File;
    case ColumnType::Files:
    case ColumnType::List: return T::List;
    case ColumnType::Map: return T::Map;
  }
  return T::Null;
}

/// What a reader of answers gives; Null when several types are possible.
T answer_type(const Question& question) {
  T type = T::Null;
  switch (question.type) {
    case QuestionType::Text:
    case QuestionType::Name:
    case QuestionType::Phone:
    case QuestionType::Email:
    case QuestionType::Url: type = T::Text; break;
    case QuestionType::Number:
    case QuestionType::Money:
    case QuestionType::Rating: type = T::Number; break;
    case QuestionType::Date: type = T::Date; break;
    case QuestionType::Time: type = T::Time; break;
    case QuestionType::DateTime: type = T::Moment; break;
    case QuestionType::YesNo: type = T::Boolean; break;
    case QuestionType::Choices: return T::List;
    case QuestionType::Location:
    case QuestionType::Contact: type = T::Map; break;
    case QuestionType::Photo:
    case QuestionType::File: type = T::File; break;
    case QuestionType::Files: return T::List;
    case QuestionType::Any: return T::Null;
    case QuestionType::Choice: break;
  }
  if (question.buttons.from) return T::Null;
  const bool choice = question.type == QuestionType::Choice;
  for (const Option& option : question.buttons.options) {
    // An option may store a value of its own, whatever the question reads.
    const T own = option.value ? option.value->type() : choice ? T::Text : type;
    if (type == T::Null) type = own;
    if (own != type) return T::Null;
  }
  return type;
}

/// One way in which a name gets a value.
struct Setter {
  const Expression* value = nullptr;
  const Question* question = nullptr;
  T type = T::Null;  ///< when neither: of whatever sets it
  ShapeRef shape = nullptr;            ///< of what a step gives
  const Expression* each = nullptr;    ///< the list whose items it is, one after the other
};

ShapeRef shape_with(std::vector<std::string> members) { return std::make_shared<const Shape>(Shape{std::move(members), nullptr}); }

class TypeCheck {
 public:
  explicit TypeCheck(Loading& loading) : loading_(loading), program_(loading.program) {
    for (std::uint32_t i = 0; i < loading.expressions.size(); ++i)
      by_identity_.emplace(loading.expressions[i].identity, i);
  }

  void check() {
    collect();
    settle();
    settle_shapes();
    for (const ExpressionAt& at : loading_.expressions) {
      std::vector<ExpressionError> errors;
      at.written.known_type(Names(*this, at), &errors);
      for (const ExpressionError& error : errors)
        report_expression_error(loading_, error, *at.node, at.offset, at.exact);
      check_options(at);
      check_members(at);
    }
    for (const Step& step : program_.steps)
      std::visit([&](const auto& verb) { check_verb(step, verb); }, step.verb);
    for (const Question& question : program_.questions) check_buttons(question.buttons);
    for (const HandoffRule& rule : program_.handoffs)
      for (const HandoffRule::Assign& way : rule.assign) wants(way.condition, {T::Boolean});
  }

 private:
  /// What the names of one expression are.
  class Names final : public NameTypes {
   public:
    Names(const TypeCheck& types, const ExpressionAt& at) : types_(types), at_(at) {}
    T type_of(const NameUse& use, std::size_t& parts) const override {
      return types_.type_of_name(at_, use, parts);
    }

   private:
    const TypeCheck& types_;
    const ExpressionAt& at_;
  };

  T type_of_name(const ExpressionAt& at, const NameUse& use, std::size_t& parts) const {
    const std::string& root = use.path[0];
    parts = 1;
    if (at.of_agent) return type_of_agent(root);
    if (at.any_name) return T::Null;
    const auto& locals = at.local_names;
    if (std::find(locals.begin(), locals.end(), root) != locals.end()) {
      const auto checked = checked_.find(at.identity);
      const bool is_value = find_word(root, in::SystemName) == Word::ValueWord;
      return is_value && checked != checked_.end() ? answer_type(*checked->second) : T::Null;
    }
    if (at.table != UINT32_MAX) {
      if (loading_.implied_tables.count(at.table)) return T::Null;
      if (root == "id" || root == "dialog_id") return T::Number;
      if (root == "user_id") return T::Text;
      if (root == "created_at") return T::Moment;
      for (const Column& column : program_.tables[at.table].columns)
        if (column.name == root) return column_value(column.type);
    }
    const std::string* member = use.path.size() > 1 ? &use.path[1] : nullptr;
    switch (find_word(root, in::SystemName)) {
      case Word::User:
        if (!member) return T::Map;
        parts = 2;
        return type_of_user_field(*member);
      case Word::MessageWord: {
        if (!member) return T::Map;
        parts = 2;
        const Word field = find_word(*member, in::MessageField);
        const std::string name = field == Word::None ? *member : std::string(spelling(field, Language::English));
        if (name == "attachments" || name == "args") return T::List;
        return name == "text" || name == "payload" || name == "command" ? T::Text : T::Null;
      }
      case Word::Settings: {
        const Value* value = member ? program_.settings.find(*member) : nullptr;
        if (!value) return T::Null;
        parts = 2;
        while (parts < use.path.size() && value->map() && value->map()->find(use.path[parts]))
          value = value->map()->find(use.path[parts++]);
        return value->map() ? T::Null : value->type();
      }
      case Word::Shared:
        if (!member) return T::Map;
        parts = 2;
        return known(shared_, *member);
      case Word::Vars:
        if (!member) return T::Map;
        parts = 2;
        return known(variables_, *member);
      case Word::Handoff:
        if (!member) return T::Map;
        parts = 2;
        return type_of_handoff(*member);
      case Word::Chat:
      case Word::Event:
      case Word::Texts: return T::Null;
      default: return known(variables_, root);
    }
  }

  static T type_of_agent(const std::string& name) {
    switch (find_word(name, in::AssignName)) {
      case Word::Available:
      case Word::AgentLast: return T::Boolean;
      case Word::Seen:
      case Word::AgentIdle: return T::Duration;
      case Word::AgentOpen: return T::Number;
      case Word::AgentName: return T::Text;
      default: return T::Null;
    }
  }

  static T type_of_handoff(const std::string& field) {
    switch (find_word(field, in::HandoffField)) {
      case Word::HandoffActive: return T::Boolean;
      case Word::HandoffSince: return T::Moment;
      case Word::HandoffNumber:
      case Word::HandoffPosition: return T::Number;
      case Word::HandoffWait: return T::Duration;
      case Word::HandoffRuleName:
      case Word::HandoffAgent:
      case Word::HandoffOutcomeName: return T::Text;
      default: return T::Null;
    }
  }

  T type_of_user_field(const std::string& name) const {
    const Word field = find_word(name, in::UserField);
    const std::string english = field == Word::None ? name : std::string(spelling(field, Language::English));
    if (english == "created_at") return T::Moment;
    for (const char* text : {"id", "first_name", "last_name", "username", "language", "phone", "platform"})
      if (english == text) return T::Text;
    return known(users_, name);
  }

  struct Known {
    std::vector<Setter> setters;
    T type = T::Null;
    ShapeRef shape = nullptr;
  };
  using NameMap = std::unordered_map<std::string, Known>;

  static T known(const NameMap& names, const std::string& name) {
    const auto found = names.find(name);
    return found == names.end() ? T::Null : found->second.type;
  }

  // ---- what sets what

  void sets(const std::string& name, Setter setter) {
    if (!name.empty()) variables_[name].setters.push_back(setter);
  }
  void sets(const std::vector<Assignment>& assignments) {
    for (const Assignment& one : assignments) {
      if (one.path.size() == 1) sets(one.path[0], {&one.value, nullptr, T::Null});
      if (one.path.size() == 2) (one.path[0] == "user" ? users_ : shared_)[one.path[1]].setters.push_back({&one.value, nullptr, T::Null});
    }
  }
  void sets(const Buttons& buttons) {
    for (const Option& option : buttons.options) sets(option.set);
  }

  void collect() {
    for (const Question& question : program_.questions) {
      sets(question.name, {nullptr, &question, T::Null});
      if (question.default_value) sets(question.name, {&*question.default_value, nullptr, T::Null});
      sets(question.buttons);
      if (question.check) checked_.emplace(question.check->identity(), &question);
      if (question.confirm) {
        for (const Template& text : question.confirm->any_of)
          for (const Expression& one : text.expressions()) checked_.emplace(one.identity(), &question);
      }
    }
    for (const Step& step : program_.steps) {
      if (const auto* set = std::get_if<Set>(&step.verb)) sets(set->assignments);
      if (const auto* say = std::get_if<Say>(&step.verb); say && say->buttons) sets(*say->buttons);
      if (const auto* notify = std::get_if<Notify>(&step.verb); notify && notify->buttons) sets(*notify->buttons);
      if (const auto* choose = std::get_if<Choose>(&step.verb)) sets(choose->into, {}), sets(choose->buttons);
      if (const auto* call = std::get_if<Call>(&step.verb)) {
        sets(call->into, {});
        // Local to the called branch, where they hide the dialog's: of no certain type there.
        for (const Assignment& one : call->with) sets(one.path[0], {});
      }
      if (const auto* loop = std::get_if<For>(&step.verb)) sets(loop->name, {nullptr, nullptr, T::Null, nullptr, &loop->in}), loops_.insert(loop->name);
      if (const auto* find = std::get_if<Find>(&step.verb)) sets(find->into, {nullptr, nullptr, T::List, rows_of(find->table, find->similar != nullptr)->list});
      if (const auto* count = std::get_if<Count>(&step.verb)) sets(count->into, {nullptr, nullptr, T::Number});
      if (const auto* save = std::get_if<Save>(&step.verb)) sets(save->into, {nullptr, nullptr, T::Map, rows_of(save->table, false)->row});
      if (std::holds_alternative<Run>(step.verb) || std::holds_alternative<HttpStep>(step.verb) || std::holds_alternative<CrmStep>(step.verb))
        sets(service_of(step)->into, {nullptr, nullptr, T::Null, shape_of_result(step)});
      if (const auto* report = std::get_if<ReportStep>(&step.verb)) sets(report->into, {nullptr, nullptr, T::File});
      if (const auto* assistant = std::get_if<AssistantStep>(&step.verb)) sets(assistant->into, {nullptr, nullptr, T::Text});
    }
    for (const HandoffRule& rule : program_.handoffs)
      if (rule.ask_name) users_["name"].setters.push_back({nullptr, nullptr, T::Text});
    for (const Command& command : program_.commands)
      for (const std::string& name : command.args) sets(name, {nullptr, nullptr, T::Text});
    // What something else sets that is not listed above: a step of a later version.
    for (const std::string& name : loading_.variables)
      if (variables_.find(name) == variables_.end()) variables_[name].setters.push_back({});
  }

  const ExpressionAt* place_of(const Expression& expression) const {
    const auto found = by_identity_.find(expression.identity());
    return found == by_identity_.end() ? nullptr : &loading_.expressions[found->second];
  }

  T type_of(const Expression& expression) const {
    const ExpressionAt* at = place_of(expression);
    return at ? at->written.known_type(Names(*this, *at), nullptr) : expression.known_type();
  }

  T settled(const Known& name) const {
    T type = T::Null;
    for (const Setter& setter : name.setters) {
      if (setter.value && setter.value->constant() && setter.value->constant()->is_null()) continue;
      const T one = setter.value      ? type_of(*setter.value)
                    : setter.question ? answer_type(*setter.question)
                                      : setter.type;
      if (one == T::Null || (type != T::Null && one != type)) return T::Null;
      type = one;
    }
    return type;
  }

  // ---- what is known of the inside of values

  struct Rows {
    ShapeRef row, list;
  };
  /// Of a table that is described; the same for all steps that read it alike.
  const Rows* rows_of(TableId id, bool near) {
    static const Rows kUnknown;
    if (!described(id)) return &kUnknown;
    Rows& rows = rows_[{id.value, near}];
    if (rows.row) return &rows;
    std::vector<std::string> members = {"id", "user_id", "dialog_id", "created_at"};
    for (const Column& column : program_.tables[id.value].columns) members.push_back(column.name);
    if (near) members.insert(members.end(), {std::string(kSimilarityName), std::string(kDistanceName)});
    rows.row = shape_with(std::move(members));
    rows.list = std::make_shared<const Shape>(Shape{{}, rows.row});
    return &rows;
  }

  /// What a service gives, where the language says it: of a program nobody knows.
  static ShapeRef shape_of_result(const Step& step) {
    static const ShapeRef http = shape_with({"status", "json", "text", "error"});
    static const ShapeRef lead = shape_with({"id", "url", "contact_id", "contact_url", "made", "merged", "error"});
    static const ShapeRef contact = shape_with({"id", "url", "made", "error"});
    static const ShapeRef other = shape_with({"id", "url", "error"});
    if (std::holds_alternative<HttpStep>(step.verb)) return http;
    const auto* crm = std::get_if<CrmStep>(&step.verb);
    if (!crm) return nullptr;
    return crm->order->what == CrmOrder::Do::Lead ? lead : crm->order->what == CrmOrder::Do::Contact ? contact : other;
  }

  ShapeRef shape_of_name(const ExpressionAt& at, const NameUse& use, std::size_t& parts) const {
    if (at.any_name || at.of_agent) return nullptr;
    const std::string* name = &use.path[0];
    const auto& locals = at.local_names;
    if (std::find(locals.begin(), locals.end(), *name) != locals.end()) {
      // A letter has loops of its own, and whatever else is local is no row.
      if (!loops_.contains(*name) || loading_.sources.path(at.node->span.file).ends_with(".html")) return nullptr;
    } else {
      if (at.table != UINT32_MAX) {
        if (loading_.implied_tables.count(at.table)) return nullptr;
        const std::vector<Column>& columns = program_.tables[at.table].columns;
        if (std::any_of(columns.begin(), columns.end(), [&](const Column& column) { return column.name == *name; })) return nullptr;
      }
      const Word word = find_word(*name, in::SystemName);
      if (word == Word::Vars && use.path.size() > 1) {
        name = &use.path[1];
        parts = 2;
      } else if (word != Word::None) {
        return nullptr;
      }
    }
    const auto found = variables_.find(*name);
    return found == variables_.end() ? nullptr : found->second.shape;
  }

  ShapeRef shape_of(const Expression& expression, std::vector<MissingMember>* missing = nullptr) const {
    const ExpressionAt* at = place_of(expression);
    return at ? shape_at(*at, missing) : nullptr;
  }
  ShapeRef shape_at(const ExpressionAt& at, std::vector<MissingMember>* missing) const {
    return sufler::shape_of(at.written, [&](const NameUse& use, std::size_t& parts) { return shape_of_name(at, use, parts); }, missing);
  }

  /// Of a name that always holds the same.
  ShapeRef settled_shape(const Known& name) const {
    ShapeRef shape;
    for (const Setter& setter : name.setters) {
      if (setter.value && setter.value->constant() && setter.value->constant()->is_null()) continue;
      ShapeRef one = setter.shape;
      if (setter.value) one = shape_of(*setter.value);
      if (setter.each) {
        const ShapeRef list = shape_of(*setter.each);
        one = list ? list->item : nullptr;
      }
      if (!one || (shape && one != shape)) return nullptr;
      shape = std::move(one);
    }
    return shape;
  }

  void settle_shapes() {
    bool changed = true;
    for (int round = 0; changed && round < 8; ++round) {
      changed = false;
      for (auto& [name, one] : variables_) {
        if (one.shape) continue;
        one.shape = settled_shape(one);
        changed = changed || one.shape;
      }
    }
  }

  void check_members(const ExpressionAt& at) {
    std::vector<MissingMember> missing;
    shape_at(at, &missing);
    for (const MissingMember& one : missing) {
      const SourceSpan span = at.exact && at.node->is_scalar() ? span_inside(*at.node, loading_.sources, at.offset + one.offset, one.length) : at.node->span;
      Diagnostic& problem = loading_.report(DiagnosticId::UnknownMember, span, {one.owner, one.member});
      offer(loading_, problem, one.member, one.of->members, false);
      if (!problem.hint_en.empty()) continue;
      std::string all;
      for (const std::string& member : one.of->members) {
        if (all.size() > 200) break;
        all += (all.empty() ? "`" : ", `") + member + "`";
      }
      hint(loading_, problem, "it has " + all, "там есть " + all);
    }
  }

  /// Nothing is known at first; each round knows more, from what is known of other names.
  void settle() {
    bool changed = true;
    for (int round = 0; changed && round < 8; ++round) {
      changed = false;
      for (NameMap* names : {&variables_, &users_, &shared_}) {
        for (auto& [name, one] : *names) {
          if (one.type != T::Null) continue;
          one.type = settled(one);
          changed = changed || one.type != T::Null;
        }
      }
    }
  }

  // ---- what steps want

  std::string shown(T type, SourceSpan place) const {
    return with_types_of_file(loading_, type_name(type), place);
  }

  SourceSpan span_of(const ExpressionAt& at) const {
    if (!at.exact || at.offset == 0) return at.node->span;
    return span_inside(*at.node, loading_.sources, at.offset, at.written.source().size());
  }

  void wants(const std::optional<Expression>& expression, std::initializer_list<T> types) {
    if (expression) wants(*expression, types);
  }
  void wants(const Expression& expression, std::initializer_list<T> types) {
    const ExpressionAt* at = place_of(expression);
    if (!at) return;
    const T type = type_of(expression);
    if (type == T::Null || std::find(types.begin(), types.end(), type) != types.end()) return;
    const SourceSpan span = span_of(*at);
    loading_.report(DiagnosticId::WrongType, span,
                    {std::string(trim(at->written.source())), shown(type, span), shown(*types.begin(), span)});
  }

  void check_buttons(const Buttons& buttons) {
    if (buttons.from) wants(buttons.from->from, {T::List});
  }
  void check_attach(const Attach& attach) {
    for (const Expression& one : attach.expressions) wants(one, {T::File, T::List});
  }

  template <class Verb>
  void check_verb(const Step& step, const Verb& verb) {
    if constexpr (std::is_same_v<Verb, For>) {
      wants(verb.in, {T::List});
    } else if constexpr (std::is_same_v<Verb, Find>) {
      wants(verb.limit, {T::Number});
      if (verb.similar && described(verb.table)) check_similar(program_.tables[verb.table.value], *verb.similar);
    } else if constexpr (std::is_same_v<Verb, Wait>) {
      wants(verb.until, {T::Moment, T::Date, T::Time, T::Text});
      wants(verb.duration_expression, {T::Duration, T::Text});
    } else if constexpr (std::is_same_v<Verb, AssistantStep>) {
      // Asked whether it holds: a length of time or a moment always does, and was meant otherwise.
      if (verb.until) wants(*verb.until, {T::Boolean, T::Text, T::Number, T::List, T::Map, T::File});
    } else if constexpr (std::is_same_v<Verb, Say>) {
      check_attach(verb.attach);
    } else if constexpr (std::is_same_v<Verb, Choose>) {
      check_attach(verb.attach);
      check_buttons(verb.buttons);
    } else if constexpr (std::is_same_v<Verb, Notify> || std::is_same_v<Verb, BroadcastStep>) {
      check_attach(verb.attach);
    } else if constexpr (std::is_same_v<Verb, Mail>) {
      check_attach(verb.attach);
      wants(verb.report, {T::File});
    } else if constexpr (std::is_same_v<Verb, HttpStep>) {
      for (const HttpText::Piece& piece : verb.order->target.pieces)
        if (piece.value) wants(*piece.value, {T::Text, T::Number, T::Boolean, T::Moment, T::Date, T::Time, T::Duration});
    } else if constexpr (std::is_same_v<Verb, CrmStep>) {
      wants(verb.order->in_expression, {T::Duration, T::Text});
      wants(verb.order->at, {T::Moment, T::Date, T::Time, T::Text});
    } else if constexpr (std::is_same_v<Verb, ReportStep>) {
      wants(verb.period.from, {T::Moment, T::Date, T::Text});
      wants(verb.period.to, {T::Moment, T::Date, T::Text});
    } else if constexpr (std::is_same_v<Verb, Save>) {
      if (!described(verb.table)) return;
      if (verb.values) {
        check_values(program_.tables[verb.table.value], *verb.values);
      } else {
        check_answers(step, program_.tables[verb.table.value]);
      }
    } else if constexpr (std::is_same_v<Verb, Update>) {
      if (described(verb.table)) check_values(program_.tables[verb.table.value], verb.values);
    }
  }

  bool described(TableId table) const { return table && !loading_.implied_tables.count(table.value); }

  enum class Fit : std::uint8_t { Yes, MayBe, No };

  /// Whether storage takes the value; a text is read where the column holds something written as text.
  static Fit fits(ColumnType column, T type, const Value* constant) {
    if (type == T::Null) return Fit::Yes;
    const std::string* text = constant ? constant->text() : nullptr;
    switch (column) {
      case ColumnType::Text: return Fit::Yes;
      case ColumnType::Number:
      case ColumnType::Integer:
        if (text) return Decimal::parse(*text) ? Fit::Yes : Fit::No;
        return type == T::Number ? Fit::Yes : type == T::Text ? Fit::MayBe : Fit::No;
      case ColumnType::Date:
        if (text) return Date::parse_iso(*text) ? Fit::Yes : Fit::No;
        return type == T::Date ? Fit::Yes : type == T::Text ? Fit::MayBe : Fit::No;
      case ColumnType::Time:
        if (text) return TimeOfDay::parse(*text) ? Fit::Yes : Fit::No;
        return type == T::Time ? Fit::Yes : type == T::Text ? Fit::MayBe : Fit::No;
      case ColumnType::Files: return type == T::File || type == T::List ? Fit::Yes : Fit::No;
      default: return type == column_value(column) ? Fit::Yes : Fit::No;
    }
  }

  void misfit(Fit fit, const Column& column, T type, SourceSpan span, const Question* question) {
    const T wanted = column_value(column.type);
    Diagnostic& problem = loading_.report(
        fit == Fit::MayBe ? DiagnosticId::ColumnMayNotTake : DiagnosticId::ColumnTakesOther, span,
        {column.name, shown(wanted, span), shown(type, span)});
    if (!question) return;
    const std::string name = shown(wanted, question->span);
    problem.related.push_back({"", question->span});
    hint(loading_, problem, "give the question `%type%: " + name + "`, {0}",
         "дайте вопросу `%type%: " + name + "`, {0}");
  }

  void check_values(const Table& table, const std::vector<ColumnValue>& values) {
    for (const ColumnValue& one : values) {
      const auto column = std::find_if(table.columns.begin(), table.columns.end(),
                                       [&](const Column& known) { return known.name == one.column; });
      const ExpressionAt* at = place_of(one.value);
      if (column == table.columns.end() || !at) continue;
      const std::optional<Value> constant = one.value.constant();
      const T type = type_of(one.value);
      const Fit fit = fits(column->type, type, constant ? &*constant : nullptr);
      if (fit != Fit::Yes) {
        misfit(fit, *column, type, span_of(*at), nullptr);
      } else if (constant && constant->text() && !column->options.empty() &&
                 std::find(column->options.begin(), column->options.end(), *constant->text()) ==
                     column->options.end()) {
        Diagnostic& problem = loading_.report(DiagnosticId::UnknownValue, span_of(*at),
                                              {column->name, *constant->text()});
        offer_option(problem, *constant->text(), column->options);
      }
    }
  }

  void check_similar(const Table& table, const Similarity& similarity) {
    std::vector<ColumnValue> wanted;
    for (const Similarity::Near& one : similarity.near) wanted.push_back({one.column, one.to});
    check_values(table, wanted);
  }

  void check_answers(const Step& step, const Table& table) {
    for (const Column& column : table.columns) {
      const auto found = variables_.find(column.name);
      if (found == variables_.end() || found->second.type == T::Null) continue;
      const Fit fit = fits(column.type, found->second.type, nullptr);
      if (fit == Fit::Yes) continue;
      const auto& setters = found->second.setters;
      misfit(fit, column, found->second.type, step.span, setters.size() == 1 ? setters[0].question : nullptr);
    }
  }

  /// An option in quotes, for the text stands so in the expression.
  void offer_option(Diagnostic& problem, const std::string& wrong, const std::vector<std::string>& options) {
    const std::string right = nearest(wrong, options);
    if (!right.empty()) {
      hint(loading_, problem, "did you mean `" + right + "`?", "может быть, `" + right + "`?");
      return;
    }
    std::string all;
    for (const std::string& option : options) {
      if (all.size() > 200) break;
      all += (all.empty() ? "`" : ", `") + option + "`";
    }
    hint(loading_, problem, "one of " + all, "можно: " + all);
  }

  // ---- comparisons with what is no option

  void check_options(const ExpressionAt& at) {
    if (!at.exact || at.any_name) return;
    for (const Expression& part : at.written.conjuncts()) {
      const auto comparison = part.as_comparison();
      const auto other = part.comparison_value();
      if (!comparison || !other || comparison->path.size() != 1) continue;
      if (comparison->op != "==" && comparison->op != "!=") continue;
      const std::optional<Value> value = other->constant();
      if (!value || !value->text()) continue;
      const std::vector<std::string> options = options_of(at, comparison->path[0]);
      if (options.empty() || std::find(options.begin(), options.end(), *value->text()) != options.end()) continue;
      // The part does not know its place; the text in its quotes is looked for.
      const std::string_view source = at.node->scalar;
      std::size_t place = source.find("'" + *value->text() + "'", at.offset);
      if (place == source.npos) place = source.find("\"" + *value->text() + "\"", at.offset);
      if (place == source.npos) continue;
      Diagnostic& problem =
          loading_.report(DiagnosticId::CaseNeverMatches,
                          span_inside(*at.node, loading_.sources, place, value->text()->size() + 2),
                          {comparison->path[0], *value->text()});
      offer_option(problem, *value->text(), options);
    }
  }

  /// All that a name may be, when it is one of certain texts.
  std::vector<std::string> options_of(const ExpressionAt& at, const std::string& name) const {
    const auto& locals = at.local_names;
    if (std::find(locals.begin(), locals.end(), name) != locals.end()) return {};
    if (at.table != UINT32_MAX) {
      if (loading_.implied_tables.count(at.table)) return {};
      for (const Column& column : program_.tables[at.table].columns)
        if (column.name == name) return column.options;
    }
    const auto found = variables_.find(name);
    if (found == variables_.end() || found->second.setters.size() != 1) return {};
    const Question* question = found->second.setters[0].question;
    if (!question || question->type != QuestionType::Choice || question->buttons.from) return {};
    const std::vector<std::string> options = option_values(*question);
    const bool certain = std::all_of(
        question->buttons.options.begin(), question->buttons.options.end(), [](const Option& option) {
          if (option.value) return option.value->text() != nullptr;
          return option.label.any_of.size() == 1 && option.label.any_of[0].is_constant();
        });
    return certain ? options : std::vector<std::string>();
  }

  Loading& loading_;
  const Program& program_;
  std::unordered_map<const void*, std::uint32_t> by_identity_;
  std::unordered_map<const void*, const Question*> checked_;  ///< expressions over `value`
  NameMap variables_, users_, shared_;
  std::set<std::string> loops_;  ///< names of `for`
  std::map<std::pair<std::uint32_t, bool>, Rows> rows_;
};

}  // namespace

void check_types(Loading& loading) { TypeCheck(loading).check(); }

}  // namespace sufler
