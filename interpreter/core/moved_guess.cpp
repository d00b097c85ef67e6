// What a place or a branch that is gone has become: guessed by the names of its questions, by its steps, and by how
// near the names are. A guess is only offered, to be pasted by whoever knows.
#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "interpreter/core/comparison.h"
#include "interpreter/core/meaning.h"
#include "interpreter/core/text.h"

namespace sufler {
namespace {

constexpr double kLikeEnough = 0.5;
/// Names of so many things are compared with so many others; more would take longer than anybody waits.
constexpr std::size_t kMostPairs = 250'000;
constexpr std::size_t kMostCandidates = 64;

std::string_view branch_of(std::string_view place) { return place.substr(0, place.find('/')); }
std::string_view suffix_of(std::string_view place) {
  const std::size_t slash = place.find('/');
  return slash == std::string_view::npos ? place : place.substr(slash + 1);
}

/// 1: the same; 0: nothing in common. By code units that a name has, so a Cyrillic letter counts as two.
double likeness_of_names(std::string_view a, std::string_view b) {
  if (a == b) return 1;
  const std::size_t longest = std::max(a.size(), b.size());
  if (longest == 0 || longest > 200) return 0;
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return 1 - static_cast<double>(row[b.size()]) / static_cast<double>(longest);
}

template <class Set>
double overlap(const Set& a, const Set& b) {
  if (a.empty() && b.empty()) return 0;
  std::size_t common = 0;
  for (const auto& one : a) common += b.count(one);
  return static_cast<double>(common) / static_cast<double>(a.size() + b.size() - common);
}

struct Look {
  std::set<std::string> places;  ///< without the branch
  std::set<std::string> steps;
};

class BranchGuess {
 public:
  BranchGuess(const Program& before, const Program& after) : before_(before), after_(after) {
    for (std::uint32_t i = 0; i < after.branches.size(); ++i) {
      if (before.find_branch(after.branches[i].name)) continue;
      const std::size_t at = added_.size();
      added_.push_back({BranchId{i}, look_of(after, BranchId{i})});
      for (const std::string& step : added_.back().second.steps) by_trait_[step].push_back(at);
    }
    std::unordered_map<std::string_view, std::size_t> positions;
    for (std::size_t at = 0; at < added_.size(); ++at) positions.emplace(after.branch(added_[at].first).name, at);
    for (const auto& [name, place] : after.places) {
      const auto at = positions.find(branch_of(name));
      if (at == positions.end()) continue;
      added_[at->second].second.places.insert(std::string(suffix_of(name)));
      by_trait_["/" + std::string(suffix_of(name))].push_back(at->second);
    }
    for (const auto& [name, place] : before.places)
      old_places_[std::string(branch_of(name))].insert(std::string(suffix_of(name)));
  }

  /// Nothing when no branch is like enough.
  MovedGuess of(BranchId gone, bool compare_names) {
    Look look = look_of(before_, gone);
    const std::string& name = before_.branch(gone).name;
    look.places = old_places_[name];
    std::unordered_set<std::size_t> candidates;
    const auto take = [&](const std::string& trait) {
      const auto found = by_trait_.find(trait);
      if (found == by_trait_.end() || found->second.size() > kMostCandidates) return;
      candidates.insert(found->second.begin(), found->second.end());
    };
    for (const std::string& step : look.steps) take(step);
    for (const std::string& place : look.places) take("/" + place);
    if (compare_names)
      for (std::size_t at = 0; at < added_.size(); ++at) candidates.insert(at);
    MovedGuess best;
    for (const std::size_t at : candidates) {
      const Look& other = added_[at].second;
      const std::string& other_name = after_.branch(added_[at].first).name;
      const double by_name = likeness_of_names(name, other_name);
      const bool asks = !look.places.empty() || !other.places.empty();
      const double by_steps = overlap(look.steps, other.steps);
      const double inside = asks ? 0.7 * overlap(look.places, other.places) + 0.3 * by_steps : by_steps;
      const double likeness = std::max(0.85 * inside + 0.15 * by_name, by_name > 0.7 ? by_name * 0.9 : 0);
      if (likeness > best.likeness || (likeness == best.likeness && other_name < best.to))
        best = {name, other_name, likeness};
    }
    return best.likeness >= kLikeEnough ? best : MovedGuess{};
  }

  std::size_t added() const { return added_.size(); }

 private:
  static Look look_of(const Program& program, BranchId branch) {
    Look look;
    for (std::string& step : steps_of(program, branch, With::Texts)) look.steps.insert(std::move(step));
    return look;
  }

