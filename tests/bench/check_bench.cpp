// How long `check` takes on a very large scenario, beside yaml-cpp merely parsing the same text. CPU time, the least
// of five rounds of each, taken in turns.
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <string>

#include "schema/loader.h"

namespace {

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

std::string large_scenario(int branches) {
  std::string text = "scenario: large\nlanguage: ru\nstart: b0\nbranches:\n";
  for (int i = 0; i < branches; ++i) {
    const std::string number = std::to_string(i);
    text += "  b" + number + ":\n    - say: Ветка " + number + ", здравствуйте, {{ user.first_name }}!\n";
    text += "    - choose: Что дальше?\n      options:\n        Дальше: b" + std::to_string((i + 1) % branches) +
            "\n        Назад: b" + std::to_string((i + branches - 1) % branches) + "\n";
  }
  return text;
}

template <class Work>
double seconds_of(Work work) {
  const double begin = cpu_seconds();
  work();
  return cpu_seconds() - begin;
}

}  // namespace

int main() {
  const std::string text = large_scenario(20'000);
  double parse = 1e9, check = 1e9;
  std::size_t problems = 0;
  for (int round = 0; round < 5; ++round) {
    parse = std::min(parse, seconds_of([&] { YAML::Load(text); }));
    check = std::min(check, seconds_of([&] {
                       sufler::Loaded loaded = sufler::load_scenario_text({{"scenario.yaml", text}});
                       problems = loaded.diagnostics.sorted().size();
                     }));
  }
  std::printf("%.1f MB, 20000 branches: yaml-cpp parses in %.3f s, check takes %.3f s: %.2f times; %zu problems\n",
              static_cast<double>(text.size()) / 1e6, parse, check, check / parse, problems);
  return 0;
}
