#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "interpreter/core/job.h"
#include "interpreter/core/program.h"
#include "interpreter/runtime/knowledge.h"

namespace sufler {

/// What a model is asked when a person's first words to an assistant are these: the job that the engine puts, with
/// instructions filled in and personal data masked. An error says why there is none.
Result<Job, std::string> request_of(const Program& program, const std::string& assistant, const std::string& question);

}  // namespace sufler
