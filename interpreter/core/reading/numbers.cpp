#include "interpreter/core/reading/numbers.h"

#include <algorithm>

#include "interpreter/core/reading/number_parser.h"
#include "interpreter/core/reading/number_words.h"

namespace sufler {
namespace {

using reading::Grouping;
using reading::NumberParser;
using reading::one_of;
using reading::ParsedNumber;
using reading::Token;

/// The token behind a number where its currency stands; past words in brackets that repeat it.
std::size_t behind(const std::vector<Token>& tokens, std::size_t at) {
  if (at < tokens.size() && tokens[at].is_mark("(")) {
    std::size_t close = at + 1;
    while (close < tokens.size() && !tokens[close].is_mark(")")) ++close;
    if (close + 1 < tokens.size()) at = close + 1;
  }
  if (at < tokens.size() && tokens[at].is_mark(".") && !tokens[at].space_before) ++at;
  return at;
}

/// Behind the word of its currency: `999 р.`; nothing where no word follows.
std::optional<std::size_t> behind_currency(const std::vector<Token>& tokens, const ParsedNumber& number) {
  std::size_t at = behind(tokens, number.end);
  if (at >= tokens.size() || tokens[at].kind != Token::Kind::Word) return std::nullopt;
  ++at;
  if (at < tokens.size() && tokens[at].is_mark(".") && !tokens[at].space_before) ++at;
  return at;
}

std::string currency_beside(const std::vector<Token>& tokens, const ParsedNumber& number) {
  if (number.roubles) return "RUB";
  const std::size_t after = behind(tokens, number.end);
  if (after < tokens.size()) {
    const std::string_view code = reading::currency_of(tokens[after]);
    // бел. руб.
    if (code.empty() && one_of(tokens[after].text, "бел белорусских белорусский") &&
        after + 1 < tokens.size())
      return "BYN";
    if (!code.empty()) return std::string(code);
  }
  if (number.begin > 0) {
    const Token& before = tokens[number.begin - 1];
    // `₽ 10`, `рублей двести`; `руб. 10` belongs to what came before it.
    if (before.kind == Token::Kind::Mark ||
        one_of(before.text, "рублей долларов гривен usd eur rub")) {
      return std::string(reading::currency_of(before));
    }
  }
  return {};
}

FoundNumber to_found(const std::vector<Token>& tokens, const ParsedNumber& number) {
  FoundNumber found;
  found.value = number.value;
  found.kind = number.kind;
  found.approximate =
      number.approximate ||
      (number.begin > 0 && one_of(tokens[number.begin - 1].text, "рублей долларов"));
  found.alternative = number.alternative;
  found.currency = currency_beside(tokens, number);
  found.begin = tokens[number.begin].begin;
  found.end = tokens[number.end - 1].end;
  return found;
}

bool in_brackets_after_number(const std::vector<Token>& tokens,
                              const std::vector<ParsedNumber>& numbers, std::size_t index) {
  return index > 0 && numbers[index].begin > 0 && tokens[numbers[index].begin - 1].is_mark("(") &&
         numbers[index - 1].end + 1 == numbers[index].begin && numbers[index].end < tokens.size() &&
         tokens[numbers[index].end].is_mark(")");
}

/// `500 000 (пятьсот тысяч)`, `1,5 млн (полтора)`; not `1 000 000 (два миллиона)`.
bool repeats_the_last(const std::vector<Token>& tokens, const std::vector<ParsedNumber>& numbers, std::size_t index) {
  if (!in_brackets_after_number(tokens, numbers, index)) return false;
  const ParsedNumber& last = numbers[index - 1];
  const auto scaled = multiply(numbers[index].value, last.scale);
  return numbers[index].value == last.value || (scaled && *scaled == last.value);
}

Decimal with_hundredths(const Decimal& whole, const Decimal& hundredths) {
  const auto part = divide(hundredths, 100);
  const auto sum = part ? add(whole, *part) : part;
  return sum ? *sum : whole;
}

/// What else a sum without a currency may be: `полтора` thousands or millions, `2 ляма` and `5м` millions, `пять миллионов
/// триста` three hundred thousand more. Empty when it is what it says.
std::vector<Decimal> other_sums(const std::vector<Token>& tokens, const ParsedNumber& number) {
  std::vector<Decimal> sums;
  const auto add_sum = [&](const std::optional<Decimal>& sum) {
    if (sum) sums.push_back(*sum);
  };
  const auto times = [&](const Decimal& value, std::int64_t by) -> std::optional<Decimal> {
    const auto result = multiply(value, Decimal(by));
    return result ? std::optional(*result) : std::nullopt;
  };
  const Decimal one = 1;
  const Decimal million = 1'000'000;
  if (number.kind == NumberKind::Ordinal && tokens[number.end - 1].is_word("м")) {  // 5м
    add_sum(times(number.value, 1'000'000));
    return sums;
  }
  if (number.scale == one && number.end < tokens.size() && tokens[number.end].is_word()) {
    const std::string& next = tokens[number.end].text;
    const bool area = number.end + 1 < tokens.size() && !tokens[number.end + 1].space_before;  // м2
    if (!area && one_of(next, "м m")) {
      add_sum(times(number.value, 1'000'000));
      return sums;
    }
  }
  if (!number.value.is_integer() && number.scale == one && number.kind != NumberKind::Fraction) {
    for (std::size_t i = number.begin; i < number.end; ++i) {
      if (!one_of(tokens[i].text, "полтора полторы полутора половиной")) continue;
      add_sum(times(number.value, 1000));
      add_sum(times(number.value, 1'000'000));
      return sums;
    }
  }
  if (number.value.is_integer() && !(number.value < million) && number.scale == million) {
    const auto all = number.value.to_int64();
    const std::int64_t rest = all ? *all % 1'000'000 : 0;
    if (all && rest >= 100 && rest < 1000) {
      add_sum(Decimal(*all - rest + rest * 1000));
      add_sum(number.value);
    }
  }
  return sums;
}

/// The letters that are typed for digits: `1О`, `l2`.
std::optional<std::string> as_digits(std::string_view word) {
  std::string digits;
  for (std::size_t i = 0; i < word.size();) {
    const char32_t c = next_code_point(word, i);
    if (c == U'о' || c == U'o') {
      digits.push_back('0');
    } else if (c == U'l' || c == U'i' || c == U'|') {
      digits.push_back('1');
    } else if (c == U'з') {
      digits.push_back('3');
    } else {
      return std::nullopt;
    }
  }
  return digits;
}

/// A number of digits and letters that look like them: the tokens [begin, end) without a space between.
struct Lookalike {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::optional<Decimal> value;
};

std::optional<Lookalike> lookalike(const std::vector<Token>& tokens) {
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (!tokens[i].is_word() || tokens[i].text.size() > 12) continue;
    const bool left = i > 0 && tokens[i - 1].is_digits() && !tokens[i].space_before;
    const bool right = i + 1 < tokens.size() && tokens[i + 1].is_digits() && !tokens[i + 1].space_before;
    if ((!left && !right) || !as_digits(tokens[i].text)) continue;
    Lookalike found{i, i, std::nullopt};
    while (found.begin > 0 && !tokens[found.begin].space_before && tokens[found.begin - 1].kind != Token::Kind::Mark)
      --found.begin;
    std::string all;
    for (found.end = found.begin;
         found.end < tokens.size() && tokens[found.end].kind != Token::Kind::Mark &&
         (found.end == found.begin || !tokens[found.end].space_before);
         ++found.end) {
      const Token& token = tokens[found.end];
      const auto digits = token.is_digits() ? std::optional(token.text) : as_digits(token.text);
      if (!digits) break;
      all += *digits;
    }
    if (all.size() <= 15) found.value = Decimal::parse(all);
    return found;
  }
  return std::nullopt;
}

bool is_percent(const std::vector<Token>& tokens, const ParsedNumber& number) {
  return number.end < tokens.size() &&
         (tokens[number.end].is_mark("%") ||
          one_of(tokens[number.end].text, "процент процента процентов процентами проц percent pct"));
}

/// What stands behind a bare sum and changes nothing in it.
bool is_harmless_behind_sum(const Token& token) {
  if (token.kind != Token::Kind::Word || count_code_points(token.text) < 3) return true;
  return one_of(token.text,
                "это вот как мой моя моё наш наша нам мне вам или ровно всего итого где для при под над без про что чтобы его есть еще уже тоже "
                "только хватит хватает достаточно устроит устраивает подойдет подходит нормально норм думаю считаю хочу "
                "хотим хотел хотела хотелось готов готова готовы могу можем дам дадим отдам отдаем плачу заплачу стоит "
                "будет было был пусть максимум максимально минимум минимально примерно приблизительно около наверное "
                "наверно может возможно где-то плюс минус лишним копейками хвостиком мелочью пожалуйста спасибо торг торга "
                "торгом наличными наличкой налом безнал безналом картой карта кредит ипотека ипотекой рассрочка рассрочку "
                "сразу сейчас потом месяц месяца сутки день дня год года неделю час часа раз человека человек каждый каждую "
                "каждого квадрат метр метра метров квартиру дом участок штуку единицу ночь смену вместе общая общий сумма "
                "бюджет цена стоимость предоплата аванс залог сверху наверх больше меньше более менее вполне "
                "чуть немного между если тогда пока максимальная деревянных целковых вечнодеревянных зарплата оклад грязными "
                "чистыми гросс нетто "
                "the for per and but max maximum min minimum about tops please thanks total only only would will work works "
                "fine okay cash month monthly year day each more less budget approximately roughly should enough each square "
                "meter meters metre sqm");
}

/// A parent counts `двое взрослых и ребенок` as three.
bool adds_a_person(const std::vector<Token>& tokens, const ParsedNumber& number) {
  for (std::size_t i = number.end; i + 1 < tokens.size() && i < number.end + 3; ++i) {
    if (!one_of(tokens[i].text, "и плюс + and plus")) continue;
    const std::size_t next = i + 1 < tokens.size() && one_of(tokens[i + 1].text, "еще a one моя мой my") ? i + 2 : i + 1;
    return next < tokens.size() &&
           one_of(tokens[next].text,
                  "ребенок ребеночек ребенком малыш малышка младенец грудничок взрослый пенсионер муж жена мама папа сын дочь "
                  "дочка бабушка дедушка я child baby kid infant adult wife husband me");
  }
  return false;
}

/// The numbers of an answer as its other words leave them.
struct Sense {
  std::vector<ParsedNumber> numbers;
  bool unclear = false;  ///< a word beside them says that they are not simply the answer
};

Sense sense_of(const std::vector<Token>& tokens, std::vector<ParsedNumber> numbers, bool money) {
  Sense sense;
  if (const auto typed = lookalike(tokens)) {
    sense.unclear = true;
    ParsedNumber number;
    number.begin = typed->begin;
    number.end = typed->end;
    number.unsure = true;
    bool placed = !typed->value;
    if (typed->value) number.value = *typed->value;
    for (ParsedNumber& one : numbers) {
      if (one.begin < typed->end && typed->begin < one.end) {
        if (!placed) sense.numbers.push_back(number);
        placed = true;
      } else {
        sense.numbers.push_back(std::move(one));
      }
    }
    if (!placed) sense.numbers.push_back(number);
    return sense;
  }
  const bool one = numbers.size() == 1;
  for (ParsedNumber& number : numbers) {
    const bool led = number.begin > 0;
    const Token* before = led ? &tokens[number.begin - 1] : nullptr;
    // `не 5`, but `не 5, а 6` is six
    if (led && before->is_word() && one_of(before->text, "не ни not")) {
      sense.unclear = true;
      continue;
    }
    if (money && is_percent(tokens, number)) {
      sense.unclear = true;
      continue;
    }
    if (led && before->is_word() && one_of(before->text, "дважды трижды вдвое втрое twice thrice")) {
      const auto more = multiply(number.value, Decimal(one_of(before->text, "дважды вдвое twice") ? 2 : 3));
      if (more) number.value = *more;
      sense.unclear = true;
    }
    if (number.kind == NumberKind::Ordinal && number.end < tokens.size() &&
        one_of(tokens[number.end].text, "часть части доля доли долю")) {
      sense.unclear = true;
      continue;
    }
    if (one && adds_a_person(tokens, number)) {
      sense.unclear = true;
      if (const auto more = add(number.value, Decimal(1))) {
        number.dropped = number.value;
        number.value = *more;
      }
    }
    if (number.unsure) sense.unclear = true;
    // `5м руб`: millions, hardly metres
    if (money && one && number.kind == NumberKind::Ordinal && tokens[number.end - 1].is_word("м")) sense.unclear = true;
    if (money && one) {
      if (led && before->is_word("рубль") && number.value.is_integer() && number.value < Decimal(100)) {
        number.value = with_hundredths(1, number.value);  // рубль двадцать
        sense.unclear = true;
      } else if (number.end < tokens.size() && tokens[number.end].is_word() && currency_beside(tokens, number).empty() &&
                 !reading::is_small_coin(tokens[number.end]) &&
                 !(number.end + 1 < tokens.size() && !reading::currency_of(tokens[number.end + 1]).empty()) &&
                 !is_harmless_behind_sum(tokens[number.end])) {
        sense.unclear = true;  // `5 зюзиков`: who knows how much a zyuzik is
      }
    }
    sense.numbers.push_back(std::move(number));
  }
  // без пяти сто
  if (sense.numbers.size() == 2 && sense.numbers[0].begin > 0 && tokens[sense.numbers[0].begin - 1].is_word("без") &&
      sense.numbers[0].end == sense.numbers[1].begin) {
    if (const auto less = add(sense.numbers[1].value, sense.numbers[0].value.negated())) {
      sense.numbers[1].value = *less;
      sense.numbers.erase(sense.numbers.begin());
      sense.unclear = true;
    }
  }
  return sense;
}

/// Without the words in brackets that repeat a number, behind which its scale goes on: `5 (пять) тысяч рублей`.
std::vector<Token> without_repeats(const std::vector<Token>& tokens, Language language) {
  std::vector<Token> kept;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    std::size_t close = i;
    if (i > 0 && tokens[i].is_mark("(")) {
      while (close < tokens.size() && !tokens[close].is_mark(")")) ++close;
      const auto part = [&](std::size_t begin, std::size_t end) {
        const std::vector<Token> some(tokens.begin() + static_cast<std::ptrdiff_t>(begin), tokens.begin() + static_cast<std::ptrdiff_t>(end));
        return NumberParser(some, language, Grouping::Thousands).find_all();
      };
      const auto before = part(0, i);
      const auto inside = close < tokens.size() ? part(i + 1, close) : std::vector<ParsedNumber>();
      const bool same = inside.size() == 1 && !before.empty() && before.back().end == i && before.back().value == inside[0].value &&
                        inside[0].begin == 0 && inside[0].end == close - i - 1;
      const bool goes_on = close + 1 < tokens.size() && tokens[close + 1].is_word();
      if (same && goes_on) {
        i = close;
        continue;
      }
    }
    kept.push_back(tokens[i]);
  }
  return kept;
}

