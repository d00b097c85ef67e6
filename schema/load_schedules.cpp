// `schedules`: when a branch begins by the clock, and for whom (LANGUAGE 9).
#include <algorithm>
#include <array>

#include "schema/loading.h"

namespace sufler {
namespace {

constexpr std::int64_t kDayMs = 86'400'000;
constexpr std::uint8_t kWorkdays = 0x1f, kWeekend = 0x60;
constexpr std::array<std::string_view, 7> kDayNames = {"monday",   "tuesday", "wednesday", "thursday",
                                                       "friday",   "saturday", "sunday"};
/// A moment of no importance, to see whether a time ever comes.
constexpr Moment kSomeMoment{1'767'225'600'000};

/// A part of a scalar, read like a scalar of its own.
const Node& part_of(Loading& loading, const Node& node, std::size_t offset, std::size_t length) {
  Node& part = loading.made_nodes.emplace_back();
  part.kind = Node::Kind::Scalar;
  part.span = span_inside(node, loading.sources, offset, length);
  part.scalar = node.scalar.substr(offset, length);
  return part;
}

/// Bit 0 Monday; 0 when it names no days of the week.
std::uint8_t days_named(std::string_view text) {
  const auto day = [](std::string_view name) {
    const Word word = find_word(to_lower(trim(name)), in::EveryWord | in::Weekday);
    if (word >= Word::EveryMonday && word <= Word::EverySunday)
      return static_cast<int>(word) - static_cast<int>(Word::EveryMonday);
    if (word >= Word::Monday && word <= Word::Sunday) return static_cast<int>(word) - static_cast<int>(Word::Monday);
    return -1;
  };
  const std::size_t dash = text.find('-');
  const int first = day(text.substr(0, dash));
  const int last = dash == text.npos ? first : day(text.substr(dash + 1));
  if (first < 0 || last < 0) return 0;
  std::uint8_t days = 0;
  for (int d = first;; d = (d + 1) % 7) {
    days = static_cast<std::uint8_t>(days | (1u << d));
    if (d == last) return days;
  }
}

std::string words_of_days(std::uint8_t days) {
  if (days == 0x7f) return "day";
  if (days == kWorkdays) return "weekday";
  if (days == kWeekend) return "weekend";
  std::string words;
  for (std::size_t d = 0; d < kDayNames.size(); ++d)
    if ((days >> d & 1) != 0) words.append(words.empty() ? "" : ", ").append(kDayNames[d]);
  return words;
}

void report_every(Loading& loading, const Node& node, const std::string& what) {
  Diagnostic& problem = loading.report(DiagnosticId::BadEvery, node.span, {what, std::string(node.scalar)});
  hint(loading, problem,
       "for example `%day%`, `%weekday%`, `%monday%`, `[%monday%, %thursday%]`, `%month%`, `%hour%` or `10m`; for all else there is "
       "`%cron%: \"0 9 5 * *\"`",
       "например `%day%`, `%weekday%`, `%monday%`, `[%monday%, %thursday%]`, `%month%`, `%hour%` или `10м`; для всего остального есть "
       "`%cron%: \"0 9 5 * *\"`");
}

/// Days, or a length of time. False when it was not understood, which is said.
bool read_every(Loading& loading, Fields& fields, const Node& node, Recurrence& when) {
  const std::string what = fields.spelled(Word::Every);
  std::uint8_t days = 0;
  for (const Node* item : read_strings(loading, node, what)) {
    const std::string text = to_lower(trim(item->scalar));
    const bool alone = node.is_scalar();
    const Word word = find_word(text, in::EveryWord);
    if (word == Word::Day) {
      days = 0x7f;
    } else if (word == Word::WeekdayWord) {
      days |= kWorkdays;
    } else if (word == Word::Weekend) {
      days |= kWeekend;
    } else if (word == Word::Month && alone) {
      days = 0x7f;
      when.days_of_month = 1u << 1;
    } else if (word == Word::Hour && alone) {
      when.kind = Recurrence::Kind::Interval;
      when.interval = Duration{3'600'000};
    } else if (const std::uint8_t named = days_named(text); named != 0) {
      days = static_cast<std::uint8_t>(days | named);
    } else if (const auto interval = Duration::parse(text); interval && alone) {
      when.kind = Recurrence::Kind::Interval;
      when.interval = *interval;
      if (interval->ms >= 1000 && interval->ms < kDayMs) continue;
      hint(loading, loading.report(DiagnosticId::TooOften, item->span, {what, std::string(item->scalar)}),
           "longer rhythms are `%day%`, `%monday%`, `%month%` with `%at%`, or `%cron%`",
           "реже бывает `%day%`, `%monday%`, `%month%` вместе с `%at%` или `%cron%`");
      return false;
    } else {
      report_every(loading, *item, what);
      return false;
    }
  }
  if (when.kind == Recurrence::Kind::Interval) {
    when.source = when.interval.ms == 3'600'000 ? "every hour" : "every " + when.interval.to_string();
    return true;
  }
  if (days == 0) {
    if (node.is_list()) report_every(loading, node, what);
    return false;
  }
  when.weekdays = days;
  when.source = when.days_of_month == 1u << 1 ? "every month" : "every " + words_of_days(days);
  return true;
}

void read_times(Loading& loading, Fields& fields, Recurrence& when) {
  const Node* at = fields.take(Word::At);
  const std::string what = fields.spelled(Word::At);
  if (when.kind != Recurrence::Kind::Days) {
    if (!at) return;
    hint(loading, loading.report(DiagnosticId::NotTogether, fields.key_span(Word::At), {what, when.source}),
         "it is counted from midnight; leave `%at%` out", "это отсчитывается от полуночи; уберите `%at%`");
    return;
  }
  if (!at) {
    hint(loading, loading.report(DiagnosticId::ScheduleWithoutTime, fields.key_span(Word::Every), {fields.where()}),
         "add the time of day: `%at%: \"09:00\"`", "добавьте время: `%at%: \"09:00\"`");
    return;
  }
  std::vector<const Node*> nodes;
  if (at->is_list()) {
    for (const Node& item : at->items) nodes.push_back(&item);
  } else {
    nodes.push_back(at);
  }
  for (const Node* node : nodes)
    if (const auto time = read_time(loading, *node, what)) when.times.push_back(*time);
  std::sort(when.times.begin(), when.times.end());
  when.times.erase(std::unique(when.times.begin(), when.times.end()), when.times.end());
  for (std::size_t i = 0; i < when.times.size(); ++i) when.source += (i == 0 ? " at " : ", ") + when.times[i].to_string();
}

void read_when(Loading& loading, Fields& fields, Schedule& schedule) {
  const Node* every = fields.take(Word::Every);
  const Node* cron = fields.take(Word::Cron);
  if (every && cron) {
    loading.report(DiagnosticId::NotTogether, fields.key_span(Word::Cron), {fields.spelled(Word::Cron), fields.spelled(Word::Every)});
    fields.take(Word::At);
  } else if (every) {
    if (read_every(loading, fields, *every, schedule.when)) {
      read_times(loading, fields, schedule.when);
    } else {
      fields.take(Word::At);
    }
  } else if (cron) {
    const auto text = read_scalar(loading, *cron, fields.spelled(Word::Cron));
    if (const Node* at = fields.take(Word::At)) {
      loading.report(DiagnosticId::NotTogether, at->span, {fields.spelled(Word::At), fields.spelled(Word::Cron)});
    }
    if (!text) return;
    const auto parsed = parse_cron(*text);
    if (!parsed) {
      hint(loading, loading.report(DiagnosticId::BadCron, cron->span, {std::string(*text)}),
           "minute, hour, day of the month, month, day of the week: `\"30 9 * * 1-5\"` is half past nine from Monday to Friday",
           "минута, час, число, месяц, день недели: `\"30 9 * * 1-5\"` — половина десятого с понедельника по пятницу");
      return;
    }
    schedule.when = *parsed;
    if (!next_time(schedule.when, loading.program.zone, kSomeMoment)) {
      hint(loading, loading.report(DiagnosticId::NeverComes, cron->span, {std::string(*text)}),
           "the third and the fourth field are the day of the month and the month",
           "третье и четвёртое поле — число и месяц");
    }
  } else {
    fields.take(Word::At);
    if (fields.has_unknown()) return;
    hint(loading, loading.report(DiagnosticId::ScheduleWithoutTime, schedule.span, {schedule.name}),
         "add `%every%: %day%` and `%at%: \"09:00\"`, or `%every%: 10m`",
         "добавьте `%every%: %day%` и `%at%: \"09:00\"` или `%every%: 10м`");
  }
}

/// A word of a scalar, with its place.
struct Piece {
  std::string_view text;
  std::size_t offset = 0;
};
std::vector<Piece> pieces_of(std::string_view text) {
  std::vector<Piece> pieces;
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] == ' ' || text[at] == '\t' || text[at] == '\n') {
      ++at;
      continue;
    }
    const std::size_t end = std::min(text.find_first_of(" \t\n", at), text.size());
    pieces.push_back({text.substr(at, end - at), at});
    at = end;
  }
  return pieces;
}

