#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "interpreter/runtime/player.h"
#include "storage/desk_store.h"

namespace sufler {

/// The desks of a bot (LANGUAGE 7): who answers whom, and what passes between an agent's chat and a client's dialog.
/// Works inside the transaction of the turn that it serves. Whose message it is, is known by the chat and by the
/// stored map of messages, never by what a text looks like (RELIABILITY 4, 9).
class DeskClerk {
 public:
  /// What the clerk wants of the player. Failures are the transaction's.
  class Office {
   public:
    virtual ~Office() = default;
    /// Puts a message into the outbox. `ticket_message`: the line of a ticket that it carries, or 0.
    virtual Stored<Done> send(Transaction& tx, const ChatAddress& chat, const Message& message, std::int64_t dialog_id,
                              std::int64_t ticket_message, Moment at, Played& played) = 0;
    /// Something happened to another's dialog: it is played behind the present turn. `id` tells repeats.
    virtual void tell(const DialogKey& dialog, Event event, std::string id) = 0;
    virtual Stored<Done> answer_press(Transaction& tx, const ChatAddress& chat, const std::string& press_id,
                                      const std::string& text, Moment at, Played& played) = 0;
    /// Everything said in the dialog, as a file.
    virtual Stored<Attachment> history(Transaction& tx, std::int64_t dialog_id) = 0;
    /// Roles of the configuration that the person has.
    virtual std::vector<std::string> roles(const ChatAddress& chat, const std::string& user_id) const = 0;
    /// The call that makes a topic in a group; its method is empty where the platform has none.
    virtual Stored<Done> make_topic(Transaction& tx, const ChatAddress& group, const std::string& title,
                                    std::int64_t dialog_id, std::int64_t ticket_message, Moment at, Played& played) = 0;
    /// Closes a topic, or opens it again; nothing where the platform cannot.
    virtual Stored<Done> set_topic(Transaction& tx, const ChatAddress& topic, bool open, std::int64_t dialog_id,
                                   Moment at, Played& played) = 0;
  };

  /// `setup` and `office` must outlive it.
  DeskClerk(const BotSetup& setup, Office& office);
  ~DeskClerk();
  DeskClerk(DeskClerk&&) noexcept;

  /// Whether the bot has desks at all; without any nothing else needs to be called.
  bool idle() const;

  // ---- agents

  /// Where the person is an agent who may act in their own chat: whoever answers only because they are in a group is none.
  Stored<std::vector<AgentRow>> agents(Transaction& tx, const ChatAddress& chat, const std::string& user_id) const;
  /// Names of the roles that it gives: `agents of support`.
  static std::vector<std::string> roles_of(const std::vector<AgentRow>& agents);
  /// Chats of all agents of a desk, for the role `agents of NAME`; nothing when the role is another.
  Stored<std::optional<std::vector<ChatAddress>>> members(Transaction& tx, std::string_view role) const;

  /// True when what happened was for the desk: registration, a command or a message of an agent, a press of a
  /// button of the desk. False: it is for the person's own dialog.
  Stored<bool> hear(Transaction& tx, const Incoming& update, const std::vector<AgentRow>& agents, Played& played);

  // ---- clients' dialogs

  struct Client {
    std::int64_t dialog_id = 0;
    DialogKey key;
  };
  Stored<DeskAnswer> answer(Transaction& tx, const DeskRequest& request, const Client& client, Moment at, Played& played);
  Stored<Done> carry_out(Transaction& tx, const DeskOrder& order, const Client& client, Moment at, Played& played);
  /// True when the timer is the clerk's own: nobody has accepted a transfer.
  Stored<bool> timer_due(Transaction& tx, const TimerDue& timer, Moment at, Played& played);

  /// A message of a ticket was given up, or made a topic.
  Stored<Done> hear_delivery(Transaction& tx, const Delivery& delivery, Moment at, Played& played);
  /// An operator's command removed an agent, or erased one.
  Stored<Done> hear_change(Transaction& tx, const DeskChange& change, Moment at, Played& played);

 private:
  class Work;
  const BotSetup& setup_;
  Office& office_;
};

}  // namespace sufler
