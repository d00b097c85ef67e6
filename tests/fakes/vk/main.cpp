// The fake as a program, for clients in other languages and for trying a bot by hand.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>

#include "fakes/vk/fake_vk.h"

namespace {

int usage(std::FILE* to) {
  std::fputs(
      "fake_vk [--port N] [--group ID --token T]... [--lenient] [--rate-limit] [--long-poll]\n"
      "        [--echo mixed|before|after|never] [--callback-time-scale X]\n"
      "Prints the address of the server and serves until it is interrupted. See README.md.\n",
      to);
  return to == stdout ? 0 : 2;
}

}  // namespace

int main(int argc, char** argv) {
  using sufler::fakes::VkEcho;
  sufler::fakes::FakeVkOptions options;
  bool long_poll = false;
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    const auto is = [&name](const char* option) { return name == option; };
    if (is("--help")) return usage(stdout);
    if (is("--lenient")) {
      options.strict = false;
    } else if (is("--rate-limit")) {
      options.rate_limit = true;
    } else if (is("--long-poll")) {
      long_poll = true;
    } else if (i + 1 < argc && is("--port")) {
      options.port = std::atoi(argv[++i]);
    } else if (i + 1 < argc && is("--group")) {
      options.communities.emplace_back().group_id = std::atoll(argv[++i]);
    } else if (i + 1 < argc && is("--token") && !options.communities.empty()) {
      options.communities.back().token = argv[++i];
    } else if (i + 1 < argc && is("--echo")) {
      const std::string echo = argv[++i];
      options.echo = echo == "before"  ? VkEcho::BeforeAnswer
                     : echo == "after" ? VkEcho::AfterAnswer
                     : echo == "never" ? VkEcho::Never
                                       : VkEcho::Mixed;
    } else if (i + 1 < argc && is("--callback-time-scale")) {
      options.callback_time_scale = std::atof(argv[++i]);
    } else {
      return usage(stderr);
    }
  }
  if (options.communities.empty()) {
    options.communities.push_back(
        {sufler::fakes::kVkTestGroup, std::string(sufler::fakes::kVkTestToken)});
  }
  for (auto& community : options.communities) community.long_poll = long_poll;
  // Blocked before any thread starts, so that only sigwait below sees them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  try {
    const sufler::fakes::FakeVk fake(options);
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
