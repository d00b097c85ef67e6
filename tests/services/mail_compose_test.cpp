// Letters as bytes. The golden files of tests/data/letters are what leaves, and Python's `email`, which nobody here wrote,
// reads each of them back. SUFLER_BLESS=1 writes them anew.
#include "interpreter/services/mail/compose.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "interpreter/core/mail/html_template.h"
#include "mail/mail_server.h"

namespace sufler {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

Sender sender() { return {{"Магазин «Огород»", "bot@example.ru"}, Mailbox{"", "info@example.ru"}}; }

MailOrder order(const std::string& subject) {
  MailOrder made;
  made.id = "0123456789abcdef0123456789abcdef";
  made.date = "Sat, 21 Nov 2026 08:00:00 +0300";
  made.to = {{"Анна Петрова", "anna@example.ru"}};
  made.left = {"anna@example.ru"};
  made.subject = subject;
  return made;
}

std::vector<Saying> talk() {
  using Who = Saying::Who;
  return {{Who::Client, "Анна", "14 марта 2026", "23:59", "Нужна тачка"},
          {Who::Bot, "Бот", "15 марта 2026", "00:00", "Возьмите «Дачную».\n[Оставить телефон]"},
          {Who::Staff, "Ольга <admin>", "15 марта 2026", "00:05", "Привезём & соберём"}};
}

/// Compares with tests/data/letters/NAME.eml and reads it with Python.
json check_golden(const std::string& name, const std::string& letter) {
  const std::string path = SUFLER_SOURCE_DIR "/tests/data/letters/" + name + ".eml";
  if (std::getenv("SUFLER_BLESS")) std::ofstream(path, std::ios::binary) << letter;
  std::ifstream in(path, std::ios::binary);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), letter) << name;
  json read = tests::read_letter(letter);
  EXPECT_THAT(read["faults"], IsEmpty()) << name << ": " << read["faults"].dump();
  for (const char* header : {"date", "from", "to", "subject", "message-id", "mime-version", "content-type"}) EXPECT_EQ(read["counts"][header], 1) << header;
  EXPECT_EQ(read["date"], "2026-11-21T08:00:00+03:00");
  EXPECT_EQ(read["headers"]["Message-ID"], "<0123456789abcdef0123456789abcdef@example.ru>");
  return read;
}

TEST(ComposeTest, APlainLetter) {
  MailOrder made = order("Заявка №15: Анна, +7 912 345-67-89, двухколёсная тачка «Фермер» с доставкой за город");
  made.text = parse_markup("Здравствуйте!\n.точка в начале\nFrom начало строки\n\nКонец без перевода");
  const json read = check_golden("plain", compose_letter(made, sender(), {}));
  EXPECT_EQ(read["headers"]["Subject"], made.subject);
  EXPECT_EQ(read["people"]["From"], json::parse(R"([["Магазин «Огород»", "bot@example.ru"]])"));
  EXPECT_EQ(read["people"]["To"], json::parse(R"([["Анна Петрова", "anna@example.ru"]])"));
  EXPECT_EQ(read["people"]["Reply-To"], json::parse(R"([["", "info@example.ru"]])"));
  EXPECT_EQ(read["headers"]["Auto-Submitted"], "auto-generated");
  EXPECT_EQ(read["structure"], "text/plain");
  EXPECT_EQ(read["parts"][0]["text"], "Здравствуйте!\n.точка в начале\nFrom начало строки\n\nКонец без перевода\n");
}

TEST(ComposeTest, MarksMakeAnHtmlPartBesideTheText) {
  MailOrder made = order("Marks");
  made.language = Language::English;
  made.text = parse_markup("**Bold _and italic_** <script> & [a link](https://example.com/?a=1&b=2)\nsecond line");
  const json read = check_golden("marks", compose_letter(made, sender(), {}));
  EXPECT_EQ(read["structure"], "alternative(text/plain,text/html)");
  EXPECT_EQ(read["parts"][0]["text"], "Bold and italic <script> & a link (https://example.com/?a=1&b=2)\nsecond line\n");
  EXPECT_THAT(read["parts"][1]["text"].get<std::string>(),
              HasSubstr("<b>Bold <i>and italic</i></b> &lt;script&gt; &amp; <a href=\"https://example.com/?a=1&amp;b=2\">a link</a><br>\nsecond line"));
}

