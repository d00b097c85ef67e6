#include "interpreter/runtime/versions.h"

#include <algorithm>

#include "interpreter/core/state.h"

namespace sufler {

Versions::Versions(Serving serving) : serving_(std::move(serving)) {
  for (auto& program : serving_.older) keep(program);
}

void Versions::keep(std::shared_ptr<const Program> program) {
  if (!program) return;
  std::erase_if(older_, [&](const auto& known) { return known->version == program->version; });
  wanted_.erase(program->version);
  older_.push_front(std::move(program));
  if (older_.size() > kKept) older_.pop_back();
}

void Versions::keep(const std::string& version, std::shared_ptr<const Program> program) {
  wanted_.erase(version);
  if (!program) {
    gone_.insert(version);
  } else {
    keep(std::move(program));
  }
}

Serving Versions::serve(Serving serving) {
  Serving before = std::exchange(serving_, std::move(serving));
  // Dialogs may be pinned to what was live until now.
  const bool pins = before.program && std::any_of(before.program->branches.begin(), before.program->branches.end(),
                                                  [](const Branch& branch) { return branch.pin; });
  if (pins && before.program->version != serving_.program->version) keep(before.program);
  for (const auto& program : serving_.older) keep(program);
  // It may be among the stored ones again.
  gone_.clear();
  return before;
}

const std::shared_ptr<const Program>* Versions::rehearsed_by(const DialogKey& key) const {
  for (const Serving::Rehearsing& one : serving_.rehearsals)
    if (one.user_id == key.user_id && one.transport == key.chat.transport) return &one.program;
  return nullptr;
}

std::shared_ptr<const Program> Versions::of(const DialogKey& key, const DialogRow& row, bool& lost) {
  if (const auto* program = rehearsed_by(key)) return *program;
  if (row.pinned.empty() || row.pinned == serving_.program->version) return serving_.program;
  for (auto one = older_.begin(); one != older_.end(); ++one) {
    if ((*one)->version != row.pinned) continue;
    older_.splice(older_.begin(), older_, one);
    return older_.front();
  }
  if (!gone_.contains(row.pinned)) {
    wanted_.insert(row.pinned);
    return nullptr;
  }
  lost = true;
  return serving_.program;
}

bool Versions::has_moved_on(const DialogKey& key, const std::string& version, const std::string& pinned) const {
  if (const auto* program = rehearsed_by(key)) return (*program)->version != version;
  if (!pinned.empty() && pinned == version) return false;
  return version != serving_.program->version;
}

bool is_pinned(const Program& program, const State& state) {
  return std::any_of(state.frames.begin(), state.frames.end(), [&](const Frame& frame) {
    if (frame.block.value >= program.blocks.size()) return false;
    const BranchId branch = program.block(frame.block).branch;
    return branch.value < program.branches.size() && program.branch(branch).pin;
  });
}

}  // namespace sufler
