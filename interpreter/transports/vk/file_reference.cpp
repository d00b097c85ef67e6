#include "interpreter/transports/vk/file_reference.h"

#include <algorithm>

namespace sufler::vk {

FileReference FileReference::parse(std::string_view reference) {
  FileReference read;
  const std::size_t space = reference.find(' ');
  read.name = reference.substr(0, space);
  if (space != std::string_view::npos) read.url = reference.substr(space + 1);
  return read;
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
