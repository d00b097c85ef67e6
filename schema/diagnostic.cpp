#include "schema/diagnostic.h"

#include <algorithm>
#include <iterator>
#include <tuple>
#include <utility>

#include "schema/render_common.h"

namespace sufler {
namespace {

struct CatalogueEntry {
  std::string_view code;
  Severity severity;
  std::string_view en, ru;
};

constexpr CatalogueEntry kCatalogue[] = {
#define SUFLER_DIAGNOSTIC(Name, code, severity, en, ru) \
  CatalogueEntry{code, Severity::severity, en, ru},
#include "schema/diagnostics.def"
#undef SUFLER_DIAGNOSTIC
};

const CatalogueEntry& entry(DiagnosticId id) { return kCatalogue[static_cast<std::size_t>(id)]; }

}  // namespace

std::string_view code_of(DiagnosticId id) { return entry(id).code; }
Severity default_severity(DiagnosticId id) { return entry(id).severity; }

std::size_t diagnostic_count() { return std::size(kCatalogue); }

Diagnostic& Diagnostics::report(DiagnosticId id, SourceSpan span,
                                std::vector<std::string> arguments) {
  if (all_.size() >= limit_) {
    if (default_severity(id) == Severity::Error) dropped_errors_ = true;
    dummy_ = Diagnostic{};
    dummy_.id = id;
    return dummy_;
  }
  sorted_ = false;
  Diagnostic& added = all_.emplace_back();
  added.id = id;
  added.severity = default_severity(id);
  added.span = span;
  added.arguments = std::move(arguments);
  return added;
}

Diagnostic* Diagnostics::find(DiagnosticId id, std::uint32_t file) {
  for (Diagnostic& one : all_) {
    if (one.id == id && one.span.file == file) return &one;
  }
  return nullptr;
}

bool Diagnostics::has_errors() const { return dropped_errors_ || errors() > 0; }

std::size_t Diagnostics::errors() const {
  return static_cast<std::size_t>(std::ranges::count(all_, Severity::Error, &Diagnostic::severity));
}

std::size_t Diagnostics::warnings() const {
  return static_cast<std::size_t>(
      std::ranges::count(all_, Severity::Warning, &Diagnostic::severity));
}

const std::vector<Diagnostic>& Diagnostics::sorted() {
  if (sorted_) return all_;
  const auto key = [](const Diagnostic& one) {
    return std::tuple(one.span.file, one.span.offset, code_of(one.id));
  };
  std::ranges::stable_sort(
      all_, [&](const Diagnostic& a, const Diagnostic& b) { return key(a) < key(b); });
  // Not std::ranges::unique: clang 14 cannot read libstdc++'s subrange.
  const auto repeated =
      std::unique(all_.begin(), all_.end(), [&](const Diagnostic& a, const Diagnostic& b) {
        return key(a) == key(b) && a.arguments == b.arguments;
      });
  all_.erase(repeated, all_.end());
  drop_consequences();
  sorted_ = true;
  return all_;
}

// What YAML could not read and no fix can mend for certain has no known meaning, and whatever the
// later passes say about the same characters only follows from that.
void Diagnostics::drop_consequences() {
  const auto is_reading = [](const Diagnostic& one) { return code_of(one.id).starts_with("S0"); };
  const auto end_of = [](const SourceSpan& span) {
    return std::pair(span.file, span.offset + std::max(span.length, 1u));
  };
  std::vector<SourceSpan> unclear;
  for (const Diagnostic& one : all_) {
    if (is_reading(one) && one.severity == Severity::Error &&
        std::ranges::none_of(one.fixes, &Fix::safe))
      unclear.push_back(one.span);
  }
  if (unclear.empty()) return;
  std::erase_if(all_, [&](const Diagnostic& one) {
    if (is_reading(one)) return false;
    // `unclear` is sorted by place and its spans hardly overlap: the last that begins before the
    // end of this one decides.
    const auto after = std::ranges::lower_bound(
        unclear, end_of(one.span), {},
        [](const SourceSpan& span) { return std::pair(span.file, span.offset); });
    return after != unclear.begin() &&
           end_of(*(after - 1)) > std::pair(one.span.file, one.span.offset) &&
           one.span.length < 400;
  });
}

void suggest(Diagnostic& diagnostic, std::string_view wrong, const std::vector<std::string>& known,
             bool fix_is_safe) {
  const std::string right = nearest(wrong, known);
  if (right.empty() || right == wrong) return;
  diagnostic.hint_en = "did you mean `" + right + "`?";
  diagnostic.hint_ru = "может быть, `" + right + "`?";
  diagnostic.fixes.push_back({"`" + right + "`", {{diagnostic.span, right}}, fix_is_safe});
}

std::string message_of(const Diagnostic& diagnostic, Language language) {
  const CatalogueEntry& about = entry(diagnostic.id);
  const std::string_view pattern = language == Language::Russian ? about.ru : about.en;
  std::string out;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '{' && i + 2 < pattern.size() && pattern[i + 2] == '}' &&
        pattern[i + 1] >= '0' && pattern[i + 1] <= '9') {
      const auto index = static_cast<std::size_t>(pattern[i + 1] - '0');
      if (index < diagnostic.arguments.size()) out += printable(diagnostic.arguments[index], 80);
      i += 2;
    } else {
      out += pattern[i];
    }
  }
  return out;
}

std::string apply_fixes(const std::vector<Diagnostic>& all, const SourceMap& sources,
                        std::uint32_t file, std::size_t* applied) {
  // Each fix goes in whole or not at all: one whose edits touch an accepted edit waits for the
  // next round, when the text it was made for is known again.
  std::vector<const FixEdit*> accepted;
  std::size_t count = 0;
  const auto touches = [](const FixEdit& a, const FixEdit& b) {
    return a.span.offset <= b.span.offset + b.span.length &&
           b.span.offset <= a.span.offset + a.span.length;
  };
  for (const Diagnostic& one : all) {
    const auto fix = std::ranges::find_if(one.fixes, &Fix::safe);
    if (fix == one.fixes.end() || fix->edits.empty()) continue;
    const bool fits = std::ranges::all_of(fix->edits, [&](const FixEdit& edit) {
      return edit.span.file == file && std::ranges::none_of(accepted, [&](const FixEdit* other) {
               return touches(edit, *other);
             });
    });
    if (!fits) continue;
    for (const FixEdit& edit : fix->edits) accepted.push_back(&edit);
    ++count;
  }
  std::ranges::stable_sort(
      accepted, [](const FixEdit* a, const FixEdit* b) { return a->span.offset < b->span.offset; });
  const std::string& text = sources.text(file);
  std::string out;
  out.reserve(text.size() + 64);
  std::size_t at = 0;
  for (const FixEdit* edit : accepted) {
    const std::size_t start = std::min<std::size_t>(edit->span.offset, text.size());
    if (start < at) continue;
    out.append(text, at, start - at);
    out += edit->text;
    at = std::min<std::size_t>(start + edit->span.length, text.size());
  }
  out.append(text, at);
  if (applied) *applied = count;
  return out;
}

}  // namespace sufler
