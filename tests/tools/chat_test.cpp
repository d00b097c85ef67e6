// `sufler chat` from a pipe: a line in is a message, every message out has its form.
#include <fcntl.h>
#include <unistd.h>

#include <optional>
#include <utility>

#include "fakes/llm/fake_llm.h"
#include "tools/tool_run.h"

namespace sufler {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kScenario = R"(scenario: echo
language: en
questions:
  word: {text: "A word?", timeout: {after: 24h, go: late}}
branches:
  hello:
    - say: |
        First line

        third line
      attach: [price.txt]
    - ask: [word]
    - notify: admins
      text: "They wrote\n{{ word }}"
    - say: "You wrote {{ word }}"
      columns: 2
      buttons: [{label: Once more, go: hello}, {label: Late, go: late}, {label: Site, url: "https://example.com"}]
  late:
    - say: Too late
)";
constexpr const char* kGreeting = "bot: First line\n  \n  third line\n  @price.txt\nbot: A word?\n";

class ChatTest : public ToolTest {
 protected:
  ChatTest() {
    write("scenario.yaml", kScenario);
    write("price.txt", "1");
  }

  ToolRun chat(const std::string& input) { return chat_with(folder(), input); }
  ToolRun chat_with(const std::string& scenario, const std::string& input) {
    write("input", input);
    const int before = ::dup(STDIN_FILENO);
    const int file = ::open(path("input").c_str(), O_RDONLY);
    ::dup2(file, STDIN_FILENO);
    ::close(file);
    ChatOptions options;
    options.path = scenario;
    options.language = "en";
    options.seed = 1;
    options.name = name_;
    options.config = config_;
    const ToolRun run = run_tool([&] { return run_chat(options); });
    ::dup2(before, STDIN_FILENO);
    ::close(before);
    return run;
  }

  std::optional<std::string> name_;  ///< of the person
  std::string config_;
};

TEST_F(ChatTest, MessagesButtonsFilesAndInboxesHaveTheirForms) {
  const ToolRun run = chat("/start\ntree\n[Once more]\n");
  EXPECT_EQ(run.code, kExitClean);
  EXPECT_EQ(run.out, std::string(kGreeting) + "admins: They wrote\n  tree\nbot: You wrote tree\n  [Once more] [Late]\n  [Site]\n" + kGreeting);
  EXPECT_THAT(run.err, IsEmpty());
}

TEST_F(ChatTest, TheClockMovesByALine) {
  EXPECT_EQ(chat("/start\n+23h\n").out, kGreeting);
  EXPECT_EQ(chat("/start\n+23h\n+1h\n").out, std::string(kGreeting) + "bot: Too late\n");
}

TEST_F(ChatTest, LinesMayEndAsOnWindowsOrNotAtAll) {
  EXPECT_EQ(chat("/start\r\ntree\r\n").out, chat("/start\ntree\n").out);
  EXPECT_EQ(chat("/start\r\ntree\r").out, chat("/start\ntree").out);
  EXPECT_THAT(chat("/start\ntree").out, HasSubstr("bot: You wrote tree\n"));
}

TEST_F(ChatTest, BlankLinesAreNoMessages) {
  EXPECT_EQ(chat("\n  \n/start\n\r\n\n").out, kGreeting);
  EXPECT_THAT(chat("").out, IsEmpty());
}

TEST_F(ChatTest, BytesThatAreNoUtf8AreReadAsReplaced) {
  const ToolRun run = chat("/start\na\xff\xfe" "b\n");
  EXPECT_EQ(run.code, kExitClean);
  EXPECT_THAT(run.out, HasSubstr("bot: You wrote a\uFFFD\uFFFDb\n"));
}

TEST_F(ChatTest, AnEndlessLineIsCutAndTheNextIsWhole) {
  const ToolRun run = chat("/start\n" + std::string(5'000'000, 'x') + "\n+24h\n/start\ntree\n");
  EXPECT_EQ(run.code, kExitClean);
  EXPECT_THAT(run.out, HasSubstr("bot: You wrote tree\n"));
  EXPECT_THAT(run.err, HasSubstr("too long"));
}

TEST_F(ChatTest, AButtonThatIsNotThereIsTold) {
  const ToolRun run = chat("/start\n[Nothing]\n");
  EXPECT_EQ(run.code, kExitClean);
  EXPECT_EQ(run.out, kGreeting);
  EXPECT_EQ(run.err, "there is no such button: Nothing\n");
}

