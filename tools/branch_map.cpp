#include "tools/branch_map.h"

#include <algorithm>
#include <set>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "interpreter/core/happenings.h"
#include "interpreter/core/text.h"
#include "schema/flow_talk.h"

namespace sufler {
namespace {

using Kind = FlowNode::Kind;

constexpr std::size_t kLabel = 40;    ///< code points of a label
constexpr std::size_t kLabels = 4;    ///< of one edge; more are counted
constexpr const char* kOutcomes[] = {"closed", "timeout", "no_agents", "client_left", "rejected"};
constexpr const char* kOutcomesRussian[] = {"закрыто", "срок", "нет операторов", "клиент ушёл", "отклонено"};

std::string short_words(std::string_view text) {
  text = trim(text);
  text = text.substr(0, text.find('\n'));
  std::string out(first_code_points(text, kLabel));
  if (out.size() < text.size()) out += "…";
  return out;
}
std::string short_words(const Text& text) { return text.empty() ? std::string() : short_words(text.any_of.front().source()); }

std::string length_words(Duration duration, bool russian) {
  const std::int64_t seconds = duration.ms / 1000;
  for (const auto& [unit, in_russian, length] :
       {std::tuple{" d", " дн", 86400}, {" h", " ч", 3600}, {" min", " мин", 60}})
    if (seconds >= length && (seconds % length == 0 || seconds >= 10LL * length))
      return std::to_string(seconds / length) + (russian ? in_russian : unit);
  return std::to_string(seconds) + (russian ? " с" : " s");
}

/// Walks the flow graph once, and keeps of it what leads from one branch to another.
class MapMaker {
 public:
  MapMaker(const Program& program, Language language)
      : program_(program), graph_(program), russian_(language == Language::Russian) {}

  BranchMap make() {
    add_nodes();
    call_labels_.resize(graph_.size());
    each_edge([&](FlowNodeId from, const FlowEdge& edge) {
      if (graph_.node(edge.to).kind == Kind::Call) call_labels_[FlowGraph::value(edge.to)] = label_of(from, edge);
    });
    each_edge([&](FlowNodeId from, const FlowEdge& edge) { look_at(from, edge); });
    for (const auto& [branch, routine] : asks_)
      for (const Out& out : outs_[routine]) add(branch, out.to, out.comes_back, out.label);
    return std::move(map_);
  }

 private:
  struct Out {
    std::uint32_t to;
    bool comes_back;
    std::string label;
  };

  const char* words(const char* english, const char* in_russian) const { return russian_ ? in_russian : english; }

  template <class Look>
  void each_edge(Look look) const {
    for (std::uint32_t i = 0; i < graph_.size(); ++i)
      for (const FlowEdge& edge : graph_.edges(FlowNodeId{i})) look(FlowNodeId{i}, edge);
  }

  void add_nodes() {
    for (const Branch& branch : program_.branches) map_.nodes.push_back({branch.name, branch.about, {}, 0});
    for (const Step& step : program_.steps) {
      if (!step.block) continue;
      const std::uint32_t branch = program_.block(step.block).branch.value;
      if (branch >= map_.nodes.size()) continue;
      std::vector<BranchMap::Rest>& rests = map_.nodes[branch].rests;
      using What = BranchMap::Rest::What;
      if (const Ask* ask = std::get_if<Ask>(&step.verb)) {
        for (std::size_t i = 0; i < ask->questions.size(); ++i)
          rests.push_back({What::Question, i < ask->places.size() ? ask->places[i] : std::string(),
                           program_.question(ask->questions[i]).name, {}});
      } else if (const Choose* choose = std::get_if<Choose>(&step.verb)) {
        rests.push_back({What::Choice, step.place, short_words(choose->text), {}});
      } else if (const Wait* wait = std::get_if<Wait>(&step.verb)) {
        const std::string text = wait->duration              ? length_words(*wait->duration, russian_)
                                 : wait->until               ? short_words(wait->until->source())
                                 : wait->duration_expression ? short_words(wait->duration_expression->source())
                                                             : std::string();
        rests.push_back({What::Pause, step.place, text, {}});
      } else if (const HandoffStep* handoff = std::get_if<HandoffStep>(&step.verb)) {
        rests.push_back({What::People, step.place, program_.handoffs[handoff->rule.value].name, {}});
      } else if (const AssistantStep* assistant = std::get_if<AssistantStep>(&step.verb);
                 assistant && assistant->task != AssistantStep::Task::Forget) {
        rests.push_back({What::Assistant, step.place, program_.assistant(assistant->assistant).name, {}});
      }
    }
  }

