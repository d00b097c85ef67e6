#pragma once
#include <string>
#include <string_view>

namespace sufler::vk {

/// `Attachment::reference` of a file that VK holds: what names it in a message of ours and where its bytes
/// lie, with a space between: `photo1_2_key https://…`. Either may be empty. The name serves for ever, the
/// address some hours.
struct FileReference {
  std::string name;  ///< `<type><owner>_<id>` or `<type><owner>_<id>_<access key>`
  std::string url;

  std::string to_string() const { return url.empty() ? name : name + ' ' + url; }
  static FileReference parse(std::string_view reference);
  /// Whether `name` is of a type that `messages.send` takes.
  bool can_be_attached() const;
};

}  // namespace sufler::vk
