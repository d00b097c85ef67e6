// `sufler test` on small scenarios: what a talk demands, what it refuses, and what the program prints.
#include <map>
#include <nlohmann/json.hpp>

#include "tools/tool_run.h"

namespace sufler {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using Json = nlohmann::json;

/// Greets, asks for a word, tells the admins, says the word.
constexpr const char* kScenario = R"(scenario: echo
language: en
settings: {shop: "${SHOP_NAME}"}
tables:
  words: {word: text}
commands:
  menu: {on: [/menu], go: menu}
questions:
  word: {text: "A word?"}
branches:
  hello:
    - say: "Hello, {{ user.first_name }}!"
    - ask: [word]
    - save: words
      values: {word: word}
    - notify: admins
      text: "{{ user.id }} wrote {{ word }}"
    - say: "You wrote {{ word }}"
      buttons: [{label: More, go: hello}]
  menu:
    - say: "Menu of {{ settings.shop }}\nsecond line"
)";

class TalkTest : public ToolTest {
 protected:
  TalkTest() { write("scenario.yaml", kScenario); }

  /// Plays one test whose keys are `keys`, each line with its own indentation of four or more.
  ToolRun play(const std::string& keys, bool update = false, const std::string& format = "json") {
    write("echo.test.yaml", "tests:\n  - name: talk\n" + keys);
    TestOptions options;
    options.paths = {folder()};
    options.language = "en";
    options.format = format;
    options.update = update;
    return run_tool([&] { return run_test(options); });
  }
  std::string failure(const std::string& keys) {
    const ToolRun run = play(keys);
    EXPECT_EQ(run.code, kExitErrors) << run.out;
    const Json all = Json::parse(run.out);
    EXPECT_EQ(all["failed"], 1) << run.out << run.err;
    return all["tests"].empty() || all["tests"][0]["failure"].is_null()
               ? std::string()
               : all["tests"][0]["failure"].get<std::string>();
  }
  void expect_passes(const std::string& keys) {
    const ToolRun run = play(keys);
    EXPECT_EQ(run.code, kExitClean) << run.out << run.err;
  }
  /// What is said of a file that is not played.
  std::string refusal(const std::string& keys) {
    const ToolRun run = play(keys);
    EXPECT_EQ(run.code, kExitErrors);
    const Json all = Json::parse(run.out);
    EXPECT_EQ(all["passed"], 0);
    EXPECT_EQ(all["failed"], 1);
    EXPECT_EQ(all["tests"].size(), 1u);
    // Whoever reads the report alone learns as much as whoever reads the terminal.
    const std::string failure = all["tests"].empty() ? "" : all["tests"][0]["failure"].get<std::string>();
    EXPECT_THAT(run.err, HasSubstr(failure));
    return failure;
  }
};

TEST_F(TalkTest, TheIdOfThePersonIsThePlatformsAndTheTalkCallsThemUser) {
  expect_passes(R"(    given: {user: {id: 777, first_name: Ann}}
    talk:
      - user: /start
      - bot: Hello, Ann!
      - bot: A word?
      - user: tree
      - admins: 777 wrote tree
      - bot: You wrote tree
      - press: More
      - bot: Hello, Ann!
      - bot: A word?
    expect: {rows: {words: [{word: tree, user_id: "777"}]}, vars: {word: tree}, at: hello/word}
)");
}

TEST_F(TalkTest, OtherPeopleHaveQueuesAndIdsOfTheirOwn) {
  expect_passes(R"(    given: {user: {first_name: Ann}, people: {olga: {first_name: Olga, id: 42}}, roles: {admins: [olga]}}
    talk:
      - user: /start
      - bot: Hello, Ann!
      - bot: A word?
      - user: {as: olga, text: /start}
      - silent
      - bot: {to: olga, text: "Hello, Olga!"}
      - bot: {to: olga, contains: word}
      - user: tree
      - admins: user wrote tree
      - bot: You wrote tree
      - user: {as: olga, text: bush}
      - bot: {to: olga, text: You wrote bush}
      - press: {button: More, as: olga}
      - bot: {to: olga, contains: Olga}
      - bot: {to: olga, contains: word}
      - admins: 42 wrote bush
    expect: {at: none}
)");
}

TEST_F(TalkTest, WhatTheBotSaidToAnotherPersonMustBeRead) {
  const std::string given = "    given: {people: {olga: {first_name: Olga}}}\n    talk:\n";
  const std::string begin = "      - user: {as: olga, text: /start}\n      - bot: {to: olga, contains: Olga}\n";
  EXPECT_THAT(failure(given + begin), AllOf(HasSubstr("`olga`"), HasSubstr("A word?")));
  EXPECT_THAT(failure(given + begin + "      - user: {as: olga, text: tree}\n      - bot: {to: olga, contains: x}\n"),
              AllOf(HasSubstr("echo.test.yaml:7:"), HasSubstr("`olga`"), HasSubstr("A word?")));
}

