#pragma once
#include <string>
#include <string_view>

#include "interpreter/core/comparison.h"

namespace sufler {

/// One line for people: "question `size` now has buttons". Words of the language stand in the language of the line.
std::string change_text(const Change& change, Language language);
/// `a, b and 12 more`; each in backticks.
std::string listed(const std::vector<std::string>& names, Language language);
/// `1 dialog`, `3 dialogs`; `1 диалог`, `3 диалога`, `5 диалогов`.
std::string counted(std::int64_t count, Language language, std::string_view english_one, std::string_view english_many,
                    std::string_view russian_one, std::string_view russian_few, std::string_view russian_many);
inline std::string counted_dialogs(std::int64_t count, Language language) {
  return counted(count, language, "dialog", "dialogs", "диалог", "диалога", "диалогов");
}

}  // namespace sufler
