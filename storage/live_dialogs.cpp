#include "storage/live_dialogs.h"

#include <soci/soci.h>

#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "storage/base64.h"
#include "storage/connect_only.h"
#include "storage/errors.h"
#include "storage/migrations.h"
#include "storage/scenario_tables.h"
#include "storage/sql_versions.h"

namespace sufler {
namespace {

/// Rows that are held in memory at a time.
constexpr std::int64_t kRows = 2000;

}  // namespace

struct LiveDialogs::Impl {
  std::unique_ptr<soci::session> sql;
  const storage::Dialect* dialect = nullptr;
  bool has_versions = false;  ///< false: the tables are of an older program, and nobody is pinned

  std::string following() const { return has_versions ? " AND pinned = ''" : ""; }

  bool has_table(const std::string& name) {
    int exists = 0;
    *sql << std::string(dialect->table_exists), soci::use(name), soci::into(exists);
    return exists != 0;
  }
};

LiveDialogs::LiveDialogs(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
LiveDialogs::LiveDialogs(LiveDialogs&&) noexcept = default;
LiveDialogs& LiveDialogs::operator=(LiveDialogs&&) noexcept = default;
LiveDialogs::~LiveDialogs() = default;

Stored<LiveDialogs> LiveDialogs::open(std::string_view url) {
  auto sql = storage::connect_only(url);
  if (!sql) return Error{sql.error()};
  auto impl = std::make_unique<Impl>();
  impl->sql = std::move(*sql);
  impl->dialect = &storage::dialect_of(url);
  auto known = storage::guarded(impl->sql.get(), [&]() -> Stored<Done> {
    impl->has_versions = impl->has_table("scenario_deployments");
    if (impl->has_table("dialogs")) return Done{};
    return Error{StorageError{StorageError::Kind::CannotOpen, "the database has no tables of Sufler's yet"}};
  });
  if (!known) return Error{known.error()};
  return LiveDialogs(std::move(impl));
}

Stored<std::vector<LiveDialogs::AtPlace>> LiveDialogs::places(std::string_view bot) {
  soci::session& sql = *impl_->sql;
  return storage::guarded(&sql, [&]() -> Stored<std::vector<AtPlace>> {
    const std::string of(bot);
    std::vector<AtPlace> all;
    AtPlace row;
    {
      soci::statement query =
          (sql.prepare << "SELECT place, count(*), min(changed_at_unix_ms) FROM dialogs WHERE bot = :bot AND "
                          "state <> ''" + impl_->following() + " GROUP BY place ORDER BY place",
           soci::use(of), soci::into(row.place), soci::into(row.dialogs), soci::into(row.oldest.unix_ms));
      query.execute();
      while (query.fetch()) all.push_back(row);
    }
    std::string place;
    std::int64_t timers = 0;
    soci::statement query = (sql.prepare << "SELECT d.place, count(*) FROM timers AS t JOIN dialogs AS d ON d.id = "
                                            "t.dialog_id WHERE t.bot = :bot AND substr(t.name, 1, 9) <> 'schedule:' GROUP BY "
                                            "d.place",
                             soci::use(of), soci::into(place), soci::into(timers));
    query.execute();
    while (query.fetch())
      for (AtPlace& known : all)
        if (known.place == place) known.timers = timers;
    return all;
  });
}

Stored<std::vector<LiveDialogs::Scheduled>> LiveDialogs::scheduled(std::string_view bot) {
  soci::session& sql = *impl_->sql;
  return storage::guarded(&sql, [&]() -> Stored<std::vector<Scheduled>> {
    std::vector<Scheduled> all;
    const std::string of(bot);
    Scheduled row;
    soci::statement query = (sql.prepare << "SELECT substr(name, 10), count(*) FROM timers WHERE bot = :bot AND substr(name, 1, 9) = "
                                            "'schedule:' GROUP BY name ORDER BY name",
                             soci::use(of), soci::into(row.name), soci::into(row.dialogs));
    query.execute();
    while (query.fetch()) all.push_back(row);
    return all;
  });
}

Stored<Done> LiveDialogs::each_state(
    std::string_view bot, const std::vector<std::string>& places,
    const std::function<void(const std::string&, const std::string&)>& call) {
  soci::session& sql = *impl_->sql;
  return storage::guarded(&sql, [&]() -> Stored<Done> {
    const std::set<std::string> wanted(places.begin(), places.end());
    const std::string of(bot);
    std::int64_t after = 0;
    for (;;) {
      std::int64_t id = 0, rows = 0;
      std::string place, state;
      soci::statement query = (sql.prepare << "SELECT id, place, state FROM dialogs WHERE id > :after AND bot = :bot "
                                              "AND state <> '' AND place <> 'none'" +
                                                  impl_->following() + " ORDER BY id LIMIT " + std::to_string(kRows),
                               soci::use(after), soci::use(of), soci::into(id), soci::into(place), soci::into(state));
      query.execute();
      while (query.fetch()) {
        ++rows;
        if (wanted.empty() || wanted.contains(place)) call(place, state);
      }
      if (rows < kRows) return Done{};
      after = id;
    }
  });
}

Stored<Done> LiveDialogs::each_passage(std::string_view bot, Moment since, const std::function<void(const Passage&)>& call) {
  soci::session& sql = *impl_->sql;
  return storage::guarded(&sql, [&]() -> Stored<Done> {
    const std::string of(bot), schedules(kScheduleTransport);
    std::int64_t after = 0, id = 0, rows = kRows;
    Passage row;
    for (std::int64_t read = rows; read == rows;) {
      soci::statement query =
          (sql.prepare << "SELECT j.id, j.dialog_id, j.at_unix_ms, j.event, j.turn FROM journal AS j JOIN dialogs AS d ON "
                          "d.id = j.dialog_id WHERE j.id > :after AND j.at_unix_ms >= :since AND d.bot = :bot AND "
                          "d.transport <> :schedules ORDER BY j.id LIMIT :rows",
           soci::use(after), soci::use(since.unix_ms), soci::use(of), soci::use(schedules), soci::use(rows), soci::into(id),
           soci::into(row.dialog_id), soci::into(row.at.unix_ms), soci::into(row.event), soci::into(row.turn));
      query.execute();
      for (read = 0; query.fetch(); ++read) call(row);
      after = id;
    }
    return Done{};
  });
}

Stored<std::vector<LiveDialogs::Tracked>> LiveDialogs::tracked(std::string_view bot, Moment since) {
  soci::session& sql = *impl_->sql;
  return storage::guarded(&sql, [&]() -> Stored<std::vector<Tracked>> {
    const std::string of(bot);
    std::vector<Tracked> all;
    Tracked row;
    soci::statement query = (sql.prepare << "SELECT name, count(*), count(DISTINCT dialog_id) FROM track_events WHERE bot = :bot AND "
                                            "at_unix_ms >= :since GROUP BY name ORDER BY name",
                             soci::use(of), soci::use(since.unix_ms), soci::into(row.name), soci::into(row.times),
                             soci::into(row.dialogs));
    query.execute();
    while (query.fetch()) all.push_back(row);
    return all;
  });
}

Stored<std::optional<VersionRow>> LiveDialogs::live_version(std::string_view bot) {
  using Found = Stored<std::optional<VersionRow>>;
  soci::session& sql = *impl_->sql;
  return storage::guarded(&sql, [&]() -> Found {
    if (!impl_->has_versions) return std::optional<VersionRow>();
    VersionRow row;
    row.bot = bot;
    std::string files;
    sql << "SELECT v.version, v.scenario, v.note, v.files FROM scenario_deployments AS d JOIN scenario_versions AS v "
           "ON v.bot = d.bot AND v.version = d.version WHERE d.bot = :bot",
        soci::use(row.bot), soci::into(row.version), soci::into(row.path), soci::into(row.note), soci::into(files);
    if (!sql.got_data()) return std::optional<VersionRow>();
    row.files = storage::files_of(files);
    return std::optional(std::move(row));
  });
}

Stored<std::optional<VersionRow>> LiveDialogs::version(std::string_view bot, std::string_view version) {
  using Found = Stored<std::optional<VersionRow>>;
  soci::session& sql = *impl_->sql;
  return storage::guarded(&sql, [&]() -> Found {
    if (!impl_->has_versions) return std::optional<VersionRow>();
    VersionRow row;
    row.bot = bot;
    row.version = version;
    std::string files;
    sql << "SELECT scenario, note, files FROM scenario_versions WHERE bot = :bot AND version = :version",
        soci::use(row.bot), soci::use(row.version), soci::into(row.path), soci::into(row.note), soci::into(files);
    if (!sql.got_data()) return std::optional<VersionRow>();
    row.files = storage::files_of(files);
    return std::optional(std::move(row));
  });
}

Stored<std::optional<std::string>> LiveDialogs::content(const VersionFile& file) {
  using Found = Stored<std::optional<std::string>>;
  soci::session& sql = *impl_->sql;
  return storage::guarded(&sql, [&]() -> Found {
    std::string all, part;
    for (std::int64_t number = 0; number == 0 || number * VersionStore::kPartBytes < file.size; ++number) {
      sql << "SELECT content FROM scenario_files WHERE hash = :hash AND part = :part", soci::use(file.hash),
          soci::use(number), soci::into(part);
      if (!sql.got_data()) return std::optional<std::string>();
      all += storage::from_base64(part);
    }
    return std::optional(std::move(all));
  });
}

Stored<std::vector<VersionStore::Pinned>> LiveDialogs::pinned(std::string_view bot) {
  soci::session& sql = *impl_->sql;
  return storage::guarded(&sql, [&]() -> Stored<std::vector<VersionStore::Pinned>> {
    std::vector<VersionStore::Pinned> all;
    if (!impl_->has_versions) return all;
    VersionStore::Pinned row;
    row.bot = bot;
    soci::statement query = (sql.prepare << "SELECT pinned, count(*), min(pinned_at_unix_ms) FROM dialogs WHERE bot = "
                                            ":bot AND pinned <> '' GROUP BY pinned ORDER BY pinned",
                             soci::use(row.bot), soci::into(row.version), soci::into(row.dialogs),
                             soci::into(row.since.unix_ms));
    query.execute();
    while (query.fetch()) all.push_back(row);
    return all;
  });
}

Stored<std::vector<std::string>> LiveDialogs::bots() {
  soci::session& sql = *impl_->sql;
  return storage::guarded(&sql, [&]() -> Stored<std::vector<std::string>> {
    std::vector<std::string> all;
    std::string bot;
    soci::statement query =
        (sql.prepare << "SELECT DISTINCT bot FROM dialogs ORDER BY bot", soci::into(bot));
    query.execute();
    while (query.fetch()) all.push_back(bot);
    return all;
  });
}

Stored<std::int64_t> LiveDialogs::filled(std::string_view table, std::string_view column) {
  soci::session& sql = *impl_->sql;
  return storage::guarded(&sql, [&]() -> Stored<std::int64_t> {
    const std::string name(table);
    std::string columns;
    sql << "SELECT columns FROM scenario_tables WHERE name = :name", soci::use(name), soci::into(columns);
    if (!sql.got_data()) return std::int64_t{0};
    const nlohmann::json known = nlohmann::json::parse(columns, nullptr, false);
    if (!known.is_object() || !known.contains(std::string(column))) return std::int64_t{0};
    std::int64_t rows = 0;
    sql << "SELECT count(" + storage::quote_name(std::string(column)) + ") FROM " + storage::quote_name(name),
        soci::into(rows);
    return rows;
  });
}

}  // namespace sufler
