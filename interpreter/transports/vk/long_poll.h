#pragma once
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "interpreter/transports/vk/position.h"
#include "interpreter/transports/vk/receiver.h"

namespace sufler::vk {

/// Receives by long poll: a poll brings events, the handlers store them with the next `ts`, and only then
/// does the next poll let VK forget them. Where VK says that it lost events, the dialogs' histories are
/// asked. On the network thread.
class LongPoll : public std::enable_shared_from_this<LongPoll> {
 public:
  explicit LongPoll(ReceiverParts parts);

  void start(const std::string& position);
  void stop();
  /// A call of this bot is over: a poll may have waited for that.
  void call_is_over();

 private:
  enum class Ts : std::uint8_t { Keep, Renew };

  void check_group();
  void choose_events();
  void ask_server(Ts ts);
  void keep_place();
  void go_on();
  void poll();
  void poll_soon();
  void on_poll(HttpAnswer answer, std::chrono::steady_clock::duration took);
  void take(PollAnswer answer);
  void on_stored(const Position& next, bool stored);
  void bring_missed();
  void hand_over(std::vector<Incoming> events, const Position& next, std::function<void(bool)> stored);

  void trouble(const std::string& reason);
  /// Says what became of a loss that VK told of.
  void tell_loss(const std::string& outcome);
  /// Takes `step` again after a pause, unless receiving went another way meanwhile.
  void again(void (LongPoll::*step)(), std::chrono::milliseconds pause);
  std::string poll_url() const;

  ReceiverParts parts_;
  UpdateDecoder decoder_;
  Backoff backoff_;
  Position position_;
  std::string server_;
  std::string key_;
  bool stopped_ = false;
  bool new_ = false;       // nothing was ever stored of this bot
  bool lost_ = false;      // events are to be brought from the histories
  bool loss_told_ = true;  // what VK lost by its own word
  bool in_touch_ = false;
  bool polled_ = false;    // once: from then on the polls tell how it is
  bool server_asked_ = false;  // `ts` of a fresh server is wanted
  int failures_ = 0;       // polls in a row
  int quick_empties_ = 0;
  int missed_attempts_ = 0;
  bool awaiting_drain_ = false;  // the next poll waits for calls that are under way
  bool drained_ = true;          // and they ended within the last wait
  std::chrono::milliseconds patience_{0};
  std::uint64_t turn_ = 0;
  HttpClient::RequestId request_ = 0;
};

}  // namespace sufler::vk
