// The fake as a program, for clients in other languages and for trying a bot by hand.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string>

#include "fakes/telegram/fake_telegram.h"

namespace {

int usage(std::FILE* to) {
  std::fputs(
      "fake_telegram [--port N] [--token T [--username NAME]]... [--lenient] [--any-chat]\n"
      "              [--any-photo] [--rate-limit] [--no-repeat-rules] [--webhook-time-scale X]\n"
      "Prints the address of the server and serves until it is interrupted. See README.md.\n",
      to);
  return to == stdout ? 0 : 2;
}

}  // namespace

int main(int argc, char** argv) {
  sufler::fakes::FakeTelegramOptions options;
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    const auto is = [&name](const char* option) { return name == option; };
    if (is("--help")) return usage(stdout);
    if (is("--lenient")) {
      options.strict = false;
    } else if (is("--any-chat")) {
      options.any_chat_exists = true;
    } else if (is("--any-photo")) {
      options.check_images = false;
    } else if (is("--rate-limit")) {
      options.rate_limit = true;
    } else if (is("--no-repeat-rules")) {
      options.repeated_offset_rules = false;
    } else if (i + 1 < argc && is("--port")) {
      options.port = std::atoi(argv[++i]);
    } else if (i + 1 < argc && is("--token")) {
      options.bots.push_back({argv[++i]});
    } else if (i + 1 < argc && is("--username") && !options.bots.empty()) {
      options.bots.back().username = argv[++i];
    } else if (i + 1 < argc && is("--webhook-time-scale")) {
      options.webhook_time_scale = std::atof(argv[++i]);
    } else {
      return usage(stderr);
    }
  }
  // Blocked before any thread starts, so that only sigwait below sees them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  try {
    const sufler::fakes::FakeTelegram fake(options);
    std::printf("%s\n", fake.url().c_str());
    std::fflush(stdout);
    int received = 0;
    sigwait(&signals, &received);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
