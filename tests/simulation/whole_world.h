#pragma once
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "interpreter/runtime/engine.h"
#include "simulation/chance.h"
#include "simulation/disk.h"
#include "simulation/shared_database.h"
#include "simulation/workers.h"
#include "simulation/world.h"
#include "storage/version_store.h"

/// A world from the inside, for the files that play its parts: world.cpp has the time, and what kind of world it is;
/// world_processes.cpp the machines and their processes; world_platforms.cpp what becomes of what they say and ask;
/// world_people.cpp who writes to them, and how that comes.
namespace sufler::simulation {

using std::chrono::milliseconds;

inline constexpr std::int64_t kSecond = 1000, kMinute = 60 * kSecond, kHour = 60 * kMinute, kDay = 24 * kHour;
/// What the customers' clocks show when a simulation begins: a Sunday in March 2026.
inline constexpr std::int64_t kBeginsUnixMs = 1'773'576'000'000;
inline constexpr const char* kAdmin = "900";

// How fast a bot may speak in worlds that count: so little that a few customers meet every limit.
inline constexpr std::int64_t kChatBurst = 3, kChatInterval = kSecond;
inline constexpr std::int64_t kGroupMost = 6, kGroupPeriod = 10 * kSecond;  // the admin's chat is a group
inline constexpr std::int64_t kBotMost = 5, kBotPeriod = kSecond;

/// Thrown where the process dies. No std::exception, so that nothing of the runtime takes it for a failure.
struct Killed {};

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

class World;
struct Process;

/// What kind of world this is; most have few of all troubles, or the rare ones would never meet a quiet moment.
struct Troubles {
  std::int64_t busy, lost, kill_begin, kill_commit, kill_answer, kill_render, throw_render, kill_deliver;  // of 1000
  std::int64_t answer_lost, request_lost, refused_now, too_many, refused, server_error;                    // of 100
  std::int64_t webhook_answer_lost, webhook_twice, webhook_again;                                          // of 100
  std::int64_t blocks;  // of 100 customers
  std::int64_t power_cuts;  // of 100 deaths
  std::int64_t kill_work;   // of 1000
  WorkTroubles work;
  int kills, stops, jumps, full_disks, reloads, standstills;
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
  Process* owner = nullptr;   // poll: who asks
  int served = 0;                    // poll: counts the times when serving began or ended
  struct Queue {
    std::deque<std::size_t> waiting;
    bool busy = false;
    Process* with = nullptr;  // whoever has the update; null: it is on its way
    std::uint64_t post = 0;
  };
  std::map<std::string, Queue> chats;  // hook
};

/// A machine, and the process on it when it has one.
struct Process : Courier, Crew {
  explicit Process(World& of) : world(of) {}
  std::vector<ServiceTerms> terms() const override { return {Workers::terms()}; }
  void begin(const Job& job, JobDoneCall done) override;
  void abandon(std::int64_t) override {}  // what comes of it is told nonetheless: that may be late
  void deliver(std::string_view bot, const ChatAddress& chat, const ApiCall& call,
               std::function<void(Outcome)> done) override;
  void later(Duration delay, std::function<void()> job) override;

  World& world;
  std::unique_ptr<Engine> engine;
  int life = -1;
  bool dead = false, receiving = false, stopping = false, starting = false;
  std::int64_t round_due = -1, idle = 1;
  std::int64_t stands_still_until = 0;
  std::uint64_t idle_since = 0;
  Member member;
  std::map<std::string, std::int64_t> resting;  // by `bot transport` or `bot transport:chat`
  std::map<std::string, int> in_flight;
  int working = 0;  // on jobs
};

/// In what a process is killed.
enum class Amid : std::uint8_t { ATurn, Work };

/// What becomes of a call.
struct Fate {
  Outcome outcome;
  bool arrives = true;
  bool rests = false;  ///< the platform asked for it
  std::int64_t answers_after = 10;
};
enum class Excess : std::uint8_t { None, OfChat, OfBot };

class World : public Renderer {
 public:
  explicit World(const Run& run) : run_(run), trace_(run.print), chance_(run.seed * 2654435761ULL + 17) {}
  Verdict live();

 private:
  friend struct Process;

  // ---- what this world will be like

  void draw();

  // ---- time

  void at(std::int64_t when, std::function<void()> job);
  void in(std::int64_t delay, std::function<void()> job) { at(clock_.passed + delay, std::move(job)); }
  /// For what happens inside the process: it goes with it.
  void in_process(std::int64_t delay, std::function<void()> job);
  void in_machine(std::int64_t delay, std::function<void()> job);
  /// One that stands still does what was due as soon as it goes on.
  void on_machine(Process& machine, const std::function<void()>& job);
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
  Process& anyone();
  Process* receiver();
  bool alone() const;
  void run_until(std::int64_t end);
  void note(std::string_view what) { trace_.line(clock_.passed, what); }

