#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sufler::fakes::vk {

/// `expect`, `edit` or `admin` with the parts that must be in the message.
struct Expectation {
  enum class Where { User, Edit, Admin } where = Where::User;
  std::vector<std::string> parts;
};

struct LoadStep {
  enum class Kind { Send, Tap, TapInline, TapReply } kind = Kind::Send;
  std::string text;
  std::vector<Expectation> expectations;
};

/// A dialog in the language of the peers' load generator.
struct LoadScript {
  std::vector<LoadStep> steps;
  std::vector<Expectation> admin;
};

/// Throws std::runtime_error with the file and the line.
LoadScript read_load_script(const std::string& file);

/// `u7r3`: unique to a run, so that the admin's message tells whose it is.
std::string tag_of(int user, int run);
/// With {user}, {run}, {tag} and {phone} filled in.
std::string filled_in(std::string_view text, int user, int run);
/// Every part must be in the text; `{n}` in a part stands for digits, which go to `number`.
bool matches(const Expectation& expectation, std::string_view text, int user, int run,
             std::int64_t& number);

}  // namespace sufler::fakes::vk
