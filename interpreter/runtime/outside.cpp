#include "interpreter/runtime/outside.h"

#include <algorithm>

#include "interpreter/core/hmac.h"
#include "interpreter/core/json_text.h"
#include "interpreter/core/plain_json.h"
#include "interpreter/core/reading/phone.h"
#include "interpreter/core/secret.h"
#include "interpreter/core/sha256.h"
#include "interpreter/core/step.h"
#include "interpreter/core/text.h"
#include "interpreter/runtime/incoming_json.h"

namespace sufler {
namespace {

/// Of a search through everybody: dialogs that one transaction looks at.
constexpr std::int64_t kLookedAt = 500;
/// The same where the database picks those who may be meant.
constexpr std::int64_t kPickedFrom = 20'000;
constexpr std::int64_t kPicked = 100;
constexpr std::size_t kLongestNeedle = 200;
constexpr std::string_view kClaims = "hook";

int depth_of(std::string_view json) {
  int depth = 0, deepest = 0;
  bool text = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (text) {
      if (c == '\\') ++i;
      if (c == '"') text = false;
      continue;
    }
    if (c == '"') text = true;
    if (c == '{' || c == '[') deepest = std::max(deepest, ++depth);
    if (c == '}' || c == ']') --depth;
  }
  return deepest;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// Nothing when it is not what a form may hold.
std::optional<std::string> form_text(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out.push_back(' ');
    } else if (text[i] == '%') {
      if (i + 2 >= text.size() || hex_digit(text[i + 1]) < 0 || hex_digit(text[i + 2]) < 0) return std::nullopt;
      const char c = static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
      if (c != '\0') out.push_back(c);
      i += 2;
    } else {
      out.push_back(text[i]);
    }
  }
  if (!is_utf8(out)) return std::nullopt;
  return out;
}

Result<Value, std::string> read_form(std::string_view body) {
  ValueMap fields;
  while (!body.empty()) {
    const std::size_t end = std::min(body.find('&'), body.size());
    const std::string_view field = body.substr(0, end);
    body.remove_prefix(std::min(end + 1, body.size()));
    if (field.empty()) continue;
    const std::size_t sign = field.find('=');
    auto name = form_text(field.substr(0, sign));
    auto value = form_text(sign == field.npos ? std::string_view() : field.substr(sign + 1));
    if (!name || !value) return Error{std::string("the form is not readable: bytes that are no UTF-8, or a broken %")};
    if (name->empty()) continue;
    if (fields.size() == kMaxFormFields) return Error{"a form of more than " + std::to_string(kMaxFormFields) + " fields"};
    fields.set(*name, Value(std::move(*value)));
  }
  return Value(std::move(fields));
}

/// Of 44 characters of base64: the 32 bytes as hexadecimal digits; empty when it is none.
std::string hex_of_base64(std::string_view text) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  constexpr std::string_view kHex = "0123456789abcdef";
  if (text.size() != 44 || text.back() != '=') return {};
  std::string out;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text.substr(0, 43)) {
    const std::size_t digit = kDigits.find(c);
    if (digit == kDigits.npos) return {};
    bits = bits << 6 | static_cast<std::uint32_t>(digit);
    count += 6;
    while (count >= 4 && out.size() < 64) {
      count -= 4;
      out.push_back(kHex[bits >> count & 15]);
    }
  }
  return out;
}

/// `user.NAME == VALUE` as a part of the condition, where the value speaks of nobody.
struct EqualPart {
  std::string name;
  Expression value;
  std::size_t index = 0;
};
std::vector<EqualPart> equal_parts(const Expression& condition) {
  std::vector<EqualPart> found;
  const std::vector<Expression> parts = condition.conjuncts();
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto comparison = parts[i].as_comparison();
    if (!comparison || comparison->op != "==" || comparison->path.size() != 2) continue;
    if (comparison->path[0] != "user" && comparison->path[0] != "человек") continue;
    auto value = parts[i].comparison_value();
    if (!value || asks_about_user(*value)) continue;
    found.push_back({comparison->path[1], std::move(*value), i});
  }
  return found;
}

std::string text_of(const Value& value) {
  if (value.text()) return *value.text();
  if (value.number()) return value.number()->to_string();
  return {};
}

}  // namespace

Result<Value, std::string> read_event_body(std::string_view body, bool form) {
  if (body.size() > kMaxEventBytes) return Error{"more than " + std::to_string(kMaxEventBytes / 1024) + " kB"};
  if (form) return read_form(body);
  if (depth_of(body) > kMaxEventDepth) return Error{"nested deeper than " + std::to_string(kMaxEventDepth)};
  return from_plain_json(body);
}

