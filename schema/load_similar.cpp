// `find … similar` (LANGUAGE 4): by which columns rows are compared, and with what.
#include <algorithm>

#include "interpreter/core/tables/similarity.h"
#include "schema/loading.h"

namespace sufler {
namespace {

constexpr double kMostWeight = 1000;

const Column* column_of(const Table& table, std::string_view name) {
  const auto found = std::find_if(table.columns.begin(), table.columns.end(), [&](const Column& one) { return one.name == name; });
  return found == table.columns.end() ? nullptr : &*found;
}

std::optional<double> read_weight(Loading& loading, const Node& node, std::string_view what) {
  const auto number = node.is_scalar() ? Decimal::parse(trim(node.scalar)) : std::nullopt;
  const double weight = number ? number->to_double() : 0;
  if (weight > 0 && weight <= kMostWeight) return weight;
  hint(loading, loading.report(DiagnosticId::BadWeight, node.span, {std::string(what), std::string(node.scalar)}),
       "a column of weight 2 counts twice as much as one without a weight", "столбец с весом 2 важнее вдвое, чем столбец без веса");
  return std::nullopt;
}

/// `20%` or a number of numbers, a length of time of dates and times.
std::optional<Within> read_within(Loading& loading, const Node& node, const Column& column, std::string_view what) {
  const std::string_view text = node.is_scalar() ? trim(node.scalar) : std::string_view();
  const bool numbers = column.type == ColumnType::Number || column.type == ColumnType::Integer;
  if (numbers && text.ends_with('%')) {
    const auto part = Decimal::parse(trim(text.substr(0, text.size() - 1)));
    if (part && !part->is_negative() && !part->is_zero()) return Within{part->to_double() / 100, true};
  } else if (numbers) {
    const auto amount = Decimal::parse(text);
    if (amount && !amount->is_negative() && !amount->is_zero()) return Within{amount->to_double(), false};
  } else if (likeness_of(column.type) == Likeness::Distance) {
    if (const auto length = Duration::parse(text); length && length->ms > 0) {
      constexpr double kSecond = 1000, kDay = 24 * 3600 * kSecond;
      const double unit = column.type == ColumnType::Date ? kDay : column.type == ColumnType::Time ? kSecond : 1;
      return Within{static_cast<double>(length->ms) / unit, false};
    }
  }
  Diagnostic& problem = loading.report(DiagnosticId::BadWithin, node.span, {std::string(what), column.name, std::string(node.scalar)});
  if (numbers) {
    hint(loading, problem, "a part of what is wanted, `20%`, or a number, `15`", "часть искомого, `20%`, или число, `15`");
  } else if (likeness_of(column.type) == Likeness::Distance) {
    hint(loading, problem, "a length of time: `30d`, `2h`", "срок: `30д`, `2ч`");
  } else {
    hint(loading, problem, "these values are the same or not: to leave others out, write `%where%: " + column.name + " == …`",
         "такие значения совпадают или нет; чтобы убрать остальные, напишите `%where%: " + column.name + " == …`");
  }
  return std::nullopt;
}

/// The columns that an index is worth having for. Long texts are not put into one: databases refuse them.
std::vector<std::string> index_of(const Table& table, const Find& find, const Similarity& similarity) {
  std::vector<std::string> index;
  const auto add = [&](const Column& column) {
    const bool small = column.type != ColumnType::Text || !column.options.empty();
    if (small && std::find(index.begin(), index.end(), column.name) == index.end()) index.push_back(column.name);
  };
  if (find.where) {
    for (const Expression& part : find.where->conjuncts()) {
      const auto comparison = part.as_comparison();
      if (!comparison || comparison->op != "==" || comparison->path.size() != 1) continue;
      const Column* column = column_of(table, comparison->path[0]);
      if (column && likeness_of(column->type) == Likeness::Equality) add(*column);
    }
  }
  // What is only the same or not comes first, then whole numbers, of which a few can be named: an index finds one range, and
  // it is that of the first column that is neither.
  const auto rank = [](const Column& column) {
    return likeness_of(column.type) == Likeness::Equality ? 0 : column.type == ColumnType::Integer ? 1 : 2;
  };
  std::vector<std::pair<const Similarity::Near*, const Column*>> sorted;
  for (const Similarity::Near& one : similarity.near)
    if (const Column* column = column_of(table, one.column)) sorted.emplace_back(&one, column);
  std::stable_sort(sorted.begin(), sorted.end(), [&](const auto& a, const auto& b) {
    const int first = rank(*a.second), second = rank(*b.second);
    return first != second ? first < second : a.first->weight > b.first->weight;
  });
  for (const auto& [near, column] : sorted) add(*column);
  return index;
}

}  // namespace

bool check_writable(Loading& loading, TableId id, SourceSpan span) {
  if (!id) return true;
  const Table& table = loading.program.tables[id.value];
  if (table.data_file.empty()) return true;
  hint(loading, loading.report(DiagnosticId::WritesIntoFile, span, {table.name, table.data_file}),
       "change the file, or save into a table of its own", "измените файл или записывайте в другую таблицу");
  return false;
}

std::shared_ptr<const Similarity> read_similar(Loading& loading, const Node& node, const Find& find, std::string_view what) {
  if (!node.is_map() || node.entries.empty()) {
    hint(loading, loading.report(DiagnosticId::WantsMap, node.span, {std::string(what)}), "on each line a column and what it is compared with, for example `{area: area, floor: 5}`",
         "на каждой строке столбец и то, с чем его сравнить, например `{площадь: площадь, этаж: 5}`");
    return nullptr;
  }
  if (!find.table || loading.implied_tables.count(find.table.value)) {
    // What its columns are is known only when all steps are.
    if (find.table) {
      const Table& table = loading.program.tables[find.table.value];
      hint(loading, loading.report(DiagnosticId::NotComparable, node.span, {table.name}), "describe the table and its columns in `%tables%`",
           "опишите таблицу и её столбцы в `%tables%`");
    }
    return nullptr;
  }
  const Table& table = loading.program.tables[find.table.value];
  auto similarity = std::make_shared<Similarity>();
  for (const Node::Entry& entry : node.entries) {
    const std::string name(nfc(loading, entry.key.scalar));
    const Column* column = column_of(table, name);
    if (!column) {
      const bool system = name == "id" || name == "user_id" || name == "dialog_id" || name == "created_at";
      std::vector<std::string> known;
      for (const Column& one : table.columns) known.push_back(one.name);
      if (system) {
        hint(loading, loading.report(DiagnosticId::NotComparable, entry.key.span, {name}), "it says nothing of what the row is about",
             "он ничего не говорит о самой строке");
      } else {
        offer(loading, loading.report(DiagnosticId::UnknownColumn, entry.key.span, {table.name, name}), name, known, false);
      }
      continue;
    }
    if (likeness_of(column->type) == Likeness::None) {
      hint(loading, loading.report(DiagnosticId::NotComparable, entry.key.span, {name}), "compared are numbers, dates, times, texts and `%yes_no%`",
           "сравнивают числа, даты, время, тексты и `%yes_no%`");
      continue;
    }
    double weight = 1;
    std::optional<Within> within;
    std::optional<Expression> to;
    if (entry.value.is_map()) {
      Fields fields(loading, entry.value, in::ColumnKey, name);
      if (const Node* wanted = fields.require(Word::NearTo)) to = read_expression(loading, *wanted, name);
      if (const Node* one = fields.take(Word::Weight)) weight = read_weight(loading, *one, fields.spelled(Word::Weight)).value_or(1);
      if (const Node* one = fields.take(Word::WithinWord)) within = read_within(loading, *one, *column, fields.spelled(Word::WithinWord));
      fields.finish();
    } else {
      to = read_expression(loading, entry.value, name);
    }
    if (to) similarity->near.push_back({name, std::move(*to), weight, within});
  }
  if (similarity->near.empty()) return nullptr;
  similarity->index = index_of(table, find, *similarity);
  return similarity;
}

}  // namespace sufler
