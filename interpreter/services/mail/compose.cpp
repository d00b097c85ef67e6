#include "interpreter/services/mail/compose.h"

#include <algorithm>

#include "interpreter/core/mail/html_template.h"
#include "interpreter/core/sha256.h"
#include "interpreter/core/text.h"

namespace sufler {
namespace {

/// RFC 2047: of a line with encoded words; RFC 5322 asks for 78.
constexpr std::size_t kLine = 76;
constexpr std::size_t kEncodedWord = 75;
constexpr std::size_t kEncodedName = 45;  ///< bytes that fit into one
/// Gmail cuts letters off at 102 kB; the rest of the letter must have its place, too.
constexpr std::size_t kMostHistoryHtml = 60 * 1024;
constexpr std::size_t kMostName = 120;

bool is_plain(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7F; });
}

std::string base64(std::string_view bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto byte = [&](std::size_t at) { return at < bytes.size() ? static_cast<unsigned char>(bytes[at]) : 0u; };
    const unsigned group = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
    out.push_back(kDigits[group >> 18]);
    out.push_back(kDigits[group >> 12 & 63]);
    out.push_back(i + 1 < bytes.size() ? kDigits[group >> 6 & 63] : '=');
    out.push_back(i + 2 < bytes.size() ? kDigits[group & 63] : '=');
  }
  return out;
}

/// Where a line of a header stands.
class HeaderWriter {
 public:
  HeaderWriter(std::string& out, std::string_view name) : out_(out) {
    put(name);
    put(":");
  }
  /// A word that stays whole; on a new line where this one would become too long.
  void word(std::string_view word) {
    if (used_ + 1 + word.size() > kLine && !fresh_) fold();
    put(" ");
    put(word);
    fresh_ = false;
  }
  /// Behind the word before, without a space.
  void more(std::string_view text) { put(text); }
  /// An encoded word that stays whole where it can: some readers of names leave a space where two of them meet.
  void encoded_name(std::string_view name) {
    if (name.size() <= kEncodedName && used_ + 1 + 12 + (name.size() + 2) / 3 * 4 > kLine) fold();
    encoded(name);
  }
  /// Encoded words, cut between code points.
  void encoded(std::string_view text) {
    constexpr std::size_t kFrame = 12;  // =?UTF-8?B? and ?=
    while (!text.empty()) {
      const auto room_of = [](std::size_t used) { return used + 1 + kFrame + 4 > kLine ? 0 : std::min(kEncodedWord, kLine - used - 1) - kFrame; };
      if (room_of(used_) < 16) fold();
      const std::size_t most = room_of(used_) / 4 * 3;
      std::size_t end = 0;
      while (end < text.size()) {
        std::size_t next = end;
        next_code_point(text, next);
        if (next > most) break;
        end = next;
      }
      put(" =?UTF-8?B?");
      put(base64(text.substr(0, end)));
      put("?=");
      fresh_ = false;
      text.remove_prefix(end);
    }
  }
  /// Any text on as many lines as it takes.
  void text(std::string_view text) {
    const std::string line = one_line_of(text);
    // A long run without a space could not be folded; `=?` could be taken for an encoded word.
    bool plain = is_plain(line) && line.find("=?") == line.npos;
    for (std::size_t at = 0, space = 0; plain && at < line.size(); at = space + 1) {
      space = std::min(line.find(' ', at), line.size());
      plain = space - at <= kLine - 2 && (space > at || at == 0);
    }
    if (!plain || line.starts_with(' ') || line.ends_with(' ')) return encoded(line);
    for (std::size_t at = 0; at < line.size();) {
      const std::size_t space = std::min(line.find(' ', at), line.size());
      word(std::string_view(line).substr(at, space - at));
      at = space + 1;
    }
  }
  void end() { out_ += "\r\n"; }

 private:
  void put(std::string_view text) {
    out_ += text;
    used_ += text.size();
  }
  void fold() {
    out_ += "\r\n";
    used_ = 0;
    fresh_ = true;
  }

  std::string& out_;
  std::size_t used_ = 0;
  bool fresh_ = true;  ///< nothing stands on the line but the name
};

