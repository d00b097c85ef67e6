#include "interpreter/transports/vk/buttons.h"

#include <gtest/gtest.h>

#include "interpreter/core/text.h"

namespace sufler::vk {
namespace {

std::string letters(std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += "ж";
  return text;
}

TEST(VkButtonsTest, ShowsFortyCodePointsOfALabel) {
  EXPECT_EQ(shown_label("Да"), "Да");
  EXPECT_EQ(shown_label(" два\nслова "), "два слова");
  EXPECT_EQ(shown_label(letters(40)), letters(40));
  EXPECT_EQ(shown_label(letters(41)), letters(39) + "…");
  EXPECT_EQ(count_code_points(shown_label(letters(400))), 40U);
}

TEST(VkButtonsTest, CarriesTheWholeLabelOnlyWhenItIsCut) {
  EXPECT_EQ(label_payload("Да"), "");
  EXPECT_EQ(label_payload(letters(41)), "{\"t\":\"" + letters(41) + "\"}");
  EXPECT_LE(label_payload(letters(400)).size(), kPayloadBytes);
  EXPECT_EQ(label_payload(letters(400)).substr(0, 6), "{\"t\":\"");
}

TEST(VkButtonsTest, CarriesAPressAsAnObject) {
  EXPECT_EQ(press_payload("17:2"), R"({"p":"17:2"})");
  EXPECT_EQ(press_payload(""), "");
  EXPECT_EQ(press_payload(std::string(300, 'x')), "");
}

TEST(VkButtonsTest, WritesAndReadsWhereAPressIsAnswered) {
  const PressPlace place{"ab:12", 42, 2'000'000'001};
  const auto read = PressPlace::parse(place.to_string());
  ASSERT_TRUE(read);
  EXPECT_EQ(read->event_id, "ab:12");
  EXPECT_EQ(read->user_id, 42);
  EXPECT_EQ(read->peer_id, 2'000'000'001);
  for (const char* odd : {"", ":", "a", "a:b", "a:b:c", ":1:2", "a:1:", "a::2"}) {
    EXPECT_FALSE(PressPlace::parse(odd)) << odd;
  }
}

}  // namespace
}  // namespace sufler::vk
