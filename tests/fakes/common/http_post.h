#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sufler::fakes {

using Headers = std::vector<std::pair<std::string, std::string>>;

struct PostResult {
  int status = 0;        ///< 0: no answer
  Headers headers = {};  ///< names in lower case
  std::string body = {};
  /// The header's value or an empty string.
  std::string header(std::string_view lower_case_name) const;
};

/// One blocking POST to a loopback port on a connection of its own: how a platform calls a webhook.
/// Gives up after a minute, or when `stop` says so.
PostResult http_post(const std::string& url, const Headers& headers, const std::string& body,
                     const std::function<bool()>& stop);

}  // namespace sufler::fakes
