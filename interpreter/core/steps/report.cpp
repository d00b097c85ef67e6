// report: rows or talks as a file. No border: what it reads can be read again. Everything that the file depends on is
// worked out here and goes with the job, so the turn holds nothing while it is made.
#include <algorithm>

#include "interpreter/core/jobs.h"
#include "interpreter/core/report/order.h"
#include "interpreter/core/secret_columns.h"
#include "interpreter/core/steps/steps.h"

namespace sufler {
namespace {

constexpr std::size_t kMostRequestBytes = 256 * 1024;

/// False after a fault. A day is its beginning, or its end where a period ends.
bool end_of_period(Play& play, const Expression& expression, bool is_end, Moment& moment) {
  Value value;
  if (!play.evaluate(expression, value)) return false;
  const Zone& zone = play.program.zone;
  std::optional<Date> date;
  if (value.date()) date = *value.date();
  if (const std::string* text = value.text()) {
    if (const auto local = LocalTime::parse_iso(*text)) {
      moment = zone.to_moment(*local);
      return true;
    }
    date = Date::parse_iso(*text);
  }
  if (date) {
    moment = zone.to_moment({Date{date->days_since_epoch + (is_end ? 1 : 0)}, {}});
  } else if (value.moment()) {
    moment = *value.moment();
  } else {
    return play.fail("`" + expression.source() + "` gives no day and no moment");
  }
  return true;
}

/// When it is by a schedule that is played, however late: between the reports of two runs nothing is left out, and nothing
/// is in both.
Moment time_of(Play& play) {
  if (play.state.run_of.unix_ms != 0) return play.state.run_of;
  const auto* schedule = std::get_if<ScheduleDue>(&play.event.what);
  return schedule && schedule->due.unix_ms != 0 ? schedule->due : play.now();
}

bool work_out(Play& play, const Period& period, ReportOrder& order) {
  using Kind = Period::Kind;
  const Zone& zone = play.program.zone;
  const Moment time = time_of(play);
  const Date today = zone.to_local(time).date;
  // Days are counted by the calendar: one may have 23 or 25 hours.
  const auto day = [&](int from_today) { return zone.to_moment({Date{today.days_since_epoch + from_today}, {}}); };
  const auto month = [&](int from_this) {
    int year = 0;
    unsigned number = 1, of_month = 1;
    today.to_ymd(year, number, of_month);
    const int months = year * 12 + static_cast<int>(number) - 1 + from_this;
    const auto first = Date::from_ymd(months / 12, static_cast<unsigned>(months % 12) + 1, 1);
    return zone.to_moment({first.value_or(today), {}});
  };
  const int monday = 1 - today.weekday();
  // What happens at this very moment is in it: a step before this one may have saved a row.
  order.to = Moment{order.at.unix_ms + 1};
  // Of a run that came late what is still today is all of that day.
  const auto so_far = [&](Moment from, Moment end) {
    order.from = from;
    order.to = std::min(order.to, end);
    return true;
  };
  switch (period.kind) {
    case Kind::All: order.all_time = true; return true;
    case Kind::Last:
      order.to = Moment{time.unix_ms + 1};
      order.from = Moment{order.to.unix_ms - period.last.ms};
      return true;
    case Kind::Today: return so_far(day(0), day(1));
    case Kind::Yesterday: order.from = day(-1), order.to = day(0); return true;
    case Kind::ThisWeek: return so_far(day(monday), day(monday + 7));
    case Kind::LastWeek: order.from = day(monday - 7), order.to = day(monday); return true;
    case Kind::ThisMonth: return so_far(month(0), month(1));
    case Kind::LastMonth: order.from = month(-1), order.to = month(0); return true;
    case Kind::Between: break;
  }
  if (period.from && !end_of_period(play, *period.from, false, order.from)) return false;
  if (period.to && !end_of_period(play, *period.to, true, order.to)) return false;
  return true;
}

/// What an expression reads beside the row goes along.
void take_names(const Play& play, const Table& table, const Expression& expression, ValueMap& names) {
  for (const NameUse& use : expression.names()) {
    if (use.path.empty()) continue;
    const std::string& name = use.path.front();
    const bool system = name == "id" || name == "user_id" || name == "dialog_id" || name == "created_at";
    const bool column = system || std::any_of(table.columns.begin(), table.columns.end(), [&](const Column& one) { return one.name == name; });
    if (column || names.find(name)) continue;
    if (const Value* value = play.scope.find(name)) names.set(name, *value);
  }
}

void order_talks(Play& play, const ReportStep& report, ReportOrder& order) {
  order.talks = true;
  if (report.this_talk) {
    order.chat = play.around.chat;
    order.user_id = play.user.id;
    return;
  }
  for (const Table& table : play.program.tables)
    if (table.written) order.counted.push_back(table.name);
}

void order_rows(Play& play, const ReportStep& report, ReportOrder& order) {
  const Table& table = play.program.tables[report.table.value];
  order.table.name = table.name;
  for (const Column& column : table.columns) {
    Column plain;
    plain.name = column.name;
    plain.type = column.type;
    order.table.columns.push_back(std::move(plain));
  }
  for (const auto& [column, secret] : secret_columns(play.program, report.table)) order.secret.push_back(column);
  if (!order.all_time) {
    order.conditions.push_back({"created_at", ">=", Value(order.from)});
    order.conditions.push_back({"created_at", "<", Value(order.to)});
  }
  if (report.where) {
    order.where = report.where->source();
    take_names(play, table, *report.where, order.names);
  }
  order.sort = report.sort;
  for (const ReportStep::Column& column : report.columns) {
    order.columns.push_back({column.heading, column.value.source()});
    take_names(play, table, column.value, order.names);
  }
  if (!order.columns.empty()) return;
  const bool russian = play.program.language == Language::Russian;
  order.columns.push_back({russian ? "№" : "No.", "id"});
  order.columns.push_back({russian ? "Создано" : "Created", "created_at"});
  for (const Column& column : table.columns)
    if (column.name != "id" && column.name != "created_at") order.columns.push_back({column.name, column.name});
}

}  // namespace

Flow play_verb(Play& play, StepId id, const Step&, const ReportStep& report) {
  using Format = ReportStep::Format;
  ReportOrder order;
  order.format = report.format;
  order.name = report.name + (report.format == Format::Html ? ".html" : report.format == Format::Csv ? ".csv" : ".txt");
  order.language = play.program.language;
  order.zone = play.program.zone.name();
  order.at = play.now();
  if (!report.title.empty()) {
    RichText title;
    if (!play.render(report.title, title)) return Flow::Next;
    order.title = std::string(first_code_points(trim(title.text), 200));
  }
  if (!work_out(play, report.period, order)) return Flow::Next;
  if (report.table) {
    order_rows(play, report, order);
  } else {
    order_talks(play, report, order);
  }
  std::string request = to_json(order);
  if (request.size() > kMostRequestBytes) {
    play.fail("a report asks with more than " + std::to_string(kMostRequestBytes) + " bytes");
    return Flow::Next;
  }
  return begin_job(play, id, std::string(kReportService), report.name, std::move(request));
}

Flow take_result(Play& play, const Waiting&, const ReportStep& report, const Value& result, const std::string& error) {
  const Value* file = result.map() ? result.map()->find("file") : nullptr;
  if (error.empty() && file && file->file()) {
    if (!report.into.empty()) play.set_variable(report.into, *file);
    return Flow::Next;
  }
  const std::string why = error.empty() ? "no file came of it" : error;
  if (!report.into.empty() && !play.set_variable(report.into, Value())) return Flow::Next;
  if (report.on_error) {
    play.effect(WriteLog{"the report `" + report.name + "` was not made: " + why});
    play.enter(report.on_error);
  } else {
    play.fail("the report `" + report.name + "` was not made: " + why);
  }
  return Flow::Next;
}

}  // namespace sufler
