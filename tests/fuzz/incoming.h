#pragma once
#include "fuzz/targets.h"
#include "interpreter/transports/transport.h"

namespace sufler::fuzz {

/// Whatever a platform sent: what is taken says from whom and where, and its event reads back.
inline void check_taken(const Incoming& incoming) {
  require(!incoming.id.empty() && !incoming.chat.chat_id.empty() && !incoming.person.id.empty(),
          "what comes in says from whom and where");
  const std::string json = to_json(incoming.event);
  Event read;
  require(from_json(json, read), "an event reads back");
  require(to_json(read) == json, "an event reads back as it was");
}

}  // namespace sufler::fuzz
