#include "interpreter/core/transcript.h"

#include <algorithm>
#include <map>

#include "interpreter/core/event.h"
#include "interpreter/core/json_text.h"
#include "interpreter/core/message_json.h"
#include "interpreter/core/text.h"

namespace sufler {
namespace {

struct Words {
  const char *bot, *client, *staff, *contact, *place, *pressed;
  const char* files[7];  ///< in the order of AttachmentKind
};
constexpr Words kRussian = {"Бот", "Клиент", "Сотрудник", "контакт", "место", "кнопка",
                            {"фото", "файл", "голосовое сообщение", "аудио", "видео", "стикер", "вложение"}};
constexpr Words kEnglish = {"Bot", "Client", "Staff", "contact", "place", "button",
                            {"photo", "file", "voice message", "audio", "video", "sticker", "attachment"}};

class Writer {
  using Who = Saying::Who;

 public:
  Writer(const Program& program, std::string_view person)
      : program_(program),
        words_(program.language == Language::Russian ? kRussian : kEnglish),
        person_(person.empty() ? words_.client : std::string(person)) {}

  void write(const JournalLine& line) {
    moment_ = line.at;
    at_ = program_.zone.to_local(line.at);
    Event event;
    if (from_json(line.event, event)) hear(event);
    JsonReader json(line.turn);
    json.read_array([&] {
      return json.read_object([&](const std::string& name) { return read_effect(json, name); });
    });
  }

  std::vector<Saying> finish() { return std::move(said_); }

 private:
  bool read_effect(JsonReader& json, const std::string& name) {
    if (name == "due") {
      std::int64_t due = 0;
      return json.read_int(due);
    }
    if (name == "given") return false;  // stands last, and is nothing that was said
    return name == "say" ? tell(json) : pass_over(json);
  }

  void hear(const Event& event) {
    if (const auto* message = std::get_if<UserMessage>(&event.what)) {
      std::string text = message->text;
      for (const Attachment& file : message->attachments) add_part(text, show(file));
      if (message->contact)
        add_part(text, "[" + std::string(words_.contact) + ": " + message->contact->phone + "]");
      if (message->location)
        add_part(text, "[" + std::string(words_.place) + ": " + message->location->latitude.to_string() + ", " +
                           message->location->longitude.to_string() + "]");
      line(Who::Client, person_, text);
    } else if (const auto* press = std::get_if<ButtonPress>(&event.what)) {
      const auto label = labels_.find(press->payload);
      line(Who::Client, person_, "[" + (label == labels_.end() ? std::string(words_.pressed) : label->second) + "]");
    } else if (const auto* staff = std::get_if<StaffMessage>(&event.what)) {
      std::string text = staff->text;
      for (const Attachment& file : staff->attachments) add_part(text, show(file));
      line(Who::Staff, staff->name.empty() ? std::string_view(words_.staff) : staff->name, text);
    } else if (const auto* crm = std::get_if<CrmNews>(&event.what); crm && crm->what == CrmNews::What::Wrote) {
      std::string text = crm->text;
      for (const Attachment& file : crm->attachments) add_part(text, show(file));
      line(Who::Staff, crm->manager.empty() ? std::string_view(words_.staff) : crm->manager, text);
    }
  }

  /// A message, of which only what is shown here is read (`to_json(const Message&)`): of a long talk most is nothing else.
  bool tell(JsonReader& json) {
    std::string text;
    const auto read_button = [&] {
      std::string label, payload;
      const bool read = json.read_object([&](const std::string& name) {
        return name == "label" ? json.read_string(label) : name == "payload" ? json.read_string(payload) : pass_over(json);
      });
      add_part(text, "[" + label + "]");
      if (!payload.empty()) labels_[payload] = label;
      return read;
    };
    const bool read = json.read_object([&](const std::string& name) {
      if (name == "text") return json.read_string(text);
      if (name == "attachments") {
        return json.read_array([&] {
          Attachment file;
          if (!read_attachment(json, file)) return false;
          add_part(text, show(file));
          return true;
        });
      }
      if (name != "keyboard") return pass_over(json);
      return json.read_object([&](const std::string& part) {
        return part == "rows" ? json.read_array([&] { return json.read_array(read_button); }) : pass_over(json);
      });
    });
    if (read) line(Who::Bot, words_.bot, std::move(text));
    return read;
  }

  std::string show(const Attachment& file) const {
    const auto kind = std::min<std::size_t>(static_cast<std::size_t>(file.kind), 6);
    std::string shown = "[" + std::string(words_.files[kind]);
    if (!file.name.empty()) shown += ": " + file.name;
    shown += "]";
    if (!file.caption.empty()) shown += " " + file.caption;
    return shown;
  }

  static void add_part(std::string& text, const std::string& part) {
    if (!text.empty()) text += ' ';
    text += part;
  }

  void line(Who who, std::string_view name, std::string text) {
    said_.push_back({who, std::string(name), format_date(at_.date, program_.language),
                     format_time(TimeOfDay{at_.time.seconds - at_.time.seconds % 60}), std::move(text), moment_});
  }

  const Program& program_;
  const Words& words_;
  const std::string person_;
  std::map<std::string, std::string> labels_;  ///< of buttons, by payload
  Moment moment_;
  LocalTime at_;
  std::vector<Saying> said_;
};

}  // namespace

std::vector<Saying> sayings(const Program& program, const std::vector<JournalLine>& lines, std::string_view person, std::size_t most) {
  Writer writer(program, person);
  for (const JournalLine& line : lines) writer.write(line);
  std::vector<Saying> said = writer.finish();
  if (said.size() > most) said.erase(said.begin(), said.end() - static_cast<std::ptrdiff_t>(most));
  return said;
}

std::string as_text(const std::vector<Saying>& said) {
  std::string out, day;
  for (const Saying& one : said) {
    if (one.day != day) {
      if (!out.empty()) out += '\n';
      day = one.day;
      out += day + "\n";
    }
    out += one.time + " " + one.name + ": ";
    // Further lines of one message stand under its first.
    for (const char c : one.text) {
      out += c;
      if (c == '\n') out.append(one.time.size() + 1, ' ');
    }
    out += '\n';
  }
  return out;
}

std::string last_lines(const std::vector<Saying>& said, std::size_t most, Language language) {
  constexpr std::size_t kHeading = 100;  // days, and that something is left out
  std::size_t room = most - std::min(most, kHeading), first = said.size();
  for (; first > 0; --first) {
    const Saying& one = said[first - 1];
    const std::size_t length = one.time.size() + count_code_points(one.name) + count_code_points(one.text) + 4;
    if (length > room) break;
    room -= length;
  }
  std::string out, day;
  if (first > 0) out = language == Language::Russian ? "… (начало разговора не поместилось)\n" : "… (the beginning of the talk did not fit)\n";
  for (std::size_t i = first; i < said.size(); ++i) {
    const Saying& one = said[i];
    if (one.day != day) {
      day = one.day;
      out.append(day).push_back('\n');
    }
    out.append(one.time).append(" ").append(one.name).append(": ").append(one.text).push_back('\n');
  }
  while (out.ends_with('\n')) out.pop_back();
  return out;
}

std::string transcript(const Program& program, const std::vector<JournalLine>& lines, std::string_view person,
                       std::size_t max_bytes) {
  std::string out = as_text(sayings(program, lines, person, SIZE_MAX));
  if (out.size() > max_bytes) {
    const std::size_t end_of_line = out.find('\n', out.size() - max_bytes);
    out = "…\n" + (end_of_line == std::string::npos ? std::string() : out.substr(end_of_line + 1));
  }
  return out;
}

}  // namespace sufler