Sense sense_of(const std::vector<Token>& tokens, Language language, Grouping grouping) {
  const bool money = grouping == Grouping::Thousands;
  NumberParser parser(tokens, language, grouping);
  parser.read_slang(money ? reading::Slang::Money : reading::Slang::Scales);
  return sense_of(tokens, parser.find_all(), money);
}

}  // namespace

std::vector<FoundNumber> find_numbers(std::string_view text, Language language) {
  const std::vector<Token> tokens = reading::split_tokens(text);
  std::vector<FoundNumber> found;
  for (const ParsedNumber& number : NumberParser(tokens, language, Grouping::Ask).find_all()) {
    found.push_back(to_found(tokens, number));
  }
  return found;
}

Result<FoundNumber, NumberProblem> read_number(std::string_view text, Language language) {
  const std::vector<Token> tokens = without_repeats(reading::split_tokens(text), language);
  const auto [numbers, unclear] = sense_of(tokens, language, Grouping::Ask);
  if (numbers.empty()) return Error{NumberProblem::NoNumber};
  if (numbers.size() > 1) {
    // The same number in digits and in words: `20 (двадцать)`.
    if (numbers.size() == 2 && in_brackets_after_number(tokens, numbers, 1) &&
        numbers[0].value == numbers[1].value) {
      return to_found(tokens, numbers[0]);
    }
    return Error{NumberProblem::Several};
  }
  if (numbers[0].alternative || unclear) return Error{NumberProblem::Ambiguous};
  return to_found(tokens, numbers[0]);
}

