#include "interpreter/core/reading/dates.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <string>

#include "interpreter/core/reading/number_parser.h"
#include "interpreter/core/reading/number_words.h"
#include "interpreter/core/reading/words.h"

// Two passes. The first finds elements anywhere in the text: a day, a weekday, a clock time, a part
// of the day, an offset, and the small words that join them (с, по, до, или). The second puts
// together what was found: `на следующей неделе будет событие в пятницу и будет оно в 12` is a
// week, a weekday, a time.
namespace sufler {
namespace {

using reading::find_number_word;
using reading::Grouping;
using reading::NumberClass;
using reading::NumberParser;
using reading::one_of;
using reading::ParsedNumber;
using reading::Token;

constexpr std::int64_t kMinute = 60'000;
constexpr std::int64_t kHour = 60 * kMinute;

struct Element {
  enum class Kind {
    Day,        // a date
    DayNumber,  // `девятого`: the month is to be found
    Weekday,
    Month,
    Year,
    WeekRef,  // this, next, last week
    MonthRef,
    YearRef,
    Weekend,
    NextDays,  // следующие 3 дня
    Time,
    Part,
    Offset,  // через …, … назад
    Span,    // a length of time
    Number,  // a bare number that only its neighbours explain
    Now,
    From,
    To,
    Until,
    Dash,
    Or,
    And,
    After,
  };
  enum class Which { None, This, Next, Last };

  Kind kind = Kind::Day;
  Date date;
  int number = 0;  // day, weekday, month, year, count
  int year = 0;    // of a Month, 0 when not said
  Which which = Which::None;
  int hour = 0;
  int minute = 0;
  bool half_known = false;  // the hour is of 24
  bool spoken = false;      // половина пятого: either half of the day
  std::optional<DayPart> part;
  std::int64_t months = 0;  // of Offset and Span
  std::int64_t days = 0;
  std::int64_t ms = 0;
  std::size_t end = 0;
};

using Kind = Element::Kind;
using Which = Element::Which;

bool is_day_like(Kind kind) {
  switch (kind) {
    case Kind::Day:
    case Kind::DayNumber:
    case Kind::Weekday:
      return true;
    default:
      return false;
  }
}

Date plus_days(Date date, std::int64_t days) {
  return Date{static_cast<std::int32_t>(date.days_since_epoch +
                                        std::clamp<std::int64_t>(days, -400'000, 400'000))};
}

unsigned last_day(int year, unsigned month) {
  for (unsigned day = 31; day > 28; --day) {
    if (Date::from_ymd(year, month, day)) return day;
  }
  return 28;
}

/// The same day of another month, or that month's last.
Date plus_months(Date date, std::int64_t months) {
  int year = 0;
  unsigned month = 1;
  unsigned day = 1;
  date.to_ymd(year, month, day);
  const std::int64_t index =
      year * 12LL + month - 1 + std::clamp<std::int64_t>(months, -12'000, 12'000);
  const int new_year = std::clamp(static_cast<int>(index / 12), 1, 9999);
  const unsigned new_month =
      static_cast<unsigned>(index % 12 < 0 ? index % 12 + 12 : index % 12) + 1;
  return *Date::from_ymd(new_year, new_month, std::min(day, last_day(new_year, new_month)));
}

int month_of(std::string_view word) {
  struct Name {
    std::string_view stem;
    std::string_view others;
  };
  static constexpr std::array<Name, 12> kMonths = {{
      {"январ", "янв january jan"},
      {"феврал", "фев февр february feb"},
      {"март", "мар march mar"},
      {"апрел", "апр april apr"},
      {"", "май мая мае маю маем may"},
      {"июн", "june jun"},
      {"июл", "july jul"},
      {"август", "авг august aug"},
      {"сентябр", "сен сент september sept sep"},
      {"октябр", "окт october oct"},
      {"ноябр", "ноя нояб november nov"},
      {"декабр", "дек december dec"},
  }};
  for (std::size_t i = 0; i < kMonths.size(); ++i) {
    const Name& name = kMonths[i];
    if (one_of(word, name.others)) return static_cast<int>(i) + 1;
    if (!name.stem.empty() && word.substr(0, name.stem.size()) == name.stem &&
        word.size() <= name.stem.size() + 4) {
      return static_cast<int>(i) + 1;
    }
  }
  return 0;
}

int weekday_of(std::string_view word) {
  static constexpr std::array<std::string_view, 7> kDays = {{
      "понедельник понедельника понедельнику понедельником понедельнике понедельники понедельникам "
      "пн пнд понед "
      "monday mon mondays",
      "вторник вторника вторнику вторником вторнике вторникам вт втр tuesday tue tues tuesdays",
      "среда среды среде среду средой средам ср срд wednesday wed wednesdays",
      "четверг четверга четвергу четвергом четверге четвергам чт чтв четв thursday thu thur thurs "
      "thursdays",
      "пятница пятницы пятнице пятницу пятницей пятницам пт птн пятн friday fri fridays",
      "суббота субботы субботе субботу субботой субботам сб сбт субб saturday sat saturdays",
      "воскресенье воскресенья воскресенью воскресеньем воскресение воскресения воскресеньям вс "
      "вск воскр sunday sun "
      "sundays",
  }};
  for (std::size_t i = 0; i < kDays.size(); ++i) {
    if (one_of(word, kDays[i])) return static_cast<int>(i) + 1;
  }
  return 0;
}

std::optional<int> relative_day(std::string_view word) {
  struct Word {
    std::string_view forms;
    int days;
  };
  for (const Word& known :
       {Word{"сегодня сегодняшний сегодняшнего седня сёдня today", 0},
        Word{"завтра завтрашний завтрашнего завтра tomorrow tmr tmrw tomorow", 1},
        Word{"послезавтра overmorrow", 2}, Word{"послепослезавтра", 3},
        Word{"вчера вчерашний вчерашнего yesterday", -1}, Word{"позавчера", -2},
        Word{"позапозавчера", -3}}) {
    if (one_of(word, known.forms)) return known.days;
  }
  return std::nullopt;
}

struct Unit {
  std::int64_t months = 0;
  std::int64_t days = 0;
  std::int64_t ms = 0;
};

std::optional<Unit> unit_of(std::string_view word) {
  struct Word {
    std::string_view forms;
    Unit unit;
  };
  static const std::array<Word, 8> kUnits = {{
      {"секунда секунды секунд секунду секундочку сек second seconds sec secs", {0, 0, 1000}},
      {"минута минуты минут минуту минутку минуточку минуток минутки минутах мин minute minutes "
       "min mins",
       {0, 0, kMinute}},
      {"час часа часов часам часах часу часик часика часиков часок ч hour hours hr hrs h",
       {0, 0, kHour}},
      {"день дня дней дню дни днем денек денька деньков дн сутки суток сутках day days", {0, 1, 0}},
      {"неделя недели недель неделю неделе неделям недельку неделек нед week weeks", {0, 7, 0}},
      {"месяц месяца месяцев месяцу месяце месяцы месяцок мес month months", {1, 0, 0}},
      {"квартал квартала кварталов quarter", {3, 0, 0}},
      {"год года лет году годик годика годы year years", {12, 0, 0}},
  }};
  for (const Word& known : kUnits) {
    if (one_of(word, known.forms)) return known.unit;
  }
  return std::nullopt;
}

std::optional<DayPart> part_of(std::string_view word) {
  if (one_of(word, "утром утра утро утречком утру morning mornings")) return DayPart::Morning;
  if (one_of(word, "днем дня днём afternoon")) return DayPart::Day;
  if (one_of(word, "обед обеда обеду обеденное lunch lunchtime")) return DayPart::Lunch;
  if (one_of(word, "вечером вечера вечер вечеру вечерком evening tonight")) return DayPart::Evening;
  if (one_of(word, "ночью ночи ночь night")) return DayPart::Night;
  return std::nullopt;
}

/// Parts that say "at this part of the day" by themselves; `дня` and `ночи` need an hour.
bool stands_alone(std::string_view word) {
  return one_of(word,
                "утром утра утро утречком утру morning днем afternoon обед обеду lunch lunchtime "
                "вечером вечер "
                "вечеру вечерком evening tonight ночью night");
}

Which which_of(std::string_view word) {
  if (one_of(word,
             "этот эта эту это этой этого этом эти этих ближайший ближайшую ближайшее ближайшая "
             "ближайшие "
             "ближайшей ближайшем ближайших текущий текущей текущем текущая this coming current")) {
    return Which::This;
  }
  if (one_of(word,
             "следующий следующая следующую следующее следующей следующем следующие следующих "
             "следующего след "
             "следующ будущий будущая будущей будущем будущую next")) {
    return Which::Next;
  }
  if (one_of(word,
             "прошлый прошлая прошлую прошлое прошлой прошлом прошлые прошлых прошлого предыдущий "
             "предыдущая "
             "предыдущей предыдущем предыдущую last previous past")) {
    return Which::Last;
  }
  return Which::None;
}

constexpr std::string_view kCountedThings =
    "человек человека люди людей персон персоны гостей гостя мест места раз раза штук штуки шт "
    "рублей рубля рубль руб р "
    "метр метра метров м кв кг г км комнат комнаты этаж этаже этажа подъезд доме дом квартира "
    "долларов евро процент "
    "процентов people persons guests times pieces dollars euros";

class Scanner {
 public:
  Scanner(std::string_view text, std::optional<LocalTime> now, Language language,
          Direction direction)
      : tokens_(reading::split_tokens(text)),
        numbers_(tokens_, language, Grouping::Ask),
        now_(now.value_or(LocalTime{})),
        has_now_(now.has_value()),
        english_(language == Language::English),
        past_(direction == Direction::Past) {
    numbers_.keep_digits_apart();
  }

