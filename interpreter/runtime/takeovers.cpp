#include "interpreter/runtime/takeovers.h"

#include <algorithm>
#include <string>
#include <utility>

#include "interpreter/runtime/log.h"

namespace sufler {
namespace {

/// As long as this at a time. What was moved is written behind that: a bite that took longer in all is followed by a
/// smaller one.
constexpr Takeovers::Time kBite{10};
constexpr Takeovers::Time kLongBite{16};
constexpr std::size_t kLeast = 32;  ///< dialogs: with fewer, what a transaction costs by itself is all that takes time
/// What another process played in a pass is looked at again after this time.
constexpr Takeovers::Time kAgain{1'000};
constexpr Takeovers::Time kAfterTrouble{500};
constexpr Takeovers::Time kLongestRest{100};
/// Of so many dialogs that did not simply stay each has a line; of the others the journal tells.
constexpr std::size_t kMovesTold = 20;

}  // namespace

Takeovers::Takeovers(const std::vector<std::unique_ptr<Player>>& players, const Clock& clock, Handlers handlers)
    : players_(players), clock_(clock), handlers_(std::move(handlers)), takeovers_(players.size()) {
  for (std::size_t bot = 0; bot < players.size(); ++bot) begin(bot);
}

void Takeovers::begin(std::size_t bot) {
  takeovers_[bot].reset();
  if (players_[bot]->swept() < players_[bot]->generation()) takeovers_[bot].emplace().sweep.at_once = kLeast;
  under_way_ = static_cast<std::size_t>(
      std::count_if(takeovers_.begin(), takeovers_.end(), [](const auto& one) { return one.has_value(); }));
}

bool Takeovers::is_told_already(std::size_t bot) { return takeovers_[bot] && ++takeovers_[bot]->told > kMovesTold; }

std::optional<Takeovers::Time> Takeovers::round() {
  std::optional<Time> rest;
  if (!under_way()) return rest;
  const Time now = clock_.monotonic();
  for (std::size_t some = 0; some < players_.size(); ++some) {
    const std::size_t bot = next_++ % players_.size();
    if (!takeovers_[bot]) continue;
    if (clock_.monotonic() >= now + kBite) return Time(0);
    const auto again = bite(bot, now, now + kBite);
    if (again) rest = rest ? std::min(*rest, *again) : *again;
  }
  return rest;
}

std::optional<Takeovers::Time> Takeovers::bite(std::size_t bot, Time now, Time until) {
  Takeover& takeover = *takeovers_[bot];
  if (players_[bot]->stale() || !handlers_.is_ours(bot)) return kAgain;
  if (takeover.next > now) return takeover.next - now;
  const Time began = clock_.monotonic();
  const std::size_t moved = takeover.sweep.moved;
  auto played = players_[bot]->sweep(takeover.sweep, clock_.now(), [&] { return clock_.monotonic() < until; });
  if (!played) {
    if (played.error().kind != StorageError::Kind::Busy) handlers_.trouble(bot, played.error());
    takeover.next = now + kAfterTrouble;
    return kAfterTrouble;
  }
  const Time took = clock_.monotonic() - began;
  fit(takeover.sweep.at_once, took);
  handlers_.played(bot, *played, takeover.sweep.moved > moved);
  if (takeover.sweep.done) {
    end(bot);
    return std::nullopt;
  }
  // The database is given as long to write it all down, and to serve people meanwhile.
  const Time rest = takeover.sweep.after_id == 0 ? kAgain : std::min(took, kLongestRest);
  takeover.next = began + took + rest;
  return rest;
}

void Takeovers::fit(std::size_t& at_once, Time took) {
  if (took > kLongBite) {
    at_once = std::max(kLeast, at_once / 2);
  } else if (took <= kBite) {
    at_once = std::min(Player::Sweep::kMost, at_once + at_once / 2 + 1);
  }
}

void Takeovers::end(std::size_t bot) {
  const Takeover& takeover = *takeovers_[bot];
  if (takeover.sweep.moved > 0) {
    const std::size_t untold = takeover.told > kMovesTold ? takeover.told - kMovesTold : 0;
    write_log(LogLevel::Info,
              "dialogs taken over by version " + players_[bot]->setup().program->version + ": " +
                  std::to_string(takeover.sweep.moved) + "; did not simply stay where they were: " +
                  std::to_string(takeover.sweep.changed) +
                  (untold > 0 ? "; lines that stand in the dialogs' journals alone: " + std::to_string(untold) : ""),
              {{"bot", players_[bot]->setup().name}});
  }
  takeovers_[bot].reset();
  --under_way_;
}

}  // namespace sufler
