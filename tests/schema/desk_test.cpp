// Desks and handing over (LANGUAGE 7): every word lands in the program, in both forms of the language.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "schema/diagnostic.h"
#include "schema/loader.h"

namespace sufler {
namespace {

using How = HandoffRule::Assign::How;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr const char* kEnglish = R"(scenario: helpdesk
language: ru
start: welcome
branches:
  welcome:
    - say: Здравствуйте!
    - handoff: support
      outcomes:
        closed: thanks
        timeout:
          - say: Все заняты.
        no_agents: after_hours
        client_left:
          - end
        rejected: after_hours
    - notify: agents of support
      text: "{{ handoff.agent }}: {{ handoff.number }}"
  thanks:
    - say: "Спасибо, {{ user.name }}!"
  after_hours:
    - say: Мы работаем с 9 до 18.
commands:
  figures: {on: /figures, for: agents of support, call: thanks}
handoff:
  support:
    mode: relay
    desk: support
    assign: [last_agent, available and seen < 5m, open < 2 and last and name != 'Ольга', longest_idle, claim]
    ask_name: true
    queue: "Вы {{ handoff.position }}-й в очереди."
    greeting: "На связи {{ handoff.agent }}."
    hours: {days: mon-fri, from: "09:00", to: "24:00", holidays: [01-01, "2026-05-09"], timezone: Asia/Omsk, otherwise: after_hours}
    closed_text: Тикет закрыт.
    rate: true
    idle: {remind: 10m, reassign: 20m, close: 24h}
    timeout: 15m
    reopen: 3d
desks:
  support:
    register: {command: /register_support, token: "${SUFLER_TEST_TOKEN}"}
    commands: {available: /on, close: /done, transfer: off, reject: no}
    capacity: 3
    replies: {hello: "Здравствуйте, {{ user.first_name }}!", Адрес: Невский, 1}
    accept: 2m
    topics: support_group
)";

constexpr const char* kRussian = R"(сценарий: helpdesk
язык: ru
начало: welcome
ветки:
  welcome:
    - сказать: Здравствуйте!
    - передача: support
      исходы:
        закрыто: thanks
        срок:
          - сказать: Все заняты.
        нет_операторов: after_hours
        клиент_ушёл:
          - конец
        отклонено: after_hours
    - сообщить: операторы линии support
      текст: "{{ передача.оператор }}: {{ передача.номер }}"
  thanks:
    - сказать: "Спасибо, {{ человек.как_зовут }}!"
  after_hours:
    - сказать: Мы работаем с 9 до 18.
команды:
  figures: {на: /figures, для: операторы линии support, вызвать: thanks}
передача:
  support:
    режим: пересылка
    линия: support
    назначать: [последний_оператор, доступен и был < 5м, открыто < 2 и последний и имя != 'Ольга', дольше_свободен, кто_первый]
    спросить_имя: да
    очередь: "Вы {{ передача.место }}-й в очереди."
    приветствие: "На связи {{ передача.оператор }}."
    часы: {дни: пн-пт, с: "09:00", до: "24:00", праздники: [01-01, "2026-05-09"], часовой_пояс: Asia/Omsk, иначе_куда: after_hours}
    текст_закрытия: Тикет закрыт.
    оценка: да
    простой: {напомнить: 10м, переназначить: 20м, закрыть: 24ч}
    срок: {через: 15м}
    возобновить: 3д
линии:
  support:
    регистрация: {команда: /register_support, токен: "${SUFLER_TEST_TOKEN}"}
    команды: {доступен: /on, закрыть: /done, перевод: выкл, отклонить: нет}
    вместимость: 3
    ответы: {hello: "Здравствуйте, {{ человек.имя }}!", Адрес: "Невский, 1"}
    принять_за: 2м
    темы: support_group
)";

std::string all_problems(Loaded& loaded) {
  std::string text;
  for (const Diagnostic& one : loaded.diagnostics.sorted())
    text += std::string(code_of(one.id)) + " " + testing::PrintToString(one.arguments) + "\n";
  return text;
}

std::vector<std::string> codes(Loaded& loaded) {
  std::vector<std::string> found;
  for (const Diagnostic& one : loaded.diagnostics.sorted()) found.emplace_back(code_of(one.id));
  return found;
}

std::string all_problems(Loaded&& loaded) { return all_problems(loaded); }
std::vector<std::string> codes(Loaded&& loaded) { return codes(loaded); }

Loaded load(const std::string& text, const LoadOptions& options = {}) {
  setenv("SUFLER_TEST_TOKEN", "quite a long token", 1);
  return load_scenario_text({{"scenario.yaml", text}}, options);
}

class WholeDeskTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    std::string text = GetParam();
    // A comma inside of `{}` wants quotes.
    const std::size_t bare = text.find("Адрес: Невский, 1}");
    if (bare != text.npos) text.replace(bare, std::string("Адрес: Невский, 1}").size(), "Адрес: \"Невский, 1\"}");
    loaded_ = load(text);
    ASSERT_TRUE(loaded_.program) << all_problems(loaded_);
    EXPECT_EQ(all_problems(loaded_), "");
  }
  const Program& program() const { return *loaded_.program; }
  const HandoffRule& rule() const { return program().handoffs.at(0); }
  const Desk& desk() const { return program().desks.at(0); }
  const std::string& word(Desk::Command command) const {
    return desk().commands[static_cast<std::size_t>(command)];
  }
  static std::string source(const std::optional<Text>& text) { return text ? text->any_of.at(0).source() : "none"; }

  Loaded loaded_;
};

TEST_P(WholeDeskTest, TheRuleHasEveryWord) {
  EXPECT_EQ(rule().mode, HandoffRule::Mode::Relay);
  ASSERT_TRUE(rule().desk);
  EXPECT_EQ(rule().desk.value, 0u);
  EXPECT_TRUE(rule().ask_name);
  EXPECT_TRUE(rule().rate);
  EXPECT_EQ(source(rule().queue), "Вы {{ handoff.position }}-й в очереди.");
  EXPECT_EQ(source(rule().greeting), "На связи {{ handoff.agent }}.");
  EXPECT_EQ(source(rule().closed_text), "Тикет закрыт.");
  EXPECT_EQ(rule().remind_agent, Duration{600'000});
  EXPECT_EQ(rule().reassign, Duration{1'200'000});
  EXPECT_EQ(rule().close_idle, Duration{86'400'000});
  EXPECT_EQ(rule().queue_timeout, Duration{900'000});
  EXPECT_EQ(rule().reopen, Duration{259'200'000});
}

TEST_P(WholeDeskTest, TheWaysToAssignStandInTheirOrder) {
  const std::vector<HandoffRule::Assign>& assign = rule().assign;
  ASSERT_EQ(assign.size(), 5u);
  EXPECT_EQ(assign[0].how, How::LastAgent);
  EXPECT_EQ(assign[1].how, How::Condition);
  EXPECT_EQ(assign[2].how, How::Condition);
  EXPECT_EQ(assign[3].how, How::LongestIdle);
  EXPECT_EQ(assign[4].how, How::Claim);
  // The names that a condition reads are English in the program, whatever the file is.
  std::vector<std::string> names;
  for (const std::size_t i : {1u, 2u}) {
    ASSERT_TRUE(assign[i].condition);
    for (const NameUse& use : assign[i].condition->names()) names.push_back(use.path.at(0));
  }
  EXPECT_THAT(names, ElementsAre("available", "seen", "open", "last", "name"));
}

TEST_P(WholeDeskTest, TheHoursHaveHolidaysAZoneAndABranch) {
  ASSERT_TRUE(rule().hours);
  const HandoffRule::Hours& hours = *rule().hours;
  EXPECT_EQ(hours.days, 0x1f);
  EXPECT_EQ(hours.from.seconds, 9 * 3600);
  EXPECT_EQ(hours.to.seconds, 24 * 3600);
  ASSERT_EQ(hours.holidays.size(), 2u);
  EXPECT_EQ(hours.holidays[0].year, 0);
  EXPECT_EQ(hours.holidays[0].month, 1u);
  EXPECT_EQ(hours.holidays[0].day, 1u);
  EXPECT_EQ(hours.holidays[1].year, 2026);
  EXPECT_EQ(hours.holidays[1].month, 5u);
  EXPECT_EQ(hours.holidays[1].day, 9u);
  ASSERT_TRUE(hours.zone);
  EXPECT_EQ(hours.zone->name(), "Asia/Omsk");
  EXPECT_EQ(hours.otherwise, program().find_branch("after_hours"));
}

TEST_P(WholeDeskTest, TheDeskHasEveryWord) {
  EXPECT_EQ(desk().name, "support");
  EXPECT_EQ(desk().register_word, fold("/register_support"));
  EXPECT_EQ(desk().token_variable, "SUFLER_TEST_TOKEN");
  EXPECT_EQ(desk().capacity, 3u);
  EXPECT_EQ(desk().accept, Duration{120'000});
  EXPECT_EQ(desk().topics, "support_group");
  ASSERT_EQ(desk().replies.size(), 2u);
  EXPECT_EQ(desk().replies[0].name, "hello");
  EXPECT_EQ(desk().replies[0].text.any_of.at(0).source(), "Здравствуйте, {{ user.first_name }}!");
  EXPECT_EQ(desk().replies[1].name, "адрес");
}

TEST_P(WholeDeskTest, CommandsAreThoseThatAreNamedAndTheDefaults) {
  EXPECT_EQ(word(Desk::Command::Available), fold("/on"));
  EXPECT_EQ(word(Desk::Command::Close), fold("/done"));
  EXPECT_EQ(word(Desk::Command::Transfer), "");
  EXPECT_EQ(word(Desk::Command::Reject), "");
  EXPECT_EQ(word(Desk::Command::History), fold("/history"));
  EXPECT_EQ(word(Desk::Command::Stats), fold("/stats"));
  EXPECT_EQ(word(Desk::Command::Take), fold("/take"));
  EXPECT_EQ(word(Desk::Command::Note), fold("/note"));
  EXPECT_EQ(word(Desk::Command::Tickets), fold("/tickets"));
  EXPECT_EQ(word(Desk::Command::Export), fold("/export"));
  EXPECT_EQ(word(Desk::Command::Replies), fold("/replies"));
}

TEST_P(WholeDeskTest, TheStepHasItsOutcomes) {
  const HandoffStep* step = nullptr;
  for (const Step& one : program().steps)
    if (const auto* found = std::get_if<HandoffStep>(&one.verb)) step = found;
  ASSERT_TRUE(step);
  const auto outcome = [&](HandoffOutcome which) { return step->outcomes[static_cast<std::size_t>(which)]; };
  EXPECT_EQ(outcome(HandoffOutcome::Closed).go, program().find_branch("thanks"));
  EXPECT_TRUE(outcome(HandoffOutcome::Timeout).steps);
  EXPECT_EQ(outcome(HandoffOutcome::NoAgents).go, program().find_branch("after_hours"));
  EXPECT_TRUE(outcome(HandoffOutcome::ClientLeft).steps);
  EXPECT_EQ(outcome(HandoffOutcome::Rejected).go, program().find_branch("after_hours"));
  EXPECT_TRUE(program().places.count("welcome/support"));
}

TEST_P(WholeDeskTest, AgentsAreARoleOfTheirOwn) {
  EXPECT_EQ(program().commands.at(0).role, "agents of support");
  for (const Step& one : program().steps)
    if (const auto* notify = std::get_if<Notify>(&one.verb)) { EXPECT_EQ(notify->role, "agents of support"); }
}

INSTANTIATE_TEST_SUITE_P(BothForms, WholeDeskTest, testing::Values(kEnglish, kRussian));

constexpr const char* kSmall = R"(scenario: helpdesk
branches:
  start:
    - handoff: support
    - say: Goodbye.
handoff:
  support: {desk: support}
desks:
  support:
    register: {command: /register_support, token: "${SUFLER_TEST_TOKEN}"}
)";

TEST(DeskTest, ARuleWithADeskIsARelayWithoutSayingSo) {
  Loaded loaded = load(kSmall);
  ASSERT_TRUE(loaded.program) << all_problems(loaded);
  EXPECT_EQ(all_problems(loaded), "");
  EXPECT_EQ(loaded.program->handoffs[0].mode, HandoffRule::Mode::Relay);
}

TEST(DeskTest, TheLastAgentThenWhoeverIsThereThenWhoeverIsOnDutyGetsATicket) {
  Loaded loaded = load(kSmall);
  ASSERT_TRUE(loaded.program);
  const auto& assign = loaded.program->handoffs[0].assign;
  ASSERT_EQ(assign.size(), 3u);
  EXPECT_EQ(assign[0].how, How::LastAgent);
  EXPECT_EQ(assign[1].condition->source(), "available and seen < 5m");
  EXPECT_EQ(assign[2].condition->source(), "available");
  EXPECT_FALSE(loaded.program->handoffs[0].queue);
  EXPECT_FALSE(loaded.program->handoffs[0].hours);
  EXPECT_EQ(loaded.program->desks[0].capacity, 1u);
}

TEST(DeskTest, ADefaultCommandGivesWayToTheScenariosOwn) {
  Loaded loaded = load(std::string(kSmall) + "commands:\n  figures: {on: [/Stats, цифры], go: start}\n");
  ASSERT_TRUE(loaded.program) << all_problems(loaded);
  const auto& words = loaded.program->desks[0].commands;
  EXPECT_EQ(words[static_cast<std::size_t>(Desk::Command::Stats)], "");
  EXPECT_EQ(words[static_cast<std::size_t>(Desk::Command::History)], fold("/history"));
}

TEST(DeskTest, AllCommandsCanBeSwitchedOffAtOnce) {
  Loaded loaded = load(std::string(kSmall) + "    commands: off\n");
  ASSERT_TRUE(loaded.program) << all_problems(loaded);
  EXPECT_THAT(loaded.program->desks[0].commands, testing::Each(IsEmpty()));
}

TEST(DeskTest, AnUnsetTokenIsANoteUnlessTheBotIsToRun) {
  unsetenv("SUFLER_TEST_UNSET");
  std::string text = kSmall;
  text.replace(text.find("SUFLER_TEST_TOKEN"), 17, "SUFLER_TEST_UNSET");
  Loaded checked = load(text);
  ASSERT_TRUE(checked.program);
  EXPECT_THAT(codes(checked), ElementsAre("S140"));
  EXPECT_EQ(checked.program->desks[0].token_variable, "SUFLER_TEST_UNSET");
  LoadOptions run;
  run.environment_must_be_set = true;
  Loaded ran = load(text, run);
  EXPECT_FALSE(ran.program);
  EXPECT_THAT(codes(ran), ElementsAre("S140"));
}

TEST(DeskTest, TopicsAreARoleThatTheConfigurationHas) {
  LoadOptions options;
  options.roles = {"support_group"};
  std::string text = kSmall;
  Loaded good = load(text + "    topics: support_group\n", options);
  EXPECT_EQ(all_problems(good), "");
  Loaded bad = load(text + "    topics: suport_group\n", options);
  EXPECT_THAT(codes(bad), ElementsAre("S206"));
}

TEST(DeskTest, OfAGroupWithTopicsItIsSaidWhoMayAnswer) {
  const std::string begin = R"(scenario: helpdesk
branches:
  start:
    - handoff: support
handoff:
  support: {desk: support}
desks:
  support: {)";
  Loaded named = load(begin + "topics: support_group, agents: staff}\n");
  ASSERT_TRUE(named.program) << all_problems(named);
  EXPECT_EQ(all_problems(named), "");
  EXPECT_EQ(named.program->desks[0].register_word, "");
  EXPECT_EQ(named.program->desks[0].topics, "support_group");
  EXPECT_EQ(named.program->desks[0].agents, "staff");
  // To be in the group gives no rights (RELIABILITY 4, 13).
  EXPECT_THAT(codes(load(begin + "topics: support_group}\n")), ElementsAre("S229"));
  const std::string registering = "register: {command: /join, token: \"${SUFLER_TEST_TOKEN}\"}";
  EXPECT_EQ(all_problems(load(begin + "topics: support_group, " + registering + "}\n")), "");
  EXPECT_THAT(codes(load(begin + "topics: support_group, agents: staff, " + registering + "}\n")), ElementsAre("S114"));
  EXPECT_THAT(codes(load(begin + "agents: staff, " + registering + "}\n")), ElementsAre("S142"));
  LoadOptions options;
  options.roles = {"support_group"};
  EXPECT_THAT(codes(load(begin + "topics: support_group, agents: support_gruop}\n", options)), ElementsAre("S206"));
}

TEST(DeskTest, ADeskThatGivesClientsBackToItselfIsFound) {
  const auto rule = [](const std::string& steps, const std::string& more) {
    return "scenario: helpdesk\nbranches:\n" + steps +
           "handoff:\n  support: {desk: support" + more + "}\ndesks:\n"
           "  support: {register: {command: /join, token: \"${SUFLER_TEST_TOKEN}\"}}\n";
  };
  const std::string hours = ", hours: {days: mon-fri, from: \"09:00\", to: \"18:00\", otherwise: closed}";
  EXPECT_THAT(codes(load(rule("  start:\n    - handoff: support\n  closed:\n    - say: Closed\n    - go: start\n", hours))),
              ElementsAre("S406"));
  EXPECT_THAT(codes(load(rule("  start:\n    - handoff: support\n      outcomes: {no_agents: start, closed: bye}\n  bye:\n    - say: Bye\n", ""))),
              ElementsAre("S407"));
  // What waits on the way, or may lead elsewhere, is no circle; nor is one that begins with another outcome.
  for (const char* on_the_way : {"    - ask: phone\n      text: Phone?\n", "    - wait: 1h\n", "    - end\n"}) {
    const std::string steps = "  start:\n    - handoff: support\n  closed:\n    - say: Closed\n" + std::string(on_the_way) +
                              (std::string(on_the_way) == "    - end\n" ? "" : "    - go: start\n");
    EXPECT_THAT(codes(load(rule(steps, hours))), testing::Not(testing::Contains("S406"))) << on_the_way;
  }
  EXPECT_EQ(all_problems(load(rule("  start:\n    - handoff: support\n      outcomes: {closed: start}\n", ""))), "");
  EXPECT_EQ(all_problems(load(rule("  start:\n    - handoff: support\n  closed:\n    - if: is_working_time('support')\n      then: start\n    - say: Closed\n", hours))), "");
}

TEST(DeskTest, ADeskThatIsReachedByTransferIsUsed) {
  const std::string second = "  sales:\n    register: {command: /register_sales, token: \"${SUFLER_TEST_TOKEN}\"}\n";
  Loaded by_transfer = load(kSmall + second);
  EXPECT_EQ(all_problems(by_transfer), "");
  std::string text = kSmall;
  Loaded without = load(text + "    commands: {transfer: off}\n" + second);
  EXPECT_THAT(codes(without), ElementsAre("S223"));
}

TEST(DeskTest, WhatStandsBehindARelayIsPlayedAndBehindSilenceIsNot) {
  Loaded relay = load(kSmall);
  EXPECT_EQ(all_problems(relay), "");
  const std::string silent = R"(scenario: helpdesk
branches:
  start:
    - handoff: people
OUTCOMES    - say: Goodbye.
handoff:
  people: {resume: {by_staff: /bot_on}}
)";
  const auto with = [&](const std::string& outcomes) {
    std::string text = silent;
    return load(text.replace(text.find("OUTCOMES"), 8, outcomes));
  };
  Loaded bare = with("");
  EXPECT_THAT(codes(bare), ElementsAre("S402"));
  Loaded jumps = with("      outcomes: {closed: start}\n");
  EXPECT_THAT(codes(jumps), ElementsAre("S402"));
  // Steps of an outcome go on behind the step.
  Loaded steps = with("      outcomes:\n        closed:\n          - say: Thanks.\n");
  EXPECT_EQ(all_problems(steps), "");
}

TEST(DeskTest, HoursOfSilenceMayHaveHolidaysToo) {
  Loaded loaded = load(R"(scenario: helpdesk
branches:
  start:
    - if: is_working_time()
      then:
        - handoff: people
handoff:
  people:
    hours: {from: "22:00", to: "06:00", holidays: 12-31, timezone: Europe/Samara}
)");
  ASSERT_TRUE(loaded.program) << all_problems(loaded);
  const auto& hours = *loaded.program->handoffs[0].hours;
  ASSERT_EQ(hours.holidays.size(), 1u);
  EXPECT_EQ(hours.holidays[0].month, 12u);
  EXPECT_TRUE(hours.zone);
  EXPECT_FALSE(hours.otherwise);
}

TEST(DeskTest, TheNameThatIsAskedForIsKnown) {
  const std::string uses = R"(scenario: helpdesk
branches:
  start:
    - handoff: support
    - say: "Goodbye, {{ user.name }}."
handoff:
  support: {desk: support, ask_name: ASK}
desks:
  support: {topics: group, agents: group}
)";
  const auto asking = [&](const char* answer) {
    std::string text = uses;
    return load(text.replace(text.find("ASK"), 3, answer));
  };
  Loaded asked = asking("yes");
  EXPECT_EQ(all_problems(asked), "");
  Loaded unasked = asking("no");
  EXPECT_THAT(codes(unasked), ElementsAre("S212"));
}

TEST(DeskTest, WhatTheBotTellsAgentsMayBeInTheAuthorsWords) {
  Loaded loaded = load(std::string(kSmall) +
                       "phrases:\n"
                       "  agent_ticket: \"No. {{ number }}, {{ client }}\"\n"
                       "  token_locked: \"Wait {{ minutes }} minutes.\"\n"
                       "  ticket_closed: \"No. {{ handoff.number }} is done.\"\n"
                       "  на_смене: You are on.\n");
  ASSERT_TRUE(loaded.program) << all_problems(loaded);
  EXPECT_EQ(all_problems(loaded), "");
}

TEST(DeskTest, ATextOfTheRuleIsSaidOfOnceHoweverManyStepsHandOver) {
  Loaded loaded = load(R"(scenario: helpdesk
branches:
  start:
    - choose: What is it about?
      options: {An order: order, Else: other, More: more}
  order:
    - ask: number
      text: Its number?
    - handoff: support
  other:
    - handoff: support
  more:
    - handoff: support
handoff:
  support: {desk: support, queue: "We look at {{ number }}."}
desks:
  support: {topics: group, agents: group}
)");
  EXPECT_THAT(codes(loaded), ElementsAre("S225"));
}

}  // namespace
}  // namespace sufler
