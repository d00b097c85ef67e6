// What single requests may ask for: the body in pieces, an end of silence, an authority of their own.
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include <fcntl.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <thread>

#include "fakes/telegram/fake_telegram.h"
#include "interpreter/network/http_client.h"

namespace sufler {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Kind = HttpAnswer::Kind;

class HttpPiecesTest : public testing::Test {
 protected:
  HttpRequest call(const std::string& method = "getMe") const {
    HttpRequest request;
    request.url = fake.url() + "/bot" + fake.token() + "/" + method;
    request.body = "{}";
    request.on_piece = [this](std::string_view piece) {
      pieces.emplace_back(piece);
      return true;
    };
    return request;
  }
  HttpAnswer get(HttpRequest request) {
    std::promise<HttpAnswer> promise;
    client.submit(std::move(request), [&](HttpAnswer answer) { promise.set_value(std::move(answer)); });
    return promise.get_future().get();
  }
  void fail(const std::string& kind, milliseconds delay) {
    fakes::Fault fault;
    fault.kind = kind;
    fault.method = "getMe";
    fault.delay = delay;
    fake.fail_next(fault);
  }
  std::string body() const {
    std::string all;
    for (const std::string& piece : pieces) all += piece;
    return all;
  }

  fakes::FakeTelegram fake;
  HttpClient client;
  mutable std::vector<std::string> pieces;
};

TEST_F(HttpPiecesTest, TheBodyComesAsItComes) {
  fail("slow_body", milliseconds(2));
  const HttpAnswer answer = get(call());
  EXPECT_EQ(answer.kind, Kind::Answered);
  EXPECT_EQ(answer.status, 200);
  EXPECT_TRUE(answer.body.empty());
  EXPECT_GT(pieces.size(), 2U);
  EXPECT_NE(body().find("\"ok\":true"), std::string::npos);
}

TEST_F(HttpPiecesTest, TheBodyOfAnErrorComesWhole) {
  const HttpAnswer answer = get(call("noSuchMethod"));
  EXPECT_EQ(answer.status, 404);
  EXPECT_NE(answer.body.find("\"ok\":false"), std::string::npos);
  EXPECT_TRUE(pieces.empty());
}

TEST_F(HttpPiecesTest, WhoHasEnoughEndsIt) {
  HttpRequest request = call();
  request.on_piece = [](std::string_view) { return false; };
  EXPECT_EQ(get(std::move(request)).kind, Kind::Lost);
  EXPECT_EQ(get(call()).status, 200);
}

TEST_F(HttpPiecesTest, PiecesCountForTheBound) {
  HttpRequest request = call();
  request.max_response_bytes = 10;
  const HttpAnswer answer = get(std::move(request));
  EXPECT_TRUE(answer.too_large);
}

TEST_F(HttpPiecesTest, ABodyThatStandsStillIsEnded) {
  for (const bool whole : {true, false}) {
    fail("slow_body", seconds(30));
    HttpRequest request = call();
    if (whole) request.on_piece = nullptr;
    request.stall = milliseconds(50);
    const HttpAnswer answer = get(std::move(request));
    EXPECT_EQ(answer.kind, Kind::Lost);
    EXPECT_TRUE(answer.timed_out);
  }
  EXPECT_EQ(get(call()).status, 200);
}

TEST_F(HttpPiecesTest, AServerThatThinksDoesNotStandStill) {
  fail("delay", milliseconds(300));
  HttpRequest request = call();
  request.stall = milliseconds(50);
  EXPECT_EQ(get(std::move(request)).status, 200);
}

TEST_F(HttpPiecesTest, NoAnswerInTimeIsSaid) {
  fail("delay", seconds(30));
  HttpRequest request = call();
  request.timeout = milliseconds(50);
  EXPECT_TRUE(get(std::move(request)).timed_out);
}

TEST_F(HttpPiecesTest, ARequestMayPassTheProxyBy) {
  HttpClient::Settings settings;
  settings.proxy = "http://127.0.0.1:9";
  HttpClient proxied(settings);
  for (const bool direct : {false, true, false}) {
    HttpRequest request = call();
    if (direct) request.proxy = "direct";
    std::promise<HttpAnswer> promise;
    proxied.submit(std::move(request), [&](HttpAnswer answer) { promise.set_value(std::move(answer)); });
    const HttpAnswer answer = promise.get_future().get();
    EXPECT_EQ(answer.kind == Kind::Answered, direct);
    EXPECT_EQ(answer.error.find("(through the proxy http://127.0.0.1:9)") == std::string::npos, direct) << answer.error;
  }
}

TEST_F(HttpPiecesTest, WhoLogsInAtAProxyIsNotTold) {
  HttpRequest request = call();
  request.proxy = "http://anna:CANARY-of-the-proxy@127.0.0.1:9";
  const HttpAnswer answer = get(std::move(request));
  EXPECT_EQ(answer.kind, Kind::NotSent);
  EXPECT_NE(answer.error.find("http://127.0.0.1:9"), std::string::npos) << answer.error;
  EXPECT_EQ(answer.error.find("anna"), std::string::npos) << answer.error;
}

/// TLS of an authority of its own in front of the fake: tests/faults/tls_front.
class TlsFront {
 public:
  explicit TlsFront(int target) : folder_(fs::temp_directory_path() / ("sufler-tls-" + std::to_string(getpid()))) {
    fs::create_directories(folder_);
    write("names", "subjectAltName=IP:127.0.0.1\n");
    write("target", std::to_string(target));
    make("openssl req -x509 -newkey rsa:2048 -nodes -keyout authority.key -out authority.pem -days 30 -subj /CN=test");
    make("openssl req -newkey rsa:2048 -nodes -keyout key.pem -out request.pem -subj /CN=127.0.0.1");
    make("openssl x509 -req -in request.pem -CA authority.pem -CAkey authority.key -CAcreateserial -days 30 -extfile names -out leaf.pem");
    make("cat leaf.pem key.pem > certificate.pem");
    const std::string output = (folder_ / "output").string();
    std::string program = std::string(SUFLER_SOURCE_DIR) + "/tests/faults/tls_front";
    std::string folder = folder_.string();
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, output.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    char* arguments[] = {program.data(), folder.data(), nullptr};
    EXPECT_EQ(posix_spawn(&pid_, program.c_str(), &actions, nullptr, arguments, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    for (int i = 0; i < 1'000 && port() == 0; ++i) std::this_thread::sleep_for(milliseconds(10));
  }
  TlsFront(const TlsFront&) = delete;
  TlsFront& operator=(const TlsFront&) = delete;
  ~TlsFront() {
    ::kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    fs::remove_all(folder_);
  }
  int port() const {
    std::ifstream file(folder_ / "output");
    int number = 0;
    file >> number;
    return number;
  }
  std::string authority() const { return (folder_ / "authority.pem").string(); }

 private:
  void write(const char* name, const std::string& text) const { std::ofstream(folder_ / name) << text; }
  void make(const std::string& command) const {
    EXPECT_EQ(std::system(("cd " + folder_.string() + " && " + command + " 2>/dev/null").c_str()), 0) << command;
  }

  fs::path folder_;
  pid_t pid_ = 0;
};

TEST_F(HttpPiecesTest, AnAuthorityIsTrustedForItsRequestsOnly) {
  const TlsFront front(fake.port());
  const std::string url = "https://127.0.0.1:" + std::to_string(front.port()) + "/bot" + fake.token() + "/getMe";
  for (const bool trusted : {false, true, false}) {
    HttpRequest request = call();
    request.url = url;
    if (trusted) request.ca_file = front.authority();
    const HttpAnswer answer = get(std::move(request));
    EXPECT_EQ(answer.kind, trusted ? Kind::Answered : Kind::NotSent) << answer.error;
    if (!trusted) {
      EXPECT_NE(answer.error.find("certificate"), std::string::npos) << answer.error;
    }
  }
}

}  // namespace
}  // namespace sufler
