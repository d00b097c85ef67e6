// Assistants and the files that they are made of: what golden cases, which have no folder, cannot show.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "schema/loader.h"

namespace sufler {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class AssistantFilesTest : public ::testing::Test {
 protected:
  AssistantFilesTest() : folder_(fs::temp_directory_path() / ("sufler_assistants_" + std::to_string(::getpid()))) {
    fs::create_directories(folder_ / "prompts");
    fs::create_directories(folder_ / "knowledge");
    write("prompts/consultant.md", "# Консультант\n\nЦена {{ settings.price }}, сайт https://Shop.example.com/a.");
  }
  ~AssistantFilesTest() override { fs::remove_all(folder_); }

  void write(const std::string& path, const std::string& text) const { std::ofstream(folder_ / path, std::ios::binary) << text; }
  Loaded load(const std::string& assistant, LoadOptions options = {}) const {
    write("scenario.yaml", "scenario: shop\nsettings: {price: 5}\nbranches:\n  start:\n    - assistant: consultant\n"
                           "assistants:\n  consultant: " + assistant + "\n");
    return load_scenario(folder_.string(), options);
  }
  static std::vector<std::string> problems(Loaded loaded) {
    std::vector<std::string> all;
    for (const Diagnostic& one : loaded.diagnostics.sorted())
      all.push_back(std::string(code_of(one.id)) + " " + message_of(one, Language::English));
    return all;
  }

