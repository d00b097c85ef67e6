#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "interpreter/services/llm/chat.h"

namespace sufler::llm {

/// What a status other than 2xx means. The status decides first, then what the body says: the envelopes of OpenAI (with
/// a code that is a text or a number), of vLLM, llama.cpp, Ollama, GigaChat and Yandex are known; a page in HTML is
/// kept as its first words.
Failure failure_of(int status, std::string_view body);

/// An error that stands in a body of 200, or in the middle of a stream: nothing when there is none in it.
std::optional<Failure> failure_inside(const nlohmann::json& body);

/// What a server said, fit for a line of the log: without control characters and tags, and short.
std::string brief(std::string_view text);

/// Without the secrets, and without words that begin or end as one of them does: servers like to show a part of a wrong key.
std::string without_secrets(std::string text, const std::vector<std::string>& secrets);

}  // namespace sufler::llm
