#include "interpreter/core/knowledge/ranking.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

namespace sufler {
namespace {

// The usual constants of BM25, and what a word of a title counts.
constexpr double kSaturation = 1.2, kLength = 0.5, kTitle = 3;

}  // namespace

double worth_of(const SearchWord& word, const KnowledgeSize& size) {
  const double all = static_cast<double>(std::max<std::int64_t>(size.pieces, 1));
  const double some = std::min(static_cast<double>(word.pieces), all);
  return word.weight * std::log(1 + (all - some + 0.5) / (some + 0.5));
}

void rank_by_words(std::vector<Candidate>& candidates, const std::vector<SearchWord>& words, const KnowledgeSize& size) {
  std::unordered_map<std::string_view, std::vector<std::size_t>> by_stem;  // a stem may stand for several words
  std::size_t groups = 0;
  for (std::size_t i = 0; i < words.size(); ++i) {
    by_stem[words[i].stem].push_back(i);
    groups = std::max(groups, words[i].group + 1);
  }
  const double average = size.pieces > 0 ? static_cast<double>(size.words) / static_cast<double>(size.pieces) : 1;
  std::vector<double> counts(words.size()), best(groups);
  for (Candidate& candidate : candidates) {
    std::fill(counts.begin(), counts.end(), 0);
    std::fill(best.begin(), best.end(), 0);
    double length = 0;
    const auto count = [&](std::string_view text, double each) {
      while (!text.empty()) {
        const std::string_view word = text.substr(0, std::min(text.find(' '), text.size()));
        text.remove_prefix(std::min(word.size() + 1, text.size()));
        length += 1;
        if (const auto found = by_stem.find(word); found != by_stem.end())
          for (const std::size_t i : found->second) counts[i] += each;
      }
    };
    count(candidate.title, kTitle);
    count(candidate.body, 1);
    const double slow = kSaturation * (1 - kLength + kLength * length / std::max(average, 1.0));
    for (std::size_t i = 0; i < words.size(); ++i) {
      if (counts[i] == 0) continue;
      const double rank = worth_of(words[i], size) * counts[i] * (kSaturation + 1) / (counts[i] + slow);
      best[words[i].group] = std::max(best[words[i].group], rank);
    }
    candidate.rank = 0;
    for (const double rank : best) candidate.rank += rank;
  }
  std::erase_if(candidates, [](const Candidate& candidate) { return candidate.rank <= 0; });
  std::sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
    return a.rank != b.rank ? a.rank > b.rank : a.id < b.id;
  });
}

double cosine(const float* a, const float* b, std::size_t length) {
  // Several sums at once: the compiler may not reorder one.
  float dot[8] = {}, aa[8] = {}, bb[8] = {};
  std::size_t i = 0;
  for (; i + 8 <= length; i += 8) {
    for (std::size_t k = 0; k < 8; ++k) {
      dot[k] += a[i + k] * b[i + k];
      aa[k] += a[i + k] * a[i + k];
      bb[k] += b[i + k] * b[i + k];
    }
  }
  for (; i < length; ++i) {
    dot[0] += a[i] * b[i];
    aa[0] += a[i] * a[i];
    bb[0] += b[i] * b[i];
  }
  double product = 0, of_a = 0, of_b = 0;
  for (std::size_t k = 0; k < 8; ++k) {
    product += static_cast<double>(dot[k]);
    of_a += static_cast<double>(aa[k]);
    of_b += static_cast<double>(bb[k]);
  }
  const double lengths = std::sqrt(of_a) * std::sqrt(of_b);
  return lengths > 0 && std::isfinite(lengths) ? product / lengths : 0;
}

std::vector<std::int64_t> merge_orders(const std::vector<std::int64_t>& a, const std::vector<std::int64_t>& b) {
  constexpr double kUsual = 60;  // as the method's authors have it
  std::unordered_map<std::int64_t, double> scores;
  std::vector<std::int64_t> all;
  for (const auto* order : {&a, &b}) {
    for (std::size_t i = 0; i < order->size(); ++i) {
      const auto [at, is_new] = scores.try_emplace((*order)[i], 0);
      if (is_new) all.push_back((*order)[i]);
      at->second += 1 / (kUsual + static_cast<double>(i) + 1);
    }
  }
  std::stable_sort(all.begin(), all.end(), [&](std::int64_t x, std::int64_t y) { return scores[x] > scores[y]; });
  return all;
}

}  // namespace sufler
