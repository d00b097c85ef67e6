#pragma once
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

/// The operator's log. One redactor stands before it: what `hide_secret` was told never appears, and
/// neither does anything that looks like a bot's token. One event, one line.
namespace sufler {

enum class LogLevel : std::uint8_t { Debug, Info, Warning, Error };
enum class LogFormat : std::uint8_t { Text, Json };

/// To standard error. May be called again.
void start_log(LogLevel level, LogFormat format);

using LogFields = std::initializer_list<std::pair<std::string_view, std::string_view>>;
void write_log(LogLevel level, std::string_view message, LogFields fields = {});
/// Lines that could not be written (the disk is full, the pipe is closed).
std::uint64_t lost_log_lines();

/// From now on `secret` is shown as `***` wherever `redact` is asked.
void hide_secret(std::string_view secret);
std::string redact(std::string_view text);

}  // namespace sufler
