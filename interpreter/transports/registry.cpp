#include "interpreter/transports/registry.h"

#include "interpreter/transports/telegram/telegram.h"

namespace sufler {
namespace {

using Made = Result<std::unique_ptr<Transport>, std::string>;

std::string option(const TransportSettings& settings, std::string_view key, std::string_view otherwise = {}) {
  const auto found = settings.options.find(key);
  return found == settings.options.end() || found->second.empty() ? std::string(otherwise) : found->second;
}

Made make_telegram(HttpClient& client, TransportSettings settings) {
  TelegramSettings telegram;
  telegram.token = option(settings, "token");
  telegram.api = option(settings, "api", telegram.api);
  telegram.username = option(settings, "username");
  telegram.proxy = option(settings, "proxy");
  telegram.bot_name = std::move(settings.bot_name);
  telegram.scenario_folder = std::move(settings.scenario_folder);
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
  if (const std::string mode = option(settings, "mode", "polling"); mode != "polling") {
    return Error{"`mode: " + mode + "` of Telegram is not available yet: leave it out, or write `polling`"};
  }
  return make_telegram_transport(client, std::move(telegram));
}

}  // namespace

const std::vector<TransportKind>& transport_kinds() {
  static const std::vector<TransportKind> kinds = {
      {"telegram", telegram_capabilities(), {"token", "api", "mode", "username", "proxy"}, make_telegram},
  };
  return kinds;
}

const TransportKind* find_transport(std::string_view name) {
  for (const TransportKind& kind : transport_kinds()) {
    if (kind.name == name) return &kind;
  }
  return nullptr;
}

}  // namespace sufler