void put_mailbox(HeaderWriter& header, const Mailbox& one, std::string_view behind) {
  const std::string address = one.name.empty() ? one.address : "<" + one.address + ">";
  if (!one.name.empty()) {
    const std::string name = one_line_of(one.name);
    const auto is_atom = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || std::string_view(" !#$%&'*+-/=?^_`{|}~").find(c) != std::string_view::npos;
    };
    if (!is_plain(name) || name.size() > 60 || name.find("=?") != name.npos) {
      header.encoded_name(name);
    } else if (std::all_of(name.begin(), name.end(), is_atom)) {
      header.text(name);
    } else {
      std::string quoted = "\"";
      for (const char c : name) {
        if (c == '"' || c == '\\') quoted += '\\';
        quoted += c;
      }
      header.word(quoted + "\"");
    }
  }
  header.word(address);
  header.more(behind);
}

std::string mailbox_header(std::string_view name, const std::vector<Mailbox>& all) {
  std::string out;
  HeaderWriter header(out, name);
  for (std::size_t i = 0; i < all.size(); ++i) put_mailbox(header, all[i], i + 1 < all.size() ? "," : "");
  header.end();
  return out;
}

std::string host_of(const Mailbox& from) { return from.address.substr(from.address.rfind('@') + 1); }

// ---- files

/// As people may see it and no program stumbles over it.
std::string clean_name(std::string_view name) {
  if (const std::size_t slash = name.find_last_of("/\\"); slash != name.npos) name.remove_prefix(slash + 1);
  std::string out;
  for (const char c : one_line_of(name))
    if (c != '"' && c != ';' && c != '<' && c != '>') out.push_back(c);
  out = std::string(trim(first_code_points(trim(out), kMostName)));
  return out.empty() || out == "." || out == ".." ? "file" : out;
}

/// For programs that know no RFC 2231: the ending is what they go by.
std::string plain_name(std::string_view name) {
  if (is_plain(name) && name.find('\\') == name.npos && name.find("=?") == name.npos) return std::string(name);
  const std::size_t dot = name.rfind('.');
  const std::string_view ending = dot == name.npos ? std::string_view() : name.substr(dot);
  return "file" + (is_plain(ending) && ending.size() <= 10 ? std::string(ending) : std::string());
}

/// RFC 2231: percent-encoded, and in pieces when it is long. The extended form stands first: of two, programs that
/// know both take one or the other, and some the first.
std::string disposition(std::string_view name) {
  std::string out = "Content-Disposition: attachment";
  const std::string plain = plain_name(name);
  if (plain != name || name.size() > 60) {
    constexpr char kHex[] = "0123456789ABCDEF";
    std::vector<std::string> pieces(1);
    for (std::size_t at = 0, next = 0; at < name.size(); at = next) {
      next_code_point(name, next);
      std::string one;  // a letter stays in one piece: some programs decode piece by piece
      for (const char c : name.substr(at, next - at)) {
        const auto byte = static_cast<unsigned char>(c);
        const bool safe = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
        one += safe ? std::string(1, c) : std::string{'%', kHex[byte >> 4], kHex[byte & 15]};
      }
      if (pieces.back().size() + one.size() > 50) pieces.emplace_back();
      pieces.back() += one;
    }
    for (std::size_t i = 0; i < pieces.size(); ++i)
      out += ";\r\n filename*" + (pieces.size() > 1 ? std::to_string(i) + "*" : std::string()) + "=" + (i == 0 ? "UTF-8''" : "") + pieces[i];
  }
  // With pieces a second form would be taken for one of them.
  if (plain == name ? name.size() <= 60 : name.size() <= 16) out += ";\r\n filename=\"" + plain + "\"";
  return out + "\r\n";
}

/// `text/plain`, and nothing that could be more than a type.
std::string clean_mime(std::string_view given, std::string_view bytes) {
  const std::string mime = to_lower(given);
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || std::string_view("/.+-").find(c) != std::string_view::npos;
  };
  const bool fits = mime.size() <= 100 && std::count(mime.begin(), mime.end(), '/') == 1 && mime.front() != '/' && mime.back() != '/' &&
                    std::all_of(mime.begin(), mime.end(), good);
  // Parts of other kinds may not be in base64.
  const bool plain = fits && !mime.starts_with("multipart/") && !mime.starts_with("message/");
  // In another encoding than this one the reader's program guesses better than we could.
  const bool text = mime == "text/plain" || mime == "text/csv" || mime == "text/html";
  if (text) return is_utf8(bytes) ? mime + "; charset=utf-8" : mime;
  return plain ? mime : "application/octet-stream";
}

