#include "interpreter/runtime/dispatcher.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace sufler {
namespace {

/// Keeps every call until the test says what became of it; time passes only when the test says so.
class ScriptedCourier : public Courier {
 public:
  void deliver(std::string_view, const ChatAddress& chat, const ApiCall& call,
               std::function<void(Outcome)> done) override {
    under_way.push_back({chat.chat_id + ":" + call.body, std::move(done)});
    sent.push_back(chat.chat_id + ":" + call.body);
  }
  void later(Duration delay, std::function<void()> job) override { postponed.push_back({delay, std::move(job)}); }

  void answer(const std::string& what, Outcome outcome) {
    for (auto one = under_way.begin(); one != under_way.end(); ++one) {
      if (one->first != what) continue;
      auto done = std::move(one->second);
      under_way.erase(one);
      done(std::move(outcome));
      return;
    }
    FAIL() << what << " is not under way";
  }
  void pass_time() {
    auto jobs = std::move(postponed);
    postponed.clear();
    for (auto& [delay, job] : jobs) job();
  }

  std::vector<std::pair<std::string, std::function<void(Outcome)>>> under_way;
  std::vector<std::pair<Duration, std::function<void()>>> postponed;
  std::vector<std::string> sent;
};

OutboxRow row(std::int64_t id, const std::string& chat, const std::string& body) {
  OutboxRow made;
  made.id = id;
  made.bot = "shop";
  made.chat = {"telegram", chat};
  made.call.method = "sendMessage";
  made.call.body = body;
  return made;
}

Outcome outcome(Outcome::Kind kind, std::int64_t after_ms = 0) {
  Outcome made;
  made.kind = kind;
  made.after.ms = after_ms;
  made.reason = "reason";
  return made;
}

class DispatcherTest : public ::testing::Test {
 protected:
  DispatcherTest()
      : dispatcher(courier, {[this](std::string_view, Settled one) { settled.push_back(std::move(one)); },
                             [this](std::string_view, const ChatAddress& chat) { unreachable.push_back(chat.chat_id); },
                             [](std::string_view, const ChatAddress&, const std::string&) {}}) {}

  void add(std::vector<OutboxRow> rows) { dispatcher.add(std::move(rows)); }

