#include "serve/sufler_process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <stdexcept>
#include <thread>

namespace sufler::tests {
namespace fs = std::filesystem;

namespace {

/// Whether the process has said what this signal is to do; nothing waits for one that has ended.
bool takes(pid_t pid, int number) {
  if (number == SIGKILL || number == SIGSTOP || number == SIGCONT) return true;
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  if (!status) return true;
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("State:") && line.find('Z') != std::string::npos) return true;
    const bool blocked_or_caught = line.starts_with("SigBlk:") || line.starts_with("SigCgt:");
    if (blocked_or_caught && (std::stoull(line.substr(line.find(':') + 1), nullptr, 16) >> (number - 1) & 1) != 0) return true;
  }
  return false;
}

/// Whether no thread of the process runs.
bool stands_still(pid_t pid) {
  std::error_code gone;
  for (const auto& task : fs::directory_iterator("/proc/" + std::to_string(pid) + "/task", gone)) {
    std::ifstream status(task.path() / "status");
    for (std::string line; std::getline(status, line);)
      if (line.starts_with("State:") && line.find_first_of("TtZX", std::string_view("State:").size()) == std::string::npos) return false;
  }
  return true;
}

}  // namespace

TempFolder::TempFolder() {
  std::string name = (fs::temp_directory_path() / "sufler-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
  path_ = name;
}

TempFolder::~TempFolder() {
  look_for_canaries();
  if (std::getenv("SUFLER_KEEP_FOLDERS") != nullptr) return;
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

void TempFolder::look_for_canaries() const {
  const char* given = std::getenv("SUFLER_CANARIES");
  const fs::path reports = given != nullptr ? given : SUFLER_CANARIES;
  for (const std::string& name : files_that_hold(std::string(kCanary))) {
    const std::string text = read_file(path_ + "/" + name);
    if (const auto own = written_.find(name); own != written_.end() && own->second == text) continue;
    const std::size_t at = text.find(kCanary);
    const std::size_t from = at - std::min<std::size_t>(at, 60);
    std::error_code ignored;
    fs::create_directories(reports, ignored);
    std::ofstream(reports / (std::to_string(getpid()) + ".txt"), std::ios::app)
        << path_ << "/" << name << ": " << text.substr(from, at - from + 40) << "\n";
  }
}

void TempFolder::write(const std::string& name, const std::string& text) {
  written_[fs::path(name).lexically_normal().string()] = text;
  const fs::path file = fs::path(path_) / name;
  fs::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary) << text;
}

std::vector<std::string> TempFolder::files_that_hold(const std::string& text) const {
  std::vector<std::string> found;
  for (const auto& entry : fs::recursive_directory_iterator(path_)) {
    if (entry.is_regular_file() && read_file(entry.path().string()).find(text) != std::string::npos)
      found.push_back(fs::relative(entry.path(), path_).string());
  }
  return found;
}

SuflerProcess::SuflerProcess(const SuflerOptions& options) : output_(options.output) {
  std::vector<std::string> words = options.wrapper;
  words.push_back(SUFLER_EXECUTABLE);
  words.insert(words.end(), options.arguments.begin(), options.arguments.end());
  std::vector<std::string> settings;
  for (const auto& [name, value] : options.environment) settings.push_back(name + "=" + value);
  for (const char* name : {"ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "LSAN_OPTIONS"}) {
    if (const char* value = std::getenv(name)) settings.push_back(std::string(name) + "=" + value);
  }
  std::vector<char*> argv, envp;
  for (std::string& word : words) argv.push_back(word.data());
  for (std::string& setting : settings) envp.push_back(setting.data());
  argv.push_back(nullptr);
  envp.push_back(nullptr);

  const int out = open(output_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (out < 0) throw std::runtime_error("cannot write " + output_);
  pid_ = fork();
  if (pid_ == 0) {
    // Between fork and exec only what is safe in a signal handler: other threads held locks.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int in = open(options.input.empty() ? "/dev/null" : options.input.c_str(), O_RDONLY);
    const bool ready = dup2(in, 0) == 0 && dup2(out, 1) == 1 && dup2(out, 2) == 2 &&
                       chdir(options.folder.c_str()) == 0;
    rlimit files{options.most_descriptors, options.most_descriptors};
    if (options.most_descriptors > 0) setrlimit(RLIMIT_NOFILE, &files);
    rlimit memory{options.most_memory, options.most_memory};
    if (options.most_memory > 0) setrlimit(RLIMIT_AS, &memory);
    if (ready) execve(argv[0], argv.data(), envp.data());
    _exit(127);
  }
  close(out);
  if (pid_ < 0) throw std::runtime_error("fork failed");
  pidfd_ = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
  if (pidfd_ < 0) throw std::runtime_error("pidfd_open failed");
}

SuflerProcess::~SuflerProcess() {
  kill();
  if (pidfd_ >= 0) close(pidfd_);
}

void SuflerProcess::signal(int number) const {
  if (ended_) return;
  // One that has only just begun dies of what it will know how to take in a moment.
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!takes(pid_, number) && std::chrono::steady_clock::now() < until) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  ::kill(pid_, number);
  // A thread that is within the kernel finishes its call first: what it wrote is of before the stop.
  while (number == SIGSTOP && !stands_still(pid_) && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

void SuflerProcess::kill() {
  signal(SIGKILL);
  wait(std::chrono::minutes(1));
}

std::optional<int> SuflerProcess::wait(std::chrono::milliseconds timeout) {
  if (ended_) return ended_;
  pollfd waited{pidfd_, POLLIN, 0};
  const auto until = std::chrono::steady_clock::now() + timeout;
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        until - std::chrono::steady_clock::now());
    const int ready = poll(&waited, 1, static_cast<int>(std::max<std::int64_t>(0, left.count())));
    if (ready > 0) break;
    if (ready == 0) return std::nullopt;
    if (errno != EINTR) return std::nullopt;
  }
  int status = 0;
  rusage used{};
  if (wait4(pid_, &status, 0, &used) != pid_) return std::nullopt;
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  cpu_seconds_ = seconds(used.ru_utime) + seconds(used.ru_stime);
  ended_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return ended_;
}

double SuflerProcess::cpu_seconds() const {
  if (ended_) return cpu_seconds_;
  const std::string stat = read_file("/proc/" + std::to_string(pid_) + "/stat");
  // The name in brackets may hold anything; utime and stime are the 12th and 13th field behind it.
  std::size_t at = stat.rfind(')');
  if (at == std::string::npos) return 0;
  for (int field = 0; field < 12; ++field) at = stat.find(' ', at + 1);
  char* rest = nullptr;
  const unsigned long user = std::strtoul(stat.c_str() + at, &rest, 10);
  const unsigned long system = std::strtoul(rest, nullptr, 10);
  return static_cast<double>(user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

std::string SuflerProcess::output() const { return read_file(output_); }

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

int free_port() {
  // A port that the system gave would be given again, to whoever connects somewhere: below its range nobody gets one
  // without asking for it. Among tests the one that holds the lock of a port has it until its process ends.
  static const int below = [] {
    const int first = std::atoi(read_file("/proc/sys/net/ipv4/ip_local_port_range").c_str());
    return std::clamp(first, 12'000, 32'768);
  }();
  constexpr int kFirst = 10'000;
  static int next = static_cast<int>(std::random_device{}() % 1'000'000);
  const fs::path locks = fs::temp_directory_path() / "sufler-ports";
  std::error_code there_already;
  fs::create_directories(locks, there_already);
  for (int tries = 0; tries < below - kFirst; ++tries) {
    const int port = kFirst + next++ % (below - kFirst);
    const int lock = open((locks / std::to_string(port)).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) != 0) {
      close(lock);
      continue;
    }
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    const bool is_free = bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    close(fd);
    if (is_free) return port;
    if (lock >= 0) close(lock);
  }
  throw std::runtime_error("no free port");
}

std::int64_t unix_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace sufler::tests
