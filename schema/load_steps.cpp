// Branches: lists of steps, and what each verb takes (LANGUAGE 4).
#include <algorithm>

#include "interpreter/core/crm_handoff.h"
#include "schema/loading.h"

namespace sufler {
namespace {

using Verbs = decltype(Step::verb);

Word verb_without_fields(std::string_view text) {
  const Word word = find_word(text, in::Verb);
  switch (word) {
    case Word::Back:
    case Word::Restart:
    case Word::End:
    case Word::Return:
      return word;
    default:
      return Word::None;
  }
}

Target read_optional_target(Loading& loading, Fields& fields, Word word) {
  const Node* node = fields.take(word);
  return node ? read_target(loading, *node, fields.spelled(word)) : Target{};
}

std::optional<Expression> read_optional_expression(Loading& loading, Fields& fields, Word word) {
  const Node* node = fields.take(word);
  return node ? read_expression(loading, *node, fields.spelled(word)) : std::nullopt;
}

std::string read_into(Loading& loading, Fields& fields, bool required = false) {
  const Node* node = required ? fields.require(Word::Into) : fields.take(Word::Into);
  return node ? read_variable(loading, *node, fields.spelled(Word::Into)) : std::string();
}

Text read_message(Loading& loading, const Node& node, std::string_view what) {
  loading.message_texts.push_back(&node);
  return read_text(loading, node, what);
}

std::optional<Buttons> read_optional_buttons(Loading& loading, Fields& fields, Word word) {
  std::optional<Buttons> buttons;
  if (const Node* node = fields.take(word)) {
    buttons = read_buttons(loading, *node, fields.spelled(word), false);
    read_button_layout(loading, fields, *buttons);
    loading.button_counts.push_back({node, buttons->options.size(), buttons->is_inline});
  }
  return buttons;
}

/// Buttons made of data have no branch of their own, and only what waits does something with the one pressed.
void check_aim(Loading& loading, Fields& fields, const std::optional<Buttons>& buttons, std::string en, std::string ru) {
  if (!buttons || !buttons->from) return;
  SourceSpan span = fields.key_span(Word::From);
  std::string spelled = fields.spelled(Word::From);
  // Or inside of `buttons: {from: …}`.
  for (const Fields::Item& item : fields.items()) {
    if (item.word != Word::Buttons || fields.has(Word::From)) continue;
    for (const Node::Entry& entry : item.entry->value.entries) {
      if (find_word(entry.key.scalar, in::OptionsFromKey) != Word::From) continue;
      span = entry.key.span;
      spelled = std::string(entry.key.scalar);
    }
  }
  hint(loading, loading.report(DiagnosticId::AimlessButtons, span, {spelled, fields.where()}), std::move(en), std::move(ru));
}

Verbs read_say(Loading& loading, Fields& fields, const Node& value) {
  Say say;
  const Node* attach = fields.take(Word::Attach);
  if (attach) say.attach = read_attach(loading, *attach, fields.spelled(Word::Attach));
  if (!(attach && value.kind == Node::Kind::Null)) {  // files may go without a word
    say.text = read_message(loading, value, fields.where());
  }
  say.buttons = read_optional_buttons(loading, fields, Word::Buttons);
  check_aim(loading, fields, say.buttons, "`%choose%` waits for one, and `%into%` keeps it",
            "ждёт нажатия `%choose%`, а запоминает его `%into%`");
  if (const Node* node = fields.take(Word::Keyboard)) {
    say.remove_keyboard = read_word(loading, *node, in::KeyboardWord,
                                    fields.spelled(Word::Keyboard)) == Word::Remove;
  }
  if (const Node* node = fields.take(Word::Typing)) {
    say.typing = read_duration(loading, *node, fields.spelled(Word::Typing)).value_or(Duration{});
  }
  return say;
}

Verbs read_choose(Loading& loading, Fields& fields, const Node& value) {
  Choose choose;
  choose.text = read_message(loading, value, fields.where());
  if (const Node* node = fields.take(Word::Attach)) {
    choose.attach = read_attach(loading, *node, fields.spelled(Word::Attach));
  }
  const Node* options = fields.take(Word::Options);
  if (!options) options = fields.take(Word::Buttons);
  if (options) {
    choose.buttons = read_buttons(loading, *options, fields.spelled(Word::Options), false);
    loading.button_counts.push_back({options, choose.buttons.options.size(), false});
  }
  read_button_layout(loading, fields, choose.buttons);
  if (options && choose.buttons.is_inline) loading.button_counts.back().is_inline = true;
  if (!options && !choose.buttons.from && !fields.has_unknown()) {
    Diagnostic& problem =
        loading.report(DiagnosticId::NoOptions, value.span, {fields.where()});
    hint(loading, problem, "add `%options%:`", "добавьте `%options%:`");
  }
  choose.into = read_into(loading, fields);
  choose.otherwise = read_optional_target(loading, fields, Word::Otherwise);
  if (const Node* node = fields.take(Word::Remind)) {
    choose.reminders = read_reminders(loading, *node, fields.spelled(Word::Remind));
  }
  if (const Node* node = fields.take(Word::Timeout)) {
    choose.timeout = read_timeout(loading, *node, fields.spelled(Word::Timeout));
  }
  check_reminders(loading, fields, choose.reminders, choose.timeout);
  const std::vector<Option>& buttons = choose.buttons.options;
  if (!buttons.empty() && !choose.buttons.from && !choose.otherwise && !choose.timeout &&
      std::all_of(buttons.begin(), buttons.end(), [](const Option& one) { return one.url; })) {
    hint(loading, loading.report(DiagnosticId::OnlyLinks, value.span),
         "add a button with `%go%`, or send the links with `%say%` and `%buttons%`",
         "добавьте кнопку с `%go%` или отправьте ссылки шагом `%say%` с `%buttons%`");
  }
  return choose;
}

Verbs read_ask(Loading& loading, Fields& fields, const Node& value, StepId step) {
  Ask ask;
  const bool described =
      std::any_of(fields.items().begin(), fields.items().end(), [](const Fields::Item& item) {
        return !item.taken && (contexts_of(item.word) & in::QuestionKey);
      });
  const std::vector<const Node*> names = read_strings(loading, value, fields.where());
  if (names.empty() && (value.is_list() || value.is_scalar())) {
    loading.report(DiagnosticId::MissingField, value.span,
                   {loading.say(Word::Questions, value.span), fields.where()});
  }
  if (described && value.is_scalar()) {
    // Fields beside `ask` define a question of this step, over the common one when there is one.
    const std::string_view name = nfc(loading, value.scalar);
    Question question;
    const auto common = loading.questions.find(name);
    if (common != loading.questions.end()) {
      question = loading.program.questions[common->second.index];
    } else {
      const std::string variable = read_variable(loading, value, fields.where());
      if (variable.empty()) {
        fields.forgive();
        return ask;
      }
      question.name = variable;
    }
    question.span = value.span;
    const bool had_text = !question.text.empty();
    if (!had_text && !fields.has(Word::TextWord)) {
      loading.report(DiagnosticId::MissingField, value.span,
                     {loading.say(Word::TextWord, value.span), question.name});
    }
    read_question(loading, fields, question);
    loading.variables.insert(question.name);
    const QuestionId id{static_cast<std::uint32_t>(loading.program.questions.size())};
    loading.program.questions.push_back(std::move(question));
    if (common == loading.questions.end()) {
      loading.inline_questions[name].push_back(id.value);
    } else {
      loading.question_is_asked.resize(
          std::max<std::size_t>(loading.question_is_asked.size(), common->second.index + 1));
      loading.question_is_asked[common->second.index] = 1;
    }
    ask.questions.push_back(id);
    return ask;
  }
  for (const Node* name : names) {
    loading.question_uses.push_back({step, static_cast<std::uint32_t>(ask.questions.size()),
                                     nfc(loading, name->scalar), name});
    loading.variables.emplace(nfc(loading, name->scalar));
    ask.questions.emplace_back();
  }
  return ask;
}

Verbs read_if(Loading& loading, Fields& fields, const Node& value) {
  If branch;
  if (auto condition = read_condition(loading, value, fields.where())) branch.condition = *condition;
  if (!fields.has(Word::Then) && !fields.has(Word::Else)) fields.require(Word::Then);
  branch.then_target = read_optional_target(loading, fields, Word::Then);
  branch.else_target = read_optional_target(loading, fields, Word::Else);
  return branch;
}

Verbs read_match(Loading& loading, Fields& fields, const Node& value) {
  Match match;
  if (auto subject = read_expression(loading, value, fields.where())) match.subject = *subject;
  if (const Node* cases = fields.require(Word::Cases)) {
    if (cases->is_map()) {
      loading.cases.emplace_back(loading.parent, cases);
      match.cases.reserve(cases->entries.size());
      for (const Node::Entry& entry : cases->entries) {
        match.cases.push_back({read_constant(loading, entry.key),
                               read_target(loading, entry.value, entry.key.scalar)});
      }
    } else {
      hint(loading, loading.report(DiagnosticId::WantsMap, cases->span, {fields.spelled(Word::Cases)}),
           "each value on its own line: `value: branch`",
           "каждое значение с новой строки: `значение: ветка`");
    }
  }
  match.otherwise = read_optional_target(loading, fields, Word::Else);
  return match;
}

Verbs read_for(Loading& loading, Fields& fields, const Node& value) {
  For loop;
  if (read_scalar(loading, value, fields.where())) {
    const std::string_view name = read_name(loading, value);
    if (find_word(name, in::SystemName) != Word::None && find_word(name, in::SystemName) != Word::Item) {
      loading.report(DiagnosticId::SystemNameTaken, value.span, {std::string(name)});
    }
    loop.name = std::string(name);
  }
  if (const Node* node = fields.require(Word::In)) {
    if (auto list = read_expression(loading, *node, fields.spelled(Word::In))) loop.in = *list;
  }
  if (const Node* node = fields.require(Word::Do)) {
    loading.local_names.push_back(nfc(loading, value.scalar));
    const Target target = read_target(loading, *node, fields.spelled(Word::Do));
    loading.local_names.pop_back();
    loop.body = target.steps;
    if (target.go) {
      // A branch as the body is run anew for each item, so it has to come back.
      loop.body = BlockId{static_cast<std::uint32_t>(loading.program.blocks.size())};
      const StepId id{static_cast<std::uint32_t>(loading.program.steps.size())};
      loading.program.blocks.push_back({{id}, loading.parent, loading.branch});
      Step& step = loading.program.steps.emplace_back();
      step.span = node->span;
      step.block = loop.body;
      step.verb = Call{target.go, {}, {}};
      loading.branch_uses.back().is_call = true;
    }
  }
  return loop;
}

Verbs read_wait(Loading& loading, Fields& fields, const Node& value) {
  Wait wait;
  if (value.is_map()) {
    Fields inner(loading, value, in::WaitKey, fields.where());
    if (const Node* until = inner.require(Word::Until)) {
      wait.until = read_expression(loading, *until, inner.spelled(Word::Until));
    }
    inner.finish();
    return wait;
  }
  if (const Node* until = fields.take(Word::Until)) {
    wait.until = read_expression(loading, *until, fields.spelled(Word::Until));
    if (value.kind != Node::Kind::Null) {
      loading.report(DiagnosticId::NotTogether, until->span,
                     {fields.spelled(Word::Until), fields.where()});
    }
    return wait;
  }
  if (value.is_scalar()) {
    wait.duration = Duration::parse(value.scalar);
    if (wait.duration) return wait;
    // A variable or a sum of durations; anything else was meant as a length of time.
    const bool starts_like_number = !value.scalar.empty() && value.scalar[0] >= '0' && value.scalar[0] <= '9';
    if (!starts_like_number && Expression::parse(value.scalar)) {
      wait.duration_expression = read_expression(loading, value, fields.where());
      return wait;
    }
  }
  read_duration(loading, value, fields.where());
  return wait;
}

Verbs read_schedule(Loading& loading, Fields& fields, const Node& value) {
  ScheduleStep schedule;
  schedule.branch = read_branch_name(loading, value, fields.where());
  if (const Node* name = fields.take(Word::As)) {
    if (read_scalar(loading, *name, fields.spelled(Word::As))) schedule.name = std::string(read_name(loading, *name));
  } else if (schedule.branch) {
    schedule.name = loading.program.branch(schedule.branch).name;
  }
  const Node* in = fields.take(Word::In);
  const Node* at = fields.take(Word::At);
  if (in) {
    const bool starts_like_number = in->is_scalar() && !in->scalar.empty() && in->scalar[0] >= '0' && in->scalar[0] <= '9';
    if (in->is_scalar()) schedule.in = Duration::parse(in->scalar);
    if (!schedule.in && in->is_scalar() && !starts_like_number && Expression::parse(in->scalar)) {
      schedule.in_expression = read_expression(loading, *in, fields.spelled(Word::In));
    } else if (!schedule.in) {
      read_duration(loading, *in, fields.spelled(Word::In));
    }
  }
  if (at) {
    const auto time = at->is_scalar() ? TimeOfDay::parse(trim(at->scalar)) : std::nullopt;
    if (time) {
      if (auto text = Expression::parse("'" + time->to_string() + "'")) schedule.at = std::move(*text);
    } else {
      schedule.at = read_expression(loading, *at, fields.spelled(Word::At));
    }
  }
  if (in && at) {
    loading.report(DiagnosticId::NotTogether, fields.key_span(Word::At), {fields.spelled(Word::At), fields.spelled(Word::In)});
  } else if (!in && !at && !fields.has_unknown()) {
    hint(loading, loading.report(DiagnosticId::ScheduleWithoutTime, value.span, {fields.where()}),
         "say it with `%in%: 2d`, or with a moment: `%at%: visit_at - duration('2h')`",
         "скажите через сколько — `%in%: 2д` — или назовите момент: `%at%: запись - длительность('2ч')`");
  }
  return schedule.branch ? Verbs(std::move(schedule)) : Verbs(Log{});
}

Verbs read_cancel(Loading& loading, Fields& fields, const Node& value) {
  const auto name = read_scalar(loading, value, fields.where());
  if (!name) return Log{};
  CancelStep cancel{std::string(nfc(loading, *name))};
  loading.cancels.emplace_back(cancel.name, &value);
  return cancel;
}

std::vector<ColumnValue> read_values(Loading& loading, const Node& node, TableId id,
                                     std::string_view what) {
  std::vector<ColumnValue> result;
  if (!node.is_map()) {
    loading.report(DiagnosticId::WantsMap, node.span, {std::string(what)});
    return result;
  }
  for (const Node::Entry& entry : node.entries) {
    const std::string_view column = nfc(loading, entry.key.scalar);
    auto value = read_expression(loading, entry.value, column);
    const auto implied = loading.implied_tables.find(id.value);
    if (implied != loading.implied_tables.end()) {
      if (!read_name(loading, entry.key).empty()) {
        implied->second.columns.emplace_back(column, value ? value->known_type() : ValueType::Null);
      }
    } else if (id) {
      const Table& table = loading.program.tables[id.value];
      const bool known = std::any_of(table.columns.begin(), table.columns.end(),
                                     [column](const Column& c) { return c.name == column; });
      if (!known) {
        Diagnostic& problem = loading.report(DiagnosticId::UnknownColumn, entry.key.span,
                                             {table.name, std::string(column)});
        std::vector<std::string> names;
        for (const Column& c : table.columns) names.push_back(c.name);
        offer(loading, problem, column, names, false);
        continue;
      }
    }
    if (value) result.push_back({std::string(column), std::move(*value)});
  }
  return result;
}

/// Sets the columns in scope for as long as it lives.
class TableScope {
 public:
  TableScope(Loading& loading, TableId id) : loading_(loading), before_(loading.table_in_scope) {
    loading.table_in_scope = id ? &loading.program.tables[id.value] : before_;
    if (!id) loading.any_name = true;  // the table is unknown, and that is said already
    no_table_ = !id;
  }
  ~TableScope() {
    loading_.table_in_scope = before_;
    if (no_table_) loading_.any_name = false;
  }
  TableScope(const TableScope&) = delete;
  TableScope& operator=(const TableScope&) = delete;

