#include "mail/mail_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <stdexcept>
#include <thread>

extern char** environ;

namespace sufler::tests {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

const std::string kScripts = SUFLER_SOURCE_DIR "/tests/mail/";

std::string new_folder() {
  std::string name = (fs::temp_directory_path() / "sufler-mail-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
  return name;
}

std::string read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// Ends with the process that started it.
pid_t start(const std::vector<std::string>& words, const std::string& output) {
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(127);
    const int out = open(output.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    dup2(out, 1);
    dup2(out, 2);
    execvp(arguments[0], arguments.data());
    _exit(127);
  }
  return pid;
}

void end(pid_t pid) {
  if (pid <= 0) return;
  kill(pid, SIGKILL);
  waitpid(pid, nullptr, 0);
}

template <class Holds>
bool wait_until(Holds holds, std::chrono::seconds patience) {
  const auto until = steady_clock::now() + patience;
  while (!holds()) {
    if (steady_clock::now() > until) return false;
    std::this_thread::sleep_for(milliseconds(5));
  }
  return true;
}

bool accepts(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  const bool good = connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  close(fd);
  return good;
}

/// Below the range of those that the system gives away.
int port_of(int number) { return 10'000 + (static_cast<int>(getpid()) * 7 + number * 131) % 2'000; }

}  // namespace

MailServer::MailServer() : MailServer(Options{}) {}

MailServer::MailServer(const Options& options) : folder_(new_folder()) {
  std::vector<std::string> words = {kScripts + "smtp_server.py", folder_};
  if (!options.tls.empty()) words.insert(words.end(), {"--tls", options.tls});
  if (!options.login.empty()) words.insert(words.end(), {"--login", options.login});
  pid_ = start(words, folder_ + "/output");
  const bool listens = wait_until([&] { return fs::exists(folder_ + "/port"); }, std::chrono::seconds(30));
  if (!listens) throw std::runtime_error("the mail server of the tests does not start (tools/setup test): " + read(folder_ + "/output"));
  port_ = std::stoi(read(folder_ + "/port"));
}

MailServer::~MailServer() {
  end(pid_);
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

std::vector<MailServer::Letter> MailServer::letters(std::size_t count, std::chrono::seconds patience) const {
  wait_for("taken", count, patience);
  std::vector<Letter> all;
  for (int number = 1; fs::exists(folder_ + "/" + std::to_string(number) + ".json"); ++number) {
    const std::string name = folder_ + "/" + std::to_string(number);
    Letter letter;
    letter.raw = read(name + ".eml");
    letter.envelope = nlohmann::json::parse(read(name + ".json"), nullptr, false);
    letter.read = read_letter(letter.raw);
    all.push_back(std::move(letter));
  }
  return all;
}

std::vector<std::string> MailServer::log() const {
  std::vector<std::string> lines;
  std::ifstream in(folder_ + "/log");
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

bool MailServer::wait_for(const std::string& line, std::size_t count, std::chrono::seconds patience) const {
  return wait_until(
      [&] {
        const std::vector<std::string> all = log();
        return static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [&](const std::string& one) { return one.starts_with(line); })) >= count;
      },
      patience);
}

void MailServer::go() const { std::ofstream(folder_ + "/go") << "go"; }

ProxyProcess::ProxyProcess() : folder_(new_folder()) {}

ProxyProcess::~ProxyProcess() {
  end(pid_);
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

std::string ProxyProcess::output() const { return read(folder_ + "/output"); }

void ProxyProcess::start(const std::function<std::vector<std::string>(int port)>& words) {
  for (int tries = 0; tries < 50; ++tries) {
    static int number = 0;
    port_ = port_of(++number);
    if (accepts(port_)) continue;
    pid_ = tests::start(words(port_), folder_ + "/output");
    const bool up = wait_until([&] { return accepts(port_) || waitpid(pid_, nullptr, WNOHANG) != 0; }, std::chrono::seconds(30));
    if (up && kill(pid_, 0) == 0) return;
  }
  throw std::runtime_error("a proxy does not start: tools/setup test installs it");
}

SocksProxy::SocksProxy(const std::string& user, const std::string& password) {
  start([&](int port) {
    std::vector<std::string> words = {"microsocks", "-i", "127.0.0.1", "-p", std::to_string(port)};
    if (!user.empty()) words.insert(words.end(), {"-u", user, "-P", password});
    return words;
  });
}

HttpProxy::HttpProxy(const std::string& user, const std::string& password) {
  start([&](int port) {
    std::ofstream settings(folder() + "/settings");
    settings << "Port " << port << "\nListen 127.0.0.1\nAllow 127.0.0.1\nTimeout 600\nMaxClients 100\nLogLevel Connect\n";
    if (!user.empty()) settings << "BasicAuth " << user << " " << password << "\n";
    return std::vector<std::string>{"tinyproxy", "-d", "-c", folder() + "/settings"};
  });
}

nlohmann::json read_letter(const std::string& raw) {
  const std::string folder = new_folder();
  std::ofstream(folder + "/letter.eml", std::ios::binary) << raw;
  const pid_t pid = start({kScripts + "read_letter.py", folder + "/letter.eml"}, folder + "/read.json");
  waitpid(pid, nullptr, 0);
  const std::string text = read(folder + "/read.json");
  fs::remove_all(folder);
  nlohmann::json found = nlohmann::json::parse(text, nullptr, false);
  if (found.is_discarded()) throw std::runtime_error("the letter cannot be read: " + text);
  return found;
}

}  // namespace sufler::tests
