#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "interpreter/runtime/clock.h"
#include "interpreter/runtime/config.h"
#include "interpreter/runtime/log.h"
#include "storage/live_dialogs.h"
#include "tools/branch_map.h"
#include "tools/commands.h"
#include "tools/recorded.h"

namespace sufler {
namespace {

namespace fs = std::filesystem;

/// Graphviz takes minutes for more.
constexpr std::size_t kMostDrawn = 1000;

bool has_graphviz() {
  const char* path = std::getenv("PATH");
  std::string folders = path ? path : "";
  while (!folders.empty()) {
    const std::string folder = folders.substr(0, folders.find(':'));
    folders.erase(0, folder.size() + 1);
    if (!folder.empty() && ::access((folder + "/dot").c_str(), X_OK) == 0) return true;
  }
  return false;
}

/// Runs `dot` over the text, to standard output. Gives its exit code.
int draw(const std::string& text) {
  std::cout.flush();
  std::FILE* pipe = ::popen("dot -Tsvg", "w");
  if (!pipe) return -1;
  const bool written = std::fwrite(text.data(), 1, text.size(), pipe) == text.size();
  const int status = ::pclose(pipe);
  return written && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::optional<LivePlaces> live_places(const GraphOptions& options) {
  LoadedConfig loaded = load_place(options.live);
  if (!loaded.config) {
    std::cerr << redact(render_text(loaded.diagnostics.sorted(), loaded.sources, tool_language(options.language)));
    return std::nullopt;
  }
  std::string bot = options.bot;
  const auto& bots = loaded.config->bots;
  if (bot.empty() && bots.size() == 1) bot = bots[0].name;
  if (bot.empty()) {
    complain("the configuration has several bots: name one with --bot");
    return std::nullopt;
  }
  auto dialogs = LiveDialogs::open(loaded.config->database);
  const auto lines = dialogs ? dialogs->places(bot) : Stored<std::vector<LiveDialogs::AtPlace>>(Error{dialogs.error()});
  if (!lines) {
    complain(lines.error().message);
    return std::nullopt;
  }
  LivePlaces places;
  for (const LiveDialogs::AtPlace& line : *lines) places[line.place] = {line.dialogs, line.oldest};
  return places;
}

}  // namespace

int run_graph(const GraphOptions& options) {
  const Language language = tool_language(options.language);
  const bool russian = language == Language::Russian;
  SourceMap sources;
  const auto program = program_at(options.path, language, sources);
  if (!program) return kExitErrors;
  BranchMap map = map_of(*program, language);
  if (!options.live.empty()) {
    const auto places = live_places(options);
    if (!places) return kExitErrors;
    for (const auto& [place, people] : put_people(map, *places))
      std::cerr << (russian ? "в этой версии нет места " : "this version has no place ") << printable(place)
                << (russian ? ", там ждут: " : "; waiting there: ") << people.dialogs << "\n";
  }
  std::size_t drawn = map.nodes.size();
  if (!options.branch.empty()) {
    const BranchId branch = program->find_branch(options.branch);
    if (!branch) {
      complain((russian ? "в сценарии нет ветки `" : "the scenario has no branch `") + options.branch + "`");
      return kExitMisuse;
    }
    keep_around(map, branch.value);
    drawn = static_cast<std::size_t>(
        std::count_if(map.nodes.begin(), map.nodes.end(), [](const BranchMap::Node& node) { return !node.name.empty(); }));
  }
  const Moment now = system_clock().now();
  if (options.format == "mermaid") {
    std::cout << mermaid(map, language, now);
    return kExitClean;
  }
  const std::string dot = graphviz(map, language, now);
  if (options.format == "dot") {
    std::cout << dot;
    return kExitClean;
  }
  if (drawn > kMostDrawn) {
    complain((russian ? "слишком много веток для рисунка: " : "too many branches for a picture: ") + std::to_string(drawn) +
             (russian ? "; выберите одну, --branch ИМЯ, или возьмите --format dot" : "; choose one with --branch NAME, or take --format dot"));
    return kExitErrors;
  }
  if (!has_graphviz()) {
    complain(russian ? "нет программы dot: установите пакет graphviz (apt install graphviz) или возьмите --format mermaid"
                     : "there is no program dot: install the package graphviz (apt install graphviz), or take --format mermaid");
    return kExitErrors;
  }
  if (const int code = draw(dot); code != 0) {
    complain((russian ? "dot не нарисовал карту, код " : "dot did not draw the map, code ") + std::to_string(code));
    return kExitErrors;
  }
  return kExitClean;
}

}  // namespace sufler
