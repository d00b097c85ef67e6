#pragma once
// The second pass of dates.cpp.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "interpreter/core/reading/date_elements.h"
#include "interpreter/core/reading/dates.h"

namespace sufler::reading {

/// Puts together what was found, in whatever order: `на следующей неделе будет событие в пятницу и
/// будет оно в 12` is a week, a weekday, a time.
class DateCombiner {
 public:
  DateCombiner(FoundElements found, std::optional<LocalTime> now, Direction direction);

  /// Once only.
  std::vector<WhenReading> combine();

 private:
  using Kind = Element::Kind;

  std::optional<Date> place_day_number(int day) const;
  static bool is_join(Kind kind);
  static int hour_with_part(int hour, DayPart part);
  struct Placed {
    TimeOfDay time;
    bool known = true;        // morning or evening was said
    bool next_night = false;  // 12 ночи belongs to the coming day
  };
  Placed place_time(const Element& time, std::optional<DayPart> part) const;
  std::vector<Date> dates_of(const Element& element, const Element* week,
                             const Element* month) const;
  static int shift_of(Which which);
  Date first_of_month(Which which) const;
  std::vector<WhenReading> combine_one();
  std::vector<WhenReading> month_reading(const Element& month, const Element* year_only) const;
  std::vector<WhenReading> part_alone(DayPart part) const;
  void add_times(const Element& time, std::optional<DayPart> part, bool day_said,
                 const std::vector<Date>& dates, Kind opening,
                 std::vector<WhenReading>& readings) const;
  std::vector<WhenReading> without_now(const std::vector<std::size_t>& times,
                                       std::optional<DayPart> part, const Element* span) const;
  static WhenReading span_reading(const Element& span);

  FoundElements found_;
  LocalTime now_;
  bool has_now_;
  bool past_;
  std::int64_t weeks_ahead_ = 0;
  int years_ahead_ = 0;  ///< `20 мая через год`
  const Element* year_ref_ = nullptr;  ///< among the elements, while `combine_one` works
};

}  // namespace sufler::reading
