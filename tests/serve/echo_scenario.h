#pragma once

namespace sufler::tests {

/// Answers every message with its own words; nothing else happens in it.
constexpr const char* kEcho = R"(scenario: echo
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
