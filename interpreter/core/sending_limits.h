#pragma once
#include <cstdint>
#include <string_view>

#include "interpreter/core/value.h"

/// How fast a platform lets a bot speak: transports state it, and the runtime keeps to it.
namespace sufler {

/// At most `most` calls in any `period`; 0: as many as one likes.
struct Window {
  std::uint32_t most = 0;
  Duration period;
};

/// What is known of a platform beforehand. What it answers (429) counts as well, and more.
struct SendingLimits {
  /// To one chat so many at once, and then one every `chat_interval`. 0: no limit.
  std::uint32_t chat_burst = 0;
  Duration chat_interval;
  /// To one group, besides that.
  Window group;
  /// To all chats of one bot.
  Window bot;
  /// Whether several people read the chat; null: none is such.
  bool (*is_group)(std::string_view chat_id) = nullptr;

  bool any() const { return chat_burst > 0 || group.most > 0 || bot.most > 0; }
};

}  // namespace sufler
