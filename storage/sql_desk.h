#pragma once
#include "storage/desk_store.h"
#include "storage/transaction.h"

namespace sufler::storage {

class SqlDesk final : public DeskStore {
 public:
  explicit SqlDesk(SqlTransaction& transaction) : tx_(transaction) {}

  Stored<Done> lock(std::string_view bot, std::string_view desk) override;
  std::size_t locks() const override { return locks_; }
  Stored<bool> awaited() override;
  /// A new transaction.
  void begin() { locks_ = 0; }

  Stored<std::vector<AgentRow>> agents_of(std::string_view bot, std::string_view transport,
                                          std::string_view user_id) override;
  Stored<std::vector<AgentRow>> agents(std::string_view bot, std::string_view desk) override;
  Stored<std::optional<AgentRow>> agent(std::int64_t id) override;
  Stored<std::optional<AgentRow>> agent_of(std::string_view bot, std::string_view desk, std::string_view transport,
                                           std::string_view user_id) override;
  Stored<Done> save_agent(AgentRow& row) override;

  Stored<Done> open_ticket(TicketRow& row) override;
  Stored<Done> save_ticket(const TicketRow& row) override;
  Stored<std::optional<TicketRow>> ticket(std::int64_t id) override;
  Stored<std::optional<TicketRow>> ticket_by_number(std::string_view bot, std::string_view desk,
                                                    std::int64_t number) override;
  Stored<std::optional<TicketRow>> ticket_of_topic(std::string_view bot, const ChatAddress& topic) override;
  Stored<std::optional<TicketRow>> last_ticket(std::int64_t dialog_id, std::string_view desk) override;
  Stored<std::vector<TicketRow>> tickets_of_agent(std::int64_t agent_id) override;
  Stored<std::vector<TicketRow>> queue(std::string_view bot, std::string_view desk, std::size_t limit) override;
  Stored<std::int64_t> position(const TicketRow& ticket) override;
  Stored<std::vector<TicketRow>> tickets(std::string_view bot, std::string_view desk, std::size_t limit) override;
  Stored<std::vector<TicketRow>> unfinished(std::string_view bot, std::string_view desk, std::size_t limit) override;

  Stored<Done> add_message(TicketMessage& message) override;
  Stored<std::optional<TicketMessage>> message(std::int64_t id) override;
  Stored<Done> mark_carried(std::int64_t message_id, bool carried) override;
  Stored<std::vector<TicketMessage>> to_carry(std::int64_t ticket_id) override;
  Stored<std::vector<TicketMessage>> messages(std::int64_t ticket_id, std::size_t limit) override;
  Stored<std::vector<TicketMessage>> messages_behind(std::int64_t ticket_id, std::int64_t after,
                                                     std::size_t limit) override;
  Stored<std::optional<TicketMessageRef>> find_message(std::string_view bot, const ChatAddress& chat,
                                                       std::string_view message_id) override;
  Stored<std::string> copy_in(std::string_view bot, std::int64_t message, const ChatAddress& chat) override;

  Stored<std::vector<DeskFigures>> figures(std::string_view bot, std::string_view desk, Moment from,
                                           Moment to) override;

  Stored<std::optional<Duration>> usual_work(std::string_view bot, std::string_view desk, Moment since,
                                             std::size_t limit) override;

  Stored<TokenFailures> token_failures(std::string_view bot, std::string_view transport,
                                       std::string_view user_id) override;
  Stored<Done> set_token_failures(std::string_view bot, std::string_view transport, std::string_view user_id,
                                  const TokenFailures& failures) override;

  Stored<Done> invite(const Invitation& invitation, Moment now) override;
  Stored<std::vector<Invitation>> invitations(std::string_view bot, std::string_view desk, Moment now) override;
  Stored<Done> drop_invitation(std::string_view hash) override;

 private:
  template <class... Args>
  std::vector<AgentRow> read_agents(const char* sql, const Args&... args);
  template <class... Args>
  std::vector<TicketRow> read_tickets(const char* sql, const Args&... args);
  template <class... Args>
  std::vector<TicketMessage> read_messages(const char* sql, const Args&... args);
  /// The next number of the desk: none is given twice, even when its ticket is gone.
  std::int64_t take_number(std::string_view bot, std::string_view desk);

  SqlTransaction& tx_;
  std::size_t locks_ = 0;
};

}  // namespace sufler::storage
