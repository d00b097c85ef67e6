#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sufler::reading {

/// A word, a run of digits or one mark of a short text. What the readers look at.
struct Token {
  enum class Kind : std::uint8_t { Word, Digits, Mark };
  Kind kind = Kind::Mark;
  std::string text;  ///< a word normalised (russian.md 1), digits as ASCII, a mark as ASCII
  bool space_before = false;  ///< the first token has it, too
  bool upper = false;         ///< the word began with a capital letter
  std::size_t begin = 0;      ///< bytes of the text in NFC
  std::size_t end = 0;

  bool is_word() const { return kind == Kind::Word; }
  bool is_word(std::string_view word) const { return kind == Kind::Word && text == word; }
  bool is_digits() const { return kind == Kind::Digits; }
  bool is_mark(std::string_view mark) const { return kind == Kind::Mark && text == mark; }
};

/// The tokens of the first `kMaxReading` bytes. Dashes, quotes and stress marks are made plain;
/// letters and digits part (`15к` is two tokens), and so do the halves of `два-три`.
std::vector<Token> split_tokens(std::string_view text);

/// Whether `word` is one of a list separated by spaces: how the readers keep their vocabularies.
bool one_of(std::string_view word, std::string_view list);

/// How a Russian word sounds to somebody who writes by ear: unstressed vowels and paired consonants
/// made one, so that `аператор` and `оператор` are equal.
std::string sound_of(std::string_view word);

}  // namespace sufler::reading
