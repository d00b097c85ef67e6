#pragma once
#include "interpreter/core/json_text.h"
#include "interpreter/core/message.h"

namespace sufler {

/// The reading side of `append_json(std::string&, const Attachment&)`.
bool read_attachment(JsonReader& json, Attachment& file);
/// The reading side of `to_json(const Message&)`.
bool read_message(JsonReader& json, Message& message);

}  // namespace sufler
