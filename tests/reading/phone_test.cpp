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

TEST(PhoneTest, TheNumberOfADocumentIsNoPhone) {
  for (const char* text : {"ИНН 7712345678", "мой ИНН: 9123456789", "7712345678 - это ИНН", "паспорт 9123 456789", "номер карты 9123456789",
                           "СНИЛС 912-345-678 90", "passport 9123456789", "инн девять один два три четыре пять шесть семь восемь девять"}) {
    EXPECT_EQ(read_phone(text), std::nullopt) << text;
    EXPECT_TRUE(read_phones(text).empty()) << text;
  }
  for (const char* text : {"ИНН 7712345678, телефон 8 912 345-67-89", "8 912 345-67-89, ИНН 7712345678", "заказ 9123456780, тел. 89123456789",
                           "тел. 89123456789, карта", "мой номер: 89123456789"})
    EXPECT_EQ(read_phone(text), "+79123456789") << text;
}

TEST(PhoneTest, ANumberThatNeedsAGuessIsOffered) {
  using Phones = std::vector<std::string>;
  for (const char* text : {"+7 8 912 345 67 89", "+7 (8) 912 345-67-89", "7 8 912 345 67 89", "мой +7 8 912 345 67 89", "по заказу 89123456789",
                           "заказ № 9123456789"}) {
    EXPECT_EQ(read_phone(text), std::nullopt) << text;
    EXPECT_EQ(read_phones(text), Phones{"+79123456789"}) << text;
  }
  // +7 771 … is of Kazakhstan; ten digits may as well be a number that lost one
  EXPECT_EQ(read_phone("7712345678"), std::nullopt);
  EXPECT_EQ(read_phones("7712345678"), Phones{"+77712345678"});
  EXPECT_EQ(read_phone("+7 771 234 56 78"), "+77712345678");
  EXPECT_EQ(read_phone("8 771 234 56 78"), "+77712345678");
}

}  // namespace
}  // namespace sufler
