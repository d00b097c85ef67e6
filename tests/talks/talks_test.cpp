// Every talk of the scenarios below, played by people who sit on the platforms' fakes: the same lines, and the real
// transports over HTTP between them and the bot. fake_audience.h says how what arrives is compared.
#include <gtest/gtest.h>

#include "interpreter/core/text.h"
#include "interpreter/runtime/replay.h"
#include "talks/fake_audience.h"
#include "talks/scenario_talks.h"
#include "tools/stage.h"
#include "tools/talk_words.h"

namespace sufler {
namespace {

constexpr std::size_t kRoles = 1;  ///< where the people of roles are, when it is not where the talk's person is

/// ARCHITECTURE, invariant 10: every dialog of the talk, played again from its journal, goes the same way.
void expect_a_journal_that_replays(Stage& stage, const std::shared_ptr<const Program>& program) {
  const auto recorded = stage.recorded();
  ASSERT_TRUE(recorded) << recorded.error().message;
  for (const RecordedDialog& dialog : *recorded) {
    const Replayed replayed = replay(dialog, {program, false, false, std::nullopt});
    EXPECT_EQ(replayed.end, Replayed::End::Same)
        << dialog.key.user_id << " " << words_of(replayed.why, Language::English) << "\n"
        << (replayed.turns.empty() ? "" : replayed.turns.back().place_before);
    EXPECT_EQ(replayed.old_lines, 0U);
    EXPECT_EQ(replayed.skipped, 0U);
  }
}

/// Read once.
const TalkedScenarios& scenarios() {
  static const TalkedScenarios read =
      read_scenarios({"scenarios/orders", "scenarios/helpdesk", "tests/scenarios/desk", "tests/scenarios/claim"});
  return read;
}

struct Where {
  const char* name;
  std::vector<std::function<std::unique_ptr<FakePlatform>()>> platforms;
  std::size_t person_on = 0, roles_on = 0;
};
const std::vector<Where>& places() {
  static const std::vector<Where> all = {
      {"InTelegram", {make_telegram_platform}, 0, 0},
      {"InVk", {make_vk_platform}, 0, 0},
      {"InVkWithAdminsInTelegram", {make_vk_platform, make_telegram_platform}, 0, kRoles},
      {"InTelegramWithAdminsInVk", {make_telegram_platform, make_vk_platform}, 0, kRoles},
  };
  return all;
}

struct Performance {
  TalkPlace talk;
  std::size_t place = 0;
};
const TalkFile& file_of(const Performance& one) { return one.talk.file_of(scenarios()); }
const Talk& talk_of(const Performance& one) { return one.talk.of(scenarios()); }

std::vector<Performance> performances() {
  std::vector<Performance> all;
  for (const TalkPlace& talk : all_talks(scenarios()))
    for (std::size_t place = 0; place < places().size(); ++place) all.push_back({talk, place});
  return all;
}

/// `orders_Talk01InVk`: the talk's own name is told when it fails.
std::string name_of(const testing::TestParamInfo<Performance>& info) {
  const std::string number = std::to_string(info.param.talk.talk + 1);
  return test_name_of(file_of(info.param)) + "_Talk" + (number.size() < 2 ? "0" : "") + number +
         places()[info.param.place].name;
}
void PrintTo(const Performance& one, std::ostream* out) { *out << one.talk.name; }

/// Whoever registers at a desk in the talk is one of those who answer.
std::map<std::string, std::size_t> agents_of(const Program& program, const Talk& talk, std::size_t where) {
  std::map<std::string, std::size_t> agents;
  const Node* const lines = talk_field(*talk.node, "talk");
  if (!lines) return agents;
  for (const Node& line : lines->items) {
    const Node* const said = talk_field(line, "user");
    const Node* const who = said ? talk_field(*said, "as") : nullptr;
    const Node* const text = said ? talk_field(*said, "text") : nullptr;
    if (!who || !text) continue;
    for (const Desk& desk : program.desks)
      if (fold(text->scalar).starts_with(desk.register_word + " ")) agents[std::string(who->scalar)] = where;
  }
  return agents;
}

class TalksOverFakes : public testing::TestWithParam<Performance> {};

TEST_P(TalksOverFakes, GoAsTheyAreWritten) {
  const Talk& talk = talk_of(GetParam());
  const Where& where = places()[GetParam().place];
  const TalkedScenario& scenario = *scenarios()[GetParam().talk.scenario];
  Visits visited;
  const TalkResult result =
      play_talk(file_of(GetParam()), talk, scenario.sources, scenario.loaded.program, Language::English, false, visited,
                [&] {
                  return make_fake_audience({where.platforms, where.person_on, where.roles_on,
                                             agents_of(*scenario.loaded.program, talk, where.roles_on)});
                },
                [&](Stage& stage) { expect_a_journal_that_replays(stage, scenario.loaded.program); });
  EXPECT_TRUE(result.passed) << result.name << "\n" << result.failure;
}

INSTANTIATE_TEST_SUITE_P(Scenarios, TalksOverFakes, testing::ValuesIn(performances()), name_of);

TEST(TalksOverFakesTest, ReadTheTalksOfTheScenarios) { expect_all_are_read(scenarios()); }

}  // namespace
}  // namespace sufler
