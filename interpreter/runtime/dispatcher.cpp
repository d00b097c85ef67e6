#include "interpreter/runtime/dispatcher.h"

#include <algorithm>
#include <atomic>
#include <deque>
#include <iterator>
#include <mutex>
#include <optional>
#include <set>
#include <unordered_map>

#include "interpreter/runtime/failpoint.h"
#include "interpreter/runtime/pacer.h"
#include "storage/outbox_json.h"

namespace sufler {
namespace {

/// How soon it is asked again whether this process may send.
constexpr Duration kAskAgain{200};
/// Of a platform whose limits nobody stated: so many under way are enough.
constexpr std::size_t kRoomWithoutLimits = 100;
/// With more calls under way somebody does not answer: there is no room for what can wait.
constexpr std::size_t kMostInFlight = 100;
constexpr std::int64_t kDoubtMs = 5'000;

/// A lane is what one dialog says to one chat: its ordered rows wait for each other. Digests of different
/// dialogs to one admin need not, or a slow network would hold them up for minutes.
std::string lane_key(const OutboxRow& row) {
  const std::string dialog = std::to_string(row.dialog_id);
  std::string key;
  key.reserve(row.bot.size() + row.chat.transport.size() + row.chat.chat_id.size() + dialog.size() + 3);
  key.append(row.bot).append(1, '\n').append(row.chat.transport).append(1, '\n').append(row.chat.chat_id);
  key.append(1, '\n').append(dialog);
  return key;
}

}  // namespace

struct Dispatcher::Impl : std::enable_shared_from_this<Impl> {
  struct Lane {
    std::deque<std::shared_ptr<OutboxRow>> waiting;
    bool busy = false;  // a call is under way, or the chat rests
  };

  Courier& courier;
  Handlers handlers;
  const Clock& clock;
  mutable std::mutex mutex;
  std::unordered_map<std::string, Lane> lanes;
  /// Chats and bots that the platform told to rest, with the lanes that wait for the end of it.
  struct Rest {
    std::set<std::string> lanes;
    int running = 0;  // times that are still to pass: with several refusals the longest counts
    std::uint64_t number = 0;
  };
  std::uint64_t rests = 0;
  std::unordered_map<std::string, Rest> resting;
  /// What a bot may say on a platform, by `bot_scope`; nothing where there are no limits. Which there are is settled
  /// before the first row.
  struct Pace {
    std::string bot;
    Pacer pacer;
    std::optional<std::int64_t> wakes_at = {};  // when a `later` will look at it
  };
  std::unordered_map<std::string, Pace> paces;
  /// A row that is not settled. One that was forgotten and comes again is another.
  struct Known {
    const OutboxRow* row = nullptr;
    bool under_way = false;
    bool left = false;  // another process may send for the bot: it is not repeated here unless it is added again
  };
  std::unordered_map<std::int64_t, Known> known;  // by id
  std::unordered_map<std::int64_t, std::uint32_t> lost_answers;  // by row; attempts refused for now do not count
  std::unordered_map<std::int64_t, std::string> unordered;  // those of them in no lane → bot
  std::atomic<std::size_t> pending{0};
  std::atomic<std::size_t> in_flight{0};
  std::atomic<bool> stopped{false};
  std::unordered_map<std::string, std::int64_t> doubtful;  ///< by `bot_scope`: until when, unless an answer comes before
  std::set<std::int64_t> withdrawn;  ///< ids of rows that were taken out of the outbox

  Impl(Courier& used, Handlers given, const Clock& time) : courier(used), handlers(std::move(given)), clock(time) {}

  void add(std::vector<OutboxRow> rows) {
    std::vector<std::shared_ptr<OutboxRow>> now;
    {
      std::lock_guard lock(mutex);
      for (OutboxRow& row : rows) {
        const auto [found, fresh] = known.try_emplace(row.id);
        found->second.left = false;
        if (!fresh) continue;
        auto one = std::make_shared<OutboxRow>(std::move(row));
        found->second.row = one.get();
        ++pending;
        if (!one->call.ordered) {
          unordered.emplace(one->id, one->bot);
          now.push_back(std::move(one));
          continue;
        }
        Lane& lane = lanes[lane_key(*one)];
        lane.waiting.push_back(one);
        if (!lane.busy) {
          lane.busy = true;
          now.push_back(std::move(one));
        }
      }
    }
    for (auto& row : now) send(std::move(row));
  }

