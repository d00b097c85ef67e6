// What agents do: they register, ask for things of the desk, and write to clients.
#include <algorithm>
#include <charconv>
#include <set>

#include "interpreter/core/secret.h"
#include "interpreter/core/sha256.h"
#include "interpreter/core/step.h"
#include "interpreter/core/text.h"
#include "interpreter/runtime/desk_work.h"
#include "interpreter/runtime/incoming_json.h"
#include "interpreter/runtime/staff_call.h"

namespace sufler {
namespace {

constexpr std::int64_t kSecond = 1000, kMinute = 60 * kSecond, kHour = 60 * kMinute, kDay = 24 * kHour;
/// Wrong tokens of one person: from here on there is a pause, which doubles; then a day of silence.
constexpr std::int64_t kFreeAttempts = 2, kLockedAttempts = 10;
constexpr std::int64_t kFirstPause = 30 * kSecond;
/// Wrong tokens of all people within an hour: somebody tries many accounts.
constexpr std::int64_t kAttemptsOfAll = 50;
constexpr std::int64_t kPauseOfAll = 10 * kMinute;

/// When an agent wrote last is known as exactly as this: whoever writes much is not written down each time.
constexpr std::int64_t kSeenStep = 5 * kSecond;

constexpr std::size_t kShown = 20;

/// The word that begins a text, without the bot's name, and what stands behind it.
struct Word {
  std::string folded;
  std::string_view rest;
};
Word first_word(std::string_view text) {
  text = trim(text);
  const std::size_t end = std::min(text.find_first_of(" \t\n"), text.size());
  std::string_view word = text.substr(0, end);
  if (word.starts_with('/')) word = word.substr(0, word.find('@'));
  return {fold(word), trim(text.substr(end))};
}

std::optional<std::int64_t> number_of(std::string_view text) {
  text = trim(text);
  for (const std::string_view mark : {std::string_view("№"), std::string_view("#")})
    if (text.starts_with(mark)) text = trim(text.substr(mark.size()));
  std::int64_t number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size() || number <= 0) return std::nullopt;
  return number;
}

std::string name_of(const Person& person, Language language) {
  std::string name = person.first_name;
  if (!person.last_name.empty()) name += (name.empty() ? "" : " ") + person.last_name;
  if (name.empty()) name = person.username;
  if (name.empty()) name = language == Language::Russian ? "Оператор" : "Agent";
  return name;
}

std::string duration_text(std::int64_t ms, Language language) {
  const bool russian = language == Language::Russian;
  const std::int64_t seconds = ms / kSecond;
  if (seconds < 60) return std::to_string(seconds) + (russian ? " с" : " s");
  const std::int64_t minutes = seconds / 60;
  if (minutes < 60) return std::to_string(minutes) + (russian ? " мин" : " min");
  return std::to_string(minutes / 60) + (russian ? " ч " : " h ") + std::to_string(minutes % 60) + (russian ? " мин" : " min");
}

UserMessage words(std::string text) {
  UserMessage message;
  message.text = std::move(text);
  return message;
}

}  // namespace

bool DeskClerk::Work::hear(const Incoming& update, std::vector<AgentRow> agents) {
  const auto* message = std::get_if<UserMessage>(&update.event.what);
  const auto* press = std::get_if<ButtonPress>(&update.event.what);
  if (!message && !press) return false;
  here_ = update.chat;
  if (message && !message->edited && hear_registration(update, *message)) return true;
  if (!agents.empty()) {
    std::set<std::string> desks;
    for (const AgentRow& agent : agents) desks.insert(agent.desk);
    // All in one order: somebody may move a ticket the other way at the same time.
    if (const Desk* const other = message ? moves_to(*message, agents) : nullptr) desks.insert(other->name);
    for (const std::string& name : desks) lock(name);
    // As they are now that nobody else changes them.
    for (AgentRow& agent : agents) {
      if (auto now = find_agent(agent.id)) agent = std::move(*now);
      if (at_.unix_ms - agent.seen_at.unix_ms < kSeenStep) continue;
      agent.seen_at = at_;
      take(store_.save_agent(agent));
    }
  }
  if (press) return hear_press(update, *press, agents);
  if (!update.topic.empty()) {
    if (hear_topic(update, *message, agents)) return true;
    // The group itself has no dialog with the bot.
    return update.person.id == update.chat.chat_id;
  }
  if (!update.is_private || agents.empty()) return false;
  if (!message->edited && hear_command(update, *message, agents)) return true;
  return relay_to_client(update, *message, agents);
}

