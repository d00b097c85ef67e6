#include "tools/menu.h"

#include <gtest/gtest.h>

#include "schema/loader.h"

namespace sufler {
namespace {

TEST(MenuTest, HoldsCommandsThatAreDescribedForEverybody) {
  const Loaded loaded = load_scenario_text({{"scenario.yaml", R"(scenario: menu
language: en
settings: {shop: Cafe}
texts: {long: "Show **all**"}
commands:
  plain: {on: [menu, /menu], go: hello, about: "The **menu**"}
  setting: {on: [/shop], go: hello, about: "About {{ settings.shop }}"}
  text: {on: [/all], go: hello, about: "{{ texts.long }}"}
  person: {on: [/me], go: hello, about: "For {{ user.first_name }}"}
  word: {on: [stop], go: hello, about: No slash}
  silent: {on: [/quiet], go: hello}
branches:
  hello: [say: hi]
)"}});
  ASSERT_TRUE(loaded.program);
  std::vector<std::pair<std::string, std::string>> menu;
  for (const BotCommandHint& hint : menu_of(*loaded.program)) menu.emplace_back(hint.command, hint.description);
  EXPECT_EQ(menu, (std::vector<std::pair<std::string, std::string>>{
                      {"menu", "The menu"}, {"shop", "About Cafe"}, {"all", "Show all"}, {"me", ""}}));
}

}  // namespace
}  // namespace sufler