  fs::path folder_;
};

TEST_F(AssistantFilesTest, InstructionsOfAFileAreReadWithTheirExpressions) {
  Loaded loaded = load("{instructions: prompts/consultant.md}");
  ASSERT_TRUE(loaded.program) << render_text(loaded.diagnostics.sorted(), loaded.sources, Language::English);
  const Assistant& assistant = loaded.program->assistants[0];
  ASSERT_TRUE(assistant.instructions);
  EXPECT_EQ(assistant.instructions->expressions().size(), 1u);
  EXPECT_THAT(assistant.instructions->source(), HasSubstr("# Консультант\n\nЦена {{ settings.price }}"));
  EXPECT_THAT(assistant.links, ElementsAre("shop.example.com"));
}

TEST_F(AssistantFilesTest, AWrongNameInsideAFileIsSaidWhereTheFileIsNamed) {
  write("prompts/consultant.md", "Цена {{ settings.prise }}");
  Loaded loaded = load("{instructions: prompts/consultant.md}");
  EXPECT_THAT(problems(std::move(loaded)), ElementsAre(HasSubstr("S209 there is no setting named `prise`")));
}

TEST_F(AssistantFilesTest, ABrokenExpressionInsideAFileIsSaid) {
  write("prompts/consultant.md", "Цена {{ settings.price + }}");
  EXPECT_THAT(problems(load("{instructions: prompts/consultant.md}")), Contains(HasSubstr("S3")));
}

TEST_F(AssistantFilesTest, FilesThatAreNotThereOrEmptyAreSaid) {
  EXPECT_THAT(problems(load("{instructions: prompts/consultent.md}")), ElementsAre(HasSubstr("S210")));
  EXPECT_THAT(problems(load("{instructions: ../prompts.md}")), ElementsAre(HasSubstr("S211")));
  EXPECT_THAT(problems(load("{instructions: Ты консультант., knowledge: [knowledge/*.md]}")), ElementsAre(HasSubstr("S210")));
  EXPECT_THAT(problems(load("{instructions: Ты консультант., knowledge: [knowledge/a.md]}")), ElementsAre(HasSubstr("S210")));
  write("prompts/empty.md", " \n");
  EXPECT_THAT(problems(load("{instructions: prompts/empty.md}")), ElementsAre(HasSubstr("S138")));
}

TEST_F(AssistantFilesTest, KnowledgeThatCannotBeSearchedIsSaidWithTheWayOut) {
  write("knowledge/old.csv", "\xf2\xee\xe2\xe0\xf0;\xf6\xe5\xed\xe0\n");  // Windows-1251
  write("knowledge/good.md", "текст");
  for (const char* named : {"knowledge/*", "knowledge/old.csv"}) {
    Loaded loaded = load("{instructions: Ты консультант., knowledge: [\"" + std::string(named) + "\"]}");
    EXPECT_FALSE(loaded.program);
    ASSERT_EQ(loaded.diagnostics.sorted().size(), 1u);
    const Diagnostic& problem = loaded.diagnostics.sorted().front();
    EXPECT_EQ(code_of(problem.id), "S156");
    EXPECT_EQ(message_of(problem, Language::Russian), "в `knowledge/old.csv` нельзя искать");
    EXPECT_THAT(problem.hint_ru, HasSubstr("Windows-1251"));
    EXPECT_THAT(problem.hint_en, HasSubstr("save it as UTF-8"));
  }
}

TEST_F(AssistantFilesTest, AnEmptyFileOfKnowledgeIsAWarning) {
  write("knowledge/empty.txt", "\n");
  write("knowledge/good.md", "текст");
  Loaded loaded = load("{instructions: Ты консультант., knowledge: [knowledge/*]}");
  EXPECT_TRUE(loaded.program);
  EXPECT_THAT(problems(std::move(loaded)), ElementsAre("S156 `knowledge/empty.txt` cannot be searched"));
}

/// As of a version in the database: YAML, names of the other files, and their content when it is asked for.
TEST_F(AssistantFilesTest, AVersionWithoutItsFolderReadsItsFilesThroughWhoeverHasThem) {
  LoadOptions options;
  options.version = "stored";
  options.other_files = {"knowledge/_draft.md", "knowledge/a.txt", "knowledge/deep/c.md", "prices.csv", "prompts/consultant.md"};
  std::vector<std::string> asked;
  options.read = [&](const std::string& reference) -> std::optional<std::string> {
    asked.push_back(reference);
    return "Ты консультант.";
  };
  Loaded loaded = load_scenario_text(
      {{"scenario.yaml", "scenario: shop\nbranches:\n  start:\n    - assistant: consultant\nassistants:\n"
                         "  consultant: {instructions: prompts/consultant.md, knowledge: [knowledge/*, prices.csv]}\n"}},
      options);
  ASSERT_TRUE(loaded.program) << render_text(loaded.diagnostics.sorted(), loaded.sources, Language::English);
  EXPECT_EQ(loaded.program->version, "stored");
  ASSERT_TRUE(loaded.program->assistants[0].instructions);
  EXPECT_EQ(loaded.program->assistants[0].instructions->source(), "Ты консультант.");
  EXPECT_THAT(loaded.program->assistants[0].knowledge, ElementsAre("knowledge/a.txt", "prices.csv"));
  EXPECT_THAT(asked, ElementsAre("prompts/consultant.md"));
}

TEST_F(AssistantFilesTest, KnowledgeIsTheFilesThatFitSortedAndWithoutWhatIsHidden) {
  for (const char* name : {"b.md", "a.txt", "c.html", "_draft.md", ".hidden.md", "d.pdf"}) write(std::string("knowledge/") + name, "текст");
  Loaded loaded = load("{instructions: Ты консультант., knowledge: [knowledge/*, knowledge/b.md]}");
  ASSERT_TRUE(loaded.program);
  EXPECT_THAT(loaded.program->assistants[0].knowledge, ElementsAre("knowledge/a.txt", "knowledge/b.md", "knowledge/c.html"));
}

TEST_F(AssistantFilesTest, FilesOfAnAssistantBelongToTheVersion) {
  write("knowledge/a.md", "раз");
  LoadOptions options;
  options.count_files = true;
  const std::string text = "{instructions: prompts/consultant.md, knowledge: [knowledge/*.md]}";
  Loaded before = load(text, options);
  ASSERT_TRUE(before.program);
  EXPECT_EQ(before.files.size(), 2u);
  write("knowledge/a.md", "два");
  Loaded after = load(text, options);
  ASSERT_TRUE(after.program);
  EXPECT_NE(before.program->version, after.program->version);
}

TEST_F(AssistantFilesTest, AModelThatTheConfigurationLacksIsSaidWhenItIsKnown) {
  LoadOptions options;
  options.models = {"default", "small"};
  EXPECT_THAT(problems(load("{instructions: Ты., model: smal}", options)), ElementsAre("S242 the configuration has no model `smal`"));
  EXPECT_THAT(problems(load("{instructions: Ты., model: small}", options)), IsEmpty());
  EXPECT_THAT(problems(load("{instructions: Ты., model: any}")), IsEmpty());
  options.models = {"small"};
  EXPECT_THAT(problems(load("{instructions: Ты.}", options)), ElementsAre("S242 the configuration has no model `default`"));
}

TEST_F(AssistantFilesTest, NamesThatModelsDoNotTakeAreEncoded) {
  write("scenario.yaml", R"(
scenario: shop
branches:
  start:
    - assistant: c
  contacts: {steps: [{say: Записал.}], about: Оставить контакты}
assistants:
  c:
    instructions: Ты.
    tools: {оставить: contacts, call_back: contacts}
)");
  Loaded loaded = load_scenario(folder_.string());
  ASSERT_TRUE(loaded.program) << render_text(loaded.diagnostics.sorted(), loaded.sources, Language::English);
  const auto& tools = loaded.program->assistants[0].tools;
  EXPECT_EQ(tools[0].function, "function_1");
  EXPECT_EQ(tools[0].about, "Оставить контакты");
  EXPECT_EQ(tools[1].function, "call_back");
}

}  // namespace
}  // namespace sufler
