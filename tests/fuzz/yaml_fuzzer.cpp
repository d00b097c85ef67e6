// Any bytes are a scenario or a list of its problems, and every problem can be shown and mended.
#include <nlohmann/json.hpp>

#include "fuzz/targets.h"
#include "interpreter/core/step.h"
#include "schema/loader.h"
#include "schema/node.h"

namespace sufler::fuzz {
namespace {

using Files = std::vector<std::pair<std::string, std::string>>;

// The record separator, which no scenario may hold, parts an input into files.
Files split_files(std::string_view bytes) {
  Files files;
  for (;;) {
    const std::size_t end = bytes.find('\x1e');
    files.emplace_back(
        files.empty() ? "scenario.yaml" : "part" + std::to_string(files.size()) + ".yaml",
        bytes.substr(0, end));
    if (end == std::string_view::npos || files.size() == 8) return files;
    bytes.remove_prefix(end + 1);
  }
}

void check_span(const SourceSpan& span, const SourceMap& sources) {
  require(span.file < sources.size(), "a span names a file that is there");
  require(std::size_t{span.offset} + span.length <= sources.text(span.file).size(),
          "a span lies within its file");
}

// `touched` makes the sanitizer look at every character of the tree.
void walk(const Node& node, const SourceMap& sources, std::size_t& touched, int depth) {
  require(depth < 1000, "the tree of a file is not deep");
  check_span(node.span, sources);
  for (const char one : node.scalar) touched += static_cast<unsigned char>(one);
  if (node.is_scalar())
    for (const std::size_t at : {std::size_t{0}, node.scalar.size() / 2, node.scalar.size()})
      check_span(span_inside(node, sources, at, std::min<std::size_t>(1, node.scalar.size() - at)),
                 sources);
  for (const Node& item : node.items) walk(item, sources, touched, depth + 1);
  for (const Node::Entry& entry : node.entries) {
    require(entry.key.is_scalar(), "a key is a scalar");
    walk(entry.key, sources, touched, depth + 1);
    walk(entry.value, sources, touched, depth + 1);
  }
}

void check_reading(const Files& files) {
  SourceMap sources;
  Diagnostics diagnostics;
  const std::uint32_t file = sources.add(files[0].first, files[0].second);
  const Document document = read_yaml(file, sources, diagnostics);
  require(document.parsed || diagnostics.has_errors(), "what is not read is explained");
  std::size_t touched = 0;
  if (document.parsed) walk(document.root, sources, touched, 0);
}

void check_diagnostics(Loaded& loaded) {
  const std::vector<Diagnostic>& all = loaded.diagnostics.sorted();
  require((loaded.program != nullptr) != loaded.diagnostics.has_errors(),
          "there is a program or an error, never both");
  for (const Diagnostic& one : all) {
    check_span(one.span, loaded.sources);
    for (const auto& related : one.related) check_span(related.span, loaded.sources);
    for (const Fix& fix : one.fixes)
      for (const FixEdit& edit : fix.edits) check_span(edit.span, loaded.sources);
  }
  for (const Language language : {Language::Russian, Language::English}) {
    const std::string text = render_text(all, loaded.sources, language);
    require(is_utf8(text), "problems are shown in UTF-8");
    require(text.empty() == all.empty(), "every problem is shown");
    (void)render_github(all, loaded.sources, language);
    require(nlohmann::json::accept(render_json(all, loaded.sources, language)),
            "render_json is JSON");
    require(nlohmann::json::accept(render_sarif(all, loaded.sources, language)), "SARIF is JSON");
  }
}

// `check --fix` comes to an end, after which nothing is left to apply, and adds little.
void check_fixes(Files files, Loaded loaded) {
  std::size_t limit = 256;
  for (const auto& [name, text] : files) limit += 4 * text.size();
  for (int round = 0; round < 40; ++round) {
    if (round > 0) loaded = load_scenario_text(files);
    std::size_t applied = 0;
    for (std::size_t file = 0; file < files.size(); ++file) {
      std::size_t here = 0;
      std::string fixed = apply_fixes(loaded.diagnostics.sorted(), loaded.sources,
                                      static_cast<std::uint32_t>(file), &here);
      require(fixed.size() <= limit, "fixes mend and do not write");
      if (here) files[file].second = std::move(fixed);
      applied += here;
    }
    if (applied == 0) return;
  }
  require(false, "fixing comes to an end");
}

void check_program(const Program& program) {
  Program short_turns = program;
  short_turns.limits.steps_per_turn = 200;
  short_turns.limits.text_bytes = 4096;
  const ValueMap shared;
  Surroundings around;
  around.chat = {"console", "7"};
  around.shared = &shared;
  State state;
  UserRecord user;
  user.id = "7";
  std::uint64_t seed = 0;
  for (const char* text : {"/start", "1", "да"}) {
    UserMessage message;
    message.text = text;
    Turn turn = step(short_turns, std::move(state), user, around,
                     {Moment{1773565200000}, ++seed, std::move(message)});
    for (int operations = 0; turn.asks && operations < 250; ++operations) {
      TableAnswer nothing;
      nothing.error = "no tables here";
      State next = std::move(turn.next);
      turn = step(short_turns, std::move(next), turn.user, around,
                  {Moment{1773565200000}, ++seed, nothing});
    }
    require(!turn.asks, "a turn asks its tables no more often than it has steps");
    const std::string json = to_json(turn.next, short_turns);
    require(from_json(json, short_turns, state, nullptr), "a state reads back");
    require(to_json(state, short_turns) == json, "a state reads back as it was");
    user = turn.user;
  }
}

}  // namespace

void play_yaml(std::string_view bytes) {
  const Files files = split_files(bytes);
  check_reading(files);
  Loaded loaded = load_scenario_text(files);
  check_diagnostics(loaded);
  if (loaded.program) check_program(*loaded.program);
  check_fixes(files, std::move(loaded));
}

}  // namespace sufler::fuzz