/// The other desk to which the message would move a ticket; null when it is no such word.
const Desk* DeskClerk::Work::moves_to(const UserMessage& message, const std::vector<AgentRow>& agents) const {
  const Word word = first_word(message.text);
  const std::string whom = fold(word.rest);
  if (word.folded.empty() || whom.empty()) return nullptr;
  const bool transfers = std::any_of(agents.begin(), agents.end(), [&](const AgentRow& agent) {
    const Desk* const at_desk = desk(agent.desk);
    return at_desk && at_desk->commands[static_cast<std::size_t>(Desk::Command::Transfer)] == word.folded;
  });
  const auto other = std::find_if(program_.desks.begin(), program_.desks.end(),
                                  [&](const Desk& one) { return fold(one.name) == whom; });
  return transfers && other != program_.desks.end() ? &*other : nullptr;
}

// ---- registration

bool DeskClerk::Work::hear_registration(const Incoming& update, const UserMessage& message) {
  const Word word = first_word(message.text);
  for (const Desk& desk : program_.desks) {
    if (desk.register_word.empty() || word.folded != desk.register_word) continue;
    if (update.is_private) {
      register_agent(desk, update, word.rest);
    } else {
      note(update.chat, "somebody would register in a group: that is done in a private chat");
      say(update.chat, Phrase::RegisterInPrivate);
    }
    return true;
  }
  return false;
}

void DeskClerk::Work::register_agent(const Desk& at_desk, const Incoming& update, std::string_view token) {
  const std::string& transport = update.chat.transport;
  const std::string who = transport + ":" + update.person.id;
  const auto refuse = [&](Moment until) {
    ValueMap values;
    values.set("minutes", std::max<std::int64_t>(1, (until.unix_ms - at_.unix_ms + kMinute - 1) / kMinute));
    note(update.chat, "the registration of " + who + " was refused unread: too many wrong tokens");
    say(update.chat, Phrase::TokenLocked, std::move(values));
  };
  lock(at_desk.name);
  TokenFailures own = take(store_.token_failures(setup_.name, transport, update.person.id));
  TokenFailures all = take(store_.token_failures(setup_.name, {}, {}));
  for (const TokenFailures* failures : {&own, &all})
    if (failures->locked_until.unix_ms > at_.unix_ms) return refuse(failures->locked_until);

  // Whoever was removed has learnt the token: an invitation alone lets them back.
  const auto before = take(store_.agent_of(setup_.name, at_desk.name, transport, update.person.id));
  const bool removed = before && before->removed;
  const std::string invited_by = invitation(at_desk, token);
  const bool invited = !invited_by.empty();
  const auto secret = setup_.secrets.find(at_desk.token_variable);
  const bool knows = secret != setup_.secrets.end() && same_secret(secret->second, token);
  if (!invited && knows && removed) {
    note(update.chat, who + " was removed from the desk `" + at_desk.name + "`, and needs an invitation to come back");
    say(update.chat, Phrase::WrongToken);
    return;
  }
  if (!invited && !knows) {
    note(update.chat, "a wrong token for the desk `" + at_desk.name + "` from " + who);
    own.count = at_.unix_ms - own.last_at.unix_ms > kDay ? 1 : own.count + 1;
    own.last_at = at_;
    if (own.count >= kLockedAttempts) {
      own.locked_until = Moment{at_.unix_ms + kDay};
      alarm(update.chat, who + " tries tokens of the desk `" + at_desk.name + "`; locked for a day");
    } else if (own.count > kFreeAttempts) {
      own.locked_until = Moment{at_.unix_ms + (kFirstPause << (own.count - kFreeAttempts - 1))};
    }
    take(store_.set_token_failures(setup_.name, transport, update.person.id, own));
    all.count = at_.unix_ms - all.last_at.unix_ms > kHour ? 1 : all.count + 1;
    all.last_at = at_;
    if (all.count >= kAttemptsOfAll) {
      all.locked_until = Moment{at_.unix_ms + kPauseOfAll};
      all.count = 0;
      alarm(update.chat, "many wrong tokens; nobody can register for 10 minutes");
    }
    take(store_.set_token_failures(setup_.name, {}, {}, all));
    say(update.chat, Phrase::WrongToken);
    return;
  }

  if (own.count != 0) take(store_.set_token_failures(setup_.name, transport, update.person.id, {}));
  ValueMap values;
  values.set("desk", at_desk.name);
  for (const AgentRow& known : take(store_.agents_of(setup_.name, transport, update.person.id))) {
    if (known.desk != at_desk.name) continue;
    say(update.chat, Phrase::AgentKnown, std::move(values));
    return;  // an invitation stays good for somebody else
  }
  // Whoever came first is bound to it: for everybody else it is no more.
  if (invited) take(store_.drop_invitation(invited_by));
  AgentRow agent;
  agent.bot = setup_.name;
  agent.desk = at_desk.name;
  agent.chat = update.chat;
  agent.user_id = update.person.id;
  agent.name = name_of(update.person, program_.language);
  agent.registered_at = at_;
  agent.seen_at = at_;
  take(store_.save_agent(agent));
  note(update.chat, "agent of the desk `" + at_desk.name + (invited ? "` by invitation: " : "`: ") + who);
  values.set("agent", agent.name);
  say(update.chat, Phrase::AgentRegistered, std::move(values));
  drain(at_desk.name);
}

