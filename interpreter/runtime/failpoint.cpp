#include "interpreter/runtime/failpoint.h"

#ifdef SUFLER_FAILPOINTS
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <deque>
#include <new>
#include <sstream>
#include <string>

namespace sufler {
namespace {

struct Point {
  std::string name, about, action;
  std::atomic<int> left{1};
};

const std::deque<Point>& points() {
  static std::deque<Point>* const all = [] {
    auto* read = new std::deque<Point>;
    const char* setting = std::getenv("SUFLER_FAILPOINTS");
    std::istringstream words(setting == nullptr ? "" : setting);
    for (std::string word; words >> word;) {
      Point& point = read->emplace_back();
      std::istringstream parts(word);
      std::string place, count;
      std::getline(parts, place, ':');
      std::getline(parts, point.action, ':');
      if (std::getline(parts, count)) point.left = std::atoi(count.c_str());
      const std::size_t at = place.find('@');
      point.name = place.substr(0, at);
      if (at != std::string::npos) point.about = place.substr(at + 1);
    }
    return read;
  }();
  return *all;
}

}  // namespace

void failpoint(std::string_view name, std::string_view about) {
  for (const Point& point : points()) {
    if (point.name != name || (!point.about.empty() && point.about != about)) continue;
    // Once reached it stays on: what is to fail always, fails always.
    if (const_cast<Point&>(point).left.fetch_sub(1) > 1) continue;
    if (point.action == "memory") throw std::bad_alloc();
    ::kill(::getpid(), point.action == "segv" ? SIGSEGV : SIGKILL);
    ::pause();
  }
}

}  // namespace sufler
#endif
