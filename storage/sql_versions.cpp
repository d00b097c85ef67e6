#include "storage/sql_versions.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "storage/base64.h"

// Written by reloads, read by starts: none of it is in the way of a turn but `generations`, which is one small row a bot.
namespace sufler::storage {
namespace {

using nlohmann::json;

std::string files_text(const std::vector<VersionFile>& files) {
  json all = json::array();
  for (const VersionFile& file : files) all.push_back({file.path, file.hash, file.size, file.yaml ? 1 : 0});
  return all.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string rehearsals_text(const std::vector<Rehearsal>& rehearsals) {
  json all = json::array();
  for (const Rehearsal& one : rehearsals) all.push_back({one.transport, one.user_id, one.version, one.since.unix_ms});
  return all.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::vector<Rehearsal> rehearsals_of(const std::string& text) {
  std::vector<Rehearsal> rehearsals;
  const json all = json::parse(text, nullptr, false);
  if (!all.is_array()) return rehearsals;
  for (const json& one : all) {
    if (!one.is_array() || one.size() != 4 || !one[0].is_string() || !one[1].is_string() || !one[2].is_string() ||
        !one[3].is_number_integer())
      continue;
    rehearsals.push_back({one[0].get<std::string>(), one[1].get<std::string>(), one[2].get<std::string>(),
                          Moment{one[3].get<std::int64_t>()}});
  }
  return rehearsals;
}

/// A state begins with the version that wrote it: `{"v":"…"`.
std::string version_of(std::string_view state) {
  constexpr std::string_view kBegin = "{\"v\":\"";
  if (!state.starts_with(kBegin)) return {};
  state.remove_prefix(kBegin.size());
  return std::string(state.substr(0, state.find('"')));
}

std::int64_t last_part(const VersionFile& file) {
  return std::max<std::int64_t>(0, (file.size - 1) / VersionStore::kPartBytes);
}

#define SUFLER_DEPLOYMENT_COLUMNS "bot, generation, version, rolled_back, at_unix_ms, swept, rehearsals"
#define SUFLER_VERSION_COLUMNS "bot, version, scenario, note, at_unix_ms, live_at_unix_ms, files"

}  // namespace

std::vector<VersionFile> files_of(const std::string& text) {
  std::vector<VersionFile> files;
  const json all = json::parse(text, nullptr, false);
  if (!all.is_array()) return files;
  for (const json& one : all) {
    if (!one.is_array() || one.size() != 4 || !one[0].is_string() || !one[1].is_string() || !one[2].is_number_integer())
      continue;
    files.push_back({one[0].get<std::string>(), one[1].get<std::string>(), one[2].get<std::int64_t>(), one[3] == 1});
  }
  return files;
}

template <class... Args>
std::vector<VersionRow> SqlVersions::read_versions(const char* sql, const Args&... args) {
  std::vector<VersionRow> rows;
  VersionRow row;
  std::string files;
  tx_.statements_.each(
      sql, std::tie(row.bot, row.version, row.path, row.note, row.at.unix_ms, row.live_at.unix_ms, files),
      [&] {
        row.files = files_of(files);
        rows.push_back(row);
      },
      args...);
  return rows;
}

template <class... Args>
std::vector<Deployment> SqlVersions::read_deployments(const char* sql, const Args&... args) {
  std::vector<Deployment> rows;
  Deployment row;
  std::string rehearsals;
  tx_.statements_.each(
      sql,
      std::tie(row.bot, row.generation, row.version, row.rolled_back, row.at.unix_ms, row.swept, rehearsals),
      [&] {
        row.rehearsals = rehearsals_of(rehearsals);
        rows.push_back(row);
      },
      args...);
  return rows;
}

Stored<Done> SqlVersions::save(const VersionRow& row) {
  return tx_.operation([&]() -> Stored<Done> {
    tx_.statements_.run(
        R"(INSERT INTO scenario_versions (bot, version, scenario, note, at_unix_ms, live_at_unix_ms, files)
           VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (bot, version) DO UPDATE SET scenario = excluded.scenario,
           note = excluded.note, at_unix_ms = excluded.at_unix_ms, live_at_unix_ms = excluded.live_at_unix_ms,
           files = excluded.files)",
        row.bot, row.version, row.path, row.note, row.at.unix_ms, row.live_at.unix_ms, files_text(row.files));
    return Done{};
  });
}

Stored<std::vector<VersionRow>> SqlVersions::versions(std::string_view bot) {
  return tx_.operation([&]() -> Stored<std::vector<VersionRow>> {
    return read_versions("SELECT " SUFLER_VERSION_COLUMNS
                         " FROM scenario_versions WHERE CAST(? AS TEXT) = '' OR bot = ? ORDER BY bot, at_unix_ms DESC,"
                         " version",
                         bot, bot);
  });
}

Stored<std::optional<VersionRow>> SqlVersions::version(std::string_view bot, std::string_view version) {
  return tx_.operation([&]() -> Stored<std::optional<VersionRow>> {
    auto rows = read_versions(
        "SELECT " SUFLER_VERSION_COLUMNS " FROM scenario_versions WHERE bot = ? AND version = ?", bot, version);
    if (rows.empty()) return std::optional<VersionRow>();
    return std::optional(std::move(rows.front()));
  });
}

Stored<bool> SqlVersions::has_content(const VersionFile& file) {
  return tx_.operation([&]() -> Stored<bool> {
    std::int64_t found = 0;
    tx_.statements_.one("SELECT count(*) FROM scenario_files WHERE hash = ? AND part = ?", std::tie(found), file.hash,
                        last_part(file));
    return found != 0;
  });
}

Stored<Done> SqlVersions::put_content(std::string_view hash, std::int64_t part, std::string_view bytes) {
  return tx_.operation([&]() -> Stored<Done> {
    tx_.statements_.run(
        "INSERT INTO scenario_files (hash, part, content) VALUES (?, ?, ?) ON CONFLICT (hash, part) DO NOTHING", hash,
        part, to_base64(bytes));
    return Done{};
  });
}

Stored<std::optional<std::string>> SqlVersions::content(std::string_view hash, std::int64_t part) {
  return tx_.operation([&]() -> Stored<std::optional<std::string>> {
    std::string text;
    if (!tx_.statements_.one("SELECT content FROM scenario_files WHERE hash = ? AND part = ?", std::tie(text), hash,
                             part))
      return std::optional<std::string>();
    return std::optional(from_base64(text));
  });
}

Stored<std::vector<Deployment>> SqlVersions::deployments() {
  return tx_.operation([&]() -> Stored<std::vector<Deployment>> {
    return read_deployments("SELECT " SUFLER_DEPLOYMENT_COLUMNS " FROM scenario_deployments ORDER BY bot");
  });
}

Stored<Deployment> SqlVersions::deployment(std::string_view bot) {
  return tx_.operation([&]() -> Stored<Deployment> {
    auto rows = read_deployments("SELECT " SUFLER_DEPLOYMENT_COLUMNS " FROM scenario_deployments WHERE bot = ?", bot);
    if (!rows.empty()) return std::move(rows.front());
    Deployment none;
    none.bot = bot;
    return none;
  });
}

Stored<std::int64_t> SqlVersions::forget_person(std::string_view bot, std::string_view transport,
                                                std::string_view user_id) {
  return tx_.operation([&]() -> Stored<std::int64_t> {
    std::int64_t gone = 0;
    for (Deployment& one : read_deployments("SELECT " SUFLER_DEPLOYMENT_COLUMNS " FROM scenario_deployments")) {
      if (!bot.empty() && one.bot != bot) continue;
      const auto theirs = std::erase_if(one.rehearsals, [&](const Rehearsal& rehearsal) {
        return rehearsal.transport == transport && rehearsal.user_id == user_id;
      });
      if (theirs == 0) continue;
      gone += static_cast<std::int64_t>(theirs);
      tx_.statements_.run("UPDATE scenario_deployments SET rehearsals = ? WHERE bot = ?", rehearsals_text(one.rehearsals),
                          one.bot);
    }
    return gone;
  });
}

Stored<Deployment> SqlVersions::lock_deployment(std::string_view bot) {
  return tx_.operation([&]() -> Stored<Deployment> {
    tx_.lock_deployments();
    tx_.statements_.run(
        R"(INSERT INTO scenario_deployments (bot, generation, version, rolled_back, at_unix_ms, swept, rehearsals)
           VALUES (?, 0, '', 0, 0, 0, '[]') ON CONFLICT (bot) DO UPDATE SET generation = scenario_deployments.generation)",
        bot);
    auto rows = read_deployments("SELECT " SUFLER_DEPLOYMENT_COLUMNS " FROM scenario_deployments WHERE bot = ?", bot);
    return rows.empty() ? Deployment{} : std::move(rows.front());
  });
}

Stored<Done> SqlVersions::deploy(Deployment& deployment) {
  return tx_.operation([&]() -> Stored<Done> {
    tx_.statements_.one("SELECT COALESCE(max(generation), 0) + 1 FROM scenario_deployments",
                        std::tie(deployment.generation));
    tx_.statements_.run(
        R"(UPDATE scenario_deployments SET generation = ?, version = ?, rolled_back = ?, at_unix_ms = ?, rehearsals = ?
           WHERE bot = ?)",
        deployment.generation, deployment.version, deployment.rolled_back ? 1 : 0, deployment.at.unix_ms,
        rehearsals_text(deployment.rehearsals), deployment.bot);
    return Done{};
  });
}

