#pragma once
#include <cstdint>

#include "interpreter/core/state.h"

/// What a place accepts, as one number that is stored with each dialog resting there: by it another version of the
/// scenario knows whether the question in front of a person is still the same (LANGUAGE 11). Texts never count.
namespace sufler {

/// 0: not known (stored by an older Sufler, or the dialog rests at no place).
class Expects {
 public:
  Expects() = default;
  explicit Expects(std::uint64_t number) : number_(number) {}
  Expects(std::uint8_t kind, bool optional, bool secret, std::uint64_t hash)
      : number_(std::uint64_t{kind} << 54 | std::uint64_t{optional} << 53 | std::uint64_t{secret} << 52 |
                (hash & ((std::uint64_t{1} << 52) - 1))) {}

  /// Fits a signed number of 64 bits.
  std::uint64_t number() const { return number_; }
  explicit operator bool() const { return number_ != 0; }
  /// The type of the question, or the verb where none is asked.
  std::uint8_t kind() const { return static_cast<std::uint8_t>(number_ >> 54); }
  bool optional() const { return (number_ >> 53 & 1) != 0; }
  bool secret() const { return (number_ >> 52 & 1) != 0; }
  friend bool operator==(const Expects&, const Expects&) = default;

 private:
  std::uint64_t number_ = 0;
};

Expects expects_of(const Program& program, StepId step, std::uint32_t question);
/// Of all questions that stand before in the row of the same `ask`; 0: there are none.
std::uint64_t expects_of_row(const Program& program, StepId step, std::uint32_t question);

/// Buttons that nobody waits at work for as long as they are seen, in another version, too: the step that shows the
/// same ones in the same branch. `hint`: where it stood. None when no step does.
StepId find_said(const Program& program, std::uint64_t mark, StepId hint);

/// Fills what Program keeps to find names and marks at once; the last thing that is done to it.
void index_names(Program& program);

}  // namespace sufler
