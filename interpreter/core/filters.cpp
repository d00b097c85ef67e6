#include <algorithm>
#include <array>
#include <string>
#include <unordered_set>
#include <vector>

#include "interpreter/core/assistants/request.h"
#include "interpreter/core/decimal.h"
#include "interpreter/core/expression_calls.h"
#include "interpreter/core/expression_evaluator.h"
#include "interpreter/core/money.h"
#include "interpreter/core/reading/choice.h"
#include "interpreter/core/text.h"

namespace sufler {
namespace {

using T = ValueType;
using Arguments = std::span<const Value>;

constexpr TypeSet kText = types(T::Text);
constexpr TypeSet kNumber = types(T::Number);
constexpr TypeSet kList = types(T::List);
constexpr TypeSet kScalar =
    types(T::Boolean, T::Number, T::Text, T::Moment, T::Date, T::Time, T::Duration);
constexpr TypeSet kAny = kScalar | types(T::List, T::Map, T::File);

constexpr std::string_view kNoBreakSpace = "\u00A0";

// ---- texts

template <class Change>
bool change_text(Evaluator& at, const Value& input, Value& out, Change change) {
  std::string text;
  if (!at.display(input, text)) return false;
  std::string changed(change(text));
  if (!at.check_text(changed)) return false;
  out = Value(std::move(changed));
  return true;
}

bool upper(Evaluator& at, const Value& input, Arguments, Value& out) {
  return change_text(at, input, out, [](const std::string& text) { return to_upper(text); });
}
bool lower(Evaluator& at, const Value& input, Arguments, Value& out) {
  return change_text(at, input, out, [](const std::string& text) { return to_lower(text); });
}
bool capitalize_first(Evaluator& at, const Value& input, Arguments, Value& out) {
  return change_text(at, input, out, [](const std::string& text) { return capitalize(text); });
}
bool trim_text(Evaluator& at, const Value& input, Arguments, Value& out) {
  return change_text(at, input, out, [](const std::string& text) { return trim(text); });
}
bool as_text(Evaluator& at, const Value& input, Arguments, Value& out) {
  return change_text(at, input, out, [](std::string& text) { return std::move(text); });
}

bool phone(Evaluator& at, const Value& input, Arguments, Value& out) {
  if (const Decimal* number = input.number()) {
    out = Value(format_phone_display("+" + number->to_string()));
    return true;
  }
  return change_text(at, input, out,
                     [](const std::string& text) { return format_phone_display(text); });
}

bool mask(Evaluator& at, const Value& input, Arguments, Value& out) {
  return change_text(at, input, out, [](const std::string& text) {
    // A quarter stays at each end, four signs at most: enough to know one's own, too little to use.
    const std::size_t length = count_code_points(text);
    const std::size_t kept = std::min<std::size_t>(length / 4, 4);
    const std::string_view head = first_code_points(text, kept);
    const std::string_view tail =
        std::string_view(text).substr(first_code_points(text, length - kept).size());
    std::string masked(head);
    masked.append(length - 2 * kept, '*').append(tail);
    return masked;
  });
}

bool escape(Evaluator& at, const Value& input, Arguments, Value& out) {
  return change_text(at, input, out, [](const std::string& text) {
    std::string escaped;
    escaped.reserve(text.size());
    for (const char c : text) {
      switch (c) {
        case '&':
          escaped += "&amp;";
          break;
        case '<':
          escaped += "&lt;";
          break;
        case '>':
          escaped += "&gt;";
          break;
        case '"':
          escaped += "&quot;";
          break;
        case '\'':
          escaped += "&#39;";
          break;
        default:
          escaped.push_back(c);
      }
    }
    return escaped;
  });
}

bool length(Evaluator&, const Value& input, Arguments, Value& out) {
  std::size_t size = 0;
  if (input.text()) size = count_code_points(*input.text());
  if (input.list()) size = input.list()->size();
  if (input.map()) size = input.map()->size();
  out = Value(static_cast<std::int64_t>(size));
  return true;
}

bool tokens(Evaluator& at, const Value& input, Arguments, Value& out) {
  const FactLines lines = fact_lines(input, Locale{at.language(), Zone()}, std::int64_t{1} << 40, kFirstRate);
  out = Value(estimate_tokens(lines.text));
  return true;
}

bool join(Evaluator& at, const Value& input, Arguments arguments, Value& out) {
  std::string joined;
  if (const List* list = input.list()) {
    const std::string_view separator =
        arguments.empty() ? ", " : std::string_view(*arguments[0].text());
    bool first = true;
    std::string shown;
    for (const Value& item : *list) {
      if (!first) joined += separator;
      first = false;
      if (const std::string* text = item.text()) {
        joined += *text;
      } else {
        if (!at.display(item, shown)) return false;
        joined += shown;
      }
      if (!at.check_text(joined)) return false;
    }
  }
  out = Value(std::move(joined));
  return true;
}

bool default_value(Evaluator&, const Value& input, Arguments arguments, Value& out) {
  const bool missing = input.is_null() || (input.text() && input.text()->empty());
  out = missing ? arguments[0] : input;
  return true;
}

// ---- numbers

Decimal whole_part(const Decimal& number) {
  const Decimal positive = number.is_negative() ? number.negated() : number;
  const auto rest = modulo(positive, Decimal(1));
  const auto whole = rest ? subtract(positive, *rest) : rest;
  if (!whole) return number;
  return number.is_negative() ? whole->negated() : *whole;
}

/// `2 500,50`, `2500.5`: with spaces between groups, comma or point.
std::optional<Decimal> read_number(std::string_view text) {
  std::string plain;
  text = trim(text);
  if (text.size() > 64) return std::nullopt;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t from = at;
    const char32_t c = next_code_point(text, at);
    if (is_space(c)) continue;
    if (c == U'−') {
      plain.push_back('-');
    } else if (c == U',') {
      plain.push_back('.');
    } else {
      plain += text.substr(from, at - from);
    }
  }
  return Decimal::parse(plain);
}

std::optional<Decimal> number_of(const Value& input) {
  if (input.number()) return *input.number();
  if (input.boolean()) return Decimal(*input.boolean() ? 1 : 0);
  return read_number(*input.text());
}

bool number(Evaluator&, const Value& input, Arguments, Value& out) {
  const std::optional<Decimal> read = number_of(input);
  out = read ? Value(*read) : Value();
  return true;
}

bool integer(Evaluator&, const Value& input, Arguments, Value& out) {
  const std::optional<Decimal> read = number_of(input);
  out = read ? Value(whole_part(*read)) : Value();
  return true;
}

bool round(Evaluator& at, const Value& input, Arguments arguments, Value& out) {
  int digits = 0;
  if (!arguments.empty()) {
    const std::optional<std::int64_t> wanted = arguments[0].number()->to_int64();
    if (!wanted || *wanted < -34 || *wanted > 34) {
      return at.fail(EvaluationProblem::BadArgument, "round: digits are -34 to 34");
    }
    digits = static_cast<int>(*wanted);
  }
  out = Value(input.number()->rounded(digits));
  return true;
}

struct Currency {
  std::string_view code, sign;
  int digits = 2;
};
constexpr std::array<Currency, 17> kCurrencies = {{
    {"RUB", "₽"},
    {"USD", "$"},
    {"EUR", "€"},
    {"GBP", "£"},
    {"KZT", "₸"},
    {"BYN", "Br"},
    {"UAH", "₴"},
    {"GEL", "₾"},
    {"AMD", "֏"},
    {"AZN", "₼"},
    {"KGS", "сом"},
    {"UZS", "сум"},
    {"TRY", "₺"},
    {"INR", "₹"},
    {"CNY", "¥"},
    {"JPY", "¥", 0},
    {"ILS", "₪"},
}};

bool is_currency_code(std::string_view code) {
  return code.size() == 3 && std::all_of(code.begin(), code.end(), [](char c) {
           return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
         });
}

bool money(Evaluator& at, const Value& input, Arguments arguments, Value& out) {
  const std::string code(arguments.empty() ? at.scope().default_currency()
                                           : std::string_view(*arguments[0].text()));
  if (!is_currency_code(code)) {
    return at.fail(EvaluationProblem::BadArgument, "money: not a currency code of three letters");
  }
  out = Value(format_money(*input.number(), code, at.language()));
  return true;
}

bool is_cyrillic(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const char32_t c = next_code_point(text, at);
    if (c >= 0x400 && c <= 0x52F) return true;
  }
  return false;
}

