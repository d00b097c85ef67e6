// Between fork and exec only what is safe there is called: everything is made ready before. The input is a file in
// memory, so nobody has to feed a program that does not read. The end is learned from a pidfd, because whatever the
// program started may hold its output open for ever.
#include "interpreter/services/program.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <optional>
#include <thread>
#include <utility>

#include "interpreter/core/fd.h"

namespace sufler {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr milliseconds kBetweenSignals{1'000};
/// Without a pidfd (an old kernel, a container) the end is looked for this often.
constexpr milliseconds kLook{10};
constexpr std::size_t kMostErrors = 8 * 1024;
constexpr std::size_t kMostEnvironment = 256 * 1024;
constexpr int kMostSweeps = 50;
constexpr milliseconds kBetweenSweeps{2};
constexpr rlim_t kMostFiles = 64;
constexpr rlim_t kLargestFile = rlim_t{64} << 20;

struct Pipe {
  Fd out, in;  ///< to read from, to write to
  bool open() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return false;
    out = Fd(ends[0]);
    in = Fd(ends[1]);
    return true;
  }
};

/// As execvp would find it. Empty when it is nowhere.
std::string find_executable(const std::string& name, const std::string& folder) {
  if (name.find('/') != std::string::npos) return name;
  const char* path = std::getenv("PATH");
  std::string_view rest = path && *path ? path : "/usr/local/bin:/usr/bin:/bin";
  while (!rest.empty()) {
    const std::size_t colon = std::min(rest.find(':'), rest.size());
    std::string candidate(rest.substr(0, colon));
    rest.remove_prefix(std::min(colon + 1, rest.size()));
    if (candidate.empty()) continue;
    if (candidate.front() != '/') candidate.insert(0, folder + "/");
    candidate += "/" + name;
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return {};
}

Fd input_file(const std::string& input) {
  Fd file(::memfd_create("input", MFD_CLOEXEC));
  for (std::size_t at = 0; file && at < input.size();) {
    const ssize_t written = ::write(file.get(), input.data() + at, input.size() - at);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return Fd();
    at += static_cast<std::size_t>(written);
  }
  if (file && ::lseek(file.get(), 0, SEEK_SET) != 0) return Fd();
  return file;
}

std::vector<std::string> environment_of(const ProgramCall& call, const std::string& mark) {
  std::map<std::string, std::string> all;
  for (const char* name : {"PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR"})
    if (const char* value = std::getenv(name)) all[name] = value;
  for (const auto& [name, value] : call.environment) all[name] = value;
  std::vector<std::string> lines;
  lines.reserve(all.size() + 1);
  for (const auto& [name, value] : all) lines.push_back(name + "=" + value);
  lines.push_back(mark);
  return lines;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

void limit(__rlimit_resource what, rlim_t most) {
  rlimit now{};
  if (::getrlimit(what, &now) == 0 && now.rlim_max != RLIM_INFINITY) most = std::min(most, now.rlim_max);
  const rlimit wanted{most, most};
  ::setrlimit(what, &wanted);
}

/// Tells what a program started from all else, wherever it went: into another group, a session of its own.
std::string new_mark() {
  static std::atomic<std::uint64_t> last{0};
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return "SUFLER_RUN=" + std::to_string(::getpid()) + "." + std::to_string(now.tv_sec) + "." + std::to_string(++last);
}

/// Whether the process was born with it. False of whatever is not ours to look at.
bool has_mark(const std::string& process, const std::string& mark) {
  const Fd file(::open((process + "/environ").c_str(), O_RDONLY | O_CLOEXEC));
  std::string all;
  std::array<char, 16 * 1024> chunk;
  while (file && all.size() < kMostEnvironment) {
    const ssize_t got = ::read(file.get(), chunk.data(), chunk.size());
    if (got <= 0) break;
    all.append(chunk.data(), static_cast<std::size_t>(got));
  }
  for (std::size_t at = all.find(mark); at != std::string::npos; at = all.find(mark, at + 1))
    if ((at == 0 || all[at - 1] == '\0') && all[at + mark.size()] == '\0') return true;  // a std::string ends with one
  return false;
}

/// What left the group, a daemon, is looked for by its mark. One that was just born by another that dies is found the next
/// time around.
void kill_marked(const std::string& mark) {
  for (int round = 0; round < kMostSweeps; ++round) {
    DIR* const processes = ::opendir("/proc");
    if (!processes) return;
    bool found = false;
    while (const dirent* entry = ::readdir(processes)) {
      if (entry->d_name[0] < '1' || entry->d_name[0] > '9') continue;
      const pid_t pid = static_cast<pid_t>(std::strtol(entry->d_name, nullptr, 10));
      // Held before it is looked at, so that its number cannot become another's in between.
      const Fd held(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
      if (!held || !has_mark("/proc/" + std::to_string(pid), mark)) continue;
      found = ::syscall(SYS_pidfd_send_signal, held.get(), SIGKILL, nullptr, 0) == 0 || found;
    }
    ::closedir(processes);
    if (!found) return;
    std::this_thread::sleep_for(kBetweenSweeps);
  }
}

struct Prepared {
  std::string executable;
  std::vector<char*> arguments, environment;
  const char* folder = nullptr;
  int input = -1, output = -1, errors = -1, failure = -1;
  rlim_t memory = 0, cpu_seconds = 0;
  pid_t parent = 0;
};

/// In the child. Never comes back.
[[noreturn]] void become(const Prepared& ready) {
  const auto fail = [&](int reason) {
    [[maybe_unused]] const ssize_t told = ::write(ready.failure, &reason, sizeof reason);
    ::_exit(127);
  };
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != ready.parent) ::_exit(127);  // it died before it could take us along
  // The numbers 0 to 3 may be taken by what is to be moved there.
  const int input = ::fcntl(ready.input, F_DUPFD, 10);
  const int output = ::fcntl(ready.output, F_DUPFD, 10);
  const int errors = ::fcntl(ready.errors, F_DUPFD, 10);
  const int failure = ::fcntl(ready.failure, F_DUPFD, 10);
  if (input < 0 || output < 0 || errors < 0 || failure < 0) fail(errno);
  if (::dup2(input, 0) < 0 || ::dup2(output, 1) < 0 || ::dup2(errors, 2) < 0 || ::dup3(failure, 3, O_CLOEXEC) < 0)
    fail(errno);
  if (::syscall(SYS_close_range, 4U, ~0U, 0U) != 0)
    for (int fd = 4; fd < 65'536; ++fd) ::close(fd);
  const auto fail_late = [](int reason) {
    [[maybe_unused]] const ssize_t told = ::write(3, &reason, sizeof reason);
    ::_exit(127);
  };
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_NOFILE, kMostFiles);
  limit(RLIMIT_FSIZE, kLargestFile);
  limit(RLIMIT_CPU, ready.cpu_seconds);
  if (ready.memory != 0) limit(RLIMIT_AS, ready.memory);
  if (ready.folder && ::chdir(ready.folder) != 0) fail_late(errno);
  ::execve(ready.executable.c_str(), ready.arguments.data(), ready.environment.data());
  fail_late(errno);
  ::_exit(127);
}

/// A running program.
class Running {
 public:
  Running(const ProgramCall& call, const std::string& mark, pid_t child, Fd output, Fd errors)
      : call_(call), mark_(mark), child_(child), output_(std::move(output)), errors_(std::move(errors)) {
    exit_ = Fd(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
    ::fcntl(output_.get(), F_SETFL, O_NONBLOCK);
    ::fcntl(errors_.get(), F_SETFL, O_NONBLOCK);
  }

  ProgramEnd wait(int abandon_fd) {
    const auto deadline = Clock::now() + milliseconds(call_.timeout.ms);
    std::optional<Clock::time_point> kill_at;
    while (!has_ended()) {
      const auto now = Clock::now();
      if (!kill_at && now >= deadline) {
        if (end_.how == ProgramEnd::How::Exited) end_.how = ProgramEnd::How::TimedOut;
        ::kill(-child_, SIGTERM);
        kill_at = now + kBetweenSignals;
      } else if (kill_at && now >= *kill_at) {
        kill_all();
        kill_at = now + kBetweenSignals;
      }
      look(kill_at ? *kill_at : deadline, abandon_fd);
    }
    // Only the zombie keeps the number of the group: what is left of it goes first.
    ::kill(-child_, SIGKILL);
    kill_marked(mark_);
    read(output_, end_.output, call_.most_output, true);
    read(errors_, end_.errors, kMostErrors, false);
    reap();
    return std::move(end_);
  }

 private:
  bool has_ended() {
    siginfo_t info{};
    return ::waitid(P_PID, static_cast<id_t>(child_), &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid != 0;
  }

  void kill_all() { ::kill(-child_, SIGKILL); }

  void look(Clock::time_point until, int abandon_fd) {
    const bool stopped = end_.how == ProgramEnd::How::Abandoned || end_.how == ProgramEnd::How::TooMuchOutput;
    std::array<pollfd, 4> fds{{{output_.get(), POLLIN, 0},
                               {errors_.get(), POLLIN, 0},
                               {exit_.get(), POLLIN, 0},
                               {stopped ? -1 : abandon_fd, POLLIN, 0}}};
    auto left = std::chrono::duration_cast<milliseconds>(until - Clock::now()) + milliseconds(1);
    left = std::clamp(left, milliseconds(1), exit_ ? milliseconds(60'000) : kLook);
    if (::poll(fds.data(), fds.size(), static_cast<int>(left.count())) <= 0) return;
    if (fds[0].revents != 0) read(output_, end_.output, call_.most_output, true);
    if (fds[1].revents != 0) read(errors_, end_.errors, kMostErrors, false);
    if (fds[3].revents != 0 && !stopped) {
      end_.how = ProgramEnd::How::Abandoned;
      kill_all();
    }
  }

  void read(Fd& from, std::string& into, std::size_t most, bool too_much_ends) {
    std::array<char, 16 * 1024> chunk;
    while (from) {
      const ssize_t got = ::read(from.get(), chunk.data(), chunk.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0 && errno == EAGAIN) return;
      if (got <= 0) return from.close();
      const std::size_t room = most - std::min(most, into.size());
      into.append(chunk.data(), std::min(room, static_cast<std::size_t>(got)));
      if (!too_much_ends || static_cast<std::size_t>(got) <= room) continue;
      end_.how = ProgramEnd::How::TooMuchOutput;
      kill_all();
      return from.close();
    }
  }

  void reap() {
    int status = 0;
    while (::waitpid(child_, &status, 0) < 0 && errno == EINTR) {
    }
    if (end_.how != ProgramEnd::How::Exited) return;
    if (WIFSIGNALED(status)) {
      end_.how = ProgramEnd::How::Killed;
      end_.code = WTERMSIG(status);
    } else {
      end_.code = WEXITSTATUS(status);
    }
  }

  const ProgramCall& call_;
  const std::string& mark_;
  pid_t child_;
  Fd output_, errors_, exit_;
  ProgramEnd end_;
};

ProgramEnd cannot_start(int reason) {
  ProgramEnd end;
  end.how = ProgramEnd::How::CannotStart;
  end.code = reason;
  return end;
}

}  // namespace

ProgramEnd run_program(const ProgramCall& call, int abandon_fd) {
  if (call.command.empty()) return cannot_start(ENOENT);
  Prepared ready;
  ready.executable = find_executable(call.command.front(), call.folder);
  if (ready.executable.empty()) return cannot_start(ENOENT);
  std::vector<std::string> arguments = call.command;
  const std::string mark = new_mark();
  std::vector<std::string> environment = environment_of(call, mark);
  ready.arguments = pointers_to(arguments);
  ready.environment = pointers_to(environment);
  ready.folder = call.folder.empty() ? nullptr : call.folder.c_str();
  ready.memory = call.memory_bytes;
  ready.cpu_seconds = static_cast<rlim_t>(call.timeout.ms / 1000 + 2);
  ready.parent = ::getpid();
  const Fd input = input_file(call.input);
  Pipe output, errors, failure;
  if (!input || !output.open() || !errors.open() || !failure.open()) return cannot_start(errno);
  ready.input = input.get();
  ready.output = output.in.get();
  ready.errors = errors.in.get();
  ready.failure = failure.in.get();

  const pid_t child = ::fork();
  if (child < 0) return cannot_start(errno);
  if (child == 0) become(ready);
  ::setpgid(child, child);
  output.in.close();
  errors.in.close();
  failure.in.close();
  int reason = 0;
  ssize_t told = 0;
  while ((told = ::read(failure.out.get(), &reason, sizeof reason)) < 0 && errno == EINTR) {
  }
  if (told == static_cast<ssize_t>(sizeof reason)) {
    while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
    }
    return cannot_start(reason);
  }
  return Running(call, mark, child, std::move(output.out), std::move(errors.out)).wait(abandon_fd);
}

}  // namespace sufler
