#pragma once
#include <cstdint>
#include <string>
#include <string_view>

/// The little JSON that state, outbox and journal need: a writer and a reader that walks
/// through a text once. Both are on the way of every message, hence by hand.
namespace sufler {

/// Appends `text` as a JSON string, quotes included. Broken UTF-8 becomes U+FFFD.
void append_json_string(std::string& out, std::string_view text);
void append_json_number(std::string& out, std::int64_t number);

/// Writes the members of one object, with commas between them.
class ObjectWriter {
 public:
  explicit ObjectWriter(std::string& out) : out_(out) { out_.push_back('{'); }
  void end() { out_.push_back('}'); }
  /// The text, to which the member's value is to be appended; `name` is written as it is.
  std::string& name(std::string_view name) {
    comma();
    out_.push_back('"');
    out_ += name;
    out_ += "\":";
    return out_;
  }
  void text(std::string_view key, std::string_view value) {  ///< left out when empty
    if (!value.empty()) append_json_string(name(key), value);
  }
  void flag(std::string_view key, bool value) {  ///< left out when false
    if (value) name(key) += "true";
  }
  void number(std::string_view key, std::int64_t value) { append_json_number(name(key), value); }

 protected:
  void comma() {
    if (!first_) out_.push_back(',');
    first_ = false;
  }

  std::string& out_;

 private:
  bool first_ = true;
};

/// Reads JSON piece by piece. After the first mistake every call fails, so callers may look once,
/// at the end. Does not throw, recurses nowhere.
class JsonReader {
 public:
  explicit JsonReader(std::string_view json) : rest_(json) {}

  /// Moves behind `mark`, one of `{ } [ ] : ,`, when it comes next.
  bool take(char mark) {
    if (peek() != mark || rest_.empty()) return false;
    rest_.remove_prefix(1);
    return true;
  }
  /// The next character that is not white space; 0 at the end.
  char peek() {
    while (!rest_.empty() && (rest_[0] == ' ' || rest_[0] == '\n' || rest_[0] == '\r' || rest_[0] == '\t')) rest_.remove_prefix(1);
    return ok_ && !rest_.empty() ? rest_[0] : '\0';
  }
  bool read_string(std::string& out);
  bool read_int(std::int64_t& out);
  bool read_bool(bool& out);
  bool read_null();
  /// Nothing but white space is left.
  bool at_end();
  /// What has not been read yet: for whoever copies a part as it is.
  std::string_view rest() const { return rest_; }
  bool ok() const { return ok_; }
  bool fail() {
    ok_ = false;
    return false;
  }

  /// Calls `read_value(name)` for each member of an object; it must read the member's value.
  template <class ReadValue>
  bool read_object(ReadValue read_value) {
    if (!take('{')) return fail();
    if (take('}')) return true;
    std::string name;
    do {
      if (!read_string(name) || !take(':') || !read_value(name)) return fail();
    } while (take(','));
    return take('}') || fail();
  }
  /// Calls `read_item()` for each item of an array.
  template <class ReadItem>
  bool read_array(ReadItem read_item) {
    if (!take('[')) return fail();
    if (take(']')) return true;
    do {
      if (!read_item()) return fail();
    } while (take(','));
    return take(']') || fail();
  }

 private:
  bool take_word(std::string_view word);
  bool read_escape(std::string& out);
  bool read_hex4(char32_t& out);

  std::string_view rest_;
  bool ok_ = true;
};

/// Reads any value and forgets it. Plain numbers are integers.
bool pass_over(JsonReader& json, int depth = 0);

}  // namespace sufler
