// `run`: programs of the operator's, in the program as a whole.
#include "serve/serve_test.h"

namespace sufler::tests {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kScenario = R"(
scenario: run
language: ru
start: welcome
branches:
  welcome:
    - ask: area
    - run: estimate
      with: {area: area, name: user.first_name}
      into: price
      on_error:
        - say: "Не вышло: {{ price.error }}"
        - go: welcome
    - say: "Цена {{ price.total }} для {{ price.name }}"
    - ask: phone
    - say: "Спасибо, {{ phone }}"
questions:
  area: {text: Площадь?, type: number}
  phone: {text: Телефон?}
commands:
  about: {on: /about, call: about}
)";
constexpr const char* kAbout = "branches:\n  about:\n    - say: О нас.\n";

class RunTest : public ServeTest {
 protected:
  /// `script`: of a shell, which reads the request from its input.
  void serve(const std::string& script, const std::string& more = {}) {
    folder.write("run/scenario.yaml", kScenario);
    folder.write("run/about.yaml", kAbout);
    folder.write("calc.sh", script);
    write_config("run", "programs:\n  estimate: {command: [sh, calc.sh], timeout: 2m" + more + "}\n");
    start();
  }
  void ask_for_a_price() {
    telegram.say(kAnna, "/start");
    messages(kAnna, 1);
    telegram.say(kAnna, "54");
  }
};

TEST_F(RunTest, AProgramReadsJsonAndItsJsonIsTheVariable) {
  serve(R"(read request; echo "$request" > request.json; echo '{"total": 7, "name": "Анны"}')");
  ask_for_a_price();
  EXPECT_THAT(texts(kAnna, 3), ElementsAre("Площадь?", "Цена 7 для Анны", "Телефон?"));
  EXPECT_THAT(read_file(folder.path() + "/request.json"), HasSubstr(R"("area":54)"));
}

TEST_F(RunTest, AFailureIsTheStepsAndTheLogSaysWhy) {
  serve("echo no such house >&2; exit 3");
  ask_for_a_price();
  EXPECT_EQ(texts(kAnna, 3)[1], "Не вышло: exit code 3");
  stop();
  EXPECT_THAT(sufler->output(), HasSubstr("no such house"));
}

TEST_F(RunTest, TheTokenIsNotInTheEnvironmentOfAProgram) {
  serve(R"(env > environment; cat /proc/$$/environ >> environment; echo '{"total": 1, "name": "я"}')");
  ask_for_a_price();
  messages(kAnna, 3);
  EXPECT_THAT(read_file(folder.path() + "/environment"), Not(HasSubstr("TELEGRAM_TOKEN")));
}

TEST_F(RunTest, WhileAProgramWorksOthersAreServedAndTheirOwnWordsWait) {
  serve(R"(while [ ! -e go ]; do sleep 0.05; done; echo '{"total": 7, "name": "Анны"}')");
  ask_for_a_price();
  telegram.say(kAnna, "89123456789");
  telegram.say(kAnna, "/about");
  EXPECT_EQ(texts(kAnna, 2)[1], "О нас.");
  EXPECT_EQ(say(kBoris, "/start", 1).text, "Площадь?");
  folder.write("go", "");
  EXPECT_THAT(texts(kAnna, 5),
              ElementsAre("Площадь?", "О нас.", "Цена 7 для Анны", "Телефон?", "Спасибо, 89123456789"));
}

TEST_F(RunTest, AStopInTheMiddleOfAProgramIsInTimeAndTheNextStartGivesOneAnswer) {
  serve(R"(echo run >> runs; while [ ! -e go ]; do sleep 0.05; done; echo '{"total": 7, "name": "Анны"}')");
  ask_for_a_price();
  while (read_file(folder.path() + "/runs").empty()) sufler->wait(milliseconds(10));
  sufler->signal(SIGTERM);
  EXPECT_EQ(sufler->wait(seconds(10)), 0) << sufler->output();
  folder.write("go", "");
  start();
  EXPECT_THAT(texts(kAnna, 3), ElementsAre("Площадь?", "Цена 7 для Анны", "Телефон?"));
  stop();
  EXPECT_EQ(telegram.messages(kAnna).size(), 3u);
  EXPECT_EQ(read_file(folder.path() + "/runs"), "run\nrun\n");
}

TEST_F(RunTest, AKilledProcessLeavesNoProgramBehindAndTheNextStartGivesOneAnswer) {
  serve(R"(echo $$ >> runs; while [ ! -e go ]; do sleep 0.05; done; echo '{"total": 7, "name": "Анны"}')");
  ask_for_a_price();
  while (read_file(folder.path() + "/runs").empty()) sufler->wait(milliseconds(10));
  const pid_t program = static_cast<pid_t>(std::stol(read_file(folder.path() + "/runs")));
  sufler->kill();
  for (int i = 0; i < 1000 && ::kill(program, 0) == 0; ++i) sufler->wait(milliseconds(10));
  folder.write("go", "");
  start();
  EXPECT_THAT(texts(kAnna, 3), ElementsAre("Площадь?", "Цена 7 для Анны", "Телефон?"));
  stop();
  EXPECT_EQ(telegram.messages(kAnna).size(), 3u);
}

TEST_F(RunTest, AProgramThatTheConfigurationLacksKeepsTheBotFromStarting) {
  folder.write("run/scenario.yaml", kScenario);
  folder.write("run/about.yaml", kAbout);
  write_config("run", "programs:\n  estimat: {command: [sh, calc.sh]}\n");
  launch();
  EXPECT_EQ(sufler->wait(kPatience), 1);
  EXPECT_THAT(sufler->output(), HasSubstr("S240"));
  EXPECT_THAT(sufler->output(), HasSubstr("estimat"));
}

}  // namespace
}  // namespace sufler::tests