  void send(std::shared_ptr<OutboxRow> row) {
    if (!may_leave(row)) return;
    if (paces.empty() || row->call.expendable) return make(row);
    const std::string scope = bot_scope(*row);
    const auto pace = paces.find(scope);
    if (pace == paces.end()) return make(row);
    {
      std::lock_guard lock(mutex);
      pace->second.pacer.enter(std::move(row), now());
    }
    let_go(scope);
  }

  /// Otherwise it is seen to: the row is settled, or somebody will send it later.
  bool may_leave(const std::shared_ptr<OutboxRow>& row) {
    if (stopped) return false;
    if (forgotten(*row)) return false;  // it stays in the outbox, for another process
    if (is_withdrawn(row->id)) {
      settle(*row, Settled{row->id, true, OutboxRow::State::Dead, row->attempts, {}, {}});
      next_of(*row);
      return false;
    }
    if (handlers.may_send && !handlers.may_send(row->bot)) {
      again(row, kAskAgain);
      return false;
    }
    return !row->call.ordered || !must_rest(*row);
  }

  std::int64_t now() const { return clock.monotonic().count(); }

  /// Sends what a pace allows now, and comes again when it allows more.
  void let_go(const std::string& scope) {
    if (stopped) return;
    std::vector<Pacer::Turn> turns;
    std::optional<std::int64_t> wake;
    std::int64_t wait = 0;
    {
      std::lock_guard lock(mutex);
      Pace& pace = paces.find(scope)->second;
      const std::int64_t at = now();
      turns = pace.pacer.take(at, [this](const OutboxRow& row) {
        const auto found = known.find(row.id);
        if (found == known.end() || found->second.row != &row || withdrawn.contains(row.id)) return true;
        return row.call.ordered && resting_scope(row) != resting.end();
      });
      const auto next = pace.pacer.next_at(at);
      if (next && (!pace.wakes_at || *next < *pace.wakes_at)) {
        wake = pace.wakes_at = next;
        wait = std::max<std::int64_t>(1, *next - at);
      }
    }
    if (wake) {
      auto self = shared_from_this();
      courier.later(Duration{wait}, [self, scope, wake] {
        {
          std::lock_guard lock(self->mutex);
          Pace& pace = self->paces.find(scope)->second;
          if (pace.wakes_at == wake) pace.wakes_at.reset();
        }
        self->let_go(scope);
      });
    }
    for (Pacer::Turn& turn : turns) {
      if (!turn.goes) {
        send(std::move(turn.row));
      } else if (may_leave(turn.row)) {
        make(turn.row);
      }
    }
  }

  void make(const std::shared_ptr<OutboxRow>& row) {
    set_under_way(*row);
    ++row->attempts;
    ++in_flight;
    auto self = shared_from_this();
    courier.deliver(row->bot, row->chat, row->call, [self, row](Outcome outcome) {
      --self->in_flight;
      self->finish(row, std::move(outcome));
    });
  }

  bool is_withdrawn(std::int64_t id) {
    std::lock_guard lock(mutex);
    return withdrawn.contains(id);
  }

  void withdraw(const std::vector<std::int64_t>& ids) {
    std::vector<std::shared_ptr<OutboxRow>> gone, paced;
    {
      std::lock_guard lock(mutex);
      withdrawn.insert(ids.begin(), ids.end());
      // The first of a lane may be under way; it leaves by itself.
      for (auto& [key, lane] : lanes) {
        for (std::size_t i = lane.waiting.size(); i-- > 1;) {
          if (!withdrawn.contains(lane.waiting[i]->id)) continue;
          gone.push_back(lane.waiting[i]);
          lane.waiting.erase(lane.waiting.begin() + static_cast<std::ptrdiff_t>(i));
        }
      }
      for (auto& [scope, pace] : paces)
        for (auto& row : pace.pacer.leave([this](const OutboxRow& one) { return withdrawn.contains(one.id); }))
          paced.push_back(std::move(row));
    }
    for (auto& row : paced) send(std::move(row));
    for (const auto& row : gone) settle(*row, Settled{row->id, true, OutboxRow::State::Dead, row->attempts, {}, {}});
  }