  ScriptedCourier courier;
  std::vector<Settled> settled;
  std::vector<std::string> unreachable;
  Dispatcher dispatcher;
};

using Sent = std::vector<std::string>;

TEST_F(DispatcherTest, SendsOneAfterAnotherWithinAChatAndInParallelOverChats) {
  add({row(1, "a", "1"), row(2, "a", "2"), row(3, "b", "1")});
  EXPECT_EQ(courier.sent, (Sent{"a:1", "b:1"}));
  courier.answer("a:1", outcome(Outcome::Kind::Sent));
  EXPECT_EQ(courier.sent, (Sent{"a:1", "b:1", "a:2"}));
}

TEST_F(DispatcherTest, DigestsOfDifferentDialogsToOneChatDoNotWaitForEachOther) {
  OutboxRow first = row(1, "admin", "1"), second = row(2, "admin", "2"), third = row(3, "admin", "3");
  first.dialog_id = 7;
  second.dialog_id = 8;
  third.dialog_id = 7;
  add({first, second, third});
  EXPECT_EQ(courier.sent, (Sent{"admin:1", "admin:2"}));
  courier.answer("admin:1", outcome(Outcome::Kind::Sent));
  EXPECT_EQ(courier.sent, (Sent{"admin:1", "admin:2", "admin:3"}));
}

TEST_F(DispatcherTest, ARefusalForNowHoldsTheChatWhicheverDialogSpeaksToIt) {
  OutboxRow first = row(1, "admin", "1"), second = row(2, "admin", "2");
  first.dialog_id = 7;
  second.dialog_id = 8;
  add({first});
  courier.answer("admin:1", outcome(Outcome::Kind::Retry, 5'000));
  add({second});
  EXPECT_EQ(courier.sent, (Sent{"admin:1"}));
  courier.pass_time();
  EXPECT_EQ(courier.sent.size(), 3U);
  courier.answer("admin:1", outcome(Outcome::Kind::Sent));
  courier.answer("admin:2", outcome(Outcome::Kind::Sent));
  EXPECT_EQ(dispatcher.pending(), 0U);
}

TEST_F(DispatcherTest, TellsWhatBecameOfEachRow) {
  add({row(1, "a", "1"), row(2, "b", "1")});
  courier.answer("a:1", outcome(Outcome::Kind::Sent));
  courier.answer("b:1", outcome(Outcome::Kind::Failed));
  ASSERT_EQ(settled.size(), 2U);
  EXPECT_EQ(settled[0].outbox_id, 1);
  EXPECT_TRUE(settled[0].drop);
  EXPECT_FALSE(settled[0].letter.has_value());
  ASSERT_TRUE(settled[1].letter.has_value());
  EXPECT_EQ(settled[1].letter->reason, "reason");
  EXPECT_EQ(dispatcher.pending(), 0U);
}

TEST_F(DispatcherTest, ARefusalForNowHoldsOnlyItsChatAndKeepsTheOrder) {
  add({row(1, "a", "1"), row(2, "a", "2"), row(3, "b", "1"), row(4, "b", "2")});
  courier.answer("a:1", outcome(Outcome::Kind::Retry, 37'000));
  courier.answer("b:1", outcome(Outcome::Kind::Sent));
  EXPECT_EQ(courier.sent, (Sent{"a:1", "b:1", "b:2"}));
  ASSERT_EQ(courier.postponed.size(), 1U);
  EXPECT_EQ(courier.postponed[0].first.ms, 37'000);
  courier.pass_time();
  courier.answer("a:1", outcome(Outcome::Kind::Sent));
  EXPECT_EQ(courier.sent, (Sent{"a:1", "b:1", "b:2", "a:1", "a:2"}));
}

TEST_F(DispatcherTest, ARefusalOfTheWholeBotHoldsEveryChat) {
  add({row(1, "a", "1"), row(2, "b", "1"), row(3, "b", "2")});
  Outcome flood = outcome(Outcome::Kind::Retry, 5'000);
  flood.whole_bot = true;
  courier.answer("a:1", flood);
  courier.answer("b:1", outcome(Outcome::Kind::Sent));
  add({row(4, "c", "1")});
  EXPECT_EQ(courier.sent, (Sent{"a:1", "b:1"}));
  courier.pass_time();
  EXPECT_EQ(courier.sent.size(), 5U);
  courier.answer("a:1", outcome(Outcome::Kind::Sent));
  courier.answer("b:2", outcome(Outcome::Kind::Sent));
  courier.answer("c:1", outcome(Outcome::Kind::Sent));
  EXPECT_EQ(dispatcher.pending(), 0U);
}

TEST_F(DispatcherTest, ARefusalOfTheWholeBotLeavesItsOtherPlatformAlone) {
  OutboxRow elsewhere = row(2, "b", "1");
  elsewhere.chat.transport = "another";
  OutboxRow later = row(3, "c", "1");
  later.chat.transport = "another";
  add({row(1, "a", "1"), elsewhere});
  Outcome flood = outcome(Outcome::Kind::Retry, 5'000);
  flood.whole_bot = true;
  courier.answer("a:1", flood);
  add({later, row(4, "d", "1")});
  EXPECT_EQ(courier.sent, (Sent{"a:1", "b:1", "c:1"}));
  courier.pass_time();
  EXPECT_EQ(courier.sent, (Sent{"a:1", "b:1", "c:1", "a:1", "d:1"}));
}

TEST_F(DispatcherTest, ALostAnswerIsRepeatedWhenThePolicySaysSo) {
  add({row(1, "a", "1")});
  courier.answer("a:1", outcome(Outcome::Kind::Unknown));
  courier.pass_time();
  EXPECT_EQ(courier.sent, (Sent{"a:1", "a:1"}));
}

TEST_F(DispatcherTest, ALostAnswerIsNotRepeatedWhenThePolicyForbidsIt) {
  OutboxRow once = row(1, "a", "1");
  once.resend = ResendPolicy::Never;
  add({once, row(2, "a", "2")});
  courier.answer("a:1", outcome(Outcome::Kind::Unknown));
  ASSERT_EQ(settled.size(), 1U);
  EXPECT_FALSE(settled[0].drop);
  EXPECT_EQ(settled[0].state, OutboxRow::State::Unknown);
  EXPECT_EQ(courier.sent, (Sent{"a:1", "a:2"}));
}

TEST_F(DispatcherTest, ALostAnswerIsGivenUpAfterAFewRepeats) {
  add({row(1, "a", "1")});
  for (std::uint32_t i = 0; i < Dispatcher::kMaxUnknown; ++i) {
    courier.answer("a:1", outcome(Outcome::Kind::Unknown));
    courier.pass_time();
  }
  ASSERT_EQ(settled.size(), 1U);
  EXPECT_EQ(settled[0].state, OutboxRow::State::Unknown);
  EXPECT_EQ(courier.sent.size(), Dispatcher::kMaxUnknown);
}

TEST_F(DispatcherTest, ARefusalForGoodLetsTheNextMessageOfTheChatGoOn) {
  add({row(1, "a", "1"), row(2, "a", "2")});
  courier.answer("a:1", outcome(Outcome::Kind::Failed));
  EXPECT_EQ(courier.sent, (Sent{"a:1", "a:2"}));
}

TEST_F(DispatcherTest, ABlockedBotIsToldToTheEngine) {
  add({row(1, "a", "1")});
  Outcome blocked = outcome(Outcome::Kind::Failed);
  blocked.unreachable = true;
  courier.answer("a:1", blocked);
  EXPECT_EQ(unreachable, (Sent{"a"}));
}

TEST_F(DispatcherTest, AMovedChatKeepsTheOrderOfItsRows) {
  add({row(1, "a", "1"), row(2, "a", "2")});
  Outcome moved = outcome(Outcome::Kind::Retry);
  moved.moved_to = "z";
  courier.answer("a:1", moved);
  courier.pass_time();
  EXPECT_EQ(courier.sent, (Sent{"a:1", "z:1"}));
  courier.answer("z:1", outcome(Outcome::Kind::Sent));
  EXPECT_EQ(courier.sent, (Sent{"a:1", "z:1", "a:2"}));
  courier.answer("a:2", outcome(Outcome::Kind::Sent));
  EXPECT_EQ(dispatcher.pending(), 0U);
}

TEST_F(DispatcherTest, OfSeveralRefusalsTheLongestHolds) {
  add({row(1, "a", "1"), row(2, "b", "1")});
  Outcome flood = outcome(Outcome::Kind::Retry, 5'000);
  flood.whole_bot = true;
  courier.answer("a:1", flood);
  flood.after.ms = 37'000;
  courier.answer("b:1", flood);
  ASSERT_EQ(courier.postponed.size(), 2U);
  const auto longest = std::move(courier.postponed[1]);
  EXPECT_EQ(longest.first.ms, 37'000);
  courier.postponed.pop_back();
  courier.pass_time();
  EXPECT_EQ(courier.sent.size(), 2U);
  longest.second();
  EXPECT_EQ(courier.sent, (Sent{"a:1", "b:1", "a:1", "b:1"}));
}

TEST_F(DispatcherTest, ARefusalOfTheWholeBotHoldsItWhicheverCallWasTold) {
  OutboxRow press = row(1, "a", "press");
  press.call.ordered = false;
  add({press});
  Outcome flood = outcome(Outcome::Kind::Retry, 5'000);
  flood.whole_bot = true;
  courier.answer("a:press", flood);
  add({row(2, "b", "1")});
  EXPECT_EQ(courier.sent, (Sent{"a:press"}));
  courier.pass_time();
  EXPECT_EQ(courier.sent, (Sent{"a:press", "a:press", "b:1"}));
}

TEST_F(DispatcherTest, OnlyLostAnswersMakeARowUnknown) {
  add({row(1, "a", "1")});
  for (std::uint32_t i = 0; i < Dispatcher::kMaxUnknown; ++i) {
    courier.answer("a:1", outcome(Outcome::Kind::Retry, 1'000));
    courier.pass_time();
  }
  courier.answer("a:1", outcome(Outcome::Kind::Unknown));
  EXPECT_TRUE(settled.empty());
  courier.pass_time();
  courier.answer("a:1", outcome(Outcome::Kind::Sent));
  ASSERT_EQ(settled.size(), 1U);
  EXPECT_TRUE(settled[0].drop);
}

TEST_F(DispatcherTest, WhatIsUnderWayWhenTheLeadIsLostIsNotMadeAgainWhenItComesBack) {
  add({row(1, "a", "1"), row(2, "a", "2")});
  dispatcher.forget("shop");
  add({row(1, "a", "1"), row(2, "a", "2")});
  EXPECT_EQ(courier.sent, (Sent{"a:1"}));
  courier.answer("a:1", outcome(Outcome::Kind::Retry, 1'000));
  courier.pass_time();
  courier.answer("a:1", outcome(Outcome::Kind::Sent));
  EXPECT_EQ(courier.sent, (Sent{"a:1", "a:1", "a:2"}));
}

TEST_F(DispatcherTest, WhatWasUnderWayIsLeftToOthersWhenTheLeadStaysLost) {
  add({row(1, "a", "1"), row(2, "a", "2"), row(3, "b", "1")});
  dispatcher.forget("shop");
  courier.answer("a:1", outcome(Outcome::Kind::Unknown));
  courier.answer("b:1", outcome(Outcome::Kind::Sent));
  courier.pass_time();
  EXPECT_EQ(courier.sent, (Sent{"a:1", "b:1"}));
  ASSERT_EQ(settled.size(), 1U);
  EXPECT_EQ(settled[0].outbox_id, 3);
  EXPECT_EQ(dispatcher.pending(), 0U);
}

TEST_F(DispatcherTest, ARowThatComesBackIsNotSentByWhatItsFirstLifePutOff) {
  add({row(1, "a", "1")});
  courier.answer("a:1", outcome(Outcome::Kind::Unknown));
  dispatcher.forget("shop");
  add({row(1, "a", "1")});
  EXPECT_EQ(courier.sent, (Sent{"a:1", "a:1"}));
  courier.pass_time();
  EXPECT_EQ(courier.sent, (Sent{"a:1", "a:1"}));
}

TEST_F(DispatcherTest, ALimitOutlivesTheLead) {
  add({row(1, "a", "1")});
  courier.answer("a:1", outcome(Outcome::Kind::Retry, 37'000));
  dispatcher.forget("shop");
  add({row(1, "a", "1")});
  EXPECT_EQ(courier.sent, (Sent{"a:1"}));
  courier.pass_time();
  EXPECT_EQ(courier.sent, (Sent{"a:1", "a:1"}));
}

TEST_F(DispatcherTest, AChatRestsAfterACallThatHolds) {
  OutboxRow typing = row(1, "a", "typing");
  typing.call.hold.ms = 2'000;
  add({typing, row(2, "a", "text")});
  courier.answer("a:typing", outcome(Outcome::Kind::Sent));
  EXPECT_EQ(courier.sent, (Sent{"a:typing"}));
  ASSERT_EQ(courier.postponed.size(), 1U);
  EXPECT_EQ(courier.postponed[0].first.ms, 2'000);
  courier.pass_time();
  EXPECT_EQ(courier.sent, (Sent{"a:typing", "a:text"}));
}

TEST_F(DispatcherTest, AnAnswerToAPressWaitsForNobody) {
  OutboxRow press = row(2, "a", "press");
  press.call.ordered = false;
  add({row(1, "a", "1"), press});
  EXPECT_EQ(courier.sent, (Sent{"a:1", "a:press"}));
}

TEST_F(DispatcherTest, NothingLeavesAfterStop) {
  add({row(1, "a", "1"), row(2, "a", "2")});
  dispatcher.stop();
  courier.answer("a:1", outcome(Outcome::Kind::Sent));
  EXPECT_EQ(courier.sent, (Sent{"a:1"}));
}

}  // namespace
}  // namespace sufler
