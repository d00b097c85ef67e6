#pragma once
#include <set>
#include <string>
#include <string_view>

#include "fakes/common/call_params.h"
#include "fakes/common/http_server.h"
#include "fakes/telegram/formatted_text.h"

namespace sufler::fakes {

/// The parameters of one call, from wherever the caller put them. Accessors throw ApiError.
class Params : public CallParams {
 public:
  /// Query, then body by its Content-Type: form, JSON or multipart.
  static Params from(const HttpRequest& request, bool strict);

  std::int64_t integer(const std::string& name, std::int64_t otherwise) const;
  double number(const std::string& name) const;  ///< required
  bool flag(const std::string& name) const;      ///< absent is false
  Json json(const std::string& name) const;      ///< null when absent or empty
  /// The upload under this name and marks it as used; null when there is none.
  const FilePart* file(const std::string& name) const;
  std::string unused_file() const;  ///< the name of an upload that nothing asked for, or empty

  std::optional<std::int64_t> chat() const { return number_in("chat_id"); }

 private:
  mutable std::set<std::string> used_files_;
};

}  // namespace sufler::fakes
