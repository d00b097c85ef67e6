#pragma once
#include <string>
#include <vector>

namespace sufler::simulation {

struct Said {
  std::string text;
  std::string to;  ///< empty: the person; else a role or a chat
};

/// What a turn said, out of the journal's line of it.
std::vector<Said> said_in(const std::string& turn);

}  // namespace sufler::simulation
