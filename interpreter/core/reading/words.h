#pragma once
#include <cstddef>
#include <cstdint>
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

/// A vocabulary: a literal of words separated by spaces, with a filter made by the compiler that tells most other words
/// from its own at once. The readers ask hundreds of these about every word of a message.
class WordList {
 public:
  consteval WordList(const char* words) : text_(words) {
    std::size_t begin = 0;
    for (std::size_t i = 0; i <= text_.size(); ++i) {
      if (i < text_.size() && text_[i] != ' ') continue;
      if (i > begin) {
        const unsigned mark = mark_of(text_.substr(begin, i - begin));
        filter_[mark / 64] |= 1ull << mark % 64;
      }
      begin = i + 1;
    }
  }
  constexpr std::string_view text() const { return text_; }
  constexpr bool may_have(std::string_view word) const {
    const unsigned mark = mark_of(word);
    return (filter_[mark / 64] >> mark % 64 & 1) != 0;
  }

 private:
  static constexpr unsigned mark_of(std::string_view word) {
    const auto at = [&](std::size_t i) { return i < word.size() ? static_cast<unsigned char>(word[i]) : 0u; };
    // Of a Cyrillic letter the second byte tells most.
    const unsigned mixed = static_cast<unsigned>(word.size()) * 37 + at(1) * 59 + at(3) * 83 + at(5) * 101 +
                           at(word.size() - 1) * 131;
    return (mixed ^ mixed >> 8) & 255;
  }

  std::string_view text_;
  std::uint64_t filter_[4] = {};
};

/// Whether `word` is one of the list.
bool one_of(std::string_view word, const WordList& list);

/// How a Russian word sounds to somebody who writes by ear: unstressed vowels and paired consonants
/// made one, so that `аператор` and `оператор` are equal.
std::string sound_of(std::string_view word);

/// The words of a list that have at least `shortest` letters, by ear. Made once: what they sound like is asked often.
class HeardList {
 public:
  HeardList(const WordList& list, std::size_t shortest);
  bool sounds_like(const std::string& sound) const;
  const std::vector<std::string_view>& words() const { return words_; }

 private:
  std::vector<std::string_view> words_;
  std::vector<std::string> sounds_;  ///< in order
};

/// Whether one letter more, less, another, or two swapped make one word of the other.
bool one_slip_apart(std::string_view a, std::string_view b);

}  // namespace sufler::reading
