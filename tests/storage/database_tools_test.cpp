// What `sufler db` does below its words. Over the program: tests/serve/postgres_test.cpp.
#include "storage/database_tools.h"

#include <gtest/gtest.h>
#include <soci/soci.h>

#include <string>

#include "storage/connect_only.h"
#include "storage/dialect.h"
#include "storage/housekeeping.h"
#include "storage/migrations.h"
#include "storage_fixture.h"

namespace sufler {
namespace {

TEST(DatabaseToolsTest, ACopyGivesNoNumberThatWasGivenBeforeThoughItsRowIsGone) {
  TestDatabase from(DatabaseUnderTest::Sqlite);
  TestDatabase to(DatabaseUnderTest::Postgres);
  std::int64_t last = 0;
  {
    Storage storage = open_database(from.url());
    must(storage, [&](Transaction& tx) {
      for (const char* user : {"7", "8", "9"}) last = add_dialog(tx, user);
      // The journal and the messages of the one that is gone may be named by its number in a backup or a log.
      unwrap(tx.housekeeping().erase({"telegram", "9", {}}));
    });
  }
  const auto copied = copy_database(from.url(), to.url(), false);
  ASSERT_TRUE(copied) << copied.error().message;
  Storage storage = open_database(to.url());
  must(storage, [&](Transaction& tx) { EXPECT_GT(add_dialog(tx, "10"), last); });
  EXPECT_EQ(to.ask("SELECT count(*) FROM users WHERE id > " + std::to_string(last)), "1");
}

TEST(DatabaseToolsTest, TablesThatAnotherProcessMakesMeanwhileAreNotThoseOfAnotherProgram) {
  const TestDatabase database(DatabaseUnderTest::Postgres);
  database.ask(R"(CREATE FUNCTION and_then_they_are_made(counted BIGINT) RETURNS BIGINT LANGUAGE plpgsql AS $$ BEGIN
                    CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL PRIMARY KEY);
                    RETURN counted; END $$)");
  storage::Dialect dialect = storage::postgres_dialect();
  const std::string exists = "SELECT and_then_they_are_made((" + std::string(dialect.table_exists) + "))";
  const std::string count = "SELECT and_then_they_are_made((" + std::string(dialect.count_tables) + "))";
  dialect.table_exists = exists;
  dialect.count_tables = count;
  auto sql = storage::connect_only(database.url());
  ASSERT_TRUE(sql) << sql.error().message;
  const auto version = storage::schema_of(**sql, dialect, "shop");
  ASSERT_TRUE(version) << version.error().message;
  EXPECT_EQ(*version, 0);
}

TEST(DatabaseToolsTest, ADatabaseOfAnotherProgramIsNamedWithoutItsPassword) {
  TestDatabase database(DatabaseUnderTest::Postgres);
  database.ask("CREATE TABLE theirs (id INT)");
  std::string url = database.url();
  url.replace(url.find("sufler@"), 7, "sufler:CANARY-password-8@");
  const auto state = look_at_database(url);
  ASSERT_FALSE(state);
  const std::string name = url.substr(url.rfind('/') + 1);
  EXPECT_NE(state.error().message.find("/" + name + " belongs to another program"), std::string::npos)
      << state.error().message;
  EXPECT_EQ(state.error().message.find("CANARY"), std::string::npos);
}

TEST(DatabaseToolsTest, APathMayHoldAnEqualSign) {
  const Folder folder;
  const std::string url = "sqlite:" + folder.file("a=b.db");
  { Storage storage = open_database(url); }
  const auto state = look_at_database(url);
  ASSERT_TRUE(state) << state.error().message;
  EXPECT_EQ(state->version, state->needed);
}

}  // namespace
}  // namespace sufler