TEST_F(TalkTest, WhatTheBotSaidToThePersonMustBeRead) {
  EXPECT_THAT(failure("    talk:\n      - user: /start\n      - bot: ...\n      - silent\n"),
              AllOf(HasSubstr("echo.test.yaml:6:"), HasSubstr("A word?")));
  EXPECT_THAT(failure("    talk:\n      - user: /start\n      - bot: ...\n      - after: 1h\n"), HasSubstr("A word?"));
  EXPECT_THAT(failure("    talk:\n      - user: /start\n      - bot: ...\n"), HasSubstr("A word?"));
}

TEST_F(TalkTest, AnInboxOfARoleNeedNotBeRead) {
  for (const char* given : {"", "    given: {people: {olga: {}, petr: {}}, roles: {admins: [olga, petr]}}\n"})
    expect_passes(std::string(given) + R"(    talk:
      - user: /start
      - bot: ...
      - bot: ...
      - user: tree
      - bot: ...
)");
}

TEST_F(TalkTest, ThePersonMayHaveTheRole) {
  expect_passes(R"(    given: {roles: {admins: [user]}}
    talk:
      - user: /start
      - bot: ...
      - bot: ...
      - user: tree
      - admins: user wrote tree
      - bot: You wrote tree
)");
}

TEST_F(TalkTest, ANoticeToSeveralPeopleOfARoleIsOneMessage) {
  const std::string talk = R"(    given: {people: {olga: {}, petr: {}}, roles: {admins: [olga, petr]}}
    talk:
      - user: /start
      - bot: ...
      - bot: ...
      - user: tree
      - admins: user wrote tree
)";
  expect_passes(talk + "      - bot: ...\n      - bot: {to: petr, text: user wrote tree}\n");
  EXPECT_THAT(failure(talk + "      - admins: ...\n      - bot: ...\n"), HasSubstr("`admins` got no message"));
}

TEST_F(TalkTest, EnvironmentOfATalkIsItsAlone) {
  const ToolRun run = play(R"(    given: {env: {SHOP_NAME: Cafe}}
    talk:
      - user: /menu
      - bot: "Menu of Cafe\nsecond line"
  - name: another
    given: {env: {SHOP_NAME: Bar}}
    talk:
      - user: /menu
      - bot: {contains: Menu of Bar}
)");
  EXPECT_EQ(run.code, kExitClean) << run.out << run.err;
  EXPECT_EQ(std::getenv("SHOP_NAME"), nullptr);
}

// ---- refused before playing

TEST_F(TalkTest, ALineSaysOneThing) {
  EXPECT_THAT(refusal("    talk:\n      - user: /start\n        bot: nonsense\n"),
              AllOf(HasSubstr("echo.test.yaml:5:9: error[S603]"), HasSubstr("`bot`")));
}

TEST_F(TalkTest, MisspeltWordsAreRefusedWithTheRightOne) {
  const std::pair<const char*, const char*> cases[] = {
      {"    talk:\n      - bott: x\n", "did you mean `bot`"},
      {"    talk:\n      - ботт: x\n", "did you mean `бот`"},
      {"    talk:\n      - slient\n", "did you mean `silent`"},
      {"    talk:\n      - admin: x\n", "did you mean `admins`"},
      {"    talk:\n      - user: {txt: hi}\n", "did you mean `text`"},
      {"    talk:\n      - user: {attach: [{nme: a.jpg}]}\n", "did you mean `name`"},
      {"    talk:\n      - user: {contact: {phon: 1}}\n", "did you mean `phone`"},
      {"    talk:\n      - bot: {contans: x}\n", "did you mean `contains`"},
      {"    talk:\n      - admins: {contans: x}\n", "did you mean `contains`"},
      {"    talk:\n      - press: {buton: x}\n", "did you mean `button`"},
      {"    talk: []\n    given: {usr: {}}\n", "did you mean `user`"},
      {"    talk: []\n    given: {user: {first_nam: Ann}}\n", "did you mean `first_name`"},
      {"    talk: []\n    given: {rows: {wrds: []}}\n", "did you mean `words`"},
      {"    talk: []\n    given: {rows: {words: [{wrd: x}]}}\n", "did you mean `word`"},
      {"    talk: []\n    given: {roles: {admin: [olga]}}\n", "did you mean `admins`"},
      {"    talk: []\n    expect: {row: {}}\n", "did you mean `rows`"},
      {"    talk: []\n    expct: {}\n", "did you mean `expect`"},
      {"    given: {people: {olga: {}}}\n    talk:\n      - user: {as: olgaa, text: x}\n", "did you mean `olga`"},
      {"    given: {people: {olga: {}}}\n    talk:\n      - bot: {to: olgaa, text: x}\n", "did you mean `olga`"},
  };
  for (const auto& [talk, hint] : cases)
    EXPECT_THAT(refusal(talk), AllOf(HasSubstr("echo.test.yaml:"), HasSubstr(hint))) << talk;
}

