#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "interpreter/core/crm/account.h"
#include "interpreter/core/value.h"
#include "interpreter/network/http_client.h"
#include "interpreter/services/amocrm/memory.h"

/// API v4 of amoCRM.
namespace sufler::amocrm {

/// What came of a call.
struct Outcome {
  enum class Kind : std::uint8_t {
    Good,     ///< `value` is the answer
    Nothing,  ///< 204 or 404: there is none
    Refused,  ///< for good, with `error`
    Later,    ///< another attempt may succeed, not before `wait`
    Unsure,   ///< as Later, and perhaps it was carried out
  } kind = Kind::Good;
  Value value = {};
  std::string error = {};  ///< short, in English; holds no token
  std::string log = {};    ///< for the operator; begins with ALARM where only a person mends it
  Duration wait = {};
  int status = 0;          ///< 0: no answer
  bool good() const { return kind == Kind::Good; }
  bool nothing() const { return kind == Kind::Nothing; }
  bool failed() const { return kind >= Kind::Refused; }
};

/// What a body of an answer means. `body` is whatever came.
Outcome read_answer(int status, std::string_view body);

/// Who asks for something.
struct Caller {
  /// A place in the row of requests, taken already (Memory::recall).
  struct Place {
    std::chrono::steady_clock::time_point at;
    bool begun = false;  ///< with it: only for the request that makes something
  };
  std::function<bool()> stop;         ///< whoever waits gives up
  std::optional<Place> place = {};    ///< for the first request; gone when it has left
};
/// Longest in the row; whoever would wait longer gives the thread to others.
inline constexpr Duration kLongestInRow{3'000};

/// Requests of one account, one after the other as its limit allows, with a token that is alive. Thread-safe; blocks.
class Connection {
 public:
  /// `random`: a number in [0, 1).
  Connection(CrmAccount account, Memory& memory, HttpClient& http, std::function<double()> random);

  /// `path`: below the account's URL, `/api/v4/leads`. `body`: null for none. Waits for its place in the row, and for the
  /// answer; a call whose answer is 401 is repeated once with a fresh token, one of another trouble never.
  /// `begun` is noted before it is sent, with the time when it leaves, and may be null.
  Outcome call(const std::string& method, const std::string& path, const Value& body, Caller& caller, const Begun* begun = nullptr);
  Outcome call(const std::string& method, const std::string& path, const Value& body, const std::function<bool()>& stop) {
    Caller caller{stop};
    return call(method, path, body, caller);
  }
  Outcome get(const std::string& path, Caller& caller) { return call("GET", path, Value(), caller); }
  Outcome get(const std::string& path, const std::function<bool()>& stop) { return call("GET", path, Value(), stop); }

  const CrmAccount& account() const { return account_; }
  Memory& memory() const { return memory_; }

  struct Figures {
    std::map<int, std::uint64_t> by_status;  ///< 0: no answer
    std::uint64_t refreshed = 0;
  };
  Figures figures() const;

 private:
  struct Token {
    std::string access, error, log;
    std::int64_t generation = 0;
    bool later = false;
  };
  /// `stale`: this generation was refused; 0: none was.
  Token token(std::int64_t stale, Caller& caller);
  Token refresh(TokenPair pair, const std::string& begun_with, Caller& caller);
  HttpAnswer send(const std::string& method, const std::string& path, const std::string& body, const std::string& access,
                  const std::function<bool()>& stop);
  Outcome one_call(const std::string& method, const std::string& path, const std::string& body, const Token& token, Caller& caller,
                   const Begun* begun);

  const CrmAccount account_;
  const std::string key_;
  Memory& memory_;
  HttpClient& http_;
  const std::function<double()> random_;
  mutable std::mutex mutex_;
  Figures figures_;
  std::uint32_t troubles_ = 0;  ///< in a row
  std::chrono::steady_clock::time_point trouble_until_{};  ///< what fails sooner is of the same one
};

/// A part of a path or a query, percent-encoded.
std::string url_part(std::string_view text);

/// The whole number of a field, also when it stands there as text; 0 when there is none.
std::int64_t id_of(const Value& value);
std::int64_t id_in(const Value& map, std::string_view name);
/// Empty when it is no text.
std::string text_in(const Value& map, std::string_view name);
/// `_embedded.NAME` of an answer; empty when there is none.
List embedded(const Value& answer, std::string_view name);
/// A field of a map, null when there is none.
const Value& field(const Value& map, std::string_view name);

}  // namespace sufler::amocrm
