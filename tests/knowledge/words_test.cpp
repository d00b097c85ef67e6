#include "interpreter/core/knowledge/words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "interpreter/core/knowledge/ranking.h"
#include "interpreter/core/text.h"

namespace sufler {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(WordsTest, FormsOfAWordAreOne) {
  EXPECT_THAT(stems_of("доставка доставки доставку доставкой"), ElementsAre("доставк", "доставк", "доставк", "доставк"));
  EXPECT_THAT(stems_of("Delivering deliveries"), ElementsAre("deliv", "deliveri"));
  EXPECT_EQ(stems_of("тёплая вода"), stems_of("ТЕПЛАЯ ВОДА"));
}

TEST(WordsTest, LettersWithMarksOfTheirOwnAreReadAsOne) {
  EXPECT_EQ(stems_of("чеи\u0306"), stems_of("чей"));
  EXPECT_EQ(stems_of("еще\u0308лка"), stems_of("ещёлка"));
  EXPECT_EQ(stems_of("за\u0301мок"), stems_of("замок"));
}

TEST(WordsTest, AnAlphabetMixedInIsMadeOne) { EXPECT_EQ(stems_of("cкидка"), stems_of("скидка")); }

TEST(WordsTest, OnlyLettersAndDigitsAreLeft) {
  EXPECT_THAT(stems_of("AB-1234 \"; DROP TABLE' * ^ : ( ) {} \\ % NEAR/2"), ElementsAre("ab", "1234", "drop", "tabl", "near", "2"));
  EXPECT_THAT(stems_of(std::string(1'000, 'x') + " after"), ElementsAre("after"));
  EXPECT_THAT(stems_of("\xFF\xFE broken \xD0"), ElementsAre("broken"));
}

TEST(WordsTest, WhatOnlyAsksIsNotLookedFor) {
  const auto words = words_of_question("Здравствуйте! Подскажите, пожалуйста, сколько у вас стоит доставка и доставки?");
  std::vector<std::string> stems;
  for (const QuestionWord& word : words) stems.push_back(word.stem);
  EXPECT_THAT(stems, ElementsAre("сто", "доставк"));
  EXPECT_THAT(words_of_question("а что у вас есть?"), IsEmpty());
  EXPECT_LE(words_of_question("раз1 раз2 раз3 раз4 раз5 раз6 раз7 раз8 раз9 раз10 раз11 раз12 раз13 раз14 раз15 раз16 раз17").size(),
            kMostQuestionWords);
}

std::vector<SearchWord> look(const std::string& question, const std::vector<IndexedWord>& index) {
  return search_words(words_of_question(question), [&](const std::vector<std::string>& beginnings) {
    std::vector<std::vector<IndexedWord>> found(beginnings.size());
    for (std::size_t i = 0; i < beginnings.size(); ++i)
      for (const IndexedWord& word : index)
        if (word.stem.starts_with(beginnings[i])) found[i].push_back(word);
    return found;
  });
}

TEST(WordsTest, AWordOfOneFamilyCountsLess) {
  const auto words = look("доставляете", {{"доставк", 3}, {"достаточн", 9}, {"доставля", 1}});
  ASSERT_EQ(words.size(), 2U);
  EXPECT_TRUE((words[0] == SearchWord{"доставля", 0, 1, 1}));
  EXPECT_EQ(words[1].stem, "доставк");
  EXPECT_LT(words[1].weight, 1);
}

TEST(WordsTest, ATypingErrorFindsTheNearestWord) {
  const auto words = look("расрочка", {{"рассрочк", 2}, {"расписан", 5}});
  ASSERT_EQ(words.size(), 1U);
  EXPECT_EQ(words[0].stem, "рассрочк");
}

TEST(WordsTest, AnArticleNumberIsWhatItIs) { EXPECT_THAT(look("A1234", {{"a1235", 1}}), IsEmpty()); }

TEST(WordsTest, TheOtherKeyboardIsUnderstood) {
  const auto words = look("ljcnfdrf", {{"доставк", 2}});
  ASSERT_EQ(words.size(), 1U);
  EXPECT_EQ(words[0].stem, "доставк");
}

TEST(RankingTest, AWordInTheTitleCountsMore) {
  std::vector<Candidate> all = {{1, "", "доставк цвет цвет цвет", 0}, {2, "доставк", "цвет цвет цвет", 0}};
  rank_by_words(all, {{"доставк", 0, 1, 2}}, {100, 500});
  EXPECT_EQ(all[0].id, 2);
}

TEST(RankingTest, ARareWordTellsMore) {
  std::vector<Candidate> all = {{1, "", "цвет роз", 0}, {2, "", "орхиде лист", 0}};
  rank_by_words(all, {{"цвет", 0, 1, 90}, {"орхиде", 1, 1, 2}}, {100, 200});
  EXPECT_EQ(all[0].id, 2);
}

TEST(RankingTest, WordsForOneWordOfTheQuestionCountOnce) {
  std::vector<Candidate> all = {{1, "", "цен стоимост прайс", 0}, {2, "", "цен орхиде", 0}};
  rank_by_words(all, {{"цен", 0, 1, 5}, {"стоимост", 0, 0.5, 5}, {"прайс", 0, 0.5, 5}, {"орхиде", 1, 1, 5}}, {100, 200});
  EXPECT_EQ(all[0].id, 2);
}

TEST(RankingTest, WhatHasNoneOfTheWordsIsDropped) {
  std::vector<Candidate> all = {{1, "", "лист", 0}};
  rank_by_words(all, {{"цвет", 0, 1, 1}}, {10, 20});
  EXPECT_TRUE(all.empty());
}

TEST(RankingTest, LikenessOfVectorsIsTheirAngle) {
  const float a[] = {1, 0, 0}, b[] = {2, 0, 0}, c[] = {0, 1, 0}, d[] = {0, 0, 0};
  EXPECT_DOUBLE_EQ(cosine(a, b, 3), 1);
  EXPECT_DOUBLE_EQ(cosine(a, c, 3), 0);
  EXPECT_DOUBLE_EQ(cosine(a, d, 3), 0);
}

TEST(RankingTest, TwoOrdersBecomeOne) {
  EXPECT_THAT(merge_orders({1, 2, 3}, {3, 1}), ElementsAre(1, 3, 2));
  EXPECT_THAT(merge_orders({}, {7}), ElementsAre(7));
}

}  // namespace
}  // namespace sufler
