#include <algorithm>

#include "storage/crm_store.h"
#include "storage/transaction.h"

namespace sufler {

using storage::SqlTransaction;

namespace {

/// A clock that was wrong for a while must not stop everything.
constexpr std::int64_t kFarthest = 60 * 60'000;

}  // namespace

// There is one kind of transaction: every database's derives from it.
CrmStore::CrmStore(Transaction& transaction) : tx_(static_cast<SqlTransaction&>(transaction)) {}

Stored<CrmStore::Links> CrmStore::links(std::string_view account, const Person& person) {
  return tx_.operation([&]() -> Stored<Links> {
    Links links;
    tx_.statements_.one("SELECT contact_id, lead_id FROM crm_links WHERE user_id = ? AND transport = ? AND bot = ? AND account = ?",
                        std::tie(links.contact_id, links.lead_id), person.user_id, person.transport, person.bot, account);
    return links;
  });
}

Stored<Done> CrmStore::link(std::string_view account, const Person& person, const Links& links, Moment at) {
  return tx_.operation([&]() -> Stored<Done> {
    tx_.statements_.run(
        R"(INSERT INTO crm_links (user_id, transport, bot, account, contact_id, lead_id, changed_at_unix_ms)
           VALUES (?, ?, ?, ?, ?, ?, ?)
           ON CONFLICT (user_id, transport, bot, account) DO UPDATE SET
             contact_id = CASE WHEN excluded.contact_id <> 0 THEN excluded.contact_id ELSE crm_links.contact_id END,
             lead_id = CASE WHEN excluded.lead_id <> 0 THEN excluded.lead_id ELSE crm_links.lead_id END,
             changed_at_unix_ms = excluded.changed_at_unix_ms)",
        person.user_id, person.transport, person.bot, account, links.contact_id, links.lead_id, at.unix_ms);
    return Done{};
  });
}

Stored<std::optional<CrmStore::Person>> CrmStore::person_of_lead(std::string_view account, std::int64_t lead_id) {
  return tx_.operation([&]() -> Stored<std::optional<Person>> {
    Person person;
    const bool found =
        tx_.statements_.one("SELECT bot, transport, user_id FROM crm_made WHERE account = ? AND what = 'lead' AND made_id = ? LIMIT 1",
                            std::tie(person.bot, person.transport, person.user_id), account, lead_id) ||
        tx_.statements_.one("SELECT bot, transport, user_id FROM crm_links WHERE account = ? AND lead_id = ? LIMIT 1",
                            std::tie(person.bot, person.transport, person.user_id), account, lead_id);
    return found ? std::optional(person) : std::nullopt;
  });
}

Stored<std::optional<CrmStore::Person>> CrmStore::person_of_contact(std::string_view account, std::int64_t contact_id) {
  return tx_.operation([&]() -> Stored<std::optional<Person>> {
    Person person;
    // A contact may be two people's, of two platforms: whoever was there last.
    const bool found = tx_.statements_.one(
        R"(SELECT bot, transport, user_id FROM crm_links WHERE account = ? AND contact_id = ?
           ORDER BY changed_at_unix_ms DESC LIMIT 1)",
        std::tie(person.bot, person.transport, person.user_id), account, contact_id);
    return found ? std::optional(person) : std::nullopt;
  });
}

Stored<std::optional<CrmStore::Made>> CrmStore::made(std::string_view mark, std::string_view what) {
  return tx_.operation([&]() -> Stored<std::optional<Made>> {
    Made made;
    const bool found = tx_.statements_.one("SELECT begun_unix_s, made_id, contact_id FROM crm_made WHERE mark = ? AND what = ?",
                                           std::tie(made.begun_unix_s, made.made_id, made.contact_id), mark, what);
    return found ? std::optional(made) : std::nullopt;
  });
}

Stored<Done> CrmStore::begin(std::string_view account, std::string_view mark, std::string_view what, const Person& person,
                             std::int64_t begun_unix_s) {
  return tx_.operation([&]() -> Stored<Done> {
    tx_.statements_.run(
        R"(INSERT INTO crm_made (mark, what, account, bot, transport, user_id, begun_unix_s, made_id, contact_id)
           VALUES (?, ?, ?, ?, ?, ?, ?, 0, 0)
           ON CONFLICT (mark, what) DO UPDATE SET begun_unix_s = excluded.begun_unix_s)",
        mark, what, account, person.bot, person.transport, person.user_id, begun_unix_s);
    return Done{};
  });
}

Stored<Done> CrmStore::set_made(std::string_view mark, std::string_view what, const Made& made) {
  return tx_.operation([&]() -> Stored<Done> {
    tx_.statements_.run("UPDATE crm_made SET made_id = ?, contact_id = ? WHERE mark = ? AND what = ?", made.made_id, made.contact_id,
                        mark, what);
    return Done{};
  });
}

Stored<Done> CrmStore::not_made(std::string_view mark, std::string_view what) {
  return tx_.operation([&]() -> Stored<Done> {
    tx_.statements_.run("DELETE FROM crm_made WHERE mark = ? AND what = ? AND made_id = 0", mark, what);
    return Done{};
  });
}

Stored<bool> CrmStore::is_made(std::string_view account, std::string_view what, std::int64_t id) {
  return tx_.operation([&]() -> Stored<bool> {
    std::int64_t found = 0;
    tx_.statements_.one("SELECT count(*) FROM crm_made WHERE account = ? AND what = ? AND made_id = ?", std::tie(found), account, what, id);
    return found != 0;
  });
}