// ---- parts

std::string text_part(std::string_view type, std::string_view text) {
  std::string body;
  // Lines end with CRLF in the text itself, whatever the encoding.
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r') continue;
    if (text[i] == '\n') body += '\r';
    body += text[i];
  }
  if (!body.ends_with("\r\n")) body += "\r\n";
  const std::string quoted = quoted_printable(body), packed = base64_lines(body);
  const bool as_quoted = quoted.size() <= packed.size();
  return "Content-Type: " + std::string(type) + "; charset=utf-8\r\nContent-Transfer-Encoding: " + (as_quoted ? "quoted-printable" : "base64") +
         "\r\n\r\n" + (as_quoted ? quoted : packed);
}

std::string file_part(const LetterFile& file) {
  return "Content-Type: " + clean_mime(file.mime, file.bytes) + "\r\n" + disposition(clean_name(file.name)) + "Content-Transfer-Encoding: base64\r\n\r\n" +
         base64_lines(file.bytes);
}

std::string picture_part(const LetterFile& file) {
  const std::string name = plain_name(clean_name(file.name));
  return "Content-Type: " + clean_mime(file.mime, file.bytes) + "\r\nContent-ID: <" + file.content_id +
         ">\r\nContent-Disposition: inline; filename=\"" + (name.size() <= 40 ? name : "picture") + "\"\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
         base64_lines(file.bytes);
}

/// `=_` stands in no text in quoted-printable and in no base64, so no part holds the boundary.
std::string multipart(std::string_view kind, const std::string& mark, const std::vector<std::string>& parts) {
  const std::string boundary = "=_" + std::string(kind) + "_" + mark;
  // RFC 2387: whoever shows it has to know what it begins with.
  const std::string type = kind == "related" ? "\r\n type=\"text/html\";" : "";
  std::string out = "Content-Type: multipart/" + std::string(kind) + ";" + type + "\r\n boundary=\"" + boundary + "\"\r\n\r\n";
  for (const std::string& part : parts) out += "--" + boundary + "\r\n" + part + "\r\n";  // which is the boundary's
  return out + "--" + boundary + "--\r\n";
}

// ---- the talk

bool is_russian(const MailOrder& order) { return order.language == Language::Russian; }

constexpr std::string_view kFont = "font-family:Arial,Helvetica,sans-serif;";

std::string saying_html(const Saying& one) {
  const bool client = one.who == Saying::Who::Client;
  const std::string colour = client ? "#e7f3ec" : one.who == Saying::Who::Staff ? "#fdf3e1" : "#f1f3f5";
  const std::string name_colour = client ? "#1f7a4d" : one.who == Saying::Who::Staff ? "#9a6700" : "#57606a";
  std::string font(kFont);
  return "<tr><td style=\"padding:0 0 8px 0;" + font + "\"><table role=\"presentation\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\">"
         "<tr><td bgcolor=\"" + colour + "\" style=\"background-color:" + colour + ";padding:8px 12px;border-radius:8px;" + font +
         "font-size:14px;line-height:20px;color:#1f2328;word-break:break-word;\"><span style=\"font-size:12px;color:" + name_colour + ";\"><b>" + escape_html(one.name) +
         "</b> &nbsp;" + escape_html(one.time) + "</span><br>\n" + escape_html_text(one.text) + "</td></tr></table></td></tr>\n";
}

std::string day_html(std::string_view day) {
  return "<tr><td align=\"center\" style=\"padding:8px 0;" + std::string(kFont) + "font-size:12px;color:#57606a;\">" + escape_html(day) + "</td></tr>\n";
}

struct TalkHtml {
  std::string html;
  bool whole = true;
};

/// The newest messages that have their place.
TalkHtml talk_html(const MailOrder& order) {
  std::vector<std::string> rows;
  std::size_t size = 0;
  std::string day;
  std::size_t at = order.history.size();
  while (at > 0) {
    const Saying& one = order.history[at - 1];
    std::string row = saying_html(one);
    if (size + row.size() > kMostHistoryHtml) break;
    if (!day.empty() && one.day != day) rows.push_back(day_html(day));
    day = one.day;
    size += row.size();
    rows.push_back(std::move(row));
    --at;
  }
  if (!day.empty()) rows.push_back(day_html(day));
  TalkHtml talk;
  talk.whole = at == 0;
  if (!talk.whole) rows.push_back(day_html(is_russian(order) ? "… начало переписки в приложенном файле" : "… the beginning of the talk is in the attached file"));
  talk.html = "<table role=\"presentation\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\">\n";
  for (std::size_t i = rows.size(); i > 0; --i) talk.html += rows[i - 1];
  talk.html += "</table>\n";
  if (order.history.empty()) talk.html.clear();
  return talk;
}

