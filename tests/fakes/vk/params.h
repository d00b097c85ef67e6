#pragma once
// Inside of the fake; tests include fake_vk.h.
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "fakes/common/form_data.h"
#include "fakes/common/http_server.h"

namespace sufler::fakes::vk {

using Json = nlohmann::json;

/// An error as VK answers it, with HTTP status 200.
struct ApiError {
  int code = 0;
  std::string message = {};
  Json extra = nullptr;  ///< further fields beside error_code and error_msg
};

/// VK's words for a code, followed by `: detail` when there is one.
ApiError api_error(int code, const std::string& detail = {});
/// Error 100.
ApiError invalid(const std::string& detail);

/// The parameters of one call. Accessors throw ApiError 100.
class Params {
 public:
  /// Query and body, a form or multipart; a JSON body is refused.
  static Params from(const HttpRequest& request, bool strict);
  /// What `API.method({…})` inside of `execute` gives.
  static Params from_json(const Json& object, bool strict);

  bool has(const std::string& name) const { return values_.contains(name); }
  std::string text(const std::string& name) const;  ///< empty when absent
  std::int64_t integer(const std::string& name, std::int64_t otherwise = 0) const;
  bool flag(const std::string& name, bool otherwise = false) const;   ///< 0 or 1
  std::vector<std::int64_t> integers(const std::string& name) const;  ///< comma-separated
  std::vector<std::string> list(const std::string& name) const;       ///< comma-separated
  Json json(const std::string& name) const;                           ///< null when absent or empty
  const FilePart* file(const std::string& name) const;

  const std::map<std::string, std::string>& values() const { return values_; }
  const std::map<std::string, FilePart>& files() const { return files_; }

 private:
  std::map<std::string, std::string> values_;
  std::map<std::string, FilePart> files_;
  bool strict_ = true;
};

}  // namespace sufler::fakes::vk
