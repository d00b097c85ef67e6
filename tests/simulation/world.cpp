// One thread, one queue of events ordered by time. Whatever the runtime does between two events takes no time; it
// meets the world at four seams: the clock, the courier, the renderer and the places of a transaction. The process
// dies by an exception thrown through it from one of them, after which its database refuses everything, so that
// nothing which its destructors do is stored.
#include "simulation/world.h"

#include <unistd.h>

#include <algorithm>
#include <deque>
#include <filesystem>
#include <iostream>
#include <map>
#include <new>
#include <set>
#include <stdexcept>
#include <utility>

#include "interpreter/runtime/engine.h"
#include "schema/loader.h"
#include "simulation/chance.h"
#include "simulation/disk.h"
#include "simulation/shared_database.h"

namespace sufler::simulation {
namespace {

using std::chrono::milliseconds;

constexpr std::int64_t kSecond = 1000, kMinute = 60 * kSecond, kHour = 60 * kMinute, kDay = 24 * kHour;
/// What the customers' clocks show when a simulation begins: a Sunday in March 2026.
constexpr std::int64_t kBeginsUnixMs = 1'773'576'000'000;
/// A wait of the engine that is for nothing in particular.
constexpr std::int64_t kRest = 400;
constexpr const char* kAdmin = "900";

/// Thrown where the process dies. No std::exception, so that nothing of the runtime takes it for a failure.
struct Killed {};

// ---- what all worlds of a process share

std::shared_ptr<const Program> program() {
  static const std::shared_ptr<const Program> loaded = [] {
    LoadOptions options;
    options.roles = {"admins"};
    Loaded scenario = load_scenario(SUFLER_SOURCE_DIR "/tests/simulation/scenario.yaml", options);
    if (!scenario.program)
      throw std::runtime_error(render_text(scenario.diagnostics.sorted(), scenario.sources, Language::English));
    return scenario.program;
  }();
  return loaded;
}

/// SQLite's wrapper looks for a real file before SQLite opens one, so there is an empty one.
class Stub {
 public:
  Stub() : path_((std::filesystem::temp_directory_path() / ("sufler-simulation-" + std::to_string(getpid()) + ".db")).string()) {
    Disk& disk = Disk::instance();
    {
      auto storage = Storage::open(url(), Durability::Full);
      if (!storage || !storage->prepare_tables(*program())) throw std::runtime_error("no database can be made");
    }
    disk.remember();
  }
  ~Stub() {
    std::error_code failed;
    std::filesystem::remove(path_, failed);
  }
  Stub(const Stub&) = delete;
  Stub& operator=(const Stub&) = delete;
  const std::string& path() const { return path_; }
  std::string url() const { return "sqlite:" + path_; }

 private:
  std::string path_;
};
const Stub& database() {
  static const Stub instance;
  return instance;
}

// ---- the trace

class Trace {
 public:
  explicit Trace(bool print) : print_(print) {}
  void line(std::int64_t at, std::string_view text) {
    add(std::to_string(at));
    add(" ");
    add(text);
    add("\n");
    if (print_) std::cout << at << " " << text << "\n";
  }
  void add(std::string_view text) {
    for (const char c : text) {
      hash_ ^= static_cast<unsigned char>(c);
      hash_ *= 0x100000001b3ULL;
    }
  }
  std::uint64_t hash() const { return hash_; }

 private:
  bool print_;
  std::uint64_t hash_ = 0xcbf29ce484222325ULL;
};

class WorldClock : public Clock {
 public:
  Moment now() const override { return {kBeginsUnixMs + passed + off}; }
  milliseconds monotonic() const override { return milliseconds(passed); }
  std::int64_t true_unix_ms() const { return kBeginsUnixMs + passed; }

