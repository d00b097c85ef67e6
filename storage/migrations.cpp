#include "storage/migrations.h"

#include <array>
#include <string>
#include <vector>

#include "storage/errors.h"

// Steps only go forward, and one that has been released is never edited: a change is a new step at
// the end. Times are Unix milliseconds, as the columns' names say. There are no foreign keys: every
// turn would pay for them, and rows that belong together are written in one transaction.
namespace sufler::storage {
namespace {

using Step = std::vector<std::string_view>;

const std::vector<Step>& steps() {
  static const std::vector<Step> all = {
      {
          R"(CREATE TABLE users (
               id {identity}, bot TEXT NOT NULL, transport TEXT NOT NULL, user_id TEXT NOT NULL,
               record TEXT NOT NULL))",
          // The column that tells most stands first: the others are the same all over a database.
          "CREATE UNIQUE INDEX users_key ON users (user_id, transport, bot)",

          R"(CREATE TABLE dialogs (
               id {identity}, bot TEXT NOT NULL, transport TEXT NOT NULL, chat TEXT NOT NULL,
               user_id TEXT NOT NULL, user_row BIGINT NOT NULL, last_line BIGINT NOT NULL,
               changed_at_unix_ms BIGINT NOT NULL, place TEXT NOT NULL, state TEXT NOT NULL))",
          "CREATE UNIQUE INDEX dialogs_key ON dialogs (user_id, chat, transport, bot)",

