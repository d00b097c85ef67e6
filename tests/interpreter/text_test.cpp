#include "interpreter/core/text.h"

#include <gtest/gtest.h>

#include <random>

namespace sufler {
namespace {

TEST(TextTest, FindsTheFirstByteOfBrokenUtf8) {
  EXPECT_TRUE(is_utf8("Привет, 👍"));
  EXPECT_TRUE(is_utf8("\xEF\xBF\xBD"));  // U+FFFD itself is sound
  std::size_t bad = 0;
  EXPECT_FALSE(is_utf8("да\xD0", &bad));
  EXPECT_EQ(bad, 4u);
  EXPECT_FALSE(is_utf8("a\xC0\xAF", &bad));  // overlong
  EXPECT_EQ(bad, 1u);
  EXPECT_FALSE(is_utf8("\xED\xA0\x80"));      // a surrogate
  EXPECT_FALSE(is_utf8("\xF4\x90\x80\x80"));  // above U+10FFFF
}

/// By the table of well-formed sequences, byte by byte.
bool is_well_formed(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  for (std::size_t i = 0; i < text.size();) {
    const unsigned lead = byte(i);
    if (lead < 0x80) {
      ++i;
      continue;
    }
    if (lead < 0xC2 || lead > 0xF4) return false;
    const std::size_t more = lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3;
    const unsigned low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80, high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    if (byte(i + 1) < low || byte(i + 1) > high) return false;
    for (std::size_t k = 2; k <= more; ++k)
      if (byte(i + k) < 0x80 || byte(i + k) > 0xBF) return false;
    i += more + 1;
  }
  return true;
}

TEST(TextTest, LooksAtManyBytesAtOnceAsItWouldAtEach) {
  std::mt19937 random(4711);
  const auto pick = [&](std::size_t count) { return std::uniform_int_distribution<std::size_t>(0, count - 1)(random); };
  const std::string_view pieces[] = {"a", " ", "д", "я", "№", "₽", "👍", "«", "0", "\"", "ё", "Zz9", "привет"};
  int broken = 0;
  for (int round = 0; round < 200'000; ++round) {
    std::string text;
    for (std::size_t i = pick(12); i > 0; --i) text += pieces[pick(std::size(pieces))];
    if (!text.empty() && pick(3) == 0) text[pick(text.size())] = static_cast<char>(pick(256));
    if (!text.empty() && pick(5) == 0) text.resize(pick(text.size()));
    const bool sound = is_well_formed(text);
    broken += sound ? 0 : 1;
    ASSERT_EQ(is_utf8(text), sound) << testing::PrintToString(text);
  }
  EXPECT_GT(broken, 20'000);
}

TEST(TextTest, FindsABrokenByteAtAnyPlaceOfALongText) {
  for (const std::string_view broken : {"\x80", "\xFF", "\xC1\x81", "\xD0 "}) {
    for (std::size_t before = 0; before < 20; ++before) {
      for (const std::string_view letter : {"w", "ы"}) {
        std::string text;
        for (std::size_t i = 0; i < before; ++i) text += letter;
        const std::size_t at = text.size();
        text += broken;
        for (std::size_t i = 0; i < 10; ++i) text += letter;
        std::size_t bad = 0;
        EXPECT_FALSE(is_utf8(text, &bad)) << before;
        EXPECT_EQ(bad, at);
      }
    }
  }
}

TEST(TextTest, ReadsBrokenBytesAsReplacementAndAlwaysMovesOn) {
  for (const std::string_view text : {"\xFF\xFE", "\xE2\x82", "\xF0\x9F\x91", "\x80"}) {
    std::size_t offset = 0;
    while (offset < text.size()) {
      const std::size_t before = offset;
      EXPECT_EQ(next_code_point(text, offset), 0xFFFDu);
      EXPECT_GT(offset, before);
    }
    EXPECT_EQ(offset, text.size());
  }
}

TEST(TextTest, CountsCodePointsAndUtf16Units) {
  EXPECT_EQ(count_code_points("да👍"), 3u);
  EXPECT_EQ(count_utf16_units("да👍"), 4u);
  EXPECT_EQ(first_code_points("да👍", 2), "да");
  EXPECT_EQ(first_code_points("да", 9), "да");
}

TEST(TextTest, ComposesLettersThatArriveInParts) {
  EXPECT_EQ(to_nfc("и\u0306"), "й");
  EXPECT_EQ(to_nfc("е\u0308лка"), "ёлка");
  EXPECT_EQ(to_nfc("abc"), "abc");
  EXPECT_EQ(to_nfc("e\u0301"), "é");
}

TEST(TextTest, ChangesCase) {
  EXPECT_EQ(to_upper("ёжик straße"), "ЁЖИК STRASSE");
  EXPECT_EQ(to_lower("ЁЖИК ABC Ў"), "ёжик abc ў");
  EXPECT_EQ(capitalize("анна-мария"), "Анна-мария");
  EXPECT_EQ(capitalize("«анна»"), "«Анна»");
  EXPECT_EQ(capitalize(""), "");
}

TEST(TextTest, TrimsNoBreakSpacesToo) {
  EXPECT_EQ(trim("\u00A0 да\u202F\n"), "да");
  EXPECT_EQ(trim(" \t "), "");
  EXPECT_EQ(trim("д\xD0"), "д\xD0");
}

TEST(TextTest, FoldsTheWayCommandsAreCompared) {
  EXPECT_EQ(fold("  МЕНЮ! "), "меню");
  EXPECT_EQ(fold("ещё\u00A0раз"), "еще раз");
  EXPECT_EQ(fold("📋 Меню"), "меню");
  EXPECT_EQ(fold("Да,  давай…"), "да давай");
  EXPECT_EQ(fold("да-да"), "да да");
  EXPECT_EQ(fold("меню\u200B"), "меню");
  EXPECT_EQ(fold("ме\u0301ню"), "меню");  // a stress mark
}

TEST(TextTest, KeepsTheSlashOfACommandAndItsUnderscores) {
  EXPECT_EQ(fold("/Start"), "/start");
  EXPECT_EQ(fold("/register_support"), "/register_support");
  EXPECT_EQ(fold("/start!"), "/start");
  EXPECT_EQ(fold("и/или"), "и или");
}

TEST(TextTest, KeepsATextOfSymbolsAsItIs) {
  EXPECT_EQ(fold("👍"), "👍");
  EXPECT_EQ(fold(" + "), "+");
  EXPECT_EQ(fold("/"), "/");
  EXPECT_EQ(fold("⬅\uFE0F"), fold("⬅"));
  EXPECT_EQ(fold("👍🏽"), fold("👍"));
  EXPECT_EQ(fold(""), "");
}

TEST(TextTest, NormalisesDashesQuotesAndSpaces) {
  EXPECT_EQ(normalise("«Ёлка» — 1\u00A0200…"), "\"елка\" - 1 200...");
  EXPECT_EQ(normalise("−5"), "-5");
  EXPECT_EQ(normalise("замо\u0301к и\u0306од"), "замок йод");
}

TEST(TextTest, MeasuresTyposAndStopsAtTheLimit) {
  EXPECT_EQ(edit_distance("меню", "меню", 2), 0u);
  EXPECT_EQ(edit_distance("меню", "мнею", 2), 1u);  // a swap is one typo
  EXPECT_EQ(edit_distance("меню", "мен", 2), 1u);
  EXPECT_EQ(edit_distance("кот", "собака", 2), 3u);
}

TEST(TextTest, SwapsTheKeyboardLayout) {
  EXPECT_EQ(swap_keyboard_layout("ьутг"), "menu");
  EXPECT_EQ(swap_keyboard_layout("ghbdtn"), "привет");
  EXPECT_EQ(swap_keyboard_layout("Ghbdtn"), "Привет");
}

TEST(TextTest, FindsTheLetterOfTheOtherAlphabet) {
  EXPECT_EQ(find_mixed_alphabet("сity"), 0u);  // Cyrillic с
  EXPECT_EQ(find_mixed_alphabet("имяa"), 6u);  // Latin a
  EXPECT_EQ(find_mixed_alphabet("name"), std::string_view::npos);
  EXPECT_EQ(find_mixed_alphabet("vk_ссылка"), std::string_view::npos);
  EXPECT_EQ(unify_lookalikes("сity"), "city");
}

TEST(TextTest, OffersTheNearestKnownWord) {
  const std::vector<std::string> known = {"farewell", "welcome", "заказ"};
  EXPECT_EQ(nearest("farewel", known), "farewell");
  EXPECT_EQ(nearest("Welcome", known), "welcome");
  EXPECT_EQ(nearest("pfrfp", known), "заказ");
  EXPECT_EQ(nearest("зaкaз", known), "заказ");  // Latin a
  EXPECT_EQ(nearest("totally", known), "");
  const std::vector<std::string> verbs = {"save", "say", "сказать"};
  EXPECT_EQ(nearest("s\u0430\u0443", verbs), "say");    // Cyrillic а and у
  EXPECT_EQ(nearest("s\u0430u", {"say", "go"}), "say");  // and a typo beside
  EXPECT_EQ(nearest("\u0432\u0430\u0443", verbs), "");  // a word of its own
}

TEST(TextTest, ChoosesThePluralOfCldr) {
  const auto russian = [](std::string_view n) { return plural_of(Language::Russian, n); };
  for (const char* n : {"1", "21", "101", "-1"}) EXPECT_EQ(russian(n), Plural::One) << n;
  for (const char* n : {"2", "4", "22", "-3"}) EXPECT_EQ(russian(n), Plural::Few) << n;
  for (const char* n : {"0", "5", "11", "12", "25", "111", "112"})
    EXPECT_EQ(russian(n), Plural::Many) << n;
  for (const char* n : {"1,5", "2.5", "x", ""}) EXPECT_EQ(russian(n), Plural::Other) << n;
  EXPECT_EQ(plural_of(Language::English, "1"), Plural::One);
  for (const char* n : {"0", "2", "11", "101", "1.0"}) {
    EXPECT_EQ(plural_of(Language::English, n), Plural::Other) << n;
  }
}

}  // namespace
}  // namespace sufler
