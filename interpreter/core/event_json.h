#pragma once
#include <string>

#include "interpreter/core/event.h"

namespace sufler {

void append_json(std::string& out, const Event& event);

}  // namespace sufler
