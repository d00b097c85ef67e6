#include "interpreter/transports/console/console.h"

#include <gtest/gtest.h>

namespace sufler {
namespace {

TEST(ConsoleTest, WritesAMessageAsLines) {
  Message message;
  message.text.text = "Выберите:\nвторая строка\n";
  message.attachments.push_back({});
  message.attachments[0].reference = "img/price.pdf";
  message.keyboard.rows = {{{}, {}}, {{}}};
  message.keyboard.rows[0][0].label = "Да";
  message.keyboard.rows[0][1].label = "Нет";
  message.keyboard.rows[1][0].label = "Позже";
  EXPECT_EQ(console_lines("bot", message),
            "bot: Выберите:\n  вторая строка\n  @img/price.pdf\n  [Да] [Нет]\n  [Позже]\n");
}

TEST(ConsoleTest, AMessageWithoutTextIsItsFiles) {
  Message message;
  message.attachments.push_back({});
  message.attachments[0].name = "a.jpg";
  EXPECT_EQ(console_lines("admins", message), "admins:\n  @a.jpg\n");
}

TEST(ConsoleTest, ControlCharactersDoNotReachTheTerminal) {
  Message message;
  message.text.text = "a\x1b[2Jb\rc";
  EXPECT_EQ(console_lines("bot", message), "bot: a[2Jbc\n");
}

TEST(ConsoleTest, ReadsWhatIsTyped) {
  using Kind = ConsoleInput::Kind;
  EXPECT_EQ(parse_console_line("привет").kind, Kind::Text);
  EXPECT_EQ(parse_console_line(" [Да, конечно] ").kind, Kind::Press);
  EXPECT_EQ(parse_console_line("[Да, конечно]").text, "Да, конечно");
  EXPECT_EQ(parse_console_line("@photo.jpg").kind, Kind::File);
  EXPECT_EQ(parse_console_line("@photo.jpg").text, "photo.jpg");
  EXPECT_EQ(parse_console_line("+24h").kind, Kind::Clock);
  EXPECT_EQ(parse_console_line("+24h").clock.ms, 24 * 3600 * 1000);
  EXPECT_EQ(parse_console_line("+24ч").clock.ms, 24 * 3600 * 1000);
  EXPECT_EQ(parse_console_line("+7 900 123-45-67").kind, Kind::Text);
  EXPECT_EQ(parse_console_line("[]").kind, Kind::Text);
  EXPECT_EQ(parse_console_line("@").kind, Kind::Text);
}

}  // namespace
}  // namespace sufler
