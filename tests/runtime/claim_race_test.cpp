// Agents who take one ticket at the same moment, in two processes on one database (RELIABILITY 34).
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <numeric>
#include <random>

#include "databases/test_database.h"
#include "runtime/sharing.h"
#include "schema/loader.h"

namespace sufler {
namespace {

using sharing::Member;
using sharing::Platform;

constexpr int kAgents = 20;

constexpr const char* kScenario = R"(
scenario: claim
language: en
start: home
branches:
  home:
    - handoff: support
handoff:
  support: {mode: relay, desk: support, assign: [claim], queue: Wait., closed_text: Closed.}
desks:
  support: {register: {command: /join, token: "${DESK_TOKEN}"}}
)";

class ClaimRaceTest : public testing::Test {
 protected:
  ClaimRaceTest() {
    Loaded loaded = load_scenario_text({{"scenario.yaml", kScenario}});
    EXPECT_TRUE(loaded.program) << render_text(loaded.diagnostics.sorted(), loaded.sources, Language::English);
    program_ = loaded.program;
  }
  Incoming from(const std::string& who) {
    Incoming update;
    update.id = std::to_string(++updates_);
    update.chat = {"telegram", who};
    update.person = {who, who, "", "", "", false};
    update.event.at = Moment{1'773'662'400'000 + 1000 * updates_};
    return update;
  }
  Incoming says(const std::string& who, const std::string& text) {
    Incoming update = from(who);
    UserMessage message;
    message.message_id = update.id;
    message.text = text;
    update.event.what = std::move(message);
    return update;
  }
  Incoming presses(const std::string& who, const std::string& payload) {
    Incoming update = from(who);
    update.event.what = ButtonPress{"press" + update.id, {}, payload};
    return update;
  }
  static std::string agent(int number) { return "agent" + std::to_string(number); }
  /// How many of a chat's messages from `begin` on hold the words.
  static int count(const std::map<std::string, std::vector<std::string>>& seen, const std::string& chat, std::size_t begin,
                   const std::string& words) {
    const auto found = seen.find(chat);
    if (found == seen.end() || found->second.size() < begin) return 0;
    return static_cast<int>(std::count_if(found->second.begin() + static_cast<std::ptrdiff_t>(begin), found->second.end(),
                                          [&](const std::string& text) { return text.find(words) != std::string::npos; }));
  }

  TestDatabase database_{DatabaseUnderTest::Postgres};
  std::shared_ptr<const Program> program_;
  Platform platform_;
  std::int64_t updates_ = 0;
};

TEST_F(ClaimRaceTest, OneOfTwentyHasTheTicketAndNineteenAreTold) {
  const char* const given = std::getenv("SUFLER_CLAIM_ROUNDS");
  const int rounds = given != nullptr ? std::atoi(given) : std::getenv("SUFLER_DEEP") != nullptr ? 1000 : 25;
  Member one(database_.url(), program_, platform_), two(database_.url(), program_, platform_);
  for (int i = 0; i < kAgents; ++i) (i % 2 == 0 ? one : two).insist({says(agent(i), "/join right")});
  ASSERT_TRUE(platform_.wait([&](const auto& seen) { return seen.size() == kAgents; }));
  std::map<std::string, int> won;
  std::vector<int> order(kAgents);
  std::iota(order.begin(), order.end(), 0);
  std::mt19937 chance(1);
  for (int round = 1; round <= rounds; ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    auto before = platform_.seen();
    const std::string header = "Ticket #" + std::to_string(round) + ":";
    one.insist({says("client", "Help " + std::to_string(round))});
    ASSERT_TRUE(platform_.wait([&](const auto& seen) {
      for (int i = 0; i < kAgents; ++i)
        if (count(seen, agent(i), before[agent(i)].size(), "New ticket #" + std::to_string(round)) != 1) return false;
      return true;
    }));
    before = platform_.seen();
    const std::string ticket = database_.ask("SELECT max(id) FROM tickets");
    std::shuffle(order.begin(), order.end(), chance);
    for (const int i : order) (i % 2 == 0 ? one : two).take({presses(agent(i), "desk:take:" + ticket)});
    // The winner gets the ticket and what was said, everybody else who has it.
    ASSERT_TRUE(platform_.wait([&](const auto& seen) {
      int answered = 0;
      for (int i = 0; i < kAgents; ++i) {
        const std::size_t begin = before[agent(i)].size();
        if (count(seen, agent(i), begin, "Help " + std::to_string(round)) + count(seen, agent(i), begin, "has taken ticket") > 0)
          ++answered;
      }
      return answered == kAgents;
    }));
    const auto seen = platform_.seen();
    std::vector<std::string> holders;
    int told = 0;
    for (int i = 0; i < kAgents; ++i) {
      const std::size_t begin = before[agent(i)].size();
      if (count(seen, agent(i), begin, header) > 0) holders.push_back(agent(i));
      told += count(seen, agent(i), begin, "has taken ticket");
    }
    ASSERT_EQ(holders.size(), 1U);
    ASSERT_EQ(told, kAgents - 1);
    for (int i = 0; i < kAgents; ++i) {
      const int expected = agent(i) == holders.front() ? 0 : 1;
      ASSERT_EQ(count(seen, agent(i), before[agent(i)].size(), holders.front() + " has taken ticket"), expected);
    }
    ASSERT_EQ(database_.ask("SELECT name FROM agents AS a, tickets AS t WHERE t.agent_id = a.id AND t.state = 1"), holders.front());
    ++won[holders.front()];
    const std::size_t clients = seen.at("client").size();
    two.insist({says(holders.front(), "/end_chat")});
    ASSERT_TRUE(platform_.wait([&](const auto& all) { return count(all, "client", clients, "Closed.") > 0; }));
  }
  std::cout << "figure: " << rounds << " rounds of " << kAgents << " agents, won by " << won.size() << " of them\n";
}

}  // namespace
}  // namespace sufler
