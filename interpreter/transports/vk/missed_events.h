#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "interpreter/transports/vk/api_client.h"
#include "interpreter/transports/vk/update_decoder.h"

namespace sufler::vk {

/// So often in a row they are asked for; then those are served who write now.
constexpr int kMissedAttempts = 8;
/// The clocks of VK and of this machine may differ; what comes twice is known by its id.
constexpr std::int64_t kClocksDifferSeconds = 60;

/// Brings the messages that VK's queue of events lost, out of the histories of the dialogs, and what people changed
/// in messages that are on the pages read for them. VK keeps no history of presses of callback buttons, of
/// permissions and of typing: they are lost. On the network thread.
class MissedEvents : public std::enable_shared_from_this<MissedEvents> {
 public:
  struct Bounds {
    std::size_t dialogs = 1000;
    std::size_t pages_of_dialog = 5;  ///< of 200 messages
    std::size_t messages = 20'000;
  };
  /// The messages in the order in which they were written, or why they cannot be had.
  using Done = std::function<void(Result<std::vector<Incoming>, std::string>)>;

  MissedEvents(std::shared_ptr<ApiClient> api, Community community, std::function<std::int64_t()> now, Bounds bounds)
      : api_(std::move(api)), community_(community), now_(std::move(now)), bounds_(bounds) {}

  /// Messages and changes from `since` on (unix seconds). Once for each object.
  void fetch(std::int64_t since, Done done);

 private:
  void ask_dialogs();
  void ask_history();
  void finish();

  std::shared_ptr<ApiClient> api_;
  Community community_;
  std::function<std::int64_t()> now_;
  Bounds bounds_;
  UpdateDecoder decoder_;
  std::int64_t since_ = 0;
  Done done_;
  std::size_t asked_dialogs_ = 0;
  std::vector<std::int64_t> peers_;
  std::size_t next_peer_ = 0;
  std::size_t page_ = 0;
  std::vector<Incoming> found_;
};

}  // namespace sufler::vk
