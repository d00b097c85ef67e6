#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "interpreter/core/result.h"
#include "interpreter/runtime/config.h"
#include "interpreter/runtime/control.h"
#include "interpreter/runtime/engine.h"
#include "tools/reloader.h"
#include "tools/serving.h"

/// The running process's side of operators' commands.
namespace sufler {

class OperatorDesk {
 public:
  /// Listens at once, so that a second process is refused before it does anything. Commands are answered from
  /// `serve` on; what comes before waits for it. The error is told to the operator: this process must not run.
  static Result<std::unique_ptr<OperatorDesk>, std::string> open(const Config& config);
  ~OperatorDesk();

  /// All must outlive `stop`.
  void serve(Engine& engine, const std::vector<std::unique_ptr<ServedTransport>>& served, Reloader& reloader);
  /// Before the engine stops.
  void stop();

 private:
  struct Impl;
  explicit OperatorDesk(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
  std::unique_ptr<ControlServer> server_;
};

}  // namespace sufler
