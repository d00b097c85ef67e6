// The platform's certificate has expired. An authority of the test's own is trusted in a mount namespace, so that expiry is
// all that is wrong.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "faults/crowd.h"
#include "faults/deployment.h"

namespace sufler::tests {
namespace {

using std::chrono::seconds;

constexpr const char* kTrusted = "/etc/ssl/certs/ca-certificates.crt";

bool run(const std::string& command) { return std::system((command + " >/dev/null 2>&1").c_str()) == 0; }

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

/// TLS in front of a platform, with certificates of an authority of its own.
class TlsFront {
 public:
  TlsFront() {
    make("openssl req -x509 -newkey rsa:2048 -nodes -keyout authority.key -out authority.pem -days 30 -subj /CN=test");
    make("openssl req -newkey rsa:2048 -nodes -keyout key.pem -out request.pem -subj /CN=127.0.0.1");
    folder_.write("names", "subjectAltName=IP:127.0.0.1\n");
    certify(-1);
    std::string output = folder_.path() + "/connections";
    std::string program = std::string(SUFLER_SOURCE_DIR) + "/tests/faults/tls_front";
    std::string folder = folder_.path();
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, output.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    char* arguments[] = {program.data(), folder.data(), nullptr};
    EXPECT_EQ(posix_spawn(&pid_, program.c_str(), &actions, nullptr, arguments, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    for (int i = 0; i < 1000 && port() == 0; ++i) usleep(20'000);
  }
  TlsFront(const TlsFront&) = delete;
  TlsFront& operator=(const TlsFront&) = delete;
  ~TlsFront() {
    ::kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  void stand_before(const std::string& url) { folder_.write("target", url.substr(url.rfind(':') + 1)); }
  /// Below zero: it is over already.
  void certify(int days) {
    make("openssl x509 -req -in request.pem -CA authority.pem -CAkey authority.key -CAcreateserial -extfile names -days " +
         std::to_string(days) + " -out leaf.pem");
    make("cat leaf.pem key.pem > new.pem && mv new.pem certificate.pem");
  }
  int port() const { return std::atoi(read_file(folder_.path() + "/connections").c_str()); }
  std::size_t connections() const { return count(read_file(folder_.path() + "/connections"), "connection"); }
  std::string authority() const { return folder_.path() + "/authority.pem"; }

 private:
  void make(const std::string& command) const {
    EXPECT_TRUE(run("cd '" + folder_.path() + "' && { " + command + "; }")) << command;
  }
  TempFolder folder_;
  pid_t pid_ = -1;
};

TEST(TlsFaultsTest, AnExpiredCertificateIsSaidOnceTriedWithoutHasteAndServedWhenItIsRenewed) {
  if (!run("unshare -rm true")) GTEST_SKIP() << "no mount namespaces here";
  if (access(kTrusted, R_OK) != 0) GTEST_SKIP() << "the authorities of this machine stand elsewhere";
  TlsFront front;
  ASSERT_NE(front.port(), 0);
  Deployment::Settings settings;
  settings.way_to_telegram = "https://127.0.0.1:" + std::to_string(front.port());
  settings.pages = true;
  settings.wrapper = {"/usr/bin/unshare", "-rm", "/bin/sh", "-c",
                      "mount --bind '" + front.authority() + "' " + kTrusted + " && exec \"$0\" \"$@\""};
  Deployment deployment(settings);
  front.stand_before(deployment.telegram.url());
  deployment.start();
  const auto told = [&] { return count(deployment.output(), "expired"); };
  for (int i = 0; i < 2000 && told() == 0; ++i) deployment.process().wait(std::chrono::milliseconds(20));
  EXPECT_EQ(told(), 1u) << deployment.output();
  // The wait is the fault itself: how long the certificate stays expired.
  const std::size_t before = front.connections();
  deployment.process().wait(seconds(5));
  const std::size_t tried = front.connections() - before;
  EXPECT_EQ(told(), 1u) << deployment.output();
  EXPECT_GE(tried, 1u);
  EXPECT_LE(tried, 15u);
  EXPECT_FALSE(deployment.is_ready());
  front.certify(30);
  EXPECT_TRUE(deployment.becomes_ready(true, kPatience)) << deployment.output();
  Crowd crowd(deployment, 3);
  finish(deployment, crowd);
  std::cout << "figure: " << tried << " connections in 5 s with an expired certificate\n";
}

}  // namespace
}  // namespace sufler::tests
