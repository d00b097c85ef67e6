// Plays tests/diagnostics/*.yaml: NAME.out is what `sufler check NAME.yaml` prints, byte for byte,
// NAME.ru.out the same in Russian, NAME.fixed.yaml the file after --fix. SUFLER_BLESS=1 rewrites
// them; the diff in review shows what people will see.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "schema/loader.h"
#include "schema/render_common.h"

namespace sufler {
namespace {

namespace fs = std::filesystem;

// Too large for a golden case; yaml_reader_test.cpp and loader_test.cpp hold them.
const std::set<std::string, std::less<>> kTestedElsewhere = {"S001", "S002", "S009",
                                                             "S137", "S147", "S156", "S206", "S210", "S240", "S242"};

fs::path folder() { return fs::path(SUFLER_SOURCE_DIR) / "tests" / "diagnostics"; }

std::string read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream out;
  out << in.rdbuf();
  return out.str();
}

std::vector<fs::path> cases() {
  std::vector<fs::path> out;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder())) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(".yaml") && !name.ends_with(".fixed.yaml")) out.push_back(entry.path());
  }
  std::ranges::sort(out);
  return out;
}

/// As `sufler check` does; the cases of what a platform lacks, as with `--transport vk`.
Loaded check(const std::string& name, const std::string& text) {
  setenv("SUFLER_GOLDEN_TOKEN", "set for the desks of the cases", 1);
  LoadOptions options;
  Capabilities vk;
  vk.label_code_points = 40;
  vk.reply_buttons = 40;
  vk.inline_buttons = 10;
  vk.contact_request = vk.location_request = vk.monospace = vk.command_menu = false;
  options.platforms.push_back({"vk", "VK", vk});
  options.platforms_are_chosen = name >= "S506" && name < "S510";
  // The HTML of letters is in a folder of its own.
  options.read = [](const std::string& reference) -> std::optional<std::string> {
    const fs::path path = folder() / reference;
    return fs::is_regular_file(path) ? std::optional(read(path)) : std::nullopt;
  };
  options.mail = !name.starts_with("S708");
  if (name.starts_with("S788")) options.hosts = {AllowedPlace{"api.example.com", 0}, AllowedPlace{"erp.example.com", 8443}};
  options.crm = !name.starts_with("S820");
  return load_scenario_text({{name, text}}, options);
}

void expect_file(const fs::path& path, const std::string& actual) {
  if (std::getenv("SUFLER_BLESS")) {
    if (actual.empty())
      fs::remove(path);
    else
      std::ofstream(path, std::ios::binary) << actual;
    return;
  }
  EXPECT_EQ(read(path), actual) << path;
}

bool has_code(const std::vector<Diagnostic>& all, std::string_view code) {
  return std::ranges::any_of(all, [&](const Diagnostic& one) { return code_of(one.id) == code; });
}

// The rounds of --fix: a fix that waits for another is applied in the next.
std::string fix_all(const std::string& name, std::string text) {
  for (int round = 0; round < 5; ++round) {
    Loaded loaded = check(name, text);
    std::size_t applied = 0;
    text = apply_fixes(loaded.diagnostics.sorted(), loaded.sources, 0, &applied);
    if (applied == 0) break;
  }
  return text;
}

TEST(GoldenTest, EachCasePrintsWhatItsOutFileSays) {
  for (const fs::path& path : cases()) {
    const std::string name = path.filename().string();
    Loaded loaded = check(name, read(path));
    const auto& all = loaded.diagnostics.sorted();
    EXPECT_TRUE(has_code(all, name.substr(0, 4))) << name;
    const std::string stem = path.stem().string();
    expect_file(folder() / (stem + ".out"), render_text(all, loaded.sources, Language::English));
    expect_file(folder() / (stem + ".ru.out"), render_text(all, loaded.sources, Language::Russian));
  }
}

TEST(GoldenTest, FixedFilesAreCleanOfWhatWasFixed) {
  for (const fs::path& path : cases()) {
    const std::string name = path.filename().string();
    const std::string text = read(path);
    Loaded before = check(name, text);
    const std::string fixed = fix_all(name, text);
    const fs::path expected = folder() / (path.stem().string() + ".fixed.yaml");
    const bool fixable = std::ranges::any_of(before.diagnostics.sorted(), [](const auto& one) {
      return std::ranges::any_of(one.fixes, &Fix::safe);
    });
    if (!fixable) {
      EXPECT_FALSE(fs::exists(expected)) << expected;
      continue;
    }
    expect_file(expected, fixed);
    EXPECT_EQ(fix_all(name, fixed), fixed) << name << ": fixing twice changes it again";
    // No fix was left over, and a code none of whose problems lacked a fix is gone.
    Loaded after = check(name, fixed);
    for (const Diagnostic& one : after.diagnostics.sorted())
      EXPECT_TRUE(std::ranges::none_of(one.fixes, &Fix::safe)) << name << ": " << code_of(one.id);
    const std::string code = name.substr(0, 4);
    const bool all_fixable = std::ranges::all_of(before.diagnostics.sorted(), [&](const auto& one) {
      return code_of(one.id) != code || std::ranges::any_of(one.fixes, &Fix::safe);
    });
    EXPECT_TRUE(!all_fixable || !has_code(after.diagnostics.sorted(), code)) << name;
  }
}

TEST(GoldenTest, EachCodeHasACase) {
  std::set<std::string> shown;
  for (const fs::path& path : cases()) shown.insert(path.filename().string().substr(0, 4));
  for (std::size_t id = 0; id < diagnostic_count(); ++id) {
    const std::string code{code_of(static_cast<DiagnosticId>(id))};
    // S6xx are about talks and S7xx about the configuration, which `check` of a file never reads; but for those of letters
    // and of reports. So do S890 and S891.
    const bool of_letters = (code >= "S707" && code != "S716" && code < "S718") || (code >= "S755" && code <= "S757");
    if (kTestedElsewhere.contains(code) || code == "S890" || code == "S891" || code[1] == '6' || (code[1] == '7' && !of_letters)) continue;
    EXPECT_TRUE(shown.contains(code)) << code << " has no case in tests/diagnostics";
  }
}

TEST(GoldenTest, CodesAreUnique) {
  std::set<std::string_view> seen;
  for (std::size_t id = 0; id < diagnostic_count(); ++id)
    EXPECT_TRUE(seen.insert(code_of(static_cast<DiagnosticId>(id))).second);
}

}  // namespace
}  // namespace sufler
