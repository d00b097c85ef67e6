// The smaller sections of a scenario: settings, texts, phrases, commands, tables, moved.
#include <algorithm>
#include <cstdlib>

#include "schema/loading.h"

namespace sufler {
namespace {

bool is_language_code(std::string_view text) {
  return (text.size() == 2 || text.size() == 3) &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= 'a' && c <= 'z'; });
}

/// `${NAME}` in a setting is taken from the environment.
void substitute_environment(Loading& loading, const Node& node, Value& value) {
  const std::string* text = value.text();
  if (!text || text->size() < 4 || text->compare(0, 2, "${") != 0 || text->back() != '}') return;
  const std::string name = text->substr(2, text->size() - 3);
  if (const char* set = std::getenv(name.c_str())) {
    value = Value(set);
    return;
  }
  report_unset_variable(loading, node.span, name);
}

}  // namespace

void report_unset_variable(Loading& loading, SourceSpan span, const std::string& name) {
  Diagnostic& problem = loading.report(DiagnosticId::EnvironmentUnset, span, {name});
  if (loading.options.environment_must_be_set) problem.severity = Severity::Error;
}

void load_settings(Loading& loading) {
  // They are kept in a list, in the author's order: so many that looking them up takes long are nobody's settings.
  constexpr std::size_t kMost = 10'000;
  if (loading.settings.size() > kMost) {
    const auto any = loading.settings.begin()->second.key->span;
    loading.report(DiagnosticId::TooManyValues, {any.file, 0, 0}, {std::to_string(kMost)});
    return;
  }
  in_order(loading.settings, [&](const Declared& declared) {
    Value value = read_constant(loading, *declared.value);
    substitute_environment(loading, *declared.value, value);
    loading.program.settings.set(nfc(loading, declared.key->scalar), std::move(value));
  });
}

namespace {

/// A text in one language beside texts in two: whoever speaks the other reads it in the scenario's own.
void check_languages(Loading& loading) {
  std::map<std::string, std::string> languages;  // → a text that has it
  for (const auto& [name, by_language] : loading.program.texts) {
    for (const auto& [language, text] : by_language) languages.emplace(language, name);
  }
  in_order(loading.texts, [&](const Declared& declared) {
    if (!declared.value->is_map()) return;  // a text for everybody
    const std::string name(nfc(loading, declared.key->scalar));
    const auto found = loading.program.texts.find(name);
    const std::string own = loading.program.language == Language::Russian ? "ru" : "en";
    if (found == loading.program.texts.end() || !found->second.count(own)) return;
    for (const auto& [language, has] : languages) {
      if (found->second.count(language)) continue;
      hint(loading, loading.report(DiagnosticId::TextLacksOther, declared.key->span, {name, language, has}),
           "whoever speaks it reads this text in `" + own + "`",
           "кто говорит на нём, прочтёт этот текст на `" + own + "`");
    }
  });
}

}  // namespace

void load_texts(Loading& loading) {
  const std::string own = loading.program.language == Language::Russian ? "ru" : "en";
  in_order(loading.texts, [&](const Declared& declared) {
    const Node& node = *declared.value;
    const std::string name(nfc(loading, declared.key->scalar));
    std::map<std::string, Template> by_language;
    if (node.is_map()) {
      for (const Node::Entry& entry : node.entries) {
        const Word word = find_word(entry.key.scalar, in::LanguageName);
        const std::string code = word == Word::None ? std::string(entry.key.scalar)
                                                    : std::string(spelling(word, Language::English));
        if (find_word(code, in::TextKey) == Word::AnyOf) {
          not_available_yet(loading, entry.key.span, entry.key.scalar);
          continue;
        }
        if (!is_language_code(code)) {
          hint(loading, loading.report(DiagnosticId::UnknownValue, entry.key.span, {name, code}),
               "a language is two letters: `ru`, `en`", "язык — это две буквы: `ru`, `en`");
          continue;
        }
        if (auto text = read_template(loading, entry.value, name)) by_language[code] = *text;
        loading.message_texts.push_back(&entry.value);
      }
      if (!by_language.count(own) && !by_language.empty()) {
        loading.report(DiagnosticId::TextLacksLanguage, declared.key->span, {name, own});
      }
    } else if (node.kind == Node::Kind::Null) {
      loading.report(DiagnosticId::EmptyText, declared.key->span, {name});
    } else {
      if (auto text = read_template(loading, node, name)) by_language[own] = *text;
      loading.message_texts.push_back(&node);
    }
    loading.program.texts[name] = std::move(by_language);
  });
  check_languages(loading);
}

