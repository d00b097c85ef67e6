#include "tools/stage.h"

#include <algorithm>
#include <utility>

#include "interpreter/core/mail/order.h"
#include "interpreter/core/report/order.h"
#include "interpreter/runtime/broadcasts.h"
#include "interpreter/runtime/jobs.h"
#include "interpreter/runtime/reports.h"
#include "interpreter/runtime/schedules.h"
#include "storage/housekeeping.h"

namespace sufler {
namespace {

constexpr std::string_view kBot = "stage";
/// Of the deployments, as a database would count them.
constexpr std::int64_t kFirstVersion = 1;
/// Timers that a scenario could set without end, each due at once; more in one call is a loop.
constexpr int kMaxTimers = 100'000;
/// Rounds of jobs and reports that one event may bring about: a dialog alone is stopped long before (core/jobs.cpp).
constexpr int kMaxRounds = 20'000;

}  // namespace

struct Stage::Impl {
  Storage storage;
  std::unique_ptr<Audience> audience;  // lives longer than the player, which has its renderers
  std::unique_ptr<Player> player;
  std::optional<ScheduleRunner> schedules;
  std::optional<Moment> next_schedule;
  std::optional<BroadcastRunner> broadcasts;
  std::optional<Moment> next_broadcast;
  std::shared_ptr<const Program> program;
  StageOptions options;
  std::uint64_t reloads = 0;
  std::uint64_t crm_news = 0;
  Moment now;
  std::vector<Arrival> arrivals;
  std::vector<Stage::Report> reports;
  Visits visits;
  std::vector<TurnNote> notes;

  explicit Impl(Storage opened) : storage(std::move(opened)) {}

  Audience::Play play() {
    return [this](const UpdateBatch& batch) {
      return keep(player->play(batch.updates, batch.transport, batch.position, {}, batch.may_repeat));
    };
  }

  void set_clock(Moment moment) {
    now = std::max(now, moment);
    audience->set_clock(now);
  }

  Stored<std::optional<Moment>> next_due() {
    auto next = player->next_timer();
    if (!next) return next;
    for (const auto& other : {next_schedule, next_broadcast})
      if (other && (!*next || *other < **next)) *next = other;
    return next;
  }

  /// Plays the first that is due, which `next_due` gave. At one moment what a dialog waits for comes first: a schedule may
  /// wait for its end.
  Stored<Done> play_first(Moment due) {
    const auto timer = player->next_timer();
    if (!timer) return Error{timer.error()};
    if (*timer && **timer <= due) return keep(player->play_timers(now, 1));
    return next_broadcast && due >= *next_broadcast ? run_broadcasts() : run_schedules();
  }

  Stored<Done> run_schedules() {
    auto round = schedules->round(storage, now);
    if (!round) return Error{round.error()};
    next_schedule = round->next;
    notes.insert(notes.end(), round->notes.begin(), round->notes.end());
    return round->stored ? keep(player->go_on()) : Stored<Done>(Done{});
  }

  /// What a broadcast can do at this moment; in a talk nobody waits for a platform.
  Stored<Done> run_broadcasts() {
    for (int i = 0; i < kMaxTimers; ++i) {
      const auto monotonic = BroadcastRunner::Time(now.unix_ms);
      auto round = broadcasts->round(storage, now, monotonic);
      if (!round) return Error{round.error()};
      notes.insert(notes.end(), round->notes.begin(), round->notes.end());
      next_broadcast.reset();
      if (round->rest) next_broadcast = Moment{now.unix_ms + round->rest->count()};
      if (round->stored) {
        if (auto kept = keep(player->go_on()); !kept) return kept;
      } else if (!next_broadcast || *next_broadcast > now) {
        return Done{};
      }
    }
    return Error{StorageError{StorageError::Kind::Other, "a broadcast goes on without end at one moment"}};
  }

