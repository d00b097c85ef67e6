#include "interpreter/transports/vk/file_reference.h"

#include <algorithm>
#include <charconv>

namespace sufler::vk {
namespace {

bool read_number(std::string_view text, std::int64_t& number) {
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  return !text.empty() && read.ec == std::errc() && read.ptr == text.data() + text.size();
}

/// Without the access key.
std::string_view bare(std::string_view name) {
  const std::size_t first = name.find('_');
  return name.substr(0, first == std::string_view::npos ? first : name.find('_', first + 1));
}

}  // namespace

std::string FileReference::to_string() const {
  if (url.empty()) return name;
  std::string text = name + ' ' + url;
  if (can_be_renewed()) text.append(" ").append(std::to_string(peer)).append(":").append(std::to_string(number));
  return text;
}

FileReference FileReference::parse(std::string_view reference) {
  FileReference read;
  const std::size_t space = reference.find(' ');
  read.name = reference.substr(0, space);
  if (space == std::string_view::npos) return read;
  reference.remove_prefix(space + 1);
  const std::size_t end = reference.find(' ');
  read.url = reference.substr(0, end);
  if (end == std::string_view::npos) return read;
  const std::string_view place = reference.substr(end + 1);
  const std::size_t colon = place.find(':');
  const bool whole = colon != std::string_view::npos && read_number(place.substr(0, colon), read.peer) &&
                     read_number(place.substr(colon + 1), read.number);
  if (!whole) read.peer = read.number = 0;
  return read;
}

bool FileReference::same_file(const FileReference& other) const {
  return !name.empty() && bare(name) == bare(other.name);
}

bool FileReference::can_be_attached() const {
  for (const std::string_view type : {"photo", "video", "audio", "doc", "wall", "market", "poll"}) {
    if (name.compare(0, type.size(), type) != 0) continue;
    const std::string_view rest = std::string_view(name).substr(type.size());
    // `photos…` is another type, and a comma would name a second file.
    return rest.size() > 2 && (rest.front() == '-' || (rest.front() >= '0' && rest.front() <= '9')) &&
           rest.find('_') != std::string_view::npos &&
           std::all_of(rest.begin(), rest.end(), [](char c) {
             return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
                    c == '-';
           });
  }
  return false;
}

}  // namespace sufler::vk
