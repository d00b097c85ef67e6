// Every talk of the project's scenarios as if it had been a live one: its journal is played again, and recorded as a
// test that passes (ARCHITECTURE, invariant 10).
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "interpreter/runtime/replay.h"
#include "talks/scenario_talks.h"
#include "tools/record.h"
#include "tools/stage.h"

namespace sufler {
namespace {

namespace fs = std::filesystem;

/// Read once. Without scenarios/assistant: its talks hang on a secret word, which no journal keeps.
const TalkedScenarios& scenarios() {
  // As the consultant's talks have it: each of them reads the scenario with this variable.
  ::setenv("CONSULTANT_MAIL", "zakaz@example.ru", 1);
  static const TalkedScenarios read =
      read_scenarios({"scenarios/orders", "scenarios/helpdesk", "tests/scenarios/desk", "tests/scenarios/claim", "tests/scenarios/schedules",
                      "tests/scenarios/schedules_reload",
                      "tests/scenarios/run", "tests/scenarios/mail", "tests/scenarios/reports", "tests/scenarios/live_changes", "tests/scenarios/topics", "scenarios/consultant",
                      "tests/scenarios/assistants", "tests/scenarios/events", "tests/scenarios/http", "tests/scenarios/crm"});
  return read;
}

/// Files of the scenario and of the versions that its talks change to: by version, the name and the text.
std::map<std::string, std::pair<std::string, std::string>> texts_of(const TalkedScenario& scenario) {
  std::map<std::string, std::pair<std::string, std::string>> texts;
  for (const auto& entry : fs::directory_iterator(scenario.folder)) {
    const std::string name = entry.path().filename().string();
    const bool is_own = name == "scenario.yaml";
    if ((!name.starts_with('_') && !is_own) || !name.ends_with(".yaml")) continue;
    std::ostringstream text;
    text << std::ifstream(entry.path()).rdbuf();
    if (is_own) {
      texts[scenario.loaded.program->version] = {name, text.str()};
    } else if (const Loaded other = load_scenario(entry.path().string()); other.program) {
      texts[other.program->version] = {name, text.str()};
    }
  }
  return texts;
}

std::string name_of(const testing::TestParamInfo<TalkPlace>& info) {
  return fs::path(scenarios()[info.param.scenario]->folder).filename().string() + "_" +
         test_name_of(info.param.file_of(scenarios())) + "_" + std::to_string(info.param.talk + 1);
}

class EveryTalkTest : public testing::TestWithParam<TalkPlace> {
 protected:
  /// Plays the talk and looks at what it leaves behind.
  void play(const std::function<void(const std::vector<RecordedDialog>&, const std::shared_ptr<const Program>&)>& look) {
    const TalkedScenario& scenario = *scenarios()[GetParam().scenario];
    Visits visited;
    const TalkResult result = play_talk(
        GetParam().file_of(scenarios()), GetParam().of(scenarios()), scenario.sources, scenario.loaded.program,
        Language::English, false, visited, make_plain_audience, [&](Stage& stage) {
          const auto recorded = stage.recorded();
          ASSERT_TRUE(recorded) << recorded.error().message;
          look(*recorded, {std::shared_ptr<const void>(), &stage.program()});
        });
    EXPECT_TRUE(result.passed) << result.failure;
  }
};
INSTANTIATE_TEST_SUITE_P(Scenarios, EveryTalkTest, testing::ValuesIn(all_talks(scenarios())), name_of);

// With each version that spoke in it: what a version said itself it says again, wherever the dialog came from.
TEST_P(EveryTalkTest, IsPlayedAgainFromItsJournal) {
  const TalkedScenario& scenario = *scenarios()[GetParam().scenario];
  play([&](const std::vector<RecordedDialog>& dialogs, const std::shared_ptr<const Program>& last) {
    for (const RecordedDialog& dialog : dialogs) {
      for (const auto& program : {scenario.loaded.program, last}) {
        const Replayed replayed = replay(dialog, {program, false, false, std::nullopt});
        SCOPED_TRACE(dialog.key.user_id + " by " + program->version + ": " + words_of(replayed.why, Language::English));
        const auto is_own = [&](std::size_t turn) { return replayed.turns[turn].version == program->version; };
        const bool alone = std::all_of(dialog.rows.begin(), dialog.rows.end(),
                                       [&](const JournalRow& row) { return row.version == program->version; });
        EXPECT_TRUE(!alone || replayed.end == Replayed::End::Same);
        EXPECT_TRUE(replayed.end == Replayed::End::Same || replayed.end == Replayed::End::Differs);
        EXPECT_EQ(replayed.old_lines, 0U);
        EXPECT_EQ(replayed.skipped, 0U);
        for (const std::size_t turn : replayed.reworded) EXPECT_FALSE(is_own(turn)) << replayed.turns[turn].heard.text;
        for (const Replayed::Parting& parting : replayed.partings)
          EXPECT_FALSE(is_own(parting.turn)) << replayed.turns[parting.turn].heard.text << ": "
                                             << words_of(parting.why, Language::English);
      }
    }
  });
}

TEST_P(EveryTalkTest, BecomesATestThatPasses) {
  const TalkedScenario& scenario = *scenarios()[GetParam().scenario];
  const auto stored = texts_of(scenario);
  const VersionTexts texts = [&](const std::string& version) {
    std::vector<std::pair<std::string, std::string>> files;
    if (const auto found = stored.find(version); found != stored.end()) files.push_back(found->second);
    return files;
  };
  play([&](const std::vector<RecordedDialog>& dialogs, const std::shared_ptr<const Program>&) {
    for (const RecordedDialog& dialog : dialogs) {
      // Nobody talks in a schedule's own dialog.
      if (dialog.rows.empty() || dialog.key.chat.transport == kScheduleTransport) continue;
      SCOPED_TRACE(dialog.key.user_id);
      const auto test = record_talk(dialog, scenario.loaded.program, Language::English, texts);
      ASSERT_TRUE(test);
      EXPECT_EQ(test->find("# in the journal the talk came to"), std::string::npos) << *test;
      const std::string path = testing::TempDir() + "every_talk_" + std::to_string(GetParam().scenario) + "_" +
                               std::to_string(GetParam().file) + "_" + std::to_string(GetParam().talk) + ".test.yaml";
      std::ofstream(path) << *test;
      SourceMap sources;
      Diagnostics diagnostics;
      const TalkFile file = read_talk_file(path, sources, diagnostics, *scenario.loaded.program);
      EXPECT_FALSE(diagnostics.has_errors()) << render_text(diagnostics.sorted(), sources, Language::English) << *test;
      ASSERT_EQ(file.talks.size(), 1U) << *test;
      Visits visited;
      const TalkResult result = play_talk(file, file.talks.front(), sources, scenario.loaded.program, Language::English,
                                          false, visited, make_plain_audience);
      EXPECT_TRUE(result.passed) << result.failure << "\n" << *test;
      fs::remove(path);
    }
  });
}

TEST(EveryTalkOfTheScenarios, IsRead) { expect_all_are_read(scenarios()); }

}  // namespace
}  // namespace sufler
