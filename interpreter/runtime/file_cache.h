#pragma once
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace sufler {

/// Files that scenarios send, by their content, so that a platform can be given them from disk. What is missing is
/// brought from the database again; nothing is lost with it. Any number of processes may share a folder.
class FileCache {
 public:
  /// How long a file stays that nobody asks for.
  static constexpr std::chrono::hours kUnused{24 * 30};

  /// `folder` is made when something is put into it. One that belongs to somebody else is not used.
  explicit FileCache(std::string folder) : folder_(std::move(folder)) {}

  /// Where the file lies; empty when it is not here whole. `hash`: SHA-256.
  std::string find(std::string_view hash, std::int64_t size) const;
  /// Gives the path; empty when it cannot be written.
  std::string put(std::string_view hash, std::string_view bytes) const;
  /// Removes what has not been asked for in a long time.
  void tidy() const;

 private:
  std::string path_of(std::string_view hash) const;

  std::string folder_;
};

}  // namespace sufler