  std::vector<WhenReading> read() {
    scan();
    if (impossible_) return {};
    return combine();
  }

 private:
  // ---- looking at tokens
  bool has(std::size_t i) const { return i < tokens_.size(); }
  bool word(std::size_t i, std::string_view list) const {
    return has(i) && tokens_[i].is_word() && one_of(tokens_[i].text, list);
  }
  bool mark(std::size_t i, std::string_view text) const {
    return has(i) && tokens_[i].is_mark(text);
  }
  bool glued(std::size_t i) const { return has(i) && !tokens_[i].space_before; }
  bool digits(std::size_t i, std::size_t least, std::size_t most) const {
    return has(i) && tokens_[i].is_digits() && tokens_[i].text.size() >= least &&
           tokens_[i].text.size() <= most;
  }
  int digit_value(std::size_t i) const {
    return has(i) && tokens_[i].text.size() <= 6 ? std::stoi(tokens_[i].text) : -1;
  }

  struct Count {
    int value = -1;
    bool ordinal = false;
    std::size_t end = 0;
  };
  /// A whole number below 10000, in digits or words.
  std::optional<Count> count(std::size_t i) const {
    if (!has(i) || tokens_[i].kind == Token::Kind::Mark) return std::nullopt;
    const auto number = numbers_.parse(i);
    if (!number || number->kind == NumberKind::Fraction || number->collective) return std::nullopt;
    const auto value = number->value.to_int64();
    if (!value || *value < 0 || *value > 9999) return std::nullopt;
    Count result{static_cast<int>(*value), number->kind == NumberKind::Ordinal, number->end};
    if (tokens_[i].is_digits()) {
      // 18-го, 3-его, 21st
      std::size_t suffix = result.end;
      if (mark(suffix, "-") && glued(suffix)) ++suffix;
      if (glued(suffix) && word(suffix, "го ого его е ое ье й ый ий му ому ым я ая st nd rd th")) {
        result.ordinal = true;
        result.end = suffix + 1;
      }
    }
    return result;
  }

  /// An amount of some unit: `2 дня`, `полтора часа`, `пару недель`, `полчаса`, `четверть часа`,
  /// `неделю`.
  bool amount(std::size_t i, Element& out, std::size_t& end) const {
    if (!has(i)) return false;
    const auto set = [&](const Unit& unit, const Decimal& times) {
      const auto scaled = [&](std::int64_t of) {
        const auto product = multiply(Decimal(of), times);
        return product ? product->rounded(0).to_int64().value_or(0) : 0;
      };
      if (times < Decimal(0) || Decimal(1'000'000) < times) return false;
      if (unit.months != 0) {
        const auto product = multiply(Decimal(unit.months), times);
        const std::int64_t halves =
            product ? multiply(*product, Decimal(2))->rounded(0).to_int64().value_or(0) : 0;
        out.months += halves / 2;
        out.days += halves % 2 * 15;
      } else if (unit.days != 0) {
        const auto product = multiply(Decimal(unit.days), times);
        if (product && product->is_integer()) {
          out.days += scaled(unit.days);
        } else {
          out.ms += scaled(unit.days * 24 * kHour);
        }
      } else {
        out.ms += scaled(unit.ms);
      }
      return true;
    };
    const Token& token = tokens_[i];
    if (token.is_word()) {
      if (const auto unit = unit_of(token.text)) {
        end = i + 1;
        return token.text != "ч" && token.text != "h" && set(*unit, 1);
      }
      static const std::string kHalf = "пол";
      if (token.text == kHalf && has(i + 1) && tokens_[i + 1].is_word()) {
        if (const auto unit = unit_of(tokens_[i + 1].text)) {
          end = i + 2;
          return set(*unit, *Decimal::parse("0.5"));
        }
      }
      if (token.text.size() > kHalf.size() && token.text.substr(0, kHalf.size()) == kHalf) {
        if (const auto unit = unit_of(std::string_view(token.text).substr(kHalf.size()))) {
          end = i + 1;
          return set(*unit, *Decimal::parse("0.5"));
        }
      }
      if (one_of(token.text, "a an one") && has(i + 1) && tokens_[i + 1].is_word()) {
        std::size_t unit_at = i + 1;
        if (const auto unit = unit_of(tokens_[unit_at].text)) {
          end = unit_at + 1;
          return set(*unit, 1);
        }
      }
    }
    if (token.kind == Token::Kind::Mark) return false;
    // 1,5 часа
    if (token.is_digits() && glued(i + 1) && (mark(i + 1, ",") || mark(i + 1, ".")) &&
        glued(i + 2) && digits(i + 2, 1, 2) && has(i + 3) && tokens_[i + 3].is_word()) {
      const auto unit = unit_of(tokens_[i + 3].text);
      const auto value = Decimal::parse(token.text + "." + tokens_[i + 2].text);
      if (unit && value) {
        end = i + 4;
        return set(*unit, *value);
      }
    }
    const auto number = numbers_.parse(i);
    if (!number || number->kind == NumberKind::Ordinal || number->collective) return false;
    std::size_t unit_at = number->end;
    if (word(unit_at, "of a an")) ++unit_at;
    if (word(unit_at, "a an")) ++unit_at;
    if (!has(unit_at) || !tokens_[unit_at].is_word()) return false;
    const auto unit = unit_of(tokens_[unit_at].text);
    if (!unit) return false;
    end = unit_at + 1;
    return set(*unit, number->value);
  }

  /// Amounts one after the other: `1 час 55 минут`.
  bool amounts(std::size_t i, Element& out, std::size_t& end) const {
    if (!amount(i, out, end)) return false;
    for (int more = 0; more < 4; ++more) {
      std::size_t next = end;
      if (word(next, "и and")) ++next;
      if (!has(next) || tokens_[next].kind == Token::Kind::Mark) break;
      const bool counted = tokens_[next].is_digits() || find_number_word(tokens_[next].text);
      std::size_t after = 0;
      if (!counted || !amount(next, out, after)) break;
      end = after;
    }
    return true;
  }

  bool time_word_before(std::size_t i) const {
    return i > 0 && word(i - 1, "в во к ко около на at by around @");
  }
  bool join_before(std::size_t i) const {
    return i > 0 && (word(i - 1,
                          "с со и между до по от после раньше ранее позже позднее from to until "
                          "till before after between and earlier later than") ||
                     (mark(i - 1, "-") && i > 1));
  }

  // ---- elements
  std::optional<Date> place_day(int day, int month) const {
    int year = 0;
    unsigned this_month = 0;
    unsigned this_day = 0;
    now_.date.to_ymd(year, this_month, this_day);
    for (int step = 0; step < 9; ++step) {
      const int candidate_year = past_ ? year - step : year + step;
      const auto date =
          Date::from_ymd(candidate_year, static_cast<unsigned>(month), static_cast<unsigned>(day));
      if (date && (past_ ? *date <= now_.date : *date >= now_.date)) return date;
    }
    return std::nullopt;
  }

  std::optional<Date> place_day_number(int day) const {
    int year = 0;
    unsigned month = 0;
    unsigned today = 0;
    now_.date.to_ymd(year, month, today);
    for (int step = 0; step < 14; ++step) {
      const int index = year * 12 + static_cast<int>(month) - 1 + (past_ ? -step : step);
      const auto date = Date::from_ymd(index / 12, static_cast<unsigned>(index % 12) + 1,
                                       static_cast<unsigned>(day));
      if (date && (past_ ? *date <= now_.date : *date >= now_.date)) return date;
    }
    return std::nullopt;
  }

  static int full_year(const std::string& digits) {
    const int value = std::stoi(digits);
    if (digits.size() > 2) return value;
    return value <= 68 ? 2000 + value : 1900 + value;
  }

  /// A year behind a date: `2026`, `2026 года`, `26 г.`, `две тысячи двадцать шестого года`.
  int year_at(std::size_t i, std::size_t& end) const {
    std::size_t at = i;
    if (mark(at, ",")) ++at;
    if (word(at, "в of")) ++at;
    const auto number = count(at);
    if (!number) return 0;
    const bool named = word(number->end, "г год года году г.г");
    if (number->value >= 1900 && number->value <= 2199) {
      // `2014 7 часов`: digits stay apart, so the year is the whole token
      if (mark(number->end, ":") && glued(number->end)) return 0;
      end = named ? number->end + 1 : number->end;
      return number->value;
    }
    if (digits(at, 2, 2) && (named || number->value > 31)) {  // 12 мая 90 г.
      end = named ? number->end + 1 : number->end;
      return full_year(tokens_[at].text);
    }
    return 0;
  }

