// The support desk under kill -9 and at its crash points (RELIABILITY 35): nobody is left without the bot and without
// an agent, and what is relayed comes in order.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "faults/audit.h"
#include "faults/deployment.h"
#include "faults/rows.h"
#include "faults/shopfront.h"
#include "serve/sufler_process.h"

namespace sufler::tests {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;

constexpr const char* kToken = "a-token-of-the-desk";
constexpr const char* kScenario = R"yaml(scenario: desk
language: en
start: home
branches:
  home:
    - call: talk
    - say: "Back from {{ handoff.outcome }}"
  talk:
    - handoff: support
handoff:
  support: {mode: relay, desk: support, assign: [available], queue: Wait., greeting: "{{ handoff.agent }} is here.", closed_text: Closed.}
desks:
  support: {register: {command: /join, token: "${DESK_TOKEN}"}, capacity: 10}
)yaml";

// ---- crash points

struct CrashPoint {
  const char* name;
  DatabaseUnderTest database;
};
void PrintTo(const CrashPoint& point, std::ostream* out) { *out << point.name; }

class DeskCrashTest : public testing::TestWithParam<CrashPoint> {
 protected:
  static constexpr std::int64_t kOlga = 101, kAnna = 7;

  void SetUp() override {
#ifndef SUFLER_FAILPOINTS
    GTEST_SKIP() << "built without failpoints";
#endif
    Deployment::Settings settings;
    settings.database = GetParam().database;
    settings.scenario = kScenario;
    settings.environment = {{"DESK_TOKEN", kToken}, {"SUFLER_FAILPOINTS", GetParam().name + std::string(":kill")}};
    deployment.emplace(settings);
    deployment->start();
  }
  /// The texts of a chat once there are `count`; when the process dies meanwhile, another begins without the fault.
  std::vector<std::string> texts(std::int64_t chat, std::size_t count) {
    std::vector<std::string> all;
    for (const auto until = std::chrono::steady_clock::now() + kPatience;
         std::chrono::steady_clock::now() < until && all.size() < count;) {
      if (!deployment->runs(0)) {
        deployment->note_death();
        ++deaths;
        deployment->start(0, {"/usr/bin/env", "-u", "SUFLER_FAILPOINTS"});
      }
      deployment->telegram.wait_for_messages(chat, count, milliseconds(20));
      all = once(chat);
    }
    EXPECT_EQ(all.size(), count) << "in the chat " << chat << "\n" << deployment->output();
    return all;
  }
  /// What was sent and not recorded yet when the process died comes to people of Telegram once more.
  std::vector<std::string> once(std::int64_t chat) {
    std::vector<std::string> all;
    for (const auto& message : deployment->telegram.messages(chat))
      if (all.empty() || all.back() != message.text) all.push_back(message.text);
    return all;
  }
  void say(std::int64_t person, const std::string& text) { deployment->telegram.say(person, text); }

  std::optional<Deployment> deployment;
  int deaths = 0;
};

TEST_P(DeskCrashTest, LeavesNobodyAloneAndReturnsOnce) {
  deployment->telegram.add_user({kOlga, "Olga", {}, {}, "en"});
  deployment->telegram.add_user({kAnna, "Anna", {}, {}, "en"});
  say(kOlga, std::string("/join ") + kToken);
  texts(kOlga, 1);
  say(kAnna, "Help");
  EXPECT_THAT(texts(kAnna, 1), ElementsAre("Olga is here."));
  say(kAnna, "Please");
  texts(kOlga, 4);
  say(kOlga, "Yes?");
  EXPECT_EQ(texts(kAnna, 2).back(), "Yes?");
  say(kOlga, "/end_chat");
  EXPECT_THAT(texts(kAnna, 4), ElementsAre("Olga is here.", "Yes?", "Closed.", "Back from closed"));
  // The bot is there again, and so is the agent.
  say(kAnna, "Once more");
  EXPECT_EQ(texts(kAnna, 5).back(), "Olga is here.");
  std::vector<std::string> olgas = texts(kOlga, 7);
  olgas.erase(olgas.begin());
  EXPECT_THAT(olgas, ElementsAre("Ticket #1: Anna", "Anna №1: Help", "Anna №1: Please", "Ticket #1 is closed.", "Ticket #2: Anna",
                                 "Anna №2: Once more"));
  EXPECT_EQ(deaths, 1) << deployment->output();
  deployment->stop_all();
  EXPECT_EQ(once(kAnna).size(), 5U);
  EXPECT_EQ(rows_of(deployment->database_url(), "SELECT count(*) FROM journal WHERE turn LIKE '%Back from closed%'")[0][0], "1");
  EXPECT_EQ(rows_of(deployment->database_url(), "SELECT number, state, outcome FROM tickets ORDER BY id"),
            (std::vector<Row>{{"1", "2", "closed"}, {"2", "1", ""}}));
  EXPECT_EQ(rows_of(deployment->database_url(), "SELECT count(*) FROM dead_letters")[0][0], "0");
}

