#include "storage/sql_desk.h"

#include <algorithm>
#include <map>
#include <utility>

// All of a desk is written at once: these tables hear a few messages of people who talk, not the flood of an inbox. A
// queue and the open tickets have indexes of their own, which the closed tickets of years do not make any longer.
namespace sufler::storage {
namespace {

// Statements and partial indexes name these by their numbers.
static_assert(static_cast<int>(TicketRow::State::Queued) == 0);
static_assert(static_cast<int>(TicketRow::State::Open) == 1);
static_assert(static_cast<int>(TicketRow::State::Closed) == 2);
static_assert(static_cast<int>(TicketMessage::From::Client) == 0);
static_assert(static_cast<int>(TicketMessage::From::Agent) == 1);

#define SUFLER_AGENT_COLUMNS                                                                       \
  "a.id, a.bot, a.desk, a.transport, a.chat, a.user_id, a.name, a.on_duty, a.removed, "            \
  "a.registered_at_unix_ms, a.seen_at_unix_ms, a.freed_at_unix_ms, a.current_ticket, "             \
  "(SELECT count(*) FROM tickets AS t WHERE t.agent_id = a.id AND t.state = 1)"

auto outs_of(AgentRow& row) {
  return std::tie(row.id, row.bot, row.desk, row.chat.transport, row.chat.chat_id, row.user_id, row.name, row.on_duty,
                  row.removed, row.registered_at.unix_ms, row.seen_at.unix_ms, row.freed_at.unix_ms,
                  row.current_ticket, row.open);
}

#define SUFLER_TICKET_COLUMNS                                                                      \
  "id, state, bot, desk, rule, number, dialog_id, client_name, agent_id, offered_to, "             \
  "offered_at_unix_ms, opened_at_unix_ms, queued_at_unix_ms, assigned_at_unix_ms, "                \
  "answered_at_unix_ms, client_at_unix_ms, agent_at_unix_ms, closed_at_unix_ms, outcome, rating, topic, "         \
  "paused_ms, album"

auto outs_of(TicketRow& row) {
  return std::tie(row.id, row.state, row.bot, row.desk, row.rule, row.number, row.dialog_id, row.client_name,
                  row.agent_id, row.offered_to, row.offered_at.unix_ms, row.opened_at.unix_ms, row.queued_at.unix_ms,
                  row.assigned_at.unix_ms, row.answered_at.unix_ms, row.client_at.unix_ms, row.agent_at.unix_ms,
                  row.closed_at.unix_ms, row.outcome, row.rating, row.topic, row.paused_ms, row.album);
}

#define SUFLER_MESSAGE_COLUMNS                                                                     \
  "id, ticket_id, source, agent_id, author, at_unix_ms, event, transport, chat, message_id, carried"

auto outs_of(TicketMessage& row) {
  return std::tie(row.id, row.ticket_id, row.from, row.agent_id, row.author, row.at.unix_ms, row.event,
                  row.chat.transport, row.chat.chat_id, row.message_id, row.carried);
}

std::int64_t at_most(std::size_t limit) { return static_cast<std::int64_t>(std::min<std::size_t>(limit, INT64_MAX)); }

template <class Row>
std::optional<Row> first_of(std::vector<Row> rows) {
  return rows.empty() ? std::optional<Row>() : std::optional(std::move(rows.front()));
}

/// Sums of one agent's tickets.
struct Sums {
  std::int64_t taken = 0, answered = 0, first_answer_ms = 0;
  std::int64_t closed = 0, duration_ms = 0, rated = 0, rating = 0;
  std::int64_t open = 0;

