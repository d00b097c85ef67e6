#include <string>

#include "interpreter/core/decimal.h"
#include "interpreter/core/expression_calls.h"
#include "interpreter/core/expression_evaluator.h"

namespace sufler {

bool read_date(Evaluator& at, const std::string& text, Value& out) {
  if (const auto date = Date::parse_iso(text)) {
    out = Value(*date);
  } else if (const auto local = LocalTime::parse_iso(text)) {
    out = Value(at.scope().locale().zone.to_moment(*local));
  } else {
    return at.fail(EvaluationProblem::BadArgument, "date: not like 2026-03-15");
  }
  return true;
}

namespace {

using T = ValueType;
using Arguments = std::span<const Value>;

bool now(Evaluator& at, const Value&, Arguments, Value& out) {
  out = Value(at.scope().now());
  return true;
}

bool today(Evaluator& at, const Value&, Arguments, Value& out) {
  out = Value(at.scope().locale().zone.to_local(at.scope().now()).date);
  return true;
}

bool random(Evaluator& at, const Value&, Arguments arguments, Value& out) {
  const auto low = arguments[0].number()->to_int64();
  const auto high = arguments[1].number()->to_int64();
  if (!low || !high || *low > *high) {
    return at.fail(EvaluationProblem::BadArgument, "random: two whole numbers, the lesser first");
  }
  const std::uint64_t width = static_cast<std::uint64_t>(*high) - static_cast<std::uint64_t>(*low);
  if (width == UINT64_MAX) return at.fail(EvaluationProblem::BadArgument, "random: too wide");
  const std::uint64_t chosen = at.scope().random(width + 1);
  out = Value(static_cast<std::int64_t>(static_cast<std::uint64_t>(*low) + chosen));
  return true;
}

bool date(Evaluator& at, const Value&, Arguments arguments, Value& out) {
  if (arguments[0].text()) return read_date(at, *arguments[0].text(), out);
  out = arguments[0].moment()
            ? Value(at.scope().locale().zone.to_local(*arguments[0].moment()).date)
            : arguments[0];
  return true;
}

bool duration(Evaluator& at, const Value&, Arguments arguments, Value& out) {
  const auto read = Duration::parse(*arguments[0].text());
  if (!read)
    return at.fail(EvaluationProblem::BadArgument, "duration: not like 90s, 5m, 2h, 3d, 1w");
  out = Value(*read);
  return true;
}

bool weekday(Evaluator& at, const Value&, Arguments arguments, Value& out) {
  Value read = arguments[0];
  if (read.text() && !read_date(at, *arguments[0].text(), read)) return false;
  out = Value(read.date() ? read.date()->weekday()
                          : at.scope().locale().zone.to_local(*read.moment()).date.weekday());
  return true;
}

bool is_working_time(Evaluator& at, const Value&, Arguments arguments, Value& out) {
  out = Value(
      at.scope().is_working_time(arguments.empty() ? "" : std::string_view(*arguments[0].text())));
  return true;
}

constexpr ExpressionCall kFunctions[] = {
    {.english = "now",
     .russian = "сейчас",
     .usage = "now()",
     .about = "the moment of the message",
     .result = T::Moment,
     .apply = now},
    {.english = "today",
     .russian = "сегодня",
     .usage = "today()",
     .about = "the day of the message",
     .result = T::Date,
     .apply = today},
    {.english = "random",
     .russian = "случайно",
     .usage = "random(a, b)",
     .about = "a whole number from a to b, both included",
     .min_args = 2,
     .max_args = 2,
     .argument = {types(T::Number), types(T::Number)},
     .result = T::Number,
     .apply = random},
    {.english = "date",
     .russian = "дата",
     .usage = "date('2026-03-15')",
     .about = "the date, with a time the moment; of a moment its day",
     .min_args = 1,
     .max_args = 1,
     .argument = {types(T::Text, T::Date, T::Moment)},
     .apply = date},
    {.english = "duration",
     .russian = "длительность",
     .usage = "duration('2h')",
     .about = "a length of time: 90s 5m 2h 3d 1w",
     .min_args = 1,
     .max_args = 1,
     .argument = {types(T::Text)},
     .result = T::Duration,
     .apply = duration},
    {.english = "weekday",
     .russian = "день_недели",
     .usage = "weekday(d)",
     .about = "1 for Monday … 7 for Sunday",
     .min_args = 1,
     .max_args = 1,
     .argument = {types(T::Date, T::Moment, T::Text)},
     .result = T::Number,
     .apply = weekday},
    {.english = "is_working_time",
     .russian = "рабочее_время",
     .usage = "is_working_time()",
     .about = "whether the hours of a handoff rule say open; of the first rule unless one is named",
     .max_args = 1,
     .argument = {types(T::Text)},
     .result = T::Boolean,
     .apply = is_working_time},
};

}  // namespace

std::span<const ExpressionCall> function_table() { return kFunctions; }

}  // namespace sufler