  void look_at(FlowNodeId from, const FlowEdge& edge) {
    const FlowNode& node = graph_.node(from);
    const FlowNode& target = graph_.node(edge.to);
    std::uint32_t to = BranchMap::kEnd;
    if (target.kind == Kind::Entry) {
      if (node.kind == Kind::Entry) return;
      const FlowRoutine& routine = graph_.routines()[target.routine];
      if (!routine.branch) {  // the steps of a question
        if (const auto branch = branch_of(node)) asks_.insert({*branch, target.routine});
        return;
      }
      to = routine.branch.value;
    } else if (edge.via == FlowVia::Moved || target.kind != Kind::End || edge.via == FlowVia::Command) {
      return;
    }
    if (edge.via == FlowVia::Moved) return;
    const bool comes_back = edge.via == FlowVia::Call;
    std::string label = node.kind == Kind::Call ? call_labels_[FlowGraph::value(from)] : label_of(from, edge);
    if (node.kind == Kind::Outside || (node.routine == UINT32_MAX && node.kind != Kind::Outside)) {
      add(BranchMap::kOutside, to, comes_back, std::move(label));
    } else if (const auto branch = branch_of(node)) {
      add(*branch, to, comes_back, std::move(label));
    } else {
      outs_[node.routine].push_back({to, comes_back, std::move(label)});
    }
  }

  std::optional<std::uint32_t> branch_of(const FlowNode& node) const {
    if (node.routine >= graph_.routines().size()) return std::nullopt;
    const BranchId branch = graph_.routines()[node.routine].branch;
    return branch ? std::optional<std::uint32_t>(branch.value) : std::nullopt;
  }

  void add(std::uint32_t from, std::uint32_t to, bool comes_back, std::string label) {
    const std::uint64_t key = (static_cast<std::uint64_t>(from) << 32 | to) * 2 + (comes_back ? 1 : 0);
    const auto [at, is_new] = known_.try_emplace({key, comes_back}, map_.edges.size());
    if (is_new) map_.edges.push_back({from, to, comes_back, {}});
    std::vector<std::string>& labels = map_.edges[at->second].labels;
    if (!label.empty() && std::find(labels.begin(), labels.end(), label) == labels.end()) labels.push_back(std::move(label));
  }

