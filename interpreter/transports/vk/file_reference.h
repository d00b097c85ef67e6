#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace sufler::vk {

/// `Attachment::reference` of a file that VK holds: what names it in a message of ours and where its bytes
/// lie, with a space between: `photo1_2_key https://… 5:17`. Either may be empty. The name serves for ever, the
/// address some hours; the message that brought the file, by its dialog and its number there, has a fresh one.
struct FileReference {
  std::string name;  ///< `<type><owner>_<id>` or `<type><owner>_<id>_<access key>`
  std::string url;
  std::int64_t peer = 0;
  std::int64_t number = 0;  ///< `conversation_message_id`; 0: not known

  std::string to_string() const;
  static FileReference parse(std::string_view reference);
  /// Whether `name` is of a type that `messages.send` takes.
  bool can_be_attached() const;
  /// Whether a fresh address can be asked for.
  bool can_be_renewed() const { return !name.empty() && !url.empty() && peer > 0 && number > 0; }
  /// Whether both name one file, under whatever access key.
  bool same_file(const FileReference& other) const;
};

}  // namespace sufler::vk
