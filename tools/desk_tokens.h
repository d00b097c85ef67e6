#pragma once
#include <map>
#include <string>

#include "interpreter/core/program.h"
#include "interpreter/core/result.h"

/// The tokens by which people register at a desk: values of the variables that the scenario names.
namespace sufler {

/// Shorter ones can be guessed.
inline constexpr std::size_t kShortestDeskToken = 16;

/// What `variables` has of them; a variable that it lacks is left out, and nobody registers at that desk.
std::map<std::string, std::string> desk_tokens(const Program& program,
                                               const std::map<std::string, std::string>& variables);

/// Those of the environment, hidden from the log from now on (`hide_secret`).
std::map<std::string, std::string> desk_tokens(const Program& program);

/// The same for a bot that is to be served: an error when a variable is unset or empty, since anybody would
/// become an agent then, and a warning in the log for a token that can be guessed.
Result<std::map<std::string, std::string>, std::string> desk_tokens_to_serve(const Program& program,
                                                                             const std::string& bot);

/// The secrets of the scenario's webhooks, by the variable; those that are set. Hidden from the log from now on.
std::map<std::string, std::string> event_secrets(const Program& program);
/// Whether all are set: without, anybody could call in the other system's name.
Result<Done, std::string> event_secrets_to_serve(const Program& program, const std::string& bot);

}  // namespace sufler
