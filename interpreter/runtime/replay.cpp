// A replay keeps two talks side by side: what the journal has (`then`) and what the program does with it (`now`).
// They are held together by what people see: a press is known by its button's label, a timer by its name, a result by
// the program that gave it. Numbers of rests, positions of options and payloads may differ.
//
// Where the journal's dialog came to another version, two talks may be meant: the one that is played here goes on, or
// it starts anew from the state that the dialog was moved with. The same version that it was moved to can only have
// done the latter, another one may do either; that which goes as the journal has it is taken.
#include "interpreter/runtime/replay.h"

#include <algorithm>
#include <map>
#include <utility>

#include "interpreter/core/comparison.h"
#include "interpreter/core/message_json.h"
#include "interpreter/core/play.h"
#include "interpreter/runtime/incoming_json.h"

namespace sufler {
namespace {

constexpr std::string_view kBlot = "•••";
constexpr int kMaxResults = 1100;
constexpr int kMaxOwnTimers = 100;

/// What a journal's `turn` says, as far as a replay looks at it.
struct Effects {
  std::vector<ToldLine> told;
  std::vector<Message> messages;  ///< to the person
  std::map<std::string, std::optional<Moment>> timers;  ///< set, or cancelled
  std::vector<RecordedJob> jobs;                                ///< asked for
  std::vector<std::string> faults;
};

ToldLine line_of(std::string to, const Message& message) {
  ToldLine line;
  line.to = std::move(to);
  line.text = to_markup(message.text);
  for (const auto& row : message.keyboard.rows)
    for (const Button& button : row) line.buttons.push_back(button.label);
  for (const Attachment& file : message.attachments)
    line.files.push_back(!file.name.empty() ? file.name : file.reference);
  return line;
}

Effects read_effects(std::string_view turn_json) {
  Effects effects;
  const std::string text = without_given(turn_json);
  JsonReader json(text);
  json.read_array([&] {
    std::string role, timer;
    std::optional<Moment> due;
    std::optional<Message> message;
    RecordedJob job;
    bool notice = false;
    const bool read = json.read_object([&](const std::string& name) {
      if (name == "due") return json.read_int(due.emplace().unix_ms);
      if (name == "say" || name == "message") return read_message(json, message.emplace());
      std::string value;
      if (!json.read_string(value)) return false;
      if (name == "notify") {
        role = value;
        notice = true;
      } else if (name == "timer") {
        timer = value;
      } else if (name == "cancel") {
        effects.timers[value] = std::nullopt;
      } else if (name == "fault") {
        effects.faults.push_back(value);
      } else if (name == "job") {
        job.name = value;
      } else if (name == "rest") {
        job.serial = value;
      } else if (name == "request") {
        job.request = value;
      }
      return true;
    });
    if (!job.name.empty()) effects.jobs.push_back(std::move(job));
    if (!timer.empty() && due) effects.timers[timer] = *due;
    if (message) {
      effects.told.push_back(line_of(notice ? (role.empty() ? "?" : role) : std::string(), *message));
      if (!notice) effects.messages.push_back(std::move(*message));
    }
    return read;
  });
  return effects;
}

/// Whether `now` may be what was said: where the journal hides something, anything may stand.
bool may_be(std::string_view then, std::string_view now) {
  std::size_t hidden = then.find(kBlot);
  if (hidden == std::string_view::npos) return then == now;
  if (now.substr(0, hidden) != then.substr(0, hidden)) return false;
  now.remove_prefix(hidden);
  for (;;) {
    then.remove_prefix(hidden + kBlot.size());
    hidden = then.find(kBlot);
    if (hidden == std::string_view::npos) return now.ends_with(then);
    const std::size_t at = now.find(then.substr(0, hidden));
    if (at == std::string_view::npos) return false;
    now.remove_prefix(at + hidden);
  }
}

bool same_lines(const std::vector<std::string>& then, const std::vector<std::string>& now) {
  return std::equal(then.begin(), then.end(), now.begin(), now.end(), may_be);
}

bool same_told(const std::vector<ToldLine>& then, const std::vector<ToldLine>& now) {
  return std::equal(then.begin(), then.end(), now.begin(), now.end(), [](const ToldLine& x, const ToldLine& y) {
    return x.to == y.to && may_be(x.text, y.text) && same_lines(x.buttons, y.buttons) && x.files == y.files;
  });
}

bool same_but_words(const std::vector<ToldLine>& a, const std::vector<ToldLine>& b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](const ToldLine& x, const ToldLine& y) {
           return x.to == y.to && same_lines(x.buttons, y.buttons) && x.files == y.files;
         });
}