TEST_F(TalkTest, ALineThatIsNoneTellsWhatLinesThereAre) {
  EXPECT_THAT(refusal("    talk:\n      - /start\n"), AllOf(HasSubstr("`/start`"), HasSubstr("`user:`")));
}

TEST_F(TalkTest, ValuesThatCannotBeReadAreRefused) {
  for (const char* talk :
       {"    talk:\n      - after: soon\n", "    talk:\n      - user:\n", "    talk:\n      - bot: [a]\n",
        "    talk:\n      - bot: {matches: '('}\n", "    talk:\n      - user: {location: [1]}\n",
        "    talk: []\n    given: {now: today}\n", "    talk: []\n    given: {seed: x}\n",
        "    talk: []\n    given: {user: Ann}\n", "    talk: []\n    expect: {rows: {words: tree}}\n",
        "    talk: []\n    given: {user: {id: 1}, people: {olga: {id: 1}}}\n"})
    EXPECT_THAT(refusal(talk), HasSubstr("error[S605]")) << talk;
}

TEST_F(TalkTest, LinesAboutLettersAreReadWordByWord) {
  for (const char* talk : {"    talk:\n      - mail: {wher: a@example.com}\n", "    talk:\n      - mail: [a@example.com]\n",
                           "    talk:\n      - mail: {matches: '('}\n", "    talk: []\n    mock: {mail: {eror: x}}\n", "    talk: []\n    mock: {mail: [fine]}\n"})
    EXPECT_THAT(refusal(talk), HasSubstr("error[S60")) << talk;
}

// ---- programs: what one gives is said by the talk

constexpr const char* kRuns = R"(scenario: echo
language: en
branches:
  hello:
    - run: price
      into: price
    - say: "{{ price }}"
    - run: price
      into: price
    - say: "{{ price }}"
)";
constexpr const char* kBothSaid = "    talk:\n      - user: /start\n      - bot: \"1\"\n      - bot: \"2\"\n";

TEST_F(TalkTest, AMockHasOneEntryACall) {
  write("scenario.yaml", kRuns);
  expect_passes(std::string("    mock: {run: {price: [1, 2]}}\n") + kBothSaid);
  EXPECT_THAT(failure(std::string("    mock: {run: {price: [1]}}\n") + kBothSaid), HasSubstr("more often"));
}

TEST_F(TalkTest, AProgramThatTheTalkSaysNothingOfFailsIt) {
  write("scenario.yaml", kRuns);
  EXPECT_THAT(failure(kBothSaid), AllOf(HasSubstr("run: price"), HasSubstr("mock: {run: {price: {…}}}")));
}

TEST_F(TalkTest, AMockOfAProgramThatNobodyRunsIsRefused) {
  write("scenario.yaml", kRuns);
  EXPECT_THAT(refusal(std::string("    mock: {run: {prize: 1}}\n") + kBothSaid), AllOf(HasSubstr("prize"), HasSubstr("price")));
  EXPECT_THAT(refusal(std::string("    mock: {run: price}\n") + kBothSaid), HasSubstr("S605"));
}

TEST_F(TalkTest, RussianWordsDoAsWell) {
  write("echo.test.yaml", R"(тесты:
  - имя: разговор
    дано: {человек: {номер: 5, имя: Аня}, люди: {ольга: {имя: Ольга}}}
    разговор:
      - человек: /start
      - бот: Hello, Аня!
      - бот: {содержит: word}
      - человек: {как: ольга, текст: /menu}
      - бот: {кому: ольга, содержит: Menu}
      - тихо
    ожидается: {место: hello/word}
)");
  TestOptions options;
  options.paths = {folder()};
  const ToolRun run = run_tool([&] { return run_test(options); });
  EXPECT_EQ(run.code, kExitClean) << run.out << run.err;
}

// ---- --update

