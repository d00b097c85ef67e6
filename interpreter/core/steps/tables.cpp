// save, find, count, update, delete. The core has no database: a step asks, the turn stops, and goes on with
// the answer. Of a `where`, what compares a column with a value that is known beforehand becomes a condition
// of the request; the rest is applied here to the rows that come back.
#include <algorithm>
#include <array>
#include <iterator>

#include "interpreter/core/steps/steps.h"
#include "interpreter/core/tables/similarity.h"

namespace sufler {
namespace {

constexpr std::array<std::string_view, 4> kSystemColumns = {"id", "user_id", "dialog_id", "created_at"};

bool is_column(const Table& table, std::string_view name) {
  return std::find(kSystemColumns.begin(), kSystemColumns.end(), name) != kSystemColumns.end() ||
         std::any_of(table.columns.begin(), table.columns.end(),
                     [&](const Column& column) { return column.name == name; });
}

bool reads_columns(const Table& table, const Expression& expression) {
  return std::any_of(expression.names().begin(), expression.names().end(), [&](const NameUse& use) {
    return !use.path.empty() && is_column(table, use.path.front());
  });
}

struct Where {
  std::vector<Condition> conditions;
  std::vector<Condition> choices;  ///< `in` and `like`: not of `similar`
  std::vector<Expression> chosen;  ///< the parts behind `choices`
  std::vector<Expression> rest;
};

constexpr std::size_t kMostChoices = 100;

/// What a column can be compared with inside the database without a change of meaning.
bool is_comparable(const Table& table, std::string_view column, const Value& value) {
  if (value.list() || value.map() || value.file() || value.is_null()) return false;
  if (column == "id" || column == "dialog_id") return value.number() != nullptr;
  if (column == "user_id") return value.text() != nullptr;
  if (column == "created_at") return value.moment() != nullptr;
  for (const Column& known : table.columns) {
    if (known.name != column) continue;
    switch (known.type) {
      case ColumnType::Text: return value.text() != nullptr;
      case ColumnType::Number:
      case ColumnType::Integer: return value.number() != nullptr;
      case ColumnType::Boolean: return value.boolean() != nullptr;
      case ColumnType::Date: return value.date() != nullptr;
      case ColumnType::Time: return value.time() != nullptr;
      case ColumnType::DateTime: return value.moment() != nullptr;
      default: return false;
    }
  }
  return false;
}

bool is_text_column(const Table& table, std::string_view name) {
  return std::any_of(table.columns.begin(), table.columns.end(),
                     [&](const Column& column) { return column.name == name && column.type == ColumnType::Text; });
}

/// Whether the database can choose the rows: of values that the column can be compared with.
bool is_choosable(const Table& table, const Expression::Choice& choice, const Value& value) {
  const bool like = choice.op == "like";
  if (like && !is_text_column(table, choice.name)) return false;
  const List* const list = value.list();
  if (!list) return like && value.text() != nullptr;
  return !list->empty() && list->size() <= kMostChoices && std::all_of(list->begin(), list->end(), [&](const Value& item) {
    return is_comparable(table, choice.name, item);
  });
}

/// `name in [way, floor]`, `name like answer`. False: a fault.
bool split_choice(Play& play, const Table& table, const Expression& part, Where& out) {
  const auto choice = part.as_choice();
  const auto of = part.choice_value();
  if (!choice || !of || !is_column(table, choice->name) || reads_columns(table, *of)) {
    out.rest.push_back(part);
    return true;
  }
  Value value;
  if (!play.evaluate(*of, value)) return false;
  if (!is_choosable(table, *choice, value)) {
    out.rest.push_back(part);
    return true;
  }
  out.choices.push_back({choice->name, choice->op, std::move(value)});
  out.chosen.push_back(part);
  return true;
}

bool split_where(Play& play, const Table& table, const std::optional<Expression>& where, Where& out) {
  if (!where) return true;
  for (const Expression& part : where->conjuncts()) {
    if (part.as_choice()) {
      if (!split_choice(play, table, part, out)) return false;
      continue;
    }
    const auto comparison = part.as_comparison();
    const auto other = part.comparison_value();
    if (!comparison || !other || comparison->path.size() != 1 || !is_column(table, comparison->path.front()) ||
        reads_columns(table, *other)) {
      out.rest.push_back(part);
      continue;
    }
    Value value;
    if (!play.evaluate(*other, value)) return false;
    if (is_comparable(table, comparison->path.front(), value)) {
      out.conditions.push_back({comparison->path.front(), comparison->op, std::move(value)});
    } else {
      out.rest.push_back(part);
    }
  }
  return true;
}

/// Keeps the rows for which all of `rest` holds.
bool filter(Play& play, const std::vector<Expression>& rest, List& rows) {
  if (rest.empty()) return true;
  List kept;
  for (const Value& row : rows) {
    static const ValueMap kNone;
    const ExtraNames columns(play.scope, row.map() ? *row.map() : kNone);
    bool holds = true;
    for (const Expression& part : rest) {
      Value value;
      if (!play.evaluate(part, value)) return false;
      if (value.truthy()) continue;
      holds = false;
      break;
    }
    if (holds) kept.push_back(row);
  }
  rows = std::move(kept);
  return true;
}

std::int64_t id_of(const Value& row) {
  const Value* id = row.map() ? row.map()->find("id") : nullptr;
  return id && id->number() ? id->number()->to_int64().value_or(-1) : -1;
}

const Table& table_of(const Play& play, TableId id) { return play.program.tables[id.value]; }

/// The turn stops here; `phase` tells `resume_table` where to go on.
Flow ask_shell(Play& play, StepId id, std::uint32_t phase, TableRequest request) {
  play.turn.asks = std::move(request);
  Waiting waiting;
  waiting.what = Waiting::For::Table;
  waiting.step = id;
  waiting.question = phase;
  play.state.waiting = std::move(waiting);
  return Flow::Rest;
}

/// Asks for the rows that a `where` means: phase 0 of find, update, delete and some counts.
Flow ask_rows(Play& play, StepId id, TableId table, const std::optional<Expression>& where,
              std::vector<SortKey> sort, std::optional<std::int64_t> limit) {
  Where split;
  if (!split_where(play, table_of(play, table), where, split)) return Flow::Next;
  FindRows find;
  find.table = table;
  find.conditions = std::move(split.conditions);
  std::move(split.choices.begin(), split.choices.end(), std::back_inserter(find.conditions));
  find.sort = std::move(sort);
  if (split.rest.empty()) find.limit = limit;
  return ask_shell(play, id, 0, std::move(find));
}

/// Adds what `similar` means to the conditions. What is wanted of a column may be unknown: then it does not count.
bool add_nearness(Play& play, const Find& find, std::vector<Condition>& conditions) {
  const Table& table = table_of(play, find.table);
  for (const Similarity::Near& one : find.similar->near) {
    Value wanted;
    if (!play.evaluate(one.to, wanted)) return false;
    if (wanted.is_null()) continue;
    const auto column = std::find_if(table.columns.begin(), table.columns.end(),
                                     [&](const Column& known) { return known.name == one.column; });
    if (column == table.columns.end()) continue;
    if (column->type == ColumnType::Text && wanted.number()) wanted = Value(wanted.number()->to_string());
    if (wanted.text() && (column->type == ColumnType::Number || column->type == ColumnType::Integer)) {
      if (const auto number = Decimal::parse(*wanted.text())) wanted = Value(*number);
    }
    const bool fits = likeness_of(column->type) == Likeness::Distance
                          ? measure_of(column->type, wanted).has_value()
                          : is_comparable(table, one.column, wanted);
    if (!fits) return play.fail("`similar`: what is wanted of `" + one.column + "` is of another type than the column");
    conditions.push_back(condition_of({one.column, std::move(wanted), one.weight, one.within}));
  }
  return true;
}

/// How many of the nearest rows are asked for in a round, where a part of `where` is applied here: more each time, until
/// enough are left. Nothing: all.
std::optional<std::int64_t> asked_in_round(std::int64_t limit, std::uint32_t round) {
  constexpr std::int64_t kFirst = 64;
  constexpr std::uint32_t kRounds = 5;
  if (round >= kRounds || limit > INT32_MAX) return std::nullopt;
  return std::max(kFirst, limit * 4) << (3 * round);
}

Flow ask_similar(Play& play, StepId id, const Find& find, std::optional<std::int64_t> limit, std::uint32_t round) {
  Where split;
  if (!split_where(play, table_of(play, find.table), find.where, split)) return Flow::Next;
  FindRows request;
  request.table = find.table;
  request.conditions = std::move(split.conditions);
  if (!add_nearness(play, find, request.conditions)) return Flow::Next;
  request.sort = find.sort;
  const bool all_there = split.rest.empty() && split.chosen.empty();
  request.limit = limit && !all_there ? asked_in_round(*limit, round) : limit;
  return ask_shell(play, id, round, std::move(request));
}

bool limit_of(Play& play, const std::optional<Expression>& expression, std::optional<std::int64_t>& limit) {
  limit.reset();
  if (!expression) return true;
  Value value;
  if (!play.evaluate(*expression, value)) return false;
  if (value.is_null()) return true;
  const auto number = value.number() ? value.number()->to_int64() : std::nullopt;
  if (!number) return play.fail("`limit` is no whole number");
  limit = std::max<std::int64_t>(*number, 0);
  return true;
}

// ---- what is done with an answer; Rest when one more question to the shell is needed

Flow go_on(Play& play, StepId, const Save& save, std::uint32_t, const TableAnswer& answer) {
  play.mark_border();
  if (!save.into.empty()) play.set_variable(save.into, answer.rows.empty() ? Value() : answer.rows.front());
  return Flow::Next;
}

/// The rows of the answer that the whole of `where` holds for.
bool rows_of(Play& play, TableId table, const std::optional<Expression>& where, const TableAnswer& answer,
             List& rows) {
  Where split;
  if (!split_where(play, table_of(play, table), where, split)) return false;
  rows = answer.rows;
  // What the database chose is looked at again: `similar` does not choose, nor did the database of older journals.
  std::move(split.chosen.begin(), split.chosen.end(), std::back_inserter(split.rest));
  return filter(play, split.rest, rows);
}

Flow go_on(Play& play, StepId id, const Find& find, std::uint32_t round, const TableAnswer& answer) {
  List rows;
  std::optional<std::int64_t> limit;
  if (!rows_of(play, find.table, find.where, answer, rows) || !limit_of(play, find.limit, limit))
    return Flow::Next;
  if (find.similar && limit && static_cast<std::int64_t>(rows.size()) < *limit && rows.size() < answer.rows.size()) {
    // Some were left out here: unless those were all there are, the next nearest may hold.
    const auto asked = asked_in_round(*limit, round);
    if (asked && static_cast<std::int64_t>(answer.rows.size()) >= *asked) return ask_similar(play, id, find, limit, round + 1);
  }
  if (limit && static_cast<std::int64_t>(rows.size()) > *limit) rows.resize(static_cast<std::size_t>(*limit));
  if (!find.into.empty()) play.set_variable(find.into, std::move(rows));
  return Flow::Next;
}

Flow go_on(Play& play, StepId, const Count& count, std::uint32_t phase, const TableAnswer& answer) {
  std::int64_t number = answer.count;
  if (phase == 0) {
    List rows;
    if (!rows_of(play, count.table, count.where, answer, rows)) return Flow::Next;
    number = static_cast<std::int64_t>(rows.size());
  }
  if (!count.into.empty()) play.set_variable(count.into, number);
  return Flow::Next;
}

Flow go_on(Play& play, StepId id, const Update& update, std::uint32_t phase, const TableAnswer& answer) {
  if (phase == 1) {
    play.mark_border();
    return Flow::Next;
  }
  List rows;
  if (!rows_of(play, update.table, update.where, answer, rows)) return Flow::Next;
  UpdateRows request;
  request.table = update.table;
  for (const Value& row : rows) {
    // `values` see the row as it was.
    static const ValueMap kNone;
    const ExtraNames columns(play.scope, row.map() ? *row.map() : kNone);
    ValueMap values;
    for (const ColumnValue& column : update.values) {
      Value value;
      if (!play.evaluate(column.value, value)) return Flow::Next;
      values.set(column.column, std::move(value));
    }
    request.rows.emplace_back(id_of(row), std::move(values));
  }
  if (request.rows.empty()) return Flow::Next;
  return ask_shell(play, id, 1, std::move(request));
}

Flow go_on(Play& play, StepId id, const Delete& removal, std::uint32_t phase, const TableAnswer& answer) {
  if (phase == 1) {
    play.mark_border();
    return Flow::Next;
  }
  List rows;
  if (!rows_of(play, removal.table, removal.where, answer, rows)) return Flow::Next;
  DeleteRows request;
  request.table = removal.table;
  for (const Value& row : rows) request.ids.push_back(id_of(row));
  if (request.ids.empty()) return Flow::Next;
  return ask_shell(play, id, 1, std::move(request));
}

template <class Verb>
Flow go_on(Play&, StepId, const Verb&, std::uint32_t, const TableAnswer&) {
  return Flow::Next;
}

}  // namespace

Flow play_verb(Play& play, StepId id, const Step&, const Save& save) {
  InsertRow insert;
  insert.table = save.table;
  if (save.values) {
    for (const ColumnValue& column : *save.values) {
      Value value;
      if (!play.evaluate(column.value, value)) return Flow::Next;
      insert.values.set(column.column, std::move(value));
    }
  } else {
    for (const Column& column : table_of(play, save.table).columns) {
      const Value* value = play.scope.find(column.name);
      // A column without an answer takes its default.
      if (value && !value->is_null()) insert.values.set(column.name, *value);
    }
  }
  return ask_shell(play, id, 0, std::move(insert));
}

Flow play_verb(Play& play, StepId id, const Step&, const Find& find) {
  std::optional<std::int64_t> limit;
  if (!limit_of(play, find.limit, limit)) return Flow::Next;
  if (find.similar) return ask_similar(play, id, find, limit, 0);
  return ask_rows(play, id, find.table, find.where, find.sort, limit);
}

Flow play_verb(Play& play, StepId id, const Step&, const Count& count) {
  Where split;
  if (!split_where(play, table_of(play, count.table), count.where, split)) return Flow::Next;
  if (!split.rest.empty() || !split.chosen.empty()) return ask_rows(play, id, count.table, count.where, {}, {});
  return ask_shell(play, id, 1, CountRows{count.table, std::move(split.conditions)});
}

Flow play_verb(Play& play, StepId id, const Step&, const Update& update) {
  return ask_rows(play, id, update.table, update.where, {}, {});
}

Flow play_verb(Play& play, StepId id, const Step&, const Delete& removal) {
  return ask_rows(play, id, removal.table, removal.where, {}, {});
}

void resume_table(Play& play, const TableAnswer& answer) {
  if (play.state.waiting.what != Waiting::For::Table) return;
  const Waiting waiting = std::move(play.state.waiting);
  play.state.waiting = Waiting{};
  const Step& step = play.program.step(waiting.step);
  play.span = step.span;
  // Whatever fails from here on, the person's step is not taken back: rows may have been written.
  play.border = play.border || !std::holds_alternative<Find>(step.verb);
  if (!answer.error.empty()) {
    play.fail("the table refused: " + answer.error);
    play.run();
    return;
  }
  const Flow flow = std::visit(
      [&](const auto& verb) { return go_on(play, waiting.step, verb, waiting.question, answer); }, step.verb);
  if (flow == Flow::Next || play.fault) play.run();
}

}  // namespace sufler
