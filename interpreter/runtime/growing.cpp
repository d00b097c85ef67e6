// A message that grows is sent and edited past the outbox, so nothing waits for it and nothing of it is stored. What holds
// it together with the outbox is this: whatever the bot says next in the chat passes here first. It becomes the last form
// of that message when it begins with what is shown already, and otherwise the message is taken away before it goes out.
// While a call of ours is under way in a chat, what the bot says there waits for the answer: else the two could cross.
#include "interpreter/runtime/growing.h"

#include <atomic>
#include <map>
#include <mutex>
#include <set>
#include <utility>
#include <vector>

#include "interpreter/runtime/player.h"

namespace sufler {
namespace {

using std::chrono::milliseconds;

/// So that people see that it is not the end.
constexpr std::string_view kMore = " …";

std::string key_of(std::string_view bot, const ChatAddress& chat) {
  return std::string(bot).append("\n").append(chat.transport).append("\n").append(chat.chat_id);
}

}  // namespace

struct GrowingAnswers::Impl : std::enable_shared_from_this<GrowingAnswers::Impl> {
  struct Job {
    std::string bot;
    ChatAddress chat;
    bool in_private = false;
    std::string text;
    milliseconds typed_at = milliseconds::min();
    bool ticks = false;
    bool halted = false;  ///< its message does not grow any more
  };
  struct Growing {
    std::string bot;
    ChatAddress chat;
    std::string message_id;  ///< empty until the platform has told it
    std::string shown;
    std::int64_t job = 0;    ///< that it grows with; 0: none any more
    milliseconds doomed_at{0};
    bool under_way = false;  ///< a call for this message
    std::vector<std::function<void()>> held;  ///< what the bot says meanwhile
  };
  /// Of one bot.
  struct Pace {
    milliseconds since{0};
    std::size_t calls = 0;
    milliseconds paused_until{0};
  };
  using Actions = std::vector<std::function<void()>>;  ///< to be done without the lock

  Courier& courier;
  const FindRenderer renderers;
  const Clock& clock;
  const Settings settings;

  std::mutex mutex;
  std::map<std::int64_t, Job> jobs;
  std::map<std::string, Growing> messages;  ///< by bot and chat
  std::atomic<std::size_t> count{0};        ///< of messages, for those that have nothing to do with them
  std::map<std::string, Pace, std::less<>> paces;
  std::set<std::string, std::less<>> led;
  bool stopping = false;

  Impl(Courier& carrier, FindRenderer find, const Clock& time, Settings own)
      : courier(carrier), renderers(std::move(find)), clock(time), settings(own) {}

  static void run(Actions& actions) {
    for (auto& action : actions) action();
  }

  // ---- with the lock

