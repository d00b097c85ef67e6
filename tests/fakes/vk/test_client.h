#pragma once
#include <map>
#include <string>

#include "fakes/common/raw_client.h"
#include "fakes/vk/fake_vk.h"

namespace sufler::fakes {

inline std::string percent_encoded(const std::string& text) {
  static const char* kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
      out += c;
    } else {
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
  return out;
}

/// A value that is no string is written as VK wants it: a list with commas, an object as JSON.
inline std::string form_of(const Json& params) {
  std::string body;
  for (const auto& [name, value] : params.items()) {
    if (!body.empty()) body += '&';
    body +=
        name + "=" + percent_encoded(value.is_string() ? value.get<std::string>() : value.dump());
  }
  return body;
}

inline Json call_vk(const FakeVk& fake, const std::string& method, Json params = Json::object(),
                    std::size_t community = 0) {
  params["v"] = "5.199";
  params["access_token"] = fake.token(community);
  return request(fake.port(), "POST", "/method/" + method, "application/x-www-form-urlencoded",
                 form_of(params))
      .json();
}

/// The code of an error, or 0.
inline int error_code(const Json& answer) {
  if (!answer.is_object()) return -1;
  return answer.contains("error") ? answer["error"]["error_code"].get<int>() : 0;
}
inline std::string error_text(const Json& answer) {
  return answer.is_object() && answer.contains("error") ? answer["error"]["error_msg"] : "";
}

}  // namespace sufler::fakes
