#include "interpreter/runtime/growing.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "runtime/plain_renderer.h"

namespace sufler {
namespace {

class ManualClock : public Clock {
 public:
  Moment now() const override { return {1'700'000'000'000 + passed}; }
  std::chrono::milliseconds monotonic() const override { return std::chrono::milliseconds(passed); }
  std::int64_t passed = 5'000;
};

/// Answers at once unless it is told to keep the calls; time passes when the test says so.
class Platform : public Courier {
 public:
  explicit Platform(ManualClock& time) : clock(time) {}
  void deliver(std::string_view bot, const ChatAddress& chat, const ApiCall& call, std::function<void(Outcome)> done) override {
    made.push_back(std::string(bot) + "/" + chat.chat_id + " " + call.method + (call.body.empty() ? "" : ": " + call.body));
    Outcome outcome;
    if (const auto found = refusals.find(call.method); found != refusals.end()) outcome = found->second;
    if (call.method == "send" && outcome.kind == Outcome::Kind::Sent) outcome.message_id = std::to_string(++last_id);
    if (keeps) return kept.push_back([done, outcome] { done(outcome); });
    done(outcome);
  }
  void later(Duration delay, std::function<void()> job) override {
    jobs.emplace(std::pair(clock.passed + delay.ms, ++serial), std::move(job));
  }
  void pass(std::int64_t ms) {
    const std::int64_t end = clock.passed + ms;
    while (!jobs.empty() && jobs.begin()->first.first <= end) {
      auto next = jobs.extract(jobs.begin());
      clock.passed = next.key().first;
      next.mapped()();
    }
    clock.passed = end;
  }
  void answer_kept() {
    auto all = std::move(kept);
    kept.clear();
    for (const auto& one : all) one();
  }
  std::vector<std::string> take() { return std::exchange(made, {}); }

  ManualClock& clock;
  std::vector<std::string> made;
  std::map<std::string, Outcome> refusals;  ///< by method
  bool keeps = false;
  std::vector<std::function<void()>> kept;
  std::multimap<std::pair<std::int64_t, int>, std::function<void()>> jobs;
  int serial = 0, last_id = 0;
};

/// Edits what begins as the message does.
class EditingRenderer : public PlainRenderer {
 public:
  ApiCall render_typing(const ChatAddress&) const override { return call("typing", ""); }
  ApiCall render_growing(const ChatAddress&, const std::string& text, const std::string& id) const override {
    if (!edits) return {};
    return id.empty() ? call("send", text) : call("edit", id + " " + text);
  }
  ApiCall render_grown(const ApiCall& last, const std::string& text, const std::string& id) const override {
    if (!last.body.starts_with(text)) return {};
    return call("edit", id + " " + last.body);
  }
  ApiCall render_removal(const ChatAddress&, const std::string& id) const override { return call("remove", id); }

  bool edits = true;

 private:
  static ApiCall call(std::string method, std::string body) {
    ApiCall one;
    one.method = std::move(method);
    one.body = std::move(body);
    return one;
  }
};

class GrowingTest : public ::testing::Test {
 protected:
  GrowingTest() { growing.lead("shop", true); }

  static DialogKey anna(const std::string& chat = "anna") { return {"shop", {"telegram", chat}, "anna"}; }
  void begin(std::int64_t job = 1, const DialogKey& whose = anna()) {
    growing.begun(job, "shop", whose);
    growing.grew(job, {});
  }
  /// What the bot says through the outbox.
  Outcome say(const std::string& text, const std::string& chat = "anna") {
    ApiCall call;
    call.method = "send";
    call.body = text;
    Outcome became;
    growing.deliver("shop", {"telegram", chat}, call, [&](const Outcome& outcome) { became = outcome; ++said; });
    return became;
  }
  using Calls = std::vector<std::string>;

