#include "schema/vocabulary.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace sufler {
namespace {

struct Spelled {
  std::string_view text;
  Word word;
  Contexts contexts;
};

std::vector<Spelled> every_spelling() {
  using namespace in;
  std::vector<Spelled> result;
#define SUFLER_WORD(Name, en, ru, contexts)                                \
  result.push_back({en, Word::Name, static_cast<Contexts>(contexts)});     \
  result.push_back({ru, Word::Name, static_cast<Contexts>(contexts)});
#define SUFLER_ALIAS(Name, text, contexts) \
  result.push_back({text, Word::Name, static_cast<Contexts>(contexts)});
#include "schema/vocabulary.def"
#undef SUFLER_WORD
#undef SUFLER_ALIAS
  return result;
}

TEST(VocabularyTest, NoTextMeansTwoWordsInOneContext) {
  std::map<std::string_view, std::vector<Spelled>> by_text;
  for (const Spelled& one : every_spelling()) by_text[one.text].push_back(one);
  for (const auto& [text, senses] : by_text) {
    for (std::size_t i = 0; i < senses.size(); ++i) {
      for (std::size_t j = i + 1; j < senses.size(); ++j) {
        if (senses[i].word == senses[j].word) continue;
        EXPECT_EQ(senses[i].contexts & senses[j].contexts, 0u) << text;
      }
    }
  }
}

// A step is read with these contexts at once, so its words may not collide across them either.
TEST(VocabularyTest, WordsOfAStepDifferAcrossItsContexts) {
  std::map<std::string_view, std::set<Word>> meanings;
  for (const Spelled& one : every_spelling()) {
    if (one.contexts & (in::Verb | in::StepKey | in::QuestionKey)) meanings[one.text].insert(one.word);
  }
  for (const auto& [text, words] : meanings) EXPECT_EQ(words.size(), 1u) << text;
}

TEST(VocabularyTest, BothFormsAreTheSameWord) {
  for (const Word word : words(in::Top | in::Verb | in::StepKey | in::QuestionKey)) {
    const Contexts contexts = contexts_of(word);
    EXPECT_EQ(find_word(spelling(word, Language::English), contexts), word);
    EXPECT_EQ(find_word(spelling(word, Language::Russian), contexts), word);
  }
  EXPECT_EQ(find_word("сказать", in::Verb), Word::Say);
  EXPECT_EQ(find_word("иначе_куда", in::QuestionKey), Word::Otherwise);
  EXPECT_EQ(find_word("say", in::Top), Word::None);
}

TEST(VocabularyTest, FormsAreNormalised) {
  for (const Spelled& one : every_spelling()) EXPECT_EQ(to_nfc(one.text), one.text);
}

}  // namespace
}  // namespace sufler
