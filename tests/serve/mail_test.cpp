// Letters: the program as a whole between a Telegram and a real mail server.
#include "mail/mail_server.h"
#include "serve/serve_test.h"

namespace sufler::tests {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kScenario = R"(
scenario: letters
language: ru
timezone: Europe/Moscow
start: welcome
branches:
  welcome:
    - ask: email
    - mail: "{{ email }}"
      subject: "Заявка от {{ user.first_name }}"
      template: mail/order.html
      attach: price.txt
      history: true
    - say: Записал.
  important:
    - mail: refused@example.ru
      subject: Важное
      text: Текст
      on_error:
        - say: Почта не приняла письмо.
    - say: Дальше.
  everybody:
    - report: day
      talks: all
      title: Разговоры
      into: day
    - report: people
      as: csv
      talks: all
      into: people
    - mail: boss@example.ru
      subject: "Разговоры за {{ today() | date('dd.MM.yyyy') }}"
      html: day
      attach: people
    - say: Отправлено.
      attach: people
questions:
  email: {text: Ваша почта?}
commands:
  important: {on: /important, go: important}
  all: {on: /all, call: everybody}
)";

class MailServeTest : public ServeTest {
 protected:
  MailServeTest() {
    folder.write("letters/scenario.yaml", kScenario);
    folder.write("letters/mail/order.html", "<html><body><h1>Заявка от {{ user.first_name }}</h1>{{ история }}</body></html>");
    folder.write("letters/price.txt", "Раф 250\n");
    environment["MAIL_PASSWORD"] = "CANARY-of-the-mailbox";
  }
  void serve(const MailServer& server, const std::string& more = {}) {
    write_config("letters", "mail: {server: \"smtp://127.0.0.1:" + std::to_string(server.port()) + "\", tls: off, from: \"Бот <bot@example.ru>\"" + more + "}\n");
    start();
  }
};

TEST_F(MailServeTest, ALetterLeavesWithTheTalkAndItsFiles) {
  const MailServer server;
  serve(server);
  EXPECT_EQ(say(kAnna, "/start", 1).text, "Ваша почта?");
  EXPECT_EQ(say(kAnna, "anna@example.ru", 2).text, "Записал.");
  const auto letters = server.letters(1, kPatience);
  ASSERT_EQ(letters.size(), 1u) << sufler->output();
  const json& read = letters[0].read;
  EXPECT_THAT(read["faults"], IsEmpty()) << read["faults"].dump();
  EXPECT_EQ(letters[0].envelope["to"], json({"anna@example.ru"}));
  EXPECT_EQ(read["structure"], "mixed(alternative(text/plain,text/html),text/plain)");
  EXPECT_THAT(read["parts"][0]["text"].get<std::string>(), HasSubstr("Бот: Ваша почта?"));
  EXPECT_THAT(read["parts"][0]["text"].get<std::string>(), HasSubstr("anna@example.ru"));
  EXPECT_EQ(read["parts"][2]["name"], "price.txt");
  EXPECT_EQ(read["parts"][2]["text"], "Раф 250\n");
  stop();
}

TEST_F(MailServeTest, ARefusalIsHeardWhereTheScenarioAsksAndIsADeadLetter) {
  const MailServer server;
  serve(server);
  EXPECT_EQ(say(kAnna, "/start", 1).text, "Ваша почта?");
  telegram.say(kAnna, "/important");
  EXPECT_THAT(texts(kAnna, 3), ElementsAre("Ваша почта?", "Почта не приняла письмо.", "Дальше."));
  const Ran letters = command({"dead-letters", "list"});
  EXPECT_EQ(letters.code, 0) << letters.output;
  EXPECT_THAT(letters.output, HasSubstr("550 5.1.1 No such user here"));
  stop();
}

TEST_F(MailServeTest, AProcessThatDiesWhileItSendsLeavesOneMoreOfTheSameLetterAtMost) {
  const MailServer server;
  serve(server);
  say(kAnna, "/start", 1);
  EXPECT_EQ(say(kAnna, "slow@example.ru", 2).text, "Записал.");
  // The server has the letter, and the program has not heard so.
  ASSERT_TRUE(server.wait_for("taken", 1, kPatience)) << sufler->output();
  sufler->kill();
  server.go();
  start();
  const auto letters = server.letters(2, kPatience);
  ASSERT_EQ(letters.size(), 2u) << sufler->output();
  EXPECT_EQ(letters[0].read["headers"]["Message-ID"], letters[1].read["headers"]["Message-ID"]);
  EXPECT_EQ(letters[0].raw, letters[1].raw);
  // Whatever else was under way is done by then.
  stop();
  EXPECT_EQ(server.letters(2).size(), 2u);
}