  /// Why one comes along an edge, for people.
  std::string label_of(FlowNodeId from, const FlowEdge& edge) const {
    const FlowNode& node = graph_.node(from);
    switch (edge.via) {
      case FlowVia::Option:
      case FlowVia::Button:
        if (const Option* option = graph_.option_of(from, edge)) return short_words(option->label);
        return {};
      case FlowVia::OptionOfData: return words("a button of data", "кнопка из данных");
      case FlowVia::NoOptions: return words("nothing to choose from", "не из чего выбрать");
      case FlowVia::Otherwise: return words("otherwise", "иначе");
      case FlowVia::Timeout: return timeout_words(from);
      case FlowVia::Then: return words("if ", "если ") + condition_of(node);
      case FlowVia::Else: return words("if not ", "если не ") + condition_of(node);
      case FlowVia::NoCase: return words("else", "иначе");
      case FlowVia::Case:
        if (const Match* match = verb_of<Match>(node)) {
          const Locale locale{program_.language, program_.zone};
          return short_words(match->subject.source()) + " = " + short_words(to_display(match->cases[edge.index].value, locale));
        }
        return {};
      case FlowVia::Tool:
        if (const AssistantStep* talk = verb_of<AssistantStep>(node))
          return program_.assistant(talk->assistant).tools[edge.index].name;
        return {};
      case FlowVia::Until:
        if (const AssistantStep* talk = verb_of<AssistantStep>(node); talk && talk->until) return short_words(talk->until->source());
        return {};
      case FlowVia::Outcome: return (russian_ ? kOutcomesRussian : kOutcomes)[edge.index];
      case FlowVia::Behind: return words("people have finished", "люди закончили");
      case FlowVia::Closed: return words("closed hours", "нерабочее время");
      case FlowVia::Resume:
      case FlowVia::Woken: return words("the bot is back", "бот вернулся");
      case FlowVia::Restart: return words("restart", "заново");
      case FlowVia::Start: return words("start", "начало");
      case FlowVia::Fallback: return words("not understood", "не понял");
      case FlowVia::OnError: return words("on error", "при ошибке");
      case FlowVia::Scheduled: {
        if (node.kind != Kind::Outside) return scheduled_words(node);
        const Schedule& schedule = program_.schedules[edge.index];
        return words("schedule ", "расписание ") + schedule.name;
      }
      case FlowVia::Happened: return words("event ", "событие ") + program_.events->all[edge.index].name;
      case FlowVia::Command: {
        const Command& command = program_.commands[edge.index];
        return word_of(command, russian_ ? Language::Russian : Language::English);
      }
      default: break;
    }
    return inherited(node);
  }

  template <class Verb>
  const Verb* verb_of(const FlowNode& node) const {
    return node.step.value < program_.steps.size() ? std::get_if<Verb>(&program_.step(node.step).verb) : nullptr;
  }

  std::string condition_of(const FlowNode& node) const {
    const If* condition = verb_of<If>(node);
    return condition ? short_words(condition->condition.source()) : std::string();
  }

  std::string silence_words(const Timeout& timeout) const {
    return words("no answer for ", "нет ответа ") + length_words(timeout.after, russian_);
  }

  std::string scheduled_words(const FlowNode& node) const {
    const ScheduleStep* schedule = verb_of<ScheduleStep>(node);
    if (schedule && schedule->in) return words("in ", "через ") + length_words(*schedule->in, russian_);
    if (verb_of<BroadcastStep>(node)) return words("broadcast", "рассылка");
    return words("later", "позже");
  }

  std::string timeout_words(FlowNodeId from) const {
    const Timeout* timeout = nullptr;
    if (const Question* question = graph_.question_of(from)) {
      if (question->timeout) timeout = &*question->timeout;
    } else if (const Choose* choose = verb_of<Choose>(graph_.node(from)); choose && choose->timeout) {
      timeout = &*choose->timeout;
    }
    return timeout ? silence_words(*timeout) : std::string();
  }

  /// A `go` among the steps of an option is there because of the option.
  std::string inherited(const FlowNode& node) const {
    if (node.step.value >= program_.steps.size()) return {};
    BlockId block = program_.step(node.step).block;
    for (int depth = 0; block && depth < 50; ++depth) {
      const StepId parent = program_.block(block).parent;
      if (parent.value >= program_.steps.size()) return {};
      if (std::string label = label_of_block(parent, block); !label.empty()) return label;
      block = program_.step(parent).block;
    }
    return {};
  }

  std::string label_of_buttons(const std::vector<Option>& options, BlockId block) const {
    for (const Option& option : options)
      if (option.target.steps && option.target.steps == block) return short_words(option.label);
    return {};
  }

