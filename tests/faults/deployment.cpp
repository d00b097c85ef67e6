#include "faults/deployment.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>

#include "faults/customers.h"

namespace sufler::tests {

using std::chrono::milliseconds;

std::uint64_t setting(const char* name, std::uint64_t otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr ? otherwise : std::strtoull(value, nullptr, 10);
}

std::uint64_t setting(const char* name, std::uint64_t otherwise, std::uint64_t deep) {
  return setting(name, std::getenv("SUFLER_DEEP") == nullptr ? otherwise : deep);
}

namespace {

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

}  // namespace

Deployment::Deployment(Settings settings) : telegram(settings.telegram), shop(make_telegram_shopfront(kAdmin, telegram)), settings_(std::move(settings)) {
  if (settings_.database == DatabaseUnderTest::Postgres && settings_.database_url.empty())
    postgres_.emplace(DatabaseUnderTest::Postgres);
  if (settings_.pages) port_ = free_port();
  folder.write("shop.yaml", settings_.scenario.empty() ? kShopScenario : settings_.scenario);
  const std::string database = settings_.database == DatabaseUnderTest::Sqlite ? database_url()
                               : settings_.way_to_database.empty()            ? database_url()
                                                                              : settings_.way_to_database;
  const std::string address = "127.0.0.1:" + std::to_string(port_);
  std::string options = shop->bot_options();
  if (!settings_.way_to_telegram.empty())
    options.replace(options.find(telegram.url()), telegram.url().size(), settings_.way_to_telegram);
  if (!settings_.webhook.empty())
    options.insert(options.rfind('}'), ", mode: webhook, secret: \"" + settings_.webhook + "\"");
  const std::string rest = "database: \"" + database + "\"\ndurability: " + settings_.durability +
                           "\nlog: {level: " + settings_.log_level + "}\nflood: {messages: " + std::to_string(settings_.flood) + "}\n" + settings_.more +
                           "bots:\n  shop:\n    scenario: shop.yaml\n    " + options +
                           "\n    roles: {admins: [\"telegram:" + std::to_string(kAdmin) + "\"]}\n";
  const std::string http = "http: {listen: \"" + address + "\", public_url: \"http://" + address + "\"}\n";
  folder.write("sufler0.yaml", (port_ == 0 ? "" : http) + rest);
  folder.write("sufler.yaml", rest);
}

SuflerProcess& Deployment::start(std::size_t index) { return start(index, settings_.wrapper); }

SuflerProcess& Deployment::start(std::size_t index, const std::vector<std::string>& wrapper) {
  if (processes_.size() <= index) processes_.resize(index + 1);
  SuflerOptions options;
  options.arguments = {"run", index == 0 ? "sufler0.yaml" : "sufler.yaml"};
  options.environment = {{"TOKEN", shop->token()}, {"LC_ALL", "C.UTF-8"}};
  options.environment.insert(settings_.environment.begin(), settings_.environment.end());
  options.folder = folder.path();
  options.output = settings_.output.empty() ? folder.path() + "/output" + std::to_string(index) + ".log" : settings_.output;
  options.wrapper = wrapper;
  options.most_memory = settings_.most_memory;
  processes_[index].reset();
  processes_[index] = std::make_unique<SuflerProcess>(options);
  return *processes_[index];
}

bool Deployment::runs(std::size_t index) {
  return index < processes_.size() && processes_[index] && !processes_[index]->wait(milliseconds(0));
}

void Deployment::kill(std::size_t index) {
  processes_[index]->kill();
  note_death();
}

void Deployment::note_death(std::int64_t since) {
  // What comes later is of the next life.
  shop->read_all();
  const std::int64_t now = unix_ms();
  deaths.push_back({since == 0 ? now : since, now});
}

void Deployment::stop_all() {
  for (std::size_t i = 0; i < processes_.size(); ++i) {
    if (!runs(i)) continue;
    processes_[i]->signal(SIGTERM);
    EXPECT_EQ(processes_[i]->wait(kPatience), 0) << output(i);
  }
}

std::string Deployment::output(std::size_t index) const {
  return read_file(folder.path() + "/output" + std::to_string(index) + ".log");
}

std::string Deployment::output() const {
  std::string all;
  for (std::size_t i = 0; i < processes_.size(); ++i) {
    std::string one = output(i);
    constexpr std::size_t kMost = 8000;
    if (one.size() > kMost) one = "…" + one.substr(one.size() - kMost);
    all += "--- process " + std::to_string(i) + "\n" + one;
  }
  return all;
}

std::string Deployment::page(const std::string& path) const {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(port_);
  timeval patience{20, 0};  // a starved process is no process that does not answer
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  std::string answer;
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    const std::string request = "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    char bytes[4096];
    if (write(fd, request.data(), request.size()) == static_cast<ssize_t>(request.size())) {
      for (ssize_t n = 0; (n = read(fd, bytes, sizeof bytes)) > 0;) answer.append(bytes, static_cast<std::size_t>(n));
    }
  }
  close(fd);
  return answer;
}

bool Deployment::becomes_ready(bool ready, milliseconds patience) {
  const auto until = std::chrono::steady_clock::now() + patience;
  do {
    const std::string answer = page("/readyz");
    if (!answer.empty() && (answer.find(" 200 ") != std::string::npos) == ready) return true;
    processes_[0]->wait(milliseconds(20));
  } while (std::chrono::steady_clock::now() < until);
  return false;
}

std::string Deployment::database_url() const {
  if (!settings_.database_url.empty()) return settings_.database_url;
  return postgres_ ? postgres_->url() : "sqlite:" + (settings_.data_folder.empty() ? folder.path() : settings_.data_folder) + "/shop.db";
}

Evidence Deployment::evidence(const std::map<std::int64_t, int>& orders) {
  return {*shop, database_url(), kAdmin, orders, deaths, standstills};
}

std::vector<std::string> Deployment::audited(const std::map<std::int64_t, int>& orders) {
  return audit(evidence(orders));
}

}  // namespace sufler::tests
