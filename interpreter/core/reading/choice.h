#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Typed answers to questions with options (LANGUAGE 6).
namespace sufler {

/// `2`, `второй`, `вариант 2`, `number two`: a place in a list, from 1; 0 for none.
struct PlaceInList {
  std::size_t place = 0;
  bool sure = false;  ///< nothing but a place: `второй`, `вариант 2`
};
PlaceInList place_in_list(std::string_view text);

/// The option that the text means: the label itself, else its folded form, else its number (`2`,
/// `2.`, `второй`), else one typo in a label from five letters on, else the label of whose words in any form the answer is
/// made (`в подвале`, `под кафе`). Only when it is the only one. Where labels name quantities (`Второй`, `5–10 минут`,
/// `до 5`), a number is a quantity and no place in the list: `7 минут`, unless it is outside of all of them.
/// On the border of two it is neither.
std::optional<std::size_t> match_choice(std::string_view text,
                                        const std::vector<std::string>& labels);

/// Several options in one message, by commas, `и`, new lines or spaces between numbers: `1, 3`,
/// `Латте и Раф`. In the order of the labels, each once; nothing when a part matches no label.
std::optional<std::vector<std::size_t>> match_choices(std::string_view text,
                                                      const std::vector<std::string>& labels);

}  // namespace sufler
