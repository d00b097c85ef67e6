#pragma once
#include <optional>
#include <string>

#include "interpreter/core/job.h"
#include "interpreter/core/moment.h"

/// What stands in a talk for a language model: `mock: {assistant: {NAME: …}}`.
namespace sufler {

/// Whose the job is, when a model is asked: in talks it is named by the assistant, whatever its connection is called.
std::optional<std::string> assistant_of_request(const Job& job);

/// An entry of the mock as the service would answer: a text, `{tool: …, with: {…}}`, `{error: …}`, or fields.
JobResult answer_of_mock(const Value& mock, const Job& job, const Zone& zone);
/// The entry that gives what a model has answered.
Value mock_of_answer(const Value& result);

}  // namespace sufler
