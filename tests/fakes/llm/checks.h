#pragma once
// Inside of the fake.
#include <string>

#include "fakes/common/api_error.h"

namespace sufler::fakes {

/// Throws the ApiError of a server of this kind for whatever a careful client does not send. `more` of the error holds
/// `code` and `param` of OpenAI's envelope.
void check_chat(const Json& body, const std::string& kind);
void check_embeddings(const Json& body, const std::string& kind);

[[noreturn]] void refuse_request(int status, const std::string& message, const std::string& param = {}, const std::string& code = {});

/// About so many tokens as a server would count.
std::int64_t tokens_of(const Json& body);

}  // namespace sufler::fakes