void load_phrases(Loading& loading, const Node& node) {
  const std::string where = loading.say(Word::PhrasesWord, node.span);
  if (!node.is_map()) {
    loading.report(DiagnosticId::WantsMap, node.span, {where});
    return;
  }
  Fields fields(loading, node, in::PhraseKey, where);
  // Names that a phrase is given when it is said.
  for (const char* name : {"value", "count", "formats", "min", "max", "position", "desk", "agent", "client", "number", "minutes",
                           "names", "days"}) {
    loading.local_names.push_back(name);
  }
  for (const Fields::Item& item : fields.items()) {
    if (item.word == Word::None || item.taken) continue;
    const auto phrase = Phrases::find(spelling(item.word, Language::English));
    const Node& value = item.entry->value;
    fields.take(item.word);
    if (!phrase) continue;
    if (value.is_map()) {
      for (const Node::Entry& entry : value.entries) {
        const Word language = find_word(entry.key.scalar, in::LanguageName);
        if (language == Word::None) {
          hint(loading, loading.report(DiagnosticId::UnknownValue, entry.key.span,
                              {std::string(item.entry->key.scalar), std::string(entry.key.scalar)}),
               "a phrase is in `ru` or `en`", "фраза бывает на `ru` или `en`");
          continue;
        }
        if (auto text = read_template(loading, entry.value, item.entry->key.scalar)) {
          loading.program.phrases.override_phrase(
              *phrase, language == Word::Russian ? Language::Russian : Language::English, *text);
        }
      }
    } else if (auto text = read_template(loading, value, item.entry->key.scalar)) {
      loading.program.phrases.override_phrase(*phrase, loading.program.language, *text);
    }
  }
  loading.local_names.clear();
  fields.finish();
}

std::string meaning_key(Intent intent) { return '\t' + std::to_string(static_cast<int>(intent)) + '\n'; }

Word word_of(Intent intent) {
  switch (intent) {
    case Intent::Back: return Word::Back;
    case Intent::Restart: return Word::Restart;
    case Intent::Stop: return Word::StopWord;
    default: return Word::OperatorWord;
  }
}

namespace {

/// What `stop` and its like say in `means:`, or Other.
Intent read_meaning(Loading& loading, const Node& node, std::string_view what) {
  switch (read_word(loading, node, in::MeaningWord, what)) {
    case Word::Back: return Intent::Back;
    case Word::Restart: return Intent::Restart;
    case Word::StopWord: return Intent::Stop;
    case Word::OperatorWord: return Intent::Operator;
    default: return Intent::Other;
  }
}

/// `{matches: …, means: …}`, of `on` or of an item of it.
void read_on(Loading& loading, const Node& node, const std::string& where, Command& command) {
  Fields fields(loading, node, in::OnKey, where);
  const Node* matches = fields.take(Word::Matches);
  const Node* means = fields.take(Word::Means);
  if (matches && !command.pattern.empty()) {
    loading.report(DiagnosticId::RepeatedKey, fields.key_span(Word::Matches), {fields.spelled(Word::Matches)});
  } else if (matches) {
    command.pattern = read_pattern(loading, *matches, fields.spelled(Word::Matches));
  }
  if (means) {
    for (const Node* word : read_strings(loading, *means, fields.spelled(Word::Means))) {
      const Intent intent = read_meaning(loading, *word, fields.spelled(Word::Means));
      if (intent == Intent::Other) continue;
      if (std::find(command.means.begin(), command.means.end(), intent) != command.means.end()) {
        loading.report(DiagnosticId::RepeatedKey, word->span, {std::string(word->scalar)});
        continue;
      }
      command.means.push_back(intent);
      loading.command_words.emplace(meaning_key(intent) + command.name, word->span);
    }
    if (means->is_list() && means->items.empty())
      loading.report(DiagnosticId::NoOptions, means->span, {fields.spelled(Word::Means)});
  } else if (!matches && !fields.has_unknown()) {
    hint(loading,
         loading.report(DiagnosticId::MissingField, node.span, {fields.spelled(Word::Means), where}),
         "for example `{%means%: back}` or `{%matches%: \"price|how much\"}`",
         "например `{%means%: назад}` или `{%matches%: \"цена|сколько стоит\"}`");
  }
  fields.finish();
}

}  // namespace

