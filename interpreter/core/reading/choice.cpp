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

bool names_place(std::string_view text) {
  const std::vector<Token> tokens = reading::split_tokens(text);
  return std::any_of(tokens.begin(), tokens.end(), [](const Token& token) {
    return token.is_word() && one_of(token.text, "вариант вариантом пункт номер option variant number");
  });
}

/// Words that say nothing about which option is meant. Denials are not among them.
bool is_neutral(std::string_view word) {
  return one_of(word,
                "в во на под для у с со по до из к ко за о об от и а же ну это там тут здесь сейчас будет был была было мне нам меня нас "
                "бы я мы он она оно пожалуйста давайте давай пусть хочу хотим хотел хотела нужен нужна нужно нужны надо возьму беру "
                "берем выбираю лучше наверное скорее думаю где-то где то примерно около почти всего этаж этаже этажа состояние состоянии "
                "рядом возле близко недалеко вблизи неподалеку м ст вариант вариантом пункт номер метро станция станции помещение помещении типа тип вид находится находимся the a an in on at "
                "for to of it is i we please want like floor option number about around near");
}
bool denies(std::string_view word) { return one_of(word, "не ни нет нету без кроме not no without except"); }

bool is_ending(std::string_view tail) {
  return tail.empty() || one_of(tail, "а я у ю е и ы о ь й ой ей ом ем ам ям ах ях ами ями ов ев ый ий ая яя ое ее ые ие ого его ому ему ым им ых их ую юю s es");
}

/// One word in two forms: `подвал` and `подвале`, `цоколь` and `цокольный`, `магаз` and `магазин`; not `черника` and `черный`.
bool is_kin(std::string_view a, std::string_view b) {
  if (a == b) return true;
  std::size_t at_a = 0, at_b = 0, common = 0;
  while (at_a < a.size() && at_b < b.size()) {
    std::size_t next_a = at_a, next_b = at_b;
    if (next_code_point(a, next_a) != next_code_point(b, next_b)) break;
    at_a = next_a, at_b = next_b;
    ++common;
  }
  const std::string_view tail_a = a.substr(at_a), tail_b = b.substr(at_b);
  const std::size_t longest = std::max(count_code_points(tail_a), count_code_points(tail_b));
  if (common >= 4 && is_ending(tail_a) && is_ending(tail_b)) return true;
  const std::string_view rest = tail_a.empty() ? tail_b : tail_b.empty() ? tail_a : std::string_view();
  if (common >= 4 && one_of(rest, "ный ная ное ные ного ной ном ную ных")) return true;
  return (common >= 5 && (tail_a.empty() || tail_b.empty()) && longest <= 4) || (common >= 6 && longest <= 3);
}