  bool day_and_month(int day, int month, std::size_t after, Element& out) {
    std::size_t end = after;
    if (mark(end, ".") && glued(end)) ++end;
    std::size_t year_end = end;
    const int year = year_at(end, year_end);
    if (year != 0) end = year_end;
    std::optional<Date> date;
    if (day >= 1 && day <= 31) {
      date = year != 0
                 ? Date::from_ymd(year, static_cast<unsigned>(month), static_cast<unsigned>(day))
                 : place_day(day, month);
    }
    if (!date) impossible_ = true;
    out.kind = Kind::Day;
    out.date = date.value_or(Date{});
    out.end = end;
    return true;
  }

  /// 15.03.2026, 15/3, 2026-03-15, `10.12.`; a time such as `9.30` is left to `clock`.
  bool numeric_date(std::size_t i, Element& out) {
    if (!digits(i, 1, 4)) return false;
    const auto separator = [&](std::size_t at) {
      return has(at) && glued(at) && (mark(at, ".") || mark(at, "/") || mark(at, "-"));
    };
    if (!separator(i + 1)) return false;
    const std::string& mark_text = tokens_[i + 1].text;
    const bool spaced = mark_text == ".";  // 27. 05.99
    if (!has(i + 2) || !tokens_[i + 2].is_digits() || (!glued(i + 2) && !spaced)) return false;
    const bool third = separator(i + 3) && tokens_[i + 3].text == mark_text && has(i + 4) &&
                       tokens_[i + 4].is_digits() &&
                       (glued(i + 4) || (spaced && tokens_[i + 4].text.size() >= 2));
    if (tokens_[i].text.size() == 4) {
      if (!third || !digits(i + 2, 1, 2) || !digits(i + 4, 1, 2)) return false;
      const auto date = Date::from_ymd(digit_value(i), static_cast<unsigned>(digit_value(i + 2)),
                                       static_cast<unsigned>(digit_value(i + 4)));
      if (!date) impossible_ = true;
      out.kind = Kind::Day;
      out.date = date.value_or(Date{});
      out.end = i + 5;
      return true;
    }
    if (!digits(i, 1, 2) || !digits(i + 2, 1, 2)) return false;
    int day = digit_value(i);
    int month = digit_value(i + 2);
    // 3/15/2027 in English
    if (english_ && mark_text == "/" && day <= 12 && month <= 31) std::swap(day, month);
    if (third && (digits(i + 4, 2, 2) || digits(i + 4, 4, 4))) {
      // More groups make a phone or an address.
      if (separator(i + 5) && glued(i + 6) && has(i + 6) && tokens_[i + 6].is_digits() &&
          mark_text == tokens_[i + 5].text)
        return false;
      const int year = full_year(tokens_[i + 4].text);
      auto date =
          month >= 1 && month <= 12 && day >= 1
              ? Date::from_ymd(year, static_cast<unsigned>(month), static_cast<unsigned>(day))
              : std::nullopt;
      if (!date) impossible_ = true;
      out.kind = Kind::Day;
      out.date = date.value_or(Date{});
      out.end = i + 5;
      return true;
    }
    if (third) return false;
    if (mark_text == "-" || month < 1 || month > 12 || day < 1 || day > 31) return false;
    if (!glued(i + 2)) return false;
    std::size_t end = i + 3;
    const bool closed = mark(end, ".") && glued(end) && mark_text == ".";
    if (mark_text == ".") {
      // `в 9.30`, `до 18.30` are times; `15.2 метра` and `1.5` are decimals.
      const bool as_time =
          (time_word_before(i) && !word(i - 1, "на")) && digits(i + 2, 2, 2) && day <= 23;
      if (as_time) return false;
      if (!closed &&
          (tokens_[i + 2].text.size() < 2 ||
           (has(end) && tokens_[end].is_word() && one_of(tokens_[end].text, kCountedThings)))) {
        return false;
      }
    }
    if (closed) ++end;
    return day_and_month(day, month, end, out) && (out.end = std::max(out.end, end), true);
  }

  void set_time(Element& out, int hour, int minute, std::size_t end) const {
    out.kind = Kind::Time;
    out.hour = hour;
    out.minute = minute;
    out.end = end;
    out.half_known = out.half_known || hour > 12 || hour == 0;
  }

  /// A part of the day behind an hour: `утра`, `дня`, `pm`.
  void take_part(Element& out) const {
    std::size_t i = out.end;
    if (word(i, "в in") && has(i + 1) && word(i + 1, "the") && has(i + 2)) i += 2;
    if (word(i, "утра дня вечера ночи утром вечером ночью morning afternoon evening night")) {
      out.part = part_of(tokens_[i].text);
      out.end = i + 1;
      return;
    }
    const auto half = [&](std::string_view one, std::string_view letter) {
      if (word(i, one)) {
        out.end = i + 1;
        return true;
      }
      if (word(i, letter) && mark(i + 1, ".") && word(i + 2, "m")) {
        out.end = mark(i + 3, ".") ? i + 4 : i + 3;
        return true;
      }
      return false;
    };
    if (half("am", "a")) {
      out.half_known = true;
      if (out.hour == 12) out.hour = 0;
    } else if (half("pm", "p")) {
      out.half_known = true;
      if (out.hour < 12) out.hour += 12;
    }
  }

  /// The hour that `четвертого` or `четыре` names, for `половина четвертого` and `без пяти четыре`.
  std::optional<int> hour_name(std::size_t i, bool ordinal, std::size_t& end) const {
    if (word(i, "часа час") && !ordinal) {
      end = i + 1;
      return 1;
    }
    const auto number = count(i);
    if (!number || number->value < 1 || number->value > 24 || (ordinal && !number->ordinal))
      return std::nullopt;
    end = number->end;
    if (word(end, "часа часов час")) ++end;
    return number->value;
  }

  bool spoken_clock(std::size_t i, Element& out) const {
    std::size_t end = 0;
    const auto finish = [&](int hour, int minute) {
      if (hour < 0) hour = hour == -1 ? 11 : 23;
      if (hour == 0) hour = 12;
      set_time(out, hour, minute, end);
      out.spoken = hour <= 12;
      take_part(out);
      return true;
    };
    // половина пятого, пол пятого, полпятого
    if (word(i, "половина половине половину половины пол")) {
      if (const auto hour = hour_name(i + 1, true, end)) return finish(*hour - 1, 30);
    }
    static const std::string kHalf = "пол";
    if (has(i) && tokens_[i].is_word() && tokens_[i].text.size() > 6 &&
        tokens_[i].text.substr(0, 6) == kHalf) {
      const auto hour = find_number_word(std::string_view(tokens_[i].text).substr(6));
      if (hour && hour->kind == NumberClass::Ordinal && hour->numerator >= 1 &&
          hour->numerator <= 12) {
        end = i + 1;
        return finish(static_cast<int>(hour->numerator) - 1, 30);
      }
    }
    if (word(i, "четверть четверти")) {
      if (const auto hour = hour_name(i + 1, true, end)) return finish(*hour - 1, 15);
    }
    if (word(i, "без")) {
      int minutes = 0;
      std::size_t next = i + 1;
      if (word(next, "четверти")) {
        minutes = 15;
        ++next;
      } else if (const auto number = count(next)) {
        minutes = number->value;
        next = number->end;
        if (word(next, "минут минуты минуту мин")) ++next;
      }
      if (minutes < 1 || minutes > 59) return false;
      if (const auto hour = hour_name(next, false, end)) return finish(*hour - 1, 60 - minutes);
      // `без двадцати девять` is heard as 29: twenty to nine
      if (minutes > 20 && minutes % 10 != 0 && !tokens_[i + 1].is_digits()) {
        end = next;
        if (word(end, "часа часов")) ++end;
        return finish(minutes % 10 - 1, 60 - minutes / 10 * 10);
      }
      return false;
    }
    // half past three, quarter to four, ten past five
    int minutes = -1;
    std::size_t next = i;
    if (word(i, "a")) ++next;
    if (word(next, "half")) {
      minutes = 30;
      ++next;
    } else if (word(next, "quarter")) {
      minutes = 15;
      ++next;
    } else if (const auto number = count(next);
               number && !number->ordinal && number->value >= 1 && number->value <= 59) {
      minutes = number->value;
      next = number->end;
      if (word(next, "минут минуты минута мин")) {
        // десять минут четвертого
        if (const auto hour = hour_name(next + 1, true, end)) return finish(*hour - 1, minutes);
      }
      if (word(next, "minutes minute mins")) ++next;
    }
    if (minutes < 0) return false;
    if (word(next, "past after")) {
      if (const auto hour = hour_name(next + 1, false, end)) return finish(*hour, minutes);
    }
    if (word(next, "to till before") && !word(i, "half")) {
      if (const auto hour = hour_name(next + 1, false, end);
          hour && *hour <= 12 && (minutes % 5 == 0)) {
        // `from 5 to 7` is an interval
        if (i > 0 && word(i - 1, "from between")) return false;
        if (tokens_[i].is_digits()) return false;
        return finish(*hour - 1, 60 - minutes);
      }
    }
    return false;
  }