/// Labels of buttons by payload, and the newest payload of each label.
struct ShownButtons {
  std::map<std::string, std::string> label_of, payload_of;
  void add(const std::vector<Message>& messages) {
    for (const Message& message : messages)
      for (const auto& row : message.keyboard.rows)
        for (const Button& button : row) {
          if (button.payload.empty()) continue;
          label_of[button.payload] = button.label;
          payload_of[button.label] = button.payload;
        }
  }
};

class Replayer {
  using Why = Replayed::Why;
  using What = Why::What;

 public:
  Replayer(const RecordedDialog& dialog, const ReplayOptions& options)
      : dialog_(dialog), options_(options), program_(*options.program) {}

  Replayed play() {
    for (const JournalRow& row : dialog_.rows) {
      if (done_) break;
      play_row(row);
    }
    if (!begun_ && !done_) stop(Replayed::End::NoBeginning);
    if (result_.end == Replayed::End::Same && (!result_.partings.empty() || !result_.reworded.empty()))
      result_.end = Replayed::End::Differs;
    return std::move(result_);
  }

 private:
  /// A line of the journal, read.
  struct Line {
    const JournalRow& row;
    Event event;
    TurnGiven given;
    Effects then;
    bool is_move = false;    ///< no event, but the arrival in another version
    bool is_of_desk = false; ///< what an agent wrote: a line of the client's dialog, and no turn of it
    bool arrives = false;    ///< the dialog is in another version than before, and its state was kept
  };
  /// All that one line may change, so that it can be tried in two ways.
  struct Mark {
    State state;
    UserRecord user;
    ValueMap shared;
    ShownButtons now_buttons;
    std::map<std::string, Moment> then_timers;
    std::map<std::string, RecordedJob> now_jobs;
    Replayed result;
    bool done = false, lost = false;
  };

  void stop(Replayed::End end, Why why = {}) {
    result_.end = end;
    result_.why = std::move(why);
    done_ = true;
  }

  /// The talk goes another way; where the journal's dialog comes to another version, it is taken up again.
  void part(Why why) {
    if (result_.partings.empty()) result_.why = why;
    result_.partings.push_back({result_.turns.size() - 1, std::move(why)});
    lost_ = true;
  }

  void play_row(const JournalRow& row) {
    Line line{row, {}, {}, {}};
    line.given = read_given(row.turn);
    line.then = read_effects(row.turn);
    if (const auto move = read_move(row.event)) {
      line.is_move = true;
      line.event = Event{move->at, move->seed, TimerDue{}};
    } else if (!from_json(row.event, line.event)) {
      return stop(Replayed::End::Unreadable);
    }
    line.is_of_desk =
        !line.given.known && std::holds_alternative<StaffMessage>(line.event.what) && row.turn == "[]";
    if (line.is_of_desk) {
      if (begun_ && !lost_) add_turn(line, false).same = true;
      return;
    }
    line.arrives = line.is_move || (begun_ && row.version != version_ && !line.given.state.empty());
    version_ = row.version;
    for (const RecordedJob& job : line.then.jobs)
      if (!job.serial.empty()) then_jobs_[job.serial] = job;
    play_line(line);
  }

