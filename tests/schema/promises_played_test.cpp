// Promises against the truth: scenarios made by chance are checked and then played by chance. What was proven must hold
// in every talk.
#include <gtest/gtest.h>

#include <random>
#include <set>
#include <string>
#include <vector>

#include "schema/loader.h"
#include "step/dialog.h"

namespace sufler {
namespace {

const std::vector<std::string> kNames = {"n", "y", "c", "o", "x"};

/// A small scenario of everything that leads somewhere; `notify` is what the promises are about.
class ByChance {
 public:
  explicit ByChance(std::uint32_t seed) : random_(seed) {}

  int below(int bound) { return static_cast<int>(random_() % static_cast<std::uint32_t>(bound)); }
  template <class List>
  std::string one(const List& list) {
    return list[static_cast<std::size_t>(below(static_cast<int>(list.size())))];
  }

  std::string scenario() {
    std::string yaml = "scenario: test\nlanguage: en\nstart: b0\nbranches:\n";
    for (int i = 0; i < 5; ++i) yaml += "  b" + std::to_string(i) + ":\n" + steps(1 + below(4), 4, 2, i < 4 ? "" : "t");
    for (int i = 0; i < 2; ++i) yaml += "  h" + std::to_string(i) + ":\n" + steps(1 + below(3), 4, 1, "h");
    yaml += "  aside:\n    - say: Aside.\n";
    yaml +=
        "questions:\n"
        "  n: \"N?\"\n"
        "  y: {text: \"Y?\", type: yes_no}\n"
        "  c: {text: \"C?\", type: choice, options: [a, b]}\n"
        "  o: {text: \"O?\", optional: true}\n";
    yaml += "commands:\n  go_on: {on: /go, go: " + branch() + "}\n";
    if (below(2)) yaml += "  help: {on: /help, call: h" + std::to_string(below(2)) + "}\n";
    if (below(3) == 0) yaml += "fallback: aside\n";
    return yaml;
  }

 private:
  std::string branch() { return "b" + std::to_string(below(5)); }
  std::string condition() {
    return one(std::vector<std::string>{"y", "not y", "c == 'a'", "c != 'a'", "c == 'b'", "x == 1", "x == 2", "x != 1",
                                        "n", "n != null", "y and c == 'a'", "y or x == 1", "not n", "o == null"});
  }
  static std::string pad(int indent) { return std::string(static_cast<std::size_t>(indent), ' '); }

  std::string notify(int indent) {
    std::string text;
    for (const std::string& name : kNames) text += "{{ '" + name + " ' if " + name + " == null else '' }}";
    return pad(indent) + "- notify: admins\n" + pad(indent) + "  text: \"unset {{ '' }}" + text + "\"\n";
  }

  std::string step(int indent, int depth, bool helper) {
    const std::string begin = pad(indent) + "- ";
    const std::string when = below(3) == 0 ? pad(indent) + "  when: " + condition() + "\n" : std::string();
    switch (below(depth > 0 ? 10 : 7)) {
      case 0:
      case 1:
      case 2: return begin + "ask: " + one(std::vector<std::string>{"n", "y", "c", "o"}) + "\n" + when;
      case 3: return begin + "set: {x: " + one(std::vector<std::string>{"1", "2", "null"}) + "}\n" + when;
      case 4: return begin + "say: Text.\n" + when;
      case 5:
        if (helper) return begin + "return: 1\n" + pad(indent) + "  when: " + condition() + "\n";
        return begin + "call: h" + std::to_string(below(2)) + "\n" + when;
      case 6: return notify(indent) + when;
      case 7:
        return begin + "if: " + condition() + "\n" + pad(indent) + "  then:\n" + inner(indent + 4, depth - 1, helper) +
               (below(2) ? pad(indent) + "  else:\n" + inner(indent + 4, depth - 1, helper) : "");
      case 8:
        return begin + "match: c\n" + pad(indent) + "  cases:\n" + pad(indent) + "    a:\n" +
               inner(indent + 6, depth - 1, helper) + pad(indent) + "    b: " + branch() + "\n";
      default: {
        std::string text = begin + "choose: What?\n" + pad(indent) + "  options:\n";
        text += pad(indent) + "    - {label: One, go: " + branch() + "}\n";
        text += pad(indent) + "    - {label: Two, set: {x: " + std::to_string(1 + below(2)) + "}}\n";
        if (!helper && below(2)) text += pad(indent) + "    - {label: Three, call: h" + std::to_string(below(2)) + "}\n";
        if (below(4) == 0) text += pad(indent) + "    - {label: Four, restart: true}\n";
        return text + when;
      }
    }
  }
  std::string inner(int indent, int depth, bool helper) {
    std::string text = step(indent, depth, helper);
    if (below(3) == 0) text += pad(indent) + "- go: " + branch() + "\n";
    return text;
  }
  std::string steps(int count, int indent, int depth, const std::string& kind) {
    std::string text;
    for (int i = 0; i < count; ++i) text += step(indent, depth, kind == "h");
    if (kind == "t") text += notify(indent);
    if (kind.empty() && below(2)) text += pad(indent) + "- go: " + branch() + "\n";
    return text;
  }

