#pragma once
#include <string>
#include <string_view>
#include <vector>

/// Personal data on its way to a model and back (RELIABILITY, abuse 35). The model sees `⟦phone⟧` where the value stood;
/// what it says with that name in it gets the value back.
namespace sufler {

class Masks {
 public:
  /// `comes_back` false: a secret, whose name stays in the model's words.
  void add(std::string_view name, std::string_view value, bool comes_back);
  bool empty() const { return all_.empty(); }
  /// Values are found as they are; of a phone or another number also in other spellings, by its last ten digits.
  std::string hide(std::string text) const;
  std::string show(std::string text) const;

 private:
  struct Mask {
    std::string name, value;
    std::string digits;  ///< of a long number: its last ten; empty otherwise
    bool comes_back = true;
  };
  std::vector<Mask> all_;  ///< the longest value first: one may hold another
};

}  // namespace sufler
