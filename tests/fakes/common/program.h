#pragma once
#include <functional>
#include <string>

namespace sufler::fakes {

/// The end of main() of a fake: runs `body` with SIGINT and SIGTERM held back for
/// serve_until_interrupted. What it throws is printed, and 1 returned.
int run_program(const std::function<int()>& body);
/// Prints the address of the server as a line and waits for SIGINT or SIGTERM.
void serve_until_interrupted(const std::string& url);

}  // namespace sufler::fakes
