#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "interpreter/core/expression.h"
#include "interpreter/core/result.h"
#include "interpreter/core/value.h"

/// The compiled form of an expression; for the `expression_*.cpp` files only.
namespace sufler {

struct ExpressionCall;  // expression_vocabulary.h

enum class Op : std::uint8_t {
  Constant,    ///< data: index in `constants`
  Name,        ///< data: index in `names`
  NamedText,   ///< data: index in `names`; `texts.NAME`
  TextsIndex,  ///< right: the key; `texts[key]`
  List,        ///< children
  Map,         ///< children; data: index of the first key in `words`
  Function,    ///< children; call; data as of Filter
  Not,         ///< right
  Negate,      ///< right
  If,          ///< left: the value, right: the condition, data: the node of the other value
  // From here on the left operand leads the chain (see `up`).
  Member,  ///< data: index in `words`
  Index,
  Filter,  ///< children: the arguments; call; data: index of the name as written in `words`
  Multiply,
  Divide,
  Modulo,
  Add,
  Subtract,
  Equal,
  NotEqual,
  Less,
  LessEqual,
  Greater,
  GreaterEqual,
  In,
  NotIn,
  Like,
  NotLike,
  And,
  Or,
};
inline constexpr bool is_chain(Op op) { return op >= Op::Member; }
inline constexpr bool is_arithmetic(Op op) { return op >= Op::Multiply && op <= Op::Subtract; }
inline constexpr bool is_comparison(Op op) { return op >= Op::Equal && op <= Op::NotLike; }

inline constexpr std::uint32_t kNoNode = UINT32_MAX;

/// Nodes stand behind their operands, so a part of an expression is a run of nodes [first, itself].
///
/// `a + b + c …` may be thousands long while only right operands and brackets nest. A chain is
/// therefore walked without recursion: from its leftmost `base` along `up` to where it ends.
struct ExpressionNode {
  Op op = Op::Constant;
  ValueType type = ValueType::Null;  ///< known without running; Null: not known
  bool in_brackets = false;
  std::uint16_t height = 1;  ///< how deep an evaluation recurses
  std::uint32_t offset = 0, length = 0;
  std::uint32_t first = 0;
  std::uint32_t base = 0;
  std::uint32_t up = kNoNode;
  std::uint32_t left = kNoNode, right = kNoNode;
  std::uint32_t data = 0;
  std::uint32_t child_begin = 0, child_count = 0;  ///< in `children`
  const ExpressionCall* call = nullptr;
};

struct ExpressionTree {
  std::string source;
  std::vector<ExpressionNode> nodes;
  std::vector<std::uint32_t> children;
  std::vector<Value> constants;
  std::vector<std::string> words;
  std::vector<NameUse> names;
  std::vector<std::uint32_t> name_nodes;  ///< for each of `names`, its node
  std::uint32_t root = 0;
};

struct ParsedExpression {
  std::shared_ptr<const ExpressionTree> tree;  ///< null when there are errors
  std::vector<ExpressionError> errors;         ///< in the order they were met
  std::vector<NameUse> names;                  ///< those read before an error ended the reading
};
ParsedExpression parse_expression(std::string_view source);

/// The types of all nodes up to `root`, as far as they are certain without running; Null: not known.
/// `names` may be null: then nothing is known of names. Says what cannot work, once: what follows
/// from a mistake is not known any more.
std::vector<ValueType> infer_types(const ExpressionTree& tree, std::uint32_t root,
                                   const NameTypes* names, std::vector<ExpressionError>* errors);

}  // namespace sufler
