#include "interpreter/core/decimal.h"

#include <gtest/gtest.h>

namespace sufler {
namespace {

Decimal number(std::string_view text) {
  const auto parsed = Decimal::parse(text);
  EXPECT_TRUE(parsed) << text;
  return parsed.value_or(Decimal());
}

std::string shown(const Result<Decimal, DecimalError>& result) {
  if (result) return result->to_string();
  return result.error() == DecimalError::Overflow ? "overflow" : "division by zero";
}

TEST(DecimalTest, ReadsAndWritesTheCanonicalForm) {
  EXPECT_EQ(number("12").to_string(), "12");
  EXPECT_EQ(number("-12.50").to_string(), "-12.5");
  EXPECT_EQ(number("+0.10").to_string(), "0.1");
  EXPECT_EQ(number("-0").to_string(), "0");
  EXPECT_EQ(number("007").to_string(), "7");
  EXPECT_EQ(number("0.000000000000000001").to_string(), "0.000000000000000001");
  EXPECT_EQ(number("9999999999999999999999999999999999").to_string(),
            "9999999999999999999999999999999999");
}

TEST(DecimalTest, RefusesWhatIsNoPlainNumber) {
  for (const char* text : {"", "-", ".5", "5.", "1e3", "1 000", "1,5", "0x1", "--1", "1.2.3",
                           "10000000000000000000000000000000000", "0.0000000000000000001"}) {
    EXPECT_FALSE(Decimal::parse(text)) << text;
  }
}

TEST(DecimalTest, EqualNumbersAreEqualBitByBit) {
  EXPECT_EQ(number("1.50"), number("1.5"));
  EXPECT_EQ(*add(number("0.7"), number("0.3")), Decimal(1));
  EXPECT_TRUE((*add(number("0.7"), number("0.3"))).is_integer());
}

TEST(DecimalTest, CountsExactly) {
  EXPECT_EQ(shown(add(number("0.1"), number("0.2"))), "0.3");
  EXPECT_EQ(shown(subtract(number("1"), number("1.000000000000000001"))), "-0.000000000000000001");
  EXPECT_EQ(shown(multiply(number("19.99"), number("-3"))), "-59.97");
  EXPECT_EQ(shown(multiply(number("5000000000000000000000000000000000"), number("0.5"))),
            "2500000000000000000000000000000000");
  EXPECT_EQ(
      shown(add(number("9999999999999999.000000000000000001"), number("0.999999999999999999"))),
      "10000000000000000");
}

TEST(DecimalTest, OverflowsInsteadOfRounding) {
  EXPECT_EQ(shown(add(number("9999999999999999999999999999999999"), Decimal(1))), "overflow");
  EXPECT_EQ(shown(multiply(number("0.0000000001"), number("0.0000000001"))), "overflow");
  EXPECT_EQ(shown(multiply(number("99999999999999999999"), number("99999999999999999999"))),
            "overflow");
}

TEST(DecimalTest, DividesToTwelveDigitsHalfToEven) {
  EXPECT_EQ(shown(divide(1, 3)), "0.333333333333");
  EXPECT_EQ(shown(divide(2, 3)), "0.666666666667");
  EXPECT_EQ(shown(divide(-2, 3)), "-0.666666666667");
  EXPECT_EQ(shown(divide(1, 8)), "0.125");
  EXPECT_EQ(shown(divide(number("0.000000000001"), 2)), "0");
  EXPECT_EQ(shown(divide(number("0.000000000003"), 2)), "0.000000000002");
  EXPECT_EQ(shown(divide(number("9999999999999999999999999999999999"), number("0.5"))), "overflow");
  EXPECT_EQ(shown(divide(1, 0)), "division by zero");
}

TEST(DecimalTest, TakesTheRemainderWithTheSignOfTheDivisor) {
  EXPECT_EQ(shown(modulo(-1, 7)), "6");
  EXPECT_EQ(shown(modulo(1, -7)), "-6");
  EXPECT_EQ(shown(modulo(number("5.5"), 2)), "1.5");
  EXPECT_EQ(shown(modulo(-7, 7)), "0");
  EXPECT_EQ(shown(modulo(1, 0)), "division by zero");
}

TEST(DecimalTest, RoundsHalfAwayFromZero) {
  EXPECT_EQ(number("2.5").rounded(0), Decimal(3));
  EXPECT_EQ(number("-2.5").rounded(0), Decimal(-3));
  EXPECT_EQ(number("2.449").rounded(1).to_string(), "2.4");
  EXPECT_EQ(number("1250").rounded(-2), Decimal(1300));
  EXPECT_EQ(number("49").rounded(-2), Decimal(0));
  EXPECT_EQ(number("5").rounded(-40), Decimal(0));
  EXPECT_EQ(number("1.5").rounded(40).to_string(), "1.5");
}

TEST(DecimalTest, ComparesByValue) {
  EXPECT_LT(number("-1"), number("-0.5"));
  EXPECT_LT(number("1.9"), number("1.91"));
  EXPECT_GT(number("9999999999999999999999999999999999"), number("0.000000000000000001"));
}

TEST(DecimalTest, ConvertsDoublesByTheirShortestForm) {
  EXPECT_EQ(Decimal::from_double(0.1)->to_string(), "0.1");
  EXPECT_EQ(Decimal::from_double(-1e15)->to_string(), "-1000000000000000");
  EXPECT_FALSE(Decimal::from_double(1e300));
  EXPECT_FALSE(Decimal::from_double(0.0 / 0.0));
  EXPECT_DOUBLE_EQ(number("-12.5").to_double(), -12.5);
}

TEST(DecimalTest, GivesIntegersThatFit) {
  EXPECT_EQ(number("-9223372036854775808").to_int64(), INT64_MIN);
  EXPECT_FALSE(number("9223372036854775808").to_int64());
  EXPECT_FALSE(number("1.5").to_int64());
}

}  // namespace
}  // namespace sufler
