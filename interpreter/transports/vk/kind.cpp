// VK as the configuration has it.
#include <charconv>

#include "interpreter/transports/registry.h"
#include "interpreter/transports/vk/vk.h"

namespace sufler {
namespace {

MadeTransport make(HttpClient& client, TransportSettings settings) {
  VkSettings vk;
  vk.token = settings.option("token");
  vk.api = settings.option("api", vk.api);
  vk.proxy = settings.option("proxy");
  vk.secret = settings.option("secret");
  vk.confirmation = settings.option("confirmation");
  vk.webhook_url = std::move(settings.webhook_url);
  vk.bot_name = std::move(settings.bot_name);
  vk.scenario_folder = std::move(settings.scenario_folder);
  vk.find_file = std::move(settings.find_file);
  vk.fetch_elsewhere = std::move(settings.fetch_elsewhere);
  const std::string group = settings.option("group");
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
  // The configuration has looked at the number already, and knows its place.
  if (const std::string pace = settings.option("requests_per_second"); !pace.empty()) {
    const auto number = std::from_chars(pace.data(), pace.data() + pace.size(), vk.requests_a_window);
    if (number.ec != std::errc() || number.ptr != pace.data() + pace.size() || vk.requests_a_window < 1) {
      return Error{std::string("`requests_per_second` of VK must be a whole number, 20 for VK itself")};
    }
  }
  const std::string remove = settings.option("remove_webhook", "false");
  if (remove != "true" && remove != "false") {
    return Error{std::string("`remove_webhook` of VK must be true or false")};
  }
  vk.remove_webhook = remove == "true";
  const std::string mode = settings.option("mode", "long_poll");
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

TransportKind vk_kind() {
  return {"vk",
          "VK",
          vk_capabilities(),
          {"group", "token", "api", "requests_per_second", "mode", "confirmation", "secret", "proxy", "remove_webhook"},
          make};
}

}  // namespace sufler
