#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "interpreter/network/http_client.h"
#include "interpreter/transports/files.h"
#include "interpreter/transports/transport.h"

namespace sufler {

struct TelegramSettings {
  std::string token;
  std::string api = "https://api.telegram.org";
  std::string bot_name;  ///< as `sufler.yaml` calls it, for reasons
  std::string username;  ///< of the bot, when known; otherwise asked with `getMe`
  std::string proxy;     ///< empty: the client's

  /// Groups in whose topics all is heard that people write, not only what is said to the bot.
  std::vector<std::string> topic_groups;

  /// Where Telegram reaches us; when not empty, updates come by webhook and not by polls.
  std::string webhook_url;
  std::string webhook_secret;    ///< 1 to 256 of `A-Za-z0-9_-`; comes back with every update
  int webhook_connections = 40;  ///< that Telegram may open, 1 to 100
  bool remove_webhook = false;   ///< at the stop; otherwise it stays, and Telegram keeps the updates
  std::chrono::milliseconds webhook_check{std::chrono::minutes(10)};  ///< how often it is looked whether it stands

  /// How fast it may speak; empty: as fast as it likes. `TelegramPace` knows what Telegram allows.
  SendingLimits limits;

  /// The scenario's folder on disk, for files of the origin `scenario`. Asked at every upload, since a reload may move it.
  std::function<std::string()> scenario_folder;
  FindFile find_file;  ///< for files of the origin `stored`
  /// Bytes of a file that another transport holds; an empty reason means success.
  std::function<void(const Attachment& file, std::size_t limit,
                     std::function<void(std::string bytes, std::string reason)> done)>
      fetch_elsewhere;

  /// How long the server may hold a poll; it allows 50 s at most.
  std::chrono::seconds poll_time{50};
  /// After `poll_time`, how long the client still waits for the answer.
  std::chrono::milliseconds poll_margin{10'000};
  std::chrono::milliseconds call_timeout{30'000};
  std::chrono::milliseconds upload_timeout{600'000};
  std::chrono::milliseconds backoff_first{500};
  std::chrono::milliseconds backoff_most{30'000};

  /// What the platform takes as an upload; a larger photo goes as a document.
  std::int64_t photo_bytes = std::int64_t{10} << 20;
  std::int64_t upload_bytes = std::int64_t{50} << 20;

  /// Under load a poll that waits until the answers to the last batch are sent brings a larger batch, and
  /// batches are what makes a turn cheap. The poll waits while more than `poll_below` calls of this bot are
  /// under way, at most `poll_wait`.
  std::size_t poll_below = 8;
  std::chrono::milliseconds poll_wait{8};

  /// Seams for tests: unix time in ms, and a number in [0, 1).
  std::function<std::int64_t()> now;
  std::function<double()> random;
};

/// What Telegram lets a bot do before it answers 429, as far as it tells: core.telegram.org/bots/faq, "limits".
struct TelegramPace {
  std::uint32_t messages_per_second = 30;       ///< to all chats
  std::uint32_t chat_messages_per_second = 1;   ///< to one chat, beyond `chat_burst` at once
  std::uint32_t chat_burst = 5;                 ///< "short bursts" are allowed, it does not say how short
  std::uint32_t group_messages_per_minute = 20;
  /// 0 means no limit.
  SendingLimits limits() const;
};

/// What the platform can do, known without a bot.
Capabilities telegram_capabilities();

/// `client` must outlive the transport.
std::unique_ptr<Transport> make_telegram_transport(HttpClient& client, TelegramSettings settings);

}  // namespace sufler
