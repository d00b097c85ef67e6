// The state of a dialog as compact JSON, written and read at every turn, so by hand and with short names.
// Fields at their default are left out. Indices are trusted only when the version is the same, and only
// within bounds; otherwise relocation.cpp finds the places again by their names.
#include <algorithm>
#include <limits>

#include "interpreter/core/expects.h"
#include "interpreter/core/json_text.h"
#include "interpreter/core/relocation.h"
#include "interpreter/core/state.h"
#include "interpreter/core/value_json.h"

namespace sufler {
namespace {

/// Leaves out whatever is at its default.
class Members : public ObjectWriter {
 public:
  using ObjectWriter::ObjectWriter;
  /// For names that are not of this file: they may hold anything.
  std::string& any_name(std::string_view name) {
    comma();
    append_json_string(out_, name);
    out_.push_back(':');
    return out_;
  }
  void number(std::string_view key, std::uint64_t value) {
    if (value != 0) append_json_number(name(key), static_cast<std::int64_t>(value));
  }
  void moment(std::string_view key, Moment value) {
    if (value.unix_ms != 0) append_json_number(name(key), value.unix_ms);
  }
  template <class Tag>
  void index(std::string_view key, Index<Tag> value) {
    if (value) append_json_number(name(key), value.value);
  }
  void list(std::string_view key, const List& list) {
    if (list.empty()) return;
    name(key) += '[';
    for (std::size_t i = 0; i < list.size(); ++i) {
      if (i > 0) out_ += ',';
      append_json(out_, list[i]);
    }
    out_ += ']';
  }
  void map(std::string_view key, const ValueMap& map) {
    if (!map.empty()) append_json(name(key), Value(map));
  }
  template <class Items, class Write>
  void array(std::string_view key, const Items& items, Write write) {
    if (items.empty()) return;
    name(key) += '[';
    bool first = true;
    for (const auto& item : items) {
      if (!first) out_ += ',';
      first = false;
      write(item);
    }
    out_ += ']';
  }
};

void append(std::string& out, const Frame& frame, const Program& program) {
  Members members(out);
  members.number("k", static_cast<std::uint64_t>(frame.kind));
  members.index("b", frame.block);
  members.number("n", frame.next);
  members.number("r", frame.row);
  const bool is_root = frame.kind != Frame::Kind::Steps && frame.kind != Frame::Kind::Loop;
  if (is_root && frame.block.value < program.blocks.size()) {
    const BranchId branch = program.block(frame.block).branch;
    if (branch.value < program.branches.size()) members.text("br", program.branch(branch).name);
  }
  members.map("l", frame.locals);
  members.text("in", frame.into);
  members.list("it", frame.items);
  members.number("i", frame.item);
  members.flag("rw", frame.repeats_wait);
  members.flag("bd", frame.border);
  members.number("an", frame.answered);
  members.end();
}

void append(std::string& out, const Waiting& waiting, const Program& program) {
  Members members(out);
  members.number("w", static_cast<std::uint64_t>(waiting.what));
  members.number("n", waiting.serial);
  members.index("s", waiting.step);
  members.number("q", waiting.question);
  members.text("at", place_of_rest(program, waiting));
  members.number("e", expects_of(program, waiting.step, waiting.question).number());
  members.number("er", expects_of_row(program, waiting.step, waiting.question));
  members.number("a", waiting.attempts);
  members.number("r", waiting.reminded);
  members.moment("t", waiting.since);
  members.list("sh", waiting.shown);
  members.list("va", waiting.values);
  members.list("c", waiting.collected);
  if (!waiting.candidate.is_null()) append_json(members.name("x"), waiting.candidate);
  members.flag("m", waiting.remade);
  members.end();
}

void append(std::string& out, const Offer& offer, const Program& program) {
  Members members(out);
  members.index("s", offer.step);
  if (offer.step.value < program.steps.size()) members.number("e", program.step(offer.step).expects);
  members.list("sh", offer.shown);
  members.list("va", offer.values);
  members.end();
}

void append(std::string& out, const PastQuestion& past, const Program& program) {
  Members members(out);
  members.array("f", past.frames, [&](const Frame& frame) { append(out, frame, program); });
  members.index("s", past.step);
  members.number("q", past.question);
  members.text("l", past.label);
  members.array("u", past.undo, [&](const Undo& undo) {
    out += '[';
    append_json_string(out, undo.name);
    if (undo.old_value) {
      out += ',';
      append_json(out, *undo.old_value);
    }
    out += ']';
  });
  members.end();
}

// ---- reading

template <class Number>
bool read_number(JsonReader& json, Number& out) {
  std::int64_t number = 0;
  if (!json.read_int(number)) return false;
  if constexpr (sizeof(Number) < sizeof(number)) {
    if (number < 0 || number > std::numeric_limits<Number>::max()) return json.fail();
  }
  out = static_cast<Number>(number);
  return true;
}

template <class Tag>
bool read_index(JsonReader& json, Index<Tag>& out) {
  return read_number(json, out.value);
}

template <class Kind>
bool read_kind(JsonReader& json, Kind last, Kind& out) {
  std::uint8_t number = 0;
  if (!read_number(json, number) || number > static_cast<std::uint8_t>(last)) return json.fail();
  out = static_cast<Kind>(number);
  return true;
}

bool read_list(JsonReader& json, List& list) {
  return json.read_array([&] {
    list.emplace_back();
    return read_value(json, list.back());
  });
}

bool read_frame(JsonReader& json, StoredFrame& stored) {
  Frame& frame = stored.frame;
  return json.read_object([&](const std::string& name) {
    if (name == "k") return read_kind(json, Frame::Kind::Command, frame.kind);
    if (name == "b") return read_index(json, frame.block);
    if (name == "n") return read_number(json, frame.next);
    if (name == "r") return read_number(json, frame.row);
    if (name == "br") return json.read_string(stored.branch);
    if (name == "l") return read_map(json, frame.locals);
    if (name == "in") return json.read_string(frame.into);
    if (name == "it") return read_list(json, frame.items);
    if (name == "i") return read_number(json, frame.item);
    if (name == "rw") return json.read_bool(frame.repeats_wait);
    if (name == "bd") return json.read_bool(frame.border);
    if (name == "an") return read_number(json, frame.answered);
    return false;
  });
}

bool read_frames(JsonReader& json, std::vector<StoredFrame>& frames) {
  return json.read_array([&] { return read_frame(json, frames.emplace_back()); });
}

bool read_waiting(JsonReader& json, StoredWaiting& stored) {
  Waiting& waiting = stored.waiting;
  return json.read_object([&](const std::string& name) {
    if (name == "w") return read_kind(json, Waiting::For::Talk, waiting.what);
    if (name == "n") return read_number(json, waiting.serial);
    if (name == "s") return read_index(json, waiting.step);
    if (name == "q") return read_number(json, waiting.question);
    if (name == "at") return json.read_string(stored.place);
    if (name == "e") return read_number(json, stored.expected);
    if (name == "er") return read_number(json, stored.row);
    if (name == "a") return read_number(json, waiting.attempts);
    if (name == "r") return read_number(json, waiting.reminded);
    if (name == "t") return json.read_int(waiting.since.unix_ms);
    if (name == "sh") return read_list(json, waiting.shown);
    if (name == "va") return read_list(json, waiting.values);
    if (name == "c") return read_list(json, waiting.collected);
    if (name == "x") return read_value(json, waiting.candidate);
    if (name == "m") return json.read_bool(waiting.remade);
    return false;
  });
}

bool read_messages(JsonReader& json, std::vector<UserMessage>& messages) {
  return json.read_array([&] {
    std::string text;
    Event event;
    if (!json.read_string(text) || !from_json(text, event)) return json.fail();
    if (const auto* message = std::get_if<UserMessage>(&event.what)) messages.push_back(*message);
    return true;
  });
}

bool read_relay(JsonReader& json, const Program& program, Relay& relay, std::string& rule) {
  return json.read_object([&](const std::string& name) {
    if (name == "rule") {
      if (!json.read_string(rule)) return false;
      for (std::size_t i = 0; i < program.handoffs.size(); ++i)
        if (program.handoffs[i].name == rule) relay.rule = HandoffId{static_cast<std::uint32_t>(i)};
      return true;
    }
    if (name == "id") return json.read_int(relay.ticket);
    if (name == "no") return json.read_int(relay.number);
    if (name == "agent") return json.read_string(relay.agent);
    if (name == "pos") return json.read_int(relay.position);
    if (name == "wait") {
      if (!json.read_int(relay.wait.emplace().ms)) return false;
      --relay.wait->ms;
      return true;
    }
    if (name == "n") return read_number(json, relay.serial);
    if (name == "since") return json.read_int(relay.since.unix_ms);
    if (name == "rem") return json.read_int(relay.reminded.unix_ms);
    if (name == "rea") return json.read_int(relay.reassigned.unix_ms);
    if (name == "hi") return json.read_bool(relay.greeted);
    if (name == "said") return read_messages(json, relay.said);
    return false;
  });
}

bool read_past_ticket(JsonReader& json, PastTicket& past) {
  return json.read_object([&](const std::string& name) {
    if (name == "id") return json.read_int(past.ticket);
    if (name == "no") return json.read_int(past.number);
    if (name == "agent") return json.read_string(past.agent);
    if (name == "out") return read_kind(json, HandoffOutcome::Rejected, past.outcome);
    if (name == "rate") return json.read_bool(past.may_rate);
    if (name == "type") return json.read_bool(past.may_type);
    return false;
  });
}

/// A dialog that people are dealing with rests there, whatever became of the step that called them.
void keep_relay(State& state) {
  if (!state.relay) return;
  const auto is_desk = [](const Waiting& waiting) { return waiting.what == Waiting::For::Desk; };
  if (is_desk(state.waiting) || std::any_of(state.interrupted.begin(), state.interrupted.end(), is_desk)) return;
  state.frames.clear();
  state.interrupted.clear();
  state.resume_at = BranchId{};
  state.waiting = Waiting{};
  state.waiting.what = Waiting::For::Desk;
  state.waiting.serial = state.relay->serial;
}

bool read_past(JsonReader& json, PastQuestion& past) {
  return json.read_object([&](const std::string& name) {
    if (name == "f") {
      return json.read_array([&] {
        StoredFrame stored;
        if (!read_frame(json, stored)) return false;
        past.frames.push_back(std::move(stored.frame));
        return true;
      });
    }
    if (name == "s") return read_index(json, past.step);
    if (name == "q") return read_number(json, past.question);
    if (name == "l") return json.read_string(past.label);
    if (name == "u") {
      return json.read_array([&] {
        Undo& undo = past.undo.emplace_back();
        if (!json.take('[') || !json.read_string(undo.name)) return false;
        if (json.take(',')) {
          Value value;
          if (!read_value(json, value)) return false;
          undo.old_value = std::move(value);
        }
        return json.take(']');
      });
    }
    return false;
  });
}

bool read_offer(JsonReader& json, Offer& offer, std::uint64_t& mark) {
  return json.read_object([&](const std::string& name) {
    if (name == "e") return read_number(json, mark);
    if (name == "s") return read_index(json, offer.step);
    if (name == "sh") return read_list(json, offer.shown);
    if (name == "va") return read_list(json, offer.values);
    return false;
  });
}

/// Finds the buttons in another version; they are gone when it has none like them.
void keep_offer(const Program& program, std::uint64_t mark, std::optional<Offer>& offer) {
  if (!offer) return;
  offer->step = find_said(program, mark, offer->step);
  const bool is_say = offer->step && std::holds_alternative<Say>(program.step(offer->step).verb);
  if (!is_say || offer->shown.size() != offer->values.size()) offer.reset();
}

// ---- bounds: whoever wrote the text, no index leads out of the program

bool fits(const Program& program, const Frame& frame) {
  return frame.block.value < program.blocks.size() &&
         frame.next <= program.block(frame.block).steps.size() &&
         (frame.kind != Frame::Kind::Loop || frame.item < frame.items.size());
}

template <class Frames>
bool all_fit(const Program& program, const Frames& frames) {
  for (const Frame& frame : frames) {
    if (!fits(program, frame)) return false;
  }
  return true;
}

/// The innermost frame of a rest plays the list that the step stands in.
bool stands_in(const Program& program, const std::vector<Frame>& frames, StepId step) {
  return !frames.empty() && frames.back().block == program.step(step).block;
}

bool fits(const Program& program, const State& state) {
  if (!all_fit(program, state.frames)) return false;
  std::size_t repeats = 0;
  for (std::size_t i = 0; i < state.frames.size(); ++i) {
    if (!state.frames[i].repeats_wait) continue;
    if (repeats >= state.interrupted.size()) return false;
    const Waiting& waiting = state.interrupted[repeats++];
    if (!fits_program(program, waiting)) return false;
    if (needs_frame(waiting) && (i == 0 || state.frames[i - 1].block != program.step(waiting.step).block))
      return false;
  }
  if (repeats != state.interrupted.size() || !fits_program(program, state.waiting)) return false;
  if (needs_frame(state.waiting) && !stands_in(program, state.frames, state.waiting.step)) return false;
  for (const PastQuestion& past : state.past) {
    Waiting waiting;
    waiting.step = past.step;
    waiting.question = past.question;
    if (past.step.value >= program.steps.size()) return false;
    waiting.what = std::holds_alternative<Ask>(program.step(past.step).verb) ? Waiting::For::Answer
                                                                             : Waiting::For::Choice;
    if (!fits_program(program, waiting) || !all_fit(program, past.frames) ||
        !stands_in(program, past.frames, past.step))
      return false;
  }
  for (const auto* offer : {&state.offer, &state.inner_offer}) {
    if (!*offer) continue;
    const bool said = (*offer)->step.value < program.steps.size() &&
                      std::holds_alternative<Say>(program.step((*offer)->step).verb);
    if (!said || (*offer)->shown.size() != (*offer)->values.size()) return false;
  }
  return true;
}

}  // namespace

bool needs_frame(const Waiting& waiting) {
  return waiting.what == Waiting::For::Choice || waiting.what == Waiting::For::Answer ||
         waiting.what == Waiting::For::Confirmation || waiting.what == Waiting::For::Job ||
         waiting.what == Waiting::For::Talk ||
         (waiting.what == Waiting::For::Desk && waiting.step);
}

bool fits_program(const Program& program, const Waiting& waiting) {
  if (waiting.shown.size() != waiting.values.size()) return false;
  if (waiting.what == Waiting::For::Nothing || waiting.what == Waiting::For::People)
    return !waiting.step || waiting.step.value < program.steps.size();
  if (waiting.what == Waiting::For::Desk && !waiting.step) return true;  // its step is gone
  if (waiting.step.value >= program.steps.size()) return false;
  const auto& verb = program.step(waiting.step).verb;
  switch (waiting.what) {
    case Waiting::For::Choice: return std::holds_alternative<Choose>(verb);
    case Waiting::For::Pause: return std::holds_alternative<Wait>(verb);
    case Waiting::For::Desk: return std::holds_alternative<HandoffStep>(verb);
    case Waiting::For::Job: {
      const Ask* ask = std::get_if<Ask>(&verb);  // of `understand`: it has the words
      if (ask) return !waiting.collected.empty() && waiting.question < ask->questions.size() && program.question(ask->questions[waiting.question]).understand;
      if (const Mail* mail = std::get_if<Mail>(&verb)) return static_cast<bool>(mail->on_error);
      return service_of(program.step(waiting.step)) || std::holds_alternative<AssistantStep>(verb);
    }
    case Waiting::For::Talk: {
      const AssistantStep* talk = std::get_if<AssistantStep>(&verb);
      return talk && talk->task == AssistantStep::Task::Talk;
    }
    case Waiting::For::Answer:
    case Waiting::For::Confirmation: {
      const Ask* ask = std::get_if<Ask>(&verb);
      return ask && waiting.question < ask->questions.size();
    }
    default: return false;
  }
}

std::string place_of_rest(const Program& program, const Waiting& waiting) {
  if (waiting.step.value >= program.steps.size()) return {};
  const Step& step = program.step(waiting.step);
  const Ask* ask = std::get_if<Ask>(&step.verb);
  return ask && waiting.question < ask->places.size() ? ask->places[waiting.question] : step.place;
}

std::string to_json(const State& state, const Program& program) {
  std::string out;
  out.reserve(512);
  Members members(out);
  members.text("v", program.version);
  members.number("n", state.serial);
  members.map("vars", state.variables);
  members.array("f", state.frames, [&](const Frame& frame) { append(out, frame, program); });
  if (state.waiting.what != Waiting::For::Nothing && state.waiting.what != Waiting::For::Table)
    append(members.name("w"), state.waiting, program);
  members.array("i", state.interrupted, [&](const Waiting& waiting) { append(out, waiting, program); });
  members.array("p", state.past, [&](const PastQuestion& past) { append(out, past, program); });
  if (state.silence && state.silence->rule.value < program.handoffs.size()) {
    Members silence(members.name("s"));
    silence.text("rule", program.handoffs[state.silence->rule.value].name);
    silence.moment("since", state.silence->since);
    silence.moment("last", state.silence->last_message);
    silence.end();
  }
  if (state.relay) {
    const Relay& relay = *state.relay;
    Members members_of(members.name("r"));
    if (relay.rule.value < program.handoffs.size()) members_of.text("rule", program.handoffs[relay.rule.value].name);
    members_of.number("id", static_cast<std::uint64_t>(relay.ticket));
    members_of.number("no", static_cast<std::uint64_t>(relay.number));
    members_of.text("agent", relay.agent);
    members_of.number("pos", static_cast<std::uint64_t>(relay.position));
    if (relay.wait) members_of.number("wait", static_cast<std::uint64_t>(relay.wait->ms) + 1);
    members_of.number("n", relay.serial);
    members_of.moment("since", relay.since);
    members_of.moment("rem", relay.reminded);
    members_of.moment("rea", relay.reassigned);
    members_of.flag("hi", relay.greeted);
    members_of.array("said", relay.said, [&](const UserMessage& message) {
      append_json_string(out, to_json(Event{{}, 0, message}));
    });
    members_of.end();
  }
  if (state.past_ticket) {
    const PastTicket& past = *state.past_ticket;
    Members members_of(members.name("pt"));
    members_of.number("id", static_cast<std::uint64_t>(past.ticket));
    members_of.number("no", static_cast<std::uint64_t>(past.number));
    members_of.text("agent", past.agent);
    members_of.number("out", static_cast<std::uint64_t>(past.outcome));
    members_of.flag("rate", past.may_rate);
    members_of.flag("type", past.may_type);
    members_of.end();
  }
  if (!state.timers.empty()) {
    Members timers(members.name("t"));
    for (const auto& [name, timer] : state.timers) {
      timers.any_name(name) += '[';
      append_json_number(out, timer.due.unix_ms);
      out += ',';
      append_json_number(out, static_cast<std::int64_t>(timer.serial));
      out += ']';
    }
    timers.end();
  }
  if (!state.scheduled.empty()) {
    Members scheduled(members.name("sch"));
    for (const auto& [name, branch] : state.scheduled) append_json_string(scheduled.any_name(name), branch);
    scheduled.end();
  }
  members.moment("ro", state.run_of);
  members.number("jr", state.jobs_in_a_row);
  members.array("kept", state.kept, [&](const UserMessage& message) {
    append_json_string(out, to_json(Event{{}, 0, message}));
  });
  if (!(state.assisted == Assisted{})) append_json(members.name("as"), state.assisted);
  if (state.offer) append(members.name("o"), *state.offer, program);
  if (state.inner_offer) append(members.name("oi"), *state.inner_offer, program);
  members.array("sec", state.secrets, [&](const std::string& name) { append_json_string(out, name); });
  members.text("al", state.album);
  members.flag("kb", state.keyboard_shown);
  members.flag("un", state.unreachable);
  members.flag("mv", state.moved_silently);
  if (state.resume_at.value < program.branches.size()) members.text("go", program.branch(state.resume_at).name);
  members.end();
  return out;
}

bool from_json(std::string_view json_text, const Program& program, State& state, Relocation* relocated) {
  state = State{};
  if (relocated) *relocated = Relocation{};
  JsonReader json(json_text);
  StoredRests stored;
  StoredWaiting waiting;
  std::string rule, relay_rule, go;
  Silence silence;
  std::uint64_t offer_mark = 0, inner_offer_mark = 0;
  const bool read = json.read_object([&](const std::string& name) {
    if (name == "v") return json.read_string(state.version);
    if (name == "n") return read_number(json, state.serial);
    if (name == "vars") return read_map(json, state.variables);
    if (name == "f") return read_frames(json, stored.frames);
    if (name == "w") return read_waiting(json, waiting);
    if (name == "i") return json.read_array([&] { return read_waiting(json, stored.interrupted.emplace_back()); });
    if (name == "p") return json.read_array([&] { return read_past(json, state.past.emplace_back()); });
    if (name == "s") {
      return json.read_object([&](const std::string& field) {
        if (field == "rule") return json.read_string(rule);
        if (field == "since") return json.read_int(silence.since.unix_ms);
        if (field == "last") return json.read_int(silence.last_message.unix_ms);
        return false;
      });
    }
    if (name == "r") return read_relay(json, program, state.relay.emplace(), relay_rule);
    if (name == "pt") return read_past_ticket(json, state.past_ticket.emplace());
    if (name == "t") {
      return json.read_object([&](const std::string& timer_name) {
        Timer& timer = state.timers[timer_name];
        return json.take('[') && json.read_int(timer.due.unix_ms) && json.take(',') &&
               read_number(json, timer.serial) && json.take(']');
      });
    }
    if (name == "sch") {
      return json.read_object([&](const std::string& scheduled) { return json.read_string(state.scheduled[scheduled]); });
    }
    if (name == "ro") return json.read_int(state.run_of.unix_ms);
    if (name == "jr") return read_number(json, state.jobs_in_a_row);
    if (name == "kept") return read_messages(json, state.kept);
    if (name == "as") return read_json(json, state.assisted);
    if (name == "o") return read_offer(json, state.offer.emplace(), offer_mark);
    if (name == "oi") return read_offer(json, state.inner_offer.emplace(), inner_offer_mark);
    if (name == "sec") return json.read_array([&] { return json.read_string(state.secrets.emplace_back()); });
    if (name == "al") return json.read_string(state.album);
    if (name == "kb") return json.read_bool(state.keyboard_shown);
    if (name == "un") return json.read_bool(state.unreachable);
    if (name == "mv") return json.read_bool(state.moved_silently);
    if (name == "go") return json.read_string(go);
    return false;
  });
  if (!read || !json.at_end()) {
    state = State{};
    return false;
  }
  if (!go.empty()) {
    state.resume_at = program.find_branch(go);
    if (const auto moved = program.moved.find(go); !state.resume_at && moved != program.moved.end())
      state.resume_at = program.find_branch(moved->second);
    if (!state.resume_at) state.resume_at = program.start;
  }
  for (std::size_t i = 0; i < program.handoffs.size() && !rule.empty(); ++i) {
    if (program.handoffs[i].name != rule) continue;
    silence.rule = HandoffId{static_cast<std::uint32_t>(i)};
    state.silence = silence;
  }
  const bool same = state.version == program.version;
  state.version = program.version;
  if (!same) {
    if (relocated) relocated->other_version = true;
    Takeover& takeover = state.takeover.emplace();
    if (!rule.empty() && !state.silence) takeover.silence = rule;
    if (state.relay && !state.relay->rule) takeover.relay = relay_rule;
    keep_offer(program, offer_mark, state.offer);
    keep_offer(program, inner_offer_mark, state.inner_offer);
    relocate(program, stored, std::move(waiting), state, relocated);
    keep_relay(state);
    return true;
  }
  if (!rule.empty() && !state.silence) waiting.waiting = Waiting{};
  for (StoredFrame& frame : stored.frames) state.frames.push_back(std::move(frame.frame));
  for (StoredWaiting& rest : stored.interrupted) state.interrupted.push_back(std::move(rest.waiting));
  state.waiting = std::move(waiting.waiting);
  if (fits(program, state)) return true;
  state = State{};
  return false;
}

bool read_answers(std::string_view json_text, StoredAnswers& answers) {
  answers = StoredAnswers{};
  JsonReader json(json_text);
  const bool read = json.read_object([&](const std::string& name) {
    if (name == "v") return json.read_string(answers.version);
    if (name == "vars") return read_map(json, answers.variables);
    if (name != "w") return pass_over(json);
    return json.read_object([&](const std::string& field) {
      return field == "e" ? read_number(json, answers.expected) : pass_over(json);
    });
  });
  return read && json.at_end();
}

bool read_standing(std::string_view json_text, Standing& standing) {
  standing = Standing{};
  JsonReader json(json_text);
  const bool read = json.read_object([&](const std::string& name) {
    if (name == "un") return json.read_bool(standing.unreachable);
    if (name == "r") standing.at_desk = true;
    if (name != "s") return pass_over(json);
    return json.read_object([&](const std::string& field) {
      if (field == "rule") return json.read_string(standing.silent_by);
      if (field == "last") return json.read_int(standing.last_message.unix_ms);
      return pass_over(json);
    });
  });
  return read && json.at_end();
}

bool is_silence_on(const HandoffRule& rule, Moment last_message, Moment now) {
  return !rule.resume_after || now.unix_ms - last_message.unix_ms < rule.resume_after->ms;
}

bool with_people(const Standing& standing, const Program& program, Moment now) {
  if (standing.at_desk) return true;
  if (standing.silent_by.empty()) return false;
  const auto rule = std::find_if(program.handoffs.begin(), program.handoffs.end(),
                                 [&](const HandoffRule& one) { return one.name == standing.silent_by; });
  return rule != program.handoffs.end() && is_silence_on(*rule, standing.last_message, now);
}

bool read_run_rest(std::string_view json_text, RunRest& rest) {
  rest = RunRest{};
  JsonReader json(json_text);
  const bool read = json.read_object([&](const std::string& name) {
    if (name == "w") {
      return json.read_object([&](const std::string& field) {
        if (field != "w") return pass_over(json);
        Waiting::For what = Waiting::For::Nothing;
        if (!read_kind(json, Waiting::For::Talk, what)) return false;
        rest.under_way = comes_by_itself(what);
        return true;
      });
    }
    if (name != "t") return pass_over(json);
    return json.read_object([&](const std::string& timer) {
      Moment due;
      std::uint64_t serial = 0;
      if (!json.take('[') || !json.read_int(due.unix_ms) || !json.take(',') || !read_number(json, serial) || !json.take(']')) return false;
      if (is_schedule_timer(timer)) {
        rest.pending = true;
      } else if (!rest.due || due < *rest.due) {
        rest.due = due;
      }
      return true;
    });
  });
  return read && json.at_end();
}

std::string place_of(const State& state, const Program& program) {
  if (state.waiting.what == Waiting::For::Nothing || state.waiting.what == Waiting::For::Table) return "none";
  std::string place = place_of_rest(program, state.waiting);
  return place.empty() ? "none" : place;
}

}  // namespace sufler
