#include "storage/postgres_presence.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <thread>

#include "storage/errors.h"

namespace sufler::storage {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kHeartbeat{2'000};
constexpr milliseconds kReconnect{500};
constexpr std::string_view kLeft = "left";
// The server ends a connection that is silent for so long, and its locks with it: that is how a process that
// stands still loses what it leads.
constexpr const char* kSilence = "SET idle_session_timeout = '10s'";
// First numbers of our advisory locks. 7824 is of migrations, 7827 to 7830 of shared values, tables, desks and deployments.
constexpr const char* kLead = "SELECT pg_try_advisory_lock(7825, hashtext(?))";
constexpr const char* kLive = "SELECT pg_advisory_lock(7826, CAST(CAST(? AS BIGINT) AS INTEGER))";

milliseconds monotonic() {
  return std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now().time_since_epoch());
}

class PostgresPresence final : public Presence {
 public:
  PostgresPresence(PostgresSettings settings, std::vector<std::string> bots, Storage::PresenceHandlers handlers)
      : settings_(std::move(settings)), handlers_(std::move(handlers)), wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    for (std::string& bot : bots) led_[std::move(bot)] = false;
  }
  PostgresPresence(const PostgresPresence&) = delete;
  PostgresPresence& operator=(const PostgresPresence&) = delete;
  ~PostgresPresence() override {
    leave();
    ::close(wake_);
  }

  Stored<Done> begin() {
    if (auto connected = connect(); !connected) return connected;
    auto side = connect_side();
    if (!side) return side;
    thread_ = std::thread([this] { run(); });
    return Done{};
  }

  std::int64_t process() const override { return process_; }

  bool leads(std::string_view bot) const override {
    if (monotonic() - milliseconds(last_answer_.load()) > kLease) return false;
    std::lock_guard lock(mutex_);
    const auto found = led_.find(bot);
    return found != led_.end() && found->second;
  }

  void serve(std::string_view bot) override {
    std::lock_guard lock(mutex_);
    led_.emplace(std::string(bot), false);  // the next beat tries
  }

  Stored<Done> playing(const std::vector<std::int64_t>& inbox_ids) override {
    return on_side([&] {
      PostgresArray ids(PostgresArray::Of::Bigint);
      for (const std::int64_t id : inbox_ids) ids.add(id);
      const PostgresValue process(process_);
      side_statements_->run("UPDATE processes SET playing = ? WHERE id = ?", {&ids, &process});
    });
  }

  void tell_news() override {
    (void)on_side([&] { side_statements_->run(std::string("NOTIFY sufler")); });
  }

 private:
  // ---- the connection that holds the locks