class ReportServeTest : public MailServeTest {
 protected:
  void expect_the_report(const MailServer& server) {
    const auto letters = server.letters(1, kPatience);
    ASSERT_EQ(letters.size(), 1u) << sufler->output();
    const json& read = letters[0].read;
    EXPECT_THAT(read["faults"], IsEmpty()) << read["faults"].dump();
    EXPECT_EQ(read["structure"], "mixed(alternative(text/plain,text/html),text/csv)");
    EXPECT_THAT(read["parts"][0]["text"].get<std::string>(), HasSubstr("Иван: <b>Привет</b>"));
    EXPECT_THAT(read["parts"][1]["text"].get<std::string>(), HasSubstr("&lt;b&gt;Привет&lt;/b&gt;"));
    EXPECT_THAT(read["parts"][1]["text"].get<std::string>(), HasSubstr("bgcolor="));
    EXPECT_EQ(read["parts"][2]["name"], "people.csv");
    EXPECT_THAT(read["parts"][2]["text"].get<std::string>(), HasSubstr("\"<b>Привет</b>\""));
  }
};

TEST_F(ReportServeTest, AReportIsTheBodyOfALetterAndAFileToBeSent) {
  const MailServer server;
  serve(server);
  say(kAnna, "/start", 1);
  say(kAnna, "<b>Привет</b>", 3);
  telegram.say(kAnna, "/all");
  // The question that the command stood before is asked again behind it.
  EXPECT_EQ(messages(kAnna, 5)[3].text, "Отправлено.");
  expect_the_report(server);
  stop();
}

#ifdef SUFLER_FAILPOINTS
TEST_F(ReportServeTest, AProcessThatDiesWhileItIsStoredMakesItAgain) {
  const MailServer server;
  environment["SUFLER_FAILPOINTS"] = "report_part:kill:3";
  serve(server);
  say(kAnna, "/start", 1);
  say(kAnna, "<b>Привет</b>", 3);
  telegram.say(kAnna, "/all");
  EXPECT_NE(sufler->wait(kPatience), 0);
  environment.erase("SUFLER_FAILPOINTS");
  start();
  expect_the_report(server);
  stop();
}
#endif

TEST_F(MailServeTest, AScenarioThatWritesLettersWantsAServer) {
  write_config("letters");
  launch();
  EXPECT_EQ(sufler->wait(kPatience), 1);
  EXPECT_THAT(sufler->output(), HasSubstr("S708"));
}

TEST_F(MailServeTest, WithALoginOverTlsThroughAProxyOfItsOwn) {
  const MailServer server({.tls = "implicit", .login = "bot@example.ru:" + environment.at("MAIL_PASSWORD")});
  const SocksProxy proxy;
  write_config("letters", "mail:\n  server: \"smtps://localhost:" + std::to_string(server.port()) + "\"\n  ca: \"" + server.ca_file() +
                              "\"\n  user: bot@example.ru\n  password: \"${MAIL_PASSWORD}\"\n  proxy: \"socks5h://127.0.0.1:" +
                              std::to_string(proxy.port()) + "\"\n");
  start();
  say(kAnna, "/start", 1);
  say(kAnna, "anna@example.ru", 2);
  const auto letters = server.letters(1, kPatience);
  ASSERT_EQ(letters.size(), 1u) << sufler->output();
  EXPECT_EQ(letters[0].envelope["login"], "bot@example.ru");
  EXPECT_EQ(letters[0].envelope["tls"], true);
  EXPECT_THAT(proxy.output(), HasSubstr("localhost:" + std::to_string(server.port()))) << "the proxy looks the name up";
  stop();
  EXPECT_THAT(folder.files_that_hold(environment.at("MAIL_PASSWORD")), IsEmpty());
}

}  // namespace
}  // namespace sufler::tests
