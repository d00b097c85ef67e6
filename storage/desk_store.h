#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/storage.h"

/// Agents, tickets and what was said in them (LANGUAGE 7); `Transaction::desk` gives it.
namespace sufler {

/// Somebody who answers clients, at one desk of a bot.
struct AgentRow {
  std::int64_t id = 0;  ///< 0: not stored yet
  std::string bot, desk;
  ChatAddress chat;     ///< their own with the bot
  std::string user_id;
  std::string name;     ///< as clients see it
  bool on_duty = true;
  bool removed = false; ///< may do nothing any more; kept for the figures
  Moment registered_at;
  Moment seen_at;       ///< wrote or pressed last
  Moment freed_at;      ///< their last ticket ended; 0: none has yet
  std::int64_t current_ticket = 0;  ///< what they write goes there
  std::int64_t open = 0;            ///< tickets in state Open; read only
};

struct TicketRow {
  enum class State : std::uint8_t { Queued, Open, Closed } state = State::Queued;
  std::int64_t id = 0;      ///< 0: not stored yet
  std::string bot, desk;
  std::string rule;         ///< of `handoff`
  std::int64_t number = 0;  ///< 1, 2, 3 … of the desk; given with the id
  std::int64_t dialog_id = 0;
  std::string client_name;
  std::int64_t agent_id = 0;    ///< who has it, or had it last; 0: nobody yet
  std::int64_t offered_to = 0;  ///< the agent who is asked to take it over
  Moment offered_at;
  Moment opened_at;
  std::int64_t paused_ms = 0;  ///< between its closings and reopenings; no part of its duration
  Moment queued_at;    ///< its place in the queue: since when the client waits, whoever they wait for
  Moment assigned_at;  ///< to the present agent; 0: not yet
  Moment answered_at;  ///< the first answer of an agent; 0: none yet
  Moment client_at, agent_at;  ///< when each wrote last; 0: not yet
  Moment closed_at;
  std::string outcome;       ///< `closed`, `timeout` …; empty while open
  std::int64_t rating = 0;   ///< 1–5; 0: not rated
  std::string topic;         ///< the chat of its topic in the desk's group; empty: none
  std::string album;         ///< of the parts that came last and wait for the rest of it; empty: none wait
};

/// One line of a ticket.
struct TicketMessage {
  enum class From : std::uint8_t { Client, Agent, Note, Bot } from = From::Client;
  std::int64_t id = 0;
  std::int64_t ticket_id = 0;
  std::int64_t agent_id = 0;   ///< of Agent and Note
  std::string author;          ///< name of whoever wrote it
  Moment at;
  std::string event;           ///< JSON of Event with the UserMessage
  ChatAddress chat;            ///< where it was written
  std::string message_id;      ///< there; may be empty
  bool carried = false;        ///< it is in the outbox, or was sent; Client: false until there is an agent
};

/// A message of a chat that belongs to a ticket: as it was written, or as it was carried.
struct TicketMessageRef {
  std::int64_t message = 0;  ///< TicketMessage::id
  std::int64_t ticket = 0;
  bool copy = false;         ///< the bot's, carried
};

/// Of a time: what an agent, or all of a desk (`agent` 0), did.
struct DeskFigures {
  std::int64_t agent = 0;
  std::string name;
  std::int64_t taken = 0;     ///< tickets that began then
  std::int64_t closed = 0;
  std::int64_t open = 0;      ///< now
  std::int64_t answered = 0;  ///< of `taken`
  std::int64_t first_answer_ms = 0;  ///< mean, from the opening of the ticket; of `answered`
  std::int64_t duration_ms = 0;      ///< mean, from opening to closing without pauses; of `closed`
  std::int64_t rated = 0;
  Decimal rating;             ///< mean, two digits
};

/// Wrong tokens of one person, or of all (`user_id` empty).
struct TokenFailures {
  std::int64_t count = 0;
  Moment last_at;
  Moment locked_until;
};

/// Lets one person become an agent, once.
struct Invitation {
  std::string bot, desk;
  std::string hash;  ///< sha256_hex of what the person writes
  Moment until;
};

class DeskStore {
 public:
  virtual ~DeskStore() = default;

  /// Until the transaction ends nobody else changes the desk's agents, tickets and queue. First of all operations.
  virtual Stored<Done> lock(std::string_view bot, std::string_view desk) = 0;
  /// How often a desk was asked for in this transaction; 0: it holds none.
  virtual std::size_t locks() const = 0;
  /// Whether somebody waits for a desk that it holds.
  virtual Stored<bool> awaited() = 0;

