#include "interpreter/core/decimal.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

// Coefficients are aligned and multiplied in 256 bits, so that an operation overflows only when its
// exact result does not fit: 34 + 34 digits need 226 bits.
namespace sufler {
namespace {

__extension__ using Wide = __int128;
__extension__ using Unsigned = unsigned __int128;

constexpr int kMaxDigits = 34;
constexpr int kMaxScale = 18;
constexpr int kDivisionScale = 12;

constexpr Unsigned power_of_ten(int exponent) {
  Unsigned power = 1;
  for (int i = 0; i < exponent; ++i) power *= 10;
  return power;
}
constexpr Unsigned kLimit = power_of_ten(kMaxDigits);  // the first magnitude that does not fit

struct Big {
  Unsigned high = 0;
  Unsigned low = 0;
  auto operator<=>(const Big&) const = default;
  bool is_zero() const { return high == 0 && low == 0; }
};

Unsigned magnitude(Wide value) {
  return value < 0 ? ~static_cast<Unsigned>(value) + 1 : static_cast<Unsigned>(value);
}

Big multiply_wide(Unsigned a, Unsigned b) {
  const Unsigned mask = ~static_cast<std::uint64_t>(0);
  const Unsigned a_low = a & mask;
  const Unsigned a_high = a >> 64;
  const Unsigned b_low = b & mask;
  const Unsigned b_high = b >> 64;
  const Unsigned low = a_low * b_low;
  const Unsigned middle1 = a_high * b_low + (low >> 64);
  const Unsigned middle2 = a_low * b_high + (middle1 & mask);
  return {a_high * b_high + (middle1 >> 64) + (middle2 >> 64), (middle2 << 64) | (low & mask)};
}

/// The caller sees to it that nothing is lost: at most 34 digits times 10^40.
Big scaled(Unsigned value, int exponent) {
  Big result = multiply_wide(value, power_of_ten(std::min(exponent, 36)));
  for (; exponent > 36; --exponent) {
    const Big low = multiply_wide(result.low, 10);
    result = {result.high * 10 + low.high, low.low};
  }
  return result;
}

Big plus(Big a, Big b) {
  const Unsigned low = a.low + b.low;
  return {a.high + b.high + (low < a.low ? 1 : 0), low};
}
Big minus(Big a, Big b) { return {a.high - b.high - (a.low < b.low ? 1 : 0), a.low - b.low}; }
Big doubled(Big a) { return {(a.high << 1) | (a.low >> 127), a.low << 1}; }

void divide_wide(Big dividend, Big divisor, Big& quotient, Big& remainder) {
  if (dividend.high == 0 && divisor.high == 0) {
    quotient = {0, dividend.low / divisor.low};
    remainder = {0, dividend.low % divisor.low};
    return;
  }
  quotient = {};
  remainder = {};
  for (int bit = 255; bit >= 0; --bit) {
    remainder = doubled(remainder);
    const Unsigned half = bit >= 128 ? dividend.high >> (bit - 128) : dividend.low >> bit;
    remainder.low |= half & 1;
    quotient = doubled(quotient);
    if (remainder >= divisor) {
      remainder = minus(remainder, divisor);
      quotient.low |= 1;
    }
  }
}

struct Sum {
  Big size;
  bool negative = false;
};

Sum signed_sum(Big a, bool a_negative, Big b, bool b_negative) {
  if (a_negative == b_negative) return {plus(a, b), a_negative};
  if (a >= b) return {minus(a, b), a_negative};
  return {minus(b, a), b_negative};
}

/// Lowest terms, or Overflow. The sign is put back last.
Result<Decimal, DecimalError> finish(Big size, bool negative, int scale) {
  const Big ten{0, 10};
  while (scale > 0) {
    if (size.is_zero()) return Decimal();
    Big quotient;
    Big remainder;
    divide_wide(size, ten, quotient, remainder);
    if (!remainder.is_zero()) break;
    size = quotient;
    --scale;
  }
  if (size.high != 0 || size.low >= kLimit || scale > kMaxScale)
    return Error{DecimalError::Overflow};
  const Wide value = static_cast<Wide>(size.low);
  return Decimal::make(negative ? -value : value, scale);
}

}  // namespace

Result<Decimal, DecimalError> Decimal::make(Wide coefficient, int scale) {
  if (scale < 0) {
    if (coefficient == 0) return Decimal();
    for (; scale < 0; ++scale) {
      if (magnitude(coefficient) >= kLimit) return Error{DecimalError::Overflow};
      coefficient *= 10;
    }
  }
  while (scale > 0 && coefficient % 10 == 0) {
    if (coefficient == 0) return Decimal();
    coefficient /= 10;
    --scale;
  }
  if (scale > kMaxScale || magnitude(coefficient) >= kLimit) return Error{DecimalError::Overflow};
  Decimal result;
  result.coefficient_ = coefficient;
  result.scale_ = static_cast<std::uint8_t>(scale);
  return result;
}

std::optional<Decimal> Decimal::parse(std::string_view text) {
  bool negative = false;
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
    negative = text[0] == '-';
    text.remove_prefix(1);
  }
  const std::size_t point = text.find('.');
  std::string_view whole = text.substr(0, point);
  std::string_view fraction = point == std::string_view::npos ? "" : text.substr(point + 1);
  const auto digits = [](std::string_view part) {
    return !part.empty() &&
           std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; });
  };
  if (!digits(whole) || (point != std::string_view::npos && !digits(fraction))) return std::nullopt;
  while (!fraction.empty() && fraction.back() == '0') fraction.remove_suffix(1);
  while (whole.size() > 1 && whole.front() == '0') whole.remove_prefix(1);
  if (whole.size() > kMaxDigits || fraction.size() > kMaxScale) return std::nullopt;
  Unsigned value = 0;
  for (const std::string_view part : {whole, fraction}) {
    for (const char c : part) {
      if (value >= kLimit / 10) {
        if (value * 10 >= kLimit) return std::nullopt;
      }
      value = value * 10 + static_cast<unsigned>(c - '0');
    }
  }
  const Wide coefficient = static_cast<Wide>(value);
  auto made = make(negative ? -coefficient : coefficient, static_cast<int>(fraction.size()));
  if (!made) return std::nullopt;
  return *made;
}

