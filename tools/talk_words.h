#pragma once
#include <string_view>

#include "schema/node.h"
#include "schema/vocabulary.h"

namespace sufler {

inline constexpr Contexts kTalkWords = in::TalkFile | in::TestKey | in::TalkStep | in::TalkMatch |
                                       in::GivenKey | in::MockKey | in::ExpectKey | in::PlaceWord;

/// The English form of a word of `contexts`, whichever form the author wrote; anything else as it is.
inline std::string_view talk_word(std::string_view text, Contexts contexts = kTalkWords) {
  // Words of talks alone: no other place of the language has them.
  if (text == "кнопка") return "button";
  if (text == "не_принята") return "refused";
  const Word word = find_word(text, contexts);
  return word == Word::None ? text : spelling(word, Language::English);
}

/// What stands under `key` (its English form) in a map of a talk, or null.
inline const Node* talk_field(const Node& map, std::string_view key, Contexts contexts = kTalkWords) {
  for (const Node::Entry& entry : map.entries)
    if (talk_word(entry.key.scalar, contexts) == key) return &entry.value;
  return nullptr;
}

/// The name that every talk calls its own person.
inline constexpr std::string_view kTalkPerson = "user";

}  // namespace sufler