  /// A time of day in any other form.
  bool clock(std::size_t i, Element& out) const {
    if (word(i, "полдень полдня noon midday")) {
      out.half_known = true;
      set_time(out, 12, 0, i + 1);
      return tokens_[i].text != "полдня";
    }
    if (word(i, "полночь midnight")) {
      out.half_known = true;
      set_time(out, 0, 0, i + 1);
      return true;
    }
    if (spoken_clock(i, out)) return true;
    // 15:15, 15:15:30, 9.30, 17-30 behind `в`
    if (digits(i, 1, 2) && glued(i + 1) && glued(i + 2) && digits(i + 2, 2, 2) &&
        digit_value(i) <= 24 && digit_value(i + 2) <= 59) {
      const bool colon = mark(i + 1, ":");
      const bool dot = mark(i + 1, ".") &&
                       !(mark(i + 3, ".") && glued(i + 3) && glued(i + 4) && digits(i + 4, 1, 4));
      const bool dash = mark(i + 1, "-") && time_word_before(i) && !mark(i + 3, "-");
      if (colon || dot || dash) {
        if (dot && has(i + 3) && tokens_[i + 3].is_word() &&
            one_of(tokens_[i + 3].text, kCountedThings))
          return false;
        if (digit_value(i) == 24 && digit_value(i + 2) != 0) return false;
        std::size_t end = i + 3;
        if (colon && mark(end, ":") && glued(end) && digits(end + 1, 2, 2)) end += 2;
        set_time(out, digit_value(i) % 24, digit_value(i + 2), end);
        const bool twelve = out.hour == 12;
        out.half_known = true;
        take_part(out);
        if (out.part && out.hour <= 12) out.half_known = false;
        (void)twelve;
        return true;
      }
    }
    // 17ч10, 15ч, в 9 часов 15 минут, 7 часов вечера, 3 o'clock, 3pm
    const auto hour = count(i);
    if (!hour || hour->value > 24) {
      if (word(i, "час часу")) {
        set_time(out, 1, 0, i + 1);
        take_part(out);
        return out.part.has_value() || time_word_before(i) || join_before(i);
      }
      return false;
    }
    std::size_t at = hour->end;
    // Hours of a clock, unless a length of time is meant; `combine` decides about a bare `8 часов`.
    if (!hour->ordinal && word(at, "ч час часа часов часам часах hours h oclock")) {
      set_time(out, hour->value % 24, 0, at + 1);
      std::size_t minute_at = at + 1;
      if (mark(minute_at, ".") && glued(minute_at) && digits(minute_at + 1, 1, 2)) ++minute_at;
      if (const auto minute = count(minute_at);
          minute && !minute->ordinal && minute->value <= 59 &&
          (word(minute->end, "минут минуты минута минуту мин м") ||
           (glued(minute_at) && tokens_[at].text == "ч"))) {
        out.minute = minute->value;
        out.end =
            word(minute->end, "минут минуты минута минуту мин м") ? minute->end + 1 : minute->end;
      }
      take_part(out);
      if (out.part || time_word_before(i) || join_before(i) || (glued(at) && hour->value <= 24))
        return true;
      return false;  // a Span so far
    }
    if (hour->ordinal) return false;
    if (word(at, "o") && mark(at + 1, "'") && word(at + 2, "clock")) {
      set_time(out, hour->value % 24, 0, at + 3);
      take_part(out);
      return true;
    }
    Element probe = out;
    probe.hour = hour->value % 24;
    probe.end = at;
    take_part(probe);
    if (probe.end != at) {
      // `в 3 дня` is an hour, `через 3 дня` and `3 дня` are not.
      const bool length =
          probe.part == DayPart::Day && word(at, "дня") && !time_word_before(i) && !join_before(i);
      if (length) return false;
      const Element kept = probe;
      set_time(probe, kept.hour, 0, kept.end);
      probe.half_known = kept.half_known || kept.hour > 12;
      out = probe;
      return true;
    }
    // в 3, в двадцать три тридцать, в 16 0 0, к пяти
    const bool free_standing = !has(at) || tokens_[at].kind == Token::Kind::Mark;
    const bool after_day = i > 0 && day_just_found_ && free_standing && !tokens_[i].is_digits();
    const bool after_day_digits = i > 0 && day_just_found_ && free_standing && digits(i, 1, 2);
    if (!time_word_before(i) && !after_day && !after_day_digits) return false;
    if (word(i - 1, "на") && !free_standing && !known_time_neighbour(at)) return false;
    if (has(at) && tokens_[at].is_word() && one_of(tokens_[at].text, kCountedThings)) return false;
    if (has(at) && tokens_[at].is_word() &&
        (month_of(tokens_[at].text) != 0 || word(at, "числа год году г")))
      return false;
    if (has(at) && tokens_[at].is_word() && unit_of(tokens_[at].text)) return false;
    if (mark(at, "-") && glued(at) && has(at + 1) && tokens_[at + 1].is_word() && glued(at + 1))
      return false;
    set_time(out, hour->value % 24, 0, at);
    if (const auto minute = count(at); minute && !minute->ordinal && minute->value <= 59 &&
                                       has(at) && tokens_[at].space_before &&
                                       !(has(minute->end) && tokens_[minute->end].is_word() &&
                                         (one_of(tokens_[minute->end].text, kCountedThings) ||
                                          month_of(tokens_[minute->end].text) != 0))) {
      int value = minute->value;
      std::size_t end = minute->end;
      if (value == 0) {  // десять ноль пять, 16 0 0
        if (const auto unit = count(end); unit && unit->value < 10 && !unit->ordinal) {
          value = unit->value;
          end = unit->end;
        }
      }
      out.minute = value;
      out.half_known = out.half_known || hour->value > 12;
      out.end = word(end, "минут минуты мин") ? end + 1 : end;
    }
    take_part(out);
    return true;
  }

  bool known_time_neighbour(std::size_t i) const {
    return word(i, "в на до по и или вечера утра дня ночи завтра сегодня послезавтра") ||
           (has(i) && (tokens_[i].is_digits() || weekday_of(tokens_[i].text) != 0));
  }

