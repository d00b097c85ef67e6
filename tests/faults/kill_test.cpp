// kill -9 at random moments, under load. Afterwards an auditor compares what people said and heard
// with what the database holds. Environment:
//   SUFLER_KILL_SEEDS=N  how many seeds each of the circumstances gets (1)
//   SUFLER_KILL_SEED=S   the first of them: repeat a failure with what it printed
//   SUFLER_KILLS=N       how many lives the process has for a seed (16)
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>
#include <future>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <string>

#include "fakes/telegram/fake_telegram.h"
#include "fakes/telegram/test_client.h"
#include "faults/audit.h"
#include "faults/customers.h"
#include "serve/sufler_process.h"

namespace sufler::tests {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int kCustomers = 40;
constexpr std::int64_t kAdmin = 900'001;
/// With nothing sent for so long, while the process lives longer than it takes to start, somebody
/// is stuck.
constexpr seconds kPatience{40};

std::uint64_t setting(const char* name, std::uint64_t otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr ? otherwise : std::strtoull(value, nullptr, 10);
}

struct Circumstances {
  const char* name;
  const char* durability;
  bool troubled;  ///< Telegram fails too, in ways that show nobody anything
};

void PrintTo(const Circumstances& circumstances, std::ostream* out) { *out << circumstances.name; }

class KillTest : public testing::TestWithParam<Circumstances> {
 protected:
  void run(std::uint64_t seed) {
    seen_.clear();
    fakes::FakeTelegram telegram;
    telegram.add_user({kAdmin, "Ольга", {}, {}, "ru"});
    TempFolder folder;
    folder.write("shop.yaml", kShopScenario);
    folder.write("sufler.yaml",
                 "database: \"sqlite:shop.db\"\ndurability: " + std::string(GetParam().durability) +
                     "\nlog: {level: warning}\nbots:\n  shop:\n    scenario: shop.yaml\n"
                     "    telegram: {token: \"${TOKEN}\", api: \"" +
                     telegram.url() +
                     "\"}\n    roles: {admins: [\"telegram:" + std::to_string(kAdmin) + "\"]}\n");
    SuflerOptions options;
    options.arguments = {"run", "sufler.yaml"};
    options.environment = {{"TOKEN", telegram.token()}, {"LC_ALL", "C.UTF-8"}};
    options.folder = folder.path();
    options.output = folder.path() + "/output.log";

    Customers customers(telegram, kCustomers);
    auto played = std::async(std::launch::async, [&] { return customers.play(kPatience); });
    std::mt19937_64 chance(seed);
    std::vector<std::int64_t> killed;
    const std::uint64_t kills = setting("SUFLER_KILLS", 16);
    for (std::uint64_t i = 0; i < kills; ++i) {
      SuflerProcess sufler(options);
      if (GetParam().troubled) trouble(telegram, chance);
      // The wait is the fault itself: how long this life lasts.
      const auto life = milliseconds(std::uniform_int_distribution<int>(100, 800)(chance));
      sufler.wait(life);
      aim(telegram, chance, sufler);
      const auto ended = sufler.wait(milliseconds(0));
      EXPECT_FALSE(ended) << "it ended by itself with " << *ended << "\n" << sufler.output();
      // Sometimes an operator stops it, and does not always wait for the end.
      std::optional<int> stopped;
      if (std::uniform_int_distribution<int>(0, 2)(chance) == 0) {
        const int patience_ms = std::uniform_int_distribution<int>(0, 200)(chance);
        sufler.signal(SIGTERM);
        stopped =
            sufler.wait(patience_ms < 100 ? milliseconds(patience_ms) : milliseconds(kPatience));
        // It may have been too young to hear the signal.
        EXPECT_TRUE(!stopped || *stopped == 0 || *stopped == 128 + SIGTERM) << *stopped;
      }
      sufler.kill();
      // What it still sent lies in the sockets of the fake, which reads them in turn: once a new
      // request is answered, all of it has arrived, and what comes later is of the next life.
      fakes::request(telegram.port(), "GET", "/control/faults");
      // After an orderly stop nothing may come twice.
      if (stopped != 0) killed.push_back(unix_ms());
    }

    telegram.clear_faults();
    SuflerProcess sufler(options);
    customers.finish();
    ASSERT_TRUE(played.get()) << customers.stuck() << sufler.output();
    std::size_t orders = 0;
    for (const auto& [customer, count] : customers.orders())
      orders += static_cast<std::size_t>(count);
    telegram.wait_for_messages(kAdmin, orders, kPatience);
    // Until nothing waits: the answers to presses are sent beside the messages.
    sufler.signal(SIGTERM);
    EXPECT_EQ(sufler.wait(kPatience), 0) << sufler.output();

    const Evidence evidence{telegram, folder.path() + "/shop.db", kAdmin, customers.orders(),
                            killed};
    EXPECT_THAT(audit(evidence), testing::IsEmpty()) << sufler.output();
    EXPECT_GE(customers.orders().size(), static_cast<std::size_t>(kCustomers));
    RecordProperty("orders", static_cast<int>(orders));
    std::cout << "seed " << seed << ": " << killed.size() << " kills, " << orders << " orders, "
              << repeated_messages(evidence) << " messages came twice\n";
  }

