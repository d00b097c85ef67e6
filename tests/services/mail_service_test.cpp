// The service `mail` and a mail server that nobody here wrote, over TLS and through a proxy; what it refuses, for now and for
// good.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <future>

#include "interpreter/core/mail/order.h"
#include "interpreter/core/report/order.h"
#include "interpreter/services/registry.h"
#include "mail/mail_server.h"

namespace sufler {
namespace {

using std::chrono::seconds;
using tests::MailServer;
using tests::SocksProxy;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using Kind = JobResult::Kind;
using Tls = SmtpServer::Tls;

constexpr const char* kPassword = "CANARY-of-the-mail-test";

MailOrder order_to(const std::vector<std::string>& people) {
  MailOrder order;
  order.id = "0123456789abcdef";
  order.date = "Sat, 21 Nov 2026 08:00:00 +0300";
  for (const std::string& one : people) order.to.push_back({"", one});
  order.left = people;
  order.subject = "Заявка";
  order.text = parse_markup("Текст\n.точка");
  return order;
}

MailSettings settings_of(const MailServer& server, Tls tls) {
  MailSettings settings;
  settings.server.tls = tls;
  settings.server.host = "localhost";
  settings.server.port = server.port();
  settings.server.hello = "bot.example.ru";
  settings.server.timeout = std::chrono::milliseconds(20'000);
  if (tls != Tls::Off) settings.server.ca_file = server.ca_file();
  settings.sender.from = {"Бот", "bot@example.ru"};
  return settings;
}

class Mailer {
 public:
  explicit Mailer(const MailSettings& mail, FetchFile fetch = {}) {
    ServiceSettings settings;
    settings.mail = mail;
    settings.fetch = std::move(fetch);
    service_ = make_mail_service(settings);
  }
  JobResult send(const std::string& request, std::uint32_t attempt = 1) {
    const auto promise = std::make_shared<std::promise<JobResult>>();
    auto result = promise->get_future();
    service_->begin({++id_, "shop", "mail", "order", request, attempt}, [promise](JobResult came) { promise->set_value(std::move(came)); });
    if (result.wait_for(seconds(60)) != std::future_status::ready) throw std::runtime_error("the service does not answer");
    return result.get();
  }
  JobResult send(const MailOrder& order) { return send(to_json(order)); }
  Service& service() { return *service_; }

 private:
  std::unique_ptr<Service> service_;
  std::int64_t id_ = 0;
};

TEST(MailServiceTest, LeavesOverTlsWithALogin) {
  for (const Tls tls : {Tls::Implicit, Tls::StartTls}) {
    const MailServer server({.tls = tls == Tls::Implicit ? "implicit" : "starttls", .login = std::string("bot@example.ru:") + kPassword});
    MailSettings settings = settings_of(server, tls);
    settings.server.user = "bot@example.ru";
    settings.server.password = kPassword;
    Mailer mailer(settings);
    const JobResult result = mailer.send(order_to({"anna@example.ru"}));
    ASSERT_EQ(result.kind, Kind::Done) << result.error << result.log;
    const auto letters = server.letters(1);
    ASSERT_EQ(letters.size(), 1u);
    EXPECT_EQ(letters[0].envelope["tls"], true);
    EXPECT_EQ(letters[0].envelope["login"], "bot@example.ru");
    EXPECT_EQ(letters[0].envelope["from"], "bot@example.ru");
    EXPECT_EQ(letters[0].envelope["to"], nlohmann::json({"anna@example.ru"}));
    EXPECT_EQ(letters[0].envelope["hello"], "bot.example.ru");
    EXPECT_THAT(letters[0].read["faults"], IsEmpty());
    EXPECT_EQ(letters[0].read["headers"]["Subject"], "Заявка");
    EXPECT_EQ(letters[0].read["parts"][0]["text"], "Текст\n.точка\n");
  }
}

TEST(MailServiceTest, AWrongPasswordIsNoFaultOfTheLetter) {
  const MailServer server({.tls = "implicit", .login = "bot@example.ru:another"});
  MailSettings settings = settings_of(server, Tls::Implicit);
  settings.server.user = "bot@example.ru";
  settings.server.password = kPassword;
  Mailer mailer(settings);
  const JobResult result = mailer.send(order_to({"anna@example.ru", "boris@example.ru"}));
  EXPECT_EQ(result.kind, Kind::Again);
  EXPECT_THAT(result.error, HasSubstr("535"));
  EXPECT_THAT(result.log, HasSubstr("ALARM"));
  EXPECT_THAT(result.error + result.log, Not(HasSubstr(kPassword)));
  EXPECT_THAT(server.log(), ElementsAre("535")) << "one try is enough for all recipients";
}

TEST(MailServiceTest, ACertificateThatNobodyVouchesForStopsAll) {
  const MailServer server({.tls = "implicit"}), other({.tls = "implicit"});
  MailSettings settings = settings_of(server, Tls::Implicit);
  settings.server.ca_file = other.ca_file();
  const JobResult result = Mailer(settings).send(order_to({"anna@example.ru"}));
  EXPECT_EQ(result.kind, Kind::Again);
  EXPECT_THAT(result.error, HasSubstr("not trusted"));
  EXPECT_THAT(result.log, HasSubstr("ALARM"));
  settings = settings_of(server, Tls::Implicit);
  settings.server.host = "127.0.0.1";  // the certificate is for localhost
  EXPECT_THAT(Mailer(settings).send(order_to({"anna@example.ru"})).error, HasSubstr("not trusted"));
  EXPECT_THAT(server.log(), IsEmpty());
}

TEST(MailServiceTest, WithoutStartTlsNothingIsSent) {
  const MailServer server;
  MailSettings settings = settings_of(server, Tls::StartTls);
  settings.server.ca_file.clear();
  const JobResult result = Mailer(settings).send(order_to({"anna@example.ru"}));
  EXPECT_EQ(result.kind, Kind::Again);
  EXPECT_THAT(result.error, HasSubstr("no TLS"));
  EXPECT_THAT(server.log(), IsEmpty());
}

TEST(MailServiceTest, OneWhoIsRefusedCostsTheOthersNothing) {
  const MailServer server;
  const JobResult result = Mailer(settings_of(server, Tls::Off)).send(order_to({"anna@example.ru", "refused@example.ru", "boris@example.ru"}));
  EXPECT_EQ(result.kind, Kind::Failed);
  EXPECT_EQ(result.error, "r***@example.ru: 550 5.1.1 No such user here") << "logs and dead letters have no address";
  MailOrder later;
  ASSERT_TRUE(from_json(result.rest, later));
  EXPECT_THAT(later.left, ElementsAre("refused@example.ru")) << "whoever tries again means this one alone";
  EXPECT_THAT(server.log(), ElementsAre("taken 1 anna@example.ru", "550 refused@example.ru", "taken 2 boris@example.ru"));
  for (const auto& letter : server.letters(2)) EXPECT_EQ(letter.envelope["to"].size(), 1u);
}

TEST(MailServiceTest, WhoHasItDoesNotGetItAgain) {
  const MailServer server;
  Mailer mailer(settings_of(server, Tls::Off));
  JobResult result = mailer.send(order_to({"anna@example.ru", "later1@example.ru", "refused@example.ru"}));
  ASSERT_EQ(result.kind, Kind::Again);
  EXPECT_THAT(result.error, HasSubstr("451"));
  ASSERT_FALSE(result.rest.empty());
  result = mailer.send(result.rest);
  EXPECT_EQ(result.kind, Kind::Failed);
  EXPECT_THAT(result.error, HasSubstr("r***@example.ru: 550"));
  EXPECT_THAT(server.log(), ElementsAre("taken 1 anna@example.ru", "451 later1@example.ru", "550 refused@example.ru", "taken 2 later1@example.ru"));
  const auto letters = server.letters(2);
  EXPECT_EQ(letters[0].raw, letters[1].raw) << "the same letter, with the same Message-ID";
}

TEST(MailServiceTest, RefusalsOfTheLetterItselfAreForNowOrForGood) {
  const MailServer server;
  Mailer mailer(settings_of(server, Tls::Off));
  EXPECT_EQ(mailer.send(order_to({"spam@example.ru"})).kind, Kind::Failed);
  const JobResult busy = mailer.send(order_to({"busy1@example.ru"}));
  EXPECT_EQ(busy.kind, Kind::Again);
  EXPECT_THAT(busy.error, HasSubstr("450"));
  EXPECT_TRUE(busy.rest.empty()) << "nothing of it is done";
  EXPECT_EQ(mailer.send(order_to({"busy1@example.ru"})).kind, Kind::Done);
}

TEST(MailServiceTest, AConnectionThatBreaksIsTriedAgain) {
  const MailServer server;
  Mailer mailer(settings_of(server, Tls::Off));
  EXPECT_EQ(mailer.send(order_to({"drop1@example.ru"})).kind, Kind::Again);
  EXPECT_EQ(mailer.send(order_to({"drop1@example.ru"})).kind, Kind::Done);
  MailSettings nobody = settings_of(server, Tls::Off);
  nobody.server.port = 1;
  EXPECT_EQ(Mailer(nobody).send(order_to({"anna@example.ru"})).kind, Kind::Again);
}

TEST(MailServiceTest, AServerThatSaysNothingIsGivenUpInTime) {
  const MailServer server;
  MailSettings settings = settings_of(server, Tls::Off);
  settings.server.verdict_timeout = std::chrono::milliseconds(1'500);
  const JobResult result = Mailer(settings).send(order_to({"slow@example.ru"}));
  EXPECT_EQ(result.kind, Kind::Again);
  server.go();
}

TEST(MailServiceTest, AServerThatTakesALetterAndDoesNotAnswerGetsItTwiceAndNoMore) {
  const MailServer server;
  Mailer mailer(settings_of(server, Tls::Off));
  JobResult result = mailer.send(order_to({"drop9@example.ru", "anna@example.ru"}));
  ASSERT_EQ(result.kind, Kind::Again);
  result = mailer.send(result.rest, 2);
  for (std::uint32_t attempt = 3; result.kind == Kind::Again && attempt < 9; ++attempt)
    result = mailer.send(result.rest.empty() ? to_json(order_to({"drop9@example.ru"})) : result.rest, attempt);
  EXPECT_EQ(result.kind, Kind::Failed);
  EXPECT_THAT(result.error, HasSubstr("perhaps it has the letter"));
  EXPECT_THAT(server.log(), ElementsAre("dropped drop9@example.ru", "dropped drop9@example.ru", "taken 1 anna@example.ru"));
}

TEST(MailServiceTest, ASenderThatTheServerDoesNotTakeIsTheOperatorsToMend) {
  const MailServer server;
  MailSettings settings = settings_of(server, Tls::Off);
  settings.sender.from.address = "foreign@example.ru";
  const JobResult result = Mailer(settings).send(order_to({"anna@example.ru", "boris@example.ru"}));
  EXPECT_EQ(result.kind, Kind::Again);
  EXPECT_THAT(result.log, HasSubstr("ALARM"));
  EXPECT_THAT(server.log(), ElementsAre("553 foreign@example.ru")) << "one try is enough for all recipients";
}

TEST(MailServiceTest, WhereNobodyAnswersOneRecipientIsEnough) {
  const MailServer server;
  MailSettings nobody = settings_of(server, Tls::Off);
  nobody.server.port = 1;
  Mailer mailer(nobody);
  EXPECT_EQ(mailer.send(order_to({"anna@example.ru", "boris@example.ru", "vera@example.ru"})).kind, Kind::Again);
  for (const ServiceFigure& one : mailer.service().figures())
    EXPECT_EQ(one.value, one.labels.at(0).second == "failed" ? 1u : 0u);
}

TEST(MailServiceTest, GoesThroughASocksProxyWithALogin) {
  const MailServer server({.tls = "implicit"});
  const SocksProxy proxy("anna", "secret");
  MailSettings settings = settings_of(server, Tls::Implicit);
  settings.server.proxy = "socks5h://anna:secret@127.0.0.1:" + std::to_string(proxy.port());
  JobResult result = Mailer(settings).send(order_to({"anna@example.ru"}));
  ASSERT_EQ(result.kind, Kind::Done) << result.error;
  EXPECT_EQ(server.letters(1).size(), 1u);
  EXPECT_THAT(proxy.output(), HasSubstr("localhost:" + std::to_string(server.port()))) << "the proxy looks the name up";

  settings.server.proxy = "socks5h://anna:wrong@127.0.0.1:" + std::to_string(proxy.port());
  result = Mailer(settings).send(order_to({"anna@example.ru"}));
  EXPECT_EQ(result.kind, Kind::Again) << "never around the proxy";
  EXPECT_EQ(server.log().size(), 1u);
}

TEST(MailServiceTest, FilesComeFromWhoeverHoldsThem) {
  const MailServer server;
  std::vector<std::string> asked;
  Mailer mailer(settings_of(server, Tls::Off), [&](const std::string& bot, const Attachment& file, std::size_t, const std::function<bool()>&) {
    asked.push_back(bot + " " + file.origin + " " + file.reference);
    if (file.reference == "gone") return FetchedFile{{}, "gone", false};
    if (file.reference == "later") return FetchedFile{{}, "the platform does not answer", true};
    return FetchedFile{"bytes of it", {}, false};
  });
  MailOrder order = order_to({"anna@example.ru"});
  const auto file = [](const char* origin, const char* reference, const char* name) {
    Attachment one;
    one.origin = origin;
    one.reference = reference;
    one.name = name;
    one.mime = "image/jpeg";
    return one;
  };
  order.files = {file("telegram", "17", "дача.jpg"), file("text", "a made one", "note.txt"), file("vk", "gone", "b.jpg")};
  ASSERT_EQ(mailer.send(order).kind, Kind::Done);
  EXPECT_THAT(asked, ElementsAre("shop telegram 17", "shop vk gone"));
  const auto read = server.letters(1).at(0).read;
  EXPECT_EQ(read["parts"][1]["name"], "дача.jpg");
  EXPECT_EQ(read["parts"][1]["size"], 11);
  EXPECT_EQ(read["parts"][2]["name"], "note.txt");
  EXPECT_EQ(read["parts"][3]["name"], "b.jpg.txt") << "a letter is worth more than a file of it";

  order.files = {file("telegram", "later", "c.jpg")};
  std::string request = to_json(order);
  // A mail server that was away has used up many attempts, and none of the file's.
  for (std::uint32_t attempt = 20; attempt < 23; ++attempt) {
    const JobResult result = mailer.send(request, attempt);
    ASSERT_EQ(result.kind, Kind::Again) << attempt;
    request = result.rest;
  }
  EXPECT_EQ(mailer.send(request, 23).kind, Kind::Done);

  Attachment photo = file("telegram", "18", "");
  photo.kind = AttachmentKind::Photo;
  photo.mime.clear();
  order.files = {photo};
  ASSERT_EQ(mailer.send(order).kind, Kind::Done);
  const auto named = server.letters(3).at(2).read;
  EXPECT_EQ(named["parts"][1]["name"], "photo-1.jpg");
}

TEST(MailServiceTest, PicturesComeAlongAndALetterSaysTrulyWhetherItsReportDoes) {
  const MailServer server;
  Mailer mailer(settings_of(server, Tls::Off), [&](const std::string&, const Attachment& file, std::size_t, const std::function<bool()>&) {
    if (file.reference == "mail/gone.png") return FetchedFile{{}, "gone", false};
    if (file.reference.ends_with(kReportLetter))
      return FetchedFile{"<html><body>" + std::string(kReportCut) + "<p>First: " + std::string(kReportFile) + "it is attached" +
                             std::string(kReportFileEnd) + std::string(kReportNoFile) + "it is not attached--></p></body></html>",
                         {}, false};
    if (file.reference.starts_with(kReportKey)) return FetchedFile{{}, "the file is too large", false};
    return FetchedFile{"bytes of it", {}, false};
  });
  const auto picture = [](const char* reference) {
    Attachment one;
    one.origin = "scenario";
    one.reference = reference;
    one.name = "logo.png";
    one.mime = "image/png";
    return one;
  };
  MailOrder order = order_to({"anna@example.ru"});
  order.pictures = {picture("mail/logo.png"), picture("mail/gone.png")};
  order.html = "<html><body><img src=\"cid:" + content_id(order.pictures[0]) + "\"></body></html>";
  const JobResult sent = mailer.send(order);
  ASSERT_EQ(sent.kind, Kind::Done);
  EXPECT_THAT(sent.log, HasSubstr("a letter leaves without a picture: gone"));
  EXPECT_EQ(server.letters(1).at(0).read["structure"], "alternative(text/plain,related(text/html,image/png))");

  order = order_to({"anna@example.ru"});
  Attachment report;
  report.origin = "stored";
  report.reference = std::string(kReportKey) + "1";
  report.name = "day.html";
  report.mime = "text/html";
  order.report = report;
  ASSERT_EQ(mailer.send(order).kind, Kind::Done);
  const auto read = server.letters(2).at(1).read;
  EXPECT_THAT(read["parts"][1]["text"].get<std::string>(), HasSubstr("First: it is not attached"));
  EXPECT_EQ(read["parts"][2]["name"], "day.html.txt");
}

TEST(MailServiceTest, CountsWhatBecameOfLetters) {
  const MailServer server;
  Mailer mailer(settings_of(server, Tls::Off));
  mailer.send(order_to({"anna@example.ru", "refused@example.ru"}));
  std::map<std::string, std::uint64_t> counts;
  for (const ServiceFigure& one : mailer.service().figures()) counts[one.labels.at(0).second] = one.value;
  EXPECT_EQ(counts, (std::map<std::string, std::uint64_t>{{"accepted", 1}, {"failed", 0}, {"refused", 1}}));
}

TEST(MailServiceTest, WithoutAServerALetterFails) {
  const auto service = make_mail_service(ServiceSettings{});
  std::promise<JobResult> promise;
  service->begin({1, "shop", "mail", "order", to_json(order_to({"anna@example.ru"})), 1}, [&](JobResult came) { promise.set_value(std::move(came)); });
  EXPECT_EQ(promise.get_future().get().kind, Kind::Failed);
}

}  // namespace
}  // namespace sufler
