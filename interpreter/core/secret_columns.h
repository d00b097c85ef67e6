#pragma once
#include <cstdint>
#include <map>
#include <string>

#include "interpreter/core/program.h"

namespace sufler {

/// A column that gets what a secret question was answered, by some step of the scenario and under whatever name.
struct SecretColumn {
  std::string question;
  StepId step;  ///< the first that puts it there; none: the column has the question's name
};

/// Of a table, by column. An answer is followed through `set`, `with` and options; whatever an expression makes of it is
/// taken for it, but in columns that hold yes or no, which say nothing of it.
std::map<std::string, SecretColumn> secret_columns(const Program& program, TableId table);

}  // namespace sufler
