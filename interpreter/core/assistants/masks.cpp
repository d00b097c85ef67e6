#include "interpreter/core/assistants/masks.h"

#include <algorithm>

namespace sufler {
namespace {

constexpr std::size_t kDigits = 10;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool joins_digits(char c) { return c == ' ' || c == '-' || c == '(' || c == ')' || c == '.'; }

std::string digits_of(std::string_view text) {
  std::string digits;
  for (const char c : text)
    if (is_digit(c)) digits += c;
  return digits;
}

std::string last_digits(std::string_view text) {
  std::string digits = digits_of(text);
  if (digits.size() > kDigits) digits.erase(0, digits.size() - kDigits);
  return digits;
}

void replace_all(std::string& text, std::string_view what, std::string_view with) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size()))
    text.replace(at, what.size(), with);
}

/// Numbers written with spaces, dashes and brackets whose last digits are these.
void replace_number(std::string& text, const std::string& digits, std::string_view with) {
  std::string out;
  std::size_t at = 0;
  while (at < text.size()) {
    if (!is_digit(text[at]) && text[at] != '+') {
      out += text[at++];
      continue;
    }
    std::size_t end = at + 1, last = at + 1;
    while (end < text.size() && (is_digit(text[end]) || joins_digits(text[end]))) {
      if (is_digit(text[end])) last = end + 1;
      ++end;
    }
    const std::string_view number = std::string_view(text).substr(at, last - at);
    const bool is_it = last_digits(number) == digits && digits_of(number).size() <= digits.size() + 3;
    out += is_it ? with : number;
    at = last;
  }
  text = std::move(out);
}

std::string sign_of(std::string_view name) { return "⟦" + std::string(name) + "⟧"; }

}  // namespace

void Masks::add(std::string_view name, std::string_view value, bool comes_back) {
  // One letter would turn up everywhere.
  if (value.size() < 2) return;
  Mask mask{std::string(name), std::string(value), {}, comes_back};
  const std::string digits = digits_of(value);
  const bool is_number = digits.size() >= kDigits && value.size() <= digits.size() * 2;
  if (is_number) mask.digits = last_digits(value);
  const auto place = std::find_if(all_.begin(), all_.end(), [&](const Mask& one) { return one.value.size() < value.size(); });
  all_.insert(place, std::move(mask));
}

std::string Masks::hide(std::string text) const {
  for (const Mask& mask : all_) {
    replace_all(text, mask.value, sign_of(mask.name));
    if (!mask.digits.empty()) replace_number(text, mask.digits, sign_of(mask.name));
  }
  return text;
}

std::string Masks::show(std::string text) const {
  for (const Mask& mask : all_)
    if (mask.comes_back) replace_all(text, sign_of(mask.name), mask.value);
  return text;
}

}  // namespace sufler
