// Any text is an expression or an error with a place; an expression gives a value or a failure.
#include "fuzz/scope.h"
#include "fuzz/targets.h"

namespace sufler::fuzz {
namespace {

void check_value(const Value& value, const Locale& locale) {
  (void)to_display(value, locale);
  (void)value.truthy();
  const std::string json = to_json(value);
  Value read;
  require(from_json(json, read), "a value reads back");
  require(to_json(read) == json, "a value reads back as it was");
}

void check_expression(const Expression& expression, std::string_view bytes) {
  for (const NameUse& use : expression.names()) {
    require(!use.path.empty(), "a used name has a name");
    require(std::size_t{use.offset} + use.length <= bytes.size(), "a used name lies in the source");
  }
  const TestScope& scope = fuzz_scope();
  const auto value = expression.evaluate(scope);
  const auto again = expression.evaluate(scope);
  require(value.has_value() == again.has_value(), "equal evaluations end equally");
  if (value) {
    require(to_json(*value) == to_json(*again), "equal evaluations give equal values");
    const ValueType known = expression.known_type();
    // Filters pass null on, so what is certain is the type of what is there.
    require(known == ValueType::Null || value->is_null() || known == value->type(),
            "a type that is certain is right");
    check_value(*value, scope.locale());
  }
  if (const auto constant = expression.constant()) {
    require(value.has_value() && to_json(*constant) == to_json(*value),
            "a constant is its own value");
  }
}

}  // namespace

void play_expression(std::string_view bytes) {
  const auto parsed = Expression::parse(bytes);
  if (!parsed) {
    require(std::size_t{parsed.error().offset} + parsed.error().length <= bytes.size(),
            "an error lies in the source");
    return;
  }
  check_expression(*parsed, bytes);
  const std::vector<Expression> parts = parsed->conjuncts();
  require(!parts.empty(), "an expression has a part");
  for (const Expression& part : parts) {
    (void)part.evaluate(fuzz_scope());
    const auto comparison = part.as_comparison();
    const auto side = part.comparison_value();
    require(comparison.has_value() == side.has_value(), "a comparison has two sides");
    if (side) (void)side->evaluate(fuzz_scope());
  }
}

}  // namespace sufler::fuzz
