#pragma once
#include <cstddef>
#include <string>

/// What platforms can and cannot do: transports state it, and `check` warns by it.
namespace sufler {

/// Beyond these a message is degraded, as the transport's `render` says.
struct Capabilities {
  std::size_t message_units = 4096;  ///< UTF-16 units of a text
  std::size_t caption_units = 1024;
  std::size_t label_code_points = 64;
  std::size_t reply_buttons = 100;
  std::size_t inline_buttons = 100;
  bool contact_request = true;
  bool location_request = true;
  bool monospace = true;     ///< `code` in a text
  bool command_menu = true;  ///< a list of the bot's commands
  bool topics = false;       ///< a group can have topics, and the bot can make them
};

/// A platform, as a person knows it.
struct Platform {
  std::string name;   ///< in the configuration: `vk`
  std::string title;  ///< `VK`
  Capabilities can;
};

}  // namespace sufler
