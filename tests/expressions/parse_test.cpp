#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "expressions/test_scope.h"

namespace sufler {

std::ostream& operator<<(std::ostream& out, ExpressionProblem problem) {
  return out << static_cast<int>(problem);
}

namespace {

using P = ExpressionProblem;
using ::testing::ElementsAre;

struct Mistake {
  std::string source;
  P problem;
  std::uint32_t offset;
  std::uint32_t length;
  std::string found;
  std::string expected;
};

TEST(ExpressionParseTest, SaysWhatIsWrongAndWhere) {
  const std::vector<Mistake> mistakes = {
      {"", P::Empty, 0, 0, "", "value"},
      {"   ", P::Empty, 0, 3, "", "value"},
      {"a b", P::Unexpected, 2, 1, "b", "operator"},
      {"a +", P::Unexpected, 3, 0, "", "value"},
      {"+", P::Unexpected, 1, 0, "", "value"},
      {"a = 1", P::AssignmentSign, 2, 1, "=", "=="},
      {"имя = 'Анна'", P::AssignmentSign, 7, 1, "=", "=="},
      {"a == 'b", P::UnclosedText, 5, 2, "'", ""},
      {"\"a'", P::UnclosedText, 0, 3, "\"", ""},
      {"'a\\'", P::UnclosedText, 0, 4, "'", ""},
      {"(a + 1", P::UnclosedBracket, 0, 1, "(", ")"},
      {"x in [1, 2", P::UnclosedBracket, 5, 1, "[", "]"},
      {"{a: 1", P::UnclosedBracket, 0, 1, "{", "}"},
      {"now(", P::UnclosedBracket, 3, 1, "(", ")"},
      {"a[0", P::UnclosedBracket, 1, 1, "[", "]"},
      {"(a]", P::Unexpected, 2, 1, "]", ")"},
      {"a)", P::Unexpected, 1, 1, ")", "operator"},
      {"12abc", P::BadNumber, 0, 5, "12abc", ""},
      {"1.", P::BadNumber, 0, 2, "1.", ""},
      {"1.2.3", P::BadNumber, 0, 5, "1.2.3", ""},
      {"007", P::BadNumber, 0, 3, "007", ""},
      {"a + 2hours", P::BadNumber, 4, 6, "2hours", ""},
      {"12345678901234567890123456789012345", P::BadNumber, 0, 35,
       "12345678901234567890123456789012345", ""},
      {"a && b", P::Unexpected, 2, 2, "&&", "and"},
      {"a || b", P::Unexpected, 2, 2, "||", "or"},
      {"!a", P::Unexpected, 0, 1, "!", "not"},
      {"a <> b", P::Unexpected, 2, 2, "<>", "!="},
      {"a => b", P::Unexpected, 2, 2, "=>", ">="},
      {"цена − 1", P::Unexpected, 9, 3, "−", "-"},
      {"a == «б»", P::Unexpected, 5, 2, "«", "'"},
      {"a == “b”", P::Unexpected, 5, 3, "“", "'"},
      {"a ? b", P::Unexpected, 2, 1, "?", "operator"},
      {"a == ?", P::Unexpected, 5, 1, "?", "value"},
      {"0 < x < 5", P::Unexpected, 6, 1, "<", "and"},
      {"a == b == c", P::Unexpected, 7, 2, "==", "and"},
      {"a if b", P::Unexpected, 6, 0, "", "else"},
      {"a if b or c)", P::Unexpected, 11, 1, ")", "else"},
      {"and", P::Unexpected, 0, 3, "and", "value"},
      {"a or или", P::Unexpected, 5, 6, "или", "value"},
      {"a.", P::Unexpected, 2, 0, "", "name"},
      {"a.1", P::Unexpected, 2, 1, "1", "name"},
      {"a | 5", P::Unexpected, 4, 1, "5", "filter"},
      {"name | uper", P::UnknownFilter, 7, 4, "uper", ""},
      {"имя | заглавнымы", P::UnknownFilter, 9, 20, "заглавнымы", ""},
      {"x | now", P::UnknownFilter, 4, 3, "now", "function"},
      {"nov()", P::UnknownFunction, 0, 3, "nov", ""},
      {"1 + upper(x)", P::UnknownFunction, 4, 5, "upper", "filter"},
      {"x | join('a', 'b')", P::ArgumentCount, 4, 14, "join", "0-1"},
      {"x | default", P::ArgumentCount, 4, 7, "default", "1"},
      {"x | default()", P::ArgumentCount, 4, 9, "default", "1"},
      {"x | plural('a')", P::ArgumentCount, 4, 11, "plural", "2-4"},
      {"x | upper(1)", P::ArgumentCount, 4, 8, "upper", "0"},
      {"random(1)", P::ArgumentCount, 0, 9, "random", "2"},
      {"today(1)", P::ArgumentCount, 0, 8, "today", "0"},
      {"x | map(name)", P::Unexpected, 8, 4, "name", "'name'"},
      {"x | where(status, 'new')", P::Unexpected, 10, 6, "status", "'status'"},
      {"{1: 2}", P::Unexpected, 1, 1, "1", "name"},
      {"{a 2}", P::Unexpected, 3, 1, "2", ":"},
      {"a; b", P::Unexpected, 1, 1, ";", "operator"},
      {"a \xFF", P::Unexpected, 2, 1, "\xEF\xBF\xBD", "value"},
  };
  for (const Mistake& mistake : mistakes) {
    const auto parsed = Expression::parse(mistake.source);
    ASSERT_FALSE(parsed) << mistake.source;
    const ExpressionError& error = parsed.error();
    EXPECT_EQ(error.problem, mistake.problem) << mistake.source;
    EXPECT_EQ(error.offset, mistake.offset) << mistake.source;
    EXPECT_EQ(error.length, mistake.length) << mistake.source;
    EXPECT_EQ(error.found, mistake.found) << mistake.source;
    EXPECT_EQ(error.expected, mistake.expected) << mistake.source;
  }
}

TEST(ExpressionParseTest, FindsTypesThatCannotGoTogether) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"'a' - 1", "text - number"},
      {"x + ('a' - 1)", "text - number"},
      {"'a' + 1", "text + number"},
      {"1 + null", "number + null"},
      {"x * null", "… * null"},
      {"true + x", "boolean + …"},
      {"x - 'a'", "… - text"},
      {"[1] + 1", "list + number"},
      {"-'a'", "-text"},
      {"'a' == 1", "text == number"},
      {"x | length == '5'", "number == text"},
      {"'a' < 1", "text < number"},
      {"[1] < x", "list < …"},
      {"1 in 'abc'", "number in text"},
      {"1 in 5", "number in number"},
      {"now() + 1", "moment + number"},
      {"today() - today() - today()", "duration - date"},
      {"[1] | upper", "list | upper"},
      {"5 | join", "number | join"},
      {"'a' | round", "text | round"},
      {"x | upper | sum", "text | sum"},
      {"x | round('a')", "round(text)"},
      {"random('a', 1)", "random(text)"},
      {"x | money(5)", "money(number)"},
      {"today().hour", "date.hour"},
      {"'a'.length", "text.length"},
      {"(x | length)[0]", "number[number]"},
      {"[1]['a']", "list[text]"},
  };
  for (const auto& [source, what] : cases) {
    const auto parsed = Expression::parse(source);
    ASSERT_FALSE(parsed) << source;
    EXPECT_EQ(parsed.error().problem, P::TypeMismatch) << source;
    EXPECT_EQ(parsed.error().found, what) << source;
  }
}