TEST(ComposeTest, PicturesStandInTheHtmlThatShowsThem) {
  MailOrder made = order("С картинкой");
  Attachment logo;
  logo.origin = "scenario";
  logo.reference = "mail/лого.png";
  made.pictures = {logo};
  made.html = "<!doctype html><html><body><img src=\"cid:" + content_id(logo) + "\" alt=\"Огород\"><p>Заявка принята</p></body></html>";
  const std::vector<LetterFile> files = {{"лого.png", "image/png", std::string("\x89PNG\r\n\0", 7), content_id(logo)},
                                         {"price.csv", "text/csv", "a;b\r\n"}};
  const json read = check_golden("pictures", compose_letter(made, sender(), files));
  EXPECT_EQ(read["structure"], "mixed(alternative(text/plain,related(text/html,image/png)),text/csv)");
  EXPECT_THAT(read["parts"][1]["text"].get<std::string>(), HasSubstr("<img src=\"cid:" + read["parts"][2]["content_id"].get<std::string>() + "\""));
  EXPECT_EQ(read["parts"][2]["disposition"], "inline");
  EXPECT_EQ(read["parts"][2]["size"], 7);
  EXPECT_EQ(read["parts"][3]["name"], "price.csv");
  MailOrder again;
  ASSERT_TRUE(from_json(to_json(made), again));
  EXPECT_EQ(again.pictures, made.pictures);
}

TEST(ComposeTest, HtmlWithTheTalkAndFiles) {
  MailOrder made = order("Заявка");
  made.html = "<!doctype html><html><body><h1>Заявка №1</h1><p>Анна</p>" + std::string(kHistoryMark) + "<p>Конец</p></body></html>";
  made.with_history = true;
  made.history = talk();
  const std::vector<LetterFile> files = {
      {"отчёт за ноябрь; \"черновик\".csv", "text/csv", "a;b\r\n1;2\r\n"},
      {"../../etc/photo.jpg", "image/jpeg", std::string("\xff\xd8\xff\0binary\n.\r\n", 14)},
      {std::string(60, 'x') + " a very long name of a file, in latin letters.pdf", "application/pdf\r\nX-Evil: 1", "%PDF"},
      {"Договор поставки товаров для сада и огорода на две тысячи двадцать шестой год.pdf", "application/pdf", "%PDF"}};
  const json read = check_golden("html_with_files", compose_letter(made, sender(), files));
  EXPECT_EQ(read["structure"], "mixed(alternative(text/plain,text/html),text/csv,image/jpeg,application/octet-stream,application/pdf)");
  EXPECT_EQ(read["parts"][0]["text"],
            "Заявка №1\n\nАнна\n\n14 марта 2026\n23:59 Анна: Нужна тачка\n\n15 марта 2026\n00:00 Бот: Возьмите «Дачную».\n      [Оставить телефон]\n"
            "00:05 Ольга <admin>: Привезём & соберём\n\nКонец\n");
  const std::string html = read["parts"][1]["text"];
  EXPECT_THAT(html, HasSubstr("Ольга &lt;admin&gt;"));
  EXPECT_THAT(html, HasSubstr("Возьмите «Дачную».<br>\n[Оставить телефон]"));
  EXPECT_LT(html.find("Заявка №1"), html.find("Нужна тачка"));
  EXPECT_LT(html.find("Привезём &amp; соберём"), html.find("Конец"));
  EXPECT_EQ(read["parts"][2]["name"], "отчёт за ноябрь черновик.csv");
  EXPECT_EQ(read["parts"][2]["disposition"], "attachment");
  EXPECT_EQ(read["parts"][3]["name"], "photo.jpg");
  EXPECT_EQ(read["parts"][3]["size"], 14);
  EXPECT_EQ(read["parts"][4]["name"], files[2].name);
  EXPECT_EQ(read["parts"][5]["name"], files[3].name);
}

TEST(ComposeTest, ATalkWithoutATemplateStandsBelowTheText) {
  MailOrder made = order("Переписка");
  made.text = parse_markup("Вот о чём говорили.");
  made.with_history = true;
  made.history = talk();
  const json read = check_golden("talk", compose_letter(made, sender(), {}));
  EXPECT_EQ(read["structure"], "alternative(text/plain,text/html)");
  EXPECT_THAT(read["parts"][0]["text"].get<std::string>(), StartsWith("Вот о чём говорили.\n\nПереписка\n\n14 марта 2026\n23:59 Анна: Нужна тачка\n"));
  EXPECT_THAT(read["parts"][1]["text"].get<std::string>(), HasSubstr("Нужна тачка"));
}

TEST(ComposeTest, ALongTalkEndsInTheLetterAndIsWholeInAFile) {
  MailOrder made = order("Переписка");
  made.text = parse_markup("Текст");
  made.with_history = true;
  for (int i = 1; i <= 1000; ++i) made.history.push_back({Saying::Who::Bot, "Бот", "15 марта 2026", "12:00", "Сообщение " + std::to_string(i) + "."});
  const std::string letter = compose_letter(made, sender(), {});
  const json read = tests::read_letter(letter);
  EXPECT_THAT(read["faults"], IsEmpty());
  EXPECT_EQ(read["structure"], "mixed(alternative(text/plain,text/html),text/plain)");
  const std::string html = read["parts"][1]["text"];
  EXPECT_LT(html.size(), 102u * 1024) << "Gmail cuts longer ones";
  EXPECT_THAT(html, HasSubstr("Сообщение 1000."));
  EXPECT_THAT(html, Not(HasSubstr("Сообщение 1.")));
  EXPECT_THAT(html, HasSubstr("начало переписки в приложенном файле"));
  EXPECT_EQ(read["parts"][2]["name"], "переписка.txt");
  EXPECT_THAT(read["parts"][2]["text"].get<std::string>(), HasSubstr("Сообщение 1."));
}

