#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

/// Words of knowledge and of questions, as the index has them: lower case, `ё` as `е`, without their endings
/// (Snowball's stemmers, Russian and English), so that `доставки` and `доставку` are one. Letters and digits only.
namespace sufler {

/// Every word of a text, in order, without the words that say nothing (`и`, `на`, `the`). At most 40 letters each.
std::vector<std::string> stems_of(std::string_view text);

/// A word of a question and what stands for it in the index.
struct QuestionWord {
  std::string stem;
  std::vector<std::string> synonyms;  ///< stems of words that mean about the same
  std::string other_layout;           ///< stem of what its keys give in the other keyboard layout; empty: nothing
};
/// What a question is searched by: each word once, at most `kMostQuestionWords` of them; neither those that say nothing
/// nor those that only ask (`подскажите`, `можно`). Whatever was typed, no character of it means anything to a database.
inline constexpr std::size_t kMostQuestionWords = 16;
std::vector<QuestionWord> words_of_question(std::string_view question);

/// A word of the index.
struct IndexedWord {
  std::string stem;
  std::int64_t pieces = 0;  ///< how many have it
};

/// A word to look for: one of several that stand for one word of the question.
struct SearchWord {
  std::string stem;
  std::size_t group = 0;  ///< the word of the question
  double weight = 1;      ///< 1: the same word; less: one of its family, a synonym, a typing error
  std::int64_t pieces = 0;
  friend bool operator==(const SearchWord&, const SearchWord&) = default;
};
/// For each beginning the words of the index that begin so, in any order.
using WordsBeginning = std::function<std::vector<std::vector<IndexedWord>>(const std::vector<std::string>& beginnings)>;
/// What to look for. `beginning` is asked twice at most.
std::vector<SearchWord> search_words(const std::vector<QuestionWord>& question, const WordsBeginning& beginning);

}  // namespace sufler
