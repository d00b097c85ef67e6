#include "interpreter/transports/listener/request.h"

#include <algorithm>
#include <charconv>

namespace sufler::listening {
namespace {

constexpr std::size_t kFirstLine = 8'000;  // httplib's own bound lies above
constexpr std::size_t kHeaders = 100;
constexpr std::size_t kChunkLine = 256;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

}  // namespace

std::string lowered(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = lower(c);
  return out;
}

bool has_word(std::string_view list, std::string_view word) {
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    if (lowered(trimmed(list.substr(0, comma))) == word) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

int read_head(std::string_view text, Head& head) {
  if (std::any_of(text.begin(), text.end(), [](char c) {
        return c == 0x7F || (static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\r' && c != '\n');
      })) {
    return 400;
  }
  bool first = true;
  int hosts = 0;
  bool has_length = false;
  bool http_1_1 = true;
  int late = 0;  // a refusal that a malformed head goes before
  for (;;) {
    const std::size_t end = std::min(text.find("\r\n"), text.size());
    const std::string_view line = text.substr(0, end);
    if (line.find_first_of("\r\n") != std::string_view::npos) return 400;
    if (first) {
      const std::size_t target = line.find(' ');
      const std::size_t version = line.rfind(' ');
      if (target == std::string_view::npos || target == version || !is_token(line.substr(0, target)) ||
          line[target + 1] != '/' || line.find_first_of(" \t", target + 1) != version) {
        return 400;
      }
      http_1_1 = line.substr(version + 1) == "HTTP/1.1";
      if (!http_1_1 && line.substr(version + 1) != "HTTP/1.0") return 400;
      if (line.size() > kFirstLine) return 414;
      head.method = line.substr(0, target);
      head.line = line;
      first = false;
    } else {
      const std::size_t colon = line.find(':');
      if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) return 400;
      if (head.headers.size() == kHeaders) return 431;
      head.headers.emplace_back(lowered(line.substr(0, colon)), trimmed(line.substr(colon + 1)));
      const auto& [name, value] = head.headers.back();
      if (name == "content-length") {
        const auto read = std::from_chars(value.data(), value.data() + value.size(), head.length);
        if (has_length || value.empty() || read.ptr != value.data() + value.size()) return 400;
        // More than a number holds is too much, and no mistake of writing.
        if (read.ec != std::errc()) late = 413;
        has_length = true;
      } else if (name == "transfer-encoding") {
        if (head.chunked || lowered(value) != "chunked") return 400;
        head.chunked = true;
      } else if (name == "host") {
        ++hosts;
      } else if (name == "connection") {
        head.close = head.close || has_word(value, "close");
      } else if (name == "expect") {
        head.wants_continue = lowered(value) == "100-continue";
        if (!head.wants_continue) late = 417;
      } else if (name == "content-encoding" && lowered(value) != "identity") {
        late = 415;
      }
    }
    if (end == text.size()) break;
    text.remove_prefix(end + 2);
  }
  if (has_length && head.chunked) return 400;
  if (hosts > 1 || (http_1_1 && hosts == 0) || (!http_1_1 && head.chunked)) return 400;
  head.close = head.close || !http_1_1;
  return late;
}

Chunks::Now Chunks::read(std::string& in, std::string& body, std::size_t limit) {
  std::size_t at = 0;
  const Now now = read(in, at, body, limit);
  in.erase(0, at);
  return now;
}

Chunks::Now Chunks::read(std::string_view in, std::size_t& at, std::string& body, std::size_t limit) {
  for (;;) {
    if (left_ > 0) {
      const std::size_t some = std::min(left_, in.size() - at);
      body.append(in, at, some);
      at += some;
      left_ -= some;
      if (left_ > 0) return Now::More;
      ending_ = true;
    }
    const std::size_t end = in.find("\r\n", at);
    if (end == std::string_view::npos) return in.size() - at > kChunkLine ? Now::Bad : Now::More;
    const std::string_view line = in.substr(at, end - at);
    if (line.size() > kChunkLine) return Now::Bad;
    at = end + 2;
    if (ending_) {
      if (!line.empty()) return Now::Bad;
      ending_ = false;
    } else if (trailers_ > 0) {
      if (line.empty()) return Now::Whole;
      if (++trailers_ > 16) return Now::Bad;
    } else {
      const std::string_view size = trimmed(line.substr(0, line.find(';')));
      const auto read = std::from_chars(size.data(), size.data() + size.size(), left_, 16);
      if (size.empty() || read.ptr != size.data() + size.size()) return Now::Bad;
      if (read.ec != std::errc() || left_ > limit - std::min(limit, body.size())) return Now::TooLarge;
      if (left_ == 0) trailers_ = 1;
    }
  }
}

}  // namespace sufler::listening