TEST(ExpressionParseTest, FindsArgumentsThatCanNeverBeRead) {
  for (const char* source : {"date('15 марта')", "date('2026-02-30')", "duration('скоро')",
                             "x | money('рубли')", "x | date('')", "x | date('Tag')",
                             "x | date('d \\'')", "x | round(100)", "x | round(0.5)"}) {
    const auto parsed = Expression::parse(source);
    ASSERT_FALSE(parsed) << source;
    EXPECT_EQ(parsed.error().problem, P::BadPattern) << source;
  }
  EXPECT_TRUE(Expression::parse("x | date(\"d MMMM 'в' HH:mm\")"));
}

TEST(ExpressionParseTest, CountsNestingAndLength) {
  const auto nested = [](int depth, const std::string& open, const std::string& close) {
    std::string source;
    for (int i = 0; i < depth; ++i) source += open;
    source += "1";
    for (int i = 0; i < depth; ++i) source += close;
    return source;
  };
  for (const auto& [open, close] : std::vector<std::pair<std::string, std::string>>{
           {"(", ")"}, {"[", "]"}, {"- ", ""}, {"not ", ""}, {"{a: ", "}"}, {"1 if 0 else ", ""}}) {
    EXPECT_TRUE(Expression::parse(nested(kMaxExpressionDepth, open, close))) << open;
    for (const int depth : {kMaxExpressionDepth + 1, 5'000}) {
      const auto deep = Expression::parse(nested(depth, open, close));
      ASSERT_FALSE(deep) << open;
      EXPECT_EQ(deep.error().problem, P::TooDeep) << open;
    }
  }
  EXPECT_TRUE(Expression::parse("'" + std::string(kMaxExpressionBytes - 2, 'x') + "'"));
  const auto longer = Expression::parse("'" + std::string(kMaxExpressionBytes - 1, 'x') + "'");
  ASSERT_FALSE(longer);
  EXPECT_EQ(longer.error().problem, P::TooLong);
}

std::vector<std::string> names_of(std::string_view source) {
  std::vector<std::string> shown;
  const auto parsed = Expression::parse(source);
  if (!parsed) return {"?"};
  for (const NameUse& use : parsed->names()) {
    std::string path;
    for (const std::string& part : use.path) path += (path.empty() ? "" : ".") + part;
    shown.push_back(path + "@" + std::to_string(use.offset) + "+" + std::to_string(use.length) +
                    (use.guarded ? "?" : ""));
  }
  return shown;
}

TEST(ExpressionParseTest, TellsTheNamesThatAreRead) {
  EXPECT_THAT(names_of("price * count"), ElementsAre("price@0+5", "count@8+5"));
  EXPECT_THAT(names_of("user.vip and имя"), ElementsAre("user.vip@0+8", "имя@13+6"));
  EXPECT_THAT(names_of("a.b[c].d"), ElementsAre("a.b@0+3", "c@4+1"));
  EXPECT_THAT(names_of("{a: b}"), ElementsAre("b@4+1"));
  EXPECT_THAT(names_of("texts.hello"), ElementsAre("texts.hello@0+11"));
  EXPECT_THAT(names_of("now()"), ElementsAre());
}

TEST(ExpressionParseTest, TellsTheNamesThatMayBeUnset) {
  EXPECT_THAT(names_of("a | default('x')"), ElementsAre("a@0+1?"));
  EXPECT_THAT(names_of("(a + b) | default(c)"), ElementsAre("a@1+1?", "b@5+1?", "c@18+1"));
  EXPECT_THAT(names_of("a == null"), ElementsAre("a@0+1?"));
  EXPECT_THAT(names_of("null != a"), ElementsAre("a@8+1?"));
  EXPECT_THAT(names_of("a == 1"), ElementsAre("a@0+1"));
  EXPECT_THAT(names_of("a + 1 if a else b"), ElementsAre("a@0+1?", "a@9+1?", "b@16+1"));
  EXPECT_THAT(names_of("a or 'x'"), ElementsAre("a@0+1?"));
}

TEST(ExpressionParseTest, KnowsConstantsAndTypes) {
  const auto constant = [](std::string_view source) {
    const auto parsed = Expression::parse(source);
    return parsed ? parsed->constant() : std::nullopt;
  };
  EXPECT_EQ(constant("5"), Value(5));
  EXPECT_EQ(constant("-5"), Value(-5));
  EXPECT_EQ(constant("('a')"), Value("a"));
  EXPECT_EQ(constant("null"), Value());
  EXPECT_EQ(constant("[1, [2]]"), Value(List{1, Value(List{2})}));
  EXPECT_EQ(constant("duration('2h')"), Value(Duration{7'200'000}));
  EXPECT_EQ(constant("2h"), Value(Duration{7'200'000}));
  EXPECT_EQ(constant("1h30m"), Value(Duration{5'400'000}));
  EXPECT_EQ(constant("5м"), Value(Duration{300'000}));
  EXPECT_EQ(constant("date('2026-03-15')"), Value(*Date::from_ymd(2026, 3, 15)));
  EXPECT_EQ(constant("a"), std::nullopt);
  EXPECT_EQ(constant("[a]"), std::nullopt);

  const auto type = [](std::string_view source) { return Expression::parse(source)->known_type(); };
  EXPECT_EQ(type("a"), ValueType::Null);
  EXPECT_EQ(type("a == b"), ValueType::Boolean);
  EXPECT_EQ(type("a * b"), ValueType::Null);  // durations multiply too
  EXPECT_EQ(type("a % b"), ValueType::Number);
  EXPECT_EQ(type("a | upper"), ValueType::Text);
  EXPECT_EQ(type("today() - date('2026-01-01')"), ValueType::Duration);
  EXPECT_EQ(type("1 if a else 2"), ValueType::Number);
  EXPECT_EQ(type("1 if a else 'b'"), ValueType::Null);
  EXPECT_EQ(type("3 | days"), ValueType::Duration);
}

TEST(ExpressionParseTest, TakesConditionsApart) {
  const auto parsed = Expression::parse("area > 40 and (5 >= floor and city == 'a') and (x or y)");
  ASSERT_TRUE(parsed);
  const std::vector<Expression> parts = parsed->conjuncts();
  ASSERT_EQ(parts.size(), 4U);

  ASSERT_TRUE(parts[0].as_comparison());
  EXPECT_THAT(parts[0].as_comparison()->path, ElementsAre("area"));
  EXPECT_EQ(parts[0].as_comparison()->op, ">");
  EXPECT_EQ(parts[0].comparison_value()->constant(), Value(40));

  EXPECT_THAT(parts[1].as_comparison()->path, ElementsAre("floor"));
  EXPECT_EQ(parts[1].as_comparison()->op, "<=");
  EXPECT_EQ(parts[1].comparison_value()->constant(), Value(5));

  EXPECT_EQ(parts[2].as_comparison()->op, "==");
  EXPECT_FALSE(parts[3].as_comparison());
  EXPECT_FALSE(parts[3].comparison_value());
  ASSERT_EQ(parts[3].names().size(), 2U);
  EXPECT_EQ(parts[3].names()[0].offset, 48U);

  const auto turned = Expression::parse("vars.most >= price");
  EXPECT_THAT(turned->as_comparison()->path, ElementsAre("price"));
  EXPECT_EQ(turned->as_comparison()->op, "<=");
  TestScope scope;
  ValueMap vars;
  vars.set("most", 7);
  scope.values["vars"] = Value(std::move(vars));
  EXPECT_EQ(*turned->comparison_value()->evaluate(scope), Value(7));
  EXPECT_FALSE(Expression::parse("a in [1]")->as_comparison());
  EXPECT_FALSE(Expression::parse("1 == 1")->as_comparison());
  const auto among = Expression::parse("a in [x, 1]");
  ASSERT_TRUE(among->as_choice());
  EXPECT_EQ(among->as_choice()->name, "a");
  EXPECT_EQ(among->as_choice()->op, "in");
  EXPECT_EQ(among->choice_value()->names().size(), 1U);
  EXPECT_EQ(Expression::parse("a похоже 'x'")->as_choice()->op, "like");
  for (const char* other : {"a.b in [1]", "'x' in a", "a not in [1]", "a not like 'x'", "a == 1", "1"}) {
    EXPECT_FALSE(Expression::parse(other)->as_choice()) << other;
    EXPECT_FALSE(Expression::parse(other)->choice_value()) << other;
  }
  EXPECT_EQ(Expression::parse("a")->conjuncts().size(), 1U);
  scope.values["x"] = 0;
  scope.values["y"] = true;
  EXPECT_EQ(*parts[3].evaluate(scope), Value(true));
}

TEST(ExpressionParseTest, ListsEveryWordInBothForms) {
  const std::vector<std::string> filters = filter_names();
  const std::vector<std::string> functions = function_names();
  std::size_t rows = 0;
  for (const ExpressionWord& word : expression_words()) {
    EXPECT_FALSE(word.english.empty() || word.russian.empty() || word.usage.empty() ||
                 word.about.empty())
        << word.english;
    if (word.kind == ExpressionWord::Kind::Filter || word.kind == ExpressionWord::Kind::Function)
      ++rows;
  }
  EXPECT_EQ(filters.size() + functions.size(), 2 * rows);
  for (const char* filter :
       {"upper",   "lower",  "capitalize", "trim",  "length", "first", "last",   "join",
        "default", "round",  "number",     "int",   "text",   "money", "date",   "plural",
        "phone",   "mask",   "escape",     "keys",  "values", "sum",   "min",    "max",
        "sort",    "unique", "map",        "where", "among", "days",   "hours", "minutes"}) {
    EXPECT_THAT(filters, ::testing::Contains(filter));
  }
  EXPECT_THAT(functions, ::testing::IsSupersetOf({"now", "today", "random", "date", "duration",
                                                  "weekday", "is_working_time"}));
  EXPECT_TRUE(is_expression_keyword("иначе"));
  EXPECT_FALSE(is_expression_keyword("like"));
}

TEST(ExpressionParseTest, AnyBytesGiveAnExpressionOrAnError) {
  const std::vector<std::string> pieces = {
      "a",     "имя",      "1",      "2.5",   "'x'",      "\"",     "'",      "(",     ")",
      "[",     "]",        "{",      "}",     ",",        ":",      ".",      "|",     "+",
      "-",     "*",        "/",      "%",     "==",       "!=",     "<",      ">=",    "=",
      " and ", " или ",    " not ",  " in ",  " if ",     " else ", " like ", "null",  "true",
      "upper", "default(", "sum",    "now()", "date(",    " ",      "\n",     "\\",    "\xFF",
      "{{",    "}}",       "texts.", "first", "map('a')", "where(", "days",   "\u0306"};
  std::mt19937_64 random(20260315);
  TestScope scope;
  scope.values["a"] = Value(List{1, "b", Value(ValueMap())});
  scope.values["имя"] = 3;
  scope.text("upper", "x {{ texts.upper }}");
  int good = 0;
  for (int round = 0; round < 60'000; ++round) {
    std::string source;
    const std::size_t length = random() % 14;
    for (std::size_t i = 0; i < length; ++i) source += pieces[random() % pieces.size()];
    if (round % 10 == 0) {
      for (char& c : source) {
        if (random() % 8 == 0) c = static_cast<char>(random());
      }
    }
    const auto parsed = Expression::parse(source);
    if (!parsed) {
      EXPECT_LE(parsed.error().offset + parsed.error().length, source.size()) << source;
    } else {
      ++good;
      (void)parsed->evaluate(scope);
      (void)parsed->conjuncts();
      (void)parsed->as_comparison();
      for (const NameUse& use : parsed->names()) EXPECT_LE(use.offset + use.length, source.size());
    }
    const auto text = Template::parse(source);
    if (text) {
      (void)text->render(scope);
    } else {
      EXPECT_LE(text.error().error.offset + text.error().error.length, source.size()) << source;
    }
  }
  EXPECT_GT(good, 1000);
}

}  // namespace
}  // namespace sufler
