#include "tools/scenario_watch.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <set>
#include <string_view>
#include <system_error>

namespace sufler {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::uint32_t kChanges =
    IN_CLOSE_WRITE | IN_MODIFY | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF;

/// The loader passes over hidden names; editors write drafts beside the file.
bool counts(std::string_view name) {
  if (name.empty()) return true;
  if (name[0] == '.' || name[0] == '_' || name[0] == '#') return false;
  for (const std::string_view end : {"~", ".swp", ".swx", ".tmp", ".new", ".bak", ".test.yaml"})
    if (name.ends_with(end)) return false;
  // Vim tries whether it may write by a file of this name.
  return name != "4913";
}

}  // namespace

ScenarioWatch::ScenarioWatch(std::map<std::string, std::string> scenarios)
    : scenarios_(std::move(scenarios)),
      inotify_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (inotify_ < 0 || wake_ < 0) {
    trouble_ = "saved files are not noticed: " + std::generic_category().message(errno);
    return;
  }
  for (const auto& [bot, scenario] : scenarios_) watch(bot, scenario);
}

void ScenarioWatch::begin(std::function<void(const std::string& bot)> saved) {
  saved_ = std::move(saved);
  if (inotify_ >= 0 && wake_ >= 0) thread_ = std::thread([this] { run(); });
}

ScenarioWatch::~ScenarioWatch() {
  const std::uint64_t one = 1;
  if (thread_.joinable()) {
    (void)!::write(wake_, &one, sizeof one);
    thread_.join();
  }
  if (inotify_ >= 0) ::close(inotify_);
  if (wake_ >= 0) ::close(wake_);
}

void ScenarioWatch::watch(const std::string& bot, const std::string& scenario) {
  std::error_code failed;
  const fs::path path(scenario);
  if (!fs::is_directory(path, failed)) {
    // The folder, not the file: an editor that renames puts another file in its place.
    watch_folder(bot, path.parent_path().empty() ? "." : path.parent_path().string(), path.filename().string());
    return;
  }
  watch_folder(bot, path.string(), {});
  auto it = fs::recursive_directory_iterator(path, fs::directory_options::skip_permission_denied, failed);
  for (; !failed && it != fs::recursive_directory_iterator(); it.increment(failed)) {
    std::error_code unknown;
    if (!it->is_directory(unknown) || it->is_symlink(unknown)) continue;
    if (!counts(it->path().filename().string())) {
      it.disable_recursion_pending();
      continue;
    }
    watch_folder(bot, it->path().string(), {});
  }
}

void ScenarioWatch::watch_folder(const std::string& bot, const std::string& folder, const std::string& only) {
  const int number = ::inotify_add_watch(inotify_, folder.c_str(), kChanges);
  if (number < 0) {
    if (trouble_.empty())
      trouble_ = "saved files in " + folder + " are not noticed: " + std::generic_category().message(errno);
    return;
  }
  const auto [from, to] = watched_.equal_range(number);
  const bool known = std::any_of(from, to, [&](const auto& one) { return one.second.bot == bot; });
  if (!known) watched_.emplace(number, Watched{bot, folder, only});
}

std::vector<std::string> ScenarioWatch::read_events() {
  std::set<std::string> bots;
  alignas(inotify_event) std::array<char, 16 * 1024> buffer{};
  for (;;) {
    const ssize_t size = ::read(inotify_, buffer.data(), buffer.size());
    if (size <= 0) break;
    for (std::size_t at = 0; at < static_cast<std::size_t>(size);) {
      inotify_event event{};
      std::memcpy(&event, buffer.data() + at, sizeof event);
      const std::string name = event.len > 0 ? std::string(buffer.data() + at + sizeof event) : std::string();
      at += sizeof event + event.len;
      if ((event.mask & IN_Q_OVERFLOW) != 0) {
        for (const auto& [bot, scenario] : scenarios_) bots.insert(bot);
        continue;
      }
      if ((event.mask & IN_IGNORED) != 0) {
        watched_.erase(event.wd);
        continue;
      }
      const auto [from, to] = watched_.equal_range(event.wd);
      for (auto one = from; one != to; ++one) {
        if (!counts(name) || (!one->second.only.empty() && one->second.only != name)) continue;
        bots.insert(one->second.bot);
      }
    }
  }
  return {bots.begin(), bots.end()};
}

void ScenarioWatch::run() {
  std::set<std::string> changed;
  steady_clock::time_point first, last;
  for (;;) {
    int wait = -1;
    if (!changed.empty()) {
      const auto due = std::min(last + kQuiet, first + kMost);
      wait = static_cast<int>(std::max<std::int64_t>(
          0, std::chrono::duration_cast<milliseconds>(due - steady_clock::now()).count() + 1));
    }
    pollfd ends[2] = {{inotify_, POLLIN, 0}, {wake_, POLLIN, 0}};
    const int ready = ::poll(ends, 2, wait);
    if (ready < 0 && errno != EINTR) return;
    if (ends[1].revents != 0) return;
    const auto now = steady_clock::now();
    if (ready > 0) {
      for (std::string& bot : read_events()) {
        if (changed.empty()) first = now;
        last = now;
        changed.insert(std::move(bot));
      }
    }
    if (changed.empty() || now < std::min(last + kQuiet, first + kMost)) continue;
    for (const std::string& bot : changed) {
      // Folders may have come, or be others under the same name.
      watch(bot, scenarios_[bot]);
      saved_(bot);
    }
    changed.clear();
  }
}

}  // namespace sufler
