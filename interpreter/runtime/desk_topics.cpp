// A desk that works in a group with topics: each client has one, and agents write in it.
#include "interpreter/runtime/desk_work.h"

namespace sufler {
namespace {

constexpr std::size_t kLongestTitle = 100;
constexpr std::size_t kMostWaiting = 200;

std::string_view topic_in(std::string_view chat_id) {
  const std::size_t mark = chat_id.find('#');
  return mark == std::string_view::npos ? std::string_view() : chat_id.substr(mark + 1);
}

}  // namespace

std::optional<ChatAddress> DeskClerk::Work::group_of(const Desk& at_desk) const {
  const auto group = setup_.roles.find(at_desk.topics);
  if (at_desk.topics.empty() || group == setup_.roles.end() || group->second.empty()) return std::nullopt;
  return group->second.front();
}

std::optional<ChatAddress> DeskClerk::Work::topic_of(const TicketRow& ticket) const {
  const Desk* const at_desk = desk(ticket.desk);
  const auto group = at_desk ? group_of(*at_desk) : std::nullopt;
  if (!group || ticket.topic.empty()) return std::nullopt;
  return ChatAddress{group->transport, ticket.topic};
}

void DeskClerk::Work::open_topic(TicketRow& ticket, const Desk& at_desk) {
  const auto group = group_of(at_desk);
  if (!group) {
    note(client_of(ticket).chat, "nobody has the role `" + at_desk.topics + "`: there is no group for the desk's topics");
    return;
  }
  if (!ticket.topic.empty()) {  // the client's of last time
    take(office_.set_topic(tx_, *topic_of(ticket), true, ticket.dialog_id, at_, played_));
    Message header;
    header.text = phrase(Phrase::AgentTicket, names(ticket));
    send(*topic_of(ticket), std::move(header), ticket.dialog_id);
    carry_waiting(ticket, Held::Stay);
    return;
  }
  // The line stands for the topic that is to be made; what is said meanwhile is carried when it is there.
  TicketMessage line;
  line.ticket_id = ticket.id;
  line.from = TicketMessage::From::Bot;
  line.at = at_;
  line.carried = true;
  take(store_.add_message(line));
  std::string title = (ticket.client_name.empty() ? "" : ticket.client_name + " ") + "№" + std::to_string(ticket.number);
  title = std::string(first_code_points(title, kLongestTitle));
  take(office_.make_topic(tx_, *group, title, ticket.dialog_id, -line.id, at_, played_));
}

/// All of the group have it from here on.
void DeskClerk::Work::give_to_group(TicketRow& ticket, const Desk& at_desk) {
  ticket.state = TicketRow::State::Open;
  ticket.assigned_at = at_;
  ticket.agent_id = 0;
  take(store_.save_ticket(ticket));
  open_topic(ticket, at_desk);
}

void DeskClerk::Work::topic_made(const Delivery& what) {
  const auto line = take(store_.message(what.ticket_message));
  auto found = line ? find_ticket(line->ticket_id) : std::nullopt;
  if (!found) return note(what.chat, "a topic was made for a ticket that is gone");
  lock(found->desk);
  TicketRow ticket = *find_ticket(line->ticket_id);
  if (!ticket.topic.empty()) return note(ticket, "its topic was made twice: the first is used");
  ticket.topic = what.chat.chat_id + "#" + what.topic;
  take(store_.save_ticket(ticket));
  Message header;
  header.text = phrase(Phrase::AgentTicket, names(ticket));
  send({what.chat.transport, ticket.topic}, std::move(header), ticket.dialog_id);
  carry_waiting(ticket, Held::Stay);
  if (const Desk* const at_desk = desk(ticket.desk); at_desk && !at_desk->topics.empty()) bring_into_topics(*at_desk);
}

/// What was for the ticket's topic did not arrive. False when it was for somewhere else, or when it alone was refused.
bool DeskClerk::Work::topic_failed(TicketRow& ticket, const TicketMessage& line, const Delivery& what) {
  const Desk* const at_desk = desk(ticket.desk);
  const bool making = line.from == TicketMessage::From::Bot;
  if (!at_desk || at_desk->topics.empty() || (!making && !what.topic_gone)) return false;
  if (ticket.state != TicketRow::State::Open) return true;
  if (making) {
    if (ticket.topic.empty()) do_without_topic(ticket, *at_desk, what.reason);
    return true;
  }
  // Of several that were under way the first to fail has taken care of all. The group may have a new address.
  if (topic_in(what.chat.chat_id) != topic_in(ticket.topic)) return true;
  const bool took_nothing = is_useless(ticket, what.chat);
  wait_again(ticket, what);
  ticket.topic.clear();
  ticket.agent_id = 0;  // what is said until there is another topic waits for it, and for no agent's own chat
  take(store_.save_ticket(ticket));
  if (took_nothing) {
    do_without_topic(ticket, *at_desk, what.reason);
  } else {
    open_topic(ticket, *at_desk);
  }
  return true;
}

/// Whether the topic was made for this ticket, and has taken nothing of it: another would not either.
bool DeskClerk::Work::is_useless(const TicketRow& ticket, const ChatAddress& topic) {
  bool made = false;
  for (const TicketMessage& line : take(store_.messages(ticket.id, kAllMessages))) {
    made |= line.from == TicketMessage::From::Bot;
    if (line.from == TicketMessage::From::Client && !take(store_.copy_in(setup_.name, line.id, topic)).empty()) return false;
  }
  return made;
}

/// The group takes no topic: the ticket waits for agents in their own chats with the bot.
void DeskClerk::Work::do_without_topic(TicketRow& ticket, const Desk& at_desk, const std::string& reason) {
  std::string text = "ticket " + std::to_string(ticket.number) + " of the desk `" + at_desk.name +
                     "` has no topic in its group (" + reason + "): see that the bot is an administrator of the group "
                     "who may manage topics; ";
  if (!agents_at(at_desk.name).empty()) {
    text += "until then the desk's agents get tickets in their own chats with the bot";
  } else if (at_desk.register_word.empty()) {
    text += "until then clients wait, for the desk has no agents";
  } else {
    text += "until then clients wait, unless somebody registers: `" + at_desk.register_word + " TOKEN` to the bot";
  }
  alarm(client_of(ticket).chat, std::move(text));
  queue(ticket, News::Told);
  drain(ticket.desk);
}

/// The group takes topics again: so do those who still wait.
void DeskClerk::Work::bring_into_topics(const Desk& at_desk) {
  for (TicketRow& ticket : take(store_.queue(setup_.name, at_desk.name, kMostWaiting))) {
    give_to_group(ticket, at_desk);
    tell_client(ticket, TicketNews::What::Assigned, at_desk.name);
  }
}

}  // namespace sufler
