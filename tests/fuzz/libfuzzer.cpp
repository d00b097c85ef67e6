// libFuzzer's entry, built once for each target with its function as SUFLER_FUZZ_PLAY.
#include <cstddef>
#include <cstdint>

#include "fuzz/targets.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  sufler::fuzz::SUFLER_FUZZ_PLAY({reinterpret_cast<const char*>(data), size});
  return 0;
}
