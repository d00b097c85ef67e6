#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "interpreter/core/knowledge/words.h"

/// Which pieces answer a question best. Pure, and the same whichever database found them.
namespace sufler {

/// How many pieces there are, and how long they are on average: what a word's worth depends on.
struct KnowledgeSize {
  std::int64_t pieces = 0;
  std::int64_t words = 0;
};

/// What a word tells: the rarer, the more.
double worth_of(const SearchWord& word, const KnowledgeSize& size);

/// A piece with its words, separated by spaces.
struct Candidate {
  std::int64_t id = 0;
  std::string title, body;
  double rank = 0;
};
/// Okapi BM25 with a word in the title counted as several in the text; of the words that stand for one of the question
/// the best counts. Sorts the best first; equal ones by id. What has none of the words is dropped.
void rank_by_words(std::vector<Candidate>& candidates, const std::vector<SearchWord>& words, const KnowledgeSize& size);

/// From -1 to 1; 0 when one of them has no direction.
double cosine(const float* a, const float* b, std::size_t length);

/// Reciprocal rank fusion: two orders, the best first, become one.
std::vector<std::int64_t> merge_orders(const std::vector<std::int64_t>& a, const std::vector<std::int64_t>& b);

}  // namespace sufler