  void play_line(const Line& line) {
    bool jumped = false;
    if (!begun_ || lost_) {
      const bool may_begin = !begun_ || options_.follow_journal || line.arrives;
      if (!may_begin || !begin(line, jumped)) {
        if (!begun_ || options_.follow_journal) ++result_.skipped;
        return;
      }
      return play_turn(line, jumped, jumped);
    }
    if (!line.arrives || line.given.state.empty()) return play_turn(line, false);
    const bool same_version = line.row.version == program_.version;
    const auto from_journal = [&] {
      bool taken_up = false;
      if (begin(line, taken_up)) play_turn(line, true);
    };
    const auto on_its_own = [&] { line.is_move ? pass_by(line) : play_turn(line, false); };
    const Mark before = mark();
    same_version ? from_journal() : on_its_own();
    if (goes_as_before(before)) return;
    Mark first = mark();
    go_back_to(before);
    same_version ? on_its_own() : from_journal();
    if (!goes_as_before(before)) go_back_to(std::move(first));
  }

  /// `from_journal`: the state was just read there; `found_again`: because the talk had gone another way.
  void play_turn(const Line& line, bool from_journal, bool found_again = false) {
    if (!line.given.known) ++result_.old_lines;
    if (!from_journal) {
      play_own_timers(line.event.at);
      if (done_ || lost_) return;
    }
    know_person(line.given);
    const bool blotted =
        (is_blotted(line.event) && line.event.what.index() == 0) ||
        (line.arrives && line.given.state.find(kBlot) != std::string::npos);
    ReplayedTurn& turn = add_turn(line, found_again);
    Event event = line.event;
    if (!line.is_move) adapt(turn, event);
    if (done_ || lost_) return;
    const bool moves = state_.takeover.has_value();
    step_through(turn, event, line.given, line.is_move);
    if (done_ || lost_) return;
    settle_timers(line.then);
    // Who is of this version already hears nothing of a move.
    if (line.is_move && !moves) turn.now = turn.then;
    compare(turn, line.given, blotted);
    then_buttons_.add(line.then.messages);
  }

  /// The dialog that is played here was of this version all the time: it only has to be at the same place.
  void pass_by(const Line& line) {
    play_own_timers(line.event.at);
    if (done_ || lost_) return;
    ReplayedTurn& turn = add_turn(line, false);
    turn.now = turn.then;
    settle_timers(line.then);
    compare(turn, line.given, false);
    then_buttons_.add(line.then.messages);
  }

  Mark mark() const {
    return {state_, user_, shared_, now_buttons_, then_timers_, now_jobs_, result_, done_, lost_};
  }
  void go_back_to(Mark before) {
    state_ = std::move(before.state);
    user_ = std::move(before.user);
    shared_ = std::move(before.shared);
    now_buttons_ = std::move(before.now_buttons);
    then_timers_ = std::move(before.then_timers);
    now_jobs_ = std::move(before.now_jobs);
    result_ = std::move(before.result);
    done_ = before.done;
    lost_ = before.lost;
  }
  bool goes_as_before(const Mark& before) const {
    return !done_ && !lost_ && result_.partings.size() == before.result.partings.size() &&
           result_.reworded.size() == before.result.reworded.size();
  }

  /// Whether the dialog can be played from this line on.
  bool begin(const Line& line, bool& jumped) {
    const TurnGiven& given = line.given;
    const bool first = &line.row == &dialog_.rows.front();
    if (!given.state.empty()) {
      State state;
      if (!from_json(given.state, program_, state, nullptr)) return false;
      state_ = std::move(state);
      imagine_secrets(line.event.at);
    } else if (given.is_new || (!given.known && first && !lost_)) {
      state_ = State{};  // a line of old times: most likely it is the dialog's first
    } else {
      return false;
    }
    jumped = lost_;
    lost_ = false;
    begun_ = true;
    then_timers_.clear();
    const auto& timers = state_.takeover ? state_.takeover->timers : state_.timers;
    for (const auto& [name, timer] : timers) then_timers_[name] = timer.due;
    now_jobs_ = then_jobs_;
    take_user(given.user.empty() ? dialog_.user : given.user, true);
    if (given.user.empty()) user_.values.clear();
    return true;
  }