bool plural(Evaluator& at, const Value& input, Arguments arguments, Value& out) {
  // A Russian word keeps its rules when an English bot shows it.
  const Language language = is_cyrillic(*arguments[0].text()) ? Language::Russian : at.language();
  const Plural category = plural_of(language, input.number()->to_string());
  std::size_t form = 0;
  switch (category) {
    case Plural::One:
      break;
    case Plural::Few:
      form = 1;
      break;
    case Plural::Many:
      form = 2;
      break;
    // `2,5 заказа` is like `2 заказа`; English has but two forms.
    case Plural::Other:
      form = arguments.size() > 3 ? 3 : language == Language::Russian ? 1 : arguments.size() - 1;
      break;
  }
  out = arguments[std::min(form, arguments.size() - 1)];
  return true;
}

// ---- dates and durations

bool date(Evaluator& at, const Value& input, Arguments arguments, Value& out) {
  Value read;
  const Value* value = &input;
  if (input.text()) {
    if (!read_date(at, *input.text(), read)) return false;
    value = &read;
  }
  std::string_view pattern;
  if (!arguments.empty()) pattern = *arguments[0].text();
  if (pattern == "коротко") pattern = "short";
  if (pattern == "полностью") pattern = "long";
  const Language language = at.language();
  if (value->date()) {
    out = Value(format_date(*value->date(), language, pattern));
    return true;
  }
  const LocalTime local = value->time() ? LocalTime{{}, *value->time()}
                                        : at.scope().locale().zone.to_local(*value->moment());
  if (value->time()) {
    const bool named = pattern.empty() || pattern == "short" || pattern == "long";
    out = Value(named ? format_time(*value->time()) : format_local(local, language, pattern));
  } else {
    // Bare `| date` of a moment is its day; the moment itself shows the time too.
    out = Value(pattern.empty() ? format_date(local.date, language)
                                : format_local(local, language, pattern));
  }
  return true;
}

