#pragma once
#include <cstdint>
#include <string>

namespace sufler::fakes::vk {

/// The order dialog of the peers' load generator, spoken in VK's protocol; the result is one line
/// of JSON with the same fields, so that the CPU an update takes can be compared with Telegram's.
struct LoadOptions {
  int port = 0;
  std::int64_t group_id = 0;
  std::string token = {};
  std::string script = {};
  int users = 1;
  int dialogs = 1;              ///< of each user
  std::uint64_t warmup = 0;     ///< updates that are not measured
  std::string exec = {};        ///< a shell command that starts the bot
  int pid = 0;                  ///< or the bot that runs already
  std::string log = {};         ///< where the bot's output goes
  double latency_ms = 0;        ///< sends are answered so much later
  double settle_ms = 1000;      ///< before the load
  double start_timeout_s = 60;  ///< until the first long poll
  double stall_s = 15;
  double timeout_s = 120;
  std::int64_t admin = 900001;
  std::int64_t first_user = 1000000;
  bool echo = true;           ///< message_reply for the bot's own messages, if it has them on
  bool start_button = false;  ///< `/start` is the Start button instead of a text
};

/// Returns the exit code: 0 when every reply was right.
int run_load(LoadOptions options);

}  // namespace sufler::fakes::vk