void load_commands(Loading& loading) {
  in_order(loading.commands, [&](const Declared& declared) {
    const Node& node = *declared.value;
    const std::string name(declared.key->scalar);
    Command& command = loading.program.commands[declared.index];
    if (!node.is_map()) {
      hint(loading, loading.report(DiagnosticId::WantsMap, declared.key->span, {name}),
           "for example `{%on%: [/menu, menu], %go%: welcome}`",
           "например `{%on%: [/menu, меню], %go%: ветка}`");
      return;
    }
    Fields fields(loading, node, in::CommandKey, name);
    const Node* on = fields.take(Word::On);
    if (!on && fields.has_unknown()) {
      // said by finish()
    } else if (!on) {
      loading.report(DiagnosticId::MissingField, declared.key->span,
                     {loading.say(Word::On, declared.key->span), name});
    } else if (on->is_map()) {
      read_on(loading, *on, fields.spelled(Word::On), command);
    } else {
      std::vector<const Node*> words;
      if (on->is_list()) {
        for (const Node& item : on->items) {
          if (item.is_map()) {
            read_on(loading, item, fields.spelled(Word::On), command);
          } else {
            for (const Node* word : read_strings(loading, item, fields.spelled(Word::On))) words.push_back(word);
          }
        }
      } else {
        words = read_strings(loading, *on, fields.spelled(Word::On));
      }
      for (const Node* word : words) {
        const std::string folded = fold(word->scalar);
        const bool fresh = loading.command_words.emplace(folded + '\n' + name, word->span).second;
        if (!folded.empty() && !fresh) {
          hint(loading, loading.report(DiagnosticId::RepeatedKey, word->span, {std::string(word->scalar)}),
               "capital letters and punctuation do not count: leave one of them out",
               "заглавные буквы и знаки препинания не важны: оставьте одно из двух");
          continue;
        }
        command.words.emplace_back(trim(word->scalar));
        command.folded.push_back(fold(word->scalar));
        if (command.folded.back().empty()) {
          loading.report(DiagnosticId::EmptyText, word->span, {fields.spelled(Word::On)});
        }
      }
      if (command.words.empty() && on->is_list() && on->items.empty()) {
        loading.report(DiagnosticId::NoOptions, on->span, {fields.spelled(Word::On)});
      }
    }

    int actions = 0;
    auto action = [&](Word word) -> const Node* {
      const Node* value = fields.take(word);
      if (!value) return nullptr;
      if (word != Word::Go && word != Word::Call && value->kind != Node::Kind::Null) {
        const auto enabled = read_boolean(loading, *value, fields.spelled(word));
        if (!enabled || !*enabled) return nullptr;
      }
      if (++actions > 1) {
        loading.report(DiagnosticId::NotTogether, value->span, {fields.spelled(word), name});
        return nullptr;
      }
      return value;
    };
    if (action(Word::Resume)) {
      command.action = Command::Action::Resume;
      actions = 0;  // `go` says where the dialog wakes up
    }
    if (const Node* value = action(Word::Go)) {
      command.target.go = read_branch_name(loading, *value, fields.spelled(Word::Go));
    }
    const bool resumes = command.action == Command::Action::Resume;
    if (const Node* value = action(Word::Call)) {
      command.target.call = read_branch_name(loading, *value, fields.spelled(Word::Call), true);
    }
    if (action(Word::Back)) command.action = Command::Action::Back;
    if (action(Word::Restart)) command.action = Command::Action::Restart;
    if (action(Word::End)) command.action = Command::Action::End;
    if (actions == 0 && !resumes && !fields.has_unknown()) {
      hint(loading, loading.report(DiagnosticId::NothingToDo, declared.key->span, {name}),
           "add `%go%: branch` or `%call%: branch`", "добавьте `%go%: ветка` или `%call%: ветка`");
    }

    if (const Node* value = fields.take(Word::Args)) {
      if (!command.means.empty() && command.words.empty() && command.pattern.empty()) {
        hint(loading,
             loading.report(DiagnosticId::MeaningWithArgs, fields.key_span(Word::Args),
                            {loading.say(word_of(command.means[0]), fields.key_span(Word::Args)), fields.spelled(Word::Args)}),
             "add a word: `{%on%: [/price, {%means%: operator}]}`, or leave the arguments out",
             "добавьте слово: `{%on%: [/цена, {%means%: оператор}]}` или уберите параметры");
      }
      for (const Node* argument : read_strings(loading, *value, fields.spelled(Word::Args))) {
        std::string variable = read_variable(loading, *argument, fields.spelled(Word::Args));
        if (!variable.empty()) command.args.push_back(std::move(variable));
      }
    }
    if (const Node* value = fields.take(Word::About)) {
      command.about = read_text(loading, *value, fields.spelled(Word::About));
    }
    if (const Node* value = fields.take(Word::For)) {
      command.role = read_role(loading, *value, fields.spelled(Word::For));
    }
    if (const Node* value = fields.take(Word::During)) {
      command.during_handoff =
          read_word(loading, *value, in::During, fields.spelled(Word::During)) == Word::Handoff;
    }
    if (const Node* value = fields.take(Word::Secret)) {
      command.secret = read_boolean(loading, *value, fields.spelled(Word::Secret)).value_or(false);
    }
    fields.finish();
  });
}

