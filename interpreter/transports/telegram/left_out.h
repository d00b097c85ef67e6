#pragma once
#include <cstddef>
#include <string_view>

#include "interpreter/core/api_call.h"

/// A message is worth more than one of its files.
namespace sufler::telegram {

/// Takes one file out of a rendered call and says so in its text, where that has room: `📎 NAME ✗`. What was
/// one file becomes a text, an album of two a single file. False, and nothing is changed, when the call is not
/// one that `render` makes.
bool leave_out(ApiCall& call, std::size_t file, std::string_view name);

}  // namespace sufler::telegram
