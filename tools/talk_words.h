#pragma once
#include <string_view>

#include "schema/vocabulary.h"

namespace sufler {

/// The English form of a word of talks, whichever form the author wrote; anything else as it is.
inline std::string_view talk_word(std::string_view text) {
  constexpr Contexts kTalks = in::TalkFile | in::TestKey | in::TalkStep | in::TalkMatch | in::GivenKey |
                              in::MockKey | in::ExpectKey | in::PlaceWord;
  const Word word = find_word(text, kTalks);
  return word == Word::None ? text : spelling(word, Language::English);
}

}  // namespace sufler
