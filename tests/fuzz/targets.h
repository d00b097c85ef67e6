#pragma once
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

/// What is fuzzed. Each function takes any bytes and throws `Broken` when a promise of the code it
/// plays does not hold; a crash, a sanitizer's report and a run without end are libFuzzer's to
/// notice. The same functions play the kept corpus in the ordinary tests (replay/corpus_test.cpp).
namespace sufler::fuzz {

struct Broken : std::logic_error {
  using std::logic_error::logic_error;
};
inline void require(bool holds, const char* promise) {
  if (!holds) throw Broken(promise);
}

#define SUFLER_FUZZ_TARGETS(X) \
  X(yaml) X(expression) X(template) X(update) X(vk_update) X(reading) X(knowledge) X(state) X(step) X(llm) X(http) X(amocrm) X(amocrm_hook) X(event) X(table)

#define SUFLER_FUZZ_DECLARE(name) void play_##name(std::string_view bytes);
SUFLER_FUZZ_TARGETS(SUFLER_FUZZ_DECLARE)
#undef SUFLER_FUZZ_DECLARE

}  // namespace sufler::fuzz
