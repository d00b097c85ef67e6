#pragma once
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "interpreter/transports/vk/api_client.h"

namespace sufler::vk {

/// Who people are: events of VK carry no names. On the network thread.
class Names : public std::enable_shared_from_this<Names> {
 public:
  using Done = std::function<void(std::vector<Incoming>)>;
  Names(HttpClient& client, std::shared_ptr<ApiClient> api, std::chrono::milliseconds wait)
      : client_(client), api_(std::move(api)), wait_(wait) {}

  /// Gives the events back with the names that are known or can be asked in time; a failure or a slow
  /// answer never holds them up for longer.
  void fill(std::vector<Incoming> events, Done done);

 private:
  const PersonName* find(const std::string& id);
  void remember(const std::string& id, PersonName name);
  void put_names(std::vector<Incoming>& events);

  HttpClient& client_;
  std::shared_ptr<ApiClient> api_;
  std::chrono::milliseconds wait_;
  /// Two generations: when the younger is full it becomes the older, and the older is forgotten.
  std::unordered_map<std::string, PersonName> young_;
  std::unordered_map<std::string, PersonName> old_;
  std::chrono::steady_clock::time_point rest_until_{};
};

}  // namespace sufler::vk
