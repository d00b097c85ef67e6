#pragma once
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "interpreter/core/text.h"

namespace sufler {

/// Puts plausible data of nobody in the place of people's: the same for the same, so that a talk stays one.
/// Telephones, addresses of mail, long numbers of cards, and the names it is told. Shorter numbers stay: they are
/// orders, prices and sizes. Names are known in the form they are told in, not in other cases.
class Masker {
 public:
  explicit Masker(Language language) : language_(language) {}

  /// These words are somebody's name: the first a first name, the others last names. Gives what stands for it.
  std::string name(std::string_view real);
  std::string last_name(std::string_view real);
  std::string text(std::string_view real);
  std::string phone(std::string_view real);

 private:
  std::string word(std::string_view real, bool is_first);
  std::string names_in(std::string_view text) const;

  Language language_;
  std::map<std::string, std::string> words_, phones_, mails_, cards_;
  std::size_t first_names_ = 0, last_names_ = 0;
};

}  // namespace sufler
