#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "interpreter/core/result.h"

/// The socket over which operators' commands reach the running process: a file of mode 0600, one line a request,
/// one line an answer.
namespace sufler {

struct ControlError {
  enum class Kind : std::uint8_t {
    Nobody,    ///< no process listens
    Taken,     ///< another process listens there
    NotTaken,  ///< the socket cannot be made
    Broken,    ///< the process did not answer
  };
  Kind kind = Kind::Nobody;
  std::string message;  ///< one line for the operator
};

class ControlServer {
 public:
  /// Called on the server's thread with a line; `answer` takes one line, once, on any thread, even after `stop`.
  using Handler = std::function<void(std::string request, std::function<void(std::string)> answer)>;

  static constexpr std::size_t kMaxClients = 16;  ///< further ones wait
  static constexpr std::size_t kMaxRequestBytes = 64 * 1024;
  static constexpr std::size_t kMaxAnswerBytes = 16 * 1024 * 1024;

  /// Listens at `path`, absolute. What a process that died left there is replaced; a file beside it, `.lock`,
  /// tells who lives. `patience`: how long a client may take to bring its line or to fetch its answer.
  static Result<std::unique_ptr<ControlServer>, ControlError> open(
      const std::string& path, Handler handler, std::chrono::milliseconds patience = std::chrono::seconds(10));
  ~ControlServer();
  /// Hears nothing more; the socket's file is gone. Another process may take the place only when this is
  /// destroyed.
  void stop();

 private:
  struct Impl;
  explicit ControlServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// Brings one line to the process that listens at `path` and gives its answer.
Result<std::string, ControlError> ask_control(const std::string& path, const std::string& request,
                                              std::chrono::milliseconds timeout);

}  // namespace sufler
