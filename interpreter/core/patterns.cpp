#include "interpreter/core/patterns.h"

#include <re2/re2.h>

#include <memory>
#include <unordered_map>

namespace sufler {
namespace {

/// More patterns than a process ever plays; a flood of reloads must not keep them all.
constexpr std::size_t kMaxRemembered = 1000;

const re2::RE2& compiled(const std::string& pattern) {
  thread_local std::unordered_map<std::string, std::unique_ptr<re2::RE2>> remembered;
  if (const auto known = remembered.find(pattern); known != remembered.end()) return *known->second;
  if (remembered.size() >= kMaxRemembered) remembered.clear();
  re2::RE2::Options options;
  options.set_log_errors(false);
  return *(remembered[pattern] = std::make_unique<re2::RE2>(pattern, options));
}

}  // namespace

bool matches_whole(const std::string& pattern, std::string_view text) {
  const re2::RE2& re = compiled(pattern);
  return re.ok() && re2::RE2::FullMatch(re2::StringPiece(text.data(), text.size()), re);
}

bool matches_somewhere(const std::string& pattern, std::string_view text) {
  const re2::RE2& re = compiled(pattern);
  return re.ok() && re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), re);
}

}  // namespace sufler