Stored<Done> SqlVersions::set_swept(std::string_view bot, std::int64_t generation) {
  return tx_.operation([&]() -> Stored<Done> {
    tx_.statements_.run("UPDATE scenario_deployments SET swept = ? WHERE bot = ? AND swept < ?", generation, bot, generation);
    return Done{};
  });
}

Stored<std::int64_t> SqlVersions::newest_generation() {
  return tx_.operation([&]() -> Stored<std::int64_t> {
    std::int64_t newest = 0;
    tx_.statements_.one("SELECT COALESCE(max(generation), 0) FROM scenario_deployments", std::tie(newest));
    return newest;
  });
}

Stored<std::vector<VersionStore::Generation>> SqlVersions::generations() {
  return tx_.operation([&]() -> Stored<std::vector<Generation>> {
    std::vector<Generation> all;
    Generation one;
    tx_.statements_.each("SELECT bot, generation FROM scenario_deployments", std::tie(one.bot, one.generation),
                         [&] { all.push_back(one); });
    return all;
  });
}

Stored<VersionStore::Look> SqlVersions::behind(std::string_view bot, std::int64_t generation, std::int64_t after_id,
                                               std::int64_t rows) {
  return tx_.operation([&]() -> Stored<Look> {
    tx_.write_out();
    Look look;
    tx_.statements_.one("SELECT COALESCE(max(id), 0) FROM (SELECT id FROM dialogs WHERE id > ? ORDER BY id LIMIT ?) AS bite",
                        std::tie(look.last_id), after_id, rows);
    if (look.last_id == 0) return look;
    Behind one;
    std::string state;
    tx_.statements_.each(
        R"(SELECT id, bot, transport, chat, user_id, pinned, changed_at_unix_ms, substr(state, 1, 64) FROM dialogs
           WHERE id > ? AND id <= ? AND bot = ? AND generation < ? AND state <> '' ORDER BY id)",
        std::tie(one.id, one.key.bot, one.key.chat.transport, one.key.chat.chat_id, one.key.user_id, one.pinned,
                 one.changed_at.unix_ms, state),
        [&] {
          one.version = version_of(state);
          look.behind.push_back(one);
        },
        after_id, look.last_id, bot, generation);
    return look;
  });
}

