#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "interpreter/network/backoff.h"
#include "interpreter/transports/vk/api_client.h"
#include "interpreter/transports/vk/health.h"
#include "interpreter/transports/vk/names.h"
#include "interpreter/transports/vk/update_decoder.h"

namespace sufler::vk {

/// What both ways of receiving need.
struct ReceiverParts {
  HttpClient& client;
  std::shared_ptr<const VkSettings> settings;
  std::shared_ptr<ApiClient> api;
  std::shared_ptr<Names> names;
  std::shared_ptr<Health> health;
  Community community;
  std::function<double()> random;
  /// Calls of this bot that are under way: a poll waits for them a little under load.
  std::function<std::size_t()> in_flight;
};

/// The events that are asked for, as flags of `groups.setLongPollSettings` and `groups.setCallbackSettings`.
void add_event_flags(Fields& fields);

inline std::string of_bot(const VkSettings& settings) {
  return settings.bot_name.empty() ? std::string() : " of the bot `" + settings.bot_name + "`";
}

/// Ends serving when the refusal is about the token; whether it is.
inline bool fail_for_token(const ReceiverParts& parts, const CallResult& result) {
  if (result.kind != HttpAnswer::Kind::Answered || meaning_of(result.answer.refusal) != Meaning::Token) return false;
  parts.health->failed("VK does not accept the token" + of_bot(*parts.settings) + ": " + result.reason());
  return true;
}

/// Whether a step is worth another try without anybody doing anything.
inline bool may_pass(const CallResult& result) {
  if (result.kind != HttpAnswer::Kind::Answered) return true;
  switch (meaning_of(result.answer.refusal)) {
    case Meaning::Transient:
    case Meaning::TooFast:
    case Meaning::Flood:
    case Meaning::LongRest:
    case Meaning::Operator: return true;
    default: return false;
  }
}

}  // namespace sufler::vk
