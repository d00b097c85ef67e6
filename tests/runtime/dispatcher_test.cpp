#include "interpreter/runtime/dispatcher.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "interpreter/runtime/pacer.h"

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

TEST_F(DispatcherTest, WhatCarriesAMessageOfATicketTellsItsCopyOrThatThereIsNone) {
  OutboxRow first = row(1, "a", "1"), second = row(2, "b", "1"), third = row(3, "c", "1");
  for (OutboxRow* one : {&first, &second, &third}) one->ticket_message = 10 + one->id;
  first.dialog_id = 7;
  add({first, second, third, row(4, "d", "1")});
  Outcome sent = outcome(Outcome::Kind::Sent);
  sent.message_id = "900";
  courier.answer("a:1", sent);
  Outcome blocked = outcome(Outcome::Kind::Failed);
  blocked.unreachable = true;
  courier.answer("b:1", blocked);
  courier.answer("c:1", outcome(Outcome::Kind::Failed));
  courier.answer("d:1", sent);
  ASSERT_EQ(settled.size(), 4U);
  ASSERT_TRUE(settled[0].notice);
  EXPECT_EQ(settled[0].notice->message_id, "900");
  EXPECT_EQ(settled[0].notice->dialog_id, 7);
  EXPECT_EQ(settled[0].notice->ticket_message, 11);
  EXPECT_EQ(settled[1].ticket_message, 12);
  EXPECT_TRUE(settled[1].unreachable);
  EXPECT_EQ(settled[1].reason, "reason");
  EXPECT_FALSE(settled[1].notice);
  EXPECT_EQ(settled[2].ticket_message, 13);
  EXPECT_FALSE(settled[2].unreachable);
  EXPECT_EQ(settled[3].ticket_message, 0);
  EXPECT_FALSE(settled[3].notice) << "nobody asks what it is about";
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

TEST_F(DispatcherTest, TellsWhyAMessageDidNotGetThere) {
  add({row(1, "a", "1"), row(2, "-5#45", "1"), row(3, "b", "1")});
  Outcome refused = outcome(Outcome::Kind::Failed);
  refused.unreachable = true;
  courier.answer("a:1", refused);
  refused.unreachable = false;
  refused.topic_gone = true;
  courier.answer("-5#45:1", refused);
  courier.answer("b:1", outcome(Outcome::Kind::Failed));
  ASSERT_EQ(settled.size(), 3U);
  EXPECT_TRUE(settled[0].unreachable && !settled[0].topic_gone);
  EXPECT_TRUE(!settled[1].unreachable && settled[1].topic_gone);
  EXPECT_FALSE(settled[2].unreachable || settled[2].topic_gone);
}

TEST_F(DispatcherTest, ATopicOfWhichNobodyKnowsWhetherItWasMadeIsGivenUpWithALetter) {
  OutboxRow topic = row(1, "-5", "1");
  topic.ticket_message = -7;
  add({topic});
  for (std::uint32_t i = 0; i < Dispatcher::kMaxUnknown; ++i) {
    courier.answer("-5:1", outcome(Outcome::Kind::Unknown));
    courier.pass_time();
  }
  ASSERT_EQ(settled.size(), 1U);
  EXPECT_TRUE(settled[0].letter);
  EXPECT_EQ(settled[0].ticket_message, -7);
}

TEST_F(DispatcherTest, ARefusalForNowHoldsAllTopicsOfTheGroup) {
  add({row(1, "-5#45", "1"), row(2, "-6#45", "1")});
  courier.answer("-5#45:1", outcome(Outcome::Kind::Retry, 5'000));
  add({row(3, "-5#46", "1"), row(4, "-5", "1"), row(5, "-6#46", "1")});
  EXPECT_EQ(courier.sent, (Sent{"-5#45:1", "-6#45:1", "-6#46:1"}));
  courier.pass_time();
  EXPECT_EQ(courier.sent.size(), 6U);
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

// ---- the pace

/// Time as the test says.
class ManualClock : public Clock {
 public:
  Moment now() const override { return {1'700'000'000'000 + passed}; }
  std::chrono::milliseconds monotonic() const override { return std::chrono::milliseconds(passed); }
  std::int64_t passed = 5'000;
};

/// A platform that answers at once, and notes when each call was made.
class QuickPlatform : public Courier {
 public:
  explicit QuickPlatform(ManualClock& time) : clock(time) {}
  void deliver(std::string_view, const ChatAddress& chat, const ApiCall& call,
               std::function<void(Outcome)> done) override {
    made.push_back({clock.passed, chat.chat_id, call.body});
    Outcome what;
    if (const auto found = refusals.find(chat.chat_id + ":" + call.body); found != refusals.end()) {
      what = found->second;
      refusals.erase(found);
    }
    done(what);
  }
  void later(Duration delay, std::function<void()> job) override {
    jobs.emplace(std::pair(clock.passed + delay.ms, ++serial), std::move(job));
  }
  /// Lets time pass, and whatever falls due in it happen.
  void pass(std::int64_t ms) {
    const std::int64_t end = clock.passed + ms;
    while (!jobs.empty() && jobs.begin()->first.first <= end) {
      auto next = jobs.extract(jobs.begin());
      clock.passed = next.key().first;
      next.mapped()();
    }
    clock.passed = end;
  }
  std::vector<std::int64_t> times(const std::string& chat) const {
    std::vector<std::int64_t> found;
    for (const Call& one : made)
      if (one.chat == chat) found.push_back(one.at);
    return found;
  }
  std::vector<std::string> bodies(const std::string& chat) const {
    std::vector<std::string> found;
    for (const Call& one : made)
      if (one.chat == chat) found.push_back(one.body);
    return found;
  }

  struct Call {
    std::int64_t at = 0;
    std::string chat, body;
  };
  ManualClock& clock;
  std::vector<Call> made;
  std::map<std::string, Outcome> refusals;
  std::map<std::pair<std::int64_t, int>, std::function<void()>> jobs;
  int serial = 0;
};

class PaceTest : public ::testing::Test {
 protected:
  PaceTest()
      : dispatcher(platform,
                   {[this](std::string_view, Settled one) { settled.push_back(std::move(one)); },
                    [](std::string_view, const ChatAddress&) {},
                    [](std::string_view, const ChatAddress&, const std::string&) {}},
                   clock) {}

  /// One a second beyond three at once; groups ("-…") five in ten seconds; the bot eight a second.
  static SendingLimits limits() {
    SendingLimits limits;
    limits.chat_burst = 3;
    limits.chat_interval = Duration{1'000};
    limits.group = {5, Duration{10'000}};
    limits.bot = {8, Duration{1'000}};
    limits.is_group = [](std::string_view chat) { return chat.starts_with('-'); };
    return limits;
  }
  std::vector<OutboxRow> rows(const std::string& chat, int count) {
    std::vector<OutboxRow> made;
    for (int i = 1; i <= count; ++i) made.push_back(row(++id, chat, std::to_string(i)));
    return made;
  }
  /// As digests of many dialogs go to one chat: none waits for another's answer.
  std::vector<OutboxRow> digests(const std::string& chat, int count) {
    std::vector<OutboxRow> made = rows(chat, count);
    for (OutboxRow& one : made) one.dialog_id = one.id;
    return made;
  }

  ManualClock clock;
  QuickPlatform platform{clock};
  std::vector<Settled> settled;
  std::int64_t id = 0;
  Dispatcher dispatcher;
};

using Times = std::vector<std::int64_t>;

TEST_F(PaceTest, AChatGetsAShortBurstAndThenOneMessageASecondInOrder) {
  dispatcher.keep_to("shop", "telegram", limits());
  dispatcher.add(rows("a", 6));
  EXPECT_EQ(dispatcher.waiting().for_chats, 1u) << "the first of those that wait";
  platform.pass(60'000);
  EXPECT_EQ(platform.times("a"), (Times{5'000, 5'000, 5'000, 6'000, 7'000, 8'000}));
  EXPECT_EQ(platform.bodies("a"), (Sent{"1", "2", "3", "4", "5", "6"}));
  EXPECT_EQ(dispatcher.pending(), 0u);
  EXPECT_EQ(dispatcher.waiting().for_chats, 0u);
}

TEST_F(PaceTest, AChatThatWasQuietHasItsBurstAgain) {
  dispatcher.keep_to("shop", "telegram", limits());
  dispatcher.add(rows("a", 4));
  platform.pass(10'000);
  platform.made.clear();
  dispatcher.add(rows("a", 3));
  EXPECT_EQ(platform.times("a"), (Times{15'000, 15'000, 15'000}));
}

TEST_F(PaceTest, AChatThatWaitsDelaysNoOther) {
  dispatcher.keep_to("shop", "telegram", limits());
  dispatcher.add(rows("a", 100));
  dispatcher.add(rows("b", 2));
  EXPECT_EQ(platform.times("b"), (Times{5'000, 5'000}));
  platform.pass(1'000);
  dispatcher.add(rows("c", 3));
  EXPECT_EQ(platform.times("c"), (Times{6'000, 6'000, 6'000}));
}

TEST_F(PaceTest, AGroupGetsNoMoreThanItsLimitInAnyMinute) {
  dispatcher.keep_to("shop", "telegram", limits());
  dispatcher.add(digests("-100", 12));
  platform.pass(60'000);
  const Times times = platform.times("-100");
  ASSERT_EQ(times.size(), 12u);
  EXPECT_EQ(times, (Times{5'000, 5'000, 5'000, 6'000, 7'000, 15'000, 15'000, 15'000, 16'000, 17'000, 25'000, 25'000}));
}

TEST_F(PaceTest, TheBotAsAWholeKeepsItsPaceAndChatsTakeTurns) {
  SendingLimits only_bot;
  only_bot.bot = {8, Duration{1'000}};
  dispatcher.keep_to("shop", "telegram", only_bot);
  std::vector<OutboxRow> all = digests("admin", 50);
  for (char chat = 'a'; chat <= 'j'; ++chat)
    for (OutboxRow& one : rows(std::string(1, chat), 2)) all.push_back(std::move(one));
  dispatcher.add(std::move(all));
  EXPECT_EQ(platform.made.size(), 8u);
  EXPECT_GT(dispatcher.waiting().for_bot, 0u);
  platform.pass(60'000);
  ASSERT_EQ(platform.made.size(), 70u);
  for (std::size_t i = 8; i < platform.made.size(); ++i)
    EXPECT_GE(platform.made[i].at - platform.made[i - 8].at, 1'000) << i;
  // Ten people and the admin take turns: nobody waits for the admin's fifty.
  for (char chat = 'a'; chat <= 'j'; ++chat)
    EXPECT_LE(platform.times(std::string(1, chat)).back(), 5'000 + 4'000) << chat;
  EXPECT_EQ(platform.made.back().at, 5'000 + 8'000) << "and nothing is wasted";
}

TEST_F(PaceTest, ExpendableCallsNeitherWaitNorCount) {
  dispatcher.keep_to("shop", "telegram", limits());
  dispatcher.add(rows("a", 4));
  OutboxRow press = row(++id, "a", "press"), typing = row(++id, "b", "typing");
  press.call.ordered = false;
  press.call.expendable = typing.call.expendable = true;
  dispatcher.add({press, typing});
  EXPECT_EQ(platform.bodies("a"), (Sent{"1", "2", "3", "press"}));
  dispatcher.add(rows("b", 3));
  EXPECT_EQ(platform.bodies("b"), (Sent{"typing", "1", "2", "3"}));
}

TEST_F(PaceTest, ARefusalDelaysOnlyTheChatItNames) {
  dispatcher.keep_to("shop", "telegram", limits());
  platform.refusals["a:1"] = outcome(Outcome::Kind::Retry, 20'000);
  dispatcher.add(rows("a", 2));
  dispatcher.add(rows("b", 5));
  platform.pass(60'000);
  EXPECT_EQ(platform.times("a"), (Times{5'000, 25'000, 25'000}));
  EXPECT_EQ(platform.bodies("a"), (Sent{"1", "1", "2"}));
  EXPECT_EQ(platform.times("b"), (Times{5'000, 5'000, 5'000, 6'000, 7'000}));
}

TEST_F(PaceTest, AfterARefusalOfTheWholeBotItStillKeepsItsPace) {
  dispatcher.keep_to("shop", "telegram", limits());
  Outcome flood = outcome(Outcome::Kind::Retry, 10'000);
  flood.whole_bot = true;
  platform.refusals["a:1"] = flood;
  dispatcher.add(rows("a", 1));
  for (int person = 0; person < 40; ++person) dispatcher.add(rows("p" + std::to_string(person), 1));
  platform.pass(9'999);
  EXPECT_EQ(platform.made.size(), 1u);
  platform.pass(60'000);
  ASSERT_EQ(platform.made.size(), 42u);
  for (std::size_t i = 8; i < platform.made.size(); ++i)
    EXPECT_GE(platform.made[i].at - platform.made[i - 8].at, 1'000) << i;
}

TEST_F(PaceTest, AMessageSentAgainCountsAgain) {
  dispatcher.keep_to("shop", "telegram", limits());
  platform.refusals["a:3"] = outcome(Outcome::Kind::Unknown, 500);
  dispatcher.add(rows("a", 3));
  platform.pass(60'000);
  EXPECT_EQ(platform.times("a"), (Times{5'000, 5'000, 5'000, 6'000}));
}

TEST_F(PaceTest, PlatformsAndBotsDoNotCountForEachOther) {
  dispatcher.keep_to("shop", "telegram", limits());
  dispatcher.keep_to("school", "telegram", limits());
  dispatcher.add(rows("a", 3));
  std::vector<OutboxRow> of_vk = rows("a", 20), of_school = rows("a", 3);
  for (OutboxRow& one : of_vk) one.chat.transport = "vk";
  for (OutboxRow& one : of_school) one.bot = "school";
  dispatcher.add(std::move(of_vk));
  dispatcher.add(std::move(of_school));
  EXPECT_EQ(platform.made.size(), 26u);
}

TEST_F(PaceTest, WithdrawnRowsTakeNobodysTurn) {
  dispatcher.keep_to("shop", "telegram", limits());
  dispatcher.add(rows("a", 5));
  dispatcher.withdraw({4});
  platform.pass(60'000);
  EXPECT_EQ(platform.bodies("a"), (Sent{"1", "2", "3", "5"}));
  EXPECT_EQ(platform.times("a").back(), 6'000);
  EXPECT_EQ(dispatcher.pending(), 0u);
}

TEST_F(PaceTest, WhatWaitsIsLeftToWhoeverLeadsNow) {
  dispatcher.keep_to("shop", "telegram", limits());
  dispatcher.add(rows("a", 5));
  dispatcher.forget("shop");
  EXPECT_EQ(dispatcher.pending(), 0u);
  EXPECT_EQ(dispatcher.waiting().for_chats, 0u);
  platform.pass(60'000);
  EXPECT_EQ(platform.made.size(), 3u);
  // Back again: what was said before still counts.
  dispatcher.add({row(4, "a", "4"), row(5, "a", "5")});
  platform.pass(60'000);
  EXPECT_EQ(platform.bodies("a"), (Sent{"1", "2", "3", "4", "5"}));
}

TEST_F(PaceTest, WhoeverStopsIsToldWhenTheFirstOfWhatWaitsWouldGo) {
  dispatcher.keep_to("shop", "telegram", limits());
  EXPECT_EQ(dispatcher.rests_until(), std::nullopt) << "nothing waits";
  dispatcher.add(digests("-100", 7));
  EXPECT_EQ(dispatcher.rests_until(), std::chrono::milliseconds(6'000));
  platform.pass(2'000);
  EXPECT_EQ(dispatcher.rests_until(), std::chrono::milliseconds(15'000));
  platform.refusals["b:1"] = outcome(Outcome::Kind::Retry, 1'000);
  dispatcher.add(rows("b", 1));
  EXPECT_EQ(dispatcher.rests_until(), std::nullopt) << "one waits because it was refused";
}

TEST_F(PaceTest, NothingWaitsWhereNoLimitIsKnown) {
  dispatcher.keep_to("shop", "telegram", SendingLimits{});
  dispatcher.add(rows("a", 500));
  EXPECT_EQ(platform.made.size(), 500u);
}

TEST(PacerTest, ForgetsChatsThatHaveLongBeenQuiet) {
  SendingLimits limits;
  limits.chat_burst = 3;
  limits.chat_interval = Duration{1'000};
  limits.group = {20, Duration{60'000}};
  limits.is_group = [](std::string_view chat) { return chat.starts_with('-'); };
  Pacer pacer(limits);
  std::int64_t now = 0;
  for (int person = 0; person < 100'000; ++person, now += 10) {
    pacer.enter(std::make_shared<OutboxRow>(row(person, (person % 2 == 0 ? "-" : "") + std::to_string(person), "x")), now);
    ASSERT_EQ(pacer.take(now, [](const OutboxRow&) { return false; }).size(), 1u);
  }
  // Groups are remembered for a minute, which is three thousand of them.
  EXPECT_LT(pacer.chats(), 10'000u);
}

}  // namespace
}  // namespace sufler