INSTANTIATE_TEST_SUITE_P(Points, DeskCrashTest,
                         testing::Values(CrashPoint{"ticket_opened", DatabaseUnderTest::Sqlite},
                                         CrashPoint{"ticket_assigned", DatabaseUnderTest::Sqlite},
                                         CrashPoint{"ticket_closed", DatabaseUnderTest::Sqlite},
                                         CrashPoint{"ticket_returned", DatabaseUnderTest::Sqlite},
                                         CrashPoint{"ticket_opened", DatabaseUnderTest::Postgres},
                                         CrashPoint{"ticket_assigned", DatabaseUnderTest::Postgres},
                                         CrashPoint{"ticket_closed", DatabaseUnderTest::Postgres},
                                         CrashPoint{"ticket_returned", DatabaseUnderTest::Postgres}),
                         [](const auto& each) { return each.param.name + std::string("_") + name_of(each.param.database); });

// ---- kill -9 under load

struct Circumstances {
  const char* name;
  std::unique_ptr<Shopfront> (*open_shop)();    ///< where clients are
  std::unique_ptr<Shopfront> (*open_agents)();  ///< where agents are; null: there as well
  DatabaseUnderTest database;
  std::uint64_t lives;
};
void PrintTo(const Circumstances& circumstances, std::ostream* out) { *out << circumstances.name; }
std::unique_ptr<Shopfront> telegram() { return make_telegram_shopfront(kAdmin); }
std::unique_ptr<Shopfront> vk() { return make_vk_shopfront(kAdmin, VkReceiving::LongPoll); }

class DeskKillTest : public testing::TestWithParam<Circumstances> {
 protected:
  static constexpr std::int64_t kClients = 10, kAgents = 3, kFirstAgent = 101;

  static std::string word(std::int64_t person, int number) {
    return "p" + std::to_string(person) + "-" + std::to_string(number);
  }
  struct Heard {
    int number = 0;
    std::int64_t at_ms = 0;
  };
  /// What the chat heard of the person, in the order of coming.
  static std::vector<Heard> heard_of(Shopfront& shop, std::int64_t chat, std::int64_t person) {
    const std::string begin = "p" + std::to_string(person) + "-";
    std::vector<Heard> all;
    for (const auto& message : shop.messages(chat)) {
      const std::size_t at = message.text.rfind(begin);
      // Signed in the agent's chat: the word stands behind the name.
      if (at == std::string::npos || (at > 0 && message.text[at - 1] != ' ')) continue;
      all.push_back({std::atoi(message.text.c_str() + at + begin.size()), message.at_ms});
    }
    return all;
  }
  /// Numbers 1 … `said` in order; a repeat only of what was under way at a kill.
  static void check(const std::vector<Heard>& heard, int said, bool may_repeat, const std::vector<std::int64_t>& killed,
                    std::size_t& repeats) {
    int last = 0;
    std::map<int, std::int64_t> first;
    for (const Heard& one : heard) {
      if (one.number == last + 1) {
        last = one.number;
        first[last] = one.at_ms;
        continue;
      }
      ASSERT_LE(one.number, last) << "something is missing before it";
      ++repeats;
      EXPECT_TRUE(may_repeat) << one.number << " came twice";
      EXPECT_TRUE(std::any_of(killed.begin(), killed.end(), [&](std::int64_t at) {
        return first[one.number] <= at + 100 && at - first[one.number] < 3000;
      })) << one.number << " came twice without a kill";
    }
    EXPECT_EQ(last, said);
  }

