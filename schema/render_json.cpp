#include <nlohmann/json.hpp>

#include "schema/render_common.h"

namespace sufler {
namespace {

using Json = nlohmann::ordered_json;

// Paths and texts may hold broken UTF-8; it is replaced rather than thrown at.
std::string dump(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

void put_region(Json& out, const SourceSpan& span, const SourceMap& sources) {
  const Region region = region_of(span, sources);
  out["line"] = region.begin.line;
  out["column"] = region.begin.column;
  out["end_line"] = region.end.line;
  out["end_column"] = region.end.column;
}

Json sarif_region(const SourceSpan& span, const SourceMap& sources) {
  const Region region = region_of(span, sources);
  return {{"startLine", region.begin.line},
          {"startColumn", region.begin.column},
          {"endLine", region.end.line},
          {"endColumn", region.end.column}};
}

// SARIF wants a URI reference (RFC 3986): what is not plain ASCII is percent-encoded.
std::string uri_of(std::string_view path) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  constexpr std::string_view kPlain = "/-._~";
  std::string out;
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    const bool letter_or_digit =
        (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    if (letter_or_digit || kPlain.find(c) != std::string_view::npos) {
      out += c;
    } else {
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
  return out;
}

Json sarif_location(const SourceSpan& span, const SourceMap& sources) {
  return {{"physicalLocation",
           {{"artifactLocation", {{"uri", uri_of(sources.path(span.file))}}},
            {"region", sarif_region(span, sources)}}}};
}

}  // namespace

std::string render_json(const std::vector<Diagnostic>& all, const SourceMap& sources,
                        Language language) {
  Json problems = Json::array();
  std::size_t errors = 0, warnings = 0;
  for (const Diagnostic& one : all) {
    errors += one.severity == Severity::Error;
    warnings += one.severity == Severity::Warning;
    Json problem{{"code", code_of(one.id)},
                 {"severity", severity_name(one.severity)},
                 {"file", sources.path(one.span.file)}};
    put_region(problem, one.span, sources);
    problem["message"] = message_of(one, language);
    problem["hint"] = hint_of(one, sources, language);
    problem["fixes"] = Json::array();
    for (const Fix& fix : one.fixes) {
      Json edits = Json::array();
      for (const FixEdit& edit : fix.edits) {
        Json json;
        put_region(json, edit.span, sources);
        json["text"] = edit.text;
        edits.push_back(std::move(json));
      }
      problem["fixes"].push_back({{"title", fix.title}, {"edits", std::move(edits)}});
    }
    problems.push_back(std::move(problem));
  }
  return dump({{"problems", std::move(problems)}, {"errors", errors}, {"warnings", warnings}});
}

std::string render_sarif(const std::vector<Diagnostic>& all, const SourceMap& sources,
                         Language language) {
  Json rules = Json::array();
  std::vector<std::size_t> rule_index(diagnostic_count(), std::string::npos);
  Json results = Json::array();
  for (const Diagnostic& one : all) {
    std::size_t& index = rule_index[static_cast<std::size_t>(one.id)];
    if (index == std::string::npos) {
      index = rules.size();
      rules.push_back({{"id", code_of(one.id)}});
    }
    const std::string hint = hint_of(one, sources, language);
    Json result{{"ruleId", code_of(one.id)},
                {"ruleIndex", index},
                {"level", severity_name(one.severity)},
                {"message",
                 {{"text", message_of(one, language) + (hint.empty() ? "" : " (" + hint + ")")}}},
                {"locations", Json::array({sarif_location(one.span, sources)})}};
    for (const Located<std::string>& place : one.related)
      result["relatedLocations"].push_back(sarif_location(place.span, sources));
    for (const Fix& fix : one.fixes) {
      // A fix may touch several files; SARIF groups the replacements by file.
      Json changes = Json::array();
      for (const FixEdit& edit : fix.edits) {
        const std::string uri = uri_of(sources.path(edit.span.file));
        if (changes.empty() || changes.back()["artifactLocation"]["uri"] != uri)
          changes.push_back(
              {{"artifactLocation", {{"uri", uri}}}, {"replacements", Json::array()}});
        changes.back()["replacements"].push_back(
            {{"deletedRegion", sarif_region(edit.span, sources)},
             {"insertedContent", {{"text", edit.text}}}});
      }
      result["fixes"].push_back(
          {{"description", {{"text", fix.title}}}, {"artifactChanges", std::move(changes)}});
    }
    results.push_back(std::move(result));
  }
  Json run{{"tool", {{"driver", {{"name", "sufler"}, {"rules", std::move(rules)}}}}},
           {"columnKind", "unicodeCodePoints"},
           {"results", std::move(results)}};
  return dump({{"$schema", "https://json.schemastore.org/sarif-2.1.0.json"},
               {"version", "2.1.0"},
               {"runs", Json::array({std::move(run)})}});
}

}  // namespace sufler
