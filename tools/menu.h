#pragma once
#include <vector>

#include "interpreter/core/program.h"
#include "interpreter/transports/transport.h"

namespace sufler {

/// The bot's menu of commands: those with a description, for everybody. A description is the same for all
/// people, so it may read `settings` and `texts` alone; one that reads more is left out.
std::vector<BotCommandHint> menu_of(const Program& program);

}  // namespace sufler
