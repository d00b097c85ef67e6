// The run of one turn. Frames are played from the innermost out until something waits. Whatever cannot be
// done (a fault) is reported once, the dialog is put back to where it stood, and `on_error` speaks; a second
// fault in the same turn ends the dialog at `none`, so no scenario can hold a turn for ever.
#include "interpreter/core/jobs.h"
#include "interpreter/core/play.h"

#include <algorithm>

#include "interpreter/core/options.h"
#include "interpreter/core/stand.h"
#include "interpreter/core/steps/steps.h"

namespace sufler {
namespace {

/// What `on_error` may do on top of a turn that used up its limits.
constexpr std::uint32_t kStepsForErrors = 1000;
constexpr std::uint32_t kMessagesForErrors = 10;

std::string describe(const EvaluationError& error) {
  std::string_view problem;
  switch (error.problem) {
    case EvaluationProblem::NullArithmetic: problem = "arithmetic with null"; break;
    case EvaluationProblem::DivisionByZero: problem = "division by zero"; break;
    case EvaluationProblem::WrongType: problem = "a value of the wrong type"; break;
    case EvaluationProblem::Overflow: problem = "a number too large"; break;
    case EvaluationProblem::TooLarge: problem = "a value too large"; break;
    case EvaluationProblem::TooDeep: problem = "an expression nested too deep"; break;
    case EvaluationProblem::BadArgument: problem = "a bad argument"; break;
  }
  std::string text(problem);
  if (!error.detail.empty()) text += ": " + error.detail;
  return text;
}

}  // namespace

Play::Play(const Program& program_, State state_, UserRecord user_, const Surroundings& around_,
           const Event& event_)
    : program(program_),
      around(around_),
      event(event_),
      state(turn.next),
      user(turn.user),
      scope(*this) {
  turn.next = std::move(state_);
  turn.user = std::move(user_);
  timers_before_ = state.takeover ? state.takeover->timers : state.timers;
  jobs_before_ = jobs_of(state, program);
  hide_answers();  // the turn may forget them after it has told them
  if (state.midway) {
    Midway& midway = *state.midway;
    heard = std::move(midway.heard);
    steps = midway.steps;
    messages = midway.messages;
    faults = midway.faults;
    border = midway.border;
    stand = std::move(midway.stand);
    scope.set_draws(midway.draws);
    scope.set_shared_changes(std::move(midway.shared));
    if (midway.held) {
      turn.effects = midway.held->effects;
      said_keyboard_ = midway.held->said_keyboard;
      keyboard_below_ = midway.held->keyboard_below;
    }
  }
}

bool Play::fail(std::string reason) {
  if (!fault) fault = ReportFault{std::move(reason), span};
  return false;
}

void Play::remember_stand() {
  // What the clock began is not begun again by a fault: nobody is there to do it differently.
  const bool by_person = said || std::holds_alternative<ButtonPress>(event.what);
  if (!stand && by_person && faults == 0) stand = Stand{state.frames, state.waiting, state.interrupted, state.past.size()};
}

void Play::run() {
  for (;;) {
    if (fault) {
      start_over_from_fault();
      if (!fault && state.waiting.what != Waiting::For::Nothing) return;
      continue;
    }
    if (state.frames.empty()) {
      end_dialog();
      return;
    }
    Frame& frame = state.frames.back();
    const Block& block = program.block(frame.block);
    if (frame.next >= block.steps.size()) {
      if (end_frame() == Flow::Rest && !fault) return;
      continue;
    }
    const StepId id = block.steps[frame.next];
    const Step& step = program.step(id);
    span = step.span;
    if (++steps > program.limits.steps_per_turn + (faults > 0 ? kStepsForErrors : 0)) {
      fail("more than " + std::to_string(program.limits.steps_per_turn) + " steps in one turn");
      continue;
    }
    const bool goes_on_with_a_row = frame.row > 0;
    if (!goes_on_with_a_row) {
      bool wanted = true;
      if (!holds(step.when, wanted)) continue;
      if (traces()) {
        const Way way{wanted ? Way::What::Step : Way::What::PassedOver, id, {}, 0};
        step.when ? note(way, *step.when, Value(wanted)) : void(note(way));
      }
      if (!wanted) {
        ++frame.next;
        continue;
      }
    }
    ++frame.next;
    const Flow flow = play_step(*this, id, step);
    if (flow == Flow::Rest && !fault) return;
  }
}

void Play::start_over_from_fault() {
  ReportFault report = std::move(*fault);
  fault.reset();
  if (traces()) note({Way::What::Fault, {}, {}, 0}, Value(report.reason));
  effect(std::move(report));
  ++faults;
  if (faults > 3) {  // even the built-in phrase cannot be said
    state.frames.clear();
    state.interrupted.clear();
    end_dialog();
    return;
  }
  const bool put_back = faults == 1 && (!border || (stand && stand->past >= kStandsBeside));
  if (put_back && stand) {
    state.frames = std::move(stand->frames);
    state.waiting = std::move(stand->waiting);
    state.interrupted = std::move(stand->interrupted);
    const std::size_t past = stand->past & ~kStandsBeside;
    if (state.past.size() > past) state.past.resize(past);
  } else if (!put_back || state.waiting.what == Waiting::For::Nothing ||
             state.waiting.what == Waiting::For::Table) {
    abandon_relay(*this);
    state.frames.clear();
    state.interrupted.clear();
    state.past.clear();
    clear_timers();
    state.waiting = Waiting{};
  }
  stand.reset();
  state.midway.reset();
  scope.set_extra(nullptr);
  if (faults == 1 && program.on_error) {
    interrupt(program.branch(program.on_error).block, Frame::Kind::Command);
    return;
  }
  say_phrase(Phrase::Error);
  if (fault) return;
  if (state.waiting.what == Waiting::For::Nothing) {
    state.frames.clear();
    end_dialog();
    return;
  }
  Waiting waiting = std::move(state.waiting);
  state.waiting = Waiting{};
  show(std::move(waiting));
}

void Play::finish() {
  if (turn.asks || turn.asks_desk) {
    Midway midway;
    midway.heard = std::move(heard);
    midway.steps = steps;
    midway.messages = messages;
    midway.faults = faults;
    midway.border = border;
    midway.draws = scope.draws();
    midway.shared = scope.shared_changes();
    midway.stand = std::move(stand);
    midway.held = std::make_shared<const HeldEffects>(
        HeldEffects{std::exchange(turn.effects, {}), said_keyboard_, keyboard_below_});
    state.midway = std::move(midway);
  } else {
    state.midway.reset();
  }
  for (const auto& [name, timer] : timers_before_) {
    if (!state.timers.contains(name)) effect(CancelTimer{name});
  }
  for (const auto& [name, timer] : state.timers) {
    const auto before = timers_before_.find(name);
    if (before != timers_before_.end() && before->second == timer) continue;
    effect(SetTimer{name, timer.due, timer.serial});
  }
  const auto* done = std::get_if<JobDone>(&event.what);
  const std::vector<std::uint64_t> jobs = jobs_of(state, program);
  for (const std::uint64_t serial : jobs_before_) {
    if ((done && done->serial == serial) || std::find(jobs.begin(), jobs.end(), serial) != jobs.end()) continue;
    effect(CancelJob{serial});
  }
  if (!state.midway) {
    if (state.silence) state.kept.clear();  // people read them in the dialog itself
    turn.hears_kept = !state.kept.empty() && state.waiting.what != Waiting::For::Job;
  }
  turn.user_changed = changed_user_;
  turn.read_shared = scope.read_shared();
  hide_answers();
  std::sort(turn.secrets.begin(), turn.secrets.end(), [](const std::string& a, const std::string& b) {
    return a.size() != b.size() ? a.size() > b.size() : a < b;
  });
  turn.secrets.erase(std::unique(turn.secrets.begin(), turn.secrets.end()), turn.secrets.end());
  if (turn.secrets.empty()) return;
  for (Effect& one : turn.effects) {
    if (WriteLog* log = std::get_if<WriteLog>(&one)) blot(log->text, turn.secrets);
    if (ReportFault* report = std::get_if<ReportFault>(&one)) blot(report->reason, turn.secrets);
  }
  for (TraceEntry& entry : turn.trace) {
    blot(entry.value, turn.secrets, scope.locale());
    for (auto& [name, value] : entry.values) blot(value, turn.secrets, scope.locale());
  }
}

void Play::hide(const Value& value) {
  if (value.is_null()) return;
  if (const List* list = value.list()) {
    for (const Value& item : *list) hide(item);
  } else if (const ValueMap* map = value.map()) {
    for (const auto& [name, item] : *map) hide(item);
  }
  turn.secrets.push_back(to_display(value, scope.locale()));
}

void Play::hide_answers() {
  for (const std::string& name : state.secrets) {
    if (const Value* value = state.variables.find(name)) hide(*value);
  }
  if (state.waiting.what == Waiting::For::Confirmation && is_secret_rest(program, state.waiting))
    hide(state.waiting.candidate);
}

// ---- the trace

TraceEntry& Play::note(Way way, Value value) {
  TraceEntry& entry = turn.trace.emplace_back();
  entry.way = way;
  entry.value = std::move(value);
  return entry;
}

void Play::note(Way way, const Expression& condition, Value result) {
  TraceEntry& entry = note(way, std::move(result));
  entry.source = condition.source();
  for (const NameUse& use : condition.names()) {
    if (use.path.empty()) continue;
    std::string name;
    const Value* value = scope.find(use.path[0]);
    for (std::size_t i = 0; i < use.path.size(); ++i) {
      if (i > 0) {
        name += '.';
        const ValueMap* map = value ? value->map() : nullptr;
        value = map ? map->find(use.path[i]) : nullptr;
      }
      name += use.path[i];
    }
    const bool known = std::any_of(entry.values.begin(), entry.values.end(),
                                   [&](const auto& one) { return one.first == name; });
    if (!known) entry.values.emplace_back(std::move(name), value ? *value : Value());
  }
}

Way Play::way_of_rest(Way::What what, std::uint32_t index) const {
  const Waiting& waiting = state.waiting;
  Way way{what, waiting.step, {}, index};
  if (question_of(program, waiting)) way.question = std::get<Ask>(program.step(waiting.step).verb).questions[waiting.question];
  return way;
}

// ---- values

bool Play::evaluate(const Expression& expression, Value& value) {
  auto result = expression.evaluate(scope);
  if (!result) return fail(describe(result.error()) + " in `" + expression.source() + "`");
  value = std::move(*result);
  return true;
}

bool Play::holds(const std::optional<Expression>& expression, bool& result) {
  result = true;
  if (!expression) return true;
  Value value;
  if (!evaluate(*expression, value)) return false;
  result = value.truthy();
  return true;
}

bool Play::render(const Text& text, RichText& out) {
  out = RichText{};
  if (text.any_of.empty()) return true;
  const std::size_t choice =
      text.any_of.size() == 1 ? 0 : static_cast<std::size_t>(scope.random(text.any_of.size()));
  auto result = text.any_of[choice].render(scope);
  if (!result) return fail(describe(result.error()) + " in a text");
  out = std::move(*result);
  if (out.text.size() > program.limits.text_bytes) {
    return fail("a text of more than " + std::to_string(program.limits.text_bytes) + " bytes");
  }
  return true;
}

RichText Play::phrase(Phrase which, const ValueMap* values) {
  static const ValueMap kNone;
  const ExtraNames names(scope, values ? *values : kNone);
  const Language language = phrase_language();
  auto result = program.phrases.get(which, language).render(scope);
  if (!result) {
    // An author's own phrase that cannot be rendered must not take the place of the fault it reports.
    static const Phrases kBuiltIn;
    result = kBuiltIn.get(which, language).render(scope);
  }
  return result ? std::move(*result) : RichText{};
}

Language Play::phrase_language() const {
  const std::string_view code = std::string_view(user.language).substr(0, user.language.find_first_of("-_"));
  const bool russian = code == "ru";
  if (!russian && code != "en") return program.language;
  const Language language = russian ? Language::Russian : Language::English;
  if (language == program.language) return language;
  const bool spoken = std::any_of(program.texts.begin(), program.texts.end(),
                                  [&](const auto& text) { return text.second.contains(std::string(code)); });
  return spoken ? language : program.language;
}

bool Play::collect(const Attach& attach, std::vector<Attachment>& files) {
  files = attach.files;
  for (const Expression& expression : attach.expressions) {
    Value value;
    if (!evaluate(expression, value)) return false;
    if (value.is_null()) continue;
    if (const Attachment* file = value.file()) {
      files.push_back(*file);
    } else if (const List* list = value.list()) {
      for (const Value& item : *list) {
        if (item.is_null()) continue;
        if (!item.file()) return fail("`" + expression.source() + "` holds something that is no file");
        files.push_back(*item.file());
      }
    } else {
      return fail("`" + expression.source() + "` is no file");
    }
  }
  return true;
}

void Play::say_or(const std::optional<Text>& text, Phrase otherwise) {
  Message message;
  if (text && render(*text, message.text)) {
    if (!message.text.text.empty()) send(std::move(message));
    return;
  }
  if (fault) effect(std::move(*fault));
  fault.reset();
  say_phrase(otherwise);
}

void Play::say_if(const Text& text) {
  Message message;
  if (!render(text, message.text)) {
    if (fault) effect(std::move(*fault));
    fault.reset();
  } else if (!message.text.text.empty()) {
    send(std::move(message));
  }
}

void Play::set_user_value(std::string_view name, Value value) {
  user.values.set(name, std::move(value));
  changed_user_ = true;
  scope.forget_user();
}

// ---- variables

std::size_t stored_size(const Value& value) {
  switch (value.type()) {
    case ValueType::Text: return value.text()->size() + 3;
    case ValueType::List: {
      std::size_t size = 2;
      for (const Value& item : *value.list()) size += stored_size(item) + 1;
      return size;
    }
    case ValueType::Map: {
      std::size_t size = 2;
      for (const auto& [name, item] : *value.map()) size += name.size() + 4 + stored_size(item);
      return size;
    }
    case ValueType::File: {
      const Attachment& file = *value.file();
      return 96 + file.origin.size() + file.reference.size() + file.name.size() + file.mime.size() +
             file.caption.size();
    }
    default: return 24;
  }
}

bool Play::set_variable(std::string_view name, Value value) {
  // Loops' variables and arguments of a call are set where they are.
  for (auto frame = state.frames.rbegin(); frame != state.frames.rend(); ++frame) {
    if (Value* local = frame->locals.find(name)) {
      if (stored_size(value) > program.limits.state_bytes / 4) return fail("a local value too large");
      *local = std::move(value);
      return true;
    }
    if (frame->kind != Frame::Kind::Steps && frame->kind != Frame::Kind::Loop) break;
  }
  if (!variable_bytes_) {
    variable_bytes_ = 0;
    for (const auto& [known, held] : state.variables) *variable_bytes_ += known.size() + stored_size(held);
  }
  Value* known = state.variables.find(name);
  const std::size_t old_size = known ? name.size() + stored_size(*known) : 0;
  const std::size_t size = *variable_bytes_ - old_size + name.size() + stored_size(value);
  if (size > program.limits.state_bytes) {
    return fail("the dialog's variables take more than " + std::to_string(program.limits.state_bytes) +
                " bytes");
  }
  variable_bytes_ = size;
  scope.forget_variables();
  if (!state.past.empty()) {
    std::vector<Undo>& undo = state.past.back().undo;
    const bool noted =
        std::any_of(undo.begin(), undo.end(), [&](const Undo& one) { return one.name == name; });
    if (!noted) {
      undo.push_back({std::string(name), known ? std::optional<Value>(*known) : std::nullopt});
    }
  }
  if (known) {
    *known = std::move(value);
  } else {
    state.variables.set(name, std::move(value));
  }
  return true;
}

namespace {

/// `value` put at path[from…] inside `whole`, which becomes a map where it is none.
Value put_inside(const Value* whole, const std::vector<std::string>& path, std::size_t from, Value value) {
  if (from == path.size()) return value;
  ValueMap map;
  if (whole && whole->map()) map = *whole->map();
  const Value* inner = map.find(path[from]);
  Value put = put_inside(inner, path, from + 1, std::move(value));
  map.set(path[from], std::move(put));
  return map;
}

}  // namespace

bool Play::assign(const Assignment& assignment) {
  Value value;
  if (!evaluate(assignment.value, value)) return false;
  const std::vector<std::string>& path = assignment.path;
  if (path.empty()) return true;
  if (path.size() == 1) return set_variable(path[0], std::move(value));
  if (path[0] == "user") {
    const auto as_text = [&](std::string& field) {
      field = to_display(value, scope.locale());
    };
    if (path[1] == "first_name") {
      as_text(user.first_name);
    } else if (path[1] == "last_name") {
      as_text(user.last_name);
    } else if (path[1] == "phone") {
      as_text(user.phone);
    } else if (path[1] == "language") {
      as_text(user.language);
    } else {
      Value put = put_inside(user.values.find(path[1]), path, 2, std::move(value));
      std::size_t size = stored_size(put);
      for (const auto& [name, held] : user.values) size += name.size() + stored_size(held);
      if (size > program.limits.state_bytes) return fail("the values of `user` are too large");
      if (put.is_null()) {
        user.values.erase(path[1]);
      } else {
        user.values.set(path[1], std::move(put));
      }
    }
    changed_user_ = true;
    scope.forget_user();
    return true;
  }
  if (path[0] == "shared") {
    if (path.size() > 2) (void)scope.find("shared");  // the rest of the map is read
    const Value* held = scope.shared_changes().find(path[1]);
    if (!held && around.shared) held = around.shared->find(path[1]);
    Value put = put_inside(held, path, 2, std::move(value));
    if (stored_size(put) > program.limits.state_bytes) return fail("a value of `shared` is too large");
    scope.change_shared(path[1], put);
    turn.shared_changes.set(path[1], std::move(put));
    return true;
  }
  return set_variable(path[0], put_inside(scope.find(path[0]), path, 1, std::move(value)));
}

// ---- what leaves the turn

void Play::send(Message message) {
  if (trim(message.text.text).empty() && message.attachments.empty()) {
    // No platform sends a message of nothing; buttons must not be lost with it.
    const bool has_buttons = message.keyboard.kind == Keyboard::Kind::Reply || message.keyboard.kind == Keyboard::Kind::Inline;
    if (!has_buttons) return;
    message.text = RichText{};
    message.text.append("…");
  }
  if (++messages > program.limits.messages_per_turn + (faults > 0 ? kMessagesForErrors : 0)) {
    fail("more than " + std::to_string(program.limits.messages_per_turn) + " messages in one turn");
    return;
  }
  if (said_keyboard_ && message.keyboard.kind != Keyboard::Kind::Inline) put_offer_into_its_message();
  if (message.keyboard.kind == Keyboard::Kind::Reply) {
    keyboard_below_ = state.keyboard_shown;
    state.keyboard_shown = true;
    // A keyboard that this one takes the place of need not be taken away first: that would only flicker.
    for (Effect& one : turn.effects) {
      SendMessage* before = std::get_if<SendMessage>(&one);
      if (!before || before->message.keyboard.kind != Keyboard::Kind::Remove) continue;
      before->message.keyboard = {};
      keyboard_below_ = true;
    }
  } else if (message.keyboard.kind == Keyboard::Kind::Remove ||
             (message.keyboard.kind == Keyboard::Kind::None && state.keyboard_shown)) {
    message.keyboard.kind = Keyboard::Kind::Remove;
    state.keyboard_shown = false;
  }
  if (message.keyboard.kind == Keyboard::Kind::Reply || message.keyboard.kind == Keyboard::Kind::Remove)
    state.offer.reset();
  if (state.unreachable) return;
  effect(SendMessage{std::move(message), ResendPolicy::Repeat});
}

void Play::send_offer(Message message, Offer offer) {
  const Keyboard::Kind kind = message.keyboard.kind;
  const std::size_t effects_before = turn.effects.size();
  send(std::move(message));
  if (fault || kind == Keyboard::Kind::None) return;
  if (kind == Keyboard::Kind::Inline) {
    state.inner_offer = std::move(offer);
    return;
  }
  state.offer = std::move(offer);
  if (turn.effects.size() > effects_before) said_keyboard_ = effects_before;
}

void Play::put_offer_into_its_message() {
  SendMessage* said = std::get_if<SendMessage>(&turn.effects[*said_keyboard_]);
  said_keyboard_.reset();
  if (!said || !state.offer) return;
  const Say* say = std::get_if<Say>(&program.step(state.offer->step).verb);
  if (!say || !say->buttons) return;
  Keyboard inside =
      make_said_keyboard(*this, state.offer->step, *say->buttons, state.offer->shown, state.offer->values);
  if (fault || inside.kind != Keyboard::Kind::Inline) return;
  said->message.keyboard = std::move(inside);
  state.keyboard_shown = keyboard_below_;
  state.inner_offer = std::exchange(state.offer, std::nullopt);
}

void Play::say_phrase(Phrase which) {
  Message message;
  message.text = phrase(which);
  send(std::move(message));
}

void Play::answer_press(std::string text) {
  for (Effect& one : turn.effects) {
    if (AnswerPress* answer = std::get_if<AnswerPress>(&one)) {
      answer->text = std::move(text);
      return;
    }
  }
}

void Play::mark_border() {
  border = true;
  state.past.clear();
  for (Frame& frame : state.frames)
    if (frame.repeats_wait) frame.border = true;
}

}  // namespace sufler
