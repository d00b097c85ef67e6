#include <nlohmann/json.hpp>
#include <stdexcept>

#include "fakes/vk/fake_vk.h"
#include "interpreter/transports/vk/vk.h"
#include "talks/platform.h"

namespace sufler {
namespace {

using Json = nlohmann::json;

/// A person of the community who answers customers.
constexpr std::int64_t kStaff = 77;

RichText rich_text(const fakes::VkSentMessage& message) {
  RichText text;
  text.text = message.text;
  for (const fakes::VkSpan& shown : message.spans) {
    MarkupSpan span;
    span.markup = shown.type == "bold" ? Markup::Bold : shown.type == "italic" ? Markup::Italic : Markup::Link;
    span.begin = static_cast<std::uint32_t>(bytes_of_units(text.text, shown.offset));
    span.end = static_cast<std::uint32_t>(bytes_of_units(text.text, shown.offset + shown.length));
    span.url = shown.url;
    text.spans.push_back(std::move(span));
  }
  return text;
}

Keyboard keyboard_of(const fakes::VkSentMessage& message) {
  Keyboard keyboard;
  const bool is_inline = !message.inline_keyboard.empty();
  if (is_inline) {
    keyboard.kind = Keyboard::Kind::Inline;
  } else if (!message.keyboard.empty()) {
    keyboard.kind = Keyboard::Kind::Reply;
  } else if (message.removes_keyboard) {
    keyboard.kind = Keyboard::Kind::Remove;
  }
  for (const auto& row : is_inline ? message.inline_keyboard : message.keyboard) {
    keyboard.rows.emplace_back();
    for (const fakes::VkButton& shown : row) {
      Button button;
      button.label = shown.label;
      button.url = shown.link;
      button.action = shown.type == "open_link"  ? ButtonAction::Url
                      : shown.type == "callback" ? ButtonAction::Payload
                      : shown.type == "location" ? ButtonAction::Location
                                                 : ButtonAction::Text;
      keyboard.rows.back().push_back(std::move(button));
    }
  }
  return keyboard;
}

class VkPlatform : public FakePlatform {
 public:
  std::string_view name() const override { return "vk"; }

  std::unique_ptr<Transport> make_transport(HttpClient& client, Wiring wiring) override {
    VkSettings settings;
    settings.token = fake_.token();
    settings.group = fake_.group_id();
    settings.api = fake_.url();
    settings.bot_name = "orders";
    settings.scenario_folder = std::move(wiring.scenario_folder);
    settings.fetch_elsewhere = std::move(wiring.fetch_elsewhere);
    settings.now = std::move(wiring.now);
    // A talk says in an instant what takes people minutes: the fake has no limit, and nobody waits for one.
    settings.requests_a_window = 1000;
    return make_vk_transport(client, std::move(settings));
  }

  bool wait_until_polling() override { return fake_.wait_until_polling(true, std::chrono::seconds(60)); }
  void advance_clock(std::chrono::milliseconds by) override { fake_.advance_clock(by); }

  void add_person(std::int64_t id, const StagePerson& person) override {
    fake_.add_user({id, person.first_name, person.last_name, {}}, true);
  }

  std::string say(std::int64_t id, const UserMessage& message, const std::vector<FileToSend>& files,
                  std::int64_t reply_to) override {
    if (message.contact) throw std::runtime_error("VK has no contacts to send");
    if (message.location) {
      return message_id(id, fake_.send_location(id, std::stod(message.location->latitude.to_string()),
                                                std::stod(message.location->longitude.to_string())));
    }
    if (!files.empty()) {
      std::vector<fakes::VkUpload> uploads;
      for (const FileToSend& one : files) {
        const bool photo = one.file.kind == AttachmentKind::Photo;
        const bool voice = one.file.kind == AttachmentKind::Voice;
        // Whatever has no kind of its own in a dialog of VK is a document.
        uploads.push_back({photo ? "photo" : voice ? "audio_message" : "doc", one.bytes, photo || voice ? "" : one.file.name});
      }
      return message_id(id, fake_.send_files(id, uploads, message.text));
    }
    Json act = {{"user", id}, {"text", message.text}};
    if (reply_to != 0) act["reply_to"] = reply_to;
    const Json said = Json::parse(fake_.control("say", act.dump()));
    fakes::VkEvent event;
    event.event_id = said.at("event_id").get<std::string>();
    event.cmid = said.at("cmid").get<std::int64_t>();
    event.date = said.at("date").get<std::int64_t>();
    return message_id(id, event);
  }

  std::string press(std::int64_t id, const std::string& label, Keyboard::Kind) override {
    const fakes::VkEvent pressed = fake_.press(id, label);
    if (!pressed.link.empty()) return {};
    if (pressed.callback_id.empty()) return message_id(id, pressed);
    pressed_ = pressed.callback_id;
    return pressed.event_id;
  }

  std::string reach(std::int64_t id, bool reachable) override {
    return (reachable ? fake_.allow(id) : fake_.deny(id)).event_id;
  }

  std::optional<std::string> staff(std::int64_t id, const std::string& text) override {
    return message_id(id, fake_.staff_says(kStaff, id, text));
  }

  std::vector<Shown> shown(std::int64_t id) const override {
    std::vector<Shown> all;
    for (const fakes::VkSentMessage& message : fake_.messages(id)) {
      Shown& one = all.emplace_back();
      one.id = message.cmid;
      one.text = rich_text(message);
      one.keyboard = keyboard_of(message);
      for (const fakes::VkAttachment& file : message.attachments) {
        const bool photo = file.kind == "photo";
        const bool voice = file.kind == "audio_message";
        one.files.push_back({photo   ? AttachmentKind::Photo
                             : voice ? AttachmentKind::Voice
                                     : AttachmentKind::Document,
                             photo || voice ? "" : file.name, file.sha256});
      }
    }
    return all;
  }

  std::optional<std::string> press_answer() const override {
    if (pressed_.empty() || !fake_.is_answered(pressed_)) return std::nullopt;
    const Json data = Json::parse(fake_.callback_answer(pressed_), nullptr, false);
    return data.is_object() ? data.value("text", "") : std::string();
  }

 private:
  static std::string message_id(std::int64_t id, const fakes::VkEvent& event) {
    if (event.event_id.empty()) throw std::runtime_error("the bot has not asked VK for this type of events");
    return "m" + std::to_string(event.date) + ":" + std::to_string(id) + ":" + std::to_string(event.cmid);
  }

  fakes::FakeVk fake_;
  std::string pressed_;
};

}  // namespace

std::unique_ptr<FakePlatform> make_vk_platform() { return std::make_unique<VkPlatform>(); }

}  // namespace sufler
