// A batch is tried as one transaction of many turns. Only when that fails for a reason that lies in an event
// itself are the events stored in the inbox and played one by one, so the usual turn pays nothing for the rare
// one.
#include "interpreter/runtime/player.h"

#include <exception>
#include <set>

#include "interpreter/core/transcript.h"
#include "interpreter/runtime/failpoint.h"
#include "interpreter/runtime/incoming_json.h"
#include "interpreter/runtime/staff_call.h"

namespace sufler {
namespace {

/// More table operations than this in one turn is a scenario that never rests.
constexpr int kMaxTableOperations = 1000;
/// So many turns of a dialog go with a notice that has `history: true`.
constexpr std::size_t kHistoryTurns = 1000;
/// How many events after an unclean stop go through the inbox.
constexpr std::size_t kCarefulEvents = 200;

std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

/// The world's trouble: nothing is wrong with the event, so it is tried again later.
bool is_of_the_world(StorageError::Kind kind) {
  using Kind = StorageError::Kind;
  return kind == Kind::Busy || kind == Kind::Lost || kind == Kind::CannotOpen || kind == Kind::Full || kind == Kind::Corrupt ||
         kind == Kind::NewerSchema;
}

}  // namespace

struct Player::Impl {
  Storage& storage;
  BotSetup setup;
  std::uint64_t counter = 0;
  std::uint64_t call_counter = 0;
  std::optional<ValueMap> shared;  // loaded once: this process is the bot's only writer
  std::size_t careful_left = 0;
  bool inbox_left = false;  // events that are stored could not be played yet
  std::map<std::int64_t, std::uint32_t> counted;  // events whose attempt was counted and not made, with that count
  std::map<std::string, std::vector<std::string>> roles_of;  // "transport:chat" → roles

  Impl(Storage& used, BotSetup given) : storage(used), setup(std::move(given)) {
    for (const auto& [role, members] : setup.roles)
      for (const ChatAddress& member : members)
        roles_of[member.transport + ":" + member.chat_id].push_back(role);
  }

  const Program& program() const { return *setup.program; }

  std::vector<std::string> roles(const ChatAddress& chat, const std::string& user_id) const {
    if (roles_of.empty()) return {};
    auto found = roles_of.find(chat.transport + ":" + user_id);
    return found == roles_of.end() ? std::vector<std::string>() : found->second;
  }

  // ---- one turn

