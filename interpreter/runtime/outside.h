#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "interpreter/core/happenings.h"
#include "storage/schedule_store.h"
#include "storage/storage.h"

/// What other systems send to a bot: who it is about, and its way into the inbox (LANGUAGE 9, 14). No network and no clock
/// here: whoever heard the call, or a talk, brings it.
namespace sufler {

/// The body of a call. `form`: `application/x-www-form-urlencoded`, a map of texts; otherwise JSON. Else the reason, in
/// English; a body larger than kMaxEventBytes or nested deeper than kMaxEventDepth is refused.
Result<Value, std::string> read_event_body(std::string_view body, bool form);
inline constexpr std::size_t kMaxEventBytes = 64 * 1024;
inline constexpr int kMaxEventDepth = 32;
inline constexpr std::size_t kMaxFormFields = 200;

/// Whether what came in the header is the secret, or the signature of the body made with it; takes the same time whatever
/// was guessed. A signature is hexadecimal or base64, with or without `sha256=` before it; a secret may have `Bearer `.
bool is_proven(const Happening& event, std::string_view secret, std::string_view header, std::string_view body);

/// A call of a webhook on its way to whom it is about. Portions of the search are transactions of their own, so that what
/// people write meanwhile is played between two; nothing is stored before the last, which stores all.
class EventIntake {
 public:
  struct Call {
    std::string bot;
    std::string webhook;
    Value json;
    std::string key;  ///< the caller's name of this call (`Idempotency-Key`), for events without `id`; may be empty
  };
  struct Outcome {
    enum class What : std::uint8_t {
      Stored,
      Repeated,    ///< the same call was stored before: nothing happens
      Nobody,      ///< no person is like that, and nothing is stored
      Several,     ///< more than one is, and nothing is stored
      Unknown,     ///< the scenario has no such webhook any more
      Unreadable,  ///< its expressions cannot be worked out with what came; `reason`
    } what = What::Stored;
    std::string reason = {};  ///< English; no values of what came
    std::string answer = {};  ///< Stored, Repeated: what the event's author wants answered; empty: nothing special
  };

  explicit EventIntake(Call call) : given_(call), call_(std::move(call)) {}

  /// Nothing: there is more to look at. `program` may be another version each time.
  Stored<std::optional<Outcome>> go_on(Storage& storage, const Program& program, Moment now);

 private:
  using Found = ScheduleStore::Listener;
  bool is_meant(const Program& program, const Happening& event, const Found& one, const ValueMap& shared, Moment now);
  Stored<bool> is_repeat(Storage& storage, Moment now) const;
  Stored<Done> begin(Transaction& tx, const Program& program, const Happening& event, Moment now);
  Stored<Done> look(Transaction& tx, const Program& program, const Happening& event, Moment now);
  Stored<Done> store(Transaction& tx, const Program& program, const Happening& event, Moment now);
  void end(Outcome::What what, std::string reason = {});
  std::optional<Value> worked_out(const Program& program, const Expression& expression, Moment now);
  std::string claim() const;

  Call given_;
  Call call_;
  std::shared_ptr<const Happenings> events_;  ///< of the version that it was begun with
  bool begun_ = false;
  bool looked_ = false;
  std::string person_;     ///< `platform:id` or an id; empty: a condition finds the person
  std::string phone_;      ///< what `user.phone` is to be, as phones are kept; empty: not asked for
  std::size_t phone_part_ = 0;  ///< of the condition's parts, the one that asks for it
  std::string needle_;     ///< what the record of whoever is meant must hold; empty: everybody is looked at
  std::int64_t after_ = 0;
  std::vector<Found> found_;
  std::size_t faults_ = 0;
  std::string fault_;
  std::optional<Outcome> outcome_;
};

}  // namespace sufler
