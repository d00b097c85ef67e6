#pragma once
#include <memory>

#include "interpreter/runtime/config.h"
#include "interpreter/services/registry.h"

namespace sufler {

class Engine;

/// Makes the reports of a process that serves, on a connection of their own.
class ServedReports {
 public:
  explicit ServedReports(const Config& config);
  ServedReports(const ServedReports&) = delete;
  ServedReports& operator=(const ServedReports&) = delete;
  ~ServedReports();

  /// For the services; may outlive neither.
  MakeReport maker();
  /// Before the engine starts: files are stored between two of its turns.
  void start(Engine& engine);
  /// Before the engine stops. What is being made is made anew by whoever has its job next.
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sufler
