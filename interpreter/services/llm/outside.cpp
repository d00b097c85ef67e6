#include "interpreter/services/llm/outside.h"

#include <chrono>
#include <memory>
#include <random>

namespace sufler::llm {

Outside outside_of(HttpClient& http, std::uint64_t seed) {
  const auto engine = std::make_shared<std::mt19937_64>(seed != 0 ? seed : std::random_device{}());
  Outside outside;
  outside.http = &http;
  outside.now = [] { return std::chrono::steady_clock::now(); };
  outside.wall = [] {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return Moment{std::chrono::duration_cast<std::chrono::milliseconds>(now).count()};
  };
  outside.chance = [engine] { return std::uniform_real_distribution<double>(0.0, 1.0)(*engine); };
  return outside;
}

}  // namespace sufler::llm
