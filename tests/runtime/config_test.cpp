#include "interpreter/runtime/config.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace sufler {
namespace {

namespace fs = std::filesystem;

class ConfigTest : public ::testing::Test {
 protected:
  ConfigTest() : folder_(fs::temp_directory_path() / ("sufler-config-" + std::to_string(getpid()))) {
    fs::create_directories(folder_);
    setenv("SUFLER_TEST_TOKEN", "123456:CANARY-of-the-configuration-test", 1);
    unsetenv("SUFLER_TEST_UNSET");
  }
  ~ConfigTest() override { fs::remove_all(folder_); }

  LoadedConfig load(const std::string& text) {
    const fs::path path = folder_ / "sufler.yaml";
    std::ofstream(path) << text;
    return load_config(path.string(), {{"telegram", {"token", "api", "mode", "proxy", "messages_per_second", "chat_burst"}}, {"vk", {"group", "token", "secret", "requests_per_second"}}});
  }
  std::string problems(LoadedConfig& loaded) {
    std::string out;
    for (const Diagnostic& one : loaded.diagnostics.sorted()) out += std::string(code_of(one.id)) + " " + message_of(one, Language::English) + "\n";
    return out;
  }
  fs::path folder_;
};

TEST_F(ConfigTest, AScenarioInItsPlaceIsSaid) {
  LoadedConfig loaded = load("scenario: echo\nbranches: {hello: [say: hi]}\n");
  const std::string found = problems(loaded);
  EXPECT_EQ(found.substr(0, 5), "S706 ") << found;
  EXPECT_EQ(found.find('\n'), found.size() - 1) << found;
}

// ---- allow_hosts

class HostsConfigTest : public ConfigTest {
 protected:
  LoadedConfig hosts(const std::string& list) {
    return load("allow_hosts: " + list + "\nbots: {shop: {scenario: shop, telegram: {token: \"${SUFLER_TEST_TOKEN}\"}}}\n");
  }
  std::string problems_of(const std::string& list) {
    LoadedConfig loaded = hosts(list);
    return problems(loaded);
  }
};

TEST_F(HostsConfigTest, ReadsHostsWithTheirKeys) {
  setenv("SUFLER_TEST_HOST", "CANARY-of-the-host", 1);
  LoadedConfig loaded = hosts(R"([API.example.com, {host: "crm.example.com:8443", headers: {Authorization: "Bearer ${SUFLER_TEST_HOST}"}, query: {key: "${SUFLER_TEST_HOST} 1"}, proxy: direct}, localhost, {host: erp.example.com, private: true, user: bot, password: "${SUFLER_TEST_HOST}"}])");
  ASSERT_TRUE(loaded.config) << problems(loaded);
  const std::vector<HostConfig>& all = loaded.config->hosts;
  ASSERT_EQ(all.size(), 4u);
  EXPECT_EQ(shown(all[0].place), "api.example.com");
  EXPECT_FALSE(all[0].in_private);
  EXPECT_EQ(shown(all[1].place), "crm.example.com:8443");
  EXPECT_EQ(all[1].headers.at(0).second, "Bearer CANARY-of-the-host");
  EXPECT_EQ(all[1].query.at(0).second, "CANARY-of-the-host 1");
  EXPECT_EQ(all[1].proxy, "direct");
  EXPECT_TRUE(all[2].in_private) << "who writes it down means it";
  EXPECT_TRUE(all[3].in_private);
  EXPECT_EQ(redact("CANARY-of-the-host alone"), "*** alone");
  EXPECT_EQ(redact("key=CANARY-of-the-host%201").find("CANARY"), std::string::npos);
}

TEST_F(HostsConfigTest, SaysWhatIsNoHost) {
  EXPECT_EQ(problems_of("[\"https://api.example.com\"]"),
            "S703 `https://api.example.com` does not fit here; expected: api.example.com, or api.example.com:8443, without https:// and without a path\n");
  EXPECT_EQ(problems_of("[\"0x7f.1\"]"), "S703 `0x7f.1` does not fit here; expected: an address in full: 127.0.0.1\n");
  EXPECT_EQ(problems_of("[{private: true}]"), "S702 `host` is missing\n");
  EXPECT_EQ(problems_of("[{host: a.example.com, private: perhaps}]"), "S703 `perhaps` does not fit here; expected: true, false\n");
  EXPECT_EQ(problems_of("[{host: a.example.com, headers: {Host: b}}]"), "S703 `Host` does not fit here; expected: a header such as Authorization or X-Api-Key\n");
  EXPECT_EQ(problems_of("[{host: a.example.com, headers: {X-Key: \"a\\nb\"}}]"), "S703 `X-Key` does not fit here; expected: a value of one line\n");
  EXPECT_EQ(problems_of("[{host: a.example.com, user: bot}]"), "S702 `password` is missing\n");
  EXPECT_EQ(problems_of("[{host: a.example.com, key: b}]").substr(0, 5), "S701 ");
  EXPECT_EQ(problems_of("[a.example.com, A.example.com]").substr(0, 1), "S");
  EXPECT_EQ(problems_of("api.example.com").substr(0, 5), "S703 ");
}

// ---- mail

class MailConfigTest : public ConfigTest {
 protected:
  LoadedConfig mail(const std::string& fields) {
    return load("mail: {" + fields + "}\nbots: {shop: {scenario: shop, telegram: {token: \"${SUFLER_TEST_TOKEN}\"}}}\n");
  }
  std::string problems_of(const std::string& fields) {
    LoadedConfig loaded = mail(fields);
    EXPECT_EQ(loaded.config.has_value(), !loaded.diagnostics.has_errors());
    return problems(loaded);
  }
};

TEST_F(MailConfigTest, ReadsAServerWithItsLogin) {
  setenv("SUFLER_TEST_MAIL", "CANARY-of-the-mail-configuration", 1);
  LoadedConfig loaded = mail(
      "server: \"smtps://smtp.example.com\", user: bot@example.com, password: \"${SUFLER_TEST_MAIL}\", from: \"Бот <bot@example.com>\", "
      "reply_to: info@example.com, proxy: \"socks5h://127.0.0.1:1080\", timeout: 30s");
  ASSERT_TRUE(loaded.config) << problems(loaded);
  const MailConfig& mail = *loaded.config->mail;
  EXPECT_EQ(mail.tls, MailConfig::Tls::Implicit);
  EXPECT_EQ(mail.host, "smtp.example.com");
  EXPECT_EQ(mail.port, 465);
  EXPECT_EQ(mail.password, "CANARY-of-the-mail-configuration");
  EXPECT_EQ(mail.from, (Mailbox{"Бот", "bot@example.com"}));
  EXPECT_EQ(mail.reply_to->address, "info@example.com");
  EXPECT_EQ(mail.hello, "example.com");
  EXPECT_EQ(mail.proxy, "socks5h://127.0.0.1:1080");
  EXPECT_EQ(mail.timeout.ms, 30'000);
  EXPECT_EQ(redact("the password is CANARY-of-the-mail-configuration"), "the password is ***");
}

TEST_F(MailConfigTest, StartTlsIsTheRuleAndPlainMailIsForThisMachine) {
  LoadedConfig loaded = mail("server: \"smtp://smtp.example.com:2525\", from: bot@example.com");
  ASSERT_TRUE(loaded.config) << problems(loaded);
  EXPECT_EQ(loaded.config->mail->tls, MailConfig::Tls::StartTls);
  EXPECT_EQ(loaded.config->mail->port, 2525);
  for (const char* host : {"localhost", "127.0.0.1", "[::1]"}) {
    LoadedConfig local = mail("server: \"smtp://" + std::string(host) + ":25\", from: bot@example.com, tls: off");
    ASSERT_TRUE(local.config) << problems(local);
    EXPECT_EQ(local.config->mail->tls, MailConfig::Tls::Off);
  }
  EXPECT_EQ(problems_of("server: \"smtp://smtp.example.com:25\", from: bot@example.com, tls: off").substr(0, 5), "S716 ");
}

TEST_F(MailConfigTest, SaysWhatIsWrong) {
  EXPECT_EQ(problems_of("server: smtp.example.com, from: bot@example.com").substr(0, 5), "S703 ");
  EXPECT_EQ(problems_of("server: \"smtps://smtp.example.com:99999\", from: bot@example.com").substr(0, 5), "S703 ");
  EXPECT_EQ(problems_of("from: bot@example.com"), "S702 `server` is missing\n");
  EXPECT_EQ(problems_of("server: \"smtps://smtp.example.com\""), "S702 `from` is missing\n");
  EXPECT_EQ(problems_of("server: \"smtps://smtp.example.com\", user: bot@example.com"), "S702 `password` is missing\n");
  EXPECT_EQ(problems_of("server: \"smtps://smtp.example.com\", from: \"Бот\"").substr(0, 5), "S703 ");
  EXPECT_EQ(problems_of("server: \"smtps://smtp.example.com\", from: a@b.ru, proxy: \"127.0.0.1:1080\"").substr(0, 5), "S703 ");
  EXPECT_EQ(problems_of("server: \"smtps://smtp.example.com\", from: a@b.ru, ca: nowhere.pem").substr(0, 5), "S703 ");
  EXPECT_EQ(problems_of("server: \"smtps://smtp.example.com\", from: a@b.ru, sever: x").substr(0, 5), "S701 ");
  EXPECT_EQ(problems_of("server: \"smtps://smtp.example.com\", user: a@b.ru, password: \"${SUFLER_TEST_UNSET}\"").substr(0, 5), "S705 ");
}

TEST_F(MailConfigTest, ALoginInTheAddressIsRefusedAndNotShown) {
  const std::string found = problems_of("server: \"smtps://bot:CANARY-in-the-address@smtp.example.com\", from: a@b.ru");
  EXPECT_EQ(found.substr(0, 5), "S703 ");
  EXPECT_EQ(found.find("CANARY"), std::string::npos) << found;
}

TEST_F(ConfigTest, ReadsABotWithItsTokenFromTheEnvironment) {
  LoadedConfig loaded = load(R"(
database: sqlite:shop.db
durability: normal
bots:
  shop:
    scenario: scenarios/shop
    telegram:
      token: ${SUFLER_TEST_TOKEN}
      api: http://127.0.0.1:8081/
    roles:
      admins: ["telegram:111", "vk:222"]
)");
  ASSERT_TRUE(loaded.config.has_value()) << problems(loaded);
  EXPECT_EQ(loaded.config->database, "sqlite:" + (folder_ / "shop.db").string());
  EXPECT_EQ(loaded.config->durability, Durability::Normal);
  ASSERT_EQ(loaded.config->bots.size(), 1U);
  const BotConfig& bot = loaded.config->bots[0];
  EXPECT_EQ(bot.scenario, (folder_ / "scenarios/shop").string());
  EXPECT_EQ(bot.transports.at(0).options.at("token"), "123456:CANARY-of-the-configuration-test");
  EXPECT_EQ(bot.transports.at(0).options.at("api"), "http://127.0.0.1:8081");
  EXPECT_EQ(bot.roles.at("admins").size(), 2U);
  EXPECT_EQ(redact("token 123456:CANARY-of-the-configuration-test"), "token ***");
}

TEST_F(ConfigTest, ReadsATokenFromAFile) {
  std::ofstream(folder_ / "token") << "123456:token-of-a-file\n";
  LoadedConfig loaded = load("bots:\n  shop:\n    scenario: s\n    telegram: {token: \"file:token\"}\n");
  ASSERT_TRUE(loaded.config.has_value()) << problems(loaded);
  EXPECT_EQ(loaded.config->bots[0].transports[0].options.at("token"), "123456:token-of-a-file");
}

TEST_F(ConfigTest, NamesEveryWrongKeyAtOnce) {
  LoadedConfig loaded = load("databse: sqlite:a.db\nbots:\n  shop:\n    scenario: s\n    telegram: {tokn: x}\n");
  EXPECT_FALSE(loaded.config.has_value());
  EXPECT_EQ(problems(loaded), "S701 unknown key `databse` in the configuration\nS701 unknown key `tokn` in this platform\n");
}

TEST_F(ConfigTest, AnUnsetVariableIsAnErrorThatNamesIt) {
  LoadedConfig loaded = load("bots:\n  shop:\n    scenario: s\n    telegram: {token: \"${SUFLER_TEST_UNSET}\"}\n");
  EXPECT_FALSE(loaded.config.has_value());
  EXPECT_EQ(problems(loaded), "S705 the environment variable `SUFLER_TEST_UNSET` is not set\n");
}

constexpr const char* kBots = "bots: {shop: {scenario: s, telegram: {token: \"${SUFLER_TEST_TOKEN}\"}}}\n";

TEST_F(ConfigTest, ReadsPrograms) {
  LoadedConfig loaded = load(std::string("programs:\n  estimate:\n    command: [python3, calc/estimate.py, \"a b\"]\n    timeout: 5s\n"
                                         "    memory: 1GB\n    env: {KEY: \"${SUFLER_TEST_TOKEN}\"}\n  rate: {command: [rate]}\n") + kBots);
  ASSERT_TRUE(loaded.config) << problems(loaded);
  ASSERT_EQ(loaded.config->programs.size(), 2U);
  const ProgramConfig& program = loaded.config->programs[0];
  EXPECT_EQ(program.name, "estimate");
  EXPECT_EQ(program.command, (std::vector<std::string>{"python3", "calc/estimate.py", "a b"}));
  EXPECT_EQ(program.timeout, Duration{5'000});
  EXPECT_EQ(program.memory_bytes, std::int64_t{1} << 30);
  EXPECT_EQ(program.environment.size(), 1U);
  EXPECT_EQ(redact(program.environment.at("KEY")), "***");
  EXPECT_EQ(loaded.config->programs[1].timeout, Duration{10'000});
  EXPECT_EQ(loaded.config->folder, folder_.string());
}

TEST_F(ConfigTest, APlaceKnowsTheNamesOfProgramsAndATalkTheProgramsWithoutTheirKeys) {
  std::ofstream(folder_ / "sufler.yaml") << "programs: {estimate: {command: [a], env: {KEY: \"${SUFLER_TEST_UNSET}\"}}}\n"
                                            "bots: {shop: {scenario: s, telegram: {token: \"${SUFLER_TEST_UNSET}\"}}}\n";
  const LoadedConfig place = load_place((folder_ / "sufler.yaml").string());
  ASSERT_TRUE(place.config);
  ASSERT_EQ(place.config->programs.size(), 1U);
  const LoadedConfig programs = load_programs((folder_ / "sufler.yaml").string());
  ASSERT_TRUE(programs.config);
  EXPECT_EQ(programs.config->programs.at(0).command, std::vector<std::string>{"a"});
  EXPECT_EQ(programs.config->programs[0].environment.at("KEY"), "");
}

TEST_F(ConfigTest, WhoeverChecksIsToldOfProgramsThatCannotBeStarted) {
  fs::create_directories(folder_ / "calc");
  std::ofstream(folder_ / "calc/estimate.py") << "print(1)\n";
  std::ofstream(folder_ / "calc/run") << "#!/bin/sh\n";
  fs::permissions(folder_ / "calc/run", fs::perms::owner_all);
  const auto told = [&](const std::string& command) {
    const fs::path path = folder_ / "sufler.yaml";
    std::ofstream(path) << "programs: {estimate: {command: " << command << "}}\n" << kBots;
    LoadedConfig loaded = load_to_check(path.string(), {{"telegram", {"token"}}});
    EXPECT_TRUE(loaded.config) << command;
    EXPECT_FALSE(loaded.diagnostics.has_errors()) << command;
    return problems(loaded);
  };
  for (const char* good : {"[sh, calc/estimate.py]", "[calc/run]", "[./calc/run, whatever]", "[/bin/sh, -c, \"exit 0\"]", "[sh]", "[env, calc/missing]", "[\"${SUFLER_TEST_UNSET}\"]",
                           "[\"${SUFLER_TEST_TOKEN}\", calc/estimate.py]"})
    EXPECT_EQ(told(good).find("S89"), std::string::npos) << good << "\n" << told(good);
  for (const char* missing : {"[no_such_program]", "[calc/missing]", "[./missing]", "[/no/such/program]", "[sh, calc/missing.py]", "[estimate.py]"})
    EXPECT_EQ(told(missing).substr(0, 5), "S890 ") << missing;
  for (const char* forbidden : {"[calc/estimate.py]", "[./calc]"}) EXPECT_EQ(told(forbidden).substr(0, 5), "S891 ") << forbidden;
}

TEST_F(ConfigTest, ACrmMayBeOffForAllOrForOneBot) {
  const auto read = [&](const std::string& all, const std::string& own) {
    return load(all + "bots: {shop: {scenario: s, " + own + "telegram: {token: \"${SUFLER_TEST_TOKEN}\"}}}\n");
  };
  const std::string account = "crm: {amocrm: {url: \"https://example.amocrm.ru\", token: \"${SUFLER_TEST_TOKEN}\"}}";
  for (const auto& [all, own, there, used] : std::vector<std::tuple<std::string, std::string, bool, bool>>{
           {"", "", false, false}, {"crm: off\n", "", true, false}, {account + "\n", "", true, true}, {account + "\n", "crm: off, ", true, false}, {"crm: off\n", account + ", ", true, true}}) {
    LoadedConfig loaded = read(all, own);
    ASSERT_TRUE(loaded.config) << all << own << problems(loaded);
    EXPECT_EQ(crm_of(*loaded.config, loaded.config->bots[0]) != nullptr, there) << all << own;
    EXPECT_EQ(crm_in_use(*loaded.config, loaded.config->bots[0]) != nullptr, used) << all << own;
  }
  for (const char* wrong : {"crm: on\n", "crm: no\n", "crm:\n", "crm: {amocrm: off}\n"}) EXPECT_FALSE(read(wrong, "").config) << wrong;
}

TEST_F(ConfigTest, EveryMistakeInAProgramIsNamed) {
  for (const char* wrong : {"[a]", "{a: }", "{a: {}}", "{a: {command: a b}}", "{a: {command: []}}", "{a: {command: [\"\"]}}",
                            "{a: {command: [a], timeout: 6m}}", "{a: {command: [a], timeout: soon}}",
                            "{a: {command: [a], memory: 1}}", "{a: {command: [a], memory: 1MB}}",
                            "{a: {command: [a], env: [KEY]}}", "{a: {command: [a], env: {\"A=B\": c}}}",
                            "{a: {command: [a], shell: yes}}"}) {
    LoadedConfig loaded = load("programs: " + std::string(wrong) + "\n" + kBots);
    EXPECT_FALSE(loaded.config) << wrong;
    EXPECT_TRUE(problems(loaded).starts_with("S70")) << wrong << ": " << problems(loaded);
  }
}

TEST_F(ConfigTest, ReadsWhereToListen) {
  const std::string bots = "bots: {shop: {scenario: s, telegram: {token: \"${SUFLER_TEST_TOKEN}\"}}}\n";
  LoadedConfig loaded = load("http: {listen: \"127.0.0.1:8080\", public_url: \"https://bot.example.com/\"}\n" + bots);
  ASSERT_TRUE(loaded.config && loaded.config->http) << problems(loaded);
  EXPECT_EQ(loaded.config->http->host, "127.0.0.1");
  EXPECT_EQ(loaded.config->http->port, 8080);
  EXPECT_EQ(loaded.config->http->public_url, "https://bot.example.com");
  LoadedConfig six = load("http: {listen: \"[::1]:0\"}\n" + bots);
  ASSERT_TRUE(six.config && six.config->http) << problems(six);
  EXPECT_EQ(six.config->http->host, "::1");
  EXPECT_EQ(six.config->http->port, 0);
  for (const char* wrong : {"8080", "127.0.0.1", "127.0.0.1:", ":8080", "127.0.0.1:65536", "127.0.0.1:-1", "::1:80"}) {
    LoadedConfig bad = load("http: {listen: \"" + std::string(wrong) + "\"}\n" + bots);
    EXPECT_FALSE(bad.config) << wrong;
    EXPECT_NE(problems(bad).find("127.0.0.1:8080"), std::string::npos) << problems(bad);
  }
  LoadedConfig url = load("http: {listen: \"127.0.0.1:1\", public_url: bot.example.com}\n" + bots);
  EXPECT_NE(problems(url).find("https://bot.example.com"), std::string::npos) << problems(url);
  LoadedConfig nowhere = load("http: {public_url: \"https://bot.example.com\"}\n" + bots);
  EXPECT_NE(problems(nowhere).find("listen"), std::string::npos) << problems(nowhere);
}

TEST_F(ConfigTest, APaceOfTelegramMayBeLiftedAndABurstMayNot) {
  const auto with = [&](const std::string& line) {
    return load("bots:\n  shop:\n    scenario: s\n    telegram:\n      token: \"${SUFLER_TEST_TOKEN}\"\n      " + line + "\n");
  };
  LoadedConfig lifted = with("messages_per_second: 0");
  ASSERT_TRUE(lifted.config.has_value()) << problems(lifted);
  EXPECT_EQ(lifted.config->bots[0].transports[0].options.at("messages_per_second"), "0");
  LoadedConfig wrong = with("messages_per_second: many");
  EXPECT_NE(problems(wrong).find("a whole number from 0 to 100000"), std::string::npos) << problems(wrong);
  LoadedConfig no_burst = with("chat_burst: 0");
  EXPECT_NE(problems(no_burst).find("a whole number from 1 to 100000"), std::string::npos) << problems(no_burst);
}

TEST_F(ConfigTest, APaceIsAWholeNumberAndAWrongOneIsSaidWithItsPlace) {
  const auto with = [&](const std::string& pace) {
    return load("bots:\n  shop:\n    scenario: s\n    vk:\n      token: \"${SUFLER_TEST_TOKEN}\"\n      requests_per_second: " +
                pace + "\n");
  };
  for (const char* right : {"1", "20", "100000"}) {
    LoadedConfig loaded = with(right);
    ASSERT_TRUE(loaded.config.has_value()) << problems(loaded);
    EXPECT_EQ(loaded.config->bots[0].transports[0].options.at("requests_per_second"), right);
  }
  for (const char* wrong : {"0", "-1", "100001", "2.5", "fast", "\"20 \"", "99999999999999999999"}) {
    LoadedConfig loaded = with(wrong);
    EXPECT_FALSE(loaded.config.has_value()) << wrong;
    EXPECT_NE(problems(loaded).find("a whole number from 1 to 100000"), std::string::npos) << wrong << problems(loaded);
    ASSERT_EQ(loaded.diagnostics.sorted().size(), 1U) << wrong;
    const SourceSpan span = loaded.diagnostics.sorted()[0].span;
    EXPECT_EQ(loaded.sources.locate(span.file, span.offset).line, 6U) << wrong;
  }
}

TEST_F(ConfigTest, AProxyIsAnAddressWithItsScheme) {
  const auto with = [&](const std::string& proxy) {
    return load("proxy: \"" + proxy + "\"\nbots:\n  shop:\n    scenario: s\n    telegram: {token: \"${SUFLER_TEST_TOKEN}\", proxy: \"" + proxy + "\"}\n");
  };
  for (const char* right : {"socks5h://127.0.0.1:1080", "socks5://[::1]:1080", "http://proxy.example.com", "https://anna:word-of-the-proxy@proxy:3128/"}) {
    LoadedConfig loaded = with(right);
    ASSERT_TRUE(loaded.config.has_value()) << problems(loaded);
    EXPECT_EQ(loaded.config->proxy, right);
    EXPECT_EQ(loaded.config->bots[0].transports[0].options.at("proxy"), right);
  }
  LoadedConfig direct = with("direct");
  ASSERT_TRUE(direct.config.has_value()) << problems(direct);
  EXPECT_EQ(direct.config->proxy, "") << "of the whole configuration that is none";
  EXPECT_EQ(direct.config->bots[0].transports[0].options.at("proxy"), "direct");
  for (const char* wrong : {"127.0.0.1:1080", "socks4://127.0.0.1", "socks5h://", "http://:80", "http://proxy:0", "http://proxy:65536",
                            "http://[::1", "http://proxy/path", "http://an na@proxy:80"}) {
    LoadedConfig loaded = with(wrong);
    EXPECT_FALSE(loaded.config.has_value()) << wrong;
    ASSERT_EQ(loaded.diagnostics.sorted().size(), 2U) << wrong << problems(loaded);
    EXPECT_NE(problems(loaded).find("socks5h://127.0.0.1:1080"), std::string::npos) << wrong << problems(loaded);
  }
}

TEST_F(ConfigTest, ThePasswordOfAProxyIsNotShown) {
  LoadedConfig loaded = load("proxy: \"ftp://anna:CANARY-of-the-proxy@127.0.0.1\"\nbots:\n  shop:\n    scenario: s\n    telegram: {token: \"${SUFLER_TEST_TOKEN}\"}\n");
  EXPECT_FALSE(loaded.config.has_value());
  EXPECT_EQ(problems(loaded).find("CANARY"), std::string::npos) << problems(loaded);
}

TEST_F(ConfigTest, TurnsAreLoggedForAShareOfTheDialogs) {
  const auto with = [&](const std::string& turns) {
    return load("log: {turns: " + turns + "}\nbots:\n  shop:\n    scenario: s\n    telegram: {token: \"${SUFLER_TEST_TOKEN}\"}\n");
  };
  for (const auto& [text, share] : {std::pair{"none", 0}, std::pair{"all", 100}, std::pair{"10%", 10}, std::pair{"0%", 0}}) {
    LoadedConfig loaded = with(text);
    ASSERT_TRUE(loaded.config.has_value()) << problems(loaded);
    EXPECT_EQ(loaded.config->log_turns, share);
  }
  for (const char* wrong : {"some", "10", "101%", "-1%", "1.5%"}) {
    LoadedConfig loaded = with(wrong);
    EXPECT_FALSE(loaded.config.has_value()) << wrong;
    EXPECT_NE(problems(loaded).find("none, all, 10%"), std::string::npos) << problems(loaded);
  }
}

TEST_F(ConfigTest, AFileThatIsNoSecretIsNotReadAsOne) {
  std::ofstream(folder_ / "big") << std::string(100'000, 'x');
  LoadedConfig loaded = load("bots:\n  shop:\n    scenario: s\n    telegram: {token: \"file:big\"}\n");
  EXPECT_FALSE(loaded.config);
  EXPECT_NE(problems(loaded).find("nothing but the secret"), std::string::npos) << problems(loaded);
}

TEST_F(ConfigTest, AnEmptyMemberOfARoleIsNobody) {
  setenv("SUFLER_TEST_ADMIN", "", 1);
  LoadedConfig loaded = load(
      "bots:\n  shop:\n    scenario: s\n    telegram: {token: \"${SUFLER_TEST_TOKEN}\"}\n"
      "    roles: {admins: [\"telegram:${SUFLER_TEST_ADMIN}\"]}\n");
  ASSERT_TRUE(loaded.config.has_value()) << problems(loaded);
  EXPECT_TRUE(loaded.config->bots[0].roles.at("admins").empty());
}

TEST_F(ConfigTest, TheDatabaseIsBesideTheConfigurationUnlessSaid) {
  LoadedConfig loaded = load("bots:\n  shop:\n    scenario: s\n    telegram: {token: \"${SUFLER_TEST_TOKEN}\"}\n");
  ASSERT_TRUE(loaded.config.has_value()) << problems(loaded);
  EXPECT_EQ(loaded.config->database, "sqlite:" + (folder_ / "sufler.db").string());
}

TEST_F(ConfigTest, ReadsHowLongThingsAreKept) {
  const std::string bots = "bots: {shop: {scenario: s, telegram: {token: \"${SUFLER_TEST_TOKEN}\"}}}\n";
  LoadedConfig usual = load(bots);
  ASSERT_TRUE(usual.config.has_value()) << problems(usual);
  for (const auto& term : {usual.config->retention.journal, usual.config->retention.dead_letters,
                           usual.config->retention.messages, usual.config->retention.track, usual.config->retention.dialogs})
    EXPECT_TRUE(term.has_value()) << "nothing is kept for ever unless that is said";

  LoadedConfig said = load("retention: {journal: 2w, dead_letters: 36h, dialogs: forever}\n" + bots);
  ASSERT_TRUE(said.config.has_value()) << problems(said);
  EXPECT_EQ(said.config->retention.journal, Retention::days(14));
  EXPECT_EQ(said.config->retention.dead_letters, (Duration{36 * 3'600'000}));
  EXPECT_EQ(said.config->retention.messages, Retention::days(30));
  EXPECT_EQ(said.config->retention.dialogs, std::nullopt);
  for (const char* wrong : {"journal: 0d", "journal: 5m", "journal: -3d", "journal: soon", "journals: 3d", "journal:"}) {
    LoadedConfig bad = load("retention: {" + std::string(wrong) + "}\n" + bots);
    EXPECT_FALSE(bad.config.has_value()) << wrong;
  }
}

TEST_F(ConfigTest, WhoeverLooksForThePlaceNeedsNoToken) {
  std::ofstream(folder_ / "sufler.yaml") << "database: sqlite:shop.db\nsocket: run/shop.sock\nbots:\n  shop:\n    scenario: s\n"
                                            "    telegram: {token: \"${SUFLER_TEST_UNSET}\"}\n    vk: {token: \"file:nowhere\"}\n";
  LoadedConfig place = load_place((folder_ / "sufler.yaml").string());
  ASSERT_TRUE(place.config.has_value()) << problems(place);
  EXPECT_EQ(place.config->database, "sqlite:" + (folder_ / "shop.db").string());
  EXPECT_EQ(place.config->socket, (folder_ / "run/shop.sock").string());
  ASSERT_EQ(place.config->bots.size(), 1U);
  EXPECT_EQ(place.config->bots[0].name, "shop");
  EXPECT_EQ(place.config->bots[0].scenario, (folder_ / "s").string());
}

TEST_F(ConfigTest, WhoeverLooksForThePlaceNeedsNothingOfABotsEnvironment) {
  std::ofstream(folder_ / "sufler.yaml") << "bots:\n  shop:\n    scenario: \"${SUFLER_TEST_UNSET}/shop\"\n"
                                            "    roles: {admins: [\"telegram:${SUFLER_TEST_UNSET}\"]}\n  idle:\n";
  LoadedConfig place = load_place((folder_ / "sufler.yaml").string());
  ASSERT_TRUE(place.config.has_value()) << problems(place);
  ASSERT_EQ(place.config->bots.size(), 2U);
  EXPECT_EQ(place.config->bots[0].scenario, "");
  EXPECT_TRUE(place.config->bots[0].roles.contains("admins"));
}

TEST_F(ConfigTest, AMissingFileIsOneClearLine) {
  LoadedConfig loaded = load_config((folder_ / "absent.yaml").string(), {});
  EXPECT_FALSE(loaded.config.has_value());
  EXPECT_EQ(loaded.diagnostics.errors(), 1U);
}

}  // namespace
}  // namespace sufler
