// The letters of the ready scenarios, as they leave: golden files that Python's `email` reads back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "interpreter/services/mail/compose.h"
#include "mail/mail_server.h"
#include "schema/loader.h"
#include "tools/scoped_environment.h"
#include "tools/stage.h"

namespace sufler {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

std::string golden(const std::string& name, const std::string& letter) {
  const std::string path = SUFLER_SOURCE_DIR "/tests/data/letters/" + name + ".eml";
  if (std::getenv("SUFLER_BLESS")) std::ofstream(path, std::ios::binary) << letter;
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(LettersTest, TheConsultantsOrderWithTheWholeTalk) {
  const std::map<std::string, std::string> variables = {{"CONSULTANT_MAIL", "zakaz@example.ru"}};
  const ScopedEnvironment environment(variables);
  Loaded loaded = load_scenario(SUFLER_SOURCE_DIR "/scenarios/consultant");
  ASSERT_TRUE(loaded.program) << render_text(loaded.diagnostics.sorted(), loaded.sources, Language::English);
  std::vector<MailOrder> orders;
  StageOptions options;
  options.now = loaded.program->zone.to_moment(*LocalTime::parse_iso("2026-03-15T12:00"));
  options.user.first_name = "Олег <b>";
  options.jobs = [&](const Job& job) -> Result<JobResult, std::string> {
    if (job.service != kMailService) return JobResult{JobResult::Kind::Failed, {}, "timeout", {}, {}};
    EXPECT_TRUE(from_json(job.request, orders.emplace_back()));
    return JobResult{};
  };
  auto stage = Stage::open(loaded.program, std::move(options));
  ASSERT_TRUE(stage) << stage.error().message;
  const std::string person = "user";
  const auto say = [&](const std::string& text) {
    UserMessage message;
    message.text = text;
    const auto said = (*stage)->say(person, std::move(message));
    ASSERT_TRUE(said) << said.error().message;
    ASSERT_TRUE((*stage)->advance(Duration{2'000}));
  };
  say("/start");
  say("Беру «Фермера»!\nДоставка за город, <script>alert(1)</script> & \"кавычки\"");
  const auto pressed = (*stage)->press(person, "Оставить телефон");
  ASSERT_TRUE(pressed && *pressed);
  say("Олег");
  say("89123456789");
  ASSERT_EQ(orders.size(), 1u) << "one letter for one order";

  orders[0].id = "0123456789abcdef0123456789abcdef";  // it holds chance
  const Sender sender{{"Бот магазина «Огород»", "bot@example.ru"}, std::nullopt};
  const std::string letter = compose_letter(orders[0], sender, {});
  EXPECT_EQ(golden("consultant", letter), letter);
  const nlohmann::json read = tests::read_letter(letter);
  EXPECT_THAT(read["faults"], IsEmpty()) << read["faults"].dump();
  EXPECT_EQ(read["headers"]["Subject"], "Заявка №1: Олег, +7 912 345-67-89");
  EXPECT_EQ(read["structure"], "alternative(text/plain,text/html)");
  const std::string html = read["parts"][1]["text"], text = read["parts"][0]["text"];
  EXPECT_THAT(html, Not(HasSubstr("<script>")));
  EXPECT_THAT(html, HasSubstr("href=\"tel:+79123456789\""));
  EXPECT_THAT(html, HasSubstr("&lt;script&gt;alert(1)"));
  EXPECT_THAT(text, HasSubstr("Беру «Фермера»!"));
  EXPECT_THAT(text, HasSubstr("Бот: Записал: Олег"));
  EXPECT_LT(html.size(), 102u * 1024);
}

}  // namespace
}  // namespace sufler