template <std::int64_t UnitMs>
bool in_units(Evaluator& at, const Value& input, Arguments, Value& out) {
  if (const Duration* duration = input.duration()) {
    const auto units = divide(Decimal(duration->ms), Decimal(UnitMs));
    if (!units) return at.fail(EvaluationProblem::Overflow, "duration");
    out = Value(*units);
    return true;
  }
  const auto ms = multiply(*input.number(), Decimal(UnitMs));
  const std::optional<std::int64_t> whole = ms ? ms->rounded(0).to_int64() : std::nullopt;
  if (!whole) return at.fail(EvaluationProblem::Overflow, "duration");
  out = Value(Duration{*whole});
  return true;
}

// ---- lists and maps

bool first(Evaluator&, const Value& input, Arguments, Value& out) {
  if (const List* list = input.list()) {
    out = list->empty() ? Value() : list->front();
  } else {
    out = input.text()->empty() ? Value() : Value(first_code_points(*input.text(), 1));
  }
  return true;
}

bool last(Evaluator&, const Value& input, Arguments, Value& out) {
  if (const List* list = input.list()) {
    out = list->empty() ? Value() : list->back();
    return true;
  }
  const std::string& text = *input.text();
  const std::size_t length = count_code_points(text);
  out = length == 0
            ? Value()
            : Value(std::string_view(text).substr(first_code_points(text, length - 1).size()));
  return true;
}

bool keys(Evaluator& at, const Value& input, Arguments, Value& out) {
  List list;
  for (const auto& item : *input.map()) list.emplace_back(item.first);
  out = Value(std::move(list));
  return at.check_size(out);
}

bool values(Evaluator& at, const Value& input, Arguments, Value& out) {
  List list;
  for (const auto& item : *input.map()) list.push_back(item.second);
  out = Value(std::move(list));
  return at.check_size(out);
}

