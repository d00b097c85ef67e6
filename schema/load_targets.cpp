// Where things lead (targets, timeouts), and the buttons that lead there.
#include <algorithm>

#include "schema/loading.h"

namespace sufler {
namespace {

/// A step without anything else, as a list of its own: `Отмена: end`.
BlockId block_of_one(Loading& loading, SourceSpan span, decltype(Step::verb) verb) {
  const BlockId block{static_cast<std::uint32_t>(loading.program.blocks.size())};
  const StepId id{static_cast<std::uint32_t>(loading.program.steps.size())};
  loading.program.blocks.push_back({{id}, loading.parent, loading.branch});
  Step& step = loading.program.steps.emplace_back();
  step.span = span;
  step.block = block;
  step.verb = std::move(verb);
  return block;
}

/// `go`, `call`, `do`, `back`, `restart`, `end` among other fields: what an option or a timeout does.
Target read_target_fields(Loading& loading, Fields& fields) {
  Target target;
  int ways = 0;
  auto once = [&](Word word, const Node& node) {
    if (++ways < 2) return true;
    loading.report(DiagnosticId::NotTogether, node.span, {fields.spelled(word), fields.where()});
    return false;
  };
  if (const Node* node = fields.take(Word::Go)) {
    if (once(Word::Go, *node)) target.go = read_branch_name(loading, *node, fields.spelled(Word::Go));
  }
  if (const Node* node = fields.take(Word::Call)) {
    if (once(Word::Call, *node)) {
      target.call = read_branch_name(loading, *node, fields.spelled(Word::Call), true);
    }
  }
  for (const Word word : {Word::Do, Word::Steps}) {
    if (const Node* node = fields.take(word)) {
      if (once(word, *node)) target = read_target(loading, *node, fields.spelled(word));
    }
  }
  for (const Word word : {Word::Back, Word::Restart, Word::End}) {
    const Node* node = fields.take(word);
    if (!node) continue;
    if (node->kind != Node::Kind::Null) {
      const auto on = read_boolean(loading, *node, fields.spelled(word));
      if (!on || !*on) continue;
    }
    if (!once(word, *node)) continue;
    if (word == Word::Back) target.steps = block_of_one(loading, node->span, Back{});
    if (word == Word::Restart) target.steps = block_of_one(loading, node->span, Restart{});
    if (word == Word::End) target.steps = block_of_one(loading, node->span, End{});
  }
  return target;
}

/// Fields of an option that do not lead anywhere.
void read_option_fields(Loading& loading, Fields& fields, Option& option) {
  if (const Node* node = fields.take(Word::Set)) {
    option.set = read_assignments(loading, *node, fields.spelled(Word::Set), true);
  }
  if (const Node* node = fields.take(Word::Url)) {
    option.url = read_text(loading, *node, fields.spelled(Word::Url));
    option.action = ButtonAction::Url;
  }
  if (const Node* node = fields.take(Word::When)) {
    option.when = read_condition(loading, *node, fields.spelled(Word::When));
  }
  if (const Node* node = fields.take(Word::ValueWord)) option.value = read_constant(loading, *node);
  if (const Node* node = fields.take(Word::Color)) {
    switch (read_word(loading, *node, in::ColorName, fields.spelled(Word::Color))) {
      case Word::Blue: option.color = ButtonColor::Blue; break;
      case Word::White: option.color = ButtonColor::White; break;
      case Word::Red: option.color = ButtonColor::Red; break;
      case Word::Green: option.color = ButtonColor::Green; break;
      default: break;
    }
  }
  if (option.url) {
    // The platforms tell nobody that a link was pressed, so nothing else can follow.
    for (const Word word : {Word::Go, Word::Call, Word::Do, Word::Steps, Word::Set, Word::Back,
                            Word::Restart, Word::End}) {
      if (!fields.has(word)) continue;
      hint(loading,
           loading.report(DiagnosticId::NotTogether, fields.key_span(word),
                          {fields.spelled(word), fields.spelled(Word::Url)}),
           "a button with a link only opens it, and the bot is not told: make two buttons",
           "кнопка со ссылкой только открывает её, бот об этом не узнаёт: сделайте две кнопки");
      break;
    }
  }
  option.target = read_target_fields(loading, fields);
}

bool has_option_word(const Node& map) {
  return std::any_of(map.entries.begin(), map.entries.end(), [](const Node::Entry& entry) {
    return find_word(entry.key.scalar, in::OptionKey) != Word::None;
  });
}

void read_from(Loading& loading, Fields& fields, Buttons& buttons) {
  const Node* from = fields.take(Word::From);
  if (!from) return;
  OptionsFrom options;
  if (auto list = read_expression(loading, *from, fields.spelled(Word::From))) options.from = *list;
  const bool before = std::exchange(loading.any_name, true);
  if (const Node* node = fields.take(Word::Label)) {
    // Written like any expression, and by habit also like a text.
    options.label = read_expression(loading, *node, fields.spelled(Word::Label));
  }
  if (const Node* node = fields.take(Word::ValueWord)) {
    options.value = read_expression(loading, *node, fields.spelled(Word::ValueWord));
  }
  loading.any_name = before;
  buttons.from = std::move(options);
}

void check_duplicates(Loading& loading, const std::vector<Option>& options) {
  std::unordered_map<std::string, const Option*> seen;
  for (const Option& option : options) {
    if (option.label.any_of.size() != 1 || !option.label.any_of[0].is_constant() || option.when) {
      continue;
    }
    const auto [first, fresh] = seen.emplace(fold(option.label.any_of[0].source()), &option);
    if (fresh) continue;
    Diagnostic& problem = loading.report(DiagnosticId::DuplicateOption, option.span,
                                         {option.label.any_of[0].source()});
    problem.related.push_back({"", first->second->span});
    hint(loading, problem, "give one of them another text", "дайте одной из них другую надпись");
  }
}

}  // namespace

Target read_target(Loading& loading, const Node& node, std::string_view what) {
  Target target;
  switch (node.kind) {
    case Node::Kind::Scalar: {
      const std::string_view name = nfc(loading, node.scalar);
      if (!loading.branches.count(name)) {
        // `Отмена: end`: a step that needs nothing more, where a branch is expected.
        switch (find_word(name, in::Verb)) {
          case Word::Back: target.steps = block_of_one(loading, node.span, Back{}); return target;
          case Word::Restart: target.steps = block_of_one(loading, node.span, Restart{}); return target;
          case Word::End: target.steps = block_of_one(loading, node.span, End{}); return target;
          case Word::Return: target.steps = block_of_one(loading, node.span, Return{}); return target;
          default: break;
        }
      }
      target.go = read_branch_name(loading, node, what, false, true);
      return target;
    }
    case Node::Kind::Sequence:
      target.steps = read_block(loading, node);
      return target;
    case Node::Kind::Mapping:
      // One step written without its `- `.
      target.steps = read_block(loading, node);
      return target;
    case Node::Kind::Null:
      loading.report(DiagnosticId::WantsSteps, node.span, {std::string(what)});
      return target;
  }
  return target;
}

std::vector<Reminder> read_reminders(Loading& loading, const Node& node, std::string_view what) {
  std::vector<Reminder> result;
  auto one = [&](const Node& item) {
    if (!item.is_map()) {
      hint(loading, loading.report(DiagnosticId::WantsMap, item.span, {std::string(what)}),
           "for example `{%after%: 30m, %text%: \"Are you still here?\"}`",
           "например `{%after%: 30м, %text%: \"Вы ещё здесь?\"}`");
      return;
    }
    Fields fields(loading, item, in::RemindKey, std::string(what));
    Reminder reminder;
    const Node* after = fields.require(Word::After);
    const Node* text = fields.require(Word::TextWord);
    if (after) {
      if (auto duration = read_duration(loading, *after, fields.spelled(Word::After))) {
        reminder.after = *duration;
      }
    }
    if (text) {
      reminder.text = read_text(loading, *text, fields.spelled(Word::TextWord));
      loading.message_texts.push_back(text);
    }
    fields.finish();
    result.push_back(std::move(reminder));
  };
  if (node.is_list()) {
    for (const Node& item : node.items) one(item);
  } else {
    one(node);
  }
  return result;
}

void check_reminders(Loading& loading, const Fields& fields, const std::vector<Reminder>& reminders,
                     const std::optional<Timeout>& timeout) {
  if (!timeout || timeout->after.ms <= 0) return;
  for (const Reminder& reminder : reminders) {
    if (reminder.after < timeout->after) continue;
    loading.report(DiagnosticId::LateReminder,
                   fields.key_span(fields.has(Word::Remind) ? Word::Remind : Word::Timeout),
                   {fields.spelled(Word::Timeout)});
    return;
  }
}

std::optional<Timeout> read_timeout(Loading& loading, const Node& node, std::string_view what) {
  if (!node.is_map()) {
    hint(loading, loading.report(DiagnosticId::WantsMap, node.span, {std::string(what)}),
         "for example `{%after%: 24h, %go%: branch}`", "например `{%after%: 24ч, %go%: ветка}`");
    return std::nullopt;
  }
  Fields fields(loading, node, in::TimeoutKey, std::string(what));
  Timeout timeout;
  if (const Node* after = fields.require(Word::After)) {
    if (auto duration = read_duration(loading, *after, fields.spelled(Word::After))) {
      timeout.after = *duration;
    }
  }
  const bool leads = fields.has(Word::Go) || fields.has(Word::Call) || fields.has(Word::Do) ||
                     fields.has(Word::Back) || fields.has(Word::Restart) || fields.has(Word::End);
  timeout.target = read_target_fields(loading, fields);
  if (!leads && !fields.has_unknown()) {
    hint(loading, loading.report(DiagnosticId::NothingToDo, node.span, {std::string(what)}),
         "add `%go%: branch`", "добавьте `%go%: ветка`");
  }
  fields.finish();
  return timeout;
}

Buttons read_buttons(Loading& loading, const Node& node, std::string_view what, bool for_question,
                     bool number_labels) {
  Buttons buttons;
  const auto value_of_label = [&](const Node& label, Option& option) {
    if (!number_labels || option.value || !label.is_scalar()) return;
    if (Value value = read_constant(loading, label); value.number()) option.value = std::move(value);
  };
  if (node.is_map()) {
    if (node.entries.empty()) loading.report(DiagnosticId::NoOptions, node.span, {std::string(what)});
    const bool from = std::any_of(node.entries.begin(), node.entries.end(), [](const Node::Entry& entry) {
      return find_word(entry.key.scalar, in::OptionsFromKey) == Word::From;
    });
    if (from) {
      Fields fields(loading, node, in::OptionsFromKey, std::string(what));
      read_from(loading, fields, buttons);
      fields.finish();
      return buttons;
    }
    buttons.options.reserve(node.entries.size());
    for (const Node::Entry& entry : node.entries) {
      Option option;
      option.span = entry.key.span;
      option.label = read_text(loading, entry.key, what);
      loading.labels.push_back(&entry.key);
      if (entry.value.is_map() && has_option_word(entry.value)) {
        Fields fields(loading, entry.value, in::OptionKey, std::string(entry.key.scalar));
        read_option_fields(loading, fields, option);
        fields.finish();
      } else if (for_question) {
        if (entry.value.is_list() || entry.value.is_map()) {
          loading.report(DiagnosticId::WantsText, entry.value.span, {std::string(entry.key.scalar)});
        } else if (entry.value.is_scalar()) {
          option.value = read_constant(loading, entry.value);
        }
      } else if (entry.value.kind != Node::Kind::Null) {
        option.target = read_target(loading, entry.value, entry.key.scalar);
      }
      value_of_label(entry.key, option);
      buttons.options.push_back(std::move(option));
    }
  } else if (node.is_list()) {
    if (node.items.empty()) loading.report(DiagnosticId::NoOptions, node.span, {std::string(what)});
    buttons.options.reserve(node.items.size());
    for (const Node& item : node.items) {
      Option option;
      option.span = item.span;
      if (item.is_scalar()) {
        option.label = read_text(loading, item, what);
        loading.labels.push_back(&item);
        value_of_label(item, option);
      } else if (item.is_map()) {
        const bool one_pair = item.entries.size() == 1 && !has_option_word(item);
        if (one_pair) {
          // `- Адрес: address`, the map's form with dashes before it.
          const Node::Entry& entry = item.entries[0];
          option.span = entry.key.span;
          option.label = read_text(loading, entry.key, what);
          loading.labels.push_back(&entry.key);
          if (for_question) {
            option.value = read_constant(loading, entry.value);
          } else if (entry.value.kind != Node::Kind::Null) {
            option.target = read_target(loading, entry.value, entry.key.scalar);
          }
        } else {
          Fields fields(loading, item, in::OptionKey, std::string(what));
          const Node* const label = fields.require(Word::Label);
          if (label) {
            option.span = label->span;
            option.label = read_text(loading, *label, fields.spelled(Word::Label));
            loading.labels.push_back(label);
          }
          read_option_fields(loading, fields, option);
          if (label) value_of_label(*label, option);
          fields.finish();
        }
      } else {
        loading.report(DiagnosticId::WantsText, item.span, {std::string(what)});
        continue;
      }
      buttons.options.push_back(std::move(option));
    }
  } else {
    hint(loading, loading.report(DiagnosticId::WantsList, node.span, {std::string(what)}),
         "each button on its own line: `Label: branch`", "каждая кнопка с новой строки: `Надпись: ветка`");
  }
  check_duplicates(loading, buttons.options);
  return buttons;
}

void read_button_layout(Loading& loading, Fields& fields, Buttons& buttons) {
  read_from(loading, fields, buttons);
  if (const Node* node = fields.take(Word::Columns)) {
    if (auto columns = read_integer(loading, *node, fields.spelled(Word::Columns), 1, 8)) {
      buttons.columns = static_cast<std::uint32_t>(*columns);
    }
  }
  if (const Node* node = fields.take(Word::Inline)) {
    buttons.is_inline = read_boolean(loading, *node, fields.spelled(Word::Inline)).value_or(false);
  }
}

}  // namespace sufler
