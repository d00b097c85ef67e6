#include "interpreter/transports/vk/receiver.h"

namespace sufler::vk {

void add_event_flags(Fields& fields) {
  fields.emplace_back("api_version", "5.199");
  for (const char* event : {"message_new", "message_reply", "message_edit", "message_event", "message_allow",
                            "message_deny"}) {
    fields.emplace_back(event, "1");
  }
  fields.emplace_back("message_typing_state", "0");
}

}  // namespace sufler::vk