  bool element(std::size_t i, Element& out) {
    const Token& token = tokens_[i];
    const auto simple = [&](Kind kind, std::size_t end) {
      out.kind = kind;
      out.end = end;
      return true;
    };
    std::size_t end = 0;
    if (token.is_word()) {
      // offsets: через два дня, спустя неделю, минут через десять, in two weeks
      if (word(i, "через спустя in within")) {
        if (amounts(i + 1, out, end)) {
          out.end = end;
          out.kind = Kind::Offset;
          if (word(i, "in within") && out.months + out.days == 0 && out.ms == 0) return false;
          return true;
        }
      }
      if (const auto unit = unit_of(token.text); unit && word(i + 1, "через")) {
        Element inverted;
        if (const auto number = count(i + 2); number && !number->ordinal) {
          out.kind = Kind::Offset;
          out.months = unit->months * number->value;
          out.days = unit->days * number->value;
          out.ms = unit->ms * number->value;
          out.end = number->end;
          return true;
        }
      }
      if (word(i, "сейчас now немедленно щас")) return simple(Kind::Now, i + 1);
      if (word(i, "после") && word(i + 1, "завтра")) {
        out.date = plus_days(now_.date, 2);
        return simple(Kind::Day, i + 2);
      }
      if (word(i, "после") && word(i + 1, "обеда")) {
        out.part = DayPart::Day;
        return simple(Kind::Part, i + 2);
      }
      if (word(i, "второй первой") && word(i + 1, "половине") && word(i + 2, "дня")) {
        out.part = token.text == "второй" ? DayPart::Day : DayPart::Morning;
        return simple(Kind::Part, i + 3);
      }
      if (word(i, "day") && word(i + 1, "after") && word(i + 2, "tomorrow")) {
        out.date = plus_days(now_.date, 2);
        return simple(Kind::Day, i + 3);
      }
      if (word(i, "day") && word(i + 1, "before") && word(i + 2, "yesterday")) {
        out.date = plus_days(now_.date, -2);
        return simple(Kind::Day, i + 3);
      }
      if (const auto days = relative_day(token.text)) {
        out.date = plus_days(now_.date, *days);
        return simple(Kind::Day, i + 1);
      }
      if (token.text == "tonight") {
        pending_part_today_ = true;
        out.part = DayPart::Evening;
        return simple(Kind::Part, i + 1);
      }
      if (word(i, "выходные выходных выходным weekend weekends"))
        return simple(Kind::Weekend, i + 1);
      const Which which = which_of(token.text);
      if (which != Which::None && has(i + 1)) {
        std::size_t at = i + 1;
        if (mark(at, ".") && glued(at)) ++at;
        if (has(at) && tokens_[at].is_word()) {
          out.which = which;
          if (const int weekday = weekday_of(tokens_[at].text)) {
            out.number = weekday;
            return simple(Kind::Weekday, at + 1);
          }
          if (word(at, "выходные выходных выходным weekend")) return simple(Kind::Weekend, at + 1);
          if (word(at, "неделя неделю неделе недели недель week"))
            return simple(Kind::WeekRef, at + 1);
          if (word(at, "месяц месяце месяца month")) return simple(Kind::MonthRef, at + 1);
          if (word(at, "год году года year")) return simple(Kind::YearRef, at + 1);
          if (word(at, "день дня day") && which == Which::Next) {
            out.date = plus_days(now_.date, 1);
            return simple(Kind::Day, at + 1);
          }
          if (which == Which::This || which == Which::Last) {
            if (const auto part = part_of(tokens_[at].text);
                part && !word(at, "дня ночи утра вечера")) {
              if (which == Which::This) pending_part_today_ = true;
              if (which == Which::Last) {
                out.date = plus_days(now_.date, -1);
                return simple(Kind::Day, at);
              }
              out.part = part;
              return simple(Kind::Part, at + 1);
            }
          }
        }
        Element length;
        if (which != Which::Last && amount(i + 1, length, end) &&
            (length.days > 0 || length.months > 0) &&
            (tokens_[i + 1].is_digits() || find_number_word(tokens_[i + 1].text))) {
          out = length;
          return simple(Kind::NextDays, end);
        }
      }
      if (const int weekday = weekday_of(token.text)) {
        out.number = weekday;
        end = i + 1;
        if (mark(end, ".") && glued(end)) ++end;
        return simple(Kind::Weekday, end);
      }
    }
    // a length of time behind which `назад` may stand
    {
      Element length;
      if (amounts(i, length, end)) {
        std::size_t after = end;
        if (word(after, "тому")) ++after;
        if (word(after, "назад ago")) {
          out.kind = Kind::Offset;
          out.months = -length.months;
          out.days = -length.days;
          out.ms = -length.ms;
          out.end = after + 1;
          return true;
        }
        if (word(after, "спустя") || (word(after, "from") && word(after + 1, "now"))) {
          out = length;
          out.kind = Kind::Offset;
          out.end = word(after, "from") ? after + 2 : after + 1;
          return true;
        }
      }
    }
    if (numeric_date(i, out)) return true;
    if (impossible_) return true;
    // девятое мая, 15 марта, 15th of March; March 15
    if (const auto number = count(i)) {
      std::size_t at = number->end;
      if (word(at, "of")) ++at;
      if (has(at) && tokens_[at].is_word()) {
        const int month = month_of(tokens_[at].text);
        if (month != 0 && number->value <= 99)
          return day_and_month(number->value, month, at + 1, out);
        if (word(at, "числа число числу") && number->value >= 1) {
          if (number->value > 31) impossible_ = true;
          out.number = number->value;
          return simple(Kind::DayNumber, at + 1);
        }
      }
    }
    if (clock(i, out)) return true;
    out = Element();
    if (token.is_word()) {
      if (const int month = month_of(token.text)) {
        std::size_t at = i + 1;
        if (mark(at, ".") && glued(at)) ++at;
        std::size_t year_end = at;
        const int year = year_at(at, year_end);
        if (year == 0) {
          if (word(at, "the")) ++at;
          if (const auto number = count(at); number && number->value >= 1 && number->value <= 31 &&
                                             token.text[0] > 0 &&
                                             !(mark(number->end, ":") && glued(number->end))) {
            return day_and_month(number->value, month, number->end, out);
          }
        }
        // `may` and `march` are also verbs; a capital letter or a preposition tells
        if (one_of(token.text, "may march mar") && !token.upper &&
            !(i > 0 && word(i - 1, "in this next")))
          return false;
        out.number = month;
        out.year = year;
        return simple(Kind::Month, year != 0 ? year_end : i + 1);
      }
      if (stands_alone(token.text) || (word(i, "дня") && i > 0 && word(i - 1, "середине"))) {
        if (word(i, "обеда") || (word(i, "обед") && i > 0 && word(i - 1, "после"))) return false;
        out.part = part_of(token.text);
        if (word(i, "утра") && !(i > 0 && word(i - 1, "с"))) return false;
        return simple(Kind::Part, i + 1);
      }
    }
    // 2014 г, в 2025 году
    if (const auto number = count(i)) {
      if (number->value >= 1900 && number->value <= 2199 &&
          word(number->end, "г год года году year")) {
        out.number = number->value;
        return simple(Kind::Year, number->end + 1);
      }
      // тридцать первого, 21-го
      if (number->ordinal && number->value >= 1 && number->value <= 31 &&
          day_ordinal(i, number->end)) {
        out.number = number->value;
        return simple(Kind::DayNumber, number->end);
      }
      if (number->ordinal && number->value <= 4 &&
          word(number->end, "квартал квартале квартала quarter")) {
        int year = 0;
        unsigned month = 0;
        unsigned day = 0;
        now_.date.to_ymd(year, month, day);
        out.number = number->value;
        out.year = year;
        quarter_ = true;
        return simple(Kind::Month, number->end + 1);
      }
    }
    {
      Element length;
      if (amounts(i, length, end) &&
          (tokens_[i].is_digits() || !unit_of(tokens_[i].text) || tokens_.size() <= 2)) {
        out = length;
        return simple(Kind::Span, end);
      }
    }
    // A number that `с` and `до` around it may explain.
    if (const auto number = count(i);
        number && number->value <= 31 &&
        (join_before(i) || time_word_before(i) || next_joins(number->end)) &&
        !(has(number->end) && tokens_[number->end].is_word() &&
          one_of(tokens_[number->end].text, kCountedThings))) {
      out.number = number->value;
      return simple(Kind::Number, number->end);
    }
    return false;
  }

  bool next_joins(std::size_t i) const { return mark(i, "-") || word(i, "до по to"); }

  /// An ordinal is a day when it is in the genitive and nothing is counted by it.
  bool day_ordinal(std::size_t i, std::size_t end) const {
    if (tokens_[i].is_digits()) {
      const Token& suffix = tokens_[end - 1];
      if (!one_of(suffix.text, "го ого его е ое му st nd rd th")) return false;
    } else {
      const std::string& last = tokens_[end - 1].text;
      const bool genitive =
          last.size() > 6 && one_of(std::string_view(last).substr(last.size() - 6), "ого его");
      const bool neuter = last.size() > 4 &&
                          one_of(std::string_view(last).substr(last.size() - 4), "ое ье") &&
                          !has(end);
      const bool english =
          static_cast<unsigned char>(last[0]) < 0x80 && i > 0 && word(i - 1, "the");
      if (!genitive && !neuter && !english) return false;
    }
    return !has(end) || tokens_[end].kind == Token::Kind::Mark ||
           word(end, "в во на к с до по и или утром днем вечером ночью at on or to числа");
  }

  /// Digits that are no date: a phone, a long number.
  std::size_t skip_junk(std::size_t i) const {
    if (!tokens_[i].is_digits()) return i;
    if (tokens_[i].text.size() > 4) return i + 1;
    std::size_t groups = 1;
    std::size_t at = i + 1;
    while (has(at + 1) && (mark(at, "-") || mark(at, "(") || mark(at, ")")) &&
           (tokens_[at + 1].is_digits() || tokens_[at + 1].kind == Token::Kind::Mark)) {
      if (tokens_[at + 1].is_digits()) ++groups;
      ++at;
      if (tokens_[at].is_digits()) ++at;
    }
    return groups > 3 ? at : i;
  }

  void scan() {
    bool negated = false;
    for (std::size_t i = 0; i < tokens_.size() && elements_.size() < 32;) {
      const std::size_t behind_junk = skip_junk(i);
      if (behind_junk != i) {
        i = behind_junk;
        continue;
      }
      const Token& token = tokens_[i];
      // `не завтра` takes away what follows, `сегодня не могу` what came before.
      if (word(i, "не not кроме except")) {
        if (word(i + 1, "могу можем получится получается подходит смогу сможем работает буду") &&
            !elements_.empty()) {
          elements_.clear();
          i += 2;
        } else if (word(i + 1, "раньше ранее earlier")) {
          elements_.emplace_back().kind = Kind::After;
          i += 2;
        } else if (word(i + 1, "позже позднее later")) {
          elements_.emplace_back().kind = Kind::Until;
          i += 2;
        } else {
          negated = true;
          ++i;
        }
        day_just_found_ = false;
        continue;
      }
      Element found;
      if (element(i, found)) {
        if (impossible_) return;
        if (!negated) elements_.push_back(found);
        negated = false;
        day_just_found_ = is_day_like(found.kind);
        i = std::max(found.end, i + 1);
        continue;
      }
      const auto join = [&](Kind kind) {
        Element joint;
        joint.kind = kind;
        elements_.push_back(joint);
      };
      if (word(i, "с со между from between")) {
        if (!word(i + 1, "утра")) {
          join(Kind::From);
          elements_.back().number = word(i, "между between") ? 1 : 0;
        }
      } else if (word(i, "по through")) {
        join(Kind::To);
      } else if (word(i, "до until till before to")) {
        join(Kind::Until);
      } else if (word(i, "после позже after later")) {
        join(Kind::After);
      } else if (word(i, "раньше earlier")) {
        join(Kind::Until);
      } else if (word(i, "или либо or")) {
        join(Kind::Or);
      } else if (word(i, "и and")) {
        join(Kind::And);
      } else if (token.is_mark("-")) {
        join(Kind::Dash);
      } else if (token.kind == Token::Kind::Word &&
                 !one_of(token.text, "в во на к ко at on by the")) {
        negated = false;
        day_just_found_ = false;
      }
      ++i;
    }
  }