bool sum(Evaluator& at, const Value& input, Arguments, Value& out) {
  Decimal total;
  std::int64_t total_ms = 0;
  bool durations = false;
  bool numbers = false;
  if (const List* list = input.list()) {
    if (!at.spend(list->size())) return false;
    for (const Value& item : *list) {
      if (item.is_null()) continue;  // a column that is empty in some rows
      if (const Decimal* value = item.number()) {
        const auto next = add(total, *value);
        if (!next) return at.fail(EvaluationProblem::Overflow, "sum");
        total = *next;
        numbers = true;
      } else if (const Duration* duration = item.duration()) {
        if (__builtin_add_overflow(total_ms, duration->ms, &total_ms)) {
          return at.fail(EvaluationProblem::Overflow, "sum");
        }
        durations = true;
      } else {
        return at.wrong_type("sum of " + std::string(type_name(item.type())));
      }
    }
  }
  if (numbers && durations) return at.wrong_type("sum of number and duration");
  out = durations ? Value(Duration{total_ms}) : Value(total);
  return true;
}

template <bool Greatest>
bool extreme(Evaluator& at, const Value& input, Arguments, Value& out) {
  const Value* best = nullptr;
  if (!at.spend(input.list()->size())) return false;
  for (const Value& item : *input.list()) {
    if (item.is_null()) continue;
    if (best) {
      const std::partial_ordering order = compare(item, *best);
      if (order == std::partial_ordering::unordered) {
        return at.wrong_type(std::string(type_name(item.type())) + " beside " +
                             std::string(type_name(best->type())));
      }
      if (Greatest ? order <= 0 : order >= 0) continue;
    } else if (compare(item, item) == std::partial_ordering::unordered) {
      return at.wrong_type("order of " + std::string(type_name(item.type())));
    }
    best = &item;
  }
  out = best ? *best : Value();
  return true;
}

/// The member of an item of a list, as `item.name` gives it; null for an item that has no members.
bool field(Evaluator& at, const Value& item, const std::string& name, Value& out) {
  out = Value();
  if (const ValueMap* map = item.map()) {
    if (const Value* found = map->find(name)) out = *found;
    return true;
  }
  if (!item.file() && !item.date() && !item.time() && !item.moment()) return true;
  const Value* found = at.member(item, name, out);
  if (found && found != &out) out = Value(*found);
  return found != nullptr;
}

bool sort(Evaluator& at, const Value& input, Arguments arguments, Value& out) {
  std::string name = arguments.empty() ? "" : *arguments[0].text();
  const bool descending = !name.empty() && name[0] == '-';
  if (descending) name.erase(0, 1);
  const List& list = *input.list();
  if (!at.spend(list.size() * 16)) return false;
  struct Keyed {
    Value key;
    const Value* item;
  };
  std::vector<Keyed> order;
  order.reserve(list.size());
  // Checked before, because a comparison that sometimes fails is no order to sort by.
  std::size_t sample = list.size();
  for (const Value& item : list) {
    Value key = item;
    if (!name.empty() && !field(at, item, name, key)) return false;
    order.push_back({std::move(key), &item});
    const Value& value = order.back().key;
    if (value.is_null()) continue;
    if (sample == list.size()) sample = order.size() - 1;
    if (compare(value, order[sample].key) == std::partial_ordering::unordered) {
      return at.wrong_type("sort: " + std::string(type_name(value.type())) + " beside " +
                           std::string(type_name(order[sample].key.type())));
    }
  }
  std::stable_sort(order.begin(), order.end(), [&](const Keyed& a, const Keyed& b) {
    if (a.key.is_null() || b.key.is_null()) return !a.key.is_null() && b.key.is_null();
    return descending ? compare(b.key, a.key) < 0 : compare(a.key, b.key) < 0;
  });
  List sorted;
  sorted.reserve(order.size());
  for (const Keyed& one : order) sorted.push_back(*one.item);
  out = Value(std::move(sorted));
  return true;
}

/// A text that is the same for equal values: members of maps in order, numbers in lowest terms.
void append_identity(std::string& out, const Value& value, int depth) {
  if (depth > kMaxJsonDepth) return;
  if (const List* list = value.list()) {
    out.push_back('[');
    for (const Value& item : *list) {
      append_identity(out, item, depth + 1);
      out.push_back(',');
    }
    out.push_back(']');
  } else if (const ValueMap* map = value.map()) {
    std::vector<const ValueMap::Item*> items;
    for (const ValueMap::Item& item : *map) items.push_back(&item);
    std::sort(items.begin(), items.end(),
              [](const auto* a, const auto* b) { return a->first < b->first; });
    out.push_back('{');
    for (const ValueMap::Item* item : items) {
      append_json(out, Value(item->first));
      out.push_back(':');
      append_identity(out, item->second, depth + 1);
      out.push_back(',');
    }
    out.push_back('}');
  } else {
    append_json(out, value);
  }
}

