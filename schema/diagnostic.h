#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "interpreter/core/source_span.h"
#include "interpreter/core/text.h"
#include "schema/source_map.h"

namespace sufler {

enum class Severity : std::uint8_t { Error, Warning, Note };

/// Every problem that `check` can report: one line each in diagnostics.def. A code keeps its meaning for ever.
enum class DiagnosticId : std::uint16_t {
#define SUFLER_DIAGNOSTIC(Name, code, severity, en, ru) Name,
#include "schema/diagnostics.def"
#undef SUFLER_DIAGNOSTIC
};
std::string_view code_of(DiagnosticId id);       ///< `S201`
Severity default_severity(DiagnosticId id);

/// A change of the text that mends a problem. Applied by `--fix` only when `safe` (LANGUAGE 14, Severities).
struct FixEdit {
  SourceSpan span;   ///< what is replaced; length 0 inserts
  std::string text;
};
struct Fix {
  std::string title;
  std::vector<FixEdit> edits;
  bool safe = false;
};

struct Diagnostic {
  DiagnosticId id;
  Severity severity;
  SourceSpan span;
  std::vector<std::string> arguments;         ///< for {0}, {1} … of the catalogue's message
  /// The way out, in both languages or in the author's words; shown behind the underline. May be
  /// empty. `{0}` stands for the place of related[0]: "did you mean `farewell`, {0}?". Places that
  /// the hint does not mention are shown behind it as "TEXT, booking.yaml:12:3".
  std::string hint_en, hint_ru;
  std::vector<Located<std::string>> related;  ///< `also defined here`; texts are catalogue-free place names
  std::vector<Fix> fixes;
};

/// Collects problems; loading goes on after each.
class Diagnostics {
 public:
  explicit Diagnostics(std::size_t limit = 1000) : limit_(limit) {}
  /// Returned reference is valid until the next call; beyond the limit it is a dummy.
  Diagnostic& report(DiagnosticId id, SourceSpan span, std::vector<std::string> arguments = {});
  /// A problem reported before, to say more of it; null when there is none. Valid until the next report.
  Diagnostic* find(DiagnosticId id, std::uint32_t file);
  bool has_errors() const;
  std::size_t errors() const;
  std::size_t warnings() const;
  /// Sorted by file, place and code; duplicates are dropped, and so is what later passes say about
  /// characters whose reading (S0xx) is an error with no safe fix.
  const std::vector<Diagnostic>& sorted();

 private:
  void drop_consequences();
  std::vector<Diagnostic> all_;
  Diagnostic dummy_{};
  bool sorted_ = true;
  bool dropped_errors_ = false;  ///< beyond the limit: a broken scenario stays broken
  std::size_t limit_;
};

/// `did you mean …?` for both languages as a hint; for a nearest name `fix` replaces the span.
void suggest(Diagnostic& diagnostic, std::string_view wrong, const std::vector<std::string>& known,
             bool fix_is_safe);

std::string message_of(const Diagnostic& diagnostic, Language language);

/// STYLE.md's form: place, severity, code, message, the line, the underline with the hint.
std::string render_text(const std::vector<Diagnostic>& all, const SourceMap& sources, Language language);
std::string render_json(const std::vector<Diagnostic>& all, const SourceMap& sources, Language language);
std::string render_sarif(const std::vector<Diagnostic>& all, const SourceMap& sources, Language language);
std::string render_github(const std::vector<Diagnostic>& all, const SourceMap& sources, Language language);

/// Applies the safe fixes of `all` to the text of one file; overlapping ones are left for the next round.
std::string apply_fixes(const std::vector<Diagnostic>& all, const SourceMap& sources, std::uint32_t file,
                        std::size_t* applied);

}  // namespace sufler