TEST_F(TalkTest, UpdateWritesWhatTheBotSaysNow) {
  const std::string talk = R"(    talk:
      - user: /start
      - bot: old          # a note stays
      - bot: {text: old question, buttons: []}
      - user: tree
      - admins: old notice
      - bot: |
          You wrote
          a bush

      - user: /menu
      - bot: {contains: Menu}
)";
  const ToolRun run = play(talk, true);
  EXPECT_EQ(run.code, kExitClean) << run.out << run.err;
  EXPECT_EQ(read("echo.test.yaml"), R"(tests:
  - name: talk
    talk:
      - user: /start
      - bot: "Hello, !"          # a note stays
      - bot: {text: "A word?", buttons: []}
      - user: tree
      - admins: "user wrote tree"
      - bot: "You wrote tree"

      - user: /menu
      - bot: {contains: Menu}
)");
  TestOptions options;
  options.paths = {folder()};
  EXPECT_EQ(run_tool([&] { return run_test(options); }).code, kExitClean);
}

TEST_F(TalkTest, UpdateOfABlockKeepsTheEndOfTheFile) {
  const ToolRun run = play("    given: {env: {SHOP_NAME: Cafe}}\n    talk:\n      - user: /menu\n      - bot: |\n          Bill\n          of all\n", true);
  EXPECT_EQ(run.code, kExitClean);
  EXPECT_EQ(read("echo.test.yaml"),
            "tests:\n  - name: talk\n    given: {env: {SHOP_NAME: Cafe}}\n    talk:\n"
            "      - user: /menu\n      - bot: \"Menu of Cafe\\nsecond line\"\n");
}

TEST_F(TalkTest, UpdateLeavesWhatIsNotAWholeText) {
  const std::string talk = "    talk:\n      - user: /menu\n      - bot: {contains: Bill}\n";
  const ToolRun run = play(talk, true);
  EXPECT_EQ(run.code, kExitErrors);
  EXPECT_EQ(read("echo.test.yaml"), "tests:\n  - name: talk\n" + talk);
}

// ---- what is printed

TEST_F(TalkTest, JsonHasItsShapeWhateverHappens) {
  const ToolRun run = play("    talk:\n      - user: /menu\n      - bot: other\n");
  const Json all = Json::parse(run.out);
  EXPECT_EQ(all["passed"], 0);
  EXPECT_EQ(all["failed"], 1);
  EXPECT_EQ(all["tests"][0]["name"], "talk");
  EXPECT_EQ(all["tests"][0]["file"], path("echo.test.yaml"));
  EXPECT_EQ(all["tests"][0]["line"], 2);
  EXPECT_EQ(all["tests"][0]["passed"], false);
  EXPECT_THAT(all["tests"][0]["failure"].get<std::string>(), HasSubstr("Menu of"));
  EXPECT_EQ(all["coverage"]["steps"]["hit"], 1);
  EXPECT_EQ(all["coverage"]["steps"]["total"], 6);
  EXPECT_EQ(all["coverage"]["branches"]["hit"], 1);
  EXPECT_EQ(all["coverage"]["branches"]["total"], 2);
  EXPECT_EQ(all["coverage"]["unvisited"].size(), 5U);
  EXPECT_EQ(all["coverage"]["unvisited"][0]["file"], path("scenario.yaml"));

  write("scenario.yaml", "scenario: echo\nbranches: {hello: [{sey: x}]}\n");
  const ToolRun broken = play("    talk: []\n");
  EXPECT_EQ(broken.code, kExitErrors);
  EXPECT_THAT(broken.err, HasSubstr("scenario.yaml:2:"));
  const Json none = Json::parse(broken.out);
  EXPECT_EQ(none["passed"], 0);
  EXPECT_EQ(none["failed"], 1);
  EXPECT_EQ(none["tests"][0]["name"], folder());
  EXPECT_THAT(none["tests"][0]["failure"].get<std::string>(), HasSubstr("S101"));
}

TEST_F(TalkTest, ATalkThatCannotBeReadFailsAndTheOthersArePlayed) {
  const std::string talks =
      "    talk:\n      - user: /menu\n      - bot: ...\n"
      "  - name: misspelt\n    talk:\n      - usr: /menu\n"
      "  - talk: []\n"
      "  - name: last\n    talk:\n      - user: /menu\n      - bot: ...\n";
  const ToolRun run = play(talks);
  EXPECT_EQ(run.code, kExitErrors);
  const Json all = Json::parse(run.out);
  EXPECT_EQ(all["passed"], 2);
  EXPECT_EQ(all["failed"], 2);
  std::map<std::string, Json> by_name;
  for (const Json& test : all["tests"]) by_name[test["name"].get<std::string>()] = test;
  EXPECT_EQ(by_name["talk"]["passed"], true);
  EXPECT_EQ(by_name["last"]["passed"], true);
  EXPECT_EQ(by_name["misspelt"]["line"], 6);
  EXPECT_THAT(by_name["misspelt"]["failure"].get<std::string>(), AllOf(HasSubstr("S602"), Not(HasSubstr("S601"))));
  EXPECT_THAT(by_name[path("echo.test.yaml")]["failure"].get<std::string>(), HasSubstr("S601"));
  const ToolRun junit = play(talks, false, "junit");
  EXPECT_THAT(junit.out, AllOf(HasSubstr("tests=\"4\" failures=\"2\""), HasSubstr("S602")));
}

