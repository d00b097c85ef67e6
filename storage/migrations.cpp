#include "storage/migrations.h"

#include <soci/soci.h>

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
      {
          // The support desk. An agent stays one row when they are removed and come back.
          R"(CREATE TABLE agents (
               id {identity}, bot TEXT NOT NULL, desk TEXT NOT NULL, transport TEXT NOT NULL, chat TEXT NOT NULL,
               user_id TEXT NOT NULL, name TEXT NOT NULL, on_duty BIGINT NOT NULL, removed BIGINT NOT NULL,
               registered_at_unix_ms BIGINT NOT NULL, seen_at_unix_ms BIGINT NOT NULL,
               freed_at_unix_ms BIGINT NOT NULL, current_ticket BIGINT NOT NULL))",
          "CREATE UNIQUE INDEX agents_key ON agents (user_id, transport, bot, desk)",
          "CREATE INDEX agents_desk ON agents (bot, desk)",

          // `state`: 0 queued, 1 open, 2 closed. What waits and what is open are few among all there were. That an index
          // has `state` too lets SQLite answer from it alone.
          R"(CREATE TABLE tickets (
               id {identity}, state BIGINT NOT NULL, bot TEXT NOT NULL, desk TEXT NOT NULL, rule TEXT NOT NULL,
               number BIGINT NOT NULL, dialog_id BIGINT NOT NULL, client_name TEXT NOT NULL, agent_id BIGINT NOT NULL,
               offered_to BIGINT NOT NULL, offered_at_unix_ms BIGINT NOT NULL, opened_at_unix_ms BIGINT NOT NULL,
               queued_at_unix_ms BIGINT NOT NULL, assigned_at_unix_ms BIGINT NOT NULL,
               answered_at_unix_ms BIGINT NOT NULL, client_at_unix_ms BIGINT NOT NULL,
               agent_at_unix_ms BIGINT NOT NULL, closed_at_unix_ms BIGINT NOT NULL, outcome TEXT NOT NULL,
               rating BIGINT NOT NULL, topic TEXT NOT NULL))",
          "CREATE UNIQUE INDEX tickets_number ON tickets (bot, desk, number)",
          "CREATE INDEX tickets_dialog ON tickets (dialog_id, id)",
          "CREATE INDEX tickets_queue ON tickets (bot, desk, state, queued_at_unix_ms, id) WHERE state = 0",
          "CREATE INDEX tickets_agent ON tickets (agent_id, state) WHERE state = 1",
          "CREATE INDEX tickets_open ON tickets (bot, desk, state, agent_id) WHERE state = 1",
          // Figures of a year come from these alone.
          "CREATE INDEX tickets_opened ON tickets (bot, desk, opened_at_unix_ms, agent_id, answered_at_unix_ms)",
          R"(CREATE INDEX tickets_closed ON tickets (bot, desk, state, closed_at_unix_ms, agent_id, opened_at_unix_ms,
             rating) WHERE state = 2)",
          "CREATE INDEX tickets_topic ON tickets (topic, bot) WHERE topic <> ''",

          // `source`: 0 client, 1 agent, 2 note, 3 bot.
          R"(CREATE TABLE ticket_messages (
               id {identity}, ticket_id BIGINT NOT NULL, source BIGINT NOT NULL, agent_id BIGINT NOT NULL,
               author TEXT NOT NULL, at_unix_ms BIGINT NOT NULL, event TEXT NOT NULL, transport TEXT NOT NULL,
               chat TEXT NOT NULL, message_id TEXT NOT NULL, carried BIGINT NOT NULL))",
          "CREATE INDEX ticket_messages_ticket ON ticket_messages (ticket_id, id)",
          "CREATE INDEX ticket_messages_waiting ON ticket_messages (ticket_id, id) WHERE carried = 0",
          "CREATE INDEX ticket_messages_written ON ticket_messages (message_id, chat) WHERE message_id <> ''",

          R"(CREATE TABLE token_failures (
               user_id TEXT NOT NULL, transport TEXT NOT NULL, bot TEXT NOT NULL, failures BIGINT NOT NULL,
               last_at_unix_ms BIGINT NOT NULL, locked_until_unix_ms BIGINT NOT NULL,
               PRIMARY KEY (user_id, transport, bot)){clustered})",

          R"(CREATE TABLE agent_invitations (
               hash TEXT NOT NULL PRIMARY KEY, bot TEXT NOT NULL, desk TEXT NOT NULL, until_unix_ms BIGINT NOT NULL))",

          "ALTER TABLE outbox ADD COLUMN ticket_message BIGINT NOT NULL DEFAULT 0",
          "ALTER TABLE messages_map ADD COLUMN ticket_message BIGINT NOT NULL DEFAULT 0",
          "CREATE INDEX messages_map_copies ON messages_map (ticket_message) WHERE ticket_message <> 0",

          // Written again and again by every message; what is indexed changes seldom.
          "postgresql: ALTER TABLE agents SET (fillfactor = 50)",
          "postgresql: ALTER TABLE tickets SET (fillfactor = 70)",
      },
      {
          // A ticket that was reopened does not count the time while it was closed; parts of an album wait for the rest.
          "ALTER TABLE tickets ADD COLUMN paused_ms BIGINT NOT NULL DEFAULT 0",
          "ALTER TABLE tickets ADD COLUMN album TEXT NOT NULL DEFAULT ''",
          "DROP INDEX tickets_closed",
          R"(CREATE INDEX tickets_closed ON tickets (bot, desk, state, closed_at_unix_ms, agent_id, opened_at_unix_ms,
             rating, paused_ms) WHERE state = 2)",
      },
      {
          // What is done outside of transactions. `ready_at_unix_ms`: when it may be claimed (sql_jobs.cpp); `owner`: the
          // process that has it, 0 none.
          R"(CREATE TABLE jobs (
               id {identity}, bot TEXT NOT NULL, dialog_id BIGINT NOT NULL, serial BIGINT NOT NULL,
               service TEXT NOT NULL, name TEXT NOT NULL, request TEXT NOT NULL, created_at_unix_ms BIGINT NOT NULL,
               ready_at_unix_ms BIGINT NOT NULL, attempts BIGINT NOT NULL, token BIGINT NOT NULL,
               owner BIGINT NOT NULL))",
          "CREATE INDEX jobs_ready ON jobs (bot, service, ready_at_unix_ms)",
          "CREATE INDEX jobs_dialog ON jobs (dialog_id)",
          R"(postgresql: ALTER TABLE jobs SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0,
               autovacuum_vacuum_threshold = 5000))",
      },
      {
          // Versions of scenarios, stored with their files, and what each bot is played with. A dialog knows under which
          // deployment it was stored: nobody plays it with an older one.
          "ALTER TABLE dialogs ADD COLUMN generation BIGINT NOT NULL DEFAULT 0",
          "ALTER TABLE dialogs ADD COLUMN pinned TEXT NOT NULL DEFAULT ''",
          "ALTER TABLE dialogs ADD COLUMN pinned_at_unix_ms BIGINT NOT NULL DEFAULT 0",
          "CREATE INDEX dialogs_pinned ON dialogs (bot, pinned, pinned_at_unix_ms) WHERE pinned <> ''",
          "ALTER TABLE scenario_versions ADD COLUMN note TEXT NOT NULL DEFAULT ''",
          "ALTER TABLE scenario_versions ADD COLUMN live_at_unix_ms BIGINT NOT NULL DEFAULT 0",
          "ALTER TABLE scenario_versions ADD COLUMN files TEXT NOT NULL DEFAULT ''",
          // Base64, in parts: a video is written between turns, not in the way of one.
          R"(CREATE TABLE scenario_files (
               hash TEXT NOT NULL, part BIGINT NOT NULL, content TEXT NOT NULL, PRIMARY KEY (hash, part)))",
          R"(CREATE TABLE scenario_deployments (
               bot TEXT NOT NULL PRIMARY KEY, generation BIGINT NOT NULL, version TEXT NOT NULL,
               rolled_back BIGINT NOT NULL, at_unix_ms BIGINT NOT NULL, swept BIGINT NOT NULL,
               rehearsals TEXT NOT NULL))",
          "postgresql: ALTER TABLE scenario_deployments SET (fillfactor = 50)",
      },
      {
          // What assistants know (knowledge_store.h). A piece's id is its file's and its number in that. `finished`: 0
          // while pieces are being put in, 1 when all are there, 2 while they are being taken out; then it was begun at 0.
          R"(CREATE TABLE knowledge_files (
               id {identity}, bot TEXT NOT NULL, path TEXT NOT NULL, hash TEXT NOT NULL, pieces BIGINT NOT NULL,
               words BIGINT NOT NULL, finished BIGINT NOT NULL, begun_at_unix_ms BIGINT NOT NULL))",
          "CREATE INDEX knowledge_files_key ON knowledge_files (bot, path, hash)",
          R"(CREATE TABLE knowledge_sets (
               bot TEXT NOT NULL, version TEXT NOT NULL, assistant TEXT NOT NULL, file BIGINT NOT NULL,
               PRIMARY KEY (bot, version, assistant, file)){clustered})",
          "CREATE INDEX knowledge_sets_file ON knowledge_sets (file)",
          R"(CREATE TABLE knowledge_pieces (
               id {key}, hash TEXT NOT NULL, title TEXT NOT NULL, text TEXT NOT NULL, line BIGINT NOT NULL))",
          "CREATE INDEX knowledge_pieces_hash ON knowledge_pieces (hash)",
          // Stems, separated by spaces. The tokenizer must not take one for another.
          R"(sqlite: CREATE VIRTUAL TABLE knowledge_stems USING fts5(title, body,
               tokenize = "unicode61 remove_diacritics 0"))",
          // Rows stay in one piece, so that a word's pieces are found by looking at pages alone.
          R"(postgresql: CREATE TABLE knowledge_stems (
               id BIGINT PRIMARY KEY, title TEXT NOT NULL, body TEXT NOT NULL, words TSVECTOR NOT NULL)
               WITH (toast_tuple_target = 8160))",
          // What is found must not wait for a vacuum.
          R"(postgresql: CREATE INDEX knowledge_stems_words ON knowledge_stems USING gin (words)
               WITH (fastupdate = off))",
          // Words of a bot by their beginning, byte by byte, and how many pieces have them.
          R"(sqlite: CREATE TABLE knowledge_words (
               bot TEXT NOT NULL, word TEXT NOT NULL, pieces BIGINT NOT NULL, PRIMARY KEY (bot, word)) WITHOUT ROWID)",
          R"(postgresql: CREATE TABLE knowledge_words (
               bot TEXT NOT NULL, word TEXT COLLATE "C" NOT NULL, pieces BIGINT NOT NULL, PRIMARY KEY (bot, word)))",
          // Base64 of 32-bit numbers, the lowest byte first; by what the piece says, for it was paid for.
          R"(CREATE TABLE knowledge_vectors (
               hash TEXT NOT NULL, model TEXT NOT NULL, length BIGINT NOT NULL, vector TEXT NOT NULL,
               PRIMARY KEY (hash, model)))",
      },
      {
          // What models have answered and taken, by days of UTC since 1970.
          R"(CREATE TABLE model_usage (
               day BIGINT NOT NULL, bot TEXT NOT NULL, transport TEXT NOT NULL, user_id TEXT NOT NULL,
               model TEXT NOT NULL, answers BIGINT NOT NULL, tokens_in BIGINT NOT NULL, tokens_out BIGINT NOT NULL,
               PRIMARY KEY (day, bot, transport, user_id, model)){clustered})",
      },
      {
          // When each of a scenario's `schedules` runs next (schedule_store.h). `run_*`: a run for many people, in
          // portions, and how far it has come.
          R"(CREATE TABLE schedule_times (
               bot TEXT NOT NULL, name TEXT NOT NULL, timing TEXT NOT NULL, people TEXT NOT NULL,
               generation BIGINT NOT NULL, next_at_unix_ms BIGINT NOT NULL, last_at_unix_ms BIGINT NOT NULL,
               paused_at_unix_ms BIGINT NOT NULL, forced_at_unix_ms BIGINT NOT NULL, run_due_unix_ms BIGINT NOT NULL,
               run_after BIGINT NOT NULL, people_told BIGINT NOT NULL, PRIMARY KEY (bot, name)){clustered})",
          "postgresql: ALTER TABLE schedule_times SET (fillfactor = 50)",
      },
      {
          // Files that steps have made. What is in them lies in `scenario_files`, so that all that sends files sends these.
          R"(CREATE TABLE report_files (
               file_key TEXT NOT NULL PRIMARY KEY, letter_key TEXT NOT NULL, bot TEXT NOT NULL, made_at_unix_ms BIGINT NOT NULL))",
          // What goes to many people, and who of them are still to get it (broadcast_store.h).
          R"(CREATE TABLE broadcasts (
               id {identity}, bot TEXT NOT NULL, name TEXT NOT NULL, what TEXT NOT NULL, begun_by TEXT NOT NULL,
               dialog_id BIGINT NOT NULL, state BIGINT NOT NULL, only_counts BIGINT NOT NULL, only_person TEXT NOT NULL,
               created_at_unix_ms BIGINT NOT NULL, ended_at_unix_ms BIGINT NOT NULL, paused_at_unix_ms BIGINT NOT NULL,
               looked_at BIGINT NOT NULL, people BIGINT NOT NULL, not_meant BIGINT NOT NULL, unreachable BIGINT NOT NULL,
               unsubscribed BIGINT NOT NULL, with_staff BIGINT NOT NULL, given BIGINT NOT NULL, sent BIGINT NOT NULL,
               failed BIGINT NOT NULL, gone BIGINT NOT NULL, unknown BIGINT NOT NULL))",
          "CREATE INDEX broadcasts_active ON broadcasts (bot, id) WHERE state < 3",
          R"(CREATE TABLE broadcast_people (
               broadcast BIGINT NOT NULL, dialog BIGINT NOT NULL, PRIMARY KEY (broadcast, dialog)){clustered})",
          "CREATE INDEX broadcast_people_dialog ON broadcast_people (dialog)",
          "ALTER TABLE outbox ADD COLUMN broadcast BIGINT NOT NULL DEFAULT 0",
      },
      {
          // Of two processes that begin one of a name, one does. Of those that have begun so, the first keeps its name.
          R"(UPDATE broadcasts SET name = '' WHERE name <> '' AND state < 3 AND EXISTS
               (SELECT 1 FROM broadcasts AS first WHERE first.bot = broadcasts.bot AND first.name = broadcasts.name
                  AND first.state < 3 AND first.id < broadcasts.id))",
          "CREATE UNIQUE INDEX broadcasts_name ON broadcasts (bot, name) WHERE name <> '' AND state < 3",
      },
      {
          // Of a CRM (crm_store.h): when the next request of an account may leave, and the tokens of OAuth.
          R"(CREATE TABLE crm_accounts (
               account TEXT NOT NULL PRIMARY KEY, next_at_unix_ms BIGINT NOT NULL, access_token TEXT NOT NULL,
               refresh_token TEXT NOT NULL, expires_at_unix_ms BIGINT NOT NULL, generation BIGINT NOT NULL, begun_with TEXT NOT NULL,
               refreshing_until_unix_ms BIGINT NOT NULL))",
          "postgresql: ALTER TABLE crm_accounts SET (fillfactor = 50)",
          // Whose contact and latest lead is which.
          R"(CREATE TABLE crm_links (
               user_id TEXT NOT NULL, transport TEXT NOT NULL, bot TEXT NOT NULL, account TEXT NOT NULL, contact_id BIGINT NOT NULL,
               lead_id BIGINT NOT NULL, changed_at_unix_ms BIGINT NOT NULL, PRIMARY KEY (user_id, transport, bot, account)){clustered})",
          "CREATE INDEX crm_links_contact ON crm_links (account, contact_id)",
          "CREATE INDEX crm_links_lead ON crm_links (account, lead_id)",
          // What was begun for an order and what it became; `made_id` 0: nobody knows.
          R"(CREATE TABLE crm_made (
               mark TEXT NOT NULL, what TEXT NOT NULL, account TEXT NOT NULL, bot TEXT NOT NULL, transport TEXT NOT NULL,
               user_id TEXT NOT NULL, begun_unix_s BIGINT NOT NULL, made_id BIGINT NOT NULL, contact_id BIGINT NOT NULL,
               PRIMARY KEY (mark, what)){clustered})",
          "CREATE INDEX crm_made_id ON crm_made (account, what, made_id)",
          "CREATE INDEX crm_made_person ON crm_made (user_id, transport, bot)",
      },
      {
          // Tables that are read from a file: which file's rows are there.
          "CREATE TABLE scenario_table_data (name TEXT NOT NULL PRIMARY KEY, mark TEXT NOT NULL)",
      },
      {
          // A run that waits for the one before it, and what its dialog is to forget behind it (schedule_store.h).
          "ALTER TABLE schedule_times ADD COLUMN held_until_unix_ms BIGINT NOT NULL DEFAULT 0",
          "ALTER TABLE schedule_times ADD COLUMN forgets BIGINT NOT NULL DEFAULT 0",
          // Each platform takes its people at its own pace.
          R"(CREATE TABLE broadcast_people_of (
               broadcast BIGINT NOT NULL, transport TEXT NOT NULL, dialog BIGINT NOT NULL,
               PRIMARY KEY (broadcast, transport, dialog)){clustered})",
          R"(INSERT INTO broadcast_people_of (broadcast, transport, dialog) SELECT p.broadcast, d.transport, p.dialog
             FROM broadcast_people AS p JOIN dialogs AS d ON d.id = p.dialog)",
          "DROP TABLE broadcast_people",
          "ALTER TABLE broadcast_people_of RENAME TO broadcast_people",
          "CREATE INDEX broadcast_people_dialog ON broadcast_people (dialog)",
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
    // In this order: another process may make the tables between the two questions, all of them at once.
    int tables = 0;
    sql << std::string(dialect.count_tables), soci::into(tables);
    if (tables == 0) return 0;
    if (!table_exists(sql, dialect, "schema_version")) {
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
