#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/storage.h"

/// What operators ask of the database; `Transaction::housekeeping` gives it.
namespace sufler {

/// What was given up: an event, a message, or a message of which nobody knows whether it arrived.
struct Letter {
  std::string id;  ///< `12`; of a message whose arrival is unknown `o12`, its row of the outbox
  std::string bot;
  std::string kind;     ///< `event`, `outbox`, `unknown` or `job`
  ChatAddress chat;     ///< empty where the subject cannot be read
  std::string subject;  ///< JSON of Incoming or of OutboxRow; a text in letters of the first versions
  std::string reason;
  Moment at;
  bool retryable = false;  ///< false: it can be looked at and dropped only
};

/// Whom to erase: a person of a platform, as one bot knows them or all.
struct Erasable {
  std::string transport;
  std::string user_id;
  std::string bot;  ///< empty: all
};

struct Erased {
  /// What, and how many; nothing is left out, zeros included. A table of a scenario is `table NAME`.
  std::vector<std::pair<std::string, std::int64_t>> counts;
  std::vector<std::int64_t> outbox_ids;  ///< rows that must not be sent any more
  /// What their desks are to hear of: those of an agent who was erased are back in the queue, those of a client closed.
  std::vector<std::int64_t> changed_tickets;
  std::int64_t total() const;
};

class Housekeeping {
 public:
  virtual ~Housekeeping() = default;

  /// The newest `limit`, oldest first; of all bots when `bot` is empty.
  virtual Stored<std::vector<Letter>> letters(std::string_view bot, std::size_t limit) = 0;
  virtual Stored<std::optional<Letter>> letter(std::string_view id) = 0;
  /// All ids, oldest first.
  virtual Stored<std::vector<std::string>> letter_ids(std::string_view bot) = 0;
  /// Puts the event back into the inbox, its attempts forgotten, or the message into the outbox
  /// behind all that waits there; the row is given then. Or the job, for which no dialog waits any more. The letter is
  /// gone.
  virtual Stored<std::optional<OutboxRow>> put_back(const Letter& letter, Moment at) = 0;
  virtual Stored<Done> drop(const Letter& letter) = 0;

  /// How much waits, of one bot.
  struct Queues {
    std::string bot;
    std::int64_t dialogs = 0, inbox = 0, outbox = 0, timers = 0, jobs = 0, letters = 0;
    std::int64_t unknown = 0;  ///< of `letters`
  };
  virtual Stored<std::vector<Queues>> queues() = 0;
  /// A desk as it stands.
  struct DeskLine {
    std::string bot, desk;
    std::int64_t agents = 0, on_duty = 0;  ///< the removed left out
    std::int64_t queued = 0, open = 0;     ///< tickets
    Moment waits_since;                    ///< the first of the queue; 0: nobody waits
  };
  /// Those that have or had agents, or have unfinished tickets; of all bots when `bot` is empty.
  virtual Stored<std::vector<DeskLine>> desks(std::string_view bot) = 0;
  /// What models have answered, and the tokens that it took, since a day (UTC).
  struct UsageLine {
    std::string bot;
    std::string what;  ///< `2026-03-15`, `telegram:42`, or the name of the connection
    std::int64_t answers = 0, tokens_in = 0, tokens_out = 0;
  };
  enum class UsageBy : std::uint8_t { Day, Person, Model };
  /// Of all bots when `bot` is empty. The newest day first, else the most tokens; `limit` lines of each bot at most.
  virtual Stored<std::vector<UsageLine>> usage(std::string_view bot, Moment since, UsageBy by, std::size_t limit) = 0;
  /// The version of the tables.
  virtual Stored<int> schema() = 0;

  struct DialogLine {
    std::int64_t id = 0;
    DialogKey key;
    std::string user;  ///< JSON of UserRecord
    std::string place;
    Moment changed_at;
  };
  /// Those that changed last, the latest first. Reads through all dialogs of the database.
  virtual Stored<std::vector<DialogLine>> dialogs(std::string_view bot, std::size_t limit) = 0;

  /// Which dialogs a page shows; empty fields and a moment of 0 ask for nothing.
  struct DialogFilter {
    std::string place;      ///< `branch/question`; a branch alone is all of its places
    std::string transport, user_id;
    Moment changed_before;
  };
  /// Behind `after_id`, in the order of ids; those of a schedule or an event, which have no person, are left out.
  virtual Stored<std::vector<DialogLine>> dialog_page(std::string_view bot, const DialogFilter& filter, std::int64_t after_id,
                                                      std::size_t limit) = 0;

  /// Removes all that is about the person. What a scenario shared between people (`shared`) is not
  /// searched.
  virtual Stored<Erased> erase(const Erasable& who) = 0;

  /// What is kept for a time.
  enum class Kept : std::uint8_t { Journal, DeadLetters, Messages, Track, Dialogs, Tickets, Files };
  /// One bite: looks at `rows` rows at most and removes those that are older than `before`. `from`
  /// is where the next bite begins, 0 or empty after the last of them.
  struct Bite {
    std::int64_t removed = 0;
    std::int64_t from_id = 0;
    std::string from_text;
    bool last = true;
  };
  virtual Stored<Bite> clear(Kept what, Moment before, const Bite& after, std::int64_t rows) = 0;
};

}  // namespace sufler
