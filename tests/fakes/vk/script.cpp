#include "fakes/vk/script.h"

namespace sufler::fakes::vk {
namespace {

class Script {
 public:
  explicit Script(std::string_view text) : text_(text) {}

  std::vector<ScriptCall> read(bool& list) {
    word("return");
    list = take('[');
    std::vector<ScriptCall> calls;
    if (!(list && take(']'))) {
      do {
        calls.push_back(call());
      } while (list && take(','));
      if (list && !take(']')) fail("']' expected");
    }
    if (!take(';')) fail("';' expected");
    space();
    if (at_ != text_.size()) fail("end expected");
    return calls;
  }

 private:
  [[noreturn]] void fail(const std::string& why) const {
    throw api_error(12, why + ", '" + std::string(text_.substr(at_, 10)) + "' found");
  }
  void space() {
    while (at_ < text_.size() &&
           std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) {
      ++at_;
    }
  }
  bool take(char wanted) {
    space();
    if (at_ >= text_.size() || text_[at_] != wanted) return false;
    ++at_;
    return true;
  }
  void word(std::string_view wanted) {
    space();
    if (text_.substr(at_, wanted.size()) != wanted) fail("'" + std::string(wanted) + "' expected");
    at_ += wanted.size();
  }
  ScriptCall call() {
    word("API.");
    const std::size_t open = text_.find('(', at_);
    if (open == std::string_view::npos) fail("'(' expected");
    ScriptCall out;
    out.method = std::string(text_.substr(at_, open - at_));
    at_ = open + 1;
    if (take(')')) return out;
    space();
    const std::size_t from = at_;
    int depth = 0;
    bool quoted = false;
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (quoted && c == '\\') {
        ++at_;
      } else if (c == '"') {
        quoted = !quoted;
      } else if (!quoted && (c == '{' || c == '[')) {
        ++depth;
      } else if (!quoted && (c == '}' || c == ']') && --depth == 0) {
        ++at_;
        break;
      }
    }
    out.params = Json::parse(text_.substr(from, at_ - from), nullptr, false);
    if (!out.params.is_object()) fail("the fake knows only JSON objects as parameters");
    if (!take(')')) fail("')' expected");
    return out;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

std::vector<ScriptCall> read_script(std::string_view code, bool& list) {
  return Script(code).read(list);
}

}  // namespace sufler::fakes::vk
