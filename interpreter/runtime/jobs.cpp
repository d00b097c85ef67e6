// A job is begun only after its claim is committed, and its result is stored only with the token of that claim. So a
// process may die, stand still or lose the database at any moment: somebody else takes the job when the lease ends, and
// whoever had it before can change nothing any more.
#include "interpreter/runtime/jobs.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "interpreter/core/crm_chat.h"
#include "interpreter/core/json_text.h"
#include "interpreter/runtime/errands.h"
#include "interpreter/runtime/failpoint.h"
#include "interpreter/runtime/growing.h"
#include "interpreter/runtime/incoming_json.h"
#include "interpreter/runtime/log.h"
#include "storage/presence.h"

namespace sufler {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kRenewEvery{JobRunner::kLease.ms / 3};
/// Of a shared database: how often it is looked at for what others left. Otherwise every job is known of.
constexpr milliseconds kLookForOthers{500};
/// The wall clock may jump while a lease is waited for.
constexpr milliseconds kLookAtTheClock{5'000};
/// How many wait is for whoever watches; to count many at each claim would cost more than the claim.
constexpr std::int64_t kFewWaiting = 100;
constexpr milliseconds kCountEvery{1'000};
constexpr Duration kLongestBackoff{10 * 60'000};
constexpr std::size_t kMostLogLines = 20;
/// For what is nearly done when the process stops: a letter whose last byte leaves.
constexpr milliseconds kHandOver{3'000};

Moment later(Moment moment, Duration by) { return {moment.unix_ms + by.ms}; }

/// For the operator: who, what and why. What was asked is there only where somebody may want it done after all.
DeadLetter letter_of(const JobRow& job, const DialogKey& key, const std::string& reason, Moment now, const std::string& request) {
  std::string subject;
  ObjectWriter members(subject);
  members.text("transport", key.chat.transport);
  members.text("chat", key.chat.chat_id);
  members.text("user", key.user_id);
  members.text("id", "job:" + std::to_string(job.id));
  members.text("service", job.service);
  members.text("name", job.name);
  members.number("attempts", job.attempts);
  if (!request.empty()) members.text("request", request);
  members.end();
  return {0, job.bot, "job", std::move(subject), reason, now};
}

/// The service whose results tell what they have cost.
constexpr std::string_view kModels = "assistant";

/// `usage: {in, out}` of a result, in tokens.
std::optional<JobStore::Cost> cost_of(const JobResult& result) {
  const ValueMap* map = result.kind == JobResult::Kind::Done ? result.result.map() : nullptr;
  const Value* usage = map ? map->find("usage") : nullptr;
  const ValueMap* tokens = usage ? usage->map() : nullptr;
  if (!tokens) return std::nullopt;
  const auto number = [&](std::string_view name) {
    const Value* value = tokens->find(name);
    const auto whole = value && value->number() ? value->number()->to_int64() : std::nullopt;
    return std::max<std::int64_t>(0, whole.value_or(0));
  };
  return JobStore::Cost{number("in"), number("out")};
}

std::string text_at(const Value& value, std::string_view name) {
  const ValueMap* const map = value.map();
  const Value* const found = map ? map->find(name) : nullptr;
  return found && found->text() ? *found->text() : std::string();
}

/// What was read in the CRM after it had told of a change becomes news for the dialog; once, however often it is told.
Stored<Done> put_news(Transaction& tx, const JobRow& job, const DialogKey& key, const Value& result, Moment now) {
  const std::string what = text_at(result, "what");
  if (what != "staged" && what != "closed") return Done{};
  CrmNews news;
  news.what = what == "staged" ? CrmNews::What::Staged : CrmNews::What::Closed;
  news.id = text_at(result, "id");
  news.stage = text_at(result, "stage");
  news.pipeline = text_at(result, "pipeline");
  Incoming update;
  update.id = "crm:" + text_at(result, "event") + ":" + std::to_string(job.dialog_id);
  update.chat = key.chat;
  update.person.id = key.user_id;
  update.event = Event{now, 0, std::move(news)};
  InboxRow row;
  row.bot = job.bot;
  row.transport = key.chat.transport;
  row.event_id = update.id;
  row.user_id = key.user_id;
  row.incoming = to_json(update);
  return tx.put_inbox({std::move(row)}, true, now);
}

Stored<Done> put_event(Transaction& tx, const JobRow& job, const DialogKey& key, const JobResult& result, Moment now) {
  if (job.service == kCrmNewsService)
    return result.kind == JobResult::Kind::Done ? put_news(tx, job, key, result.result, now) : Stored<Done>(Done{});
  if (job.serial == 0) return Done{};  // nobody waits for it
  JobDone done;
  done.serial = job.serial;
  if (result.kind == JobResult::Kind::Done) {
    done.result = result.result;
  } else {
    done.error = result.error.empty() ? "no result" : result.error;
  }
  Incoming update;
  update.id = "job:" + std::to_string(job.id);
  update.chat = key.chat;
  update.person.id = key.user_id;
  update.event = Event{now, 0, std::move(done)};
  InboxRow row;
  row.bot = job.bot;
  row.transport = key.chat.transport;
  row.event_id = update.id;
  row.user_id = key.user_id;
  row.incoming = to_json(update);
  return tx.put_inbox(row);
}

}  // namespace

Stored<bool> accept_result(Transaction& tx, const JobRow& job, const JobResult& result, Moment now) {
  auto key = tx.jobs().finish(job.id, job.token);
  if (!key) return Error{key.error()};
  if (!*key) return false;
  if (const auto cost = job.service == kModels ? cost_of(result) : std::nullopt) {
    if (auto added = tx.jobs().add_cost(job, **key, *cost, now); !added) return Error{added.error()};
  }
  if (auto put = put_event(tx, job, **key, result, now); !put) return Error{put.error()};
  return true;
}

struct JobRunner::Impl {
  /// What came, until the engine takes it. Whoever works may be slower than the runner lives.
  struct Mailbox {
    std::mutex mutex;
    std::vector<std::pair<std::pair<std::int64_t, std::int64_t>, JobResult>> results;  ///< by id and token
    std::condition_variable came;
    std::mutex waking;  ///< never taken with the other one held
    std::function<void()> wake;

    void put(std::int64_t id, std::int64_t token, JobResult result) {
      {
        std::lock_guard lock(mutex);
        results.emplace_back(std::pair(id, token), std::move(result));
      }
      tell();
    }
    void tell() {
      {
        // A wait that was about to begin has begun.
        std::lock_guard lock(mutex);
      }
      came.notify_all();
      std::lock_guard lock(waking);
      if (wake) wake();
    }
    void wake_by(std::function<void()> call) {
      std::lock_guard lock(waking);
      wake = std::move(call);
    }
  };

  Crew& crew;
  Errands* const errands;
  GrowingAnswers* const growing;
  const std::vector<ServiceTerms> terms;
  const std::set<std::string, std::less<>> bots;
  const Clock& clock;
  const std::shared_ptr<Mailbox> mailbox = std::make_shared<Mailbox>();
  std::map<std::int64_t, JobRow> under_way;  ///< by id
  std::atomic<std::size_t> running{0};
  bool looks = true;                          ///< something may be claimed now
  milliseconds renew_at{0}, look_at{0}, count_at{0};
  std::int64_t waiting = 0;                   ///< at the last count
  std::optional<Moment> next_ready;
  mutable std::mutex figures_mutex;
  std::map<std::pair<std::string, std::string>, Figures> figures;

  Impl(Crew& who, std::vector<std::string> names, const Clock& time, GrowingAnswers* shown)
      : crew(who),
        errands(who.errands()),
        growing(shown),
        terms(who.terms()),
        bots(std::make_move_iterator(names.begin()), std::make_move_iterator(names.end())),
        clock(time) {}

  const ServiceTerms* terms_of(std::string_view service) const {
    const auto found = std::find_if(terms.begin(), terms.end(), [&](const ServiceTerms& one) { return one.name == service; });
    return found == terms.end() ? nullptr : &*found;
  }

  void count(const JobRow& job, std::uint64_t Figures::*figure) {
    std::lock_guard lock(figures_mutex);
    ++(figures[{job.bot, job.service}].*figure);
  }

  static void log(const JobRow& job, LogLevel level, const std::string& line) {
    write_log(level, line, {{"bot", job.bot}, {"job", std::to_string(job.id)}, {"service", job.service}, {"name", job.name}});
  }

  void log_output(const JobRow& job, const JobResult& result) {
    std::size_t lines = 0;
    for (std::size_t at = 0; at < result.log.size() && lines < kMostLogLines; ++lines) {
      const std::size_t end = std::min(result.log.find('\n', at), result.log.size());
      if (end > at) log(job, LogLevel::Info, result.log.substr(at, end - at));
      at = end + 1;
    }
  }

  void drop(std::int64_t id) {
    if (growing) growing->ended(id);
    under_way.erase(id);
    running = under_way.size();
  }

  // ---- results

  enum class Became : std::uint8_t { Stored, Later, Ignored };

  Stored<Became> settle(Transaction& tx, const JobRow& job, const JobResult& result) {
    const Moment now = clock.now();
    const ServiceTerms* own = terms_of(job.service);
    const bool again = result.kind == JobResult::Kind::Again;
    if (again && own && job.attempts < own->attempts) {
      Duration wait = own->backoff;
      for (std::uint32_t i = 1; i < job.attempts && wait < kLongestBackoff; ++i) wait.ms *= 2;
      wait = std::max(std::min(wait, kLongestBackoff), result.wait);
      if (!result.rest.empty()) {
        auto rewritten = tx.jobs().rewrite(job.id, job.token, result.rest);
        if (!rewritten) return Error{rewritten.error()};
      }
      auto off = tx.jobs().put_off(job.id, job.token, later(now, wait));
      if (!off) return Error{off.error()};
      return *off ? Became::Later : Became::Ignored;
    }
    if (result.kind == JobResult::Kind::Failed && !result.meant && own && own->buries) return give_up(tx, job, result.error, result.rest);
    if (!again) {
      auto accepted = accept_result(tx, job, result, now);
      if (!accepted) return Error{accepted.error()};
      return *accepted ? Became::Stored : Became::Ignored;
    }
    return give_up(tx, job, result.error, result.rest);
  }

  /// The last attempt has failed.
  /// `left`: of the request, where a part is done; empty: all of it.
  Stored<Became> give_up(Transaction& tx, const JobRow& job, const std::string& reason, std::string left = {}) {
    const ServiceTerms* own = terms_of(job.service);
    if (own && own->buries && left.empty()) {
      auto request = tx.jobs().request(job.id);
      if (!request) return Error{request.error()};
      left = std::move(*request);
    }
    auto key = tx.jobs().finish(job.id, job.token);
    if (!key) return Error{key.error()};
    if (!*key) return Became::Ignored;
    if (auto buried = tx.bury(letter_of(job, **key, reason, clock.now(), own && own->buries ? left : std::string())); !buried) return Error{buried.error()};
    const JobResult failed{JobResult::Kind::Failed, {}, reason, {}, {}};
    if (auto put = put_event(tx, job, **key, failed, clock.now()); !put) return Error{put.error()};
    return Became::Stored;
  }

  /// Of the services that tell what they have done so far: until all have, for a while. Whether one did. What they want
  /// of the database until then is done.
  bool wait_for_hand_over(Storage& storage) {
    std::set<std::int64_t> awaited;
    for (const auto& [id, job] : under_way)
      if (const ServiceTerms* own = terms_of(job.service); own && own->hands_over) awaited.insert(id);
    if (awaited.empty()) return false;
    std::unique_lock lock(mailbox->mutex);
    const auto all = [&] {
      return std::all_of(awaited.begin(), awaited.end(), [&](std::int64_t id) {
        return std::any_of(mailbox->results.begin(), mailbox->results.end(), [&](const auto& one) { return one.first.first == id; });
      });
    };
    const auto end = std::chrono::steady_clock::now() + kHandOver;
    while (!all() && std::chrono::steady_clock::now() < end) {
      mailbox->came.wait_until(lock, end, [&] { return all() || (errands && errands->are_waiting()); });
      if (!errands || !errands->are_waiting()) continue;
      lock.unlock();
      Errands::Batch batch = errands->take();
      const auto done = storage.transact([&](Transaction& tx) { return batch.perform(tx); });
      if (!batch.empty()) errands->tell(batch, done);
      lock.lock();
    }
    return !mailbox->results.empty();
  }

  /// Stores what came, does the errands, and claims new jobs if that is wanted, all in one transaction. Whether events wait
  /// in the inbox.
  Stored<bool> work(Storage& storage, bool claim) {
    decltype(Mailbox::results) results;
    {
      std::lock_guard lock(mailbox->mutex);
      results.swap(mailbox->results);
    }
    Errands::Batch batch = errands ? errands->take() : Errands::Batch();
    // A result makes room.
    claim = claim && (looks || !results.empty());
    if (results.empty() && batch.empty() && !claim) return false;
    const Presence* const presence = storage.presence();
    const std::int64_t owner = presence ? presence->process() : 1;
    std::vector<std::optional<Became>> became;
    Claimed claimed;
    const auto done = storage.transact([&](Transaction& tx) -> Stored<Done> {
      became.assign(results.size(), std::nullopt);
      claimed = Claimed{};
      for (std::size_t i = 0; i < results.size(); ++i) {
        const auto job = under_way.find(results[i].first.first);
        if (job == under_way.end() || job->second.token != results[i].first.second) continue;
        auto settled = settle(tx, job->second, results[i].second);
        if (!settled) return Error{settled.error()};
        became[i] = *settled;
        claimed.ended.insert(job->first);
      }
      if (auto performed = batch.perform(tx); !performed) return performed;
      return claim ? claim_all(tx, owner, claimed) : Stored<Done>(Done{});
    });
    if (!batch.empty()) errands->tell(batch, done);
    if (claim) look_at = clock.monotonic() + kLookForOthers;
    if (!done) {  // they are not lost: the next round tries again
      std::lock_guard lock(mailbox->mutex);
      mailbox->results.insert(mailbox->results.begin(), std::make_move_iterator(results.begin()),
                              std::make_move_iterator(results.end()));
      return Error{done.error()};
    }
    if (!results.empty()) failpoint("job_stored");
    bool stored = claimed.stored;
    for (std::size_t i = 0; i < results.size(); ++i) {
      if (!became[i]) continue;  // given up before; that was told then
      const JobRow job = under_way.at(results[i].first.first);
      tell(job, results[i].second, *became[i]);
      stored |= *became[i] == Became::Stored;
      drop(job.id);
    }
    looks = claim ? claimed.again : looks || !results.empty();
    if (!claimed.jobs.empty()) failpoint("job_claimed");
    if (under_way.empty()) renew_at = clock.monotonic() + kRenewEvery;
    for (Claimed::One& one : claimed.jobs) begin(std::move(one.job), one.whose);
    return stored;
  }

  void tell(const JobRow& job, const JobResult& result, Became became) {
    log_output(job, result);
    if (became == Became::Ignored) {
      count(job, &Figures::ignored);
      log(job, LogLevel::Info, "a late result is ignored: the job is another's by now, or nobody waits for it");
    } else if (became == Became::Later) {
      count(job, &Figures::retried);
      log(job, LogLevel::Warning, "the job failed and is tried again: " + result.error);
    } else if (result.kind == JobResult::Kind::Done) {
      count(job, &Figures::done);
    } else {
      count(job, &Figures::failed);
      log(job, LogLevel::Warning, "the job failed: " + result.error);
    }
  }

  // ---- leases

  Stored<Done> renew(Storage& storage) {
    if (under_way.empty() || clock.monotonic() < renew_at) return Done{};
    std::vector<std::int64_t> lost;
    auto done = storage.transact([&](Transaction& tx) -> Stored<Done> {
      lost.clear();
      for (const auto& [id, job] : under_way) {
        auto ours = tx.jobs().renew(id, job.token, later(clock.now(), kLease));
        if (!ours) return Error{ours.error()};
        if (!*ours) lost.push_back(id);
      }
      return Done{};
    });
    if (!done) return done;
    renew_at = clock.monotonic() + kRenewEvery;
    for (const std::int64_t id : lost) {
      const JobRow job = under_way.at(id);
      count(job, &Figures::ignored);
      log(job, LogLevel::Info, "the job is another's by now, or nobody waits for it: it is stopped here");
      crew.abandon(id);
      drop(id);
      looks = true;
    }
    return Done{};
  }

  // ---- new ones

  struct Claimed {
    std::set<std::int64_t> ended;  ///< before, in the same transaction
    struct One {
      JobRow job;
      std::optional<DialogKey> whose;  ///< where somebody shows it
    };
    std::vector<One> jobs;
    bool stored = false;
    bool again = false;  ///< some were given up, and there may be more in their place
  };

  std::size_t free_of(const ServiceTerms& service, const Claimed& claimed) const {
    const auto busy = static_cast<std::size_t>(
        std::count_if(under_way.begin(), under_way.end(),
                      [&](const auto& one) { return one.second.service == service.name && !claimed.ended.contains(one.first); }) +
        std::count_if(claimed.jobs.begin(), claimed.jobs.end(), [&](const Claimed::One& one) { return one.job.service == service.name; }));
    return service.at_once > busy ? service.at_once - busy : 0;
  }

  Stored<Done> claim_of(Transaction& tx, const ServiceTerms& service, const std::string& bot, std::int64_t owner, Claimed& claimed) {
    const std::size_t free = free_of(service, claimed);
    if (free == 0) return Done{};  // a result makes room
    const Moment now = clock.now();
    auto jobs = tx.jobs().claim(bot, service.name, now, later(now, kLease), owner, free, service.in_order);
    if (!jobs) return Error{jobs.error()};
    for (JobRow& job : *jobs) {
      // A job that never came to an end has killed its process each time.
      if (job.attempts > service.attempts) {
        auto given_up = give_up(tx, job, "the process died while working on it");
        if (!given_up) return Error{given_up.error()};
        claimed.stored = claimed.again = true;
        continue;
      }
      Claimed::One one;
      if (growing) {
        auto whose = tx.jobs().whose(job);
        if (!whose) return Error{whose.error()};
        one.whose = std::move(*whose);
      }
      one.job = std::move(job);
      claimed.jobs.push_back(std::move(one));
    }
    return Done{};
  }

  Stored<Done> claim_all(Transaction& tx, std::int64_t owner, Claimed& claimed) {
    const Moment now = clock.now();
    next_ready.reset();
    for (const ServiceTerms& service : terms)
      for (const std::string& bot : bots) {
        auto next = tx.jobs().next_ready(bot, service.name, now);
        if (!next) return Error{next.error()};
        if (*next && (!next_ready || **next < *next_ready)) next_ready = *next;
        if (auto some = claim_of(tx, service, bot, owner, claimed); !some) return some;
      }
    if (waiting > kFewWaiting && clock.monotonic() < count_at) return Done{};
    auto counted = tx.jobs().waiting();
    if (!counted) return Error{counted.error()};
    remember_waiting(*counted);
    return Done{};
  }

  void remember_waiting(const std::vector<JobStore::Waiting>& counted) {
    std::lock_guard lock(figures_mutex);
    for (auto& [key, one] : figures) one.waiting = 0;
    waiting = 0;
    for (const JobStore::Waiting& one : counted) {
      waiting += one.count;
      if (bots.contains(one.bot) && terms_of(one.service)) figures[{one.bot, one.service}].waiting = static_cast<std::uint64_t>(one.count);
    }
    count_at = clock.monotonic() + kCountEvery;
  }

  void begin(JobRow row, const std::optional<DialogKey>& whose) {
    const Job job{row.id, row.bot, row.service, row.name, std::move(row.request), row.attempts};
    const std::int64_t token = row.token;
    // The same job again, after its lease was lost here: what works on it for the old token must end.
    if (under_way.contains(row.id)) crew.abandon(row.id);
    row.request.clear();
    under_way[row.id] = std::move(row);
    running = under_way.size();
    if (growing && whose) growing->begun(job.id, job.bot, *whose);
    crew.begin(job, [box = mailbox, id = job.id, token](JobResult result) { box->put(id, token, std::move(result)); });
  }

  Stored<Done> give_back(Storage& storage) {
    if (auto stored = work(storage, false); !stored) return Error{stored.error()};
    for (const auto& [id, job] : under_way) crew.abandon(id);
    if (wait_for_hand_over(storage)) {
      if (auto stored = work(storage, false); !stored) return Error{stored.error()};
    }
    auto given = storage.transact([&](Transaction& tx) -> Stored<Done> {
      for (const auto& [id, job] : under_way) {
        auto back = tx.jobs().give_back(id, job.token, clock.now());
        if (!back) return Error{back.error()};
      }
      return Done{};
    });
    if (growing)
      for (const auto& [id, job] : under_way) growing->ended(id);
    under_way.clear();
    running = 0;
    return given;
  }

  std::optional<milliseconds> until_next(const Storage& storage) const {
    std::optional<milliseconds> rest;
    const auto at = [&](milliseconds moment) {
      const milliseconds left = std::max(milliseconds(0), moment - clock.monotonic());
      if (!rest || left < *rest) rest = left;
    };
    if (!under_way.empty()) at(renew_at);
    if (storage.shared()) at(look_at);
    if (next_ready) {
      const milliseconds left(std::max<std::int64_t>(0, next_ready->unix_ms - clock.now().unix_ms));
      at(clock.monotonic() + std::min(left, kLookAtTheClock));
    }
    return rest;
  }
};

JobRunner::JobRunner(Crew& crew, std::vector<std::string> bots, const Clock& clock, std::function<void()> wake,
                     GrowingAnswers* growing)
    : impl_(std::make_unique<Impl>(crew, std::move(bots), clock, growing)) {
  impl_->mailbox->wake_by(std::move(wake));
  if (impl_->errands) impl_->errands->serve([box = impl_->mailbox] { box->tell(); });
  if (growing) crew.when_growing([growing](std::int64_t id, const std::string& text) { growing->grew(id, text); });
}

JobRunner::~JobRunner() {
  impl_->mailbox->wake_by({});
  if (impl_->errands) impl_->errands->close();
}

Stored<Done> JobRunner::start(Storage& storage) {
  if (storage.shared()) return Done{};
  return storage.transact([&](Transaction& tx) -> Stored<Done> {
    auto released = tx.jobs().release_all(impl_->clock.now());
    if (!released) return Error{released.error()};
    return Done{};
  });
}

Stored<JobRunner::Round> JobRunner::round(Storage& storage, bool look, bool claim) {
  Impl& own = *impl_;
  Round round;
  own.looks |= look || (storage.shared() && own.clock.monotonic() >= own.look_at) ||
               (own.next_ready && *own.next_ready <= own.clock.now());
  if (auto renewed = own.renew(storage); !renewed) return Error{renewed.error()};
  auto stored = own.work(storage, claim);
  if (!stored) return Error{stored.error()};
  round.stored = *stored;
  round.rest = own.until_next(storage);
  return round;
}

Stored<Done> JobRunner::stop(Storage& storage) {
  Impl& own = *impl_;
  const auto given = own.under_way.empty() ? Stored<Done>(Done{}) : own.give_back(storage);
  if (own.errands) own.errands->close();
  return given;
}

bool JobRunner::has_results() const {
  std::lock_guard lock(impl_->mailbox->mutex);
  if (!impl_->mailbox->results.empty()) return true;
  return impl_->errands && impl_->errands->are_waiting();
}
std::size_t JobRunner::running() const { return impl_->running; }

std::vector<JobRunner::Figures> JobRunner::figures() const {
  std::lock_guard lock(impl_->figures_mutex);
  std::vector<Figures> all;
  for (const auto& [key, one] : impl_->figures) {
    all.push_back(one);
    all.back().bot = key.first;
    all.back().service = key.second;
  }
  return all;
}

}  // namespace sufler
