#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace sufler {

/// An address of mail, perhaps with the name of whose it is.
struct Mailbox {
  std::string name;     ///< one line; may be empty
  std::string address;  ///< ASCII: a domain in other letters is in Punycode
  friend bool operator==(const Mailbox&, const Mailbox&) = default;
};

/// `anna@example.ru`, `Анна <anna@example.ru>`, `"Shop, Ltd" <shop@example.com>`. Nothing for whatever could end an
/// address or a line of SMTP, and for addresses whose part before the `@` is not ASCII: few servers take those.
std::optional<Mailbox> parse_mailbox(std::string_view text);

/// As people write it: `Анна <anna@example.ru>`.
std::string to_string(const Mailbox& mailbox);

/// One line: control characters and line breaks of any kind become spaces.
std::string one_line_of(std::string_view text);

}  // namespace sufler
