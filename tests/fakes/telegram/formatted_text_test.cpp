#include "fakes/telegram/formatted_text.h"

#include <gtest/gtest.h>

namespace sufler::fakes {
namespace {

std::string failure(std::string_view text, std::string_view mode, const Json& entities = nullptr) {
  try {
    format_text(text, mode, entities, true);
    return "ok";
  } catch (const ApiError& error) {
    return error.description;
  }
}

Json entity(const char* type, int offset, int length) {
  return {{"type", type}, {"offset", offset}, {"length", length}};
}

TEST(FormattedTextTest, CountsEntitiesOfHtmlInUtf16Units) {
  const FormattedText out = format_text("😀 <b>да</b> &lt;<i>нет</i>", "HTML", nullptr, true);
  EXPECT_EQ(out.text, "😀 да <нет");
  EXPECT_EQ(out.entities, Json::array({entity("bold", 3, 2), entity("italic", 7, 3)}));
}

TEST(FormattedTextTest, ReadsLinksCodeAndQuotationsOfHtml) {
  const FormattedText out = format_text(
      "<a href=\"https://example.com/?a=1&amp;b=2\">x</a><pre><code "
      "class=\"language-cpp\">int</code>"
      "</pre><blockquote expandable>q</blockquote>",
      "html", nullptr, true);
  EXPECT_EQ(out.text, "xintq");
  EXPECT_EQ(out.entities[0]["url"], "https://example.com/?a=1&b=2");
  EXPECT_EQ(out.entities[1]["type"], "pre");
  EXPECT_EQ(out.entities[1]["language"], "cpp");
  EXPECT_EQ(out.entities[2]["type"], "expandable_blockquote");
}

TEST(FormattedTextTest, RefusesBrokenHtmlInTheServersWords) {
  EXPECT_EQ(failure("a<br>b", "HTML"),
            "Bad Request: can't parse entities: Unsupported start tag \"br\" at byte offset 1");
  EXPECT_EQ(failure("a <b", "HTML"),
            "Bad Request: can't parse entities: Unclosed start tag at byte offset 2");
  EXPECT_EQ(failure("<b>a</i>", "HTML"),
            "Bad Request: can't parse entities: Unmatched end tag at byte offset 4, expected "
            "\"</b>\", found \"</i>\"");
  EXPECT_EQ(
      failure("<b>a", "HTML"),
      "Bad Request: can't parse entities: Can't find end tag corresponding to start tag \"b\"");
  EXPECT_NE(failure("Tom & Jerry", "HTML"), "ok");
}

TEST(FormattedTextTest, ReadsMarkdownOfTheSecondVersion) {
  const FormattedText out =
      format_text("*жирный* __под__ _курсив_ ||тайна|| `a*b` [сайт](https://e.com/\\)) 1\\.",
                  "MarkdownV2", nullptr, true);
  EXPECT_EQ(out.text, "жирный под курсив тайна a*b сайт 1.");
  ASSERT_EQ(out.entities.size(), 6u);
  EXPECT_EQ(out.entities[0], entity("bold", 0, 6));
  EXPECT_EQ(out.entities[1], entity("underline", 7, 3));
  EXPECT_EQ(out.entities[3], entity("spoiler", 18, 5));
  EXPECT_EQ(out.entities[4], entity("code", 24, 3));
  EXPECT_EQ(out.entities[5]["url"], "https://e.com/)");
}

TEST(FormattedTextTest, NestsMarkdownAndQuotes) {
  const FormattedText out = format_text("*a _b_*\n>q1\n>q2\nend", "MarkdownV2", nullptr, true);
  EXPECT_EQ(out.text, "a b\nq1\nq2\nend");
  EXPECT_EQ(out.entities, Json::array({entity("bold", 0, 3), entity("italic", 2, 1),
                                       entity("blockquote", 4, 5)}));
}

TEST(FormattedTextTest, RefusesReservedCharactersAndOpenEntitiesOfMarkdown) {
  EXPECT_EQ(failure("Готово.", "MarkdownV2"),
            "Bad Request: can't parse entities: Character '.' is reserved and must be escaped with "
            "the preceding '\\'");
  EXPECT_EQ(failure("да *жирно", "MarkdownV2"),
            "Bad Request: can't parse entities: Can't find end of the entity starting at byte "
            "offset 5");
  EXPECT_EQ(failure("x", "Textile"), "Bad Request: unsupported parse_mode");
}

TEST(FormattedTextTest, ReadsTheOldMarkdown) {
  const FormattedText out =
      format_text("*b* _i_ `c` [l](http://e.com) 1.5", "Markdown", nullptr, true);
  EXPECT_EQ(out.text, "b i c l 1.5");
  EXPECT_EQ(out.entities.size(), 4u);
}

TEST(FormattedTextTest, HoldsEntitiesInsideTheText) {
  EXPECT_EQ(failure("abc", "", Json::array({entity("bold", 1, 3)})),
            "Bad Request: entity beginning at UTF-16 offset 1 ends after the end of the text at "
            "UTF-16 offset 4");
  EXPECT_NE(failure("😀a", "", Json::array({entity("bold", 1, 1)})), "ok");
  EXPECT_NE(failure("a😀", "", Json::array({entity("bold", 0, 2)})), "ok");
  EXPECT_EQ(failure("a😀", "", Json::array({entity("bold", 0, 3)})), "ok");
  EXPECT_NE(failure("abc", "", Json::array({entity("bold", 0, 0)})), "ok");
  EXPECT_NE(failure("abc", "", Json::array({entity("boldy", 0, 1)})), "ok");
}

TEST(FormattedTextTest, RefusesCrossingEntitiesAndTakesNestedOnes) {
  EXPECT_NE(failure("abcdef", "", Json::array({entity("bold", 0, 4), entity("italic", 2, 4)})),
            "ok");
  EXPECT_EQ(failure("abcdef", "", Json::array({entity("bold", 0, 4), entity("italic", 2, 2)})),
            "ok");
  EXPECT_NE(failure("abcdef", "", Json::array({entity("code", 0, 4), entity("italic", 2, 2)})),
            "ok");
}

TEST(FormattedTextTest, TrimsSpacesAndMovesEntitiesWithTheText) {
  const FormattedText out =
      format_text("  привет  ", "", Json::array({entity("bold", 2, 8)}), true);
  EXPECT_EQ(out.text, "привет");
  EXPECT_EQ(out.entities, Json::array({entity("bold", 0, 6)}));
}

TEST(FormattedTextTest, FindsWhatAClientMarksByItself) {
  const Json found = find_entities("/start@my_bot привет @user https://e.com/a, я a@b.ru #тег");
  ASSERT_EQ(found.size(), 5u);
  EXPECT_EQ(found[0], entity("bot_command", 0, 13));
  EXPECT_EQ(found[1], entity("mention", 21, 5));
  EXPECT_EQ(found[2], entity("url", 27, 15));
  EXPECT_EQ(found[3], entity("email", 46, 6));
  EXPECT_EQ(found[4], entity("hashtag", 53, 4));
  EXPECT_TRUE(find_entities("1/2 и км/ч").empty());
}

TEST(FormattedTextTest, LowersTheFirstLetterAsTheServerDoes) {
  EXPECT_EQ(bad_request("Message is bad").description, "Bad Request: message is bad");
  EXPECT_EQ(bad_request("BUTTON_DATA_INVALID").description, "Bad Request: BUTTON_DATA_INVALID");
}

}  // namespace
}  // namespace sufler::fakes
