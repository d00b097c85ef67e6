#pragma once
// The first pass of dates.cpp.
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "interpreter/core/reading/date_elements.h"
#include "interpreter/core/reading/number_parser.h"
#include "interpreter/core/reading/words.h"

namespace sufler::reading {

/// Finds elements anywhere in a text. In date_scanner.cpp the walk over the text, in _amounts,
/// _days and _times what their names say.
class DateScanner {
 public:
  DateScanner(std::string_view text, std::optional<LocalTime> now, Language language,
              Direction direction);

  /// Once only.
  FoundElements scan();

 private:
  using Kind = Element::Kind;

  // Looking at tokens; `i` may lie behind the last.
  bool has(std::size_t i) const { return i < tokens_.size(); }
  bool word(std::size_t i, const WordList& list) const;
  bool mark(std::size_t i, std::string_view text) const;
  bool glued(std::size_t i) const { return has(i) && !tokens_[i].space_before; }
  bool digits(std::size_t i, std::size_t least, std::size_t most) const;
  int digit_value(std::size_t i) const;
  /// `12:60`, `10:3`, `в 10,12`: looks like a time, and no part of it is to be taken for one.
  bool no_time(std::size_t i) const;
  bool time_word_before(std::size_t i) const;
  bool join_before(std::size_t i) const;

  // Amounts. `end` is the first token behind what was read.
  struct Count {
    int value = -1;
    bool ordinal = false;
    std::size_t end = 0;
  };
  /// A whole number below 10000, in digits or words.
  std::optional<Count> count(std::size_t i) const;
  std::optional<Count> counted(std::size_t i) const;
  /// An amount of some unit: `2 дня`, `полтора часа`, `пару недель`, `полчаса`, `четверть часа`,
  /// `неделю`.
  bool amount(std::size_t i, Element& out, std::size_t& end) const;
  /// Amounts one after the other: `1 час 55 минут`.
  bool amounts(std::size_t i, Element& out, std::size_t& end) const;

  // Days.
  std::optional<Date> place_day(int day, int month) const;
  static int full_year(const std::string& digits);
  /// A year behind a date: `2026`, `2026 года`, `26 г.`, `две тысячи двадцать шестого года`.
  int year_at(std::size_t i, std::size_t& end) const;
  bool day_and_month(int day, int month, std::size_t after, Element& out);
  /// As speech gives it: `20 05 2026`, `двадцатого ноль пятого`.
  bool dictated_date(std::size_t i, Element& out);
  /// 15.03.2026, 15/3, 2026-03-15, `10.12.`; a time such as `9.30` is left to `clock`.
  bool numeric_date(std::size_t i, Element& out);
  /// Первый понедельник июня, последняя пятница месяца, последний день октября, третий день в октябре.
  bool nth_weekday(std::size_t i, Element& out) const;
  /// Новый год, Рождество.
  bool holiday(std::size_t i, Element& out) const;
  /// `20 или 25 мая`, `10, 12 мая`: the month of a list of days that begins at `i`, 0 when it is none; 13 for `числа`.
  int month_of_list(std::size_t i, std::size_t& number_end, int& day) const;
  /// `числа 25`, `25 следующего месяца`, `20 в 10`, `июня 1`, `1-июня`, and what follows `20 мая или`.
  bool loose_day(std::size_t i, Element& out);
  bool zeros(std::size_t i, std::size_t& end) const;
  /// An ordinal is a day when it is in the genitive and nothing is counted by it.
  bool day_ordinal(std::size_t i, std::size_t end) const;

  // Times of day.
  void set_time(Element& out, int hour, int minute, std::size_t end) const;
  /// A part of the day behind an hour: `утра`, `дня`, `pm`.
  void take_part(Element& out) const;
  void take_minutes(Element& out) const;
  bool take_part_ahead(std::size_t i) const {
    return word(i, "утра дня вечера ночи morning afternoon evening night am pm");
  }
  /// The hour that `четвертого` or `четыре` names, for `половина четвертого` and `без пяти четыре`.
  std::optional<int> hour_name(std::size_t i, bool ordinal, std::size_t& end) const;
  bool spoken_clock(std::size_t i, Element& out) const;
  /// A time of day in any other form.
  bool clock(std::size_t i, Element& out) const;
  bool known_time_neighbour(std::size_t i) const;

  // The walk.
  bool element(std::size_t i, Element& out);
  bool next_joins(std::size_t i) const { return mark(i, "-") || word(i, "до по to"); }
  /// Digits that are no date: a phone, a long number.
  std::size_t skip_junk(std::size_t i) const;

  std::vector<Token> tokens_;
  NumberParser numbers_;
  LocalTime now_;
  bool english_;
  bool past_;
  bool day_just_found_ = false;
  FoundElements found_;
  mutable std::vector<std::optional<std::optional<Count>>> counts_;  ///< of `count`, which every rule asks
};

}  // namespace sufler::reading
