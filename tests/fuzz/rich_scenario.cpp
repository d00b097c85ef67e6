#include "fuzz/rich_scenario.h"

#include <fstream>
#include <sstream>

#include "fuzz/targets.h"
#include "schema/loader.h"

namespace sufler::fuzz {
namespace {

void replace(std::string& text, std::string_view what, std::string_view with) {
  const std::size_t at = text.find(what);
  require(at != std::string::npos, "the rich scenario holds what its second version changes");
  text.replace(at, what.size(), with);
}

}  // namespace

std::shared_ptr<const Program> load_rich_program(int version) {
  std::ifstream file(SUFLER_SOURCE_DIR "/tests/fuzz/rich_scenario.yaml");
  std::stringstream read;
  read << file.rdbuf();
  std::string text = read.str();
  if (version == 1) {
    replace(text, "    - ask: [name, phone, email, ", "    - ask: [phone, email, name, ");
    replace(text, "      id: main\n", "      id: menu\n");
    replace(text, "rating, site, comment", "rating, comment");
    replace(text, "  site: {text", "  # site: {text");
    replace(text, "options: [Сахар, Сироп, Молоко]", "options: [Молоко, Корица]");
    replace(text, "    - wait: 10m\n", "");
    text += "\nmoved: {welcome/main: welcome/menu, form/site: form/comment}\n";
  }
  Loaded loaded = load_scenario_text({{"rich_scenario.yaml", text}});
  if (!loaded.program)
    throw Broken(render_text(loaded.diagnostics.sorted(), loaded.sources, Language::English));
  return loaded.program;
}

}  // namespace sufler::fuzz