  Stored<Done> play_due() {
    for (int i = 0; i < kMaxTimers; ++i) {
      auto next = next_due();
      if (!next) return Error{next.error()};
      if (!*next || **next > now) return Done{};
      auto kept = play_first(**next);
      if (!kept) return kept;
    }
    return Error{StorageError{StorageError::Kind::Other, "timers come due without end at one moment"}};
  }

  /// Delivers what was played, and plays on until neither a job nor a report of the desk is left.
  Stored<Done> keep(Stored<Played> played) {
    bool jobs = false, broadcasts_begun = false;
    for (int round = 0; round < kMaxRounds; ++round) {
      if (!played) return Error{played.error()};
      if (reloads == 0)
        for (const TraceEntry& entry : played->trace) visits.insert(key_of(entry.way));
      notes.insert(notes.end(), played->notes.begin(), played->notes.end());
      auto settled = audience->deliver(played->outbox, arrivals);
      if (!settled) return Error{settled.error()};
      for (Settled& one : *settled)
        for (const OutboxRow& row : played->outbox)
          if (row.broadcast > 0 && row.id == one.outbox_id) one.broadcast = row.broadcast;
      auto done = player->settle(*settled);
      if (!done) return done;
      jobs = jobs || played->jobs_started;
      broadcasts_begun = broadcasts_begun || played->broadcasts_begun;
      if (!player->has_reports()) {  // what became of a message is an event of the desk
        bool any = false;
        if (std::exchange(jobs, false)) {
          auto some = do_jobs();
          if (!some) return Error{some.error()};
          any = *some;
        }
        if (!any) return broadcasts_begun ? run_broadcasts() : done;
      }
      played = player->go_on();
    }
    return Error{StorageError{StorageError::Kind::Other, "jobs follow each other without end at one moment"}};
  }

  /// Each job is done before anything else happens. False when there is none.
  Stored<bool> do_jobs() {
    std::vector<JobRow> rows;
    auto claimed = storage.transact([&](Transaction& tx) -> Stored<Done> {
      rows.clear();
      auto waiting = tx.jobs().services_of(kBot);
      if (!waiting) return Error{waiting.error()};
      for (const std::string& service : *waiting) {
        auto some = tx.jobs().claim(kBot, service, now, Moment{now.unix_ms + 1}, 1, SIZE_MAX);
        if (!some) return Error{some.error()};
        rows.insert(rows.end(), some->begin(), some->end());
      }
      return Done{};
    });
    if (!claimed) return Error{claimed.error()};
    if (rows.empty()) return false;
    std::vector<JobResult> results;
    for (JobRow& row : rows) {
      if (row.service == kReportService) {
        auto made = make_report_of(row);
        if (!made) return Error{made.error()};
        results.push_back(std::move(*made));
        continue;
      }
      if (row.service == kMailService)
        if (auto filled = fill_in_report(row); !filled) return Error{filled.error()};
      if (!options.jobs)
        return Error{StorageError{StorageError::Kind::Other, "nobody does `" + row.service + ": " + row.name + "` here"}};
      auto result = options.jobs({row.id, row.bot, row.service, row.name, row.request, row.attempts});
      if (!result) return Error{StorageError{StorageError::Kind::Other, result.error()}};
      results.push_back(std::move(*result));
    }
    auto accepted = storage.transact([&](Transaction& tx) -> Stored<Done> {
      for (std::size_t i = 0; i < rows.size(); ++i)
        if (auto done = accept_result(tx, rows[i], results[i], now); !done) return Error{done.error()};
      return Done{};
    });
    if (!accepted) return Error{accepted.error()};
    return true;
  }