std::optional<Decimal> read_ordinal(std::string_view text, Language language) {
  const std::vector<Token> tokens = reading::split_tokens(text);
  const std::vector<ParsedNumber> numbers =
      NumberParser(tokens, language, Grouping::Ask).find_all();
  if (numbers.size() == 1 && !numbers[0].alternative && numbers[0].value.is_integer())
    return numbers[0].value;
  const ParsedNumber* ordinal = nullptr;
  for (const ParsedNumber& number : numbers) {
    if (number.kind != NumberKind::Ordinal) continue;
    if (ordinal) return std::nullopt;
    ordinal = &number;
  }
  if (!ordinal) return std::nullopt;
  return ordinal->value;
}

Result<Money, NumberProblem> read_money(std::string_view text, Language language) {
  const std::vector<Token> tokens = without_repeats(reading::split_tokens(text), language);
  const auto [numbers, unclear] = sense_of(tokens, language, Grouping::Thousands);
  std::vector<Money> named;
  std::vector<Money> bare;
  bool beside_named = false;
  bool contradicted = false;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const ParsedNumber& number = numbers[i];
    if (repeats_the_last(tokens, numbers, i)) continue;
    contradicted = contradicted || in_brackets_after_number(tokens, numbers, i);
    // 1 599 059, 38 евро: a space behind the decimal comma of a long sum
    if (i + 1 < numbers.size() && number.value.is_integer() && number.end - number.begin > 1 &&
        tokens[number.begin].is_digits() && tokens[number.end - 1].is_digits() && tokens[number.end].is_mark(",") &&
        !tokens[number.end].space_before && numbers[i + 1].begin == number.end + 1 &&
        numbers[i + 1].digits.size() == 2 && !currency_beside(tokens, numbers[i + 1]).empty()) {
      named.push_back({with_hundredths(number.value, numbers[i + 1].value), currency_beside(tokens, numbers[i + 1]),
                       number.approximate});
      ++i;
      continue;
    }
    Money money{number.value, currency_beside(tokens, number), number.approximate};
    const std::size_t after = behind(tokens, number.end);
    if (after < tokens.size() && reading::is_small_coin(tokens[after])) {
      money.amount = with_hundredths(0, number.value);
      if (money.currency.empty())
        money.currency = tokens[after].text.substr(0, 2) == "к" ? "RUB" : "";
      named.push_back(std::move(money));
      continue;
    }
    if (money.currency.empty()) {
      // `100р50к`, `3 рубля сотня`: nobody knows how they add up
      if (!named.empty() && i > 0 && !number.unsure && behind_currency(tokens, numbers[i - 1]) == number.begin) beside_named = true;
      bare.push_back(std::move(money));
      continue;
    }
    // … рублей, пятьдесят копеек; … долларов и 43
    std::size_t next = i + 1;
    while (next < numbers.size() && repeats_the_last(tokens, numbers, next)) ++next;
    if (next < numbers.size() && number.value.is_integer()) {
      const ParsedNumber& coins = numbers[next];
      const std::size_t coin_word = behind(tokens, coins.end);
      std::size_t between = behind(tokens, number.end) + 1;
      while (between < coins.begin &&
             (tokens[between].kind == Token::Kind::Mark || one_of(tokens[between].text, "и and"))) {
        ++between;
      }
      const bool adjacent = between == coins.begin;
      const bool named_coins =
          coin_word < tokens.size() && reading::is_small_coin(tokens[coin_word]);
      const bool implied = coins.end == tokens.size() &&
                           one_of(tokens[coins.begin - 1].text, "и and") &&
                           coins.value.is_integer() && coins.value < Decimal(100);
      if (adjacent && (named_coins || implied)) {
        money.amount = with_hundredths(number.value, coins.value);
        i = next;
      }
    }
    named.push_back(std::move(money));
  }
  const std::vector<Money>& amounts = named.empty() ? bare : named;
  if (amounts.empty()) return Error{NumberProblem::NoNumber};
  if (amounts.size() > 1) return Error{NumberProblem::Several};
  if (unclear || beside_named || contradicted) return Error{NumberProblem::Ambiguous};
  if (numbers.size() == 1 && numbers[0].alternative) return Error{NumberProblem::Ambiguous};
  if (named.empty() && numbers.size() == 1 && !other_sums(tokens, numbers[0]).empty())
    return Error{NumberProblem::Ambiguous};
  if (numbers.size() == 2) {
    const auto range = read_range(text, language);  // 1000-2000 руб
    if (range && range->low && range->high) return Error{NumberProblem::Several};
  }
  return amounts[0];
}

