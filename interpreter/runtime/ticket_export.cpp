#include "interpreter/runtime/ticket_export.h"

#include "interpreter/core/event.h"

namespace sufler {
namespace {

struct Words {
  const char *ticket, *client, *opened, *closed, *rating, *note, *when, *who, *text, *file;
};
constexpr Words kRussian = {"Обращение №", "Клиент", "Открыто", "Закрыто", "Оценка", "заметка", "Когда", "Кто", "Что", "файл"};
constexpr Words kEnglish = {"Ticket #", "Client", "Opened", "Closed", "Rating", "note", "When", "Who", "What", "file"};

std::string content_of(const TicketMessage& message, const Words& words) {
  Event event;
  if (!from_json(message.event, event)) return {};
  const auto* said = std::get_if<UserMessage>(&event.what);
  if (!said) return {};
  std::string text = said->text;
  const auto add = [&](const std::string& part) { text += (text.empty() ? "" : " ") + part; };
  for (const Attachment& file : said->attachments)
    add("[" + std::string(words.file) + (file.name.empty() ? "" : ": " + file.name) + "]" +
        (file.caption.empty() ? "" : " " + file.caption));
  if (said->contact) add("[" + said->contact->phone + "]");
  if (said->location)
    add("[" + said->location->latitude.to_string() + ", " + said->location->longitude.to_string() + "]");
  return text;
}

std::string html(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '&': out += "&amp;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      case '\n': out += "<br>"; break;
      default: out += c;
    }
  }
  return out;
}

std::string cell(std::string_view text) {
  std::string out = "\"";
  if (!text.empty() && std::string_view("=+-@\t\r").find(text.front()) != std::string_view::npos) out += '\'';
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + "\"";
}

/// Further lines of a message stand under its first, so that nobody writes a line that seems another's.
std::string indented(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\r') continue;
    out += c;
    if (c == '\n') out += "    ";
  }
  return out;
}

}  // namespace

std::optional<TicketFormat> ticket_format(std::string_view name) {
  if (name == "txt") return TicketFormat::Text;
  if (name == "html") return TicketFormat::Html;
  if (name == "csv") return TicketFormat::Csv;
  return std::nullopt;
}

Attachment export_ticket(const Program& program, const TicketRow& ticket, const std::vector<TicketMessage>& messages,
                         TicketFormat format) {
  const Words& words = program.language == Language::Russian ? kRussian : kEnglish;
  const auto when = [&](Moment at) { return format_local(program.zone.to_local(at), program.language); };
  const auto author = [&](const TicketMessage& message) {
    return message.author + (message.from == TicketMessage::From::Note ? " (" + std::string(words.note) + ")" : "");
  };
  std::vector<std::pair<std::string, std::string>> head = {{words.client, ticket.client_name},
                                                           {words.opened, when(ticket.opened_at)}};
  if (ticket.closed_at.unix_ms != 0) head.emplace_back(words.closed, when(ticket.closed_at));
  if (ticket.rating != 0) head.emplace_back(words.rating, std::to_string(ticket.rating));
  const std::string title = words.ticket + std::to_string(ticket.number);

  std::string out;
  Attachment file;
  file.origin = "text";
  switch (format) {
    case TicketFormat::Text:
      out = title + "\n";
      for (const auto& [name, value] : head) out += name + ": " + value + "\n";
      out += "\n";
      for (const TicketMessage& message : messages)
        out += when(message.at) + " " + author(message) + ": " + indented(content_of(message, words)) + "\n";
      file.name = "ticket-" + std::to_string(ticket.number) + ".txt";
      file.mime = "text/plain";
      break;
    case TicketFormat::Html:
      out = "<!doctype html><html><head><meta charset=\"utf-8\"><meta http-equiv=\"Content-Security-Policy\" "
            "content=\"default-src 'none'; style-src 'unsafe-inline'\"><title>" + html(title) +
            "</title><style>body{font:16px sans-serif;max-width:50em;margin:2em auto;padding:0 1em}td{padding:.3em "
            ".6em;vertical-align:top;border-top:1px solid #ddd}td:first-child{white-space:nowrap;color:#666}"
            "</style></head><body><h1>" + html(title) + "</h1>";
      for (const auto& [name, value] : head) out += "<p>" + html(name) + ": " + html(value) + "</p>";
      out += "<table>";
      for (const TicketMessage& message : messages)
        out += "<tr><td>" + html(when(message.at)) + "</td><td><b>" + html(author(message)) + "</b></td><td>" +
               html(content_of(message, words)) + "</td></tr>";
      out += "</table></body></html>\n";
      file.name = "ticket-" + std::to_string(ticket.number) + ".html";
      file.mime = "text/html";
      break;
    case TicketFormat::Csv:
      out = "\xEF\xBB\xBF" + cell(words.when) + "," + cell(words.who) + "," + cell(words.text) + "\r\n";
      for (const TicketMessage& message : messages)
        out += cell(when(message.at)) + "," + cell(author(message)) + "," + cell(content_of(message, words)) + "\r\n";
      file.name = "ticket-" + std::to_string(ticket.number) + ".csv";
      file.mime = "text/csv";
      break;
  }
  file.reference = std::move(out);
  file.size = static_cast<std::int64_t>(file.reference.size());
  return file;
}

}  // namespace sufler
