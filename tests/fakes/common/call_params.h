#pragma once
// Inside of the fakes.
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "fakes/common/api_error.h"
#include "fakes/common/form_data.h"

namespace sufler::fakes {

/// What a call brought, by name. A platform derives its own reader and its words for what is wrong.
class CallParams {
 public:
  bool has(const std::string& name) const { return values_.contains(name); }
  std::string text(const std::string& name) const;  ///< empty when absent
  /// The integer that the value begins with, checked by nobody: for faults and the log.
  std::optional<std::int64_t> number_in(const std::string& name) const;

  const std::map<std::string, std::string>& values() const { return values_; }
  const std::map<std::string, FilePart>& files() const { return files_; }
  /// As the log shows them: uploads as {"file","content_type","size","sha256"}.
  Json for_log(std::string_view secret = {}) const;

 protected:
  const FilePart* upload(const std::string& name) const;  ///< null when there is none

  std::map<std::string, std::string> values_;
  std::map<std::string, FilePart> files_;
  bool strict_ = true;
};

/// The whole text as an integer.
std::optional<std::int64_t> whole_integer(std::string_view text);
/// A query as parameters of the control API: numbers and booleans are such.
Json query_to_json(const std::string& query);

}  // namespace sufler::fakes
