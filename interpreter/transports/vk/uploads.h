#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "interpreter/transports/vk/api_client.h"
#include "interpreter/transports/vk/file_reference.h"

namespace sufler::vk {

/// What VK's names of our files are, so that none is uploaded twice: by what the file holds, or for a file
/// of the scenario by where it lies and when it changed. The least used one is forgotten. Thread-safe.
class UploadCache {
 public:
  explicit UploadCache(std::size_t most = 2'000);
  /// The key of bytes that go as `type`. A keyed hash: people send files too, and none of theirs may pass
  /// for another.
  std::string key_of(std::string_view bytes, std::string_view type) const;
  std::string find(const std::string& key);
  void put(const std::string& key, std::string name);
  void forget(const std::string& key);

 private:
  using Entry = std::pair<std::string, std::string>;
  std::size_t most_;
  std::array<std::uint64_t, 4> secret_;
  std::mutex mutex_;
  std::list<Entry> entries_;  // the last used first
  std::unordered_map<std::string, std::list<Entry>::iterator> by_key_;
};

std::uint64_t siphash(std::uint64_t key0, std::uint64_t key1, std::string_view bytes);

/// Files of a message, named as VK names them.
struct NamedFiles {
  std::vector<std::string> names;    ///< in the order of the files
  std::vector<std::string> left_out; ///< what people call those that VK does not take
  Outcome failure;                   ///< when `failed`
  bool failed = false;
};

/// Brings files to VK: each asks for a server, sends the bytes there and has them saved. On the network
/// thread.
class Uploads : public std::enable_shared_from_this<Uploads> {
 public:
  using Done = std::function<void(NamedFiles)>;
  Uploads(HttpClient& client, std::shared_ptr<const VkSettings> settings, std::shared_ptr<ApiClient> api,
          std::function<double()> random)
      : client_(client), settings_(std::move(settings)), api_(std::move(api)), random_(std::move(random)) {}

  /// `anew`: names that are known are not to be trusted.
  void bring(std::vector<FilePart> files, std::string peer_id, bool anew, Done done);
  /// Bytes of a file that VK holds.
  void fetch(const Attachment& file, std::size_t limit,
             std::function<void(std::string bytes, std::string reason)> done);

 private:
  struct Batch;
  struct Source;
  void next(const std::shared_ptr<Batch>& batch);
  void take_scenario_file(const std::shared_ptr<Batch>& batch, FoundFile found);
  void with_bytes(const std::shared_ptr<Batch>& batch, std::string bytes);
  void upload(const std::shared_ptr<Batch>& batch, std::shared_ptr<Source> source);
  void send_bytes(const std::shared_ptr<Batch>& batch, const std::shared_ptr<Source>& source, const std::string& url);
  void save(const std::shared_ptr<Batch>& batch, const std::shared_ptr<Source>& source, Fields fields);
  void refused(const std::shared_ptr<Batch>& batch, const std::shared_ptr<Source>& source, const std::string& reason);
  void call_failed(const std::shared_ptr<Batch>& batch, const std::shared_ptr<Source>& source, const CallResult& result);
  void leave_out(const std::shared_ptr<Batch>& batch, const std::string& reason);
  void fail(const std::shared_ptr<Batch>& batch, Outcome outcome);
  using Bytes = std::function<void(std::string bytes, std::string reason)>;
  /// `gone`: in the place of `done`, when the server does not give the file at this address.
  void download(std::string url, std::size_t limit, int redirects, Bytes done, Bytes gone);
  /// With the address that the message has today.
  void download_anew(const FileReference& reference, std::size_t limit, Bytes done);

  HttpClient& client_;
  std::shared_ptr<const VkSettings> settings_;
  std::shared_ptr<ApiClient> api_;
  std::function<double()> random_;
  UploadCache cache_;
};

}  // namespace sufler::vk