  // ---- putting together
  static bool is_join(Kind kind) {
    return kind == Kind::From || kind == Kind::To || kind == Kind::Until || kind == Kind::Dash ||
           kind == Kind::Or || kind == Kind::And || kind == Kind::After;
  }

  static int hour_with_part(int hour, DayPart part) {
    switch (part) {
      case DayPart::Morning:
        return hour == 12 ? 0 : hour;
      case DayPart::Day:
        return hour <= 6 ? hour + 12 : hour;
      case DayPart::Lunch:
        return hour <= 4 ? hour + 12 : hour;
      case DayPart::Evening:
        return hour == 12 ? 0 : hour < 12 ? hour + 12 : hour;
      case DayPart::Night:
        return hour == 12 ? 0 : hour >= 7 && hour < 12 ? hour + 12 : hour;
    }
    return hour;
  }

  struct Placed {
    TimeOfDay time;
    bool known = true;        // morning or evening was said
    bool next_night = false;  // 12 ночи belongs to the coming day
  };
  Placed place_time(const Element& time, std::optional<DayPart> part) const {
    Placed placed;
    int hour = time.hour;
    const std::optional<DayPart> said = time.part ? time.part : part;
    if (said && hour <= 12 && (!time.half_known || time.part)) {
      placed.next_night = (*said == DayPart::Night || *said == DayPart::Evening) && hour == 12;
      hour = hour_with_part(hour, *said);
    } else if (!time.half_known) {
      placed.known = false;
      if (hour >= 1 && hour <= 6) hour += 12;
    }
    placed.time = TimeOfDay{(hour % 24) * 3600 + time.minute * 60};
    return placed;
  }

  std::vector<Date> dates_of(const Element& element, const Element* week,
                             const Element* month) const {
    switch (element.kind) {
      case Kind::Day:
        return {element.date};
      case Kind::DayNumber: {
        if (month && month->kind == Kind::MonthRef) {
          const Date first = first_of_month(month->which);
          int year = 0;
          unsigned m = 0;
          unsigned day = 0;
          first.to_ymd(year, m, day);
          const auto date = Date::from_ymd(year, m, static_cast<unsigned>(element.number));
          return date ? std::vector<Date>{*date} : std::vector<Date>{};
        }
        const auto date = place_day_number(element.number);
        return date ? std::vector<Date>{*date} : std::vector<Date>{};
      }
      case Kind::Weekday: {
        const int today = now_.date.weekday();
        const Date monday = plus_days(now_.date, 1 - today);
        if (week) return {plus_days(monday, shift_of(week->which) * 7 + element.number - 1)};
        if (weeks_ahead_ != 0) return {plus_days(monday, weeks_ahead_ + element.number - 1)};
        if (month) {
          const Date first =
              month->kind == Kind::MonthRef ? first_of_month(month->which) : now_.date;
          return {plus_days(first, (element.number - first.weekday() + 7) % 7)};
        }
        int ahead = (element.number - today + 7) % 7;
        if (ahead == 0) ahead = 7;
        const int behind = ahead == 7 ? 7 : 7 - ahead;
        if (element.which == Which::Last || (past_ && element.which == Which::None)) {
          return {plus_days(now_.date, -behind)};
        }
        if (element.which == Which::Next) {
          const Date nearest = plus_days(now_.date, ahead);
          const Date in_next_week = plus_days(monday, 7 + element.number - 1);
          if (nearest == in_next_week) return {nearest};
          return {nearest, in_next_week};
        }
        return {plus_days(now_.date, ahead)};
      }
      default:
        return {};
    }
  }

  static int shift_of(Which which) {
    return which == Which::Next ? 1 : which == Which::Last ? -1 : 0;
  }
  Date first_of_month(Which which) const {
    int year = 0;
    unsigned month = 0;
    unsigned day = 0;
    now_.date.to_ymd(year, month, day);
    return plus_months(*Date::from_ymd(year, month, 1), shift_of(which));
  }

  std::vector<WhenReading> combine() {
    // Alternatives: each side is read by itself.
    for (std::size_t i = 1; i + 1 < elements_.size(); ++i) {
      if (elements_[i].kind != Kind::Or) continue;
      const auto all = elements_;
      std::vector<WhenReading> readings;
      elements_.assign(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(i));
      auto left = combine_one();
      elements_.assign(all.begin() + static_cast<std::ptrdiff_t>(i) + 1, all.end());
      // `завтра в 3 или в 4`: the day is for both
      const auto is_day = [](const Element& element) { return is_day_like(element.kind); };
      if (std::none_of(elements_.begin(), elements_.end(), is_day)) {
        std::vector<Element> days;
        std::copy_if(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(i),
                     std::back_inserter(days), is_day);
        elements_.insert(elements_.begin(), days.begin(), days.end());
      }
      auto right = combine();
      if (left.empty()) return right;
      // `в среду или в четверг в 15:00`: the hour is for both
      if (right.size() == 1 && right[0].kind == WhenReading::Kind::Minute) {
        for (WhenReading& reading : left) {
          if (reading.kind != WhenReading::Kind::Day) continue;
          reading.kind = WhenReading::Kind::Minute;
          reading.has_time = true;
          reading.start.time = right[0].start.time;
        }
      }
      for (WhenReading& reading : right) {
        if (std::find(left.begin(), left.end(), reading) == left.end()) left.push_back(reading);
      }
      return left;
    }
    return combine_one();
  }