  /// As a process that serves does it, on the one connection that there is.
  Stored<JobResult> make_report_of(const JobRow& row) {
    ReportTools tools;
    tools.look = tools.write = [this](const std::function<Stored<Done>(Storage&)>& job) { return job(storage); };
    JobResult result = make_report(tools, {row.id, row.bot, row.service, row.name, row.request, row.attempts});
    const Value* value = result.result.map() ? result.result.map()->find("file") : nullptr;
    if (!value || !value->file()) return result;
    auto bytes = stored_file(value->file()->reference);
    if (!bytes) return Error{bytes.error()};
    audience->keep(*value->file(), *bytes);
    reports.push_back({*value->file(), std::move(*bytes)});
    return result;
  }

  Stored<std::string> stored_file(const std::string& key) {
    std::string bytes;
    auto read = storage.transact([&](Transaction& tx) -> Stored<Done> {
      auto found = read_stored_file(tx, key);
      if (!found) return Error{found.error()};
      bytes = found->value_or(std::string());
      return Done{};
    });
    if (!read) return Error{read.error()};
    return bytes;
  }

  /// Whoever reads the letter here sees what its server would get.
  Stored<Done> fill_in_report(JobRow& row) {
    MailOrder order;
    if (!from_json(row.request, order) || !order.report) return Done{};
    auto letter = stored_file(order.report->reference + std::string(kReportLetter));
    if (!letter) return Error{letter.error()};
    put_report(order, std::move(*letter));
    row.request = to_json(order);
    return Done{};
  }

  DialogKey main_dialog() const {
    const ChatAddress chat = audience->address(options.user.name);
    return {std::string(kBot), chat, chat.chat_id};
  }

  /// Reads the main person's state; `change` may alter it.
  Stored<Done> with_state(const std::function<bool(State&)>& change) {
    return storage.transact([&](Transaction& tx) -> Stored<Done> {
      const DialogKey key = main_dialog();
      auto row = tx.load_dialog(key);
      if (!row) return Error{row.error()};
      State state;
      if (!row->state.empty()) from_json(row->state, *program, state, nullptr);
      if (!change(state)) return Done{};
      row->state = to_json(state, *program);
      row->place = place_of(state, *program);
      return tx.save_dialog(key, *row, false, now);
    });
  }

