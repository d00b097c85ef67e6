#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "interpreter/core/rich_text.h"
#include "interpreter/runtime/desk.h"
#include "interpreter/runtime/ticket_export.h"

/// One piece of the clerk's work: what desk*.cpp share. Not for other files.
namespace sufler {

/// A failure of the storage on its way up to the clerk's entrances.
struct DeskFailure {
  StorageError error;
};
template <class T>
T take(Stored<T> stored) {
  if (!stored) throw DeskFailure{std::move(stored.error())};
  return std::move(*stored);
}

/// What phrases and conditions of the desk see: these names, and no dialog.
class DeskScope final : public Scope {
 public:
  DeskScope(const Program& program, ValueMap names, Moment now)
      : names_(std::move(names)), now_(now), locale_{program.language, program.zone} {}
  const Value* find(std::string_view name) const override { return names_.find(name); }
  const Template* named_text(std::string_view) const override { return nullptr; }
  Moment now() const override { return now_; }
  const Locale& locale() const override { return locale_; }
  std::uint64_t random(std::uint64_t) const override { return 0; }
  bool is_working_time(std::string_view) const override { return true; }
  std::string_view default_currency() const override { return locale_.language == Language::Russian ? "RUB" : "USD"; }

 private:
  const ValueMap names_;
  const Moment now_;
  const Locale locale_;
};

/// Of a client's dialog, with the ticket's id for its serial: nobody has accepted a transfer. The clerk's own.
inline constexpr std::string_view kOfferTimer = "desk_offer";
/// Likewise: no more parts of an album have come.
inline constexpr std::string_view kAlbumTimer = "desk_album";
/// More lines than any ticket has.
inline constexpr std::size_t kAllMessages = 100'000;

class DeskClerk::Work {
 public:
  Work(const BotSetup& setup, Office& office, Transaction& tx, Moment at, Played& played)
      : setup_(setup), program_(*setup.program), office_(office), tx_(tx), store_(tx.desk()), at_(at), played_(played) {}

  // ---- desk_agents.cpp: what agents do

  bool hear(const Incoming& update, std::vector<AgentRow> agents);

  // ---- desk_tickets.cpp: the life of a ticket

  DeskAnswer open(const OpenTicket& request, const Client& client);
  DeskAnswer look(std::int64_t ticket);
  void carry_out(const DeskOrder& order, const Client& client);
  void offer_expired(std::int64_t ticket);
  void album_due(std::int64_t ticket);
  void given_up(const Delivery& what);
  void topic_made(const Delivery& what);
  void agent_removed(std::int64_t agent);
  void ticket_changed(std::int64_t ticket);

 private:
  enum class First : std::uint8_t { Yes, No };  ///< whether a ticket is given out for the first time
  enum class News : std::uint8_t { Told, Answer };  ///< whether the client's dialog hears of it, or asks itself
  enum class Held : std::uint8_t { Stay, Go };  ///< parts of an album whose rest may still come

  // ---- what all need

  const Desk* desk(std::string_view name) const;
  const HandoffRule* rule(const TicketRow& ticket) const;
  RichText phrase(Phrase which, ValueMap values = {}) const;
  /// Names for phrases about a ticket: `number`, `client`, `agent`.
  ValueMap names(const TicketRow& ticket, std::string_view agent = {}) const;
  void send(const ChatAddress& chat, Message message, std::int64_t dialog_id = 0, std::int64_t ticket_message = 0);
  void say(const ChatAddress& chat, Phrase which, ValueMap values = {}, std::int64_t dialog_id = 0);
  void note(const ChatAddress& chat, std::string text);
  void alarm(const ChatAddress& chat, std::string text);
  /// In the log of the client's dialog.
  void note(const TicketRow& ticket, const std::string& text);
  std::vector<TicketNews::Said> last_words(const TicketRow& ticket);
  void tell_client(const TicketRow& ticket, TicketNews::What what, std::string_view agent);
  DialogKey client_of(const TicketRow& ticket);
  std::optional<TicketRow> find_ticket(std::int64_t id) { return take(store_.ticket(id)); }
  std::optional<AgentRow> find_agent(std::int64_t id);
  void lock(std::string_view desk) { take(store_.lock(setup_.name, desk)); }

  // ---- desk_tickets.cpp

  std::optional<AgentRow> choose(const TicketRow& ticket, const DialogKey& client, std::int64_t without, First first,
                                 bool& by_claim);
  void assign(TicketRow& ticket, AgentRow agent, News news);
  void offer_to_all(TicketRow& ticket, const DialogKey& client);
  void queue(TicketRow& ticket, News news);
  void close(TicketRow& ticket, std::string_view outcome);
  /// Gives the waiting tickets to whoever has room now.
  void drain(std::string_view desk);
  /// Takes the tickets of somebody who leaves to others.
  void hand_on(const AgentRow& agent);
  std::optional<Duration> estimate(const TicketRow& ticket, std::int64_t position);
  /// Who answers at the desk now, by id.
  std::vector<AgentRow> agents_at(std::string_view desk);