Word schedule_word(const Piece& piece) { return find_word(to_lower(piece.text), in::ScheduleWord); }

/// `whom` becomes somebody: that nobody listens is not the mistake here.
void report_for(Loading& loading, const Node& node, const std::string& what, Schedule& schedule) {
  schedule.whom = Schedule::For::Users;
  hint(loading, loading.report(DiagnosticId::BadScheduleFor, node.span, {what, std::string(node.scalar)}),
       "`%dialogs% %in% order %idle% 24h` or `%users% %where% user.vip`",
       "`%dialogs% %in% order %idle% 24h` или `%users% %where% user.vip`");
}

void read_for(Loading& loading, Fields& fields, const Node& node, Schedule& schedule) {
  const std::string what = fields.spelled(Word::For);
  if (!read_scalar(loading, node, what)) return;
  const std::vector<Piece> pieces = pieces_of(node.scalar);
  const Word first = pieces.empty() ? Word::None : schedule_word(pieces[0]);
  schedule.people = std::string(trim(node.scalar));
  if (first == Word::ForUsers) {
    schedule.whom = Schedule::For::Users;
    if (pieces.size() == 1) return;
    if (schedule_word(pieces[1]) != Word::ForWhere || pieces.size() == 2) return report_for(loading, node, what, schedule);
    const std::size_t from = pieces[2].offset;
    const Node& condition = part_of(loading, node, from, node.scalar.size() - from);
    schedule.where = read_condition(loading, condition, what);
    if (!schedule.where) return;
    for (const NameUse& use : schedule.where->names()) {
      if (use.path.empty()) continue;
      const Word name = find_word(use.path[0], in::SystemName);
      if (name == Word::User || name == Word::Shared || name == Word::Settings || name == Word::Texts) continue;
      hint(loading, loading.report(DiagnosticId::UnknownAboutPeople, condition.span, {use.path[0]}),
           "keep it with the person, `%set%: {user." + use.path[0] + ": …}`, and ask for `user." + use.path[0] + "`; `shared` and "
           "`settings` are known, too",
           "запомните это у человека, `%set%: {user." + use.path[0] + ": …}`, и спрашивайте `user." + use.path[0] +
               "`; ещё известны `shared` и `settings`");
      return;
    }
    return;
  }
  const bool whole = first == Word::ForDialogs && pieces.size() >= 5 && schedule_word(pieces[1]) == Word::ForIn &&
                     schedule_word(pieces[3]) == Word::ForIdle;
  if (!whole) return report_for(loading, node, what, schedule);
  schedule.whom = Schedule::For::Dialogs;
  const Node& branch = part_of(loading, node, pieces[2].offset, pieces[2].text.size());
  const std::size_t uses = loading.branch_uses.size();
  schedule.resting_in = read_branch_name(loading, branch, what);
  loading.branch_uses.resize(uses);  // it leads nowhere
  const Node& idle = part_of(loading, node, pieces[4].offset, trim(node.scalar.substr(pieces[4].offset)).size());
  schedule.idle = read_duration(loading, idle, loading.say(Word::ForIdle, idle.span)).value_or(Duration{});
}

