#pragma once
#include <cstdint>
#include <string_view>

namespace sufler {

/// FNV-1a of 64 bits: for marks that outlive the process, so what is added in which order must stay as it is. Not
/// for anything that somebody wants to forge.
class Fnv1a {
 public:
  Fnv1a& bytes(std::string_view all) {
    for (const char c : all) number(static_cast<unsigned char>(c));
    return *this;
  }
  Fnv1a& number(std::uint64_t one) {
    value_ = (value_ ^ one) * 0x100000001b3ULL;
    return *this;
  }
  std::uint64_t value() const { return value_; }

 private:
  std::uint64_t value_ = 0xcbf29ce484222325ULL;
};

}  // namespace sufler