bool unique(Evaluator& at, const Value& input, Arguments, Value& out) {
  if (!at.check_size(input)) return false;
  List list;
  std::unordered_set<std::string> seen;
  for (const Value& item : *input.list()) {
    std::string identity;
    append_identity(identity, item, 0);
    if (!at.spend(identity.size())) return false;
    if (seen.insert(std::move(identity)).second) list.push_back(item);
  }
  out = Value(std::move(list));
  return true;
}

bool map_field(Evaluator& at, const Value& input, Arguments arguments, Value& out) {
  List list;
  list.reserve(input.list()->size());
  for (const Value& item : *input.list()) {
    if (!field(at, item, *arguments[0].text(), list.emplace_back())) return false;
  }
  out = Value(std::move(list));
  return at.check_size(out);
}

bool where(Evaluator& at, const Value& input, Arguments arguments, Value& out) {
  List list;
  if (!at.spend(input.list()->size())) return false;
  for (const Value& item : *input.list()) {
    Value held;
    if (!field(at, item, *arguments[0].text(), held)) return false;
    if (held == arguments[1]) list.push_back(item);
  }
  out = Value(std::move(list));
  return at.check_size(out);
}

/// What an answer to `choose` is taken for, of a list that is no question's.
bool among(Evaluator& at, const Value& input, Arguments arguments, Value& out) {
  std::string said;
  if (!at.display(input, said) || !at.spend(arguments[0].list()->size() * 8)) return false;
  std::vector<std::string> labels;
  for (const Value& item : *arguments[0].list()) {
    std::string label;
    if (!at.display(item, label)) return false;
    labels.push_back(std::move(label));
  }
  const auto meant = match_choice(said, labels);
  out = meant ? (*arguments[0].list())[*meant] : Value();
  return true;
}

