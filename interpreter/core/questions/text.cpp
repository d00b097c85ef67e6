#include "interpreter/core/patterns.h"
#include "interpreter/core/questions/kinds.h"
#include "interpreter/core/reading/contact_fields.h"

namespace sufler {

namespace {

/// A text that was read is the answer when its length and `pattern` allow it.
Reading take_text(const Question& question, std::string text) {
  if (question.min || question.max) {
    const Decimal length(static_cast<std::int64_t>(count_code_points(text)));
    if (auto refusal = refuse_out_of_range(question, length, Phrase::InvalidLength)) return *refusal;
  }
  if (!question.pattern.empty() && !matches_whole(question.pattern, text))
    return Reading::refuse(Phrase::InvalidPattern);
  return Reading::of(std::move(text));
}

}  // namespace

Reading read_text(Play& play, const Question& question) {
  const std::string text(trim(play.heard.text));
  // A picture that came with words is still answered by the words; `message.attachments` has it.
  return text.empty() ? Reading::refuse(Phrase::InvalidText) : take_text(question, text);
}

Reading read_name_answer(Play& play, const Question& question) {
  auto name = read_name(play.heard.text);
  if (name) return take_text(question, std::move(*name));
  Reading offer = Reading::refuse(Phrase::InvalidName);
  for (std::string& one : name_readings(play.heard.text)) {
    if (take_text(question, one).taken) offer.offered.push_back({Value(one), one});
  }
  return offer;
}

Reading read_email_answer(Play& play, const Question& question) {
  auto email = read_email(play.heard.text);
  return email ? take_text(question, std::move(*email)) : Reading::refuse(Phrase::InvalidEmail);
}

Reading read_url_answer(Play& play, const Question& question) {
  auto url = read_url(play.heard.text);
  return url ? take_text(question, std::move(*url)) : Reading::refuse(Phrase::InvalidUrl);
}

Reading read_any(Play& play, const Question& question) {
  const Heard& heard = play.heard;
  if (heard.attachments.empty()) {
    if (heard.contact) return read_contact(play, {});
    if (heard.location) return read_location(play, {});
    const std::string text(trim(heard.text));
    return text.empty() ? Reading::refuse(Phrase::InvalidText) : take_text(question, text);
  }
  List files;
  for (const Attachment& file : heard.attachments) files.emplace_back(file);
  if (const Attachment& first = heard.attachments.front(); first.caption.empty()) {
    Attachment captioned = first;
    captioned.caption = std::string(trim(heard.text));
    files.front() = Value(std::move(captioned));
  }
  if (files.size() == 1) return Reading::of(files.front());
  return Reading::of(std::move(files));
}

}  // namespace sufler
