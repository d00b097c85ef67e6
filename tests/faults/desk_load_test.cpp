// A support desk while the process is killed, platforms hold messages back and agents come and go. How fast that is, is
// for tests/bench/desk_load.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iostream>
#include <ostream>
#include <tuple>

#include "databases/test_database.h"
#include "faults/deployment.h"
#include "faults/desk_load.h"

namespace sufler::tests {
namespace {

enum class Clients { InTelegram, InVk };
void PrintTo(Clients clients, std::ostream* out) { *out << (clients == Clients::InVk ? "in VK" : "in Telegram"); }

class DeskLoadTest : public testing::TestWithParam<std::tuple<Clients, DatabaseUnderTest>> {};

DeskLoad load_with(Clients clients, const TestDatabase& database) {
  DeskLoad load;
  load.clients_in_vk = clients == Clients::InVk;
  load.database = database.url();
  load.clients = 20;
  load.agents = 4;
  load.messages_per_second = 40;
  load.duration = std::chrono::seconds(5);
  load.refusal_every = std::chrono::milliseconds(1'100);
  load.leave_every = std::chrono::milliseconds(1'700);
  load.seed = setting("SUFLER_DESK_SEED", 1);
  return load;
}

void expect_well(const DeskLoadReport& report) {
  EXPECT_THAT(report.wrong, testing::IsEmpty()) << report.output;
  EXPECT_THAT(report.unknown, testing::IsEmpty());
  EXPECT_GT(report.said, 100u);
  std::cout << report.said << " texts, " << report.repeated.size() << " shown twice in Telegram, " << report.asked_again
            << " answers said again\n";
}

TEST_P(DeskLoadTest, EverybodyGetsWhatWasMeantForThemInOrderAndOnce) {
  const TestDatabase database(std::get<DatabaseUnderTest>(GetParam()));
  DeskLoad load = load_with(std::get<Clients>(GetParam()), database);
  load.kill_every = std::chrono::milliseconds(2'600);
  const DeskLoadReport report = run_desk_load(load);
  expect_well(report);
  EXPECT_EQ(report.kills, 1);
}

// An agent leaves and returns before any of it is played: their tickets go to others while they still answer.
TEST(DeskStallTest, AnAnswerThatCameTooLateIsSaidAgainByWhoeverHasTheTicket) {
  const TestDatabase database(DatabaseUnderTest::Postgres);
  DeskLoad load = load_with(Clients::InVk, database);
  load.stall_while_away = true;
  // Whether somebody answered in that moment is chance: mostly a few did, and `asked_again` tells.
  expect_well(run_desk_load(load));
}

INSTANTIATE_TEST_SUITE_P(Circumstances, DeskLoadTest,
                         testing::Combine(testing::Values(Clients::InTelegram, Clients::InVk),
                                          testing::Values(DatabaseUnderTest::Sqlite, DatabaseUnderTest::Postgres)),
                         [](const auto& each) {
                           return std::string(std::get<Clients>(each.param) == Clients::InVk ? "Vk" : "Telegram") +
                                  name_of(std::get<DatabaseUnderTest>(each.param));
                         });

}  // namespace
}  // namespace sufler::tests
