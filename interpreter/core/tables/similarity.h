#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "interpreter/core/program.h"
#include "interpreter/core/turn.h"

/// `find … similar` (LANGUAGE 4): rows sorted by how far they are from what is wanted.
///
/// Each column has a difference from 0 to 1. Of numbers, dates and times it is their distance, measured by `within` or,
/// without it, by the span between the least and the greatest value of the column; 1 is the most. Of anything else it is
/// 0 when equal and 1 when not; texts are equal as `like` has it, in tables of up to 5,000 rows. A row that lacks a value differs by 1. The distance of a row is the mean of these by
/// weight. A column whose wanted value is null does not count: the person has not said.
namespace sufler {

/// How a column is compared.
enum class Likeness : std::uint8_t {
  Distance,  ///< numbers, dates, times
  Equality,  ///< texts, choices, booleans
  None,      ///< files, lists and maps are not
};
Likeness likeness_of(ColumnType type);

/// `30`, `20%`, `14d`: rows that are further away are left out.
struct Within {
  double amount = 0;       ///< in the column's numbers: days of dates, seconds of times, milliseconds of moments
  bool of_wanted = false;  ///< a part of the wanted value: 0.2
};

struct Similarity {
  struct Near {
    std::string column;
    Expression to;
    double weight = 1;  ///< above 0
    std::optional<Within> within;
  };
  std::vector<Near> near;  ///< never empty
  /// What an index is worth having for: columns that `where` compares with `==`, then those of `near` by weight.
  std::vector<std::string> index;
};

/// A column that rows are compared by, when the values are known. It travels in FindRows::conditions: rows beyond
/// `within` do not hold, and those that hold come sorted by distance first.
struct Nearness {
  std::string column;
  Value to;  ///< never null
  double weight = 1;
  std::optional<Within> within;
};
inline constexpr std::string_view kNearOperator = "~";
Condition condition_of(const Nearness& near);
/// Nothing when the condition is an ordinary one.
std::optional<Nearness> nearness_of(const Condition& condition);

/// A value as the number that is measured by; nothing when it is of another type than the column.
std::optional<double> measure_of(ColumnType column, const Value& value);

/// Distances are whole numbers of this part of the greatest, so that databases agree about them.
inline constexpr double kDistanceUnits = 1e9;
/// What a row is given besides its columns: `distance` from 0 to 1 and `similarity` in per cent, 100 only when nothing
/// differs. A column of the table with one of these names stays what it is.
inline constexpr std::string_view kDistanceName = "distance", kSimilarityName = "similarity";
void add_distance(ValueMap& row, std::int64_t units);

}  // namespace sufler
