// The graph of a scenario: what leads where, and what the person does for it.
#include "schema/flow_graph.h"

#include <gtest/gtest.h>

#include <string>

#include "schema/loader.h"

namespace sufler {
namespace {

std::string name_of(const FlowGraph& graph, FlowNodeId id) {
  const FlowNode& node = graph.node(id);
  switch (node.kind) {
    case FlowNode::Kind::Outside: return "outside";
    case FlowNode::Kind::Pending: return "pending";
    case FlowNode::Kind::None: return "none";
    case FlowNode::Kind::End: return "end";
    case FlowNode::Kind::Back: return "back";
    case FlowNode::Kind::Call: return "call";
    case FlowNode::Kind::Entry:
    case FlowNode::Kind::Leave: {
      const FlowRoutine& routine = graph.routines()[node.routine];
      const std::string end = node.kind == FlowNode::Kind::Leave ? "." : "";
      if (routine.branch) return graph.program().branch(routine.branch).name + end;
      return "steps of " + graph.program().question(routine.question).name + end;
    }
    case FlowNode::Kind::Step: break;
  }
  if (const Question* question = graph.question_of(id)) return "?" + question->name;
  const Step& step = graph.program().step(node.step);
  return step.place.empty() ? "step" : step.place;
}

/// `FROM -> TO` of each edge that leaves a node called `from`.
std::string ways(const FlowGraph& graph, const std::string& from) {
  std::string all;
  for (std::uint32_t i = 0; i < graph.size(); ++i) {
    const FlowNodeId id{i};
    if (name_of(graph, id) != from) continue;
    for (const FlowEdge& edge : graph.edges(id)) all += name_of(graph, edge.to) + " ";
  }
  return all;
}

std::shared_ptr<const Program> load(const std::string& yaml) {
  Loaded loaded = load_scenario_text({{"scenario.yaml", "scenario: test\nlanguage: en\n" + yaml}});
  EXPECT_TRUE(loaded.program) << render_text(loaded.diagnostics.sorted(), loaded.sources, Language::English);
  return loaded.program;
}

TEST(FlowGraphTest, OptionsJumpsAndCallsLeadWhereTheRuntimeGoes) {
  const auto program = load(
      "branches:\n"
      "  start:\n"
      "    - choose: What?\n"
      "      id: what\n"
      "      options:\n"
      "        - {label: Order, go: order}\n"
      "        - {label: Help, call: help}\n"
      "        - {label: Off, end: true}\n"
      "      otherwise: [say: Press a button.]\n"
      "      timeout: {after: 1d, go: order}\n"
      "    - call: help\n"
      "  help:\n"
      "    - say: Help yourself.\n"
      "  order:\n"
      "    - ask: [name, phone]\n"
      "questions:\n"
      "  name: Name?\n"
      "  phone: {text: Phone?, type: phone, attempts: 3, otherwise: start, ask_when: name == 'Ann'}\n"
      "commands:\n"
      "  help: {on: /help, call: help}\n"
      "  menu: {on: /menu, go: start}\n");
  const FlowGraph graph(*program);
  EXPECT_EQ(ways(graph, "start"), "start/what ");
  EXPECT_EQ(ways(graph, "start/what"), "order call step step order ");
  EXPECT_EQ(ways(graph, "order"), "?name ");
  EXPECT_EQ(ways(graph, "?name"), "?phone ");
  EXPECT_EQ(ways(graph, "?phone"), "order. order. start ");
  EXPECT_EQ(ways(graph, "outside"), "start call start ");
  EXPECT_TRUE(graph.rests(graph.node_of(program->places.at("order/phone"))));
}

TEST(FlowGraphTest, StepsOfAQuestionAreCalledFromEachAskOfIt) {
  const auto program = load(
      "branches:\n"
      "  start:\n"
      "    - ask: phone\n"
      "    - ask: phone\n"
      "questions:\n"
      "  phone: {text: Phone?, type: phone, timeout: {after: 1h, do: [say: Too late.]}}\n");
  const FlowGraph graph(*program);
  EXPECT_EQ(ways(graph, "?phone"), "?phone call start. call ");
  EXPECT_EQ(ways(graph, "call"), "steps of phone ?phone steps of phone start. ");
}

TEST(FlowGraphTest, SilenceLeadsToWhereTheBotWakes) {
  const auto program = load(
      "branches:\n"
      "  start:\n"
      "    - handoff: people\n"
      "  again:\n"
      "    - say: I am back.\n"
      "handoff:\n"
      "  people: {to: admins, resume: {words: [/bot], go: again}}\n");
  const FlowGraph graph(*program);
  EXPECT_EQ(ways(graph, "start/people"), "again ");
}

}  // namespace
}  // namespace sufler