  std::string label_of_block(StepId parent, BlockId block) const {
    const auto& verb = program_.step(parent).verb;
    const auto is = [&](const Target& target) { return target.steps && target.steps == block; };
    if (const If* condition = std::get_if<If>(&verb))
      return (is(condition->then_target) ? words("if ", "если ") : words("if not ", "если не ")) +
             short_words(condition->condition.source());
    if (const Choose* choose = std::get_if<Choose>(&verb)) {
      if (is(choose->otherwise)) return words("otherwise", "иначе");
      if (choose->timeout && is(choose->timeout->target))
        return silence_words(*choose->timeout);
      return label_of_buttons(choose->buttons.options, block);
    }
    if (const Say* say = std::get_if<Say>(&verb); say && say->buttons) return label_of_buttons(say->buttons->options, block);
    if (const Match* match = std::get_if<Match>(&verb)) {
      if (is(match->otherwise)) return words("else", "иначе");
      const Locale locale{program_.language, program_.zone};
      for (const Match::Case& one : match->cases)
        if (is(one.target)) return short_words(match->subject.source()) + " = " + short_words(to_display(one.value, locale));
    }
    if (const HandoffStep* handoff = std::get_if<HandoffStep>(&verb)) {
      for (std::size_t i = 0; i < kHandoffOutcomes; ++i)
        if (is(handoff->outcomes[i])) return (russian_ ? kOutcomesRussian : kOutcomes)[i];
    }
    return {};
  }