std::string DeskClerk::Work::invitation(const Desk& at_desk, std::string_view code) {
  const std::string hash = sha256_hex(code);
  std::string found;
  // All are compared, so that the time tells nothing.
  for (const Invitation& invitation : take(store_.invitations(setup_.name, at_desk.name, at_)))
    if (same_secret(invitation.hash, hash)) found = invitation.hash;
  return found;
}

// ---- buttons

bool DeskClerk::Work::hear_press(const Incoming& update, const ButtonPress& press, std::vector<AgentRow>& agents) {
  std::string_view payload = press.payload;
  constexpr std::string_view kBegin = "desk:";
  if (!payload.starts_with(kBegin)) return false;
  payload.remove_prefix(kBegin.size());
  const std::size_t colon = payload.find(':');
  const auto id = colon == std::string_view::npos ? std::nullopt : number_of(payload.substr(colon + 1));
  const std::string_view what = payload.substr(0, colon);
  const auto answer = [&](const RichText& text) {
    take(office_.answer_press(tx_, update.chat, press.press_id, text.text, at_, played_));
  };
  auto ticket = id ? find_ticket(*id) : std::nullopt;
  AgentRow* agent = nullptr;
  for (AgentRow& one : agents)
    if (ticket && one.desk == ticket->desk) agent = &one;
  // Whoever is no agent of that desk has come by the button in some other way.
  if (!agent || ticket->bot != setup_.name) {
    note(update.chat, "a button of the desk was pressed by somebody who is no agent there, or its ticket is gone");
    answer(phrase(Phrase::OldButton));
    return true;
  }
  if (what == "take") {
    answer({});
    do_take(*agent, std::move(*ticket));
    return true;
  }
  if ((what != "accept" && what != "decline") || ticket->offered_to != agent->id ||
      ticket->state != TicketRow::State::Open) {
    answer(phrase(Phrase::OfferOver));
    return true;
  }
  answer({});
  take(tx_.cancel_timer(ticket->dialog_id, kOfferTimer));
  played_.timers_changed = true;
  const auto from = find_agent(ticket->agent_id);
  const Desk* const at_desk = desk(ticket->desk);
  if (what == "accept" && at_desk && agent->open < static_cast<std::int64_t>(at_desk->capacity)) {
    if (from) {
      move(*ticket, *from, *agent);
    } else {
      assign(*ticket, *agent, News::Told);
    }
    return true;
  }
  ticket->offered_to = 0;
  take(store_.save_ticket(*ticket));
  if (what == "accept") say(update.chat, Phrase::NoRoom);
  if (from) say(from->chat, Phrase::TransferDeclined, names(*ticket, agent->name), ticket->dialog_id);
  return true;
}

void DeskClerk::Work::do_take(AgentRow& agent, TicketRow ticket) {
  const Desk* const at_desk = desk(ticket.desk);
  if (ticket.state == TicketRow::State::Closed) {
    say(here_, Phrase::TicketOver, names(ticket));
  } else if (ticket.state == TicketRow::State::Open) {
    const auto holder = find_agent(ticket.agent_id);
    if (holder && holder->id == agent.id) {
      say(here_, Phrase::CurrentTicket, names(ticket));
    } else {
      note(ticket, agent.name + " would take it, but it is with " + (holder ? holder->name : "another") + " already");
      say(here_, Phrase::TicketTaken, names(ticket, holder ? holder->name : ""));
    }
  } else if (const DialogKey client = client_of(ticket);
             client.chat.transport == agent.chat.transport && client.user_id == agent.user_id) {
    say(here_, Phrase::NoSuchTicket);  // their own question
  } else if (!at_desk || agent.open >= static_cast<std::int64_t>(at_desk->capacity)) {
    say(here_, Phrase::NoRoom);
  } else {
    assign(ticket, agent, News::Told);
  }
}

// ---- commands

