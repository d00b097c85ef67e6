#pragma once
#include <string>
#include <vector>

#include "fakes/common/raw_client.h"
#include "fakes/telegram/fake_telegram.h"

namespace sufler::fakes {

inline Answer call(const FakeTelegram& fake, const std::string& method,
                   const Json& params = Json::object()) {
  return request(fake.port(), "POST", "/bot" + fake.token() + "/" + method, "application/json",
                 params.dump());
}

inline Answer upload(const FakeTelegram& fake, const std::string& method,
                     const std::vector<Part>& parts) {
  return request(fake.port(), "POST", "/bot" + fake.token() + "/" + method,
                 "multipart/form-data; boundary=line", multipart_body(parts));
}

/// The description of an error, or "ok".
inline std::string verdict(const Answer& answer) {
  const Json json = answer.json();
  if (!json.is_object()) return "no JSON";
  return json.value("ok", false) ? "ok" : json.value("description", "?");
}

inline Json updates(const FakeTelegram& fake, const Json& params) {
  return call(fake, "getUpdates", params).json()["result"];
}

}  // namespace sufler::fakes
