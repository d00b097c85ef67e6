#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "interpreter/core/moment.h"
#include "interpreter/core/result.h"

/// What the work with amoCRM has to remember over processes and restarts.
namespace sufler::amocrm {

/// Of OAuth. `generation` grows with each pair that is kept; 0: there is none yet.
struct TokenPair {
  std::string access, refresh;
  Moment expires;
  std::int64_t generation = 0;
  std::string begun_with;  ///< what of the configuration the first pair came from, as a hash
};

/// Whose contact and lead it is: a person of a bot.
struct Person {
  std::string bot, transport, user_id;
};

/// Ids in amoCRM; 0: none.
struct Links {
  std::int64_t contact_id = 0, lead_id = 0;
};

/// That something is about to be made, and what it became.
struct Mark {
  std::int64_t begun_unix_s = 0;
  std::int64_t made_id = 0;     ///< 0: nobody knows whether it was made
  std::int64_t contact_id = 0;  ///< that came with a lead; 0: none
};

/// What is about to be made for an order.
struct Begun {
  std::string mark, what;
  Person person;
  std::int64_t now_unix_s = 0;
};

/// What is known of an order before its work. `mark`: nothing, where it was never begun.
struct Recalled {
  bool first = false;  ///< no older job of the same person still waits to be done
  Links links;
  std::optional<Mark> mark;
  std::optional<Duration> place;  ///< in the row for its first request, as `next_request` gives it; none when it is not the first
  bool begun = false;             ///< with that place
};

/// The row of an account's requests: how far they are from each other, and how long one waits at most.
struct Row {
  Duration between, most;
};

/// Durable when a call returns. Thread-safe. `account` is CrmAccount::key. The error is for the operator: the database has
/// some trouble, and later it may work.
class Memory {
 public:
  template <class T>
  using Known = Result<T, std::string>;
  virtual ~Memory() = default;

  /// Takes the next place in the row of an account's requests, of all processes, `between` behind the one before: how long
  /// it is until then. Where that is longer than `most`, no place is taken. `begun`, unless null, is noted with the place: as begun when its turn comes.
  virtual Known<Duration> next_request(const std::string& account, Duration between, Duration most, const Begun* begun = nullptr) = 0;
  /// Nobody sends a request for so long.
  virtual Known<Done> pause(const std::string& account, Duration wait) = 0;

  virtual Known<TokenPair> tokens(const std::string& account) = 0;
  /// Whether the caller alone may fetch the pair behind this generation, until the lease ends.
  virtual Known<bool> begin_refresh(const std::string& account, std::int64_t generation, Duration lease) = 0;
  /// Ends the lease of the pair behind `pair.generation`, and sets that; 0: it was not kept, for there is a newer one.
  virtual Known<Done> keep_tokens(const std::string& account, TokenPair& pair) = 0;
  /// Ends the lease of this generation without a pair.
  virtual Known<Done> end_refresh(const std::string& account, std::int64_t generation) = 0;

  virtual Known<Links> links(const std::string& account, const Person& person) = 0;
  /// `order`: what is made for it, such as `lead`, is known or not. `begin`: its first request makes it, so where it was not
  /// begun before it is begun with the place.
  virtual Known<Recalled> recall(const std::string& account, std::int64_t job_id, const Begun& order, const Row& row, bool begin) = 0;
  /// It was made: this and the person's links, those that are not 0, together. With an empty `mark` the links alone.
  virtual Known<Done> made(const std::string& account, const std::string& mark, const std::string& what, const Person& person,
                           const Mark& became, const Links& links) = 0;
  /// Amo refused it: nothing was made.
  virtual Known<Done> not_made(const std::string& mark, const std::string& what) = 0;
  /// Whether somebody's lead is this one already: another order made it.
  virtual Known<bool> is_made(const std::string& account, const std::string& what, std::int64_t id) = 0;
};

}  // namespace sufler::amocrm