bool DeskClerk::Work::hear_command(const Incoming&, const UserMessage& message, std::vector<AgentRow>& agents) {
  const Word word = first_word(message.text);
  if (word.folded.empty()) return false;
  const std::string whole = fold(message.text);
  for (AgentRow& agent : agents) {
    const Desk* const at_desk = desk(agent.desk);
    if (!at_desk) continue;
    for (std::size_t i = 0; i < Desk::kCommands; ++i) {
      const std::string& command = at_desk->commands[i];
      // A word without a slash is a command when it stands alone: an answer may begin with it.
      if (command.empty() || word.folded != command || (command.front() != '/' && whole != command)) continue;
      do_command(*at_desk, static_cast<Desk::Command>(i), agent, word.rest);
      return true;
    }
    for (const Desk::Reply& reply : at_desk->replies) {
      if (word.folded != fold("/" + reply.name)) continue;
      do_reply(agent, reply);
      return true;
    }
  }
  return false;
}

std::optional<TicketRow> DeskClerk::Work::current(const AgentRow& agent) {
  if (topics_own_) return topics_own_;
  std::vector<TicketRow> open = take(store_.tickets_of_agent(agent.id));
  for (TicketRow& ticket : open)
    if (ticket.id == agent.current_ticket) return std::move(ticket);
  if (open.empty()) return std::nullopt;
  return std::move(open.front());
}

void DeskClerk::Work::do_command(const Desk& at_desk, Desk::Command command, AgentRow& agent, std::string_view rest) {
  using Command = Desk::Command;
  const auto ticket_of_queue = [&]() -> std::optional<TicketRow> {
    if (const auto number = number_of(rest)) return take(store_.ticket_by_number(setup_.name, at_desk.name, *number));
    auto waiting = take(store_.queue(setup_.name, at_desk.name, 1));
    if (waiting.empty()) return std::nullopt;
    return std::move(waiting.front());
  };
  switch (command) {
    case Command::Available: return do_available(agent);
    case Command::Close: return do_close(agent, TicketNews::What::Closed);
    case Command::Reject: return do_close(agent, TicketNews::What::Rejected);
    case Command::Stats: return do_stats(at_desk, agent);
    case Command::Transfer: return do_transfer(at_desk, agent, rest);
    case Command::Note: return do_note(agent, rest);
    case Command::Tickets: return do_tickets(at_desk, agent, rest);
    case Command::Export: return do_export(agent, rest);
    case Command::Take: {
      auto ticket = ticket_of_queue();
      if (ticket) return do_take(agent, std::move(*ticket));
      return say(here_, rest.empty() ? Phrase::QueueEmpty : Phrase::NoSuchTicket);
    }
    case Command::History: {
      const auto ticket = current(agent);
      if (!ticket) return say(here_, Phrase::NoTicket);
      Message message;
      message.text = phrase(Phrase::CurrentTicket, names(*ticket));
      message.attachments.push_back(take(office_.history(tx_, ticket->dialog_id)));
      return send(here_, std::move(message), ticket->dialog_id);
    }
    case Command::Replies: {
      if (at_desk.replies.empty()) return say(here_, Phrase::NoReplies);
      Message message;
      for (const Desk::Reply& reply : at_desk.replies)
        message.text.append((message.text.empty() ? "/" : "\n/") + reply.name);
      return send(here_, std::move(message));
    }
  }
}

void DeskClerk::Work::do_available(AgentRow& agent) {
  agent.on_duty = !agent.on_duty;
  if (!agent.on_duty) agent.current_ticket = 0;
  take(store_.save_agent(agent));
  say(here_, agent.on_duty ? Phrase::OnDuty : Phrase::OffDuty);
  if (!agent.on_duty) hand_on(agent);
  drain(agent.desk);
}

/// What the agent may act on for the client; when there is nothing, they are told.
std::optional<TicketRow> DeskClerk::Work::open_one(const AgentRow& agent) {
  auto ticket = current(agent);
  if (!ticket) {
    say(here_, Phrase::NoTicket);
  } else if (ticket->state != TicketRow::State::Open) {  // its topic is there still
    say(here_, Phrase::TicketOver, names(*ticket));
    ticket.reset();
  }
  return ticket;
}

void DeskClerk::Work::do_close(AgentRow& agent, TicketNews::What how) {
  auto ticket = open_one(agent);
  if (!ticket) return;
  let_album_go(*ticket);
  say(here_, Phrase::TicketOver, names(*ticket), ticket->dialog_id);
  close(*ticket, how == TicketNews::What::Closed ? "closed" : "rejected");
  tell_client(*ticket, how, agent.name);
  drain(agent.desk);
}

