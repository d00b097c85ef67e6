#include "interpreter/services/llm/errors.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "interpreter/core/text.h"
#include "interpreter/services/llm/wire_json.h"

namespace sufler::llm {
namespace {

constexpr std::size_t kMostBrief = 300;
constexpr std::size_t kMostRead = 4096;

/// What the known envelopes hold, all of it perhaps empty. `code` and `type` in lower case.
struct Said {
  std::string message, type, code;
  int status = 0;  ///< where the code is an HTTP status
};

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return text;
}

void read_code(const Json& from, Said& said) {
  if (const Json* code = member(from, "code"); code && code->is_string()) {
    said.code = lower(code->get<std::string>());
  } else if (const auto number = number_of(from, "code"); number && *number >= 400 && *number <= 599) {
    said.status = static_cast<int>(*number);
  } else if (number) {
    said.code = std::to_string(*number);  // gRPC's
  }
  // Some write the status as a text.
  if (said.code.size() == 3 && std::all_of(said.code.begin(), said.code.end(), [](char c) { return c >= '0' && c <= '9'; })) {
    const int status = std::stoi(said.code);
    if (status >= 400 && status <= 599) said.status = status;
  }
}

Said said_in(const Json& body) {
  Said said;
  const Json* error = member(body, "error");
  if (error && error->is_string()) {
    said.message = error->get<std::string>();
    read_code(body, said);
    return said;
  }
  const Json& from = error && error->is_object() ? *error : body;
  said.message = text_of(from, "message");
  said.type = lower(text_of(from, "type"));
  read_code(from, said);
  if (const auto status = number_of(from, "status"); said.status == 0 && status && *status >= 400 && *status <= 599)
    said.status = static_cast<int>(*status);
  if (said.message.empty()) said.message = text_of(body, "message");
  if (said.message.empty()) said.message = text_of(body, "detail");
  if (said.message.empty() && member(body, "detail")) said.message = dumped(*member(body, "detail"));
  if (said.message.empty()) said.message = text_of(body, "error_description");
  return said;
}

bool holds(std::string_view text, std::initializer_list<std::string_view> any) {
  return std::any_of(any.begin(), any.end(), [&](std::string_view one) { return text.find(one) != std::string_view::npos; });
}

bool is_billing(const Said& said) {
  static const std::set<std::string, std::less<>> words = {
      "insufficient_quota",         "credit_balance_exhausted",       "organization_spend_limit_exceeded",
      "project_spend_limit_exceeded", "organization_usage_limit_exceeded", "billing_not_active",
      "billing_hard_limit_reached", "insufficient_balance",           "insufficient_credits"};
  return words.contains(said.code) || words.contains(said.type);
}

bool is_too_long(const Said& said) {
  if (holds(said.code, {"context_length_exceeded", "exceed_context_size"}) || said.type == "exceed_context_size_error") return true;
  const std::string message = lower(said.message);
  return holds(message, {"maximum context length", "context length exceeded", "context size", "context_length",
                         "exceeds the context", "exceed the context", "exceeds context", "context window", "prompt is too long",
                         "input is too long", "too many tokens", "maximum number of tokens", "longer than the maximum model length",
                         "number of input tokens must be no more than"});
}

bool is_filtered(const Said& said) {
  return holds(said.code, {"content_filter", "content_policy", "responsibleaipolicyviolation", "moderation"}) ||
         holds(said.type, {"content_filter", "content_policy"});
}

bool is_rate(const Said& said) {
  // 8: gRPC's RESOURCE_EXHAUSTED.
  return said.code == "8" || holds(said.code, {"rate_limit", "too_many_requests"}) || holds(said.type, {"rate_limit", "too_many_requests"});
}

bool is_denied(const Said& said) {
  // 7 and 16: gRPC's PERMISSION_DENIED and UNAUTHENTICATED.
  return said.code == "7" || said.code == "16" || holds(said.code, {"invalid_api_key", "unsupported_country"}) ||
         holds(said.type, {"authentication_error", "permission_error", "request_forbidden"});
}

std::string described(int status, const Said& said) {
  std::string out = status > 0 ? "HTTP " + std::to_string(status) : "an error in the answer";
  const std::string& code = said.code.empty() ? said.type : said.code;
  if (!code.empty()) out += " (" + brief(code) + ")";
  if (!said.message.empty()) out += ": " + brief(said.message);
  return out;
}

Failure fault(Fault what, std::string about, bool again = false) { return {what, std::move(about), again, {}, false}; }

Failure judged(int status, const Said& said, std::string about) {
  if (status == 402 || is_billing(said)) return fault(Fault::Billing, about + "; no further attempts: look at the account");
  if (said.code == "unsupported_country_region_territory")
    return fault(Fault::Denied, about + "; needs a `proxy`, or another provider");
  switch (status) {
    case 400:
      if (is_too_long(said)) return fault(Fault::TooLong, std::move(about));
      if (is_filtered(said)) return fault(Fault::Filtered, std::move(about));
      return fault(Fault::Rejected, std::move(about));
    case 401: {
      Failure failure = fault(Fault::Denied, std::move(about));
      failure.token_is_old = true;
      return failure;
    }
    case 403:
      return fault(is_filtered(said) ? Fault::Filtered : Fault::Denied, std::move(about));
    case 408:
    case 409: return fault(Fault::Unavailable, std::move(about), true);
    case 413:
    case 422: return fault(is_too_long(said) ? Fault::TooLong : Fault::Rejected, std::move(about));
    case 429: return fault(Fault::Busy, std::move(about), true);
    case 501:
    case 505: return fault(Fault::Unavailable, std::move(about));
    default: break;
  }
  if (status >= 500) {
    // Some servers have only this for what they cannot take.
    if (is_too_long(said)) return fault(Fault::TooLong, std::move(about));
    return fault(Fault::Unavailable, std::move(about), true);
  }
  return fault(Fault::Rejected, std::move(about));
}

}  // namespace

