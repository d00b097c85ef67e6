#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "interpreter/core/knowledge/piece.h"

namespace sufler {
namespace {

namespace fs = std::filesystem;
using What = KnowledgeProblem::What;

std::string read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<KnowledgeCut> cut(const std::string& path, const std::string& text, const CutSizes& sizes = {}) {
  auto pieces = cut_knowledge(path, text, sizes);
  if (pieces) return *pieces;
  ADD_FAILURE() << explain(pieces.error(), Language::English);
  return {};
}

KnowledgeProblem problem(const std::string& path, const std::string& text) {
  const auto pieces = cut_knowledge(path, text);
  if (pieces) {
    ADD_FAILURE() << "it was read";
    return {};
  }
  return pieces.error();
}

std::string repeated(const std::string& text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

/// Each file of `cuts` beside what becomes of it; SUFLER_BLESS=1 writes that anew.
TEST(CuttingTest, EveryFormatIsCutAsTheExamplesShow) {
  const fs::path folder = fs::path(SUFLER_SOURCE_DIR) / "tests/knowledge/cuts";
  std::size_t seen = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".out") continue;
    ++seen;
    std::ostringstream shown;
    for (const KnowledgeCut& piece : cut(entry.path().filename().string(), read(entry.path())))
      shown << piece.line << " [" << piece.title << "]\n" << piece.text << "\n----\n";
    const fs::path golden = entry.path().string() + ".out";
    if (std::getenv("SUFLER_BLESS")) std::ofstream(golden, std::ios::binary) << shown.str();
    EXPECT_EQ(shown.str(), read(golden)) << entry.path();
  }
  EXPECT_EQ(seen, 5U);
}

TEST(CuttingTest, APieceEndsBeforeItGrowsTooLong) {
  const CutSizes sizes;
  const std::string sentence = "В этом предложении ровно сорок букв, верно. ";
  const auto pieces = cut("a.txt", repeated(sentence, 200), sizes);
  ASSERT_GT(pieces.size(), 9U);
  for (const KnowledgeCut& piece : pieces) {
    EXPECT_LE(count_code_points(piece.text), sizes.usual);
    EXPECT_TRUE(piece.text.ends_with("верно.")) << piece.text;
    EXPECT_TRUE(piece.text.starts_with("В этом")) << piece.text;
  }
}

TEST(CuttingTest, TheEndOfAPieceIsSaidAgainInTheNext) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "Предложение номер " + std::to_string(i) + " про цветы и вазы. ";
  const auto pieces = cut("a.txt", text);
  ASSERT_GT(pieces.size(), 2U);
  for (std::size_t i = 1; i < pieces.size(); ++i) {
    const std::string first = pieces[i].text.substr(0, pieces[i].text.find('.') + 1);
    EXPECT_THAT(pieces[i - 1].text, ::testing::HasSubstr(first));
  }
}

TEST(CuttingTest, AListThatFitsStaysWhole) {
  std::string text = "# Цены\n\n" + repeated("Слово за словом. ", 40) + "\n\nСписок цен:\n\n";
  for (int i = 0; i < 60; ++i) text += "- позиция " + std::to_string(i) + "\n";
  const auto pieces = cut("a.md", text);
  ASSERT_EQ(pieces.size(), 2U);
  EXPECT_TRUE(pieces[1].text.starts_with("Список цен:\n- позиция 0\n")) << pieces[1].text;
  EXPECT_THAT(pieces[1].text, ::testing::EndsWith("- позиция 59"));
}

TEST(CuttingTest, EachPartOfALongTableHasItsHead) {
  std::string text = "| Товар | Цена |\n| --- | --- |\n";
  for (int i = 0; i < 200; ++i) text += "| товар " + std::to_string(i) + " | " + std::to_string(i * 10) + " |\n";
  const auto pieces = cut("a.md", text);
  ASSERT_GT(pieces.size(), 3U);
  for (const KnowledgeCut& piece : pieces) {
    EXPECT_TRUE(piece.text.starts_with("| Товар | Цена |\n| --- | --- |\n| товар ")) << piece.text;
    EXPECT_LE(count_code_points(piece.text), CutSizes().usual);
  }
  EXPECT_GT(pieces[1].line, pieces[0].line);
}

TEST(CuttingTest, AWordWithoutEndIsCutBetweenCodePoints) {
  for (const char* path : {"a.txt", "a.md", "a.csv", "a.html"}) {
    const std::string text = std::string("Имя\n") + repeated("ы", 5'000) + "\n";
    for (const KnowledgeCut& piece : cut(path, text)) {
      EXPECT_TRUE(is_utf8(piece.text)) << path;
      EXPECT_LE(count_code_points(piece.text), CutSizes().most) << path;
    }
  }
}

TEST(CuttingTest, APieceIsKnownByWhatItSays) {
  const auto before = cut("a.md", "# A\n\none\n\n# B\n\ntwo\n");
  const auto after = cut("renamed.md", "# New\n\nnothing\n\n# A\n\none\n\n# B\n\ntwo and more\n");
  ASSERT_EQ(before.size(), 2U);
  ASSERT_EQ(after.size(), 3U);
  EXPECT_EQ(before[0].id, after[1].id);
  EXPECT_NE(before[1].id, after[2].id);
  EXPECT_EQ(before[0].id.size(), 32U);
}

TEST(CuttingTest, WhatIsNoTextIsSaidWithItsLineAndTheWayOut) {
  EXPECT_EQ(problem("a.md", "раз\n\xCF\xF0\xE8\xE2\xE5\xF2"), (KnowledgeProblem{What::Windows1251, 2}));
  EXPECT_EQ(problem("a.md", "one\ntwo \x81\x82\x83"), (KnowledgeProblem{What::NotUtf8, 2}));
  EXPECT_EQ(problem("a.md", std::string("\xFF\xFE\x1F\x04", 4)), (KnowledgeProblem{What::Utf16, 0}));
  EXPECT_EQ(problem("a.txt", std::string("%PDF\n\0", 6)), (KnowledgeProblem{What::Binary, 2}));
  EXPECT_EQ(problem("a.csv", "a,b\nc,\"d\n"), (KnowledgeProblem{What::UnclosedQuote, 2}));
  EXPECT_EQ(problem("a.html", "<script>1</script>"), (KnowledgeProblem{What::Empty, 0}));
  EXPECT_EQ(problem("a.md", "# Один заголовок\n"), (KnowledgeProblem{What::Empty, 0}));
  EXPECT_EQ(problem("a.docx", "text"), (KnowledgeProblem{What::NotKnowledge, 0}));
  EXPECT_EQ(explain({What::Windows1251, 2}, Language::Russian),
            "строка 2: текст в кодировке Windows-1251: откройте файл в Блокноте, «Сохранить как», кодировка UTF-8");
}

TEST(CuttingTest, ADeepPageIsReadAsAnyOther) {
  const auto pieces = cut("a.html", repeated("<div><b><ul><li>", 20'000) + "дно" + repeated("</li>", 20'000));
  ASSERT_EQ(pieces.size(), 1U);
  EXPECT_THAT(pieces[0].text, ::testing::HasSubstr("дно"));
}

}  // namespace
}  // namespace sufler
