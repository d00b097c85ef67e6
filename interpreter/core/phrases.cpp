#include "interpreter/core/phrases.h"

#include <cassert>

namespace sufler {
namespace {

struct Row {
  std::string_view key, russian, english;
};
constexpr Row kRows[] = {
#define SUFLER_PHRASE(Name, key, ru, en) {key, ru, en},
#include "interpreter/core/phrases.def"
#undef SUFLER_PHRASE
};

Template built_in(std::string_view text) {
  auto parsed = Template::parse(text);
  assert(parsed);
  return parsed ? std::move(*parsed) : Template::plain(text);
}

}  // namespace

Phrases::Phrases() {
  for (std::size_t i = 0; i < phrases_.size(); ++i) {
    phrases_[i][static_cast<std::size_t>(Language::Russian)] = built_in(kRows[i].russian);
    phrases_[i][static_cast<std::size_t>(Language::English)] = built_in(kRows[i].english);
  }
}

const Template& Phrases::get(Phrase phrase, Language language) const {
  return phrases_[static_cast<std::size_t>(phrase)][static_cast<std::size_t>(language)];
}

void Phrases::override_phrase(Phrase phrase, Language language, Template text) {
  phrases_[static_cast<std::size_t>(phrase)][static_cast<std::size_t>(language)] = std::move(text);
}

std::optional<Phrase> Phrases::find(std::string_view key) {
  for (std::size_t i = 0; i < std::size(kRows); ++i) {
    if (kRows[i].key == key) return static_cast<Phrase>(i);
  }
  return std::nullopt;
}

std::string_view Phrases::key(Phrase phrase) {
  assert(phrase < Phrase::Count);
  return kRows[static_cast<std::size_t>(phrase)].key;
}

}  // namespace sufler
