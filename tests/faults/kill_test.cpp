// kill -9 at random moments, under load, in Telegram and in VK. Afterwards an auditor compares what people said and heard
// with what the database holds. Environment:
//   SUFLER_KILL_SEEDS=N  how many seeds each of the circumstances gets (1)
//   SUFLER_KILL_SEED=S   the first of them: repeat a failure with what it printed
//   SUFLER_KILLS=N       how many lives the process has for a seed
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>
#include <future>
#include <iostream>
#include <memory>
#include <optional>
#include <random>
#include <string>

#include "faults/audit.h"
#include "faults/customers.h"
#include "faults/deployment.h"
#include "faults/shopfront.h"
#include "serve/sufler_process.h"

namespace sufler::tests {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct Circumstances {
  const char* name;
  const char* durability;
  bool troubled;  ///< the platform fails too, in ways that show nobody anything
  std::unique_ptr<Shopfront> (*open_shop)();
  std::uint64_t lives;  ///< of the process for a seed
  int customers;
};

void PrintTo(const Circumstances& circumstances, std::ostream* out) { *out << circumstances.name; }

class KillTest : public testing::TestWithParam<Circumstances> {
 protected:
  void run(std::uint64_t seed) {
    const std::unique_ptr<Shopfront> shop = GetParam().open_shop();
    TempFolder folder;
    folder.write("shop.yaml", kShopScenario);
    folder.write("sufler.yaml",
                 "database: \"sqlite:shop.db\"\ndurability: " + std::string(GetParam().durability) +
                     "\nlog: {level: warning}\nflood: {messages: 0}\n" + shop->more_options() +
                     "bots:\n  shop:\n    scenario: shop.yaml\n    " + shop->bot_options() +
                     "\n    roles: {admins: [\"" + shop->name() + ":" + std::to_string(kAdmin) + "\"]}\n");
    SuflerOptions options;
    options.arguments = {"run", "sufler.yaml"};
    options.environment = {{"TOKEN", shop->token()}, {"LC_ALL", "C.UTF-8"}};
    options.folder = folder.path();
    options.output = folder.path() + "/output.log";

    Customers customers(*shop, GetParam().customers);
    std::future<bool> played;
    std::mt19937_64 chance(seed);
    std::vector<Evidence::Death> killed;
    const std::uint64_t kills = setting("SUFLER_KILLS", GetParam().lives);
    for (std::uint64_t i = 0; i < kills; ++i) {
      SuflerProcess sufler(options);
      if (i == 0) {
        shop->open();
        played = std::async(std::launch::async, [&] { return customers.play(kPatience); });
      }
      if (GetParam().troubled) shop->trouble(chance);
      // The wait is the fault itself: how long this life lasts.
      const auto life = milliseconds(std::uniform_int_distribution<int>(100, 800)(chance));
      sufler.wait(life);
      if (i > 1) let_through_what_met_deaths("sqlite:" + folder.path() + "/shop.db", 2);
      aim(*shop, chance, sufler);
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
      // What comes later is of the next life.
      shop->read_all();
      // After an orderly stop nothing may come twice.
      if (stopped != 0) killed.push_back({unix_ms(), unix_ms()});
    }

    shop->clear_trouble();
    SuflerProcess sufler(options);
    customers.finish();
    ASSERT_TRUE(played.get()) << customers.stuck() << sufler.output();
    std::size_t orders = 0;
    for (const auto& [customer, count] : customers.orders())
      orders += static_cast<std::size_t>(count);
    shop->settle(orders, kPatience);
    // Until nothing waits: the answers to presses are sent beside the messages.
    sufler.signal(SIGTERM);
    EXPECT_EQ(sufler.wait(kPatience), 0) << sufler.output();

    const Evidence evidence{*shop, "sqlite:" + folder.path() + "/shop.db", kAdmin, customers.orders(), killed, {}};
    EXPECT_THAT(audit(evidence), testing::IsEmpty()) << sufler.output();
    EXPECT_EQ(customers.orders().size(), static_cast<std::size_t>(GetParam().customers));
    RecordProperty("orders", static_cast<int>(orders));
    std::cout << "seed " << seed << ": " << killed.size() << " kills, " << orders << " orders, "
              << shop->repeated_requests() << " requests and " << repeated_messages(evidence)
              << " messages came twice\n";
  }

  /// Most moments are idle ones. Two kills of three wait for the next updates to leave for the
  /// process, or the next message to come from it, and strike while that is being stored.
  void aim(Shopfront& shop, std::mt19937_64& chance, SuflerProcess& sufler) {
    const auto up_to = [&](int most) {
      return std::uniform_int_distribution<int>(0, most)(chance);
    };
    const int target = up_to(2);
    const milliseconds then{up_to(target == 1 ? 12 : 3)};
    if (target == 0) return;
    shop.wait_for_next(target == 1 ? Shopfront::Traffic::Updates : Shopfront::Traffic::Messages,
                       milliseconds(100));
    sufler.wait(then);
  }
};

TEST_P(KillTest, LosesNothingAndRepeatsOnlyWhatWasUnderWay) {
  const std::uint64_t first = setting("SUFLER_KILL_SEED", std::random_device{}());
  const std::uint64_t count = setting("SUFLER_KILL_SEEDS", 1, 50);
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    SCOPED_TRACE("repeat with SUFLER_KILL_SEED=" + std::to_string(seed));
    run(seed);
    if (HasFailure()) return;
  }
}

template <VkReceiving kReceiving>
std::unique_ptr<Shopfront> vk() {
  return make_vk_shopfront(kAdmin, kReceiving);
}
std::unique_ptr<Shopfront> telegram() { return make_telegram_shopfront(kAdmin); }

INSTANTIATE_TEST_SUITE_P(
    Circumstances, KillTest,
    testing::Values(
        Circumstances{"FullDurability", "full", false, telegram, 16, 40},
        Circumstances{"NormalDurability", "normal", false, telegram, 16, 40},
        Circumstances{"TroubledTelegram", "full", true, telegram, 16, 40},
        Circumstances{"Vk", "full", false, vk<VkReceiving::LongPoll>, 5, 16},
        Circumstances{"TroubledVk", "full", true, vk<VkReceiving::LongPoll>, 5, 16},
        Circumstances{"VkThatLosesEvents", "full", true, vk<VkReceiving::LossyLongPoll>, 5, 16},
        Circumstances{"VkCallbacks", "full", true, vk<VkReceiving::Callback>, 5, 16}),
    [](const auto& each) { return std::string(each.param.name); });

}  // namespace
}  // namespace sufler::tests
