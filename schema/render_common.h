#pragma once
#include <string>
#include <string_view>

#include "schema/diagnostic.h"

/// What the renderers share.
namespace sufler {

/// How many kinds of problem the catalogue knows; ids are 0 … count - 1.
std::size_t diagnostic_count();

/// On one line and safe for a terminal: control characters become spaces, broken UTF-8 becomes
/// U+FFFD, and what goes beyond `limit` code points becomes `…`.
std::string printable(std::string_view text, std::size_t limit);

/// `booking.yaml:12:3`
std::string place_name(const SourceSpan& span, const SourceMap& sources);

/// The hint with the places of `related` in it (see Diagnostic::hint_en). Empty when there is none.
std::string hint_of(const Diagnostic& diagnostic, const SourceMap& sources, Language language);

struct Region {
  SourceMap::Place begin, end;  ///< `end` is exclusive
};
Region region_of(const SourceSpan& span, const SourceMap& sources);

/// `error`, `warning`, `note`
std::string_view severity_name(Severity severity);

}  // namespace sufler