  const Program& program_;
  const FlowGraph graph_;
  bool russian_;
  BranchMap map_;
  std::vector<std::string> call_labels_;                     ///< of Call nodes, by node
  std::map<std::pair<std::uint64_t, bool>, std::size_t> known_;
  std::set<std::pair<std::uint32_t, std::uint32_t>> asks_;   ///< branch, and the steps of a question that it asks
  std::unordered_map<std::uint32_t, std::vector<Out>> outs_; ///< of those steps, by routine
};

/// What a node says, line by line.
std::vector<std::string> lines_of(const BranchMap::Node& node, bool russian, Moment now) {
  constexpr const char* kSigns[] = {"? ", "▢ ", "⏳ ", "☎ ", "✎ "};
  std::vector<std::string> lines = {node.name};
  if (node.people > 0) lines[0] += "  👥 " + std::to_string(node.people);
  for (const BranchMap::Rest& rest : node.rests) {
    std::string line = kSigns[static_cast<std::size_t>(rest.what)] + rest.text;
    if (rest.people) {
      line += "  👥 " + std::to_string(rest.people->dialogs);
      const std::int64_t ago = std::max<std::int64_t>(0, now.unix_ms - rest.people->oldest.unix_ms);
      line += (russian ? ", дольше всех " : ", the longest ") + length_words(Duration{ago}, russian);
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

std::string edge_label(const BranchMap::Edge& edge, const std::string& line_end, std::string (*escape)(std::string_view)) {
  std::string out;
  for (std::size_t i = 0; i < edge.labels.size() && i < kLabels; ++i)
    out += (i > 0 ? line_end : "") + escape(edge.labels[i]);
  if (edge.labels.size() > kLabels) out += line_end + escape("+" + std::to_string(edge.labels.size() - kLabels));
  return out;
}

/// Whatever could mean something to Mermaid becomes a number.
std::string mermaid_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = byte >= 0x80 || c == ' ' || c == ',' || c == '?' || c == '/' || (c >= '0' && c <= '9') ||
                       (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    out += plain ? std::string(1, c) : byte < 0x20 ? " " : "#" + std::to_string(byte) + ";";
  }
  return out;
}

std::string dot_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return out;
}

std::string id_of(std::uint32_t node) {
  return node == BranchMap::kOutside ? "outside" : node == BranchMap::kEnd ? "finish" : "b" + std::to_string(node);
}

bool has(const BranchMap& map, std::uint32_t node) {
  return std::any_of(map.edges.begin(), map.edges.end(),
                     [&](const BranchMap::Edge& edge) { return edge.from == node || edge.to == node; });
}

}  // namespace

BranchMap map_of(const Program& program, Language language) { return MapMaker(program, language).make(); }

LivePlaces put_people(BranchMap& map, const LivePlaces& places) {
  LivePlaces left = places;
  for (BranchMap::Node& node : map.nodes) {
    for (BranchMap::Rest& rest : node.rests) {
      const auto found = left.find(rest.place);
      if (found == left.end()) continue;
      node.people += found->second.dialogs;
      rest.people = found->second;
      left.erase(found);
    }
  }
  left.erase("none");
  return left;
}

void keep_around(BranchMap& map, std::uint32_t branch) {
  std::erase_if(map.edges, [&](const BranchMap::Edge& edge) { return edge.from != branch && edge.to != branch; });
  std::vector<bool> kept(map.nodes.size(), false);
  kept[branch] = true;
  for (const BranchMap::Edge& edge : map.edges)
    for (const std::uint32_t end : {edge.from, edge.to})
      if (end < kept.size()) kept[end] = true;
  for (std::size_t i = 0; i < map.nodes.size(); ++i)
    if (!kept[i]) map.nodes[i] = {};
}

std::string mermaid(const BranchMap& map, Language language, Moment now) {
  const bool russian = language == Language::Russian;
  std::string out = "flowchart TD\n";
  if (has(map, BranchMap::kOutside)) out += "  outside((\"●\"))\n";
  for (std::uint32_t i = 0; i < map.nodes.size(); ++i) {
    if (map.nodes[i].name.empty()) continue;
    const std::vector<std::string> lines = lines_of(map.nodes[i], russian, now);
    out += "  " + id_of(i) + "[\"<b>" + mermaid_text(lines[0]) + "</b>";
    for (std::size_t line = 1; line < lines.size(); ++line) out += "<br/>" + mermaid_text(lines[line]);
    out += "\"]\n";
  }
  if (has(map, BranchMap::kEnd)) out += "  finish(((\"" + std::string(russian ? "конец" : "end") + "\")))\n";
  for (const BranchMap::Edge& edge : map.edges) {
    const std::string label = edge_label(edge, "<br/>", mermaid_text);
    out += "  " + id_of(edge.from) + (edge.comes_back ? " -.->" : " -->") + (label.empty() ? "" : "|\"" + label + "\"|") +
           " " + id_of(edge.to) + "\n";
  }
  std::string waited;
  for (std::uint32_t i = 0; i < map.nodes.size(); ++i)
    if (map.nodes[i].people > 0) waited += (waited.empty() ? "" : ",") + id_of(i);
  if (!waited.empty()) out += "  classDef live stroke-width:3px\n  class " + waited + " live\n";
  return out;
}

std::string graphviz(const BranchMap& map, Language language, Moment now) {
  const bool russian = language == Language::Russian;
  std::string out =
      "digraph scenario {\n"
      "  graph [rankdir=TB, fontname=\"sans-serif\"];\n"
      "  node [shape=box, style=\"rounded,filled\", fillcolor=\"#f6f8fa\", fontname=\"sans-serif\", fontsize=11];\n"
      "  edge [fontname=\"sans-serif\", fontsize=9, color=\"#57606a\"];\n";
  if (has(map, BranchMap::kOutside))
    out += "  outside [label=\"\", shape=circle, width=0.25, fillcolor=\"#24292f\"];\n";
  for (std::uint32_t i = 0; i < map.nodes.size(); ++i) {
    if (map.nodes[i].name.empty()) continue;
    const std::vector<std::string> lines = lines_of(map.nodes[i], russian, now);
    out += "  " + id_of(i) + " [label=\"" + dot_text(lines[0]) + (lines.size() > 1 ? "\\n" : "");
    for (std::size_t line = 1; line < lines.size(); ++line) out += dot_text(lines[line]) + "\\l";
    out += map.nodes[i].people > 0 ? "\", penwidth=3];\n" : "\"];\n";
  }
  if (has(map, BranchMap::kEnd))
    out += "  finish [label=\"" + std::string(russian ? "конец" : "end") + "\", shape=doublecircle];\n";
  for (const BranchMap::Edge& edge : map.edges) {
    const std::string label = edge_label(edge, "\\n", dot_text);
    out += "  " + id_of(edge.from) + " -> " + id_of(edge.to);
    std::string attributes = label.empty() ? "" : "label=\"" + label + "\"";
    if (edge.comes_back) attributes += std::string(attributes.empty() ? "" : ", ") + "style=dotted, dir=both";
    if (!attributes.empty()) out += " [" + attributes + "]";
    out += ";\n";
  }
  return out + "}\n";
}

}  // namespace sufler
