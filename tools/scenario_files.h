#pragma once
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "interpreter/network/http_client.h"
#include "interpreter/runtime/engine.h"
#include "interpreter/runtime/file_cache.h"
#include "interpreter/transports/files.h"

namespace sufler {

/// What scenarios send, by content: from the cache, else from the database. So a message goes out with the file of the
/// version that wrote it, whatever lies in the scenario's folder by then: LANGUAGE 11.
class ScenarioFiles {
 public:
  /// `cache` as `version_cache` gives it; `client` must outlive it.
  ScenarioFiles(std::string cache, HttpClient& client);
  ScenarioFiles(const ScenarioFiles&) = delete;
  ScenarioFiles& operator=(const ScenarioFiles&) = delete;
  ~ScenarioFiles();  ///< stops the client: what it was asked for must not come back here

  const FileCache& cache() const { return cache_; }
  /// As `FindFile` has it. What waits for the database when the process stops is found by the next one.
  void find(const Attachment& file, std::function<void(FoundFile)> done);

  /// For as long as it lives, files are read from this engine's database.
  class Reading {
   public:
    Reading(ScenarioFiles& files, Engine& engine) : files_(files) { files_.read_from(&engine); }
    Reading(const Reading&) = delete;
    Reading& operator=(const Reading&) = delete;
    ~Reading() { files_.read_from(nullptr); }

   private:
    ScenarioFiles& files_;
  };

 private:
  struct Wanted {
    std::string hash;
    std::int64_t size = 0;
    std::string bytes;
  };
  void read_from(Engine* engine);
  void read_part(const std::shared_ptr<Wanted>& wanted);
  void give(const std::shared_ptr<Wanted>& wanted, std::string reason);

  FileCache cache_;
  HttpClient& client_;
  std::mutex mutex_;
  Engine* engine_ = nullptr;
  std::map<std::string, std::vector<std::function<void(FoundFile)>>> waiting_;  ///< by hash
};

}  // namespace sufler
