#pragma once
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

#include "interpreter/services/llm/chat.h"

namespace sufler::llm {

/// A payload of tests/data/fixtures/llm.
inline std::string fixture(const std::string& name) {
  std::ifstream file(std::string(SUFLER_SOURCE_DIR) + "/tests/data/fixtures/llm/" + name);
  std::ostringstream text;
  text << file.rdbuf();
  EXPECT_FALSE(text.str().empty()) << name;
  return text.str();
}

inline std::string text_of_answer(const Result<ChatAnswer, Failure>& answer) {
  if (!answer) return "failure: " + std::string(word_of(answer.error().fault)) + " " + answer.error().about;
  return answer->text.value_or("(none)");
}

inline std::string fault_of(const Result<ChatAnswer, Failure>& answer) {
  return answer ? "an answer" : std::string(word_of(answer.error().fault));
}

}  // namespace sufler::llm
