#pragma once
#include <memory>
#include <string>
#include <vector>

#include "interpreter/core/program.h"

/// What all worlds of a process share: the scenario, and the file that their databases are named by.
namespace sufler::simulation {

/// Versions of the scenario that say the same. What differs is where everything stands in the program: whatever was
/// not found again by its name would lead elsewhere.
const std::vector<std::shared_ptr<const Program>>& versions();
/// The first of them.
const std::shared_ptr<const Program>& program();
std::shared_ptr<const Program> version_named(const std::string& version);

/// SQLite's wrapper looks for a real file before SQLite opens one, so there is an empty one.
class Stub {
 public:
  Stub();
  ~Stub();
  Stub(const Stub&) = delete;
  Stub& operator=(const Stub&) = delete;
  const std::string& path() const { return path_; }
  std::string url() const { return "sqlite:" + path_; }

 private:
  std::string path_;
};
/// The disk remembers an empty database of the scenario from the first call on.
const Stub& database();

}  // namespace sufler::simulation