  void run(std::uint64_t seed) {
    const std::unique_ptr<Shopfront> clients = GetParam().open_shop();
    const std::unique_ptr<Shopfront> agents = GetParam().open_agents ? GetParam().open_agents() : nullptr;
    const auto shop_of = [&](std::int64_t person) -> Shopfront& {
      return agents && person >= kFirstAgent ? *agents : *clients;
    };
    const TestDatabase database(GetParam().database);
    TempFolder folder;
    folder.write("desk.yaml", kScenario);
    std::string served = "    " + clients->bot_options() + "\n";
    SuflerOptions options;
    options.arguments = {"run", "sufler.yaml"};
    options.environment = {{"TOKEN", clients->token()}, {"LC_ALL", "C.UTF-8"}, {"DESK_TOKEN", kToken}};
    if (agents) {
      std::string second = agents->bot_options();
      second.replace(second.find("${TOKEN}"), 8, "${AGENTS_TOKEN}");
      served += "    " + second + "\n";
      options.environment["AGENTS_TOKEN"] = agents->token();
    }
    folder.write("sufler.yaml", "database: \"" + database.url() + "\"\nlog: {level: warning}\nflood: {messages: 0}\n" +
                                    clients->more_options() + "bots:\n  desk:\n    scenario: desk.yaml\n" + served);
    options.folder = folder.path();
    options.output = folder.path() + "/output.log";
    std::mt19937_64 chance(seed);
    std::vector<std::int64_t> killed;
    std::map<std::int64_t, int> said;

    auto sufler = std::make_unique<SuflerProcess>(options);
    clients->open();
    if (agents) agents->open();
    const auto wait_for = [&](const auto& enough) {
      for (const auto until = std::chrono::steady_clock::now() + kPatience; std::chrono::steady_clock::now() < until;
           sufler->wait(milliseconds(20)))
        if (enough()) return true;
      return false;
    };
    for (std::int64_t agent = kFirstAgent; agent < kFirstAgent + kAgents; ++agent) shop_of(agent).say(agent, std::string("/join ") + kToken);
    ASSERT_TRUE(wait_for([&] {
      for (std::int64_t agent = kFirstAgent; agent < kFirstAgent + kAgents; ++agent)
        if (shop_of(agent).messages(agent).empty()) return false;
      return true;
    })) << sufler->output();
    for (std::int64_t client = 1; client <= kClients; ++client) shop_of(client).say(client, word(client, ++said[client]));
    ASSERT_TRUE(wait_for([&] {
      for (std::int64_t client = 1; client <= kClients; ++client)
        if (shop_of(client).messages(client).empty()) return false;
      return true;
    })) << sufler->output();

    const std::uint64_t lives = setting("SUFLER_KILLS", GetParam().lives);
    for (std::uint64_t life = 0; life < lives; ++life) {
      if (!sufler) sufler = std::make_unique<SuflerProcess>(options);
      const std::int64_t until = unix_ms() + std::uniform_int_distribution<int>(150, 700)(chance);
      while (unix_ms() < until) {
        for (int i = 0; i < 4; ++i) {
          const std::int64_t who = std::uniform_int_distribution<std::int64_t>(1, kClients + kAgents)(chance);
          const std::int64_t person = who <= kClients ? who : kFirstAgent + who - kClients - 1;
          shop_of(person).say(person, word(person, ++said[person]));
        }
        // The wait is the load itself: some hundred messages a second.
        sufler->wait(milliseconds(std::uniform_int_distribution<int>(5, 40)(chance)));
      }
      let_through_what_met_deaths(database.url(), 2);
      sufler->kill();
      clients->read_all();
      if (agents) agents->read_all();
      killed.push_back(unix_ms());
      sufler.reset();
    }
    sufler = std::make_unique<SuflerProcess>(options);
    // Each is with one agent, and each agent writes to one client.
    std::map<std::int64_t, std::int64_t> hears;  // by who writes
    const auto delivered = [&](std::int64_t from, std::int64_t to) {
      const auto heard = heard_of(shop_of(to), to, from);
      if (!heard.empty()) hears[from] = to;
      return std::any_of(heard.begin(), heard.end(), [&](const Heard& one) { return one.number == said[from]; });
    };
    const bool all = wait_for([&] {
      for (const auto& [person, count] : said) {
        bool found = false;
        if (person < kFirstAgent) {
          for (std::int64_t agent = kFirstAgent; agent < kFirstAgent + kAgents; ++agent) found = found || delivered(person, agent);
        } else {
          for (std::int64_t client = 1; client <= kClients; ++client) found = found || delivered(person, client);
        }
        if (!found) return false;
      }
      return true;
    });
    EXPECT_TRUE(all) << "not everything was delivered\n" << sufler->output();
    sufler->signal(SIGTERM);
    EXPECT_EQ(sufler->wait(kPatience), 0) << sufler->output();
    std::size_t repeats = 0;
    int total = 0;
    for (const auto& [person, count] : said) {
      SCOPED_TRACE("what " + std::to_string(person) + " wrote to " + std::to_string(hears[person]));
      Shopfront& where = shop_of(hears[person]);
      check(heard_of(where, hears[person], person), count, !where.knows_repeats(), killed, repeats);
      total += count;
    }
    EXPECT_THAT(clients->odd_requests(), testing::IsEmpty());
    EXPECT_EQ(rows_of(database.url(), "SELECT count(*) FROM dead_letters")[0][0], "0");
    std::cout << "figure: " << killed.size() << " kills, " << total << " messages relayed, " << repeats << " came twice\n";
  }
};

TEST_P(DeskKillTest, RelaysEverythingInOrder) {
  const std::uint64_t first = setting("SUFLER_KILL_SEED", std::random_device{}());
  for (std::uint64_t seed = first; seed < first + setting("SUFLER_KILL_SEEDS", 1, 50); ++seed) {
    SCOPED_TRACE("repeat with SUFLER_KILL_SEED=" + std::to_string(seed));
    run(seed);
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Platforms, DeskKillTest,
                         testing::Values(Circumstances{"Telegram", telegram, nullptr, DatabaseUnderTest::Sqlite, 8},
                                         Circumstances{"Vk", vk, nullptr, DatabaseUnderTest::Sqlite, 4},
                                         Circumstances{"TelegramOnPostgres", telegram, nullptr, DatabaseUnderTest::Postgres, 4},
                                         Circumstances{"VkWithAgentsInTelegram", vk, telegram, DatabaseUnderTest::Sqlite, 4},
                                         Circumstances{"VkWithAgentsInTelegramOnPostgres", vk, telegram, DatabaseUnderTest::Postgres, 4}),
                         [](const auto& each) { return std::string(each.param.name); });

}  // namespace
}  // namespace sufler::tests
