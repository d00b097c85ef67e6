#pragma once
#include <string>
#include <vector>

#include "interpreter/core/program.h"

/// Parts of a scenario written out in one settled form, to be compared with those of another version. Not for people.
namespace sufler {

struct Happening;

enum class With : std::uint8_t {
  Texts,   ///< all that is said, too
  Steps,   ///< what is done; texts only as being there or not
};

std::string meaning_of(const Program& program, const Target& target, With with);
std::string meaning_of(const Buttons& buttons, const Program& program);
std::string source_of(const Text& text);
std::string source_of(const std::optional<Text>& text);
std::string source_of(const std::optional<Expression>& expression);
/// The steps of a branch, one each with what is inside of it. What a place accepts and shows is not in it: places
/// are compared by themselves.
std::vector<std::string> steps_of(const Program& program, BranchId branch, With with);
std::string meaning_of(const Program& program, const Command& command);
std::string meaning_of(const Program& program, const HandoffRule& rule);
std::string meaning_of(const Program& program, const Schedule& schedule);
std::string meaning_of(const Program& program, const Happening& event);
std::string meaning_of(const Desk& desk);
std::string meaning_of(const Program& program, const Assistant& assistant);

}  // namespace sufler