  ManualClock clock;
  Platform platform{clock};
  EditingRenderer renderer;
  GrowingAnswers growing{platform, [this](std::string_view, std::string_view) { return &renderer; }, clock, GrowingAnswers::Settings{}};
  int said = 0;
};

TEST_F(GrowingTest, WhoWaitsSeesTypingUntilTheResultIsThere) {
  begin();
  platform.pass(900);
  EXPECT_EQ(platform.take(), Calls()) << "most results are there by then";
  platform.pass(12'100);
  EXPECT_EQ(platform.take(), (Calls{"shop/anna typing", "shop/anna typing", "shop/anna typing"}));
  growing.ended(1);
  platform.pass(60'000);
  EXPECT_EQ(platform.take(), Calls());
}

TEST_F(GrowingTest, AJobThatNobodyWaitsForIsNotShown) {
  growing.begun(1, "shop", anna());
  platform.pass(60'000);
  EXPECT_EQ(platform.take(), Calls());
}

TEST_F(GrowingTest, AnAnswerGrowsAtItsPaceAndBecomesWhatTheBotSays) {
  begin();
  growing.grew(1, "One.");
  growing.grew(1, "One. Two.");
  platform.pass(1'000);
  growing.grew(1, "One. Two. Three.");
  platform.pass(1'400);
  EXPECT_EQ(platform.take(), (Calls{"shop/anna send: One. Two. …"}));
  platform.pass(100);
  EXPECT_EQ(platform.take(), (Calls{"shop/anna edit: 1 One. Two. Three. …"}));
  platform.pass(3'000);
  EXPECT_EQ(platform.take(), Calls()) << "nothing new";
  growing.ended(1);
  EXPECT_EQ(say("One. Two. Three. Four.").message_id, "1");
  EXPECT_EQ(platform.take(), (Calls{"shop/anna edit: 1 One. Two. Three. Four."}));
  // What follows is a message of its own.
  say("Bye");
  platform.pass(60'000);
  EXPECT_EQ(platform.take(), (Calls{"shop/anna send: Bye"}));
}

TEST_F(GrowingTest, SomethingElseThatTheBotSaysTakesTheGrownMessageAwayFirst) {
  begin();
  growing.grew(1, "One.");
  platform.pass(1'000);
  platform.take();
  say("The menu");
  EXPECT_EQ(platform.take(), (Calls{"shop/anna remove: 1", "shop/anna send: The menu"}));
  // The job goes on behind the menu, and does not begin a message again.
  growing.grew(1, "One. Two.");
  platform.pass(1'500);
  EXPECT_EQ(platform.take(), (Calls{"shop/anna typing"}));
  growing.ended(1);
  say("One. Two.");
  EXPECT_EQ(platform.take(), (Calls{"shop/anna send: One. Two."}));
}

TEST_F(GrowingTest, WhatTheBotSaysWaitsForACallThatIsUnderWay) {
  begin();
  growing.grew(1, "One.");
  platform.keeps = true;
  platform.pass(1'000);
  growing.ended(1);
  say("One. Two.");
  say("Three.");
  EXPECT_EQ(platform.take(), (Calls{"shop/anna send: One. …"}));
  platform.answer_kept();
  EXPECT_EQ(platform.take(), (Calls{"shop/anna edit: 1 One. Two."}));
  EXPECT_EQ(said, 0);
  platform.answer_kept();
  EXPECT_EQ(platform.take(), (Calls{"shop/anna send: Three."}));
  platform.answer_kept();
  EXPECT_EQ(said, 2);
}

TEST_F(GrowingTest, AGrownMessageThatIsGoneIsSentAnew) {
  begin();
  growing.grew(1, "One.");
  platform.pass(1'000);
  growing.ended(1);
  platform.take();
  platform.refusals["edit"].kind = Outcome::Kind::Failed;
  EXPECT_EQ(say("One. Two.").message_id, "2");
  EXPECT_EQ(platform.take(), (Calls{"shop/anna edit: 1 One. Two.", "shop/anna send: One. Two."}));
  EXPECT_EQ(said, 1);
}

TEST_F(GrowingTest, ALastFormThatIsRefusedForNowIsTriedAgainAsAnEdit) {
  begin();
  growing.grew(1, "One.");
  platform.pass(1'000);
  growing.ended(1);
  platform.take();
  platform.refusals["edit"].kind = Outcome::Kind::Retry;
  EXPECT_EQ(say("One. Two.").kind, Outcome::Kind::Retry);
  platform.refusals.clear();
  EXPECT_EQ(say("One. Two.").kind, Outcome::Kind::Sent);
  EXPECT_EQ(platform.take(), (Calls{"shop/anna edit: 1 One. Two.", "shop/anna edit: 1 One. Two."}));
}

TEST_F(GrowingTest, APlatformThatHasEnoughOfItIsLeftAlone) {
  Outcome refused;
  refused.kind = Outcome::Kind::Retry;
  refused.after = Duration{20'000};
  platform.refusals["edit"] = refused;
  begin();
  growing.grew(1, "One.");
  platform.pass(1'000);
  growing.grew(1, "One. Two.");
  platform.pass(1'500);
  growing.grew(1, "One. Two. Three.");
  begin(2, {"shop", {"telegram", "boris"}, "boris"});
  growing.grew(2, "Hello.");
  platform.pass(10'000);
  EXPECT_EQ(platform.take(), (Calls{"shop/anna send: One. …", "shop/anna edit: 1 One. Two. …"}));
  platform.refusals.clear();
  growing.ended(1);
  say("One. Two. Three.");
  platform.take();
  platform.pass(11'500);
  EXPECT_EQ(platform.take(), (Calls{"shop/boris send: Hello. …"}));
}

TEST_F(GrowingTest, WhatIsLeftOfAnAnswerThatNeverCameIsTakenAway) {
  begin();
  growing.grew(1, "One.");
  platform.pass(1'000);
  growing.ended(1);
  platform.take();
  platform.pass(14'000);
  EXPECT_EQ(platform.take(), Calls());
  platform.pass(2'000);
  EXPECT_EQ(platform.take(), (Calls{"shop/anna remove: 1"}));
}

TEST_F(GrowingTest, ASecondRoundGrowsInTheSameMessage) {
  begin();
  growing.grew(1, "One moment.");
  platform.pass(1'000);
  growing.ended(1);
  begin(2);
  growing.grew(2, "It costs $5.");
  platform.pass(20'000);
  EXPECT_EQ(platform.take(), (Calls{"shop/anna send: One moment. …", "shop/anna edit: 1 It costs $5. …"}));
  growing.ended(2);
  say("It costs $5. Bye.");
  EXPECT_EQ(platform.take(), (Calls{"shop/anna edit: 1 It costs $5. Bye."}));
}

TEST_F(GrowingTest, OnlyTypingIsSeenInGroupsAndWhereAnotherProcessSends) {
  begin(1, anna("group"));
  growing.grew(1, "One.");
  platform.pass(1'000);
  EXPECT_EQ(platform.take(), (Calls{"shop/group typing"}));
  growing.ended(1);
  growing.lead("shop", false);
  begin(2);
  growing.grew(2, "One.");
  platform.pass(1'000);
  EXPECT_EQ(platform.take(), (Calls{"shop/anna typing"}));
}

TEST_F(GrowingTest, WhereNothingIsEditedThereIsTyping) {
  renderer.edits = false;
  begin();
  growing.grew(1, "One.");
  platform.pass(1'000);
  EXPECT_EQ(platform.take(), (Calls{"shop/anna typing"}));
}

TEST_F(GrowingTest, ManyAtOnceTakeNoMoreThanTheirShareOfCalls) {
  for (std::int64_t job = 1; job <= 100; ++job) begin(job, {"shop", {"telegram", std::to_string(job)}, std::to_string(job)});
  platform.pass(1'000);
  EXPECT_EQ(platform.take().size(), 10U);
}

TEST_F(GrowingTest, AStopTakesAwayWhatIsNotWhole) {
  begin();
  growing.grew(1, "One.");
  platform.pass(1'000);
  platform.take();
  growing.stop();
  growing.grew(1, "One. Two.");
  platform.pass(60'000);
  EXPECT_EQ(platform.take(), (Calls{"shop/anna remove: 1"}));
}

}  // namespace
}  // namespace sufler
