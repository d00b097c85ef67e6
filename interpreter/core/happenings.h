#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "interpreter/core/program.h"

/// What happens outside of all dialogs and begins a branch: `events:` of a scenario (LANGUAGE 9, 14).
namespace sufler {

struct Happening {
  enum class Kind : std::uint8_t {
    Webhook,           ///< another system calls `POST /hooks/BOT/NAME`
    UserBlocked,       ///< a person has blocked the bot
    UserJoined,        ///< a person comes for the first time, or comes back after having blocked the bot
    LeadStageChanged,  ///< amoCRM: the lead of a dialog came to a stage
  } kind = Kind::Webhook;
  std::string name;
  BranchId branch;

  // ---- Webhook

  std::string webhook;          ///< the last part of its address: latin letters, digits, `-` and `_`
  std::string secret_variable;  ///< the environment variable that holds the secret
  enum class Proof : std::uint8_t {
    Secret,      ///< the header holds the secret
    HmacSha256,  ///< the header holds the HMAC-SHA256 of the body, by the secret: hexadecimal or base64
  } proof = Proof::Secret;
  std::string header;           ///< lower case
  /// With `user`: what holds for the person meant. Without: the person's id, on `platform:id` or on any platform.
  /// None: the branch is played in a dialog of the event's own.
  std::optional<Expression> find_user;
  std::optional<Expression> id; ///< what tells a repeat: text or number; none: the header `Idempotency-Key`
  std::optional<Template> answer;  ///< what the caller wants to read; none: a line of JSON
  std::uint32_t limit = kUsualLimit;  ///< calls in `period`; more are refused with 429
  Duration period{60'000};

  // ---- LeadStageChanged

  std::vector<std::string> stages;  ///< names, as people see them in amoCRM; empty: any
  std::string pipeline;             ///< the same; empty: any

  SourceSpan span;

  static constexpr std::uint32_t kUsualLimit = 600;
};

struct Happenings {
  std::vector<Happening> all;

  const Happening* find(std::string_view name) const;
  /// By the last part of its address.
  const Happening* find_webhook(std::string_view webhook) const;
  /// The first of this kind, for events that come to a person's dialog by themselves.
  const Happening* first(Happening::Kind kind) const;
};

/// What a branch sees as `event`.
ValueMap event_names(std::string_view name, Value json);
/// Whether `find_user` is a condition over people; otherwise its value is somebody's id.
bool asks_about_user(const Expression& find_user);

/// What an expression or a text gives that sees `names` and no person: the reason else, in English for the log.
Result<Value, std::string> value_for(const Program& program, Moment at, const Expression& expression, const ValueMap& names);
Result<std::string, std::string> text_for(const Program& program, Moment at, const Template& text, const ValueMap& names);

/// The own dialog of a webhook that looks for nobody begins with this (its chat, on kScheduleTransport).
inline constexpr std::string_view kEventChat = "event:";

}  // namespace sufler