  std::int64_t passed = 1000;
  std::int64_t off = 0;  ///< of the machine's wall clock
};

/// What kind of world this is; most have few of all troubles, or the rare ones would never meet a quiet moment.
struct Troubles {
  std::int64_t busy, lost, kill_begin, kill_commit, kill_answer, kill_render, throw_render, kill_deliver;  // of 1000
  std::int64_t answer_lost, request_lost, refused_now, too_many, refused, server_error;                    // of 100
  std::int64_t webhook_answer_lost, webhook_twice, webhook_again;                                          // of 100
  std::int64_t blocks;  // of 100 customers
  std::int64_t power_cuts;  // of 100 deaths
  int kills, stops, jumps, full_disks;
  bool crash_words, throw_words;
};

struct Customer {
  std::string bot;
  ChatAddress chat;
  bool blocks = false;
  std::vector<std::pair<std::string, std::string>> buttons;  // message id, payload; the newest last
  std::int64_t heard_at = -1;
};

/// The updates of a bot on a platform: asked for by position (`poll`), or brought one by one, those of a chat in
/// order, until they are taken (`hook`).
struct Stream {
  std::string bot, transport;
  std::vector<std::size_t> updates;  // in World::evidence
  std::int64_t position = 0;         // poll: as the process has it
  bool asking = false;               // poll: a request is on its way, or its updates are with the process
  struct Process* owner = nullptr;   // poll: who asks
  int served = 0;                    // poll: counts the times when serving began or ended
  struct Queue {
    std::deque<std::size_t> waiting;
    bool busy = false;
    struct Process* with = nullptr;  // whoever has the update; null: it is on its way
    std::uint64_t post = 0;
  };
  std::map<std::string, Queue> chats;  // hook
};

}  // namespace

// ---- the world

namespace {

class World;

/// A machine, and the process on it when it has one.
struct Process : Courier {
  explicit Process(World& of) : world(of) {}
  void deliver(std::string_view bot, const ChatAddress& chat, const ApiCall& call,
               std::function<void(Outcome)> done) override;
  void later(Duration delay, std::function<void()> job) override;

  World& world;
  std::unique_ptr<Engine> engine;
  int life = -1;
  bool dead = false, receiving = false, stopping = false, starting = false;
  std::int64_t round_due = -1, idle = 1;
  std::uint64_t idle_since = 0;
  Member member;
  std::map<std::string, std::int64_t> resting;  // by `bot transport` or `bot transport:chat`
  std::map<std::string, int> in_flight;
};

class World : public Renderer {
 public:
  explicit World(const Run& run) : run_(run), trace_(run.print), chance_(run.seed * 2654435761ULL + 17) {}