  Stored<TableAnswer> operate(Transaction& tx, const TableRequest& request, const DialogKey& key,
                              std::int64_t dialog_id, Moment at) {
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

  Stored<Done> enqueue(Transaction& tx, const ChatAddress& chat, std::vector<ApiCall> calls, ResendPolicy resend,
                       std::int64_t dialog_id, Moment at, Played& played, bool notice = false) {
    for (ApiCall& call : calls) {
      call.repeat_key = static_cast<std::int32_t>(mix(~setup.seed + ++call_counter) >> 33) | 1;
      OutboxRow row;
      row.bot = setup.name;
      row.chat = chat;
      row.call = std::move(call);
      row.resend = resend;
      // A row that must never go out twice counts as being sent from the moment it is stored: a crash
      // before its sending is then the same as one after it.
      row.state = resend == ResendPolicy::Never ? OutboxRow::State::Sending : OutboxRow::State::New;
      row.dialog_id = dialog_id;
      row.notice = notice;
      auto id = tx.enqueue(row, at);
      if (!id) return Error{id.error()};
      row.id = *id;
      played.outbox.push_back(std::move(row));
    }
    return Done{};
  }

  const Renderer* renderer(const ChatAddress& chat) const {
    auto found = setup.renderers.find(chat.transport);
    return found == setup.renderers.end() ? nullptr : found->second;
  }

  /// The dialog up to the notice at `turn.effects[until]`, as a file.
  Stored<Attachment> history(Transaction& tx, std::int64_t dialog_id, Moment at, const std::string& event,
                             const Turn& turn, std::size_t until) {
    auto rows = tx.journal(dialog_id, kHistoryTurns);
    if (!rows) return Error{rows.error()};
    std::vector<JournalLine> lines;
    lines.reserve(rows->size() + 1);
    for (JournalRow& row : *rows) lines.push_back({row.at, std::move(row.event), std::move(row.turn)});
    Turn before;  // this turn is not in the journal yet
    before.secrets = turn.secrets;
    before.effects.assign(turn.effects.begin(), turn.effects.begin() + static_cast<std::ptrdiff_t>(until));
    lines.push_back({at, event, journal_turn_json(before)});
    std::string name = turn.user.first_name;
    if (!turn.user.last_name.empty()) name += (name.empty() ? "" : " ") + turn.user.last_name;
    Attachment file;
    file.origin = "text";
    file.name = "history.txt";
    file.mime = "text/plain";
    file.reference = transcript(program(), lines, name);
    file.size = static_cast<std::int64_t>(file.reference.size());
    return file;
  }

  Stored<Done> carry_out(Transaction& tx, const ChatAddress& chat, Turn& turn, const std::string& event,
                         std::int64_t dialog_id, Moment at, Played& played) {
    for (std::size_t i = 0; i < turn.effects.size(); ++i) {
      Effect& effect = turn.effects[i];
      Stored<Done> done = Done{};
      if (auto* send = std::get_if<SendMessage>(&effect)) {
        if (const Renderer* to = renderer(chat))
          done = enqueue(tx, chat, to->render(chat, send->message), send->resend, dialog_id, at, played);
      } else if (auto* notify = std::get_if<NotifyPeople>(&effect)) {
        std::vector<ChatAddress> people;
        if (!notify->address.chat_id.empty()) {
          people.push_back(notify->address);
        } else if (!notify->user_id.empty()) {
          people.push_back({chat.transport, notify->user_id});
        } else if (auto role = setup.roles.find(notify->role); role != setup.roles.end()) {
          people = role->second;
        }
        if (people.empty()) {
          played.notes.push_back({TurnNote::Kind::Log, chat,
                                  "nobody has the role `" + notify->role + "`: a notice went to no one", {}});
        }
        // The journal keeps the notice without its history, which would be the journal once more.
        Message with_history;
        if (notify->history && !people.empty()) {
          auto file = history(tx, dialog_id, at, event, turn, i);
          if (!file) return Error{file.error()};
          with_history = notify->message;
          with_history.attachments.push_back(std::move(*file));
        }
        const Message& message = notify->history ? with_history : notify->message;
        for (const ChatAddress& person : people) {
          const Renderer* to = renderer(person);
          if (!to) continue;
          done = enqueue(tx, person, to->render(person, message), ResendPolicy::Repeat, dialog_id, at, played, true);
          if (!done) break;
        }
      } else if (auto* press = std::get_if<AnswerPress>(&effect)) {
        if (const Renderer* to = renderer(chat)) {
          std::vector<ApiCall> calls;
          calls.push_back(to->render_press_answer(chat, press->press_id, press->text));
          done = enqueue(tx, chat, std::move(calls), ResendPolicy::Repeat, dialog_id, at, played);
        }
      } else if (auto* set = std::get_if<SetTimer>(&effect)) {
        done = tx.set_timer(dialog_id, *set);
        played.timers_changed = true;
      } else if (auto* cancel = std::get_if<CancelTimer>(&effect)) {
        done = tx.cancel_timer(dialog_id, cancel->name);
        played.timers_changed = true;
      } else if (auto* log = std::get_if<WriteLog>(&effect)) {
        played.notes.push_back({TurnNote::Kind::Log, chat, log->text, {}});
      } else if (auto* track = std::get_if<TrackEvent>(&effect)) {
        done = tx.count_track(setup.name, dialog_id, track->name, at);
      } else if (auto* fault = std::get_if<ReportFault>(&effect)) {
        played.notes.push_back({TurnNote::Kind::Fault, chat, fault->reason, fault->span});
      } else if (auto* moved = std::get_if<Relocated>(&effect)) {
        played.notes.push_back({TurnNote::Kind::Relocated, chat,
                                "the place `" + moved->from + "` is gone; the dialog goes on at `" + moved->to + "`",
                                {}});
      }
      if (!done) return done;
    }
    return Done{};
  }

  Stored<Done> play_turn(Transaction& tx, const DialogKey& key, const Person* person, Event event,
                         const std::string& event_id, Played& played) {
    if (!shared) {
      auto loaded = tx.load_shared(setup.name);
      if (!loaded) return Error{loaded.error()};
      shared = std::move(*loaded);
    }
    auto row = tx.load_dialog(key);
    if (!row) return Error{row.error()};

    State state;
    Relocation relocation;
    if (!row->state.empty() && !from_json(row->state, program(), state, &relocation)) {
      played.notes.push_back({TurnNote::Kind::Fault, key.chat, "the dialog's state could not be read; it begins anew", {}});
      state = State{};
    }
    UserRecord user;
    bool user_changed = row->user.empty() || !from_json(row->user, user);
    if (user_changed) {
      user = UserRecord{};
      user.id = key.user_id;
      user.platform = key.chat.transport;
      user.created_at = event.at;
    }
    if (person) user_changed |= take_over(*person, user);

    Surroundings surroundings;
    surroundings.chat = key.chat;
    surroundings.shared = &*shared;
    surroundings.roles = roles(key.chat, key.user_id);
    surroundings.trace = setup.trace;

    if (const auto* message = std::get_if<UserMessage>(&event.what)) failpoint("turn", message->text);
    event.seed = mix(setup.seed + ++counter);
    std::string journal_event = journal_event_json(event, state, program());
    const Moment at = event.at;

    std::vector<Effect> effects;
    if (relocation.moved) effects.emplace_back(Relocated{relocation.from, relocation.to});
    Turn turn = step(program(), std::move(state), std::move(user), surroundings, event);
    for (int operations = 0;; ++operations) {
      user_changed |= turn.user_changed;
      for (const auto& [name, value] : turn.shared_changes) {
        if (value.is_null()) {
          shared->erase(name);
        } else {
          shared->set(name, value);
        }
        auto stored = tx.set_shared(setup.name, name, value);
        if (!stored) return stored;
      }
      played.visited.insert(played.visited.end(), turn.visited.begin(), turn.visited.end());
      if (effects.empty()) {
        effects = std::move(turn.effects);
      } else {
        std::move(turn.effects.begin(), turn.effects.end(), std::back_inserter(effects));
      }
      if (!turn.asks) break;

      // The row a table operation makes belongs to the dialog, so the dialog needs its id by now.
      if (row->id == 0) {
        auto saved = tx.save_dialog(key, *row, false, at);
        if (!saved) return saved;
      }
      Event next{at, mix(setup.seed + ++counter), TableAnswer{}};
      if (operations < kMaxTableOperations) {
        auto answer = operate(tx, *turn.asks, key, row->id, at);
        if (!answer) {
          if (answer.error().kind != StorageError::Kind::Constraint) return Error{answer.error()};
          next.what = TableAnswer{{}, 0, answer.error().message};
        } else {
          next.what = std::move(*answer);
        }
      } else {
        next.what = TurnFailed{"more than " + std::to_string(kMaxTableOperations) + " table operations in one turn"};
      }
      turn = step(program(), std::move(turn.next), std::move(turn.user), surroundings, next);
    }
    turn.effects = std::move(effects);

    row->state = to_json(turn.next, program());
    row->place = place_of(turn.next, program());
    if (user_changed) row->user = to_json(turn.user);
    auto saved = tx.save_dialog(key, *row, user_changed, at);
    if (!saved) return saved;

    auto done = carry_out(tx, key.chat, turn, journal_event, row->id, at, played);
    if (!done) return done;

    JournalRow journal;
    journal.dialog_id = row->id;
    journal.at = at;
    journal.event_id = event_id;
    journal.event = std::move(journal_event);
    journal.turn = journal_turn_json(turn);
    journal.version = program().version;
    ++played.turns;
    return tx.append_journal(journal);
  }

  static bool take_over(const Person& person, UserRecord& user) {
    bool changed = false;
    const auto take = [&changed](const std::string& from, std::string& to) {
      // What the platform does not tell must not wipe what is known.
      if (from.empty() || from == to) return;
      to = from;
      changed = true;
    };
    // A scenario may correct names (LANGUAGE 14), so the platform's are taken only while none is known.
    if (user.first_name.empty()) take(person.first_name, user.first_name);
    if (user.last_name.empty()) take(person.last_name, user.last_name);
    take(person.username, user.username);
    if (user.language.empty()) take(person.language, user.language);
    return changed;
  }

  static DialogKey key_of(const std::string& bot, const Incoming& update) {
    return {bot, update.chat, update.person.id.empty() ? update.chat.chat_id : update.person.id};
  }

  Stored<Done> play_update(Transaction& tx, const Incoming& update, Played& played) {
    if (const auto word = staff_word(program(), setup.roles, update)) {
      auto call = meant_by(tx, program(), setup.name, *word, update);
      if (!call) return Error{call.error()};
      Event event = update.event;
      event.what = std::move(call->call);
      if (!call->dialog) return play_turn(tx, key_of(setup.name, update), &update.person, std::move(event), update.id, played);
      if (storage.shared()) return pass_on(tx, *call->dialog, update, std::get<StaffCall>(std::move(event.what)));
      return play_turn(tx, *call->dialog, nullptr, std::move(event), update.id, played);
    }
    auto among_staff = is_talk_about_a_notice(tx, update);
    if (!among_staff) return Error{among_staff.error()};
    if (*among_staff) return Done{};
    return play_turn(tx, key_of(setup.name, update), &update.person, update.event, update.id, played);
  }

  InboxRow inbox_row(const Incoming& update) const {
    InboxRow row;
    row.bot = setup.name;
    row.transport = update.chat.transport;
    row.event_id = update.id;
    row.user_id = key_of(setup.name, update).user_id;
    row.incoming = to_json(update);
    return row;
  }

  Incoming timer_update(const TimerRow& timer, Moment now) const {
    Incoming update;
    update.id = "timer:" + std::to_string(timer.dialog_id) + ":" + timer.name + ":" + std::to_string(timer.serial) +
                ":" + std::to_string(timer.due.unix_ms);
    update.chat = timer.key.chat;
    update.person.id = timer.key.user_id;
    update.event = Event{now, 0, TimerDue{timer.name, timer.serial}};
    return update;
  }

  /// Of another person's dialog: where several processes play, that is for whoever claims the other person.
  Stored<Done> pass_on(Transaction& tx, const DialogKey& to, const Incoming& update, StaffCall call) {
    Incoming passed;
    passed.id = "staff:" + update.id;
    passed.chat = to.chat;
    passed.person.id = to.user_id;
    passed.event = update.event;
    passed.event.what = std::move(call);
    InboxRow row = inbox_row(passed);
    return tx.put_inbox(row);
  }

  /// People of a group who answer a notice there (`беру`) speak to each other: it begins nothing.
  Stored<bool> is_talk_about_a_notice(Transaction& tx, const Incoming& update) const {
    const auto* message = std::get_if<UserMessage>(&update.event.what);
    if (update.is_private || !message || message->reply_to.empty() || message->text.starts_with('/')) return false;
    auto dialog = tx.dialog_of_message(setup.name, update.chat, message->reply_to);
    if (!dialog) return Error{dialog.error()};
    return dialog->has_value();
  }

  // ---- transactions

  /// Runs `body`; an exception inside it counts as a failure of the event, never of the process.
  Stored<Done> attempt(const std::function<Stored<Done>(Transaction&)>& body) {
    const std::optional<ValueMap> shared_before = shared;
    Stored<Done> done = Done{};
    try {
      done = storage.transact(body);
    } catch (const std::exception& error) {
      done = Error{StorageError{StorageError::Kind::Other, std::string("the turn failed: ") + error.what()}};
    }
    if (!done) shared = shared_before;
    return done;
  }

  Stored<Done> record(Transaction& tx, const std::vector<Settled>& settled) const {
    for (const Settled& one : settled) {
      Stored<Done> done = Done{};
      if (one.letter) done = tx.bury(*one.letter);
      if (one.notice)
        done = tx.map_message(setup.name, one.notice->chat, one.notice->message_id, one.notice->dialog_id, one.notice->at);
      if (!done) return done;
      done = one.drop ? tx.drop_outbox(one.outbox_id)
                      : tx.mark_outbox(one.outbox_id, one.state, one.attempts, one.reason);
      if (!done) return done;
    }
    return Done{};
  }

  /// Stores the updates and their position without playing them, and what was settled: all or nothing.
  Stored<Done> take_in(const std::vector<Incoming>& updates, std::string_view transport,
                       std::string_view position, bool claim, const std::vector<Settled>& settled) {
    return attempt([&](Transaction& tx) -> Stored<Done> {
      auto recorded = record(tx, settled);
      if (!recorded) return recorded;
      Moment at;
      for (const Incoming& update : updates) {
        if (claim) {
          auto is_new = tx.claim_event(setup.name, transport, update.id, update.event.at);
          if (!is_new) return Error{is_new.error()};
          if (!*is_new) continue;
        }
        InboxRow row = inbox_row(update);
        auto put = tx.put_inbox(row);
        if (!put) return put;
        at = update.event.at;
      }
      if (position.empty()) return Done{};
      return tx.set_position(setup.name, transport, position, at);
    });
  }

  /// Plays the inbox. What is in it was taken, so a trouble on the way is no reason to bring it again.
  void drain_taken(Played& played) {
    auto drained = drain(played);
    inbox_left = !drained;
    if (!drained) played.trouble = std::move(drained.error());
  }

  /// Plays the inbox, one event a transaction, oldest first.
  Stored<Done> drain(Played& played) {
    for (;;) {
      std::vector<InboxRow> rows;
      auto read = attempt([&](Transaction& tx) -> Stored<Done> {
        auto found = tx.inbox(setup.name, 100);
        if (!found) return Error{found.error()};
        rows = std::move(*found);
        return Done{};
      });
      if (!read) return read;
      if (rows.empty()) return Done{};
      for (const InboxRow& row : rows) {
        auto done = play_stored(row, played);
        if (!done) return done;
      }
    }
  }

  Stored<Done> play_stored(const InboxRow& row, Played& played, const First& first = {}) {
    std::string reason = "the process died while playing it";
    for (;;) {
      std::uint32_t attempts = 0;
      bool ours = true;
      // Whether the event is still there and nobody else plays this person now.
      const auto claim = [&](Transaction& tx) -> Stored<Done> {
        if (!storage.shared()) return Done{};
        shared.reset();
        auto oldest = tx.claim_person(row.person);
        if (!oldest) return Error{oldest.error()};
        ours = *oldest && (*oldest)->id == row.id;
        return Done{};
      };
      if (auto known = counted.find(row.id); known != counted.end()) {
        attempts = known->second;
        counted.erase(known);
      } else {
        auto count = attempt([&](Transaction& tx) -> Stored<Done> {
          if (auto claimed = claim(tx); !claimed || !ours) return claimed;
          auto number = tx.count_attempt(row.id);
          if (!number) return Error{number.error()};
          attempts = *number;
          return Done{};
        });
        if (!count || !ours) return count;
      }
      if (attempts > kMaxAttempts) return bury(row, reason, played, first);

      Played turn;
      auto done = attempt([&](Transaction& tx) -> Stored<Done> {
        turn = Played{};
        if (auto claimed = claim(tx); !claimed || !ours) return claimed;
        if (first) {
          if (auto ready = first(tx, turn); !ready) return ready;
        }
        Incoming update;
        if (!from_json(row.incoming, update))
          return Error{StorageError{StorageError::Kind::Other, "the stored event cannot be read"}};
        auto result = play_update(tx, update, turn);
        if (!result) return result;
        return tx.drop_inbox(row.id);
      });
      if (done) {
        append(played, std::move(turn));
        return Done{};
      }
      if (is_of_the_world(done.error().kind)) {
        // Three troubles of the world must not make a dead letter of what was never played.
        counted[row.id] = attempts;
        return done;
      }
      reason = done.error().message;
    }
  }

  Stored<Done> bury(const InboxRow& row, const std::string& reason, Played& played, const First& first) {
    Incoming update;
    const bool readable = from_json(row.incoming, update);
    DeadLetter letter;
    letter.bot = setup.name;
    letter.kind = "event";
    letter.subject = row.incoming;
    letter.reason = reason;
    letter.at = update.event.at;
    Played told;  // goes to `played` only when it is stored
    const auto bury_and_tell = [&](bool tell) {
      told = Played{};
      return attempt([&](Transaction& tx) -> Stored<Done> {
        if (storage.shared()) {
          shared.reset();
          auto oldest = tx.claim_person(row.person);
          if (!oldest) return Error{oldest.error()};
          if (!*oldest || (*oldest)->id != row.id) return Done{};
        }
        if (first) {
          if (auto ready = first(tx, told); !ready) return ready;
        }
        auto buried = tx.bury(letter);
        if (!buried) return buried;
        auto dropped = tx.drop_inbox(row.id);
        if (!dropped || !tell) return dropped;
        Event event{update.event.at, 0, TurnFailed{reason}};
        return play_turn(tx, key_of(setup.name, update), &update.person, event, row.event_id, told);
      });
    };
    Stored<Done> done = readable ? bury_and_tell(true) : bury_and_tell(false);
    if (!done && readable && !is_of_the_world(done.error().kind)) done = bury_and_tell(false);
    if (!done) return done;
    append(played, std::move(told));
    played.notes.push_back({TurnNote::Kind::Buried, update.chat,
                            "an event failed " + std::to_string(kMaxAttempts) +
                                " times and is a dead letter now: " + reason,
                            {}});
    return done;
  }

  static void append(Played& to, Played from) {
    std::move(from.outbox.begin(), from.outbox.end(), std::back_inserter(to.outbox));
    std::move(from.notes.begin(), from.notes.end(), std::back_inserter(to.notes));
    to.visited.insert(to.visited.end(), from.visited.begin(), from.visited.end());
    to.timers_changed |= from.timers_changed;
    to.turns += from.turns;
  }
};

Player::Player(Storage& storage, BotSetup setup)
    : impl_(std::make_unique<Impl>(storage, std::move(setup))) {}
Player::~Player() = default;
Player::Player(Player&&) noexcept = default;

const BotSetup& Player::setup() const { return impl_->setup; }

Stored<Played> Player::recover(bool clean_stop) {
  impl_->careful_left = clean_stop ? 0 : kCarefulEvents;
  return play_inbox();
}

Stored<Played> Player::play_inbox() {
  Played played;
  auto done = impl_->drain(played);
  if (!done) return Error{done.error()};
  return played;
}

Stored<Played> Player::play(const std::vector<Incoming>& updates, std::string_view transport,
                            std::string_view position, const std::vector<Settled>& settled, bool claim) {
  Impl& own = *impl_;
  Played played;
  // What is left in the inbox is older: newer events line up behind it.
  if (own.careful_left == 0 && !own.inbox_left) {
    auto done = own.attempt([&](Transaction& tx) -> Stored<Done> {
      played = Played{};
      auto recorded = own.record(tx, settled);
      if (!recorded) return recorded;
      Moment at;
      for (const Incoming& update : updates) {
        at = update.event.at;
        if (claim) {
          auto is_new = tx.claim_event(own.setup.name, transport, update.id, at);
          if (!is_new) return Error{is_new.error()};
          if (!*is_new) continue;
        }
        auto turn = own.play_update(tx, update, played);
        if (!turn) return turn;
      }
      if (position.empty()) return Done{};
      return tx.set_position(own.setup.name, transport, position, at);
    });
    if (done) return played;
    if (is_of_the_world(done.error().kind)) return Error{done.error()};
    played = Played{};
  }

  auto taken = own.take_in(updates, transport, position, claim, settled);
  if (!taken) return Error{taken.error()};
  own.drain_taken(played);
  own.careful_left -= std::min(own.careful_left, updates.size());
  return played;
}

Stored<Played> Player::go_on() {
  Played played;
  impl_->drain_taken(played);
  return played;
}

Stored<Played> Player::play_timers(Moment now, std::size_t limit) {
  Impl& own = *impl_;
  Played played;
  std::vector<TimerRow> due;
  const auto read = [&](Transaction& tx) -> Stored<Done> {
    auto found = tx.due_timers(own.setup.name, now, limit);
    if (!found) return Error{found.error()};
    due = std::move(*found);
    return Done{};
  };
  const auto timer_event = [&](const TimerRow& timer) {
    return Event{now, 0, TimerDue{timer.name, timer.serial}};
  };
  if (own.careful_left == 0 && !own.inbox_left) {
    auto done = own.attempt([&](Transaction& tx) -> Stored<Done> {
      played = Played{};
      auto found = read(tx);
      if (!found) return found;
      for (const TimerRow& timer : due) {
        auto gone = tx.cancel_timer(timer.dialog_id, timer.name);
        if (!gone) return gone;
        auto turn = own.play_turn(tx, timer.key, nullptr, timer_event(timer), {}, played);
        if (!turn) return turn;
      }
      played.timers_changed |= !due.empty();
      return Done{};
    });
    if (done) return played;
    if (is_of_the_world(done.error().kind)) return Error{done.error()};
    played = Played{};
  }

  auto taken = own.attempt([&](Transaction& tx) -> Stored<Done> {
    auto found = read(tx);
    if (!found) return found;
    for (const TimerRow& timer : due) {
      InboxRow row = own.inbox_row(own.timer_update(timer, now));
      auto put = tx.put_inbox(row);
      if (!put) return put;
      auto gone = tx.cancel_timer(timer.dialog_id, timer.name);
      if (!gone) return gone;
    }
    return Done{};
  });
  if (!taken) return Error{taken.error()};
  own.drain_taken(played);
  played.timers_changed |= !due.empty();
  return played;
}

InboxRow Player::inbox_row(const Incoming& update) const { return impl_->inbox_row(update); }

InboxRow Player::timer_row(const TimerRow& timer, Moment now) const {
  return impl_->inbox_row(impl_->timer_update(timer, now));
}

std::optional<Incoming> Player::read(const InboxRow& row) {
  Incoming update;
  if (!from_json(row.incoming, update)) return std::nullopt;
  return update;
}

DialogKey Player::dialog_of(const Incoming& update) const { return Impl::key_of(impl_->setup.name, update); }

void Player::begin_batch() { impl_->shared.reset(); }

Stored<Done> Player::play_claimed(Transaction& tx, const InboxRow& row, const Incoming& update, Played& played) {
  try {
    auto done = impl_->play_update(tx, update, played);
    if (!done) return done;
    return tx.drop_inbox(row.id);
  } catch (const std::exception& error) {
    return Error{StorageError{StorageError::Kind::Other, std::string("the turn failed: ") + error.what()}};
  }
}

Stored<Done> Player::play_alone(const InboxRow& row, Played& played, const First& first) {
  return impl_->play_stored(row, played, first);
}

Stored<Done> Player::record(Transaction& tx, const std::vector<Settled>& settled) const {
  return impl_->record(tx, settled);
}

Stored<std::optional<Moment>> Player::next_timer() {
  std::optional<Moment> next;
  auto done = impl_->attempt([&](Transaction& tx) -> Stored<Done> {
    auto found = tx.next_timer(impl_->setup.name);
    if (!found) return Error{found.error()};
    next = *found;
    return Done{};
  });
  if (!done) return Error{done.error()};
  return next;
}

Stored<Done> Player::settle(const std::vector<Settled>& settled) {
  if (settled.empty()) return Done{};
  return impl_->attempt([&](Transaction& tx) { return impl_->record(tx, settled); });
}

Stored<std::string> Player::position(std::string_view transport) {
  std::string position;
  auto done = impl_->attempt([&](Transaction& tx) -> Stored<Done> {
    auto found = tx.position(impl_->setup.name, transport);
    if (!found) return Error{found.error()};
    position = *found;
    return Done{};
  });
  if (!done) return Error{done.error()};
  return position;
}

Stored<std::vector<OutboxRow>> Player::outbox(std::int64_t after_id, std::size_t limit) {
  std::vector<OutboxRow> rows;
  auto done = impl_->attempt([&](Transaction& tx) -> Stored<Done> {
    auto found = tx.outbox(impl_->setup.name, after_id, limit);
    if (!found) return Error{found.error()};
    rows = std::move(*found);
    return Done{};
  });
  if (!done) return Error{done.error()};
  return rows;
}

}  // namespace sufler
