#pragma once
#include <span>
#include <string>

#include "schema/flow_facts.h"
#include "schema/flow_graph.h"
#include "schema/flow_paths.h"
#include "schema/loading.h"

/// What the checks of flow share: the graph is made once, and only when one of them has something to ask.
namespace sufler {

struct FlowAnalysis {
  explicit FlowAnalysis(const Program& program) : graph(program), reach(graph) {}
  FlowFacts& facts() {
    if (!facts_) facts_.emplace(graph);
    return *facts_;
  }
  FlowPaths& paths() {
    if (!paths_) paths_.emplace(graph, reach, facts());
    return *paths_;
  }
  const FlowGraph graph;
  const FlowReach reach;

 private:
  std::optional<FlowFacts> facts_;
  std::optional<FlowPaths> paths_;
};

/// Only of a program without errors, whose every reference is known.
inline FlowAnalysis& flow_of(Loading& loading) {
  if (!loading.flow) loading.flow = std::make_shared<FlowAnalysis>(loading.program);
  return *loading.flow;
}

/// Adds a way to a hint, as a talk with the place where it ends: `… for example: the person writes to the bot → …
/// (shop.yaml:12:7)`. `end_en`, `end_ru` say what comes last.
void show_way(Diagnostic& problem, const FlowGraph& graph, std::span<const FlowMove> way, SourceSpan place,
              const std::string& end_en, const std::string& end_ru);

}  // namespace sufler