  void add(const Sums& other) {
    taken += other.taken;
    answered += other.answered;
    first_answer_ms += other.first_answer_ms;
    closed += other.closed;
    duration_ms += other.duration_ms;
    rated += other.rated;
    rating += other.rating;
    open += other.open;
  }
  bool empty() const { return taken == 0 && closed == 0 && open == 0; }
};

/// To the nearest, halves up; 0 of none.
std::int64_t mean(std::int64_t sum, std::int64_t count) { return count == 0 ? 0 : (sum * 2 + count) / (count * 2); }

DeskFigures figures_of(const Sums& sums) {
  DeskFigures figures;
  figures.taken = sums.taken;
  figures.closed = sums.closed;
  figures.open = sums.open;
  figures.answered = sums.answered;
  figures.first_answer_ms = mean(sums.first_answer_ms, sums.answered);
  figures.duration_ms = mean(sums.duration_ms, sums.closed);
  figures.rated = sums.rated;
  if (const auto rating = Decimal::make(mean(sums.rating * 100, sums.rated), 2)) figures.rating = *rating;
  return figures;
}

}  // namespace

template <class... Args>
std::vector<AgentRow> SqlDesk::read_agents(const char* sql, const Args&... args) {
  std::vector<AgentRow> rows;
  AgentRow row;
  tx_.statements_.each(sql, outs_of(row), [&] { rows.push_back(row); }, args...);
  return rows;
}

template <class... Args>
std::vector<TicketRow> SqlDesk::read_tickets(const char* sql, const Args&... args) {
  std::vector<TicketRow> rows;
  TicketRow row;
  tx_.statements_.each(sql, outs_of(row), [&] { rows.push_back(row); }, args...);
  return rows;
}

template <class... Args>
std::vector<TicketMessage> SqlDesk::read_messages(const char* sql, const Args&... args) {
  std::vector<TicketMessage> rows;
  TicketMessage row;
  tx_.statements_.each(sql, outs_of(row), [&] { rows.push_back(row); }, args...);
  return rows;
}

Stored<Done> SqlDesk::lock(std::string_view bot, std::string_view desk) {
  return tx_.operation([&]() -> Stored<Done> {
    tx_.lock_desk(bot, desk);
    ++locks_;
    return Done{};
  });
}

Stored<bool> SqlDesk::awaited() {
  return tx_.operation([&]() -> Stored<bool> { return locks_ > 0 && tx_.desk_awaited(); });
}

// ---- agents

Stored<std::vector<AgentRow>> SqlDesk::agents_of(std::string_view bot, std::string_view transport,
                                                 std::string_view user_id) {
  return tx_.operation([&]() -> Stored<std::vector<AgentRow>> {
    return read_agents("SELECT " SUFLER_AGENT_COLUMNS
                       " FROM agents AS a WHERE a.user_id = ? AND a.transport = ? AND a.bot = ? AND a.removed = 0 "
                       "ORDER BY a.id",
                       user_id, transport, bot);
  });
}

Stored<std::vector<AgentRow>> SqlDesk::agents(std::string_view bot, std::string_view desk) {
  return tx_.operation([&]() -> Stored<std::vector<AgentRow>> {
    return read_agents("SELECT " SUFLER_AGENT_COLUMNS
                       " FROM agents AS a WHERE a.bot = ? AND a.desk = ? AND a.removed = 0 ORDER BY a.id",
                       bot, desk);
  });
}

Stored<std::optional<AgentRow>> SqlDesk::agent(std::int64_t id) {
  return tx_.operation([&]() -> Stored<std::optional<AgentRow>> {
    return first_of(read_agents("SELECT " SUFLER_AGENT_COLUMNS " FROM agents AS a WHERE a.id = ?", id));
  });
}

Stored<std::optional<AgentRow>> SqlDesk::agent_of(std::string_view bot, std::string_view desk,
                                                  std::string_view transport, std::string_view user_id) {
  return tx_.operation([&]() -> Stored<std::optional<AgentRow>> {
    return first_of(read_agents("SELECT " SUFLER_AGENT_COLUMNS
                                " FROM agents AS a WHERE a.user_id = ? AND a.transport = ? AND a.bot = ? AND a.desk = ?",
                                user_id, transport, bot, desk));
  });
}

Stored<Done> SqlDesk::save_agent(AgentRow& row) {
  return tx_.operation([&]() -> Stored<Done> {
    if (row.id != 0) {
      // Whoever was erased meanwhile does not come back by it.
      tx_.statements_.run(
          R"(UPDATE agents SET transport = ?, chat = ?, name = ?, on_duty = ?, removed = ?,
             registered_at_unix_ms = ?, seen_at_unix_ms = ?, freed_at_unix_ms = ?, current_ticket = ? WHERE id = ?)",
          row.chat.transport, row.chat.chat_id, row.name, row.on_duty, row.removed, row.registered_at.unix_ms,
          row.seen_at.unix_ms, row.freed_at.unix_ms, row.current_ticket, row.id);
      return Done{};
    }
    tx_.statements_.one(
        R"(INSERT INTO agents (bot, desk, transport, chat, user_id, name, on_duty, removed, registered_at_unix_ms,
           seen_at_unix_ms, freed_at_unix_ms, current_ticket) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
           ON CONFLICT (user_id, transport, bot, desk) DO UPDATE SET chat = excluded.chat, name = excluded.name,
             on_duty = excluded.on_duty, removed = excluded.removed,
             registered_at_unix_ms = excluded.registered_at_unix_ms, seen_at_unix_ms = excluded.seen_at_unix_ms,
             freed_at_unix_ms = excluded.freed_at_unix_ms, current_ticket = excluded.current_ticket
           RETURNING id)",
        std::tie(row.id), row.bot, row.desk, row.chat.transport, row.chat.chat_id, row.user_id, row.name, row.on_duty,
        row.removed, row.registered_at.unix_ms, row.seen_at.unix_ms, row.freed_at.unix_ms, row.current_ticket);
    return Done{};
  });
}

