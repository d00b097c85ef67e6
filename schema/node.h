#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "interpreter/core/source_span.h"
#include "schema/diagnostic.h"
#include "schema/source_map.h"

/// YAML as a tree with places, and nothing else: no aliases, tags, anchors or merge keys are left in it.
namespace sufler {

struct Node {
  enum class Kind : std::uint8_t { Null, Scalar, Sequence, Mapping };
  Kind kind = Kind::Null;
  bool quoted = false;       ///< a scalar in quotes or a block scalar: never a number or a word
  SourceSpan span;           ///< of a scalar: all of it, quotes included; of a collection: its first token
  std::string_view scalar;   ///< the value; lives as long as the Document
  struct Entry;
  std::vector<Node> items;       ///< of a Sequence
  std::vector<Entry> entries;    ///< of a Mapping, in the author's order; keys are unique
  bool is_scalar() const { return kind == Kind::Scalar; }
  bool is_map() const { return kind == Kind::Mapping; }
  bool is_list() const { return kind == Kind::Sequence; }
};
struct Node::Entry {
  Node key;    ///< always a scalar
  Node value;
};

struct Document {
  Node root;
  std::shared_ptr<void> storage;  ///< owns the scalars' characters
  bool parsed = false;            ///< false: the YAML could not be read; diagnostics say why
};

/// Byte offset in the file of byte `offset` of a scalar's value: for plain and single-line quoted scalars
/// exact, for block and folded ones the nearest place that is known.
SourceSpan span_inside(const Node& scalar, const SourceMap& sources, std::size_t offset, std::size_t length);

/// Reads one file: first the pass that finds what people type by honest mistake (LANGUAGE 2, TRAPS), each with
/// a fix, then the YAML parser over the text with those mistakes mended in memory, so that one run reports
/// everything. Any bytes in: a Document or diagnostics, within a second and 100 MB.
Document read_yaml(std::uint32_t file, const SourceMap& sources, Diagnostics& diagnostics);

}  // namespace sufler
