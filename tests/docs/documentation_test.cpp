// Every YAML example of the documentation is loaded: a page that teaches what does not work is a defect.
// An example is a scenario (or a part of one, which then stands in a scenario that has only a greeting), a
// talk (`tests:`) or a configuration (`bots:`). A block marked ```yaml broken shows a mistake on purpose, and must
// be refused.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "interpreter/runtime/config.h"
#include "interpreter/transports/registry.h"
#include "schema/loader.h"
#include "schema/node.h"

namespace sufler {
namespace {

namespace fs = std::filesystem;

struct Example {
  std::string page;
  int line = 0;
  bool broken = false;
  std::string text;
};

std::vector<Example> examples_of(const fs::path& page) {
  std::ifstream file(page);
  std::vector<Example> found;
  std::string line;
  int number = 0;
  bool inside = false;
  while (std::getline(file, line)) {
    ++number;
    if (inside) {
      if (line.rfind("```", 0) == 0) {
        inside = false;
      } else {
        found.back().text += line + "\n";
      }
    } else if (line.rfind("```yaml", 0) == 0) {
      inside = true;
      found.push_back({fs::relative(page, SUFLER_SOURCE_DIR).string(), number, line.find("broken") != std::string::npos, {}});
    }
  }
  return found;
}

std::vector<Example> all_examples() {
  std::vector<fs::path> pages;
  const fs::path root = SUFLER_SOURCE_DIR;
  for (const auto& entry : fs::directory_iterator(root))
    if (entry.path().extension() == ".md") pages.push_back(entry.path());
  for (const char* folder : {"docs", "scenarios", "schema", "interpreter", "storage", "tools", "tests"}) {
    if (!fs::exists(root / folder)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
      const std::string path = entry.path().string();
      const bool foreign = path.find("node_modules") != std::string::npos || path.find("tests/knowledge/cuts") != std::string::npos;
      if (entry.path().extension() == ".md" && !foreign) pages.push_back(entry.path());
    }
  }
  std::sort(pages.begin(), pages.end());
  std::vector<Example> all;
  for (const fs::path& page : pages)
    for (Example& one : examples_of(page)) all.push_back(std::move(one));
  return all;
}

bool has_top_key(const std::string& text, std::initializer_list<const char*> keys) {
  for (const char* key : keys) {
    const std::string start = std::string(key) + ":";
    if (text.rfind(start, 0) == 0 || text.find("\n" + start) != std::string::npos) return true;
  }
  return false;
}

std::string problems_of(Loaded& loaded) {
  return render_text(loaded.diagnostics.sorted(), loaded.sources, Language::English);
}

void check_scenario(const Example& example) {
  std::string text = example.text;
  if (!has_top_key(text, {"scenario", "сценарий"})) text = "scenario: example\n" + text;
  if (!has_top_key(text, {"branches", "ветки"})) text += "\nbranches:\n  welcome:\n    - say: Hello\n";
  Loaded loaded = load_scenario_text({{"scenario.yaml", text}});
  if (example.broken) {
    EXPECT_GT(loaded.diagnostics.errors() + loaded.diagnostics.warnings(), 0U);
  } else {
    EXPECT_EQ(loaded.diagnostics.errors(), 0U) << problems_of(loaded);
    // Nobody is to learn from a page how to get stuck.
    for (const Diagnostic& one : loaded.diagnostics.sorted()) {
      EXPECT_FALSE(code_of(one.id) >= "S410" && code_of(one.id) < "S500") << problems_of(loaded);
    }
  }
}

void check_configuration(const Example& example) {
  for (const char* name : {"TELEGRAM_TOKEN", "ADMIN_ID", "MANAGER_ID"}) setenv(name, "123456:an-example-of-a-token", 0);
  for (const char* name : {"TELEGRAM_SECRET", "VK_SECRET", "VK_TOKEN", "DATABASE_PASSWORD", "OPENAI_KEY", "YANDEX_KEY", "YANDEX_FOLDER", "GIGACHAT_KEY", "MAIL_PASSWORD", "MAPS_KEY", "ACCOUNTING_PASSWORD"}) setenv(name, "an-example-of-a-secret", 0);
  for (const char* name : {"CRM_TOKEN", "REPORT_TOKEN", "API_TOKEN", "AMO_TOKEN", "AMO_HOOKS", "AMO_CHATS_SECRET"}) setenv(name, (std::string("an-example-of-") + name).c_str(), 0);
  // As systemd hands tokens over.
  const fs::path credentials = fs::temp_directory_path() / ("sufler-docs-" + std::to_string(getpid()));
  fs::create_directories(credentials);
  std::ofstream(credentials / "tokens_shop") << "123456:an-example-of-a-token\n";
  setenv("CREDENTIALS_DIRECTORY", credentials.c_str(), 1);
  fs::create_directories(credentials / "certs");
  std::ofstream(credentials / "certs/russian_trusted_root_ca_pem.crt") << "an authority\n";
  const fs::path path = credentials / "sufler.yaml";
  std::ofstream(path) << example.text;
  KnownTransports known;
  for (const TransportKind& kind : transport_kinds())
    known[std::string(kind.name)].assign(kind.options.begin(), kind.options.end());
  LoadedConfig loaded = load_config(path.string(), known);
  fs::remove_all(credentials);
  ASSERT_TRUE(loaded.config.has_value()) << render_text(loaded.diagnostics.sorted(), loaded.sources, Language::English);
  // The platforms take it too.
  HttpClient client;
  for (const BotConfig& bot : loaded.config->bots) {
    for (const TransportConfig& transport : bot.transports) {
      TransportSettings settings;
      settings.options = transport.options;
      if (loaded.config->http) settings.webhook_url = loaded.config->http->public_url + "/x";
      const auto made = find_transport(transport.name)->make(client, std::move(settings));
      EXPECT_TRUE(made) << made.error();
    }
  }
}

void check_talk(const Example& example) {
  SourceMap sources;
  Diagnostics diagnostics;
  const std::uint32_t file = sources.add("example.test.yaml", example.text);
  const Document document = read_yaml(file, sources, diagnostics);
  EXPECT_TRUE(document.parsed);
  EXPECT_EQ(diagnostics.errors(), 0U) << render_text(diagnostics.sorted(), sources, Language::English);
}

class DocumentationTest : public ::testing::TestWithParam<Example> {};

TEST_P(DocumentationTest, ExampleLoads) {
  const Example& example = GetParam();
  SCOPED_TRACE(example.page + ":" + std::to_string(example.line));
  if (has_top_key(example.text, {"tests", "тесты"})) return check_talk(example);
  if (has_top_key(example.text, {"bots"})) return check_configuration(example);
  check_scenario(example);
}

std::string example_name(const ::testing::TestParamInfo<Example>& info) {
  std::string name = info.param.page + "_" + std::to_string(info.param.line);
  for (char& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  return name;
}

INSTANTIATE_TEST_SUITE_P(Pages, DocumentationTest, ::testing::ValuesIn(all_examples()), example_name);

}  // namespace
}  // namespace sufler
