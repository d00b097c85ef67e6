#include "interpreter/core/reading/phone.h"

#include <gtest/gtest.h>

namespace sufler {
namespace {

// A mobile written plainly is read without the library; inside a sentence the library reads it. Both must say the
// same for every operator's code.
TEST(PhoneTest, APlainRussianMobileIsWhatTheLibraryReads) {
  for (int code = 900; code <= 999; ++code) {
    const std::string number = std::to_string(code) + "3456789";
    const auto in_a_sentence = read_phone("мой телефон +7" + number + ", звоните");
    EXPECT_EQ(read_phone("+7" + number), in_a_sentence) << number;
    EXPECT_EQ(read_phone("8 " + number), in_a_sentence) << number;
    EXPECT_EQ(read_phone(number), in_a_sentence) << number;
  }
}

TEST(PhoneTest, APlusBeforeEightIsNoRussianMobile) {
  EXPECT_NE(read_phone("+8 912 345-67-89"), "+79123456789");
}

TEST(PhoneTest, ADigitTooFewOrTooManyIsNoPhone) {
  EXPECT_EQ(read_phone("8 912 345-67-8"), std::nullopt);
  EXPECT_EQ(read_phone("8 912 345-67-890"), std::nullopt);
}

}  // namespace
}  // namespace sufler
