#include "interpreter/core/mail/mailbox.h"

#include <unicode/bytestream.h>
#include <unicode/idna.h>

#include <algorithm>
#include <memory>

#include "interpreter/core/text.h"

namespace sufler {
namespace {

/// RFC 5321, 4.5.3.1: of a path, less its brackets.
constexpr std::size_t kMostAddress = 254, kMostLocal = 64, kMostLabel = 63;

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/// RFC 5322, `dot-atom`.
bool is_local_part(std::string_view text) {
  constexpr std::string_view kAtom = ".!#$%&'*+/=?^_`{|}~-";
  if (text.empty() || text.size() > kMostLocal || text.front() == '.' || text.back() == '.') return false;
  if (text.find("..") != text.npos) return false;
  return std::all_of(text.begin(), text.end(),
                     [&](char c) { return is_alphanumeric(c) || kAtom.find(c) != kAtom.npos; });
}

bool is_domain(std::string_view text) {
  if (text.empty()) return false;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find('.', at), text.size());
    const std::string_view label = text.substr(at, end - at);
    if (label.empty() || label.size() > kMostLabel || label.front() == '-' || label.back() == '-') return false;
    if (!std::all_of(label.begin(), label.end(), [](char c) { return is_alphanumeric(c) || c == '-'; })) return false;
    at = end + 1;
  }
  return true;
}

/// `пример.рф` → `xn--e1afmkfd.xn--p1ai`; empty when it is none.
std::string punycode(std::string_view domain) {
  UErrorCode failed = U_ZERO_ERROR;
  static const icu::IDNA* const idna = [] {
    UErrorCode making = U_ZERO_ERROR;
    return icu::IDNA::createUTS46Instance(UIDNA_USE_STD3_RULES | UIDNA_NONTRANSITIONAL_TO_ASCII, making);
  }();
  if (!idna) return {};
  std::string out;
  icu::StringByteSink<std::string> sink(&out);
  icu::IDNAInfo info;
  idna->nameToASCII_UTF8(icu::StringPiece(domain.data(), static_cast<std::int32_t>(domain.size())), sink, info, failed);
  return U_FAILURE(failed) || info.hasErrors() ? std::string() : out;
}

std::optional<std::string> parse_address(std::string_view text) {
  if (text.size() > kMostAddress) return std::nullopt;
  const std::size_t at = text.rfind('@');
  if (at == text.npos || !is_local_part(text.substr(0, at))) return std::nullopt;
  std::string domain(text.substr(at + 1));
  if (!is_ascii(domain)) domain = punycode(domain);
  if (!is_domain(domain)) return std::nullopt;
  std::string address = std::string(text.substr(0, at)) + "@" + domain;
  return address.size() > kMostAddress ? std::nullopt : std::optional(std::move(address));
}

}  // namespace

std::string one_line_of(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const char32_t c = next_code_point(text, i);
    const bool breaks = c < 0x20 || (c >= 0x7F && c <= 0x9F) || c == 0x2028 || c == 0x2029;
    breaks ? out.push_back(' ') : append_utf8(out, c);
  }
  return out;
}

std::optional<Mailbox> parse_mailbox(std::string_view text) {
  if (text.find_first_of(std::string_view("\r\n\0", 3)) != text.npos) return std::nullopt;
  text = trim(text);
  Mailbox mailbox;
  if (text.ends_with('>')) {
    const std::size_t open = text.rfind('<');
    if (open == text.npos) return std::nullopt;
    std::string_view name = trim(text.substr(0, open));
    if (name.size() >= 2 && name.front() == '"' && name.back() == '"') name = name.substr(1, name.size() - 2);
    mailbox.name = std::string(trim(one_line_of(name)));
    text = trim(text.substr(open + 1, text.size() - open - 2));
  }
  auto address = parse_address(text);
  if (!address) return std::nullopt;
  mailbox.address = std::move(*address);
  return mailbox;
}

std::string to_string(const Mailbox& mailbox) {
  return mailbox.name.empty() ? mailbox.address : mailbox.name + " <" + mailbox.address + ">";
}

}  // namespace sufler
