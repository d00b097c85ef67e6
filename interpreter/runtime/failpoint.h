#pragma once
#include <string_view>

/// Places where a test may end or break the process. They are in builds with the option SUFLER_FAILPOINTS alone, and
/// asleep unless the environment names them: SUFLER_FAILPOINTS="turn@слово:segv sent:kill:3" is a fault at the first
/// turn whose text is `слово`, and at the third message that was sent. Actions: kill, segv, memory (std::bad_alloc).
namespace sufler {

#ifdef SUFLER_FAILPOINTS
void failpoint(std::string_view name, std::string_view about = {});
#else
inline void failpoint(std::string_view, std::string_view = {}) {}
#endif

}  // namespace sufler