constexpr ExpressionCall kFilters[] = {
    {.english = "upper",
     .russian = "заглавными",
     .usage = "upper",
     .about = "the text in capital letters",
     .input = kScalar,
     .result = T::Text,
     .apply = upper},
    {.english = "lower",
     .russian = "строчными",
     .usage = "lower",
     .about = "the text in small letters",
     .input = kScalar,
     .result = T::Text,
     .apply = lower},
    {.english = "capitalize",
     .russian = "с_заглавной",
     .usage = "capitalize",
     .about = "the first letter made a capital one",
     .input = kScalar,
     .result = T::Text,
     .apply = capitalize_first},
    {.english = "trim",
     .russian = "обрезать",
     .usage = "trim",
     .about = "without spaces at both ends",
     .input = kScalar,
     .result = T::Text,
     .apply = trim_text},
    {.english = "length",
     .russian = "длина",
     .usage = "length",
     .about = "how many letters, items or names; 0 for null",
     .input = types(T::Text, T::List, T::Map),
     .result = T::Number,
     .apply = length,
     .null_passes = false},
    {.english = "first",
     .russian = "первый",
     .usage = "first",
     .about = "the first item or letter, or null",
     .input = types(T::Text, T::List),
     .apply = first},
    {.english = "last",
     .russian = "последний",
     .usage = "last",
     .about = "the last item or letter, or null",
     .input = types(T::Text, T::List),
     .apply = last},
    {.english = "join",
     .russian = "соединить",
     .usage = "join(separator)",
     .about = "the items as one text, by `, ` unless told otherwise",
     .max_args = 1,
     .input = kList,
     .argument = {kText},
     .result = T::Text,
     .apply = join,
     .null_passes = false},
    {.english = "default",
     .russian = "по_умолчанию",
     .usage = "default(x)",
     .about = "x in place of null and of an empty text",
     .min_args = 1,
     .max_args = 1,
     .input = kAny,
     .argument = {kAny},
     .apply = default_value,
     .null_passes = false,
     .null_arguments = true},
    {.english = "round",
     .russian = "округлить",
     .usage = "round(n)",
     .about = "n digits after the comma, none unless told otherwise; a half goes up",
     .max_args = 1,
     .input = kNumber,
     .argument = {kNumber},
     .result = T::Number,
     .apply = round},
    {.english = "number",
     .russian = "число",
     .usage = "number",
     .about = "the number that a text is, or null",
     .input = types(T::Number, T::Text, T::Boolean),
     .result = T::Number,
     .apply = number},
    {.english = "int",
     .russian = "целое",
     .usage = "int",
     .about = "the whole part of the number that a text is, or null",
     .input = types(T::Number, T::Text, T::Boolean),
     .result = T::Number,
     .apply = integer},
    {.english = "text",
     .russian = "текст",
     .usage = "text",
     .about = "as it would be shown",
     .input = kAny,
     .result = T::Text,
     .apply = as_text},
    {.english = "money",
     .russian = "деньги",
     .usage = "money(currency)",
     .about = "a sum with the sign of its currency: `12 500 ₽`",
     .max_args = 1,
     .input = kNumber,
     .argument = {kText},
     .result = T::Text,
     .apply = money},
    {.english = "date",
     .russian = "дата",
     .usage = "date(format)",
     .about = "a date as text: `short`, `long` or a pattern such as 'd MMMM, EEEE'",
     .max_args = 1,
     .input = types(T::Date, T::Moment, T::Time, T::Text),
     .argument = {kText},
     .result = T::Text,
     .apply = date},
    {.english = "plural",
     .russian = "множественное",
     .usage = "plural('заказ', 'заказа', 'заказов')",
     .about = "the form of a word that goes with a number, without the number",
     .min_args = 2,
     .max_args = 4,
     .input = kNumber,
     .argument = {kText, kText, kText, kText},
     .result = T::Text,
     .apply = plural},
    {.english = "phone",
     .russian = "телефон",
     .usage = "phone",
     .about = "`+7 912 345-67-89`",
     .input = types(T::Text, T::Number),
     .result = T::Text,
     .apply = phone},
    {.english = "mask",
     .russian = "скрыть",
     .usage = "mask",
     .about = "the middle hidden by `*`",
     .input = kScalar,
     .result = T::Text,
     .apply = mask},
    {.english = "escape",
     .russian = "экранировать",
     .usage = "escape",
     .about = "safe to stand inside HTML",
     .input = kScalar,
     .result = T::Text,
     .apply = escape},
    {.english = "tokens",
     .russian = "токенов",
     .usage = "tokens",
     .about = "about how much room it takes in the memory of an assistant; 0 for null",
     .input = kAny,
     .result = T::Number,
     .apply = tokens,
     .null_passes = false},
    {.english = "keys",
     .russian = "ключи",
     .usage = "keys",
     .about = "the names of a map, in order",
     .input = types(T::Map),
     .result = T::List,
     .apply = keys},
    {.english = "values",
     .russian = "значения",
     .usage = "values",
     .about = "the values of a map, in order",
     .input = types(T::Map),
     .result = T::List,
     .apply = values},
    {.english = "sum",
     .russian = "сумма",
     .usage = "sum",
     .about = "the sum of the items; null ones are passed over",
     .input = kList,
     .apply = sum,
     .null_passes = false},
    {.english = "min",
     .russian = "мин",
     .usage = "min",
     .about = "the least item, or null",
     .input = kList,
     .apply = extreme<false>},
    {.english = "max",
     .russian = "макс",
     .usage = "max",
     .about = "the greatest item, or null",
     .input = kList,
     .apply = extreme<true>},
    {.english = "sort",
     .russian = "упорядочить",
     .usage = "sort('name')",
     .about = "the items in order, of maps by a member; '-name' turns it round",
     .max_args = 1,
     .input = kList,
     .argument = {kText},
     .result = T::List,
     .apply = sort,
     .quoted_name = true},
    {.english = "unique",
     .russian = "без_повторов",
     .usage = "unique",
     .about = "each item once, where it stood first",
     .input = kList,
     .result = T::List,
     .apply = unique},
    {.english = "map",
     .russian = "поле",
     .usage = "map('name')",
     .about = "one member of each item",
     .min_args = 1,
     .max_args = 1,
     .input = kList,
     .argument = {kText},
     .result = T::List,
     .apply = map_field,
     .quoted_name = true},
    {.english = "where",
     .russian = "где",
     .usage = "where('name', value)",
     .about = "the items whose member equals the value",
     .min_args = 2,
     .max_args = 2,
     .input = kList,
     .argument = {kText, kAny},
     .result = T::List,
     .apply = where,
     .null_arguments = true,
     .quoted_name = true},
    {.english = "among",
     .russian = "среди",
     .usage = "among(names)",
     .about = "the item of a list that the words mean, read as an answer to `choose` is; null for none",
     .min_args = 1,
     .max_args = 1,
     .input = kScalar,
     .argument = {kList},
     .apply = among},
    {.english = "days",
     .russian = "дней",
     .usage = "days",
     .about = "a number as so many days, a duration as a number of days",
     .input = types(T::Number, T::Duration),
     .apply = in_units<86'400'000>},
    {.english = "hours",
     .russian = "часов",
     .usage = "hours",
     .about = "a number as so many hours, a duration as a number of hours",
     .input = types(T::Number, T::Duration),
     .apply = in_units<3'600'000>},
    {.english = "minutes",
     .russian = "минут",
     .usage = "minutes",
     .about = "a number as so many minutes, a duration as a number of minutes",
     .input = types(T::Number, T::Duration),
     .apply = in_units<60'000>},
};

bool is_date_pattern(std::string_view pattern) {
  if (pattern == "коротко" || pattern == "полностью" || pattern == "short" || pattern == "long")
    return true;
  if (pattern.empty() || pattern.size() > 200) return false;
  bool quoted = false;
  for (const char c : pattern) {
    if (c == '\'') quoted = !quoted;
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!quoted && letter &&
        std::string_view("GyYuUrQqMLwWdDFgEecabBhHKkmsSAzZOvVXx").find(c) ==
            std::string_view::npos) {
      return false;
    }
  }
  return !quoted;
}

}  // namespace