namespace {

ColumnType column_type(Word word) {
  switch (word) {
    case Word::Number:
    case Word::Money: return ColumnType::Number;
    case Word::Rating:
    case Word::Integer: return ColumnType::Integer;
    case Word::YesNo:
    case Word::Boolean: return ColumnType::Boolean;
    case Word::DateWord: return ColumnType::Date;
    case Word::TimeWord: return ColumnType::Time;
    case Word::DateTime: return ColumnType::DateTime;
    case Word::Photo:
    case Word::FileWord: return ColumnType::File;
    case Word::Files: return ColumnType::Files;
    case Word::Choices:
    case Word::ListWord: return ColumnType::List;
    case Word::Location:
    case Word::Contact:
    case Word::MapWord: return ColumnType::Map;
    default: return ColumnType::Text;
  }
}

}  // namespace

void load_tables(Loading& loading) {
  in_order(loading.tables, [&](const Declared& declared) {
    const Node& node = *declared.value;
    Table& table = loading.program.tables[declared.index];
    if (!node.is_map() || node.entries.empty()) {
      hint(loading, loading.report(DiagnosticId::WantsMap, declared.key->span, {table.name}),
           "each column on its own line: `name: %text%`", "каждый столбец с новой строки: `имя: %text%`");
      return;
    }
    // `data` and `key` are words only of a table that is read from a file; otherwise they are columns.
    const auto is_data = [](const Node::Entry& entry) {
      return find_word(entry.key.scalar, in::TableKey) == Word::Data && entry.value.is_scalar() &&
             entry.value.scalar.find_first_of("./\\") != std::string_view::npos;
    };
    const bool from_file = std::any_of(node.entries.begin(), node.entries.end(), is_data);
    TableFileNodes file;
    for (const Node::Entry& entry : node.entries) {
      const Word word = from_file ? find_word(entry.key.scalar, in::TableKey) : Word::None;
      if (word == Word::Data) {
        table.data_file = std::string(entry.value.scalar);
        file.data = &entry.value;
        continue;
      }
      if (word == Word::Key) {
        if (!read_scalar(loading, entry.value, entry.key.scalar)) continue;
        table.key = std::string(nfc(loading, entry.value.scalar));
        file.key = &entry.value;
        continue;
      }
      const std::string_view name = read_name(loading, entry.key);
      if (name.empty()) continue;
      if (name == "id" || name == "user_id" || name == "dialog_id" || name == "created_at") {
        hint(loading, loading.report(DiagnosticId::SystemColumn, entry.key.span, {std::string(name)}),
             "leave it out, or choose another name", "уберите его или назовите иначе");
        continue;
      }
      Column column;
      column.name = std::string(name);
      const Node* type = &entry.value;
      std::string heading;
      SourceSpan default_span = entry.key.span;
      if (entry.value.is_map()) {
        Fields fields(loading, entry.value, in::ColumnKey, column.name);
        type = fields.require(Word::Type);
        if (const Node* from = from_file ? fields.take(Word::From) : nullptr) {
          if (const auto text = read_scalar(loading, *from, fields.spelled(Word::From))) heading = std::string(*text);
        }
        if (const Node* options = fields.take(Word::Options)) {
          for (const Node* option : read_strings(loading, *options, fields.spelled(Word::Options))) {
            column.options.emplace_back(option->scalar);
          }
        }
        if (const Node* value = fields.take(Word::Default)) {
          column.default_value = read_constant(loading, *value);
          default_span = value->span;
          if (!column.options.empty() && value->is_scalar() &&
              std::find(column.options.begin(), column.options.end(), value->scalar) ==
                  column.options.end()) {
            Diagnostic& problem =
                loading.report(DiagnosticId::UnknownValue, value->span,
                               {column.name, std::string(value->scalar)});
            offer(loading, problem, value->scalar, column.options, false);
          }
        }
        fields.finish();
      }
      if (type) {
        const Word kind = read_word(loading, *type, in::ColumnType, column.name);
        column.type = column_type(kind);
        if (column.default_value && column.default_value->text()) {
          const std::string text = *column.default_value->text();
          if (column.type == ColumnType::Boolean) {
            const Word boolean = find_word(to_lower(text), in::BooleanWord);
            if (boolean != Word::None) column.default_value = Value(boolean == Word::True);
          } else if (column.type == ColumnType::Text) {
            // stays as it is
          } else if (column.type == ColumnType::Number || column.type == ColumnType::Integer) {
            loading.report(DiagnosticId::WantsNumber, default_span, {column.name, text});
          }
        } else if (column.default_value && column.default_value->number() &&
                   column.type == ColumnType::Text) {
          column.default_value = Value(column.default_value->number()->to_string());
        }
      }
      table.columns.push_back(std::move(column));
      file.headings.push_back(std::move(heading));
      file.spans.push_back(entry.key.span);
    }
    if (file.data) load_table_file(loading, table, file);
  });
}