          R"(CREATE TABLE inbox (
               id {key}, bot TEXT NOT NULL, transport TEXT NOT NULL, event_id TEXT NOT NULL,
               attempts BIGINT NOT NULL, incoming TEXT NOT NULL))",
          "CREATE UNIQUE INDEX inbox_key ON inbox (event_id, transport, bot)",

          // Only what is still to be sent, so its own key is index enough.
          R"(CREATE TABLE outbox (
               id {key}, bot TEXT NOT NULL, transport TEXT NOT NULL, chat TEXT NOT NULL,
               dialog_id BIGINT NOT NULL, created_at_unix_ms BIGINT NOT NULL, state BIGINT NOT NULL,
               attempts BIGINT NOT NULL, resend BIGINT NOT NULL, ordered BIGINT NOT NULL,
               expendable BIGINT NOT NULL, hold_ms BIGINT NOT NULL, method TEXT NOT NULL,
               body TEXT NOT NULL, files TEXT NOT NULL, reason TEXT NOT NULL))",

          R"(CREATE TABLE timers (
               dialog_id BIGINT NOT NULL, name TEXT NOT NULL, bot TEXT NOT NULL,
               due_at_unix_ms BIGINT NOT NULL, serial BIGINT NOT NULL,
               PRIMARY KEY (dialog_id, name)){clustered})",
          "CREATE INDEX timers_due ON timers (bot, due_at_unix_ms)",

          // A line knows the one before it in its dialog, and the dialog its newest: see
          // SqlTransaction.
          R"(CREATE TABLE journal (
               id {key}, dialog_id BIGINT NOT NULL, previous BIGINT NOT NULL,
               at_unix_ms BIGINT NOT NULL, event_id TEXT NOT NULL, version TEXT NOT NULL,
               event TEXT NOT NULL, turn TEXT NOT NULL))",

          R"(CREATE TABLE dead_letters (
               id {identity}, bot TEXT NOT NULL, kind TEXT NOT NULL, at_unix_ms BIGINT NOT NULL,
               reason TEXT NOT NULL, subject TEXT NOT NULL))",

          R"(CREATE TABLE scenario_versions (
               bot TEXT NOT NULL, version TEXT NOT NULL, at_unix_ms BIGINT NOT NULL,
               scenario TEXT NOT NULL, PRIMARY KEY (bot, version)))",

          R"(CREATE TABLE positions (
               bot TEXT NOT NULL, transport TEXT NOT NULL, at_unix_ms BIGINT NOT NULL,
               position TEXT NOT NULL, PRIMARY KEY (bot, transport)){clustered})",

          R"(CREATE TABLE seen_events (
               id {identity}, bot TEXT NOT NULL, transport TEXT NOT NULL, event_id TEXT NOT NULL,
               at_unix_ms BIGINT NOT NULL))",
          "CREATE UNIQUE INDEX seen_events_key ON seen_events (event_id, transport, bot)",

          R"(CREATE TABLE shared_values (
               bot TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (bot, name)))",

          R"(CREATE TABLE track_events (
               id {identity}, bot TEXT NOT NULL, dialog_id BIGINT NOT NULL, name TEXT NOT NULL,
               at_unix_ms BIGINT NOT NULL))",

          // What columns each table of a scenario has in the database, those that no scenario names
          // any more included; and which scenarios use it with which columns.
          "CREATE TABLE scenario_tables (name TEXT NOT NULL PRIMARY KEY, columns TEXT NOT NULL)",
          R"(CREATE TABLE scenario_table_users (
               name TEXT NOT NULL, scenario TEXT NOT NULL, columns TEXT NOT NULL,
               PRIMARY KEY (name, scenario)))",

          // Ids below `next` are given out; see Ids.
          "CREATE TABLE counters (name TEXT NOT NULL PRIMARY KEY, next BIGINT NOT NULL)",
          "INSERT INTO counters (name, next) VALUES ('inbox', 1), ('outbox', 1), ('journal', 1)",

          "CREATE TABLE run_state (running BIGINT NOT NULL)",
          "INSERT INTO run_state (running) VALUES (0)",
      },
      {
          "ALTER TABLE outbox ADD COLUMN repeat_key BIGINT NOT NULL DEFAULT 0",
          "ALTER TABLE outbox ADD COLUMN notice BIGINT NOT NULL DEFAULT 0",
          R"(CREATE TABLE messages_map (
               message_id TEXT NOT NULL, chat TEXT NOT NULL, transport TEXT NOT NULL, bot TEXT NOT NULL,
               dialog_id BIGINT NOT NULL, at_unix_ms BIGINT NOT NULL,
               PRIMARY KEY (message_id, chat, transport, bot)){clustered})",
      },
      {
          // Whose dialogs an event is about, as a number: events of one person wait for each other.
          "ALTER TABLE inbox ADD COLUMN person BIGINT NOT NULL DEFAULT 0",
          "CREATE INDEX inbox_person ON inbox (person, id)",
          // Each event of a platform goes in here: its key is the whole row, and is written once.
          R"(CREATE TABLE seen_events_by_key (
               event_id TEXT NOT NULL, transport TEXT NOT NULL, bot TEXT NOT NULL,
               at_unix_ms BIGINT NOT NULL, PRIMARY KEY (event_id, transport, bot)){clustered})",
          R"(INSERT INTO seen_events_by_key (event_id, transport, bot, at_unix_ms)
             SELECT event_id, transport, bot, at_unix_ms FROM seen_events)",
          "DROP TABLE seen_events",
          "ALTER TABLE seen_events_by_key RENAME TO seen_events",
          // The process that sends a row; 0: none yet. See `processes`.
          "ALTER TABLE outbox ADD COLUMN sender BIGINT NOT NULL DEFAULT 0",
          "postgresql: CREATE INDEX outbox_unsent ON outbox (bot, id) WHERE sender = 0",

          // Those that share the database now. `playing` are the rows of the inbox that a process has
          // begun to play: when it dies of one of them, that is known.
          R"(postgresql: CREATE TABLE processes (
               id BIGINT PRIMARY KEY, started_at_unix_ms BIGINT NOT NULL, playing BIGINT[] NOT NULL))",
          "postgresql: CREATE SEQUENCE process_ids",
          // Who sends what a bot says. A turn looks here while it writes: one that its process began as the leader
          // and ends as one of the others leaves its rows to the new leader.
          R"(postgresql: CREATE TABLE leaders (bot TEXT NOT NULL PRIMARY KEY, process BIGINT NOT NULL))",

          // Ids are taken in blocks, see Ids.
          "postgresql: CREATE SEQUENCE inbox_ids INCREMENT BY 64",
          "postgresql: CREATE SEQUENCE outbox_ids INCREMENT BY 64",
          "postgresql: CREATE SEQUENCE journal_ids INCREMENT BY 64",
          "postgresql: CREATE SEQUENCE dialogs_ids INCREMENT BY 64",
          "postgresql: CREATE SEQUENCE users_ids INCREMENT BY 64",

          // A queue's rows come and go: what they leave behind is cleared away early, and a row that
          // changes finds room beside itself.
          R"(postgresql: ALTER TABLE inbox SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0,
               autovacuum_vacuum_threshold = 5000, autovacuum_analyze_scale_factor = 0,
               autovacuum_analyze_threshold = 100000))",
          R"(postgresql: ALTER TABLE outbox SET (autovacuum_vacuum_scale_factor = 0,
               autovacuum_vacuum_threshold = 5000, autovacuum_analyze_scale_factor = 0,
               autovacuum_analyze_threshold = 100000))",
          "postgresql: ALTER TABLE dialogs SET (fillfactor = 70)",
          "postgresql: ALTER TABLE users SET (fillfactor = 80)",
          "postgresql: ALTER TABLE positions SET (fillfactor = 50)",
          "postgresql: ALTER TABLE processes SET (fillfactor = 50)",
      },
  };
  return all;
}

