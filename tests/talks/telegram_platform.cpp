#include <nlohmann/json.hpp>
#include <stdexcept>

#include "fakes/telegram/fake_telegram.h"
#include "interpreter/transports/telegram/telegram.h"
#include "talks/platform.h"

namespace sufler {
namespace {

using Json = nlohmann::json;

std::string kind_of(AttachmentKind kind) {
  switch (kind) {
    case AttachmentKind::Photo: return "photo";
    case AttachmentKind::Voice: return "voice";
    case AttachmentKind::Audio: return "audio";
    case AttachmentKind::Video: return "video";
    default: return "document";
  }
}

AttachmentKind kind_of(const std::string& kind) {
  for (const AttachmentKind known :
       {AttachmentKind::Photo, AttachmentKind::Voice, AttachmentKind::Audio, AttachmentKind::Video}) {
    if (kind_of(known) == kind) return known;
  }
  return kind == "sticker" ? AttachmentKind::Sticker : AttachmentKind::Document;
}

/// The fake refuses overlapping entities, and finds some by itself (a phone, a command) that are no marks.
RichText rich_text(const fakes::SentMessage& message) {
  RichText text;
  text.text = message.text;
  for (const fakes::Entity& entity : message.entities) {
    MarkupSpan span;
    if (entity.type == "bold") {
      span.markup = Markup::Bold;
    } else if (entity.type == "italic") {
      span.markup = Markup::Italic;
    } else if (entity.type == "code") {
      span.markup = Markup::Code;
    } else if (entity.type == "text_link") {
      span.markup = Markup::Link;
    } else {
      continue;
    }
    span.begin = static_cast<std::uint32_t>(bytes_of_units(text.text, entity.offset));
    span.end = static_cast<std::uint32_t>(bytes_of_units(text.text, entity.offset + entity.length));
    span.url = entity.url;
    text.spans.push_back(std::move(span));
  }
  return text;
}

Keyboard keyboard_of(const fakes::SentMessage& message) {
  Keyboard keyboard;
  const bool is_inline = !message.inline_keyboard.empty();
  if (is_inline) {
    keyboard.kind = Keyboard::Kind::Inline;
  } else if (!message.reply_keyboard.empty()) {
    keyboard.kind = Keyboard::Kind::Reply;
  } else if (message.removes_keyboard) {
    keyboard.kind = Keyboard::Kind::Remove;
  }
  for (const auto& row : is_inline ? message.inline_keyboard : message.reply_keyboard) {
    keyboard.rows.emplace_back();
    for (const fakes::Button& shown : row) {
      Button button;
      button.label = shown.label;
      button.url = shown.url;
      button.action = !shown.url.empty()    ? ButtonAction::Url
                      : is_inline           ? ButtonAction::Payload
                      : shown.asks_contact  ? ButtonAction::Contact
                      : shown.asks_location ? ButtonAction::Location
                                            : ButtonAction::Text;
      keyboard.rows.back().push_back(std::move(button));
    }
  }
  return keyboard;
}

class TelegramPlatform : public FakePlatform {
 public:
  std::string_view name() const override { return "telegram"; }

  std::unique_ptr<Transport> make_transport(HttpClient& client, Wiring wiring) override {
    TelegramSettings settings;
    settings.token = fake_.token();
    settings.api = fake_.url();
    settings.bot_name = "orders";
    settings.scenario_folder = std::move(wiring.scenario_folder);
    settings.fetch_elsewhere = std::move(wiring.fetch_elsewhere);
    settings.now = std::move(wiring.now);
    return make_telegram_transport(client, std::move(settings));
  }

  bool wait_until_polling() override { return fake_.wait_until_polling(true, std::chrono::seconds(60)); }
  void advance_clock(std::chrono::milliseconds by) override { fake_.advance_clock(by); }

  void add_person(std::int64_t id, const StagePerson& person) override {
    fake_.add_user({id, person.first_name, person.last_name, person.username,
                    person.language.empty() ? "ru" : person.language});
  }

  std::string say(std::int64_t id, const UserMessage& message, const std::vector<FileToSend>& files,
                  std::int64_t reply_to) override {
    if (message.contact) return told(fake_.send_contact(id, message.contact->phone, message.contact->own));
    if (message.location) {
      return told(fake_.send_location(id, std::stod(message.location->latitude.to_string()),
                                      std::stod(message.location->longitude.to_string())));
    }
    if (!files.empty()) return send_files(id, message, files);
    Json act = {{"user", id}, {"text", message.text}};
    if (reply_to != 0) act["reply_to"] = reply_to;
    return told(Json::parse(fake_.control("say", act.dump())).at("update_id"));
  }

  std::string press(std::int64_t id, const std::string& label, Keyboard::Kind kind) override {
    if (kind == Keyboard::Kind::Reply) return told(fake_.tap(id, label));
    const Json pressed = Json::parse(fake_.control("press", Json{{"user", id}, {"label", label}}.dump()));
    pressed_ = pressed.value("callback_query_id", "");
    return told(pressed.at("update_id"));
  }

  std::string reach(std::int64_t id, bool reachable) override {
    const std::string done = fake_.control(reachable ? "unblock" : "block", Json{{"user", id}}.dump());
    return told(Json::parse(done).at("update_id"));
  }

  std::optional<std::string> staff(std::int64_t, const std::string&) override { return std::nullopt; }

  std::vector<Shown> shown(std::int64_t id) const override {
    std::vector<Shown> all;
    for (const fakes::SentMessage& message : fake_.messages(id)) {
      Shown& one = all.emplace_back();
      one.id = message.message_id;
      one.text = rich_text(message);
      one.keyboard = keyboard_of(message);
      for (const fakes::SentFile& file : message.files) one.files.push_back({kind_of(file.kind), file.name, file.sha256});
    }
    return all;
  }

  std::optional<std::string> press_answer() const override {
    for (const Json& answer : Json::parse(fake_.control("answers"))) {
      if (answer.at("callback_query_id") != pressed_ || !answer.at("answered").get<bool>()) continue;
      return answer.at("answer").is_object() ? answer.at("answer").value("text", "") : std::string();
    }
    return std::nullopt;
  }

 private:
  static std::string told(std::int64_t update_id) { return update_id == 0 ? std::string() : std::to_string(update_id); }

  /// Files of one kind go as an album, as people send them.
  std::string send_files(std::int64_t id, const UserMessage& message, const std::vector<FileToSend>& files) {
    std::vector<fakes::Upload> uploads;
    bool one_kind = true;
    for (const FileToSend& one : files) {
      fakes::Upload& upload = uploads.emplace_back();
      upload.kind = kind_of(one.file.kind);
      upload.bytes = one.bytes;
      upload.caption = one.file.caption;
      // A photo has no name in Telegram, and neither has a voice.
      if (upload.kind == "document" || upload.kind == "audio" || upload.kind == "video") upload.name = one.file.name;
      one_kind = one_kind && upload.kind == uploads.front().kind;
    }
    if (uploads.front().caption.empty()) uploads.front().caption = message.text;
    if (uploads.size() > 1 && one_kind) return told(fake_.send_album(id, uploads));
    std::string last;
    for (const fakes::Upload& upload : uploads) last = told(fake_.send_file(id, upload));
    return last;
  }

  fakes::FakeTelegram fake_;
  std::string pressed_;
};

}  // namespace

std::unique_ptr<FakePlatform> make_telegram_platform() { return std::make_unique<TelegramPlatform>(); }

}  // namespace sufler
