#include "interpreter/core/transcript.h"

#include <gmock/gmock.h>

#include "interpreter/core/text.h"

namespace sufler {
namespace {

Saying saying(std::string name, std::string day, std::string time, std::string text) { return {Saying::Who::Client, std::move(name), std::move(day), std::move(time), std::move(text)}; }

TEST(TranscriptTest, LinesOfATalkStandUnderTheirDay) {
  const std::vector<Saying> said = {saying("Анна", "15 марта 2026", "23:59", "Добрый день"), saying("Бот", "16 марта 2026", "00:01", "Здравствуйте"),
                                    saying("Анна", "16 марта 2026", "00:02", "Цена?")};
  EXPECT_EQ(last_lines(said, 1000, Language::Russian), "15 марта 2026\n23:59 Анна: Добрый день\n16 марта 2026\n00:01 Бот: Здравствуйте\n00:02 Анна: Цена?");
  EXPECT_EQ(last_lines({}, 1000, Language::Russian), "");
}

TEST(TranscriptTest, ALongTalkLosesItsBeginning) {
  std::vector<Saying> said;
  for (int i = 0; i < 3'000; ++i) said.push_back(saying("Анна", "15 марта 2026", "12:00", "строка " + std::to_string(i)));
  for (const std::size_t most : {15'000, 14'000, 500}) {
    const std::string lines = last_lines(said, most, Language::Russian);
    EXPECT_LE(count_code_points(lines), most);
    EXPECT_GT(count_code_points(lines), most - 150);
    EXPECT_THAT(lines, testing::StartsWith("… (начало разговора не поместилось)\n15 марта 2026\n"));
    EXPECT_THAT(lines, testing::EndsWith("строка 2999"));
  }
  EXPECT_THAT(last_lines(said, 500, Language::English), testing::StartsWith("… (the beginning of the talk did not fit)\n"));
}

TEST(TranscriptTest, WithoutRoomThereIsNoTalkButALineThatSaysSo) {
  const std::vector<Saying> said = {saying("Анна", "15 марта 2026", "12:00", std::string(200, 'a'))};
  EXPECT_EQ(last_lines(said, 100, Language::Russian), "… (начало разговора не поместилось)");
}

}  // namespace
}  // namespace sufler
