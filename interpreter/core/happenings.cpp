// What happens outside and the scenario's `events` name (LANGUAGE 9).
#include "interpreter/core/happenings.h"

#include <algorithm>

#include "interpreter/core/play.h"

namespace sufler {
namespace {

/// The branch sees what happened by this name, wherever it goes on.
constexpr std::string_view kEvent = "event";

/// An API's message has no scenario's name.
constexpr std::string_view kText = "text", kWith = "with";

void say_beside(Play& play, const Value& text) {
  if (play.state.unreachable || !text.text() || text.text()->empty()) return;
  Message message;
  message.text.text = *text.text();
  play.effect(SendMessage{std::move(message), ResendPolicy::Repeat});
}

/// As `begin_beside`, but people who have the dialog keep it.
void begin_among_people(Play& play, BranchId branch, ValueMap locals) {
  if (!play.interrupt(play.program.branch(branch).block, Frame::Kind::Command)) return play.run();
  if (!play.state.frames.empty()) play.state.frames.back().locals = std::move(locals);
  play.run();
}

ValueMap locals_of(const Happened& happened) {
  if (!happened.event.empty()) {
    ValueMap locals;
    locals.set(std::string(kEvent), Value(event_names(happened.event, happened.data)));
    return locals;
  }
  const Value* with = happened.data.map() ? happened.data.map()->find(kWith) : nullptr;
  return with && with->map() ? *with->map() : ValueMap();
}

}  // namespace

const Value* event_of(const std::vector<Frame>& frames) {
  // The newest: an event may come in the middle of another one's branch.
  for (auto frame = frames.rbegin(); frame != frames.rend(); ++frame)
    if (const Value* event = frame->locals.find(kEvent)) return event;
  return nullptr;
}

ValueMap event_names(std::string_view name, Value json) {
  ValueMap names;
  names.set("name", std::string(name));
  names.set("json", std::move(json));
  return names;
}

const Happening* Happenings::find(std::string_view name) const {
  const auto found = std::find_if(all.begin(), all.end(), [&](const Happening& one) { return one.name == name; });
  return found == all.end() ? nullptr : &*found;
}

const Happening* Happenings::find_webhook(std::string_view webhook) const {
  const auto found = std::find_if(all.begin(), all.end(), [&](const Happening& one) {
    return one.kind == Happening::Kind::Webhook && one.webhook == webhook;
  });
  return found == all.end() ? nullptr : &*found;
}

const Happening* Happenings::first(Happening::Kind kind) const {
  const auto found = std::find_if(all.begin(), all.end(), [&](const Happening& one) { return one.kind == kind; });
  return found == all.end() ? nullptr : &*found;
}

bool asks_about_user(const Expression& find_user) {
  return std::any_of(find_user.names().begin(), find_user.names().end(),
                     [](const NameUse& use) { return !use.path.empty() && (use.path[0] == "user" || use.path[0] == "человек"); });
}

Result<Value, std::string> value_for(const Program& program, Moment at, const Expression& expression, const ValueMap& names) {
  const Event event{at, 0, TimerDue{}};
  const Surroundings around;
  Play play(program, State{}, UserRecord{}, around, event);
  const ExtraNames extra(play.scope, names);
  Value value;
  if (!play.evaluate(expression, value)) return Error{play.fault ? play.fault->reason : std::string("it cannot be told")};
  return value;
}

Result<std::string, std::string> text_for(const Program& program, Moment at, const Template& text, const ValueMap& names) {
  const Event event{at, 0, TimerDue{}};
  const Surroundings around;
  Play play(program, State{}, UserRecord{}, around, event);
  const ExtraNames extra(play.scope, names);
  auto said = text.render(play.scope);
  if (!said) return Error{said.error().detail};
  return std::move(said->text);
}

void hear_happening(Play& play, const Happened& happened) {
  State& state = play.state;
  if (happened.branch.empty()) {
    const Value* text = happened.data.map() ? happened.data.map()->find(kText) : nullptr;
    if (text) say_beside(play, *text);
    return;
  }
  const std::string which = happened.event.empty() ? std::string("a call of the API") : "the event `" + happened.event + "`";
  const BranchId branch = branch_by_name(play.program, happened.branch);
  if (!branch) {
    play.effect(WriteLog{"the branch `" + happened.branch + "` of " + which + " is gone: it is dropped"});
    return;
  }
  ValueMap locals = locals_of(happened);
  if (happened.alone) {
    if (state.waiting.what != Waiting::For::Nothing) {
      play.effect(WriteLog{"what was done before for " + which + " waits at `" + place_of(state, play.program) +
                           "` for an answer that nobody can give: it is ended"});
      state.silence.reset();
    }
    play.forget_answers();
    play.jump(branch);
    play.state.frames.back().locals = std::move(locals);
    play.run();
    return;
  }
  // What has happened has happened, whoever talks: unlike a schedule's branch it is not dropped.
  if (people_talk(play)) return begin_among_people(play, branch, std::move(locals));
  begin_beside(play, branch, std::move(locals));
}

}  // namespace sufler
