#pragma once

namespace sufler::tests {

/// Answers every message with its own words, and waits when it is told to.
constexpr const char* kEchoScenario = R"(scenario: echo
language: ru
start: hello
branches:
  hello:
    - say: Привет
    - go: loop
  loop:
    - ask: word
    - go: loop
questions:
  word: {text: "Вы сказали: {{ word | default('ничего') }}"}
)";

}  // namespace sufler::tests
