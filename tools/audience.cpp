#include "tools/audience.h"

#include <algorithm>
#include <optional>
#include <set>

#include "interpreter/core/text.h"

namespace sufler {
namespace {

constexpr std::string_view kTransport = "console";
/// What a role gets comes by a way of its own, so that it is told from what is said in a person's dialog.
constexpr std::string_view kNotices = "notices";

/// Keeps messages whole, so that a talk sees what the scenario meant and no platform's rendering.
class WholeMessages : public Renderer {
 public:
  std::vector<ApiCall> render(const ChatAddress&, const Message& message) const override {
    ApiCall call;
    call.method = "message";
    call.body = to_json(message);
    std::vector<ApiCall> calls;
    calls.push_back(std::move(call));
    return calls;
  }
  ApiCall render_press_answer(const ChatAddress&, const std::string&, const std::string& text) const override {
    ApiCall call;
    call.method = "notice";
    call.body = text;
    return call;
  }
  ApiCall render_topic(const ChatAddress&, const std::string& title) const override {
    ApiCall call;
    call.method = "topic";
    call.body = title;
    return call;
  }
};

class PlainAudience : public Audience {
 public:
  Stored<Done> enter(const StageOptions& options, BotSetup& setup) override {
    options_ = options;
    now_ = options.now;
    setup.renderers[std::string(kTransport)] = &renderer_;
    setup.renderers[std::string(kNotices)] = &renderer_;
    for (const std::string& role : roles_of(*setup.program)) {
      auto given = options_.roles.find(role);
      std::vector<std::string> ids;
      if (given != options_.roles.end())
        for (const std::string& name : given->second) ids.push_back(id_of(name));
      std::vector<ChatAddress>& members = setup.roles[role];
      if (is_group(*setup.program, role)) {
        members.push_back({std::string(kTransport), role});
        groups_.insert(role);
        continue;
      }
      if (ids.empty()) members.push_back({std::string(kNotices), role});  // the role's own inbox
      for (const std::string& id : ids) {
        members.push_back({std::string(kNotices), id});
        members.push_back({std::string(kTransport), id});  // who has the role is known by this address
      }
    }
    for (const Desk& desk : setup.program->desks)
      if (!desk.register_word.empty()) register_words_.insert(desk.register_word);
    return Done{};
  }

  void set_clock(Moment now) override { now_ = now; }
  ChatAddress address(const std::string& person) const override { return {std::string(kTransport), id_of(person)}; }

  Stored<Done> say(const std::string& person, UserMessage message, const Play& play) override {
    Incoming update = incoming(person);
    message.message_id = update.id;
    if (writes_in_topic(person, message)) {
      update.chat = {std::string(kTransport), topic_->first};
      update.topic = topic_->second;
      update.is_private = false;
    }
    update.event.what = std::move(message);
    return hear(std::move(update), play);
  }

  Stored<Done> staff(const std::string& text, const Play& play) override {
    Incoming update = incoming(options_.user.name);
    update.event.what = StaffMessage{text, "staff"};
    return hear(std::move(update), play);
  }

  Stored<Done> reach(const std::string& person, bool reachable, const Play& play) override {
    Incoming update = incoming(person);
    update.event.what = Reachability{reachable};
    return hear(std::move(update), play);
  }

  Stored<bool> press(const std::string& person, std::string_view label, const Play& play) override {
    const Button* found = find_button(person, label);
    if (!found) return false;
    const Button button = *found;
    Incoming update = incoming(person);
    switch (button.action) {
      case ButtonAction::Payload:
        update.event.what = ButtonPress{"press" + update.id, {}, button.payload};
        break;
      case ButtonAction::Url:
        return true;  // opens a page; the bot hears nothing
      case ButtonAction::Contact: {
        UserMessage message;
        const StagePerson* known = find_person(person);
        message.contact = Contact{"79001234567", known ? known->first_name : "", known ? known->last_name : "", true};
        update.event.what = std::move(message);
        break;
      }
      case ButtonAction::Location: {
        UserMessage message;
        message.location = Location{*Decimal::parse("55.7558"), *Decimal::parse("37.6173")};
        update.event.what = std::move(message);
        break;
      }
      case ButtonAction::Text: {
        UserMessage message;
        message.text = button.label;
        update.event.what = std::move(message);
        break;
      }
    }
    auto played = hear(std::move(update), play);
    if (!played) return Error{played.error()};
    return true;
  }

  std::vector<std::string> visible_labels(const std::string& person) const override {
    std::vector<std::string> labels;
    auto messages = shown_.find(person);
    if (messages == shown_.end()) return labels;
    for (auto message = messages->second.rbegin(); message != messages->second.rend(); ++message) {
      for (const auto& row : message->keyboard.rows)
        for (const Button& button : row) labels.push_back(button.label);
      if (!labels.empty()) break;
    }
    return labels;
  }

  Stored<std::vector<Settled>> deliver(const std::vector<OutboxRow>& rows, std::vector<Arrival>& arrivals) override {
    std::vector<Settled> settled;
    const OutboxRow* notice = nullptr;  // the row before, when it was one
    for (const OutboxRow& row : rows) {
      settled.push_back({row.id, true, OutboxRow::State::New, 1, {}, {}});
      if (row.ticket_message != 0) {
        settled.back().ticket_message = row.ticket_message;
        settled.back().chat = row.chat;
        settled.back().notice =
            SentNotice{row.chat, "bot" + std::to_string(row.id), row.dialog_id, now_, row.ticket_message};
      }
      if (row.call.method == "topic") {
        topic_.emplace(row.chat.chat_id, std::to_string(++topics_));
        settled.back().notice->message_id = topic_->second;
        continue;
      }
      const std::string chat = row.chat.chat_id.substr(0, row.chat.chat_id.find('#'));
      Arrival arrival;
      arrival.to = name_of(chat);
      arrival.to_role = row.chat.transport == kNotices || groups_.contains(chat);
      if (notice && notice->chat.chat_id == row.chat.chat_id && notice->call.body == row.call.body) {
        notice = nullptr;  // the same once more, as to a person
        continue;
      }
      notice = arrival.to_role ? &row : nullptr;
      if (row.call.method == "notice") {
        if (row.call.body.empty()) continue;
        arrival.is_notice = true;
        arrival.message.text.text = row.call.body;
      } else {
        if (!from_json(row.call.body, arrival.message)) continue;
        shown_[arrival.to].push_back(arrival.message);
      }
      arrivals.push_back(std::move(arrival));
    }
    return settled;
  }

