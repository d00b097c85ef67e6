#pragma once
// Inside of the fake; tests include fake_vk.h.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "fakes/common/call_params.h"
#include "fakes/common/http_server.h"

namespace sufler::fakes::vk {

using fakes::ApiError;
using fakes::Json;

/// Chats are above it, people below.
constexpr std::int64_t kFirstChat = 2'000'000'000;

/// An error as VK answers it, with HTTP status 200: its words for the code, followed by `: detail`
/// when there is one.
ApiError api_error(int code, const std::string& detail = {});
/// Error 100.
ApiError invalid(const std::string& detail);

/// The parameters of one call. Accessors throw ApiError 100.
class Params : public CallParams {
 public:
  /// Query and body, a form or multipart; a JSON body is refused.
  static Params from(const HttpRequest& request, bool strict);
  /// What `API.method({…})` inside of `execute` gives.
  static Params from_json(const Json& object, bool strict);

  std::int64_t integer(const std::string& name, std::int64_t otherwise = 0) const;
  bool flag(const std::string& name, bool otherwise = false) const;   ///< 0 or 1
  std::vector<std::int64_t> integers(const std::string& name) const;  ///< comma-separated
  std::vector<std::string> list(const std::string& name) const;       ///< comma-separated
  Json json(const std::string& name) const;                           ///< null when absent or empty
  const FilePart* file(const std::string& name) const { return upload(name); }
  /// Where the call acts.
  std::optional<std::int64_t> peer() const;
};

}  // namespace sufler::fakes::vk
