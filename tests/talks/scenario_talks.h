#pragma once
#include <gtest/gtest.h>

#include <cctype>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "schema/loader.h"
#include "tools/talk.h"

/// The talks of whole scenarios, for tests of which each plays one.
namespace sufler {

/// A scenario and its talks.
struct TalkedScenario {
  std::string path;    ///< as the test has it, from the project's root
  std::string folder;  ///< whole
  Loaded loaded;
  SourceMap sources;
  Diagnostics diagnostics;
  std::vector<TalkFile> files;

  explicit TalkedScenario(const std::string& where)
      : path(where), folder(std::string(SUFLER_SOURCE_DIR) + "/" + where), loaded(load_scenario(folder)) {
    if (!loaded.program) return;
    for (const std::string& talks : find_talks(folder))
      files.push_back(read_talk_file(talks, sources, diagnostics, *loaded.program));
  }
};
using TalkedScenarios = std::vector<std::unique_ptr<TalkedScenario>>;

inline TalkedScenarios read_scenarios(std::initializer_list<const char*> paths) {
  TalkedScenarios all;
  for (const char* path : paths) all.push_back(std::make_unique<TalkedScenario>(path));
  return all;
}

/// A scenario that cannot be read would leave its tests out.
inline void expect_all_are_read(const TalkedScenarios& scenarios) {
  for (const auto& scenario : scenarios) {
    SCOPED_TRACE(scenario->path);
    ASSERT_TRUE(scenario->loaded.program);
    EXPECT_FALSE(scenario->diagnostics.has_errors());
    ASSERT_FALSE(scenario->files.empty());
    for (const TalkFile& file : scenario->files) EXPECT_FALSE(file.talks.empty()) << file.path;
  }
}

/// One talk: positions in the scenarios, in the files of its own, and in the file; and its name.
struct TalkPlace {
  std::size_t scenario = 0, file = 0, talk = 0;
  std::string name = {};
  const TalkFile& file_of(const TalkedScenarios& all) const { return all[scenario]->files[file]; }
  const Talk& of(const TalkedScenarios& all) const { return file_of(all).talks[talk]; }
};

inline std::vector<TalkPlace> all_talks(const TalkedScenarios& scenarios) {
  std::vector<TalkPlace> all;
  for (std::size_t scenario = 0; scenario < scenarios.size(); ++scenario) {
    const std::vector<TalkFile>& files = scenarios[scenario]->files;
    for (std::size_t file = 0; file < files.size(); ++file)
      for (std::size_t talk = 0; talk < files[file].talks.size(); ++talk)
        all.push_back({scenario, file, talk, files[file].talks[talk].name});
  }
  return all;
}

inline void PrintTo(const TalkPlace& one, std::ostream* out) { *out << one.name; }

/// Names of tests are ASCII letters and numbers: a file's name without its ending.
inline std::string test_name_of(const TalkFile& file) {
  std::string name = std::filesystem::path(file.path).filename().string();
  name.resize(name.find('.'));
  for (char& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  return name;
}

}  // namespace sufler
