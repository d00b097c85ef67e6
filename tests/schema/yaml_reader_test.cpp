#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>

#include "schema/node.h"

namespace sufler {
namespace {

struct Read {
  SourceMap sources;
  Diagnostics diagnostics;
  Document document;

  explicit Read(std::string text) {
    const std::uint32_t file = sources.add("a.yaml", std::move(text));
    document = read_yaml(file, sources, diagnostics);
  }
  std::string codes() {
    std::string out;
    for (const Diagnostic& one : diagnostics.sorted()) {
      if (!out.empty()) out += ' ';
      out += code_of(one.id);
    }
    return out;
  }
  const Node& root() const { return document.root; }
  const Node& value(std::size_t i) const { return document.root.entries.at(i).value; }
  std::string_view slice(const Node& node) const { return sources.slice(node.span); }
};

std::string repeat(std::string_view text, std::size_t times) {
  std::string out;
  out.reserve(text.size() * times);
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

TEST(YamlReaderTest, KeepsTheAuthorsCharacters) {
  const Read read("a: 007\nb: да\nc: null\nd: ~\ne:\nf: 89123456789\ng: 'x'\n");
  EXPECT_EQ(read.value(0).scalar, "007");
  EXPECT_EQ(read.value(1).scalar, "да");
  EXPECT_EQ(read.value(2).scalar, "null");
  EXPECT_EQ(read.value(3).scalar, "~");
  EXPECT_EQ(read.value(4).kind, Node::Kind::Null);
  EXPECT_EQ(read.value(5).scalar, "89123456789");
  EXPECT_FALSE(read.value(5).quoted);
  EXPECT_TRUE(read.value(6).quoted);
}

TEST(YamlReaderTest, SpansCoverScalarsWithTheirQuotes) {
  const Read read(
      "\xEF\xBB\xBF"
      "a: \"раз \\\"два\\\"\"\nb: 'it''s'\nc: |\n  раз\n\n  два\nd: раз\n  два\ne: [x]\n");
  EXPECT_EQ(read.slice(read.value(0)), "\"раз \\\"два\\\"\"");
  EXPECT_EQ(read.slice(read.value(1)), "'it''s'");
  EXPECT_EQ(read.slice(read.value(2)), "|\n  раз\n\n  два");
  EXPECT_EQ(read.slice(read.value(3)), "раз\n  два");
  EXPECT_EQ(read.value(3).scalar, "раз два");
  EXPECT_EQ(read.slice(read.value(4)), "[");
}

TEST(YamlReaderTest, PlacesInsideAScalarAreWhereTheyWereWritten) {
  const Read read("a: при{{x}}\nb: \"a\\n{{x}}\"\nc: 'it''s {{x}}'\nd: |\n  раз\n  {{x}}\n");
  for (std::size_t i = 0; i < 4; ++i) {
    const Node& node = read.value(i);
    const std::size_t at = node.scalar.find("{{x}}");
    EXPECT_EQ(read.sources.slice(span_inside(node, read.sources, at, 5)), "{{x}}") << i;
  }
}

TEST(YamlReaderTest, PlacesAfterAMendAreInTheOriginal) {
  const Read read("a:\n\t\t- say: {{ x }}, раз\n\t\t- go: конец\n");
  const Node& steps = read.value(0);
  ASSERT_EQ(steps.items.size(), 2u);
  EXPECT_EQ(steps.items[0].entries[0].value.scalar, "{{ x }}, раз");
  EXPECT_EQ(read.slice(steps.items[0].entries[0].value), "{{ x }}, раз");
  EXPECT_EQ(read.slice(steps.items[1].entries[0].key), "go");
  EXPECT_EQ(read.slice(steps.items[1].entries[0].value), "конец");
}

TEST(YamlReaderTest, QuestionsInBracketsAreTexts) {
  Read read("a: [Как дела?, Да]\nb: {text: Как вас зовут?, x: 1}\n");
  EXPECT_EQ(read.codes(), "");
  EXPECT_EQ(read.value(0).items[0].scalar, "Как дела?");
  EXPECT_FALSE(read.value(0).items[0].quoted);
  EXPECT_EQ(read.value(1).entries[0].value.scalar, "Как вас зовут?");
  EXPECT_EQ(read.value(1).entries[1].value.scalar, "1");
}

TEST(YamlReaderTest, CorrectYamlGivesNoAlarm) {
  Read read(R"(# comment
scenario: coffee   # comment
time: 09:00
url: https://a.example/b:c?d=e#f
price: от 100 ₽ (скидка 10%)
dash: раз — два – три - четыре
quoted: "скидка: сегодня #тег {{ x }} \" \\ \u0416"
single: 'it''s: fine # yes'
title: «Лотос»
text: «Лотос» открыт
several: раз
  два
   три
block: |
  * раз: два
   # не комментарий
  — три
folded: >-
  @name
  	tab
list:
- a
- b: c
  d: [e, "f: g", {h: i}]
-
  j: k
- - l
  - m
- - 5
- -5
map:
    deep:
        deeper: {a: 1,
          b: 2}
multi: [
  a,
  # comment
  b
]
"key: x": 'y'
empty:
key with spaces: value with # in it
hash: C#
anchor: a & b * c
)");
  EXPECT_EQ(render_text(read.diagnostics.sorted(), read.sources, Language::English), "");
  EXPECT_TRUE(read.document.parsed);
}

TEST(YamlReaderTest, WindowsLineEndsChangeNothing) {
  Read read("a: \"x\"\r\nb:\r\n  - {{ y }}\r\n  - |\r\n    z\r\n\r\n  - q: 1\r\n");
  EXPECT_EQ(read.codes(), "S020");
  EXPECT_EQ(read.value(1).items[0].scalar, "{{ y }}");
  EXPECT_EQ(read.value(1).items[2].entries[0].value.scalar, "1");
}

TEST(YamlReaderTest, OneRunReportsEveryMistake) {
  Read read("a: {{ x }}\nb: *важно* слово\nc: d: e\nf:\n\t- g\nh: \"i\nj: k\n");
  EXPECT_EQ(read.codes(), "S020 S021 S023 S030 S025");
  EXPECT_TRUE(read.document.parsed);
  EXPECT_EQ(read.root().entries.back().value.scalar, "k");
}

/// RELIABILITY, section 4, and more of the same kind: any bytes give an answer, soon.
struct Bomb {
  const char* name;
  std::string text;
  const char* codes;
};

TEST(YamlReaderTest, BombsAreRefusedQuickly) {
  std::string alias_bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n";
  for (char c = 'b'; c < 'j'; ++c) {
    const std::string before = "*" + std::string(1, static_cast<char>(c - 1));
    alias_bomb += std::string(1, c) + ": &" + c + " [" + before;
    for (int i = 0; i < 8; ++i) alias_bomb += "," + before;
    alias_bomb += "]\n";
  }
  std::string nested;
  for (std::size_t i = 0; i < 2000; ++i) nested += std::string(i, ' ') + "a:\n";
  std::string keys;
  for (int i = 0; i < 20000; ++i) keys += "key" + std::to_string(i) + ": v\n";
  const Bomb bombs[] = {
      {"a comma", ",", "S021"},
      {"brackets", std::string(600, '['), "S008"},
      {"many brackets", std::string(1'000'000, '['), "S008"},
      {"question marks", repeat("? ", 100'000), "S015"},
      {"dashes", repeat("- ", 100'000), "S008"},
      {"nested maps", nested, "S008"},
      {"an anchor in itself", "&a [*a]", nullptr},
      {"aliases", alias_bomb, nullptr},
      {"repeated keys", repeat("a: 1\n", 2), "S016"},
      {"a long scalar", "say: " + std::string(5'000'000, 'x'), ""},
      {"many keys", keys, ""},
      {"many entries on a line", "[" + repeat("a,", 1'000'000) + "]", "S009"},
      {"many values", repeat("- a: b\n", 500'000), "S009"},
      {"open quotes", repeat("- \"a\n", 100'000), nullptr},
      {"open brackets", repeat("a: [\n", 100'000), nullptr},
      {"words and brackets", "[" + repeat("a[", 500'000), nullptr},
      {"lines without colons", repeat("a:b\n", 200'000), ""},
      {"escapes", "a: \"" + repeat("\\d", 500'000) + "\"", nullptr},
      {"no-break spaces", repeat("\u00A0", 300'000), nullptr},
  };
  for (const Bomb& bomb : bombs) {
    const std::clock_t start = std::clock();
    Read read(bomb.text);
    const std::clock_t took = std::clock() - start;
    if (bomb.codes) {
      EXPECT_EQ(read.codes(), bomb.codes) << bomb.name;
    } else {
      EXPECT_NE(read.codes(), "") << bomb.name;
    }
    // Time of the processor, so a busy machine does not matter. Under a second in a release build;
    // sanitizers are some ten times slower, and what is quadratic takes minutes.
    EXPECT_LT(took, 10 * CLOCKS_PER_SEC) << bomb.name;
  }
}

TEST(YamlReaderTest, FilesBeyondTheLimitAreRefused) {
  Read read(std::string((16u << 20) + 1, 'a'));
  EXPECT_EQ(read.codes(), "S002");
}

TEST(YamlReaderTest, BytesThatAreNoTextAreRefused) {
  EXPECT_EQ(Read("a: \x80\xff").codes(), "S003");
  EXPECT_EQ(Read("a: \xcf\xf0\xe8\xe2\xe5\xf2").codes(), "S004");
  EXPECT_EQ(Read(std::string("\xff\xfe"
                             "a\0:\0",
                             6))
                .codes(),
            "S005");
  EXPECT_EQ(Read(std::string("a: \0", 4)).codes(), "S006");
  EXPECT_EQ(Read("a: \x1b[31m").codes(), "S006");
  EXPECT_EQ(Read("").codes(), "S007");
}

TEST(YamlReaderTest, AnyPrefixOfAScenarioIsAnswered) {
  const std::string text =
      "scenario: a\nbranches:\n  b:\n    - say: \"x {{ y }}\"\n    - choose: Куда?\n"
      "      options: {Да: [a, 'b'], \"Нет\": |\n        c}\n    - {{ z }}: #d\n\t- *e\n";
  for (std::size_t i = 0; i <= text.size(); ++i) {
    Read whole(text.substr(0, i));
    Read tail(text.substr(i));
    EXPECT_TRUE(whole.document.parsed || whole.diagnostics.has_errors()) << i;
    EXPECT_TRUE(tail.document.parsed || tail.diagnostics.has_errors()) << i;
  }
}

}  // namespace
}  // namespace sufler
