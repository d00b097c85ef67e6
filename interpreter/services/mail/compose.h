#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "interpreter/core/mail/order.h"

/// Letters as bytes: RFC 5322, 2045, 2047, 2231. No network here.
namespace sufler {

/// A file of a letter, with what it holds.
struct LetterFile {
  std::string name;
  std::string mime;
  std::string bytes;
  std::string content_id = {};  ///< of a picture that the HTML shows; empty: a file beside the letter
};

/// What the configuration gives to every letter.
struct Sender {
  Mailbox from;
  std::optional<Mailbox> reply_to;
};

/// The letter, CRLF at each end of a line. Whatever the order holds: one header of a name, no line beyond 998 bytes,
/// ASCII alone. The same arguments give the same bytes.
std::string compose_letter(const MailOrder& order, const Sender& sender, const std::vector<LetterFile>& files);

/// `<…@host>`: the same in each attempt to send the order.
std::string message_id(const MailOrder& order, const Sender& sender);

/// What people read in it: the text beside the HTML, or made of it, with the talk.
std::string letter_text(const MailOrder& order);
/// The HTML, with the talk; empty when the letter is plain text.
std::string letter_html(const MailOrder& order);
/// A talk too long for a letter goes with it as a file of this name; empty when it is not.
std::string history_file_name(const MailOrder& order);

// ---- parts, for tests

/// A header with its end of line; `value` may hold anything.
std::string header_line(std::string_view name, std::string_view value);
std::string quoted_printable(std::string_view text);
std::string base64_lines(std::string_view bytes);

}  // namespace sufler