std::optional<Decimal> Decimal::from_double(double value) {
  if (!std::isfinite(value)) return std::nullopt;
  std::array<char, 512> buffer{};
  const auto end =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::fixed);
  if (end.ec != std::errc()) return std::nullopt;
  return parse({buffer.data(), static_cast<std::size_t>(end.ptr - buffer.data())});
}

std::string Decimal::to_string() const {
  std::array<char, 64> buffer{};
  std::size_t at = buffer.size();
  Unsigned rest = magnitude(coefficient_);
  int written = 0;
  while (rest != 0 || written <= scale_) {
    if (written == scale_ && scale_ > 0) buffer[--at] = '.';
    buffer[--at] = static_cast<char>('0' + static_cast<int>(rest % 10));
    rest /= 10;
    ++written;
  }
  if (coefficient_ < 0) buffer[--at] = '-';
  return {buffer.data() + at, buffer.size() - at};
}

double Decimal::to_double() const {
  const std::string text = to_string();
  double value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::optional<std::int64_t> Decimal::to_int64() const {
  if (scale_ != 0 || coefficient_ > INT64_MAX || coefficient_ < INT64_MIN) return std::nullopt;
  return static_cast<std::int64_t>(coefficient_);
}

Decimal Decimal::rounded(int digits) const {
  if (digits >= scale_) return *this;
  const int dropped = scale_ - digits;  // counts the tens of a negative `digits` as well
  if (dropped > kMaxDigits) return {};
  const Unsigned unit = power_of_ten(dropped);
  const Unsigned size = magnitude(coefficient_);
  Unsigned quotient = size / unit;
  if (size % unit >= unit - size % unit) ++quotient;
  const Wide value = static_cast<Wide>(quotient);
  auto made = make(coefficient_ < 0 ? -value : value, digits);
  return made ? *made : *this;
}

Decimal Decimal::negated() const {
  Decimal result = *this;
  result.coefficient_ = -result.coefficient_;
  return result;
}

Result<Decimal, DecimalError> add(const Decimal& a, const Decimal& b) {
  const int scale = std::max(a.scale_, b.scale_);
  const Sum sum =
      signed_sum(scaled(magnitude(a.coefficient_), scale - a.scale_), a.coefficient_ < 0,
                 scaled(magnitude(b.coefficient_), scale - b.scale_), b.coefficient_ < 0);
  return finish(sum.size, sum.negative, scale);
}

Result<Decimal, DecimalError> subtract(const Decimal& a, const Decimal& b) {
  return add(a, b.negated());
}

Result<Decimal, DecimalError> multiply(const Decimal& a, const Decimal& b) {
  return finish(multiply_wide(magnitude(a.coefficient_), magnitude(b.coefficient_)),
                (a.coefficient_ < 0) != (b.coefficient_ < 0), a.scale_ + b.scale_);
}

Result<Decimal, DecimalError> divide(const Decimal& a, const Decimal& b) {
  if (b.coefficient_ == 0) return Error{DecimalError::DivisionByZero};
  const Big dividend = scaled(magnitude(a.coefficient_), kDivisionScale + b.scale_);
  const Big divisor = scaled(magnitude(b.coefficient_), a.scale_);
  Big quotient;
  Big remainder;
  divide_wide(dividend, divisor, quotient, remainder);
  const Big twice = doubled(remainder);
  if (twice > divisor || (twice == divisor && (quotient.low & 1) != 0))
    quotient = plus(quotient, {0, 1});
  return finish(quotient, (a.coefficient_ < 0) != (b.coefficient_ < 0), kDivisionScale);
}

Result<Decimal, DecimalError> modulo(const Decimal& a, const Decimal& b) {
  if (b.coefficient_ == 0) return Error{DecimalError::DivisionByZero};
  const int scale = std::max(a.scale_, b.scale_);
  const Big divisor = scaled(magnitude(b.coefficient_), scale - b.scale_);
  Big quotient;
  Big remainder;
  divide_wide(scaled(magnitude(a.coefficient_), scale - a.scale_), divisor, quotient, remainder);
  if (!remainder.is_zero() && (a.coefficient_ < 0) != (b.coefficient_ < 0)) {
    remainder = minus(divisor, remainder);
  }
  return finish(remainder, b.coefficient_ < 0, scale);
}

std::strong_ordering operator<=>(const Decimal& a, const Decimal& b) {
  const bool a_negative = a.coefficient_ < 0;
  const bool b_negative = b.coefficient_ < 0;
  if (a_negative != b_negative)
    return a_negative ? std::strong_ordering::less : std::strong_ordering::greater;
  const int scale = std::max(a.scale_, b.scale_);
  const Big x = scaled(magnitude(a.coefficient_), scale - a.scale_);
  const Big y = scaled(magnitude(b.coefficient_), scale - b.scale_);
  return a_negative ? y <=> x : x <=> y;
}

}  // namespace sufler
