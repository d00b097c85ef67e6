#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schema/flow_graph.h"

/// The map of a scenario that people look at: branches, what they wait for, and what leads from one to another.
namespace sufler {

/// Who waits where, by place (LANGUAGE 11).
struct WaitingPeople {
  std::int64_t dialogs = 0;
  Moment oldest;  ///< when the one that has been there longest was last spoken to
};
using LivePlaces = std::map<std::string, WaitingPeople, std::less<>>;

struct BranchMap {
  struct Rest {
    enum class What : std::uint8_t { Question, Choice, Pause, People, Assistant } what = What::Question;
    std::string place, text;
    std::optional<WaitingPeople> people;
  };
  struct Node {
    std::string name, about;
    std::vector<Rest> rests;
    std::int64_t people = 0;
  };
  /// From and to a node; kOutside is where talks come from, kEnd where they end.
  static constexpr std::uint32_t kOutside = UINT32_MAX, kEnd = UINT32_MAX - 1;
  struct Edge {
    std::uint32_t from = 0, to = 0;
    bool comes_back = false;          ///< a call
    std::vector<std::string> labels;  ///< why; none: it just goes on
  };
  std::vector<Node> nodes;  ///< by BranchId; of those that are left out the name is empty
  std::vector<Edge> edges;
};

/// Linear in the program.
BranchMap map_of(const Program& program, Language language);
/// Adds who waits where; gives places that the scenario does not have.
LivePlaces put_people(BranchMap& map, const LivePlaces& places);
/// Leaves a branch, those that lead to it and those it leads to.
void keep_around(BranchMap& map, std::uint32_t branch);

std::string mermaid(const BranchMap& map, Language language, Moment now);
std::string graphviz(const BranchMap& map, Language language, Moment now);

}  // namespace sufler