/// Of the database, so that machines whose clocks differ take the same row's places.
std::int64_t CrmStore::clock() {
  std::int64_t now = 0;
  if (tx_.dialect_.locks_rows) {
    tx_.statements_.one("SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)", std::tie(now));
  } else {
    tx_.statements_.one("SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)", std::tie(now));
  }
  return now;
}

void CrmStore::add_account(std::string_view account) {
  tx_.statements_.run(
      R"(INSERT INTO crm_accounts (account, next_at_unix_ms, access_token, refresh_token, expires_at_unix_ms, generation, begun_with,
           refreshing_until_unix_ms) VALUES (?, 0, '', '', 0, 0, '', 0) ON CONFLICT (account) DO NOTHING)",
      account);
}

Stored<Duration> CrmStore::next_request(std::string_view account, Duration between, Duration most) {
  return tx_.operation([&]() -> Stored<Duration> {
    std::int64_t next = 0;
    // Locked first, and only then the clock is looked at: whoever waited for the row has a later one.
    const auto find = [&] {
      return tx_.dialect_.locks_rows
                 ? tx_.statements_.one("SELECT next_at_unix_ms FROM crm_accounts WHERE account = ? FOR UPDATE", std::tie(next), account)
                 : tx_.statements_.one("SELECT next_at_unix_ms FROM crm_accounts WHERE account = ?", std::tie(next), account);
    };
    if (!find()) {
      add_account(account);
      find();
    }
    const std::int64_t now = clock();
    if (next > now + kFarthest) next = now;
    const std::int64_t at = std::max(next, now);
    if (at - now <= most.ms) tx_.statements_.run("UPDATE crm_accounts SET next_at_unix_ms = ? WHERE account = ?", at + between.ms, account);
    return Duration{at - now};
  });
}

Stored<Done> CrmStore::pause(std::string_view account, Duration wait) {
  return tx_.operation([&]() -> Stored<Done> {
    add_account(account);
    const std::int64_t until = clock() + std::min(wait.ms, kFarthest);
    tx_.statements_.run("UPDATE crm_accounts SET next_at_unix_ms = ? WHERE account = ? AND next_at_unix_ms < ?", until, account, until);
    return Done{};
  });
}

Stored<CrmStore::Tokens> CrmStore::tokens(std::string_view account) {
  return tx_.operation([&]() -> Stored<Tokens> {
    Tokens tokens;
    tx_.statements_.one(
        "SELECT access_token, refresh_token, begun_with, expires_at_unix_ms, generation FROM crm_accounts WHERE account = ?",
        std::tie(tokens.access, tokens.refresh, tokens.begun_with, tokens.expires.unix_ms, tokens.generation), account);
    return tokens;
  });
}

Stored<bool> CrmStore::begin_refresh(std::string_view account, std::int64_t generation, Duration lease) {
  return tx_.operation([&]() -> Stored<bool> {
    add_account(account);
    const std::int64_t now = clock();
    return tx_.statements_.run(
               R"(UPDATE crm_accounts SET refreshing_until_unix_ms = ? WHERE account = ? AND generation = ? AND
                  (refreshing_until_unix_ms < ? OR refreshing_until_unix_ms > ?))",
               now + lease.ms, account, generation, now, now + kFarthest) != 0;
  });
}

Stored<std::int64_t> CrmStore::keep_tokens(std::string_view account, const Tokens& tokens) {
  return tx_.operation([&]() -> Stored<std::int64_t> {
    std::int64_t generation = 0;
    tx_.statements_.one(
        R"(UPDATE crm_accounts SET access_token = ?, refresh_token = ?, begun_with = ?, expires_at_unix_ms = ?,
             generation = generation + 1, refreshing_until_unix_ms = 0 WHERE account = ? AND generation = ? RETURNING generation)",
        std::tie(generation), tokens.access, tokens.refresh, tokens.begun_with, tokens.expires.unix_ms, account, tokens.generation);
    return generation;
  });
}

Stored<Done> CrmStore::end_refresh(std::string_view account, std::int64_t generation) {
  return tx_.operation([&]() -> Stored<Done> {
    tx_.statements_.run("UPDATE crm_accounts SET refreshing_until_unix_ms = 0 WHERE account = ? AND generation = ?", account, generation);
    return Done{};
  });
}

Stored<std::vector<std::string>> CrmStore::chats(std::string_view bot, const ChatAddress& place, Moment since, std::size_t most) {
  return tx_.operation([&]() -> Stored<std::vector<std::string>> {
    std::vector<std::string> all;
    std::string chat;
    tx_.statements_.each(
        R"(SELECT m.message_id FROM messages_map AS m JOIN dialogs AS d ON d.id = m.dialog_id
           WHERE m.chat = ? AND m.transport = ? AND m.bot = ? AND d.changed_at_unix_ms >= ? ORDER BY d.changed_at_unix_ms DESC, m.message_id LIMIT ?)",
        std::tie(chat), [&] { all.push_back(chat); }, place.chat_id, place.transport, bot, since.unix_ms, static_cast<std::int64_t>(most));
    return all;
  });
}

Stored<bool> CrmStore::is_first_job(std::int64_t job_id) {
  return tx_.operation([&]() -> Stored<bool> {
    std::int64_t older = 0;
    tx_.statements_.one(
        R"(SELECT count(*) FROM jobs AS own JOIN dialogs AS d ON d.id = own.dialog_id
           JOIN dialogs AS theirs ON theirs.user_id = d.user_id AND theirs.transport = d.transport AND theirs.bot = d.bot
           JOIN jobs AS other ON other.dialog_id = theirs.id AND other.service = own.service AND other.id < own.id
           WHERE own.id = ?)",
        std::tie(older), job_id);
    return older == 0;
  });
}

}  // namespace sufler
