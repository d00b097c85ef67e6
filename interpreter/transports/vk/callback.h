#pragma once
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "interpreter/transports/vk/position.h"
#include "interpreter/transports/vk/receiver.h"

namespace sufler::vk {

/// Receives by calls to our address. Unless it was set up by hand, the address is told to VK at the start.
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
  void hand_over();
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
  Position position_;
  std::vector<Waiting> waiting_;
  bool handing_over_ = false;
  std::string confirmation_;
  std::int64_t server_id_ = 0;
  int confirmation_checks_ = 0;
};

}  // namespace sufler::vk
