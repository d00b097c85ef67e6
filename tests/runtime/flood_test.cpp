#include "interpreter/runtime/flood.h"

#include <gtest/gtest.h>

namespace sufler {
namespace {

Incoming word(int id, std::int64_t at_ms, const std::string& person = "7", const std::string& album = {}) {
  Incoming update;
  update.id = std::to_string(id);
  update.chat = {"telegram", person};
  update.person.id = person;
  UserMessage message;
  message.text = "word";
  message.album = album;
  update.event = Event{Moment{at_ms}, 0, message};
  return update;
}

class FloodGateTest : public ::testing::Test {
 protected:
  /// `+` heard, `!` told, nothing when passed over.
  std::string bring(std::vector<Incoming> updates) {
    passed_over += gate.hold_back("shop", updates);
    std::string verdicts;
    for (const Incoming& update : updates) verdicts += std::holds_alternative<TooMany>(update.event.what) ? '!' : '+';
    return verdicts;
  }

  FloodGate gate{FloodSettings{3, Duration{10'000}}};
  std::size_t passed_over = 0;
};

TEST_F(FloodGateTest, WhatIsTooMuchIsToldOnceAndThenPassedOver) {
  EXPECT_EQ(bring({word(1, 0), word(2, 1), word(3, 2), word(4, 3), word(5, 4), word(6, 5)}), "+++!");
  EXPECT_EQ(passed_over, 2u);
}

TEST_F(FloodGateTest, WhoeverGoesOnIsNotHeardAndNotToldAgain) {
  bring({word(1, 0), word(2, 0), word(3, 0), word(4, 0)});
  for (int second = 1; second < 60; ++second) EXPECT_EQ(bring({word(10 + second, second * 1000)}), "") << second;
}

TEST_F(FloodGateTest, WhoeverIsCalmIsHeardAgainAndToldAgain) {
  bring({word(1, 0), word(2, 0), word(3, 0), word(4, 0)});
  EXPECT_EQ(bring({word(5, 10'001), word(6, 10'001), word(7, 10'001), word(8, 10'001)}), "+++!");
}

TEST_F(FloodGateTest, WhoeverWaitsForAnswersIsHeardHoweverFast) {
  for (int i = 1; i <= 100; ++i) {
    EXPECT_EQ(bring({word(i, i)}), "+") << i;
    gate.answered("shop", {"telegram", "7"});
  }
  EXPECT_EQ(bring({word(201, 200), word(202, 200), word(203, 200), word(204, 200)}), "+++!");
  // Whoever floods is answered too; that ends nothing.
  gate.answered("shop", {"telegram", "7"});
  EXPECT_EQ(bring({word(205, 201)}), "");
}

TEST_F(FloodGateTest, OthersAreHeard) {
  bring({word(1, 0), word(2, 0), word(3, 0), word(4, 0)});
  EXPECT_EQ(bring({word(5, 0, "8")}), "+");
}

TEST_F(FloodGateTest, AnAlbumIsOneMessage) {
  EXPECT_EQ(bring({word(1, 0, "7", "a"), word(2, 0, "7", "a"), word(3, 0, "7", "a"), word(4, 0, "7", "a"),
                   word(5, 0, "7", "b"), word(6, 0, "7", "b")}),
            "++++++");
}

TEST_F(FloodGateTest, WhatComesAgainAfterAFailureIsJudgedAsBefore) {
  const std::vector<Incoming> batch = {word(1, 0), word(2, 0)};
  EXPECT_EQ(bring(batch), "++");
  EXPECT_EQ(bring(batch), "++");
  EXPECT_EQ(bring({word(3, 0)}), "+");
  EXPECT_EQ(bring({word(4, 0)}), "!");
  EXPECT_EQ(bring({word(4, 0)}), "!");
}

TEST_F(FloodGateTest, NothingIsHeldBackWithoutALimit) {
  gate = FloodGate(FloodSettings{0, Duration{10'000}});
  EXPECT_EQ(bring(std::vector<Incoming>(100, word(1, 0))), std::string(100, '+'));
}

}  // namespace
}  // namespace sufler
