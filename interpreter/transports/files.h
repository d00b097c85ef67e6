#pragma once
#include <string>
#include <string_view>

/// Files on their way through any transport.
namespace sufler {

/// The real path of a scenario's file; empty when it lies outside of the folder or is no file.
std::string scenario_file(const std::string& folder, const std::string& reference);

/// A file's name as it may be shown and stored: the last part of a path, without control characters and
/// direction marks, at most 120 code points.
std::string clean_file_name(std::string_view name);

}  // namespace sufler
