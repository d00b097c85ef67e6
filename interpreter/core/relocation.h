#pragma once
#include <string>
#include <vector>

#include "interpreter/core/state.h"

/// Finding a dialog's places again in another version of its scenario (LANGUAGE 11).
namespace sufler {

struct StoredFrame {
  Frame frame;
  std::string branch;  ///< of a frame that a branch was entered with; empty for inner lists
  operator const Frame&() const { return frame; }
};
struct StoredWaiting {
  Waiting waiting;
  std::string place;
};
struct StoredRests {
  std::vector<StoredFrame> frames;
  std::vector<StoredWaiting> interrupted;
};

/// Sets frames, rests and what depends on them; variables stay as they are.
void relocate(const Program& program, StoredRests& stored, StoredWaiting waiting, State& state,
              Relocation* relocated);

/// Whether the indices of a rest lead to a step of its kind.
bool fits_program(const Program& program, const Waiting& waiting);
/// Whether the rest is part of a list being played: all but pauses at their end and silence.
bool needs_frame(const Waiting& waiting);
std::string place_of_rest(const Program& program, const Waiting& waiting);

}  // namespace sufler