void read_missed(Loading& loading, Fields& fields, Schedule& schedule) {
  const Node* node = fields.take(Word::Missed);
  if (!node) return;
  const std::string what = fields.spelled(Word::Missed);
  const auto text = read_scalar(loading, *node, what);
  if (!text) return;
  switch (find_word(to_lower(trim(*text)), in::ScheduleWord)) {
    case Word::MissedOnce: schedule.missed = Schedule::Missed::Once; return;
    case Word::MissedSkip: schedule.missed = Schedule::Missed::Skip; return;
    case Word::MissedAll: schedule.missed = Schedule::Missed::All; return;
    default:
      hint(loading, loading.report(DiagnosticId::UnknownValue, node->span, {what, std::string(*text)}),
           "`%once%`: one run for all of them, `%skip%`: none, `%all%`: one for each",
           "`%once%`: один запуск за все, `%skip%`: ни одного, `%all%`: по одному за каждый");
  }
}

}  // namespace

void load_schedules(Loading& loading) {
  loading.branch = {};
  in_order(loading.schedules, [&](const Declared& declared) {
    const Node& node = *declared.value;
    const std::string name(declared.key->scalar);
    if (!node.is_map()) {
      loading.report(DiagnosticId::WantsMap, node.kind == Node::Kind::Null ? declared.key->span : node.span, {name});
      return;
    }
    Schedule schedule = loading.program.schedules[declared.index];
    Fields fields(loading, node, in::ScheduleKey, name);
    read_when(loading, fields, schedule);
    if (const Node* branch = fields.require(Word::Branch))
      schedule.branch = read_branch_name(loading, *branch, fields.spelled(Word::Branch));
    if (const Node* people = fields.take(Word::For)) read_for(loading, fields, *people, schedule);
    read_missed(loading, fields, schedule);
    fields.finish();
    loading.program.schedules[declared.index] = std::move(schedule);
  });
}

}  // namespace sufler
