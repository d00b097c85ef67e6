#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "expressions/test_scope.h"
#include "interpreter/core/phrases.h"

namespace sufler {
namespace {

class TemplateTest : public ::testing::Test {
 protected:
  TemplateTest() {
    ValueMap user;
    user.set("first_name", "Анна");
    scope.values["user"] = Value(std::move(user));
    scope.values["name"] = "Анна";
    scope.values["evil"] = "**x** [y](https://evil.example) {{ name }}";
    scope.values["price"] = 12500;
    scope.values["items"] = Value(List{"чай", "кофе"});
    scope.values["url"] = "https://pay.example/1?a=b";
  }

  /// With the marks written back, or `!` and the failure.
  std::string rendered(std::string_view source) const {
    const auto parsed = Template::parse(source);
    if (!parsed) return "?";
    const auto text = parsed->render(scope);
    if (!text) return "!" + text.error().detail;
    return to_markup(*text);
  }
  RichText rich(std::string_view source) const {
    const auto parsed = Template::parse(source);
    if (!parsed) return {"?", {}};
    const auto text = parsed->render(scope);
    return text ? *text : RichText{"!", {}};
  }

  TestScope scope;
};

TEST_F(TemplateTest, PutsValuesIntoTexts) {
  EXPECT_EQ(rendered("Здравствуйте, {{ user.first_name }}!"), "Здравствуйте, Анна!");
  EXPECT_EQ(rendered("{{name}}"), "Анна");
  EXPECT_EQ(rendered("{{ name }}{{ name }}"), "АннаАнна");
  EXPECT_EQ(rendered("Итого {{ price | money }}."), "Итого 12\u00A0500\u00A0₽.");
  EXPECT_EQ(rendered("{{ items }}"), "чай, кофе");
  EXPECT_EQ(rendered("[{{ nothing }}]"), "[]");
  EXPECT_EQ(rendered("{{ 2.5 }} {{ true }} {{ today() }}"), "2,5 да 15 марта 2026");
  EXPECT_EQ(rendered("ничего"), "ничего");
  EXPECT_EQ(rendered(""), "");
  EXPECT_EQ(rendered("a }} b { c }"), "a }} b { c }");
}

TEST_F(TemplateTest, EndsAnExpressionWhereItEnds) {
  EXPECT_EQ(rendered("{{ '}}' }}"), "}}");
  EXPECT_EQ(rendered("{{ \"{{\" }}x"), "{{x");
  EXPECT_EQ(rendered("{{ 'it\\'s }}' }}"), "it's }}");
  EXPECT_EQ(rendered("{{ {a: {b: 1}}.a.b }}"), "1");
  EXPECT_EQ(rendered("{{ {a: 1}}}"), "a: 1");
  EXPECT_EQ(rendered("{{\n name\n}}"), "Анна");
}

TEST_F(TemplateTest, MarksReachOverValues) {
  EXPECT_EQ(rich("**bold {{ name }}**"), (RichText{"bold Анна", {{Markup::Bold, 0, 13, ""}}}));
  EXPECT_EQ(rich("**{{ name }}**!"), (RichText{"Анна!", {{Markup::Bold, 0, 8, ""}}}));
  EXPECT_EQ(rich("_{{ name }}_"), (RichText{"Анна", {{Markup::Italic, 0, 8, ""}}}));
  EXPECT_EQ(rich("`{{ price }}`"), (RichText{"12500", {{Markup::Code, 0, 5, ""}}}));
  EXPECT_EQ(rich("a **b** {{ name }} **c**"),
            (RichText{"a b Анна c", {{Markup::Bold, 2, 3, ""}, {Markup::Bold, 13, 14, ""}}}));
  EXPECT_EQ(rich("**{{ name }}**{{ price }}"), (RichText{"Анна12500", {{Markup::Bold, 0, 8, ""}}}));
  EXPECT_EQ(rich("{{ price }} **{{ name }}**"),
            (RichText{"12500 Анна", {{Markup::Bold, 6, 14, ""}}}));
  EXPECT_EQ(rich("**{{ nothing }}**"), (RichText{"", {}}));
}

TEST_F(TemplateTest, NeverReadsAValueAsMarkup) {
  const std::string evil = "**x** [y](https://evil.example) {{ name }}";
  EXPECT_EQ(rich("{{ evil }}"), (RichText{evil, {}}));
  EXPECT_EQ(rich("a {{ evil }} **b**").text, "a " + evil + " b");
  EXPECT_EQ(rich("a {{ evil }} **b**").spans.size(), 1U);
  EXPECT_EQ(rich("*{{ '*x*' }}*"), (RichText{"**x**", {}}));
}

TEST_F(TemplateTest, UnderscoresBetweenValuesAreUnderscores) {
  EXPECT_EQ(rich("{{ price }}_{{ price }}_{{ price }}"), (RichText{"12500_12500_12500", {}}));
  EXPECT_EQ(rich("id_{{ price }}_x"), (RichText{"id_12500_x", {}}));
}

TEST_F(TemplateTest, PutsValuesIntoLinks) {
  EXPECT_EQ(rich("[заказ](https://shop.example/{{ name }}?q={{ 'a b&c' }}) ok {{ price }}"),
            (RichText{"заказ ok 12500",
                      {{Markup::Link, 0, 10,
                        "https://shop.example/%D0%90%D0%BD%D0%BD%D0%B0?q=a%20b%26c"}}}));
  EXPECT_EQ(rich("{{ price }} [{{ name }}]({{ url }})"),
            (RichText{"12500 Анна", {{Markup::Link, 6, 14, "https://pay.example/1?a=b"}}}));
  EXPECT_EQ(rich("[x]({{ url }}/{{ price }})"),
            (RichText{"x", {{Markup::Link, 0, 1, "https://pay.example/1?a=b/12500"}}}));
  EXPECT_EQ(rich("[a](https://a.example/{{ 1 }}) {{ name }} [b](https://b.example/{{ 2 }})").spans,
            (std::vector<MarkupSpan>{{Markup::Link, 0, 1, "https://a.example/1"},
                                     {Markup::Link, 11, 12, "https://b.example/2"}}));
}

TEST_F(TemplateTest, DataIsNoLinkUnlessItLeadsToTheWeb) {
  scope.values["script"] = "javascript:alert(1)";
  EXPECT_EQ(rich("[x]({{ script }})"), (RichText{"x", {}}));
  EXPECT_EQ(rich("[x]({{ nothing }})"), (RichText{"x", {}}));
  EXPECT_EQ(rich("x]({{ url }}) y"), (RichText{"x](https://pay.example/1?a=b) y", {}}));
}

TEST_F(TemplateTest, NamedTextsBringTheirMarks) {
  scope.text("hello", "Привет, **{{ name }}**!");
  EXPECT_EQ(rich("{{ texts.hello }}"), (RichText{"Привет, Анна!", {{Markup::Bold, 14, 22, ""}}}));
  EXPECT_EQ(
      rich("A. {{ тексты.hello }} **b**"),
      (RichText{"A. Привет, Анна! b", {{Markup::Bold, 17, 25, ""}, {Markup::Bold, 27, 28, ""}}}));
  EXPECT_EQ(rich("_{{ texts['hello'] }}_").spans,
            (std::vector<MarkupSpan>{{Markup::Italic, 0, 23, ""}, {Markup::Bold, 14, 22, ""}}));
  EXPECT_EQ(rich("`{{ texts.hello }}`").spans,
            (std::vector<MarkupSpan>{{Markup::Code, 0, 23, ""}}));
  EXPECT_EQ(rich("{{ texts.hello if price > 1 else 'x' }}").spans.size(), 1U);
  EXPECT_EQ(rich("{{ texts.nothing }}"), (RichText{"", {}}));
}

TEST_F(TemplateTest, TextsThatContainEachOtherFail) {
  scope.text("a", "{{ texts.b }}");
  scope.text("b", "{{ texts.a }}");
  const auto render = Template::parse("{{ texts.a }}")->render(scope);
  ASSERT_FALSE(render);
  EXPECT_EQ(render.error().problem, EvaluationProblem::TooDeep);
}

TEST_F(TemplateTest, TextsThatMultiplyFail) {
  for (int level = 0; level < 10; ++level) {
    std::string source;
    for (int i = 0; i < 50; ++i) source += "{{ texts.t" + std::to_string(level + 1) + " }}";
    scope.text("t" + std::to_string(level), source);
  }
  scope.text("t10", "");
  const auto render = Template::parse("{{ texts.t0 }}")->render(scope);
  ASSERT_FALSE(render);
  EXPECT_EQ(render.error().problem, EvaluationProblem::TooLarge);
}

TEST_F(TemplateTest, ASingleExpressionKeepsItsType) {
  EXPECT_EQ(*Template::parse("{{ price }}")->evaluate(scope), Value(12500));
  EXPECT_EQ(*Template::parse("{{ items }}")->evaluate(scope), Value(List{"чай", "кофе"}));
  EXPECT_EQ(*Template::parse("{{ price }} ₽")->evaluate(scope), Value("12500 ₽"));
  EXPECT_EQ(*Template::parse("12")->evaluate(scope), Value("12"));
  EXPECT_EQ(*Template::parse("{{ nothing }}")->evaluate(scope), Value());
}

TEST_F(TemplateTest, FailuresReachTheCaller) {
  EXPECT_EQ(rendered("a {{ price + nothing }} b"), "!number + null in `price + nothing`");
  EXPECT_EQ(rendered("{{ price / 0 }}"), "!number / number in `price / 0`");
}

TEST_F(TemplateTest, MistakesAreFoundAtTheirPlace) {
  const auto error = [](std::string_view source) { return Template::parse(source).error(); };
  EXPECT_TRUE(error("Привет, {{ name").unclosed);
  EXPECT_EQ(error("Привет, {{ name").error.offset, 14U);
  EXPECT_TRUE(error("{{ a }} {{ b }").unclosed);
  EXPECT_EQ(error("{{ a }} {{ b }").error.offset, 8U);

  EXPECT_FALSE(error("да {{ a = 1 }}").unclosed);
  EXPECT_EQ(error("да {{ a = 1 }}").error.problem, ExpressionProblem::AssignmentSign);
  EXPECT_EQ(error("да {{ a = 1 }}").error.offset, 10U);
  EXPECT_EQ(error("{{ }}").error.problem, ExpressionProblem::Empty);
  EXPECT_EQ(error("{{ a }}{{ a | uper }}").error.found, "uper");
  EXPECT_EQ(error("{{ a }}{{ a | uper }}").error.offset, 14U);
  EXPECT_EQ(error("{{ 'a }} b").error.problem, ExpressionProblem::UnclosedText);
  EXPECT_EQ(error("{{ 'a }} b").error.offset, 3U);
}

TEST_F(TemplateTest, TellsNamesByTheirPlaceInTheText) {
  const auto parsed = Template::parse("Привет, {{ user.first_name }} и {{ x | default('') }}");
  ASSERT_TRUE(parsed);
  const std::vector<NameUse> names = parsed->names();
  ASSERT_EQ(names.size(), 2U);
  EXPECT_EQ(names[0].offset, 17U);
  EXPECT_EQ(names[0].length, 15U);
  EXPECT_EQ(names[1].path, std::vector<std::string>{"x"});
  EXPECT_TRUE(names[1].guarded);
  EXPECT_FALSE(parsed->is_constant());
  EXPECT_TRUE(Template::parse("**a**")->is_constant());
}

TEST_F(TemplateTest, PlainTextsStayAsTheyAre) {
  const Template plain = Template::plain("**a** {{ b }}");
  EXPECT_TRUE(plain.is_constant());
  EXPECT_EQ(*plain.render(scope), (RichText{"**a** {{ b }}", {}}));
  EXPECT_EQ(*Template().render(scope), RichText{});
}

TEST_F(TemplateTest, CharactersOfThePrivatePlanesAreOrdinary) {
  const std::string odd = "\U000F0000\U000F0001";
  EXPECT_EQ(rich(odd + "{{ name }}" + odd), (RichText{odd + "Анна" + odd, {}}));
}

TEST(PhrasesTest, KeepsEveryPhraseInBothLanguages) {
  const Phrases phrases;
  TestScope scope;
  scope.values["count"] = 3;
  const auto text = [&](Phrase phrase, Language language) {
    return phrases.get(phrase, language).render(scope)->text;
  };
  EXPECT_EQ(text(Phrase::Done, Language::Russian), "Готово");
  EXPECT_EQ(text(Phrase::Skip, Language::Russian), "Пропустить");
  EXPECT_EQ(text(Phrase::Yes, Language::English), "Yes");
  EXPECT_EQ(text(Phrase::FilesTaken, Language::Russian), "Принято: 3");
  EXPECT_EQ(text(Phrase::Was, Language::Russian), "Было:");
  for (std::size_t i = 0; i < static_cast<std::size_t>(Phrase::Count); ++i) {
    const auto phrase = static_cast<Phrase>(i);
    EXPECT_FALSE(phrases.get(phrase, Language::Russian).source().empty());
    EXPECT_FALSE(phrases.get(phrase, Language::English).source().empty());
    EXPECT_EQ(Phrases::find(Phrases::key(phrase)), phrase);
  }
  EXPECT_EQ(Phrases::find("nothing"), std::nullopt);
}

TEST(PhrasesTest, LetsAScenarioSayItsOwn) {
  Phrases phrases;
  phrases.override_phrase(*Phrases::find("done"), Language::Russian, Template::plain("Всё"));
  TestScope scope;
  EXPECT_EQ(phrases.get(Phrase::Done, Language::Russian).render(scope)->text, "Всё");
  EXPECT_EQ(phrases.get(Phrase::Done, Language::English).render(scope)->text, "Done");
}

}  // namespace
}  // namespace sufler
