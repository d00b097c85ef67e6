#include "interpreter/runtime/control.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <thread>
#include <vector>

namespace sufler {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

constexpr milliseconds kPatience{30'000};

class ControlTest : public ::testing::Test {
 protected:
  ControlTest() {
    std::string name = (std::filesystem::temp_directory_path() / "sufler-control-XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  ~ControlTest() override {
    server_.reset();
    std::filesystem::remove_all(folder_);
  }

  std::string path() const { return folder_ + "/sufler.sock"; }

  void open(ControlServer::Handler handler, milliseconds patience = std::chrono::seconds(10)) {
    auto server = ControlServer::open(path(), std::move(handler), patience);
    ASSERT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
  }
  void open_echo(milliseconds patience = std::chrono::seconds(10)) {
    open([](std::string request, std::function<void(std::string)> answer) { answer("heard " + request); }, patience);
  }
  std::string ask(const std::string& request) {
    auto answer = ask_control(path(), request, kPatience);
    return answer ? *answer : "error: " + answer.error().message;
  }

  /// A client that does what no command of ours does.
  int connect_raw() const {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path().c_str(), path().size() + 1);
    EXPECT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    return fd;
  }
  static std::string read_all(int fd) {
    std::string all;
    char bytes[4096];
    for (ssize_t got = 0; (got = ::read(fd, bytes, sizeof bytes)) > 0;) all.append(bytes, static_cast<std::size_t>(got));
    return all;
  }

  std::string folder_;
  std::unique_ptr<ControlServer> server_;
};

TEST_F(ControlTest, ALineIsAnsweredByALine) {
  open_echo();
  EXPECT_EQ(ask("hello"), "heard hello");
  EXPECT_EQ(ask(std::string(60'000, 'x')), "heard " + std::string(60'000, 'x'));
}

TEST_F(ControlTest, NobodyElseMayConnect) {
  open_echo();
  struct stat status {};
  ASSERT_EQ(::stat(path().c_str(), &status), 0);
  EXPECT_TRUE(S_ISSOCK(status.st_mode));
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
}

TEST_F(ControlTest, WithoutAProcessNobodyListens) {
  const auto answer = ask_control(path(), "hello", kPatience);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, ControlError::Kind::Nobody);
}

TEST_F(ControlTest, ASecondProcessIsRefusedAndTheFirstGoesOn) {
  open_echo();
  const auto second = ControlServer::open(path(), [](std::string, std::function<void(std::string)>) {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, ControlError::Kind::Taken);
  EXPECT_THAT(second.error().message, HasSubstr(path()));
  EXPECT_EQ(ask("hello"), "heard hello");
}

TEST_F(ControlTest, ThePlaceIsFreeOnlyWhenTheProcessIsGone) {
  open_echo();
  server_->stop();
  EXPECT_FALSE(std::filesystem::exists(path()));
  EXPECT_FALSE(ControlServer::open(path(), {})) << "it still finishes its work";
  server_.reset();
  open_echo();
  EXPECT_EQ(ask("hello"), "heard hello");
}

TEST_F(ControlTest, WhatADeadProcessLeftIsReplaced) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path().c_str(), path().size() + 1);
  ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ::close(fd);
  const auto nobody = ask_control(path(), "hello", kPatience);
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().kind, ControlError::Kind::Nobody);
  open_echo();
  EXPECT_EQ(ask("hello"), "heard hello");
}

TEST_F(ControlTest, AFileOfAnotherKindIsLeftAlone) {
  std::ofstream(path()) << "mine";
  const auto refused = ControlServer::open(path(), [](std::string, std::function<void(std::string)>) {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ControlError::Kind::NotTaken);
  EXPECT_EQ(std::filesystem::file_size(path()), 4U);
}

TEST_F(ControlTest, APathOfAnyLengthWillDo) {
  for (int i = 0; i < 6; ++i) folder_ += "/" + std::string(60, 'd');
  std::filesystem::create_directories(folder_);
  open_echo();
  EXPECT_EQ(ask("hello"), "heard hello");
}

TEST_F(ControlTest, TooLongALineIsRefusedWithoutBeingKept) {
  open_echo();
  const int fd = connect_raw();
  const std::string much(ControlServer::kMaxRequestBytes + 5000, 'x');
  (void)!::write(fd, much.data(), much.size());
  EXPECT_THAT(read_all(fd), HasSubstr("too long"));
  ::close(fd);
  EXPECT_EQ(ask("hello"), "heard hello");
}

TEST_F(ControlTest, TooLongAnAnswerIsNotSent) {
  open([](std::string, std::function<void(std::string)> answer) {
    answer(std::string(ControlServer::kMaxAnswerBytes + 1, 'x'));
  });
  EXPECT_THAT(ask("hello"), HasSubstr("too long"));
}

TEST_F(ControlTest, AClientThatSaysNothingIsHungUpOn) {
  open_echo(milliseconds(50));
  const int fd = connect_raw();
  EXPECT_EQ(read_all(fd), "") << "and this test ends";
  ::close(fd);
}

TEST_F(ControlTest, ManyClientsAtOnceAreAllAnsweredEvenBehindSilentOnes) {
  // Nobody who does ask needs so long for it, however starved.
  open_echo(milliseconds(2'000));
  std::vector<int> silent;
  for (std::size_t i = 0; i < ControlServer::kMaxClients; ++i) silent.push_back(connect_raw());
  std::vector<std::thread> clients;
  std::mutex mutex;
  std::vector<std::string> answers;
  for (int i = 0; i < 40; ++i) {
    clients.emplace_back([&, i] {
      const std::string answer = ask(std::to_string(i));
      std::lock_guard lock(mutex);
      if (answer == "heard " + std::to_string(i)) answers.push_back(answer);
    });
  }
  for (std::thread& one : clients) one.join();
  EXPECT_EQ(answers.size(), 40U);
  for (const int fd : silent) ::close(fd);
}

TEST_F(ControlTest, OneClientMayAskSeveralThingsInARow) {
  open_echo();
  const int fd = connect_raw();
  const std::string lines = "one\ntwo\nthree";
  (void)!::write(fd, lines.data(), lines.size());
  std::string all;
  char byte = 0;
  while (all != "heard one\nheard two\n" && ::read(fd, &byte, 1) == 1) all += byte;
  EXPECT_EQ(all, "heard one\nheard two\n");
  ::close(fd);
}

TEST_F(ControlTest, AnAnswerThatComesAfterTheEndHarmsNobody) {
  std::function<void(std::string)> late;
  std::mutex mutex;
  open([&](std::string, std::function<void(std::string)> answer) {
    std::lock_guard lock(mutex);
    late = std::move(answer);
  });
  const int fd = connect_raw();
  (void)!::write(fd, "hello\n", 6);
  for (bool heard = false; !heard; std::this_thread::yield()) {
    std::lock_guard lock(mutex);
    heard = static_cast<bool>(late);
  }
  server_.reset();
  late("too late");
  EXPECT_EQ(read_all(fd), "");
  ::close(fd);
}

}  // namespace
}  // namespace sufler
