// What people write: every reader of answers, and the text functions below them.
#include "fuzz/targets.h"
#include "interpreter/core/reading/choice.h"
#include "interpreter/core/reading/contact_fields.h"
#include "interpreter/core/reading/dates.h"
#include "interpreter/core/reading/intents.h"
#include "interpreter/core/reading/numbers.h"
#include "interpreter/core/reading/phone.h"
#include "interpreter/core/text.h"

namespace sufler::fuzz {
namespace {

void check_text(std::string_view text) {
  std::size_t bad = 0;
  require(is_utf8(text, &bad) || bad < text.size(), "what is no UTF-8 begins somewhere");
  const std::string nfc = to_nfc(text);
  require(is_utf8(nfc) && to_nfc(nfc) == nfc, "NFC of NFC is the same");
  const std::string folded = fold(text);
  require(is_utf8(folded) && fold(folded) == folded, "folding twice is folding once");
  require(is_utf8(normalise(text)), "a normalised text is UTF-8");
  require(is_utf8(to_upper(text)) && is_utf8(to_lower(text)), "case gives UTF-8");
  require(is_utf8(capitalize(text)) || !is_utf8(text), "case keeps UTF-8");
  const std::size_t mixed = find_mixed_alphabet(text);
  require(mixed == std::string_view::npos || mixed < text.size(),
          "a foreign letter is in the word");
  require(count_code_points(first_code_points(text, 5)) <= 5, "the first five are five");
  require(edit_distance(text, "привет", 3) == edit_distance("привет", text, 3),
          "distance is mutual");
  (void)swap_keyboard_layout(text);
  (void)unify_lookalikes(text);
  (void)nearest(text, {"привет", "menu", "заказ"});
  (void)plural_of(Language::Russian, text);
  (void)trim(text);
}

void check_values(std::string_view text) {
  if (const auto decimal = Decimal::parse(text))
    require(Decimal::parse(decimal->to_string()) == decimal, "a number reads back");
  if (const auto duration = Duration::parse(text)) (void)duration->to_string();
  if (const auto date = Date::parse_iso(text))
    require(Date::parse_iso(date->to_iso()) == date, "a date reads back");
  if (const auto time = TimeOfDay::parse(text))
    require(TimeOfDay::parse(time->to_string()) == time, "a time reads back");
  if (const auto local = LocalTime::parse_iso(text))
    require(LocalTime::parse_iso(local->to_iso()) == local, "a local time reads back");
}

void check_numbers(std::string_view text, Language language) {
  const std::size_t end = to_nfc(text).size();
  std::size_t last = 0;
  for (const FoundNumber& number : find_numbers(text, language)) {
    require(last <= number.begin && number.begin < number.end && number.end <= end,
            "numbers are in order and in the text");
    last = number.begin;
  }
  (void)read_number(text, language);
  (void)read_ordinal(text, language);
  (void)read_money(text, language);
  (void)read_range(text, language);
  (void)read_digits(text, language);
  require(number_readings(text, language).values.size() <= 4, "a choice is of few");
  require(money_readings(text, language).values.size() <= 4, "a choice is of few");
}

void check_dates(std::string_view text, Language language, Direction direction) {
  const LocalTime now = *LocalTime::parse_iso("2026-03-15 12:00");
  (void)read_when(text, std::nullopt, language);
  for (const WhenReading& when : read_when(text, now, language, direction))
    require(when.start.time.seconds >= 0 && when.start.time.seconds < 86400 &&
                when.end.time.seconds >= 0 && when.end.time.seconds < 86400,
            "a time of day is one");
  if (const auto date = read_date(text, now, language, direction))
    require(Date::parse_iso(date->to_iso()) == *date, "a date that was read reads back");
  if (const auto local = read_datetime(text, now, language, direction))
    require(LocalTime::parse_iso(local->to_iso()) == *local, "a moment that was read reads back");
  (void)read_time(text, now, language);
  require(date_readings(text, now, language, direction).size() <= 4, "a choice is of few");
  require(time_readings(text, now, language).size() <= 4, "a choice is of few");
  require(datetime_readings(text, now, language, direction).size() <= 4, "a choice is of few");
}

}  // namespace

// The first line is what a person wrote, the others are labels to choose from.
void play_reading(std::string_view bytes) {
  std::string_view rest = bytes;
  const std::string_view text = rest.substr(0, rest.find('\n'));
  std::vector<std::string> labels;
  while (rest.find('\n') != std::string_view::npos && labels.size() < 20) {
    rest.remove_prefix(rest.find('\n') + 1);
    labels.emplace_back(rest.substr(0, rest.find('\n')));
  }
  check_text(text);
  check_values(text);
  // The readers take milliseconds: an input plays one of the four ways, by its length.
  const Language language = bytes.size() % 2 ? Language::English : Language::Russian;
  check_numbers(bytes, language);
  check_dates(text, language, bytes.size() / 2 % 2 ? Direction::Past : Direction::Future);
  (void)read_intent(text);
  (void)read_yes_no(text);
  if (const auto control = read_control(text, bytes.size() % 2 == 0))
    require(*control != Intent::Yes && *control != Intent::No, "a command is no answer");
  if (const auto email = read_email(text)) require(!email->empty(), "an address is not empty");
  if (const auto url = read_url(text))
    require(url->starts_with("http://") || url->starts_with("https://"), "an address says http");
  (void)read_name(text);
  if (const auto phone = read_phone(text)) {
    require(phone->starts_with('+') && phone->size() <= 16, "a phone is E.164");
    (void)format_phone(*phone);
  }
  (void)format_phone(text);
  if (const auto choice = match_choice(text, labels))
    require(*choice < labels.size(), "a choice is there");
  if (const auto choices = match_choices(text, labels))
    for (const std::size_t choice : *choices) require(choice < labels.size(), "a choice is there");
}

}  // namespace sufler::fuzz
