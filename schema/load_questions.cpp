// Questions (LANGUAGE 5).
#include <algorithm>

#include "schema/loading.h"

namespace sufler {
namespace {

using Type = ::sufler::QuestionType;

}  // namespace

QuestionType question_type(Word word) {
  switch (word) {
    case Word::NameWord: return Type::Name;
    case Word::Number: return Type::Number;
    case Word::Money: return Type::Money;
    case Word::Phone: return Type::Phone;
    case Word::Email: return Type::Email;
    case Word::Url: return Type::Url;
    case Word::DateWord: return Type::Date;
    case Word::TimeWord: return Type::Time;
    case Word::DateTime: return Type::DateTime;
    case Word::YesNo: return Type::YesNo;
    case Word::Choice: return Type::Choice;
    case Word::Choices: return Type::Choices;
    case Word::Rating: return Type::Rating;
    case Word::Location: return Type::Location;
    case Word::Contact: return Type::Contact;
    case Word::Photo: return Type::Photo;
    case Word::FileWord: return Type::File;
    case Word::Files: return Type::Files;
    case Word::Any: return Type::Any;
    default: return Type::Text;
  }
}

namespace {

bool one_of(Type type, std::initializer_list<Type> types) {
  return std::find(types.begin(), types.end(), type) != types.end();
}

/// Which types a field means something for; empty: for all.
bool goes_with(Word field, Type type) {
  switch (field) {
    case Word::Min:
    case Word::Max:
      return one_of(type, {Type::Text, Type::Name, Type::Number, Type::Money, Type::Date,
                           Type::DateTime, Type::Choices, Type::Files});
    case Word::Integer: return one_of(type, {Type::Number, Type::Money});
    case Word::Pattern:
      return one_of(type, {Type::Text, Type::Name, Type::Phone, Type::Email, Type::Url, Type::Any});
    case Word::Formats:
    case Word::Size: return one_of(type, {Type::Photo, Type::File, Type::Files, Type::Any});
    case Word::Options: return one_of(type, {Type::Choice, Type::Choices});
    case Word::Understand:
      return !one_of(type, {Type::Choices, Type::Location, Type::Contact, Type::Photo, Type::File, Type::Files, Type::Any});
    default: return true;
  }
}

std::string quote(std::string_view text) {
  std::string result = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') result += '\\';
    if (c == '\n') {
      result += "\\n";
    } else {
      result += c;
    }
  }
  return result + "'";
}

/// The option that `default` names, a text or a number; says when there is none.
Value default_option(Loading& loading, const Node& node, const Question& question, std::string_view what) {
  const Value text{node.scalar};
  if (!one_of(question.type, {Type::Choice, Type::Choices}) || !node.is_scalar()) return text;
  if (is_option(question, text)) return text;
  const Value constant = read_constant(loading, node);
  if (is_option(question, constant)) return constant;
  Diagnostic& problem = loading.report(DiagnosticId::DefaultNotOption, node.span,
                                       {std::string(what), std::string(node.scalar)});
  for (const Option& option : question.buttons.options) {
    // The answer is the value behind the label, and that is what a default gives.
    const std::vector<Template>& label = option.label.any_of;
    if (!option.value || label.size() != 1 || label[0].source() != node.scalar) continue;
    const std::string value = option.value->text()     ? *option.value->text()
                              : option.value->number() ? option.value->number()->to_string()
                                                       : std::string();
    if (value.empty()) continue;
    hint(loading, problem, "the value of this option is `" + value + "`",
         "значение этого варианта: `" + value + "`");
    return text;
  }
  offer(loading, problem, node.scalar, option_values(question), false);
  return text;
}

/// `default:` is a value, not an expression: a text stays a text. `{{ … }}` alone is worked out.
std::optional<Expression> read_default(Loading& loading, const Node& node, const Question& question,
                                       std::string_view what) {
  const Type type = question.type;
  if (node.kind == Node::Kind::Null) return std::nullopt;
  std::string source;
  if (node.is_scalar()) {
    const std::string_view text = trim(node.scalar);
    if (text.substr(0, 2) == "{{" && text.size() > 4 && text.substr(text.size() - 2) == "}}") {
      return read_inserted(loading, node, what);
    }
    if (type == Type::YesNo) {
      const auto value = read_boolean(loading, node, what);
      if (!value) return std::nullopt;
      source = *value ? "true" : "false";
    } else if (one_of(type, {Type::Number, Type::Money, Type::Rating}) && Decimal::parse(text)) {
      source = std::string(text);
    } else {
      const Value value = default_option(loading, node, question, what);
      source = value.number() ? value.number()->to_string() : quote(node.scalar);
    }
  } else if (node.is_list()) {
    source = "[";
    for (const Node& item : node.items) {
      if (source.size() > 1) source += ", ";
      const Value value = default_option(loading, item, question, what);
      source += value.number() ? value.number()->to_string() : quote(item.scalar);
    }
    source += "]";
  } else {
    loading.report(DiagnosticId::WantsText, node.span, {std::string(what)});
    return std::nullopt;
  }
  auto parsed = Expression::parse(source);
  return parsed ? std::optional<Expression>(*parsed) : std::nullopt;
}

void read_bound(Loading& loading, const Node& node, std::string_view what, Type type,
                std::optional<Decimal>& number, std::optional<Date>& date) {
  if (one_of(type, {Type::Date, Type::DateTime})) {
    if (node.is_scalar()) date = Date::parse_iso(node.scalar);
    if (!date) {
      hint(loading, loading.report(DiagnosticId::UnknownValue, node.span,
                          {std::string(what), std::string(node.scalar)}),
           "write the date as `2026-03-15`", "напишите дату так: `2026-03-15`");
    }
    return;
  }
  if (auto value = read_number(loading, node, what)) number = value;
}

/// An assistant's name. `assistant` and `yes` are the only one that there is.
AssistantId read_understand(Loading& loading, const Node& node, std::string_view what) {
  const std::string_view text = node.is_scalar() ? trim(node.scalar) : std::string_view();
  const bool only = loading.program.assistants.size() == 1 && !loading.assistants.count(nfc(loading, text)) &&
                    (find_word(text, in::Verb) == Word::Assistant || find_word(to_lower(text), in::BooleanWord) == Word::True);
  if (!only) return read_assistant_name(loading, node, what);
  loading.assistant_is_used.assign(1, 1);
  return AssistantId{0};
}

}  // namespace

