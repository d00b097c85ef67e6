#include "simulation/world_scenario.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "schema/loader.h"
#include "simulation/disk.h"
#include "storage/storage.h"

namespace sufler::simulation {

const std::vector<std::shared_ptr<const Program>>& versions() {
  static const std::vector<std::shared_ptr<const Program>> loaded = [] {
    LoadOptions options;
    options.roles = {"admins"};
    std::ifstream file(SUFLER_SOURCE_DIR "/tests/simulation/scenario.yaml");
    const std::string text(std::istreambuf_iterator<char>(file), {});
    const std::string head = "\nbranches:\n";
    std::vector<std::shared_ptr<const Program>> all;
    for (const char* first : {"", "  nowhere:\n    - say: nobody comes here\n",
                              "  nowhere:\n    - ask: nothing\n    - say: nobody\n    - choose: \"?\"\n      options: {a: talk}\n"}) {
      std::string variant = text;
      variant.insert(variant.find(head) + head.size(), first);
      if (std::string(first).find("nothing") != std::string::npos)
        variant.insert(variant.find("\nquestions:\n") + 12, "  nothing: {text: \"nothing?\"}\n");
      Loaded scenario = load_scenario_text({{"scenario.yaml", variant}}, options);
      if (!scenario.program)
        throw std::runtime_error(render_text(scenario.diagnostics.sorted(), scenario.sources, Language::English));
      all.push_back(scenario.program);
    }
    return all;
  }();
  return loaded;
}

const std::shared_ptr<const Program>& program() { return versions().front(); }

std::shared_ptr<const Program> version_named(const std::string& version) {
  for (const auto& one : versions())
    if (one->version == version) return one;
  return program();
}

Stub::Stub() : path_((std::filesystem::temp_directory_path() / ("sufler-simulation-" + std::to_string(getpid()) + ".db")).string()) {
  Disk& disk = Disk::instance();
  {
    auto storage = Storage::open(url(), Durability::Full);
    if (!storage || !storage->prepare_tables(*program())) throw std::runtime_error("no database can be made");
  }
  disk.remember();
}

Stub::~Stub() {
  std::error_code failed;
  std::filesystem::remove(path_, failed);
}

const Stub& database() {
  static const Stub instance;
  return instance;
}

}  // namespace sufler::simulation
