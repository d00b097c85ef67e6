// Machines and their processes: they start, lead, reload, stand still, stop and die; and what their database does.
#include <stdexcept>

#include "simulation/whole_world.h"
#include "simulation/world_scenario.h"

namespace sufler::simulation {
namespace {

/// A wait of the engine that is for nothing in particular.
constexpr std::int64_t kRest = 400;
constexpr std::int64_t kLateAtWork = 5'000;
/// The server of a shared database ends a connection that is silent for so long, and with it what it leads.
constexpr std::int64_t kSilence = 10 * kSecond;

}  // namespace

void World::start_process() {
  if (now_->engine || now_->starting) return;
  now_->starting = true;
  now_->life = static_cast<int>(evidence_.lives.size());
  evidence_.lives.push_back({clock_.passed, -1, false});
  note("start " + std::to_string(now_->life));
  now_->dead = false;
  now_->receiving = true;
  now_->resting.clear();
  now_->in_flight.clear();
  now_->working = 0;
  bool started = false;
  enter([&] {
    now_->member = Member{now_->life + 1, {}, {}, [this] { tell_others(); }};
    auto storage = shared_ ? open_shared(database().path(), processes_, now_->member)
                           : Storage::open(database().url(), Durability::Full);
    if (!storage) throw std::runtime_error("the database cannot be opened: " + storage.error().message);
    storage->fail_by([this](Storage::Place place) { return fail(place); });
    std::vector<BotSetup> setups;
    for (const std::string& bot : bots_) {
      BotSetup setup;
      setup.name = bot;
      setup.program = program();
      setup.roles["admins"] = {admin_};
      setup.renderers = {{"poll", this}, {"hook", this}};
      setup.seed = chance_.next();
      setups.push_back(std::move(setup));
    }
    now_->engine = std::make_unique<Engine>(std::move(*storage), std::move(setups), *now_, clock_);
    now_->engine->work(*now_);
    now_->engine->when_stale([this](std::string_view bot) { catch_up(std::string(bot)); });
    if (counts_ && run_.defect != Defect::KnowsNoLimits) tell_limits();
    started = bool(now_->engine->start([this](std::string_view bot, bool leads) { receive(bot, leads); },
                                   Engine::Drive::Caller));
  });
  if (started && now_->engine) {
    now_->starting = false;
    if (shared_) {
      beat();
    }
    return wake();
  }
  if (!now_->engine) return;  // it died of the start, and begins anew by itself
  note("the start failed");
  ++evidence_.failed_starts;
  enter([&] { now_->engine->stop(Duration{0}); });  // what its destructor would do
  if (!now_->engine) return;
  end_process(false);
  in_machine(1 * kSecond, [this] { start_process(); });
}

void World::tell_limits() {
  SendingLimits limits;
  limits.chat_burst = static_cast<std::uint32_t>(kChatBurst);
  limits.chat_interval = Duration{kChatInterval};
  limits.group = {static_cast<std::uint32_t>(kGroupMost), Duration{kGroupPeriod}};
  limits.bot = {static_cast<std::uint32_t>(kBotMost), Duration{kBotPeriod}};
  limits.is_group = [](std::string_view chat) { return chat == kAdmin; };
  for (const std::string& bot : bots_)
    for (const char* transport : {"poll", "hook"}) now_->engine->keep_to(bot, transport, limits);
}

void World::reload() {
  if (!now_->engine || now_->starting || now_->stopping) return;
  const std::string bot = bots_[static_cast<std::size_t>(chance_.between(0, static_cast<std::int64_t>(bots_.size()) - 1))];
  const auto next = versions()[static_cast<std::size_t>(chance_.between(0, 2))];
  note("reload of " + bot + " to " + next->version);
  enter([&] {
    now_->engine->ask([this, bot, next](Storage& storage) {
      Deployment deployment;
      const auto deployed = storage.transact([&](Transaction& tx) -> Stored<Done> {
        auto locked = tx.versions().lock_deployment(bot);
        if (!locked) return Error{locked.error()};
        deployment = std::move(*locked);
        deployment.version = next->version;
        return tx.versions().deploy(deployment);
      });
      if (deployed) serve(deployment);
    });
  });
}

void World::catch_up(const std::string& bot) {
  if (!now_->engine) return;  // it ends
  now_->engine->ask([this, bot](Storage& storage) {
    Deployment deployment;
    const auto read = storage.transact([&](Transaction& tx) -> Stored<Done> {
      auto found = tx.versions().deployment(bot);
      if (!found) return Error{found.error()};
      deployment = std::move(*found);
      return Done{};
    });
    if (read && deployment.generation > 0) serve(deployment);
  });
}

void World::serve(const Deployment& deployment) {
  if (!now_->engine) return;
  Serving serving;
  serving.program = version_named(deployment.version);
  serving.generation = deployment.generation;
  serving.swept = deployment.swept;
  (void)now_->engine->serve(deployment.bot, std::move(serving));
}

void World::receive(std::string_view bot, bool leads) {
  if (!now_->engine) return;  // told amid its end
  note(std::string(leads ? "serves " : "serves no more ") + std::string(bot));
  for (Stream& stream : streams_) {
    if (stream.bot != bot || stream.transport != "poll") continue;
    // Whoever lost the lead may hear of it later than another of the gain.
    if (!leads && stream.owner != now_) continue;
    ++stream.served;
    stream.owner = leads ? now_ : nullptr;
    stream.asking = false;
    stream.position = -1;
    if (leads) receive_from(stream);
  }
}

void World::beat() {
  in_process(chance_.between(0, faults_ ? 6 * kSecond : 50), [this] {
    count_the_dead();
    for (const std::string& bot : bots_) {
      Process*& leader = leaders_[bot];
      if (leader) continue;
      leader = now_;
      now_->member.leads.insert(bot);
      now_->member.handlers.leads(bot, true);
    }
  });
}

void World::lose_leads() {
  if (!now_->engine || now_->starting || !shared_) return;
  note("the presence of " + std::to_string(now_->life) + " loses the database");
  for (const std::string& bot : bots_)
    if (now_->member.leads.erase(bot) > 0) now_->member.handlers.leads(bot, false);
  wake();
  release_leads();
  beat();
}

void World::stand_still() {
  if (!now_->engine || now_->starting || now_->stopping || clock_.passed < now_->stands_still_until) return;
  const std::int64_t until = clock_.passed + (chance_.percent(30) ? chance_.between(1, 9) : chance_.between(35, 110)) * kSecond;
  note(std::to_string(now_->life) + " stands still until " + std::to_string(until));
  now_->stands_still_until = until;
  evidence_.standstills.emplace_back(clock_.passed, until);
  if (!shared_ || until - clock_.passed <= kSilence) return;
  in(kSilence, [this, machine = now_, life = now_->life] {
    on(*machine, [&] {
      if (life == now_->life && clock_.passed < now_->stands_still_until) lose_leads();
    });
  });
}

void World::release_leads() {
  for (auto& [bot, leader] : leaders_)
    if (leader == now_) leader = nullptr;
  Process* const me = now_;
  on_all([this, me] {
    if (now_ != me && now_->engine && !now_->starting) beat();
  });
}

void World::tell_others() {
  Process* const me = now_;
  on_all([this, me] {
    if (now_ == me || !now_->engine || now_->starting || chance_.percent(10)) return;
    in_process(chance_.between(1, 20), [this] { now_->member.handlers.news(); });
  });
}

void World::count_the_dead() {
  now_->engine->ask([this](Storage& storage) {
    std::vector<std::int64_t> ids;
    for (const auto& [process, playing] : processes_.playing)
      if (!is_alive(process)) ids.insert(ids.end(), playing.begin(), playing.end());
    if (ids.empty()) return;
    const auto counted = storage.transact([&](Transaction& tx) { return count_attempts(tx, ids); });
    if (!counted) return in_process(kSecond, [this] { count_the_dead(); });
    std::erase_if(processes_.playing, [&](const auto& one) { return !is_alive(one.first); });
    now_->member.handlers.news();
  });
}

bool World::is_alive(std::int64_t process) const {
  return std::any_of(machines_.begin(), machines_.end(), [&](const Process& machine) {
    return machine.engine && machine.member.process == process;
  });
}

void World::receive_from(Stream& stream) {
  const auto position = now_->engine->position(stream.bot, stream.transport);
  stream.position = position ? std::atoll(position->c_str()) : -1;
  if (position) return ask(stream);
  in_process(kSecond, [this, &stream, served = stream.served] {
    if (stream.served == served) receive_from(stream);
  });
}

void World::enter(const std::function<void()>& job) {
  try {
    job();
    if (now_->engine && !now_->starting) wake();
  } catch (const Killed&) {
    die("died");
  }
}

void World::die(std::string_view how) {
  note(how);
  now_->dead = true;
  evidence_.lives[static_cast<std::size_t>(now_->life)].killed = true;
  end_process(true);
  // Long enough for what left before to arrive, or a repeat could overtake it.
  in_machine(faults_ && chance_.percent(5) ? chance_.between(kMinute, 30 * kMinute) : chance_.between(100, 3 * kSecond),
     [this] { start_process(); });
}

void World::end_process(bool killed) {
  evidence_.lives[static_cast<std::size_t>(now_->life)].died = clock_.passed;
  now_->receiving = false;
  now_->stopping = false;
  now_->stands_still_until = 0;
  now_->round_due = -1;
  now_->starting = false;
  if (now_->engine)
    for (const Engine::Figures& figures : now_->engine->figures()) turns_ += figures.turns;
  if (killed) disk_.detach();
  std::unique_ptr<Engine> ended = std::move(now_->engine);
  for (Stream& stream : streams_) {
    if (stream.owner == now_) {
      ++stream.served;
      stream.asking = false;
      stream.owner = nullptr;
    }
    for (auto& [chat, queue] : stream.chats) {
      if (!queue.busy || queue.with != now_) continue;
      queue.busy = false;
      ++queue.post;
      in(chance_.between(50, 2 * kSecond), [this, &stream, name = chat] { post(stream, name); });
    }
  }
  release_leads();
  if (!killed) return;
  ended.reset();
  if (faults_ && alone() && chance_.percent(troubles_.power_cuts)) {
    note("with the power");
    disk_.cut_power(chance_);
  }
  if (run_.defect == Defect::LosesCommits && alone()) disk_.begin();
  disk_.attach();
}

void World::stop_process() {
  if (!now_->engine || now_->stopping || now_->starting || clock_.passed < now_->stands_still_until) return;
  note("stops");
  ++stops_;
  now_->stopping = true;
  now_->receiving = false;
  look_whether_idle(clock_.passed + 3 * kSecond);
}

void World::look_whether_idle(std::int64_t until) {
  in_process(20, [this, until] {
    const bool busy = now_->engine->sending() > 0 || now_->engine->working() > 0;
    if (busy && clock_.passed < until) return look_whether_idle(until);
    now_->engine->stop(Duration{0});
    note("stopped");
    end_process(false);
    in_machine(chance_.between(50, 5 * kSecond), [this] { start_process(); });
  });
}

void World::round_at(std::int64_t when) {
  if (now_->round_due >= clock_.passed && now_->round_due <= when) return;
  now_->round_due = when;
  in_machine(when - clock_.passed, [this, when, life = now_->life] {
    if (!now_->engine || life != now_->life || now_->round_due != when) return;
    now_->round_due = -1;
    try {
      const auto rest = now_->engine->round();
      // A busy machine wakes a thread late, never early.
      if (now_->engine && rest) round_at(clock_.passed + (rest->count() < kRest ? rest->count() : oversleep(rest->count())));
    } catch (const Killed&) {
      die("died");
    }
  });
  --happenings_;
}

std::int64_t World::oversleep(std::int64_t rest) {
  const std::int64_t late = rest * idleness();
  return now_->working > 0 ? std::min(late, rest + kLateAtWork) : late;
}

std::int64_t World::idleness() {
  now_->idle = happenings_ == now_->idle_since ? std::min<std::int64_t>(now_->idle * 2, faults_ ? 256 : 16) : 1;
  now_->idle_since = happenings_;
  return now_->idle;
}

std::optional<StorageError> World::fail(Storage::Place place) {
  using Kind = StorageError::Kind;
  using Place = Storage::Place;
  if (now_->dead) return StorageError{Kind::Lost, "the process is dead"};
  if (place == Place::Answer) note("commit");
  if (!faults_) return std::nullopt;
  const auto fault = [&](Kind kind, const char* what) -> std::optional<StorageError> {
    note(what);
    evidence_.storage_faults.push_back(clock_.passed);
    return StorageError{kind, what};
  };
  switch (place) {
    case Place::Begin:
      if (chance_.in_thousand(troubles_.kill_begin)) kill("before a transaction");
      if (chance_.in_thousand(troubles_.busy)) return fault(Kind::Busy, "the database is busy");
      break;
    case Place::Commit:
      if (chance_.in_thousand(troubles_.kill_commit)) kill("before a commit");
      if (chance_.in_thousand(troubles_.lost)) return fault(Kind::Lost, "the transaction is lost");
      for (const auto& [from, until] : full_)
        if (clock_.passed >= from && clock_.passed < until) return fault(Kind::Full, "the disk is full");
      break;
    case Place::Answer:
      if (chance_.in_thousand(troubles_.kill_answer)) kill("after a commit");
      // A file is written or is not; only over a network nobody may know.
      if (shared_ && chance_.in_thousand(troubles_.lost) && ++evidence_.lost_answers > 0)
        return fault(Kind::Lost, "the answer to a commit is lost");
      break;
  }
  return std::nullopt;
}

void World::kill(const std::string& where, Amid amid) {
  if (kills_left_ == 0) return;
  --kills_left_;
  evidence_.troubled_turns += amid == Amid::ATurn;
  note("killed " + where);
  throw Killed{};
}

void Process::deliver(std::string_view bot, const ChatAddress& chat, const ApiCall& call,
                      std::function<void(Outcome)> done) {
  world.on(*this, [&] { world.deliver(bot, chat, call, std::move(done)); });
}

void Process::begin(const Job& job, JobDoneCall done) {
  world.on(*this, [&] { world.begin(job, std::move(done)); });
}

void Process::later(Duration delay, std::function<void()> job) {
  world.on(*this, [&] { world.later(delay, std::move(job)); });
}

}  // namespace sufler::simulation