TEST(ComposeTest, NothingThatIsFilledInMakesAHeader) {
  const std::string evil = "x\r\nBcc: victim@example.com\r\n\r\nbody\n\x01\xC2\x85\xE2\x80\xA8 Bcc: a@b.c";
  MailOrder made = order(evil);
  made.to = {{evil, "anna@example.ru"}, {"Quoted \"name\" \\, <x@y.z>", "b@example.ru"}, {"=?UTF-8?B?0JA=?=", "c@example.ru"}};
  made.text = parse_markup(evil);
  Sender from = sender();
  from.from.name = evil;
  const std::string letter = compose_letter(made, from, {{evil + ".txt", evil, "text"}});
  const json read = tests::read_letter(letter);
  EXPECT_THAT(read["faults"], IsEmpty()) << read["faults"].dump();
  EXPECT_FALSE(read["counts"].contains("bcc"));
  EXPECT_EQ(read["people"]["To"].size(), 3u);
  EXPECT_EQ(read["people"]["To"][1][0], "Quoted \"name\" \\, <x@y.z>");
  EXPECT_EQ(read["people"]["To"][2][0], "=?UTF-8?B?0JA=?=") << "the name itself, not what it would decode to";
  EXPECT_EQ(read["parts"].size(), 2u);
}

TEST(ComposeTest, ManyRecipientsAreFolded) {
  MailOrder made = order("All");
  made.to.clear();
  for (int i = 0; i < 50; ++i) made.to.push_back({i % 2 ? "Имя Фамилия " + std::to_string(i) : "", "recipient" + std::to_string(i) + "@department.example.com"});
  made.text = parse_markup("text");
  const json read = tests::read_letter(compose_letter(made, sender(), {}));
  EXPECT_THAT(read["faults"], IsEmpty());
  ASSERT_EQ(read["people"]["To"].size(), 50u);
  EXPECT_EQ(read["people"]["To"][49], json::parse(R"(["Имя Фамилия 49", "recipient49@department.example.com"])"));
}

TEST(ComposeTest, SubjectsOfAnyLengthComeBack) {
  std::vector<std::string> subjects = {"a", "Привет", "a  b", " a ", "=?x?=", std::string(500, 'a'), "emoji 👍🏽 family 👨‍👩‍👧"};
  std::string grows, letters = "Заказ order №";
  for (int i = 0; i < 120; ++i) {
    grows += i % 3 == 0 ? "я" : i % 7 == 0 ? " " : "w";
    subjects.push_back(grows + "!");
  }
  for (const std::string& subject : subjects) {
    const std::string line = header_line("Subject", subject);
    std::size_t begin = 0;
    while (begin < line.size()) {
      const std::size_t end = line.find("\r\n", begin);
      ASSERT_NE(end, std::string::npos);
      EXPECT_LE(end - begin, 76u) << line;
      begin = end + 2;
    }
  }
  // One reader for all of them.
  std::string all = "From: a@b.c\r\n";
  for (std::size_t i = 0; i < subjects.size(); ++i) all += header_line("X-Subject-" + std::to_string(i), subjects[i]);
  const json read = tests::read_letter(all + "\r\n");
  for (std::size_t i = 0; i < subjects.size(); ++i) EXPECT_EQ(read["headers"]["X-Subject-" + std::to_string(i)], subjects[i]) << i;
}

TEST(ComposeTest, QuotedPrintableKeepsItsLinesShortAndLosesNothing) {
  std::string text;
  for (int i = 0; i < 300; ++i) text += i % 50 == 49 ? " \r\n" : i % 11 == 0 ? "é" : i % 13 == 0 ? "=" : ".";
  const std::string quoted = quoted_printable(text);
  for (std::size_t begin = 0; begin < quoted.size();) {
    const std::size_t end = std::min(quoted.find("\r\n", begin), quoted.size());
    EXPECT_LE(end - begin, 76u);
    EXPECT_TRUE(end == begin || (quoted[end - 1] != ' ' && quoted[begin] != '.'));
    begin = end + 2;
  }
  const json read = tests::read_letter("MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" + quoted);
  std::string unix_text = text;
  unix_text.erase(std::remove(unix_text.begin(), unix_text.end(), '\r'), unix_text.end());
  EXPECT_EQ(read["parts"][0]["text"], unix_text);
}

}  // namespace
}  // namespace sufler