  std::vector<WhenReading> combine_one() {
    const Element* week = nullptr;
    const Element* month = nullptr;
    const Element* weekend = nullptr;
    const Element* offset = nullptr;
    const Element* span = nullptr;
    const Element* month_only = nullptr;
    const Element* year_only = nullptr;
    const Element* next_days = nullptr;
    const Element* year_ref = nullptr;
    std::optional<DayPart> part;
    bool now_said = false;
    std::vector<std::size_t> days;
    std::vector<std::size_t> times;
    std::vector<std::size_t> numbers;
    for (std::size_t i = 0; i < elements_.size(); ++i) {
      const Element& element = elements_[i];
      switch (element.kind) {
        case Kind::Day:
        case Kind::DayNumber:
        case Kind::Weekday:
          days.push_back(i);
          break;
        case Kind::Time:
          times.push_back(i);
          break;
        case Kind::Number:
          numbers.push_back(i);
          break;
        case Kind::WeekRef:
          week = &element;
          break;
        case Kind::MonthRef:
          month = &element;
          break;
        case Kind::YearRef:
          year_ref = &element;
          break;
        case Kind::Weekend:
          weekend = &element;
          break;
        case Kind::Offset:
          offset = &element;
          // `через две недели в среду`
          weeks_ahead_ =
              element.days % 7 == 0 && element.months == 0 && element.ms == 0 ? element.days : 0;
          break;
        case Kind::Span:
          span = &element;
          break;
        case Kind::Month:
          month_only = &element;
          break;
        case Kind::Year:
          year_only = &element;
          break;
        case Kind::NextDays:
          next_days = &element;
          break;
        case Kind::Part:
          part = element.part;
          break;
        case Kind::Now:
          now_said = true;
          break;
        default:
          break;
      }
    }
    const auto joined = [&](std::size_t a, std::size_t b) {
      // The joint between two elements; And stands for none, but for `между двумя и тремя`.
      const bool between =
          a > 0 && elements_[a - 1].kind == Kind::From && elements_[a - 1].number == 1;
      for (std::size_t i = a + 1; i < b; ++i) {
        if (is_join(elements_[i].kind) && elements_[i].kind != Kind::And &&
            elements_[i].kind != Kind::From)
          return elements_[i].kind;
        if (between && elements_[i].kind == Kind::And) return Kind::Until;
      }
      return Kind::And;
    };
    const auto opened = [&](std::size_t a) { return a > 0 ? elements_[a - 1].kind : Kind::And; };

    // Bare numbers take the meaning of what they are joined with: `с 11 по 15 сентября`, `с 5 до
    // 7`.
    if (numbers.size() == 1 && (days.size() == 1 || times.size() == 1)) {
      const std::size_t bare = numbers[0];
      const bool with_day = days.size() == 1 && days[0] > bare &&
                            joined(bare, days[0]) != Kind::And && times.empty() &&
                            elements_[days[0]].kind != Kind::Weekday;
      const bool with_time =
          times.size() == 1 && ((times[0] > bare && joined(bare, times[0]) != Kind::And) ||
                                (times[0] < bare && joined(times[0], bare) != Kind::And));
      if (with_time && elements_[bare].number <= 24) {
        Element& time = elements_[bare];
        const Element& other = elements_[times[0]];
        time.kind = Kind::Time;
        time.hour = time.number % 24;
        time.half_known = time.hour > 12 || time.hour == 0;
        if (!time.half_known && other.part) {
          // с 5 до 7 вечера, but с 9 до 6 вечера begins in the morning
          const bool same_half = bare < times[0] ? time.hour < other.hour : true;
          if (same_half) time.part = other.part;
        }
        times.push_back(bare);
        std::sort(times.begin(), times.end());
      } else if (with_day) {
        elements_[bare].kind = Kind::DayNumber;
        days.insert(days.begin(), bare);
      }
    } else if (numbers.size() == 2 && times.empty() &&
               joined(numbers[0], numbers[1]) != Kind::And && elements_[numbers[0]].number <= 24 &&
               elements_[numbers[1]].number <= 24) {
      for (const std::size_t i : numbers) {
        elements_[i].kind = Kind::Time;
        elements_[i].hour = elements_[i].number % 24;
        elements_[i].half_known = elements_[i].hour > 12 || elements_[i].hour == 0;
        times.push_back(i);
      }
      // `с 10 до 13`: the end tells that the beginning is no evening
      if (elements_[times[1]].half_known)
        elements_[times[0]].half_known = elements_[times[0]].hour >= 7;
    } else if (numbers.size() == 1 && times.empty() && days.empty() &&
               (opened(numbers[0]) == Kind::Until || opened(numbers[0]) == Kind::After ||
                opened(numbers[0]) == Kind::From)) {
      Element& time = elements_[numbers[0]];
      if (time.number <= 24) {
        time.kind = Kind::Time;
        time.hour = time.number % 24;
        time.half_known = time.hour > 12 || time.hour == 0;
        times.push_back(numbers[0]);
      }
    }

    WhenReading reading;
    if (!has_now_) return without_now(times, part, span);

    // ---- the day or days
    std::vector<Date> dates;
    bool day_range = false;
    Date range_end;
    bool day_said = true;
    if (days.size() >= 2 &&
        (joined(days[0], days[1]) == Kind::To || joined(days[0], days[1]) == Kind::Until ||
         joined(days[0], days[1]) == Kind::Dash)) {
      const auto last = dates_of(elements_[days[1]], week, month);
      if (last.empty()) return {};
      range_end = last[0];
      Element& first_element = elements_[days[0]];
      std::vector<Date> first;
      if (first_element.kind == Kind::DayNumber) {
        int year = 0;
        unsigned m = 0;
        unsigned d = 0;
        range_end.to_ymd(year, m, d);
        const auto same_month =
            Date::from_ymd(year, m, static_cast<unsigned>(first_element.number));
        if (same_month) first.push_back(*same_month);
      } else {
        first = dates_of(first_element, week, month);
      }
      if (first.empty()) return {};
      if (range_end < first[0] && elements_[days[1]].kind == Kind::Weekday)
        range_end = plus_days(range_end, 7);
      if (first[0] <= range_end) {
        day_range = true;
        dates = {first[0]};
      } else {
        dates = {first[0]};
      }
    } else if (!days.empty()) {
      // A date says more than the weekday beside it.
      std::size_t chosen = days[0];
      for (const std::size_t i : days) {
        if (elements_[i].kind == Kind::Day && elements_[chosen].kind == Kind::Weekday) chosen = i;
      }
      dates = dates_of(elements_[chosen], week, month);
      if (dates.empty()) return {};
      if (elements_[chosen].kind == Kind::Weekday && elements_[chosen].which == Which::None &&
          !week && !month && !past_ && elements_[chosen].number == now_.date.weekday() &&
          !times.empty()) {
        const Placed placed = place_time(elements_[times[0]], part);
        if (now_.time < placed.time) dates = {now_.date};
      }
      // Two different days without a joint: `в понедельник, во вторник`
      for (const std::size_t i : days) {
        if (i == chosen || elements_[i].kind != elements_[chosen].kind) continue;
        for (const Date other : dates_of(elements_[i], week, month)) {
          if (std::find(dates.begin(), dates.end(), other) == dates.end()) dates.push_back(other);
        }
      }
    } else if (offset) {
      Date date = plus_days(plus_months(now_.date, offset->months), offset->days);
      if (offset->ms != 0) {
        const std::int64_t seconds = now_.time.seconds + offset->ms / 1000;
        std::int64_t day_shift = seconds / 86400;
        std::int64_t rest = seconds % 86400;
        if (rest < 0) {
          rest += 86400;
          --day_shift;
        }
        reading.kind = WhenReading::Kind::Minute;
        reading.has_time = true;
        reading.start = {plus_days(date, day_shift),
                         TimeOfDay{static_cast<std::int32_t>(rest - rest % 60)}};
        return {reading};
      }
      dates = {date};
    } else if (weekend) {
      const int today = now_.date.weekday();
      const Date monday = plus_days(now_.date, 1 - today);
      const int shift = weekend->which == Which::Next && today >= 6 ? 1 : shift_of(weekend->which);
      reading.kind = WhenReading::Kind::DayRange;
      std::vector<WhenReading> readings;
      if (today == 7 && weekend->which != Which::Last && weekend->which != Which::Next) {
        WhenReading day;
        day.start.date = now_.date;
        readings.push_back(day);
        reading.start.date = plus_days(monday, 12);
      } else {
        reading.start.date = plus_days(monday, 5 + 7 * shift);
        if (weekend->which == Which::Next && today < 6) {
          WhenReading nearest = reading;
          nearest.start.date = plus_days(monday, 5);
          nearest.end.date = plus_days(monday, 6);
          readings.push_back(nearest);
        }
      }
      reading.end.date = plus_days(reading.start.date, 1);
      readings.push_back(reading);
      return readings;
    } else if (week) {
      const Date monday = plus_days(now_.date, 1 - now_.date.weekday() + 7 * shift_of(week->which));
      reading.kind = WhenReading::Kind::DayRange;
      reading.start.date = monday;
      reading.end.date = plus_days(monday, 6);
      return {reading};
    } else if (next_days) {
      reading.kind = WhenReading::Kind::DayRange;
      reading.start.date = plus_days(now_.date, 1);
      reading.end.date = plus_days(plus_months(now_.date, next_days->months), next_days->days);
      return {reading};
    } else if (month) {
      reading.kind = WhenReading::Kind::Month;
      reading.start.date = first_of_month(month->which);
      return {reading};
    } else if (month_only) {
      return month_reading(*month_only, year_only);
    } else if (year_only || year_ref) {
      int year = 0;
      unsigned m = 0;
      unsigned d = 0;
      now_.date.to_ymd(year, m, d);
      year = year_only ? year_only->number : year + shift_of(year_ref->which);
      const auto first = Date::from_ymd(year, 1, 1);
      if (!first) return {};
      reading.kind = WhenReading::Kind::Year;
      reading.start.date = *first;
      return {reading};
    } else {
      day_said = false;
    }

    // ---- the time or times
    if (times.size() >= 2 &&
        (joined(times[0], times[1]) == Kind::Until || joined(times[0], times[1]) == Kind::Dash ||
         joined(times[0], times[1]) == Kind::To)) {
      const Element& first = elements_[times[0]];
      const Element& second = elements_[times[1]];
      Placed begin = place_time(first, part);
      Placed end = place_time(second, part);
      if (!first.part && second.part && first.hour < second.hour && !first.half_known && !part)
        begin = place_time(first, second.part);
      if (end.time <= begin.time && !end.known && end.time.seconds < 12 * 3600)
        end.time.seconds += 12 * 3600;
      std::vector<WhenReading> readings;
      if (!day_said) {
        Date date = now_.date;
        if (end.time <= now_.time && begin.time < end.time) date = plus_days(date, 1);
        dates = {date};
      }
      for (const Date date : dates) {
        reading.kind = WhenReading::Kind::TimeRange;
        reading.has_time = true;
        reading.start = {date, begin.time};
        reading.end = {end.time <= begin.time ? plus_days(date, 1) : date, end.time};
        reading.guessed_half = !begin.known || !end.known;
        readings.push_back(reading);
      }
      return readings;
    }
    if (day_range) {
      reading.kind = WhenReading::Kind::DayRange;
      reading.start.date = dates[0];
      reading.end.date = range_end;
      return {reading};
    }
    if (!times.empty()) {
      std::vector<WhenReading> readings;
      for (const std::size_t i : times) {
        if (i != times[0] && elements_[i].hour == elements_[times[0]].hour &&
            elements_[i].minute == elements_[times[0]].minute)
          continue;
        add_times(elements_[i], part, day_said, dates, opened(i), readings);
        if (readings.size() > 8) break;
      }
      return readings;
    }
    if (now_said && !day_said) {
      reading.kind = WhenReading::Kind::Minute;
      reading.has_time = true;
      reading.start = now_;
      return {reading};
    }
    if (part) {
      if (!day_said) return part_alone(*part);
      std::vector<WhenReading> readings;
      for (const Date date : dates) {
        reading.kind = WhenReading::Kind::Part;
        reading.part = *part;
        reading.start.date = date;
        readings.push_back(reading);
      }
      return readings;
    }
    if (day_said) {
      std::vector<WhenReading> readings;
      const Kind opening = days.empty() ? Kind::And : opened(days[0]);
      for (const Date date : dates) {
        reading.kind = opening == Kind::Until   ? WhenReading::Kind::Before
                       : opening == Kind::After ? WhenReading::Kind::After
                                                : WhenReading::Kind::Day;
        reading.start.date = date;
        readings.push_back(reading);
      }
      return readings;
    }
    if (span) return {span_reading(*span)};
    return {};
  }

