// PostgreSQL that crashes, cuts connections, loses answers, is slow or full. Environment:
//   SUFLER_POSTGRES_RESTARTS=N   crashes of the server (3)
//   SUFLER_POSTGRES_CUTS=N       connections that are ended, and commits that are cut (30)
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <libpq-fe.h>
#include <signal.h>

#include <iostream>
#include <memory>
#include <random>

#include "faults/audit.h"
#include "faults/crowd.h"
#include "faults/own_postgres.h"
#include "faults/rows.h"
#include "faults/tcp_proxy.h"

namespace sufler::tests {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Deployment::Settings postgres() {
  Deployment::Settings settings;
  settings.database = DatabaseUnderTest::Postgres;
  return settings;
}

/// Memory of a process that is its own, in bytes.
std::size_t memory_of(pid_t pid) {
  const std::string status = read_file("/proc/" + std::to_string(pid) + "/status");
  const std::size_t at = status.find("VmRSS:");
  return at == std::string::npos ? 0 : std::strtoull(status.c_str() + at + 6, nullptr, 10) * 1024;
}

using Connection = std::unique_ptr<PGconn, decltype(&PQfinish)>;
Connection connect_to(const std::string& url) { return {PQconnectdb(url.c_str()), &PQfinish}; }
/// The state of SQL, empty when all is well.
std::string run_on(const Connection& connection, const char* sql) {
  const std::unique_ptr<PGresult, decltype(&PQclear)> result(PQexec(connection.get(), sql), &PQclear);
  const char* state = PQresultErrorField(result.get(), PG_DIAG_SQLSTATE);
  return state == nullptr ? "" : state;
}

TEST(PostgresFaultsTest, ACrashOfTheServerIsOutlivedAndShowsInReadiness) {
  OwnPostgres server;
  Deployment::Settings settings = postgres();
  settings.log_level = "info";
  settings.database_url = server.url();
  settings.pages = true;
  Deployment deployment(settings);
  deployment.start(0);
  deployment.start(1);
  Crowd crowd(deployment, 20);
  ASSERT_TRUE(deployment.becomes_ready(true, kPatience)) << deployment.output();
  const std::uint64_t restarts = setting("SUFLER_POSTGRES_RESTARTS", 3, 20);
  std::int64_t longest = 0;
  for (std::uint64_t i = 0; i < restarts; ++i) {
    ASSERT_TRUE(deployment.telegram.wait_for_calls("sendMessage", deployment.telegram.calls("sendMessage").size() + 50, kPatience))
        << deployment.output();
    const std::int64_t began = unix_ms();
    server.crash();
    EXPECT_TRUE(deployment.becomes_ready(false, kPatience)) << deployment.output();
    server.resume();
    // With the leader's connection gone a message under way may be sent by another process, too.
    deployment.note_death(began);
    const std::int64_t back = unix_ms();
    const std::size_t before = deployment.telegram.calls("sendMessage").size();
    ASSERT_TRUE(deployment.telegram.wait_for_calls("sendMessage", before + 1, kPatience)) << deployment.output();
    longest = std::max(longest, unix_ms() - back);
    EXPECT_TRUE(deployment.becomes_ready(true, kPatience)) << deployment.output();
  }
  EXPECT_LE(longest, 5000);
  finish(deployment, crowd);
  std::cout << "figure: " << restarts << " crashes of the server, the next message at most " << longest
            << " ms after it was back, " << repeated_messages(deployment.evidence(crowd->orders()))
            << " messages came twice\n";
}

TEST(PostgresFaultsTest, ConnectionsThatAreEndedAtRandomLoseNothing) {
  Deployment deployment(postgres());
  deployment.start(0);
  deployment.start(1);
  Crowd crowd(deployment, 20);
  ASSERT_TRUE(deployment.telegram.wait_for_calls("sendMessage", 50, kPatience)) << deployment.output();
  std::mt19937_64 chance(setting("SUFLER_KILL_SEED", std::random_device{}()));
  const std::uint64_t cuts = setting("SUFLER_POSTGRES_CUTS", 30, 300);
  std::size_t ended = 0;
  while (ended < cuts) {
    ended += rows_of(deployment.database_url(),
                     "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND "
                     "application_name = 'sufler' ORDER BY random() LIMIT 1")
                 .size();
    deployment.note_death();
    deployment.process(0).wait(milliseconds(std::uniform_int_distribution<int>(20, 200)(chance)));
  }
  finish(deployment, crowd);
  std::cout << "figure: " << ended << " connections ended, " << total(crowd->orders()) << " orders, "
            << repeated_messages(deployment.evidence(crowd->orders())) << " messages came twice\n";
}

TEST(PostgresFaultsTest, ACommitWhoseAnswerIsLostIsNotDoneTwice) {
  const std::string server = postgres_server();
  PostgresProxy proxy(std::atoi(server.c_str() + server.rfind(':') + 1));
  TestDatabase database(DatabaseUnderTest::Postgres);
  const std::string name = database.url().substr(server.size());
  Deployment::Settings settings = postgres();
  settings.database_url = database.url();
  settings.way_to_database = "postgresql://sufler@127.0.0.1:" + std::to_string(proxy.port()) + "/" + name;
  Deployment deployment(settings);
  deployment.start(0);
  Crowd crowd(deployment, 20);
  ASSERT_TRUE(deployment.telegram.wait_for_calls("sendMessage", 50, kPatience)) << deployment.output();
  const std::uint64_t cuts = setting("SUFLER_POSTGRES_CUTS", 30, 300);
  std::mt19937_64 chance(setting("SUFLER_KILL_SEED", std::random_device{}()));
  proxy.set_plan([&] {
    const int draw = std::uniform_int_distribution<int>(0, 11)(chance);
    return draw < 9 ? PostgresProxy::Cut::Never : static_cast<PostgresProxy::Cut>(draw - 8);
  });
  while (proxy.cuts() < cuts) ASSERT_FALSE(deployment.process().wait(milliseconds(10))) << deployment.output();
  proxy.set_plan({});
  finish(deployment, crowd);
  // One process that lives on knows what it has sent, whatever became of the commit.
  EXPECT_EQ(repeated_messages(deployment.evidence(crowd->orders())), 0u);
  std::cout << "figure: " << proxy.cuts() << " commits cut, " << total(crowd->orders()) << " orders, none twice\n";
}

TEST(PostgresFaultsTest, ASlowDatabaseSlowsTheIntakeAndMemoryStaysBounded) {
  Deployment::Settings settings = postgres();
  settings.pages = true;
  Deployment deployment(settings);
  deployment.start();
  ASSERT_TRUE(deployment.becomes_ready(true, kPatience)) << deployment.output();
  // Every event costs 2 ms more.
  rows_of(deployment.database_url(),
          "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM pg_sleep(0.002); RETURN NEW; END$$; "
          "CREATE TRIGGER slow BEFORE INSERT ON inbox FOR EACH ROW EXECUTE FUNCTION slow()");
  constexpr int kPeople = 100, kWords = 12;
  const std::size_t before = memory_of(deployment.process().pid());
  for (int word = 0; word < kWords; ++word)
    for (int person = 1; person <= kPeople; ++person) deployment.telegram.say(person, word == 0 ? "/start" : "слово");
  std::size_t most = 0;
  // One menu and then the same question again and again: an answer a message.
  while (deployment.telegram.pending_updates() > 0) {
    ASSERT_FALSE(deployment.process().wait(milliseconds(20))) << deployment.output();
    most = std::max(most, memory_of(deployment.process().pid()));
  }
  EXPECT_TRUE(deployment.is_ready()) << "slow is not ill";
  EXPECT_LT(most, before + (48u << 20));
  std::cout << "figure: memory grew by at most " << (most - std::min(most, before)) / 1024 << " KB for " << kPeople * kWords
            << " messages\n";
  rows_of(deployment.database_url(), "DROP TRIGGER slow ON inbox");
  deployment.stop_all();
  EXPECT_EQ(rows_of(deployment.database_url(), "SELECT count(DISTINCT event_id) FROM journal WHERE event_id <> ''")[0][0],
            std::to_string(kPeople * kWords));
}

TEST(PostgresFaultsTest, WithoutAFreeConnectionItIsNotReadyAndComesBackByItself) {
  constexpr std::size_t kConnections = 10;
  OwnPostgres server({"max_connections=" + std::to_string(kConnections), "superuser_reserved_connections=0", "autovacuum=off"});
  Deployment::Settings settings = postgres();
  settings.database_url = server.url();
  settings.pages = true;
  Deployment deployment(settings);
  deployment.start();
  Crowd crowd(deployment, 10);
  ASSERT_TRUE(deployment.becomes_ready(true, kPatience)) << deployment.output();
  ASSERT_TRUE(deployment.telegram.wait_for_calls("sendMessage", 30, kPatience)) << deployment.output();
  // Others take every connection, those of the program as well: it loses them until none is free.
  std::vector<Connection> others;
  const Connection first = connect_to(server.url());
  for (const auto end = std::chrono::steady_clock::now() + kPatience;
       others.size() < kConnections - 1 && std::chrono::steady_clock::now() < end;) {
    run_on(first, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'sufler'");
    if (Connection one = connect_to(server.url()); PQstatus(one.get()) == CONNECTION_OK)
      others.push_back(std::move(one));
  }
  ASSERT_EQ(others.size(), kConnections - 1);
  deployment.note_death();
  EXPECT_TRUE(deployment.becomes_ready(false, kPatience)) << deployment.output();
  EXPECT_TRUE(deployment.runs(0)) << deployment.output();
  others.clear();
  EXPECT_TRUE(deployment.becomes_ready(true, kPatience)) << deployment.output();
  deployment.note_death();
  finish(deployment, crowd);
}

TEST(PostgresFaultsTest, DeadlocksWithOthersAreTriedAgain) {
  Deployment deployment(postgres());
  deployment.start(0);
  deployment.start(1);
  Crowd crowd(deployment, 20);
  ASSERT_TRUE(deployment.telegram.wait_for_calls("sendMessage", 100, kPatience)) << deployment.output();
  // A turn locks its event and then its dialog: here it is the other way round.
  const Connection other = connect_to(deployment.database_url());
  run_on(other, "SET deadlock_timeout = '5s'; SET lock_timeout = '3s'");
  int locked = 0;
  const auto count = [&](const char* sql) { return std::atoi(rows_of(deployment.database_url(), sql)[0][0].c_str()); };
  for (int i = 0; i < 4; ++i) {
    run_on(other, "BEGIN");
    run_on(other, "SELECT FROM dialogs FOR UPDATE");
    // Until a turn has its event and wants its dialog.
    for (const auto end = std::chrono::steady_clock::now() + kPatience; std::chrono::steady_clock::now() < end;)
      if (count("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'sufler' AND wait_event_type = 'Lock' AND "
                "datname = current_database()") > 0)
        break;
    // This one waits longer before it looks for the deadlock, so it is a turn that is given up.
    locked += run_on(other, "SELECT FROM inbox FOR UPDATE").empty() ? 1 : 0;
    run_on(other, "COMMIT");
  }
  finish(deployment, crowd);
  // The server counts a while behind.
  int deadlocks = 0;
  for (const auto end = std::chrono::steady_clock::now() + kPatience; deadlocks == 0 && std::chrono::steady_clock::now() < end;)
    deadlocks = count("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()");
  EXPECT_GT(deadlocks, 0);
  std::cout << "figure: " << deadlocks << " deadlocks in 4 tries, " << total(crowd->orders()) << " orders\n";
}

}  // namespace
}  // namespace sufler::tests