// ---- tickets

std::int64_t SqlDesk::take_number(std::string_view bot, std::string_view desk) {
  std::string name(kTicketNumbers);
  name.append(bot).append(1, '\n').append(desk);
  std::int64_t number = 0;
  tx_.statements_.one(
      R"(INSERT INTO counters (name, next) VALUES (?, 2) ON CONFLICT (name) DO UPDATE SET
         next = counters.next + 1 RETURNING next - 1)",
      std::tie(number), name);
  return number;
}

Stored<Done> SqlDesk::open_ticket(TicketRow& row) {
  return tx_.operation([&]() -> Stored<Done> {
    row.number = take_number(row.bot, row.desk);
    tx_.statements_.one(
        R"(INSERT INTO tickets (state, bot, desk, rule, number, dialog_id, client_name, agent_id, offered_to,
           offered_at_unix_ms, opened_at_unix_ms, queued_at_unix_ms, assigned_at_unix_ms, answered_at_unix_ms,
           client_at_unix_ms, agent_at_unix_ms, closed_at_unix_ms, outcome, rating, topic, paused_ms, album)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id)",
        std::tie(row.id), row.state, row.bot, row.desk, row.rule, row.number, row.dialog_id, row.client_name,
        row.agent_id, row.offered_to, row.offered_at.unix_ms, row.opened_at.unix_ms, row.queued_at.unix_ms,
        row.assigned_at.unix_ms, row.answered_at.unix_ms, row.client_at.unix_ms, row.agent_at.unix_ms,
        row.closed_at.unix_ms, row.outcome, row.rating, row.topic, row.paused_ms, row.album);
    return Done{};
  });
}

Stored<Done> SqlDesk::save_ticket(const TicketRow& row) {
  return tx_.operation([&]() -> Stored<Done> {
    const auto update = [&] {
      return tx_.statements_.run(
          R"(UPDATE tickets SET state = ?, rule = ?, dialog_id = ?, client_name = ?, agent_id = ?, offered_to = ?,
             offered_at_unix_ms = ?, opened_at_unix_ms = ?, queued_at_unix_ms = ?, assigned_at_unix_ms = ?,
             answered_at_unix_ms = ?, client_at_unix_ms = ?, agent_at_unix_ms = ?, closed_at_unix_ms = ?, outcome = ?,
             rating = ?, topic = ?, paused_ms = ?, album = ? WHERE id = ? AND desk = ?)",
          row.state, row.rule, row.dialog_id, row.client_name, row.agent_id, row.offered_to, row.offered_at.unix_ms,
          row.opened_at.unix_ms, row.queued_at.unix_ms, row.assigned_at.unix_ms, row.answered_at.unix_ms,
          row.client_at.unix_ms, row.agent_at.unix_ms, row.closed_at.unix_ms, row.outcome, row.rating, row.topic,
          row.paused_ms, row.album, row.id, row.desk);
    };
    if (update() != 0) return Done{};
    // It went to another desk, whose numbers are its own.
    tx_.statements_.run("UPDATE tickets SET desk = ?, number = ? WHERE id = ?", row.desk,
                        take_number(row.bot, row.desk), row.id);
    update();
    return Done{};
  });
}