 private:
  Loading& loading_;
  const Table* before_;
  bool no_table_;
};

std::optional<Expression> read_where(Loading& loading, Fields& fields, TableId table) {
  TableScope scope(loading, table);
  return read_optional_expression(loading, fields, Word::Where);
}

Verbs read_save(Loading& loading, Fields& fields, const Node& value) {
  Save save;
  save.table = read_table_name(loading, value, fields.where());
  check_writable(loading, save.table, value.span);
  if (const Node* node = fields.take(Word::Values)) {
    save.values = read_values(loading, *node, save.table, fields.spelled(Word::Values));
  }
  const auto implied = loading.implied_tables.find(save.table.value);
  if (implied != loading.implied_tables.end()) {
    implied->second.saved = true;
    implied->second.takes_answers = implied->second.takes_answers || !save.values;
  }
  save.into = read_into(loading, fields);
  return save;
}

/// Names of a table's columns, the system's too.
std::vector<std::string> column_names(const Table& table) {
  std::vector<std::string> names = {"id", "user_id", "dialog_id", "created_at"};
  for (const Column& column : table.columns) names.push_back(column.name);
  return names;
}

/// Reports a column that the table has not; of a table that nobody describes all may be there.
void check_column(Loading& loading, TableId id, std::string_view column, SourceSpan span) {
  if (!id || loading.implied_tables.count(id.value)) return;
  const Table& table = loading.program.tables[id.value];
  const std::vector<std::string> names = column_names(table);
  if (std::find(names.begin(), names.end(), column) != names.end()) return;
  offer(loading, loading.report(DiagnosticId::UnknownColumn, span, {table.name, std::string(column)}), column, names, false);
}

std::vector<SortKey> read_sort(Loading& loading, Fields& fields, TableId table) {
  std::vector<SortKey> keys;
  const Node* node = fields.take(Word::Sort);
  if (!node) return keys;
  for (const Node* key : read_strings(loading, *node, fields.spelled(Word::Sort))) {
    std::string_view column = trim(nfc(loading, key->scalar));
    SortKey sort;
    if (!column.empty() && column[0] == '-') {
      sort.descending = true;
      column.remove_prefix(1);
    }
    sort.column = std::string(column);
    check_column(loading, table, column, key->span);
    keys.push_back(std::move(sort));
  }
  return keys;
}

Verbs read_find(Loading& loading, Fields& fields, const Node& value) {
  Find find;
  find.table = read_table_name(loading, value, fields.where());
  find.where = read_where(loading, fields, find.table);
  if (const Node* node = fields.take(Word::Similar)) {
    find.similar = read_similar(loading, *node, find, fields.spelled(Word::Similar));
    if (!fields.has(Word::Limit)) {
      hint(loading, loading.report(DiagnosticId::SimilarWithoutLimit, fields.key_span(Word::Similar)), "add `%limit%: 3`", "добавьте `%limit%: 3`");
    }
  }
  find.sort = read_sort(loading, fields, find.table);
  find.limit = read_optional_expression(loading, fields, Word::Limit);
  find.into = read_into(loading, fields, true);
  return find;
}

Verbs read_count(Loading& loading, Fields& fields, const Node& value) {
  Count count;
  count.table = read_table_name(loading, value, fields.where());
  count.where = read_where(loading, fields, count.table);
  count.into = read_into(loading, fields, true);
  return count;
}

Verbs read_update(Loading& loading, Fields& fields, const Node& value) {
  Update update;
  update.table = read_table_name(loading, value, fields.where());
  check_writable(loading, update.table, value.span);
  update.where = read_where(loading, fields, update.table);
  if (const Node* node = fields.require(Word::Values)) {
    TableScope scope(loading, update.table);
    update.values = read_values(loading, *node, update.table, fields.spelled(Word::Values));
  }
  return update;
}

Verbs read_delete(Loading& loading, Fields& fields, const Node& value) {
  Delete step;
  step.table = read_table_name(loading, value, fields.where());
  check_writable(loading, step.table, value.span);
  step.where = read_where(loading, fields, step.table);
  return step;
}

Verbs read_notify(Loading& loading, Fields& fields, const Node& value) {
  Notify notify;
  if (value.is_scalar()) {
    const std::string_view to = trim(value.scalar);
    const bool digits = !to.empty() && to.find_first_not_of("0123456789") == to.npos;
    if (to.substr(0, 2) == "{{" && to.size() > 4) {
      notify.user = read_inserted(loading, value, fields.where());
    } else if (digits || to.find('.') != to.npos) {
      notify.user = read_expression(loading, value, fields.where());
    } else {
      notify.role = read_role(loading, value, fields.where());
    }
  } else {
    loading.report(DiagnosticId::WantsText, value.span, {fields.where()});
  }
  const Node* text = fields.take(Word::TextWord);
  if (text) notify.text = read_message(loading, *text, fields.spelled(Word::TextWord));
  const Node* attach = fields.take(Word::Attach);
  if (attach) notify.attach = read_attach(loading, *attach, fields.spelled(Word::Attach));
  notify.buttons = read_optional_buttons(loading, fields, Word::Buttons);
  check_aim(loading, fields, notify.buttons, "name each button with its branch: `Label: branch`",
            "назовите каждую кнопку и её ветку: `Надпись: ветка`");
  if (const Node* node = fields.take(Word::History)) {
    notify.history = read_boolean(loading, *node, fields.spelled(Word::History)).value_or(false);
  }
  if (!text && !attach && !notify.history) fields.require(Word::TextWord);
  return notify;
}

Verbs read_call(Loading& loading, Fields& fields, const Node& value) {
  Call call;
  call.branch = read_branch_name(loading, value, fields.where(), true);
  if (const Node* node = fields.take(Word::With)) {
    call.with = read_assignments(loading, *node, fields.spelled(Word::With), true);
  }
  call.into = read_into(loading, fields);
  return call;
}

/// What a program is given: the author's names, whatever they are, and expressions.
std::vector<Assignment> read_given(Loading& loading, const Node& node, std::string_view what) {
  std::vector<Assignment> given;
  if (!node.is_map()) {
    loading.report(DiagnosticId::WantsMap, node.span, {std::string(what)});
    return given;
  }
  given.reserve(node.entries.size());
  for (const Node::Entry& entry : node.entries) {
    auto value = read_expression(loading, entry.value, entry.key.scalar);
    if (value) given.push_back({{std::string(nfc(loading, entry.key.scalar))}, std::move(*value)});
  }
  return given;
}

std::string read_program_name(Loading& loading, const Node& node, std::string_view what) {
  const auto text = read_scalar(loading, node, what);
  if (!text) return {};
  const std::string_view name = trim(nfc(loading, *text));
  if (!is_identifier(name)) {
    hint(loading, loading.report(DiagnosticId::BadName, node.span, {std::string(name)}),
         "name a program of `programs:` in sufler.yaml: a letter, then letters, digits and `_`",
         "назовите программу из `programs:` в sufler.yaml: буква, а за ней буквы, цифры и `_`");
    return {};
  }
  const auto& known = loading.options.programs;
  if (known && std::find(known->begin(), known->end(), name) == known->end()) {
    Diagnostic& problem = loading.report(DiagnosticId::UnknownProgram, node.span, {std::string(name)});
    offer(loading, problem, name, *known, false);
    if (known->empty()) {
      const std::string line = "programs: {" + std::string(name) + ": {command: [python3, " + std::string(name) + ".py]}}";
      hint(loading, problem, "add it there: `" + line + "`", "добавьте её туда: `" + line + "`");
    }
  }
  return std::string(name);
}

Verbs read_run(Loading& loading, Fields& fields, const Node& value) {
  Run run;
  run.program = read_program_name(loading, value, fields.where());
  if (const Node* node = fields.take(Word::With)) run.with = read_given(loading, *node, fields.spelled(Word::With));
  run.into = read_into(loading, fields);
  run.on_error = read_optional_target(loading, fields, Word::OnError);
  return run;
}

// ---- report

using Format = ReportStep::Format;

/// A heading for each: the column's name, or what stands before an expression.
std::vector<ReportStep::Column> read_report_columns(Loading& loading, const Node& node, TableId table, std::string_view what) {
  std::vector<ReportStep::Column> columns;
  TableScope scope(loading, table);
  if (node.is_map()) {
    for (const Node::Entry& entry : node.entries)
      if (auto value = read_expression(loading, entry.value, entry.key.scalar))
        columns.push_back({std::string(nfc(loading, entry.key.scalar)), std::move(*value)});
    return columns;
  }
  for (const Node* name : read_strings(loading, node, what)) {
    const std::string_view column = trim(nfc(loading, name->scalar));
    check_column(loading, table, column, name->span);
    if (auto value = read_expression(loading, *name, what)) columns.push_back({std::string(column), std::move(*value)});
  }
  return columns;
}

/// `day.csv` says its format itself.
std::string read_report_name(Loading& loading, const Node& value, const std::string& what, Format& format) {
  const auto text = read_scalar(loading, value, what);
  if (!text) return {};
  std::string name(trim(nfc(loading, *text)));
  constexpr std::pair<std::string_view, Format> kEndings[] = {{".html", Format::Html}, {".csv", Format::Csv}, {".txt", Format::Text}};
  for (const auto& [ending, of] : kEndings) {
    if (!to_lower(name).ends_with(ending)) continue;
    format = of;
    name.resize(name.size() - ending.size());
    break;
  }
  const bool good = !name.empty() && name.front() != '.' && count_code_points(name) <= 60 && name.find_first_of("/\\:*?\"<>|{}") == name.npos;
  if (good) return name;
  hint(loading, loading.report(DiagnosticId::BadReportName, value.span, {what, std::string(*text)}),
       "name the file in a word or two: `%report%: orders`; what stands on its top is `%title%`",
       "назовите файл одним-двумя словами: `%report%: заказы`; заголовок пишут в `%title%`");
  return {};
}

void report_of_nothing(Loading& loading, const Node& value, std::string what, std::string_view name) {
  Diagnostic& problem = loading.report(DiagnosticId::ReportOfNothing, value.span, {std::move(what)});
  std::vector<std::string> tables;
  if (may_offer(loading, loading.program.tables.size()))
    for (const Table& table : loading.program.tables)
      if (table.name != name) tables.push_back(table.name);
  if (std::string near = nearest(std::string(name), tables); !near.empty()) {
    hint(loading, problem, "did you mean the table `" + near + "`? Rows of another one are `%table%: …`, what people wrote is `%talks%: %all%`",
         "может быть, таблица `" + near + "`? Строки другой — это `%table%: …`, переписка — `%talks%: %all%`");
  } else {
    hint(loading, problem, "rows are `%table%: orders`, what people wrote is `%talks%: %all%`",
         "строки таблицы — это `%table%: заказы`, переписка — `%talks%: %all%`");
  }
}

/// `report: orders`, `report: transcripts`: what it is of is said by its name. A table of the scenario comes first.
bool read_report_subject(Loading& loading, const Node& value, ReportStep& report) {
  const auto found = loading.tables.find(report.name);
  if (found != loading.tables.end()) {
    report.table = TableId{found->second.index};
    return true;
  }
  if (find_word(report.name, in::ReportWord) == Word::Transcripts) return false;
  if (loading.tables_described || !is_identifier(report.name)) return true;
  // Whether some `save` makes it, is known when all is read.
  Node& name = loading.made_nodes.emplace_back(value);
  name.scalar = loading.kept.emplace_back(report.name);
  report.table = read_table_name(loading, name, report.name);
  if (report.table) loading.implied_tables.at(report.table.value).of_report = true;
  return true;
}

Verbs read_report(Loading& loading, Fields& fields, const Node& value) {
  ReportStep report;
  report.name = read_report_name(loading, value, fields.where(), report.format);
  if (const Node* format = fields.take(Word::As)) {
    switch (read_word(loading, *format, in::ReportFormat, fields.spelled(Word::As))) {
      case Word::Csv: report.format = Format::Csv; break;
      case Word::Txt: report.format = Format::Text; break;
      default: report.format = Format::Html;
    }
  }
  const Node* table = fields.take(Word::TableWord);
  const Node* talks = fields.take(Word::Talks);
  if (table) report.table = read_table_name(loading, *table, fields.spelled(Word::TableWord));
  if (talks) {
    const auto said = read_scalar(loading, *talks, fields.spelled(Word::Talks));
    const Word which = said ? find_word(nfc(loading, *said), in::ReportWord) : Word::TalksAll;
    report.this_talk = which == Word::TalksThis;
    if (which != Word::TalksThis && which != Word::TalksAll)
      hint(loading, loading.report(DiagnosticId::UnknownValue, talks->span, {fields.spelled(Word::Talks), std::string(*said)}),
           "`%all%`: of all people; `%this%`: the one of this step", "`%all%` — всех людей, `%this%` — тот, в котором идёт шаг");
    for (const Word word : {Word::TableWord, Word::Where, Word::Sort, Word::Columns}) {
      if (word == Word::TableWord ? !table : !fields.take(word)) continue;
      loading.report(DiagnosticId::NotTogether, fields.key_span(word), {fields.spelled(word), fields.spelled(Word::Talks)});
    }
  }
  bool of_talks = talks != nullptr;
  if (!table && !talks && !report.name.empty()) {
    of_talks = !read_report_subject(loading, value, report);
    if (!of_talks && !report.table && !fields.has_unknown()) report_of_nothing(loading, value, fields.where(), report.name);
  }
  if (of_talks && !talks) {
    for (const Word word : {Word::Where, Word::Sort, Word::Columns})
      if (fields.take(word)) loading.report(DiagnosticId::NotTogether, fields.key_span(word), {fields.spelled(word), fields.where() + ": " + report.name});
  }
  if (!of_talks) {
    report.where = read_where(loading, fields, report.table);
    report.sort = read_sort(loading, fields, report.table);
    if (const Node* columns = fields.take(Word::Columns))
      report.columns = read_report_columns(loading, *columns, report.table, fields.spelled(Word::Columns));
  }
  if (const Node* period = fields.take(Word::Period)) {
    report.period = read_period(loading, *period, fields.spelled(Word::Period));
  } else if (of_talks && !report.this_talk) {
    report.period.kind = Period::Kind::Last;
    report.period.last = Duration{24 * 3600 * 1000};
  }
  if (const Node* title = fields.take(Word::Title)) report.title = read_text(loading, *title, fields.spelled(Word::Title));
  report.into = read_into(loading, fields, true);
  report.on_error = read_optional_target(loading, fields, Word::OnError);
  if (!report.table && !of_talks) loading.flow_is_known = false;
  return report;
}

// ---- assistant

using Task = AssistantStep::Task;

Task task_of(Word word) {
  switch (word) {
    case Word::Classify: return Task::Classify;
    case Word::Extract: return Task::Extract;
    case Word::Write: return Task::Write;
    case Word::Forget: return Task::Forget;
    default: return Task::Talk;
  }
}

/// A field that this task has no use for.
void refuse_field(Loading& loading, Fields& fields, Word word, const std::string& task) {
  if (!fields.take(word)) return;
  Diagnostic& problem = loading.report(DiagnosticId::NotTogether, fields.key_span(word), {fields.spelled(word), task});
  if (fields.has(Word::Do)) return;
  hint(loading, problem, "this is a conversation; for one job say which: `%do%: %classify%`, `%extract%` or `%write%`",
       "это разговор; если нужно одно дело, назовите его: `%do%: %classify%`, `%extract%` или `%write%`");
}

void read_classes(Loading& loading, Fields& fields, AssistantStep& step) {
  const Node* of = fields.require(Word::Of);
  if (!of) return;
  for (const Node* one : read_strings(loading, *of, fields.spelled(Word::Of))) step.of.emplace_back(trim(one->scalar));
  if (step.of.empty()) {
    hint(loading, loading.report(DiagnosticId::NoOptions, of->span, {fields.spelled(Word::Of)}),
         "name what it may be: `%of%: [yes, no]`", "назовите, что это может быть: `%of%: [согласен, отказ]`");
  }
}

void read_task(Loading& loading, Fields& fields, StepId id, AssistantStep& step, const std::string& task) {
  const bool reads = step.task == Task::Classify || step.task == Task::Extract;
  if (step.task == Task::Classify) {
    read_classes(loading, fields, step);
  } else {
    refuse_field(loading, fields, Word::Of, task);
  }
  if (step.task == Task::Write) {
    if (const Node* prompt = fields.require(Word::Prompt)) step.prompt = read_text(loading, *prompt, fields.spelled(Word::Prompt));
  } else {
    refuse_field(loading, fields, Word::Prompt, task);
  }
  if (reads) {
    if (const Node* text = fields.take(Word::TextWord)) step.text = read_text(loading, *text, fields.spelled(Word::TextWord));
  } else {
    refuse_field(loading, fields, Word::TextWord, task);
  }
  if (step.task == Task::Extract) {
    FieldUse use;
    use.step = id;
    if (const Node* into = fields.require(Word::Into)) {
      step.fields = read_fields(loading, *into, fields.spelled(Word::Into), use);
    }
  } else if (step.task == Task::Forget || step.task == Task::Talk) {
    refuse_field(loading, fields, Word::Into, task);
  } else {
    step.into = read_into(loading, fields, true);
  }
}

void read_end_of_talk(Loading& loading, Fields& fields, AssistantStep& step, const std::string& task) {
  if (step.task == Task::Talk) {
    if (const Node* until = fields.take(Word::Until)) step.until = read_condition(loading, *until, fields.spelled(Word::Until));
  } else {
    refuse_field(loading, fields, Word::Until, task);
  }
  if (step.task == Task::Forget) return refuse_field(loading, fields, Word::Otherwise, task);
  if (const Node* otherwise = fields.take(Word::Otherwise))
    step.otherwise = read_target(loading, *otherwise, fields.spelled(Word::Otherwise));
}

Verbs read_assistant(Loading& loading, Fields& fields, const Node& value, StepId id) {
  AssistantStep step;
  if (!value.is_map()) {
    step.assistant = read_assistant_name(loading, value, fields.where());
    if (const Node* task = fields.take(Word::Do)) {
      const std::string example = fields.where() + ": {" + fields.spelled(Word::NameWord) + ": " + std::string(value.scalar) + ", " +
                                  fields.spelled(Word::Do) + ": " + (task->is_scalar() ? std::string(task->scalar) : "…") + ", …}";
      hint(loading, loading.report(DiagnosticId::NotTogether, task->span, {fields.spelled(Word::Do), fields.where()}),
           "write it in one map: `" + example + "`", "запишите всё вместе: `" + example + "`");
      fields.forgive();
      return Log{};
    }
    read_end_of_talk(loading, fields, step, fields.where());
    return step.assistant ? Verbs(std::move(step)) : Verbs(Log{});
  }
  Fields inner(loading, value, in::AssistantStepKey, fields.where());
  if (const Node* name = inner.require(Word::NameWord)) step.assistant = read_assistant_name(loading, *name, inner.spelled(Word::NameWord));
  std::string task = inner.where();
  if (const Node* what = inner.take(Word::Do)) {
    step.task = task_of(read_word(loading, *what, in::AssistantJob, inner.spelled(Word::Do)));
    if (what->is_scalar()) task = inner.spelled(Word::Do) + ": " + std::string(what->scalar);
  }
  read_task(loading, inner, id, step, task);
  read_end_of_talk(loading, inner, step, task);
  inner.finish();
  return step.assistant ? Verbs(std::move(step)) : Verbs(Log{});
}

constexpr std::pair<HandoffOutcome, Word> kOutcomes[] = {{HandoffOutcome::Closed, Word::Closed},
                                                         {HandoffOutcome::Timeout, Word::Timeout},
                                                         {HandoffOutcome::NoAgents, Word::NoAgents},
                                                         {HandoffOutcome::ClientLeft, Word::ClientLeft},
                                                         {HandoffOutcome::Rejected, Word::Rejected}};

/// What a rule needs for an outcome to come to pass, as its author would write it; empty when it can.
std::string lacks_for(const Loading& loading, const HandoffRule& rule, HandoffOutcome outcome, SourceSpan place) {
  const bool relays = rule.mode == HandoffRule::Mode::Relay;
  const auto resume = [&](Word word) {
    return loading.say(Word::Resume, place) + ": {" + loading.say(word, place) + ": …}";
  };
  switch (outcome) {
    case HandoffOutcome::Closed:
      return relays || !rule.staff_words.empty() || (rule.crm && (!rule.crm->wakes_at.empty() || rule.crm->wakes_when_closed))
                 ? ""
                 : resume(Word::ByStaff);
    case HandoffOutcome::ClientLeft: return relays || !rule.user_words.empty() ? "" : resume(Word::Words);
    case HandoffOutcome::Timeout:
      if (relays) return rule.queue_timeout || rule.close_idle ? "" : loading.say(Word::Timeout, place) + ": …";
      return rule.resume_after ? "" : resume(Word::After);
    default: return "";
  }
}

void read_outcomes(Loading& loading, const Node& node, const std::string& what, HandoffStep& step) {
  if (!node.is_map()) {
    hint(loading, loading.report(DiagnosticId::WantsMap, node.span, {what}),
         "each on its own line: `%closed%: branch`", "каждый с новой строки: `%closed%: ветка`");
    return;
  }
  const HandoffRule* rule = step.rule ? &loading.program.handoffs[step.rule.value] : nullptr;
  Fields fields(loading, node, in::Outcome, what);
  for (const auto& [outcome, word] : kOutcomes) {
    const Node* value = fields.take(word);
    if (!value) continue;
    const SourceSpan span = fields.key_span(word);
    const bool silent = rule && rule->mode == HandoffRule::Mode::Silent;
    if (silent && (outcome == HandoffOutcome::NoAgents || outcome == HandoffOutcome::Rejected)) {
      hint(loading, loading.report(DiagnosticId::NotTogether, span, {fields.spelled(word), loading.say(Word::Silent, span)}),
           "only a desk has it: `%mode%: %relay%`", "так бывает только у линии: `%mode%: %relay%`");
    } else if (rule) {
      const std::string lacks = lacks_for(loading, *rule, outcome, span);
      if (!lacks.empty()) {
        hint(loading, loading.report(DiagnosticId::IdleField, span, {fields.spelled(word), lacks}),
             "add it to the rule `" + rule->name + "`", "добавьте его в правило `" + rule->name + "`");
      }
    }
    step.outcomes[static_cast<std::size_t>(outcome)] = read_target(loading, *value, fields.spelled(word));
  }
  fields.finish();
}

Verbs read_handoff(Loading& loading, Fields& fields, const Node& value) {
  HandoffStep step;
  if (const auto text = read_scalar(loading, value, fields.where())) {
    const std::string_view name = nfc(loading, *text);
    const auto found = loading.handoffs.find(name);
    if (found != loading.handoffs.end()) {
      step.rule = HandoffId{found->second.index};
    } else {
      loading.handoffs_are_known = false;
      Diagnostic& problem = loading.report(DiagnosticId::UnknownHandoff, value.span,
                                           {fields.where(), std::string(*text)});
      std::vector<std::string> known;
      for (const HandoffRule& rule : loading.program.handoffs) known.push_back(rule.name);
      offer(loading, problem, name, known, false);
      if (known.empty()) {
        hint(loading, problem, "describe it in `%handoff%`", "опишите его в `%handoff%`");
      }
    }
  }
  if (const Node* node = fields.take(Word::Outcomes)) {
    read_outcomes(loading, *node, fields.spelled(Word::Outcomes), step);
  }
  return step;
}

Verbs read_verb(Loading& loading, Fields& fields, Word verb, const Node& key, const Node& value,
                StepId step) {
  switch (verb) {
    case Word::Say: return read_say(loading, fields, value);
    case Word::Choose: return read_choose(loading, fields, value);
    case Word::Ask: return read_ask(loading, fields, value, step);
    case Word::If: return read_if(loading, fields, value);
    case Word::Match: return read_match(loading, fields, value);
    case Word::For: return read_for(loading, fields, value);
    case Word::Set: return Set{read_assignments(loading, value, fields.where(), true)};
    case Word::Go: return Go{read_branch_name(loading, value, fields.where())};
    case Word::Call: return read_call(loading, fields, value);
    case Word::Return: {
      Return step_return;
      if (value.kind != Node::Kind::Null) {
        step_return.value = read_expression(loading, value, fields.where());
      }
      return step_return;
    }
    case Word::Back:
    case Word::Restart:
    case Word::End:
      if (value.kind != Node::Kind::Null) {
        const auto on = read_boolean(loading, value, fields.where());
        if (on && !*on) {
          hint(loading, loading.report(DiagnosticId::UnknownValue, value.span,
                              {fields.where(), std::string(value.scalar)}),
               "leave the step out", "уберите этот шаг");
        }
      }
      if (verb == Word::Back) return Back{};
      if (verb == Word::Restart) return Restart{};
      return End{};
    case Word::Wait: return read_wait(loading, fields, value);
    case Word::Schedule: return read_schedule(loading, fields, value);
    case Word::Cancel: return read_cancel(loading, fields, value);
    case Word::Broadcast: {
      auto broadcast = read_broadcast(loading, fields, value);
      return broadcast ? Verbs(std::move(*broadcast)) : Verbs(Log{});
    }
    case Word::Save: return read_save(loading, fields, value);
    case Word::Find: return read_find(loading, fields, value);
    case Word::Count: return read_count(loading, fields, value);
    case Word::Update: return read_update(loading, fields, value);
    case Word::Delete: return read_delete(loading, fields, value);
    case Word::Notify: return read_notify(loading, fields, value);
    case Word::Handoff: return read_handoff(loading, fields, value);
    case Word::Run: return read_run(loading, fields, value);
    case Word::Mail: return read_mail(loading, fields, value);
    case Word::Http: return read_http(loading, fields, value);
    case Word::Crm: {
      auto crm = read_crm(loading, fields, value);
      return crm ? Verbs(std::move(*crm)) : Verbs(Log{});
    }
    case Word::Report: return read_report(loading, fields, value);
    case Word::Assistant: return read_assistant(loading, fields, value, step);
    case Word::Log: return Log{read_text(loading, value, fields.where())};
    case Word::Track: {
      Track track;
      if (const auto name = read_scalar(loading, value, fields.where())) track.event = std::string(*name);
      return track;
    }
    default:
      not_available_yet(loading, key.span, key.scalar);
      read_into(loading, fields);
      fields.forgive();
      return Log{};
  }
}

void report_text_as_step(Loading& loading, const Node& node) {
  Diagnostic& problem =
      loading.report(DiagnosticId::StepIsText, node.span,
                     {std::string(first_code_points(node.scalar, 40))});
  std::vector<std::string> bare;
  for (const Word word : {Word::Back, Word::Restart, Word::End, Word::Return}) {
    bare.emplace_back(spelling(word, Language::English));
    bare.emplace_back(spelling(word, Language::Russian));
  }
  offer(loading, problem, node.scalar, bare, true);
  if (problem.fixes.empty()) {
    const std::string say = loading.say(Word::Say, node.span);
    hint(loading, problem, "to send it, write `- " + say + ": …`", "чтобы отправить его, напишите `- " + say + ": …`");
  }
}

StepId read_step(Loading& loading, const Node& node, BlockId block, std::uint32_t index) {
  const StepId id{static_cast<std::uint32_t>(loading.program.steps.size())};
  loading.program.steps.emplace_back();
  {
    Step& step = loading.program.steps.back();
    step.span = node.span;
    step.block = block;
    step.index = index;
    step.verb = Log{};
  }
  auto mine = [&]() -> Step& { return loading.program.steps[id.value]; };

  if (node.is_scalar()) {
    switch (verb_without_fields(nfc(loading, node.scalar))) {
      case Word::Back: mine().verb = Back{}; break;
      case Word::Restart: mine().verb = Restart{}; break;
      case Word::End: mine().verb = End{}; break;
      case Word::Return: mine().verb = Return{}; break;
      default: report_text_as_step(loading, node); break;
    }
    return id;
  }
  if (!node.is_map()) {
    loading.report(DiagnosticId::NoVerb, node.span);
    return id;
  }

  Fields fields(loading, node, in::Verb | in::StepKey | in::QuestionKey,
                loading.branch ? loading.program.branches[loading.branch.value].name : std::string("-"));
  const Fields::Item* verb = nullptr;
  bool unknown = false;
  for (const Fields::Item& item : fields.items()) {
    unknown = unknown || item.word == Word::None;
    if (item.taken || !(contexts_of(item.word) & in::Verb)) continue;
    if (!verb) {
      verb = &item;
      continue;
    }
    Diagnostic& problem =
        loading.report(DiagnosticId::TwoVerbs, item.entry->key.span,
                       {std::string(verb->entry->key.scalar), std::string(item.entry->key.scalar)});
    hint(loading, problem, "put the second on a line of its own with `- ` before it",
         "начните второе с новой строки и с `- `");
    fields.take(item.word);
    loading.flow_is_known = false;
  }
  if (verb) loading.last_key = &verb->entry->key;
  if (!verb) {
    loading.flow_is_known = false;
    if (!unknown) {
      hint(loading, loading.report(DiagnosticId::NoVerb, node.span),
           "to send a text, write `%say%: …`; to ask, `%ask%: …`",
           "чтобы отправить текст, напишите `%say%: …`; чтобы спросить, `%ask%: …`");
    }
    std::vector<const Fields::Item*> known;
    for (const Fields::Item& item : fields.items()) {
      if (item.word != Word::None) known.push_back(&item);
    }
    for (const Fields::Item* item : known) fields.take(item->word);
    fields.finish();
    return id;
  }
  fields.take(verb->word);
  const Node* const verb_key = &verb->entry->key;
  fields.set_where(std::string(verb->entry->key.scalar));
  mine().span = verb->entry->key.span;

  const StepId outer = std::exchange(loading.parent, id);
  if (const Node* when = fields.take(Word::When)) {
    auto condition = read_condition(loading, *when, fields.spelled(Word::When));
    mine().when = std::move(condition);
  }
  if (const Node* name = fields.take(Word::Id)) {
    if (read_scalar(loading, *name, fields.spelled(Word::Id))) {
      const std::string_view step_id = read_name(loading, *name);
      mine().id = std::string(step_id);
    }
  }
  loading.last_key = verb_key;
  Verbs read = read_verb(loading, fields, verb->word, verb->entry->key, verb->entry->value, id);
  mine().verb = std::move(read);
  fields.finish();
  loading.parent = outer;
  return id;
}

}  // namespace

BlockId read_block(Loading& loading, const Node& list) {
  const BlockId id{static_cast<std::uint32_t>(loading.program.blocks.size())};
  loading.program.blocks.push_back({{}, loading.parent, loading.branch});
  std::vector<StepId> steps;
  if (list.is_map()) {
    steps.push_back(read_step(loading, list, id, 0));
  } else {
    steps.reserve(list.items.size());
    for (const Node& item : list.items) {
      steps.push_back(read_step(loading, item, id, static_cast<std::uint32_t>(steps.size())));
    }
  }
  loading.program.blocks[id.value].steps = std::move(steps);
  return id;
}

void load_branches(Loading& loading) {
  // In the order of declaration, so that indices follow the files.
  std::vector<const Declared*> order(loading.program.branches.size());
  for (const auto& [name, declared] : loading.branches) order[declared.index] = &declared;
  for (const Declared* declared : order) {
    const Node& node = *declared->value;
    loading.branch = BranchId{declared->index};
    loading.parent = {};
    const std::string name(declared->key->scalar);
    const Node* steps = &node;
    if (node.is_map()) {
      Fields fields(loading, node, in::BranchKey, name);
      if (fields.has(Word::Steps) || fields.has(Word::About) || fields.has(Word::Pin)) {
        steps = fields.require(Word::Steps);
        if (const Node* about = fields.take(Word::About)) {
          if (const auto text = read_scalar(loading, *about, fields.spelled(Word::About))) {
            loading.program.branches[declared->index].about = std::string(*text);
          }
        }
        if (const Node* pin = fields.take(Word::Pin)) {
          if (const auto pinned = read_boolean(loading, *pin, fields.spelled(Word::Pin)))
            loading.program.branches[declared->index].pin = *pinned;
        }
        fields.finish();
      }
    }
    const bool one_step = steps == &node && node.is_map();
    if (steps && steps->is_list() && !steps->items.empty()) {
      const BlockId block = read_block(loading, *steps);
      loading.program.branches[declared->index].block = block;
      continue;
    }
    if (steps && (steps->kind == Node::Kind::Null || (steps->is_list() && steps->items.empty()))) {
      loading.report(DiagnosticId::EmptyBranch, declared->key->span, {name});
    } else if (loading.flow_is_known = false; one_step && std::any_of(node.entries.begin(), node.entries.end(), [](const Node::Entry& e) {
                 return find_word(e.key.scalar, in::Verb) != Word::None;
               })) {
      // The step is there, only its dash is missing.
      Diagnostic& problem =
          loading.report(DiagnosticId::WantsSteps, node.entries[0].key.span, {name});
      hint(loading, problem, "put `- ` before `" + std::string(node.entries[0].key.scalar) + "`",
           "поставьте `- ` перед `" + std::string(node.entries[0].key.scalar) + "`");
    } else if (steps) {
      loading.report(DiagnosticId::WantsSteps, steps->span, {name});
    }
    const BlockId block{static_cast<std::uint32_t>(loading.program.blocks.size())};
    loading.program.blocks.push_back({{}, {}, loading.branch});
    loading.program.branches[declared->index].block = block;
  }
  loading.branch = {};
}

}  // namespace sufler
