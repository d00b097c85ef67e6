#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "interpreter/network/backoff.h"
#include "interpreter/network/http_client.h"
#include "interpreter/transports/telegram/update_decoder.h"
#include "interpreter/transports/transport.h"

namespace sufler::telegram {

struct WebhookSettings {
  std::string url;     ///< where Telegram reaches us
  std::string secret;  ///< see `is_webhook_secret`
  int max_connections = 40;
  bool remove_at_stop = false;
  std::string allowed_updates;  ///< a JSON array
  std::string bot_name;         ///< for reasons
  /// How often it is looked whether the webhook still stands, and whether Telegram reaches it.
  std::chrono::milliseconds check_every{std::chrono::minutes(10)};
  std::chrono::milliseconds backoff_first{500};
  std::chrono::milliseconds backoff_most{30'000};
  std::function<double()> random;
  std::function<std::int64_t()> now;  ///< unix ms

  /// A call of the Bot API, ready to be sent.
  std::function<HttpRequest(std::string_view method, std::string body)> request;
  /// A reason without the token.
  std::function<std::string(std::string)> hidden;
};

/// What Telegram takes as a secret: 1 to 256 of `A-Za-z0-9_-`.
bool is_webhook_secret(std::string_view secret);

/// Receiving by webhook: tells Telegram the address, and takes what comes there. Updates may come twice, and those of
/// different chats in parallel.
class Webhook : public std::enable_shared_from_this<Webhook> {
 public:
  /// `client` must outlive it.
  Webhook(HttpClient& client, WebhookSettings settings);

  // On the network thread.

  void start(TransportHandlers handlers);
  /// Whose updates they are. Updates that cannot be read without the bot's username wait until it is `settled`:
  /// known, or not to be had.
  void know(const BotIdentity& bot, bool settled);

  // On any thread.

  /// From now on every request is answered 503; those handed over already are answered as they are stored.
  void stop();
  void take(WebhookRequest request, std::function<void(WebhookAnswer)> answer);

 private:
  class Reply;
  struct Waiting {
    std::string body;
    std::shared_ptr<Reply> reply;
  };
  struct Taken {
    Incoming incoming;
    std::vector<std::shared_ptr<Reply>> replies;
  };

  void tell_health(bool well, const std::string& reason);
  void set();
  void set_after(std::chrono::milliseconds pause, const std::string& reason);
  void on_set(const HttpAnswer& answer);
  void check_later();
  void check();
  void look_at_errors(std::int64_t at, std::string text, std::int64_t waiting);
  void remove();
  void decode(std::string body, const std::shared_ptr<Reply>& reply);
  void hand_over();
  void on_stored(bool stored);

  HttpClient& client_;
  const WebhookSettings settings_;
  std::atomic<bool> stopped_{false};
  std::atomic<bool> storing_well_{true};

  // On the network thread only.
  TransportHandlers handlers_;
  Backoff backoff_;
  bool begun_ = false;
  bool setting_ = false;      // a setWebhook is under way
  bool refused_ = false;      // for good
  std::optional<bool> well_;  // what was told
  std::int64_t error_at_ = 0;  // unix s of the newest failed delivery that was looked at
  std::string error_;          // what it said, while failures go on

  std::mutex mutex_;
  bool open_ = false;  // started
  BotIdentity bot_;
  bool settled_ = false;
  std::vector<Waiting> waiting_;  // for the username
  std::vector<Taken> taken_;      // on the way to the network thread
};

}  // namespace sufler::telegram
