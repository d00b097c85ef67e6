// One thread, one queue of events ordered by time. Whatever the runtime does between two events takes no time; it
// meets the world at four seams: the clock, the courier, the renderer and the places of a transaction. The process
// dies by an exception thrown through it from one of them, after which its database refuses everything, so that
// nothing which its destructors do is stored.
#include "simulation/world.h"

#include <set>
#include <tuple>

#include "simulation/whole_world.h"
#include "simulation/world_scenario.h"
#include "storage/job_store.h"

namespace sufler::simulation {
namespace {

/// A thread that always wants to be woken at once: the clock would never go on.
struct NeverRests {};
/// Without a millisecond passing; a world that lives has some hundreds.
constexpr int kMostAtOnce = 100'000;

}  // namespace

Verdict World::live() {
  (void)database();
  disk_.begin();
  draw();
  try {
    on_all([this] { start_process(); });
    run_until(busy_until_);
    calm_down();
    on(machines_.front(), [this] { gather(); });
  } catch (const NeverRests&) {
    complaints_.push_back("a process never rests: time stands still at " + std::to_string(clock_.passed) + " ms");
  }
  on_all([this] {
    if (now_->engine) end_process(false);
  });
  Verdict verdict;
  verdict.wrong = std::move(complaints_);
  verdict.trace_hash = trace_.hash();
  verdict.events = serial_;
  verdict.turns = turns_;
  for (const Send& send : evidence_.sends) verdict.sends += send.attempts.size();
  for (const Life& life : evidence_.lives) verdict.kills += life.killed;
  verdict.stops = stops_;
  verdict.storage_faults = evidence_.storage_faults.size();
  verdict.dead_letters = evidence_.dead_letters.size();
  verdict.simulated_ms = clock_.passed;
  verdict.evidence = std::move(evidence_);
  return verdict;
}

void World::draw() {
  Chance& c = chance_;
  const bool calm = c.percent(8);
  const auto rate = [&](std::initializer_list<std::int64_t> values) { return calm ? 0 : c.one_of(values); };
  troubles_.busy = rate({0, 0, 10, 60});
  troubles_.lost = rate({0, 0, 0, 10, 40});
  troubles_.kill_begin = rate({0, 0, 0, 10});
  troubles_.kill_commit = rate({0, 0, 5, 20});
  troubles_.kill_answer = rate({0, 0, 5, 20});
  troubles_.kill_render = rate({0, 0, 0, 5, 15});
  troubles_.throw_render = rate({0, 0, 0, 10, 30});
  troubles_.kill_deliver = rate({0, 0, 5, 15});
  troubles_.answer_lost = rate({0, 0, 5, 20});
  troubles_.request_lost = rate({0, 0, 5, 20});
  troubles_.refused_now = rate({0, 0, 3, 10});
  troubles_.too_many = rate({0, 0, 5, 15});
  troubles_.refused = rate({0, 0, 0, 3});
  troubles_.server_error = rate({0, 0, 5, 20});
  troubles_.webhook_answer_lost = rate({0, 5, 25});
  troubles_.webhook_twice = rate({0, 10, 30});
  troubles_.webhook_again = rate({0, 10, 30});
  troubles_.blocks = rate({0, 0, 20});
  troubles_.power_cuts = rate({0, 50});
  troubles_.kills = static_cast<int>(rate({0, 0, 1, 3}));
  troubles_.stops = static_cast<int>(rate({0, 0, 1, 2}));
  troubles_.jumps = static_cast<int>(rate({0, 0, 1, 3}));
  troubles_.full_disks = static_cast<int>(rate({0, 0, 0, 1, 2}));
  troubles_.reloads = static_cast<int>(rate({0, 1, 3, 8}));
  troubles_.kill_work = rate({0, 0, 20, 100});
  troubles_.work = {rate({0, 0, 10, 40}), rate({0, 0, 15}), rate({0, 10, 50}), rate({0, 0, 0, 5})};
  troubles_.standstills = static_cast<int>(rate({0, 0, 0, 1, 3}));
  troubles_.crash_words = !calm && c.percent(10);
  troubles_.throw_words = !calm && c.percent(25);
  kills_left_ = 6;

  shared_ = c.percent(25);
  for (std::int64_t count = shared_ ? c.between(1, 3) : 1; count > 0; --count) machines_.emplace_back(*this);
  lead_losses_ = shared_ ? static_cast<int>(rate({0, 0, 1, 3})) : 0;

  bots_ = {"one"};
  if (c.percent(20)) bots_.push_back("two");
  for (const std::string& bot : bots_)
    for (const char* transport : {"poll", "hook"}) streams_.push_back({bot, transport, {}, 0, false, nullptr, 0, {}});
  admin_ = {"poll", kAdmin};

  const std::int64_t people = c.between(1, 4);
  for (std::int64_t i = 0; i < people; ++i) {
    Customer customer;
    customer.bot = bots_[static_cast<std::size_t>(c.between(0, static_cast<std::int64_t>(bots_.size()) - 1))];
    customer.chat = {c.percent(50) ? "poll" : "hook", std::to_string(100 + i)};
    customers_.push_back(customer);
    std::int64_t at = clock_.passed;
    for (std::int64_t words = c.between(2, 8); words > 0; --words) {
      at += c.percent(7)    ? c.between(4 * kMinute, 70 * kMinute)
            : c.percent(40) ? c.between(1, 400)
                            : c.between(400, 12 * kSecond);
      busy_until_ = std::max(busy_until_, at);
      this->at(at, [this, i] { act(customers_[static_cast<std::size_t>(i)]); });
    }
  }
  busy_until_ += c.between(1 * kSecond, 20 * kSecond);
  const auto sometime = [&] { return c.between(clock_.passed, busy_until_); };
  for (int i = 0; i < troubles_.kills; ++i)
    at(sometime(), [this] {
      on(anyone(), [this] {
        if (now_->engine) die("killed");
      });
    });
  for (int i = 0; i < troubles_.stops; ++i) at(sometime(), [this] { on(anyone(), [this] { stop_process(); }); });
  for (int i = 0; i < troubles_.standstills; ++i) at(sometime(), [this] { on(anyone(), [this] { stand_still(); }); });
  for (int i = 0; i < troubles_.reloads; ++i) at(sometime(), [this] { on(anyone(), [this] { reload(); }); });
  for (int i = 0; i < lead_losses_; ++i) at(sometime(), [this] { on(anyone(), [this] { lose_leads(); }); });
  for (int i = 0; i < troubles_.jumps; ++i)
    at(sometime(), [this] {
      clock_.off = chance_.one_of({0, kHour, -kHour, kDay, -kDay});
      note("the clock is off by " + std::to_string(clock_.off));
      evidence_.jumps.push_back(clock_.passed);
      on_all([this] { wake(); });
    });
  for (int i = 0; i < troubles_.full_disks; ++i) {
    const std::int64_t from = sometime();
    full_.emplace_back(from, from + c.between(50, 15 * kSecond));
  }
  if (c.percent(30)) at(sometime(), [this] { staff_speaks(); });
  counts_ = c.percent(35);
}

void World::at(std::int64_t when, std::function<void()> job) {
  ++happenings_;
  jobs_.emplace(std::pair(std::max(when, clock_.passed), serial_++), std::move(job));
}

void World::in_process(std::int64_t delay, std::function<void()> job) {
  in_machine(delay, [this, life = now_->life, job = std::move(job)] {
    if (now_->engine && life == now_->life) enter(job);
  });
}

void World::in_machine(std::int64_t delay, std::function<void()> job) {
  in(delay, [this, machine = now_, job = std::move(job)] { on_machine(*machine, job); });
}

void World::on_machine(Process& machine, const std::function<void()>& job) {
  if (clock_.passed >= machine.stands_still_until) return on(machine, job);
  at(machine.stands_still_until, [this, &machine, job] { on_machine(machine, job); });
}

Process& World::anyone() {
  return machines_[static_cast<std::size_t>(chance_.between(0, static_cast<std::int64_t>(machines_.size()) - 1))];
}

Process* World::receiver() {
  const auto takes = [this](const Process& machine) {
    return machine.engine && machine.receiving && clock_.passed >= machine.stands_still_until;
  };
  Process& first = anyone();
  if (takes(first)) return &first;
  for (Process& machine : machines_)
    if (takes(machine)) return &machine;
  return nullptr;
}

bool World::alone() const {
  return std::none_of(machines_.begin(), machines_.end(),
                      [&](const Process& machine) { return &machine != now_ && machine.engine; });
}

void World::run_until(std::int64_t end) {
  int at_once = 0;
  while (!jobs_.empty() && jobs_.begin()->first.first <= end) {
    auto next = jobs_.extract(jobs_.begin());
    at_once = next.key().first > clock_.passed ? 0 : at_once + 1;
    if (at_once > kMostAtOnce) throw NeverRests{};
    clock_.passed = std::max(clock_.passed, next.key().first);
    next.mapped()();
  }
  clock_.passed = std::max(clock_.passed, end);
}

void World::calm_down() {
  note("all faults cease");
  faults_ = false;
  if (clock_.off != 0) evidence_.jumps.push_back(clock_.passed);
  clock_.off = 0;
  for (Customer& customer : customers_) customer.blocks = false;
  on_all([this] { start_process(); });
  run_until(clock_.passed + 3 * kMinute);
  // Stops of the world, which bring all timers; what was kept for the first may begin another rest.
  evidence_.leap = clock_.passed;
  for (int stops = 0; stops < 2; ++stops) {
    clock_.passed += 30 * kHour;
    on_all([this] { wake(); });
    run_until(clock_.passed + kMinute);
  }
  const std::int64_t asked_at = clock_.passed;
  for (Customer& customer : customers_) say(customer.bot, customer.chat, "p" + std::to_string(++words_));
  run_until(clock_.passed + kMinute);
  for (const Customer& customer : customers_)
    if (customer.heard_at <= asked_at)
      evidence_.without_answer.push_back(customer.bot + " " + customer.chat.transport + ":" + customer.chat.chat_id);
}

void World::gather() {
  if (!now_->engine) {
    complaints_.push_back("the process is not running in the end");
    return;
  }
  for (const auto& [word, times] : crashes_) {
    // Once as one of a batch, once more with the turn of a job during which it was said, and once by each process that
    // takes it up before the death of another is known.
    const std::uint64_t most = Player::kMaxAttempts + 1 + machines_.size() + stops_ + evidence_.failed_starts;
    if (static_cast<std::uint64_t>(times) > most)
      evidence_.seen_amiss.push_back("I5: " + word + " killed the process " + std::to_string(times) + " times");
  }
  for (const auto& [chat, order] : arrived_) {
    // Different dialogs do not wait for each other, and all of them write to the admin.
    if (chat.ends_with(kAdmin) || std::is_sorted(order.begin(), order.end())) continue;
    evidence_.seen_amiss.push_back("I2: seen out of order in " + chat);
  }
  now_->engine->ask([this](Storage& storage) {
    const auto read = storage.transact([this](Transaction& tx) { return gather(tx); });
    if (!read) complaints_.push_back("the database cannot be read: " + read.error().message);
  });
  enter([&] { (void)now_->engine->round(); });
  for (const DialogEvidence& dialog : evidence_.dialogs)
    for (const JournalRow& row : dialog.journal) {
      trace_.add(row.event);
      trace_.add(row.turn);
    }
  end_process(false);
}

Stored<Done> World::gather(Transaction& tx) {
  std::set<std::tuple<std::string, ChatAddress>> chats;
  for (const Update& update : evidence_.updates) chats.emplace(update.bot, update.incoming.chat);
  for (const auto& [bot, chat] : chats) {
    DialogEvidence dialog{{bot, chat, chat.chat_id}, 0, {}};
    auto row = tx.load_dialog(dialog.key);
    if (!row) return Error{row.error()};
    dialog.id = row->id;
    auto journal = tx.journal(row->id, 100'000);
    if (!journal) return Error{journal.error()};
    dialog.journal = std::move(*journal);
    evidence_.dialogs.push_back(std::move(dialog));
  }
  const auto take = [](auto& to, auto from) -> Stored<Done> {
    if (!from) return Error{from.error()};
    std::move(from->begin(), from->end(), std::back_inserter(to));
    return Done{};
  };
  for (const std::string& bot : bots_) {
    if (auto done = take(evidence_.inbox, tx.inbox(bot, 1000)); !done) return done;
    // Those of the other processes, too.
    if (auto all = tx.claim_outbox(bot, true, 1000); !all) return Error{all.error()};
    if (auto done = take(evidence_.outbox, tx.outbox(bot, 0, 1000)); !done) return done;
    if (auto done = take(evidence_.dead_letters, tx.dead_letters(bot, 1000)); !done) return done;
    if (auto done = take(evidence_.due_timers, tx.due_timers(bot, clock_.now(), 1000)); !done) return done;
    auto jobs = tx.jobs().waiting();
    if (!jobs) return Error{jobs.error()};
    for (const JobStore::Waiting& of_bot : *jobs)
      if (of_bot.bot == bot && of_bot.service == Workers::terms().name) evidence_.jobs_left += of_bot.count;
    auto shared = tx.load_shared(bot);
    if (!shared) return Error{shared.error()};
    evidence_.shared.emplace_back(bot, std::move(*shared));
  }
  return take(evidence_.things, tx.find_rows(program()->tables[0], FindRows{TableId{0}, {}, {}, {}}));
}

Verdict simulate(const Run& run) { return World(run).live(); }

}  // namespace sufler::simulation