Stored<std::optional<TicketRow>> SqlDesk::ticket(std::int64_t id) {
  return tx_.operation([&]() -> Stored<std::optional<TicketRow>> {
    return first_of(read_tickets("SELECT " SUFLER_TICKET_COLUMNS " FROM tickets WHERE id = ?", id));
  });
}

Stored<std::optional<TicketRow>> SqlDesk::ticket_by_number(std::string_view bot, std::string_view desk,
                                                           std::int64_t number) {
  return tx_.operation([&]() -> Stored<std::optional<TicketRow>> {
    return first_of(read_tickets("SELECT " SUFLER_TICKET_COLUMNS " FROM tickets WHERE bot = ? AND desk = ? AND number = ?",
                                 bot, desk, number));
  });
}

Stored<std::optional<TicketRow>> SqlDesk::ticket_of_topic(std::string_view bot, const ChatAddress& topic) {
  return tx_.operation([&]() -> Stored<std::optional<TicketRow>> {
    if (topic.chat_id.empty()) return std::optional<TicketRow>();
    return first_of(read_tickets("SELECT " SUFLER_TICKET_COLUMNS
                                 " FROM tickets WHERE topic = ? AND topic <> '' AND bot = ? ORDER BY id DESC LIMIT 1",
                                 topic.chat_id, bot));
  });
}

Stored<std::optional<TicketRow>> SqlDesk::last_ticket(std::int64_t dialog_id, std::string_view desk) {
  return tx_.operation([&]() -> Stored<std::optional<TicketRow>> {
    return first_of(read_tickets("SELECT " SUFLER_TICKET_COLUMNS
                                 " FROM tickets WHERE dialog_id = ? AND desk = ? ORDER BY id DESC LIMIT 1",
                                 dialog_id, desk));
  });
}

Stored<std::vector<TicketRow>> SqlDesk::tickets_of_agent(std::int64_t agent_id) {
  return tx_.operation([&]() -> Stored<std::vector<TicketRow>> {
    return read_tickets("SELECT " SUFLER_TICKET_COLUMNS
                        " FROM tickets WHERE agent_id = ? AND state = 1 ORDER BY opened_at_unix_ms, id",
                        agent_id);
  });
}

Stored<std::vector<TicketRow>> SqlDesk::queue(std::string_view bot, std::string_view desk, std::size_t limit) {
  return tx_.operation([&]() -> Stored<std::vector<TicketRow>> {
    return read_tickets("SELECT " SUFLER_TICKET_COLUMNS
                        " FROM tickets WHERE bot = ? AND desk = ? AND state = 0 ORDER BY queued_at_unix_ms, id LIMIT ?",
                        bot, desk, at_most(limit));
  });
}

Stored<std::int64_t> SqlDesk::position(const TicketRow& ticket) {
  return tx_.operation([&]() -> Stored<std::int64_t> {
    std::int64_t before = 0;
    tx_.statements_.one(
        R"(SELECT count(*) FROM tickets WHERE bot = ? AND desk = ? AND state = 0 AND
           (queued_at_unix_ms, id) < (?, ?))",
        std::tie(before), ticket.bot, ticket.desk, ticket.queued_at.unix_ms, ticket.id);
    return before + 1;
  });
}

Stored<std::vector<TicketRow>> SqlDesk::tickets(std::string_view bot, std::string_view desk, std::size_t limit) {
  return tx_.operation([&]() -> Stored<std::vector<TicketRow>> {
    return read_tickets("SELECT " SUFLER_TICKET_COLUMNS
                        " FROM tickets WHERE bot = ? AND desk = ? ORDER BY number DESC LIMIT ?",
                        bot, desk, at_most(limit));
  });
}

