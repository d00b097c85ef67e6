#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// Unicode text. Every std::string in this project is UTF-8; offsets are bytes unless a name says
/// otherwise. None of these functions throws; broken UTF-8 reads as U+FFFD.
namespace sufler {

enum class Language : std::uint8_t { Russian, English };

/// Whether every byte belongs to a well-formed UTF-8 sequence. `bad_offset` gets the first that
/// does not.
bool is_utf8(std::string_view text, std::size_t* bad_offset = nullptr);
/// The code point that begins at `offset`; moves `offset` behind it (at least one byte).
char32_t next_code_point(std::string_view text, std::size_t& offset);
void append_utf8(std::string& out, char32_t code_point);
std::size_t count_code_points(std::string_view text);
/// Length in UTF-16 units: Telegram counts entity offsets so.
std::size_t count_utf16_units(std::string_view text);
/// The first `count` code points of `text`.
std::string_view first_code_points(std::string_view text, std::size_t count);

std::string to_nfc(std::string_view text);
std::string to_upper(std::string_view text);
std::string to_lower(std::string_view text);
/// First letter upper, the rest as it is.
std::string capitalize(std::string_view text);
/// Without leading and trailing white space of any kind (no-break spaces too).
std::string_view trim(std::string_view text);
bool is_letter(char32_t code_point);
bool is_digit(char32_t code_point);
bool is_space(char32_t code_point);
bool is_emoji(char32_t code_point);

/// How words of commands, labels and `like` are compared (LANGUAGE 6): NFC, case-folded, `ё` as `е`,
/// punctuation and emoji dropped, white space collapsed to one space. A leading `/` stays, and a text
/// that consists of punctuation or emoji alone is kept as it is, so that `👍` and `+` can be commands.
std::string fold(std::string_view text);

/// The normalisation of platforms/russian.md, section 1, steps 1-3 (stress marks, spaces, dashes,
/// quotes, case, `ё`); punctuation stays. For readers of numbers, dates and intents.
std::string normalise(std::string_view text);

/// Damerau-Levenshtein distance in code points, no more than `limit` + 1.
std::size_t edit_distance(std::string_view a, std::string_view b, std::size_t limit);
/// The text as typed with the other keyboard layout: `ьуню` → `menu`, `ghbdtn` → `привет`.
std::string swap_keyboard_layout(std::string_view text);
/// Look-alike letters made one alphabet (the one most letters belong to): Cyrillic `с` in `сity` → `c`.
std::string unify_lookalikes(std::string_view text);
/// Byte offset of the first letter that belongs to the lesser alphabet of a word that mixes Latin and
/// Cyrillic letters; npos when it mixes none.
std::size_t find_mixed_alphabet(std::string_view word);

/// The nearest of `known` to a word that is none of them: by typo, keyboard layout or look-alikes.
/// Empty when nothing is near enough to be worth offering.
std::string nearest(std::string_view word, const std::vector<std::string>& known);

/// CLDR plural category of a number given as text (`1`, `2,5`, `-3`): 0 one, 1 few, 2 many, 3 other.
enum class Plural : std::uint8_t { One, Few, Many, Other };
Plural plural_of(Language language, std::string_view number);

}  // namespace sufler
