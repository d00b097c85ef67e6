// `sufler run` on PostgreSQL: alone, beside others, after a copy from SQLite, and without the right to make tables.
#include "databases/test_database.h"
#include "serve/serve_test.h"

namespace sufler::tests {
namespace {

using testing::HasSubstr;
using testing::Not;

class PostgresServeTest : public ServeTest {
 protected:
  PostgresServeTest() { telegram.add_user({kAnna, "Анна", {}, {}, "ru"}); }

  void write_config_for(const std::string& database, const std::string& scenario) {
    folder.write("sufler.yaml",
                 "database: \"" + database + "\"\nbots:\n  shop:\n    scenario: " + scenario +
                     "\n    telegram: {token: \"${TELEGRAM_TOKEN}\", api: \"" + telegram.url() + "\", " + fakes::kNoLimits +
                     "}\n    roles: {admins: [\"telegram:" + std::to_string(kAdmin) + "\"]}\n");
  }

  /// Runs another command of the program in the folder; its output.
  std::string command(std::vector<std::string> arguments, int expected = 0) {
    SuflerOptions options;
    options.arguments = std::move(arguments);
    options.environment = environment;
    options.folder = folder.path();
    options.output = folder.path() + "/command" + std::to_string(++commands_) + ".log";
    SuflerProcess process(options);
    EXPECT_EQ(process.wait(kPatience), expected) << process.output();
    return process.output();
  }

  /// Up to the question about the phone; four messages of the bot.
  void begin_an_order() {
    telegram.say(kAnna, "/start");
    messages(kAnna, 2);
    telegram.tap(kAnna, "Сделать заказ");
    messages(kAnna, 4);
    telegram.say(kAnna, "Анна Петрова");
    EXPECT_THAT(messages(kAnna, 5).back().text, HasSubstr("По какому телефону"));
  }
  void go_on_with_the_order() {
    telegram.send_contact(kAnna, "79991234567");
    EXPECT_THAT(messages(kAnna, 6).back().text, HasSubstr("Что нужно сделать?"));
    telegram.tap(kAnna, "Часть работы");
    EXPECT_THAT(messages(kAnna, 7).back().text, HasSubstr("К какому дню"));
  }

  TestDatabase database{DatabaseUnderTest::Postgres};

