// What users write next, and whether what they hear is what the script says.
#include "fakes/vk/load_run.h"

namespace sufler::fakes::vk {
namespace {

constexpr std::string_view kClientInfo =
    R"("client_info":{"button_actions":["text","vkpay","open_app","location","open_link",)"
    R"("open_photo","callback","intent_subscribe","intent_unsubscribe"],"keyboard":true,)"
    R"("inline_keyboard":true,"carousel":true,"lang_id":0})";

}  // namespace

void quote(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20) {
      char code[8];
      std::snprintf(code, sizeof code, "\\u%04x", byte);
      out += code;
    } else {
      out += c;
    }
  }
  out += '"';
}

std::string Load::event(std::string_view type) {
  ++events_;
  char id[48];
  std::snprintf(id, sizeof id, "%016llx%024llx",
                static_cast<unsigned long long>(events_ * 2654435761u),
                static_cast<unsigned long long>(events_));
  std::string out = R"({"group_id":)" + std::to_string(options_.group_id) + R"(,"type":")";
  out += type;
  out += R"(","event_id":")";
  out += id;
  out += R"(","v":"5.199","object":)";
  return out;
}

void Load::add_message(std::string& out, std::int64_t id, std::int64_t cmid, std::int64_t peer, std::int64_t from,
                       std::int64_t random_id, std::string_view text) {
  const auto number = [&out](std::string_view name, std::int64_t value) {
    out += name;
    out += std::to_string(value);
  };
  number(R"({"date":)", std::time(nullptr));
  number(R"(,"from_id":)", from);
  number(R"(,"id":)", id);
  number(R"(,"version":)", 10'000'000 + cmid);
  number(R"(,"out":)", from < 0 ? 1 : 0);
  number(R"(,"important":false,"is_hidden":false,"attachments":[],"conversation_message_id":)",
         cmid);
  out += R"(,"fwd_messages":[],"text":)";
  quote(out, text);
  number(R"(,"peer_id":)", peer);
  number(R"(,"random_id":)", random_id);
}

void Load::push(std::string json, bool input) {
  queue_.push_back({++ts_, std::move(json), input});
  answer_soon();
}

void Load::wrong(const std::string& what) {
  ++wrong_;
  if (samples_.size() < 6) samples_.push_back(what.substr(0, 300));
}

void Load::give_up(LoadUser& user, const std::string& why) {
  wrong(why);
  user.done = true;
  user.waiting = false;
  --users_left_;
}

Json Load::button_in(const std::string& keyboard, const std::string& label) {
  const Json parsed = Json::parse(keyboard, nullptr, false);
  if (!parsed.is_object()) return nullptr;
  for (const Json& row : parsed["buttons"]) {
    for (const Json& button : row) {
      const Json& action = button["action"];
      if (action.value("label", "").find(label) != std::string::npos) return action;
    }
  }
  return nullptr;
}

void Load::next_input(int index) {
  LoadUser& user = users_[static_cast<std::size_t>(index)];
  if (user.done || user.waiting || phase_ != Phase::Load) return;
  if (++user.step == static_cast<int>(script_.steps.size())) {
    ++dialogs_done_;
    user.step = 0;
    if (++user.run == options_.dialogs) {
      user.done = true;
      --users_left_;
      return;
    }
  }
  const LoadStep& step = script_.steps[static_cast<std::size_t>(user.step)];
  const std::string wanted = filled_in(step.text, index, user.run);
  Json action;
  bool from_inline = false;
  if (step.kind == LoadStep::Kind::Tap || step.kind == LoadStep::Kind::TapInline) {
    action = button_in(user.inline_keyboard, wanted);
    from_inline = !action.is_null();
  }
  if (action.is_null() &&
      (step.kind == LoadStep::Kind::Tap || step.kind == LoadStep::Kind::TapReply)) {
    action = button_in(user.keyboard, wanted);
  }
  if (step.kind != LoadStep::Kind::Send && action.is_null()) {
    return give_up(user, "no button \"" + wanted + "\" shown to " + tag_of(index, user.run));
  }
  user.waiting = true;
  user.expected = 0;
  user.since = Clock::now();
  const std::int64_t id = id_of(index);
  if (!action.is_null() && action["type"] == "callback") {
    if (!events_on_.contains("message_event")) wrong("message_event is not switched on");
    char callback[16];
    std::snprintf(callback, sizeof callback, "%012llx",
                  static_cast<unsigned long long>(++callback_number_));
    callbacks_[callback] = id;
    std::string json = event("message_event");
    json += R"({"user_id":)" + std::to_string(id) + R"(,"peer_id":)" + std::to_string(id) +
            R"(,"event_id":")" + callback + '"';
    if (action.contains("payload")) {
      json += R"(,"payload":)" + action["payload"].get<std::string>();
    }
    if (from_inline) {
      json += R"(,"conversation_message_id":)" + std::to_string(user.inline_cmid);
    }
    return push(json + "}}", true);
  }
  if (!events_on_.contains("message_new")) wrong("message_new is not switched on");
  std::string text = action.is_null() ? wanted : action["label"].get<std::string>();
  std::string payload = action.is_null() ? "" : action.value("payload", "");
  if (options_.start_button && text == "/start") {
    text = "Начать";
    payload = R"({"command":"start"})";
  }
  std::string json = event("message_new");
  json += R"({"message":)";
  add_message(json, next_message_++, user.next_cmid++, id, id, 0, text);
  if (!payload.empty()) {
    json += R"(,"payload":)";
    quote(json, payload);
  }
  json += "},";
  json += kClientInfo;
  push(json + "}}", true);
}