  /// What a platform holds back for the whole bot is of that platform alone.
  static std::string bot_scope(const OutboxRow& row) { return row.bot + "\n" + row.chat.transport; }
  static std::string chat_scope(const OutboxRow& row) {
    // A platform counts what is said in all topics of a group together.
    return bot_scope(row).append("\n").append(group_of(row.chat.chat_id));
  }

  static std::string scope_of(const OutboxRow& row, const Outcome& outcome) {
    return outcome.whole_bot ? bot_scope(row) : chat_scope(row);
  }

  /// With the mutex held.
  std::unordered_map<std::string, Rest>::iterator resting_scope(const OutboxRow& row) {
    if (resting.empty()) return resting.end();
    const auto found = resting.find(bot_scope(row));
    return found == resting.end() ? resting.find(chat_scope(row)) : found;
  }

  bool must_rest(const OutboxRow& row) {
    std::lock_guard lock(mutex);
    const auto found = resting_scope(row);
    if (found == resting.end()) return false;
    found->second.lanes.insert(home_lane(row));
    return true;
  }

  void finish(const std::shared_ptr<OutboxRow>& row, Outcome outcome) {
    if (stopped && outcome.kind != Outcome::Kind::Sent) return;
    const bool certain = outcome.kind == Outcome::Kind::Sent || outcome.kind == Outcome::Kind::Failed;
    if (!row->call.expendable) note_doubt(*row, certain);
    if (!certain && forgotten(*row)) return;
    if (!has_come(*row) && !certain) {
      if (outcome.kind == Outcome::Kind::Retry) hold(scope_of(*row, outcome), nullptr, outcome.after);
      return drop(*row);
    }
    switch (outcome.kind) {
      case Outcome::Kind::Sent: {
        failpoint("sent", row->chat.chat_id);
        Settled sent{row->id, true, OutboxRow::State::New, row->attempts, {}, {}};
        if ((row->notice || row->ticket_message != 0) && !outcome.message_id.empty())
          sent.notice = SentNotice{row->chat, outcome.message_id, row->dialog_id, {}, row->ticket_message,
                                   std::move(outcome.further_ids)};
        settle(*row, std::move(sent));
        return advance(*row);
      }
      case Outcome::Kind::Retry:
        if (!outcome.moved_to.empty()) {
          // The row keeps its lane, so that what waits behind it stays behind it.
          std::lock_guard lock(mutex);
          moved_.try_emplace(row->id, lane_key(*row));
          row->chat.chat_id = outcome.moved_to;
        }
        if (row->call.expendable && row->attempts >= 3) return give_up(*row, "gave up: " + outcome.reason);
        if (row->attempts >= kMaxAttempts) return give_up(*row, outcome.reason);
        return rest(scope_of(*row, outcome), row, outcome.after);
      case Outcome::Kind::Unknown:
        if (row->resend == ResendPolicy::Never || row->call.expendable || count_lost_answer(*row) >= kMaxUnknown) {
          // Whoever waits for a topic must hear that there is none.
          if (row->ticket_message < 0) return give_up(*row, outcome.reason);
          if (!row->call.expendable)
            handlers.log(row->bot, row->chat, "it is unknown whether a message arrived: " + outcome.reason);
          settle(*row, Settled{row->id, row->call.expendable, OutboxRow::State::Unknown, row->attempts,
                               outcome.reason, {}});
          return advance(*row);
        }
        return again(row, outcome.after.ms > 0 ? outcome.after : Duration{1000});
      case Outcome::Kind::Failed:
        if (outcome.unreachable) handlers.unreachable(row->bot, row->chat);
        return give_up(*row, outcome.reason, &outcome);
    }
  }

