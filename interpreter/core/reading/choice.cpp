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

/// Words that say nothing about which option is meant. Denials are not among them.
bool is_neutral(std::string_view word) {
  return one_of(word,
                "в во на под для у с со по до из к ко за о об от и а же ну это там тут здесь сейчас будет был была было мне нам меня нас "
                "бы я мы он она оно пожалуйста давайте давай пусть хочу хотим хотел хотела нужен нужна нужно нужны надо возьму беру "
                "берем выбираю лучше наверное скорее думаю где-то где то примерно около почти всего этаж этаже этажа состояние состоянии "
                "вариант вариантом пункт номер метро станция станции помещение помещении типа тип вид находится находимся the a an in on at "
                "for to of it is i we please want like floor option number about around near");
}
bool denies(std::string_view word) { return one_of(word, "не ни нет нету без кроме not no without except"); }

/// One word in two forms: `подвал` and `подвале`, `цоколь` and `цокольный`, `магаз` and `магазин`.
bool is_kin(std::string_view a, std::string_view b) {
  if (a == b) return true;
  std::size_t at_a = 0, at_b = 0, common = 0;
  while (at_a < a.size() && at_b < b.size()) {
    std::size_t next_a = at_a, next_b = at_b;
    if (next_code_point(a, next_a) != next_code_point(b, next_b)) break;
    at_a = next_a, at_b = next_b;
    ++common;
  }
  const std::size_t tail_a = count_code_points(a.substr(at_a)), tail_b = count_code_points(b.substr(at_b));
  const std::size_t longest = std::max(tail_a, tail_b);
  return (common >= 4 && longest <= 3) || (common >= 5 && longest <= 4);
}

/// What a label says about a quantity: `Второй`, `5–10 минут`, `до 5`, `выше второго`.
struct Extent {
  std::optional<Decimal> low, high;
  bool above = false;  ///< `low` itself is not in it
  bool is_point() const { return low && high && *low == *high; }
  bool holds(const Decimal& number) const {
    if (low && (above ? !(*low < number) : number < *low)) return false;
    return !high || !(*high < number);
  }
};

std::optional<Extent> extent_of(std::string_view label) {
  const auto numbers = find_numbers(label, Language::Russian);
  if (numbers.empty() || numbers.size() > 2) return std::nullopt;
  const std::vector<Token> tokens = reading::split_tokens(label);
  const bool above = std::any_of(tokens.begin(), tokens.end(), [](const Token& token) {
    return token.is_word() && one_of(token.text, "выше свыше больше более дольше старше дальше позже above over more than longer");
  });
  if (numbers.size() == 1 && above) return Extent{numbers[0].value, std::nullopt, true};
  if (const auto range = read_range(label, Language::Russian); range && (range->low || range->high)) return Extent{range->low, range->high};
  if (numbers.size() == 1 && numbers[0].kind == NumberKind::Ordinal) return Extent{numbers[0].value, numbers[0].value};
  return std::nullopt;
}

/// Words of a text that say something, without those of the numbers in it.
std::vector<std::string> words_that_count(std::string_view text) {
  const auto numbers = find_numbers(text, Language::Russian);
  std::vector<std::string> words;
  for (const Token& token : reading::split_tokens(text)) {
    if (!token.is_word() || is_neutral(token.text)) continue;
    const bool in_number = std::any_of(numbers.begin(), numbers.end(), [&](const FoundNumber& one) { return token.begin >= one.begin && token.end <= one.end; });
    if (!in_number) words.push_back(token.text);
  }
  return words;
}

/// Where labels name quantities, a number is one of those and no place in the list. `measured`: they do.
std::optional<std::size_t> match_quantity(std::string_view text, const std::vector<std::string>& labels, bool& measured) {
  std::vector<std::optional<Extent>> extents;
  for (const std::string& label : labels) extents.push_back(extent_of(label));
  measured = std::any_of(extents.begin(), extents.end(), [](const auto& one) { return one.has_value(); });
  if (!measured) return std::nullopt;
  // Units, and no other words: `5 минут`, where a label speaks of minutes.
  for (const std::string& word : words_that_count(text)) {
    const bool known = std::any_of(labels.begin(), labels.end(), [&](const std::string& label) {
      const auto words = words_that_count(label);
      return std::any_of(words.begin(), words.end(), [&](const std::string& one) { return is_kin(one, word); });
    });
    if (!known && !one_of(word, "минут минуты минута минутах мин метров метра м лет года год человек штук шт min minutes")) return std::nullopt;
  }
  const auto numbers = find_numbers(text, Language::Russian);
  const auto the_only = [&](const auto& holds) {
    std::optional<std::size_t> found;
    for (std::size_t i = 0; i < labels.size(); ++i) {
      if (!extents[i] || !holds(*extents[i])) continue;
      if (found) return std::optional<std::size_t>();
      found = i;
    }
    return found;
  };
  if (numbers.size() == 1 && !numbers[0].alternative && numbers[0].kind != NumberKind::Fraction) {
    const Decimal& number = numbers[0].value;
    if (const auto range = read_range(text, Language::Russian); range && (!range->low || !range->high))
      return the_only([&](const Extent& one) { return one.low == range->low && one.high == range->high; });
    if (const auto point = the_only([&](const Extent& one) { return one.is_point() && *one.low == number; })) return point;
    return the_only([&](const Extent& one) { return !one.is_point() && one.holds(number); });
  }
  if (const auto range = read_range(text, Language::Russian); range && range->low && range->high)
    return the_only([&](const Extent& one) { return one.low == range->low && one.high == range->high; });
  return std::nullopt;
}

/// The label whose words are in the answer, in whatever form, when all that the answer says is of that label.
std::optional<std::size_t> match_words(std::string_view text, const std::vector<std::string>& labels) {
  constexpr std::size_t kMostWords = 6;
  const std::vector<std::string> said = words_that_count(text);
  if (said.empty() || said.size() > kMostWords || std::any_of(said.begin(), said.end(), [](const std::string& word) { return denies(word); })) return std::nullopt;
  std::optional<std::size_t> found;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const std::vector<std::string> words = words_that_count(labels[i]);
    const bool denied = std::any_of(words.begin(), words.end(), [](const std::string& word) { return denies(word); });
    const bool all = !denied && std::all_of(said.begin(), said.end(), [&](const std::string& one) {
      return std::any_of(words.begin(), words.end(), [&](const std::string& word) { return is_kin(one, word); });
    });
    if (!all) continue;
    if (found) return std::nullopt;
    found = i;
  }
  return found;
}

bool names_place(std::string_view text) {
  const std::vector<Token> tokens = reading::split_tokens(text);
  return std::any_of(tokens.begin(), tokens.end(), [](const Token& token) {
    return token.is_word() && one_of(token.text, "вариант вариантом пункт номер option variant number");
  });
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

  bool measured = false;
  const auto quantity = match_quantity(trimmed, labels, measured);
  if (quantity && !names_place(trimmed)) return quantity;
  if (const std::size_t place = place_named(trimmed); place != 0) {
    if (measured && !names_place(trimmed)) return std::nullopt;
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
  if (const auto same = only(known, several, [&](const std::string& label) { return label == swapped && count_code_points(label) > 1; }))
    return same;
  if (several) return std::nullopt;
  return match_words(trimmed, labels);
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