void DeskClerk::Work::move(TicketRow& ticket, AgentRow from, const AgentRow& to) {
  from.freed_at = at_;
  if (from.current_ticket == ticket.id) from.current_ticket = 0;
  take(store_.save_agent(from));
  assign(ticket, to, News::Told);
  say(from.chat, Phrase::TicketMoved, names(ticket, to.name), ticket.dialog_id);
  drain(from.desk);
}

void DeskClerk::Work::do_transfer(const Desk& at_desk, AgentRow& agent, std::string_view whom) {
  auto ticket = open_one(agent);
  if (!ticket) return;
  const DialogKey client = client_of(*ticket);
  const std::string wanted = fold(whom);
  for (const Desk& other : program_.desks) {
    if (wanted.empty() || fold(other.name) != wanted || other.name == at_desk.name) continue;
    move_to_desk(std::move(*ticket), agent, other);
    return drain(at_desk.name);
  }
  std::vector<AgentRow> others = agents_at(at_desk.name);
  std::erase_if(others, [&](const AgentRow& other) {
    const bool own = other.chat.transport == client.chat.transport && other.user_id == client.user_id;
    return other.id == agent.id || own || !other.on_duty || other.open >= static_cast<std::int64_t>(at_desk.capacity);
  });
  const AgentRow* to = nullptr;
  std::size_t beginning = 0;
  for (const AgentRow& other : others) {
    const std::string name = fold(other.name);
    if (name == wanted) {
      to = &other;
      beginning = 1;
      break;
    }
    if (wanted.empty() || !name.starts_with(wanted)) continue;
    to = &other;
    ++beginning;
  }
  if (!to || beginning != 1) {
    List free;
    for (const AgentRow& other : others) free.emplace_back(other.name);
    ValueMap values;
    values.set("names", std::move(free));
    return say(here_, Phrase::TransferWhom, std::move(values));
  }
  if (!at_desk.accept) return move(*ticket, agent, *to);
  ticket->offered_to = to->id;
  ticket->offered_at = at_;
  take(store_.save_ticket(*ticket));
  Message offer;
  offer.text = phrase(Phrase::TransferOffered, names(*ticket, agent.name));
  offer.keyboard.kind = Keyboard::Kind::Inline;
  offer.keyboard.rows.push_back({desk_button(phrase(Phrase::AcceptButton), "accept", ticket->id),
                                 desk_button(phrase(Phrase::DeclineButton), "decline", ticket->id)});
  send(to->chat, std::move(offer), ticket->dialog_id);
  take(tx_.set_timer(ticket->dialog_id, {std::string(kOfferTimer), Moment{at_.unix_ms + at_desk.accept->ms},
                                         static_cast<std::uint64_t>(ticket->id)}));
  played_.timers_changed = true;
  say(here_, Phrase::TransferWaits, names(*ticket, to->name), ticket->dialog_id);
}

void DeskClerk::Work::move_to_desk(TicketRow ticket, AgentRow& agent, const Desk& other) {
  lock(other.name);
  release(ticket, agent);
  let_album_go(ticket);
  if (const auto topic = topic_of(ticket))
    take(office_.set_topic(tx_, *topic, false, ticket.dialog_id, at_, played_));
  ticket.desk = other.name;
  ticket.agent_id = 0;
  ticket.topic.clear();  // of a group of the desk that it leaves
  queue(ticket, other.topics.empty() ? News::Told : News::Answer);
  if (auto renumbered = find_ticket(ticket.id)) ticket = std::move(*renumbered);
  say(here_, Phrase::TicketMoved, names(ticket, other.name), ticket.dialog_id);
  if (other.topics.empty()) return drain(other.name);
  give_to_group(ticket, other);
  tell_client(ticket, TicketNews::What::Assigned, other.name);
}

void DeskClerk::Work::release(TicketRow& ticket, AgentRow& agent) {
  agent.freed_at = at_;
  if (agent.current_ticket == ticket.id) agent.current_ticket = 0;
  take(store_.save_agent(agent));
}

void DeskClerk::Work::do_note(AgentRow& agent, std::string_view text) {
  const auto ticket = current(agent);
  if (!ticket) return say(here_, Phrase::NoTicket);
  if (trim(text).empty()) return say(here_, Phrase::NoteEmpty);
  TicketMessage line;
  line.ticket_id = ticket->id;
  line.from = TicketMessage::From::Note;
  line.agent_id = agent.id;
  line.author = agent.name;
  line.at = at_;
  line.event = to_json(Event{at_, 0, words(std::string(trim(text)))});
  line.chat = here_;
  line.carried = true;
  take(store_.add_message(line));
  say(here_, Phrase::NoteKept);
}

