// Every talk of the ready scenarios, played by people who sit on the platforms' fakes: the same lines, and the
// real transports over HTTP between them and the bot. fake_audience.h says how what arrives is compared.
#include <gtest/gtest.h>

#include <filesystem>

#include "schema/loader.h"
#include "talks/fake_audience.h"
#include "tools/talk.h"

namespace sufler {
namespace {

const std::string kScenario = std::string(SUFLER_SOURCE_DIR) + "/scenarios/orders";

/// The scenario and its talks, read once.
struct Scenario {
  Loaded loaded = load_scenario(kScenario);
  SourceMap sources;
  Diagnostics diagnostics;
  std::vector<TalkFile> files;
  Scenario() {
    if (!loaded.program) return;
    for (const std::string& path : find_talks(kScenario))
      files.push_back(read_talk_file(path, sources, diagnostics, *loaded.program));
  }
};
const Scenario& scenario() {
  static const Scenario read;
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
      {"InVkWithAdminsInTelegram", {make_vk_platform, make_telegram_platform}, 0, 1},
      {"InTelegramWithAdminsInVk", {make_telegram_platform, make_vk_platform}, 0, 1},
  };
  return all;
}

struct Performance {
  std::size_t file = 0, talk = 0, place = 0;
};
std::vector<Performance> performances() {
  std::vector<Performance> all;
  for (std::size_t file = 0; file < scenario().files.size(); ++file)
    for (std::size_t talk = 0; talk < scenario().files[file].talks.size(); ++talk)
      for (std::size_t place = 0; place < places().size(); ++place) all.push_back({file, talk, place});
  return all;
}

/// `orders_Talk01InVk`: names of tests are ASCII, and the talk's own name is told when it fails.
std::string name_of(const testing::TestParamInfo<Performance>& info) {
  std::string name = std::filesystem::path(scenario().files[info.param.file].path).filename().string();
  name.resize(name.find('.'));
  for (char& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  const std::string number = std::to_string(info.param.talk + 1);
  return name + "_Talk" + (number.size() < 2 ? "0" : "") + number + places()[info.param.place].name;
}
void PrintTo(const Performance& one, std::ostream* out) { *out << scenario().files[one.file].talks[one.talk].name; }

class TalksOverFakes : public testing::TestWithParam<Performance> {};

TEST_P(TalksOverFakes, GoAsTheyAreWritten) {
  const TalkFile& file = scenario().files[GetParam().file];
  const Where& where = places()[GetParam().place];
  std::set<std::uint32_t> visited;
  const TalkResult result =
      play_talk(file, file.talks[GetParam().talk], scenario().sources, scenario().loaded.program, Language::English,
                false, visited, [&] {
                  return make_fake_audience({where.platforms, where.person_on, where.roles_on});
                });
  EXPECT_TRUE(result.passed) << result.name << "\n" << result.failure;
}

INSTANTIATE_TEST_SUITE_P(Orders, TalksOverFakes, testing::ValuesIn(performances()), name_of);

TEST(TalksOverFakesTest, ReadTheTalksOfTheScenario) {
  ASSERT_TRUE(scenario().loaded.program);
  EXPECT_FALSE(scenario().diagnostics.has_errors());
  ASSERT_FALSE(scenario().files.empty());
  for (const TalkFile& file : scenario().files) EXPECT_FALSE(file.talks.empty()) << file.path;
}

}  // namespace
}  // namespace sufler