  /// In the place of answers that were not kept, such as the questions would take.
  void imagine_secrets(Moment at) {
    const auto imagine = [&](Value& value, QuestionId question) {
      if (!value.text() || *value.text() != kBlot) return;
      const std::string text = plausible_answer(program_.question(question));
      if (auto answer = answer_to(program_, question, text, state_.variables, at)) value = std::move(*answer);
    };
    for (const std::string& name : state_.secrets) {
      const auto question = program_.question_names.find(name);
      Value* const value = state_.variables.find(name);
      if (value && question != program_.question_names.end()) imagine(*value, question->second);
    }
    const auto imagine_rest = [&](Waiting& rest) {
      const Ask* ask = rest.what == Waiting::For::Confirmation && rest.step.value < program_.steps.size()
                           ? std::get_if<Ask>(&program_.step(rest.step).verb)
                           : nullptr;
      if (ask && rest.question < ask->questions.size()) imagine(rest.candidate, ask->questions[rest.question]);
    };
    imagine_rest(state_.waiting);
    for (Waiting& rest : state_.interrupted) imagine_rest(rest);
  }

  void take_user(const std::string& json, bool whole) {
    UserRecord user;
    if (!from_json(json, user)) {
      user.id = dialog_.key.user_id;
      user.platform = dialog_.key.chat.transport;
    }
    if (!whole) user.values = user_.values;
    user_ = std::move(user);
  }

  void know_person(const TurnGiven& given) {
    // In a talk with one person only this dialog's turns change what the scenario knows of them.
    const bool private_chat = dialog_.key.chat.chat_id == dialog_.key.user_id;
    if (!given.user.empty()) take_user(given.user, !private_chat || options_.follow_journal);
    if (given.shared) shared_ = *given.shared;
    around_.chat = dialog_.key.chat;
    around_.shared = &shared_;
    around_.roles = given.roles;
    around_.is_agent = given.is_agent;
    around_.now = given.now;
    around_.trace = options_.trace;
  }

  ReplayedTurn& add_turn(const Line& line, bool jumped) {
    ReplayedTurn& turn = result_.turns.emplace_back();
    turn.at = line.row.at;
    turn.heard = line.is_move ? HeardLine{HeardLine::By::Version, line.row.version, {}} : heard_of(line.event);
    turn.event = line.event;
    turn.then = line.then.told;
    turn.version = line.row.version;
    turn.jumped = jumped;
    turn.place_before = turn.place_after = place_of(state_, program_);
    return turn;
  }

  HeardLine heard_of(const Event& event) const {
    HeardLine heard;
    const auto name_files = [&](const std::vector<Attachment>& files) {
      for (const Attachment& file : files) heard.files.push_back(!file.name.empty() ? file.name : "file");
    };
    if (const auto* message = std::get_if<UserMessage>(&event.what)) {
      heard.by = HeardLine::By::Person;
      heard.text = message->text;
      name_files(message->attachments);
      if (message->contact) heard.text += (heard.text.empty() ? "" : " ") + message->contact->phone;
      if (message->location)
        heard.text += (heard.text.empty() ? "" : " ") + message->location->latitude.to_string() + ", " +
                      message->location->longitude.to_string();
    } else if (const auto* press = std::get_if<ButtonPress>(&event.what)) {
      heard.by = HeardLine::By::Press;
      const auto label = then_buttons_.label_of.find(press->payload);
      heard.text = label == then_buttons_.label_of.end() ? std::string("?") : label->second;
    } else if (const auto* timer = std::get_if<TimerDue>(&event.what)) {
      heard.by = HeardLine::By::Timer;
      heard.text = timer->name;
    } else if (const auto* schedule = std::get_if<ScheduleDue>(&event.what)) {
      heard.by = HeardLine::By::Timer;
      heard.text = schedule->schedule;
    } else if (const auto* happened = std::get_if<Happened>(&event.what)) {
      heard.by = HeardLine::By::Timer;
      heard.text = happened->event.empty() ? "api" : happened->event;
    } else if (const auto* broadcast = std::get_if<BroadcastDue>(&event.what)) {
      heard.by = HeardLine::By::Timer;
      heard.text = broadcast->name.empty() ? "broadcast" : broadcast->name;
    } else if (const auto* staff = std::get_if<StaffMessage>(&event.what)) {
      heard.by = HeardLine::By::Staff;
      heard.text = staff->text;
      name_files(staff->attachments);
    } else if (const auto* crm = std::get_if<CrmNews>(&event.what)) {
      heard.by = HeardLine::By::Staff;
      heard.text = crm->what == CrmNews::What::Wrote ? crm->text : crm->stage;
      name_files(crm->attachments);
    } else if (const auto* done = std::get_if<JobDone>(&event.what)) {
      heard.by = HeardLine::By::Program;
      heard.text = name_of_job(done->serial);
    } else if (const auto* news = std::get_if<TicketNews>(&event.what)) {
      heard.by = HeardLine::By::Desk;
      heard.text = news->agent;
    }
    return heard;
  }

