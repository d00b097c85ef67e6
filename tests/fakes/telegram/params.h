#pragma once
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "fakes/common/form_data.h"
#include "fakes/common/http_server.h"
#include "fakes/telegram/formatted_text.h"

namespace sufler::fakes {

/// The parameters of one call, from wherever the caller put them. Accessors throw ApiError.
class Params {
 public:
  /// Query, then body by its Content-Type: form, JSON or multipart.
  static Params from(const HttpRequest& request, bool strict);

  bool has(const std::string& name) const { return values_.contains(name); }
  std::string text(const std::string& name) const;
  std::int64_t integer(const std::string& name, std::int64_t otherwise) const;
  double number(const std::string& name) const;  ///< required
  bool flag(const std::string& name) const;      ///< absent is false
  Json json(const std::string& name) const;      ///< null when absent or empty
  /// The upload under this name and marks it as used; null when there is none.
  const FilePart* file(const std::string& name) const;
  std::string unused_file() const;  ///< the name of an upload that nothing asked for, or empty

  const std::map<std::string, std::string>& values() const { return values_; }
  const std::map<std::string, FilePart>& files() const { return files_; }

 private:
  std::map<std::string, std::string> values_;
  std::map<std::string, FilePart> files_;
  mutable std::set<std::string> used_files_;
  bool strict_ = true;
};

}  // namespace sufler::fakes