  bool may_call(const std::string& bot) {
    Pace& pace = paces[bot];
    const milliseconds now = clock.monotonic();
    if (now < pace.paused_until) return false;
    if (now - pace.since >= milliseconds(1'000)) pace = Pace{now, 0, pace.paused_until};
    return pace.calls++ < settings.calls_a_second;
  }

  void erase(std::map<std::string, Growing>::iterator message) {
    messages.erase(message);
    count = messages.size();
  }

  void take_away(std::map<std::string, Growing>::iterator message, Actions& actions) {
    const Growing one = std::move(message->second);
    erase(message);
    const Renderer* renderer = one.message_id.empty() ? nullptr : renderers(one.bot, one.chat.transport);
    if (!renderer) return;
    ApiCall call = renderer->render_removal(one.chat, one.message_id);
    if (call.method.empty()) return;
    actions.push_back([this, one, call = std::move(call)] { courier.deliver(one.bot, one.chat, call, [](const Outcome&) {}); });
  }

  void type(Job& job, Actions& actions) {
    const milliseconds now = clock.monotonic();
    if (job.typed_at != milliseconds::min() && now - job.typed_at < settings.typing) return;
    const Renderer* renderer = renderers(job.bot, job.chat.transport);
    ApiCall call = renderer ? renderer->render_typing(job.chat) : ApiCall{};
    if (call.method.empty() || !may_call(job.bot)) return;
    job.typed_at = now;
    actions.push_back([this, bot = job.bot, chat = job.chat, call = std::move(call)] {
      courier.deliver(bot, chat, call, [](const Outcome&) {});
    });
  }

  /// False when the job has no message, and gets none.
  bool grow(std::int64_t id, Job& job, Actions& actions) {
    const std::string key = key_of(job.bot, job.chat);
    auto message = messages.find(key);
    const bool is_there = message != messages.end();
    if (job.halted || job.text.empty() || !job.in_private || !led.contains(job.bot)) return is_there;
    if (is_there && (message->second.under_way || (message->second.job == id && message->second.shown == job.text))) return true;
    const Renderer* renderer = renderers(job.bot, job.chat.transport);
    ApiCall call = renderer ? renderer->render_growing(job.chat, job.text + std::string(kMore), is_there ? message->second.message_id : std::string())
                            : ApiCall{};
    if (call.method.empty() || !may_call(job.bot)) return is_there;
    if (!is_there) message = messages.emplace(key, Growing{job.bot, job.chat, {}, {}, id, {}, false, {}}).first;
    count = messages.size();
    message->second.job = id;
    message->second.under_way = true;
    actions.push_back([self = shared_from_this(), key, id, text = job.text, bot = job.bot, chat = job.chat, call = std::move(call)] {
      self->courier.deliver(bot, chat, call, [self, key, id, text](const Outcome& outcome) { self->grown(key, id, text, outcome); });
    });
    return true;
  }

  // ---- without it

  void tick(std::int64_t id) {
    Actions actions;
    {
      const std::lock_guard lock(mutex);
      const auto job = jobs.find(id);
      if (job == jobs.end() || stopping) return;
      if (!grow(id, job->second, actions)) type(job->second, actions);
    }
    run(actions);
    tick_later(id, settings.pace);
  }

  void tick_later(std::int64_t id, milliseconds delay) {
    courier.later(Duration{delay.count()}, [self = shared_from_this(), id] { self->tick(id); });
  }

  /// What became of a form of the message.
  void grown(const std::string& key, std::int64_t id, const std::string& text, const Outcome& outcome) {
    Actions actions;
    {
      const std::lock_guard lock(mutex);
      const auto found = messages.find(key);
      if (found == messages.end()) return;
      Growing& message = found->second;
      message.under_way = false;
      actions.swap(message.held);
      if (outcome.kind == Outcome::Kind::Sent) {
        message.shown = text;
        if (message.message_id.empty()) message.message_id = outcome.message_id;
      } else {
        if (const auto job = jobs.find(id); job != jobs.end()) job->second.halted = true;
        if (outcome.kind == Outcome::Kind::Retry)
          paces[message.bot].paused_until = clock.monotonic() + milliseconds(outcome.after.ms);
      }
      if (message.message_id.empty()) {
        erase(found);
      } else if (stopping) {
        take_away(found, actions);
      }
    }
    run(actions);
  }

  void doom(const std::string& key) {
    courier.later(Duration{settings.forgotten.count()}, [self = shared_from_this(), key] {
      Actions actions;
      bool again = false;
      {
        const std::lock_guard lock(self->mutex);
        const auto message = self->messages.find(key);
        if (message == self->messages.end() || message->second.job != 0) return;
        if (self->clock.monotonic() < message->second.doomed_at) return;  // another timer comes
        again = message->second.under_way;
        if (!again) self->take_away(message, actions);
      }
      run(actions);
      if (again) self->doom(key);
    });
  }

  /// The bot says something in the chat. False: nothing grows there.
  bool pass(std::string_view bot, const ChatAddress& chat, const ApiCall& call, const std::function<void(Outcome)>& done) {
    const std::string key = key_of(bot, chat);
    Actions actions;
    {
      const std::lock_guard lock(mutex);
      const auto found = messages.find(key);
      if (found == messages.end()) return false;
      Growing& message = found->second;
      if (message.under_way) {
        message.held.push_back([self = shared_from_this(), name = std::string(bot), chat, call, done] { self->carry(name, chat, call, done); });
        return true;
      }
      const Renderer* renderer = renderers(bot, chat.transport);
      ApiCall edit = renderer ? renderer->render_grown(call, message.shown, message.message_id) : ApiCall{};
      if (const auto job = jobs.find(message.job); job != jobs.end()) job->second.halted = true;
      if (edit.method.empty()) {
        take_away(found, actions);
        actions.push_back([this, name = std::string(bot), chat, call, done] { courier.deliver(name, chat, call, done); });
      } else {
        message.under_way = true;
        actions.push_back([self = shared_from_this(), key, name = std::string(bot), chat, call, done, edit = std::move(edit)] {
          self->courier.deliver(name, chat, edit, [self, key, name, chat, call, done](const Outcome& outcome) {
            self->ended_as(key, name, chat, call, done, outcome);
          });
        });
      }
    }
    run(actions);
    return true;
  }

  void ended_as(const std::string& key, const std::string& bot, const ChatAddress& chat, const ApiCall& call,
                const std::function<void(Outcome)>& done, Outcome outcome) {
    Actions held;
    {
      const std::lock_guard lock(mutex);
      if (const auto found = messages.find(key); found != messages.end()) {
        found->second.under_way = false;
        held.swap(found->second.held);
        if (outcome.kind == Outcome::Kind::Sent) outcome.message_id = found->second.message_id;
        // What is tried again finds the message as it is.
        if (outcome.kind == Outcome::Kind::Sent || outcome.kind == Outcome::Kind::Failed) erase(found);
      }
    }
    if (outcome.kind == Outcome::Kind::Failed) {
      courier.deliver(bot, chat, call, done);  // the person has deleted it, say
    } else {
      done(outcome);
    }
    run(held);
  }

  void carry(std::string_view bot, const ChatAddress& chat, const ApiCall& call, const std::function<void(Outcome)>& done) {
    if (count == 0 || call.expendable || !pass(bot, chat, call, done)) courier.deliver(bot, chat, call, done);
  }
};

GrowingAnswers::GrowingAnswers(Courier& courier, FindRenderer renderers, const Clock& clock, Settings settings)
    : impl_(std::make_shared<Impl>(courier, std::move(renderers), clock, settings)) {}
GrowingAnswers::GrowingAnswers(Courier& courier, FindRenderer renderers)
    : GrowingAnswers(courier, std::move(renderers), system_clock(), Settings{}) {}

GrowingAnswers::~GrowingAnswers() {
  const std::lock_guard lock(impl_->mutex);
  impl_->stopping = true;
}

void GrowingAnswers::lead(std::string_view bot, bool leads) {
  Impl::Actions actions;
  {
    const std::lock_guard lock(impl_->mutex);
    if (leads) {
      impl_->led.emplace(bot);
    } else if (impl_->led.erase(std::string(bot)) != 0) {
      for (auto message = impl_->messages.begin(); message != impl_->messages.end();) {
        const auto one = message++;
        if (one->second.bot == bot && !one->second.under_way) impl_->take_away(one, actions);
      }
    }
  }
  Impl::run(actions);
}

void GrowingAnswers::begun(std::int64_t job_id, std::string_view bot, const DialogKey& whose) {
  const std::lock_guard lock(impl_->mutex);
  Impl::Job& job = impl_->jobs[job_id];
  job = Impl::Job{};
  job.bot = bot;
  job.chat = whose.chat;
  job.in_private = whose.chat.chat_id == whose.user_id;
}

void GrowingAnswers::grew(std::int64_t job_id, const std::string& text) {
  {
    const std::lock_guard lock(impl_->mutex);
    const auto job = impl_->jobs.find(job_id);
    if (job == impl_->jobs.end() || impl_->stopping) return;
    if (!text.empty()) job->second.text = text;
    if (std::exchange(job->second.ticks, true)) return;
  }
  impl_->tick_later(job_id, impl_->settings.first);
}

void GrowingAnswers::ended(std::int64_t job_id) {
  std::vector<std::string> doomed;
  {
    const std::lock_guard lock(impl_->mutex);
    if (impl_->jobs.erase(job_id) == 0) return;
    for (auto& [key, message] : impl_->messages) {
      if (message.job != job_id) continue;
      message.job = 0;
      message.doomed_at = impl_->clock.monotonic() + impl_->settings.forgotten;
      doomed.push_back(key);
    }
  }
  for (const std::string& key : doomed) impl_->doom(key);
}

void GrowingAnswers::stop() {
  Impl::Actions actions;
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
    impl_->jobs.clear();
    for (auto message = impl_->messages.begin(); message != impl_->messages.end();) {
      const auto one = message++;
      if (!one->second.under_way) impl_->take_away(one, actions);
    }
  }
  Impl::run(actions);
}

void GrowingAnswers::deliver(std::string_view bot, const ChatAddress& chat, const ApiCall& call,
                             std::function<void(Outcome)> done) {
  impl_->carry(bot, chat, call, done);
}

void GrowingAnswers::later(Duration delay, std::function<void()> job) { impl_->courier.later(delay, std::move(job)); }

}  // namespace sufler