  std::string name_of_job(std::uint64_t serial) const {
    const auto job = then_jobs_.find(std::to_string(serial));
    return job == then_jobs_.end() ? std::string() : job->second.name;
  }

  /// Serials of the jobs here that nothing has come of: the present rest's, those of the rests below it, and at last of
  /// summaries, which nobody rests for.
  std::vector<std::uint64_t> jobs_here() const {
    std::vector<std::uint64_t> serials;
    const auto add = [&](const Waiting& rest) {
      if (rest.what == Waiting::For::Job && rest.candidate.is_null()) serials.push_back(rest.serial);
    };
    add(state_.waiting);
    for (auto rest = state_.interrupted.rbegin(); rest != state_.interrupted.rend(); ++rest) add(*rest);
    for (const auto& [name, talk] : state_.assisted.talks)
      if (talk.summary_job != 0) serials.push_back(talk.summary_job);
    return serials;
  }

  /// The job here that is what the journal's `serial` was; 0: there is none.
  std::uint64_t job_here(std::uint64_t serial) const {
    const auto then = then_jobs_.find(std::to_string(serial));
    std::uint64_t same = 0, found = 0;
    for (const std::uint64_t one : jobs_here()) {
      const auto now = now_jobs_.find(std::to_string(one));
      const bool known = then != then_jobs_.end() && now != now_jobs_.end();
      if (known && !then->second.name.empty() && now->second.name != then->second.name) continue;
      if (one == serial) return one;
      if (same == 0 && known && !then->second.request.empty() && now->second.request == then->second.request) same = one;
      if (found == 0) found = one;
    }
    return same != 0 ? same : found;
  }

  /// What a program gave to other values than those of now tells nothing.
  void adapt_result(ReplayedTurn& turn, JobDone& done) {
    const std::string serial = std::to_string(done.serial);
    const std::uint64_t here = job_here(done.serial);
    if (here == 0) {
      if (!turn.then.empty()) part({What::NoProgram, name_of_job(done.serial)});
      done.serial = 0;
      return;
    }
    const auto then = then_jobs_.find(serial);
    const auto now = now_jobs_.find(std::to_string(here));
    const bool known = then != then_jobs_.end() && now != now_jobs_.end() && !then->second.request.empty() &&
                       !now->second.request.empty();
    if (known && then->second.request != now->second.request) part({What::OtherRequest, then->second.name});
    done.serial = here;
  }

  static bool is_blotted(const Event& event) {
    const auto* message = std::get_if<UserMessage>(&event.what);
    return message && (message->text.find(kBlot) != std::string::npos ||
                       (message->contact && message->contact->phone == kBlot));
  }

