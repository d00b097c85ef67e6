// Letters, as far as the core knows them: addresses, where `{{ }}` stands in HTML, what of HTML is read as text.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "interpreter/core/mail/html_template.h"
#include "interpreter/core/mail/order.h"

namespace sufler {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(MailboxTest, AddressesArePlainOrWithAName) {
  EXPECT_EQ(parse_mailbox("anna@example.ru"), (Mailbox{"", "anna@example.ru"}));
  EXPECT_EQ(parse_mailbox(" Анна Петрова <anna@example.ru> "), (Mailbox{"Анна Петрова", "anna@example.ru"}));
  EXPECT_EQ(parse_mailbox("\"Shop, Ltd\" <shop+orders@example.com>"), (Mailbox{"Shop, Ltd", "shop+orders@example.com"}));
  EXPECT_EQ(parse_mailbox("root@localhost"), (Mailbox{"", "root@localhost"}));
  EXPECT_EQ(to_string(*parse_mailbox("Анна <anna@example.ru>")), "Анна <anna@example.ru>");
}

TEST(MailboxTest, ADomainInOtherLettersBecomesPunycode) {
  EXPECT_EQ(parse_mailbox("info@пример.рф"), (Mailbox{"", "info@xn--e1afmkfd.xn--p1ai"}));
}

TEST(MailboxTest, WhateverCouldEndALineOrAnAddressIsNone) {
  const std::string longest(64, 'a');
  EXPECT_TRUE(parse_mailbox(longest + "@example.ru"));
  for (const std::string& text :
       {std::string("a@b.ru>\r\nRCPT TO:<x@y.ru"), std::string("a@b.ru\r\nBcc: x@y.ru"), std::string("a@b.ru, x@y.ru"), std::string("a b@c.ru"),
        std::string("a@b.ru> <x@y.ru"), std::string("<a@b.ru> x"), std::string("@b.ru"), std::string("a@"), std::string(), std::string("anna"),
        std::string("a..b@c.ru"), std::string(".a@c.ru"), std::string("a@-c.ru"), std::string("a@c..ru"), std::string("анна@example.ru"),
        std::string("\"a b\"@c.ru"), std::string("a@[127.0.0.1]"), std::string("a\0@b.ru", 8), longest + "a@example.ru", "a@" + std::string(254, 'b')})
    EXPECT_FALSE(parse_mailbox(text)) << text;
}

TEST(MailDateTest, IsEnglishWithTheOffsetOfItsZone) {
  const Zone moscow = *Zone::find("Europe/Moscow"), new_york = *Zone::find("America/New_York");
  const Moment at = moscow.to_moment(*LocalTime::parse_iso("2026-11-21T08:00"));
  EXPECT_EQ(mail_date(at, moscow), "Sat, 21 Nov 2026 08:00:00 +0300");
  EXPECT_EQ(mail_date(at, new_york), "Sat, 21 Nov 2026 00:00:00 -0500");
  EXPECT_EQ(mail_date(at, Zone()), "Sat, 21 Nov 2026 05:00:00 +0000");
}

TEST(MailOrderTest, ComesBackAsItWasWithTheTalkAddedLater) {
  MailOrder order;
  order.id = "abc";
  order.date = "Sat, 21 Nov 2026 08:00:00 +0300";
  order.language = Language::English;
  order.to = {{"Анна \"Я\"", "anna@example.ru"}, {"", "b@example.ru"}};
  order.left = {"b@example.ru"};
  order.refused = {{"c@example.ru", "550 no \"such\" user"}};
  order.subject = "Тема\twith \"quotes\"";
  order.text = parse_markup("**Важно**: [здесь](https://example.ru)");
  order.html = std::string("<p>") + std::string(kHistoryMark) + "</p>";
  Attachment file;
  file.origin = "stored";
  file.reference = "hash";
  file.name = "счёт.pdf";
  order.files = {file};
  order.with_history = true;
  std::string json = to_json(order);
  const Saying said{Saying::Who::Client, "Анна", "15 марта 2026", "12:00", "строка\nвторая"};
  add_history(json, {said});
  MailOrder back;
  ASSERT_TRUE(from_json(json, back)) << json;
  EXPECT_EQ(back.to, order.to);
  EXPECT_EQ(back.left, order.left);
  EXPECT_EQ(back.refused, order.refused);
  EXPECT_EQ(back.subject, order.subject);
  EXPECT_EQ(back.text, order.text);
  EXPECT_EQ(back.html, order.html);
  EXPECT_EQ(back.files, order.files);
  EXPECT_EQ(back.language, Language::English);
  EXPECT_TRUE(back.with_history);
  ASSERT_EQ(back.history.size(), 1u);
  EXPECT_EQ(back.history[0].text, said.text);
  EXPECT_EQ(back.history[0].who, Saying::Who::Client);
  for (const char* broken : {"", "{}", "{\"to\":[]}", "[]", "{\"to\":[[\"a@b.ru\",\"\"]]"}) EXPECT_FALSE(from_json(broken, back)) << broken;
}

// ---- HTML

using What = HtmlProblem::What;

/// What a file has of `{{ }}`: `text x`, `attribute y`, and its directives.
std::vector<std::string> holes(std::string_view html) {
  const HtmlScan scan = scan_html(html);
  EXPECT_THAT(scan.problems, IsEmpty()) << html;
  std::vector<std::string> all;
  constexpr const char* kContexts[] = {"text", "title", "attribute", "url", "url part", "phone", "mailbox"};
  for (const HtmlToken& token : scan.tokens) {
    const std::string inner(html.substr(token.begin, token.end - token.begin));
    switch (token.what) {
      case HtmlToken::What::Value: all.push_back(std::string(kContexts[static_cast<int>(token.context)]) + " " + inner); break;
      case HtmlToken::What::If: all.push_back("if " + inner); break;
      case HtmlToken::What::For: all.push_back("for " + std::string(html.substr(token.name_begin, token.name_end - token.name_begin)) + " in " + inner); break;
      case HtmlToken::What::Else: all.push_back("else"); break;
      case HtmlToken::What::End: all.push_back("end"); break;
      case HtmlToken::What::Literal: break;
    }
  }
  return all;
}
std::vector<What> problems(std::string_view html) {
  std::vector<What> all;
  for (const HtmlProblem& one : scan_html(html).problems) all.push_back(one.what);
  return all;
}
std::string literals(std::string_view html) {
  std::string all;
  for (const HtmlToken& token : scan_html(html).tokens)
    if (token.what == HtmlToken::What::Literal) all += html.substr(token.begin, token.end - token.begin);
  return all;
}

TEST(HtmlScanTest, KnowsWhereAValueStands) {
  EXPECT_THAT(holes("{{ a }}<p>{{ b }}</p>"), ElementsAre("text a", "text b"));
  EXPECT_THAT(holes("<title>{{ a }}</title>{{ b }}"), ElementsAre("title a", "text b"));
  EXPECT_THAT(holes("<td title=\"{{ a }}\" alt='x {{ b }}'>"), ElementsAre("attribute a", "attribute b"));
  EXPECT_THAT(holes("<a href=\"{{ a }}\">"), ElementsAre("url a"));
  EXPECT_THAT(holes("<a href=\" {{ a }}/{{ b }}\">"), ElementsAre("url a", "url part b"));
  EXPECT_THAT(holes("<img SRC = 'https://x.ru/{{ a }}'>"), ElementsAre("url part a"));
  EXPECT_THAT(holes("<a href=\"tel:{{ a }}\"><a href='TEL: {{ b }}'>"), ElementsAre("phone a", "phone b"));
  EXPECT_THAT(holes("<a href=\"mailto:{{ a }}?subject={{ b }}\">"), ElementsAre("mailbox a", "url part b"));
  EXPECT_THAT(holes("<a href=\"{{ a | default('x:y') }}{{ b }}\">"), ElementsAre("url a | default('x:y')", "url part b"));
  EXPECT_THAT(holes("<use xlink:href=\"{{ a }}\"><img src=\"cid:{{ b }}\">"), ElementsAre("url a", "url part b"));
  EXPECT_THAT(holes("a < b {{ c }} <3 {{ d }}"), ElementsAre("text c", "text d"));
  EXPECT_THAT(holes("<a title=\"a > b\">{{ c }}"), ElementsAre("text c"));
  EXPECT_THAT(holes("{{ 'a }} b' }}{{ c }}"), ElementsAre("text 'a }} b'", "text c"));
  EXPECT_THAT(holes("<!doctype html><br/>{{ a }}"), ElementsAre("text a"));
}

TEST(HtmlScanTest, LoopsAndConditionsHaveBothLanguages) {
  EXPECT_THAT(holes("{{ for x in list }}{{ x }}{{ end }}{{ if a }}1{{ else }}2{{ end }}"),
              ElementsAre("for x in list", "text x", "end", "if a", "else", "end"));
  EXPECT_THAT(holes("{{ для товар в заказ.товары }}{{ если товар.цена > 5 }}{{ иначе }}{{ конец }}{{ конец }}"),
              ElementsAre("for товар in заказ.товары", "if товар.цена > 5", "else", "end", "end"));
  EXPECT_THAT(holes("{{ format }}{{ endless }}{{ iffy }}"), ElementsAre("text format", "text endless", "text iffy"));
}

TEST(HtmlScanTest, CommentsAreLeftOutButThoseForOutlook) {
  EXPECT_EQ(literals("a<!-- {{ secret }} -->b"), "ab");
  EXPECT_THAT(holes("a<!-- {{ secret }} -->{{ b }}"), ElementsAre("text b"));
  EXPECT_EQ(literals("<!--[if mso]><table><![endif]-->b"), "<!--[if mso]><table><![endif]-->b");
  EXPECT_THAT(problems("<!--[if mso]>{{ a }}<![endif]-->"), ElementsAre(What::InComment));
  EXPECT_EQ(literals("a<!-- b"), "a");
}

TEST(HtmlScanTest, RefusesAValueWhereNoEscapingWouldBeSafe) {
  EXPECT_THAT(problems("<script>{{ a }}</script>"), ElementsAre(What::ForbiddenTag, What::InScript));
  EXPECT_THAT(problems("<p onclick=\"go({{ a }})\">"), ElementsAre(What::InScript));
  EXPECT_THAT(problems("<img srcset=\"{{ a }}\">"), ElementsAre(What::InScript));
  EXPECT_THAT(problems("<a href=\"javascript:go('{{ a }}')\">"), ElementsAre(What::InScript));
  EXPECT_THAT(problems("<a href=\" Data:text/html,{{ a }}\">"), ElementsAre(What::InScript));
  EXPECT_THAT(problems("<meta http-equiv=refresh content=\"0;url={{ a }}\">"), ElementsAre(What::InScript));
  EXPECT_THAT(problems("<style>{{ a }}</style>"), ElementsAre(What::InStyle));
  EXPECT_THAT(problems("<p style=\"color: {{ a }}\">"), ElementsAre(What::InStyle));
  EXPECT_THAT(problems("<p title={{ a }}>"), ElementsAre(What::Unquoted));
  EXPECT_THAT(problems("<p {{ a }}>"), ElementsAre(What::InTag));
  EXPECT_THAT(problems("<{{ a }}>"), IsEmpty()) << "no tag begins there: a browser shows the sign";
  EXPECT_THAT(problems("<p{{ a }}>"), ElementsAre(What::InTag));
  EXPECT_THAT(problems("<p ti{{ a }}=\"x\">"), ElementsAre(What::InTag));
  EXPECT_THAT(problems("<!doctype {{ a }}>"), ElementsAre(What::InTag));
  EXPECT_THAT(problems("<iframe src=\"x\"><link rel=stylesheet>"), ElementsAre(What::ForbiddenTag, What::ForbiddenTag));
}

TEST(HtmlScanTest, SaysWhatHasNoPair) {
  EXPECT_THAT(problems("{{ if a }}"), ElementsAre(What::Unpaired));
  EXPECT_THAT(problems("{{ end }}"), ElementsAre(What::Unpaired));
  EXPECT_THAT(problems("{{ for x in y }}{{ else }}{{ end }}"), ElementsAre(What::Unpaired));
  EXPECT_THAT(problems("{{ if a }}{{ else }}{{ else }}{{ end }}"), ElementsAre(What::Unpaired));
  EXPECT_THAT(problems("{{ for x }}{{ end }}"), ElementsAre(What::BadFor));
  EXPECT_THAT(problems("<a title=\"{{ if a }}b{{ end }}\">"), ElementsAre(What::InTag, What::InTag));
  EXPECT_THAT(problems("a {{ b"), ElementsAre(What::Unclosed));
}

TEST(HtmlScanTest, AnyBytesGiveAScan) {
  const std::string all = "<!--<![CDATA[</p a='\"{{ if x }}\x01\xff{{ end }}<style><script>{{";
  for (std::size_t begin = 0; begin < all.size(); ++begin)
    for (std::size_t end = begin; end <= all.size(); ++end) {
      const HtmlScan scan = scan_html(std::string_view(all).substr(begin, end - begin));
      for (const HtmlToken& token : scan.tokens) EXPECT_LE(token.begin, token.end);
    }
}

TEST(HtmlTest, EscapesForItsPlace) {
  EXPECT_EQ(escape_html("<b title='x'>&\"\x01\x7f"), "&lt;b title=&#39;x&#39;&gt;&amp;&quot;");
  EXPECT_EQ(escape_html_text("a\nb<"), "a<br>\nb&lt;");
}

TEST(HtmlTextTest, BlocksStandOnLinesOfTheirOwn) {
  EXPECT_EQ(html_to_text("<html><head><title>x</title><style>p {}</style></head><body><h1>Заказ</h1>\n <p>Раз\n два</p><p>Три<br>Четыре</p></body>"),
            "Заказ\n\nРаз два\n\nТри\nЧетыре");
  EXPECT_EQ(html_to_text("<table><tr><td>Раф</td><td>250</td></tr><tr><td> Латте </td><td>310</td></tr></table>"), "Раф  250\nЛатте  310");
  EXPECT_EQ(html_to_text("<ul><li>один</li><li>два</li></ul>"), "• один\n• два");
  EXPECT_EQ(html_to_text("<div style='display: none'>скрыто <div>и это</div></div>видно"), "видно");
  EXPECT_EQ(html_to_text("a &lt;b&gt; &amp;amp; &#39;x&#39; &nbsp;&#x41; &unknown; &"), "a <b> &amp; 'x' A &unknown; &");
  EXPECT_EQ(html_to_text("<a href=\"https://x.ru?a=1&amp;b=2\">сюда</a>, <a href=\"https://x.ru\">https://x.ru</a>"),
            "сюда (https://x.ru?a=1&b=2), https://x.ru");
  EXPECT_EQ(html_to_text("<!-- нет --><img src=x alt=\"Логотип\"> <p>да"), "Логотип\n\nда");
}

}  // namespace
}  // namespace sufler
