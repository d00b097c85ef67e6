#pragma once
#include <span>
#include <string>

#include "schema/flow_paths.h"

/// A way through a scenario in the words of a person who watches it, in the language of the diagnostics.
namespace sufler {

/// `the person writes to the bot → `welcome` → presses «Order» → answers `name` → is silent for 24h`. In the middle of a
/// long way `…` stands for what was left out, so that about `limit` code points remain. Empty for no moves.
std::string talk_of(const FlowGraph& graph, std::span<const FlowMove> moves, Language language,
                    std::size_t limit = 300);

/// What a person writes for a command: its first word, or one of what it `means`.
std::string word_of(const Command& command, Language language);

/// What an edge is, in a few words: `presses «Order»`, `is silent for 24h`, `no answer to `phone``. Empty for an edge
/// along which nothing happens that anybody sees.
std::string words_of(const FlowGraph& graph, FlowNodeId from, const FlowEdge& edge, Language language);

}  // namespace sufler
