// What is wrong with an expression, in words, with the way out.
#include <algorithm>

#include "schema/loading.h"

namespace sufler {
namespace {

std::pair<std::string, std::string> what_is_expected(const std::string& expected) {
  if (expected == "value") return {"a value", "значение"};
  if (expected == "operator") return {"a sign such as `+` or `and`", "знак, например `+` или `и`"};
  if (expected == "name") return {"a name", "имя"};
  if (expected == "filter") return {"the name of a filter", "имя фильтра"};
  if (expected.empty()) return {};
  return {"`" + expected + "`", "`" + expected + "`"};
}

bool is_russian(const Loading& loading, SourceSpan place) {
  return place.file < loading.words_of_file.size() &&
         loading.words_of_file[place.file] == Language::Russian;
}

/// A word of expressions as the author of the file writes it.
std::string word_of_file(const Loading& loading, std::string_view english, SourceSpan place) {
  if (is_russian(loading, place)) {
    for (const ExpressionWord& word : expression_words()) {
      if (word.english == english) return std::string(word.russian);
    }
  }
  return std::string(english);
}

/// Signs of other languages: what is written for what is meant. Quotes are not among them, since the pair of
/// one is another.
bool is_mistaken_sign(std::string_view found) {
  constexpr std::string_view kSigns[] = {"&&", "||", "<>", "=<", "=>", "!", "−", "–",
                                         "—",  "×",  "÷",  "≠",  "≤",  "≥"};
  return std::find(std::begin(kSigns), std::end(kSigns), found) != std::end(kSigns);
}

bool is_word_operator(std::string_view expected) {
  return is_expression_keyword(expected) || expected == "like" || expected == "похоже";
}

/// The types of an operation that does not work: `text - number`.
struct Operation {
  std::string left, op, right;
};
std::optional<Operation> operation_of(const std::string& found) {
  const std::size_t first = found.find(' ');
  const std::size_t last = found.rfind(' ');
  if (first == found.npos || last == first) return std::nullopt;
  return Operation{found.substr(0, first), found.substr(first + 1, last - first - 1), found.substr(last + 1)};
}

/// A number that stands in quotes within the source.
std::string quoted_number(std::string_view source) {
  for (std::size_t at = 0; at < source.size(); ++at) {
    const char quote = source[at];
    if (quote != '\'' && quote != '"') continue;
    const std::size_t end = source.find(quote, at + 1);
    if (end == source.npos) return {};
    const std::string_view inside = source.substr(at + 1, end - at - 1);
    if (Decimal::parse(inside)) return std::string(inside);
    at = end;
  }
  return {};
}

/// The way out of a mismatch.
void hint_types(Loading& loading, Diagnostic& problem, const ExpressionError& error, std::string_view source) {
  const SourceSpan place = problem.span;
  const auto word = [&](std::string_view english) { return word_of_file(loading, english, place); };
  if (!error.expected.empty()) {
    const std::string takes = with_types_of_file(loading, error.expected, place);
    const std::size_t bar = error.found.find(" | ");
    const std::size_t bracket = error.found.find('(');
    const std::size_t dot = error.found.find('.');
    if (bar != error.found.npos) {
      const std::string filter = "`| " + error.found.substr(bar + 3) + "`";
      hint(loading, problem, filter + " takes: " + takes, filter + " принимает: " + takes);
    } else if (bracket != error.found.npos) {
      hint(loading, problem, "here it takes: " + takes, "здесь нужно: " + takes);
    } else if (dot != error.found.npos) {
      const std::string member = "`" + error.found.substr(dot) + "`";
      hint(loading, problem, member + " is there for: " + takes, member + " есть у: " + takes);
    } else if (error.found.ends_with("text")) {
      const std::string filter = "`| " + word("number") + "`";
      hint(loading, problem, filter + " makes a number of a text", filter + " делает из текста число");
    }
    return;
  }
  const auto operation = operation_of(error.found);
  if (!operation) return;
  const auto& [left, op, right] = *operation;
  const auto either = [&left = left, &right = right](std::string_view type) { return left == type || right == type; };
  if (op == "+" || op == "-" || op == "*" || op == "/" || op == "%") {
    const bool calendar = either("date") || either("time") || either("moment");
    if (op == "+" && either("text") && !either("list") && !either("null")) {
      const std::string filter = "`| " + word("text") + "`";
      hint(loading, problem, filter + " makes a text of any value",
           filter + " делает текст из любого значения");
    } else if (op == "+" && either("list") && !either("null")) {
      hint(loading, problem, "a list is joined with a list: `['a'] + ['b']`",
           "список соединяют со списком: `['а'] + ['б']`");
    } else if (either("text")) {
      const std::string filter = "`| " + word("number") + "`";
      hint(loading, problem, filter + " makes a number of a text", filter + " делает из текста число");
    } else if ((op == "+" || op == "-") && calendar && either("number")) {
      const std::string unit = either("time") ? "`(1 | " + word("hours") + ")`" : "`(1 | " + word("days") + ")`";
      hint(loading, problem, "a length of time is written with its unit: " + unit,
           "длительность пишут с единицей: " + unit);
    }
    return;
  }
  const bool ordering = op == "==" || op == "!=" || op.starts_with('<') || op.starts_with('>');
  if (!ordering) return;
  if (either("text") && either("number")) {
    const std::string number = quoted_number(source);
    const std::string filter = "`| " + word("number") + "`";
    if (number.empty()) {
      hint(loading, problem, filter + " makes a number of a text", filter + " делает из текста число");
    } else {
      hint(loading, problem, "without quotes it is a number: `" + number + "`",
           "без кавычек это число: `" + number + "`");
    }
  } else if (either("boolean")) {
    hint(loading, problem, "it is `" + word("true") + "` or `" + word("false") + "`, and may stand by itself",
         "бывает только `" + word("true") + "` или `" + word("false") + "`, и можно написать без сравнения");
  } else if (either("list")) {
    const std::string example = "`'…' " + word("in") + " …`";
    hint(loading, problem, "what a list holds is asked with " + example, "что есть в списке, проверяют так: " + example);
  } else if (either("duration")) {
    const std::string example = is_russian(loading, place) ? "`2ч`" : "`2h`";
    hint(loading, problem, "a length of time is written " + example, "длительность пишут так: " + example);
  }
}

}  // namespace

bool says_what_is_meant(const ExpressionError& error) {
  if (error.expected == "==" || error.expected == "!=") return true;
  return is_mistaken_sign(error.found) || (is_word_operator(error.expected) && !error.found.empty() && error.expected != "else");
}

std::string with_types_of_file(const Loading& loading, std::string_view what, SourceSpan place) {
  std::string result;
  std::size_t at = 0;
  while (at < what.size()) {
    std::size_t end = at;
    while (end < what.size() && what[end] >= 'a' && what[end] <= 'z') ++end;
    if (end == at) {
      result += what[at++];
      continue;
    }
    const std::string_view word = what.substr(at, end - at);
    const bool is_call = end < what.size() && what[end] == '(';
    const bool is_name = at > 0 && (what[at - 1] == '.' || what.substr(0, at).ends_with("| "));
    at = end;
    Word type = Word::None;
    if (!is_call && !is_name) {
      type = word == "moment"    ? Word::DateTime
             : word == "boolean" ? Word::YesNo
                                 : find_word(word, in::ColumnType | in::Reserved);
    }
    if (type != Word::None) {
      result += loading.say(type, place);
    } else if (word == "duration" && !is_call && !is_name) {
      result += word_of_file(loading, word, place);
    } else {
      result += word;
    }
  }
  return result;
}

void report_expression_error(Loading& loading, const ExpressionError& error, const Node& node,
                             std::uint32_t offset, bool exact) {
  const SourceSpan span = exact && node.is_scalar()
                              ? span_inside(node, loading.sources, offset + error.offset, error.length)
                              : node.span;
  switch (error.problem) {
    case ExpressionProblem::Unexpected: {
      Diagnostic& problem =
          error.found.empty() ? loading.report(DiagnosticId::ExpressionUnfinished, span)
                              : loading.report(DiagnosticId::ExpressionUnexpected, span, {error.found});
      if (!says_what_is_meant(error)) {
        const auto [en, ru] = what_is_expected(error.expected);
        if (!en.empty()) hint(loading, problem, "here stands " + en, "здесь должно стоять " + ru);
        return;
      }
      const std::string right = word_of_file(loading, error.expected, span);
      hint(loading, problem, "write `" + right + "`", "напишите `" + right + "`");
      if (loading.sources.slice(span) != error.found) return;
      // `!x`: the word needs a space behind it.
      const bool glued = is_word_operator(right) && !is_space(static_cast<unsigned char>(
                             loading.sources.text(span.file)[std::min<std::size_t>(
                                 span.offset + span.length, loading.sources.text(span.file).size() - 1)]));
      problem.fixes.push_back({"`" + right + "`", {{span, right + (glued ? " " : "")}}, true});
      return;
    }
    case ExpressionProblem::UnclosedText:
      loading.report(DiagnosticId::ExpressionUnclosedText, span);
      return;
    case ExpressionProblem::UnclosedBracket:
      loading.report(error.found == "{{" ? DiagnosticId::UnclosedInsert : DiagnosticId::ExpressionUnclosedBracket,
                     span);
      return;
    case ExpressionProblem::BadNumber:
      loading.report(DiagnosticId::ExpressionBadNumber, span, {error.found});
      return;
    case ExpressionProblem::AssignmentSign: {
      Diagnostic& problem = loading.report(DiagnosticId::ExpressionAssignment, span);
      hint(loading, problem, "write `==`", "напишите `==`");
      if (loading.sources.slice(span) == "=") problem.fixes.push_back({"`==`", {{span, "=="}}, true});
      return;
    }
    case ExpressionProblem::UnknownFilter: {
      Diagnostic& problem = loading.report(DiagnosticId::UnknownFilter, span, {error.found});
      if (error.expected == "function") {
        hint(loading, problem, "it is a function: `" + error.found + "(…)`", "это функция: `" + error.found + "(…)`");
        return;
      }
      offer(loading, problem, error.found, filter_names(), false);
      return;
    }
    case ExpressionProblem::UnknownFunction: {
      Diagnostic& problem = loading.report(DiagnosticId::UnknownFunction, span, {error.found});
      if (error.expected == "filter") {
        hint(loading, problem, "it is a filter: `value | " + error.found + "`",
             "это фильтр: `значение | " + error.found + "`");
        return;
      }
      offer(loading, problem, error.found, function_names(), false);
      return;
    }
    case ExpressionProblem::ArgumentCount:
      loading.report(DiagnosticId::ArgumentCount, span, {error.found, error.expected});
      return;
    case ExpressionProblem::TypeMismatch: {
      Diagnostic& problem =
          loading.report(DiagnosticId::TypeMismatch, span, {with_types_of_file(loading, error.found, span)});
      const std::string_view text = node.is_scalar() ? node.scalar : std::string_view();
      const std::size_t at = std::min<std::size_t>(offset + error.offset, text.size());
      hint_types(loading, problem, error, text.substr(at, error.length));
      return;
    }
    case ExpressionProblem::BadPattern: {
      Diagnostic& problem = loading.report(DiagnosticId::BadConstant, span, {error.found});
      const char* example = error.expected == "time"     ? "'09:00'"
                            : error.expected == "date"   ? "'2026-03-15'"
                            : error.expected == "moment" ? "'2026-03-15 09:00'"
                                                         : nullptr;
      if (!example) return;
      hint(loading, problem, "what is compared here is written `" + std::string(example) + "`",
           "здесь сравнивают с тем, что записано как `" + std::string(example) + "`");
      return;
    }
    case ExpressionProblem::TooDeep:
    case ExpressionProblem::TooLong:
      loading.report(DiagnosticId::ExpressionTooDeep, span);
      return;
    case ExpressionProblem::Empty:
      loading.report(DiagnosticId::ExpressionEmpty, span);
      return;
  }
}

}  // namespace sufler