std::string brief(std::string_view text) {
  std::string out;
  bool tag = false, space = false;
  for (std::size_t i = 0; i < text.size() && out.size() < 4 * kMostBrief;) {
    const char32_t c = next_code_point(text, i);
    const char next = i < text.size() ? text[i] : ' ';
    if (c == '<' && (next == '/' || next == '!' || (next >= 'a' && next <= 'z') || (next >= 'A' && next <= 'Z'))) tag = true;
    if (!tag && c > 0x20 && c != 0x7f) {
      if (space && !out.empty()) out += ' ';
      space = false;
      append_utf8(out, c);
    } else {
      space = true;
    }
    if (c == '>') tag = false;
  }
  const std::string_view first = first_code_points(out, kMostBrief);
  return first.size() < out.size() ? std::string(first) + "…" : out;
}

Failure failure_of(int status, std::string_view body) {
  const Json json = parse_wire(body.substr(0, std::min(body.size(), std::size_t{256} << 10)));
  Said said;
  if (json.is_object()) {
    said = said_in(json);
  } else if (json.is_array() && !json.empty()) {
    said = said_in(json[0]);
  } else {
    said.message = brief(body.substr(0, kMostRead));
  }
  if (status >= 300 && status < 400) return fault(Fault::Rejected, described(status, said) + "; redirects are not followed: set the `url` it leads to");
  return judged(status, said, described(status, said));
}

std::optional<Failure> failure_inside(const nlohmann::json& body) {
  const Json* error = member(body, "error");
  const bool flat = !error && body.is_object() && !member(body, "choices") && !member(body, "data") &&
                    (text_of(body, "object") == "error" || (number_of(body, "status") && !text_of(body, "message").empty()));
  if (!flat && !(error && ((error->is_object() && !error->empty()) || (error->is_string() && !error->get_ref<const std::string&>().empty()))))
    return std::nullopt;
  const Said said = said_in(body);
  int status = said.status;
  if (status == 0) {
    status = is_billing(said) || is_rate(said) ? 429
             : is_denied(said)                 ? 403
             : is_too_long(said) || is_filtered(said) || holds(said.type, {"invalid_request", "badrequest", "bad_request"}) ? 400
                                               : 500;
  }
  return judged(status, said, described(said.status, said));
}

std::string without_secrets(std::string text, const std::vector<std::string>& secrets) {
  constexpr std::size_t kTelling = 6;
  for (const std::string& secret : secrets) {
    if (secret.size() < 4) continue;
    for (std::size_t at = text.find(secret); at != std::string::npos; at = text.find(secret, at + 3))
      text.replace(at, secret.size(), "***");
    if (secret.size() < 2 * kTelling) continue;
    const std::string_view head = std::string_view(secret).substr(0, kTelling);
    const std::string_view tail = std::string_view(secret).substr(secret.size() - kTelling);
    constexpr std::string_view kEnds = " \t\r\n\"'`,;()<>";
    for (std::size_t begin = 0; begin < text.size();) {
      const std::size_t end = std::min(text.find_first_of(kEnds, begin), text.size());
      const std::string_view word = std::string_view(text).substr(begin, end - begin);
      if (word.find(head) != std::string_view::npos || word.find(tail) != std::string_view::npos) {
        text.replace(begin, end - begin, "***");
        begin += 4;
      } else {
        begin = end + 1;
      }
    }
  }
  return text;
}

}  // namespace sufler::llm
