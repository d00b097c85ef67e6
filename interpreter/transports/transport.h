#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "interpreter/core/api_call.h"
#include "interpreter/core/capabilities.h"
#include "interpreter/core/event.h"
#include "interpreter/core/message.h"
#include "interpreter/core/sending_limits.h"

/// A platform: wire ↔ events and messages. One class behind this header and one line of registration
/// make a transport.
namespace sufler {

/// Called on the network thread; must return soon.
struct TransportHandlers {
  /// New updates, oldest first, and the position to store with them in one transaction. The transport
  /// asks the platform for more (and so confirms these) only after `stored` was called; `stored(false)`
  /// means that nothing was stored, and the same updates are asked for again after a pause.
  std::function<void(std::vector<Incoming> updates, std::string position, std::function<void(bool)> stored)>
      updates;
  /// The bot cannot be served any more: token revoked, and the like. Never holds a token.
  std::function<void(std::string reason)> failed;
  /// Serving began (the platform answered the first poll) or is troubled (`reason` says why); for readiness.
  /// Told when it changes.
  std::function<void(bool well, std::string reason)> health;
  /// What an operator should know while serving goes on. One line for a trouble, however long it lasts; never
  /// holds a token.
  std::function<void(std::string line)> warning;
};

/// What a platform asks of us over the listener.
struct WebhookRequest {
  std::string body;
  /// The value of a header, its name in any case; empty when there is none.
  std::function<std::string(std::string_view name)> header;
  std::string method = {};  ///< of a service's request (Listener::add_service), as the next two
  std::string path = {};    ///< decoded, without the query
  std::string query = {};   ///< as it came, without `?`
};
struct WebhookAnswer {
  int status = 200;
  std::string body;  ///< plain text
  std::chrono::seconds retry_after{0};  ///< of a 429 or 503; 0 when not told
  std::string content_type = {};        ///< empty: plain text
};

/// How a platform reads `Retry-After`: both forms are HTTP's, and none of them reads both.
enum class RetryAfterForm : std::uint8_t { Seconds, Date };

struct BotCommandHint {
  std::string command;      ///< `menu`, without the slash
  std::string description;
  friend bool operator==(const BotCommandHint&, const BotCommandHint&) = default;
};

class Transport {
 public:
  virtual ~Transport() = default;
  virtual std::string_view name() const = 0;
  virtual Capabilities capabilities() const = 0;

  /// How fast the platform lets the bot speak, as configured: calls that are not expendable keep to it. What a
  /// transport counts by itself, because several calls may go as one request, need not be said here.
  virtual SendingLimits sending_limits() const { return {}; }

  /// The calls that send a message, in order: long texts split, albums grouped, markup turned into what
  /// the platform has. Pure and thread-safe: it runs inside the turn's transaction.
  virtual std::vector<ApiCall> render(const ChatAddress& chat, const Message& message) const = 0;
  /// Ends the waiting of whoever pressed a button; without a method where a platform has no such buttons.
  virtual ApiCall render_press_answer(const ChatAddress& chat, const std::string& press_id,
                                   const std::string& text) const {
    (void)chat, (void)press_id, (void)text;
    return {};
  }

  /// Makes a topic in a group; `message_id` of its outcome is the topic's id. Without a method where a platform has
  /// no topics.
  virtual ApiCall render_topic(const ChatAddress& group, const std::string& title) const {
    (void)group, (void)title;
    return {};
  }
  /// Whether the platform sees a repeated call by its `repeat_key`, so that nothing is said twice.
  virtual bool tells_repeats() const { return false; }
  /// Closes a topic, or opens it again: people see that nothing is to be written there. Without a method where a
  /// platform has no topics.
  virtual ApiCall render_topic_state(const ChatAddress& topic, bool open) const {
    (void)topic, (void)open;
    return {};
  }

  /// Shows for some seconds that the bot is at work. Without a method where a platform cannot.
  virtual ApiCall render_typing(const ChatAddress& chat) const {
    (void)chat;
    return {};
  }
  /// A message that grows: its words so far as a new message, or in the place of what it said before (`message_id`).
  /// Without a method where people would not like that.
  virtual ApiCall render_growing(const ChatAddress& chat, const std::string& text, const std::string& message_id) const {
    (void)chat, (void)text, (void)message_id;
    return {};
  }
  /// The grown message, which said `text`, becomes what `call` would send. Without a method when that must be a message of
  /// its own.
  virtual ApiCall render_grown(const ApiCall& call, const std::string& text, const std::string& message_id) const {
    (void)call, (void)text, (void)message_id;
    return {};
  }
  /// Takes a message of the bot away.
  virtual ApiCall render_removal(const ChatAddress& chat, const std::string& message_id) const {
    (void)chat, (void)message_id;
    return {};
  }

  /// Begins to receive, from a stored position (empty: from what the platform still has), and tells the
  /// platform the bot's menu of commands. Returns at once.
  virtual void start(std::string position, std::vector<BotCommandHint> menu, TransportHandlers handlers) = 0;
  /// Another version of the scenario is served: what the bot shows of its commands, and in which groups it listens to
  /// topics. Thread-safe.
  virtual void scenario_changed(std::vector<BotCommandHint> menu, std::vector<std::string> topic_groups) {
    (void)menu, (void)topic_groups;
  }
  /// Receives no more, until `start` is called again. Sending still works. Safe to call twice.
  virtual void stop_receiving() = 0;

  /// Takes a request that came to this bot's address. Called on a thread of the listener; `answer` comes exactly
  /// once, on any thread, and says 200 only when the update is stored (or will never be of use).
  virtual void take_webhook(WebhookRequest request, std::function<void(WebhookAnswer)> answer) {
    (void)request;
    answer({404, {}, {}});
  }
  /// For every 429 and 503 at this bot's address, the listener's own too.
  virtual RetryAfterForm retry_after_form() const { return RetryAfterForm::Seconds; }
  /// Whether only one process may receive for the bot: polls take an event away from everybody else, webhooks come
  /// to whoever listens.
  virtual bool receives_alone() const { return true; }
  /// Whether an event may come again although its position was stored: its id is then remembered.
  virtual bool repeats_events() const { return false; }

  /// What people would see twice leaves only while `may_send` says so, asked at the last moment: a process that stood
  /// still may not know yet that another one sends for the bot now. For platforms that do not know repeats. Before the
  /// first `deliver`; `may_send` is asked on the network thread.
  virtual void send_only_while(std::function<bool()> may_send) { (void)may_send; }

  /// Makes one call. Thread-safe. `done` comes exactly once, on the network thread; calls to different
  /// chats go in parallel, order within a chat is the caller's duty.
  virtual void deliver(const ChatAddress& chat, const ApiCall& call, std::function<void(Outcome)> done) = 0;

  /// Brings a file that the platform holds: bytes of at most `limit`. `done` on the network thread; an
  /// empty reason means success.
  virtual void fetch_file(const Attachment& file, std::size_t limit,
                          std::function<void(std::string bytes, std::string reason)> done) {
    (void)file, (void)limit;
    done({}, "the platform has no files");
  }
};

}  // namespace sufler