  Stored<Done> connect() {
    auto opened = connect_postgres(settings_);
    if (!opened) return Error{opened.error()};
    sql_ = std::move(*opened);
    statements_.emplace(connection_of(*sql_));
    return guarded(sql_.get(), [&]() -> Stored<Done> {
      const milliseconds asked = monotonic();
      statements_->run(std::string(kSilence));
      statements_->run(std::string("LISTEN sufler"));
      if (process_ == 0) process_ = statements_->run(std::string("SELECT nextval('process_ids')")).integer(0, 0);
      const PostgresValue process(process_);
      // First the lock, then the row: a row without its lock is of a process that died.
      statements_->run(kLive, {&process});
      statements_->run(
          R"(INSERT INTO processes (id, started_at_unix_ms, playing)
             VALUES (?, CAST(extract(epoch FROM now()) * 1000 AS BIGINT), '{}') ON CONFLICT (id) DO NOTHING)",
          {&process});
      last_answer_ = asked.count();
      return Done{};
    });
  }

  void run() {
    while (!stopping_) {
      if (!sql_) {
        if (auto connected = connect(); !connected) {
          disconnect(connected.error().message);
          wait(-1, kReconnect);
          continue;
        }
        troubled_ = false;
        next_beat_ = milliseconds(0);
      }
      const milliseconds now = monotonic();
      if (now >= next_beat_) {
        if (auto beaten = beat(); !beaten) {
          disconnect(beaten.error().message);
          continue;
        }
        next_beat_ = now + kHeartbeat;
      }
      if (!wait(PQsocket(statements_->connection()), next_beat_ - monotonic())) continue;
      hear();
    }
  }

  /// Whether the connection has something to read.
  bool wait(int fd, milliseconds time) {
    pollfd ends[2] = {{wake_, POLLIN, 0}, {fd, POLLIN, 0}};
    const int ready = ::poll(ends, fd < 0 ? 1 : 2, static_cast<int>(std::max<std::int64_t>(0, time.count())));
    return ready > 0 && fd >= 0 && ends[1].revents != 0;
  }

  void hear() {
    PGconn* const connection = statements_->connection();
    if (PQconsumeInput(connection) == 0) return disconnect(from_postgres(connection, nullptr).message);
    bool news = false;
    while (PGnotify* const note = PQnotifies(connection)) {
      news = news || note->be_pid != PQbackendPID(connection);
      // A leader that stops says so, and its bots need not wait for the next beat.
      if (std::string_view(note->extra) == kLeft) next_beat_ = milliseconds(0);
      PQfreemem(note);
    }
    if (news && handlers_.news) handlers_.news();
  }

  Stored<Done> beat() {
    return guarded(sql_.get(), [&]() -> Stored<Done> {
      const milliseconds asked = monotonic();
      const PostgresValue process(process_);
      // Whoever died was playing something: that counts as an attempt (ARCHITECTURE, invariant 5).
      const PostgresRows dead = statements_->run(
          R"(WITH dead AS (
               DELETE FROM processes WHERE id <> ? AND pg_try_advisory_xact_lock(7826, CAST(id AS INTEGER))
               RETURNING playing)
             UPDATE inbox SET attempts = attempts + 1
             WHERE id IN (SELECT unnest(playing) FROM dead) RETURNING id)",
          {&process});
      last_answer_ = asked.count();
      bool news = dead.count() != 0;
      for (const std::string& bot : not_led()) {
        const PostgresValue name(bot);
        if (statements_->run(kLead, {&name}).text(0, 0) != "t") continue;
        // Written here alone, by whoever holds the lock: a process that stood still and takes itself for the leader
        // cannot write over its successor.
        statements_->run(
            R"(INSERT INTO leaders (bot, process) VALUES (?, ?) ON CONFLICT (bot) DO UPDATE SET
               process = excluded.process)",
            {&name, &process});
        set_led(bot, true);
        news = true;
      }
      if (news && handlers_.news) handlers_.news();
      return Done{};
    });
  }

  std::vector<std::string> not_led() const {
    std::lock_guard lock(mutex_);
    std::vector<std::string> bots;
    for (const auto& [bot, led] : led_)
      if (!led) bots.push_back(bot);
    return bots;
  }

  void set_led(const std::string& bot, bool leads) {
    {
      std::lock_guard lock(mutex_);
      bool& led = led_[bot];
      if (led == leads) return;
      led = leads;
    }
    if (handlers_.leads) handlers_.leads(bot, leads);
  }

  void disconnect(const std::string& reason) {
    statements_.reset();
    sql_.reset();
    std::vector<std::string> bots;
    {
      std::lock_guard lock(mutex_);
      for (const auto& [bot, led] : led_)
        if (led) bots.push_back(bot);
    }
    for (const std::string& bot : bots) set_led(bot, false);
    if (!std::exchange(troubled_, true) && handlers_.trouble) handlers_.trouble(reason);
  }

  /// An orderly end: the others need not find out.
  void leave() override {
    stopping_ = true;
    wake();
    if (thread_.joinable()) thread_.join();
    {
      std::lock_guard lock(mutex_);
      led_.clear();
    }
    if (!sql_) return;
    (void)guarded(sql_.get(), [&]() -> Stored<Done> {
      const PostgresValue process(process_);
      statements_->run("DELETE FROM processes WHERE id = ?", {&process});
      return Done{};
    });
    statements_.reset();
    sql_.reset();
    // Now that the locks are gone.
    (void)on_side([&] { side_statements_->run("NOTIFY sufler, '" + std::string(kLeft) + "'"); });
  }

  void wake() {
    const std::uint64_t one = 1;
    (void)!::write(wake_, &one, sizeof one);
  }

  // ---- the connection beside the work, of the storage's owner

  Stored<Done> connect_side() {
    auto opened = connect_postgres(settings_);
    if (!opened) return Error{opened.error()};
    side_ = std::move(*opened);
    side_statements_.emplace(connection_of(*side_));
    return guarded(side_.get(), [&]() -> Stored<Done> {
      // What it writes matters when this process dies, not when the server does.
      side_statements_->run(std::string("SET synchronous_commit = off"));
      return Done{};
    });
  }

  template <class Body>
  Stored<Done> on_side(Body&& body) {
    if (!side_) {
      if (auto connected = connect_side(); !connected) return connected;
    }
    auto done = guarded(side_.get(), [&]() -> Stored<Done> {
      body();
      return Done{};
    });
    if (!done) {
      side_statements_.reset();
      side_.reset();
    }
    return done;
  }

  const PostgresSettings settings_;
  const Storage::PresenceHandlers handlers_;
  const int wake_;
  std::thread thread_;
  std::atomic<bool> stopping_{false};
  std::atomic<std::int64_t> last_answer_{0};  // when the answered question was asked, monotonic ms
  std::atomic<std::int64_t> process_{0};
  mutable std::mutex mutex_;
  std::map<std::string, bool, std::less<>> led_;
  bool troubled_ = false;
  milliseconds next_beat_{0};

  std::unique_ptr<soci::session> sql_;
  std::optional<PostgresStatements> statements_;
  std::unique_ptr<soci::session> side_;
  std::optional<PostgresStatements> side_statements_;
};

}  // namespace

Stored<std::unique_ptr<Presence>> join_postgres(const PostgresSettings& settings, std::vector<std::string> bots,
                                                Storage::PresenceHandlers handlers) {
  auto presence = std::make_unique<PostgresPresence>(settings, std::move(bots), std::move(handlers));
  if (auto begun = presence->begin(); !begun) return Error{begun.error()};
  return std::unique_ptr<Presence>(std::move(presence));
}

}  // namespace sufler::storage