  /// The event as the dialog that is played knows it.
  void adapt(ReplayedTurn& turn, Event& event) {
    if (auto* press = std::get_if<ButtonPress>(&event.what)) {
      const auto label = then_buttons_.label_of.find(press->payload);
      if (label == then_buttons_.label_of.end()) return;
      const auto same = now_buttons_.label_of.find(press->payload);
      if (same != now_buttons_.label_of.end() && same->second == label->second) return;
      const auto payload = now_buttons_.payload_of.find(label->second);
      if (payload == now_buttons_.payload_of.end()) return part({What::NoButton, label->second});
      press->payload = payload->second;
    } else if (auto* timer = std::get_if<TimerDue>(&event.what)) {
      const auto set = state_.timers.find(timer->name);
      if (set != state_.timers.end()) {
        timer->serial = set->second.serial;
      } else if (!turn.then.empty()) {
        part({What::NoTimer, timer->name});
      }
    } else if (auto* done = std::get_if<JobDone>(&event.what)) {
      adapt_result(turn, *done);
    } else if (auto* failed = std::get_if<TurnFailed>(&event.what); failed && failed->rest != 0) {
      const Waiting& rest = state_.waiting;
      if (rest.what == Waiting::For::Job || rest.what == Waiting::For::Pause) failed->rest = rest.serial;
    } else if (auto* message = std::get_if<UserMessage>(&event.what); message && is_blotted(event)) {
      const Question* question = question_of(program_, state_.waiting);
      if (question && question->secret && state_.waiting.what == Waiting::For::Answer && message->text == kBlot)
        message->text = plausible_answer(*question);
    }
  }

  /// Plays the turn with what was answered then.
  void step_through(ReplayedTurn& turn, Event& event, const TurnGiven& given, bool is_move = false) {
    std::vector<bool> used(given.results.size(), false);
    turn.event = event;
    ValueMap shared = shared_;
    around_.shared = &shared;
    std::vector<Effect> effects;
    Turn played = is_move ? move_to_version(program_, std::move(state_), std::move(user_), around_, event.at, event.seed)
                          : step(program_, std::move(state_), std::move(user_), around_, event);
    bool unheard = played.unheard;
    for (int results = 0;; ++results) {
      for (const auto& [name, value] : played.shared_changes)
        value.is_null() ? void(shared.erase(name)) : shared.set(name, value);
      std::move(played.trace.begin(), played.trace.end(), std::back_inserter(turn.trace));
      std::move(played.effects.begin(), played.effects.end(), std::back_inserter(effects));
      if (!played.asks && !played.asks_desk) {
        if (!std::exchange(unheard, false)) break;
        played = step(program_, std::move(played.next), std::move(played.user), around_, event);
        continue;
      }
      auto next = results < kMaxResults ? result_for(played, given, used, event.at) : std::nullopt;
      if (!next) {
        const std::string of = played.asks ? name_of(*played.asks, program_) : "desk";
        if (given.known) {
          part({What::NoAnswer, of});
        } else {
          stop(Replayed::End::NoResults, {What::NoAnswer, of});
        }
        return;
      }
      played = step(program_, std::move(played.next), std::move(played.user), around_, *next);
    }
    shared_ = std::move(shared);
    played.effects = std::move(effects);
    // No secret is known here: what stands for one must not blot out what happens to look like it.
    played.secrets.clear();
    Effects did = read_effects(journal_turn_json(played));
    state_ = std::move(played.next);
    user_ = std::move(played.user);
    now_buttons_.add(did.messages);
    for (const RecordedJob& job : did.jobs) now_jobs_[job.serial] = job;
    turn.now = std::move(did.told);
    turn.faults = std::move(did.faults);
    turn.place_after = place_of(state_, program_);
  }

  std::optional<Event> result_for(const Turn& played, const TurnGiven& given, std::vector<bool>& used, Moment at) const {
    const std::string of = played.asks ? name_of(*played.asks, program_) : "desk";
    const InsertRow* insert = played.asks ? std::get_if<InsertRow>(&*played.asks) : nullptr;
    for (std::size_t i = 0; i < given.results.size(); ++i) {
      if (used[i] || given.results[i].of != of) continue;
      used[i] = true;
      Event event = given.results[i].event;
      if (auto* answer = std::get_if<TableAnswer>(&event.what); insert && answer && answer->rows.size() == 1)
        answer->rows[0] = row_of(*insert, answer->rows[0]);
      return event;
    }
    if (!given.known || !played.asks) return std::nullopt;
    // A row that only this version saves has nothing that could be known, besides what is put into it.
    if (insert) return Event{at, 0, TableAnswer{List{row_of(*insert, Value(ValueMap()))}, 1, {}}};
    if (std::holds_alternative<UpdateRows>(*played.asks) || std::holds_alternative<DeleteRows>(*played.asks))
      return Event{at, 0, TableAnswer{}};
    return std::nullopt;
  }