void DeskClerk::Work::do_tickets(const Desk& at_desk, AgentRow& agent, std::string_view number) {
  const std::vector<TicketRow> open = take(store_.tickets_of_agent(agent.id));
  if (const auto wanted = number_of(number)) {
    for (const TicketRow& ticket : open) {
      if (ticket.number != *wanted) continue;
      agent.current_ticket = ticket.id;
      take(store_.save_agent(agent));
      return say(here_, Phrase::CurrentTicket, names(ticket));
    }
    return say(here_, Phrase::NoSuchTicket);
  }
  const bool russian = program_.language == Language::Russian;
  const auto current_one = current(agent);
  Message message;
  const auto add = [&](const std::string& line) { message.text.append((message.text.empty() ? "" : "\n") + line); };
  add(russian ? "У вас:" : "Yours:");
  for (const TicketRow& ticket : open)
    add((current_one && current_one->id == ticket.id ? "→ №" : "№") + std::to_string(ticket.number) + " " +
        ticket.client_name);
  if (open.empty()) add("—");
  const auto waiting = take(store_.queue(setup_.name, at_desk.name, kShown));
  add(russian ? "В очереди:" : "Waiting:");
  for (const TicketRow& ticket : waiting)
    add("№" + std::to_string(ticket.number) + " " + ticket.client_name + ", " +
        duration_text(at_.unix_ms - ticket.queued_at.unix_ms, program_.language));
  if (waiting.empty()) add("—");
  send(here_, std::move(message));
}

void DeskClerk::Work::do_export(AgentRow& agent, std::string_view what) {
  TicketFormat format = TicketFormat::Text;
  std::string_view number = trim(what);
  if (const std::size_t space = number.find_last_of(" \t"); space != std::string_view::npos || ticket_format(fold(number))) {
    const std::string_view last = space == std::string_view::npos ? number : number.substr(space + 1);
    const auto read = ticket_format(fold(last));
    if (!read) return say(here_, Phrase::ExportHow);
    format = *read;
    number = trim(number.substr(0, space == std::string_view::npos ? 0 : space));
  }
  std::optional<TicketRow> ticket;
  if (number.empty()) {
    ticket = current(agent);
    if (!ticket) return say(here_, Phrase::ExportHow);
  } else {
    const auto wanted = number_of(number);
    if (!wanted) return say(here_, Phrase::ExportHow);
    ticket = take(store_.ticket_by_number(setup_.name, agent.desk, *wanted));
    if (!ticket) return say(here_, Phrase::NoSuchTicket);
  }
  Message message;
  message.attachments.push_back(export_ticket(program_, *ticket, take(store_.messages(ticket->id, kAllMessages)), format));
  send(here_, std::move(message), ticket->dialog_id);
}

void DeskClerk::Work::do_stats(const Desk& at_desk, const AgentRow& agent) {
  const bool russian = program_.language == Language::Russian;
  Message message;
  const auto line = [&](const std::string& text) { message.text.append((message.text.empty() ? "" : "\n") + text); };
  const auto show = [&](const std::string& who, const DeskFigures& figures) {
    std::string text = who + ": " + std::to_string(figures.taken) + (russian ? " обращ., закрыто " : " tickets, closed ") +
                       std::to_string(figures.closed) + (russian ? ", открыто " : ", open ") + std::to_string(figures.open);
    if (figures.answered > 0)
      text += (russian ? ", первый ответ " : ", first answer ") + duration_text(figures.first_answer_ms, program_.language);
    if (figures.closed > 0)
      text += (russian ? ", длится " : ", lasts ") + duration_text(figures.duration_ms, program_.language);
    if (figures.rated > 0)
      text += (russian ? ", оценка " : ", rating ") + to_display(Value(figures.rating), Locale{program_.language, program_.zone}) +
              " (" + std::to_string(figures.rated) + ")";
    line(text);
  };
  LocalTime midnight = program_.zone.to_local(at_);
  midnight.time = TimeOfDay{};
  const Moment today = program_.zone.to_moment(midnight);
  const struct {
    const char *russian, *english;
    Moment from;
  } periods[] = {{"Сегодня", "Today", today},
                 {"7 дней", "7 days", Moment{at_.unix_ms - 7 * kDay}},
                 {"30 дней", "30 days", Moment{at_.unix_ms - 30 * kDay}}};
  for (const auto& period : periods) {
    line(russian ? period.russian : period.english);
    bool own = false;
    for (const DeskFigures& figures :
         take(store_.figures(setup_.name, at_desk.name, period.from, Moment{at_.unix_ms + 1}))) {
      if (figures.agent == 0) show(at_desk.name, figures);
      if (figures.agent != agent.id) continue;
      show(agent.name, figures);
      own = true;
    }
    if (!own) show(agent.name, DeskFigures{});
  }
  const auto waiting = take(store_.queue(setup_.name, at_desk.name, 1000));
  line((russian ? "В очереди: " : "Waiting: ") + std::to_string(waiting.size()));
  send(here_, std::move(message));
}

