// Plays every kept input of the fuzzers once, so that what they found stays found.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <ostream>

#include "fuzz/targets.h"

namespace sufler::fuzz {
namespace {

namespace fs = std::filesystem;

struct Target {
  const char* name;
  void (*play)(std::string_view);
  friend void PrintTo(const Target& target, std::ostream* out) { *out << target.name; }
};
constexpr Target kTargets[] = {
#define SUFLER_FUZZ_TARGET(name) {#name, play_##name},
    SUFLER_FUZZ_TARGETS(SUFLER_FUZZ_TARGET)
#undef SUFLER_FUZZ_TARGET
};

class CorpusTest : public ::testing::TestWithParam<Target> {};

TEST_P(CorpusTest, EveryKeptInputIsPlayed) {
  std::vector<fs::path> inputs;
  for (const fs::directory_entry& entry :
       fs::directory_iterator(fs::path(SUFLER_SOURCE_DIR) / "tests/fuzz/corpus" / GetParam().name))
    inputs.push_back(entry.path());
  std::sort(inputs.begin(), inputs.end());
  ASSERT_FALSE(inputs.empty());
  for (const fs::path& input : inputs) {
    // A crash ends the program, and then only this says which input it was.
    std::fprintf(stderr, "%s/%s\n", GetParam().name, input.filename().c_str());
    SCOPED_TRACE(input.filename().string());
    std::ifstream file(input, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    try {
      GetParam().play(bytes);
    } catch (const Broken& broken) {
      ADD_FAILURE() << "broken: " << broken.what();
    }
  }
}

INSTANTIATE_TEST_SUITE_P(, CorpusTest, ::testing::ValuesIn(kTargets),
                         [](const auto& one) { return std::string(one.param.name); });

}  // namespace
}  // namespace sufler::fuzz
