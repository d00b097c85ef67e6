#include "faults/audit.h"

#include <algorithm>
#include <chrono>
#include <set>
#include <stdexcept>
#include <thread>

#include "faults/customers.h"
#include "faults/rows.h"

namespace sufler::tests {
namespace {

/// How long before a kill a message may have left and still not be recorded as sent. The program
/// records it after some 20 ms; the rest is a machine under load.
constexpr std::int64_t kUnrecordedMs = 3000;

struct Heard {
  int index = 0;  ///< place in the dialog: round and stage as one number
  std::int64_t at_ms = 0;
};

struct Auditor {
  const Evidence& evidence;
  std::vector<std::string> wrong;
  std::set<std::int64_t> late;  ///< standstills, by their beginning, behind which a message has come late

  explicit Auditor(const Evidence& given) : evidence(given) {}

  std::vector<Row> rows(const std::string& query) const { return rows_of(evidence.database, query); }

  void expect_none(const std::string& what, const std::string& query) {
    for (const Row& row : rows(query)) wrong.push_back(what + ": " + joined(row));
  }

  void check_database() {
    if (is_postgres(evidence.database)) {
      expect_none("a process that has not left", "SELECT id FROM processes");
    } else {
      const auto integrity = rows("PRAGMA integrity_check");
      if (integrity != std::vector<Row>{{"ok"}}) wrong.push_back("integrity: " + joined(integrity[0]));
      expect_none("counted as running", "SELECT running FROM run_state WHERE running <> 0");
    }
    expect_none("left in the outbox",
                "SELECT id, chat, method, state, attempts, reason FROM outbox");
    expect_none("left in the inbox", "SELECT id, event_id, attempts FROM inbox");
    expect_none("a dead letter", "SELECT kind, reason, subject FROM dead_letters");
  }

  /// One row a confirmed order, with its own answers, in the order in which the customer gave them.
  void check_orders() {
    std::map<std::string, std::vector<Row>> by_customer;
    for (Row& row : rows(
             "SELECT user_id, name, phone, service, comment, number, id FROM orders ORDER BY id")) {
      const std::string customer = row[0];
      by_customer[customer].push_back(std::move(row));
    }
    for (const auto& [customer, count] : evidence.orders) {
      const std::string id = std::to_string(customer);
      const std::vector<Row>& rows = by_customer[id];
      if (rows.size() != static_cast<std::size_t>(count)) {
        wrong.push_back("customer " + id + " confirmed " + std::to_string(count) +
                        " orders, there are " + std::to_string(rows.size()) + " rows");
      }
      for (std::size_t i = 0; i < rows.size(); ++i) {
        const Answers said = answers_of(customer, static_cast<int>(i) + 1);
        const Row expected = {id,           said.name,    said.phone,
                              said.service, said.comment, std::to_string(i + 1)};
        if (Row(rows[i].begin(), rows[i].end() - 1) != expected)
          wrong.push_back("an order is " + joined(rows[i]) + " instead of " + joined(expected));
      }
      by_customer.erase(id);
    }
    for (const auto& [id, rows] : by_customer)
      if (!rows.empty()) wrong.push_back("orders of nobody, of " + id);
  }

  /// Every update became one turn: none was lost, none was played twice.
  void check_updates() {
    std::map<std::string, int> played;
    for (const Row& row : rows(
             "SELECT event_id, count(*) FROM journal WHERE event_id <> '' GROUP BY event_id"))
      played[row[0]] = std::stoi(row[1]);
    for (const Shopfront::Update& update : evidence.shop.updates()) {
      if (!update.confirmed) wrong.push_back("update " + update.id + " was not confirmed");
      const int times = played[update.id];
      if (times != 1)
        wrong.push_back("update " + update.id + " was played " + std::to_string(times) + " times");
    }
    for (const std::string& press : evidence.shop.unanswered_presses())
      wrong.push_back("press " + press + " has no answer");
  }

  std::vector<Heard> heard_by(std::int64_t customer) {
    std::vector<Heard> all;
    for (const Shopfront::Heard& message : evidence.shop.messages(customer)) {
      int round = 0;
      Stage stage{};
      if (!read_message(message.text, customer, round, stage)) {
        wrong.push_back("customer " + std::to_string(customer) + " heard an odd message: " + message.text);
        continue;
      }
      all.push_back({(round - 1) * kStages + static_cast<int>(stage), message.at_ms});
    }
    return all;
  }

  /// Whether a message is the one that was next when a standstill began, and left when it ended.
  bool came_late(const Heard& heard, int furthest, const std::vector<Heard>& all) {
    if (heard.index > furthest) return false;
    for (const Evidence::Death& standstill : evidence.standstills) {
      if (heard.at_ms < standstill.to) continue;
      int last = -1;
      for (const Heard& one : all)
        if (one.at_ms <= standstill.from) last = std::max(last, one.index);
      if (heard.index == last + 1 && late.insert(standstill.from).second) return true;
    }
    return false;
  }