  std::mt19937 random_;
};

bool is_rest(const testing::Dialog& dialog) { return dialog.state.waiting.what != Waiting::For::Nothing; }

/// Something that the person might do now.
void act(testing::Dialog& dialog, ByChance& chance, bool commands) {
  std::vector<std::string> texts = {"hello", "yes", "no", "a", "b", "Skip", "One", "Two", "Three", "Four"};
  if (commands) texts.insert(texts.end(), {"/go", "/help", "/start"});
  dialog.says(chance.one(texts));
}

TEST(PromisePlayedTest, WhatIsProvenBeforeANoticeHoldsInEveryTalk) {
  int proven = 0, refuted = 0;
  for (std::uint32_t seed = 1; seed <= 30; ++seed) {
    ByChance chance(seed);
    const std::string yaml = chance.scenario();
    if (load_scenario_text({{"test.yaml", yaml}}).diagnostics.has_errors()) continue;
    std::string promise = "ensure:\n  - before: {notify: admins}\n    answered: [";
    std::vector<std::string> names;
    for (const std::string& name : kNames)
      if (yaml.find("ask: " + name) != yaml.npos || (name == "x" && yaml.find("set: {x") != yaml.npos)) names.push_back(name);
    for (const std::string& name : names) promise += (name == names[0] ? "" : ", ") + name;
    Loaded checked = load_scenario_text({{"test.yaml", yaml + promise + "]\n"}});
    std::set<std::string> broken;
    for (const Diagnostic& one : checked.diagnostics.sorted()) {
      if (code_of(one.id) == "S410") broken.insert(one.arguments[1]);
      if (code_of(one.id) == "S139") broken.insert(names.begin(), names.end());
    }
    refuted += static_cast<int>(broken.size());
    proven += static_cast<int>(names.size() - broken.size());
    if (broken.size() == names.size()) continue;
    const auto program = load_scenario_text({{"test.yaml", yaml}}).program;
    for (int talk = 0; talk < 5; ++talk) {
      testing::Dialog dialog(program);
      for (int turn = 0; turn < 30; ++turn) act(dialog, chance, true);
      for (const NotifyPeople& notice : dialog.notices) {
        for (const std::string& name : names) {
          if (broken.count(name)) continue;
          ASSERT_EQ(to_markup(notice.message.text).find(" " + name + " "), std::string::npos)
              << "seed " << seed << ": " << name << " was proven\n" << yaml;
        }
      }
    }
  }
  // Both must be there, or nothing was tested.
  EXPECT_GT(proven, 5);
  EXPECT_GT(refuted, 5);
}

TEST(PromisePlayedTest, ABranchThatIsProvenToReachANoticeDoesNotEndBefore) {
  int proven = 0, refuted = 0;
  for (std::uint32_t seed = 1; seed <= 30; ++seed) {
    ByChance chance(seed + 10'000);
    const std::string yaml = chance.scenario();
    const auto program = load_scenario_text({{"test.yaml", yaml}}).program;
    if (!program) continue;
    Loaded checked = load_scenario_text(
        {{"test.yaml", yaml + "ensure:\n  - branch: b1\n    reaches: [{notify: admins}]\n"}});
    bool broken = false;
    for (const Diagnostic& one : checked.diagnostics.sorted())
      broken = broken || code_of(one.id) == "S411" || code_of(one.id) == "S139" || code_of(one.id) == "S232";
    ++(broken ? refuted : proven);
    if (broken) continue;
    const StepId first = program->block(program->branch(BranchId{1}).block).steps[0];
    for (int talk = 0; talk < 5; ++talk) {
      testing::Dialog dialog(program);
      bool inside = false;
      for (int turn = 0; turn < 30; ++turn) {
        dialog.trace.clear();
        const std::size_t notices = dialog.notices.size();
        act(dialog, chance, false);
        for (const TraceEntry& entry : dialog.trace)
          inside = inside || (entry.way.what == Way::What::Step && entry.way.step == first);
        // Of several in one turn it is not known which came first.
        if (dialog.notices.size() > notices) inside = false;
        ASSERT_TRUE(!inside || is_rest(dialog) || !dialog.faults.empty()) << "seed " << seed << "\n" << yaml;
        inside = inside && is_rest(dialog);
      }
    }
  }
  EXPECT_GT(proven, 0);
  EXPECT_GT(refuted, 5);
}

}  // namespace
}  // namespace sufler