void DeskClerk::Work::do_reply(AgentRow& agent, const Desk::Reply& reply) {
  auto ticket = open_one(agent);
  if (!ticket) return;
  const DialogKey client = client_of(*ticket);
  auto row = take(tx_.load_dialog(client));
  State state;
  UserRecord user;
  if ((!row.state.empty() && !from_json(row.state, program_, state, nullptr)) ||
      (!row.user.empty() && !from_json(row.user, user))) {
    note(*ticket, "its client's dialog cannot be read, so the ready answer `" + reply.name + "` was not sent");
    return say(here_, Phrase::NotDelivered, names(*ticket));
  }
  const ValueMap shared = take(tx_.load_shared(setup_.name));
  Surroundings around;
  around.chat = client.chat;
  around.shared = &shared;
  auto text = render_for(program_, std::move(state), std::move(user), around, at_, reply.text);
  if (!text) {
    note(client.chat, "the reply `" + reply.name + "` cannot be made: " + text.error());
    return say(here_, Phrase::NotDelivered, names(*ticket));
  }
  pass_on(*ticket, agent, here_, words(text->text));
}

// ---- to the client

/// Who may answer in the topics of a desk, as a place in `agents`: to be in the group gives no rights by itself
/// (RELIABILITY 4, 13 and 15). Registered agents, those whom the role `agents` names, and everybody when it names the
/// group; with them those who write as the group itself.
std::optional<std::size_t> DeskClerk::Work::agent_of_topic(const Incoming& update, const Desk& at_desk,
                                                           std::vector<AgentRow>& agents) {
  if (update.person.is_bot || update.person.id.empty()) return std::nullopt;
  for (std::size_t i = 0; i < agents.size(); ++i)
    if (agents[i].desk == at_desk.name) return i;
  const auto role = setup_.roles.find(at_desk.agents);
  if (at_desk.agents.empty() || role == setup_.roles.end()) return std::nullopt;
  const ChatAddress own{update.chat.transport, update.person.id};
  const bool named = std::any_of(role->second.begin(), role->second.end(), [&](const ChatAddress& member) {
    return member == own || member == update.chat;
  });
  if (!named) return std::nullopt;
  auto known = take(store_.agent_of(setup_.name, at_desk.name, own.transport, update.person.id));
  if (known && known->removed) return std::nullopt;
  AgentRow member;
  if (known) {
    member = std::move(*known);
    member.seen_at = at_;
  } else {
    member.bot = setup_.name;
    member.desk = at_desk.name;
    member.chat = own;
    member.user_id = update.person.id;
    member.name = name_of(update.person, program_.language);
    member.registered_at = member.seen_at = at_;
  }
  take(store_.save_agent(member));
  agents.push_back(std::move(member));
  return agents.size() - 1;
}

bool DeskClerk::Work::hear_topic(const Incoming& update, const UserMessage& message, std::vector<AgentRow>& agents) {
  const ChatAddress topic{update.chat.transport, update.chat.chat_id + "#" + update.topic};
  auto ticket = take(store_.ticket_of_topic(setup_.name, topic));
  if (!ticket) {
    // A topic of the group that is no client's: people of the desk speak to each other there.
    const bool of_desk = std::any_of(program_.desks.begin(), program_.desks.end(), [&](const Desk& one) {
      const auto desks_group = group_of(one);
      return desks_group && *desks_group == update.chat;
    });
    return of_desk && message.reply_to.empty() && !message.text.starts_with('/');
  }
  const Desk* const at_desk = desk(ticket->desk);
  const auto group = at_desk ? group_of(*at_desk) : std::nullopt;
  if (!group || !(*group == update.chat)) return false;
  lock(at_desk->name);
  ticket = find_ticket(ticket->id);
  here_ = topic;
  const auto answers = agent_of_topic(update, *at_desk, agents);
  if (!answers) {
    note(*ticket, "somebody who is no agent wrote in its topic, so it was not carried");
    // Whoever writes as the group is an administrator who hides their name: they must know that nobody reads it.
    if (update.person.id == update.chat.chat_id && !message.edited) say(topic, Phrase::AnonymousAgent);
    return true;
  }
  AgentRow* const agent = &agents[*answers];
  topics_own_ = *ticket;
  if (!message.edited && hear_command(update, message, agents)) return true;
  if (ticket->state != TicketRow::State::Open) {
    say(topic, Phrase::TicketOver, names(*ticket));
    return true;
  }
  if (message.text.empty() && message.attachments.empty() && !message.contact && !message.location) {
    note(*ticket, "the agent sent something of a kind that cannot be carried");
    say(topic, Phrase::CannotRelay);
    return true;
  }
  if (ticket->agent_id == 0) ticket->agent_id = agent->id;
  pass_on(*ticket, *agent, topic, message);
  return true;
}