  Value with_names(const Value& value) const {
    if (const Attachment* file = value.file()) return Value(audience->named(*file));
    if (const List* list = value.list()) {
      List named;
      for (const Value& item : *list) named.push_back(with_names(item));
      return Value(std::move(named));
    }
    if (const ValueMap* map = value.map()) return Value(with_names(*map));
    return value;
  }
  ValueMap with_names(const ValueMap& map) const {
    ValueMap named;
    for (const auto& [name, value] : map) named.set(name, with_names(value));
    return named;
  }
};

Stage::Stage(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Stage::~Stage() = default;

Stored<std::unique_ptr<Stage>> Stage::open(std::shared_ptr<const Program> program, StageOptions options,
                                           std::unique_ptr<Audience> audience) {
  auto storage = Storage::open("sqlite::memory:", Durability::Normal);
  if (!storage) return Error{storage.error()};
  auto prepared = storage->prepare_tables(*program);
  if (!prepared) return Error{prepared.error()};
  auto impl = std::make_unique<Impl>(std::move(*storage));
  impl->program = program;
  impl->now = options.now;
  impl->options = std::move(options);
  impl->audience = audience ? std::move(audience) : make_plain_audience();

  BotSetup setup;
  setup.name = kBot;
  setup.program = program;
  setup.seed = impl->options.seed;
  setup.secrets = impl->options.secrets;
  setup.trace = true;
  setup.serving.generation = kFirstVersion;
  auto entered = impl->audience->enter(impl->options, setup);
  if (!entered) return Error{entered.error()};
  impl->player = std::make_unique<Player>(impl->storage, std::move(setup));
  impl->schedules.emplace(*impl->player);
  impl->broadcasts.emplace(*impl->player);
  if (auto begun = impl->run_schedules(); !begun) return Error{begun.error()};
  return std::unique_ptr<Stage>(new Stage(std::move(impl)));
}

Stored<Done> Stage::say(const std::string& person, UserMessage message) {
  auto due = impl_->play_due();
  return due ? impl_->audience->say(person, std::move(message), impl_->play()) : due;
}

Stored<Done> Stage::reload(std::shared_ptr<const Program> program) {
  Impl& impl = *impl_;
  auto due = impl.play_due();
  if (!due) return due;
  auto prepared = impl.storage.prepare_tables(*program);
  if (!prepared) return prepared;
  impl.program = program;
  Serving serving;
  serving.program = std::move(program);
  serving.generation = kFirstVersion + static_cast<std::int64_t>(++impl.reloads);
  impl.player->serve(std::move(serving));
  for (Player::Sweep sweep; !sweep.done;) {
    auto moved = impl.keep(impl.player->sweep(sweep, impl.now, [] { return true; }));
    if (!moved) return moved;
  }
  return impl.run_schedules();
}

Stored<Done> Stage::staff(const std::string& text) {
  auto due = impl_->play_due();
  return due ? impl_->audience->staff(text, impl_->play()) : due;
}

Stored<Done> Stage::crm(CrmNews news) {
  Impl& impl = *impl_;
  if (auto due = impl.play_due(); !due) return due;
  Incoming update;
  update.id = "crm:" + std::to_string(++impl.crm_news);
  if (news.id.empty()) news.id = std::to_string(impl.crm_news);
  update.chat = impl.audience->address(impl.options.user.name);
  update.person.id = update.chat.chat_id;
  update.event = Event{impl.now, 0, std::move(news)};
  auto stored = impl.storage.transact([&](Transaction& tx) -> Stored<Done> {
    InboxRow row = impl.player->inbox_row(update);
    return tx.put_inbox(row);
  });
  if (!stored) return stored;
  return impl.keep(impl.player->go_on());
}

Stored<EventIntake::Outcome> Stage::happen(const std::string& webhook, Value json) {
  Impl& impl = *impl_;
  if (auto due = impl.play_due(); !due) return Error{due.error()};
  EventIntake intake({std::string(kBot), webhook, std::move(json), {}});
  for (;;) {
    auto outcome = intake.go_on(impl.storage, *impl.program, impl.now);
    if (!outcome) return Error{outcome.error()};
    if (!*outcome) continue;
    if ((*outcome)->what == EventIntake::Outcome::What::Stored)
      if (auto kept = impl.keep(impl.player->go_on()); !kept) return Error{kept.error()};
    return std::move(**outcome);
  }
}

Stored<Done> Stage::reach(const std::string& person, bool reachable) {
  auto due = impl_->play_due();
  return due ? impl_->audience->reach(person, reachable, impl_->play()) : due;
}

Stored<bool> Stage::press(const std::string& person, std::string_view label) {
  auto due = impl_->play_due();
  if (!due) return Error{due.error()};
  return impl_->audience->press(person, label, impl_->play());
}

Stored<Done> Stage::advance(Duration by) { return advance_to({impl_->now.unix_ms + by.ms}); }

Stored<Done> Stage::advance_to(Moment target) {
  for (int i = 0; i < kMaxTimers; ++i) {
    auto next = impl_->next_due();
    if (!next) return Error{next.error()};
    if (!*next || **next > target) {
      impl_->set_clock(target);
      return Done{};
    }
    impl_->set_clock(**next);
    auto played = impl_->play_first(**next);
    if (!played) return played;
  }
  return Error{StorageError{StorageError::Kind::Other, "timers come due without end"}};
}

Stored<Done> Stage::stand_still(Duration by) {
  impl_->set_clock({impl_->now.unix_ms + by.ms});
  return impl_->play_due();
}

std::vector<Stage::Report> Stage::take_reports() { return std::exchange(impl_->reports, {}); }
std::vector<Arrival> Stage::take_arrivals() { return std::exchange(impl_->arrivals, {}); }

std::vector<std::string> Stage::visible_labels(const std::string& person) const {
  return impl_->audience->visible_labels(person);
}

Moment Stage::now() const { return impl_->now; }
Stored<std::optional<Moment>> Stage::next_timer() { return impl_->next_due(); }

Stored<std::string> Stage::place() {
  std::string place;
  auto done = impl_->with_state([&](State& state) {
    place = place_of(state, *impl_->program);
    return false;
  });
  if (!done) return Error{done.error()};
  return place;
}

Stored<std::optional<Relay>> Stage::relay() {
  std::optional<Relay> relay;
  auto done = impl_->with_state([&](State& state) {
    relay = state.relay;
    return false;
  });
  if (!done) return Error{done.error()};
  return relay;
}

Stored<ValueMap> Stage::variables() {
  ValueMap variables;
  auto done = impl_->with_state([&](State& state) {
    variables = impl_->with_names(state.variables);
    return false;
  });
  if (!done) return Error{done.error()};
  return variables;
}

Stored<Done> Stage::set_variables(const ValueMap& variables) {
  return impl_->with_state([&](State& state) {
    state.version = impl_->program->version;
    for (const auto& [name, value] : variables) state.variables.set(name, value);
    return true;
  });
}

Stored<List> Stage::rows(const std::string& table) {
  List rows;
  auto done = impl_->storage.transact([&](Transaction& tx) -> Stored<Done> {
    for (std::size_t i = 0; i < impl_->program->tables.size(); ++i) {
      if (impl_->program->tables[i].name != table) continue;
      FindRows find;
      find.table.value = static_cast<std::uint32_t>(i);
      find.sort.push_back({"id", false});
      auto found = tx.find_rows(impl_->program->tables[i], find);
      if (!found) return Error{found.error()};
      rows = std::move(*found);
      return Done{};
    }
    return Error{StorageError{StorageError::Kind::Other, "the scenario has no table `" + table + "`"}};
  });
  if (!done) return Error{done.error()};
  for (Value& row : rows) row = impl_->with_names(row);
  return rows;
}

Stored<std::vector<BroadcastRow>> Stage::broadcasts() {
  std::vector<BroadcastRow> rows;
  auto done = impl_->storage.transact([&](Transaction& tx) -> Stored<Done> {
    auto all = tx.broadcasts().all(kBot, 1000);
    if (!all) return Error{all.error()};
    rows = std::move(*all);
    return Done{};
  });
  if (!done) return Error{done.error()};
  return rows;
}

Stored<Done> Stage::add_row(const std::string& table, const ValueMap& values) {
  return impl_->storage.transact([&](Transaction& tx) -> Stored<Done> {
    for (const Table& known : impl_->program->tables) {
      if (known.name != table) continue;
      auto row = tx.insert_row(known, values, {impl_->main_dialog().user_id, 0}, impl_->now);
      if (!row) return Error{row.error()};
      return Done{};
    }
    return Error{StorageError{StorageError::Kind::Other, "the scenario has no table `" + table + "`"}};
  });
}

Stored<std::vector<RecordedDialog>> Stage::recorded() {
  constexpr std::size_t kAll = 100'000;
  std::vector<RecordedDialog> all;
  auto done = impl_->storage.transact([&](Transaction& tx) -> Stored<Done> {
    auto lines = tx.housekeeping().dialogs(kBot, kAll);
    if (!lines) return Error{lines.error()};
    for (const Housekeeping::DialogLine& line : *lines) {
      auto rows = tx.journal(line.id, kAll);
      if (!rows) return Error{rows.error()};
      all.push_back({line.id, line.key, line.user, std::move(*rows)});
    }
    return Done{};
  });
  if (!done) return Error{done.error()};
  return all;
}

const Visits& Stage::visits() const { return impl_->visits; }
const std::vector<TurnNote>& Stage::notes() const { return impl_->notes; }
const Program& Stage::program() const { return *impl_->program; }

}  // namespace sufler
