#pragma once
#include <map>
#include <string>

#include "interpreter/core/expression.h"

/// A scope made of maps: 15 March 2026 (a Sunday), 12:00 in Moscow.
namespace sufler {

class TestScope : public Scope {
 public:
  TestScope() {
    locale_.language = Language::Russian;
    if (auto zone = Zone::find("Europe/Moscow")) locale_.zone = *zone;
  }

  const Value* find(std::string_view name) const override {
    const auto found = values.find(name);
    return found == values.end() ? nullptr : &found->second;
  }
  const Template* named_text(std::string_view name) const override {
    const auto found = texts.find(name);
    return found == texts.end() ? nullptr : &found->second;
  }
  Moment now() const override {
    return locale_.zone.to_moment(*LocalTime::parse_iso("2026-03-15 12:00"));
  }
  const Locale& locale() const override { return locale_; }
  std::uint64_t random(std::uint64_t bound) const override { return chance % bound; }
  bool is_working_time(std::string_view rule) const override { return rule == open_rule; }
  std::string_view default_currency() const override {
    return locale_.language == Language::Russian ? "RUB" : "USD";
  }

  void speak(Language language) { locale_.language = language; }
  void text(const std::string& name, std::string_view source) {
    auto parsed = Template::parse(source);
    if (parsed) texts.insert_or_assign(name, *parsed);
  }

  std::map<std::string, Value, std::less<>> values;
  std::map<std::string, Template, std::less<>> texts;
  std::uint64_t chance = 0;
  std::string open_rule;

 private:
  Locale locale_;
};

/// What `{{ source }}` shows, or the failure: `!NullArithmetic`, or `?` for what does not parse.
inline std::string shown(std::string_view source, const Scope& scope) {
  const auto expression = Expression::parse(source);
  if (!expression) return "?";
  const auto value = expression->evaluate(scope);
  if (value) return to_display(*value, scope.locale());
  switch (value.error().problem) {
    case EvaluationProblem::NullArithmetic:
      return "!NullArithmetic";
    case EvaluationProblem::DivisionByZero:
      return "!DivisionByZero";
    case EvaluationProblem::WrongType:
      return "!WrongType";
    case EvaluationProblem::Overflow:
      return "!Overflow";
    case EvaluationProblem::TooLarge:
      return "!TooLarge";
    case EvaluationProblem::TooDeep:
      return "!TooDeep";
    case EvaluationProblem::BadArgument:
      return "!BadArgument";
  }
  return "!";
}

}  // namespace sufler
