#pragma once
// Inside of the fake; tests include fake_vk.h.
#include <string>
#include <string_view>
#include <vector>

#include "fakes/vk/params.h"

namespace sufler::fakes::vk {

struct ScriptCall {
  std::string method;
  Json params = Json::object();
};

/// Reads the VKScript of `execute`, of which the fake knows what a bot that only batches writes:
/// `return [API.a.b({…}), …];` (`list`) or `return API.a.b({…});`. Throws error 12 for the rest.
std::vector<ScriptCall> read_script(std::string_view code, bool& list);

}  // namespace sufler::fakes::vk
