#pragma once
#include <string>
#include <string_view>

#include "interpreter/core/decimal.h"
#include "interpreter/core/text.h"

/// Numbers as people like to see them.
namespace sufler {

/// `2 500 000 ₽`, `$2,500,000`: as the filter `money` shows it. `code` (ISO 4217, any case) has three letters.
std::string format_money(const Decimal& amount, std::string_view code, Language language);
/// `2 500 000`, `2,5`; `2,500,000`, `2.5`.
std::string format_grouped(const Decimal& number, Language language);

}  // namespace sufler
