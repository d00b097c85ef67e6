#pragma once
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "interpreter/transports/vk/position.h"
#include "interpreter/transports/vk/receiver.h"

namespace sufler::vk {

/// Receives by calls to our address. Unless it was set up by hand, the address is told to VK at the start.
///
/// VK repeats an event that nobody took for less than two hours, and calls nobody before the address is set up. So
/// after a pause, and after the address was set up anew, the messages since the last known one are fetched
/// from the histories of the dialogs; those that VK brings too are known by their ids.
class Callback : public std::enable_shared_from_this<Callback> {
 public:
  explicit Callback(ReceiverParts parts);

  /// On the network thread.
  void start(const std::string& position);
  void stop();

  /// On any thread. `ok` comes only after the event is stored.
  void take(WebhookRequest request, std::function<void(WebhookAnswer)> answer);

 private:
  struct Waiting {
    Incoming event;
    std::function<void(WebhookAnswer)> answer;
  };
  /// What VK still owes: whether the place may move on to the newest of the events.
  bool waits_for_repeats_without(const std::vector<std::string>& ids) const;
  void hand_over();
  void on_stored(const std::vector<std::string>& ids, const Position& next, bool fetched);
  void on_refused(const std::vector<std::string>& ids, bool fetched, std::int64_t at);
  void catch_up();
  void catch_up_again(const std::string& reason);
  /// What came meanwhile waits no longer.
  void let_go();
  void confirm(std::function<void(WebhookAnswer)> answer);

  void ask_code(std::function<void(CallResult)> then);
  void set_up();
  void find_server();
  void add_server();
  void mend_server();
  void choose_events();
  void await_confirmation();
  void begin_anew();
  /// Says why a step failed, and tries from the beginning later.
  void retry_set_up(const CallResult& result, const std::string& what);

  ReceiverParts parts_;
  Backoff backoff_;
  std::mutex decoder_mutex_;
  UpdateDecoder decoder_;

  // On the network thread only.
  bool started_ = false;
  bool stopped_ = false;
  Position position_;  // nothing of what was written before is missing, as far as VK tells
  std::int64_t newest_ = 0;  // unix ms of the newest stored event
  bool fresh_ = false;       // a bot that begins
  bool place_to_keep_ = false;
  std::vector<Waiting> waiting_;
  bool handing_over_ = false;
  bool held_ = false;  // what waits is newer than what is being fetched
  std::optional<std::vector<Incoming>> fetched_;
  int fetch_attempts_ = 0;
  std::set<std::string> refused_;  // ids of events that VK is to bring again
  std::int64_t refused_since_ = 0;  // unix ms
  std::string confirmation_;
  std::int64_t server_id_ = 0;
  int confirmation_checks_ = 0;
};

}  // namespace sufler::vk
