#include "tools/desk_tokens.h"

#include <cstdlib>

#include "interpreter/core/happenings.h"
#include "interpreter/core/text.h"
#include "interpreter/runtime/log.h"

namespace sufler {

std::map<std::string, std::string> desk_tokens(const Program& program,
                                               const std::map<std::string, std::string>& variables) {
  std::map<std::string, std::string> tokens;
  for (const Desk& desk : program.desks) {
    const auto found = variables.find(desk.token_variable);
    if (found != variables.end() && !found->second.empty()) tokens.insert(*found);
  }
  return tokens;
}

std::map<std::string, std::string> desk_tokens(const Program& program) {
  std::map<std::string, std::string> variables;
  for (const Desk& desk : program.desks) {
    if (desk.token_variable.empty()) continue;
    const char* value = std::getenv(desk.token_variable.c_str());
    if (!value || !*value) continue;
    hide_secret(value);
    variables[desk.token_variable] = value;
  }
  return variables;
}

Result<std::map<std::string, std::string>, std::string> desk_tokens_to_serve(const Program& program,
                                                                             const std::string& bot) {
  std::map<std::string, std::string> tokens = desk_tokens(program);
  for (const Desk& desk : program.desks) {
    if (desk.token_variable.empty()) continue;
    const auto found = tokens.find(desk.token_variable);
    if (found == tokens.end()) {
      return Error{"bot `" + bot + "`: the desk `" + desk.name + "` takes its token from the environment, and " +
                   desk.token_variable + " is not set there"};
    }
    if (count_code_points(found->second) < kShortestDeskToken) {
      write_log(LogLevel::Warning,
                "the token of the desk is short enough to be guessed: 16 characters or more are safe, such as "
                "`openssl rand -hex 16` gives",
                {{"bot", bot}, {"desk", desk.name}, {"variable", desk.token_variable}});
    }
  }
  return tokens;
}

std::map<std::string, std::string> event_secrets(const Program& program) {
  std::map<std::string, std::string> secrets;
  if (!program.events) return secrets;
  for (const Happening& event : program.events->all) {
    if (event.secret_variable.empty()) continue;
    const char* value = std::getenv(event.secret_variable.c_str());
    if (!value || !*value) continue;
    hide_secret(value);
    secrets[event.secret_variable] = value;
  }
  return secrets;
}

Result<Done, std::string> event_secrets_to_serve(const Program& program, const std::string& bot) {
  if (!program.events) return Done{};
  const std::map<std::string, std::string> secrets = event_secrets(program);
  for (const Happening& event : program.events->all) {
    if (event.secret_variable.empty()) continue;
    const auto found = secrets.find(event.secret_variable);
    if (found == secrets.end())
      return Error{"bot `" + bot + "`: the event `" + event.name + "` takes its secret from the environment, and " +
                   event.secret_variable + " is not set there"};
    if (count_code_points(found->second) < kShortestDeskToken)
      write_log(LogLevel::Warning,
                "the secret of the event is short enough to be guessed: 16 characters or more are safe, such as "
                "`openssl rand -hex 16` gives",
                {{"bot", bot}, {"event", event.name}, {"variable", event.secret_variable}});
  }
  return Done{};
}

}  // namespace sufler
