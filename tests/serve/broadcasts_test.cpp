// Broadcasts of the whole program: the operator's commands, and a process that is killed ten times on the way.
#include "serve/serve_test.h"

#include <thread>

namespace sufler::tests {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kShop = R"(scenario: shop
language: en
start: hello
branches:
  hello:
    - say: hi
  news:
    - ask: text
    - broadcast: "{{ user.first_name }}: {{ text }}"
      as: news
    - say: begun
questions:
  text: {text: "what?"}
commands:
  news: {on: /news, for: admins, go: news}
)";

class BroadcastServeTest : public ServeTest {
 protected:
  void serve() {
    folder.write("shop.yaml", kShop);
    write_config("shop.yaml");
    start();
  }
};

TEST_F(BroadcastServeTest, OperatorsLookCountSendAndFollow) {
  serve();
  telegram.add_user({kAnna, "Anna", {}, {}, "en"});
  telegram.add_user({kBoris, "Boris", {}, {}, "en"});
  say(kAnna, "hello", 1);
  say(kBoris, "hello", 1);
  EXPECT_THAT(command({"broadcasts"}).output, HasSubstr("no broadcasts yet"));
  const std::string to_anna = "telegram:" + std::to_string(kAnna);
  EXPECT_THAT(command({"broadcast", "shop", "look, {{ user.first_name }}", "--to-me", to_anna}).output, HasSubstr("goes to this person alone"));
  EXPECT_EQ(texts(kAnna, 2)[1], "look, Anna");
  const Ran counted = command({"broadcast", "shop", "all", "--dry-run", "--where", "user.first_name == 'Boris'"});
  EXPECT_EQ(counted.code, 0) << counted.output;
  EXPECT_THAT(counted.output, HasSubstr("people: 1\n"));
  EXPECT_THAT(counted.output, HasSubstr("`where` does not hold 1"));
  const Ran sent = command({"broadcast", "shop", "all of you", "--as", "all", "--follow"});
  EXPECT_EQ(sent.code, 0) << sent.output;
  EXPECT_THAT(sent.output, HasSubstr("[##############################] 100%  people: 2  sent: 2  failed: 0"));
  EXPECT_EQ(texts(kAnna, 3)[2], "all of you");
  EXPECT_EQ(texts(kBoris, 2)[1], "all of you");
  const json all = command_json({"broadcasts", "shop"});
  ASSERT_EQ(all["broadcasts"].size(), 3u);
  EXPECT_EQ(all["broadcasts"][0]["name"], "all");
  EXPECT_EQ(all["broadcasts"][0]["state"], "done");
  EXPECT_EQ(all["broadcasts"][1]["state"], "counted");
  const std::string id = all["broadcasts"][0]["id"].dump();
  EXPECT_THAT(command({"broadcasts", "show", id}).output, HasSubstr("text: all of you\n"));
  const Ran over = command({"broadcasts", "stop", id});
  EXPECT_EQ(over.code, 1);
  EXPECT_THAT(over.output, HasSubstr("is over"));
  EXPECT_EQ(command({"broadcast", "shop", "{{ price }}"}).code, 1);
  EXPECT_THAT(command({"broadcast", "toys", "x"}).output, HasSubstr("no bot `toys`"));
  stop();
  EXPECT_EQ(command({"broadcast", "shop", "x", "--dry-run"}).code, 1) << "nobody would count";
}

TEST_F(BroadcastServeTest, TenKillsRepeatNothing) {
  constexpr std::int64_t kFirst = 20'000, kPeople = 60;
  serve();
  for (std::int64_t i = 0; i < kPeople; ++i) {
    telegram.add_user({kFirst + i, "P" + std::to_string(i), {}, {}, "en"});
    telegram.say(kFirst + i, "hello");
  }
  for (std::int64_t i = 0; i < kPeople; ++i) messages(kFirst + i, 1);
  const Ran begun = command({"broadcast", "shop", "news", "--rate", "8"});
  ASSERT_EQ(begun.code, 0) << begun.output;
  for (int kill = 0; kill < 10; ++kill) {
    std::this_thread::sleep_for(milliseconds(300 + 37 * kill));  // where it is killed is chance, as in life
    sufler->kill();
    start();
  }
  json row;
  for (int i = 0; i < 600; ++i) {
    row = command_json({"broadcasts"})["broadcasts"][0];
    if (row["state"] == "done") break;
    std::this_thread::sleep_for(milliseconds(100));
  }
  ASSERT_EQ(row["state"], "done") << row << sufler->output();
  EXPECT_EQ(row["people"], kPeople);
  EXPECT_EQ(row["sent"].get<int>() + row["unknown"].get<int>(), kPeople) << row;
  EXPECT_LE(row["unknown"].get<int>(), 10) << row;
  std::int64_t got = 0;
  for (std::int64_t i = 0; i < kPeople; ++i) {
    const auto all = telegram.wait_for_messages(kFirst + i, 1, kPatience);
    std::int64_t of_it = 0;
    for (const auto& one : all) of_it += one.text == "news" ? 1 : 0;
    EXPECT_LE(of_it, 1) << "to person " << i;
    got += of_it;
  }
  EXPECT_GE(got, row["sent"].get<std::int64_t>());
  stop();
}

}  // namespace
}  // namespace sufler::tests