namespace {

/// `тринадцать двести` is heard as 13 200, `пятнадцать десять` as 1510: two numbers in words with nothing between.
std::optional<Decimal> spoken_pair(const std::vector<Token>& tokens, const std::vector<ParsedNumber>& numbers) {
  if (numbers.size() != 2 || numbers[0].end != numbers[1].begin) return std::nullopt;
  const auto in_words = [&](const ParsedNumber& number) {
    return std::all_of(tokens.begin() + static_cast<std::ptrdiff_t>(number.begin),
                       tokens.begin() + static_cast<std::ptrdiff_t>(number.end),
                       [](const Token& token) { return token.is_word(); }) &&
           number.kind == NumberKind::Cardinal && number.value.is_integer() && number.scale == Decimal(1);
  };
  if (!in_words(numbers[0]) || !in_words(numbers[1])) return std::nullopt;
  const Decimal& first = numbers[0].value;
  const Decimal& second = numbers[1].value;
  if (first < Decimal(1) || Decimal(999) < first || second < Decimal(10) || Decimal(999) < second) return std::nullopt;
  if (second < Decimal(100) && Decimal(99) < first) return std::nullopt;
  const auto thousands = multiply(first, second < Decimal(100) ? Decimal(100) : Decimal(1000));
  const auto whole = thousands ? add(*thousands, second) : thousands;
  return whole ? std::optional(*whole) : std::nullopt;
}

NumberReadings readings_of(std::string_view text, Language language, Grouping grouping) {
  const std::vector<Token> tokens = without_repeats(reading::split_tokens(text), language);
  const auto [numbers, unclear] = sense_of(tokens, language, grouping);
  NumberReadings readings;
  const auto add_value = [&](const Decimal& value) {
    if (std::find(readings.values.begin(), readings.values.end(), value) == readings.values.end())
      readings.values.push_back(value);
  };
  for (const ParsedNumber& number : numbers) {
    if (readings.currency.empty()) readings.currency = currency_beside(tokens, number);
  }
  if (numbers.size() == 1) {
    const auto sums = grouping == Grouping::Thousands ? other_sums(tokens, numbers[0]) : std::vector<Decimal>{};
    if (!sums.empty()) {
      for (const Decimal& sum : sums) add_value(sum);
    } else if (numbers[0].alternative) {
      add_value(numbers[0].value);
      // Of 3/4 the other reading is two numbers.
      if (numbers[0].kind != NumberKind::Fraction) add_value(*numbers[0].alternative);
    } else if (unclear) {
      add_value(numbers[0].value);
      if (numbers[0].dropped) add_value(*numbers[0].dropped);
    }
    return readings;
  }
  if (const auto pair = spoken_pair(tokens, numbers)) {
    add_value(*pair);
    return readings;
  }
  // `100 рублей 50`, `100р50к`: kopecks, most likely
  if (grouping == Grouping::Thousands && numbers.size() == 2 && numbers[0].value.is_integer() &&
      behind_currency(tokens, numbers[0]) == numbers[1].begin && !reading::currency_of(tokens[numbers[0].end]).empty()) {
    Decimal coins = numbers[1].value;
    const auto thousandth = divide(coins, tokens[numbers[1].end - 1].is_word("к") ? 1000 : 1);
    if (thousandth) coins = *thousandth;
    if (coins.is_integer() && !coins.is_negative() && coins < Decimal(100)) {
      add_value(with_hundredths(numbers[0].value, coins));
      add_value(numbers[0].value);
      return readings;
    }
  }
  if (numbers.size() == 2 && numbers[0].end == numbers[1].begin && numbers[0].value.is_integer() &&
      numbers[0].end == numbers[0].begin + 1 && tokens[numbers[0].begin].is_digits()) {
    // `1000 000`: a space too few; `1 1/2`
    const bool zeros = numbers[1].end == numbers[1].begin + 1 && tokens[numbers[1].begin].text == "000";
    const bool part = numbers[1].kind == NumberKind::Fraction && numbers[1].value < Decimal(1);
    if (zeros || part) {
      const auto whole = zeros ? multiply(numbers[0].value, Decimal(1000)) : add(numbers[0].value, numbers[1].value);
      if (whole) add_value(*whole);
      return readings;
    }
  }
  readings.of_many = true;
  if (const auto range = read_range(text, language); range && range->low && range->high) {
    add_value(*range->low);
    add_value(*range->high);
    return readings;
  }
  // `2 или 3 млн`: the scale is for both
  const auto is_or = [&](std::size_t i) { return i < tokens.size() && one_of(tokens[i].text, "или либо or и and"); };
  if (numbers.size() == 2 && numbers[0].end + 1 == numbers[1].begin && is_or(numbers[0].end) &&
      numbers[0].scale == Decimal(1) && numbers[1].scale > Decimal(1)) {
    if (const auto scaled = multiply(numbers[0].value, numbers[1].scale); scaled && *scaled <= numbers[1].value) {
      add_value(*scaled);
      add_value(numbers[1].value);
      return readings;
    }
  }
  for (const ParsedNumber& number : numbers) {
    if (number.alternative) return NumberReadings{};
    // Where some are money, the others are not.
    if (grouping == Grouping::Thousands && !readings.currency.empty() && currency_beside(tokens, number).empty()) continue;
    add_value(number.value);
  }
  // A list of numbers is no choice.
  if (readings.values.size() > 4 || (readings.values.size() == 1 && numbers.size() > 2)) readings.values.clear();
  return readings;
}

}  // namespace

