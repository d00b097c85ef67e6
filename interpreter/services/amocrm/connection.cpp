// A call is written once and never by itself repeated, but for a token that had ended. Whoever asked decides whether what may
// have been carried out is looked for. All processes of an account take their turns from one row of the database, so that
// together they stay below the limit; what amoCRM says about too much stops them all for a while.
#include "interpreter/services/amocrm/connection.h"

#include <algorithm>
#include <chrono>
#include <future>
#include <thread>
#include <utility>

#include "interpreter/core/plain_json.h"
#include "interpreter/core/sha256.h"
#include "interpreter/core/text.h"

namespace sufler::amocrm {
namespace {

using std::chrono::milliseconds;

constexpr Duration kLongestPause{10 * 60'000};
constexpr Duration kBlockedPause{60'000};
/// Of OAuth: fetched anew so long before its end.
constexpr std::int64_t kBeforeEnd = 5 * 60'000;
/// Beside the time of the request itself: for its place in the row and for storing the pair.
constexpr Duration kRefreshLease{60'000};
constexpr Duration kForAnotherProcess{60'000};
constexpr std::size_t kMostError = 300;
constexpr milliseconds kPoll{50};

std::string first_line(std::string_view text) {
  std::string out;
  for (const char c : first_code_points(text, kMostError)) out.push_back(static_cast<unsigned char>(c) < 0x20 ? ' ' : c);
  return out;
}

/// `custom_fields_values.0.field_id: The value you selected is not a valid choice`.
std::string validation_errors(const Value& answer) {
  std::string all;
  const List* items = field(answer, "validation-errors").list();
  if (!items) return {};
  for (const Value& item : *items) {
    const List* errors = field(item, "errors").list();
    if (!errors) continue;
    for (const Value& one : *errors) {
      std::string detail = text_in(one, "detail");
      while (detail.ends_with('.')) detail.pop_back();
      const std::string path = text_in(one, "path");
      if (detail.empty()) detail = text_in(one, "code");
      all += (all.empty() ? "" : "; ") + (path.empty() ? detail : "`" + path + "`: " + detail);
    }
  }
  return all;
}

Outcome failure(Outcome::Kind kind, int status, std::string error, std::string log = {}, Duration wait = {}) {
  Outcome outcome;
  outcome.kind = kind;
  outcome.status = status;
  outcome.error = std::move(error);
  outcome.log = std::move(log);
  outcome.wait = wait;
  return outcome;
}

bool sleep_until_stopped(milliseconds wait, const std::function<bool()>& stop) {
  const auto end = std::chrono::steady_clock::now() + wait;
  while (std::chrono::steady_clock::now() < end) {
    if (stop && stop()) return false;
    std::this_thread::sleep_for(std::min<std::chrono::steady_clock::duration>(kPoll, end - std::chrono::steady_clock::now()));
  }
  return !(stop && stop());
}

milliseconds until(const Caller::Place& place) {
  return std::max(milliseconds(0), std::chrono::ceil<milliseconds>(place.at - std::chrono::steady_clock::now()));
}

Moment now() {
  return {std::chrono::duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count()};
}

const Value kNull;

}  // namespace

const Value& field(const Value& map, std::string_view name) {
  const ValueMap* items = map.map();
  const Value* found = items ? items->find(name) : nullptr;
  return found ? *found : kNull;
}

std::string text_in(const Value& map, std::string_view name) {
  const std::string* text = field(map, name).text();
  return text ? *text : std::string();
}

std::int64_t id_of(const Value& value) {
  if (const Decimal* number = value.number()) return number->to_int64().value_or(0);
  if (const std::string* text = value.text())
    if (const auto number = Decimal::parse(*text)) return number->to_int64().value_or(0);
  return 0;
}

std::int64_t id_in(const Value& map, std::string_view name) { return id_of(field(map, name)); }

List embedded(const Value& answer, std::string_view name) {
  const List* list = field(field(answer, "_embedded"), name).list();
  return list ? *list : List();
}

std::string url_part(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '~';
    if (plain) {
      out.push_back(c);
    } else {
      out.push_back('%');
      out.push_back(kHex[byte >> 4]);
      out.push_back(kHex[byte & 15]);
    }
  }
  return out;
}

Outcome read_answer(int status, std::string_view body) {
  using Kind = Outcome::Kind;
  Outcome outcome;
  outcome.status = status;
  const std::string code = "amoCRM answers " + std::to_string(status);
  if (status == 204 || status == 404) {
    outcome.kind = Kind::Nothing;
    return outcome;
  }
  if (status >= 200 && status <= 299) {
    if (trim(body).empty()) {
      outcome.kind = Kind::Nothing;
      return outcome;
    }
    auto value = from_plain_json(body);
    // A page of a proxy or of a firewall: whether amoCRM saw the request, nobody knows.
    if (!value || (!value->map() && !value->list())) return failure(Kind::Unsure, status, code + " without JSON", {}, {5'000});
    outcome.value = std::move(*value);
    return outcome;
  }
  std::string detail;
  if (auto value = from_plain_json(body); value && value->map()) {
    detail = validation_errors(*value);
    if (detail.empty()) detail = text_in(*value, "detail");
    if (detail.empty()) detail = text_in(*value, "hint");
    if (detail.empty()) detail = text_in(*value, "title");
  }
  detail = first_line(detail);
  const std::string said = code + (detail.empty() ? "" : ": " + detail);
  switch (status) {
    case 401: return failure(Kind::Refused, status, said, "ALARM: amoCRM does not take the token: it has ended or was revoked; make another one in the integration");
    case 402: return failure(Kind::Refused, status, said, "ALARM: the account of amoCRM is not paid: nothing is written there until it is");
    case 403:
      return failure(Kind::Refused, status, said,
                     "ALARM: amoCRM refuses: the integration has no right to that, its address is not allowed, or it is blocked for too many requests", kBlockedPause);
    case 408:
    case 425:
    case 429: return failure(Kind::Later, status, said, {}, {1'000});
    default: break;
  }
  if (status >= 500) return failure(Kind::Unsure, status, said, {}, {2'000});
  return failure(Kind::Refused, status, said);
}

Connection::Connection(CrmAccount account, Memory& memory, HttpClient& http, std::function<double()> random)
    : account_(std::move(account)), key_(account_.key()), memory_(memory), http_(http), random_(std::move(random)) {}

Connection::Figures Connection::figures() const {
  const std::lock_guard lock(mutex_);
  return figures_;
}

HttpAnswer Connection::send(const std::string& method, const std::string& path, const std::string& body, const std::string& access,
                            const std::function<bool()>& stop) {
  HttpRequest request;
  request.url = account_.url + path;
  request.method = method;
  std::vector<std::string> lines;
  if (!access.empty()) lines.push_back("Authorization: Bearer " + access);
  request.headers = http_headers(std::move(lines));
  request.body = body;
  request.timeout = milliseconds(account_.timeout.ms);
  request.connect_timeout = std::min<milliseconds>(request.timeout, milliseconds(5'000));
  request.proxy = account_.proxy;
  request.ca_file = account_.ca_file;
  request.repeatable = method == "GET";
  const auto promise = std::make_shared<std::promise<HttpAnswer>>();
  auto answer = promise->get_future();
  const HttpClient::RequestId id = http_.submit(std::move(request), [promise](HttpAnswer came) { promise->set_value(std::move(came)); });
  // What has left is not called back: half of it may have been done. Only what nobody needs to wait for is.
  while (method == "GET" && answer.wait_for(kPoll) != std::future_status::ready)
    if (stop && stop()) http_.cancel(id);
  HttpAnswer came = answer.get();
  const std::lock_guard lock(mutex_);
  ++figures_.by_status[came.kind == HttpAnswer::Kind::Answered ? came.status : 0];
  return came;
}

Outcome Connection::one_call(const std::string& method, const std::string& path, const std::string& body, const Token& token,
                             Caller& caller, const Begun* begun) {
  using Kind = Outcome::Kind;
  const std::function<bool()>& stop = caller.stop;
  milliseconds rest{0};
  if (caller.place && caller.place->begun == (begun != nullptr)) {
    rest = until(*caller.place);
    caller.place.reset();
  } else {
    Begun leaves;
    if (begun) {
      leaves = *begun;
      leaves.now_unix_s = now().unix_ms / 1000;
    }
    auto wait = memory_.next_request(key_, account_.between, kLongestInRow, begun ? &leaves : nullptr);
    if (!wait) return failure(Kind::Later, 0, "the database: " + wait.error(), {}, {1'000});
    if (*wait > kLongestInRow) return failure(Kind::Later, 0, "too many requests to amoCRM wait", {}, *wait);
    rest = milliseconds(wait->ms);
  }
  if (!sleep_until_stopped(rest, stop)) return failure(Kind::Later, 0, "the work was stopped");
  const HttpAnswer answer = send(method, path, body, token.access, stop);
  Outcome outcome;
  if (answer.kind == HttpAnswer::Kind::Answered) {
    outcome = read_answer(answer.status, answer.body);
  } else {
    const bool lost = answer.kind == HttpAnswer::Kind::Lost;
    outcome = failure(lost ? Kind::Unsure : Kind::Later, 0, "amoCRM does not answer: " + answer.error, {}, {2'000});
  }
  const Duration asked{std::chrono::duration_cast<milliseconds>(answer.retry_after).count()};
  const bool trouble = outcome.kind == Kind::Later || outcome.kind == Kind::Unsure;
  {
    const std::lock_guard lock(mutex_);
    const auto at = std::chrono::steady_clock::now();
    if (!trouble) {
      troubles_ = 0;
    } else {
      // Many calls that fail together are one trouble: it is another one when the wait for it is over.
      const bool fresh = troubles_ == 0 || at >= trouble_until_;
      if (fresh) ++troubles_;
      // From a second on, doubled.
      for (std::uint32_t i = 1; i < troubles_ && outcome.wait < kLongestPause; ++i) outcome.wait.ms *= 2;
      outcome.wait = std::min(outcome.wait, kLongestPause);
      if (fresh) trouble_until_ = at + milliseconds(outcome.wait.ms);
    }
  }
  // What amoCRM itself asks for is not cut.
  outcome.wait = std::max(outcome.wait, asked);
  // With a third of chance so that processes do not come back together.
  if (trouble) outcome.wait.ms += static_cast<std::int64_t>(static_cast<double>(outcome.wait.ms) * random_() / 3);
  if (outcome.status == 429 || outcome.status == 403) (void)memory_.pause(key_, outcome.wait);
  return outcome;
}

Outcome Connection::call(const std::string& method, const std::string& path, const Value& body, Caller& caller, const Begun* begun) {
  using Kind = Outcome::Kind;
  const std::string json = body.is_null() ? std::string() : to_plain_json(body, Zone());
  Token own = token(0, caller);
  if (!own.error.empty()) return failure(own.later ? Kind::Later : Kind::Refused, own.later ? 0 : 401, own.error, own.log, own.later ? Duration{2'000} : Duration{});
  Outcome outcome = one_call(method, path, json, own, caller, begun);
  if (outcome.status != 401 || !account_.by_oauth()) return outcome;
  own = token(own.generation, caller);
  if (!own.error.empty()) return failure(own.later ? Kind::Later : Kind::Refused, own.later ? 0 : 401, own.error, own.log, own.later ? Duration{2'000} : Duration{});
  return one_call(method, path, json, own, caller, begun);
}

Connection::Token Connection::token(std::int64_t stale, Caller& caller) {
  Token token;
  if (!account_.by_oauth()) {
    token.access = account_.token;
    return token;
  }
  // A code or a token that the owner has put into the configuration anew begins anew.
  const std::string given = account_.code + "\n" + account_.refresh_token;
  const std::string begun_with = given.size() > 1 ? sha256_hex(given) : std::string();
  const auto patience = std::chrono::steady_clock::now() + milliseconds(kForAnotherProcess.ms);
  for (;;) {
    auto pair = memory_.tokens(key_);
    if (!pair) {
      token.error = "the database: " + pair.error();
      token.later = true;
      return token;
    }
    const bool begins = !begun_with.empty() && pair->begun_with != begun_with;
    const bool old = pair->generation == stale || pair->expires.unix_ms - now().unix_ms < kBeforeEnd;
    if (pair->generation > 0 && !begins && !old) {
      token.access = std::move(pair->access);
      token.generation = pair->generation;
      return token;
    }
    auto alone = memory_.begin_refresh(key_, pair->generation, {account_.timeout.ms + kRefreshLease.ms});
    if (!alone) {
      token.error = "the database: " + alone.error();
      token.later = true;
      return token;
    }
    if (*alone) {
      if (begins) pair->refresh.clear();
      return refresh(std::move(*pair), begun_with, caller);
    }
    if (std::chrono::steady_clock::now() > patience || !sleep_until_stopped(kPoll * 4, caller.stop)) {
      token.error = "another process fetches a token of amoCRM";
      token.later = true;
      return token;
    }
  }
}

Connection::Token Connection::refresh(TokenPair pair, const std::string& begun_with, Caller& caller) {
  Token token;
  ValueMap request;
  request.set("client_id", account_.client_id);
  request.set("client_secret", account_.client_secret);
  if (pair.refresh.empty() && account_.refresh_token.empty()) {
    request.set("grant_type", "authorization_code");
    request.set("code", account_.code);
  } else {
    request.set("grant_type", "refresh_token");
    request.set("refresh_token", pair.refresh.empty() ? account_.refresh_token : pair.refresh);
  }
  request.set("redirect_uri", account_.redirect_uri);
  const auto give_up = [&](std::string error, bool later, std::string log) {
    (void)memory_.end_refresh(key_, pair.generation);
    token.error = std::move(error);
    token.later = later;
    token.log = std::move(log);
    return token;
  };
  milliseconds rest{0};
  if (caller.place) {  // whatever it was for: what is asked behind this takes another
    rest = until(*caller.place);
    caller.place.reset();
  } else {
    auto wait = memory_.next_request(key_, account_.between, kLongestInRow);
    if (!wait) return give_up("the database: " + wait.error(), true, {});
    if (*wait > kLongestInRow) return give_up("too many requests to amoCRM wait", true, {});
    rest = milliseconds(wait->ms);
  }
  if (!sleep_until_stopped(rest, caller.stop)) return give_up("the work was stopped", true, {});
  const HttpAnswer answer = send("POST", "/oauth2/access_token", to_plain_json(Value(std::move(request)), Zone()), {}, {});
  if (answer.kind != HttpAnswer::Kind::Answered) return give_up("amoCRM does not answer: " + answer.error, true, {});
  Outcome outcome = read_answer(answer.status, answer.body);
  const std::string access = text_in(outcome.value, "access_token"), fresh = text_in(outcome.value, "refresh_token");
  if (outcome.good() && !access.empty() && !fresh.empty()) {
    pair.access = access;
    pair.refresh = fresh;
    pair.begun_with = begun_with.empty() ? pair.begun_with : begun_with;
    const std::int64_t lives = id_in(outcome.value, "expires_in");
    pair.expires = {now().unix_ms + std::clamp<std::int64_t>(lives, 600, 90 * 86'400) * 1000};
    // Before it is used: the old pair is worth nothing from now on. The database may be away for a moment.
    for (int i = 0;; ++i) {
      if (auto kept = memory_.keep_tokens(key_, pair)) break;
      else if (i == 100) return give_up("the database does not take the fresh token: " + kept.error(), true, "ALARM: a fresh token of amoCRM could not be stored");
      std::this_thread::sleep_for(milliseconds(200));
    }
    // The lease had ended, and a newer pair is there.
    if (pair.generation == 0) return give_up("another process fetched a token of amoCRM meanwhile", true, {});
    const std::lock_guard lock(mutex_);
    ++figures_.refreshed;
    token.access = std::move(pair.access);
    token.generation = pair.generation;
    return token;
  }
  if (outcome.kind == Outcome::Kind::Later || outcome.kind == Outcome::Kind::Unsure || outcome.good()) return give_up("no token of amoCRM: " + outcome.error, true, {});
  return give_up("no token of amoCRM: " + (outcome.error.empty() ? "amoCRM answers " + std::to_string(answer.status) : outcome.error), false,
                 "ALARM: amoCRM gives no token: the code or the refresh token has ended or was used; grant the access anew and put the fresh code into `crm`");
}

}  // namespace sufler::amocrm
