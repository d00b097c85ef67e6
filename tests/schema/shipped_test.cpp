// The scenarios that are delivered are clean: a check that cries wolf there would do so everywhere.
#include <gtest/gtest.h>

#include <filesystem>

#include "schema/loader.h"

namespace sufler {
namespace {

namespace fs = std::filesystem;

TEST(ShippedScenariosTest, NothingIsSaidOfThem) {
  const fs::path root = SUFLER_SOURCE_DIR;
  int found = 0;
  for (const fs::path& folder : {root / "scenarios", root / "tests" / "scenarios"}) {
    for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
      if (!fs::exists(entry.path() / "scenario.yaml")) continue;
      ++found;
      Loaded loaded = load_scenario(entry.path().string());
      std::vector<Diagnostic> said;
      for (const Diagnostic& one : loaded.diagnostics.sorted())
        if (code_of(one.id) != "S140") said.push_back(one);  // tokens that the environment of a test lacks
      EXPECT_EQ(render_text(said, loaded.sources, Language::English), "") << entry.path();
    }
  }
  EXPECT_GE(found, 4);
}

// Small scenarios as people write them, with calls, conditions on questions, circles with a wait, programs and menus.
TEST(EverydayScenariosTest, NoCheckCriesWolf) {
  int found = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator(fs::path(SUFLER_SOURCE_DIR) / "tests" / "data" / "everyday")) {
    ++found;
    Loaded loaded = load_scenario(entry.path().string());
    std::vector<Diagnostic> said;
    for (const Diagnostic& one : loaded.diagnostics.sorted())
      if (code_of(one.id) != "S140") said.push_back(one);
    EXPECT_EQ(render_text(said, loaded.sources, Language::English), "") << entry.path();
  }
  EXPECT_EQ(found, 15);
}

}  // namespace
}  // namespace sufler
