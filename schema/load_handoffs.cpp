// Handoff rules (LANGUAGE 7): who takes over, when, and how it ends.
#include <algorithm>

#include "interpreter/core/crm_handoff.h"
#include "schema/loading.h"

namespace sufler {
namespace {

std::uint8_t read_days(Loading& loading, const Node& node, std::string_view what) {
  std::uint8_t days = 0;
  bool good = true;
  const auto day = [](std::string_view text) -> int {
    const Word word = find_word(to_lower(trim(text)), in::Weekday);
    return word == Word::None ? -1 : static_cast<int>(word) - static_cast<int>(Word::Monday);
  };
  for (const Node* item : read_strings(loading, node, what)) {
    std::string_view rest = item->scalar;
    while (!rest.empty()) {
      const std::size_t comma = std::min(rest.find(','), rest.size());
      const std::string_view part = trim(rest.substr(0, comma));
      rest = rest.substr(std::min(comma + 1, rest.size()));
      const std::size_t dash = part.find('-');
      const int first = day(part.substr(0, dash));
      const int last = dash == part.npos ? first : day(part.substr(dash + 1));
      if (first < 0 || last < 0) {
        good = false;
        continue;
      }
      for (int d = first;; d = (d + 1) % 7) {
        days = static_cast<std::uint8_t>(days | (1u << d));
        if (d == last) break;
      }
    }
  }
  if (!good || days == 0) {
    hint(loading, loading.report(DiagnosticId::WantsDays, node.span,
                        {std::string(what), std::string(node.scalar)}),
         "for example `mon-fri` or `[mon, wed, sat]`", "например `пн-пт` или `[пн, ср, сб]`");
  }
  return days;
}

std::vector<std::string> read_folded(Loading& loading, const Node& node, std::string_view what) {
  std::vector<std::string> result;
  for (const Node* word : read_strings(loading, node, what)) result.push_back(fold(word->scalar));
  return result;
}

constexpr TimeOfDay kMidnight{24 * 60 * 60};

/// `01-01` of every year, `2026-05-09` of one.
std::optional<HandoffRule::Hours::Holiday> holiday_of(std::string_view text) {
  // A leap year, so that the 29th of February is a day.
  const bool every_year = text.size() == 5;
  const auto date = Date::parse_iso(every_year ? "2024-" + std::string(text) : std::string(text));
  if (!date) return std::nullopt;
  HandoffRule::Hours::Holiday holiday;
  date->to_ymd(holiday.year, holiday.month, holiday.day);
  if (every_year) holiday.year = 0;
  return holiday;
}

/// `09.05.2026` and `09.05`, the day first, as a holiday is written; empty when it is no date either.
std::string as_holiday(std::string_view text) {
  const auto digits = [](std::string_view part) {
    return !part.empty() && part.find_first_not_of("0123456789") == part.npos;
  };
  const std::size_t first = text.find('.');
  if (first == text.npos || first > 2) return {};
  const std::size_t second = std::min(text.find('.', first + 1), text.size());
  const std::string_view day = text.substr(0, first), month = text.substr(first + 1, second - first - 1);
  const std::string_view year = text.substr(std::min(second + 1, text.size()));
  if (!digits(day) || !digits(month) || month.size() > 2 || (!year.empty() && (!digits(year) || year.size() != 4))) {
    return {};
  }
  const auto two = [](std::string_view part) { return std::string(2 - part.size(), '0') + std::string(part); };
  std::string result = two(month) + "-" + two(day);
  if (!year.empty()) result = std::string(year) + "-" + result;
  return holiday_of(result) ? result : std::string();
}

std::vector<HandoffRule::Hours::Holiday> read_holidays(Loading& loading, const Node& node, std::string_view what) {
  std::vector<HandoffRule::Hours::Holiday> holidays;
  for (const Node* item : read_strings(loading, node, what)) {
    const std::string_view text = trim(item->scalar);
    if (const auto holiday = holiday_of(text)) {
      holidays.push_back(*holiday);
      continue;
    }
    Diagnostic& problem = loading.report(DiagnosticId::WantsHolidays, item->span, {std::string(what), std::string(text)});
    const std::string meant = as_holiday(text);
    if (meant.empty()) {
      hint(loading, problem, "for example `01-01`, the first of January of every year, or `\"2026-05-09\"`",
           "например `01-01` — первое января каждого года — или `\"2026-05-09\"`");
    } else {
      hint(loading, problem, "the month comes first: `" + meant + "`", "сначала месяц: `" + meant + "`");
      problem.fixes.push_back({"`" + meant + "`", {{item->span, "\"" + meant + "\""}}, false});
    }
  }
  return holidays;
}

/// A time of day; `24:00` ends a day.
std::optional<TimeOfDay> read_closing_time(Loading& loading, const Node& node, std::string_view what) {
  if (node.is_scalar() && trim(node.scalar) == "24:00") return kMidnight;
  return read_time(loading, node, what);
}

std::optional<HandoffRule::Hours> read_hours(Loading& loading, const Node& node, const std::string& what, bool relays) {
  if (!node.is_map()) {
    hint(loading, loading.report(DiagnosticId::WantsMap, node.span, {what}),
         "for example `{%days%: mon-fri, from: \"09:00\", to: \"18:00\"}`",
         "например `{%days%: пн-пт, с: \"09:00\", до: \"18:00\"}`");
    return std::nullopt;
  }
  Fields fields(loading, node, in::HoursKey, what);
  HandoffRule::Hours hours;
  if (const Node* days = fields.take(Word::Days)) hours.days = read_days(loading, *days, fields.spelled(Word::Days));
  std::optional<TimeOfDay> opens, closes;
  if (const Node* from = fields.require(Word::HoursFrom)) {
    opens = read_time(loading, *from, fields.spelled(Word::HoursFrom));
  }
  const Node* to = fields.require(Word::HoursTo);
  if (to) closes = read_closing_time(loading, *to, fields.spelled(Word::HoursTo));
  hours.from = opens.value_or(TimeOfDay{});
  hours.to = closes.value_or(TimeOfDay{});
  if (opens && opens == closes) {
    hint(loading, loading.report(DiagnosticId::NeverOpen, to->span,
                                 {fields.spelled(Word::HoursFrom), fields.spelled(Word::HoursTo)}),
         "the whole day is from `\"00:00\"` to `\"24:00\"`", "весь день — это с `\"00:00\"` до `\"24:00\"`");
  }
  if (const Node* holidays = fields.take(Word::Holidays)) {
    hours.holidays = read_holidays(loading, *holidays, fields.spelled(Word::Holidays));
  }
  if (const Node* zone = fields.take(Word::Timezone)) {
    hours.zone = read_zone(loading, *zone, fields.spelled(Word::Timezone));
  }
  if (const Node* otherwise = fields.take(Word::Otherwise)) {
    hours.otherwise = read_branch_name(loading, *otherwise, fields.spelled(Word::Otherwise));
    if (!relays) {
      hint(loading, loading.report(DiagnosticId::NotTogether, fields.key_span(Word::Otherwise),
                                   {fields.spelled(Word::Otherwise), loading.say(Word::Silent, node.span)}),
           "ask before the step: `- %if%: is_working_time()`", "проверьте перед шагом: `- %if%: рабочее_время()`");
    }
  }
  fields.finish();
  return hours;
}

std::vector<std::string> read_stages(Loading& loading, const Node& node, std::string_view what) {
  std::vector<std::string> stages;
  for (const Node* stage : read_strings(loading, node, what)) stages.emplace_back(trim(nfc(loading, stage->scalar)));
  return stages;
}

/// Of a word that only `to: crm` has.
bool has_crm(Loading& loading, const HandoffRule& rule, const Fields& fields, Word word) {
  if (rule.crm) return true;
  const SourceSpan span = fields.key_span(word);
  hint(loading, loading.report(DiagnosticId::WantsCrm, span,
                               {fields.spelled(word), loading.say(Word::To, span) + ": " + loading.say(Word::Crm, span)}),
       "add `%to%: crm` to the rule `" + rule.name + "`", "добавьте `%to%: crm` в правило `" + rule.name + "`");
  return false;
}

void read_resume(Loading& loading, Fields& fields, HandoffRule& rule, CrmHandoff& crm) {
  const Node* value = fields.take(Word::Resume);
  if (!value) return;
  if (!value->is_map()) {
    rule.user_words = read_folded(loading, *value, fields.spelled(Word::Resume));
    return;
  }
  Fields inner(loading, *value, in::ResumeKey, fields.spelled(Word::Resume));
  if (const Node* words = inner.take(Word::Words)) {
    rule.user_words = read_folded(loading, *words, inner.spelled(Word::Words));
  }
  if (const Node* words = inner.take(Word::ByStaff)) {
    rule.staff_words = read_folded(loading, *words, inner.spelled(Word::ByStaff));
  }
  if (const Node* after = inner.take(Word::After)) {
    rule.resume_after = read_duration(loading, *after, inner.spelled(Word::After));
  }
  if (const Node* stages = inner.take(Word::Stage); stages && has_crm(loading, rule, inner, Word::Stage)) {
    crm.wakes_at = read_stages(loading, *stages, inner.spelled(Word::Stage));
  }
  if (const Node* closed = inner.take(Word::Closed); closed && has_crm(loading, rule, inner, Word::Closed)) {
    crm.wakes_when_closed = read_boolean(loading, *closed, inner.spelled(Word::Closed)).value_or(false);
  }
  if (const Node* go = inner.take(Word::Go)) rule.resume_go = read_branch_name(loading, *go, inner.spelled(Word::Go));
  inner.finish();
}

// ---- relay

HandoffRule::Assign condition(std::string_view source) {
  HandoffRule::Assign assign;
  if (auto parsed = Expression::parse(source)) assign.condition = *parsed;
  return assign;
}

std::vector<HandoffRule::Assign> default_assign() {
  return {{HandoffRule::Assign::How::LastAgent, std::nullopt}, condition("available and seen < 5m"), condition("available")};
}

std::vector<HandoffRule::Assign> read_assign(Loading& loading, const Node& node, std::string_view what) {
  using How = HandoffRule::Assign::How;
  std::vector<HandoffRule::Assign> ways;
  for (const Node* item : read_strings(loading, node, what)) {
    HandoffRule::Assign assign;
    switch (find_word(trim(nfc(loading, item->scalar)), in::AssignWord)) {
      case Word::LastAgent: assign.how = How::LastAgent; break;
      case Word::LongestIdle: assign.how = How::LongestIdle; break;
      case Word::Claim: assign.how = How::Claim; break;
      default:
        loading.of_agent = true;
        assign.condition = read_condition(loading, *item, what);
        loading.of_agent = false;
        if (!assign.condition) continue;
        break;
    }
    ways.push_back(std::move(assign));
  }
  if (node.is_list() && node.items.empty()) loading.report(DiagnosticId::NoOptions, node.span, {std::string(what)});
  return ways;
}

/// `15m`, or `{after: 15m}` as timeouts of questions are written.
std::optional<Duration> read_queue_timeout(Loading& loading, const Node& node, const std::string& what) {
  if (!node.is_map()) return read_duration(loading, node, what);
  Fields fields(loading, node, in::TimeoutKey, what);
  std::optional<Duration> after;
  if (const Node* value = fields.require(Word::After)) after = read_duration(loading, *value, fields.spelled(Word::After));
  for (const Fields::Item& item : fields.items()) {
    if (item.word == Word::None || item.taken) continue;
    hint(loading, loading.report(DiagnosticId::NotTogether, item.entry->key.span, {std::string(item.entry->key.scalar), what}),
         "what follows stands in the step's `%outcomes%`", "что делать дальше, пишется в `%outcomes%` шага");
    fields.take(item.word);
  }
  fields.finish();
  return after;
}

void read_idle(Loading& loading, const Node& node, const std::string& what, HandoffRule& rule) {
  if (!node.is_map()) {
    hint(loading, loading.report(DiagnosticId::WantsMap, node.span, {what}),
         "for example `{%remind%: 10m, %close%: 24h}`", "например `{%remind%: 10м, %close%: 24ч}`");
    return;
  }
  Fields fields(loading, node, in::IdleKey, what);
  const auto duration = [&](Word word) -> std::optional<Duration> {
    const Node* value = fields.take(word);
    return value ? read_duration(loading, *value, fields.spelled(word)) : std::nullopt;
  };
  rule.remind_agent = duration(Word::Remind);
  rule.reassign = duration(Word::Reassign);
  rule.close_idle = duration(Word::Close);
  for (const auto& [end, word] : {std::pair{rule.reassign, Word::Reassign}, std::pair{rule.close_idle, Word::Close}}) {
    if (!rule.remind_agent || !end || *rule.remind_agent < *end) continue;
    loading.report(DiagnosticId::LateReminder, fields.key_span(Word::Remind), {fields.spelled(word)});
    break;
  }
  fields.finish();
}

/// `to: crm`, and what goes with it.
void read_silent(Loading& loading, Fields& fields, HandoffRule& rule) {
  CrmHandoff crm;
  if (const Node* value = fields.take(Word::To)) {
    if (value->is_scalar() && trim(value->scalar) == "crm") {
      rule.crm = std::make_shared<const CrmHandoff>();
    } else {
      rule.role = read_role(loading, *value, fields.spelled(Word::To));
    }
  }
  if (const Node* value = fields.take(Word::OnStaffMessage)) {
    rule.on_staff_message = read_boolean(loading, *value, fields.spelled(Word::OnStaffMessage)).value_or(false);
  }
  if (const Node* value = fields.take(Word::OnStage); value && has_crm(loading, rule, fields, Word::OnStage)) {
    crm.silent_at = read_stages(loading, *value, fields.spelled(Word::OnStage));
  }
  if (const Node* value = fields.take(Word::History); value && has_crm(loading, rule, fields, Word::History)) {
    if (const auto count = read_integer(loading, *value, fields.spelled(Word::History), 0, 200))
      crm.history = static_cast<std::uint32_t>(*count);
  }
  read_resume(loading, fields, rule, crm);
  if (rule.crm) rule.crm = std::make_shared<const CrmHandoff>(std::move(crm));
}

void read_relay(Loading& loading, Fields& fields, HandoffRule& rule) {
  if (const Node* desk = fields.require(Word::Desk)) {
    if (const auto name = read_scalar(loading, *desk, fields.spelled(Word::Desk))) {
      rule.desk = read_desk_name(loading, *desk, nfc(loading, trim(*name)), fields.spelled(Word::Desk));
    }
  }
  rule.assign = default_assign();
  if (const Node* assign = fields.take(Word::Assign)) {
    rule.assign = read_assign(loading, *assign, fields.spelled(Word::Assign));
  }
  if (const Node* value = fields.take(Word::AskName)) {
    rule.ask_name = read_boolean(loading, *value, fields.spelled(Word::AskName)).value_or(false);
    if (rule.ask_name) loading.user_names.insert("name");
  }
  if (const Node* value = fields.take(Word::Rate)) {
    rule.rate = read_boolean(loading, *value, fields.spelled(Word::Rate)).value_or(false);
  }
  const auto text = [&](Word word, std::optional<Text>& into) {
    const Node* value = fields.take(word);
    if (!value) return;
    into = read_text(loading, *value, fields.spelled(word));
    loading.message_texts.push_back(value);
  };
  text(Word::Queue, rule.queue);
  text(Word::Greeting, rule.greeting);
  text(Word::ClosedText, rule.closed_text);
  if (const Node* value = fields.take(Word::Idle)) read_idle(loading, *value, fields.spelled(Word::Idle), rule);
  if (const Node* value = fields.take(Word::Timeout)) {
    rule.queue_timeout = read_queue_timeout(loading, *value, fields.spelled(Word::Timeout));
  }
  if (const Node* value = fields.take(Word::Reopen)) {
    rule.reopen = read_duration(loading, *value, fields.spelled(Word::Reopen));
  }
}

/// What belongs to the other mode: the words that a person mixes up who has read of both.
void refuse_words_of_other_mode(Loading& loading, Fields& fields, Word mode) {
  const bool relays = mode == Word::Relay;
  const auto refuse = [&](Word word, std::string en, std::string ru) {
    const Node* value = fields.take(word);
    if (!value) return;
    const SourceSpan span = fields.key_span(word);
    hint(loading, loading.report(DiagnosticId::NotTogether, span, {fields.spelled(word), loading.say(mode, span)}),
         std::move(en), std::move(ru));
  };
  if (!relays) {
    for (const Word word : {Word::Desk, Word::Assign, Word::AskName, Word::Queue, Word::Greeting, Word::ClosedText,
                            Word::Rate, Word::Idle, Word::Timeout, Word::Reopen}) {
      refuse(word, "it goes with `%mode%: %relay%`, where the bot carries messages between the client and a desk",
             "это для `%mode%: %relay%`, когда бот пересылает сообщения между клиентом и линией");
    }
    return;
  }
  refuse(Word::To, "whoever answers is registered at the `%desk%`", "отвечают те, кто зарегистрирован на линии: `%desk%`");
  for (const Word word : {Word::OnStage, Word::History}) {
    refuse(word, "it goes with `%mode%: %silent%` and `%to%: crm`", "это для `%mode%: %silent%` с `%to%: crm`");
  }
  refuse(Word::OnStaffMessage, "it goes with `%mode%: %silent%`, where people write in the same dialog",
         "это для `%mode%: %silent%`, когда люди пишут в том же диалоге");
  refuse(Word::Resume, "it goes with `%mode%: %silent%`; here the step's `%outcomes%` say how it goes on",
         "это для `%mode%: %silent%`; здесь о продолжении говорят `%outcomes%` шага");
}

}  // namespace

void load_handoffs(Loading& loading) {
  in_order(loading.handoffs, [&](const Declared& declared) {
    const Node& node = *declared.value;
    HandoffRule& rule = loading.program.handoffs[declared.index];
    if (!node.is_map()) {
      hint(loading, loading.report(DiagnosticId::WantsMap, declared.key->span, {rule.name}),
           "for example `{%to%: admins, %mode%: %silent%}`", "например `{%to%: admins, %mode%: %silent%}`");
      return;
    }
    Fields fields(loading, node, in::HandoffKey, rule.name);
    Word mode = fields.has(Word::Desk) ? Word::Relay : Word::Silent;
    if (const Node* value = fields.take(Word::Mode)) {
      mode = read_word(loading, *value, in::HandoffMode, fields.spelled(Word::Mode));
      if (mode == Word::None) {
        // Which words belong to it is not known then.
        loading.desks_are_known = false;
        fields.forgive();
        return;
      }
    }
    const bool relays = mode == Word::Relay;
    rule.mode = relays ? HandoffRule::Mode::Relay : HandoffRule::Mode::Silent;
    refuse_words_of_other_mode(loading, fields, mode);
    if (relays) {
      read_relay(loading, fields, rule);
    } else {
      read_silent(loading, fields, rule);
    }
    if (const Node* value = fields.take(Word::Hours)) {
      rule.hours = read_hours(loading, *value, fields.spelled(Word::Hours), relays);
    }
    fields.finish();
  });
}

}  // namespace sufler
