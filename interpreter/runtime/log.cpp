#include "interpreter/runtime/log.h"

#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <ctime>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <shared_mutex>
#include <set>
#include <vector>

namespace sufler {
namespace {

/// Longer ones first: what begins with another one is blotted out to its end.
struct LongerFirst {
  using is_transparent = void;
  bool operator()(std::string_view a, std::string_view b) const { return a.size() != b.size() ? a.size() > b.size() : a < b; }
};
struct Secrets {
  std::shared_mutex mutex;
  std::set<std::string, LongerFirst> all;
};
Secrets& secrets() {
  static Secrets instance;
  return instance;
}

struct LogState {
  std::mutex mutex;
  std::shared_ptr<spdlog::logger> logger;
  LogFormat format = LogFormat::Text;
  std::atomic<std::uint64_t> lost{0};
};
LogState& state() {
  static LogState instance;
  return instance;
}

/// Standard error, where a line that cannot be written is counted: spdlog's own sink does not look.
class ErrorOutput final : public spdlog::sinks::base_sink<std::mutex> {
 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    std::size_t done = 0;
    while (done < line.size()) {
      const ssize_t written = ::write(STDERR_FILENO, line.data() + done, line.size() - done);
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) {
        ++state().lost;
        return;
      }
      done += static_cast<std::size_t>(written);
    }
  }
  void flush_() override {}
};

/// Control characters could forge lines or drive a terminal; they are written as \xNN.
std::string one_line(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte == '\n') {
      out += "\\n";
    } else if (byte < 0x20 || byte == 0x7f) {
      static const char* digits = "0123456789abcdef";
      out += "\\x";
      out += digits[byte >> 4];
      out += digits[byte & 15];
    } else {
      out += c;
    }
  }
  return out;
}

/// `2026-03-15T09:00:00.123Z`.
std::string utc_now() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  const std::time_t seconds = static_cast<std::time_t>(ms / 1000);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[40];
  const std::size_t length = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  std::string out(text, length);
  const std::string fraction = std::to_string(1000 + ms % 1000);
  return out.append(".").append(fraction, 1).append("Z");
}

bool is_token_char(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
}

/// `123456:ABC-DEF…`: digits, a colon and at least thirty characters, as Telegram's tokens are.
void hide_token_shapes(std::string& text) {
  std::size_t from = 0;
  for (;;) {
    const std::size_t colon = text.find(':', from);
    if (colon == std::string::npos) return;
    from = colon + 1;
    std::size_t begin = colon;
    while (begin > 0 && text[begin - 1] >= '0' && text[begin - 1] <= '9') --begin;
    std::size_t end = colon + 1;
    while (end < text.size() && is_token_char(text[end])) ++end;
    if (colon - begin >= 5 && end - colon > 30) {
      text.replace(begin, end - begin, "***");
      from = begin + 3;
    }
  }
}

}  // namespace

void hide_secret(std::string_view secret) {
  if (secret.size() < 4) return;
  {
    // Tokens are hidden anew with each use of them.
    std::shared_lock lock(secrets().mutex);
    if (secrets().all.contains(secret)) return;
  }
  std::unique_lock lock(secrets().mutex);
  secrets().all.emplace(secret);
}

std::string redact(std::string_view text) {
  std::string out(text);
  {
    std::shared_lock lock(secrets().mutex);
    for (const std::string& secret : secrets().all) {
      for (std::size_t at = out.find(secret); at != std::string::npos; at = out.find(secret, at + 3))
        out.replace(at, secret.size(), "***");
    }
  }
  hide_token_shapes(out);
  return out;
}

void start_log(LogLevel level, LogFormat format) {
  auto sink = std::make_shared<ErrorOutput>();
  auto logger = std::make_shared<spdlog::logger>("sufler", std::move(sink));
  logger->set_pattern(format == LogFormat::Json ? "%v" : "%Y-%m-%dT%H:%M:%S.%e%z %l %v");
  logger->set_level(level == LogLevel::Debug     ? spdlog::level::debug
                    : level == LogLevel::Info    ? spdlog::level::info
                    : level == LogLevel::Warning ? spdlog::level::warn
                                                 : spdlog::level::err);
  logger->set_error_handler([](const std::string&) { ++state().lost; });
  logger->flush_on(spdlog::level::info);
  std::lock_guard lock(state().mutex);
  state().logger = std::move(logger);
  state().format = format;
}

void write_log(LogLevel level, std::string_view message, LogFields fields) {
  std::shared_ptr<spdlog::logger> logger;
  LogFormat format;
  {
    std::lock_guard lock(state().mutex);
    logger = state().logger;
    format = state().format;
  }
  if (!logger) return;
  const auto spd = level == LogLevel::Debug     ? spdlog::level::debug
                   : level == LogLevel::Info    ? spdlog::level::info
                   : level == LogLevel::Warning ? spdlog::level::warn
                                                : spdlog::level::err;
  if (!logger->should_log(spd)) return;
  if (format == LogFormat::Json) {
    nlohmann::ordered_json line;
    line["time"] = utc_now();
    line["level"] = std::string(spdlog::level::to_string_view(spd).data());
    line["message"] = redact(message);
    for (const auto& [name, value] : fields) line[std::string(name)] = redact(value);
    logger->log(spd, "{}", line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
    return;
  }
  std::string line = one_line(redact(message));
  for (const auto& [name, value] : fields) {
    line += line.empty() ? "" : " ";
    line.append(name).append("=").append(one_line(redact(value)));
  }
  logger->log(spd, "{}", line);
}

std::uint64_t lost_log_lines() { return state().lost; }

}  // namespace sufler
