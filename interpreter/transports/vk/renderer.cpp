#include "interpreter/transports/vk/renderer.h"

#include <algorithm>
#include <utility>

#include "interpreter/core/json_text.h"
#include "interpreter/core/text.h"
#include "interpreter/transports/vk/answers.h"
#include "interpreter/transports/vk/buttons.h"

// The JSON is written by hand: this runs once or twice for every message of every person.

namespace sufler::vk {
namespace {

constexpr std::int64_t kActionShownMs = 5000;  // VK shows "typing" for 5 to 10 s
constexpr std::size_t kSnackbarCodePoints = 90;
constexpr std::string_view kJoiner = "\xE2\x80\x8D";  // U+200D

bool is_blank(std::string_view text) { return trim(text).empty(); }

bool is_integer(std::string_view id) {
  if (!id.empty() && id.front() == '-') id.remove_prefix(1);
  return !id.empty() && id.size() <= 18 &&
         std::all_of(id.begin(), id.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// Whether `text` has at most `limit` UTF-16 units. A unit takes at least one byte, so most texts need no
/// count.
bool fits(std::string_view text, std::size_t limit) {
  return text.size() <= limit || count_utf16_units(text) <= limit;
}

std::string begin_body(std::string_view peer_id, std::size_t reserve, std::string_view field = "peer_id") {
  std::string body;
  body.reserve(reserve + 96);
  body.append("{\"").append(field).append("\":");
  if (is_integer(peer_id)) {
    body += peer_id;
  } else {
    append_json_string(body, peer_id);
  }
  return body;
}

// ------------------------------------------------------------------- text

/// The places behind the bracket of every `[name|text]`, where VK would make a link.
std::vector<std::size_t> link_signs(std::string_view text) {
  std::vector<std::size_t> places;
  for (std::size_t at = text.find('['); at != std::string_view::npos; at = text.find('[', at + 1)) {
    std::size_t bar = at + 1;
    while (bar < text.size() && text[bar] != '|' && text[bar] != '[' && text[bar] != ']' && text[bar] != '\n') ++bar;
    if (bar > at + 1 && bar < text.size() && text[bar] == '|') places.push_back(at + 1);
  }
  return places;
}

/// The text with every link sign broken, its marks in their places.
RichText without_links(const RichText& text) {
  const std::vector<std::size_t> places = link_signs(text.text);
  if (places.empty()) return text;
  RichText out;
  std::size_t from = 0;
  for (const std::size_t place : places) {
    out.text.append(text.text, from, place - from).append(kJoiner);
    from = place;
  }
  out.text.append(text.text, from, std::string::npos);
  const auto moved = [&](std::uint32_t offset) {
    const auto before = std::lower_bound(places.begin(), places.end(), static_cast<std::size_t>(offset));
    return offset + static_cast<std::uint32_t>(static_cast<std::size_t>(before - places.begin()) * kJoiner.size());
  };
  for (MarkupSpan span : text.spans) {
    span.begin = moved(span.begin);
    span.end = moved(span.end);
    out.spans.push_back(std::move(span));
  }
  return out;
}

std::string_view format_type(Markup markup) {
  switch (markup) {
    case Markup::Bold: return "bold";
    case Markup::Italic: return "italic";
    case Markup::Link: return "url";
    case Markup::Code: break;
  }
  return {};
}

/// `,"message":"…","format_data":{…}`
void append_text(std::string& body, const RichText& text) {
  body += ",\"message\":";
  append_json_string(body, text.text);
  const std::string_view whole = text.text;
  std::size_t counted_bytes = 0;
  std::size_t counted_units = 0;
  bool any = false;
  for (const MarkupSpan& span : text.spans) {
    const std::string_view type = format_type(span.markup);
    const std::size_t begin = std::min<std::size_t>(span.begin, whole.size());
    const std::size_t end = std::min<std::size_t>(span.end, whole.size());
    if (type.empty() || end <= begin) continue;
    // The spans are ordered by their begin, so the units before one are counted on from the last.
    if (begin < counted_bytes) counted_bytes = counted_units = 0;
    counted_units += count_utf16_units(whole.substr(counted_bytes, begin - counted_bytes));
    counted_bytes = begin;
    body += any ? ",{\"type\":\"" : ",\"format_data\":{\"version\":1,\"items\":[{\"type\":\"";
    any = true;
    body += type;
    body += "\",\"offset\":";
    append_json_number(body, static_cast<std::int64_t>(counted_units));
    body += ",\"length\":";
    append_json_number(body, static_cast<std::int64_t>(count_utf16_units(whole.substr(begin, end - begin))));
    if (span.markup == Markup::Link) {
      body += ",\"url\":";
      append_json_string(body, span.url);
    }
    body += '}';
  }
  if (any) body += "]}";
}

// ------------------------------------------------------------------- keyboards

std::string web_link(const std::string& url) {
  if (url.rfind("https://", 0) == 0 || url.rfind("http://", 0) == 0) return url;
  if (url.empty() || url.find(':') != std::string::npos) return {};
  return "https://" + url;
}

std::string_view color_of(ButtonColor color) {
  switch (color) {
    case ButtonColor::Blue: return "primary";
    case ButtonColor::Red: return "negative";
    case ButtonColor::Green: return "positive";
    case ButtonColor::White:
    case ButtonColor::Default: break;
  }
  return "secondary";
}

/// A button as VK takes it.
struct Shown {
  std::string json;
  std::string label;
  bool wide = false;  // takes a whole row
};

Shown show(const Button& button) {
  Shown shown;
  const auto act = [&](std::string_view type, std::string_view payload) {
    shown.json.append("{\"action\":{\"type\":\"").append(type).append("\"");
    if (type != "location") {
      shown.json += ",\"label\":";
      append_json_string(shown.json, shown_label(button.label));
    }
    if (!payload.empty()) {
      shown.json += ",\"payload\":";
      append_json_string(shown.json, payload);
    }
  };
  shown.label = button.label;
  if (button.action == ButtonAction::Location) {
    act("location", {});
    shown.json += "}}";
    shown.wide = true;
    return shown;
  }
  if (is_blank(button.label)) return {};
  switch (button.action) {
    case ButtonAction::Text: act("text", label_payload(button.label)); break;
    case ButtonAction::Payload: {
      const std::string payload = press_payload(button.payload);
      if (payload.empty()) return {};
      act("callback", payload);
      break;
    }
    case ButtonAction::Url: {
      const std::string link = web_link(button.url);
      if (link.empty()) return {};
      act("open_link", {});
      shown.json += ",\"link\":";
      append_json_string(shown.json, link);
      shown.json += "}}";
      return shown;
    }
    default: return {};
  }
  shown.json.append("},\"color\":\"").append(color_of(button.color)).append("\"}");
  return shown;
}

using Rows = std::vector<std::vector<Shown>>;

/// Puts buttons into rows of at most `columns`, a wide one into a row of its own.
void lay_out(Rows& rows, std::vector<Shown> buttons, std::size_t columns) {
  bool begin = true;
  for (Shown& button : buttons) {
    if (begin || button.wide || rows.back().size() >= columns || rows.back().back().wide) rows.emplace_back();
    begin = false;
    rows.back().push_back(std::move(button));
  }
}

/// Rows as they are meant, where they fit; else all buttons in as few columns as will do.
Rows fitted(Rows meant, std::size_t most_rows) {
  Rows rows;
  for (const std::vector<Shown>& row : meant) lay_out(rows, row, kColumns);
  for (std::size_t columns = 2; rows.size() > most_rows && columns <= kColumns; ++columns) {
    rows.clear();
    std::vector<Shown> all;
    for (const std::vector<Shown>& row : meant) all.insert(all.end(), row.begin(), row.end());
    lay_out(rows, std::move(all), columns);
  }
  // Only several wide buttons can be too many for every width.
  if (rows.size() > most_rows) rows.resize(most_rows);
  return rows;
}

/// `,"keyboard":{…}`
std::string keyboard_of(const Rows& rows, bool is_inline) {
  std::string out = is_inline ? ",\"keyboard\":{\"inline\":true,\"buttons\":["
                              : ",\"keyboard\":{\"one_time\":false,\"inline\":false,\"buttons\":[";
  for (std::size_t i = 0; i < rows.size(); ++i) {
    out += i == 0 ? "[" : ",[";
    for (std::size_t k = 0; k < rows[i].size(); ++k) {
      if (k != 0) out += ',';
      out += rows[i][k].json;
    }
    out += ']';
  }
  out += "]}";
  return out;
}

constexpr std::string_view kNoKeyboard = ",\"keyboard\":{\"buttons\":[]}";

/// What a keyboard becomes: one `keyboard` parameter a message, and lines for the text.
struct Buttons {
  std::vector<std::string> keyboards;
  std::string lines;
};

void add_line(std::string& lines, std::string_view line) {
  if (!lines.empty()) lines += '\n';
  lines += line;
}

Buttons reply_buttons(Rows rows, std::string lines) {
  Buttons out;
  out.lines = std::move(lines);
  std::size_t count = 0;
  for (const auto& row : rows) count += row.size();
  if (count > kReplyButtons) {
    // The last row is kept where it can be: there stand the ways back and on.
    const bool keep_last = rows.size() > 1 && rows.back().size() <= kColumns;
    std::size_t left = kReplyButtons - (keep_last ? rows.back().size() : 0);
    for (std::size_t i = 0; i < rows.size() - (keep_last ? 1 : 0); ++i) {
      for (std::size_t k = left; k < rows[i].size(); ++k) add_line(out.lines, "• " + rows[i][k].label);
      if (rows[i].size() > left) rows[i].resize(left);
      left -= rows[i].size();
    }
    std::erase_if(rows, [](const auto& row) { return row.empty(); });
  }
  if (rows.empty()) {
    out.keyboards.emplace_back(kNoKeyboard);
  } else {
    out.keyboards.push_back(keyboard_of(fitted(std::move(rows), kReplyRows), false));
  }
  return out;
}

Buttons inline_buttons(const Rows& rows, std::string lines) {
  Buttons out;
  out.lines = std::move(lines);
  Rows part;
  std::size_t count = 0;
  const auto end_part = [&] {
    if (!part.empty()) out.keyboards.push_back(keyboard_of(fitted(std::move(part), kInlineRows), true));
    part.clear();
    count = 0;
  };
  for (const std::vector<Shown>& row : rows) {
    // A row stays whole where it can.
    if (count + row.size() > kInlineButtons && row.size() <= kInlineButtons) end_part();
    bool begin = true;
    for (const Shown& button : row) {
      if (count == kInlineButtons) end_part(), begin = true;
      if (begin) part.emplace_back();
      begin = false;
      part.back().push_back(button);
      ++count;
    }
  }
  end_part();
  return out;
}

Buttons buttons_of(const Keyboard& keyboard) {
  if (keyboard.kind == Keyboard::Kind::None) return {};
  if (keyboard.kind == Keyboard::Kind::Remove) return {{std::string(kNoKeyboard)}, {}};
  Rows rows;
  std::string lines;
  for (const std::vector<Button>& row : keyboard.rows) {
    std::vector<Shown> shown;
    for (const Button& button : row) {
      Shown one = show(button);
      if (!one.json.empty()) {
        shown.push_back(std::move(one));
      } else if (button.action == ButtonAction::Url && !button.url.empty()) {
        add_line(lines, button.label + ": " + button.url);
      }
    }
    if (!shown.empty()) rows.push_back(std::move(shown));
  }
  return keyboard.kind == Keyboard::Kind::Inline ? inline_buttons(rows, std::move(lines))
                                                 : reply_buttons(std::move(rows), std::move(lines));
}

class Renderer {
 public:
  Renderer(std::string_view peer_id, const Message& message) : peer_id_(peer_id), message_(message) {}

  std::vector<ApiCall> render() {
    add_typing();
    const Buttons buttons = buttons_of(message_.keyboard);
    RichText text = message_.text;
    add_paragraph(text, buttons.lines);
    for (const Attachment& file : message_.attachments) {
      if (trim(file.caption) != trim(message_.text.text)) add_paragraph(text, trim(file.caption));
    }
    text = without_links(text);

    std::vector<RichText> parts;
    if (!is_blank(text.text)) {
      if (fits(text.text, kTextUnits)) {
        parts.push_back(std::move(text));
      } else {
        parts = split(text, kTextUnits);
        std::erase_if(parts, [](const RichText& part) { return is_blank(part.text); });
      }
    }
    const std::vector<Attachment>& files = message_.attachments;
    if (parts.empty() && files.empty()) {
      // A keyboard cannot come or go without a text.
      if (buttons.keyboards.empty()) return std::move(calls_);
      parts.push_back({"…", {}});
    }
    // The first ten files go below the last part of the text, the others follow.
    const std::size_t file_messages = (files.size() + kMessageFiles - 1) / kMessageFiles;
    const std::size_t count = std::max<std::size_t>(parts.size(), 1) + (file_messages > 0 ? file_messages - 1 : 0);
    for (std::size_t i = 0; i < count; ++i) {
      const RichText* part = i < parts.size() ? &parts[i] : nullptr;
      const std::size_t before_files = parts.empty() ? 0 : parts.size() - 1;
      const std::size_t first = i < before_files ? files.size() : (i - before_files) * kMessageFiles;
      const bool last = i + 1 == count && !buttons.keyboards.empty();
      add_message(part, first, last ? std::string_view(buttons.keyboards.front()) : std::string_view());
    }
    for (std::size_t i = 1; i < buttons.keyboards.size(); ++i) {
      const RichText more{"…", {}};
      add_message(&more, files.size(), buttons.keyboards[i]);
    }
    return std::move(calls_);
  }

 private:
  /// Appends plain text below, an empty line between.
  static void add_paragraph(RichText& text, std::string_view paragraph) {
    if (is_blank(paragraph)) return;
    if (!is_blank(text.text)) text.append("\n\n");
    text.append(paragraph);
  }

  /// What VK shows fades: a longer "typing" is renewed.
  void add_typing() {
    for (std::int64_t left = message_.typing.ms; left > 0; left -= kActionShownMs) {
      ApiCall& call = calls_.emplace_back();
      call.method = "messages.setActivity";
      call.body = begin_body(peer_id_, 32) + ",\"type\":\"typing\"}";
      call.expendable = true;
      call.hold = Duration{std::min(left, kActionShownMs)};
    }
  }

  void add_message(const RichText* text, std::size_t first_file, std::string_view keyboard) {
    ApiCall& call = calls_.emplace_back();
    call.method = "messages.send";
    // Only as one of several recipients does a conversation tell the number of the message there.
    call.body = begin_body(peer_id_, keyboard.size() + (text == nullptr ? 0 : text->text.size() + 64 * text->spans.size()),
                           is_conversation(peer_id_) ? "peer_ids" : "peer_id");
    if (text != nullptr) append_text(call.body, *text);
    call.body += ",\"disable_mentions\":1";
    append_reply(call.body);
    call.body += keyboard;
    call.body += '}';
    const std::vector<Attachment>& files = message_.attachments;
    for (std::size_t i = first_file; i < std::min(first_file + kMessageFiles, files.size()); ++i) {
      call.files.push_back({"attachment", files[i]});
    }
  }

  /// The first message of several is the answer to `reply_to`.
  void append_reply(std::string& body) {
    std::string_view id = message_.reply_to;
    if (id.empty() || std::exchange(replied_, true)) return;
    const bool numbered = id.front() == 'c';  // the number in the dialog
    if (numbered) id.remove_prefix(1);
    if (!is_integer(id) || id.front() == '-' || id.front() == '0') return;
    if (numbered && !is_integer(peer_id_)) return;
    if (numbered) {
      body.append(",\"forward\":{\"peer_id\":").append(peer_id_).append(",\"conversation_message_ids\":[");
      body.append(id).append("],\"is_reply\":true}");
    } else {
      body.append(",\"reply_to\":").append(id);
    }
  }

  std::string_view peer_id_;
  const Message& message_;
  bool replied_ = false;
  std::vector<ApiCall> calls_;
};

}  // namespace

std::vector<ApiCall> render(std::string_view peer_id, const Message& message) {
  return Renderer(peer_id, message).render();
}

ApiCall render_typing(std::string_view peer_id) {
  ApiCall call;
  call.method = "messages.setActivity";
  call.body = begin_body(peer_id, 32) + ",\"type\":\"typing\"}";
  call.ordered = false;
  call.expendable = true;
  return call;
}

ApiCall render_press_answer(std::string_view press_id, std::string_view text) {
  ApiCall call;
  call.method = "messages.sendMessageEventAnswer";
  const PressPlace place = PressPlace::parse(press_id).value_or(PressPlace{std::string(press_id), 0, 0});
  call.body = "{\"event_id\":";
  append_json_string(call.body, place.event_id);
  call.body += ",\"user_id\":";
  append_json_number(call.body, place.user_id);
  call.body += ",\"peer_id\":";
  append_json_number(call.body, place.peer_id);
  if (!is_blank(text)) {
    call.body += ",\"event_data\":{\"type\":\"show_snackbar\",\"text\":";
    append_json_string(call.body, first_code_points(text, kSnackbarCodePoints));
    call.body += '}';
  }
  call.body += '}';
  call.ordered = false;
  call.expendable = true;
  return call;
}

}  // namespace sufler::vk
