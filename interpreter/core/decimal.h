#pragma once
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "interpreter/core/result.h"

namespace sufler {

enum class DecimalError : std::uint8_t { Overflow, DivisionByZero };

/// An exact decimal: coefficient × 10^-scale, always in lowest terms (no trailing zeros in the
/// fraction), so equal numbers are equal bit by bit. Up to 34 digits in all, at most 18 after the point.
/// Arithmetic that leaves this range fails with Overflow; nothing is rounded silently, except
/// division, which keeps 12 digits after the point, half to even (LANGUAGE 14).
class Decimal {
 public:
  __extension__ using Wide = __int128;

  constexpr Decimal() = default;
  Decimal(std::int64_t integer) : coefficient_(integer) {}
  Decimal(int integer) : coefficient_(integer) {}

  /// Reads `-12`, `12.5`, `+0.10`; no exponent, no spaces, decimal point only.
  static std::optional<Decimal> parse(std::string_view text);
  /// For numbers of JSON and of the platforms: the shortest decimal that reads back as `value`.
  static std::optional<Decimal> from_double(double value);
  static Result<Decimal, DecimalError> make(Wide coefficient, int scale);

  /// Shortest canonical form with a point: `-12.5`. Never an exponent.
  std::string to_string() const;
  double to_double() const;
  bool is_integer() const { return scale_ == 0; }
  /// The value when it is an integer that fits.
  std::optional<std::int64_t> to_int64() const;
  /// Half-up (away from zero), to `digits` after the point; negative digits round tens, hundreds, …
  Decimal rounded(int digits) const;
  int scale() const { return scale_; }
  bool is_zero() const { return coefficient_ == 0; }
  bool is_negative() const { return coefficient_ < 0; }
  Decimal negated() const;

  friend Result<Decimal, DecimalError> add(const Decimal& a, const Decimal& b);
  friend Result<Decimal, DecimalError> subtract(const Decimal& a, const Decimal& b);
  friend Result<Decimal, DecimalError> multiply(const Decimal& a, const Decimal& b);
  friend Result<Decimal, DecimalError> divide(const Decimal& a, const Decimal& b);
  /// Remainder with the sign of the divisor (floored), so that `-1 % 7` is 6.
  friend Result<Decimal, DecimalError> modulo(const Decimal& a, const Decimal& b);

  friend bool operator==(const Decimal& a, const Decimal& b) = default;
  friend std::strong_ordering operator<=>(const Decimal& a, const Decimal& b);

 private:
  Wide coefficient_ = 0;
  std::uint8_t scale_ = 0;
};

// Again outside the class, so that plain integers may be operands.
Result<Decimal, DecimalError> add(const Decimal& a, const Decimal& b);
Result<Decimal, DecimalError> subtract(const Decimal& a, const Decimal& b);
Result<Decimal, DecimalError> multiply(const Decimal& a, const Decimal& b);
Result<Decimal, DecimalError> divide(const Decimal& a, const Decimal& b);
Result<Decimal, DecimalError> modulo(const Decimal& a, const Decimal& b);

}  // namespace sufler
