#include "schema/prescan.h"

#include <algorithm>

#include "schema/line_scan.h"

namespace sufler {

std::uint32_t MendedText::original_offset(std::uint32_t mended) const {
  const auto after = std::ranges::upper_bound(shifts, mended, {}, &Shift::mended);
  if (after == shifts.begin()) return mended;
  const Shift& shift = *(after - 1);
  return shift.inside ? shift.original : shift.original + (mended - shift.mended);
}

const MendedText::Substitute* MendedText::substitute_at(std::uint32_t mended) const {
  const auto found = std::ranges::lower_bound(substitutes, mended, {}, &Substitute::mended);
  return found != substitutes.end() && found->mended == mended ? &*found : nullptr;
}

MendedText prescan(std::uint32_t file, const SourceMap& sources, Diagnostics& diagnostics) {
  return LineScan(file, sources.text(file), diagnostics).run();
}

}  // namespace sufler