  std::vector<WhenReading> month_reading(const Element& month, const Element* year_only) const {
    int year = 0;
    unsigned this_month = 0;
    unsigned day = 0;
    now_.date.to_ymd(year, this_month, day);
    WhenReading reading;
    if (quarter_) {
      const auto first =
          Date::from_ymd(year, static_cast<unsigned>(std::clamp(month.number, 1, 4) * 3 - 2), 1);
      reading.kind = WhenReading::Kind::DayRange;
      reading.start.date = *first;
      reading.end.date = plus_days(plus_months(*first, 3), -1);
      return {reading};
    }
    if (month.year != 0) {
      year = month.year;
    } else if (year_only) {
      year = year_only->number;
    } else if (past_ ? month.number > static_cast<int>(this_month)
                     : month.number < static_cast<int>(this_month)) {
      year += past_ ? -1 : 1;
    }
    const auto first = Date::from_ymd(year, static_cast<unsigned>(month.number), 1);
    if (!first) return {};
    reading.kind = WhenReading::Kind::Month;
    reading.start.date = *first;
    return {reading};
  }

  std::vector<WhenReading> part_alone(DayPart part) const {
    struct Bounds {
      int from;
      int to;
    };
    static constexpr std::array<Bounds, 5> kBounds = {
        {{6, 12}, {12, 18}, {12, 14}, {18, 24}, {0, 6}}};
    const Bounds bounds = kBounds[static_cast<std::size_t>(part)];
    const int hour = now_.time.seconds / 3600;
    WhenReading today;
    today.kind = WhenReading::Kind::Part;
    today.part = part;
    today.start.date = now_.date;
    WhenReading tomorrow = today;
    tomorrow.start.date = plus_days(now_.date, 1);
    if (pending_part_today_) return {today};
    if (part == DayPart::Night) return {today, tomorrow};  // which night, only the person knows
    if (hour < bounds.from) return {today};
    if (hour >= bounds.to) return {tomorrow};
    if (part == DayPart::Evening) return {today};
    return {today, tomorrow};
  }

  void add_times(const Element& time, std::optional<DayPart> part, bool day_said,
                 const std::vector<Date>& dates, Kind opening,
                 std::vector<WhenReading>& readings) const {
    const Placed placed = place_time(time, part);
    WhenReading reading;
    reading.kind = opening == Kind::Until   ? WhenReading::Kind::Before
                   : opening == Kind::After ? WhenReading::Kind::After
                                            : WhenReading::Kind::Minute;
    reading.has_time = true;
    reading.guessed_half = !placed.known;
    const auto add_reading = [&](Date date, TimeOfDay at) {
      reading.start = {date, at};
      readings.push_back(reading);
    };
    const TimeOfDay later{placed.time.seconds + 12 * 3600};
    const bool may_shift = !placed.known && placed.time.seconds < 12 * 3600 && time.hour != 0;
    if (day_said) {
      for (const Date date : dates) {
        if (date == now_.date && placed.time < now_.time && may_shift && now_.time < later) {
          add_reading(date, later);
        } else {
          add_reading(placed.next_night ? plus_days(date, 1) : date, placed.time);
        }
      }
      return;
    }
    if (past_) {
      add_reading(placed.time <= now_.time ? now_.date : plus_days(now_.date, -1), placed.time);
    } else if (now_.time < placed.time || (placed.time == now_.time && !placed.next_night)) {
      add_reading(now_.date, placed.time);
    } else if (may_shift && now_.time < later) {
      add_reading(now_.date, later);
      // `в половине девятого` at ten may well be tomorrow's morning
      if (time.spoken) add_reading(plus_days(now_.date, 1), placed.time);
    } else {
      add_reading(plus_days(now_.date, 1), placed.time);
    }
  }

  std::vector<WhenReading> without_now(const std::vector<std::size_t>& times,
                                       std::optional<DayPart> part, const Element* span) const {
    std::vector<WhenReading> readings;
    if (span && times.empty()) return {span_reading(*span)};
    for (const std::size_t i : times) {
      const Element& time = elements_[i];
      WhenReading reading;
      reading.kind = WhenReading::Kind::Clock;
      reading.has_time = true;
      const bool known = time.half_known || time.part || part;
      reading.guessed_half = !known;
      const Placed placed = place_time(time, part);
      if (known) {
        reading.start.time = placed.time;
        readings.push_back(reading);
      } else {
        const int morning = (time.hour % 12) * 3600 + time.minute * 60;
        reading.start.time = TimeOfDay{morning};
        readings.push_back(reading);
        reading.start.time = TimeOfDay{morning + 12 * 3600};
        readings.push_back(reading);
      }
    }
    return readings;
  }

  static WhenReading span_reading(const Element& span) {
    WhenReading reading;
    reading.kind = WhenReading::Kind::Span;
    reading.span_months =
        static_cast<std::int32_t>(std::clamp<std::int64_t>(span.months, 0, 1'000'000));
    reading.span = Duration{span.days * 24 * kHour + span.ms};
    return reading;
  }

  std::vector<Token> tokens_;
  NumberParser numbers_;
  LocalTime now_;
  bool has_now_;
  bool english_;
  bool past_;
  bool impossible_ = false;
  bool day_just_found_ = false;
  bool pending_part_today_ = false;
  bool quarter_ = false;
  std::int64_t weeks_ahead_ = 0;
  std::vector<Element> elements_;
};

}  // namespace

std::vector<WhenReading> read_when(std::string_view text, std::optional<LocalTime> now,
                                   Language language, Direction direction) {
  // A date is a short answer; nobody hides one behind a thousand bytes.
  return Scanner(text.substr(0, 1024), now, language, direction).read();
}

Result<Date, WhenProblem> read_date(std::string_view text, LocalTime now, Language language,
                                    Direction direction) {
  const auto readings = read_when(text, now, language, direction);
  std::optional<Date> date;
  bool vague = false;
  for (const WhenReading& reading : readings) {
    switch (reading.kind) {
      case WhenReading::Kind::Day:
      case WhenReading::Kind::Minute:
      case WhenReading::Kind::Part:
      case WhenReading::Kind::TimeRange:
        break;
      case WhenReading::Kind::Clock:
      case WhenReading::Kind::Span:
        return Error{WhenProblem::Nothing};
      default:
        vague = true;
        continue;
    }
    if (date && *date != reading.start.date) return Error{WhenProblem::Ambiguous};
    date = reading.start.date;
  }
  if (!date) return Error{vague ? WhenProblem::TooVague : WhenProblem::Nothing};
  if (vague) return Error{WhenProblem::Ambiguous};
  return *date;
}

Result<TimeOfDay, WhenProblem> read_time(std::string_view text, LocalTime now, Language language) {
  const auto time_of =
      [](const std::vector<WhenReading>& readings) -> Result<TimeOfDay, WhenProblem> {
    std::optional<TimeOfDay> time;
    bool vague = false;
    for (const WhenReading& reading : readings) {
      if (!reading.has_time || reading.kind == WhenReading::Kind::TimeRange) {
        vague = vague || reading.kind == WhenReading::Kind::Part ||
                reading.kind == WhenReading::Kind::TimeRange;
        continue;
      }
      if (time && *time != reading.start.time) return Error{WhenProblem::Ambiguous};
      time = reading.start.time;
    }
    if (!time) return Error{vague ? WhenProblem::TooVague : WhenProblem::Nothing};
    return *time;
  };
  // At midnight no hour has passed, so that an hour is what it says.
  const LocalTime midnight{now.date, TimeOfDay{0}};
  const auto tokens = reading::split_tokens(text);
  const bool counted_from_now = std::any_of(tokens.begin(), tokens.end(), [](const Token& token) {
    return one_of(token.text, "через спустя назад сейчас щас in ago now within");
  });
  if (counted_from_now) {
    auto time = time_of(read_when(text, now, language));
    if (time) return time;
  }
  auto time = time_of(read_when(text, midnight, language));
  if (time || time.error() != WhenProblem::Nothing) return time;
  // A time was asked for, so a bare `8` or `20 часов` is one.
  auto bare = time_of(read_when("в " + std::string(text.substr(0, 200)), midnight, language));
  return bare;
}

Result<LocalTime, WhenProblem> read_datetime(std::string_view text, LocalTime now,
                                             Language language, Direction direction) {
  std::optional<LocalTime> found;
  bool vague = false;
  for (const WhenReading& reading : read_when(text, now, language, direction)) {
    if (reading.kind == WhenReading::Kind::Span || reading.kind == WhenReading::Kind::Clock)
      continue;
    if (reading.kind != WhenReading::Kind::Minute) {
      vague = true;
      continue;
    }
    if (found && *found != reading.start) return Error{WhenProblem::Ambiguous};
    found = reading.start;
  }
  if (!found) return Error{vague ? WhenProblem::TooVague : WhenProblem::Nothing};
  if (vague) return Error{WhenProblem::Ambiguous};
  return *found;
}

}  // namespace sufler
