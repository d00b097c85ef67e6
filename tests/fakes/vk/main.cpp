// The fake as a program, for clients in other languages and for trying a bot by hand.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "fakes/common/program.h"
#include "fakes/vk/fake_vk.h"
#include "fakes/vk/load.h"

namespace {

int usage(std::FILE* to) {
  std::fputs(
      "fake_vk [--port N] [--group ID --token T]... [--lenient] [--rate-limit] [--long-poll]\n"
      "        [--echo mixed|before|after|never] [--callback-time-scale X]\n"
      "Prints the address of the server and serves until it is interrupted. See README.md.\n"
      "\n"
      "fake_vk --load --script F [--port N] [--group ID --token T] [--users N] [--dialogs N]\n"
      "        [--warmup N] (--exec COMMAND [--log F] | --pid N) [--latency MS] [--settle MS]\n"
      "        [--start-timeout S] [--stall S] [--timeout S] [--no-echo] [--start-button]\n"
      "Plays a dialog with many users and prints one line of JSON. COMMAND gets VK_API, VK_TOKEN,\n"
      "VK_GROUP and ADMIN_CHAT.\n",
      to);
  return to == stdout ? 0 : 2;
}

}  // namespace

int main(int argc, char** argv) {
  using sufler::fakes::VkEcho;
  sufler::fakes::FakeVkOptions options;
  sufler::fakes::vk::LoadOptions load;
  bool is_load = false;
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
    } else if (is("--load")) {
      is_load = true;
    } else if (is("--no-echo")) {
      load.echo = false;
    } else if (is("--start-button")) {
      load.start_button = true;
    } else if (is("--json")) {  // the result is JSON anyway
    } else if (i + 1 >= argc) {
      return usage(stderr);
    } else if (is("--port")) {
      options.port = load.port = std::atoi(argv[++i]);
    } else if (is("--group")) {
      options.communities.emplace_back().group_id = std::atoll(argv[++i]);
    } else if (is("--token") && !options.communities.empty()) {
      options.communities.back().token = argv[++i];
    } else if (is("--echo")) {
      const std::string echo = argv[++i];
      options.echo = echo == "before"  ? VkEcho::BeforeAnswer
                     : echo == "after" ? VkEcho::AfterAnswer
                     : echo == "never" ? VkEcho::Never
                                       : VkEcho::Mixed;
    } else if (is("--callback-time-scale")) {
      options.callback_time_scale = std::atof(argv[++i]);
    } else if (is("--script")) {
      load.script = argv[++i];
    } else if (is("--users")) {
      load.users = std::atoi(argv[++i]);
    } else if (is("--dialogs")) {
      load.dialogs = std::atoi(argv[++i]);
    } else if (is("--warmup")) {
      load.warmup = std::strtoull(argv[++i], nullptr, 10);
    } else if (is("--exec")) {
      load.exec = argv[++i];
    } else if (is("--pid")) {
      load.pid = std::atoi(argv[++i]);
    } else if (is("--log")) {
      load.log = argv[++i];
    } else if (is("--latency")) {
      load.latency_ms = std::atof(argv[++i]);
    } else if (is("--settle")) {
      load.settle_ms = std::atof(argv[++i]);
    } else if (is("--start-timeout")) {
      load.start_timeout_s = std::atof(argv[++i]);
    } else if (is("--stall")) {
      load.stall_s = std::atof(argv[++i]);
    } else if (is("--timeout")) {
      load.timeout_s = std::atof(argv[++i]);
    } else {
      return usage(stderr);
    }
  }
  if (options.communities.empty()) {
    sufler::fakes::VkCommunity only;
    only.group_id = sufler::fakes::kVkTestGroup;
    only.token = sufler::fakes::kVkTestToken;
    options.communities.push_back(std::move(only));
  }
  for (auto& community : options.communities) community.long_poll = long_poll;
  return sufler::fakes::run_program([&] {
    if (is_load) {
      load.group_id = options.communities.front().group_id;
      load.token = options.communities.front().token;
      return sufler::fakes::vk::run_load(std::move(load));
    }
    const sufler::fakes::FakeVk fake(options);
    sufler::fakes::serve_until_interrupted(fake.url());
    return 0;
  });
}
