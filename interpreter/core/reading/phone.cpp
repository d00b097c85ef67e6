#include "interpreter/core/reading/phone.h"

#include <phonenumbers/phonenumbermatch.h>
#include <phonenumbers/phonenumbermatcher.h>
#include <phonenumbers/phonenumberutil.h>

#include <algorithm>
#include <vector>

#include "interpreter/core/reading/number_parser.h"
#include "interpreter/core/reading/number_words.h"
#include "interpreter/core/reading/numbers.h"
#include "interpreter/core/reading/words.h"
#include "interpreter/core/text.h"

namespace sufler {
namespace {

using i18n::phonenumbers::PhoneNumber;
using i18n::phonenumbers::PhoneNumberMatch;
using i18n::phonenumbers::PhoneNumberMatcher;
using i18n::phonenumbers::PhoneNumberUtil;
using reading::one_of;
using reading::Token;

// Its tables cost some megabytes, so they wait for the first phone question.
const PhoneNumberUtil& util() { return *PhoneNumberUtil::GetInstance(); }

std::string e164(const PhoneNumber& number) {
  std::string out;
  util().Format(number, PhoneNumberUtil::E164, &out);
  return out;
}

std::optional<std::string> parse(const std::string& text, const std::string& region) {
  PhoneNumber number;
  if (util().Parse(text, region, &number) != PhoneNumberUtil::NO_PARSING_ERROR) return std::nullopt;
  if (!util().IsValidNumber(number)) return std::nullopt;
  return e164(number);
}

/// What stands behind a sum or a measure and never behind a phone.
bool is_amount_word(const Token& token) {
  return !reading::currency_of(token).empty() || reading::is_small_coin(token) ||
         (token.is_word() &&
          one_of(token.text,
                 "тыс тысяч тысячи млн миллионов кг г км м метров штук шт процентов человек "
                 "thousand million pieces people percent")) ||
         token.text == "%";
}

/// Whether the digits that end at byte `end` are a sum of money or a measure.
bool is_amount(const std::vector<Token>& tokens, std::size_t begin, std::size_t end) {
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i].begin >= end) {
      if (is_amount_word(tokens[i])) return true;
      break;
    }
  }
  for (std::size_t i = tokens.size(); i-- > 0;) {
    if (tokens[i].end > begin) continue;
    return !tokens[i].is_word() && !reading::currency_of(tokens[i]).empty();  // $ 8 912 …
  }
  return false;
}

/// The part of the text from its first number word to its last, when a phone is dictated.
std::string dictated_digits(std::string_view text, const std::vector<Token>& tokens) {
  std::size_t first = tokens.size();
  std::size_t last = 0;
  bool words = false;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const bool word = tokens[i].is_word() && reading::find_number_word(tokens[i].text).has_value();
    if (!word && !tokens[i].is_digits()) continue;
    words = words || word;
    first = std::min(first, i);
    last = i;
  }
  if (!words || first == tokens.size() || is_amount(tokens, tokens[first].begin, tokens[last].end))
    return {};
  return read_digits(text.substr(tokens[first].begin, tokens[last].end - tokens[first].begin),
                     Language::Russian);
}

/// Most answers are a Russian mobile written plainly: `+7 912 345-67-89`. Every number of the form 9XX… is valid
/// in the library's tables, so they need not be asked, which costs more than the rest of a turn.
std::optional<std::string> plain_russian_mobile(std::string_view text) {
  std::string digits;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c >= '0' && c <= '9') {
      digits += c;
      if (digits.size() > 11) return std::nullopt;
    } else if (!(c == '+' && i == 0) && c != ' ' && c != '-' && c != '(' && c != ')') {
      return std::nullopt;
    }
  }
  const bool international = !text.empty() && text[0] == '+';
  if (digits.size() == 11 && digits[1] == '9' && (digits[0] == '7' || (digits[0] == '8' && !international)))
    return "+7" + digits.substr(1);
  if (digits.size() == 10 && digits[0] == '9' && !international) return "+7" + digits;
  return std::nullopt;
}

}  // namespace

std::vector<std::string> read_phones(std::string_view text, std::string_view region) {
  if (region == "RU") {
    if (auto mobile = plain_russian_mobile(trim(text))) return {std::move(*mobile)};
  }
  const std::string composed = to_nfc(trim(text.substr(0, 1024)));
  const std::vector<Token> tokens = reading::split_tokens(composed);
  std::size_t digit_count = 0;
  std::string digits;
  bool letters = false;
  for (const Token& token : tokens) {
    if (token.is_digits()) {
      digit_count += token.text.size();
      if (digits.size() < 32) digits += token.text;
    }
    letters = letters || token.is_word();
  }
  const std::string country(region);
  if (digit_count >= 5 && !tokens.empty()) {
    if (!letters && !is_amount(tokens, tokens.front().begin, tokens.back().end)) {
      const bool currency = std::any_of(tokens.begin(), tokens.end(), is_amount_word);
      if (!currency) {
        if (auto phone = parse(composed, country)) return {std::move(*phone)};
      }
      // A shared contact: a whole international number without its plus.
      if (tokens.size() == 1 && digits.size() >= 11 && digits.size() <= 15 && digits[0] != '0' &&
          digits[0] != '8' && digits[0] != '7') {
        if (auto phone = parse("+" + digits, country)) return {std::move(*phone)};
      }
    }
    // Inside a sentence.
    std::vector<std::string> found;
    PhoneNumberMatcher matcher(util(), composed, country, PhoneNumberMatcher::VALID, 16);
    while (matcher.HasNext()) {
      PhoneNumberMatch match;
      matcher.Next(&match);
      const std::size_t begin = static_cast<std::size_t>(std::max(match.start(), 0));
      const std::size_t end = static_cast<std::size_t>(std::max(match.end(), 0));
      if (is_amount(tokens, begin, end)) continue;
      const std::string phone = e164(match.number());
      if (std::find(found.begin(), found.end(), phone) == found.end()) found.push_back(phone);
    }
    if (!found.empty()) return found;
  }
  const std::string dictated = dictated_digits(composed, tokens);
  if (dictated.size() >= 7 && dictated.size() <= 15) {
    const bool plus = std::any_of(tokens.begin(), tokens.end(), [](const Token& token) {
      return token.is_mark("+") || one_of(token.text, "плюс plus");
    });
    if (auto phone = parse((plus ? "+" : "") + dictated, country)) return {std::move(*phone)};
  }
  return {};
}

std::optional<std::string> read_phone(std::string_view text, std::string_view region) {
  std::vector<std::string> phones = read_phones(text, region);
  return phones.size() == 1 ? std::optional(std::move(phones.front())) : std::nullopt;
}

std::string format_phone(std::string_view phone) {
  if (phone.size() < 5 || phone.size() > 20 || phone[0] != '+') return std::string(phone);
  PhoneNumber number;
  if (util().Parse(std::string(phone), "ZZ", &number) != PhoneNumberUtil::NO_PARSING_ERROR)
    return std::string(phone);
  std::string out;
  util().Format(number, PhoneNumberUtil::INTERNATIONAL, &out);
  return out.empty() ? std::string(phone) : out;
}

}  // namespace sufler
