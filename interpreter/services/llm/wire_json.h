#pragma once
#include <nlohmann/json_fwd.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// JSON on its way to and from model servers. Inside of this folder.
namespace sufler::llm {

using Json = nlohmann::json;
/// Of requests: a model writes its answer in the order of the schema.
using OrderedJson = nlohmann::ordered_json;

/// Deeper than any server nests its answers; what is deeper is no JSON for us, since others walk it recursively.
inline constexpr int kMostDepth = 64;

/// Discarded (`is_discarded()`) when it is no JSON. Bytes that are no UTF-8, and halves of surrogate pairs, which appear
/// where a server cuts its stream inside of a character, become stand-ins that `mended` joins again.
Json parse_wire(std::string_view text);
/// The text whose pieces have come out of `parse_wire`: stand-ins that belong together are the character they were
/// cut from, others U+FFFD. Without NUL characters.
std::string mended(std::string_view text);

/// On one line; broken UTF-8 becomes U+FFFD.
std::string dumped(const Json& json);
std::string dumped(const OrderedJson& json);

/// A member of an object; null when it is absent or null.
const Json* member(const Json& object, std::string_view name);
/// A text; empty when it is anything else.
std::string text_of(const Json& object, std::string_view name);
std::optional<std::int64_t> number_of(const Json& object, std::string_view name);

}  // namespace sufler::llm
