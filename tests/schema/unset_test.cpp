// Uses of variables that are guarded in ways of their own: nothing is said of them.
#include <gtest/gtest.h>

#include <string>

#include "schema/loader.h"

namespace sufler {
namespace {

/// What `check` says of the branches, with a few questions beside them.
std::string said(const std::string& yaml) {
  Loaded loaded = load_scenario_text({{"scenario.yaml", "scenario: test\nlanguage: en\n" + yaml +
                                                            "questions:\n"
                                                            "  kind: {text: \"Kind?\", type: choice, options: [a, b, c]}\n"
                                                            "  sure: {text: \"Sure?\", type: yes_no}\n"
                                                            "  name: Name?\n"}});
  std::string codes;
  for (const Diagnostic& one : loaded.diagnostics.sorted()) {
    if (code_of(one.id) == "S213") continue;  // not every case asks every question
    codes += std::string(code_of(one.id)) + " " + one.arguments[0] + "\n";
  }
  return codes;
}

TEST(UnsetTest, NothingIsSaidWhereEveryWaySets) {
  EXPECT_EQ(said("branches:\n"
                 "  start:\n"
                 "    - ask: kind\n"
                 "    - if: kind == 'a'\n"
                 "      then: [set: {x: 1}]\n"
                 "      else: [set: {x: 2}]\n"
                 "    - say: \"{{ x }}\"\n"),
            "");
  EXPECT_EQ(said("branches:\n"
                 "  start:\n"
                 "    - ask: kind\n"
                 "    - match: kind\n"
                 "      cases:\n"
                 "        a: [set: {x: 1}]\n"
                 "        b: [set: {x: 2}]\n"
                 "        c: start\n"
                 "    - say: \"{{ x }}\"\n"),
            "");
  EXPECT_EQ(said("branches:\n"
                 "  start:\n"
                 "    - call: make\n"
                 "    - say: \"{{ x }}\"\n"
                 "  make:\n"
                 "    - set: {x: 1}\n"),
            "");
}

TEST(UnsetTest, NothingIsSaidWhereConditionsHangTogether) {
  EXPECT_EQ(said("branches:\n"
                 "  start:\n"
                 "    - ask: kind\n"
                 "    - ask: name\n"
                 "      when: kind == 'a'\n"
                 "    - say: \"{{ name }}\"\n"
                 "      when: kind == 'a'\n"
                 "    - if: kind == 'a'\n"
                 "      then: special\n"
                 "  special:\n"
                 "    - say: \"{{ name }}\"\n"),
            "");
  EXPECT_EQ(said("branches:\n"
                 "  start:\n"
                 "    - choose: Which?\n"
                 "      options:\n"
                 "        - {label: One, set: {way: 1, x: 5}}\n"
                 "        - {label: Two, set: {way: 2}}\n"
                 "    - if: way == 1\n"
                 "      then: [say: \"{{ x }}\"]\n"),
            "");
}

TEST(UnsetTest, NothingIsSaidOfGuardedNames) {
  EXPECT_EQ(said("branches:\n"
                 "  start:\n"
                 "    - ask: sure\n"
                 "    - if: sure\n"
                 "      then: [ask: name]\n"
                 "    - say: \"{{ name | default('you') }} {{ name if name else '' }}\"\n"
                 "    - if: name\n"
                 "      then: [say: \"{{ name }}\"]\n"
                 "    - say: \"{{ name }}\"\n"
                 "      when: name != null\n"),
            "");
  EXPECT_EQ(said("branches:\n"
                 "  start:\n"
                 "    - ask: sure\n"
                 "    - ask: when\n"
                 "      text: When?\n"
                 "      ask_when: sure\n"
                 "    - say: \"{{ when }}\"\n"
                 "      when: sure\n"),
            "");
}

TEST(UnsetTest, AQuestionPassedOverLeavesItsNameUnset) {
  const auto with = [](const std::string& fields, const std::string& use) {
    return said("branches:\n"
                "  start:\n"
                "    - ask: sure\n"
                "    - ask: when\n"
                "      text: When?\n"
                "      ask_when: sure\n" +
                fields + "    - say: \"" + use + "\"\n");
  };
  EXPECT_EQ(with("", "{{ when }}"), "S225 when\n");
  EXPECT_EQ(with("", "{{ when | default('now') }}"), "");
  EXPECT_EQ(with("      default: \"'now'\"\n", "{{ when }}"), "");
}

TEST(UnsetTest, NothingIsSaidOfWhatACommandMaySetMeanwhile) {
  EXPECT_EQ(said("branches:\n"
                 "  start:\n"
                 "    - ask: name\n"
                 "    - say: \"{{ name }} {{ code | default('-') }}\"\n"
                 "  redeem:\n"
                 "    - say: \"{{ token | default('-') }}\"\n"
                 "    - set: {code: token}\n"
                 "commands:\n"
                 "  redeem: {on: /redeem, args: [token], call: redeem}\n"),
            "");
  // Not an error, for a command may have set it; but a dialog without that command is certain.
  EXPECT_EQ(said("branches:\n"
                 "  start:\n"
                 "    - ask: name\n"
                 "    - say: \"{{ name }} {{ code }}\"\n"
                 "  redeem:\n"
                 "    - set: {code: 1}\n"
                 "commands:\n"
                 "  redeem: {on: /redeem, call: redeem}\n"),
            "S225 code\n");
}

TEST(UnsetTest, AWayThatComesAroundMaySetIt) {
  EXPECT_EQ(said("branches:\n"
                 "  start:\n"
                 "    - say: \"{{ name }}\"\n"
                 "    - ask: name\n"
                 "    - go: start\n"),
            "S225 name\n");
  EXPECT_EQ(said("branches:\n"
                 "  start:\n"
                 "    - say: \"{{ name }}\"\n"
                 "    - ask: name\n"),
            "S224 name\n");
}

TEST(UnsetTest, ACallSetsWhatItsBranchSetsOnEveryWay) {
  const auto with = [](const std::string& steps) {
    return said("branches:\n"
                "  start:\n"
                "    - ask: kind\n"
                "    - call: details\n"
                "    - say: \"{{ name }}\"\n"
                "  details:\n" +
                steps);
  };
  EXPECT_EQ(with("    - if: kind == 'a'\n"
                 "      then: [ask: name]\n"
                 "      else: [set: {name: \"'you'\"}]\n"),
            "");
  EXPECT_EQ(with("    - if: kind == 'a'\n"
                 "      then: [ask: name]\n"),
            "S225 name\n");
  EXPECT_EQ(with("    - return: kind\n"
                 "      when: kind == 'a'\n"
                 "    - ask: name\n"),
            "S225 name\n");
  EXPECT_EQ(with("    - ask: name\n"
                 "      when: kind == 'a'\n"),
            "S225 name\n");
  EXPECT_EQ(with("    - call: deeper\n"
                 "  deeper:\n"
                 "    - ask: name\n"
                 "      when: kind == 'a'\n"),
            "S225 name\n");
  EXPECT_EQ(with("    - if: kind == 'a'\n"
                 "      then: start\n"
                 "    - ask: name\n"),
            "");
}

TEST(UnsetTest, LoopsAndTheirNamesAreLeftAlone) {
  EXPECT_EQ(said("branches:\n"
                 "  start:\n"
                 "    - set: {total: 0}\n"
                 "    - for: i\n"
                 "      in: [1, 2]\n"
                 "      do:\n"
                 "        - set: {total: total + i, last: i}\n"
                 "    - say: \"{{ total }} {{ last }}\"\n"),
            "");
}

}  // namespace
}  // namespace sufler