  /// Most moments are idle ones. Two kills of three wait for the next updates to leave for the
  /// process, or the next message to come from it, and strike while that is being stored.
  void aim(fakes::FakeTelegram& telegram, std::mt19937_64& chance, SuflerProcess& sufler) {
    const auto up_to = [&](int most) {
      return std::uniform_int_distribution<int>(0, most)(chance);
    };
    const int target = up_to(2);
    const milliseconds then{up_to(target == 1 ? 12 : 3)};
    if (target == 0) return;
    const char* method = target == 1 ? "getUpdates" : "sendMessage";
    Seen& seen = seen_[method];
    const nlohmann::json calls = nlohmann::json::parse(telegram.control(
        "calls", nlohmann::json{{"method", method}, {"since", seen.last}, {"ok", true}}.dump()));
    seen.count += calls.size();
    if (!calls.empty()) seen.last = calls.back()["number"];
    telegram.wait_for_calls(method, seen.count + 1, milliseconds(100));
    sufler.wait(then);
  }

  static void trouble(fakes::FakeTelegram& telegram, std::mt19937_64& chance) {
    const auto up_to = [&](int most) {
      return std::uniform_int_distribution<int>(0, most)(chance);
    };
    const char* kinds[] = {"server_error", "bad_gateway", "drop", "rate_limit"};
    for (int faults = up_to(2); faults > 0; --faults) {
      telegram.fail_next({.kind = kinds[up_to(3)],
                          .method = up_to(2) == 0 ? "getUpdates" : "sendMessage",
                          .times = 1 + up_to(2),
                          .skip = up_to(30)});
    }
  }

  /// Successful calls of a method.
  struct Seen {
    std::int64_t last = 0;
    std::size_t count = 0;
  };
  std::map<std::string, Seen> seen_;
};

TEST_P(KillTest, LosesNothingAndRepeatsOnlyWhatWasUnderWay) {
  const std::uint64_t first = setting("SUFLER_KILL_SEED", std::random_device{}());
  const std::uint64_t count = setting("SUFLER_KILL_SEEDS", 1);
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    SCOPED_TRACE("repeat with SUFLER_KILL_SEED=" + std::to_string(seed));
    run(seed);
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Circumstances, KillTest,
                         testing::Values(Circumstances{"FullDurability", "full", false},
                                         Circumstances{"NormalDurability", "normal", false},
                                         Circumstances{"TroubledTelegram", "full", true}),
                         [](const auto& each) { return std::string(each.param.name); });

}  // namespace
}  // namespace sufler::tests