/// An agent wrote to a ticket that is not theirs any more: beneath their words stands why the client does not get them.
void DeskClerk::Work::tell_where_it_is(const TicketRow& ticket, const UserMessage& message) {
  const bool open = ticket.state == TicketRow::State::Open;
  const auto holder = open ? find_agent(ticket.agent_id) : std::nullopt;
  const Phrase where = open ? Phrase::TicketMoved
                            : ticket.state == TicketRow::State::Queued ? Phrase::TicketQueued : Phrase::TicketOver;
  Message told;
  told.text = phrase(where, names(ticket, holder ? holder->name : ticket.desk));
  told.reply_to = message.message_id;
  if (!told.text.empty()) send(here_, std::move(told), ticket.dialog_id);
}

bool DeskClerk::Work::relay_to_client(const Incoming& update, const UserMessage& message,
                                      std::vector<AgentRow>& agents) {
  const auto agent_of = [&](const TicketRow& ticket) -> AgentRow* {
    for (AgentRow& agent : agents)
      if (agent.desk == ticket.desk && agent.id == ticket.agent_id) return &agent;
    return nullptr;
  };
  // Which ticket is meant is told by the message that is answered or corrected, else by what the agent has open.
  const std::string& about = message.edited ? message.message_id : message.reply_to;
  std::optional<TicketRow> ticket;
  if (const auto found = about.empty() ? std::nullopt : take(store_.find_message(setup_.name, update.chat, about))) {
    answered_ = {about, *found};
    ticket = find_ticket(found->ticket);
    if (!ticket || ticket->state != TicketRow::State::Open || !agent_of(*ticket)) {
      if (ticket && message.edited) note(*ticket, "a correction came when it was closed or another's, and went to nobody");
      if (ticket && !message.edited) {
        tell_where_it_is(*ticket, message);
        return true;
      }
      return message.edited;
    }
  } else if (message.edited) {
    return true;  // a command, or something of before
  } else if (!about.empty()) {
    // Not a client's words. What the desk said of a ticket means that one; of anything else nobody knows whom it means
    // (a message that went out just before a crash is in no map), and a guess would tell one client what is another's.
    const auto dialog = take(tx_.dialog_of_message(setup_.name, update.chat, about));
    bool any = false;
    for (const AgentRow& agent : agents) {
      for (TicketRow& open : take(store_.tickets_of_agent(agent.id))) {
        any = true;
        if (dialog && open.dialog_id == *dialog) ticket = std::move(open);
      }
    }
    for (std::size_t i = 0; i < agents.size() && !ticket && dialog; ++i) {
      const auto last = take(store_.last_ticket(*dialog, agents[i].desk));
      if (!last || last->agent_id != agents[i].id) continue;
      tell_where_it_is(*last, message);
      return true;
    }
    if (!ticket && (!any || staff_word(program_, setup_.roles, update))) return false;
    if (!ticket) {
      Message which;
      note(update.chat, "an agent answered a message that is in no ticket: it went to nobody");
      which.text = phrase(Phrase::AnswersNobody);
      which.reply_to = message.message_id;
      send(update.chat, std::move(which));
      return true;
    }
  }
  for (std::size_t i = 0; i < agents.size() && !ticket; ++i) ticket = current(agents[i]);
  if (!ticket) return false;
  AgentRow* const agent = agent_of(*ticket);
  if (!agent) return false;
  if (message.text.empty() && message.attachments.empty() && !message.contact && !message.location) {
    note(*ticket, "the agent sent something of a kind that cannot be carried");
    say(update.chat, Phrase::CannotRelay);
    return true;
  }
  if (agent->current_ticket != ticket->id) {
    agent->current_ticket = ticket->id;
    take(store_.save_agent(*agent));
  }
  pass_on(*ticket, *agent, update.chat, message);
  return true;
}

}  // namespace sufler