void Load::admin_message(const std::string& text) {
  for (std::size_t at = text.find('u'); at != std::string::npos; at = text.find('u', at + 1)) {
    char* end = nullptr;
    const long user = std::strtol(text.c_str() + at + 1, &end, 10);
    if (end == text.c_str() + at + 1 || *end != 'r') continue;
    const char* from = end + 1;
    const long run = std::strtol(from, &end, 10);
    if (end == from || user < 0 || user >= options_.users || run < 0 || run >= options_.dialogs) {
      continue;
    }
    Run& about =
        runs_[static_cast<std::size_t>(user) * static_cast<std::size_t>(options_.dialogs) +
              static_cast<std::size_t>(run)];
    bool seen = false;
    for (std::size_t i = 0; i < script_.admin.size(); ++i) {
      std::int64_t number = -1;
      if (!matches(script_.admin[i], text, static_cast<int>(user), static_cast<int>(run),
                   number)) {
        continue;
      }
      if ((about.admin_got >> i & 1u) != 0) {
        seen = true;
        continue;
      }
      about.admin_got |= 1u << i;
      if (number >= 0) about.number_admin = number;
      ++admin_right_;
      progress_ = Clock::now();
      return;
    }
    if (seen) {
      ++duplicate_;
    } else {
      wrong("admin's message for " + tag_of(static_cast<int>(user), static_cast<int>(run)) +
            ": " + text);
    }
    return;
  }
  wrong("admin's message without a tag: " + text);
}

bool Load::user_message(int index, const std::string& text, bool edit, const std::string& keyboard, std::int64_t cmid) {
  LoadUser& user = users_[static_cast<std::size_t>(index)];
  const std::size_t hash = std::hash<std::string>{}(text);
  const auto unexpected = [&](const std::string& what) {
    if (edit) return false;
    if (hash == user.last_reply) {
      ++duplicate_;
    } else {
      wrong(what + " to " + tag_of(index, user.run) + " at step " + std::to_string(user.step) +
            ": " + text);
    }
    return false;
  };
  if (!user.waiting) return unexpected("unexpected message");
  const LoadStep& step = script_.steps[static_cast<std::size_t>(user.step)];
  const Expectation& expectation = step.expectations[user.expected];
  std::int64_t number = -1;
  if (edit != (expectation.where == Expectation::Where::Edit) ||
      !matches(expectation, text, index, user.run, number)) {
    return unexpected("wrong reply");
  }
  if (number >= 0) {
    runs_[static_cast<std::size_t>(index) * static_cast<std::size_t>(options_.dialogs) +
          static_cast<std::size_t>(user.run)]
        .number_user = number;
    if (!numbers_.insert(number).second) wrong("a number given twice: " + text);
  }
  user.last_reply = hash;
  user.inline_keyboard.clear();
  if (!keyboard.empty()) {
    if (keyboard.find("\"inline\":true") != std::string::npos) {
      user.inline_keyboard = keyboard;
      user.inline_cmid = cmid;
    } else {
      user.keyboard = keyboard;
    }
  }
  if (++user.expected < step.expectations.size()) return false;
  user.waiting = false;
  const auto now = Clock::now();
  latencies_us_.push_back(static_cast<std::uint32_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(now - user.since).count()));
  ++steps_done_;
  last_ = progress_ = now;
  if (steps_done_ == options_.warmup) begin_measuring();
  return true;
}

}  // namespace sufler::fakes::vk
