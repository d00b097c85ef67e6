#pragma once
#include <string>
#include <string_view>

#include "interpreter/core/event.h"

namespace sufler {

void append_json(std::string& out, const Event& event);
/// `message`, `timer`, …: the key of what happened in that JSON.
std::string_view kind_of(const Event& event);

}  // namespace sufler
