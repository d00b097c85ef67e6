// The clerk's entrances, and what all of its work needs.
#include "interpreter/runtime/desk.h"

#include <algorithm>

#include "interpreter/runtime/desk_work.h"

namespace sufler {
namespace {

constexpr std::string_view kRole = "agents of ";

const Desk* find_desk(const Program& program, std::string_view name) {
  const auto found = std::find_if(program.desks.begin(), program.desks.end(),
                                  [&](const Desk& desk) { return desk.name == name; });
  return found == program.desks.end() ? nullptr : &*found;
}

/// Whether the agent may act in their own chat: they registered, or the role names them. Whoever answers because they
/// are in the group may do so there only, for they may have left it since.
bool answers_alone(const BotSetup& setup, const AgentRow& agent) {
  // A desk that the scenario has no more gives no rights.
  const Desk* const desk = find_desk(*setup.program, agent.desk);
  if (!desk) return false;
  if (!desk->register_word.empty()) return true;
  const auto role = setup.roles.find(desk->agents);
  const auto group = setup.roles.find(desk->topics);
  const ChatAddress own{agent.chat.transport, agent.user_id};
  const auto names = [&](const auto& found) {
    return found != setup.roles.end() && std::find(found->second.begin(), found->second.end(), own) != found->second.end();
  };
  return names(role) && !names(group);
}

template <class Body>
auto guarded(Body body) -> Stored<decltype(body())> {
  try {
    return body();
  } catch (DeskFailure& failure) {
    return Error{std::move(failure.error)};
  }
}

}  // namespace

DeskClerk::DeskClerk(const BotSetup& setup, Office& office) : setup_(setup), office_(office) {}
DeskClerk::~DeskClerk() = default;
DeskClerk::DeskClerk(DeskClerk&&) noexcept = default;

bool DeskClerk::idle() const { return setup_.program->desks.empty(); }

Stored<std::vector<AgentRow>> DeskClerk::agents(Transaction& tx, const ChatAddress& chat,
                                                const std::string& user_id) const {
  if (idle()) return std::vector<AgentRow>();
  auto found = tx.desk().agents_of(setup_.name, chat.transport, user_id);
  if (!found) return found;
  std::erase_if(*found, [&](const AgentRow& agent) { return !answers_alone(setup_, agent); });
  return found;
}

std::vector<std::string> DeskClerk::roles_of(const std::vector<AgentRow>& agents) {
  std::vector<std::string> roles;
  for (const AgentRow& agent : agents) roles.push_back(std::string(kRole) + agent.desk);
  return roles;
}

Stored<std::optional<std::vector<ChatAddress>>> DeskClerk::members(Transaction& tx, std::string_view role) const {
  if (!role.starts_with(kRole)) return std::optional<std::vector<ChatAddress>>();
  auto agents = tx.desk().agents(setup_.name, role.substr(kRole.size()));
  if (!agents) return Error{agents.error()};
  std::vector<ChatAddress> chats;
  for (const AgentRow& agent : *agents)
    if (answers_alone(setup_, agent)) chats.push_back(agent.chat);
  if (!chats.empty()) return std::optional(std::move(chats));
  // They sit in a group: all of them read it.
  const Desk* const desk = find_desk(*setup_.program, role.substr(kRole.size()));
  const auto group = desk ? setup_.roles.find(desk->topics) : setup_.roles.end();
  if (group != setup_.roles.end() && !desk->topics.empty() && !group->second.empty())
    chats.push_back(group->second.front());
  return std::optional(std::move(chats));
}

Stored<bool> DeskClerk::hear(Transaction& tx, const Incoming& update, const std::vector<AgentRow>& agents,
                             Played& played) {
  return guarded([&] { return Work(setup_, office_, tx, update.event.at, played).hear(update, agents); });
}

Stored<DeskAnswer> DeskClerk::answer(Transaction& tx, const DeskRequest& request, const Client& client, Moment at,
                                     Played& played) {
  return guarded([&] {
    Work work(setup_, office_, tx, at, played);
    if (const auto* open = std::get_if<OpenTicket>(&request)) return work.open(*open, client);
    return work.look(std::get<LookAtTicket>(request).ticket);
  });
}

Stored<Done> DeskClerk::carry_out(Transaction& tx, const DeskOrder& order, const Client& client, Moment at,
                                  Played& played) {
  return guarded([&] {
    Work(setup_, office_, tx, at, played).carry_out(order, client);
    return Done{};
  });
}

Stored<bool> DeskClerk::timer_due(Transaction& tx, const TimerDue& timer, Moment at, Played& played) {
  if (timer.name != kOfferTimer && timer.name != kAlbumTimer) return false;
  return guarded([&] {
    Work work(setup_, office_, tx, at, played);
    const auto ticket = static_cast<std::int64_t>(timer.serial);
    if (timer.name == kOfferTimer) {
      work.offer_expired(ticket);
    } else {
      work.album_due(ticket);
    }
    return true;
  });
}

Stored<Done> DeskClerk::hear_delivery(Transaction& tx, const Delivery& delivery, Moment at, Played& played) {
  return guarded([&] {
    Work work(setup_, office_, tx, at, played);
    if (delivery.topic.empty()) {
      work.given_up(delivery);
    } else {
      work.topic_made(delivery);
    }
    return Done{};
  });
}

Stored<Done> DeskClerk::hear_change(Transaction& tx, const DeskChange& change, Moment at, Played& played) {
  return guarded([&] {
    Work work(setup_, office_, tx, at, played);
    if (change.what == DeskChange::What::AgentRemoved) {
      work.agent_removed(change.id);
    } else {
      work.ticket_changed(change.id);
    }
    return Done{};
  });
}

// ---- what all work needs

const Desk* DeskClerk::Work::desk(std::string_view name) const { return find_desk(program_, name); }

std::vector<AgentRow> DeskClerk::Work::agents_at(std::string_view name) {
  std::vector<AgentRow> agents = take(store_.agents(setup_.name, name));
  std::erase_if(agents, [&](const AgentRow& agent) { return !answers_alone(setup_, agent); });
  return agents;
}

const HandoffRule* DeskClerk::Work::rule(const TicketRow& ticket) const {
  const auto found = std::find_if(program_.handoffs.begin(), program_.handoffs.end(),
                                  [&](const HandoffRule& rule) { return rule.name == ticket.rule; });
  return found == program_.handoffs.end() ? nullptr : &*found;
}

RichText DeskClerk::Work::phrase(Phrase which, ValueMap values) const {
  const DeskScope scope(program_, std::move(values), at_);
  auto said = program_.phrases.get(which, program_.language).render(scope);
  if (!said) {
    // The author's own cannot be rendered: the desk must not stand still because of it.
    static const Phrases kBuiltIn;
    said = kBuiltIn.get(which, program_.language).render(scope);
  }
  return said ? std::move(*said) : RichText{};
}

ValueMap DeskClerk::Work::names(const TicketRow& ticket, std::string_view agent) const {
  ValueMap values;
  values.set("number", ticket.number);
  const bool russian = program_.language == Language::Russian;
  values.set("client", ticket.client_name.empty() ? Value(russian ? "клиент" : "a client") : Value(ticket.client_name));
  values.set("agent", std::string(agent));
  return values;
}

void DeskClerk::Work::send(const ChatAddress& chat, Message message, std::int64_t dialog_id,
                           std::int64_t ticket_message) {
  take(office_.send(tx_, chat, message, dialog_id, ticket_message, at_, played_));
}

void DeskClerk::Work::say(const ChatAddress& chat, Phrase which, ValueMap values, std::int64_t dialog_id) {
  Message message;
  message.text = phrase(which, std::move(values));
  if (!message.text.empty()) send(chat, std::move(message), dialog_id);
}

void DeskClerk::Work::note(const ChatAddress& chat, std::string text) {
  played_.notes.push_back({TurnNote::Kind::Log, chat, std::move(text), {}});
}

void DeskClerk::Work::alarm(const ChatAddress& chat, std::string text) {
  played_.notes.push_back({TurnNote::Kind::Alarm, chat, std::move(text), {}});
}

DialogKey DeskClerk::Work::client_of(const TicketRow& ticket) {
  auto key = take(tx_.find_dialog(ticket.dialog_id));
  return key ? std::move(*key) : DialogKey{};
}

void DeskClerk::Work::note(const TicketRow& ticket, const std::string& text) {
  const DialogKey client = client_of(ticket);
  note(client.chat, "ticket " + std::to_string(ticket.number) + " of `" + ticket.desk + "`: " + text);
}

/// What client and agents said last; notes between agents are not for the client's dialog.
std::vector<TicketNews::Said> DeskClerk::Work::last_words(const TicketRow& ticket) {
  constexpr std::size_t kMostLines = 30;
  std::vector<TicketNews::Said> said;
  for (const TicketMessage& line : take(store_.messages(ticket.id, kMostLines))) {
    const bool by_agent = line.from == TicketMessage::From::Agent;
    if (!by_agent && line.from != TicketMessage::From::Client) continue;
    Event event;
    const auto* message = from_json(line.event, event) ? std::get_if<UserMessage>(&event.what) : nullptr;
    if (message && !message->text.empty()) said.push_back({by_agent, std::string(first_code_points(message->text, 500))});
  }
  return said;
}

void DeskClerk::Work::tell_client(const TicketRow& ticket, TicketNews::What what, std::string_view agent) {
  const DialogKey client = client_of(ticket);
  if (client.bot.empty()) return note(ticket, "its client was erased, and hears nothing of it");
  TicketNews news{what, ticket.id, std::string(agent)};
  if (what == TicketNews::What::Closed || what == TicketNews::What::Rejected) news.said = last_words(ticket);
  office_.tell(client, Event{at_, 0, std::move(news)},
               "ticket:" + std::to_string(ticket.id) + ":" + std::to_string(static_cast<int>(what)) + ":" +
                   std::to_string(ticket.agent_id) + ":" + std::to_string(at_.unix_ms));
}

std::optional<AgentRow> DeskClerk::Work::find_agent(std::int64_t id) {
  if (id == 0) return std::nullopt;
  auto agent = take(store_.agent(id));
  if (agent && agent->removed) return std::nullopt;
  return agent;
}

std::string desk_payload(std::string_view what, std::int64_t ticket) {
  return "desk:" + std::string(what) + ":" + std::to_string(ticket);
}

Button desk_button(RichText label, std::string_view what, std::int64_t ticket) {
  Button button;
  button.label = std::move(label.text);
  button.action = ButtonAction::Payload;
  button.payload = desk_payload(what, ticket);
  return button;
}

Message carried(const UserMessage& said, std::string_view author) {
  Message message;
  const auto has_words = [](const Attachment& file) { return !file.caption.empty(); };
  if (said.text.empty() && std::count_if(said.attachments.begin(), said.attachments.end(), has_words) > 1) {
    // An album of which several files have words: those stay below their files, and the first is signed.
    message.attachments = said.attachments;
    std::string& first = message.attachments.front().caption;
    if (!author.empty()) first = std::string(author) + ":" + (first.empty() ? "" : " ") + first;
    return message;
  }
  RichText& text = message.text;
  if (!author.empty()) {
    text.text = std::string(author) + ":";
    text.spans.push_back({Markup::Bold, 0, static_cast<std::uint32_t>(text.text.size()), {}});
    text.text += ' ';
  }
  std::string words = said.text;
  message.attachments = said.attachments;
  for (Attachment& file : message.attachments) {
    // The words that came with a file stand in the message, once.
    if (words.empty()) words = file.caption;
    file.caption.clear();
  }
  text.text += words;
  const auto add = [&](const std::string& line) { text.text += (words.empty() ? "" : "\n") + line; };
  if (said.contact) {
    std::string name = said.contact->first_name;
    if (!said.contact->last_name.empty()) name += (name.empty() ? "" : " ") + said.contact->last_name;
    add(name + (name.empty() ? "" : ", ") + said.contact->phone);
  }
  if (said.location) add(said.location->latitude.to_string() + ", " + said.location->longitude.to_string());
  return message;
}

}  // namespace sufler