void read_question(Loading& loading, Fields& fields, Question& question) {
  const Node* type = fields.take(Word::Type);
  if (type) {
    const Word word = read_word(loading, *type, in::QuestionType, fields.spelled(Word::Type));
    if (word != Word::None) question.type = question_type(word);
  } else if ((fields.has(Word::Options) || fields.has(Word::From)) &&
             !one_of(question.type, {Type::Choice, Type::Choices})) {
    question.type = Type::Choice;  // options without a type: nothing else can be meant
  }
  const std::string type_name = type ? std::string(type->scalar) : loading.say(Word::TextWord, fields.node().span);
  for (const Word word :
       {Word::Min, Word::Max, Word::Integer, Word::Pattern, Word::Formats, Word::Size, Word::Options, Word::Understand}) {
    if (fields.has(word) && !goes_with(word, question.type)) {
      loading.report(DiagnosticId::TypeLacksField, fields.key_span(word),
                     {fields.spelled(word), type_name});
      fields.take(word);
      if (word == Word::Understand) loading.assistants_are_known = false;
    }
  }

  if (const Node* node = fields.take(Word::TextWord)) {
    question.text = read_text(loading, *node, fields.spelled(Word::TextWord));
    loading.message_texts.push_back(node);
  }
  if (const Node* node = fields.take(Word::Attach)) {
    question.attach = read_attach(loading, *node, fields.spelled(Word::Attach));
  }
  if (const Node* node = fields.take(Word::Invalid)) {
    question.invalid = read_text(loading, *node, fields.spelled(Word::Invalid));
    loading.message_texts.push_back(node);
  }
  if (const Node* node = fields.take(Word::Min)) {
    read_bound(loading, *node, fields.spelled(Word::Min), question.type, question.min, question.earliest);
  }
  if (const Node* node = fields.take(Word::Max)) {
    read_bound(loading, *node, fields.spelled(Word::Max), question.type, question.max, question.latest);
  }
  if ((question.min && question.max && *question.min > *question.max) ||
      (question.earliest && question.latest && *question.earliest > *question.latest)) {
    loading.report(DiagnosticId::MinOverMax, fields.key_span(Word::Min),
                   {fields.spelled(Word::Min), fields.spelled(Word::Max)});
  }
  if (const Node* node = fields.take(Word::Integer)) {
    question.integer = read_boolean(loading, *node, fields.spelled(Word::Integer)).value_or(false);
  }
  if (const Node* node = fields.take(Word::Pattern)) {
    question.pattern = read_pattern(loading, *node, fields.spelled(Word::Pattern));
  }
  if (const Node* node = fields.take(Word::Formats)) {
    question.formats.clear();
    for (const Node* format : read_strings(loading, *node, fields.spelled(Word::Formats))) {
      std::string text = to_lower(trim(format->scalar));
      if (!text.empty() && text[0] == '.') text.erase(0, 1);
      question.formats.push_back(std::move(text));
    }
  }
  if (const Node* node = fields.take(Word::Size)) {
    question.max_bytes = read_size(loading, *node, fields.spelled(Word::Size));
  }
  const Node* options = fields.take(Word::Options);
  if (!options) options = fields.take(Word::Buttons);
  if (options) {
    question.buttons = read_buttons(loading, *options, fields.spelled(Word::Options), true,
                                    one_of(question.type, {Type::Choice, Type::Choices}));
    loading.button_counts.push_back({options, question.buttons.options.size(), false});
  }
  read_button_layout(loading, fields, question.buttons);
  if (options && question.buttons.is_inline) loading.button_counts.back().is_inline = true;
  if (one_of(question.type, {Type::Choice, Type::Choices}) && question.buttons.options.empty() &&
      !question.buttons.from && !options && !fields.has_unknown()) {
    hint(loading, loading.report(DiagnosticId::NoOptions, fields.node().span, {fields.where()}),
         "add `%options%: [A, B]`", "добавьте `%options%: [А, Б]`");
  }
  if (const Node* node = fields.take(Word::Optional)) {
    question.optional = read_boolean(loading, *node, fields.spelled(Word::Optional)).value_or(false);
  }
  if (const Node* node = fields.take(Word::Default)) {
    question.default_value =
        read_default(loading, *node, question, fields.spelled(Word::Default));
  }
  loading.local_names.push_back("value");
  loading.local_names.push_back("значение");
  if (const Node* node = fields.take(Word::Check)) {
    question.check = read_expression(loading, *node, fields.spelled(Word::Check));
  }
  if (const Node* node = fields.take(Word::Confirm)) {
    question.confirm = read_text(loading, *node, fields.spelled(Word::Confirm));
    loading.message_texts.push_back(node);
  }
  loading.local_names.resize(loading.local_names.size() - 2);
  if (const Node* node = fields.take(Word::AskWhen)) {
    question.ask_when = read_condition(loading, *node, fields.spelled(Word::AskWhen));
  }
  if (const Node* node = fields.take(Word::Secret)) {
    question.secret = read_boolean(loading, *node, fields.spelled(Word::Secret)).value_or(false);
  }
  if (const Node* node = fields.take(Word::Commands)) {
    question.free_words_are_commands =
        read_boolean(loading, *node, fields.spelled(Word::Commands)).value_or(true);
  }
  if (const Node* node = fields.take(Word::Attempts)) {
    question.attempts = static_cast<std::uint32_t>(
        read_integer(loading, *node, fields.spelled(Word::Attempts), 1, 100).value_or(0));
  }
  if (const Node* node = fields.take(Word::Otherwise)) {
    question.otherwise = read_target(loading, *node, fields.spelled(Word::Otherwise));
  }
  if (const Node* node = fields.take(Word::Remind)) {
    question.reminders = read_reminders(loading, *node, fields.spelled(Word::Remind));
  }
  if (const Node* node = fields.take(Word::Timeout)) {
    question.timeout = read_timeout(loading, *node, fields.spelled(Word::Timeout));
  }
  const auto idle = [&](Word field, Word without, std::string en, std::string ru) {
    hint(loading,
         loading.report(DiagnosticId::IdleField, fields.key_span(field),
                        {fields.spelled(field), loading.say(without, fields.node().span)}),
         std::move(en), std::move(ru));
  };
  if (fields.has(Word::Otherwise) && !fields.has(Word::Attempts) && question.attempts == 0) {
    idle(Word::Otherwise, Word::Attempts, "say after how many wrong answers: `%attempts%: 3`",
         "скажите, после скольких неверных ответов: `%attempts%: 3`");
  }
  if (fields.has(Word::Attempts) && !fields.has(Word::Otherwise) && !question.otherwise &&
      question.attempts > 0) {
    idle(Word::Attempts, Word::Otherwise, "say where to go after the last one: `%otherwise%: branch`",
         "скажите, куда идти после последней: `%otherwise%: ветка`");
  }
  check_reminders(loading, fields, question.reminders, question.timeout);
  if (const Node* node = fields.take(Word::Gather)) {
    question.gather = read_duration(loading, *node, fields.spelled(Word::Gather));
    if (question.gather && question.gather->ms > 30'000) {
      loading.report(DiagnosticId::OutOfRange, node->span, {fields.spelled(Word::Gather), "1s", "30s"});
    }
  }
  if (const Node* node = fields.take(Word::Understand)) {
    question.understand = read_understand(loading, *node, fields.spelled(Word::Understand));
  }
  if (const Node* node = fields.take(Word::Pii)) {
    question.pii = read_boolean(loading, *node, fields.spelled(Word::Pii)).value_or(false);
  }
}

