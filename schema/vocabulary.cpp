#include "schema/vocabulary.h"

#include <unordered_map>

namespace sufler {
namespace {

using namespace in;  // vocabulary.def names contexts without it

struct Row {
  std::string_view english, russian;
  Contexts contexts;
};

constexpr Row kRows[] = {
    {"", "", 0},
#define SUFLER_WORD(Name, en, ru, contexts) {en, ru, static_cast<Contexts>(contexts)},
#define SUFLER_ALIAS(Name, text, contexts)
#include "schema/vocabulary.def"
#undef SUFLER_WORD
#undef SUFLER_ALIAS
};

struct Sense {
  Word word;
  Contexts contexts;
};

using Index = std::unordered_map<std::string_view, std::vector<Sense>>;

const Index& index() {
  static const Index built = [] {
    Index result;
    auto add = [&](std::string_view text, Word word, Contexts contexts) {
      result[text].push_back({word, contexts});
    };
#define SUFLER_WORD(Name, en, ru, contexts)             \
  add(en, Word::Name, static_cast<Contexts>(contexts)); \
  if (std::string_view(en) != ru) add(ru, Word::Name, static_cast<Contexts>(contexts));
#define SUFLER_ALIAS(Name, text, contexts) add(text, Word::Name, static_cast<Contexts>(contexts));
#include "schema/vocabulary.def"
#undef SUFLER_WORD
#undef SUFLER_ALIAS
    return result;
  }();
  return built;
}

}  // namespace

Word find_word(std::string_view text, Contexts contexts) {
  const auto found = index().find(text);
  if (found == index().end()) return Word::None;
  for (const Sense& sense : found->second) {
    if (sense.contexts & contexts) return sense.word;
  }
  return Word::None;
}

std::string_view spelling(Word word, Language language) {
  const Row& row = kRows[static_cast<std::size_t>(word)];
  return language == Language::Russian ? row.russian : row.english;
}

Contexts contexts_of(Word word) { return kRows[static_cast<std::size_t>(word)].contexts; }

bool is_russian_form(std::string_view text) {
  return !text.empty() && static_cast<unsigned char>(text[0]) >= 0x80 && index().count(text) != 0;
}

std::vector<std::string> spellings(Contexts contexts) {
  std::vector<std::string> result;
  for (const Row& row : kRows) {
    if (!(row.contexts & contexts)) continue;
    result.emplace_back(row.english);
    if (row.russian != row.english) result.emplace_back(row.russian);
  }
  return result;
}

std::vector<Word> words(Contexts contexts) {
  std::vector<Word> result;
  for (std::size_t i = 1; i < std::size(kRows); ++i) {
    if (kRows[i].contexts & contexts) result.push_back(static_cast<Word>(i));
  }
  return result;
}

}  // namespace sufler