  const Program& before_;
  const Program& after_;
  std::vector<std::pair<BranchId, Look>> added_;
  std::unordered_map<std::string, std::vector<std::size_t>> by_trait_;
  std::unordered_map<std::string, std::set<std::string>> old_places_;
};

/// The places of a version by the names of their questions.
class PlaceGuess {
 public:
  PlaceGuess(const Program& after, const Program* before) : after_(after), before_(before) {
    for (const auto& [name, place] : after.places) {
      by_suffix_[std::string(suffix_of(name))].push_back(name);
      by_branch_[std::string(branch_of(name))].push_back(name);
    }
  }

  MovedGuess of(const std::string& gone) {
    MovedGuess best;
    const auto consider = [&](const std::string& to, double likeness) {
      if (likeness > best.likeness || (likeness == best.likeness && to < best.to)) best = {gone, to, likeness};
    };
    const std::string suffix(suffix_of(gone));
    if (const auto same = by_suffix_.find(suffix); same != by_suffix_.end())
      for (const std::string& to : same->second) {
        // A place that was there before has dialogs of its own: less likely meant.
        const double likeness = (is_new(to) ? 0.9 : 0.6) - 0.05 * static_cast<double>(std::min<std::size_t>(same->second.size(), 5) - 1);
        consider(to, likeness + 0.05 * likeness_of_names(branch_of(gone), branch_of(to)));
      }
    // Renamed within its branch.
    if (const auto here = by_branch_.find(std::string(branch_of(gone))); here != by_branch_.end()) {
      std::vector<std::string> fresh;
      for (const std::string& to : here->second)
        if (is_new(to) && same_kind(gone, to)) fresh.push_back(to);
      for (const std::string& to : fresh) {
        const double near = likeness_of_names(suffix, suffix_of(to));
        consider(to, fresh.size() == 1 && before_ ? std::max(0.6, near) : near);
      }
    }
    return best.likeness >= kLikeEnough ? best : MovedGuess{};
  }

 private:
  bool is_new(const std::string& place) const { return !before_ || !before_->places.contains(place); }

  bool same_kind(const std::string& gone, const std::string& to) const {
    if (!before_) return true;
    const auto was = before_->places.find(gone);
    const auto is = after_.places.find(to);
    if (was == before_->places.end() || is == after_.places.end()) return true;
    const Step& a = before_->step(was->second.step);
    const Step& b = after_.step(is->second.step);
    if (a.verb.index() != b.verb.index()) return false;
    const Ask* asks = std::get_if<Ask>(&a.verb);
    if (!asks) return true;
    return before_->question(asks->questions[was->second.question]).type ==
           after_.question(std::get<Ask>(b.verb).questions[is->second.question]).type;
  }

  const Program& after_;
  const Program* before_;
  std::unordered_map<std::string, std::vector<std::string>> by_suffix_, by_branch_;
};

void settle_order(std::vector<MovedGuess>& guesses) {
  std::sort(guesses.begin(), guesses.end(), [](const MovedGuess& a, const MovedGuess& b) {
    return a.likeness != b.likeness ? a.likeness > b.likeness : a.from < b.from;
  });
}

}  // namespace

std::vector<MovedGuess> guess_moved(const Program& before, const Program& after) {
  std::vector<MovedGuess> guesses;
  BranchGuess branches(before, after);
  std::vector<BranchId> gone;
  for (std::uint32_t i = 0; i < before.branches.size(); ++i) {
    const std::string& name = before.branches[i].name;
    if (!after.find_branch(name) && !after.moved.contains(name)) gone.push_back(BranchId{i});
  }
  const bool compare_names = gone.size() * branches.added() <= kMostPairs;
  std::unordered_map<std::string, std::string> renamed;
  for (const BranchId branch : gone) {
    MovedGuess guess = branches.of(branch, compare_names);
    if (guess.to.empty()) continue;
    renamed.emplace(guess.from, guess.to);
    guesses.push_back(std::move(guess));
  }
  PlaceGuess places(after, &before);
  for (const auto& [name, place] : before.places) {
    if (fate_of(after, name, 0).kind != PlaceFate::Kind::FallBack) continue;
    if (const auto other = renamed.find(std::string(branch_of(name))); other != renamed.end()) {
      if (after.places.contains(other->second + "/" + std::string(suffix_of(name)))) continue;  // the branch says it
    }
    if (MovedGuess guess = places.of(name); !guess.to.empty()) guesses.push_back(std::move(guess));
  }
  settle_order(guesses);
  return guesses;
}

std::vector<MovedGuess> guess_moved(const std::vector<std::string>& gone_places, const Program& after) {
  std::vector<MovedGuess> guesses;
  PlaceGuess places(after, nullptr);
  for (const std::string& gone : gone_places)
    if (MovedGuess guess = places.of(gone); !guess.to.empty()) guesses.push_back(std::move(guess));
  settle_order(guesses);
  return guesses;
}

}  // namespace sufler
