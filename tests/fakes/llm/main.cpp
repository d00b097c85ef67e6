// The fake as a program, for clients in other languages and for trying a bot by hand.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "fakes/common/program.h"
#include "fakes/llm/fake_llm.h"

namespace {

int usage(std::FILE* to) {
  std::fputs(
      "fake_llm [--port N] [--kind KIND] [--key KEY] [--model NAME]... [--context TOKENS]\n"
      "Prints the address of the server and serves until it is interrupted. See README.md.\n",
      to);
  return to == stdout ? 0 : 2;
}

}  // namespace

int main(int argc, char** argv) {
  sufler::fakes::FakeLlmOptions options;
  bool models = false;
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (name == "--help") return usage(stdout);
    if (i + 1 >= argc) return usage(stderr);
    const char* value = argv[++i];
    if (name == "--port") {
      options.port = std::atoi(value);
    } else if (name == "--kind") {
      options.kind = value;
    } else if (name == "--key") {
      options.key = value;
    } else if (name == "--model") {
      if (!models) options.models.clear();
      models = true;
      options.models.emplace_back(value);
    } else if (name == "--context") {
      options.context_tokens = std::atoll(value);
    } else {
      return usage(stderr);
    }
  }
  return sufler::fakes::run_program([&options] {
    const sufler::fakes::FakeLlm fake(options);
    sufler::fakes::serve_until_interrupted("http://127.0.0.1:" + std::to_string(fake.port()));
    return 0;
  });
}
