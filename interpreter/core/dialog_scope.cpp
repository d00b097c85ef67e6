#include "interpreter/core/dialog_scope.h"

#include "interpreter/core/play.h"
#include "interpreter/core/working_hours.h"

namespace sufler {
namespace {

/// `ru` of `ru-RU`.
std::string_view primary_subtag(std::string_view tag) {
  return tag.substr(0, tag.find_first_of("-_"));
}

const Template* in_language(const std::map<std::string, Template>& texts, std::string_view language) {
  for (const auto& [name, text] : texts) {
    if (name == language) return &text;
  }
  return nullptr;
}

std::uint64_t mix(std::uint64_t x) {
  x ^= x >> 30;
  x *= 0xbf58476d1ce4e5b9ULL;
  x ^= x >> 27;
  x *= 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

List file_list(const std::vector<Attachment>& files) {
  List list;
  list.reserve(files.size());
  for (const Attachment& file : files) list.emplace_back(file);
  return list;
}

}  // namespace

DialogScope::DialogScope(const Play& play)
    : play_(play), locale_{play.program.language, play.program.zone} {}

Moment DialogScope::now() const { return play_.event.at; }

const Value* DialogScope::find(std::string_view name) const {
  if (extra_) {
    if (const Value* value = extra_->find(name)) return value;
  }
  // Locals reach as far as the call that made them: a called branch does not see its caller's.
  const std::vector<Frame>& frames = play_.state.frames;
  for (auto frame = frames.rbegin(); frame != frames.rend(); ++frame) {
    if (const Value* value = frame->locals.find(name)) return value;
    if (frame->kind != Frame::Kind::Steps && frame->kind != Frame::Kind::Loop) break;
  }
  if (const Value* value = play_.state.variables.find(name)) return value;

  const auto made_once = [](std::optional<Value>& kept, auto make) {
    if (!kept) kept = make();
    return &*kept;
  };
  if (name == "user") return made_once(user_, [&] { return user_map(); });
  if (name == "message") return made_once(message_, [&] { return message_map(); });
  if (name == "settings") return made_once(settings_, [&] { return Value(play_.program.settings); });
  if (name == "shared") read_shared_ = true;
  if (name == "shared") return made_once(shared_, [&] { return shared_map(); });
  if (name == "chat") return made_once(chat_, [&] { return chat_map(); });
  if (name == "vars") return made_once(vars_, [&] { return Value(play_.state.variables); });
  if (name == "handoff") return made_once(handoff_, [&] { return handoff_map(); });
  if (name == "event") {
    if (const Value* event = event_of(frames)) return event;
    return made_once(event_, [] { return Value(ValueMap()); });
  }
  return nullptr;
}

Value DialogScope::user_map() const {
  const UserRecord& user = play_.user;
  ValueMap map;
  const auto text = [&map](std::string_view name, const std::string& value) {
    map.set(name, value.empty() ? Value() : Value(value));
  };
  text("id", user.id);
  text("first_name", user.first_name);
  text("last_name", user.last_name);
  text("username", user.username);
  text("language", user.language);
  text("phone", user.phone);
  text("platform", user.platform);
  map.set("created_at", user.created_at);
  for (const auto& [name, value] : user.values) map.set(name, value);
  return map;
}

Value DialogScope::chat_map() const {
  ValueMap map;
  map.set("id", play_.around.chat.chat_id);
  map.set("platform", play_.around.chat.transport);
  return map;
}

Value DialogScope::message_map() const {
  const Heard& heard = play_.heard;
  ValueMap map;
  map.set("text", heard.text);
  map.set("attachments", file_list(heard.attachments));
  map.set("payload", heard.payload.empty() ? Value() : Value(heard.payload));
  map.set("command", heard.command.empty() ? Value() : Value(heard.command));
  List args;
  for (const std::string& arg : heard.args) args.emplace_back(arg);
  map.set("args", std::move(args));
  return map;
}

Value DialogScope::shared_map() const {
  ValueMap map;
  if (play_.around.shared) map = *play_.around.shared;
  for (const auto& [name, value] : shared_changes_) map.set(name, value);
  return map;
}

Value DialogScope::handoff_map() const {
  ValueMap map;
  const auto& silence = play_.state.silence;
  map.set("active", silence.has_value());
  if (silence && silence->rule.value < play_.program.handoffs.size()) {
    map.set("rule", play_.program.handoffs[silence->rule.value].name);
    map.set("since", silence->since);
  }
  const auto number = [](std::int64_t known) { return known != 0 ? Value(Decimal(known)) : Value(); };
  if (const auto& relay = play_.state.relay) {
    map.set("active", true);
    if (relay->rule.value < play_.program.handoffs.size())
      map.set("rule", play_.program.handoffs[relay->rule.value].name);
    map.set("since", relay->since);
    map.set("number", number(relay->number));
    map.set("agent", relay->agent.empty() ? Value() : Value(relay->agent));
    map.set("position", number(relay->position));
    map.set("wait", relay->wait ? Value(*relay->wait) : Value());
  } else if (const auto& past = play_.state.past_ticket) {
    constexpr std::string_view kOutcomes[] = {"closed", "timeout", "no_agents", "client_left", "rejected"};
    map.set("number", number(past->number));
    map.set("agent", past->agent.empty() ? Value() : Value(past->agent));
    map.set("outcome", kOutcomes[static_cast<std::size_t>(past->outcome)]);
  }
  return map;
}

void DialogScope::set_shared_changes(ValueMap changes) {
  shared_changes_ = std::move(changes);
  forget_shared();
}

void DialogScope::change_shared(std::string_view name, Value value) {
  shared_changes_.set(name, std::move(value));
  forget_shared();
}

const Template* DialogScope::named_text(std::string_view name) const {
  const auto found = play_.program.texts.find(name);
  if (found == play_.program.texts.end() || found->second.empty()) return nullptr;
  if (const Template* text = in_language(found->second, primary_subtag(play_.user.language))) return text;
  if (const Template* text = in_language(found->second, play_.program.language == Language::Russian ? "ru" : "en"))
    return text;
  return &found->second.begin()->second;
}

std::uint64_t DialogScope::random(std::uint64_t bound) const {
  if (bound < 2) return 0;
  // The highest multiple of `bound`, so that every value is equally likely.
  const std::uint64_t fair = UINT64_MAX - UINT64_MAX % bound;
  for (;;) {
    const std::uint64_t drawn = mix(play_.event.seed + ++draws_ * 0x9e3779b97f4a7c15ULL);
    if (drawn < fair) return drawn % bound;
  }
}

bool DialogScope::is_working_time(std::string_view rule) const {
  for (const HandoffRule& known : play_.program.handoffs) {
    if (!known.hours || (!rule.empty() && known.name != rule)) continue;
    return is_open(*known.hours, locale_.zone, now());
  }
  return true;  // nobody said when it is closed
}

std::string_view DialogScope::default_currency() const {
  return play_.program.language == Language::Russian ? "RUB" : "USD";
}

}  // namespace sufler
