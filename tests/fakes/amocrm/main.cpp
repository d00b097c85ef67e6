// The fake as a program, for trying a bot by hand.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "fakes/amocrm/fake_amocrm.h"
#include "fakes/common/program.h"

namespace {

int usage(std::FILE* to) {
  std::fputs(
      "fake_amocrm [--port N] [--token TOKEN] [--requests-per-second N]\n"
      "Prints the address of the server and serves until it is interrupted. See README.md.\n",
      to);
  return to == stdout ? 0 : 2;
}

}  // namespace

int main(int argc, char** argv) {
  sufler::fakes::FakeAmocrmOptions options;
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (name == "--help") return usage(stdout);
    if (i + 1 >= argc) return usage(stderr);
    const char* value = argv[++i];
    if (name == "--port") {
      options.port = std::atoi(value);
    } else if (name == "--token") {
      options.token = value;
    } else if (name == "--requests-per-second") {
      options.requests_per_second = static_cast<std::size_t>(std::atoi(value));
    } else {
      return usage(stderr);
    }
  }
  return sufler::fakes::run_program([&options] {
    const sufler::fakes::FakeAmocrm fake(options);
    sufler::fakes::serve_until_interrupted(fake.url());
    return 0;
  });
}