namespace {

ColumnType column_type_of(const Question& question) {
  switch (question.type) {
    case QuestionType::Number:
    case QuestionType::Money: return question.integer ? ColumnType::Integer : ColumnType::Number;
    case QuestionType::Rating: return ColumnType::Integer;
    case QuestionType::YesNo: return ColumnType::Boolean;
    case QuestionType::Date: return ColumnType::Date;
    case QuestionType::Time: return ColumnType::Time;
    case QuestionType::DateTime: return ColumnType::DateTime;
    case QuestionType::Choices: return ColumnType::List;
    case QuestionType::Choice: {
      const auto& options = question.buttons.options;
      const bool numbers = std::all_of(options.begin(), options.end(), [](const Option& option) {
        return option.value && option.value->number();
      });
      return numbers && !options.empty() && !question.buttons.from ? ColumnType::Number : ColumnType::Text;
    }
    case QuestionType::Photo:
    case QuestionType::File: return ColumnType::File;
    case QuestionType::Files: return ColumnType::Files;
    case QuestionType::Location:
    case QuestionType::Contact: return ColumnType::Map;
    default: return ColumnType::Text;
  }
}

ColumnType column_type_of(ValueType type) {
  switch (type) {
    case ValueType::Number: return ColumnType::Number;
    case ValueType::Boolean: return ColumnType::Boolean;
    case ValueType::Date: return ColumnType::Date;
    case ValueType::Time: return ColumnType::Time;
    case ValueType::Moment: return ColumnType::DateTime;
    case ValueType::List: return ColumnType::List;
    case ValueType::Map: return ColumnType::Map;
    case ValueType::File: return ColumnType::File;
    default: return ColumnType::Text;
  }
}

/// The word that stands before a value, as the author wrote it: `find`.
std::string key_before(const Loading& loading, const Node& value, Word otherwise) {
  const std::string_view text = loading.sources.text(value.span.file);
  constexpr std::string_view kBetween = " \t\"'", kAround = " \t\r\n-{[,:";
  std::size_t end = text.substr(0, value.span.offset).find_last_not_of(kBetween);
  if (end == text.npos || text[end] != ':') return loading.say(otherwise, value.span);
  end = text.substr(0, end).find_last_not_of(kBetween);
  if (end == text.npos) return loading.say(otherwise, value.span);
  const std::size_t before = text.substr(0, end + 1).find_last_of(kAround);
  const std::size_t begin = before == text.npos ? 0 : before + 1;
  return begin <= end ? std::string(text.substr(begin, end + 1 - begin)) : loading.say(otherwise, value.span);
}

}  // namespace

