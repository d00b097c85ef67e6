#include <cstdlib>

#include "tools/commands.h"

namespace sufler {

Language tool_language(const std::string& option) {
  std::string word = option;
  for (const char* name : {"LC_ALL", "LC_MESSAGES", "LANG"}) {
    if (!word.empty()) break;
    if (const char* value = std::getenv(name)) word = value;
  }
  return word.starts_with("ru") ? Language::Russian : Language::English;
}

}  // namespace sufler