std::string talk_heading(const MailOrder& order) { return is_russian(order) ? "Переписка" : "The talk"; }

/// The author's marks as tags.
std::string rich_html(const RichText& text) {
  std::string out;
  std::vector<const MarkupSpan*> open;
  std::size_t next = 0;
  const auto tag = [](const MarkupSpan& span, bool closes) -> std::string {
    switch (span.markup) {
      case Markup::Bold: return closes ? "</b>" : "<b>";
      case Markup::Italic: return closes ? "</i>" : "<i>";
      case Markup::Code: return closes ? "</code>" : "<code>";
      case Markup::Link: return closes ? "</a>" : "<a href=\"" + escape_html(span.url) + "\">";
    }
    return {};
  };
  for (std::size_t i = 0; i <= text.text.size();) {
    while (!open.empty() && open.back()->end <= i) {
      out += tag(*open.back(), true);
      open.pop_back();
    }
    while (next < text.spans.size() && text.spans[next].begin <= i) {
      out += tag(text.spans[next], false);
      open.push_back(&text.spans[next++]);
    }
    std::size_t end = text.text.size();
    if (!open.empty()) end = std::min<std::size_t>(end, open.back()->end);
    if (next < text.spans.size()) end = std::min<std::size_t>(end, text.spans[next].begin);
    if (i == text.text.size()) break;
    out += escape_html_text(std::string_view(text.text).substr(i, end - i));
    i = end;
  }
  return out;
}

/// A plain letter with marks or a talk, for those who see HTML.
std::string own_html(const MailOrder& order) {
  const std::string font(kFont);
  std::string out = "<!doctype html>\n<html lang=\"" + std::string(is_russian(order) ? "ru" : "en") +
                    "\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>" +
                    escape_html(order.subject) + "</title></head>\n<body style=\"margin:0;padding:0;\">\n"
                    "<table role=\"presentation\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\"><tr><td align=\"center\" style=\"padding:16px;\">\n"
                    "<table role=\"presentation\" width=\"600\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\" style=\"width:100%;max-width:600px;\">\n";
  if (!order.text.empty())
    out += "<tr><td style=\"padding:0 0 16px 0;" + font + "font-size:16px;line-height:24px;color:#1f2328;\">" + rich_html(order.text) + "</td></tr>\n";
  if (!order.history.empty())
    out += "<tr><td style=\"padding:8px 0;" + font + "font-size:18px;line-height:24px;color:#1f2328;\"><b>" + talk_heading(order) + "</b></td></tr>\n<tr><td>" +
           std::string(kHistoryMark) + "</td></tr>\n";
  return out + "</table>\n</td></tr></table>\n</body></html>\n";
}

void put_talk(std::string& html, const std::string& talk) {
  std::size_t at = html.find(kHistoryMark);
  if (at == html.npos) {
    at = html.rfind("</body>");
    if (at == html.npos) at = html.size();
    html.insert(at, talk);
    return;
  }
  html.replace(at, kHistoryMark.size(), talk);
  // Once is enough.
  for (at += talk.size(); (at = html.find(kHistoryMark, at)) != html.npos;) html.erase(at, kHistoryMark.size());
}

}  // namespace

std::string header_line(std::string_view name, std::string_view value) {
  std::string out;
  HeaderWriter header(out, name);
  header.text(value);
  header.end();
  return out;
}

std::string quoted_printable(std::string_view text) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  std::size_t used = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte == '\r' && i + 1 < text.size() && text[i + 1] == '\n') {
      out += "\r\n";
      used = 0;
      ++i;
      continue;
    }
    const bool ends_line = i + 1 == text.size() || text[i + 1] == '\r';
    const bool white = byte == ' ' || byte == '\t';
    // A dot or `From` at the beginning of a line is changed by some servers on the way.
    const bool fragile = byte == '.' || byte == 'F';
    const bool plain = (byte >= 0x21 && byte <= 0x7E && byte != '=') || (white && !ends_line);
    if (used + (plain ? 1u : 3u) > kLine - 1) {
      out += "=\r\n";
      used = 0;
    }
    const bool as_it_is = plain && !(fragile && used == 0);
    if (as_it_is) {
      out.push_back(text[i]);
    } else {
      out += {'=', kHex[byte >> 4], kHex[byte & 15]};
    }
    used += as_it_is ? 1 : 3;
  }
  return out;
}

