#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "simulation/chance.h"

struct sqlite3_file;

namespace sufler::simulation {

/// The disk of a simulated machine: SQLite's files in memory, behind SQLite's own interface to the system (a VFS,
/// which becomes the default one of this test program). It remembers what was written since the last sync, so
/// that a power cut can take any part of it back. One connection at a time, one thread.
class Disk {
 public:
  static Disk& instance();

  /// Whatever the disk holds now is where `begin` begins.
  void remember();
  /// A disk as it was remembered.
  void begin();
  /// From now on writing fails: what the destructors of a dead process do reaches nothing.
  void detach() { detached_ = true; }
  /// The machine is up again; the log of the database was left as it stood.
  void attach();
  /// What was not synced is there or not, each write for itself. Between `detach` and `attach`.
  void cut_power(Chance& chance);

  struct Contents {
    struct Write {
      std::size_t offset = 0;
      std::string before;
      std::size_t size_before = 0;
    };
    std::string bytes;
    std::vector<Write> unsynced;
    std::vector<std::unique_ptr<std::string>> shared_memory;  ///< SQLite's index of its log
    int connections = 0;  ///< that have it open
    int locked = 0;       ///< of them, those that hold a lock of SQLite's
  };
  Contents& file(const std::string& path) { return files_[path]; }
  bool exists(const std::string& path) const { return files_.contains(path); }
  bool detached() const { return detached_; }
  void remove(const std::string& path) { files_.erase(path); }

 private:
  Disk();
  std::map<std::string, Contents> files_;
  std::map<std::string, std::string> remembered_;
  bool detached_ = false;
};

}  // namespace sufler::simulation