  /// As the row was stored then, with the values of now.
  static Value row_of(const InsertRow& insert, const Value& stored) {
    ValueMap row = stored.map() ? *stored.map() : ValueMap();
    for (const auto& [name, value] : insert.values) {
      const Value* then = row.find(name);
      const bool blotted = then && then->text() && *then->text() == kBlot;
      if (!then || blotted || then->type() == value.type()) row.set(name, value);
    }
    return Value(std::move(row));
  }

  void settle_timers(const Effects& then) {
    for (const auto& [name, due] : then.timers) {
      if (due) {
        then_timers_[name] = *due;
      } else {
        then_timers_.erase(name);
      }
    }
    if (const auto* timer = std::get_if<TimerDue>(&result_.turns.back().event.what))
      if (!then.timers.contains(timer->name)) then_timers_.erase(timer->name);
  }

  /// Reminders and timeouts that came due by `until` here, and that the journal's talk did not have.
  void play_own_timers(Moment until) {
    for (int i = 0; i < kMaxOwnTimers && !done_ && !lost_; ++i) {
      std::string name;
      Timer first;
      for (const auto& [one, timer] : state_.timers) {
        if (timer.due >= until || (!name.empty() && timer.due >= first.due)) continue;
        const auto then = then_timers_.find(one);
        // One that was due then as well, and had not come: the process stood still.
        if (then != then_timers_.end() && then->second < until) continue;
        name = one;
        first = timer;
      }
      if (name.empty()) return;
      ReplayedTurn& turn = result_.turns.emplace_back();
      turn.at = first.due;
      turn.recorded = false;
      turn.heard = {HeardLine::By::Timer, name, {}};
      turn.place_before = place_of(state_, program_);
      Event event{first.due, 0, TimerDue{name, first.serial}};
      TurnGiven nothing;
      nothing.known = true;
      around_.chat = dialog_.key.chat;
      around_.trace = options_.trace;
      step_through(turn, event, nothing);
      if (lost_ && result_.partings.back().why.what == What::NoAnswer) {
        result_.partings.back().why = Why{What::NewTimer, name};
        result_.why = result_.partings.front().why;
      }
      if (done_ || lost_) return;
      if (is_compared(turn) && (!turn.now.empty() || turn.place_after != turn.place_before))
        part({What::NewTimer, name});
    }
  }

  bool is_compared(const ReplayedTurn& turn) const { return !options_.since || turn.at >= *options_.since; }

  bool same_place(const std::string& then, const std::string& now) const {
    if (then == now) return true;
    const auto moved = program_.moved.find(then);
    if (moved != program_.moved.end() && moved->second == now) return true;
    const std::size_t slash = then.find('/');
    if (slash == std::string::npos) return false;
    const auto branch = program_.moved.find(then.substr(0, slash));
    return branch != program_.moved.end() && branch->second + then.substr(slash) == now;
  }

  void compare(ReplayedTurn& turn, const TurnGiven& given, bool blotted) {
    const bool same = turn.same = same_told(turn.then, turn.now);
    const bool place_known = given.known;
    const bool here = place_known ? same_place(given.place, turn.place_after) : same || same_but_words(turn.then, turn.now);
    if (same && here) return;
    if (!is_compared(turn)) {
      if (!here) part({What::Earlier});
      return;
    }
    if (!here && blotted) {
      lost_ = true;
      if (!options_.follow_journal) stop(Replayed::End::Secret);
      return;
    }
    if (!here) {
      return part(place_known ? Why{What::OtherPlace, turn.place_after, given.place} : Why{What::OtherMessages});
    }
    result_.reworded.push_back(result_.turns.size() - 1);
  }

  const RecordedDialog& dialog_;
  const ReplayOptions& options_;
  const Program& program_;
  Replayed result_;
  State state_;
  UserRecord user_;
  ValueMap shared_;
  Surroundings around_;
  std::map<std::string, Moment> then_timers_;  ///< set and not yet due, in the journal's talk
  std::map<std::string, RecordedJob> then_jobs_, now_jobs_;  ///< by serial
  std::string version_;                              ///< of the journal's turn before
  ShownButtons then_buttons_, now_buttons_;
  bool begun_ = false, done_ = false;
  bool lost_ = false;  ///< the talk went another way; the next state that the journal has is waited for
};

}  // namespace