  /// A platform that does not answer would swallow a broadcast: until it does, or for a while, there is no room.
  void note_doubt(const OutboxRow& row, bool certain) {
    std::lock_guard lock(mutex);
    if (certain) {
      if (!doubtful.empty()) doubtful.erase(bot_scope(row));
    } else {
      doubtful[bot_scope(row)] = now() + kDoubtMs;
    }
  }

  std::uint32_t count_lost_answer(const OutboxRow& row) {
    std::lock_guard lock(mutex);
    return ++lost_answers[row.id];
  }

  void give_up(const OutboxRow& row, const std::string& reason, const Outcome* refused = nullptr) {
    Settled settled{row.id, true, OutboxRow::State::Dead, row.attempts, reason, {}};
    settled.unreachable = refused && refused->unreachable;
    settled.topic_gone = refused && refused->topic_gone;
    // Of a broadcast those who have blocked the bot are counted: a letter each would be thousands.
    const bool counted = row.broadcast != 0 && settled.unreachable;
    if (!row.call.expendable && !counted) {
      handlers.log(row.bot, row.chat, "a message cannot be delivered: " + reason);
      DeadLetter letter;
      letter.bot = row.bot;
      letter.kind = "outbox";
      letter.subject = to_json(row);
      letter.reason = reason;
      settled.letter = std::move(letter);
    }
    settle(row, std::move(settled));
    advance(row);
  }

  bool forgotten(const OutboxRow& row) const {
    std::lock_guard lock(mutex);
    const auto found = known.find(row.id);
    return found == known.end() || found->second.row != &row;
  }

  void set_under_way(const OutboxRow& row) {
    std::lock_guard lock(mutex);
    if (const auto found = known.find(row.id); found != known.end()) found->second.under_way = true;
  }

  /// What became of its call is known. False when the row was left meanwhile, and so is dropped.
  bool has_come(const OutboxRow& row) {
    std::lock_guard lock(mutex);
    const auto found = known.find(row.id);
    if (found == known.end() || found->second.row != &row) return true;
    found->second.under_way = false;
    return !found->second.left;
  }

  /// Limits of the platform stay: they are the bot's, whoever sends for it.
  void forget(std::string_view bot) {
    std::lock_guard lock(mutex);
    for (auto& [scope, pace] : paces)
      if (pace.bot == bot) pace.pacer.leave([](const OutboxRow&) { return true; });
    for (auto lane = lanes.begin(); lane != lanes.end();) {
      std::deque<std::shared_ptr<OutboxRow>>& waiting = lane->second.waiting;
      if (waiting.empty() || waiting.front()->bot != bot) {
        ++lane;
        continue;
      }
      const bool stays = leave(waiting.front()->id);
      for (std::size_t i = stays ? 1 : 0; i < waiting.size(); ++i) pending -= known.erase(waiting[i]->id);
      waiting.resize(stays ? 1 : 0);
      lane = stays ? std::next(lane) : lanes.erase(lane);
    }
    std::erase_if(unordered, [&](const auto& row) {
      if (row.second != bot || leave(row.first)) return false;
      pending -= known.erase(row.first);
      return true;
    });
    std::erase_if(lost_answers, [&](const auto& row) { return !known.contains(row.first); });
  }

  /// With the mutex held. Whether its call is under way: then what becomes of it is waited for.
  bool leave(std::int64_t id) {
    const auto found = known.find(id);
    if (found == known.end() || !found->second.under_way) return false;
    found->second.left = true;
    return true;
  }

  /// It stays in the outbox, for whoever sends now.
  void drop(const OutboxRow& row) {
    std::string key;
    {
      std::lock_guard lock(mutex);
      pending -= known.erase(row.id);
      lost_answers.erase(row.id);
      unordered.erase(row.id);
      key = home_lane(row);
    }
    if (row.call.ordered) next(key, row.id);
  }

