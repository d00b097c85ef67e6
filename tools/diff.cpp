#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>

#include "schema/change_text.h"
#include "schema/loader.h"
#include "tools/changes.h"
#include "tools/commands.h"
#include "tools/operator_link.h"

namespace sufler {
namespace {

using json = nlohmann::ordered_json;

struct Version {
  std::shared_ptr<const Program> program;
  std::map<std::string, std::string> files;  ///< by name: a mark of what is in it
};

Version load_or_complain(const std::string& path, Language language) {
  std::error_code unknown;
  if (!std::filesystem::exists(path, unknown)) {
    complain((language == Language::Russian ? "нет такого файла или папки: " : "no such file or folder: ") + path);
    return {};
  }
  LoadOptions options;
  options.count_files = true;
  Loaded loaded = load_scenario(path, options);
  if (!loaded.program) std::cerr << render_text(loaded.diagnostics.sorted(), loaded.sources, language);
  Version version{loaded.program, {}};
  for (const ScenarioFile& file : loaded.files) version.files[file.reference] = file.hash;
  return version;
}

}  // namespace

json change_json(const Change& change, Language language) {
  json one = {{"change", change_code(change.what)}, {"text", change_text(change, language)}};
  if (!change.name.empty()) one["name"] = change.name;
  if (!change.place.empty()) one["place"] = change.place;
  if (!change.before.empty()) one["before"] = change.before;
  if (!change.after.empty()) one["after"] = change.after;
  if (!change.names.empty()) one["names"] = change.names;
  return one;
}

std::vector<std::string> change_lines(const std::vector<Change>& changes, Language language) {
  using What = Change::What;
  // Many of a kind are one line: twenty branches of a new section are no news each.
  constexpr std::size_t kOneByOne = 3;
  const bool russian = language == Language::Russian;
  struct Together {
    What what;
    const char *one_en, *many_en, *end_en, *one_ru, *few_ru, *many_ru, *begin_ru;
  };
  static constexpr Together kTogether[] = {
      {What::BranchAdded, "branch", "branches", "added", "ветка", "ветки", "веток", "добавлено: "},
      {What::BranchRemoved, "branch", "branches", "removed", "ветка", "ветки", "веток", "убрано: "},
      {What::BranchChanged, "branch does", "branches do", "something else now", "ветка", "ветки", "веток", "делают другое: "},
      {What::BranchTexts, "branch has", "branches have", "other texts", "ветка", "ветки", "веток", "изменены тексты: "},
      {What::PlaceAdded, "new place to wait at", "new places to wait at", "", "место ожидания", "места ожидания",
       "мест ожидания", "добавлено: "},
      {What::PlaceRemoved, "place", "places", "removed", "место ожидания", "места ожидания", "мест ожидания", "убрано: "},
  };
  std::vector<std::string> lines;
  std::vector<bool> told(changes.size());
  for (std::size_t i = 0; i < changes.size(); ++i) {
    if (told[i]) continue;
    const auto* together = std::find_if(std::begin(kTogether), std::end(kTogether),
                                        [&](const Together& one) { return one.what == changes[i].what; });
    std::vector<std::string> names;
    if (together != std::end(kTogether))
      for (const Change& one : changes)
        if (one.what == changes[i].what) names.push_back(one.place.empty() ? one.name : one.place);
    if (names.size() <= kOneByOne) {
      lines.push_back(change_text(changes[i], language));
      continue;
    }
    for (std::size_t k = i; k < changes.size(); ++k)
      if (changes[k].what == changes[i].what) told[k] = true;
    const std::string count = counted(static_cast<std::int64_t>(names.size()), language, together->one_en,
                                      together->many_en, together->one_ru, together->few_ru, together->many_ru);
    const std::string end = russian || *together->end_en == '\0' ? "" : std::string(" ") + together->end_en;
    lines.push_back((russian ? together->begin_ru : "") + count + end + ": " + listed(names, language));
  }
  return lines;
}

int run_diff(const DiffOptions& options) {
  const Language language = tool_language(options.language);
  const auto before = load_or_complain(options.before, language);
  const auto after = load_or_complain(options.after, language);
  if (!before.program || !after.program) return kExitMisuse;
  std::vector<Change> changes = compare_programs(*before.program, *after.program);
  compare_files(before.files, after.files, changes);
  if (options.format == "json") {
    json all = json::array();
    for (const Change& change : changes) all.push_back(change_json(change, language));
    std::cout << json{{"before", options.before}, {"after", options.after}, {"changes", std::move(all)}}.dump(
                     2, ' ', false, json::error_handler_t::replace)
              << "\n";
  } else {
    for (const std::string& line : change_lines(changes, language)) std::cout << printable(line) << "\n";
    if (changes.empty()) std::cerr << (language == Language::Russian ? "по смыслу одно и то же" : "the same in meaning") << "\n";
  }
  return changes.empty() ? kExitClean : kExitErrors;
}

}  // namespace sufler
