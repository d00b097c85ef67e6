#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "interpreter/core/moment.h"

namespace sufler {

/// One program to run. No shell reads the command; of this process it inherits no descriptor and no variable but PATH,
/// HOME, LANG, LC_ALL, TZ and TMPDIR; it is given SUFLER_RUN, by which what it starts is known as its own.
struct ProgramCall {
  std::vector<std::string> command;
  std::string folder;  ///< where it runs; empty: here
  std::map<std::string, std::string> environment;
  std::string input;   ///< its standard input
  Duration timeout{10'000};  ///< then SIGTERM to it and all that it started, a second later SIGKILL
  std::size_t memory_bytes = 0;  ///< of address space; 0: no limit
  std::size_t most_output = 256 * 1024;
};

struct ProgramEnd {
  enum class How : std::uint8_t { Exited, Killed, TimedOut, Abandoned, TooMuchOutput, CannotStart } how = How::Exited;
  int code = 0;         ///< Exited: of the exit; Killed: the signal; CannotStart: errno
  std::string output;   ///< standard output
  std::string errors;   ///< the beginning of standard error
};

/// Runs it to its end and leaves nothing of it behind: whatever else it started is killed, daemons in sessions of their own
/// as well, unless they threw away their environment.
/// `abandon_fd`: readable when the result is not wanted any more; below 0: none.
ProgramEnd run_program(const ProgramCall& call, int abandon_fd);

}  // namespace sufler
