#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "interpreter/core/expression.h"
#include "interpreter/core/text.h"

/// The bot's built-in phrases (LANGUAGE 14), overridable by `phrases:`.
namespace sufler {

enum class Phrase : std::uint8_t {
#define SUFLER_PHRASE(Name, key, ru, en) Name,
#include "interpreter/core/phrases.def"
#undef SUFLER_PHRASE
  Count
};

class Phrases {
 public:
  Phrases();  ///< the built-in ones
  const Template& get(Phrase phrase, Language language) const;
  void override_phrase(Phrase phrase, Language language, Template text);
  static std::optional<Phrase> find(std::string_view key);
  static std::string_view key(Phrase phrase);

 private:
  std::array<std::array<Template, 2>, static_cast<std::size_t>(Phrase::Count)> phrases_;
};

}  // namespace sufler
