#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "schema/diagnostic.h"
#include "schema/source_map.h"

namespace sufler {

/// A text with the honest mistakes mended, for the YAML parser's eyes only. Where a value could not
/// be read as written, a placeholder stands for it, and `substitutes` holds what the author meant.
struct MendedText {
  bool changed = false;   ///< false: parse the original; everything else is empty
  bool hopeless = false;  ///< reported already; the parser would only repeat it less clearly
  std::string text;

  /// From byte `mended` of the text to the next shift, byte `original` of the file and on.
  struct Shift {
    std::uint32_t mended, original;
    bool inside;  ///< the whole stretch stands for the one place `original`
  };
  std::vector<Shift> shifts;  ///< by `mended`
  struct Substitute {
    std::uint32_t mended;            ///< where the placeholder begins
    std::uint32_t original, length;  ///< what it stands for
    std::string value;
    bool plain;  ///< accepted as written, so still a plain scalar
  };
  std::vector<Substitute> substitutes;  ///< by `mended`

  std::uint32_t original_offset(std::uint32_t mended) const;
  const Substitute* substitute_at(std::uint32_t mended) const;
};

/// Finds what people type by honest mistake (LANGUAGE 2, TRAPS), explains it with a fix, and mends
/// it in memory. Linear in the text.
MendedText prescan(std::uint32_t file, const SourceMap& sources, Diagnostics& diagnostics);

}  // namespace sufler
