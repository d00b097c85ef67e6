#include "tools/scenario_watch.h"

#include <gtest/gtest.h>

#include <future>
#include <mutex>

#include "tools/tool_run.h"

namespace sufler {
namespace {

class ScenarioWatchTest : public ToolTest {};

// Between the reading of scenarios at the start and the moment when the process can take a new version.
TEST_F(ScenarioWatchTest, WhatIsSavedBeforeItBeginsIsNoticedToo) {
  write("scenario.yaml", "scenario: shop\n");
  std::promise<std::string> told;
  std::once_flag once;
  ScenarioWatch watch({{"shop", path("scenario.yaml")}});
  EXPECT_EQ(watch.trouble(), "");
  write("scenario.yaml", "scenario: other\n");
  watch.begin([&](const std::string& bot) { std::call_once(once, [&] { told.set_value(bot); }); });
  auto heard = told.get_future();
  ASSERT_EQ(heard.wait_for(std::chrono::seconds(60)), std::future_status::ready);
  EXPECT_EQ(heard.get(), "shop");
}

}  // namespace
}  // namespace sufler