  /// Of all desks of the bot where the person is an agent and not removed.
  virtual Stored<std::vector<AgentRow>> agents_of(std::string_view bot, std::string_view transport,
                                                  std::string_view user_id) = 0;
  /// All who are not removed, by id.
  virtual Stored<std::vector<AgentRow>> agents(std::string_view bot, std::string_view desk) = 0;
  virtual Stored<std::optional<AgentRow>> agent(std::int64_t id) = 0;
  /// Who is or was the desk's agent: the removed, too.
  virtual Stored<std::optional<AgentRow>> agent_of(std::string_view bot, std::string_view desk,
                                                   std::string_view transport, std::string_view user_id) = 0;
  /// Inserts or updates; sets row.id. A removed agent of the same desk and person becomes this one again.
  virtual Stored<Done> save_agent(AgentRow& row) = 0;

  /// Sets row.id and row.number.
  virtual Stored<Done> open_ticket(TicketRow& row) = 0;
  /// All but bot and number. At another desk than before it takes a number there: read it anew by `ticket`.
  virtual Stored<Done> save_ticket(const TicketRow& row) = 0;
  virtual Stored<std::optional<TicketRow>> ticket(std::int64_t id) = 0;
  virtual Stored<std::optional<TicketRow>> ticket_by_number(std::string_view bot, std::string_view desk,
                                                            std::int64_t number) = 0;
  /// The newest that has the topic.
  virtual Stored<std::optional<TicketRow>> ticket_of_topic(std::string_view bot, const ChatAddress& topic) = 0;
  /// The dialog's newest, at that desk.
  virtual Stored<std::optional<TicketRow>> last_ticket(std::int64_t dialog_id, std::string_view desk) = 0;
  /// Open ones, the oldest first.
  virtual Stored<std::vector<TicketRow>> tickets_of_agent(std::int64_t agent_id) = 0;
  /// Queued ones, first in first out.
  virtual Stored<std::vector<TicketRow>> queue(std::string_view bot, std::string_view desk, std::size_t limit) = 0;
  /// How many stand before it, and it: from 1.
  virtual Stored<std::int64_t> position(const TicketRow& ticket) = 0;
  /// The newest first; of every state.
  virtual Stored<std::vector<TicketRow>> tickets(std::string_view bot, std::string_view desk, std::size_t limit) = 0;

  /// Queued and open ones, by number.
  virtual Stored<std::vector<TicketRow>> unfinished(std::string_view bot, std::string_view desk, std::size_t limit) = 0;

  virtual Stored<Done> add_message(TicketMessage& message) = 0;  ///< sets its id, growing
  virtual Stored<std::optional<TicketMessage>> message(std::int64_t id) = 0;
  virtual Stored<Done> mark_carried(std::int64_t message_id, bool carried = true) = 0;
  /// Not carried yet, oldest first; notes and the bot's own left out.
  virtual Stored<std::vector<TicketMessage>> to_carry(std::int64_t ticket_id) = 0;
  /// The last `limit` of a ticket, oldest first.
  virtual Stored<std::vector<TicketMessage>> messages(std::int64_t ticket_id, std::size_t limit) = 0;
  /// Those behind the message `after`, oldest first.
  virtual Stored<std::vector<TicketMessage>> messages_behind(std::int64_t ticket_id, std::int64_t after,
                                                             std::size_t limit) = 0;
  /// The ticket's message that this one is, as written or carried. Written several times (edited): the last.
  virtual Stored<std::optional<TicketMessageRef>> find_message(std::string_view bot, const ChatAddress& chat,
                                                               std::string_view message_id) = 0;
  /// Under what id a chat got it; the newest when several parts went. Empty: it did not, or not yet.
  virtual Stored<std::string> copy_in(std::string_view bot, std::int64_t message, const ChatAddress& chat) = 0;

  /// Of tickets opened or closed in [from, to): first the desk as a whole, then each agent by name, the removed only
  /// when they did something.
  virtual Stored<std::vector<DeskFigures>> figures(std::string_view bot, std::string_view desk, Moment from,
                                                   Moment to) = 0;

  /// How long agents had the tickets that were closed last, from `since` on; at most `limit` of them are looked at.
  /// None when there are none.
  virtual Stored<std::optional<Duration>> usual_work(std::string_view bot, std::string_view desk, Moment since,
                                                     std::size_t limit) = 0;

  virtual Stored<TokenFailures> token_failures(std::string_view bot, std::string_view transport,
                                               std::string_view user_id) = 0;
  virtual Stored<Done> set_token_failures(std::string_view bot, std::string_view transport, std::string_view user_id,
                                          const TokenFailures& failures) = 0;

  /// Those that have expired by `now` are forgotten on the way.
  virtual Stored<Done> invite(const Invitation& invitation, Moment now) = 0;
  virtual Stored<std::vector<Invitation>> invitations(std::string_view bot, std::string_view desk, Moment now) = 0;
  /// It was used.
  virtual Stored<Done> drop_invitation(std::string_view hash) = 0;
};

}  // namespace sufler