Stored<std::vector<TicketRow>> SqlDesk::unfinished(std::string_view bot, std::string_view desk, std::size_t limit) {
  return tx_.operation([&]() -> Stored<std::vector<TicketRow>> {
    // Each state has an index of its own.
    return read_tickets("SELECT " SUFLER_TICKET_COLUMNS " FROM (SELECT " SUFLER_TICKET_COLUMNS
                        " FROM tickets WHERE bot = ? AND desk = ? AND state = 0 UNION ALL SELECT " SUFLER_TICKET_COLUMNS
                        " FROM tickets WHERE bot = ? AND desk = ? AND state = 1) AS t ORDER BY number LIMIT ?",
                        bot, desk, bot, desk, at_most(limit));
  });
}

// ---- what was said

Stored<Done> SqlDesk::add_message(TicketMessage& message) {
  return tx_.operation([&]() -> Stored<Done> {
    tx_.statements_.one(
        R"(INSERT INTO ticket_messages (ticket_id, source, agent_id, author, at_unix_ms, event, transport, chat,
           message_id, carried) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id)",
        std::tie(message.id), message.ticket_id, message.from, message.agent_id, message.author, message.at.unix_ms,
        message.event, message.chat.transport, message.chat.chat_id, message.message_id, message.carried);
    return Done{};
  });
}

Stored<std::optional<TicketMessage>> SqlDesk::message(std::int64_t id) {
  return tx_.operation([&]() -> Stored<std::optional<TicketMessage>> {
    return first_of(read_messages("SELECT " SUFLER_MESSAGE_COLUMNS " FROM ticket_messages WHERE id = ?", id));
  });
}

Stored<Done> SqlDesk::mark_carried(std::int64_t message_id, bool carried) {
  return tx_.operation([&]() -> Stored<Done> {
    tx_.statements_.run("UPDATE ticket_messages SET carried = ? WHERE id = ?", std::int64_t{carried}, message_id);
    return Done{};
  });
}

Stored<std::vector<TicketMessage>> SqlDesk::to_carry(std::int64_t ticket_id) {
  return tx_.operation([&]() -> Stored<std::vector<TicketMessage>> {
    return read_messages("SELECT " SUFLER_MESSAGE_COLUMNS
                         " FROM ticket_messages WHERE ticket_id = ? AND carried = 0 AND source < 2 ORDER BY id",
                         ticket_id);
  });
}

Stored<std::vector<TicketMessage>> SqlDesk::messages(std::int64_t ticket_id, std::size_t limit) {
  return tx_.operation([&]() -> Stored<std::vector<TicketMessage>> {
    std::vector<TicketMessage> rows =
        read_messages("SELECT " SUFLER_MESSAGE_COLUMNS
                      " FROM ticket_messages WHERE ticket_id = ? ORDER BY id DESC LIMIT ?",
                      ticket_id, at_most(limit));
    std::reverse(rows.begin(), rows.end());
    return rows;
  });
}

Stored<std::vector<TicketMessage>> SqlDesk::messages_behind(std::int64_t ticket_id, std::int64_t after,
                                                            std::size_t limit) {
  return tx_.operation([&]() -> Stored<std::vector<TicketMessage>> {
    return read_messages("SELECT " SUFLER_MESSAGE_COLUMNS
                         " FROM ticket_messages WHERE ticket_id = ? AND id > ? ORDER BY id LIMIT ?",
                         ticket_id, after, at_most(limit));
  });
}

