#include "tools/masking.h"

#include <re2/re2.h>

#include <iterator>
#include <utility>

namespace sufler {
namespace {

constexpr const char* kFirst[][6] = {{"Анна", "Пётр", "Мария", "Иван", "Ольга", "Сергей"},
                                     {"Anna", "Peter", "Mary", "John", "Olga", "Steven"}};
constexpr const char* kLast[][6] = {{"Иванова", "Петров", "Сидорова", "Кузнецов", "Смирнова", "Попов"},
                                    {"Smith", "Jones", "Brown", "Taylor", "Wilson", "Evans"}};

bool is_word(char32_t c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c >= 0xC0;
}

std::string digits_of(std::string_view text) {
  std::string digits;
  for (const char c : text)
    if (c >= '0' && c <= '9') digits += c;
  return digits;
}

/// The text with its last digits replaced by `digits`; what stands between them stays.
std::string with_digits(std::string_view text, std::string_view digits) {
  std::string out(text);
  std::size_t left = digits.size();
  for (std::size_t i = out.size(); i-- > 0 && left > 0;)
    if (out[i] >= '0' && out[i] <= '9') out[i] = digits[--left];
  return out;
}

/// Replaces each match of the pattern's first group by what `make` gives for it.
template <class Make>
std::string replaced(std::string_view text, const re2::RE2& pattern, Make make) {
  std::string out;
  re2::StringPiece rest(text.data(), text.size());
  re2::StringPiece found;
  while (re2::RE2::FindAndConsume(&rest, pattern, &found)) {
    const auto at = static_cast<std::size_t>(found.data() - text.data());
    out += text.substr(0, at);
    out += make(std::string_view(found.data(), found.size()));
    text.remove_prefix(at + found.size());
    rest = re2::StringPiece(text.data(), text.size());
  }
  return out + std::string(text);
}

/// The text with each of its words replaced by what `change` makes of it; what stands between them stays.
template <class Change>
std::string with_words(std::string_view text, const Change& change) {
  std::string out, one;
  const auto flush = [&] {
    if (!one.empty()) out += change(std::exchange(one, {}));
  };
  for (std::size_t i = 0; i < text.size();) {
    const char32_t c = next_code_point(text, i);
    if (is_word(c)) {
      append_utf8(one, c);
    } else {
      flush();
      append_utf8(out, c);
    }
  }
  flush();
  return out;
}

}  // namespace

std::string Masker::word(std::string_view real, bool is_first) {
  const auto [at, is_new] = words_.try_emplace(fold(real));
  if (is_new) {
    std::size_t& used = is_first ? first_names_ : last_names_;
    const auto& all = (is_first ? kFirst : kLast)[language_ == Language::Russian ? 0 : 1];
    at->second = all[used++ % std::size(all)];
  }
  return at->second;
}

std::string Masker::last_name(std::string_view real) { return real.empty() ? std::string() : word(real, false); }

std::string Masker::name(std::string_view real) {
  bool first = true;
  return with_words(real, [&](const std::string& one) { return word(one, std::exchange(first, false)); });
}

std::string Masker::names_in(std::string_view text) const {
  if (words_.empty()) return std::string(text);
  return with_words(text, [&](const std::string& one) {
    const auto known = words_.find(fold(one));
    return known == words_.end() ? one : known->second;
  });
}

std::string Masker::phone(std::string_view real) {
  const std::string digits = digits_of(real);
  if (digits.size() < 7) return std::string(real);
  const bool russian = (digits.size() == 11 && (digits[0] == '7' || digits[0] == '8')) || digits.size() == 10;
  const auto [at, is_new] = phones_.try_emplace(digits.substr(digits.size() - std::min<std::size_t>(10, digits.size())));
  if (is_new) {
    std::string number = std::to_string(phones_.size());
    number.insert(0, number.size() < 4 ? 4 - number.size() : 0, '0');
    at->second = number;
  }
  return with_digits(real, russian ? "912000" + at->second : at->second);
}

std::string Masker::text(std::string_view real) {
  static const re2::RE2 kMail(R"(([\pL\pN._%+-]+@[\pL\pN-]+(?:\.[\pL\pN-]+)+))");
  static const re2::RE2 kCard(R"((?:^|[^\d+])(\d(?:[ -]?\d){12,18})(?:$|\D))");
  static const re2::RE2 kPhone(R"((?:^|[^\d\pL])(\+\d(?:[ ().-]{0,3}\d){8,14}|[78](?:[ ().-]{0,3}\d){10}|9(?:[ ().-]{0,3}\d){9})(?:$|[^\d]))");
  std::string out = replaced(real, kMail, [&](std::string_view mail) {
    const auto [at, is_new] = mails_.try_emplace(fold(mail));
    if (is_new) at->second = "person" + std::to_string(mails_.size()) + "@example.com";
    return at->second;
  });
  out = replaced(out, kCard, [&](std::string_view card) {
    const auto [at, is_new] = cards_.try_emplace(digits_of(card));
    if (is_new) at->second = "40000000000000" + std::string(cards_.size() < 10 ? "0" : "") + std::to_string(cards_.size());
    return with_digits(card, at->second);
  });
  out = replaced(out, kPhone, [&](std::string_view number) { return phone(number); });
  return names_in(out);
}

}  // namespace sufler
