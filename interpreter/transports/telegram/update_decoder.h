#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "interpreter/core/api_call.h"

namespace sufler::telegram {

/// Whose updates they are.
struct BotIdentity {
  std::int64_t id = 0;   ///< the digits of the token
  std::string username;  ///< without `@`; empty while unknown
  /// Groups whose topics are heard whole: what people write there need not be said to the bot.
  std::vector<std::string> topic_groups = {};
};

struct DecodedUpdate {
  std::int64_t update_id = 0;
  std::optional<Incoming> incoming;
  std::string skipped;  ///< why there is no `incoming`
  /// The text holds `/command@name` in a group, and whose it is cannot be told without the username.
  bool needs_username = false;
};

/// An answer of `getUpdates`.
struct DecodedUpdates {
  bool ok = false;         ///< a whole answer with an array of updates
  bool needs_username = false;
  std::vector<Incoming> incoming;
  std::size_t count = 0;   ///< updates in the answer, skipped ones too
  std::int64_t last_update_id = 0;
  std::vector<std::string> skipped;
};

/// Reads updates. Any bytes may come: what cannot be used is skipped with a reason. Keeps its buffers, so
/// one decoder serves one thread.
class UpdateDecoder {
 public:
  UpdateDecoder();
  ~UpdateDecoder();
  UpdateDecoder(UpdateDecoder&&) noexcept;

  /// `now_unix_ms`: when the answer came. May change `body`.
  DecodedUpdates read_answer(std::string& body, const BotIdentity& bot, std::int64_t now_unix_ms);
  /// One Update object, as a webhook brings it.
  DecodedUpdate read_update(std::string& body, const BotIdentity& bot, std::int64_t now_unix_ms);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sufler::telegram
