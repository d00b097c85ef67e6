#pragma once
#include <functional>
#include <string>
#include <string_view>

namespace sufler::llm {

/// Server-sent events out of bytes that come in any pieces: lines end in LF, CRLF or CR, comments are passed over, the
/// `data:` lines of one event are joined by LF. The HTML standard, "Server-sent events".
class SseParser {
 public:
  /// Called for each event that has data. `name` is that of `event:`, mostly empty.
  using OnEvent = std::function<void(std::string_view name, std::string_view data)>;
  explicit SseParser(OnEvent on_event) : on_event_(std::move(on_event)) {}

  void feed(std::string_view bytes);
  /// Nothing more comes. An event whose empty line was lost counts, unlike in the standard.
  void end();
  std::size_t held_bytes() const { return line_.size() + data_.size() + name_.size(); }

 private:
  void take_line();
  void dispatch();

  OnEvent on_event_;
  std::string line_;
  std::string name_;
  std::string data_;
  bool has_data_ = false;
  bool after_return_ = false;  ///< the last byte was a CR: an LF behind it ends nothing more
  bool first_ = true;          ///< a byte-order mark may begin the first line
};

}  // namespace sufler::llm