std::span<const ExpressionCall> filter_table() { return kFilters; }

bool is_readable_argument(const ExpressionCall& call, std::size_t index, const Value& argument) {
  if (index != 0) return true;
  if (call.english == "money") return is_currency_code(*argument.text());
  if (call.english == "round") {
    const auto digits = argument.number()->to_int64();
    return digits && *digits >= -34 && *digits <= 34;
  }
  if (call.english == "duration") return Duration::parse(*argument.text()).has_value();
  if (call.english == "date") {
    if (call.input != 0) return is_date_pattern(*argument.text());
    if (!argument.text()) return true;
    return Date::parse_iso(*argument.text()) || LocalTime::parse_iso(*argument.text());
  }
  return true;
}

std::string format_grouped(const Decimal& number, Language language) {
  std::string digits = number.to_string();
  const bool negative = digits[0] == '-';
  if (negative) digits.erase(0, 1);
  std::string fraction;
  if (const std::size_t point = digits.find('.'); point != std::string::npos) {
    fraction = digits.substr(point + 1);
    digits.erase(point);
  }
  const bool russian = language == Language::Russian;
  std::string shown = negative ? "-" : "";
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) shown += russian ? kNoBreakSpace : ",";
    shown.push_back(digits[i]);
  }
  if (!fraction.empty()) shown.append(russian ? "," : ".").append(fraction);
  return shown;
}

std::string format_money(const Decimal& amount, std::string_view code, Language language) {
  const std::string upper = to_upper(code);
  Currency currency{upper, upper};
  for (const Currency& known : kCurrencies) {
    if (known.code == upper) currency = known;
  }
  const Decimal rounded = amount.rounded(currency.digits);
  std::string shown = format_grouped(rounded, language);
  const bool negative = shown[0] == '-';
  if (negative) shown.erase(0, 1);
  if (!rounded.is_integer()) {
    // 12,5 roubles are 12,50
    const std::size_t digits = shown.size() - shown.rfind(language == Language::Russian ? ',' : '.') - 1;
    if (digits < static_cast<std::size_t>(currency.digits))
      shown.append(static_cast<std::size_t>(currency.digits) - digits, '0');
  }
  // English writes $12.50, and RUB 12.50 where a currency has no sign of its own.
  const bool letters = currency.sign == upper;
  const std::string minus = negative ? "-" : "";
  if (language == Language::Russian) return minus + shown + std::string(kNoBreakSpace) + std::string(currency.sign);
  return minus + std::string(currency.sign) + std::string(letters ? kNoBreakSpace : "") + shown;
}

}  // namespace sufler
