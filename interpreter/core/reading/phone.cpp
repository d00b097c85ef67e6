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

/// What is told by a number that looks like a phone, in whatever case: never a phone …
constexpr reading::WordList kDocuments =
    "инн кпп огрн огрнип снилс бик окпо оквэд паспорт паспорта паспорту полис полиса омс дмс счет счета счету карта карту карты "
    "карте серия серии индекс iban tin inn passport account card policy invoice ssn";
/// … and a phone perhaps: `по заказу 89123456789`.
constexpr reading::WordList kNumbered =
    "заказ заказа заказу договор договора договору код кода артикул артикула заявка заявки заявку заявке бронь брони накладная "
    "накладной накладную накладная трек чек чека билет билета id айди order contract code ticket booking";

enum class Told : std::uint8_t { Phone, Perhaps, Document };

/// What the words beside the digits of bytes `begin` to `end` say of them.
Told what_is_told(const std::vector<Token>& tokens, std::size_t begin, std::size_t end) {
  std::size_t after = tokens.size();
  std::size_t before = 0;  // tokens in front
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i].end <= begin) before = i + 1;
    if (tokens[i].begin >= end && after == tokens.size()) after = i;
  }
  const auto is_between = [](const Token& token) {
    return (!token.is_word() && !token.is_digits() && !token.is_mark(",") && !token.is_mark(";")) ||
           one_of(token.text, "номер номера это мой моя моего no number n is my the");
  };
  while (before > 0 && is_between(tokens[before - 1])) --before;
  if (before > 0 && one_of(tokens[before - 1].text, kDocuments)) return Told::Document;
  if (before > 0 && one_of(tokens[before - 1].text, "тел телефон телефона ватсап вацап вотсап viber tel phone whatsapp")) return Told::Phone;
  const bool numbered = before > 0 && one_of(tokens[before - 1].text, kNumbered);
  // `не звоните на 8 912 …`
  for (std::size_t i = before, words = 0; i > 0 && words < 3 && tokens[i - 1].is_word(); --i, ++words)
    if (one_of(tokens[i - 1].text, "не not don't never")) return Told::Perhaps;
  while (after < tokens.size() && is_between(tokens[after])) ++after;
  if (after < tokens.size() && one_of(tokens[after].text, "инн кпп огрн огрнип снилс паспорт паспорта inn tin ssn iban")) {
    // `8 912 345-67-89, ИНН 7712345678`: it is of the next one
    const bool of_next = std::any_of(tokens.begin() + static_cast<std::ptrdiff_t>(after), tokens.end(),
                                     [](const Token& token) { return token.is_digits(); });
    if (!of_next) return Told::Document;
  }
  return numbered ? Told::Perhaps : Told::Phone;
}

/// `+7 8 912 …` has two prefixes, and ten digits that begin with 7 lack one or are no phone: the person says.
bool is_misshapen(std::string_view digits, std::string_view phone) {
  if (!phone.starts_with("+7") || !digits.starts_with("7")) return false;
  const std::string_view national = phone.substr(2);
  return (digits.starts_with("78") && digits.substr(2, 10) == national) || digits.substr(0, 10) == national;
}

struct FoundPhone {
  std::string phone;
  bool doubtful;
};

/// The part of the text from its first number word to its last, when a phone is dictated.
struct Dictated {
  std::string digits;
  std::size_t begin = 0;  // bytes
  std::size_t end = 0;
};
Dictated dictated_digits(std::string_view text, const std::vector<Token>& tokens) {
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
  const std::size_t begin = tokens[first].begin;
  const std::size_t end = tokens[last].end;
  return {read_digits(text.substr(begin, end - begin), Language::Russian), begin, end};
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

namespace {

std::vector<FoundPhone> find_phones(std::string_view text, std::string_view region) {
  if (region == "RU") {
    if (auto mobile = plain_russian_mobile(trim(text))) return {{std::move(*mobile), false}};
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
  bool documents = false;
  if (digit_count >= 5 && !tokens.empty()) {
    if (!letters && !is_amount(tokens, tokens.front().begin, tokens.back().end)) {
      const bool currency = std::any_of(tokens.begin(), tokens.end(), is_amount_word);
      if (!currency) {
        if (auto phone = parse(composed, country)) {
          const bool doubtful = is_misshapen(digits, *phone);
          return {{std::move(*phone), doubtful}};
        }
      }
      // A shared contact: a whole international number without its plus.
      if (tokens.size() == 1 && digits.size() >= 11 && digits.size() <= 15 && digits[0] != '0' &&
          digits[0] != '8' && digits[0] != '7') {
        if (auto phone = parse("+" + digits, country)) return {{std::move(*phone), false}};
      }
    }
    // Inside a sentence.
    std::vector<FoundPhone> found;
    PhoneNumberMatcher matcher(util(), composed, country, PhoneNumberMatcher::VALID, 16);
    while (matcher.HasNext()) {
      PhoneNumberMatch match;
      matcher.Next(&match);
      const std::size_t begin = static_cast<std::size_t>(std::max(match.start(), 0));
      const std::size_t end = static_cast<std::size_t>(std::max(match.end(), 0));
      if (is_amount(tokens, begin, end)) continue;
      const Told told = what_is_told(tokens, begin, end);
      documents = documents || told == Told::Document;
      if (told == Told::Document) continue;
      std::string said;
      for (const Token& token : tokens) {
        if (token.is_digits() && token.begin >= begin && token.end <= end) said += token.text;
      }
      std::string phone = e164(match.number());
      const bool doubtful = told == Told::Perhaps || is_misshapen(said, phone);
      const auto same = std::find_if(found.begin(), found.end(), [&](const FoundPhone& one) { return one.phone == phone; });
      if (same == found.end()) {
        found.push_back({std::move(phone), doubtful});
      } else {
        same->doubtful = same->doubtful && doubtful;
      }
    }
    // Beside a phone the number of an order is none.
    if (std::any_of(found.begin(), found.end(), [](const FoundPhone& one) { return !one.doubtful; }))
      std::erase_if(found, [](const FoundPhone& one) { return one.doubtful; });
    if (!found.empty() || documents) return found;
  }
  const Dictated dictated = dictated_digits(composed, tokens);
  if (dictated.digits.size() >= 7 && dictated.digits.size() <= 15) {
    const Told told = what_is_told(tokens, dictated.begin, dictated.end);
    if (told == Told::Document) return {};
    const bool plus = std::any_of(tokens.begin(), tokens.end(), [](const Token& token) {
      return token.is_mark("+") || one_of(token.text, "плюс plus");
    });
    if (auto phone = parse((plus ? "+" : "") + dictated.digits, country)) {
      const bool doubtful = told == Told::Perhaps || is_misshapen(dictated.digits, *phone);
      return {{std::move(*phone), doubtful}};
    }
  }
  return {};
}

}  // namespace

std::vector<std::string> read_phones(std::string_view text, std::string_view region) {
  std::vector<std::string> phones;
  for (FoundPhone& one : find_phones(text, region)) phones.push_back(std::move(one.phone));
  return phones;
}

std::optional<std::string> read_phone(std::string_view text, std::string_view region) {
  std::vector<FoundPhone> phones = find_phones(text, region);
  if (phones.size() != 1 || phones.front().doubtful) return std::nullopt;
  return std::move(phones.front().phone);
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
