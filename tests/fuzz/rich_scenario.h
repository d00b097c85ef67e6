#pragma once
#include <memory>

#include "interpreter/core/program.h"

namespace sufler::fuzz {

/// rich_scenario.yaml as a Program: version 0 as written, version 1 with places moved and gone.
std::shared_ptr<const Program> load_rich_program(int version);
inline const Program& rich_program(int version) {
  static const std::shared_ptr<const Program> programs[] = {load_rich_program(0),
                                                            load_rich_program(1)};
  return *programs[version];
}

}  // namespace sufler::fuzz
