// What passes between a client and whoever answers: texts, files and albums, in order, with what they answer and
// correct. Parts of an album come one by one: they wait for the rest of it, and go as one.
#include <algorithm>

#include "interpreter/runtime/desk_work.h"

namespace sufler {
namespace {

/// Parts of an album come closer to each other than this.
constexpr std::int64_t kAlbumPause = 1000;

const UserMessage* said_in(const TicketMessage& line, Event& event) {
  return from_json(line.event, event) ? std::get_if<UserMessage>(&event.what) : nullptr;
}

std::string album_of(const TicketMessage& line) {
  Event event;
  const UserMessage* const said = said_in(line, event);
  return said && !said->edited ? said->album : std::string();
}

std::string_view words_of(const UserMessage& part) {
  if (!part.text.empty() || part.attachments.empty()) return part.text;
  return part.attachments.front().caption;
}

/// One message of all parts. The words of one stand for the album's; of several, each keeps its own below its file.
UserMessage joined(std::vector<UserMessage> parts) {
  UserMessage whole = std::move(parts.front());
  if (parts.size() == 1) return whole;
  std::string first(words_of(whole));
  std::size_t with_words = first.empty() ? 0 : 1;
  for (std::size_t i = 1; i < parts.size(); ++i) with_words += words_of(parts[i]).empty() ? 0 : 1;
  const auto take_files = [&](UserMessage& part, std::vector<Attachment> files) {
    std::string words(words_of(part));
    if (with_words == 1 && !words.empty()) whole.text = words;
    for (Attachment& file : files) {
      file.caption = with_words > 1 ? std::exchange(words, {}) : std::string();
      whole.attachments.push_back(std::move(file));
    }
  };
  UserMessage begin = whole;
  whole.text.clear();
  whole.attachments.clear();
  take_files(begin, begin.attachments);
  for (std::size_t i = 1; i < parts.size(); ++i) take_files(parts[i], parts[i].attachments);
  return whole;
}

}  // namespace

/// Where whoever answers the ticket reads it now; nowhere while it waits for an agent, or for its topic.
std::optional<ChatAddress> DeskClerk::Work::answered_in(const TicketRow& ticket) {
  if (ticket.state != TicketRow::State::Open) return std::nullopt;
  if (auto topic = topic_of(ticket)) return topic;
  if (auto agent = find_agent(ticket.agent_id)) return std::move(agent->chat);
  return std::nullopt;
}

/// Carries what waits, oldest first. `Held::Stay`: but the album whose rest may still come.
void DeskClerk::Work::carry_waiting(const TicketRow& ticket, Held held) {
  struct Side {
    std::optional<ChatAddress> to;
    std::string_view author;
    TicketMessage line;
    std::vector<UserMessage> parts;
  };
  const std::vector<TicketMessage> waiting = take(store_.to_carry(ticket.id));
  if (waiting.empty()) return;
  Side to_agents{answered_in(ticket), ticket.client_name, {}, {}};
  Side to_client{client_of(ticket).chat, {}, {}, {}};
  const auto send_parts = [&](Side& side) {
    if (side.parts.empty()) return;
    carry(ticket, side.line, *side.to, joined(std::exchange(side.parts, {})), side.author);
  };
  for (const TicketMessage& line : waiting) {
    Side& side = line.from == TicketMessage::From::Agent ? to_client : to_agents;
    if (!side.to || side.to->chat_id.empty()) continue;
    Event event;
    const UserMessage* const said = said_in(line, event);
    if (!said) {
      note(ticket, "a message that waited cannot be read, and was not carried");
      continue;
    }
    const std::string album = said->edited ? std::string() : said->album;
    if (held == Held::Stay && !album.empty() && album == ticket.album) continue;
    if (!side.parts.empty() && (album.empty() || side.parts.front().album != album)) send_parts(side);
    if (side.parts.empty()) {
      side.line = line;
    } else {
      take(store_.mark_carried(line.id));
    }
    side.parts.push_back(*said);
    if (album.empty()) send_parts(side);
  }
  send_parts(to_agents);
  send_parts(to_client);
}

/// What is held of an album goes: something else comes behind it.
void DeskClerk::Work::let_album_go(TicketRow& ticket) {
  if (ticket.album.empty()) return;
  ticket.album.clear();
  take(store_.save_ticket(ticket));
  carry_waiting(ticket, Held::Go);
}

void DeskClerk::Work::hold_album(TicketRow& ticket, const std::string& album) {
  ticket.album = album;
  take(tx_.set_timer(ticket.dialog_id, {std::string(kAlbumTimer), Moment{at_.unix_ms + kAlbumPause},
                                        static_cast<std::uint64_t>(ticket.id)}));
  played_.timers_changed = true;
}

void DeskClerk::Work::album_due(std::int64_t id) {
  const auto first = find_ticket(id);
  if (!first) return;
  lock(first->desk);
  TicketRow ticket = *find_ticket(id);
  let_album_go(ticket);
}

/// From the line that did not arrive on, what is on its way to a place that takes nothing any more is carried anew,
/// in its order. That each of the others did not arrive either is heard later, and changes nothing.
void DeskClerk::Work::wait_again(const TicketRow& ticket, const Delivery& from) {
  std::string album;
  bool album_waits = false;
  for (const TicketMessage& line : take(store_.messages(ticket.id, kAllMessages))) {
    if (line.from != TicketMessage::From::Client || line.id < from.ticket_message || !line.carried) continue;
    // Parts of an album went with the first of them.
    const std::string own = album_of(line);
    const bool goes_with = !own.empty() && own == album;
    const bool waits = goes_with ? album_waits : take(store_.copy_in(setup_.name, line.id, from.chat)).empty();
    album = own;
    album_waits = waits;
    if (waits) take(store_.mark_carried(line.id, false));
  }
}

/// The message of the chat `to` that the other side's `message_id` is there.
std::string DeskClerk::Work::twin(const ChatAddress& from, std::string_view message_id, const ChatAddress& to) {
  if (message_id.empty()) return {};
  const bool known = answered_.first == message_id && from == here_;
  const auto found = known ? std::optional(answered_.second) : take(store_.find_message(setup_.name, from, message_id));
  if (!found) return {};
  const auto line = take(store_.message(found->message));
  // A line that was written in `to` is there under its own id, any other as a copy.
  if (line && line->chat == to) return line->message_id;
  std::string copy = take(store_.copy_in(setup_.name, found->message, to));
  const std::string album = copy.empty() && line ? album_of(*line) : std::string();
  if (album.empty()) return copy;
  for (const TicketMessage& other : take(store_.messages(line->ticket_id, kAllMessages)))
    if (other.id < line->id && album_of(other) == album) return take(store_.copy_in(setup_.name, other.id, to));
  return copy;
}

void DeskClerk::Work::carry(const TicketRow& ticket, const TicketMessage& line, const ChatAddress& to,
                            const UserMessage& said, std::string_view author) {
  std::string sign(author);
  if (!sign.empty()) {
    const Desk* const at_desk = desk(ticket.desk);
    if (at_desk && at_desk->capacity > 1) sign += " №" + std::to_string(ticket.number);
  }
  Message message = carried(said, sign);
  if (said.edited) {
    RichText corrected = phrase(Phrase::Corrected);
    corrected.append(": ");
    corrected.append(message.text);
    message.text = std::move(corrected);
    message.reply_to = twin(line.chat, said.message_id, to);
  }
  if (!said.reply_to.empty()) message.reply_to = twin(line.chat, said.reply_to, to);
  send(to, std::move(message), ticket.dialog_id, line.id);
  if (!line.carried) take(store_.mark_carried(line.id));
}

void DeskClerk::Work::relay_to_agent(TicketRow& ticket, const UserMessage& message, const ChatAddress& from) {
  TicketMessage line;
  line.ticket_id = ticket.id;
  line.from = TicketMessage::From::Client;
  line.author = ticket.client_name;
  line.at = at_;
  line.event = to_json(Event{at_, 0, message});
  line.chat = from;
  line.message_id = message.edited ? std::string() : message.message_id;  // the first version is known by it
  const bool part = !message.album.empty() && !message.edited;
  if (!part || message.album != ticket.album) let_album_go(ticket);
  const std::optional<ChatAddress> to = answered_in(ticket);
  line.carried = to.has_value() && !part;
  take(store_.add_message(line));
  if (part) hold_album(ticket, message.album);
  ticket.client_at = at_;
  take(store_.save_ticket(ticket));
  if (line.carried) carry(ticket, line, *to, message, ticket.client_name);
}

void DeskClerk::Work::pass_on(TicketRow& ticket, const AgentRow& agent, const ChatAddress& from,
                              const UserMessage& said) {
  const DialogKey client = client_of(ticket);
  if (client.bot.empty()) {
    note(from, "ticket " + std::to_string(ticket.number) + ": its client was erased, and gets no answer");
    return say(from, Phrase::NotDelivered, names(ticket));
  }
  const bool part = !said.album.empty() && !said.edited;
  if (!part || said.album != ticket.album) let_album_go(ticket);
  TicketMessage line;
  line.ticket_id = ticket.id;
  line.from = TicketMessage::From::Agent;
  line.agent_id = agent.id;
  line.author = agent.name;
  line.at = at_;
  line.event = to_json(Event{at_, 0, said});
  line.chat = from;
  line.message_id = said.edited ? std::string() : said.message_id;
  line.carried = !part;
  take(store_.add_message(line));
  if (part) hold_album(ticket, said.album);
  if (ticket.answered_at.unix_ms == 0) ticket.answered_at = at_;
  ticket.agent_at = at_;
  take(store_.save_ticket(ticket));
  if (!part) carry(ticket, line, client.chat, said, {});

  JournalRow journal;
  journal.dialog_id = ticket.dialog_id;
  journal.at = at_;
  journal.event = to_json(Event{at_, 0, StaffMessage{said.text, agent.user_id, agent.name, said.attachments}});
  journal.turn = "[]";
  journal.version = program_.version;
  take(tx_.append_journal(journal));
}

}  // namespace sufler