bool is_proven(const Happening& event, std::string_view secret, std::string_view header, std::string_view body) {
  if (event.proof == Happening::Proof::Secret) {
    constexpr std::string_view kBearer = "Bearer ";
    if (header.starts_with(kBearer)) header.remove_prefix(kBearer.size());
    return same_secret(secret, header);
  }
  if (secret.empty()) return false;
  constexpr std::string_view kPrefix = "sha256=";
  if (header.starts_with(kPrefix)) header.remove_prefix(kPrefix.size());
  const std::string from_base64 = hex_of_base64(header);
  return same_secret(hmac_sha256_hex(secret, body), from_base64.empty() ? to_lower(header) : from_base64);
}

void EventIntake::end(Outcome::What what, std::string reason) { outcome_ = Outcome{what, std::move(reason), {}}; }

std::string EventIntake::claim() const { return call_.webhook + ":" + sha256_hex(call_.key); }

std::optional<Value> EventIntake::worked_out(const Program& program, const Expression& expression, Moment now) {
  ValueMap names;
  names.set("event", Value(event_names(call_.webhook, call_.json)));
  auto value = value_for(program, now, expression, names);
  if (value) return std::move(*value);
  end(Outcome::What::Unreadable, value.error());
  return std::nullopt;
}

Stored<std::optional<EventIntake::Outcome>> EventIntake::go_on(Storage& storage, const Program& program, Moment now) {
  const Happening* event = program.events ? program.events->find_webhook(call_.webhook) : nullptr;
  if (!event) {
    end(Outcome::What::Unknown);
    return outcome_;
  }
  // Of another version nothing that was worked out fits.
  if (begun_ && events_ != program.events) *this = EventIntake(given_);
  const auto state = *this;  // a transaction may run again
  auto done = storage.transact([&](Transaction& tx) -> Stored<Done> {
    *this = state;
    if (!begun_) return begin(tx, program, *event, now);
    if (!looked_) return look(tx, program, *event, now);
    return store(tx, program, *event, now);
  });
  if (!done) return Error{done.error()};
  if (!outcome_ && !looked_ && after_ == 0 && !call_.key.empty()) {
    auto repeat = is_repeat(storage, now);
    if (!repeat) return Error{repeat.error()};
    if (*repeat) end(Outcome::What::Repeated);
  }
  if (!outcome_) return std::optional<Outcome>();
  const bool taken = outcome_->what == Outcome::What::Stored || outcome_->what == Outcome::What::Repeated;
  if (taken && event->answer) {
    ValueMap names;
    names.set("event", Value(event_names(event->name, call_.json)));
    if (auto text = text_for(program, now, *event->answer, names)) outcome_->answer = std::move(*text);
  }
  return outcome_;
}

Stored<Done> EventIntake::begin(Transaction& tx, const Program& program, const Happening& event, Moment now) {
  begun_ = true;
  events_ = program.events;
  if (event.id) {  // before the caller's name of the call, which no signature proves
    const auto id = worked_out(program, *event.id, now);
    if (!id) return Done{};
    call_.key = text_of(*id);
    if (call_.key.empty()) {
      end(Outcome::What::Unreadable, "`id` is neither text nor a number");
      return Done{};
    }
  }
  if (!event.find_user) {
    looked_ = true;
    return store(tx, program, event, now);
  }
  if (!asks_about_user(*event.find_user)) {
    const auto id = worked_out(program, *event.find_user, now);
    if (!id) return Done{};
    person_ = text_of(*id);
    if (person_.empty()) end(Outcome::What::Nobody);
    return Done{};
  }
  std::string longest;  // the fewest people have it, most likely
  for (const EqualPart& part : equal_parts(*event.find_user)) {
    const auto value = worked_out(program, part.value, now);
    if (!value) return Done{};
    if (value->is_null()) {
      // Whoever has no phone is not meant by a call without one.
      end(Outcome::What::Nobody);
      return Done{};
    }
    std::string text = text_of(*value);
    if (part.name == "phone" || part.name == "телефон") {
      // Other systems write phones as they like.
      const auto phone = phone_.empty() ? read_phone(text, program.language == Language::Russian ? "RU" : "US") : std::nullopt;
      if (phone) {
        phone_ = text = *phone;
        phone_part_ = part.index;
      }
    }
    if (part.name == "id" || part.name == "номер") {
      person_ = text;
    } else if (text.size() > longest.size() && text.size() <= kLongestNeedle) {
      longest = std::move(text);
    }
  }
  if (person_.empty() && !longest.empty()) {
    append_json_string(needle_, longest);
    needle_ = needle_.substr(1, needle_.size() - 2);
  }
  return Done{};
}