Replayed replay(const RecordedDialog& dialog, const ReplayOptions& options) {
  return Replayer(dialog, options).play();
}

std::string words_of(const Replayed::Why& why, Language language) {
  using What = Replayed::Why::What;
  const bool russian = language == Language::Russian;
  const auto quoted = [](const std::string& name) { return "`" + name + "`"; };
  switch (why.what) {
    case What::Nothing: break;
    case What::OtherPlace:
      return russian ? "разговор приходит к " + quoted(why.name) + ", а не к " + quoted(why.then)
                     : "the talk comes to " + quoted(why.name) + ", not to " + quoted(why.then);
    case What::OtherMessages:
      return russian ? "другие сообщения, кнопки или уведомления" : "other messages, buttons or notices";
    case What::NoButton:
      return russian ? "нажатой кнопки «" + why.name + "» больше нет" : "the pressed button “" + why.name + "” is not there";
    case What::NoTimer:
      return russian ? "таймера " + quoted(why.name) + " больше нет" : "the timer " + quoted(why.name) + " is not set";
    case What::NewTimer:
      return russian ? "наступает срок " + quoted(why.name) + ", которого раньше не было"
                     : "the timer " + quoted(why.name) + " comes due, which was not set then";
    case What::NoAnswer:
      return russian ? "в журнале нет ответа на " + quoted(why.name) : "the journal has no answer to " + quoted(why.name);
    case What::NoProgram:
      return russian ? "результата программы " + quoted(why.name) + " никто не ждёт"
                     : "nothing waits for the result of " + quoted(why.name);
    case What::OtherRequest:
      return russian ? "программе " + quoted(why.name) + " даётся другое, её прежний результат ничего не значит"
                     : quoted(why.name) + " is given other values, so what it gave then tells nothing";
    case What::Earlier:
      return russian ? "разговор разошёлся раньше, чем начинается сравнение"
                     : "the talk parted before the time that is compared";
  }
  return {};
}

std::vector<ToldLine> told_by(std::string_view turn_json) { return read_effects(turn_json).told; }

std::vector<RecordedJob> jobs_of(std::string_view turn_json) {
  std::vector<RecordedJob> jobs = read_effects(turn_json).jobs;
  std::erase_if(jobs, [](const RecordedJob& job) { return job.serial == "0"; });  // nobody waits for what comes of it
  return jobs;
}

std::map<std::string, std::string> labels_of(std::string_view turn_json) {
  ShownButtons buttons;
  buttons.add(read_effects(turn_json).messages);
  return std::move(buttons.label_of);
}

std::string plausible_answer(const Question& question) {
  const auto number = [&](std::int64_t otherwise) {
    return question.min ? question.min->to_string() : question.max ? question.max->to_string() : std::to_string(otherwise);
  };
  switch (question.type) {
    case QuestionType::Number:
    case QuestionType::Money: return number(7301946);
    case QuestionType::Rating: return "5";
    case QuestionType::Phone:
    case QuestionType::Contact: return "+79120000000";
    case QuestionType::Email: return "anna@example.com";
    case QuestionType::Url: return "https://example.com";
    case QuestionType::Date: return question.earliest ? question.earliest->to_iso() : "2030-01-15";
    case QuestionType::Time: return "12:00";
    case QuestionType::DateTime: return "2030-01-15 12:00";
    case QuestionType::YesNo: return "да";
    case QuestionType::Name: return "Анна";
    case QuestionType::Choice:
    case QuestionType::Choices: return "1";
    default: break;
  }
  std::string text(kBlot);
  const std::int64_t least = question.min ? question.min->to_int64().value_or(0) : 0;
  while (static_cast<std::int64_t>(count_code_points(text)) < least && text.size() < 1000) text += kBlot;
  return text;
}

}  // namespace sufler