Stored<std::optional<TicketMessageRef>> SqlDesk::find_message(std::string_view bot, const ChatAddress& chat,
                                                              std::string_view message_id) {
  return tx_.operation([&]() -> Stored<std::optional<TicketMessageRef>> {
    if (message_id.empty()) return std::optional<TicketMessageRef>();
    TicketMessageRef ref;
    tx_.write_mapped();
    // Written more than once is a message that was edited: its last words count.
    if (!tx_.statements_.one(
            R"(SELECT id, ticket, is_copy FROM (
                 SELECT m.id AS id, m.ticket_id AS ticket, 0 AS is_copy FROM ticket_messages AS m
                   JOIN tickets AS t ON t.id = m.ticket_id
                   WHERE m.message_id = ? AND m.message_id <> '' AND m.chat = ? AND m.transport = ? AND t.bot = ?
                 UNION ALL
                 SELECT m.id, m.ticket_id, 1 FROM messages_map AS c JOIN ticket_messages AS m ON m.id = c.ticket_message
                   WHERE c.message_id = ? AND c.chat = ? AND c.transport = ? AND c.bot = ?) AS found
               ORDER BY is_copy, id DESC LIMIT 1)",
            std::tie(ref.message, ref.ticket, ref.copy), message_id, chat.chat_id, chat.transport, bot, message_id,
            chat.chat_id, chat.transport, bot)) {
      return std::optional<TicketMessageRef>();
    }
    return std::optional(ref);
  });
}

Stored<std::string> SqlDesk::copy_in(std::string_view bot, std::int64_t message, const ChatAddress& chat) {
  return tx_.operation([&]() -> Stored<std::string> {
    std::string copy;
    if (message == 0) return copy;
    tx_.write_mapped();
    // Parts that went together are told apart by their numbers, which are longer when they are higher.
    tx_.statements_.one(
        R"(SELECT message_id FROM messages_map WHERE ticket_message = ? AND ticket_message <> 0 AND chat = ? AND
           transport = ? AND bot = ? ORDER BY at_unix_ms DESC, length(message_id) DESC, message_id DESC LIMIT 1)",
        std::tie(copy), message, chat.chat_id, chat.transport, bot);
    return copy;
  });
}

// ---- figures

Stored<std::vector<DeskFigures>> SqlDesk::figures(std::string_view bot, std::string_view desk, Moment from, Moment to) {
  return tx_.operation([&]() -> Stored<std::vector<DeskFigures>> {
    std::map<std::int64_t, Sums> by_agent;
    std::int64_t agent = 0;
    Sums read;
    const auto add = [&] {
      by_agent[agent].add(read);
    };
    Statements& statements = tx_.statements_;
    statements.each(
        R"(SELECT agent_id, count(*), CAST(sum(CASE WHEN answered_at_unix_ms <> 0 THEN 1 ELSE 0 END) AS BIGINT),
           CAST(sum(CASE WHEN answered_at_unix_ms <> 0 THEN answered_at_unix_ms - opened_at_unix_ms ELSE 0 END)
             AS BIGINT)
           FROM tickets WHERE bot = ? AND desk = ? AND opened_at_unix_ms >= ? AND opened_at_unix_ms < ?
           GROUP BY agent_id)",
        std::tie(agent, read.taken, read.answered, read.first_answer_ms), add, bot, desk, from.unix_ms, to.unix_ms);
    read = {};
    statements.each(
        R"(SELECT agent_id, count(*), CAST(sum(closed_at_unix_ms - opened_at_unix_ms - paused_ms) AS BIGINT),
           CAST(sum(CASE WHEN rating <> 0 THEN 1 ELSE 0 END) AS BIGINT), CAST(sum(rating) AS BIGINT)
           FROM tickets WHERE bot = ? AND desk = ? AND state = 2 AND closed_at_unix_ms >= ? AND closed_at_unix_ms < ?
           GROUP BY agent_id)",
        std::tie(agent, read.closed, read.duration_ms, read.rated, read.rating), add, bot, desk, from.unix_ms,
        to.unix_ms);
    read = {};
    statements.each("SELECT agent_id, count(*) FROM tickets WHERE bot = ? AND desk = ? AND state = 1 GROUP BY agent_id",
                    std::tie(agent, read.open), add, bot, desk);

    Sums all;
    for (const auto& [_, sums] : by_agent) all.add(sums);
    std::vector<DeskFigures> found{figures_of(all)};
    std::string name;
    bool removed = false;
    statements.each(
        "SELECT id, name, removed FROM agents WHERE bot = ? AND desk = ? ORDER BY name, id",
        std::tie(agent, name, removed),
        [&] {
          const Sums& sums = by_agent[agent];
          if (removed && sums.empty()) return;
          found.push_back(figures_of(sums));
          found.back().agent = agent;
          found.back().name = name;
        },
        bot, desk);
    return found;
  });
}

