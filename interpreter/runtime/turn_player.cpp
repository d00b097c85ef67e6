// Who is meant by an event, and the turn itself.
#include "interpreter/runtime/turn_player.h"

#include <algorithm>

#include "interpreter/core/happenings.h"
#include "interpreter/core/event_json.h"
#include "interpreter/runtime/failpoint.h"
#include "interpreter/runtime/incoming_json.h"
#include "interpreter/runtime/staff_call.h"
#include "storage/schedule_store.h"

namespace sufler {
namespace {

/// More table operations than this in one turn is a scenario that never rests.
constexpr int kMaxTableOperations = 1000;

bool take_over(const Person& person, UserRecord& user) {
  bool changed = false;
  const auto take = [&changed](const std::string& from, std::string& to) {
    // What the platform does not tell must not wipe what is known.
    if (from.empty() || from == to) return;
    to = from;
    changed = true;
  };
  // A scenario may correct names (LANGUAGE 14), so the platform's are taken only while none is
  // known.
  if (user.first_name.empty()) take(person.first_name, user.first_name);
  if (user.last_name.empty()) take(person.last_name, user.last_name);
  take(person.username, user.username);
  if (user.language.empty()) take(person.language, user.language);
  return changed;
}

Serving serving_of(BotSetup& setup) {
  Serving serving = std::move(setup.serving);
  serving.program = setup.program;
  return serving;
}

bool is_for_the_desk(const Event& event) {
  return std::holds_alternative<Delivery>(event.what) ||
         std::holds_alternative<DeskChange>(event.what);
}

/// What happens to a dialog that there is: when its person was erased meanwhile, it begins none.
bool wants_a_dialog(const Event& event, const Program& program) {
  if (const auto* happened = std::get_if<Happened>(&event.what)) {
    const Happening* named = program.events ? program.events->find(happened->event) : nullptr;
    return !happened->alone && !(named && named->kind == Happening::Kind::UserJoined);
  }
  if (const auto* call = std::get_if<StaffCall>(&event.what))
    return call->meant == StaffCall::Meant::Dialog;
  if (const auto* schedule = std::get_if<ScheduleDue>(&event.what)) return !schedule->alone;
  return std::holds_alternative<TicketNews>(event.what) || std::holds_alternative<TimerDue>(event.what) ||
         std::holds_alternative<BroadcastDue>(event.what) || std::holds_alternative<BroadcastEnded>(event.what) ||
         std::holds_alternative<CrmNews>(event.what);
}

}  // namespace

std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

TurnPlayer::TurnPlayer(Storage& storage, BotSetup setup)
    : storage_(storage),
      setup_(std::move(setup)),
      versions_(serving_of(setup_)),
      clerk_(setup_, *this) {
  for (const auto& [role, members] : setup_.roles)
    for (const ChatAddress& member : members)
      roles_of_[member.transport + ":" + member.chat_id].push_back(role);
}

std::vector<std::string> TurnPlayer::roles(const ChatAddress& chat,
                                           const std::string& user_id) const {
  if (roles_of_.empty()) return {};
  auto found = roles_of_.find(chat.transport + ":" + user_id);
  return found == roles_of_.end() ? std::vector<std::string>() : found->second;
}

Stored<TableAnswer> TurnPlayer::operate(Transaction& tx, const TableRequest& request,
                                        const DialogKey& key, std::int64_t dialog_id, Moment at) {
  TableAnswer answer;
  const auto table = [&](TableId id) -> const Table& { return program().tables[id.value]; };
  if (const auto* insert = std::get_if<InsertRow>(&request)) {
    auto row = tx.insert_row(table(insert->table), insert->values, {key.user_id, dialog_id}, at);
    if (!row) return Error{row.error()};
    answer.rows.emplace_back(std::move(*row));
    answer.count = 1;
  } else if (const auto* find = std::get_if<FindRows>(&request)) {
    auto rows = tx.find_rows(table(find->table), *find);
    if (!rows) return Error{rows.error()};
    answer.rows = std::move(*rows);
    answer.count = static_cast<std::int64_t>(answer.rows.size());
  } else if (const auto* count = std::get_if<CountRows>(&request)) {
    auto number = tx.count_rows(table(count->table), count->conditions);
    if (!number) return Error{number.error()};
    answer.count = *number;
  } else if (const auto* update = std::get_if<UpdateRows>(&request)) {
    for (const auto& [id, values] : update->rows) {
      auto changed = tx.update_row(table(update->table), id, values);
      if (!changed) return Error{changed.error()};
      answer.count += *changed;
    }
  } else if (const auto* removal = std::get_if<DeleteRows>(&request)) {
    for (std::int64_t id : removal->ids) {
      auto gone = tx.delete_row(table(removal->table), id);
      if (!gone) return Error{gone.error()};
      answer.count += *gone;
    }
  }
  return answer;
}

Stored<Done> TurnPlayer::play_turn(Transaction& tx, const DialogKey& key, const Person* person,
                                   Event event, const std::string& event_id, Played& played) {
  if (auto done = play_with_kept(tx, key, person, std::move(event), event_id, played); !done)
    return done;
  return play_told(tx, played);
}

Stored<Done> TurnPlayer::play_with_kept(Transaction& tx, const DialogKey& key, const Person* person,
                                        Event event, const std::string& event_id, Played& played) {
  const Moment at = event.at;
  hears_kept_ = false;
  // One that was passed on below fails for itself as well, and so do those behind it.
  const bool apart = kept_apart_ || std::holds_alternative<HearKept>(event.what);
  auto came = comings(tx, key, event);
  if (!came) return Error{came.error()};
  if (came->before)
    if (auto begun = play_one_turn(tx, key, person, std::move(*came->before), {}, played); !begun) return begun;
  auto done = play_one_turn(tx, key, person, std::move(event), event_id, played);
  if (done && came->behind) done = play_one_turn(tx, key, nullptr, std::move(*came->behind), {}, played);
  if (!done || !apart) return done ? hear_kept(tx, key, at, played) : done;
  if (!std::exchange(hears_kept_, false)) return done;
  return pass_on(tx, key, "kept:" + std::to_string(mix(setup_.seed + ++counter_)), Event{at, 0, HearKept{}});
}

/// What `events` make of a person who comes or goes: a turn of its own beside the event that told of it.
Stored<TurnPlayer::Comings> TurnPlayer::comings(Transaction& tx, const DialogKey& key, const Event& event) const {
  Comings comings;
  const auto& events = program().events;
  if (!events || key.chat.chat_id != key.user_id || key.chat.transport == kScheduleTransport) return comings;
  const Happening* const joined = events->first(Happening::Kind::UserJoined);
  const Happening* const blocked = events->first(Happening::Kind::UserBlocked);
  const auto* const reached = std::get_if<Reachability>(&event.what);
  const bool writes = std::holds_alternative<UserMessage>(event.what) || std::holds_alternative<ButtonPress>(event.what);
  if ((!joined && !blocked) || (!reached && !writes)) return comings;
  auto row = tx.load_dialog(key);
  if (!row) return Error{row.error()};
  const bool fresh = row->id == 0;
  Standing standing;
  const bool was_gone = !fresh && read_standing(row->state, standing) && standing.unreachable;
  const auto make = [&](const Happening& one) {
    Happened happened;
    happened.event = one.name;
    happened.branch = program().branch(one.branch).name;
    ValueMap json;
    if (&one == joined) json.set("again", was_gone);
    happened.data = Value(std::move(json));
    return Event{event.at, 0, std::move(happened)};
  };
  if (joined && fresh && (writes || reached->reachable)) comings.before = make(*joined);
  if (joined && was_gone && (writes || reached->reachable)) comings.behind = make(*joined);
  if (blocked && reached && !reached->reachable && !fresh && !was_gone) comings.behind = make(*blocked);
  return comings;
}

Stored<Done> TurnPlayer::hear_kept(Transaction& tx, const DialogKey& key, Moment at, Played& played) {
  Stored<Done> done = Done{};
  // Each takes one of the few that are kept.
  while (done && std::exchange(hears_kept_, false))
    done = play_one_turn(tx, key, nullptr, Event{at, 0, HearKept{}}, {}, played);
  return done;
}

Stored<Done> TurnPlayer::play_told(Transaction& tx, Played& played) {
  while (!told_.empty()) {
    const Told next = std::move(told_.front());
    told_.pop_front();
    if (storage_.shared()) {
      if (auto passed = pass_on(tx, next.dialog, next.id, next.event); !passed) return passed;
      continue;
    }
    if (auto done = play_with_kept(tx, next.dialog, nullptr, next.event, {}, played); !done)
      return done;
  }
  return Done{};
}

struct TurnPlayer::Sitting {
  DialogKey key;
  DialogRow row;
  State state;
  UserRecord user;
  Relocation relocation;
  std::vector<AgentRow> agents;
  bool read_shared = false;
  bool read_now = false;
  std::optional<ValueMap> shared_before;  // where the turn changes it
  std::vector<std::string> secrets;  // of all parts: a result may tell what the last part knows no more
  std::vector<Effect> effects;  // so far
  bool user_changed = false;
  bool rehearsed = false;
  Moment at;
  Moment now;  // when it is played; zero without a clock
};

/// For as long as it lives another version is played than the live one.
class TurnPlayer::Running {
 public:
  explicit Running(TurnPlayer& player) : player_(player) {}
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  ~Running() { player_.setup_.program = player_.versions_.live(); }
  void run(std::shared_ptr<const Program> program) { player_.setup_.program = std::move(program); }

