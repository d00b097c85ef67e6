// What other systems send to an event's address: bodies of JSON and of forms, and what should prove them. The first byte
// says which.
#include <string>

#include "fuzz/targets.h"
#include "interpreter/core/text.h"
#include "interpreter/core/value_json.h"
#include "interpreter/runtime/outside.h"

namespace sufler::fuzz {
namespace {

void check_texts(const Value& value, int depth) {
  require(depth <= kMaxEventDepth + 1, "what was read is no deeper than allowed");
  if (value.text()) require(is_utf8(*value.text()), "texts are UTF-8");
  if (value.list())
    for (const Value& one : *value.list()) check_texts(one, depth + 1);
  if (value.map())
    for (const auto& [name, one] : *value.map()) {
      require(is_utf8(name), "names are UTF-8");
      check_texts(one, depth + 1);
    }
}

}  // namespace

void play_event(std::string_view bytes) {
  if (bytes.empty()) return;
  const unsigned char kind = static_cast<unsigned char>(bytes[0]);
  bytes.remove_prefix(1);
  if (kind % 3 == 2) {
    const std::size_t half = bytes.size() / 2;
    Happening event;
    event.proof = Happening::Proof::HmacSha256;
    require(!is_proven(event, "canary-secret-of-the-fuzzer", bytes.substr(0, half), bytes.substr(half)), "nobody guesses a signature");
    event.proof = Happening::Proof::Secret;
    require(!is_proven(event, {}, bytes.substr(0, half), bytes.substr(half)), "no secret is nobody's");
    return;
  }
  const auto read = read_event_body(bytes, kind % 3 == 1);
  if (!read) {
    require(is_utf8(read.error()) && read.error().size() < 4'096, "a reason is a short text");
    return;
  }
  check_texts(*read, 0);
  if (kind % 3 == 1) require(read->map() != nullptr && read->map()->size() <= kMaxFormFields, "a form is a map of texts");
}

}  // namespace sufler::fuzz
