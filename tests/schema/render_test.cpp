#include <gtest/gtest.h>

#include "schema/diagnostic.h"

namespace sufler {
namespace {

struct Example {
  SourceMap sources;
  Diagnostics diagnostics;
};

/// STYLE's example, with its line numbers.
Example booking() {
  Example out;
  const std::uint32_t file = out.sources.add(
      "booking.yaml", "scenario: b\n\n\nbranches:\n  a:\n    - say: x\n      go: farewel\n");
  const auto offset = static_cast<std::uint32_t>(out.sources.text(file).find("farewel"));
  Diagnostic& problem = out.diagnostics.report(DiagnosticId::YamlSyntax, {file, offset, 7});
  suggest(problem, "farewel", {"welcome", "farewell"}, false);
  return out;
}

TEST(RenderTest, TextUnderlinesThePlaceAndSaysTheWayOut) {
  Example one = booking();
  EXPECT_EQ(render_text(one.diagnostics.sorted(), one.sources, Language::English),
            "booking.yaml:7:11: error[S099]: from here on the file cannot be read as YAML\n"
            "  |\n"
            "7 |       go: farewel\n"
            "  |           ^~~~~~~ did you mean `farewell`?\n");
}

TEST(RenderTest, HintsNameOtherPlaces) {
  SourceMap sources;
  const std::uint32_t file = sources.add("a.yaml", "x: 1\ny: 2\n");
  Diagnostics diagnostics;
  Diagnostic& problem = diagnostics.report(DiagnosticId::RepeatedKey, {file, 5, 1}, {"y"});
  problem.hint_en = "did you mean `x`, {0}?";
  problem.related.push_back({"x", {file, 0, 1}});
  EXPECT_EQ(render_text(diagnostics.sorted(), sources, Language::English),
            "a.yaml:2:1: error[S016]: `y` stands here twice\n"
            "  |\n"
            "2 | y: 2\n"
            "  | ^ did you mean `x`, a.yaml:1:1?\n");
}

TEST(RenderTest, UnderlinesAreCountedInCells) {
  SourceMap sources;
  const std::uint32_t file = sources.add("a.yaml", "- 日本😀é: x\n");
  Diagnostics diagnostics;
  const auto offset = static_cast<std::uint32_t>(sources.text(file).find(": x") + 2);
  diagnostics.report(DiagnosticId::YamlSyntax, {file, offset, 1});
  EXPECT_EQ(render_text(diagnostics.sorted(), sources, Language::Russian),
            "a.yaml:1:9: ошибка[S099]: отсюда файл не читается как YAML\n"
            "  |\n"
            "1 | - 日本😀é: x\n"
            "  |            ^\n");
}

TEST(RenderTest, LongLinesAreShownAroundThePlace) {
  SourceMap sources;
  const std::uint32_t file =
      sources.add("a.yaml", std::string(5000, 'a') + "!" + std::string(5000, 'b'));
  Diagnostics diagnostics;
  diagnostics.report(DiagnosticId::YamlSyntax, {file, 5000, 1});
  const std::string text = render_text(diagnostics.sorted(), sources, Language::English);
  EXPECT_LT(text.size(), 600u);
  EXPECT_NE(text.find("aaa!bbb"), std::string::npos);
}

TEST(RenderTest, ControlCharactersNeverReachTheTerminal) {
  SourceMap sources;
  const std::uint32_t file = sources.add("a\x1b[31m.yaml", "a: \x1b[31m\u202e\n");
  Diagnostics diagnostics;
  diagnostics.report(DiagnosticId::RepeatedKey, {file, 3, 1}, {"\x1b]0;x\x07"});
  const std::string text = render_text(diagnostics.sorted(), sources, Language::English);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(text.find('\x07'), std::string::npos);
  EXPECT_EQ(text.find("\u202e"), std::string::npos);
}

TEST(RenderTest, JsonHasTheSettledShape) {
  Example one = booking();
  EXPECT_EQ(render_json(one.diagnostics.sorted(), one.sources, Language::English), R"({
  "problems": [
    {
      "code": "S099",
      "severity": "error",
      "file": "booking.yaml",
      "line": 7,
      "column": 11,
      "end_line": 7,
      "end_column": 18,
      "message": "from here on the file cannot be read as YAML",
      "hint": "did you mean `farewell`?",
      "fixes": [
        {
          "title": "`farewell`",
          "edits": [
            {
              "line": 7,
              "column": 11,
              "end_line": 7,
              "end_column": 18,
              "text": "farewell"
            }
          ]
        }
      ]
    }
  ],
  "errors": 1,
  "warnings": 0
}
)");
}

TEST(RenderTest, JsonOfNothingIsStillJson) {
  EXPECT_EQ(render_json({}, SourceMap(), Language::English),
            "{\n  \"problems\": [],\n  \"errors\": 0,\n  \"warnings\": 0\n}\n");
}

TEST(RenderTest, GithubAnnotationsEscapeWhatTheyMust) {
  SourceMap sources;
  const std::uint32_t file = sources.add("a,b:c.yaml", "x: 100%\n");
  Diagnostics diagnostics;
  diagnostics.report(DiagnosticId::RepeatedKey, {file, 3, 4}, {"100%"});
  EXPECT_EQ(render_github(diagnostics.sorted(), sources, Language::English),
            "::error file=a%2Cb%3Ac.yaml,line=1,col=4,endColumn=7,title=S016::"
            "`100%25` stands here twice\n");
}

TEST(RenderTest, SarifNamesTheRuleThePlaceAndTheFix) {
  Example one = booking();
  const std::string sarif = render_sarif(one.diagnostics.sorted(), one.sources, Language::English);
  for (const char* part :
       {"\"version\": \"2.1.0\"", "\"ruleId\": \"S099\"", "\"uri\": \"booking.yaml\"",
        "\"startColumn\": 11", "\"columnKind\": \"unicodeCodePoints\"", "\"text\": \"farewell\""})
    EXPECT_NE(sarif.find(part), std::string::npos) << part;
}

TEST(DiagnosticsTest, AreSortedByPlaceAndNotRepeated) {
  Diagnostics diagnostics;
  diagnostics.report(DiagnosticId::YamlSyntax, {0, 9, 1});
  diagnostics.report(DiagnosticId::RepeatedKey, {0, 2, 1}, {"a"});
  diagnostics.report(DiagnosticId::RepeatedKey, {0, 2, 1}, {"a"});
  ASSERT_EQ(diagnostics.sorted().size(), 2u);
  EXPECT_EQ(diagnostics.sorted()[0].span.offset, 2u);
}

TEST(DiagnosticsTest, ErrorsBeyondTheLimitStillCount) {
  Diagnostics diagnostics(1);
  diagnostics.report(DiagnosticId::EmptyFile, {});
  EXPECT_FALSE(diagnostics.has_errors());
  diagnostics.report(DiagnosticId::YamlSyntax, {});
  EXPECT_TRUE(diagnostics.has_errors());
}

TEST(FixesTest, OverlappingFixesWaitForTheNextRound) {
  SourceMap sources;
  const std::uint32_t file = sources.add("a.yaml", "abcdef");
  Diagnostics diagnostics;
  diagnostics.report(DiagnosticId::YamlSyntax, {file, 0, 3})
      .fixes.push_back({"", {{{file, 0, 3}, "X"}}, true});
  diagnostics.report(DiagnosticId::YamlSyntax, {file, 2, 2})
      .fixes.push_back({"", {{{file, 2, 2}, "Y"}}, true});
  diagnostics.report(DiagnosticId::YamlSyntax, {file, 5, 1})
      .fixes.push_back({"", {{{file, 5, 1}, "Z"}}, false});
  std::size_t applied = 0;
  EXPECT_EQ(apply_fixes(diagnostics.sorted(), sources, file, &applied), "Xdef");
  EXPECT_EQ(applied, 1u);
}

}  // namespace
}  // namespace sufler