void load_questions(Loading& loading) {
  std::vector<const Declared*> order(loading.program.questions.size());
  for (const auto& [name, declared] : loading.questions) order[declared.index] = &declared;
  for (const Declared* declared : order) {
    const Node& node = *declared->value;
    Question question = loading.program.questions[declared->index];
    if (node.is_scalar()) {
      // `name: Как вас зовут?`, a question that needs nothing but its text.
      question.text = read_text(loading, node, question.name);
      loading.message_texts.push_back(&node);
    } else if (node.is_map()) {
      Fields fields(loading, node, in::QuestionKey, question.name);
      if (!fields.has(Word::TextWord) && !fields.has_unknown()) {
        hint(loading,
             loading.report(DiagnosticId::MissingField, declared->key->span,
                            {loading.say(Word::TextWord, declared->key->span), question.name}),
             "add `%text%: …`, what the bot asks", "добавьте `%text%: …`, то, что спросит бот");
      }
      read_question(loading, fields, question);
      fields.finish();
    } else {
      loading.report(DiagnosticId::WantsMap, declared->key->span, {question.name});
    }
    loading.program.questions[declared->index] = std::move(question);
  }
}

void resolve_questions(Loading& loading) {
  loading.question_is_asked.resize(loading.program.questions.size());
  for (const QuestionUse& use : loading.question_uses) {
    QuestionId id;
    const auto common = loading.questions.find(use.name);
    if (common != loading.questions.end()) {
      id = QuestionId{common->second.index};
    } else {
      const auto described = loading.inline_questions.find(use.name);
      if (described != loading.inline_questions.end()) {
        id = QuestionId{described->second.front()};
        if (described->second.size() > 1) {
          Diagnostic& problem = loading.report(DiagnosticId::AmbiguousQuestion, use.node->span,
                                               {std::string(use.name)});
          for (const std::uint32_t one : described->second) {
            problem.related.push_back({"", loading.program.questions[one].span});
          }
          hint(loading, problem, "describe it once, in `%questions%`", "опишите его один раз, в `%questions%`");
        }
      } else {
        Diagnostic& problem =
            loading.report(DiagnosticId::UnknownQuestion, use.node->span,
                           {loading.say(Word::Ask, use.node->span), std::string(use.name)});
        loading.questions_are_known = false;
        if (!may_offer(loading, loading.questions.size())) continue;
        std::vector<std::string> known;
        for (const auto& [name, declared] : loading.questions) known.emplace_back(name);
        std::sort(known.begin(), known.end());
        offer(loading, problem, use.name, known, false);
        if (known.empty()) {
          hint(loading, problem, "describe it in `%questions%`, or give the step a `%text%`",
               "опишите его в `%questions%` или добавьте к шагу `%text%`");
        }
        continue;
      }
    }
    loading.question_is_asked[id.value] = 1;
    if (auto* ask = std::get_if<Ask>(&loading.program.steps[use.step.value].verb)) {
      ask->questions[use.position] = id;
    }
  }
}

}  // namespace sufler