  // ---- desk_relay.cpp: what passes between both sides

  std::optional<ChatAddress> answered_in(const TicketRow& ticket);
  void carry_waiting(const TicketRow& ticket, Held held);
  void let_album_go(TicketRow& ticket);
  void hold_album(TicketRow& ticket, const std::string& album);
  void wait_again(const TicketRow& ticket, const Delivery& from);
  std::string twin(const ChatAddress& from, std::string_view message_id, const ChatAddress& to);
  void carry(const TicketRow& ticket, const TicketMessage& message, const ChatAddress& to, const UserMessage& said,
             std::string_view author);
  void relay_to_agent(TicketRow& ticket, const UserMessage& message, const ChatAddress& from);
  void pass_on(TicketRow& ticket, const AgentRow& agent, const ChatAddress& from, const UserMessage& said);

  // ---- desk_topics.cpp

  std::optional<ChatAddress> group_of(const Desk& desk) const;
  std::optional<ChatAddress> topic_of(const TicketRow& ticket) const;
  void open_topic(TicketRow& ticket, const Desk& desk);
  void give_to_group(TicketRow& ticket, const Desk& desk);
  bool topic_failed(TicketRow& ticket, const TicketMessage& line, const Delivery& what);
  void do_without_topic(TicketRow& ticket, const Desk& desk, const std::string& reason);
  void bring_into_topics(const Desk& desk);
  bool is_useless(const TicketRow& ticket, const ChatAddress& topic);

  // ---- desk_agents.cpp

  const Desk* moves_to(const UserMessage& message, const std::vector<AgentRow>& agents) const;
  bool hear_registration(const Incoming& update, const UserMessage& message);
  void register_agent(const Desk& desk, const Incoming& update, std::string_view token);
  /// Of an invitation to the desk; empty when the code is none.
  std::string invitation(const Desk& desk, std::string_view code);
  bool hear_press(const Incoming& update, const ButtonPress& press, std::vector<AgentRow>& agents);
  bool hear_command(const Incoming& update, const UserMessage& message, std::vector<AgentRow>& agents);
  void do_command(const Desk& desk, Desk::Command command, AgentRow& agent, std::string_view rest);
  void do_available(AgentRow& agent);
  void release(TicketRow& ticket, AgentRow& agent);
  void move_to_desk(TicketRow ticket, AgentRow& agent, const Desk& other);
  void do_close(AgentRow& agent, TicketNews::What how);
  void move(TicketRow& ticket, AgentRow from, const AgentRow& to);
  void do_take(AgentRow& agent, TicketRow ticket);
  void do_transfer(const Desk& desk, AgentRow& agent, std::string_view whom);
  void do_note(AgentRow& agent, std::string_view text);
  void do_tickets(const Desk& desk, AgentRow& agent, std::string_view number);
  void do_export(AgentRow& agent, std::string_view what);
  void do_stats(const Desk& desk, const AgentRow& agent);
  void do_reply(AgentRow& agent, const Desk::Reply& reply);
  void tell_where_it_is(const TicketRow& ticket, const UserMessage& message);
  bool relay_to_client(const Incoming& update, const UserMessage& message, std::vector<AgentRow>& agents);
  std::optional<TicketRow> current(const AgentRow& agent);
  std::optional<TicketRow> open_one(const AgentRow& agent);
  std::optional<std::size_t> agent_of_topic(const Incoming& update, const Desk& desk, std::vector<AgentRow>& agents);
  bool hear_topic(const Incoming& update, const UserMessage& message, std::vector<AgentRow>& agents);

  const BotSetup& setup_;
  const Program& program_;
  Office& office_;
  Transaction& tx_;
  DeskStore& store_;
  const Moment at_;
  Played& played_;
  ChatAddress here_;                     ///< where an agent wrote, and is answered
  std::pair<std::string, TicketMessageRef> answered_;  ///< the message there that they answered or corrected, once found
  std::optional<TicketRow> topics_own_;  ///< the ticket of the topic in which they wrote
};

/// `desk:take:12`, on buttons of the desk.
std::string desk_payload(std::string_view what, std::int64_t ticket);
Button desk_button(RichText label, std::string_view what, std::int64_t ticket);
/// What a person wrote as a message of the bot's; signed when `author` is not empty.
Message carried(const UserMessage& said, std::string_view author);

}  // namespace sufler
