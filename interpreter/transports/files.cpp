#include "interpreter/transports/files.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "interpreter/core/text.h"

namespace sufler {
namespace {

constexpr std::size_t kNameCodePoints = 120;

}  // namespace

std::string scenario_file(const std::string& folder, const std::string& reference) {
  namespace fs = std::filesystem;
  if (folder.empty() || reference.empty()) return {};
  std::error_code failed;
  const fs::path root = fs::canonical(folder, failed);
  if (failed) return {};
  const fs::path file = fs::canonical(root / fs::path(reference), failed);
  if (failed || !fs::is_regular_file(file, failed)) return {};
  const auto [at, rest] = std::mismatch(root.begin(), root.end(), file.begin(), file.end());
  return at == root.end() ? file.string() : std::string();
}

std::string clean_file_name(std::string_view name) {
  if (const std::size_t slash = name.find_last_of("/\\"); slash != std::string_view::npos) {
    name.remove_prefix(slash + 1);
  }
  std::string out;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < name.size() && kept < kNameCodePoints;) {
    const char32_t c = next_code_point(name, i);
    const bool control = c < 0x20 || (c >= 0x7F && c <= 0x9F);
    // Marks and overrides of direction make `gpj.exe` read as `exe.jpg`.
    const bool direction = c == 0x200E || c == 0x200F || (c >= 0x202A && c <= 0x202E) ||
                           (c >= 0x2066 && c <= 0x2069) || c == 0x061C || c == 0xFEFF;
    if (control || direction) continue;
    append_utf8(out, c);
    ++kept;
  }
  const std::string_view trimmed = trim(out);
  if (trimmed == "." || trimmed == "..") return {};
  return std::string(trimmed);
}

}  // namespace sufler