TEST_F(TalkTest, AFileThatIsNoYamlFailsToo) {
  write("echo.test.yaml", "tests: [");
  TestOptions options;
  options.paths = {folder()};
  options.language = "en";
  options.format = "junit";
  const ToolRun run = run_tool([&] { return run_test(options); });
  EXPECT_EQ(run.code, kExitErrors);
  EXPECT_THAT(run.out, AllOf(HasSubstr("failures=\"1\""), HasSubstr("S038")));
}

TEST_F(TalkTest, AVariableThatSomeTalkLeavesUnsetIsNoted) {
  const std::string line = "    talk:\n      - user: /menu\n      - bot: ...\n";
  const std::string given = "    given: {env: {SHOP_NAME: Bar}}\n" + line;
  const ToolRun unset = play(line);
  EXPECT_EQ(unset.code, kExitClean);
  EXPECT_THAT(unset.err, AllOf(HasSubstr("note[S140]"), HasSubstr("`SHOP_NAME`"), HasSubstr("given: {env:")));
  EXPECT_THAT(play(given).err, IsEmpty());
  EXPECT_THAT(play(given + "  - name: other\n" + line).err, HasSubstr("S140"));
}

TEST_F(TalkTest, TheLastLineOfTheTextCounts) {
  const std::string good = "    talk:\n      - user: /menu\n      - bot: ...\n";
  EXPECT_THAT(play(good, false, "text").out, EndsWith("1 passed, 0 failed\n"));
  EXPECT_THAT(play("    talk:\n      - user: /menu\n", false, "text").out, EndsWith("\n0 passed, 1 failed\n"));
  const ToolRun broken = play("    talk:\n      - bott: x\n", false, "text");
  EXPECT_THAT(broken.out, AllOf(HasSubstr("S602"), EndsWith("\n0 passed, 1 failed\n")));
  EXPECT_THAT(broken.err, Not(HasSubstr("S602")));  // said once
}

TEST_F(TalkTest, APathThatIsNotThereIsMisuse) {
  TestOptions options;
  options.language = "en";
  for (const char* name : {"nowhere", "nowhere.yaml", "nowhere.test.yaml"}) {
    options.paths = {path(name)};
    const ToolRun run = run_tool([&] { return run_test(options); });
    EXPECT_EQ(run.code, kExitMisuse);
    EXPECT_THAT(run.out, IsEmpty());
    EXPECT_EQ(run.err, "sufler: no such file or folder: " + path(name) + "\n");
  }
}

TEST_F(TalkTest, CoverageBelowTheMinimumFails) {
  play("    talk:\n      - user: /menu\n      - bot: ...\n");
  TestOptions options;
  options.paths = {folder()};
  options.language = "en";
  options.coverage_min = 16;  // 1 of 6 is 16.7 %
  EXPECT_EQ(run_tool([&] { return run_test(options); }).code, kExitClean);
  options.coverage_min = 17;
  const ToolRun run = run_tool([&] { return run_test(options); });
  EXPECT_EQ(run.code, kExitErrors);
  EXPECT_THAT(run.out, EndsWith("1 passed, 0 failed\n"));
  EXPECT_THAT(run.err, HasSubstr("1/6"));
}

TEST_F(TalkTest, ACircleOfFailuresEnds) {
  write("scenario.yaml",
        "scenario: echo\nlanguage: en\non_error: broken\nbranches:\n"
        "  ask:\n    - say: Wait.\n    - go: price\n"
        "  price:\n    - run: price\n      on_error: again\n"
        "  again:\n    - say: Again.\n    - go: price\n"
        "  broken:\n    - say: It is broken.\n");
  std::string talk = "    mock: {run: {price: {error: down}}}\n    talk:\n      - user: /start\n      - bot: Wait.\n";
  for (int i = 0; i < 20; ++i) talk += "      - bot: Again.\n";
  expect_passes(talk + "      - bot: It is broken.\n");
}

}  // namespace
}  // namespace sufler
