#include "interpreter/core/questions/kinds.h"
#include "interpreter/core/reading/intents.h"

namespace sufler {

Reading read_yes_no_answer(Play& play, const Question&) {
  // `Да?` asks back; folding would lose the mark.
  const bool asks = play.heard.text.find('?') != std::string::npos;
  const std::string folded = asks ? std::string() : fold(play.heard.text);
  for (const bool yes : {true, false}) {
    if (!folded.empty() && folded == fold(play.phrase_text(yes ? Phrase::Yes : Phrase::No)))
      return Reading::of(yes);
  }
  const auto answer = read_yes_no(play.heard.text);
  if (!answer) return Reading::refuse(Phrase::InvalidYesNo);
  return Reading::of(*answer);
}

std::vector<OwnButton> yes_no_buttons(const Question& question) {
  // The author's own buttons say yes and no in their words.
  if (!question.buttons.options.empty() || question.buttons.from) return {};
  return {{Phrase::Yes, 'y'}, {Phrase::No, 'n'}};
}

}  // namespace sufler
