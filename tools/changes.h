#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "interpreter/core/comparison.h"

/// Changes between two versions, as `diff` and `plan` show them.
namespace sufler {

nlohmann::ordered_json change_json(const Change& change, Language language);
/// Lines for people; many changes of one kind are one line.
std::vector<std::string> change_lines(const std::vector<Change>& changes, Language language);

}  // namespace sufler
