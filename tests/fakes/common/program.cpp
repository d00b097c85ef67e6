#include "fakes/common/program.h"

#include <csignal>
#include <cstdio>
#include <exception>

namespace sufler::fakes {
namespace {

sigset_t ending_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  return signals;
}

}  // namespace

int run_program(const std::function<int()>& body) {
  // Blocked before any thread starts, so that only sigwait below sees them.
  const sigset_t signals = ending_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  try {
    return body();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}

void serve_until_interrupted(const std::string& url) {
  std::printf("%s\n", url.c_str());
  std::fflush(stdout);
  const sigset_t signals = ending_signals();
  int received = 0;
  sigwait(&signals, &received);
}

}  // namespace sufler::fakes
