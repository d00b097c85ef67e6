#pragma once
#include <sys/types.h>

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sufler::tests {

/// What every secret of the tests holds, and nothing that a program writes.
inline constexpr std::string_view kCanary = "CANARY";

/// A new folder below the system's temporary one, removed at the end. For whoever debugs,
/// SUFLER_KEEP_FOLDERS in the environment keeps it. Before it goes, what the programs wrote into it (logs,
/// databases, pages) is searched for secrets; what is found is told in a file of SUFLER_CANARIES, a folder of the
/// build unless set, and fails the last of the tests.
class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  const std::string& path() const { return path_; }
  /// Writes a file; its folders are made.
  void write(const std::string& name, const std::string& text);
  /// All files of the folder whose bytes hold `text`, by their relative names.
  std::vector<std::string> files_that_hold(const std::string& text) const;

 private:
  void look_for_canaries() const;

  std::string path_;
  std::map<std::string, std::string> written_;  ///< by the test itself: those files are no output
};

struct SuflerOptions {
  std::vector<std::string> arguments;
  /// All that the process sees of the environment, besides the options of sanitizers.
  std::map<std::string, std::string> environment;
  std::string folder;  ///< it runs here
  std::string input = {};  ///< a file that it reads as its input; none unless named
  std::string output;  ///< a file that takes both of its outputs, at the end of what is there
  unsigned long most_descriptors = 0;  ///< open at a time; 0: as this process
  unsigned long most_memory = 0;       ///< bytes of address space; 0: as this process
  /// Words in front of the program, the first a path: `strace` with its options, say.
  std::vector<std::string> wrapper = {};
};

/// The program `sufler` as a child process. Whoever lets go of it kills it, by its own pid.
class SuflerProcess {
 public:
  explicit SuflerProcess(const SuflerOptions& options);
  ~SuflerProcess();
  SuflerProcess(const SuflerProcess&) = delete;
  SuflerProcess& operator=(const SuflerProcess&) = delete;

  /// Does nothing once it has ended. One that has only just begun is given the time to say what the signal is to do;
  /// after SIGSTOP no thread of it runs any more.
  void signal(int number) const;
  /// What `exit` was given, or 128 and the signal that killed it; nothing when it still runs after
  /// `timeout`.
  std::optional<int> wait(std::chrono::milliseconds timeout);
  void kill();
  pid_t pid() const { return pid_; }
  /// Processor time it has used, of all its threads; also after its end.
  double cpu_seconds() const;
  std::string output() const;

 private:
  pid_t pid_ = -1;
  int pidfd_ = -1;
  std::optional<int> ended_;
  double cpu_seconds_ = 0;
  std::string output_;
};

/// The bytes of a file; empty when there is none.
std::string read_file(const std::string& path);
/// A port of the loopback that nobody has, and that no other test gets while this process lives.
int free_port();
/// Milliseconds since 1970, the clock of the fake's log.
std::int64_t unix_ms();

}  // namespace sufler::tests
