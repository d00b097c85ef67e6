#pragma once
#include <string>
#include <string_view>

#include "interpreter/core/api_call.h"
#include "interpreter/core/state.h"

/// Durable forms of what the runtime stores besides the state: the inbox's updates and people.
namespace sufler {

std::string to_json(const Incoming& incoming);
bool from_json(std::string_view json, Incoming& incoming);

std::string to_json(const UserRecord& user);
bool from_json(std::string_view json, UserRecord& user);

}  // namespace sufler