std::string base64_lines(std::string_view bytes) {
  const std::string all = base64(bytes);
  std::string out;
  out.reserve(all.size() + all.size() / kLine * 2 + 2);
  for (std::size_t at = 0; at < all.size(); at += kLine) {
    out.append(all, at, kLine);
    out += "\r\n";
  }
  return out;
}

std::string message_id(const MailOrder& order, const Sender& sender) {
  std::string id;
  for (const char c : order.id)
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) id.push_back(c);
  return "<" + id + "@" + host_of(sender.from) + ">";
}

std::string history_file_name(const MailOrder& order) {
  if (order.history.empty() || talk_html(order).whole) return {};
  return is_russian(order) ? "переписка.txt" : "talk.txt";
}

std::string letter_html(const MailOrder& order) {
  std::string html = order.html;
  if (html.empty() && order.text.spans.empty() && order.history.empty()) return {};
  if (html.empty()) html = own_html(order);
  if (order.with_history || html.find(kHistoryMark) != html.npos) put_talk(html, talk_html(order).html);
  return html;
}

std::string letter_text(const MailOrder& order) {
  if (order.text.empty() && !order.html.empty()) {
    std::string html = order.html;
    // A line of its own, which the talk then takes.
    const std::string mark = "<p>" + std::string(kHistoryMark) + "</p>";
    put_talk(html, mark);
    std::string text = html_to_text(html);
    const std::size_t at = text.find(kHistoryMark);
    std::string talk = as_text(order.history);
    while (talk.ends_with('\n')) talk.pop_back();
    if (at != text.npos) text.replace(at, kHistoryMark.size(), talk);
    while (text.ends_with('\n')) text.pop_back();
    return text + "\n";
  }
  std::string text;
  // A link is read with its address.
  std::size_t at = 0;
  for (const MarkupSpan& span : order.text.spans) {
    if (span.markup != Markup::Link || span.end < at) continue;
    text += order.text.text.substr(at, span.end - at);
    if (order.text.text.substr(span.begin, span.end - span.begin) != span.url) text += " (" + span.url + ")";
    at = span.end;
  }
  text += order.text.text.substr(at);
  if (!order.history.empty()) text += (text.empty() ? "" : "\n\n") + talk_heading(order) + "\n\n" + as_text(order.history);
  if (!text.ends_with('\n')) text += '\n';
  return text;
}

std::string compose_letter(const MailOrder& order, const Sender& sender, const std::vector<LetterFile>& files) {
  const std::string id = message_id(order, sender);
  const std::string mark = sha256_hex(id).substr(0, 24);
  std::string out = header_line("Date", order.date);
  out += mailbox_header("From", {sender.from});
  out += mailbox_header("To", order.to);
  if (sender.reply_to) out += mailbox_header("Reply-To", {*sender.reply_to});
  out += header_line("Subject", order.subject);
  out += "Message-ID: " + id + "\r\n";
  // Nobody's holiday answer is wanted.
  out += "Auto-Submitted: auto-generated\r\n";
  out += "MIME-Version: 1.0\r\n";

  const std::string html = letter_html(order);
  std::string body = text_part("text/plain", letter_text(order));
  std::vector<std::string> shown = {text_part("text/html", html)};
  for (const LetterFile& file : files)
    if (!file.content_id.empty()) shown.push_back(picture_part(file));
  if (!html.empty()) body = multipart("alternative", mark, {body, shown.size() > 1 ? multipart("related", mark, shown) : shown[0]});
  std::vector<std::string> parts = {body};
  for (const LetterFile& file : files)
    if (file.content_id.empty()) parts.push_back(file_part(file));
  if (const std::string name = history_file_name(order); !name.empty())
    parts.push_back(file_part({name, "text/plain", "\xEF\xBB\xBF" + as_text(order.history)}));
  return out + (parts.size() > 1 ? multipart("mixed", mark, parts) : body);
}

}  // namespace sufler
