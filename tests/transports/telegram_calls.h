#pragma once
#include <nlohmann/json.hpp>
#include <string>

#include "fakes/telegram/fake_telegram.h"

namespace sufler {

/// The parameters of a call; the fake keeps them as they were on the wire's form fields, JSON as text.
inline nlohmann::json params_of(const fakes::CallRecord& record) {
  nlohmann::json params = nlohmann::json::parse(record.params);
  for (auto& [name, value] : params.items()) {
    if (!value.is_string()) continue;
    nlohmann::json read = nlohmann::json::parse(value.get<std::string>(), nullptr, false);
    if (read.is_array() || read.is_object() || read.is_number()) value = std::move(read);
  }
  return params;
}

}  // namespace sufler
