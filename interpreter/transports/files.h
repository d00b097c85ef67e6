#pragma once
#include <functional>
#include <string>
#include <string_view>

#include "interpreter/core/message.h"

/// Files on their way through any transport.
namespace sufler {

/// A file of the origin `stored`: a scenario's, as the version has it that sends it.
struct FoundFile {
  std::string path;    ///< where it lies
  std::string bytes;   ///< or what it holds
  std::string reason;  ///< not empty: it cannot be had any more
};
/// Finds the file by its `reference`, a SHA-256. Any thread may call; `done` comes once, at once or on the network thread.
using FindFile = std::function<void(const Attachment& file, std::function<void(FoundFile)> done)>;

/// The real path of a scenario's file; empty when it lies outside of the folder or is no file.
std::string scenario_file(const std::string& folder, const std::string& reference);

/// A file's name as it may be shown and stored: the last part of a path, without control characters and
/// direction marks, at most 120 code points.
std::string clean_file_name(std::string_view name);

}  // namespace sufler
