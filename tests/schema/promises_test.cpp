// `ensure`: what is proven, what is refuted, and by which talk (LANGUAGE 12 and 14).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "schema/loader.h"
#include "schema/render_common.h"

namespace sufler {
namespace {

/// What `check` says of a scenario's promises, a line each: the code and the way.
std::string said(const std::string& yaml, Language language = Language::English) {
  Loaded loaded = load_scenario_text({{"scenario.yaml", "scenario: test\nlanguage: en\n" + yaml}});
  std::string text;
  for (const Diagnostic& one : loaded.diagnostics.sorted()) {
    const std::string code(code_of(one.id));
    if (code == "S213") continue;
    text += code + " " + hint_of(one, loaded.sources, language) + "\n";
  }
  return text;
}

const std::string kQuestions =
    "questions:\n"
    "  kind: {text: \"Kind?\", type: choice, options: [courier, pickup]}\n"
    "  name: Name?\n"
    "  phone: {text: \"Phone?\", type: phone}\n"
    "  comment: {text: \"Anything else?\", optional: true}\n";
const std::string kPeople =
    "handoff:\n"
    "  people: {to: admins, resume: {words: [/bot], go: start}}\n";

// ---- before … answered

TEST(PromiseTest, WhatIsAskedOnEveryWayIsProven) {
  EXPECT_EQ(said("branches:\n"
                 "  start:\n"
                 "    - choose: What?\n"
                 "      options: {Order: order, Prices: prices}\n"
                 "  prices:\n"
                 "    - say: All for 5.\n"
                 "    - go: start\n"
                 "  order:\n"
                 "    - ask: [name, phone]\n"
                 "    - handoff: people\n" +
                 kQuestions + kPeople +
                 "ensure:\n"
                 "  - before: {handoff: people}\n"
                 "    answered: [name, phone]\n"),
            "");
}

TEST(PromiseTest, ALetterIsNamedByItsAddressAndAProgramByItsName) {
  const std::string yaml =
      "branches:\n"
      "  start:\n"
      "    - ask: [name, phone]\n"
      "    - mail: [shop@example.com, \"{{ name }}@example.com\"]\n"
      "      subject: Order\n"
      "      text: \"{{ name }}\"\n"
      "    - run: estimate\n"
      "    - ask: comment\n" +
      kQuestions + "ensure:\n";
  EXPECT_EQ(said(yaml +
                 "  - before: {mail: Shop@example.com}\n    answered: [name, phone]\n"
                 "  - before: {mail: \"{{ name }}@example.com\"}\n    answered: [name]\n"
                 "  - branch: start\n    reaches: [{mail: shop@example.com}]\n"
                 "  - before: {run: estimate}\n    answered: [phone]\n"),
            "");
  EXPECT_EQ(said(yaml + "  - before: {mail: shop@example.com}\n    answered: [comment]\n").substr(0, 4), "S410");
  EXPECT_EQ(said(yaml + "  - before: {mail: boss@example.com}\n    answered: [name]\n").substr(0, 4), "S232");
}

TEST(PromiseTest, AWayPastAQuestionIsShownAsATalk) {
  const std::string yaml =
      "branches:\n"
      "  start:\n"
      "    - choose: What?\n"
      "      options: {Order: order, Call me: call_me}\n"
      "  call_me:\n"
      "    - ask: name\n"
      "    - go: people\n"
      "  order:\n"
      "    - ask: [name, phone]\n"
      "    - go: people\n"
      "  people:\n"
      "    - handoff: people\n" +
      kQuestions + kPeople +
      "ensure:\n"
      "  - before: {handoff: people}\n"
      "    answered: [name, phone]\n";
  EXPECT_EQ(said(yaml),
            "S410 the person writes to the bot → `start` → presses «Call me» → `call_me` → answers `name` → `people` → "
            "`handoff: people` (scenario.yaml:14:7)\n");
  EXPECT_EQ(said(yaml, Language::Russian),
            "S410 человек пишет боту → `start` → нажимает «Call me» → `call_me` → отвечает на `name` → `people` → "
            "`handoff: people` (scenario.yaml:14:7)\n");
}

TEST(PromiseTest, ACommandLeadsPastQuestions) {
  EXPECT_EQ(said("branches:\n"
                 "  start:\n"
                 "    - ask: [name, phone]\n"
                 "    - go: person\n"
                 "  person:\n"
                 "    - handoff: people\n"
                 "commands:\n"
                 "  person: {on: [/person, person], go: person}\n" +
                 kQuestions + kPeople +
                 "ensure:\n"
                 "  - before: {handoff: people}\n"
                 "    answered: phone\n"),
            "S410 the person writes `/person` → `person` → `handoff: people` (scenario.yaml:8:7)\n");
}

TEST(PromiseTest, ASkippedQuestionIsNotAnsweredUnlessItHasADefault) {
  const auto with = [&](const std::string& question) {
    return said("branches:\n"
                "  start:\n"
                "    - ask: kind\n"
                "    - ask: address\n"
                "    - handoff: people\n" +
                kQuestions + "  address: " + question + "\n" + kPeople +
                "ensure:\n"
                "  - before: {handoff: people}\n"
                "    answered: [address]\n");
  };
  EXPECT_EQ(with("{text: \"Where to?\"}"), "");
  EXPECT_EQ(with("{text: \"Where to?\", optional: true}"),
            "S410 the person writes to the bot → `start` → answers `kind` → skips `address` → `handoff: people` "
            "(scenario.yaml:7:7)\n");
  EXPECT_EQ(with("{text: \"Where to?\", ask_when: kind == 'courier'}"),
            "S410 the person writes to the bot → `start` → answers `kind` → `kind == 'courier'` does not hold, `address` "
            "is not asked → `handoff: people` (scenario.yaml:7:7)\n");
  EXPECT_EQ(with("{text: \"Where to?\", optional: true, default: \"'the shop'\"}"), "");
}

TEST(PromiseTest, ConditionsThatHangTogetherAreUnderstood) {
  const auto with = [&](const std::string& steps) {
    return said("branches:\n"
                "  start:\n"
                "    - ask: kind\n" +
                steps + kQuestions + kPeople +
                "ensure:\n"
                "  - before: {handoff: people}\n"
                "    answered: phone\n");
  };
  EXPECT_EQ(with("    - ask: phone\n"
                 "      when: kind == 'courier'\n"
                 "    - handoff: people\n"
                 "      when: kind == 'courier'\n"),
            "");
  EXPECT_EQ(with("    - if: kind == 'courier'\n"
                 "      then: [ask: phone]\n"
                 "      else: [go: start]\n"
                 "    - handoff: people\n"),
            "");
  EXPECT_EQ(with("    - match: kind\n"
                 "      cases:\n"
                 "        courier: [ask: phone]\n"
                 "        pickup: start\n"
                 "    - handoff: people\n"),
            "");
  EXPECT_EQ(with("    - ask: phone\n"
                 "      when: kind == 'courier'\n"
                 "    - handoff: people\n"
                 "      when: phone\n"),
            "");
  EXPECT_EQ(with("    - ask: phone\n"
                 "      when: kind == 'courier'\n"
                 "    - handoff: people\n"
                 "      when: kind != 'pickup'\n"),
            "");
  EXPECT_NE(with("    - ask: phone\n"
                 "      when: kind == 'courier'\n"
                 "    - handoff: people\n"
                 "      when: kind == 'pickup'\n"),
            "");
}

TEST(PromiseTest, CallsComeBackToWhereTheyCameFrom) {
  EXPECT_EQ(said("branches:\n"
                 "  start:\n"
                 "    - choose: What?\n"
                 "      options: {Order: order, Look: look}\n"
                 "  look:\n"
                 "    - call: hello\n"
                 "    - go: start\n"
                 "  order:\n"
                 "    - ask: phone\n"
                 "    - call: hello\n"
                 "    - handoff: people\n"
                 "  hello:\n"
                 "    - say: Hello!\n" +
                 kQuestions + kPeople +
                 "ensure:\n"
                 "  - before: {handoff: people}\n"
                 "    answered: phone\n"),
            "");
  EXPECT_EQ(said("branches:\n"
                 "  start:\n"
                 "    - call: contacts\n"
                 "    - handoff: people\n"
                 "  contacts:\n"
                 "    - ask: [name, phone]\n" +
                 kQuestions + kPeople +
                 "ensure:\n"
                 "  - before: {handoff: people}\n"
                 "    answered: [name, phone]\n"),
            "");
}

TEST(PromiseTest, ATimeLimitTakesTheAnswerAway) {
  EXPECT_EQ(said("branches:\n"
                 "  start:\n"
                 "    - ask: name\n"
                 "      timeout: {after: 1h, go: late}\n"
                 "    - handoff: people\n"
                 "  late:\n"
                 "    - handoff: people\n" +
                 kQuestions + kPeople +
                 "ensure:\n"
                 "  - before: {handoff: people}\n"
                 "    answered: name\n"),
            "S410 the person writes to the bot → `start` → at `name` is silent for 1h → `late` → `handoff: people` "
            "(scenario.yaml:9:7)\n");
}

TEST(PromiseTest, APromiseAboutNothingIsSaid) {
  EXPECT_EQ(said("branches:\n"
                 "  start:\n"
                 "    - ask: [name, phone]\n" +
                 kQuestions +
                 "ensure:\n"
                 "  - before: {notify: admins}\n"
                 "    answered: name\n"),
            "S232 \n");
}

// ---- reaches

const std::string kMenu =
    "branches:\n"
    "  start:\n"
    "    - choose: What?\n"
    "      options: {Order: order, Prices: prices}\n"
    "  prices:\n"
    "    - say: All for 5.\n"
    "    - go: start\n"
    "  cancelled:\n"
    "    - say: Cancelled.\n"
    "    - go: start\n";
const std::string kReaches =
    "commands:\n"
    "  cancel: {on: /cancel, go: cancelled}\n"
    "ensure:\n"
    "  - branch: order\n"
    "    reaches: [{notify: admins}, cancelled]\n";

TEST(PromiseTest, EveryWayOfABranchMayReachAnotherOfTheList) {
  EXPECT_EQ(said(kMenu +
                 "  order:\n"
                 "    - ask: name\n"
                 "      timeout: {after: 24h, go: cancelled}\n"
                 "    - choose: Right?\n"
                 "      options: {Yes: send, Name: order, Phone: edit, Cancel: cancelled}\n"
                 "  edit:\n"
                 "    - ask: phone\n"
                 "    - choose: Right now?\n"
                 "      options: {Yes: send, No: edit}\n"
                 "  send:\n"
                 "    - notify: admins\n"
                 "      text: Order\n" +
                 kQuestions + kReaches),
            "");
}

TEST(PromiseTest, AWayThatEndsBeforeIsShown) {
  EXPECT_EQ(said(kMenu +
                 "  order:\n"
                 "    - ask: name\n"
                 "    - choose: Right?\n"
                 "      options: {Yes: send, No: bye}\n"
                 "  send:\n"
                 "    - notify: admins\n"
                 "      text: Order\n"
                 "  bye:\n"
                 "    - say: Bye!\n" +
                 kQuestions + kReaches),
            "S411 answers `name` → presses «No» → `bye` → the talk is over (scenario.yaml:21:7)\n");
}

TEST(PromiseTest, BackInTheMenuIsNoPlaceOfTheBranch) {
  EXPECT_EQ(said(kMenu +
                 "  order:\n"
                 "    - ask: name\n"
                 "    - choose: Right?\n"
                 "      options: {Yes: send, Menu: start}\n"
                 "  send:\n"
                 "    - notify: admins\n"
                 "      text: Order\n" +
                 kQuestions + kReaches),
            "S411 answers `name` → presses «Menu» → `start` → the bot waits in `start` (scenario.yaml:5:7)\n");
}

TEST(PromiseTest, AHelperThatAsksInTheMenuTooIsNoWayOut) {
  EXPECT_EQ(said("branches:\n"
                 "  start:\n"
                 "    - call: who\n"
                 "    - go: order\n"
                 "  who:\n"
                 "    - ask: name\n"
                 "  order:\n"
                 "    - call: who\n"
                 "    - notify: admins\n"
                 "      text: Order\n"
                 "  cancelled:\n"
                 "    - end\n" +
                 kQuestions + kReaches),
            "");
}

TEST(PromiseTest, ANoticeThatAConditionMaySkipIsNotReached) {
  EXPECT_EQ(said(kMenu +
                 "  order:\n"
                 "    - ask: [kind, name]\n"
                 "    - notify: admins\n"
                 "      text: Courier\n"
                 "      when: kind == 'courier'\n" +
                 kQuestions + kReaches),
            "S411 answers `kind` → answers `name` → `kind == 'courier'` does not hold → the talk is over "
            "(scenario.yaml:15:7)\n");
  EXPECT_EQ(said(kMenu +
                 "  order:\n"
                 "    - ask: [kind, name]\n"
                 "    - notify: admins\n"
                 "      text: Courier\n"
                 "      when: kind == 'courier'\n"
                 "    - notify: admins\n"
                 "      text: Pickup\n"
                 "      when: kind == 'pickup'\n" +
                 kQuestions + kReaches),
            "");
}

TEST(PromiseTest, ABranchThatIsCalledGoesOnBehindTheCall) {
  EXPECT_EQ(said("branches:\n"
                 "  start:\n"
                 "    - call: order\n"
                 "    - notify: admins\n"
                 "      text: Order\n"
                 "  order:\n"
                 "    - ask: name\n"
                 "  cancelled:\n"
                 "    - end\n" +
                 kQuestions + kReaches),
            "");
}

TEST(PromiseTest, ACircleWithoutAWayToItIsNoWay) {
  EXPECT_EQ(said(kMenu +
                 "  order:\n"
                 "    - choose: Size?\n"
                 "      options: {Small: order, Large: large}\n"
                 "  large:\n"
                 "    - choose: Really?\n"
                 "      options: {Yes: order, No: large}\n"
                 "commands:\n"
                 "  menu: {on: /menu, go: start}\n"
                 "  cancel: {on: /cancel, go: cancelled}\n" +
                 kQuestions +
                 "ensure:\n"
                 "  - branch: order\n"
                 "    reaches: cancelled\n"),
            "S411 the bot waits in `order` (scenario.yaml:14:7)\n");
}

// ---- what only may give an answer

const std::string kBeforePeople =
    "ensure:\n"
    "  - before: {handoff: people}\n"
    "    answered: [phone]\n";

TEST(PromiseTest, AnArgumentThatWasLeftOutIsNoAnswer) {
  const auto with = [](const std::string& guard) {
    return said("branches:\n"
                "  start:\n"
                "    - ask: phone\n"
                "    - go: order\n"
                "  order:\n" +
                guard +
                "    - handoff: people\n"
                "commands:\n"
                "  order: {on: /order, args: [phone], go: order}\n" +
                kQuestions + kPeople + kBeforePeople);
  };
  EXPECT_THAT(with(""), ::testing::StartsWith("S410 "));
  EXPECT_EQ(with("    - ask: phone\n      when: not phone\n"), "");
}

TEST(PromiseTest, ACallThatMayComeBackWithNothingIsNoAnswer) {
  const auto with = [](const std::string& result, const std::string& guard = "") {
    return said("branches:\n"
                "  start:\n"
                "    - call: look\n"
                "      into: phone\n" +
                guard +
                "    - handoff: people\n"
                "  look:\n"
                "    - ask: name\n" +
                result + kQuestions + kPeople + kBeforePeople);
  };
  EXPECT_THAT(with("    - return:\n      when: name == 'x'\n    - return: name\n"), ::testing::StartsWith("S410 "));
  EXPECT_THAT(with(""), ::testing::StartsWith("S410 "));
  EXPECT_EQ(with("    - return: name\n"), "");
  EXPECT_EQ(with("", "    - ask: phone\n      when: not phone\n"), "");
}

TEST(PromiseTest, AFieldThatTheTextDoesNotHaveIsNoAnswer) {
  const auto with = [](const std::string& guard) {
    return said("assistants:\n"
                "  helper: {instructions: Help., model: small}\n"
                "branches:\n"
                "  start:\n"
                "    - ask: name\n"
                "    - assistant: {name: helper, do: extract, into: [phone], text: \"{{ name }}\", otherwise: start}\n" +
                guard + "    - handoff: people\n" + kQuestions + kPeople + kBeforePeople);
  };
  EXPECT_THAT(with(""), ::testing::HasSubstr("S410 "));
  EXPECT_THAT(with("    - ask: phone\n      when: not phone\n"), ::testing::Not(::testing::HasSubstr("S410 ")));
}

}  // namespace
}  // namespace sufler
