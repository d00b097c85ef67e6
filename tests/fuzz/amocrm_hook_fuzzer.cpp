// What anybody may send to the addresses that amoCRM calls: forms with nested keys, and JSON of the chats.
#include "fuzz/targets.h"
#include "interpreter/core/crm_chat.h"
#include "interpreter/core/text.h"
#include "interpreter/services/amocrm/chat_hook.h"
#include "interpreter/services/amocrm/chat_signature.h"
#include "interpreter/services/amocrm/webhook_form.h"

namespace sufler::fuzz {
namespace {

using namespace amocrm;

std::size_t depth_of(const FormNode& node) {
  std::size_t deepest = 0;
  for (const auto& [key, entry] : node.entries) deepest = std::max(deepest, depth_of(entry) + 1);
  return deepest;
}

}  // namespace

void play_amocrm_hook(std::string_view bytes) {
  const FormLimits limits{100, 6};
  if (const auto form = decode_form(bytes, limits)) {
    require(depth_of(*form) <= limits.depth, "a form is no deeper than allowed");
    for (const HookItem& item : hook_items(*form)) {
      require(!item.id.empty(), "an item is about something");
      require(key_of(item).empty() == item.last_modified.empty(), "a repetition is known by its time");
    }
  }
  if (const auto hook = decode_chat_hook(bytes)) {
    require(is_utf8(hook->text) && is_utf8(hook->manager), "what a manager says is a text");
    for (const Attachment& file : hook->attachments) require(!file.reference.empty(), "a file lies somewhere");
  }
  if (const auto history = decode_chat_history(bytes, "chat", "bot")) {
    require(history->managers.size() <= history->count, "no message is two");
    for (const ChatHook& one : history->managers) require(!one.message.empty() && is_utf8(one.text), "what a manager wrote has a name and is a text");
  }
  if (const auto conversation = read_conversation(bytes)) {
    const auto again = read_conversation(to_string(*conversation));
    require(again && *again == *conversation, "a conversation reads back");
  }
  require(!is_signed("secret", bytes, "no signature"), "what is not signed is not taken");
}

}  // namespace sufler::fuzz