  /// A row is known until whoever records it has its outcome: so nobody who looks takes it for one to be sent.
  void settle(const OutboxRow& row, Settled settled) {
    settled.ticket_message = row.ticket_message;
    settled.broadcast = row.broadcast;
    settled.crm_message = crm_mark(row.call);
    settled.dialog_id = row.dialog_id;
    if (row.ticket_message != 0) settled.chat = row.chat;
    handlers.settled(row.bot, std::move(settled));
    std::lock_guard lock(mutex);
    // A row that was forgotten while it was under way is counted out already.
    pending -= known.erase(row.id);
    lost_answers.erase(row.id);
    if (!row.call.ordered) unordered.erase(row.id);
  }

  void again(const std::shared_ptr<OutboxRow>& row, Duration after) {
    auto self = shared_from_this();
    courier.later(after, [self, row] { self->send(row); });
  }

  /// Nothing of a scope (a chat, or the whole bot) is sent until `after` has passed; then each of its lanes
  /// goes on where it was.
  void rest(const std::string& scope, const std::shared_ptr<OutboxRow>& row, Duration after) {
    if (row->call.ordered) return hold(scope, row.get(), after);
    again(row, after);
    if (scope == bot_scope(*row)) hold(scope, nullptr, after);
  }

  /// `row` waits for the end of it; may be null.
  void hold(const std::string& scope, const OutboxRow* row, Duration after) {
    std::uint64_t number = 0;
    {
      std::lock_guard lock(mutex);
      Rest& rest = resting[scope];
      if (rest.running++ == 0) rest.number = ++rests;
      if (row) rest.lanes.insert(home_lane(*row));
      number = rest.number;
    }
    auto self = shared_from_this();
    courier.later(after, [self, scope, number] {
      std::vector<std::shared_ptr<OutboxRow>> ready;
      {
        std::lock_guard lock(self->mutex);
        auto found = self->resting.find(scope);
        if (found == self->resting.end() || found->second.number != number) return;
        if (--found->second.running > 0) return;
        for (const std::string& key : found->second.lanes)
          if (auto lane = self->lanes.find(key); lane != self->lanes.end() && !lane->second.waiting.empty())
            ready.push_back(lane->second.waiting.front());
        self->resting.erase(found);
      }
      // The oldest first.
      std::sort(ready.begin(), ready.end(), [](const auto& x, const auto& y) { return x->id < y->id; });
      for (auto& one : ready) self->send(std::move(one));
    });
  }

  /// With the mutex held. The lane a row waits in, even when its chat moved meanwhile.
  std::string home_lane(const OutboxRow& row) const {
    auto moved = moved_.find(row.id);
    return moved == moved_.end() ? lane_key(row) : moved->second;
  }

  /// The row is settled: the next one of its chat follows, after the rest that the call asked for.
  void advance(const OutboxRow& row) {
    if (!row.call.ordered) return;
    if (row.call.hold.ms > 0 && !stopped) {
      auto self = shared_from_this();
      std::string key;
      {
        std::lock_guard lock(mutex);
        key = home_lane(row);
      }
      courier.later(row.call.hold, [self, key, id = row.id] { self->next(key, id); });
      return;
    }
    next_of(row);
  }

  void next_of(const OutboxRow& row) {
    if (!row.call.ordered) return;
    std::string key;
    {
      std::lock_guard lock(mutex);
      key = home_lane(row);
    }
    next(key, row.id);
  }

  void next(const std::string& key, std::int64_t settled_id) {
    std::shared_ptr<OutboxRow> following;
    {
      std::lock_guard lock(mutex);
      moved_.erase(settled_id);
      auto lane = lanes.find(key);
      // A lane that was forgotten and filled again does not wait for this row.
      if (lane == lanes.end() || lane->second.waiting.empty() || lane->second.waiting.front()->id != settled_id) return;
      lane->second.waiting.pop_front();
      if (lane->second.waiting.empty()) {
        lanes.erase(lane);
        return;
      }
      following = lane->second.waiting.front();
    }
    send(std::move(following));
  }

