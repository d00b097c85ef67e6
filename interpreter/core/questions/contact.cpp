#include "interpreter/core/patterns.h"
#include "interpreter/core/questions/kinds.h"
#include "interpreter/core/reading/phone.h"

namespace sufler {
namespace {

std::string_view region_of(const Play& play) { return play.program.language == Language::Russian ? "RU" : "US"; }

/// The phone of a shared contact, or of the text.
std::optional<std::string> phone_of(const Play& play) {
  if (play.heard.contact) {
    // Platforms send numbers without the plus.
    if (auto phone = read_phone(play.heard.contact->phone)) return phone;
    const std::string& given = play.heard.contact->phone;
    return given.empty() || given.front() == '+' ? read_phone(given) : read_phone("+" + given);
  }
  return read_phone(play.heard.text, region_of(play));
}

}  // namespace

std::string show_phone(Play& play, const Value& answer) {
  return answer.text() ? format_phone(*answer.text()) : to_display(answer, play.scope.locale());
}

Reading read_phone_answer(Play& play, const Question& question) {
  auto phone = phone_of(play);
  if (!phone) {
    Reading offer = Reading::refuse(Phrase::InvalidPhone);
    const auto phones = read_phones(play.heard.text, region_of(play));
    for (std::size_t i = 0; phones.size() <= 4 && i < phones.size(); ++i) {
      if (question.pattern.empty() || matches_whole(question.pattern, phones[i]))
        offer.offered.push_back({Value(phones[i]), format_phone(phones[i])});
    }
    return offer;
  }
  if (!question.pattern.empty() && !matches_whole(question.pattern, *phone))
    return Reading::refuse(Phrase::InvalidPattern);
  return Reading::of(std::move(*phone));
}

Reading read_contact(Play& play, const Question&) {
  auto phone = phone_of(play);
  if (!phone) return Reading::refuse(Phrase::InvalidContact);
  ValueMap contact;
  contact.set("phone", std::move(*phone));
  if (play.heard.contact) {
    if (!play.heard.contact->first_name.empty()) contact.set("first_name", play.heard.contact->first_name);
    if (!play.heard.contact->last_name.empty()) contact.set("last_name", play.heard.contact->last_name);
  }
  return Reading::of(std::move(contact));
}

std::vector<OwnButton> contact_button(const Question&) {
  return {{Phrase::SendContact, 'c', ButtonAction::Contact}};
}

Reading read_location(Play& play, const Question&) {
  if (!play.heard.location) return Reading::refuse(Phrase::InvalidLocation);
  ValueMap location;
  location.set("latitude", play.heard.location->latitude);
  location.set("longitude", play.heard.location->longitude);
  return Reading::of(std::move(location));
}

std::vector<OwnButton> location_button(const Question&) {
  return {{Phrase::SendLocation, 'l', ButtonAction::Location}};
}

}  // namespace sufler
