// The operator's commands, beside the process that serves and without it.
#include <sqlite3.h>
#include <sys/stat.h>

#include <filesystem>

#include "serve/serve_test.h"

namespace sufler::tests {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

class OperatorsTest : public ServeTest {
 protected:
  /// The letters, once there are `count`: a refusal is recorded shortly after it came.
  json letters(std::size_t count) {
    const auto until = std::chrono::steady_clock::now() + kPatience;
    json found;
    do {
      found = command_json({"dead-letters", "list"})["letters"];
    } while (found.size() != count && std::chrono::steady_clock::now() < until);
    EXPECT_THAT(found, SizeIs(count));
    return found;
  }

  void refuse_the_next_message_to(std::int64_t person) {
    telegram.fail_next({.kind = "custom", .method = "sendMessage", .chat = person, .status = 400,
                        .description = "Bad Request: this is refused"});
  }

  void execute(const std::string& statement) {
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open((folder.path() + "/data.db").c_str(), &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 10'000);  // the process writes, too
    EXPECT_EQ(sqlite3_exec(db, statement.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
    sqlite3_close(db);
  }
};

// ---- dead letters

TEST_F(OperatorsTest, AMessageThatTelegramRefusedIsFoundAndSentAgain) {
  serve_echo();
  say(kAnna, "/start", 2);
  refuse_the_next_message_to(kAnna);
  telegram.say(kAnna, "tulip");
  const json found = letters(1);
  EXPECT_EQ(found[0]["kind"], "outbox");
  EXPECT_EQ(found[0]["bot"], "shop");
  EXPECT_EQ(found[0]["chat"], "telegram:501");
  EXPECT_THAT(found[0]["reason"].get<std::string>(), HasSubstr("this is refused"));
  const std::string id = found[0]["id"];

  const Ran list = command({"dead-letters", "list", "sufler.yaml"});
  EXPECT_THAT(list.output, AllOf(StartsWith(id + "  20"), HasSubstr("shop  outbox  telegram:501"), HasSubstr("this is refused")));
  EXPECT_EQ(std::count(list.output.begin(), list.output.end(), '\n'), 1);
  const Ran show = command({"dead-letters", "show", id});
  EXPECT_EQ(show.code, 0);
  EXPECT_THAT(show.output, AllOf(HasSubstr("sendMessage"), HasSubstr("Вы сказали: tulip"), HasSubstr("this is refused")));

  say(kAnna, "rose", 3);
  const Ran retry = command({"dead-letters", "retry", id, "sufler.yaml"});
  EXPECT_EQ(retry.code, 0) << retry.output;
  EXPECT_EQ(texts(kAnna, 4).back(), "Вы сказали: tulip");
  letters(0);
}

TEST_F(OperatorsTest, WhatIsPutBackWithoutAProcessGoesOutWithTheNextStart) {
  serve_echo();
  say(kAnna, "/start", 2);
  refuse_the_next_message_to(kAnna);
  telegram.say(kAnna, "tulip");
  letters(1);
  stop();
  const Ran retry = command({"dead-letters", "retry", "--all"});
  EXPECT_EQ(retry.code, 0);
  EXPECT_THAT(retry.output, AllOf(HasSubstr("put back: 1"), HasSubstr("next start")));
  letters(0);
  start();
  EXPECT_EQ(texts(kAnna, 3).back(), "Вы сказали: tulip");
}

TEST_F(OperatorsTest, ALetterOfAnOlderVersionCanBeShownAndDroppedOnly) {
  serve_echo();
  execute("INSERT INTO dead_letters (bot, kind, at_unix_ms, reason, subject) VALUES ('shop', 'outbox', " + std::to_string(unix_ms()) + ", 'blocked', "
          "'telegram:7 sendMessage {\"text\":\"Hi\"}')");
  EXPECT_THAT(command({"dead-letters", "show", "1"}).output, HasSubstr("telegram:7 sendMessage"));
  const Ran retry = command({"dead-letters", "retry", "1"});
  EXPECT_EQ(retry.code, 1);
  EXPECT_THAT(retry.output, HasSubstr("only be dropped"));
  EXPECT_EQ(command({"dead-letters", "drop", "1"}).code, 0);
  letters(0);
  EXPECT_THAT(command({"dead-letters", "list"}).output, HasSubstr("no dead letters"));
}

TEST_F(OperatorsTest, ALettersWordsDoNotActOnTheTerminal) {
  serve_echo();
  execute("INSERT INTO dead_letters (bot, kind, at_unix_ms, reason, subject) VALUES ('shop', 'outbox', " + std::to_string(unix_ms()) + ", "
          "'line' || char(10) || 'two' || char(27) || '[2J' || char(155), 'telegram:7 x {}')");
  const std::string output = command({"dead-letters", "list"}).output;
  EXPECT_EQ(std::count(output.begin(), output.end(), '\n'), 1);
  EXPECT_THAT(output, AllOf(Not(HasSubstr("\x1b")), Not(HasSubstr("\xc2\x9b")), HasSubstr("line\\x0atwo\\x1b[2J\\x9b")));
}

TEST_F(OperatorsTest, MisuseIsSaid) {
  write_config("echo.yaml");
  EXPECT_EQ(command({"dead-letters", "retry"}).code, 2);
  EXPECT_EQ(command({"dead-letters", "drop", "--all", "3"}).code, 2);
  EXPECT_EQ(command({"dead-letters", "show", "1", "a.yaml", "b.yaml"}).code, 2);
  EXPECT_EQ(command({"dead-letters", "list", "nowhere.yaml"}).code, 1);
  const Ran nothing = command({"status"});
  EXPECT_EQ(nothing.code, 1);
  EXPECT_THAT(nothing.output, HasSubstr("no database"));
  EXPECT_FALSE(std::filesystem::exists(folder.path() + "/data.db")) << "asking makes none";
}

// ---- the process

TEST_F(OperatorsTest, StatusTellsOfTheProcessAndOfTheDatabaseAlone) {
  serve_echo();
  say(kAnna, "/start", 2);
  const json live = command_json({"status"});
  EXPECT_EQ(live["database"]["kind"], "sqlite");
  EXPECT_GT(live["database"]["tables_version"], 0);
  ASSERT_THAT(live["bots"], SizeIs(1));
  EXPECT_EQ(live["bots"][0]["bot"], "shop");
  EXPECT_EQ(live["bots"][0]["transports"], json::parse(R"([{"name":"telegram","health":"well"}])"));
  EXPECT_EQ(live["bots"][0]["turns"], 1);
  EXPECT_EQ(live["queues"][0]["dialogs"], 1);
  EXPECT_THAT(command({"status"}).output, AllOf(HasSubstr("serves since"), HasSubstr("telegram: well"), HasSubstr("turns 1")));
  stop();
  const json alone = command_json({"status"});
  EXPECT_FALSE(alone.contains("process"));
  EXPECT_EQ(alone["queues"][0]["dialogs"], 1);
  EXPECT_THAT(command({"status"}).output, HasSubstr("no process serves"));
}

TEST_F(OperatorsTest, DialogsAreListedTheLatestFirst) {
  serve_echo();
  say(kAnna, "/start", 2);
  say(kBoris, "/start", 2);
  const json both = command_json({"dialogs"})["dialogs"];
  ASSERT_THAT(both, SizeIs(2));
  EXPECT_EQ(both[0]["user"], "telegram:502");
  EXPECT_EQ(both[1]["user"], "telegram:501");
  EXPECT_THAT(command_json({"dialogs", "--limit", "1"})["dialogs"], SizeIs(1));
  EXPECT_THAT(command_json({"dialogs", "--bot", "school"})["dialogs"], IsEmpty());
  EXPECT_THAT(command({"dialogs"}).output, AllOf(HasSubstr("telegram:501"), HasSubstr("loop")));
}

TEST_F(OperatorsTest, ASecondProcessIsRefusedAndWhatADeadOneLeftIsNot) {
  serve_echo();
  struct stat status {};
  ASSERT_EQ(stat((folder.path() + "/data.sock").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777u, 0600u);

  SuflerOptions options;
  options.arguments = {"run", "sufler.yaml"};
  options.environment = environment;
  options.folder = folder.path();
  options.output = folder.path() + "/second.log";
  SuflerProcess second(options);
  EXPECT_EQ(second.wait(kPatience), 1);
  EXPECT_THAT(second.output(), AllOf(HasSubstr("another process"), HasSubstr("data.sock")));
  EXPECT_EQ(say(kAnna, "/start", 2).text, "Вы сказали: ничего") << "the first goes on";

  sufler->kill();
  EXPECT_TRUE(std::filesystem::exists(folder.path() + "/data.sock"));
  EXPECT_THAT(command({"status"}).output, HasSubstr("no process serves"));
  start();
  EXPECT_THAT(command({"status"}).output, HasSubstr("serves since"));
  stop();
  EXPECT_FALSE(std::filesystem::exists(folder.path() + "/data.sock"));
}

TEST_F(OperatorsTest, TheSocketIsWhereTheConfigurationSays) {
  folder.write("echo.yaml", kEcho);
  std::filesystem::create_directory(folder.path() + "/run");
  write_config("echo.yaml", "socket: run/here.sock\n");
  start();
  EXPECT_TRUE(std::filesystem::exists(folder.path() + "/run/here.sock"));
  EXPECT_FALSE(std::filesystem::exists(folder.path() + "/data.sock"));
  EXPECT_THAT(command({"status"}).output, HasSubstr("serves since"));
}

TEST_F(OperatorsTest, TheSocketOfAServiceIsInItsRuntimeDirectory) {
  folder.write("echo.yaml", kEcho);
  std::filesystem::create_directory(folder.path() + "/run");
  write_config("echo.yaml");
  environment["RUNTIME_DIRECTORY"] = folder.path() + "/run:/elsewhere";
  start();
  EXPECT_TRUE(std::filesystem::exists(folder.path() + "/run/sufler.sock"));
}

// ---- erasing

class EraseTest : public OperatorsTest {
 protected:
  EraseTest() {
    serve_echo();
    for (const std::int64_t person : {kAnna, kBoris}) {
      say(person, "/start", 2);
      say(person, person == kAnna ? "daffodil" : "marigold", 3);
    }
  }
  std::vector<std::string> files_with(const std::string& word) {
    std::vector<std::string> found;
    for (const std::string& name : folder.files_that_hold(word))
      if (name.starts_with("data.db")) found.push_back(name);
    return found;
  }
};

TEST_F(EraseTest, TheWordERASEIsAskedForAndNothingIsLeftInTheFiles) {
  ASSERT_THAT(files_with("daffodil"), Not(IsEmpty()));
  const Ran ran = command({"erase", "telegram:501"}, "ERASE\n");
  EXPECT_EQ(ran.code, 0) << ran.output;
  EXPECT_THAT(ran.output, AllOf(HasSubstr("Type ERASE"), HasSubstr("ACT OF ERASURE"), HasSubstr("telegram:501"),
                                HasSubstr("journal lines: 2"), HasSubstr("dialogs: 1"), HasSubstr("was overwritten")));
  EXPECT_THAT(files_with("daffodil"), IsEmpty());
  EXPECT_THAT(files_with("marigold"), Not(IsEmpty()));
  EXPECT_THAT(command_json({"dialogs"})["dialogs"], SizeIs(1));

  // The log tells that it was done, and of nobody.
  std::string line = sufler->output();
  const std::size_t at = line.find("a person was erased");
  ASSERT_NE(at, std::string::npos) << line;
  line = line.substr(at, line.find('\n', at) - at);
  EXPECT_THAT(line, AllOf(Not(HasSubstr("501")), Not(HasSubstr("telegram"))));

  telegram.say(kAnna, "again");
  EXPECT_EQ(texts(kAnna, 5).back(), "Вы сказали: ничего") << "they begin anew";
}

TEST_F(EraseTest, AnyOtherWordErasesNothing) {
  for (const char* typed : {"erase\n", "\n", "yes\n"}) {
    const Ran ran = command({"erase", "telegram:501"}, typed);
    EXPECT_EQ(ran.code, 1);
    EXPECT_THAT(ran.output, HasSubstr("nothing was erased"));
  }
  EXPECT_EQ(command({"erase", "telegram:501"}).code, 1) << "nor does no word at all";
  EXPECT_THAT(files_with("daffodil"), Not(IsEmpty()));
}

TEST_F(EraseTest, WithoutAProcessTheDatabaseItselfIsErasedFrom) {
  stop();
  const Ran ran = command({"erase", "telegram:501", "--yes"});
  EXPECT_EQ(ran.code, 0) << ran.output;
  EXPECT_THAT(ran.output, AllOf(Not(HasSubstr("Type ERASE")), HasSubstr("ACT OF ERASURE")));
  EXPECT_THAT(files_with("daffodil"), IsEmpty());
  start();
  EXPECT_EQ(say(kBoris, "again", 4).text, "Вы сказали: again");
}

TEST_F(EraseTest, APersonOfWhomNothingIsKept) {
  const Ran ran = command({"erase", "telegram:777", "--yes"});
  EXPECT_EQ(ran.code, 0);
  EXPECT_THAT(ran.output, HasSubstr("nothing is kept"));
  EXPECT_EQ(command({"erase", "telegram:501", "--bot", "school", "--yes"}).code, 0);
  EXPECT_THAT(files_with("daffodil"), Not(IsEmpty()));
  EXPECT_EQ(command({"erase", "Anna", "--yes"}).code, 1);
}

}  // namespace
}  // namespace sufler::tests
