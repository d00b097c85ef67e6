#pragma once
#include <functional>
#include <string>
#include <vector>

#include "interpreter/core/model_connection.h"
#include "schema/diagnostic.h"
#include "schema/node.h"

namespace sufler {

/// What a section of the configuration is read with. Each of the functions reports what is wrong.
struct SectionReader {
  Diagnostics& diagnostics;
  std::string folder;        ///< of the configuration, absolute
  bool needs_keys = true;    ///< false: whoever only tries a scenario has none
  std::function<std::string(const Node&)> expand;  ///< one value, with `${NAME}` from the environment
  std::function<std::string(const Node&)> secret;  ///< the same, also from a file, and hidden from the log
  std::function<bool(const Node& key, const std::vector<std::string>& names, const char* where)> known;
};

/// `models:`.
std::vector<ModelConnection> read_models(const Node& node, const SectionReader& reader);

}  // namespace sufler
