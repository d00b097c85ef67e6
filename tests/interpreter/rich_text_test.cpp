#include "interpreter/core/rich_text.h"

#include <gtest/gtest.h>

#include "interpreter/core/text.h"

namespace sufler {
namespace {

/// The spans as `bold(Привет) italic(…)`.
std::string spans_of(const RichText& text) {
  std::string out;
  for (const MarkupSpan& span : text.spans) {
    const char* names[] = {"bold", "italic", "code", "link"};
    if (!out.empty()) out += ' ';
    out += names[static_cast<int>(span.markup)];
    out += "(" + text.text.substr(span.begin, span.end - span.begin) + ")";
    if (!span.url.empty()) out += "<" + span.url + ">";
  }
  return out;
}

TEST(MarkupTest, ReadsTheFourMarks) {
  const RichText text = parse_markup("**Да** и _нет_, `код`, [сайт](https://a.example/x_(y)).");
  EXPECT_EQ(text.text, "Да и нет, код, сайт.");
  EXPECT_EQ(spans_of(text), "bold(Да) italic(нет) code(код) link(сайт)<https://a.example/x_(y)>");
}

TEST(MarkupTest, Nests) {
  const RichText text = parse_markup("**жирный _и курсив_** _**иначе**_");
  EXPECT_EQ(text.text, "жирный и курсив иначе");
  EXPECT_EQ(spans_of(text), "bold(жирный и курсив) italic(и курсив) italic(иначе) bold(иначе)");
}

TEST(MarkupTest, LeavesWhatIsNoMark) {
  for (const char* plain :
       {"snake_case_name", "2 ** 3 ** 4", "**не закрыт", "_не закрыт", "`нет", "a * b * c",
        "[просто] (скобки)", "[x](javascript:alert(1))", "[](https://a.example)", "__init__x",
        "5 * 3 _ 2", "**", "_", "``", "[", "слово**внутри**слова"}) {
    const RichText text = parse_markup(plain);
    EXPECT_EQ(text.text, plain);
    EXPECT_TRUE(text.spans.empty()) << plain << ": " << spans_of(text);
  }
}

TEST(MarkupTest, NeverCrossesAndStaysInItsParagraph) {
  EXPECT_EQ(spans_of(parse_markup("**a _b** c_")), "bold(a _b)");
  EXPECT_TRUE(parse_markup("**один\n\nдва**").spans.empty());
}

TEST(MarkupTest, WritesTheMarksBack) {
  for (const char* source : {"**Да** и _нет_, `код`, [сайт](https://a.example).",
                             "**жирный _и курсив_**", "_**x**_", "просто"}) {
    EXPECT_EQ(to_markup(parse_markup(source)), source);
  }
}

TEST(MarkupTest, StaysLinearOnAdversaries) {
  for (const char* piece : {"**a ", "_a ", "`a ", "[a ", "[a](", "**_", "*"}) {
    std::string text;
    while (text.size() < 200000) text += piece;
    EXPECT_FALSE(parse_markup(text).text.empty());
  }
}

TEST(RichTextTest, AppendShiftsTheSpans) {
  RichText text = parse_markup("**а**");
  text.append(" ");
  text.append(parse_markup("_б_"));
  EXPECT_EQ(to_markup(text), "**а** _б_");
}

TEST(SplitTest, PrefersParagraphsThenLinesThenWords) {
  EXPECT_EQ(split(parse_markup("аа\n\nбб вв"), 6).at(0).text, "аа");
  EXPECT_EQ(split(parse_markup("аа\nбб вв"), 6).at(0).text, "аа");
  EXPECT_EQ(split(parse_markup("аа бб вв"), 6).at(0).text, "аа бб");
  EXPECT_EQ(split(parse_markup("аабббвв"), 6).at(0).text, "аабббв");
  EXPECT_EQ(split(parse_markup("аа бб"), 6).size(), 1u);
  EXPECT_EQ(split(RichText{}, 6).size(), 1u);
}

TEST(SplitTest, CountsUtf16AndNeverCutsACharacter) {
  RichText text;
  for (int i = 0; i < 10; ++i) text.append("👍");
  const auto parts = split(text, 5);
  EXPECT_EQ(parts.size(), 5u);
  std::string joined;
  for (const RichText& part : parts) {
    EXPECT_LE(count_utf16_units(part.text), 5u);
    EXPECT_TRUE(is_utf8(part.text));
    joined += part.text;
  }
  EXPECT_EQ(joined, text.text);
  EXPECT_EQ(split(text, 1).size(), 10u);  // a character is never less than itself
}

TEST(SplitTest, CarriesMarksOverTheCut) {
  const auto parts = split(parse_markup("**один два три**"), 9);
  ASSERT_EQ(parts.size(), 2u);
  EXPECT_EQ(to_markup(parts[0]), "**один два**");
  EXPECT_EQ(to_markup(parts[1]), "**три**");
}

TEST(SplitTest, KeepsAllWords) {
  std::string text;
  for (int i = 0; i < 3000; ++i) text += "слово" + std::to_string(i) + (i % 7 == 0 ? "\n" : " ");
  std::string joined;
  for (const RichText& part : split(RichText{text, {}}, 4096)) {
    EXPECT_LE(count_utf16_units(part.text), 4096u);
    joined += part.text + " ";
  }
  EXPECT_EQ(fold(joined), fold(text));
}

}  // namespace
}  // namespace sufler
