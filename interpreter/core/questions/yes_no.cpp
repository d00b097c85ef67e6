#include "interpreter/core/questions/kinds.h"
#include "interpreter/core/reading/intents.h"

namespace sufler {

Reading read_yes_no_answer(Play& play, const Question&) {
  const std::string_view text = trim(play.heard.text);
  const std::string folded = fold(text);
  for (const bool yes : {true, false}) {
    const std::string label = play.phrase_text(yes ? Phrase::Yes : Phrase::No);
    if (folded.empty() || folded != fold(label)) continue;
    // Folding loses the signs that take an answer back: `Да?`, `Да 👎`.
    const bool signs_matter = text != trim(label) && read_yes_no(folded) && !read_yes_no(text);
    if (!signs_matter && text.find('?') == std::string_view::npos) return Reading::of(yes);
  }
  const auto answer = read_yes_no(text);
  if (!answer) return Reading::refuse(Phrase::InvalidYesNo);
  return Reading::of(*answer);
}

std::vector<OwnButton> yes_no_buttons(const Question& question) {
  // The author's own buttons say yes and no in their words.
  if (!question.buttons.options.empty() || question.buttons.from) return {};
  return {{Phrase::Yes, 'y'}, {Phrase::No, 'n'}};
}

}  // namespace sufler