  Verdict live() {
    (void)database();
    disk_.begin();
    draw();
    on_all([this] { start_process(); });
    run_until(busy_until_);
    calm_down();
    on(machines_.front(), [this] { gather(); });
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

 private:
  friend struct Process;

  // ---- what this world will be like

  void draw() {
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
    for (int i = 0; i < lead_losses_; ++i) at(sometime(), [this] { on(anyone(), [this] { lose_leads(); }); });
    for (int i = 0; i < troubles_.jumps; ++i)
      at(sometime(), [this] {
        clock_.off = chance_.one_of({0, kHour, -kHour, kDay, -kDay});
        note("the clock is off by " + std::to_string(clock_.off));
        on_all([this] { wake(); });
      });
    for (int i = 0; i < troubles_.full_disks; ++i) {
      const std::int64_t from = sometime();
      full_.emplace_back(from, from + c.between(50, 15 * kSecond));
    }
    if (c.percent(30)) at(sometime(), [this] { staff_speaks(); });
  }

  // ---- time

  void at(std::int64_t when, std::function<void()> job) {
    ++happenings_;
    jobs_.emplace(std::pair(std::max(when, clock_.passed), serial_++), std::move(job));
  }
  void in(std::int64_t delay, std::function<void()> job) { at(clock_.passed + delay, std::move(job)); }
  /// For what happens inside the process: it goes with it.
  void in_process(std::int64_t delay, std::function<void()> job) {
    in_machine(delay, [this, life = now_->life, job = std::move(job)] {
      if (now_->engine && life == now_->life) enter(job);
    });
  }
  void in_machine(std::int64_t delay, std::function<void()> job) {
    in(delay, [this, machine = now_, job = std::move(job)] { on(*machine, job); });
  }
  template <class Job>
  void on(Process& machine, const Job& job) {
    struct Restore {
      Process*& now;
      Process* before;
      ~Restore() { now = before; }
    } restore{now_, std::exchange(now_, &machine)};
    job();
  }
  template <class Job>
  void on_all(const Job& job) {
    for (Process& machine : machines_) on(machine, job);
  }
  Process& anyone() {
    return machines_[static_cast<std::size_t>(chance_.between(0, static_cast<std::int64_t>(machines_.size()) - 1))];
  }
  Process* receiver() {
    Process& first = anyone();
    if (first.engine && first.receiving) return &first;
    for (Process& machine : machines_)
      if (machine.engine && machine.receiving) return &machine;
    return nullptr;
  }
  bool alone() const {
    return std::none_of(machines_.begin(), machines_.end(),
                        [&](const Process& machine) { return &machine != now_ && machine.engine; });
  }

  void run_until(std::int64_t end) {
    while (!jobs_.empty() && jobs_.begin()->first.first <= end) {
      auto next = jobs_.extract(jobs_.begin());
      clock_.passed = std::max(clock_.passed, next.key().first);
      next.mapped()();
    }
    clock_.passed = std::max(clock_.passed, end);
  }

  void note(std::string_view what) { trace_.line(clock_.passed, what); }

  // ---- the process

  void start_process() {
    if (now_->engine || now_->starting) return;
    now_->starting = true;
    now_->life = static_cast<int>(evidence_.lives.size());
    evidence_.lives.push_back({clock_.passed, -1, false});
    note("start " + std::to_string(now_->life));
    now_->dead = false;
    now_->receiving = true;
    now_->resting.clear();
    now_->in_flight.clear();
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
    ++failed_starts_;
    enter([&] { now_->engine->stop(Duration{0}); });  // what its destructor would do
    if (!now_->engine) return;
    end_process(false);
    in_machine(1 * kSecond, [this] { start_process(); });
  }

  void receive(std::string_view bot, bool leads) {
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

  // Of a shared database: what the presence's own thread does.

  void beat() {
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

  void lose_leads() {
    if (!now_->engine || now_->starting || !shared_) return;
    note("the presence of " + std::to_string(now_->life) + " loses the database");
    for (const std::string& bot : bots_)
      if (now_->member.leads.erase(bot) > 0) now_->member.handlers.leads(bot, false);
    wake();
    release_leads();
    beat();
  }

  void release_leads() {
    for (auto& [bot, leader] : leaders_)
      if (leader == now_) leader = nullptr;
    Process* const me = now_;
    on_all([this, me] {
      if (now_ != me && now_->engine && !now_->starting) beat();
    });
  }

  void tell_others() {
    Process* const me = now_;
    on_all([this, me] {
      if (now_ == me || !now_->engine || now_->starting || chance_.percent(10)) return;
      in_process(chance_.between(1, 20), [this] { now_->member.handlers.news(); });
    });
  }

  void count_the_dead() {
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

  bool is_alive(std::int64_t process) const {
    return std::any_of(machines_.begin(), machines_.end(), [&](const Process& machine) {
      return machine.engine && machine.member.process == process;
    });
  }

  void receive_from(Stream& stream) {
    const auto position = now_->engine->position(stream.bot, stream.transport);
    stream.position = position ? std::atoll(position->c_str()) : -1;
    if (position) return ask(stream);
    in_process(kSecond, [this, &stream, served = stream.served] {
      if (stream.served == served) receive_from(stream);
    });
  }

  /// Runs what belongs to the process, which may die of it.
  void enter(const std::function<void()>& job) {
    try {
      job();
      if (now_->engine && !now_->starting) wake();
    } catch (const Killed&) {
      die("died");
    }
  }

  void die(std::string_view how) {
    note(how);
    now_->dead = true;
    evidence_.lives[static_cast<std::size_t>(now_->life)].killed = true;
    end_process(true);
    // Long enough for what left before to arrive, or a repeat could overtake it.
    in_machine(faults_ && chance_.percent(5) ? chance_.between(kMinute, 30 * kMinute) : chance_.between(100, 3 * kSecond),
       [this] { start_process(); });
  }

  void end_process(bool killed) {
    evidence_.lives[static_cast<std::size_t>(now_->life)].died = clock_.passed;
    now_->receiving = false;
    now_->stopping = false;
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

  /// SIGTERM: receives no more, sends what it can within the grace, ends.
  void stop_process() {
    if (!now_->engine || now_->stopping || now_->starting) return;
    note("stops");
    ++stops_;
    now_->stopping = true;
    now_->receiving = false;
    look_whether_idle(clock_.passed + 3 * kSecond);
  }
  void look_whether_idle(std::int64_t until) {
    in_process(20, [this, until] {
      if (now_->engine->sending() > 0 && clock_.passed < until) return look_whether_idle(until);
      now_->engine->stop(Duration{0});
      note("stopped");
      end_process(false);
      in_machine(chance_.between(50, 5 * kSecond), [this] { start_process(); });
    });
  }

  /// Something may have come for the engine: its thread looks, a little later.
  void wake() { round_at(clock_.passed + chance_.between(0, 4)); }

  void round_at(std::int64_t when) {
    if (now_->round_due >= clock_.passed && now_->round_due <= when) return;
    now_->round_due = when;
    in_machine(when - clock_.passed, [this, when, life = now_->life] {
      if (!now_->engine || life != now_->life || now_->round_due != when) return;
      now_->round_due = -1;
      try {
        const auto rest = now_->engine->round();
        // A busy machine wakes a thread late, never early.
        if (now_->engine && rest) round_at(clock_.passed + (rest->count() < kRest ? rest->count() : rest->count() * idleness()));
      } catch (const Killed&) {
        die("died");
      }
    });
    --happenings_;
  }

  /// A machine with nothing to do sleeps deeper and deeper, and wakes late, never early.
  std::int64_t idleness() {
    now_->idle = happenings_ == now_->idle_since ? std::min<std::int64_t>(now_->idle * 2, faults_ ? 256 : 16) : 1;
    now_->idle_since = happenings_;
    return now_->idle;
  }

  // ---- the database

  std::optional<StorageError> fail(Storage::Place place) {
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

  void kill(const std::string& where) {
    if (kills_left_ == 0) return;
    --kills_left_;
    ++evidence_.troubled_turns;
    note("killed " + where);
    throw Killed{};
  }

  // ---- Renderer

  std::vector<ApiCall> render(const ChatAddress& chat, const Message& message) const override {
    return const_cast<World*>(this)->rendered(chat, message);
  }
  ApiCall render_press_answer(const ChatAddress&, const std::string& press_id, const std::string&) const override {
    ApiCall call;
    call.method = "answer";
    call.body = press_id;
    call.ordered = false;
    call.expendable = true;
    return call;
  }

  std::vector<ApiCall> rendered(const ChatAddress&, const Message& message) {
    const std::string& text = message.text.text;
    if (!now_->dead) {
      const std::size_t word = text.find(' ');
      if (text.starts_with('#') && word + 1 < text.size()) {
        if (text[word + 1] == 'k') {
          note("the word kills: " + text);
          ++crashes_[text.substr(word + 1)];
          throw Killed{};
        }
        if (text[word + 1] == 't') throw std::runtime_error("the word is too much: " + text);
      }
      if (faults_ && chance_.in_thousand(troubles_.kill_render)) kill("in a turn");
      if (faults_ && chance_.in_thousand(troubles_.throw_render)) {
        ++evidence_.troubled_turns;
        note("memory runs out in a turn");
        throw std::bad_alloc();
      }
    }
    note("says in a turn \"" + text + "\"");
    ApiCall call;
    call.method = "say";
    call.body = text;
    if (message.keyboard.kind == Keyboard::Kind::Inline)
      for (const auto& row : message.keyboard.rows)
        for (const Button& button : row) call.body += "\n" + button.payload;
    return {call};
  }

  // ---- Courier

  void later(Duration delay, std::function<void()> job) { in_process(delay.ms, std::move(job)); }

  void deliver(std::string_view bot, const ChatAddress& chat, const ApiCall& call, std::function<void(Outcome)> done) {
    if (now_->dead) return;
    if (faults_ && chance_.in_thousand(troubles_.kill_deliver)) kill("before a call");
    const std::size_t index = send_of(bot, chat, call);
    Send& send = evidence_.sends[index];
    send.attempts.push_back({now_->life, clock_.passed, -1, -1, Outcome::Kind::Sent});
    const std::size_t attempt = send.attempts.size() - 1;
    note("call " + name_of(send) + " attempt " + std::to_string(attempt));
    look_for_haste(send);

    const bool swallowed = run_.defect == Defect::SwallowsSends && chance_.percent(10);
    Fate fate = fate_of(send);
    if (swallowed) fate = Fate{};
    if (fate.arrives && !swallowed) {
      std::int64_t after = chance_.between(1, 50);
      if (run_.defect == Defect::SwapsSends && chance_.percent(15)) after += 5 * kSecond;
      in(after, [this, index, attempt] { arrive(index, attempt); });
      if (run_.defect == Defect::RepeatsSends && chance_.percent(15)) {
        send.attempts.push_back(send.attempts.back());
        in(after + 1, [this, index, attempt] { arrive(index, attempt + 1); });
      }
      fate.answers_after = std::max(fate.answers_after, run_.defect == Defect::SwapsSends ? 60 : after + 1);
    }
    const std::string chat_key = std::string(bot) + " " + chat.transport + ":" + chat.chat_id;
    if (call.ordered) ++now_->in_flight[chat_key];
    in_process(fate.answers_after, [this, index, attempt, fate, chat_key, done = std::move(done)] {
      Send& told = evidence_.sends[index];
      told.attempts[attempt].told_at = clock_.passed;
      told.attempts[attempt].outcome = fate.outcome.kind;
      if (told.call.ordered) --now_->in_flight[chat_key];
      note("told " + name_of(told) + " " + std::to_string(static_cast<int>(fate.outcome.kind)));
      if (fate.rests) {
        const std::string scope =
            fate.outcome.whole_bot ? chat_key.substr(0, chat_key.find(':')) : chat_key;
        if (told.call.ordered || fate.outcome.whole_bot) now_->resting[scope] = std::max(now_->resting[scope], clock_.passed + fate.outcome.after.ms);
      }
      Outcome outcome = fate.outcome;
      if (outcome.kind == Outcome::Kind::Sent) outcome.message_id = std::to_string(index + 1);
      done(std::move(outcome));
    });
    if (faults_ && chance_.in_thousand(troubles_.kill_deliver)) kill("after a call");
  }

  struct Fate {
    Outcome outcome;
    bool arrives = true;
    bool rests = false;  // the platform asked for it
    std::int64_t answers_after = 10;
  };

  Fate fate_of(const Send& send) {
    Fate fate;
    fate.answers_after = chance_.percent(5) && faults_ ? chance_.between(1, 20) * kSecond : chance_.between(2, 200);
    const auto becomes = [&](Outcome::Kind kind, bool arrives, const char* reason) {
      fate.outcome.kind = kind;
      fate.outcome.reason = reason;
      fate.arrives = arrives;
    };
    const Customer* customer = customer_of(send.bot, send.chat);
    if (customer && customer->blocks) {
      becomes(Outcome::Kind::Failed, false, "blocked");
      fate.outcome.unreachable = true;
      return fate;
    }
    if (!faults_) return fate;
    if (chance_.percent(troubles_.request_lost)) {
      becomes(Outcome::Kind::Unknown, false, "no answer");
    } else if (chance_.percent(troubles_.answer_lost)) {
      becomes(Outcome::Kind::Unknown, true, "no answer");
    } else if (chance_.percent(troubles_.server_error)) {
      becomes(Outcome::Kind::Unknown, chance_.percent(30), "a server's error");
      fate.outcome.after = Duration{chance_.between(200, 2000)};
    } else if (chance_.percent(troubles_.refused_now)) {
      becomes(Outcome::Kind::Retry, false, "no connection");
      fate.outcome.after = Duration{chance_.between(100, 2000)};
    } else if (chance_.percent(troubles_.too_many)) {
      becomes(Outcome::Kind::Retry, false, "too many");
      fate.outcome.after = Duration{chance_.between(1, 37) * kSecond};
      fate.outcome.whole_bot = chance_.percent(30);
      fate.rests = true;
    } else if (chance_.percent(troubles_.refused)) {
      becomes(Outcome::Kind::Failed, false, "refused");
    }
    return fate;
  }

  /// What a platform sees of a process that does not wait.
  void look_for_haste(const Send& send) {
    if (!send.call.ordered) return;
    const std::string chat = send.bot + " " + send.chat.transport + ":" + send.chat.chat_id;
    for (const std::string& scope : {chat, chat.substr(0, chat.find(':'))}) {
      const auto found = now_->resting.find(scope);
      if (found != now_->resting.end() && clock_.passed < found->second)
        evidence_.seen_amiss.push_back("a call to " + scope + " that was to rest: " + name_of(send));
    }
    if (send.chat.chat_id != kAdmin && now_->in_flight[chat] > 0)
      evidence_.seen_amiss.push_back("I2: two calls at once: " + name_of(send));
  }

  std::size_t send_of(std::string_view bot, const ChatAddress& chat, const ApiCall& call) {
    const auto [found, fresh] = send_by_key_.try_emplace(
        {std::string(bot) + chat.transport + chat.chat_id, call.repeat_key}, evidence_.sends.size());
    if (fresh) {
      Send send;
      send.bot = bot;
      send.chat = chat;
      send.call = call;
      send.once = chat.transport == "hook";
      evidence_.sends.push_back(std::move(send));
    }
    return found->second;
  }

  void arrive(std::size_t index, std::size_t attempt) {
    Send& send = evidence_.sends[index];
    const bool again = std::any_of(send.attempts.begin(), send.attempts.end(),
                                   [](const Send::Attempt& one) { return one.seen_at >= 0; });
    if (send.once && again) return;
    Customer* customer = customer_of(send.bot, send.chat);
    send.attempts[attempt].seen_at = clock_.passed;
    note("seen " + name_of(send));
    // What an earlier life could not bring may come behind what it brought and did not record.
    if (!again && send.call.ordered && send.attempts[0].life == send.attempts[attempt].life)
      arrived_[send.bot + " " + send.chat.transport + ":" + send.chat.chat_id].push_back(index);
    if (!customer) return;
    customer->heard_at = clock_.passed;
    for (std::size_t line = send.call.body.find('\n'); line != std::string::npos;) {
      const std::size_t next = send.call.body.find('\n', line + 1);
      customer->buttons.emplace_back(std::to_string(index + 1), send.call.body.substr(line + 1, next - line - 1));
      line = next;
    }
  }

  static std::string name_of(const Send& send) {
    return send.bot + " " + send.chat.transport + ":" + send.chat.chat_id + " " + send.call.method + " \"" +
           send.call.body.substr(0, send.call.body.find('\n')) + "\"";
  }

  // ---- people

  Customer* customer_of(const std::string& bot, const ChatAddress& chat) {
    for (Customer& one : customers_)
      if (one.bot == bot && one.chat == chat) return &one;
    return nullptr;
  }

  void act(Customer& customer) {
    if (customer.blocks) customer.blocks = false;
    if (!customer.buttons.empty() && chance_.percent(35)) {
      const auto& [message, payload] =
          customer.buttons[static_cast<std::size_t>(chance_.between(0, static_cast<std::int64_t>(customer.buttons.size()) - 1))];
      happen(customer.bot, customer.chat, ButtonPress{"press" + std::to_string(evidence_.updates.size()), message, payload});
      return;
    }
    if (chance_.percent(4)) return say(customer.bot, customer.chat, "/start");
    if (chance_.percent(4)) return say(customer.bot, customer.chat, "/count");
    if (chance_.percent(6)) return say(customer.bot, customer.chat, "/bot");
    static constexpr char kWords[] = "pppsssqnnlhammuf";
    char word = kWords[chance_.between(0, sizeof kWords - 2)];
    if (troubles_.throw_words && chance_.percent(8)) word = 't';
    if (troubles_.crash_words && crash_words_ < 2 && chance_.percent(10)) {
      word = 'k';
      ++crash_words_;
    }
    say(customer.bot, customer.chat, std::string(1, word) + std::to_string(++words_));
    if (chance_.percent(troubles_.blocks)) customer.blocks = true;
  }

  void staff_speaks() {
    UserMessage message;
    message.text = "/bot_on";
    if (chance_.percent(60)) message.text += " " + std::to_string(chance_.between(1, 4));
    for (std::size_t i = 0; i < evidence_.sends.size(); ++i)
      if (evidence_.sends[i].chat == admin_ && chance_.percent(40)) message.reply_to = std::to_string(i + 1);
    happen(bots_[0], admin_, std::move(message), true);
  }

  void say(const std::string& bot, const ChatAddress& chat, std::string text) {
    UserMessage message;
    message.text = std::move(text);
    happen(bot, chat, std::move(message));
  }

  template <class What>
  void happen(const std::string& bot, const ChatAddress& chat, What what, bool is_staff = false) {
    Update update;
    update.bot = bot;
    update.is_staff = is_staff;
    update.incoming.id = std::to_string(evidence_.updates.size() + 1);
    update.incoming.chat = chat;
    update.incoming.person.id = chat.chat_id;
    update.incoming.person.first_name = "C" + chat.chat_id;
    update.incoming.event.at = Moment{clock_.true_unix_ms()};
    if (const auto* message = std::get_if<UserMessage>(&(update.incoming.event.what = std::move(what))))
      note("says " + chat.chat_id + " " + message->text);
    else
      note("presses " + chat.chat_id);
    const std::size_t index = evidence_.updates.size();
    evidence_.updates.push_back(std::move(update));
    for (Stream& stream : streams_) {
      if (stream.bot != bot || stream.transport != chat.transport) continue;
      stream.updates.push_back(index);
      if (stream.transport == "poll") return ask(stream);
      stream.chats[chat.chat_id].waiting.push_back(index);
      return post(stream, chat.chat_id);
    }
  }

  /// As the transports do: the platform's time, unless it is later than ours.
  Incoming decoded(std::size_t index) const {
    Incoming incoming = evidence_.updates[index].incoming;
    incoming.event.at = std::min(incoming.event.at, clock_.now());
    return incoming;
  }

  // ---- updates by position

  void ask(Stream& stream) {
    if (!stream.owner) return;
    on(*stream.owner, [&] { ask_as_owner(stream); });
  }

  void ask_as_owner(Stream& stream) {
    if (!now_->engine || !now_->receiving || stream.asking || stream.position < 0) return;
    for (const std::size_t index : stream.updates)
      if (static_cast<std::int64_t>(index) < stream.position) evidence_.updates[index].accepted = true;
    std::vector<std::size_t> found;
    const std::size_t most = static_cast<std::size_t>(chance_.between(1, 6));
    for (const std::size_t index : stream.updates)
      if (static_cast<std::int64_t>(index) + 1 > stream.position && found.size() < most) found.push_back(index);
    if (found.empty()) return;
    stream.asking = true;
    in_process(chance_.between(1, 60), [this, &stream, found, served = stream.served] {
      if (!now_->receiving || stream.served != served) return;
      std::vector<Incoming> updates;
      for (const std::size_t index : found) updates.push_back(decoded(index));
      const std::int64_t position = static_cast<std::int64_t>(found.back()) + 1;
      if (run_.defect == Defect::ConfirmsBeforeCommit) confirm(stream, found, position);
      now_->engine->take(stream.bot, stream.transport, std::move(updates), std::to_string(position), false,
                    [this, &stream, found, position, served, life = now_->life](bool stored) {
                      if (life != now_->life || now_->dead || stream.served != served) return;
                      note(stream.bot + " stored " + std::to_string(position) + (stored ? "" : ": no"));
                      if (stored) confirm(stream, found, position);
                      in_process(stored ? chance_.between(1, 20) : chance_.between(200, 2000), [this, &stream, served] {
                        if (stream.served != served) return;
                        stream.asking = false;
                        ask(stream);
                      });
                    });
    });
  }

  void confirm(Stream& stream, const std::vector<std::size_t>& found, std::int64_t position) {
    stream.position = position;
    for (const std::size_t index : found) evidence_.updates[index].accepted = true;
  }

  // ---- updates one by one

  void post(Stream& stream, const std::string& chat) {
    Stream::Queue& queue = stream.chats[chat];
    if (queue.busy || queue.waiting.empty()) return;
    queue.busy = true;
    queue.with = nullptr;
    const std::uint64_t number = ++queue.post;
    in(chance_.between(1, 40), [this, &stream, chat, number] {
      Stream::Queue& mine = stream.chats[chat];
      if (mine.post != number) return;
      Process* const to = receiver();
      if (!to) return post_again(stream, chat, number);
      mine.with = to;
      const std::size_t index = mine.waiting.front();
      const bool twice = chance_.percent(troubles_.webhook_twice);
      // Two requests at once: either answer is one.
      for (int copy = 0; copy < (twice ? 2 : 1); ++copy) {
        bring(*to, stream, index, [this, &stream, chat, number, index](bool stored) {
          in(chance_.between(1, 30), [this, &stream, chat, number, index, stored] {
            if (stream.chats[chat].post != number) return;
            if (!stored || (faults_ && chance_.percent(troubles_.webhook_answer_lost)))
              return post_again(stream, chat, number);
            taken(stream, chat, index);
          });
        });
        if (!to->engine) return;
      }
      if (run_.defect == Defect::ConfirmsBeforeCommit) taken(stream, chat, index);
    });
  }

  void bring(Process& to, Stream& stream, std::size_t index, std::function<void(bool)> answer) {
    on(to, [&] { bring(stream, index, std::move(answer)); });
  }
  void bring(Stream& stream, std::size_t index, std::function<void(bool)> answer) {
    enter([&] {
      now_->engine->take(stream.bot, stream.transport, {decoded(index)}, {}, run_.defect != Defect::TakesRepeats,
                    [this, index, life = now_->life, answer = std::move(answer)](bool stored) {
                      if (life != now_->life || now_->dead) return;
                      note("webhook " + std::to_string(index + 1) + (stored ? " stored" : " not stored"));
                      answer(stored);
                    });
    });
  }

  void taken(Stream& stream, const std::string& chat, std::size_t index) {
    Stream::Queue& queue = stream.chats[chat];
    evidence_.updates[index].accepted = true;
    queue.waiting.pop_front();
    queue.busy = false;
    ++queue.post;
    if (faults_ && chance_.percent(troubles_.webhook_again))
      in(chance_.between(10, kMinute), [this, &stream, index] {
        if (Process* const to = receiver()) bring(*to, stream, index, [](bool) {});
      });
    post(stream, chat);
  }

  void post_again(Stream& stream, const std::string& chat, std::uint64_t number) {
    Stream::Queue& queue = stream.chats[chat];
    if (queue.post != number) return;
    queue.busy = false;
    ++queue.post;
    in(chance_.between(100, 3000), [this, &stream, chat] { post(stream, chat); });
  }

  // ---- the end

  void calm_down() {
    note("all faults cease");
    faults_ = false;
    clock_.off = 0;
    for (Customer& customer : customers_) customer.blocks = false;
    on_all([this] { start_process(); });
    run_until(clock_.passed + 3 * kMinute);
    // A stop of the world, which brings all timers.
    clock_.passed += 30 * kHour;
    on_all([this] { wake(); });
    run_until(clock_.passed + kMinute);
    const std::int64_t asked_at = clock_.passed;
    for (Customer& customer : customers_) say(customer.bot, customer.chat, "p" + std::to_string(++words_));
    run_until(clock_.passed + kMinute);
    for (const Customer& customer : customers_)
      if (customer.heard_at <= asked_at)
        evidence_.without_answer.push_back(customer.bot + " " + customer.chat.transport + ":" + customer.chat.chat_id);
  }

  void gather() {
    if (!now_->engine) {
      complaints_.push_back("the process is not running in the end");
      return;
    }
    for (const auto& [word, times] : crashes_) {
      const std::uint64_t most = Player::kMaxAttempts + 1 + stops_ + failed_starts_;
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

  Stored<Done> gather(Transaction& tx) {
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
      if (auto done = take(evidence_.outbox, tx.outbox(bot, 0, 1000)); !done) return done;
      if (auto done = take(evidence_.dead_letters, tx.dead_letters(bot, 1000)); !done) return done;
      if (auto done = take(evidence_.due_timers, tx.due_timers(bot, clock_.now(), 1000)); !done) return done;
      auto shared = tx.load_shared(bot);
      if (!shared) return Error{shared.error()};
      evidence_.shared.emplace_back(bot, std::move(*shared));
    }
    return take(evidence_.things, tx.find_rows(program()->tables[0], FindRows{TableId{0}, {}, {}, {}}));
  }

  const Run run_;
  Trace trace_;
  Chance chance_;
  Disk& disk_ = Disk::instance();
  WorldClock clock_;
  Troubles troubles_{};
  bool faults_ = true;
  Evidence evidence_;
  std::vector<std::string> complaints_;

  std::map<std::pair<std::int64_t, std::uint64_t>, std::function<void()>> jobs_;
  std::uint64_t serial_ = 0;
  std::uint64_t happenings_ = 0;  // jobs, but for the rounds of engines
  std::int64_t busy_until_ = 0;

  std::vector<std::string> bots_;
  std::deque<Stream> streams_;
  std::deque<Customer> customers_;
  ChatAddress admin_;
  int words_ = 0, crash_words_ = 0;
  std::map<std::string, int> crashes_;

  std::deque<Process> machines_;
  Process* now_ = nullptr;  // whose code runs
  std::map<std::string, Process*> leaders_;
  bool shared_ = false;
  Processes processes_;
  int kills_left_ = 0, lead_losses_ = 0;
  std::uint64_t turns_ = 0, stops_ = 0, failed_starts_ = 0;
  std::vector<std::pair<std::int64_t, std::int64_t>> full_;

  std::map<std::pair<std::string, std::int32_t>, std::size_t> send_by_key_;
  std::map<std::string, std::vector<std::size_t>> arrived_;
};

void Process::deliver(std::string_view bot, const ChatAddress& chat, const ApiCall& call,
                      std::function<void(Outcome)> done) {
  world.on(*this, [&] { world.deliver(bot, chat, call, std::move(done)); });
}
void Process::later(Duration delay, std::function<void()> job) {
  world.on(*this, [&] { world.later(delay, std::move(job)); });
}

}  // namespace

Verdict simulate(const Run& run) { return World(run).live(); }

}  // namespace sufler::simulation
