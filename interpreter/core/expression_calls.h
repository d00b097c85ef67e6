#pragma once
#include <span>

#include "interpreter/core/expression_vocabulary.h"

namespace sufler {

/// In the order of the reference page.
std::span<const ExpressionCall> filter_table();    // filters.cpp
std::span<const ExpressionCall> function_table();  // functions.cpp

/// `2026-03-15`, or with a time `2026-03-15 12:00`: what texts the dates' filter and function take.
bool read_date(Evaluator& at, const std::string& text, Value& out);

}  // namespace sufler