  std::optional<std::chrono::milliseconds> rests_until() const {
    std::lock_guard lock(mutex);
    // Of each lane the first row is somewhere; here it is counted if a pace holds it.
    std::size_t held = 0;
    std::optional<std::int64_t> first;
    for (const auto& [scope, pace] : paces) {
      held += pace.pacer.waiting_for_chats() + pace.pacer.waiting_for_bot();
      if (const auto next = pace.pacer.next_at(now()); next && (!first || *next < *first)) first = next;
    }
    if (!first || in_flight > 0 || held != lanes.size() + unordered.size()) return std::nullopt;
    return std::chrono::milliseconds(*first);
  }

  Room room(std::string_view bot, std::string_view transport) const {
    OutboxRow any;
    any.bot = bot;
    any.chat.transport = transport;
    const std::string scope = bot_scope(any);
    std::lock_guard lock(mutex);
    if (stopped || resting.contains(scope)) return {};
    if (const auto doubt = doubtful.find(scope); doubt != doubtful.end() && now() < doubt->second) return {};
    // Calls that hang are not waited for by the pace.
    const std::size_t hanging = in_flight, most = hanging < kMostInFlight ? kMostInFlight - hanging : 0;
    const auto pace = paces.find(scope);
    if (pace != paces.end() && pace->second.pacer.bot_limit().most > 0) {
      const Window limit = pace->second.pacer.bot_limit();
      const std::int64_t period = std::max<std::int64_t>(1, limit.period.ms);
      return {std::min(most, pace->second.pacer.room(now())), static_cast<std::uint32_t>(std::max<std::int64_t>(1, limit.most * 1000 / period))};
    }
    const std::size_t under_way = pending;
    return {under_way < kRoomWithoutLimits ? kRoomWithoutLimits - under_way : 0, 0};
  }

  /// Of one bot, or of all.
  Waiting waiting(const std::string_view* bot) const {
    std::lock_guard lock(mutex);
    Waiting all;
    for (const auto& [scope, pace] : paces) {
      if (bot && pace.bot != *bot) continue;
      all.for_chats += pace.pacer.waiting_for_chats();
      all.for_bot += pace.pacer.waiting_for_bot();
    }
    return all;
  }

  std::unordered_map<std::int64_t, std::string> moved_;  // row id → lane, while its chat's id changed
};

Dispatcher::Dispatcher(Courier& courier, Handlers handlers, const Clock& clock)
    : impl_(std::make_shared<Impl>(courier, std::move(handlers), clock)) {}
Dispatcher::~Dispatcher() { stop(); }

void Dispatcher::keep_to(std::string_view bot, std::string_view transport, const SendingLimits& limits) {
  OutboxRow any;
  any.bot = bot;
  any.chat.transport = transport;
  const std::string scope = Impl::bot_scope(any);
  std::lock_guard lock(impl_->mutex);
  impl_->paces.erase(scope);
  if (limits.any()) impl_->paces.emplace(scope, Impl::Pace{any.bot, Pacer(limits)});
}
void Dispatcher::add(std::vector<OutboxRow> rows) { impl_->add(std::move(rows)); }
void Dispatcher::forget(std::string_view bot) { impl_->forget(bot); }
bool Dispatcher::take_back(std::int64_t outbox_id) {
  std::lock_guard lock(impl_->mutex);
  const auto found = impl_->known.find(outbox_id);
  if (found == impl_->known.end()) return false;
  found->second.left = false;
  return true;
}
void Dispatcher::withdraw(const std::vector<std::int64_t>& ids) { impl_->withdraw(ids); }
std::size_t Dispatcher::pending() const { return impl_->pending; }
std::size_t Dispatcher::in_flight() const { return impl_->in_flight; }
Dispatcher::Waiting Dispatcher::waiting(std::string_view bot) const { return impl_->waiting(&bot); }
Dispatcher::Room Dispatcher::room(std::string_view bot, std::string_view transport) const { return impl_->room(bot, transport); }
Dispatcher::Waiting Dispatcher::waiting() const { return impl_->waiting(nullptr); }
std::optional<std::chrono::milliseconds> Dispatcher::rests_until() const { return impl_->rests_until(); }
void Dispatcher::stop() { impl_->stopped = true; }

}  // namespace sufler
