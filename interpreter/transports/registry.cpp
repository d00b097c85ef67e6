#include "interpreter/transports/registry.h"

#include <charconv>

#include "interpreter/transports/telegram/telegram.h"
#include "interpreter/transports/vk/vk.h"

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

Made make_vk(HttpClient& client, TransportSettings settings) {
  VkSettings vk;
  vk.token = option(settings, "token");
  vk.api = option(settings, "api", vk.api);
  vk.proxy = option(settings, "proxy");
  vk.secret = option(settings, "secret");
  vk.confirmation = option(settings, "confirmation");
  vk.webhook_url = std::move(settings.webhook_url);
  vk.bot_name = std::move(settings.bot_name);
  vk.scenario_folder = std::move(settings.scenario_folder);
  vk.fetch_elsewhere = std::move(settings.fetch_elsewhere);
  const std::string group = option(settings, "group");
  const auto read = std::from_chars(group.data(), group.data() + group.size(), vk.group);
  if (read.ec != std::errc() || read.ptr != group.data() + group.size() || vk.group <= 0) {
    return Error{std::string("`group` of VK must be the number of the community, `123456`")};
  }
  if (vk.token.empty() || vk.token.find_first_of(" \t\r\n") != std::string::npos) {
    return Error{std::string("the token of VK must be the access key of the community, without spaces")};
  }
  if (vk.api.rfind("http://", 0) != 0 && vk.api.rfind("https://", 0) != 0) {
    return Error{std::string("`api` of VK must begin with http:// or https://")};
  }
  const std::string remove = option(settings, "remove_webhook", "false");
  if (remove != "true" && remove != "false") {
    return Error{std::string("`remove_webhook` of VK must be true or false")};
  }
  vk.remove_webhook = remove == "true";
  const std::string mode = option(settings, "mode", "long_poll");
  if (mode == "long_poll") return make_vk_transport(client, std::move(vk));
  if (mode != "callback") return Error{std::string("`mode` of VK must be `long_poll` or `callback`")};
  vk.mode = VkSettings::Mode::Callback;
  if (vk.secret.empty()) {
    return Error{std::string("`mode: callback` of VK needs `secret`: without it anybody could pose as VK")};
  }
  // What VK's settings take: docs of groups.addCallbackServer.
  if (vk.secret.size() > 50) return Error{std::string("`secret` of VK must have at most 50 characters")};
  if (vk.confirmation.empty() && vk.webhook_url.empty()) {
    return Error{std::string("`mode: callback` of VK needs `confirmation`, or `http: {public_url: …}` to be set up by itself")};
  }
  return make_vk_transport(client, std::move(vk));
}

}  // namespace

const std::vector<TransportKind>& transport_kinds() {
  static const std::vector<TransportKind> kinds = {
      {"telegram", telegram_capabilities(), {"token", "api", "mode", "username", "proxy"}, make_telegram},
      {"vk", vk_capabilities(),
       {"group", "token", "api", "mode", "confirmation", "secret", "proxy", "remove_webhook"}, make_vk},
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