Stored<std::optional<Duration>> SqlDesk::usual_work(std::string_view bot, std::string_view desk, Moment since,
                                                    std::size_t limit) {
  return tx_.operation([&]() -> Stored<std::optional<Duration>> {
    std::int64_t count = 0, sum = 0;
    // What nobody had is counted in the limit: years of it must not be read to find one that somebody had.
    tx_.statements_.one(
        R"(SELECT count(*), CAST(coalesce(sum(closed - assigned), 0) AS BIGINT) FROM
           (SELECT closed_at_unix_ms AS closed, assigned_at_unix_ms AS assigned FROM tickets
            WHERE bot = ? AND desk = ? AND state = 2 AND closed_at_unix_ms >= ?
            ORDER BY closed_at_unix_ms DESC LIMIT ?) AS latest WHERE assigned <> 0)",
        std::tie(count, sum), bot, desk, since.unix_ms, at_most(limit));
    if (count == 0) return std::optional<Duration>();
    return std::optional(Duration{mean(sum, count)});
  });
}

// ---- wrong tokens

Stored<TokenFailures> SqlDesk::token_failures(std::string_view bot, std::string_view transport,
                                              std::string_view user_id) {
  return tx_.operation([&]() -> Stored<TokenFailures> {
    TokenFailures failures;
    tx_.statements_.one(
        R"(SELECT failures, last_at_unix_ms, locked_until_unix_ms FROM token_failures WHERE user_id = ? AND
           transport = ? AND bot = ?)",
        std::tie(failures.count, failures.last_at.unix_ms, failures.locked_until.unix_ms), user_id, transport, bot);
    return failures;
  });
}

Stored<Done> SqlDesk::set_token_failures(std::string_view bot, std::string_view transport, std::string_view user_id,
                                         const TokenFailures& failures) {
  return tx_.operation([&]() -> Stored<Done> {
    if (failures.count == 0 && failures.locked_until.unix_ms == 0) {
      tx_.statements_.run("DELETE FROM token_failures WHERE user_id = ? AND transport = ? AND bot = ?", user_id,
                          transport, bot);
      return Done{};
    }
    tx_.statements_.run(
        R"(INSERT INTO token_failures (user_id, transport, bot, failures, last_at_unix_ms, locked_until_unix_ms)
           VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (user_id, transport, bot) DO UPDATE SET failures = excluded.failures,
             last_at_unix_ms = excluded.last_at_unix_ms, locked_until_unix_ms = excluded.locked_until_unix_ms)",
        user_id, transport, bot, failures.count, failures.last_at.unix_ms, failures.locked_until.unix_ms);
    return Done{};
  });
}

// ---- invitations

Stored<Done> SqlDesk::invite(const Invitation& invitation, Moment now) {
  return tx_.operation([&]() -> Stored<Done> {
    tx_.statements_.run("DELETE FROM agent_invitations WHERE until_unix_ms <= ?", now.unix_ms);
    tx_.statements_.run("INSERT INTO agent_invitations (hash, bot, desk, until_unix_ms) VALUES (?, ?, ?, ?)",
                        invitation.hash, invitation.bot, invitation.desk, invitation.until.unix_ms);
    return Done{};
  });
}

Stored<std::vector<Invitation>> SqlDesk::invitations(std::string_view bot, std::string_view desk, Moment now) {
  return tx_.operation([&]() -> Stored<std::vector<Invitation>> {
    std::vector<Invitation> open;
    Invitation row;
    tx_.statements_.each(
        "SELECT hash, bot, desk, until_unix_ms FROM agent_invitations WHERE bot = ? AND desk = ? AND until_unix_ms > ?",
        std::tie(row.hash, row.bot, row.desk, row.until.unix_ms), [&] { open.push_back(row); }, bot, desk, now.unix_ms);
    return open;
  });
}

Stored<Done> SqlDesk::drop_invitation(std::string_view hash) {
  return tx_.operation([&]() -> Stored<Done> {
    tx_.statements_.run("DELETE FROM agent_invitations WHERE hash = ?", hash);
    return Done{};
  });
}

}  // namespace sufler::storage
