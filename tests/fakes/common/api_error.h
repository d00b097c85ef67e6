#pragma once
// Inside of the fakes.
#include <nlohmann/json.hpp>
#include <string>

namespace sufler::fakes {

using Json = nlohmann::json;

/// What a platform refuses, by its own code and words; thrown inside of a fake only and caught where
/// a call is served.
struct ApiError {
  int code = 400;
  std::string description = {};  ///< as on the wire
  Json more = nullptr;           ///< further fields of the answer
};

/// What a test asks wrongly through the control API.
[[noreturn]] void refuse(const std::string& why);

/// The text that goes on the wire; bytes that are no UTF-8 are replaced.
std::string wire_text(const Json& json);

}  // namespace sufler::fakes
