#pragma once
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "schema/loader.h"
#include "step/dialog.h"

namespace sufler::testing {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// A scenario from its text; `scenario:` itself may be left out.
inline std::shared_ptr<const Program> load(const std::string& yaml) {
  Loaded loaded = load_scenario_text({{"scenario.yaml", "scenario: test\n" + yaml}});
  if (loaded.program) return loaded.program;
  ADD_FAILURE() << render_text(loaded.diagnostics.sorted(), loaded.sources, Language::English);
  auto empty = std::make_shared<Program>();
  return empty;
}

}  // namespace sufler::testing