NumberReadings number_readings(std::string_view text, Language language) {
  return readings_of(text, language, Grouping::Ask);
}

NumberReadings money_readings(std::string_view text, Language language) {
  return readings_of(text, language, Grouping::Thousands);
}

std::optional<NumberRange> read_range(std::string_view text, Language language) {
  const std::vector<Token> tokens = reading::split_tokens(text);
  const std::vector<ParsedNumber> numbers =
      NumberParser(tokens, language, Grouping::Ask).find_all();
  const auto before = [&](const ParsedNumber& number, const reading::WordList& words) {
    return number.begin > 0 && tokens[number.begin - 1].is_word() &&
           one_of(tokens[number.begin - 1].text, words);
  };
  if (numbers.size() == 1) {
    const ParsedNumber& number = numbers[0];
    NumberRange range;
    range.currency = currency_beside(tokens, number);
    const bool less =
        before(number,
               "чем до более больше выше свыше менее меньше максимум ниже than most under maximum to "
               "минимум от least over from minimum above below");
    if (!less) return std::nullopt;
    std::string word = tokens[number.begin - 1].text;
    std::size_t at = number.begin - 1;
    if (word == "чем") {  // больше чем 10
      if (at == 0 || !one_of(tokens[at - 1].text, "более больше менее меньше выше ниже")) return std::nullopt;
      word = tokens[--at].text;
    }
    const std::string previous = at > 0 ? tokens[at - 1].text : std::string();
    bool upper = one_of(word, "до менее меньше максимум ниже under maximum to most below");
    if (word == "than") upper = one_of(previous, "less fewer");
    if (one_of(word, "более больше выше свыше менее меньше ниже") && one_of(previous, "не no not"))
      upper = !upper;
    if (word == "than" && number.begin > 2 && one_of(tokens[number.begin - 3].text, "no not"))
      upper = !upper;
    (upper ? range.high : range.low) = number.value;
    return range;
  }
  if (numbers.size() != 2) return std::nullopt;
  const ParsedNumber& first = numbers[0];
  const ParsedNumber& second = numbers[1];
  bool joined = false;
  for (std::size_t i = first.end; i < second.begin; ++i) {
    const Token& token = tokens[i];
    if (token.is_mark("-") || one_of(token.text, "до по и to and through")) {
      joined = true;
    } else if (!token.is_mark(".") && reading::currency_of(token).empty()) {
      return std::nullopt;
    }
  }
  if (!joined) return std::nullopt;
  // `пять и шесть` are two numbers; `между пятью и шестью` is a range.
  if (one_of(tokens[second.begin - 1].text, "и and") && !before(first, "между between"))
    return std::nullopt;
  NumberRange range;
  Decimal low = first.value;
  Decimal high = second.value;
  const Decimal one = 1;
  if (second.scale > one && first.scale == one && low < high) {
    const auto scaled = multiply(low, second.scale);
    if (scaled && *scaled <= high) low = *scaled;
  } else if (first.scale > one && second.scale == one && high < low) {
    const auto scaled = multiply(high, first.scale);
    if (scaled) high = *scaled;
  }
  if (high < low) std::swap(low, high);
  range.low = low;
  range.high = high;
  range.currency = currency_beside(tokens, second);
  if (range.currency.empty()) range.currency = currency_beside(tokens, first);
  return range;
}

