#include "interpreter/core/reading/choice.h"

#include <algorithm>

#include "interpreter/core/reading/numbers.h"
#include "interpreter/core/reading/words.h"
#include "interpreter/core/text.h"

namespace sufler {
namespace {

using reading::one_of;
using reading::Token;

bool is_number(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// The only index for which `same` holds; `several` tells none from many.
template <class Same>
std::optional<std::size_t> only(const std::vector<std::string>& labels, bool& several, Same same) {
  std::optional<std::size_t> found;
  several = false;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (!same(labels[i])) continue;
    if (found) {
      several = true;
      return std::nullopt;
    }
    found = i;
  }
  return found;
}

/// The place in the list that `2`, `второй`, `вариант 2`, `number two` name; 0 for none.
std::size_t place_named(std::string_view text) {
  const std::vector<Token> tokens = reading::split_tokens(text);
  std::size_t words = 0;
  for (const Token& token : tokens) {
    if (token.kind == Token::Kind::Mark && !one_of(token.text, ". ) ( # № ! ⃣")) return 0;
    if (token.kind != Token::Kind::Mark) ++words;
    if (token.is_word() && one_of(token.text, "минус и или or and")) return 0;
  }
  if (words == 0 || words > 3) return 0;
  const auto found = find_numbers(text, Language::Russian);
  if (found.size() != 1 || found[0].alternative || found[0].kind == NumberKind::Fraction) return 0;
  const std::size_t begin = found[0].begin;
  const std::size_t end = found[0].end;
  for (const Token& token : tokens) {
    if (token.kind == Token::Kind::Mark || (token.begin >= begin && token.end <= end)) continue;
    if (!one_of(token.text,
                "вариант вариантом пункт номер выбираю давайте давай хочу ответ the number option "
                "variant no"))
      return 0;
  }
  const auto place = found[0].value.to_int64();
  return place && *place > 0 && *place <= 1000 ? static_cast<std::size_t>(*place) : 0;
}

bool holds_number(std::string_view label, std::size_t number) {
  for (const Token& token : reading::split_tokens(label)) {
    if (token.is_digits() && token.text.size() <= 4 && std::stoul(token.text) == number)
      return true;
  }
  return false;
}

}  // namespace

std::optional<std::size_t> match_choice(std::string_view text,
                                        const std::vector<std::string>& labels) {
  const std::string_view trimmed = trim(text.substr(0, kMaxReading));
  if (trimmed.empty()) return std::nullopt;
  bool several = false;
  if (const auto exact =
          only(labels, several, [&](const std::string& label) { return trim(label) == trimmed; }))
    return exact;
  const std::string folded = fold(trimmed);
  std::vector<std::string> known;
  known.reserve(labels.size());
  for (const std::string& label : labels) known.push_back(fold(label));
  if (const auto same =
          only(known, several, [&](const std::string& label) { return label == folded; }))
    return same;
  if (several) return std::nullopt;

  if (const std::size_t place = place_named(trimmed); place != 0) {
    // Where the options are numbers themselves, a number is a value and not a place.
    const bool values = std::any_of(known.begin(), known.end(),
                                    [](const std::string& label) { return is_number(label); });
    if (values || place > labels.size()) return std::nullopt;
    for (std::size_t i = 0; i < labels.size(); ++i) {
      if (i + 1 != place && holds_number(labels[i], place)) return std::nullopt;
    }
    return place - 1;
  }
  const auto typo = [](const std::string& typed, const std::string& label) {
    return count_code_points(label) >= 5 && edit_distance(typed, label, 1) <= 1;
  };
  if (const auto near =
          only(known, several, [&](const std::string& label) { return typo(folded, label); }))
    return near;
  if (several) return std::nullopt;
  const std::string swapped = fold(swap_keyboard_layout(trimmed));
  return only(known, several, [&](const std::string& label) {
    return label == swapped && count_code_points(label) > 1;
  });
}

std::optional<std::vector<std::size_t>> match_choices(std::string_view text,
                                                      const std::vector<std::string>& labels) {
  text = trim(text.substr(0, kMaxReading));
  std::vector<bool> chosen(labels.size(), false);
  const auto take = [&](std::string_view part) {
    const auto index = match_choice(part, labels);
    if (index) chosen[*index] = true;
    return index.has_value();
  };
  const auto result = [&] {
    std::vector<std::size_t> indexes;
    for (std::size_t i = 0; i < chosen.size(); ++i) {
      if (chosen[i]) indexes.push_back(i);
    }
    return indexes;
  };
  if (text.empty()) return std::nullopt;
  if (take(text)) return result();

  // A label may hold a comma or an `и` of its own, so each part is tried whole before it is cut.
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == ',' || c == ';' || c == '\n' || c == '+' || c == '&') {
      parts.emplace_back();
    } else {
      parts.back().push_back(c);
    }
  }
  for (const std::string& part : parts) {
    const std::string_view trimmed = trim(part);
    if (trimmed.empty() || take(trimmed)) continue;
    std::vector<std::string> words;
    for (std::size_t i = 0; i < trimmed.size();) {
      std::size_t end = i;
      while (end < trimmed.size()) {
        std::size_t next = end;
        if (is_space(next_code_point(trimmed, next))) break;
        end = next;
      }
      if (end > i) words.emplace_back(trimmed.substr(i, end - i));
      i = end;
      while (i < trimmed.size()) {
        std::size_t next = i;
        if (!is_space(next_code_point(trimmed, next))) break;
        i = next;
      }
    }
    if (words.size() > 64) return std::nullopt;
    const bool all_numbers = std::all_of(words.begin(), words.end(), [](const std::string& word) {
      return is_number(word) || one_of(fold(word), "и and") || is_number(fold(word));
    });
    std::string piece;
    bool matched = true;
    const auto flush = [&] {
      if (!piece.empty()) matched = matched && take(piece);
      piece.clear();
    };
    for (const std::string& word : words) {
      if (one_of(fold(word), "и and")) {
        flush();
        continue;
      }
      if (all_numbers) {
        piece = word;
        flush();
        continue;
      }
      piece += (piece.empty() ? "" : " ") + word;
    }
    flush();
    if (!matched) return std::nullopt;
  }
  std::vector<std::size_t> indexes = result();
  if (indexes.empty()) return std::nullopt;
  return indexes;
}

}  // namespace sufler