Stored<std::vector<bool>> SqlVersions::hold_if_free(const std::vector<DialogKey>& people) {
  return tx_.operation([&]() -> Stored<std::vector<bool>> { return tx_.hold_if_free(people); });
}

Stored<std::vector<VersionStore::Pinned>> SqlVersions::pinned() {
  return tx_.operation([&]() -> Stored<std::vector<Pinned>> {
    std::vector<Pinned> all;
    Pinned one;
    tx_.statements_.each(
        R"(SELECT bot, pinned, count(*), min(pinned_at_unix_ms) FROM dialogs WHERE pinned <> '' GROUP BY bot, pinned
           ORDER BY bot, pinned)",
        std::tie(one.bot, one.version, one.dialogs, one.since.unix_ms), [&] { all.push_back(one); });
    return all;
  });
}

Stored<std::int64_t> SqlVersions::forget_old(std::string_view bot, std::size_t keep) {
  return tx_.operation([&]() -> Stored<std::int64_t> {
    std::set<std::string> wanted;
    for (const Deployment& one : read_deployments("SELECT " SUFLER_DEPLOYMENT_COLUMNS " FROM scenario_deployments WHERE bot = ?", bot)) {
      wanted.insert(one.version);
      for (const Rehearsal& rehearsal : one.rehearsals) wanted.insert(rehearsal.version);
    }
    std::string version;
    tx_.statements_.each("SELECT DISTINCT pinned FROM dialogs WHERE bot = ? AND pinned <> ''", std::tie(version),
                         [&] { wanted.insert(version); }, bot);
    std::vector<std::string> gone;
    std::size_t seen = 0;
    tx_.statements_.each("SELECT version FROM scenario_versions WHERE bot = ? ORDER BY at_unix_ms DESC, version",
                         std::tie(version),
                         [&] {
                           if (++seen > keep && !wanted.contains(version)) gone.push_back(version);
                         },
                         bot);
    if (gone.empty()) return std::int64_t{0};
    std::set<std::string> unused;
    for (const std::string& one : gone) {
      for (const VersionRow& row :
           read_versions("SELECT " SUFLER_VERSION_COLUMNS " FROM scenario_versions WHERE bot = ? AND version = ?", bot, one))
        for (const VersionFile& file : row.files) unused.insert(file.hash);
      tx_.statements_.run("DELETE FROM scenario_versions WHERE bot = ? AND version = ?", bot, one);
    }
    std::string files;
    tx_.statements_.each("SELECT files FROM scenario_versions", std::tie(files), [&] {
      for (const VersionFile& file : files_of(files)) unused.erase(file.hash);
    });
    for (const std::string& hash : unused) tx_.statements_.run("DELETE FROM scenario_files WHERE hash = ?", hash);
    return static_cast<std::int64_t>(gone.size());
  });
}

Stored<bool> SqlVersions::others_serve() {
  return tx_.operation([&]() -> Stored<bool> { return tx_.others_serve(); });
}

}  // namespace sufler::storage

namespace sufler {

}  // namespace sufler