std::vector<FoundNumber> numbers_in(std::string_view text, Language& language) {
  language = Language::Russian;
  auto numbers = find_numbers(text, language);
  if (!numbers.empty()) return numbers;
  language = Language::English;
  return find_numbers(text, language);
}
std::vector<FoundNumber> numbers_in(std::string_view text) {
  Language language{};
  return numbers_in(text, language);
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

/// What a label measures; `cardinal`: a bare number counts as well (`2 комнаты` beside `4 и больше`).
std::optional<Extent> extent_of(std::string_view label, bool cardinal) {
  Language language{};
  const auto numbers = numbers_in(label, language);
  if (numbers.empty() || numbers.size() > 2) return std::nullopt;
  const std::vector<Token> tokens = reading::split_tokens(label);
  const bool above = std::any_of(tokens.begin(), tokens.end(), [](const Token& token) {
    return token.is_word() && one_of(token.text, "выше свыше больше более дольше старше дальше позже above over more than longer");
  });
  const bool and_itself = std::any_of(tokens.begin(), tokens.end(), [](const Token& token) { return token.is_word() && one_of(token.text, "и and"); });
  if (numbers.size() == 1 && above) return Extent{numbers[0].value, std::nullopt, !and_itself};
  if (const auto range = read_range(label, language); range && (range->low || range->high)) return Extent{range->low, range->high};
  if (numbers.size() != 1 || numbers[0].alternative) return std::nullopt;
  if (numbers[0].kind == NumberKind::Ordinal || (cardinal && numbers[0].kind != NumberKind::Fraction)) return Extent{numbers[0].value, numbers[0].value};
  return std::nullopt;
}

/// Words of a text that say something, but for those at the places of `numbers`.
std::vector<std::string> words_that_count(std::string_view text, const std::vector<FoundNumber>& numbers = {}) {
  std::vector<std::string> words;
  for (const Token& token : reading::split_tokens(text)) {
    if (!token.is_word() || is_neutral(token.text)) continue;
    const bool in_number = std::any_of(numbers.begin(), numbers.end(), [&](const FoundNumber& one) { return token.begin >= one.begin && token.end <= one.end; });
    if (!in_number) words.push_back(token.text);
  }
  return words;
}

/// How the labels take a number: as a place in their list, or as the quantity that some of them name.
struct Measured {
  std::vector<std::optional<Extent>> extents;
  bool any = false;
  /// A number that no label could mean (`2` beside `10–12`, `12–14`) is a place after all, but not beside `Первый`, `Второй`.
  bool could_mean(const Decimal& number) const {
    if (std::any_of(extents.begin(), extents.end(), [](const auto& one) { return one && one->is_point(); })) return true;
    const auto reaches = [&](const auto& holds) { return std::any_of(extents.begin(), extents.end(), [&](const auto& one) { return one && holds(*one); }); };
    return reaches([&](const Extent& one) { return !one.low || !(number < *one.low); }) && reaches([&](const Extent& one) { return !one.high || !(*one.high < number); });
  }
};

Measured measure(const std::vector<std::string>& labels) {
  Measured measured;
  for (const std::string& label : labels) measured.any = measured.any || extent_of(label, false);
  if (!measured.any) return measured;
  for (const std::string& label : labels) measured.extents.push_back(extent_of(label, true));
  return measured;
}

std::optional<std::size_t> match_quantity(std::string_view text, const std::vector<std::string>& labels, const Measured& measured) {
  Language language{};
  const auto numbers = numbers_in(text, language);
  // Units, and no other words: `5 минут`, where a label speaks of minutes.
  for (const std::string& word : words_that_count(text, numbers)) {
    const bool known = std::any_of(labels.begin(), labels.end(), [&](const std::string& label) {
      const auto words = words_that_count(label);
      return std::any_of(words.begin(), words.end(), [&](const std::string& one) { return is_kin(one, word); });
    });
    if (!known && !one_of(word, "минут минуты минута минутах мин метров метра м лет года год человек штук шт min mins minutes")) return std::nullopt;
  }
  const auto the_only = [&](const auto& holds) {
    std::optional<std::size_t> found;
    for (std::size_t i = 0; i < labels.size(); ++i) {
      if (!measured.extents[i] || !holds(*measured.extents[i])) continue;
      if (found) return std::optional<std::size_t>();
      found = i;
    }
    return found;
  };
  const auto range = read_range(text, language);
  if (range && range->low && range->high) return the_only([&](const Extent& one) { return one.holds(*range->low) && one.holds(*range->high); });
  if (range && (range->low || range->high)) return the_only([&](const Extent& one) { return one.low == range->low && one.high == range->high; });
  if (numbers.size() != 1 || numbers[0].alternative || numbers[0].kind == NumberKind::Fraction) return std::nullopt;
  const Decimal& number = numbers[0].value;
  if (const auto point = the_only([&](const Extent& one) { return one.is_point() && *one.low == number; })) return point;
  return the_only([&](const Extent& one) { return one.holds(number); });
}

/// The label whose words are in the answer, in whatever form, when all that the answer says is of that label.
std::optional<std::size_t> match_words(std::string_view text, const std::vector<std::string>& labels) {
  constexpr std::size_t kMostWords = 6;
  const auto numbers = numbers_in(text);
  const std::vector<std::string> said = words_that_count(text, numbers);
  if (said.empty() || said.size() > kMostWords || std::any_of(said.begin(), said.end(), [](const std::string& word) { return denies(word); })) return std::nullopt;
  bool several = false;
  return only(labels, several, [&](const std::string& label) {
    const std::vector<std::string> words = words_that_count(label);
    if (std::any_of(words.begin(), words.end(), [](const std::string& word) { return denies(word); })) return false;
    const bool all = std::all_of(said.begin(), said.end(), [&](const std::string& one) {
      return std::any_of(words.begin(), words.end(), [&](const std::string& word) { return is_kin(one, word); });
    });
    if (!all || numbers.empty()) return all;
    const auto own = numbers_in(label);
    return std::all_of(numbers.begin(), numbers.end(), [&](const FoundNumber& one) {
      return std::any_of(own.begin(), own.end(), [&](const FoundNumber& number) { return number.value == one.value; });
    });
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

PlaceInList place_in_list(std::string_view text) {
  const std::vector<Token> tokens = reading::split_tokens(text);
  std::size_t words = 0;
  for (const Token& token : tokens) {
    if (token.kind == Token::Kind::Mark && !one_of(token.text, ". ) ( # № ! ⃣")) return {};
    if (token.kind != Token::Kind::Mark) ++words;
    if (token.is_word() && one_of(token.text, "минус и или or and")) return {};
  }
  if (words == 0 || words > 3) return {};
  const auto found = find_numbers(text, Language::Russian);
  if (found.size() != 1 || found[0].alternative || found[0].kind == NumberKind::Fraction) return {};
  const std::size_t begin = found[0].begin;
  const std::size_t end = found[0].end;
  for (const Token& token : tokens) {
    if (token.kind == Token::Kind::Mark || (token.begin >= begin && token.end <= end)) continue;
    if (!one_of(token.text,
                "вариант вариантом пункт номер выбираю давайте давай хочу ответ the number option "
                "variant no"))
      return {};
  }
  const auto place = found[0].value.to_int64();
  if (!place || *place <= 0 || *place > 1000) return {};
  return {static_cast<std::size_t>(*place), found[0].kind == NumberKind::Ordinal || names_place(text)};
}

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

  const Measured measured = numbers_in(trimmed).empty() ? Measured() : measure(labels);
  const bool quantity = measured.any && !names_place(trimmed);
  if (quantity) {
    if (const auto meant = match_quantity(trimmed, labels, measured)) return meant;
  }
  if (const std::size_t place = place_in_list(trimmed).place; place != 0) {
    if (quantity && measured.could_mean(Decimal(static_cast<std::int64_t>(place)))) return std::nullopt;
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
  if (several || quantity) return std::nullopt;
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
