#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "interpreter/core/expression.h"

namespace sufler {

struct Shape;
/// Null: nothing is known.
using ShapeRef = std::shared_ptr<const Shape>;

/// What is known of the inside of a value before anything runs: a map of members that are known by name, or a list of such.
struct Shape {
  std::vector<std::string> members;  ///< of a map; what stands in them is not known
  ShapeRef item;                     ///< of a list; then there are no members

  bool has(std::string_view member) const;
};

/// A member that is not there.
struct MissingMember {
  std::string owner;            ///< as written
  std::string member;
  ShapeRef of;
  std::uint32_t offset = 0, length = 0;  ///< of the member in the source
};

/// What is known of the first `parts` parts of a name's path; at first `parts` is 1.
using ShapeOfName = std::function<ShapeRef(const NameUse& use, std::size_t& parts)>;

/// What is known of an expression's value; adds the members that it reads and that are certainly not there.
ShapeRef shape_of(const Expression& expression, const ShapeOfName& names, std::vector<MissingMember>* missing);

}  // namespace sufler
