#pragma once
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <future>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "fakes/common/http_server.h"
#include "fakes/vk/load.h"
#include "fakes/vk/load_script.h"
#include "fakes/vk/params.h"
#include "fakes/vk/process_use.h"

/// A load while it is played, for the files that play its parts: load.cpp the bot's process, the phases and the result;
/// load_users.cpp what users write and hear; load_server.cpp the platform's side of the wire.
namespace sufler::fakes::vk {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

/// As a text of JSON, with its quotes.
void quote(std::string& out, std::string_view text);

struct LoadUser {
  int run = 0;
  int step = -1;
  std::size_t expected = 0;
  bool waiting = false;
  bool done = false;
  Clock::time_point since{};
  std::size_t last_reply = 0;  // hash of its text
  std::int64_t next_cmid = 1;
  std::int64_t inline_cmid = 0;
  std::string inline_keyboard;
  std::string keyboard;
  struct Sent {
    std::int64_t random_id;
    std::int64_t message_id;
    std::int64_t cmid;
  };
  std::deque<Sent> sent;
};

struct Run {
  std::int64_t number_user = -1;
  std::int64_t number_admin = -1;
  unsigned admin_got = 0;
};

struct Queued {
  std::int64_t ts;
  std::string json;
  bool input;  // a user's; echoes are not counted
  bool delivered = false;
};

enum class Phase { WaitForBot, Settle, Load, Drain, Done };

class Load {
 public:
  Load(LoadOptions options, LoadScript script)
      : options_(std::move(options)),
        script_(std::move(script)),
        users_(static_cast<std::size_t>(options_.users)),
        runs_(static_cast<std::size_t>(options_.users) *
              static_cast<std::size_t>(options_.dialogs)),
        users_left_(options_.users) {
    latencies_us_.reserve(runs_.size() * script_.steps.size());
  }

  int play();  ///< the exit code

 private:
  // ---- the bot's process

  int start_bot();
  void stop_bot();

  // ---- phases

  void enter(Phase phase);
  void finish(const std::string& why);
  void tick();
  /// Everything that is measured counts from here on.
  void begin_measuring();

  // ---- users

  std::int64_t id_of(int user) const { return options_.first_user + user; }
  std::string event(std::string_view type);
  static void add_message(std::string& out, std::int64_t id, std::int64_t cmid, std::int64_t peer, std::int64_t from,
                          std::int64_t random_id, std::string_view text);
  void push(std::string json, bool input);
  void wrong(const std::string& what);
  void give_up(LoadUser& user, const std::string& why);
  static Json button_in(const std::string& keyboard, const std::string& label);
  void next_input(int index);
  void admin_message(const std::string& text);
  /// Whether the message was the last that the user waited for.
  bool user_message(int index, const std::string& text, bool edit, const std::string& keyboard, std::int64_t cmid);

  // ---- long poll

  void answer_soon();
  void answer_poll();
  void serve_poll(const HttpRequest& request);

  // ---- methods

  using Fields = std::map<std::string, std::string>;
  static std::string field(const Fields& fields, const char* name);
  void release(int user, milliseconds after);
  /// One message to one peer; `released` gets the user whose next input follows the answer.
  std::array<std::int64_t, 2> send_to(std::int64_t peer, const Fields& fields, bool edit, std::vector<int>& released);
  std::string send(const Fields& fields, std::vector<int>& released);
  /// What stands under `response`; throws ApiError.
  std::string run(const std::string& method, const Fields& fields, std::vector<int>& released);
  std::string execute(const std::string& code, std::vector<int>& released);
  void serve(HttpRequest&& request);

  // ---- the result

  double percentile(double share);
  bool report();
  struct Poll {
    ConnectionId connection;
    std::int64_t ts;
    std::uint64_t number;
  };

  LoadOptions options_;
  LoadScript script_;
  HttpServer server_;
  std::string root_;
  std::promise<void> finished_;
  std::atomic<bool> interrupted_{false};
  std::atomic<int> bot_{0};
  std::atomic<bool> bot_gone_{false};

  Phase phase_ = Phase::WaitForBot;
  Clock::time_point began_{};
  Clock::time_point phase_since_{};
  Clock::time_point first_poll_{};
  bool polled_ = false;
  double startup_ms_ = -1;
  std::string end_;

  std::vector<LoadUser> users_;
  std::vector<Run> runs_;
  int users_left_ = 0;
  std::unordered_map<std::string, std::int64_t> callbacks_;  ///< unanswered: whose
  std::unordered_set<std::int64_t> numbers_;
  std::set<std::string> events_on_;
  std::deque<Queued> queue_;
  std::optional<Poll> poll_;
  bool answer_planned_ = false;
  std::int64_t ts_ = 1;
  std::uint64_t poll_number_ = 0;
  std::uint64_t events_ = 0;
  std::uint64_t callback_number_ = 0;
  std::int64_t next_message_ = 1;
  LoadUser admin_;

  std::map<std::string, std::uint64_t> requests_;
  std::map<int, std::uint64_t> api_errors_;
  std::uint64_t http_requests_ = 0;
  std::uint64_t unknown_methods_ = 0;
  std::uint64_t delivered_ = 0;
  std::uint64_t redelivered_ = 0;
  std::uint64_t echoes_delivered_ = 0;
  std::uint64_t warm_deliveries_ = 0;
  std::uint64_t batches_ = 0;
  std::uint64_t wrong_ = 0;
  std::uint64_t duplicate_ = 0;
  std::uint64_t admin_right_ = 0;
  std::uint64_t steps_done_ = 0;
  std::uint64_t warm_steps_ = 0;
  std::uint64_t dialogs_done_ = 0;
  std::vector<std::string> samples_;
  std::vector<std::uint32_t> latencies_us_;
  Clock::time_point load_since_{};
  Clock::time_point last_{};
  Clock::time_point progress_{};
  Clock::time_point measured_until_{};
  ProcessUse use_idle_;
  ProcessUse use_start_;
  ProcessUse use_end_;
  double machine_start_ = 0;
  double machine_end_ = 0;
  double own_start_ = 0;
  double own_end_ = 0;
};

}  // namespace sufler::fakes::vk
