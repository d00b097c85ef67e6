// Telegram as the configuration has it.
#include <charconv>
#include <utility>

#include "interpreter/transports/registry.h"
#include "interpreter/transports/telegram/telegram.h"
#include "interpreter/transports/telegram/webhook.h"

namespace sufler {
namespace {

/// Empty, or why there can be no webhook and what to do about it. Names no secret.
std::string read_telegram_webhook(const TransportSettings& settings, TelegramSettings& telegram) {
  telegram.webhook_url = settings.webhook_url;
  if (telegram.webhook_url.empty()) {
    return "`mode: webhook` of Telegram needs an address that Telegram can reach: add `public_url` under `http`";
  }
  const bool secure = telegram.webhook_url.rfind("https://", 0) == 0;
  if (!secure && telegram.api == TelegramSettings().api) {
    return "Telegram delivers to https only: `public_url` under `http` must begin with https://";
  }
  telegram.webhook_secret = settings.option("secret");
  if (telegram.webhook_secret.empty()) {
    return "`mode: webhook` of Telegram needs a `secret`, or anybody could write in its name: add "
           "`secret: ${TELEGRAM_SECRET}` with 32 random letters and digits in that variable";
  }
  if (!telegram::is_webhook_secret(telegram.webhook_secret)) {
    return "the `secret` of Telegram must be 1 to 256 of the characters A-Z, a-z, 0-9, _ and -";
  }
  const std::string connections = settings.option("max_connections", "40");
  const char* end = connections.data() + connections.size();
  const auto read = std::from_chars(connections.data(), end, telegram.webhook_connections);
  if (read.ec != std::errc() || read.ptr != end || telegram.webhook_connections < 1 ||
      telegram.webhook_connections > 100) {
    return "`max_connections` of Telegram is a number from 1 to 100, not `" + connections + "`";
  }
  const std::string remove = settings.option("remove_webhook", "false");
  if (remove != "true" && remove != "false") {
    return "`remove_webhook` of Telegram is `true` or `false`, not `" + remove + "`";
  }
  telegram.remove_webhook = remove == "true";
  return {};
}

/// The configuration has looked at the numbers already, and knows their places.
bool read_pace(const TransportSettings& settings, std::string_view key, std::uint32_t& number) {
  const std::string text = settings.option(key);
  if (text.empty()) return true;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  return read.ec == std::errc() && read.ptr == text.data() + text.size();
}

MadeTransport make(HttpClient& client, TransportSettings settings) {
  TelegramSettings telegram;
  telegram.token = settings.option("token");
  telegram.api = settings.option("api", telegram.api);
  telegram.username = settings.option("username");
  telegram.proxy = settings.option("proxy");
  telegram.bot_name = settings.bot_name;
  telegram.topic_groups = std::move(settings.topic_groups);
  telegram.scenario_folder = std::move(settings.scenario_folder);
  telegram.find_file = std::move(settings.find_file);
  telegram.fetch_elsewhere = std::move(settings.fetch_elsewhere);
  // A token is `digits:secret`; anything else would only show as an odd 404.
  const std::size_t digits = telegram.token.find_first_not_of("0123456789");
  if (digits == 0 || digits == std::string::npos || telegram.token[digits] != ':' ||
      telegram.token.find_first_of(" \t\r\n/?#") != std::string::npos) {
    return Error{std::string("the token of Telegram must look like `123456:ABC-DEF…`")};
  }
  if (telegram.api.rfind("http://", 0) != 0 && telegram.api.rfind("https://", 0) != 0) {
    return Error{std::string("`api` of Telegram must begin with http:// or https://")};
  }
  TelegramPace pace;
  for (const auto& [key, number] : {std::pair{"messages_per_second", &pace.messages_per_second},
                                    std::pair{"chat_messages_per_second", &pace.chat_messages_per_second},
                                    std::pair{"chat_burst", &pace.chat_burst},
                                    std::pair{"group_messages_per_minute", &pace.group_messages_per_minute}}) {
    if (!read_pace(settings, key, *number))
      return Error{"`" + std::string(key) + "` of Telegram must be a whole number; 0 means no limit"};
  }
  telegram.limits = pace.limits();
  const std::string mode = settings.option("mode", "polling");
  if (mode == "webhook") {
    if (const std::string refusal = read_telegram_webhook(settings, telegram); !refusal.empty()) {
      return Error{refusal};
    }
  } else if (mode != "polling") {
    return Error{"`mode` of Telegram is `polling` or `webhook`, not `" + mode + "`"};
  }
  return make_telegram_transport(client, std::move(telegram));
}

}  // namespace

TransportKind telegram_kind() {
  return {"telegram",
          "Telegram",
          telegram_capabilities(),
          {"token", "api", "mode", "username", "proxy", "secret", "max_connections", "remove_webhook",
           "messages_per_second", "chat_messages_per_second", "chat_burst", "group_messages_per_minute"},
          make};
}

}  // namespace sufler