  /// The messages of a chat follow the dialog. After a kill those come again that were being sent
  /// or not yet recorded as sent: in their order, and up to where the talk stood; but nothing where the platform
  /// knows repeats.
  void check_talk(std::int64_t customer, int count) {
    const std::vector<Heard> all = heard_by(customer);
    std::map<int, std::int64_t> last_at;
    int place = -1;
    int furthest = -1;
    std::int64_t before_ms = 0;
    for (const Heard& heard : all) {
      const bool in_order = heard.index == place + 1;
      const bool rewinds = heard.index <= place;
      const bool repeats = heard.index <= furthest;
      bool excused = in_order && !repeats;
      if (repeats && !evidence.shop.knows_repeats()) {
        for (const Evidence::Death& death : evidence.deaths) {
          const std::int64_t first = last_at[heard.index];
          const bool was_open = first <= death.to && death.from - first <= kUnrecordedMs;
          const bool came_after = death.from <= heard.at_ms;
          const bool between = before_ms <= death.to;
          excused = excused || (was_open && came_after && (in_order || (rewinds && between)));
        }
      }
      if (!excused && came_late(heard, furthest, all)) continue;
      if (!excused) {
        const auto& deaths = evidence.deaths;
        const auto killed = std::find_if(deaths.begin(), deaths.end(),
                                         [&](const Evidence::Death& death) { return death.from > heard.at_ms; });
        wrong.push_back("customer " + std::to_string(customer) + " heard message " +
                        std::to_string(heard.index) + " after " + std::to_string(place) +
                        " (furthest " + std::to_string(furthest) + "), " +
                        std::to_string(heard.at_ms - before_ms) + " ms after it, " +
                        (killed == deaths.begin()
                             ? "before any kill"
                             : std::to_string(heard.at_ms - (killed - 1)->to) + " ms after a kill"));
        return;
      }
      last_at[heard.index] = heard.at_ms;
      place = heard.index;
      furthest = std::max(furthest, place);
      before_ms = heard.at_ms;
    }
    if (furthest != count * kStages)
      wrong.push_back("customer " + std::to_string(customer) + " heard up to message " +
                      std::to_string(furthest) + " of " + std::to_string(count * kStages));
  }

  /// The admin heard of every order. What one dialog says comes in its order; different dialogs do
  /// not wait for each other.
  void check_notices() {
    std::set<std::string> expected, heard;
    for (const Row& row : rows("SELECT id, name FROM orders"))
      expected.insert("Новый заказ №" + row[0] + ": " + row[1]);
    std::map<std::string, int> last_of;  // by customer
    for (const Shopfront::Heard& message : evidence.shop.messages(evidence.admin)) {
      if (!heard.insert(message.text).second) {
        if (evidence.shop.knows_repeats()) wrong.push_back("the admin heard twice: " + message.text);
        continue;
      }
      const std::size_t number = message.text.find("№");
      const int id = number == std::string::npos ? 0 : std::atoi(message.text.c_str() + number + 3);
      const std::size_t name = message.text.find("Иван ");
      const std::string customer = name == std::string::npos
                                       ? ""
                                       : message.text.substr(name, message.text.rfind('-') - name);
      int& last = last_of[customer];
      if (id <= last)
        wrong.push_back("the admin heard of order " + std::to_string(id) + " after " +
                        std::to_string(last) + " of the same customer, " + customer);
      last = id;
    }
    for (const std::string& text : expected)
      if (!heard.contains(text)) wrong.push_back("the admin has not heard: " + text);
    for (const std::string& text : heard)
      if (!expected.contains(text)) wrong.push_back("the admin heard of no order: " + text);
  }
};

}  // namespace

std::vector<std::string> audit(const Evidence& evidence) {
  Auditor auditor(evidence);
  auditor.check_database();
  auditor.check_orders();
  auditor.check_updates();
  for (const auto& [customer, count] : evidence.orders) auditor.check_talk(customer, count);
  auditor.check_notices();
  for (std::string& odd : evidence.shop.odd_requests()) auditor.wrong.push_back(std::move(odd));
  return auditor.wrong;
}

void let_through_what_met_deaths(const std::string& database, int deaths) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  const auto has_some = [&] {
    try {
      return !rows_of(database, "SELECT 1 FROM inbox WHERE attempts >= " + std::to_string(deaths)).empty();
    } catch (const std::runtime_error& error) {
      const std::string_view what = error.what();
      for (const std::string_view none : {"no such table", "does not exist", "unable to open"})
        if (what.find(none) != std::string_view::npos) return false;  // the lives before were too short to make the database
      throw;
    }
  };
  while (has_some() && std::chrono::steady_clock::now() < until) std::this_thread::sleep_for(std::chrono::milliseconds(5));
}

std::size_t repeated_messages(const Evidence& evidence) {
  Auditor auditor(evidence);
  std::size_t repeated = 0;
  for (const auto& [customer, count] : evidence.orders) {
    std::set<int> places;
    for (const Heard& heard : auditor.heard_by(customer))
      if (!places.insert(heard.index).second) ++repeated;
  }
  return repeated;
}

}  // namespace sufler::tests
