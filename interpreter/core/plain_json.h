#pragma once
#include <string>
#include <string_view>

#include "interpreter/core/moment.h"
#include "interpreter/core/result.h"
#include "interpreter/core/value.h"

/// JSON as the rest of the world writes it: for programs and services. What is stored has another form (value.h), in
/// which every value comes back as the type it had.
namespace sufler {

/// Moments are local times of `zone` (`2026-03-15T12:00`), days `2026-03-15`, times `12:00`, durations seconds; of a
/// file its name, kind, type and size.
std::string to_plain_json(const Value& value, const Zone& zone);

/// Only JSON in UTF-8, at most `kMaxJsonDepth` deep. Numbers are exact; texts lose their NUL characters, which no
/// database holds. Of a name that comes twice the last one counts. Else the reason, in English.
Result<Value, std::string> from_plain_json(std::string_view json);

}  // namespace sufler
