#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "interpreter/core/text.h"

/// Every word of the language in both its forms: one table, vocabulary.def, that feeds the loader, suggestions,
/// `fmt`, the JSON Schema, completion and the reference page (LANGUAGE 13).
namespace sufler {

/// Where a word may stand. Bits, because many words stand in several places.
namespace in {
enum Context : std::uint64_t {
  Top = 1ull << 0,            ///< a key of a scenario file
  BranchKey = 1ull << 1,      ///< a branch written as a map
  Verb = 1ull << 2,           ///< what a step does
  StepKey = 1ull << 3,        ///< what goes with a verb
  OptionKey = 1ull << 4,      ///< a button of `choose`, `say`, `notify` or a question
  OptionsFromKey = 1ull << 5, ///< `options: {from: …}`
  QuestionKey = 1ull << 6,
  QuestionType = 1ull << 7,
  TimeoutKey = 1ull << 8,
  RemindKey = 1ull << 9,
  WaitKey = 1ull << 10,
  TextKey = 1ull << 11,       ///< `any_of`
  CommandKey = 1ull << 12,
  OnKey = 1ull << 13,         ///< `on: {matches: …}`
  During = 1ull << 14,
  HandoffKey = 1ull << 15,
  HandoffMode = 1ull << 16,
  ResumeKey = 1ull << 17,
  HoursKey = 1ull << 18,
  IdleKey = 1ull << 19,
  AssignWord = 1ull << 20,    ///< a way to assign a ticket that is no condition
  Outcome = 1ull << 21,
  DeskKey = 1ull << 22,
  DeskCommand = 1ull << 23,
  RegisterKey = 1ull << 24,
  AssistantKey = 1ull << 25,
  MemoryKey = 1ull << 26,
  ToolKey = 1ull << 27,
  AssistantLimit = 1ull << 28,
  AssistantStepKey = 1ull << 29,
  AssistantJob = 1ull << 30,
  ScheduleKey = 1ull << 31,
  EveryWord = 1ull << 32,
  EventKey = 1ull << 33,
  EnsureKey = 1ull << 34,
  TableKey = 1ull << 35,
  ColumnKey = 1ull << 36,
  ColumnType = 1ull << 37,
  TalkFile = 1ull << 38,      ///< a key of a `*.test.yaml`
  TestKey = 1ull << 39,
  TalkStep = 1ull << 40,
  TalkMatch = 1ull << 41,     ///< what a message is, or must be, in a talk
  GivenKey = 1ull << 42,
  MockKey = 1ull << 43,
  ExpectKey = 1ull << 44,
  PlaceWord = 1ull << 45,
  SystemName = 1ull << 46,    ///< what expressions know of themselves: `user`, `message`, …
  Reserved = 1ull << 47,      ///< words of expressions, which no name may be
  BooleanWord = 1ull << 48,
  ColorName = 1ull << 49,
  Weekday = 1ull << 50,
  KeyboardWord = 1ull << 51,
  LanguageName = 1ull << 52,
  ReportFormat = 1ull << 53,
  CrmAction = 1ull << 54,
  PhraseKey = 1ull << 55,
  UserField = 1ull << 56,     ///< `user.first_name`
  MessageField = 1ull << 57,  ///< `message.text`
  AssignName = 1ull << 58,    ///< what conditions of `assign` know of an agent
  HandoffField = 1ull << 59,  ///< `handoff.position`
  QuotaPeriod = 1ull << 60,   ///< `50/day`
  ReportWord = 1ull << 61,    ///< `talks: all`, `period: {from: …, to: …}`
  MeaningWord = 1ull << 62,   ///< `on: {means: back}`
  ScheduleWord = 1ull << 63,  ///< `missed: once`, `for: dialogs in …`
};
}  // namespace in
using Contexts = std::uint64_t;

enum class Word : std::uint16_t {
  None,
#define SUFLER_WORD(Name, en, ru, contexts) Name,
#define SUFLER_ALIAS(Name, text, contexts)
#include "schema/vocabulary.def"
#undef SUFLER_WORD
#undef SUFLER_ALIAS
};

/// The word that `text` (NFC) is in any of `contexts`, or Word::None.
Word find_word(std::string_view text, Contexts contexts);
/// The word's form in one language.
std::string_view spelling(Word word, Language language);
Contexts contexts_of(Word word);
/// Whether `text` is the Russian form of some word and not also the English one of it (`http`).
bool is_russian_form(std::string_view text);

/// Both forms of every word of these contexts: what a suggestion chooses from.
std::vector<std::string> spellings(Contexts contexts);
/// Every word that stands in one of `contexts`, in the order of the table.
std::vector<Word> words(Contexts contexts);

}  // namespace sufler
