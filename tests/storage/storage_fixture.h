#pragma once
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "databases/test_database.h"
#include "storage/storage.h"

namespace sufler {

/// A folder of the test's own, gone with it.
class Folder {
 public:
  Folder() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "sufler_storage_XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string file(const std::string& name = "sufler.db") const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

inline Storage open_database(const std::string& url, Durability durability = Durability::Normal) {
  auto opened = Storage::open(url, durability);
  if (!opened) {
    ADD_FAILURE() << opened.error().message;
    std::abort();
  }
  return std::move(*opened);
}

inline Storage open_or_die(const std::string& path, Durability durability = Durability::Normal) {
  return open_database("sqlite:" + path, durability);
}

/// What must hold on every database.
class OnEveryDatabase : public ::testing::TestWithParam<DatabaseUnderTest> {
 protected:
  void reopen() { storage_ = open_database(database_.url()); }

  TestDatabase database_{GetParam()};
  Storage storage_ = open_database(database_.url());
};
#define SUFLER_ON_EVERY_DATABASE(suite)                                                              \
  INSTANTIATE_TEST_SUITE_P(Databases, suite,                                                         \
                           ::testing::Values(DatabaseUnderTest::Sqlite, DatabaseUnderTest::Postgres), \
                           [](const auto& info) { return name_of(info.param); })

/// Takes back the steps of the migrations behind the desks' first, so that a test can go on to older ones.
inline const std::vector<std::string>& undoing_steps_behind_desks() {
  static const std::vector<std::string> undone = {
      "DROP TABLE jobs",
      "DROP INDEX dialogs_pinned",
      "ALTER TABLE dialogs DROP COLUMN generation",
      "ALTER TABLE dialogs DROP COLUMN pinned",
      "ALTER TABLE dialogs DROP COLUMN pinned_at_unix_ms",
      "ALTER TABLE scenario_versions DROP COLUMN note",
      "ALTER TABLE scenario_versions DROP COLUMN live_at_unix_ms",
      "ALTER TABLE scenario_versions DROP COLUMN files",
      "DROP TABLE scenario_files",
      "DROP TABLE scenario_deployments",
      "DROP TABLE knowledge_files",
      "DROP TABLE knowledge_sets",
      "DROP TABLE knowledge_pieces",
      "DROP TABLE knowledge_stems",
      "DROP TABLE knowledge_words",
      "DROP TABLE knowledge_vectors",
      "DROP TABLE model_usage",
      "DROP TABLE schedule_times",
      "DROP TABLE report_files",
      "DROP TABLE broadcast_people",
      "DROP TABLE broadcasts",
      "DROP TABLE crm_accounts",
      "DROP TABLE crm_links",
      "DROP TABLE crm_made",
      "ALTER TABLE outbox DROP COLUMN broadcast",
      "DROP TABLE scenario_table_data"};
  return undone;
}

/// Runs `body(transaction)` in a transaction that must succeed; `body` returns nothing.
template <class Body>
void must(Storage& storage, Body&& body) {
  const Stored<Done> done = storage.transact([&](Transaction& tx) -> Stored<Done> {
    body(tx);
    return Done{};
  });
  ASSERT_TRUE(done) << done.error().message;
}

template <class T>
T unwrap(Stored<T> result) {
  if (!result) {
    ADD_FAILURE() << result.error().message;
    return T();
  }
  return std::move(*result);
}

inline DialogKey key_of(const std::string& user) {
  return {.bot = "shop", .chat = {.transport = "telegram", .chat_id = user}, .user_id = user};
}

/// Puts a dialog in and gives its id.
inline std::int64_t add_dialog(Transaction& tx, const std::string& user,
                               const std::string& state = "{}") {
  DialogRow row;
  row.state = state;
  row.user = "{\"id\":\"" + user + "\"}";
  row.place = "none";
  unwrap(tx.save_dialog(key_of(user), row, true, Moment{1000}));
  return row.id;
}

inline OutboxRow message_to(const std::string& user, const std::string& body) {
  OutboxRow row;
  row.bot = "shop";
  row.chat = {"telegram", user};
  row.call.method = "sendMessage";
  row.call.body = body;
  return row;
}

}  // namespace sufler