void complete_tables(Loading& loading) {
  for (auto& [index, implied] : loading.implied_tables) {
    Table& table = loading.program.tables[index];
    if (!implied.saved && implied.of_report) {
      hint(loading, loading.report(DiagnosticId::ReportOfNothing, implied.first_use->span, {loading.say(Word::Report, implied.first_use->span)}),
           "rows are `%table%: orders`, what people wrote is `%talks%: %all%`",
           "строки таблицы — это `%table%: заказы`, переписка — `%talks%: %all%`");
    } else if (!implied.saved) {
      hint(loading, loading.report(DiagnosticId::UnknownTable, implied.first_use->span,
                                   {key_before(loading, *implied.first_use, Word::Tables), table.name}),
           "describe it in `%tables%`, or `%save%` into it", "опишите её в `%tables%` или запишите в неё шагом `%save%`");
    }
    auto add = [&](std::string_view name, ColumnType type) {
      for (const Column& column : table.columns) {
        if (column.name == name) return;
      }
      Column column;
      column.name = std::string(name);
      column.type = type;
      table.columns.push_back(std::move(column));
    };
    const auto answer = [&](std::string_view name) -> const Question* {
      for (const Question& question : loading.program.questions) {
        if (question.name == name) return &question;
      }
      return nullptr;
    };
    if (implied.takes_answers) {
      for (std::uint32_t q = 0; q < loading.program.questions.size(); ++q) {
        const Question& question = loading.program.questions[q];
        const auto common = loading.questions.find(question.name);
        const bool asked = loading.question_is_asked[q] || common == loading.questions.end();
        if (asked) add(question.name, column_type_of(question));
      }
    }
    for (const auto& [name, type] : implied.columns) {
      const Question* question = type == ValueType::Null ? answer(name) : nullptr;
      add(name, question ? column_type_of(*question) : column_type_of(type));
    }
  }
  for (const Step& step : loading.program.steps) {
    TableId written;
    if (const auto* save = std::get_if<Save>(&step.verb)) written = save->table;
    if (const auto* update = std::get_if<Update>(&step.verb)) written = update->table;
    if (const auto* removal = std::get_if<Delete>(&step.verb)) written = removal->table;
    if (written) loading.program.tables[written.value].written = true;
  }
}

void load_moved(Loading& loading, const Node& node) {
  const std::string where = loading.say(Word::Moved, node.span);
  if (!node.is_map()) {
    hint(loading, loading.report(DiagnosticId::WantsMap, node.span, {where}),
         "for example `old_branch: welcome`", "например `старая_ветка: новая_ветка`");
    return;
  }
  for (const Node::Entry& entry : node.entries) {
    if (!read_scalar(loading, entry.value, entry.key.scalar)) continue;
    const std::string to(nfc(loading, entry.value.scalar));
    loading.program.moved[std::string(nfc(loading, entry.key.scalar))] = to;
    const auto branch = loading.branches.find(to);
    if (branch != loading.branches.end()) {
      loading.branch_uses.push_back({{}, BranchId{branch->second.index}, false, entry.value.span});
    } else if (!loading.program.places.count(to)) {
      Diagnostic& problem = loading.report(DiagnosticId::UnknownMovedPlace, entry.value.span,
                                           {std::string(entry.key.scalar), to});
      if (!may_offer(loading, loading.branches.size() + loading.program.places.size())) continue;
      std::vector<std::string> known;
      for (const Branch& one : loading.program.branches) known.push_back(one.name);
      for (const auto& [place, step] : loading.program.places) known.push_back(place);
      std::sort(known.begin(), known.end());
      offer(loading, problem, to, known, false);
    }
  }
}

}  // namespace sufler