  // ---- the process

  void start_process();
  void tell_limits();
  /// An operator deploys one of the versions, for a bot of this process.
  void reload();
  /// Another process has deployed something newer, or this one before it died.
  void catch_up(const std::string& bot);
  void serve(const Deployment& deployment);
  void receive(std::string_view bot, bool leads);

  // Of a shared database: what the presence's own thread does.
  void beat();
  void lose_leads();
  /// SIGSTOP, or a guest that its host forgot.
  void stand_still();
  void release_leads();
  void tell_others();
  void count_the_dead();
  bool is_alive(std::int64_t process) const;
  void receive_from(Stream& stream);
  /// Runs what belongs to the process, which may die of it.
  void enter(const std::function<void()>& job);
  void die(std::string_view how);
  void end_process(bool killed);
  /// SIGTERM: receives no more, sends what it can within the grace, ends.
  void stop_process();
  void look_whether_idle(std::int64_t until);
  /// Something may have come for the engine: its thread looks, a little later.
  void wake() { round_at(clock_.passed + chance_.between(0, 4)); }
  void round_at(std::int64_t when);
  /// With a job at work it does not sleep its lease away: that is what standing still is for.
  std::int64_t oversleep(std::int64_t rest);
  /// A machine with nothing to do sleeps deeper and deeper, and wakes late, never early.
  std::int64_t idleness();

  // ---- the database

  std::optional<StorageError> fail(Storage::Place place);
  void kill(const std::string& where, Amid amid = Amid::ATurn);

  // ---- Renderer

  std::vector<ApiCall> render(const ChatAddress& chat, const Message& message) const override;
  ApiCall render_press_answer(const ChatAddress&, const std::string& press_id, const std::string&) const override;
  std::vector<ApiCall> rendered(const ChatAddress&, const Message& message);

  // ---- Courier

  void later(Duration delay, std::function<void()> job) { in_process(delay.ms, std::move(job)); }
  void deliver(std::string_view bot, const ChatAddress& chat, const ApiCall& call, std::function<void(Outcome)> done);

  // ---- Crew

  void begin(const Job& job, JobDoneCall done);
  Workers::Shift take_up(const Job& job, JobDoneCall done);
  void lose_jobs(const std::string& bot);
  Fate fate_of(const Send& send);
  /// The platform's own count. One process alone never passes it; after a kill, or when the lead changes, the next
  /// one does not know what was sent before.
  void count(const Send& send, Fate& fate);
  /// Whether one more call would be too much.
  Excess too_much(const std::string& bot, const std::string& chat, const std::string& chat_id);
  /// What a platform sees of a process that does not wait.
  void look_for_haste(const Send& send);
  std::size_t send_of(std::string_view bot, const ChatAddress& chat, const ApiCall& call);
  void arrive(std::size_t index, std::size_t attempt);
  static std::string name_of(const Send& send);

  // ---- people

  Customer* customer_of(const std::string& bot, const ChatAddress& chat);
  void act(Customer& customer);
  void staff_speaks();
  void say(const std::string& bot, const ChatAddress& chat, std::string text);
  void happen(const std::string& bot, const ChatAddress& chat, decltype(Event::what) what, bool is_staff = false);
  /// As the transports do: the platform's time, unless it is later than ours.
  Incoming decoded(std::size_t index) const;

  // ---- updates by position

  void ask(Stream& stream);
  void ask_as_owner(Stream& stream);
  void confirm(Stream& stream, const std::vector<std::size_t>& found, std::int64_t position);

  // ---- updates one by one

  void post(Stream& stream, const std::string& chat);
  void bring(Process& to, Stream& stream, std::size_t index, std::function<void(bool)> answer);
  void bring(Stream& stream, std::size_t index, std::function<void(bool)> answer);
  void taken(Stream& stream, const std::string& chat, std::size_t index);
  void post_again(Stream& stream, const std::string& chat, std::uint64_t number);

  // ---- the end

  void calm_down();
  void gather();
  Stored<Done> gather(Transaction& tx);

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
  std::uint64_t turns_ = 0, stops_ = 0;
  std::vector<std::pair<std::int64_t, std::int64_t>> full_;

  Workers workers_{chance_, evidence_.work};
  std::map<std::pair<std::string, std::int32_t>, std::size_t> send_by_key_;
  std::map<std::string, std::vector<std::size_t>> arrived_;
  bool counts_ = false;                                     // the platforms have limits
  std::map<std::string, std::vector<std::int64_t>> made_;  // when: by bot and platform, by chat, and of each life
};

}  // namespace sufler::simulation