 private:
  TurnPlayer& player_;
};

Serving TurnPlayer::serve(Serving serving) {
  if (serving.secrets) setup_.secrets = std::move(*serving.secrets);
  Serving before = versions_.serve(std::move(serving));
  setup_.program = versions_.live();
  setup_.left_out = false;
  return before;
}

Stored<Done> TurnPlayer::open(Transaction& tx, const DialogKey& key, const Person* person,
                              Moment at, Played& played, Sitting& sitting, Running& running) {
  sitting.key = key;
  sitting.at = at;
  if (setup_.clock) sitting.now = setup_.clock->now();
  auto row = tx.load_dialog(key);
  if (!row) return Error{row.error()};
  sitting.row = std::move(*row);
  // Another process has deployed something newer and has played this dialog with it: not one turn
  // goes back.
  if (storage_.shared() && sitting.row.generation > versions_.generation()) {
    note_newest(sitting.row.generation);
    return Error{StorageError{StorageError::Kind::Busy, "a newer version of the scenario is live"}};
  }
  bool lost = false;
  waits_for_version_ = false;
  auto program_of_dialog = versions_.of(key, sitting.row, lost);
  if (!program_of_dialog) {
    waits_for_version_ = true;
    return Error{StorageError{StorageError::Kind::Busy, "the version " + sitting.row.pinned + " is being read"}};
  }
  sitting.rehearsed = versions_.rehearsed_by(key) != nullptr;
  running.run(std::move(program_of_dialog));
  if (lost) {
    played.notes.push_back({TurnNote::Kind::Relocated,
                            key.chat,
                            "the version " + sitting.row.pinned +
                                " with which it entered a pinned branch is gone; it goes on with " +
                                program().version,
                            {}});
  }

  if (!sitting.row.state.empty() &&
      !from_json(sitting.row.state, program(), sitting.state, &sitting.relocation)) {
    played.notes.push_back({TurnNote::Kind::Fault,
                            key.chat,
                            "the dialog's state could not be read; it begins anew",
                            {}});
    sitting.state = State{};
  }
  sitting.user_changed =
      sitting.row.user.empty() || !from_json(sitting.row.user, sitting.user);
  if (sitting.user_changed) {
    sitting.user = UserRecord{};
    sitting.user.id = key.user_id;
    sitting.user.platform = key.chat.transport;
    sitting.user.created_at = at;
  }
  if (person) sitting.user_changed |= take_over(*person, sitting.user);
  if (!shared_) {
    auto loaded = tx.load_shared(setup_.name);
    if (!loaded) return Error{loaded.error()};
    shared_ = std::move(*loaded);
  }
  return Done{};
}

Surroundings TurnPlayer::surroundings_of(const Sitting& sitting) const {
  Surroundings surroundings;
  surroundings.chat = sitting.key.chat;
  surroundings.shared = &*shared_;
  surroundings.roles = roles(sitting.key.chat, sitting.key.user_id);
  for (std::string& role : DeskClerk::roles_of(sitting.agents))
    surroundings.roles.push_back(std::move(role));
  surroundings.is_agent = !sitting.agents.empty();
  surroundings.trace = setup_.trace;
  surroundings.now = sitting.now;
  return surroundings;
}

Stored<Done> TurnPlayer::note_shared(Transaction& tx, const Turn& turn) {
  for (const auto& [name, value] : turn.shared_changes) {
    if (value.is_null()) {
      shared_->erase(name);
    } else {
      shared_->set(name, value);
    }
    auto stored = tx.set_shared(setup_.name, name, value);
    if (!stored) return stored;
  }
  return Done{};
}

Stored<Done> TurnPlayer::play_out(Transaction& tx, Sitting& sitting, Turn& turn, Played& played) {
  const Moment at = sitting.at;
  for (int operations = 0;; ++operations) {
    sitting.user_changed |= turn.user_changed;
    sitting.read_shared |= turn.read_shared;
    sitting.read_now |= turn.read_now;
    if (!turn.shared_changes.empty() && !sitting.shared_before) sitting.shared_before = *shared_;
    if (auto stored = note_shared(tx, turn); !stored) return stored;
    std::move(turn.trace.begin(), turn.trace.end(), std::back_inserter(played.trace));
    if (sitting.effects.empty()) {
      sitting.effects = std::move(turn.effects);
    } else {
      std::move(turn.effects.begin(), turn.effects.end(), std::back_inserter(sitting.effects));
    }
    if (!turn.asks && !turn.asks_desk) break;

    // The row a table operation makes belongs to the dialog, so the dialog needs its id by now.
    if (sitting.row.id == 0) {
      auto saved = tx.save_dialog(sitting.key, sitting.row, false, at);
      if (!saved) return saved;
    }
    Event next{at, mix(setup_.seed + ++counter_), TableAnswer{}};
    if (operations < kMaxTableOperations && turn.asks_desk) {
      auto answer =
          clerk_.answer(tx, *turn.asks_desk, {sitting.row.id, sitting.key}, at, played);
      if (!answer) return Error{answer.error()};
      next.what = std::move(*answer);
    } else if (operations < kMaxTableOperations) {
      auto answer = operate(tx, *turn.asks, sitting.key, sitting.row.id, at);
      if (!answer) {
        if (answer.error().kind != StorageError::Kind::Constraint) return Error{answer.error()};
        next.what = TableAnswer{{}, 0, answer.error().message};
      } else {
        next.what = std::move(*answer);
      }
    } else {
      next.what = TurnFailed{"more than " + std::to_string(kMaxTableOperations) +
                             " table operations in one turn"};
    }
    recorder_.result(turn.asks ? name_of(*turn.asks, program()) : "desk", next);
    std::move(turn.secrets.begin(), turn.secrets.end(), std::back_inserter(sitting.secrets));
    turn = step(program(), std::move(turn.next), std::move(turn.user), surroundings_of(sitting),
                next);
  }
  turn.effects = std::move(sitting.effects);
  sitting.effects.clear();
  hears_kept_ |= turn.hears_kept;
  return Done{};
}

void TurnPlayer::begin_record(Sitting& sitting, const Event& event) {
  const bool moved = sitting.relocation.other_version || sitting.state.moved_silently;
  sitting.state.moved_silently = false;
  recorder_.begin(program(), sitting.state, sitting.row.state, moved, event);
  // Of a person with several dialogs here the others' turns may have changed what is known.
  if (sitting.user_changed || recorder_.keeps_state() || sitting.key.chat.chat_id != sitting.key.user_id)
    recorder_.user(to_json(sitting.user));
  recorder_.around(surroundings_of(sitting));
}

Stored<Done> TurnPlayer::close(Transaction& tx, Sitting& sitting, Turn& turn,
                               std::string journal_event, const std::string& event_id,
                               Moment changed_at, Played& played) {
  DialogRow& row = sitting.row;
  row.state = to_json(turn.next, program());
  row.place = place_of(turn.next, program());
  row.generation = versions_.generation();
  // A rehearsal ends when it is ended, wherever the dialog stands.
  if (row.generation == 0 || sitting.rehearsed || !is_pinned(program(), turn.next)) {
    row.pinned.clear();
    row.pinned_at = Moment{};
  } else if (row.pinned != program().version) {
    row.pinned = program().version;
    row.pinned_at = sitting.at;
  }
  if (sitting.user_changed) row.user = to_json(turn.user);
  auto saved = tx.save_dialog(sitting.key, row, sitting.user_changed, changed_at);
  if (!saved) return saved;

  auto done = carry_out(tx, sitting.key, turn, journal_event, row.id, sitting.at, played);
  if (!done) return done;

  if (journal_event.empty()) return Done{};
  JournalRow journal;
  journal.dialog_id = row.id;
  journal.at = sitting.at;
  journal.event_id = event_id;
  journal.event = std::move(journal_event);
  journal.turn = journal_turn_json(turn);
  if (sitting.read_shared)
    recorder_.shared(sitting.shared_before ? std::move(*sitting.shared_before) : *shared_);
  if (sitting.read_now && sitting.now > sitting.at) recorder_.now(sitting.now);
  std::move(turn.secrets.begin(), turn.secrets.end(), std::back_inserter(sitting.secrets));
  recorder_.place(row.place);
  recorder_.finish(program(), sitting.secrets, journal.turn);
  journal.version = program().version;
  return tx.append_journal(journal);
}

void TurnPlayer::tell_turn(const Sitting& sitting, const Event& event, std::string from, std::size_t messages,
                           Played& played) const {
  // By dialog, so that a sample has whole talks.
  const auto picked = mix(static_cast<std::uint64_t>(sitting.row.id)) % 100;
  if (setup_.log_turns <= 0 || picked >= static_cast<std::uint64_t>(setup_.log_turns)) return;
  TurnLine line{sitting.row.id, sitting.key.chat, std::string(kind_of(event)), std::move(from), sitting.row.place, messages,
                program().version, 0};
  if (setup_.clock) line.lag_ms = std::max<std::int64_t>(0, setup_.clock->now().unix_ms - event.at.unix_ms);
  played.lines.push_back(std::move(line));
}

Stored<Done> TurnPlayer::play_one_turn(Transaction& tx, const DialogKey& key, const Person* person,
                                       Event event, const std::string& event_id, Played& played) {
  Sitting sitting;
  if (!clerk_.idle()) {
    if (const auto* timer = std::get_if<TimerDue>(&event.what)) {
      auto own = clerk_.timer_due(tx, *timer, event.at, played);
      if (!own) return Error{own.error()};
      if (*own) return Done{};
    }
    if (heard_of_ && heard_of_->first == key) {
      sitting.agents = std::move(heard_of_->second);
      heard_of_.reset();
    } else {
      auto found = clerk_.agents(tx, key.chat, key.user_id);
      if (!found) return Error{found.error()};
      sitting.agents = std::move(*found);
    }
  }
  std::string pinned;
  bool unheard = false;
  {
    Running running(*this);
    auto opened = open(tx, key, person, event.at, played, sitting, running);
    if (!opened) return opened;
    if (sitting.row.id == 0 && wants_a_dialog(event, program())) {
      played.notes.push_back({TurnNote::Kind::Log,
                              key.chat,
                              "the dialog is gone: what was still to happen in it was left undone",
                              {}});
      return Done{};
    }
    if (const auto* schedule = std::get_if<ScheduleDue>(&event.what);
        schedule && schedule->unchanged_since.unix_ms != 0) {
      // The person has written since the schedule looked at the dialog: it is idle no more.
      auto changed = tx.schedules().changed_at(sitting.row.id);
      if (!changed) return Error{changed.error()};
      if (schedule->unchanged_since < *changed) return Done{};
    }
    pinned = sitting.row.pinned;
    if (const auto* message = std::get_if<UserMessage>(&event.what))
      failpoint("turn", message->text);
    event.seed = mix(setup_.seed + ++counter_);
    begin_record(sitting, event);
    std::string journal_event = journal_event_json(event, sitting.state, program());
    Turn turn = step(program(), std::move(sitting.state), std::move(sitting.user),
                     surroundings_of(sitting), event);
    unheard = turn.unheard;
    if (auto played_out = play_out(tx, sitting, turn, played); !played_out) return played_out;
    if (unheard) journal_event = to_json(RecordedMove{event.at, event.seed, program().version});
    std::string from = setup_.log_turns > 0 ? sitting.row.place : std::string();
    const auto messages = std::count_if(turn.effects.begin(), turn.effects.end(),
                                        [](const Effect& effect) { return std::holds_alternative<SendMessage>(effect); });
    const auto* const broadcast = std::get_if<BroadcastDue>(&event.what);
    const auto* const schedule = std::get_if<ScheduleDue>(&event.what);
    Moment changed_at = event.at;
    const auto* const happened = std::get_if<Happened>(&event.what);
    if (broadcast || (happened && !happened->alone && sitting.row.id != 0) || (schedule && !schedule->alone && schedule->resting_in.empty())) {
      // What everybody is told is no sign of life: who is silent stays so, and who is gone is forgotten in time.
      auto before = tx.schedules().changed_at(sitting.row.id);
      if (!before) return Error{before.error()};
      changed_at = *before;
    }
    broadcast_ = broadcast && !unheard ? broadcast->id : 0;
    broadcast_chat_ = &key.chat;
    const auto* const crm = std::get_if<CrmNews>(&event.what);
    crm_message_ = crm && crm->what == CrmNews::What::Wrote && setup_.crm_chat && !unheard ? crm->id : std::string();
    auto closed = close(tx, sitting, turn, std::move(journal_event), unheard ? std::string() : event_id, changed_at, played);
    broadcast_ = 0;
    crm_message_.clear();
    if (!closed) return closed;
    if (!unheard) tell_turn(sitting, event, std::move(from), static_cast<std::size_t>(messages), played);
    if (const auto* news = std::get_if<TicketNews>(&event.what))
      failpoint(news->what == TicketNews::What::Closed ? "ticket_returned" : "ticket_news");
    ++played.turns;
  }
  if (unheard) {
    if (auto kept = hear_kept(tx, key, event.at, played); !kept) return kept;
    return play_one_turn(tx, key, person, std::move(event), event_id, played);
  }
  // It has left the branch that it had to finish: the live version takes it over at once.
  if (pinned.empty() || !sitting.row.pinned.empty() || pinned == program().version) return Done{};
  auto moved = bring_over(tx, key, event.at, event.at, played);
  if (!moved) return Error{moved.error()};
  return Done{};
}

Stored<bool> TurnPlayer::move_dialog(Transaction& tx, const DialogKey& key, Moment changed_at,
                                     Moment at, Played& played) {
  hears_kept_ = false;
  auto moved = bring_over(tx, key, changed_at, at, played);
  if (!moved) return moved;
  if (auto heard = hear_kept(tx, key, at, played); !heard) return Error{heard.error()};
  if (auto told = play_told(tx, played); !told) return Error{told.error()};
  return moved;
}

Stored<bool> TurnPlayer::bring_over(Transaction& tx, const DialogKey& key, Moment changed_at,
                                     Moment at, Played& played) {
  Sitting sitting;
  Running running(*this);
  auto opened = open(tx, key, nullptr, at, played, sitting, running);
  if (!opened) return Error{opened.error()};
  if (sitting.row.id == 0 || sitting.row.state.empty() || !sitting.relocation.other_version)
    return false;
  const Event arrival{at, mix(setup_.seed + ++counter_), {}};
  std::string journal_event = to_json(RecordedMove{at, arrival.seed, program().version});
  begin_record(sitting, arrival);
  Turn turn = move_to_version(program(), std::move(sitting.state), std::move(sitting.user),
                              surroundings_of(sitting), at, arrival.seed);
  if (auto played_out = play_out(tx, sitting, turn, played); !played_out)
    return Error{played_out.error()};
  const bool changed = !turn.effects.empty();
  turn.next.moved_silently = !changed;
  auto closed = close(tx, sitting, turn, changed ? std::move(journal_event) : std::string(), {},
                      changed_at, played);
  if (!closed) return Error{closed.error()};
  return changed;
}

DialogKey TurnPlayer::key_of(const Incoming& update) const {
  return {setup_.name, update.chat,
          update.person.id.empty() ? update.chat.chat_id : update.person.id};
}

Stored<Done> TurnPlayer::play_update(Transaction& tx, const Incoming& update, Played& played) {
  told_.clear();
  heard_of_.reset();
  if (const auto* delivery = std::get_if<Delivery>(&update.event.what); delivery && delivery->ticket_message == 0)
    return tell_crm_delivery(tx, key_of(update), *delivery, update.event.at, played);
  if (clerk_.idle() && is_for_the_desk(update.event)) {
    played.notes.push_back({TurnNote::Kind::Log,
                            update.chat,
                            "something for a desk that the scenario has no more",
                            {}});
    return Done{};
  }
  if (!clerk_.idle()) {
    auto heard = hear_at_desk(tx, update, played);
    if (!heard) return Error{heard.error()};
    if (*heard) return play_told(tx, played);
  }
  if (const auto word = staff_word(program(), setup_.roles, update)) {
    auto call = meant_by(tx, program(), setup_.name, *word, update);
    if (!call) return Error{call.error()};
    Event event = update.event;
    event.what = std::move(call->call);
    if (!call->dialog)
      return play_turn(tx, key_of(update), &update.person, std::move(event), update.id, played);
    if (storage_.shared())
      return pass_on(tx, *call->dialog, "staff:" + update.id, std::move(event));
    return play_turn(tx, *call->dialog, nullptr, std::move(event), update.id, played);
  }
  auto among_staff = is_talk_about_a_notice(tx, update);
  if (!among_staff) return Error{among_staff.error()};
  if (*among_staff) return Done{};
  return play_turn(tx, key_of(update), &update.person, update.event, update.id, played);
}

Stored<bool> TurnPlayer::hear_at_desk(Transaction& tx, const Incoming& update, Played& played) {
  if (const auto* delivery = std::get_if<Delivery>(&update.event.what)) {
    auto done = clerk_.hear_delivery(tx, *delivery, update.event.at, played);
    if (!done) return Error{done.error()};
    return true;
  }
  if (const auto* change = std::get_if<DeskChange>(&update.event.what)) {
    auto done = clerk_.hear_change(tx, *change, update.event.at, played);
    if (!done) return Error{done.error()};
    return true;
  }
  auto agents = clerk_.agents(tx, update.chat, update.person.id);
  if (!agents) return Error{agents.error()};
  auto heard = clerk_.hear(tx, update, *agents, played);
  if (heard && !*heard) heard_of_.emplace(key_of(update), std::move(*agents));
  return heard;
}

InboxRow TurnPlayer::inbox_row(const Incoming& update) const {
  InboxRow row;
  row.bot = setup_.name;
  row.transport = update.chat.transport;
  row.event_id = update.id;
  row.user_id = key_of(update).user_id;
  row.incoming = to_json(update);
  return row;
}

Incoming TurnPlayer::timer_update(const TimerRow& timer, Moment now) const {
  Incoming update;
  update.id = "timer:" + std::to_string(timer.dialog_id) + ":" + timer.name + ":" +
              std::to_string(timer.serial) + ":" + std::to_string(timer.due.unix_ms);
  update.chat = timer.key.chat;
  update.person.id = timer.key.user_id;
  update.event = Event{now, 0, TimerDue{timer.name, timer.serial}};
  return update;
}

Stored<Done> TurnPlayer::pass_on(Transaction& tx, const DialogKey& to, const std::string& id,
                                 Event event) const {
  Incoming passed;
  passed.id = id;
  passed.chat = to.chat;
  passed.person.id = to.user_id;
  passed.event = std::move(event);
  InboxRow row = inbox_row(passed);
  return tx.put_inbox(row);
}

Stored<bool> TurnPlayer::is_talk_about_a_notice(Transaction& tx, const Incoming& update) const {
  const auto* message = std::get_if<UserMessage>(&update.event.what);
  if (update.is_private || !message || message->reply_to.empty() || message->text.starts_with('/'))
    return false;
  auto dialog = tx.dialog_of_message(setup_.name, update.chat, message->reply_to);
  if (!dialog) return Error{dialog.error()};
  return dialog->has_value();
}

}  // namespace sufler
