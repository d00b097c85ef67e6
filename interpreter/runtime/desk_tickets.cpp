// The life of a ticket: it is opened, given to an agent or queued, handed on, closed. Whoever changes one holds the
// desk, so that of two who take a ticket one has it and the other is told.
#include <algorithm>

#include "interpreter/core/working_hours.h"
#include "interpreter/runtime/desk_work.h"
#include "interpreter/runtime/failpoint.h"

namespace sufler {
namespace {

constexpr std::size_t kQueueBite = 200;
/// How long a client will wait is guessed from so many tickets of a week, the last ones.
constexpr std::int64_t kWeek = 7LL * 24 * 3600 * 1000;
constexpr std::size_t kRecent = 50;

constexpr std::string_view kOutcomes[] = {"closed", "timeout", "no_agents", "client_left", "rejected"};

/// What a condition of `assign` sees of an agent.
ValueMap names_of(const AgentRow& agent, bool last, Moment now) {
  const auto since = [&](Moment moment) { return Duration{std::max<std::int64_t>(0, now.unix_ms - moment.unix_ms)}; };
  ValueMap names;
  names.set("available", agent.on_duty);
  names.set("seen", since(agent.seen_at));
  names.set("idle", since(agent.freed_at.unix_ms != 0 ? agent.freed_at : agent.registered_at));
  names.set("open", agent.open);
  names.set("last", last);
  names.set("name", agent.name);
  return names;
}

Moment last_of(Moment a, Moment b) { return a.unix_ms < b.unix_ms ? b : a; }

}  // namespace

std::optional<AgentRow> DeskClerk::Work::choose(const TicketRow& ticket, const DialogKey& client, std::int64_t without,
                                                First first, bool& by_claim) {
  by_claim = false;
  const Desk* const at_desk = desk(ticket.desk);
  const HandoffRule* const by_rule = rule(ticket);
  if (!at_desk || !by_rule) return std::nullopt;
  std::vector<AgentRow> agents = agents_at(ticket.desk);
  std::erase_if(agents, [&](const AgentRow& agent) {
    const bool own = agent.chat.transport == client.chat.transport && agent.user_id == client.user_id;
    return own || agent.id == without || agent.open >= static_cast<std::int64_t>(at_desk->capacity);
  });
  const std::int64_t last = ticket.agent_id;
  const auto better = [&](const AgentRow& a, const AgentRow& b) {
    if ((a.id == last) != (b.id == last)) return a.id == last;
    if (a.open != b.open) return a.open < b.open;
    if (a.freed_at != b.freed_at) return a.freed_at.unix_ms < b.freed_at.unix_ms;
    return a.id < b.id;
  };
  using How = HandoffRule::Assign::How;
  for (const HandoffRule::Assign& way : by_rule->assign) {
    if (way.how == How::Claim) {
      by_claim = true;
      return std::nullopt;
    }
    const AgentRow* best = nullptr;
    std::string failed;
    for (const AgentRow& agent : agents) {
      bool fits = false;
      switch (way.how) {
        case How::LastAgent: fits = agent.on_duty && agent.id == last; break;
        // Whoever is off duty gets a new client at most, and nothing that has waited without them.
        case How::LongestIdle: fits = agent.on_duty || first == First::Yes; break;
        case How::Condition: {
          if (!agent.on_duty && first == First::No) break;
          const DeskScope scope(program_, names_of(agent, agent.id == last, at_), at_);
          auto value = way.condition->evaluate(scope);
          fits = value && value->truthy();
          if (!value) failed = value.error().detail;
          break;
        }
        case How::Claim: break;
      }
      if (fits && (!best || better(agent, *best))) best = &agent;
    }
    if (!failed.empty()) {
      const auto number = &way - by_rule->assign.data() + 1;
      note(ticket, "condition " + std::to_string(number) + " of `assign` in `" + by_rule->name +
                       "` cannot be told (" + failed + "), and is taken for false");
    }
    if (best) return *best;
  }
  return std::nullopt;
}

std::optional<Duration> DeskClerk::Work::estimate(const TicketRow& ticket, std::int64_t position) {
  const auto work = take(store_.usual_work(setup_.name, ticket.desk, Moment{at_.unix_ms - kWeek}, kRecent));
  if (!work) return std::nullopt;
  std::int64_t places = 0;
  const Desk* const at_desk = desk(ticket.desk);
  for (const AgentRow& agent : agents_at(ticket.desk))
    if (agent.on_duty && at_desk) places += at_desk->capacity;
  return Duration{work->ms * position / std::max<std::int64_t>(1, places)};
}

DeskAnswer DeskClerk::Work::open(const OpenTicket& request, const Client& client) {
  DeskAnswer answer;
  const HandoffRule& by_rule = program_.handoffs[request.rule.value];
  const Desk& at_desk = program_.desks[by_rule.desk.value];
  lock(at_desk.name);
  const bool in_topics = !at_desk.topics.empty();
  if (!in_topics && agents_at(at_desk.name).empty()) {
    answer.kind = DeskAnswer::Kind::NoAgents;
    note(client.key.chat, "nobody is registered at the desk `" + at_desk.name + "`");
    return answer;
  }

  TicketRow ticket;
  auto before = take(store_.last_ticket(client.dialog_id, at_desk.name));
  const bool goes_on = before && before->state == TicketRow::State::Closed && by_rule.reopen &&
                       at_.unix_ms - before->closed_at.unix_ms <= by_rule.reopen->ms;
  if (goes_on) {
    ticket = std::move(*before);
    if (ticket.answered_at.unix_ms == 0) {  // nothing has happened in it yet: it begins now
      ticket.opened_at = at_;
      ticket.paused_ms = 0;
    } else {
      ticket.paused_ms += at_.unix_ms - ticket.closed_at.unix_ms;
    }
    ticket.closed_at = Moment{};
    ticket.outcome.clear();
  } else {
    ticket.bot = setup_.name;
    ticket.desk = at_desk.name;
    ticket.dialog_id = client.dialog_id;
    ticket.opened_at = at_;
    if (before) {  // who answered this client last, and where
      ticket.agent_id = before->agent_id;
      ticket.topic = before->topic;
    }
  }
  ticket.rule = by_rule.name;
  ticket.client_name = request.client_name;
  ticket.state = TicketRow::State::Queued;
  ticket.queued_at = at_;
  if (goes_on) {
    take(store_.save_ticket(ticket));
  } else {
    take(store_.open_ticket(ticket));
  }
  failpoint("ticket_opened");
  for (const UserMessage& message : request.said) relay_to_agent(ticket, message, client.key.chat);

  bool by_claim = false;
  std::optional<AgentRow> agent;
  if (in_topics) {
    give_to_group(ticket, at_desk);
    answer.kind = DeskAnswer::Kind::Assigned;
    answer.agent = at_desk.name;
  } else if (request.assign) {
    agent = choose(ticket, client.key, 0, First::Yes, by_claim);
  }
  if (agent) {
    assign(ticket, *agent, News::Answer);
    answer.kind = DeskAnswer::Kind::Assigned;
    answer.agent = agent->name;
  } else if (!in_topics) {
    answer.position = take(store_.position(ticket));
    answer.wait = estimate(ticket, answer.position);
    if (by_claim) {
      offer_to_all(ticket, client.key);
    } else {
      note(client.key.chat, "ticket " + std::to_string(ticket.number) + " waits: " +
                                (request.assign ? "nobody has room" : "outside the hours"));
    }
  }
  answer.ticket = ticket.id;
  answer.number = ticket.number;
  return answer;
}

DeskAnswer DeskClerk::Work::look(std::int64_t id) {
  DeskAnswer answer;
  const auto ticket = find_ticket(id);
  if (!ticket || ticket->state == TicketRow::State::Closed) {
    answer.kind = DeskAnswer::Kind::Closed;
    return answer;
  }
  answer.kind = ticket->state == TicketRow::State::Open ? DeskAnswer::Kind::Assigned : DeskAnswer::Kind::Queued;
  answer.ticket = ticket->id;
  answer.number = ticket->number;
  answer.last_at = last_of(last_of(ticket->client_at, ticket->agent_at), ticket->assigned_at);
  if (ticket->client_at.unix_ms > ticket->agent_at.unix_ms) {
    // The first one that nobody has answered; what was said before the agent came counts from then.
    for (const TicketMessage& message : take(store_.messages(id, kQueueBite))) {
      if (message.from != TicketMessage::From::Client || message.at.unix_ms <= ticket->agent_at.unix_ms) continue;
      answer.unanswered_at = last_of(message.at, ticket->assigned_at);
      break;
    }
  }
  return answer;
}

void DeskClerk::Work::assign(TicketRow& ticket, AgentRow agent, News news) {
  const auto before = ticket.assigned_at.unix_ms != 0 && ticket.agent_id != agent.id ? find_agent(ticket.agent_id)
                                                                                     : std::optional<AgentRow>();
  const bool had_messages = ticket.assigned_at.unix_ms != 0;
  ticket.state = TicketRow::State::Open;
  ticket.agent_id = agent.id;
  ticket.assigned_at = at_;
  ticket.offered_to = 0;
  ticket.offered_at = Moment{};
  take(store_.save_ticket(ticket));
  if (agent.open == 0 || agent.current_ticket == 0) agent.current_ticket = ticket.id;
  take(store_.save_agent(agent));

  Message header;
  header.text = phrase(before ? Phrase::AgentTicketFrom : Phrase::AgentTicket, names(ticket, before ? before->name : ""));
  if (had_messages)
    header.attachments.push_back(
        export_ticket(program_, ticket, take(store_.messages(ticket.id, kAllMessages)), TicketFormat::Text));
  send(agent.chat, std::move(header), ticket.dialog_id);
  carry_waiting(ticket, Held::Stay);
  failpoint("ticket_assigned");
  if (news == News::Told) tell_client(ticket, TicketNews::What::Assigned, agent.name);
}

void DeskClerk::Work::offer_to_all(TicketRow& ticket, const DialogKey& client) {
  const Desk* const at_desk = desk(ticket.desk);
  if (!at_desk) return;
  bool anybody = false;
  for (const AgentRow& agent : agents_at(ticket.desk)) {
    const bool own = agent.chat.transport == client.chat.transport && agent.user_id == client.user_id;
    if (!agent.on_duty || own || agent.open >= static_cast<std::int64_t>(at_desk->capacity)) continue;
    Message message;
    message.text = phrase(Phrase::TicketOffered, names(ticket));
    message.keyboard.kind = Keyboard::Kind::Inline;
    message.keyboard.rows.push_back({desk_button(phrase(Phrase::TakeButton), "take", ticket.id)});
    send(agent.chat, std::move(message), ticket.dialog_id);
    anybody = true;
  }
  if (!anybody) return note(ticket, "nobody on duty has room: it is offered as soon as somebody has");
  ticket.offered_at = at_;
  take(store_.save_ticket(ticket));
}

void DeskClerk::Work::queue(TicketRow& ticket, News news) {
  ticket.state = TicketRow::State::Queued;
  ticket.offered_to = 0;
  ticket.offered_at = Moment{};
  take(store_.save_ticket(ticket));
  if (news == News::Told) tell_client(ticket, TicketNews::What::Queued, {});
}

void DeskClerk::Work::close(TicketRow& ticket, std::string_view outcome) {
  const bool was_open = ticket.state == TicketRow::State::Open;
  let_album_go(ticket);
  ticket.state = TicketRow::State::Closed;
  ticket.outcome = std::string(outcome);
  ticket.closed_at = at_;
  ticket.offered_to = 0;
  take(store_.save_ticket(ticket));
  failpoint("ticket_closed");
  if (!was_open) return;
  if (const auto topic = topic_of(ticket))
    take(office_.set_topic(tx_, *topic, false, ticket.dialog_id, at_, played_));
  if (auto agent = find_agent(ticket.agent_id)) {
    agent->freed_at = at_;
    if (agent->current_ticket == ticket.id) {
      const auto left = take(store_.tickets_of_agent(agent->id));
      agent->current_ticket = left.empty() ? 0 : left.front().id;
    }
    take(store_.save_agent(*agent));
  }
}

void DeskClerk::Work::drain(std::string_view at_desk) {
  const Desk* const known = desk(at_desk);
  const auto has_room = [&] {
    const std::vector<AgentRow> agents = agents_at(at_desk);
    return known && std::any_of(agents.begin(), agents.end(), [&](const AgentRow& agent) {
             return agent.on_duty && agent.open < static_cast<std::int64_t>(known->capacity);
           });
  };
  // Of what waits nothing goes to those who are off duty or have no room.
  bool room = has_room();
  if (!room) return;
  for (TicketRow& ticket : take(store_.queue(setup_.name, at_desk, kQueueBite))) {
    if (!room) return;
    const HandoffRule* const by_rule = rule(ticket);
    if (!by_rule) {
      note(ticket, "it waits in vain: the scenario has no rule `" + ticket.rule + "` any more");
      continue;
    }
    if (by_rule->hours && !is_open(*by_rule->hours, program_.zone, at_)) continue;
    const DialogKey client = client_of(ticket);
    if (client.bot.empty()) {
      close(ticket, kOutcomes[static_cast<std::size_t>(HandoffOutcome::ClientLeft)]);
      continue;
    }
    bool by_claim = false;
    const auto agent = choose(ticket, client, 0, First::No, by_claim);
    if (agent) {
      assign(ticket, *agent, News::Told);
      room = has_room();
    } else if (by_claim && ticket.offered_at.unix_ms == 0) {
      offer_to_all(ticket, client);
    }
  }
}

void DeskClerk::Work::hand_on(const AgentRow& leaving) {
  const Desk* const at_desk = desk(leaving.desk);
  for (TicketRow& ticket : take(store_.tickets_of_agent(leaving.id))) {
    if (at_desk && !at_desk->topics.empty()) {  // it stays in its topic, where anybody may answer
      ticket.agent_id = 0;
      take(store_.save_ticket(ticket));
      continue;
    }
    const DialogKey client = client_of(ticket);
    bool by_claim = false;
    const auto agent = choose(ticket, client, leaving.id, First::No, by_claim);
    if (agent) {
      assign(ticket, *agent, News::Told);
      say(leaving.chat, Phrase::TicketMoved, names(ticket, agent->name), ticket.dialog_id);
    } else {
      queue(ticket, News::Told);
      if (by_claim) offer_to_all(ticket, client);
      note(ticket, "its agent left, and nobody else has room: back in the queue");
      say(leaving.chat, Phrase::TicketQueued, names(ticket), ticket.dialog_id);
    }
  }
}

void DeskClerk::Work::agent_removed(std::int64_t id) {
  auto first = take(store_.agent(id));
  if (!first) return;  // erased since
  lock(first->desk);
  const AgentRow agent = *take(store_.agent(id));
  if (!agent.removed) return note(agent.chat, "the agent was taken back before their tickets went to others");
  const Desk* const at_desk = desk(agent.desk);
  if (at_desk && !at_desk->register_word.empty()) {  // others may never have written to the bot themselves
    ValueMap values;
    values.set("desk", agent.desk);
    say(agent.chat, Phrase::AgentRemoved, std::move(values));
  }
  for (const AgentRow& other : take(store_.agents(setup_.name, agent.desk))) {
    for (TicketRow& ticket : take(store_.tickets_of_agent(other.id))) {
      if (ticket.offered_to != agent.id) continue;
      ticket.offered_to = 0;
      ticket.offered_at = Moment{};
      take(store_.save_ticket(ticket));
      say(other.chat, Phrase::TransferDeclined, names(ticket, agent.name), ticket.dialog_id);
    }
  }
  hand_on(agent);
}

void DeskClerk::Work::ticket_changed(std::int64_t id) {
  const auto first = find_ticket(id);
  if (!first) return;
  lock(first->desk);
  TicketRow ticket = *find_ticket(id);
  if (ticket.state == TicketRow::State::Closed && client_of(ticket).bot.empty()) {
    if (auto agent = find_agent(ticket.agent_id)) {
      agent->freed_at = at_;
      take(store_.save_agent(*agent));
      const Desk* const at_desk = desk(ticket.desk);
      if (!at_desk || at_desk->topics.empty()) say(agent->chat, Phrase::ClientLeft, names(ticket));
    }
    drain(ticket.desk);
    return;
  }
  if (ticket.state != TicketRow::State::Queued) return;  // somebody took it already, or it is over
  const Desk* const at_desk = desk(ticket.desk);
  if (at_desk && !at_desk->topics.empty()) {
    ticket.state = TicketRow::State::Open;
    ticket.assigned_at = at_;
    take(store_.save_ticket(ticket));
    return;
  }
  note(ticket, "its agent was erased: back in the queue");
  tell_client(ticket, TicketNews::What::Queued, {});
  drain(ticket.desk);
}

void DeskClerk::Work::carry_out(const DeskOrder& order, const Client& client) {
  using What = DeskOrder::What;
  // With one desk it is known which one to hold, and the ticket is read once.
  if (program_.desks.size() == 1) lock(program_.desks.front().name);
  auto found = find_ticket(order.ticket);
  if (!found || found->dialog_id != client.dialog_id)
    return note(client.key.chat, "the dialog's ticket is gone: what concerned it was left undone");
  if (program_.desks.size() != 1 || found->desk != program_.desks.front().name) {
    lock(found->desk);
    found = find_ticket(order.ticket);  // as it is now that nobody else changes it
    if (!found) return;
  }
  TicketRow ticket = std::move(*found);
  const bool over = ticket.state == TicketRow::State::Closed;
  const auto skip = [&](const std::string& what) {
    note(client.key.chat, "ticket " + std::to_string(ticket.number) + ": " + what);
  };
  switch (order.what) {
    case What::Relay:
      if (over) return skip("closed, so a message of the client went to nobody");
      relay_to_agent(ticket, order.message, client.key.chat);
      return;
    case What::Close: {
      if (over) return skip("closed already (" + ticket.outcome + ")");
      const auto agent = ticket.state == TicketRow::State::Open ? find_agent(ticket.agent_id) : std::nullopt;
      let_album_go(ticket);
      const Phrase told = order.outcome == HandoffOutcome::Timeout ? Phrase::TicketIdle : Phrase::ClientLeft;
      if (const auto topic = topic_of(ticket)) {
        say(*topic, told, names(ticket), ticket.dialog_id);
      } else if (agent) {
        say(agent->chat, told, names(ticket), ticket.dialog_id);
      }
      close(ticket, kOutcomes[static_cast<std::size_t>(order.outcome)]);
      drain(ticket.desk);
      return;
    }
    case What::Assign: {
      if (ticket.state != TicketRow::State::Queued) return skip("it waits for nobody any more");
      drain(ticket.desk);
      return;
    }
    case What::Remind:
      if (ticket.state != TicketRow::State::Open) return skip("nobody has it, so nobody was reminded");
      if (const auto topic = topic_of(ticket)) return say(*topic, Phrase::RemindAgent, names(ticket), ticket.dialog_id);
      if (const auto agent = find_agent(ticket.agent_id))
        say(agent->chat, Phrase::RemindAgent, names(ticket), ticket.dialog_id);
      return;
    case What::Reassign: {
      if (ticket.state != TicketRow::State::Open) return skip("nobody has it who could be silent");
      if (topic_of(ticket)) return skip("silent, but all of the group have it: there is nobody else");
      const auto silent = find_agent(ticket.agent_id);
      bool by_claim = false;
      const auto agent = choose(ticket, client.key, ticket.agent_id, First::No, by_claim);
      if (!agent) return skip("its agent is silent, and nobody else has room");
      assign(ticket, *agent, News::Told);
      if (silent) {
        AgentRow freed = *silent;
        freed.freed_at = at_;
        if (freed.current_ticket == ticket.id) freed.current_ticket = 0;
        take(store_.save_agent(freed));
        say(silent->chat, Phrase::TicketMoved, names(ticket, agent->name), ticket.dialog_id);
      }
      return;
    }
    case What::Rate:
      ticket.rating = order.rating;
      take(store_.save_ticket(ticket));
      return;
  }
}

void DeskClerk::Work::offer_expired(std::int64_t id) {
  auto first = find_ticket(id);
  if (!first) return;
  lock(first->desk);
  TicketRow ticket = *find_ticket(id);
  const auto asked = find_agent(ticket.offered_to);
  if (!asked || ticket.state != TicketRow::State::Open) return;  // answered in time
  ticket.offered_to = 0;
  ticket.offered_at = Moment{};
  take(store_.save_ticket(ticket));
  if (const auto agent = find_agent(ticket.agent_id))
    say(agent->chat, Phrase::TransferDeclined, names(ticket, asked->name), ticket.dialog_id);
  say(asked->chat, Phrase::OfferOver, {}, ticket.dialog_id);
}

void DeskClerk::Work::given_up(const Delivery& what) {
  const auto line = take(store_.message(what.ticket_message));
  auto found = line ? find_ticket(line->ticket_id) : std::nullopt;
  if (!found) return note(what.chat, "a message of a ticket that is gone was not delivered: " + what.reason);
  lock(found->desk);
  TicketRow ticket = *find_ticket(line->ticket_id);
  const DialogKey client = client_of(ticket);
  note(client.chat, "ticket " + std::to_string(ticket.number) + ": a message was not delivered: " + what.reason);
  if (topic_failed(ticket, *line, what)) return;
  if (what.chat == client.chat) {
    if (const auto agent = find_agent(ticket.agent_id); agent && ticket.state == TicketRow::State::Open)
      say(agent->chat, Phrase::NotDelivered, names(ticket), ticket.dialog_id);
    return;  // that a client is gone, their dialog hears as any other
  }
  // An agent who blocked the bot is on no duty.
  auto agent = find_agent(ticket.agent_id);
  if (!what.unreachable || !agent || !(agent->chat == what.chat)) return;
  wait_again(ticket, what);
  agent->on_duty = false;
  take(store_.save_agent(*agent));
  note(ticket, "the agent " + agent->name + " cannot be written to, and is off duty now");
  hand_on(*agent);
}

}  // namespace sufler
