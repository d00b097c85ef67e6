#pragma once
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "interpreter/transports/transport.h"

namespace sufler {

/// The payloads of a platform, tests/data/fixtures/NAME.
inline std::filesystem::path fixtures_of(const std::string& platform) {
  return std::filesystem::path(SUFLER_SOURCE_DIR) / "tests/data/fixtures" / platform;
}
inline std::string fixture_of(const std::string& platform, const std::string& name) {
  std::ifstream file(fixtures_of(platform) / (name + ".json"));
  std::ostringstream text;
  text << file.rdbuf();
  EXPECT_FALSE(text.str().empty()) << name;
  return text.str();
}

/// What a decoded update is, a UserMessage or a ButtonPress; a failure of the test when it is another thing.
template <class What, class Decoded>
const What& what_is(const Decoded& decoded) {
  static const What none;
  EXPECT_TRUE(decoded.incoming) << decoded.skipped;
  if (!decoded.incoming) return none;
  const auto* what = std::get_if<What>(&decoded.incoming->event.what);
  EXPECT_NE(what, nullptr);
  return what == nullptr ? none : *what;
}

}  // namespace sufler