 private:
  int commands_ = 0;
};

TEST_F(PostgresServeTest, ATalkGoesOnAfterARestart) {
  write_config_for(database.url(), orders_scenario());
  start();
  begin_an_order();
  stop();
  start();
  go_on_with_the_order();
  stop();
  EXPECT_EQ(database.ask("SELECT count(*) FROM processes"), "0");
  EXPECT_EQ(database.ask("SELECT count(*) FROM inbox"), "0");
  EXPECT_EQ(database.ask("SELECT count(*) FROM outbox"), "0");
}

TEST_F(PostgresServeTest, ATalkGoesOnAfterACopyFromSqlite) {
  write_config_for("sqlite:data.db", orders_scenario());
  start();
  begin_an_order();
  EXPECT_THAT(command({"db", "copy", "sqlite:data.db", database.url()}, 1), HasSubstr("is being served"));
  stop();
  environment["NEW_DATABASE"] = database.url();
  const std::string copied = command({"db", "copy", "sqlite:data.db", "${NEW_DATABASE}"});
  EXPECT_THAT(copied, HasSubstr("dialogs"));
  EXPECT_EQ(database.ask("SELECT count(*) FROM dialogs"), "1");
  write_config_for(database.url(), orders_scenario());
  start();
  go_on_with_the_order();
  stop();
  // A second copy would mix two histories.
  EXPECT_THAT(command({"db", "copy", "sqlite:data.db", "${NEW_DATABASE}"}, 1), HasSubstr("has dialogs already"));
}

TEST_F(PostgresServeTest, ACopyKeepsNumbersDatesNothingsAndTheNextNumber) {
  folder.write("shop.yaml", R"(scenario: shop
language: ru
start: order
branches:
  order:
    - ask: price
    - save: orders
      into: row
    - say: "Заказ {{ row.id }}, {{ row.price }}"
    - go: order
questions:
  price: {text: Цена?, type: number}
tables:
  orders: {price: number, note: text, day: date}
)");
  write_config_for("sqlite:data.db", "shop.yaml");
  start();
  say(kAnna, "/start", 1);
  EXPECT_EQ(say(kAnna, "12345678901234567.89", 3).text, "Цена?");
  say(kAnna, "0,5", 5);
  stop();
  command({"db", "copy", "sqlite:data.db", database.url()});
  EXPECT_EQ(database.ask("SELECT string_agg(price::text, ' ' ORDER BY id) FROM orders"), "12345678901234567.89 0.5");
  EXPECT_EQ(database.ask("SELECT count(*) FROM orders WHERE note IS NULL AND day IS NULL"), "2");
  write_config_for(database.url(), "shop.yaml");
  start();
  telegram.say(kAnna, "7");
  EXPECT_EQ(messages(kAnna, 7)[5].text, "Заказ 3, 7");
}

TEST_F(PostgresServeTest, ARoleWithoutTheRightToMakeTablesServes) {
  const std::string role = "app_" + database.url().substr(database.url().rfind('/') + 1);
  database.ask("CREATE ROLE " + role + " LOGIN");
  database.ask("REVOKE CREATE ON SCHEMA public FROM PUBLIC");
  std::string as_role = database.url();
  as_role.replace(as_role.find("sufler@"), 6, role);
  folder.write("echo.yaml", kEcho);
  // Nothing is there yet, and the role may not make it.
  write_config_for(as_role, "echo.yaml");
  EXPECT_THAT(command({"run", "sufler.yaml"}, 1), HasSubstr("sufler db migrate"));
  write_config_for(database.url(), "echo.yaml");
  EXPECT_THAT(command({"db", "migrate", "--grant", role}), HasSubstr("version"));
  write_config_for(as_role, "echo.yaml");
  start();
  EXPECT_EQ(say(kAnna, "/start", 2).text, "Вы сказали: ничего");
  stop();
  // A new table wants the owner again.
  folder.write("echo.yaml", std::string(kEcho) + "tables:\n  words: {word: text}\n");
  EXPECT_THAT(command({"run", "sufler.yaml"}, 1), HasSubstr("sufler db migrate"));
  write_config_for(database.url(), "echo.yaml");
  command({"db", "migrate", "--grant", role});
  write_config_for(as_role, "echo.yaml");
  start();
  stop();
  database.ask("DROP OWNED BY " + role);
  database.ask("DROP ROLE " + role);
}

TEST_F(PostgresServeTest, TheStateOfTheDatabaseIsToldInWordsAndInJson) {
  folder.write("echo.yaml", kEcho);
  write_config_for(database.url(), "echo.yaml");
  EXPECT_THAT(command({"db", "status"}), HasSubstr("is empty"));
  command({"db", "migrate"});
  EXPECT_THAT(command({"db", "status"}), HasSubstr("as this program needs"));
  const json state = json::parse(command({"db", "status", "--format", "json"}));
  EXPECT_EQ(state["version"], state["needed"]);
  EXPECT_EQ(state["tables"]["dialogs"], 0);
}

TEST_F(PostgresServeTest, WhoeverLooksAfterTheDatabaseNeedsNoTokenOfABot) {
  folder.write("echo.yaml", std::string(kEcho) + "tables:\n  words: {word: text}\n");
  write_config_for("sqlite:data.db", "echo.yaml");
  environment.erase("TELEGRAM_TOKEN");
  command({"db", "migrate"});
  EXPECT_THAT(command({"db", "status"}), HasSubstr("as this program needs"));
  EXPECT_THAT(command({"db", "copy", "sqlite:data.db", database.url()}), HasSubstr("Copied"));
  const std::string role = "app_" + database.url().substr(database.url().rfind('/') + 1);
  database.ask("CREATE ROLE " + role + " LOGIN");
  write_config_for(database.url(), "echo.yaml");
  command({"db", "migrate", "--grant", role});
  EXPECT_EQ(database.ask("SELECT has_table_privilege('" + role + "', 'words', 'INSERT')"), "t");
  database.ask("DROP OWNED BY " + role);
  database.ask("DROP ROLE " + role);
  // Nor a scenario without faults: Sufler's own tables are ready, and whose are not is said.
  folder.write("echo.yaml", "scenario: [");
  EXPECT_THAT(command({"db", "status"}), HasSubstr("as this program needs"));
  EXPECT_THAT(command({"db", "migrate"}, 1), HasSubstr("The tables are of version"));
}

TEST_F(PostgresServeTest, APasswordOfTheDatabaseIsShownNowhere) {
  folder.write("echo.yaml", kEcho);
  write_config_for("postgresql://sufler:CANARY-password-7@127.0.0.1:1/shop", "echo.yaml");
  EXPECT_THAT(command({"run", "sufler.yaml"}, 1), Not(HasSubstr("CANARY-password")));
  write_config_for("postgres:sufler:CANARY-password-7@127.0.0.1/shop", "echo.yaml");
  EXPECT_THAT(command({"run", "sufler.yaml"}, 1), Not(HasSubstr("CANARY-password")));
}

}  // namespace
}  // namespace sufler::tests