bool table_exists(soci::session& sql, const Dialect& dialect, const std::string& name) {
  int count = 0;
  sql << std::string(dialect.table_exists), soci::use(name), soci::into(count);
  return count != 0;
}

}  // namespace

int newest_schema() { return static_cast<int>(steps().size()); }

Stored<int> schema_of(soci::session& sql, const Dialect& dialect, std::string_view where) {
  return guarded(&sql, [&]() -> Stored<int> {
    if (!table_exists(sql, dialect, "schema_version")) {
      int tables = 0;
      sql << std::string(dialect.count_tables), soci::into(tables);
      if (tables == 0) return 0;
      return Error{StorageError{
          StorageError::Kind::CannotOpen,
          "database " + std::string(where) + " belongs to another program: name another file"}};
    }
    int version = 0;
    sql << "SELECT max(version) FROM schema_version", soci::into(version);
    if (version > newest_schema()) {
      return Error{StorageError{
          StorageError::Kind::NewerSchema,
          "database " + std::string(where) + " was written by a newer Sufler (tables of version " +
              std::to_string(version) + ", this program knows " + std::to_string(newest_schema()) +
              "): install the newer program, or restore an older copy of the database"}};
    }
    return version;
  });
}

Stored<Done> migrate(soci::session& sql, const Dialect& dialect, int version) {
  const auto apply = [&](int number) {
    return guarded(&sql, [&]() -> Stored<Done> {
      sql << dialect.begin_write;
      if (number == 1) sql << "CREATE TABLE schema_version (version BIGINT NOT NULL PRIMARY KEY)";
      for (const std::string_view statement : steps()[static_cast<std::size_t>(number - 1)]) {
        if (const std::string own = dialect.expand(statement); !own.empty()) sql << own;
      }
      sql << "INSERT INTO schema_version (version) VALUES (:version)", soci::use(number);
      sql << "COMMIT";
      return Done{};
    });
  };
  for (int number = version + 1; number <= newest_schema(); ++number) {
    if (auto done = apply(number); !done) {
      (void)guarded(&sql, [&]() -> Stored<Done> {
        sql << "ROLLBACK";
        return Done{};
      });
      return done;
    }
  }
  return Done{};
}

}  // namespace sufler::storage
