#pragma once
#include <cstdint>
#include <string>

#include "schema/diagnostic.h"
#include "schema/prescan.h"
#include "schema/source_map.h"

namespace sufler {

/// Says in plain words what yaml-cpp's `message` at byte `mended_offset` of the mended text means.
void explain_yaml_error(const std::string& message, std::uint32_t mended_offset, std::uint32_t file,
                        const SourceMap& sources, const MendedText& mended,
                        Diagnostics& diagnostics);

}  // namespace sufler
