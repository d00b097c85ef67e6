#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "interpreter/core/program.h"

/// What people write into cells of a spreadsheet, as values of a column.
namespace sufler {

/// `1 200 000,50`, `1,200,000.5`, `1.200.000,5`, `−5`, `12 ₽`, `45 %` without its sign; white space of any kind groups.
/// A single comma or point is the decimal one.
std::optional<Decimal> number_of_cell(std::string_view text);
/// `2026-03-15`, `15.03.2026`, `15.3.26`, `15/03/2026`: the day before the month.
std::optional<Date> date_of_cell(std::string_view text);
/// `да нет yes no true false 1 0 + -` in any case.
std::optional<bool> boolean_of_cell(std::string_view text);

/// The value of a cell that is not empty. Nothing when it is none of the column's type, and for files, which only
/// whoever knows the folder can make.
std::optional<Value> value_of_cell(const Column& column, const Zone& zone, std::string_view text);

}  // namespace sufler
