#pragma once
#include <string>
#include <utility>
#include <vector>

#include "interpreter/core/http/url.h"
#include "interpreter/runtime/config_models.h"

namespace sufler {

/// A host that the step `http` may reach: `allow_hosts:`.
struct HostConfig {
  AllowedPlace place;
  bool in_private = false;  ///< addresses that are not of the public Internet are meant
  /// Added to each request, in place of what the scenario says under the same names. They may be keys.
  std::vector<std::pair<std::string, std::string>> headers, query;
  std::string user, password;  ///< of HTTP Basic; both empty: none
  std::string proxy;           ///< empty: the one of the whole configuration; `direct`: none
  std::string ca_file;         ///< absolute; empty: the machine's authorities
};

/// `allow_hosts:`. What is not usable is told and left out.
std::vector<HostConfig> read_hosts(const Node& node, const SectionReader& reader);

}  // namespace sufler
