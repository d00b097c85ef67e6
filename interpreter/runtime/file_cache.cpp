#include "interpreter/runtime/file_cache.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace sufler {
namespace {

namespace fs = std::filesystem;

/// A file that is asked for counts as used so often.
constexpr std::chrono::hours kTouched{24};

bool is_hash(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

/// In a folder for all (`/tmp`) somebody else may have made it, and put what they like under our names.
bool is_ours(const std::string& folder) {
  struct stat status {};
  return ::lstat(folder.c_str(), &status) == 0 && S_ISDIR(status.st_mode) && status.st_uid == ::geteuid() &&
         (status.st_mode & S_IWOTH) == 0;
}

}  // namespace

std::string FileCache::path_of(std::string_view hash) const {
  // It comes from the database, and becomes a part of a path.
  if (folder_.empty() || !is_hash(hash)) return {};
  return (fs::path(folder_) / std::string(hash)).string();
}

std::string FileCache::find(std::string_view hash, std::int64_t size) const {
  std::string path = path_of(hash);
  std::error_code failed;
  if (path.empty() || !is_ours(folder_) || !fs::is_regular_file(path, failed) ||
      fs::file_size(path, failed) != static_cast<std::uintmax_t>(size) || failed)
    return {};
  const auto now = fs::file_time_type::clock::now();
  const auto used = fs::last_write_time(path, failed);
  if (!failed && now - used > kTouched) fs::last_write_time(path, now, failed);
  return path;
}

std::string FileCache::put(std::string_view hash, std::string_view bytes) const {
  if (std::string known = find(hash, static_cast<std::int64_t>(bytes.size())); !known.empty()) return known;
  const std::string path = path_of(hash);
  if (path.empty()) return {};
  std::error_code failed;
  fs::create_directories(fs::path(folder_).parent_path(), failed);
  if (::mkdir(folder_.c_str(), 0700) != 0 && !is_ours(folder_)) return {};
  // A process that dies amid it leaves no half file under the name, and two do not write into one.
  static std::atomic<unsigned> count{0};
  const std::string draft = path + "." + std::to_string(::getpid()) + "-" + std::to_string(++count) + ".new";
  std::ofstream out(draft, std::ios::binary | std::ios::trunc);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  out.close();
  if (out) fs::rename(draft, path, failed);
  if (!out || failed) {
    fs::remove(draft, failed);
    return {};
  }
  return path;
}

void FileCache::tidy() const {
  std::error_code failed;
  const auto oldest = fs::file_time_type::clock::now() - kUnused;
  for (auto entry = fs::directory_iterator(folder_, failed); !failed && entry != fs::directory_iterator();
       entry.increment(failed)) {
    std::error_code unknown;
    const std::string name = entry->path().filename().string();
    const bool ours = is_hash(std::string_view(name).substr(0, 64)) && fs::is_regular_file(entry->path(), unknown);
    if (ours && fs::last_write_time(entry->path(), unknown) < oldest && !unknown) fs::remove(entry->path(), unknown);
  }
}

}  // namespace sufler
