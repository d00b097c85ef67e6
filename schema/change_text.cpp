#include "schema/change_text.h"

#include "interpreter/core/text.h"
#include "schema/vocabulary.h"

namespace sufler {
namespace {

using What = Change::What;
constexpr std::size_t kShown = 6;

std::string quoted(std::string_view name) { return "`" + std::string(name) + "`"; }

/// A word of the language in the language of the line.
std::string word(std::string_view english, Contexts contexts, Language language) {
  const Word known = find_word(english, contexts);
  return known == Word::None ? std::string(english) : std::string(spelling(known, language));
}

constexpr Contexts kFields = in::QuestionKey;
constexpr Contexts kTypes = in::QuestionType | in::ColumnType | in::Verb;

struct Wording {
  What what;
  /// `%n` the name in backticks, `%p` the place, `%b`, `%a` before and after, `%l` the list, `%f` the list of fields.
  const char* english;
  const char* russian;
};

constexpr Wording kWordings[] = {
    {What::BranchAdded, "branch %n added", "добавлена ветка %n"},
    {What::BranchRemoved, "branch %n removed", "убрана ветка %n"},
    {What::BranchRenamed, "branch %n is now %a", "ветка %n теперь называется %a"},
    {What::BranchChanged, "branch %n does something else now", "ветка %n делает другое"},
    {What::BranchTexts, "branch %n: texts changed", "в ветке %n изменены тексты"},
    {What::StartChanged, "talks start at %a instead of %b", "разговор начинается с %a, а не с %b"},
    {What::FallbackChanged, "what the bot does not understand goes to %a instead of %b",
     "непонятое уходит в %a, а не в %b"},
    {What::OnErrorChanged, "mistakes go to %a instead of %b", "ошибки уходят в %a, а не в %b"},
    {What::PlaceAdded, "new place to wait at: %p", "новое место ожидания: %p"},
    {What::PlaceRemoved, "place %p removed", "убрано место %p"},
    {What::PlaceMoved, "place %p moved to %a", "место %p перенесено в %a"},
    {What::TextChanged, "question %n has another text", "у вопроса %n другой текст"},
    {What::TypeChanged, "question %n: type %b became %a", "у вопроса %n был тип %b, стал %a"},
    {What::ButtonsAdded, "question %n now has buttons: %l", "у вопроса %n теперь есть кнопки: %l"},
    {What::ButtonsRemoved, "question %n has no buttons any more", "у вопроса %n больше нет кнопок"},
    {What::OptionsAdded, "question %n: new buttons %l", "у вопроса %n новые кнопки: %l"},
    {What::OptionsRemoved, "question %n: buttons %l removed", "у вопроса %n убраны кнопки: %l"},
    {What::OptionsChanged, "question %n: its buttons lead elsewhere or stand in another order",
     "у вопроса %n кнопки ведут в другое место или стоят в другом порядке"},
    {What::Stricter, "question %n is stricter: %f", "вопрос %n стал строже: %f"},
    {What::Looser, "question %n is less strict: %f", "вопрос %n стал мягче: %f"},
    {What::CheckChanged, "question %n takes other answers: %f", "вопрос %n принимает другие ответы: %f"},
    {What::ConfirmAdded, "question %n is now confirmed", "ответ на вопрос %n теперь надо подтвердить"},
    {What::ConfirmRemoved, "question %n is not confirmed any more", "ответ на вопрос %n больше не надо подтверждать"},
    {What::TimersChanged, "question %n: its times changed", "у вопроса %n изменены сроки"},
    {What::CommandAdded, "command %n added", "добавлена команда %n"},
    {What::CommandRemoved, "command %n removed", "убрана команда %n"},
    {What::CommandChanged, "command %n does something else now", "команда %n делает другое"},
    {What::CommandWordsRemoved, "command %n does not hear %l any more", "команда %n больше не отзывается на %l"},
    {What::TableAdded, "table %n added", "добавлена таблица %n"},
    {What::TableRemoved, "table %n is not used any more; its rows stay",
     "таблица %n больше не используется, её строки остаются"},
    {What::ColumnsAdded, "table %n: new columns %l", "в таблице %n новые столбцы: %l"},
    {What::ColumnsRemoved, "table %n: columns %l are not used any more; their values stay",
     "в таблице %n больше не используются столбцы %l, их значения остаются"},
    {What::ColumnChanged, "table %n: column %l was %b and is %a; refused while rows have a value",
     "в таблице %n столбец %l был %b, стал %a: нельзя, пока в строках есть значения"},
    {What::HandoffAdded, "handoff %n added", "добавлена передача %n"},
    {What::HandoffRemoved, "handoff %n removed", "убрана передача %n"},
    {What::HandoffChanged, "handoff %n has other rules", "у передачи %n другие правила"},
    {What::DeskAdded, "desk %n added", "добавлена линия %n"},
    {What::DeskRemoved, "desk %n removed", "убрана линия %n"},
    {What::DeskChanged, "desk %n has other rules", "у линии %n другие правила"},
    {What::AssistantAdded, "assistant %n added", "добавлен ассистент %n"},
    {What::AssistantRemoved, "assistant %n removed", "убран ассистент %n"},
    {What::AssistantChanged, "assistant %n has other instructions, tools or limits", "у ассистента %n другие инструкции, инструменты или ограничения"},
    {What::ScheduleAdded, "schedule %n added", "добавлено расписание %n"},
    {What::ScheduleRemoved, "schedule %n removed: it runs no more", "убрано расписание %n: оно больше не выполняется"},
    {What::ScheduleChanged, "schedule %n has another time, branch or people", "у расписания %n другое время, ветка или люди"},
    {What::EventAdded, "event %n added", "добавлено событие %n"},
    {What::EventRemoved, "event %n removed: nobody takes it any more", "убрано событие %n: его больше никто не примет"},
    {What::EventChanged, "event %n has other terms or another branch", "у события %n другие условия или ветка"},
    {What::RoleAdded, "role %n is needed now", "теперь нужна роль %n"},
    {What::RoleRemoved, "role %n is not needed any more", "роль %n больше не нужна"},
    {What::SettingsChanged, "settings changed: %l", "изменены настройки: %l"},
    {What::TextsChanged, "texts changed: %l", "изменены тексты: %l"},
    {What::PhrasesChanged, "built-in phrases changed: %l", "изменены встроенные фразы: %l"},
    {What::MovedChanged, "`moved` tells about %l", "в `перенесено` добавлено: %l"},
    {What::LanguageChanged, "the language was %b and is %a", "язык был %b, стал %a"},
    {What::TimezoneChanged, "the time zone was %b and is %a", "часовой пояс был %b, стал %a"},
    {What::QuestionChanged, "question %n: changed %f", "у вопроса %n изменено: %f"},
    {What::DefaultsChanged, "table %n: other defaults of %l", "в таблице %n другие значения по умолчанию: %l"},
    {What::FilesChanged, "other contents of %l", "другое содержимое файлов: %l"},
    {What::RowsChanged, "table %n, rows of its file: new %b, changed %a, removed %l",
     "таблица %n, строки её файла: новых %b, изменено %a, убрано %l"},
};
/// The rows stand in the order of the kinds.
constexpr bool in_order() {
  for (std::size_t i = 0; i < std::size(kWordings); ++i)
    if (kWordings[i].what != static_cast<What>(i)) return false;
  return true;
}
static_assert(in_order());
static_assert(std::size(kWordings) == static_cast<std::size_t>(kLastChange) + 1);

}  // namespace

std::string listed(const std::vector<std::string>& names, Language language) {
  std::string all;
  for (std::size_t i = 0; i < names.size() && i < kShown; ++i) all += (i ? ", " : "") + quoted(names[i]);
  if (names.size() > kShown) {
    const std::string more = std::to_string(names.size() - kShown);
    all += language == Language::Russian ? " и ещё " + more : " and " + more + " more";
  }
  return all;
}

std::string counted(std::int64_t count, Language language, std::string_view english_one, std::string_view english_many,
                    std::string_view russian_one, std::string_view russian_few, std::string_view russian_many) {
  const std::string number = std::to_string(count);
  if (language == Language::English) return number + " " + std::string(count == 1 ? english_one : english_many);
  const Plural plural = plural_of(Language::Russian, number);
  return number + " " + std::string(plural == Plural::One ? russian_one : plural == Plural::Few ? russian_few : russian_many);
}

std::string change_text(const Change& change, Language language) {
  const Wording& wording = kWordings[static_cast<std::size_t>(change.what)];
  const std::string_view form = language == Language::Russian ? wording.russian : wording.english;
  const bool types = change.what == What::TypeChanged || change.what == What::ColumnChanged;
  const auto value = [&](const std::string& one) {
    if (one.empty()) return std::string("—");
    return quoted(types ? word(one, kTypes, language) : one);
  };
  std::string line;
  for (std::size_t i = 0; i < form.size(); ++i) {
    if (form[i] != '%' || i + 1 == form.size()) {
      line += form[i];
      continue;
    }
    switch (form[++i]) {
      case 'n': line += quoted(change.name); break;
      case 'p': line += quoted(change.place); break;
      case 'b': line += value(change.before); break;
      case 'a': line += value(change.after); break;
      case 'l': line += listed(change.names, language); break;
      case 'f': {
        std::vector<std::string> fields;
        for (const std::string& field : change.names) fields.push_back(word(field, kFields, language));
        line += listed(fields, language);
        break;
      }
      default: break;
    }
  }
  return line;
}

}  // namespace sufler
