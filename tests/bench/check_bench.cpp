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

/// As large, with all that the analyses of flow look at: answers, conditions, calls, circles, promises.
std::string large_shop(int branches) {
  std::string text = "scenario: shop\nlanguage: ru\nstart: b0\nbranches:\n";
  for (int i = 0; i < branches; ++i) {
    const std::string number = std::to_string(i), question = std::to_string(i % 100);
    text += "  b" + number + ":\n    - ask: q" + question + "\n";
    text += "    - call: help" + question + "\n      when: q" + question + " == 'a'\n";
    text += "    - choose: \"{{ q" + question + " }}, что дальше?\"\n      options:\n        Дальше: b" +
            std::to_string((i + 1) % branches) + "\n        Назад: b" + std::to_string((i + branches - 1) % branches) + "\n";
    if (i % 100 == 99) text += "        Заказать: order\n";
  }
  for (int i = 0; i < 100; ++i)
    text += "  help" + std::to_string(i) + ":\n    - say: Подсказка\n    - set: {seen: " + std::to_string(i) + "}\n";
  text += "  order:\n    - ask: phone\n    - notify: admins\n      text: \"{{ phone }}\"\nquestions:\n  phone: Телефон?\n";
  for (int i = 0; i < 100; ++i) text += "  q" + std::to_string(i) + ": Вопрос?\n";
  text +=
      "ensure:\n"
      "  - before: {notify: admins}\n    answered: [q0, phone]\n"
      "  - branch: order\n    reaches: [{notify: admins}]\n"
      "  - branch: b7\n    reaches: [{notify: admins}]\n";
  return text;
}

template <class Work>
double seconds_of(Work work) {
  const double begin = cpu_seconds();
  work();
  return cpu_seconds() - begin;
}

void measure(const char* name, const std::string& text) {
  double parse = 1e9, check = 1e9;
  std::string problems;
  for (int round = 0; round < 5; ++round) {
    parse = std::min(parse, seconds_of([&] { YAML::Load(text); }));
    check = std::min(check, seconds_of([&] {
                       sufler::Loaded loaded = sufler::load_scenario_text({{"scenario.yaml", text}});
                       problems.clear();
                       for (const sufler::Diagnostic& one : loaded.diagnostics.sorted())
                         problems += " " + std::string(sufler::code_of(one.id));
                     }));
  }
  std::printf("%s, %.1f MB: yaml-cpp parses in %.3f s, check takes %.3f s: %.2f times; problems:%s\n", name,
              static_cast<double>(text.size()) / 1e6, parse, check, check / parse, problems.c_str());
}

}  // namespace

int main() {
  measure("20000 menus", large_scenario(20'000));
  measure("14000 branches of questions, calls and promises", large_shop(14'000));
  return 0;
}