TEST_F(ChatTest, ThePersonHasAUsualNameUnlessAnotherIsGiven) {
  const auto greeting = [&](const std::string& language, std::optional<std::string> name) {
    write("named.yaml", "scenario: named\nlanguage: " + language + "\nbranches:\n  hello:\n    - say: \"{{ user.first_name }}!\"\n");
    name_ = std::move(name);
    return chat_with(path("named.yaml"), "/start\n").out;
  };
  EXPECT_EQ(greeting("ru", std::nullopt), "bot: Анна!\n");
  EXPECT_EQ(greeting("en", std::nullopt), "bot: Anna!\n");
  EXPECT_EQ(greeting("en", "Олег"), "bot: Олег!\n");
  EXPECT_EQ(greeting("en", ""), "bot: !\n");
}

TEST_F(ChatTest, ProgramsAreRunWhereAConfigurationNamesThem) {
  write("runs.yaml",
        "scenario: runs\nlanguage: en\nbranches:\n  hello:\n    - run: price\n      with: {area: 5}\n      into: price\n"
        "      on_error:\n        - say: \"no price: {{ price.error }}\"\n        - end\n    - say: \"{{ price.area }}\"\n");
  const ToolRun without = chat_with(path("runs.yaml"), "/start\n");
  EXPECT_EQ(without.out, "bot: no price: no configuration\n");
  EXPECT_THAT(without.err, HasSubstr("--config"));

  config_ = path("sufler.yaml");
  const std::string bots = "bots: {shop: {scenario: runs.yaml, telegram: {token: \"${NOT_SET_HERE}\"}}}\n";
  write("sufler.yaml", "programs: {price: {command: [cat]}}\n" + bots);
  EXPECT_EQ(chat_with(path("runs.yaml"), "/start\n").out, "bot: 5\n");
  write("sufler.yaml", "programs: {prise: {command: [cat]}}\n" + bots);
  const ToolRun unknown = chat_with(path("runs.yaml"), "/start\n");
  EXPECT_EQ(unknown.code, kExitErrors);
  EXPECT_THAT(unknown.err, testing::AllOf(HasSubstr("S240"), HasSubstr("prise")));
}

TEST_F(ChatTest, AModelAnswersWithWhatLiesInTheFolder) {
  std::filesystem::create_directories(path("shop"));
  write("shop/scenario.yaml",
        "scenario: shop\nlanguage: en\nbranches:\n  start:\n    - assistant: helper\n"
        "assistants:\n  helper: {instructions: You sell carts., knowledge: [carts.md], gather: off}\n");
  write("shop/carts.md", "# Prices\n\nA cart with two wheels costs $75.\n");
  EXPECT_THAT(chat_with(path("shop"), "/start\nHow much is a cart?\n").err, HasSubstr("there is no model"));
  fakes::FakeLlm fake;
  fake.say("It costs $75 [1].");
  config_ = path("sufler.yaml");
  write("sufler.yaml", "bots:\n  shop: {scenario: shop}\nmodels:\n  default: {url: \"" + fake.url() + "\", key: \"" + fake.key() +
                           "\", model: fake-model, kind: openai}\n");
  EXPECT_EQ(chat_with(path("shop"), "/start\nHow much is a cart?\n").out, "bot: It costs $75.\n  \n  Source: Prices\n");
  ASSERT_EQ(fake.requests("chat").size(), 1U);
  EXPECT_THAT(fake.requests("chat")[0].body, HasSubstr("two wheels costs $75"));
}

TEST_F(ChatTest, ABrokenScenarioIsNotPlayed) {
  write("scenario.yaml", "scenario: echo\nbranches: {hello: [{sey: x}]}\n");
  const ToolRun run = chat("/start\n");
  EXPECT_EQ(run.code, kExitErrors);
  EXPECT_THAT(run.out, IsEmpty());
  EXPECT_THAT(run.err, HasSubstr("scenario.yaml:2:"));
}

TEST_F(ChatTest, APathThatIsNotThereIsMisuse) {
  const ToolRun run = chat_with(path("nowhere"), "/start\n");
  EXPECT_EQ(run.code, kExitMisuse);
  EXPECT_EQ(run.err, "sufler: no such file or folder: " + path("nowhere") + "\n");
}

}  // namespace
}  // namespace sufler
