// What the journal keeps of a turn. Secrets are blotted out here, so that nothing behind this line holds them.
#include <algorithm>

#include "interpreter/core/event_json.h"
#include "interpreter/core/expects.h"
#include "interpreter/core/fnv.h"
#include "interpreter/core/json_text.h"
#include "interpreter/core/play.h"

namespace sufler {
namespace {

constexpr std::string_view kBlot = "•••";

/// The message with every secret gone from what it says; marks would point into nowhere, so they go too.
Message blotted(Message message, const std::vector<std::string>& secrets) {
  if (secrets.empty()) return message;
  const std::string before = message.text.text;
  blot(message.text.text, secrets);
  if (message.text.text != before) message.text.spans.clear();
  for (auto& row : message.keyboard.rows)
    for (Button& button : row) {
      blot(button.label, secrets);
      blot(button.url, secrets);
    }
  return message;
}

void append_effect(std::string& out, const Effect& effect, const std::vector<std::string>& secrets) {
  const auto text = [&](std::string_view name, std::string value) {
    blot(value, secrets);
    out += "{\"";
    out += name;
    out += "\":";
    append_json_string(out, value);
    out += '}';
  };
  if (const auto* send = std::get_if<SendMessage>(&effect)) {
    out += "{\"say\":";
    out += to_json(blotted(send->message, secrets));
    out += '}';
  } else if (const auto* notify = std::get_if<NotifyPeople>(&effect)) {
    out += "{\"notify\":";
    append_json_string(out, !notify->role.empty()      ? notify->role
                            : !notify->user_id.empty() ? notify->user_id
                                                       : notify->address.transport + ":" + notify->address.chat_id);
    out += ",\"message\":";
    out += to_json(blotted(notify->message, secrets));
    out += '}';
  } else if (const auto* press = std::get_if<AnswerPress>(&effect)) {
    text("press", press->text);
  } else if (const auto* set = std::get_if<SetTimer>(&effect)) {
    out += "{\"timer\":";
    append_json_string(out, set->name);
    out += ",\"due\":";
    append_json_number(out, set->due.unix_ms);
    out += '}';
  } else if (const auto* cancel = std::get_if<CancelTimer>(&effect)) {
    text("cancel", cancel->name);
  } else if (const auto* log = std::get_if<WriteLog>(&effect)) {
    text("log", log->text);
  } else if (const auto* track = std::get_if<TrackEvent>(&effect)) {
    text("track", track->name);
  } else if (const auto* broadcast = std::get_if<BeginBroadcast>(&effect)) {
    text("broadcast", broadcast->name);
  } else if (const auto* fault = std::get_if<ReportFault>(&effect)) {
    text("fault", fault->reason);
  } else if (const auto* desk = std::get_if<DeskOrder>(&effect)) {
    // A relayed message is the event of the turn already.
    constexpr std::string_view kWhat[] = {"relay", "close", "assign", "remind", "reassign", "rate"};
    text("desk", std::string(kWhat[static_cast<std::size_t>(desk->what)]) + " " + std::to_string(desk->ticket));
  } else if (const auto* job = std::get_if<StartJob>(&effect)) {
    // With these a replay knows which rest a result belongs to, and whether the same was asked. A mark of a secret
    // would tell it to whoever tries all numbers.
    out += "{\"job\":";
    append_json_string(out, job->service + " " + job->name);
    out += ",\"rest\":\"" + std::to_string(job->serial) + '"';
    if (secrets.empty()) out += ",\"request\":\"" + std::to_string(Fnv1a().bytes(job->request).value()) + '"';
    out += '}';
  } else if (std::holds_alternative<CancelJob>(effect)) {
    text("job_cancelled", "");
  } else if (const auto* moved = std::get_if<Relocated>(&effect)) {
    text("relocated", moved->from == moved->to ? moved->from + ": " + moved->line : moved->from + " → " + moved->to);
  }
}

}  // namespace

void blot(std::string& text, const std::vector<std::string>& secrets) {
  for (const std::string& secret : secrets) {
    if (secret.empty()) continue;
    for (std::size_t at = text.find(secret); at != std::string::npos; at = text.find(secret, at + kBlot.size()))
      text.replace(at, secret.size(), kBlot);
  }
}

void blot(Value& value, const std::vector<std::string>& secrets, const Locale& locale) {
  if (secrets.empty() || value.is_null()) return;
  if (const std::string* text = value.text()) {
    std::string clean = *text;
    blot(clean, secrets);
    if (clean != *text) value = Value(std::move(clean));
  } else if (const List* list = value.list()) {
    List clean = *list;
    for (Value& item : clean) blot(item, secrets, locale);
    value = Value(std::move(clean));
  } else if (const ValueMap* map = value.map()) {
    ValueMap clean = *map;
    for (auto& [name, item] : *map) {
      Value inner = item;
      blot(inner, secrets, locale);
      clean.set(name, std::move(inner));
    }
    value = Value(std::move(clean));
  } else if (!value.boolean() &&
             std::find(secrets.begin(), secrets.end(), to_display(value, locale)) != secrets.end()) {
    value = Value(std::string(kBlot));
  }
}

std::string journal_event_json(const Event& event, const State& before, const Program& program) {
  const auto* message = std::get_if<UserMessage>(&event.what);
  if (!message) return to_json(event);
  const Question* question = question_of(program, before.waiting);
  const FoundCommand found = find_command(program, message->text, fold(message->text),
                                          !question || question->free_words_are_commands, nullptr);
  // What was asked when it was written counts, too, where a new version asks something else.
  const bool was_secret = before.takeover && Expects(before.takeover->expected).secret();
  const bool secret_answer = (was_secret || is_secret_rest(program, before.waiting)) && !found.command;
  const bool secret_command = found.command && found.command->secret;
  if (!secret_answer && !secret_command) return to_json(event);
  Event hidden = event;
  UserMessage& shown = std::get<UserMessage>(hidden.what);
  if (secret_command) {
    if (found.word_bytes < shown.text.size()) {
      shown.text.resize(found.word_bytes);
      shown.text += " ";
      shown.text += kBlot;
    }
  } else {
    if (!shown.text.empty()) shown.text = std::string(kBlot);
    for (Attachment& file : shown.attachments) {
      Attachment blank;
      blank.kind = file.kind;
      file = std::move(blank);
    }
    if (shown.contact) shown.contact = Contact{std::string(kBlot), {}, {}, false};
    if (shown.location) shown.location = Location{};
  }
  return to_json(hidden);
}

std::string journal_turn_json(const Turn& turn) {
  std::string out = "[";
  bool first = true;
  for (const Effect& effect : turn.effects) {
    if (!first) out += ',';
    first = false;
    append_effect(out, effect, turn.secrets);
  }
  out += ']';
  return out;
}

}  // namespace sufler