std::string read_digits(std::string_view text, Language language) {
  const std::vector<Token> tokens = reading::split_tokens(text);
  NumberParser parser(tokens, language, Grouping::Ask);
  parser.keep_digits_apart();
  std::string digits;
  int times = 1;
  int spoken_count = 0;  // a word of one digit just read: `три` of `три двойки`
  for (std::size_t i = 0; i < tokens.size();) {
    const Token& token = tokens[i];
    if (token.kind == Token::Kind::Mark) {
      if (!one_of(token.text, "- ( ) , . + # №")) return {};
      ++i;
      continue;
    }
    if (token.is_word()) {
      if (one_of(token.text, "плюс plus")) {
        ++i;
        continue;
      }
      const int repeat = one_of(token.text, "дважды double")   ? 2
                         : one_of(token.text, "трижды triple") ? 3
                         : token.text == "четырежды"           ? 4
                                                               : 1;
      if (repeat > 1) {
        times = repeat;
        ++i;
        continue;
      }
      const auto word = reading::find_number_word(token.text);
      if (word && word->kind == reading::NumberClass::DigitNoun) {
        // три двойки
        if (spoken_count > 1 && spoken_count < 10 && !digits.empty() && word->denominator == 1) {
          digits.pop_back();
          times = spoken_count;
        }
        spoken_count = 0;
        for (; times > 0; --times) digits += std::to_string(word->numerator);
        times = 1;
        ++i;
        continue;
      }
      if (token.text == "oh" || token.text == "o") {
        digits += '0';
        ++i;
        continue;
      }
    }
    const auto number = parser.parse(i);
    if (!number || number->end <= i || !number->value.is_integer() || number->value.is_negative())
      return {};
    const std::string shown =
        token.is_digits() && number->end == i + 1 ? token.text : number->value.to_string();
    i = number->end;
    spoken_count = token.is_word() && shown.size() == 1 ? shown[0] - '0' : 0;
    if (spoken_count > 1 && i < tokens.size() && one_of(tokens[i].text, "раза раз times")) {  // два раза пять
      times = spoken_count;
      spoken_count = 0;
      ++i;
      continue;
    }
    if (i < tokens.size() && shown.size() == 1 &&
        one_of(tokens[i].text, "нуля нулей ноля нолей zeros zeroes")) {
      digits.append(static_cast<std::size_t>(shown[0] - '0'), '0');  // три нуля
      ++i;
      continue;
    }
    for (; times > 0; --times) digits += shown;
    times = 1;
    if (digits.size() > 64) return {};
  }
  return digits;
}

}  // namespace sufler
