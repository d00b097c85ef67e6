#pragma once
#include <string>
#include <string_view>

/// RE2 patterns of scenarios. Compiled once for each thread and remembered: a memo, so step() stays pure.
namespace sufler {

bool matches_whole(const std::string& pattern, std::string_view text);
bool matches_somewhere(const std::string& pattern, std::string_view text);

}  // namespace sufler
