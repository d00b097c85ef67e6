#pragma once
#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

namespace sufler {

/// Notices when the files of scenarios are saved, however an editor does it: over the old file, or beside it and
/// renamed. Talks, hidden files and an editor's drafts count for nothing.
class ScenarioWatch {
 public:
  /// Whoever saves many files at once, or uploads them, is waited for.
  static constexpr std::chrono::milliseconds kQuiet{300};
  /// And not longer than this.
  static constexpr std::chrono::milliseconds kMost{3'000};

  /// `scenarios`: files or folders, by bot. What is saved from now on is noticed; before they are read, so that nothing
  /// is missed between.
  explicit ScenarioWatch(std::map<std::string, std::string> scenarios);
  ScenarioWatch(const ScenarioWatch&) = delete;
  ScenarioWatch& operator=(const ScenarioWatch&) = delete;
  ~ScenarioWatch();

  /// `saved` is called on a thread of this one's, once for a burst of changes.
  void begin(std::function<void(const std::string& bot)> saved);
  /// Why nothing is noticed, one line; empty when all is well.
  const std::string& trouble() const { return trouble_; }

 private:
  void run();
  void watch(const std::string& bot, const std::string& scenario);
  void watch_folder(const std::string& bot, const std::string& folder, const std::string& only);
  /// Bots that something was saved for.
  std::vector<std::string> read_events();

  struct Watched {
    std::string bot, folder;
    std::string only;  ///< the one file that counts; empty: all
  };
  std::map<std::string, std::string> scenarios_;
  std::function<void(const std::string&)> saved_;
  std::multimap<int, Watched> watched_;  ///< by inotify's number: several bots may have one scenario
  int inotify_ = -1, wake_ = -1;
  std::string trouble_;
  std::thread thread_;
};

}  // namespace sufler