bool EventIntake::is_meant(const Program& program, const Happening& event, const Found& one, const ValueMap& shared, Moment now) {
  UserRecord user;
  if (!from_json(one.user, user)) return false;
  Surroundings around;
  around.chat = one.key.chat;
  around.shared = &shared;
  ValueMap names;
  names.set("event", Value(event_names(event.name, call_.json)));
  const auto holds = [&](const Expression& condition) {
    const auto known = holds_for(program, user, around, now, condition, &names);
    if (known) return *known;
    // One person's odd value keeps nobody from being found.
    ++faults_;
    fault_ = known.error();
    return false;
  };
  if (phone_.empty()) return holds(*event.find_user);
  if (user.phone != phone_) return false;
  const std::vector<Expression> parts = event.find_user->conjuncts();
  for (std::size_t i = 0; i < parts.size(); ++i)
    if (i != phone_part_ && !holds(parts[i])) return false;
  return true;
}

/// Whether the call was stored before: looked at without remembering it, since it may yet be refused.
Stored<bool> EventIntake::is_repeat(Storage& storage, Moment now) const {
  std::optional<bool> fresh;
  const auto looked = storage.transact([&](Transaction& tx) -> Stored<Done> {
    fresh.reset();
    auto claimed = tx.claim_event(call_.bot, kClaims, claim(), now);
    if (!claimed) return Error{claimed.error()};
    fresh = *claimed;
    return Error{StorageError{StorageError::Kind::Refused, "looked at only"}};
  });
  if (!fresh) return Error{looked.error()};
  return !*fresh;
}

Stored<Done> EventIntake::look(Transaction& tx, const Program& program, const Happening& event, Moment now) {
  const bool condition = asks_about_user(*event.find_user);
  ScheduleStore::Look look;
  if (!person_.empty()) {
    const std::size_t colon = person_.find(':');
    const std::string platform = colon == person_.npos ? "" : person_.substr(0, colon);
    auto people = tx.schedules().people_called(call_.bot, colon == person_.npos ? person_ : person_.substr(colon + 1));
    if (!people) return Error{people.error()};
    for (Found& one : *people)
      if (platform.empty() || one.key.chat.transport == platform) look.found.push_back(std::move(one));
  } else {
    auto people = needle_.empty() ? tx.schedules().people(call_.bot, after_, kLookedAt, kLookedAt)
                                  : tx.schedules().people_with(call_.bot, needle_, after_, kPickedFrom, kPicked);
    if (!people) return Error{people.error()};
    look = std::move(*people);
  }
  std::optional<ValueMap> shared;
  for (Found& one : look.found) {
    if (condition) {
      if (!shared) {
        auto loaded = tx.load_shared(call_.bot);
        if (!loaded) return Error{loaded.error()};
        shared = std::move(*loaded);
      }
      if (!is_meant(program, event, one, *shared, now)) continue;
    }
    found_.push_back(std::move(one));
  }
  after_ = look.last_id;
  if (found_.size() > 1) {
    end(Outcome::What::Several);
  } else if (after_ == 0) {
    looked_ = true;
    if (!found_.empty()) return Done{};
    // A condition that works for nobody is told.
    end(Outcome::What::Nobody, faults_ > 0 ? "`find_user` cannot be worked out: " + fault_ : std::string());
  }
  return Done{};
}

Stored<Done> EventIntake::store(Transaction& tx, const Program& program, const Happening& event, Moment now) {
  std::string key = call_.key;
  if (!key.empty()) {
    auto fresh = tx.claim_event(call_.bot, kClaims, claim(), now);
    if (!fresh) return Error{fresh.error()};
    if (!*fresh) {
      end(Outcome::What::Repeated);
      return Done{};
    }
  }
  Incoming update;
  Happened happened;
  happened.event = event.name;
  happened.branch = program.branch(event.branch).name;
  happened.data = call_.json;
  // Of two calls without a name, each is its own.
  auto number = tx.schedules().next_number(call_.bot, kClaims);
  if (!number) return Error{number.error()};
  update.id = "hook:" + event.name + ":" + std::to_string(*number);
  if (found_.empty()) {
    happened.alone = true;
    const std::string beginning = std::string(kEventChat) + event.name + ":";
    auto chat = tx.schedules().free_dialog(call_.bot, beginning);
    if (!chat) return Error{chat.error()};
    update.chat = {std::string(kScheduleTransport), chat->empty() ? beginning + std::to_string(*number) : *chat};
    update.person.id = update.chat.chat_id;
  } else {
    update.chat = found_[0].key.chat;
    update.person.id = found_[0].key.user_id;
  }
  update.event = Event{now, 0, std::move(happened)};
  InboxRow row;
  row.bot = call_.bot;
  row.transport = update.chat.transport;
  row.event_id = update.id;
  row.user_id = update.person.id;
  row.incoming = to_json(update);
  end(Outcome::What::Stored);
  return tx.put_inbox(row);
}

}  // namespace sufler