 private:
  /// Whoever is not the talk's own person, once it has a topic in a desk's group: there the desk's people write, but
  /// for the word with which they register.
  bool writes_in_topic(const std::string& person, const UserMessage& message) const {
    if (!topic_ || person == options_.user.name) return false;
    return !register_words_.contains(fold(message.text.substr(0, message.text.find(' '))));
  }

  static bool is_group(const Program& program, const std::string& role) {
    return std::any_of(program.desks.begin(), program.desks.end(), [&](const Desk& desk) { return desk.topics == role; });
  }

  const StagePerson* find_person(const std::string& name) const {
    if (name == options_.user.name) return &options_.user;
    for (const StagePerson& other : options_.others)
      if (other.name == name) return &other;
    return nullptr;
  }

  std::string id_of(const std::string& name) const {
    const StagePerson* known = find_person(name);
    return known && !known->id.empty() ? known->id : name;
  }

  std::string name_of(const std::string& id) const {
    if (id == id_of(options_.user.name)) return options_.user.name;
    for (const StagePerson& other : options_.others)
      if (id == id_of(other.name)) return other.name;
    return id;
  }

  Incoming incoming(const std::string& name) {
    Incoming update;
    update.id = std::to_string(++update_number_);
    update.chat = address(name);
    update.person.id = update.chat.chat_id;
    if (const StagePerson* known = find_person(name)) {
      update.person.first_name = known->first_name;
      update.person.last_name = known->last_name;
      update.person.username = known->username;
      update.person.language = known->language;
    }
    update.event.at = now_;
    return update;
  }

  static Stored<Done> hear(Incoming update, const Play& play) {
    UpdateBatch batch;
    batch.updates.push_back(std::move(update));
    batch.transport = kTransport;
    return play(batch);
  }

  const Button* find_button(const std::string& person, std::string_view label) const {
    auto messages = shown_.find(person);
    if (messages == shown_.end()) return nullptr;
    const std::string wanted = fold(label);
    bool reply_keyboard_seen = false;
    for (auto message = messages->second.rbegin(); message != messages->second.rend(); ++message) {
      // A reply keyboard lives until the next one; older ones cannot be pressed.
      const Keyboard::Kind kind = message->keyboard.kind;
      const bool replaces = kind == Keyboard::Kind::Reply || kind == Keyboard::Kind::Remove;
      if (!(replaces && reply_keyboard_seen)) {
        for (const auto& row : message->keyboard.rows)
          for (const Button& button : row)
            if (button.label == label || fold(button.label) == wanted) return &button;
      }
      reply_keyboard_seen |= replaces;
    }
    return nullptr;
  }

  StageOptions options_;
  WholeMessages renderer_;
  Moment now_;
  std::uint64_t update_number_ = 0;
  std::map<std::string, std::vector<Message>> shown_;  // by person, oldest first
  std::set<std::string> groups_;  // of desks that work in topics
  std::set<std::string> register_words_;
  std::optional<std::pair<std::string, std::string>> topic_;  // the newest: group, and its number there
  int topics_ = 0;
};

}  // namespace

std::unique_ptr<Audience> make_plain_audience() { return std::make_unique<PlainAudience>(); }

std::set<std::string> roles_of(const Program& program) {
  std::set<std::string> roles;
  for (const Step& step : program.steps)
    if (const auto* notify = std::get_if<Notify>(&step.verb); notify && !notify->role.empty())
      roles.insert(notify->role);
  for (const Command& command : program.commands)
    if (!command.role.empty()) roles.insert(command.role);
  for (const HandoffRule& rule : program.handoffs)
    if (!rule.role.empty()) roles.insert(rule.role);
  for (const Desk& desk : program.desks)
    for (const std::string& role : {desk.topics, desk.agents})
      if (!role.empty()) roles.insert(role);
  // Who has registered at a desk is known of the desk, in talks as well.
  for (const Desk& desk : program.desks) roles.erase("agents of " + desk.name);
  return roles;
}

Attachment stage_file(const std::string& name) {
  Attachment file;
  const std::size_t slash = name.find_last_of('/');
  file.name = slash == std::string::npos ? name : name.substr(slash + 1);
  const std::size_t dot = file.name.find_last_of('.');
  const std::string extension = dot == std::string::npos ? "" : to_lower(file.name.substr(dot + 1));
  const auto is = [&](std::initializer_list<std::string_view> endings) {
    return std::find(endings.begin(), endings.end(), extension) != endings.end();
  };
  file.kind = is({"jpg", "jpeg", "png", "webp"})        ? AttachmentKind::Photo
              : is({"ogg", "oga", "opus"})              ? AttachmentKind::Voice
              : is({"mp3", "m4a", "wav", "flac"})       ? AttachmentKind::Audio
              : is({"mp4", "mov", "avi", "webm", "mkv"}) ? AttachmentKind::Video
                                                        : AttachmentKind::Document;
  file.origin = kTransport;
  file.reference = name;
  file.size = 1024;
  return file;
}

}  // namespace sufler
