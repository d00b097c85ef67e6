#include "simulation/journal_lines.h"

#include <utility>

namespace sufler::simulation {

std::vector<Said> said_in(const std::string& turn) {
  std::vector<Said> all;
  const auto quoted = [&](std::size_t from) { return turn.substr(from, turn.find('"', from) - from); };
  static const std::string kSay = "{\"say\":{\"text\":\"";
  static const std::string kNotify = "{\"notify\":\"";
  static const std::string kMessage = ",\"message\":{\"text\":\"";
  for (std::size_t at = 0; (at = turn.find("{\"", at)) != std::string::npos; ++at) {
    if (turn.compare(at, kSay.size(), kSay) == 0) all.push_back({quoted(at + kSay.size()), {}});
    if (turn.compare(at, kNotify.size(), kNotify) == 0) {
      Said one{{}, quoted(at + kNotify.size())};
      const std::size_t message = turn.find(kMessage, at);
      if (message != std::string::npos) one.text = quoted(message + kMessage.size());
      all.push_back(std::move(one));
    }
  }
  return all;
}

}  // namespace sufler::simulation
