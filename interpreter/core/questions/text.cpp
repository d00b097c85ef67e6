#include "interpreter/core/patterns.h"
#include "interpreter/core/questions/kinds.h"
#include "interpreter/core/reading/contact_fields.h"

namespace sufler {

Reading read_text(Play& play, const Question& question) {
  const std::string text(trim(play.heard.text));
  // A picture that came with words is still answered by the words; `message.attachments` has it.
  if (text.empty()) return Reading::refuse(Phrase::InvalidText);
  if (question.min || question.max) {
    const Decimal length(static_cast<std::int64_t>(count_code_points(text)));
    if (!in_range(question, length)) return Reading::refuse(Phrase::InvalidLength);
  }
  if (!question.pattern.empty() && !matches_whole(question.pattern, text))
    return Reading::refuse(Phrase::InvalidPattern);
  return Reading::of(text);
}

Reading read_name_answer(Play& play, const Question&) {
  auto name = read_name(play.heard.text);
  if (!name) return Reading::refuse(Phrase::InvalidName);
  return Reading::of(std::move(*name));
}

Reading read_email_answer(Play& play, const Question&) {
  auto email = read_email(play.heard.text);
  if (!email) return Reading::refuse(Phrase::InvalidEmail);
  return Reading::of(std::move(*email));
}

Reading read_url_answer(Play& play, const Question&) {
  auto url = read_url(play.heard.text);
  if (!url) return Reading::refuse(Phrase::InvalidUrl);
  return Reading::of(std::move(*url));
}

Reading read_any(Play& play, const Question&) {
  const Heard& heard = play.heard;
  if (heard.attachments.empty()) {
    if (heard.contact) return read_contact(play, {});
    if (heard.location) return read_location(play, {});
    const std::string text(trim(heard.text));
    return text.empty() ? Reading::refuse(Phrase::InvalidText) : Reading::of(text);
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
