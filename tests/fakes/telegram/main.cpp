// The fake as a program, for clients in other languages and for trying a bot by hand.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "fakes/common/program.h"
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
  return sufler::fakes::run_program([&options] {
    const sufler::fakes::FakeTelegram fake(options);
    sufler::fakes::serve_until_interrupted(fake.url());
    return 0;
  });
}
