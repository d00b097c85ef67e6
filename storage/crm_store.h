#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/storage.h"

/// What the work with a CRM remembers: whose contact and lead is which, what was begun and what it became, the row of an
/// account's requests, and the tokens of OAuth.
namespace sufler {

namespace storage {
class SqlTransaction;
}

/// `account`: CrmAccount::key.
class CrmStore {
 public:
  explicit CrmStore(Transaction& transaction);

  struct Person {
    std::string bot, transport, user_id;
  };
  /// Ids of the CRM; 0: none.
  struct Links {
    std::int64_t contact_id = 0, lead_id = 0;
  };
  Stored<Links> links(std::string_view account, const Person& person);
  /// Those that are not 0.
  Stored<Done> link(std::string_view account, const Person& person, const Links& links, Moment at);
  /// Whose lead or contact it is: whoever it was made for, else whoever it is linked to.
  Stored<std::optional<Person>> person_of_lead(std::string_view account, std::int64_t lead_id);
  Stored<std::optional<Person>> person_of_contact(std::string_view account, std::int64_t contact_id);

  struct Made {
    std::int64_t begun_unix_s = 0;
    std::int64_t made_id = 0;  ///< 0: nobody knows
    std::int64_t contact_id = 0;
  };
  Stored<std::optional<Made>> made(std::string_view mark, std::string_view what);
  Stored<Done> begin(std::string_view account, std::string_view mark, std::string_view what, const Person& person,
                     std::int64_t begun_unix_s);
  Stored<Done> set_made(std::string_view mark, std::string_view what, const Made& made);
  Stored<Done> not_made(std::string_view mark, std::string_view what);
  Stored<bool> is_made(std::string_view account, std::string_view what, std::int64_t id);

  /// Takes the next place in the row, `between` behind the one before, by the database's clock; how long it is until then.
  /// Longer than `most`: none was taken.
  Stored<Duration> next_request(std::string_view account, Duration between, Duration most);
  /// No place sooner than this.
  Stored<Done> pause(std::string_view account, Duration wait);

  struct Tokens {
    std::string access, refresh, begun_with;
    Moment expires;
    std::int64_t generation = 0;  ///< 0: there are none
  };
  Stored<Tokens> tokens(std::string_view account);
  /// Whether nobody else fetches the pair behind this generation. Until the lease ends nobody else will.
  Stored<bool> begin_refresh(std::string_view account, std::int64_t generation, Duration lease);
  /// One generation behind `tokens.generation`; ends the lease. Gives the generation; 0: there is a newer one, which stays.
  Stored<std::int64_t> keep_tokens(std::string_view account, const Tokens& tokens);
  Stored<Done> end_refresh(std::string_view account, std::int64_t generation);

  /// Chats there of the bot's dialogs in which something happened since, the latest first: what `tx.map_message` has about
  /// `place`.
  Stored<std::vector<std::string>> chats(std::string_view bot, const ChatAddress& place, Moment since, std::size_t most);

  /// Whether no older job of the service and of the same person is left.
  Stored<bool> is_first_job(std::int64_t job_id);

 private:
  std::int64_t clock();
  void add_account(std::string_view account);
  storage::SqlTransaction& tx_;
};

}  // namespace sufler
