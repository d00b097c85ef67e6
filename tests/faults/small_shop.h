#pragma once
#include "serve/echo_scenario.h"

namespace sufler::tests {

/// Answers every message with its own words, and waits when it is told to.
constexpr const char* kEchoScenario = kEcho;

}  // namespace sufler::tests
