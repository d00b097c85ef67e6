// A line of the log for each turn, or for the turns of some dialogs.
#include <set>
#include <sstream>

#include "serve/serve_test.h"

namespace sufler::tests {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class TurnLogTest : public ServeTest {
 protected:
  void serve(const std::string& turns) {
    folder.write("echo.yaml", kEcho);
    write_config("echo.yaml", "log: {format: json, turns: " + turns + "}\n");
    start();
  }
  std::vector<json> lines() const {
    std::vector<json> all;
    std::istringstream output(sufler->output());
    for (std::string text; std::getline(output, text);) {
      json line = json::parse(text, nullptr, false);
      if (line.is_object() && line.value("message", "") == "turn") all.push_back(std::move(line));
    }
    return all;
  }
};

TEST_F(TurnLogTest, SaysWhatHappenedAndWhereItLedAndNotWhatWasSaid) {
  serve("all");
  say(kAnna, "/start", 2);
  say(kAnna, "сокровенное", 3);
  stop();
  const auto all = lines();
  ASSERT_EQ(all.size(), 2u) << sufler->output();
  EXPECT_EQ(all[0]["bot"], "shop");
  EXPECT_EQ(all[0]["chat"], "telegram:" + std::to_string(kAnna));
  EXPECT_EQ(all[0]["event"], "message");
  EXPECT_EQ(all[0]["from"], "");
  EXPECT_EQ(all[0]["to"], "loop/word");
  EXPECT_EQ(all[0]["messages"], "2");
  EXPECT_EQ(all[1]["from"], "loop/word");
  EXPECT_EQ(all[1]["messages"], "1");
  EXPECT_EQ(all[0]["dialog"], all[1]["dialog"]);
  EXPECT_THAT(all[1]["version"].get<std::string>(), Not(IsEmpty()));
  EXPECT_THAT(sufler->output(), Not(HasSubstr("сокровенное")));
}

TEST_F(TurnLogTest, ASampleHasWholeTalks) {
  serve("50%");
  constexpr std::int64_t kPeople = 40;
  for (std::int64_t person = 2'000; person < 2'000 + kPeople; ++person) {
    telegram.say(person, "/start");
    telegram.say(person, "раз");
    telegram.say(person, "два");
  }
  for (std::int64_t person = 2'000; person < 2'000 + kPeople; ++person) messages(person, 4);
  stop();
  std::map<std::string, int> turns;
  for (const json& line : lines()) ++turns[line["dialog"].get<std::string>()];
  EXPECT_GT(turns.size(), 5u);
  EXPECT_LT(turns.size(), 35u);
  for (const auto& [dialog, count] : turns) EXPECT_EQ(count, 3) << dialog;
}

TEST_F(TurnLogTest, NothingUnlessItIsAskedFor) {
  serve("none");
  say(kAnna, "/start", 2);
  stop();
  EXPECT_THAT(lines(), IsEmpty());
}

}  // namespace
}  // namespace sufler::tests
