#include "interpreter/core/options.h"
#include "interpreter/core/questions/questions.h"
#include "interpreter/core/steps/steps.h"

namespace sufler {
namespace {

Flow take(Play& play, const Choose& choose, std::size_t position) {
  State& state = play.state;
  const Waiting waiting = state.waiting;
  if (position >= waiting.shown.size()) return Flow::Rest;
  const Option* option = option_at(choose.buttons, waiting.values, position);
  if (option && option->url) {
    tell_link(play, *option, label_at(waiting.shown, position));
    return Flow::Rest;
  }

  if (play.traces()) play.note(way_of_option(waiting.step, choose.buttons, waiting.values, position), waiting.shown[position]);
  play.remember_stand();
  PastQuestion past;
  past.frames = state.frames;
  past.step = waiting.step;
  past.label = label_at(waiting.shown, position);
  if (state.past.size() >= 20) state.past.erase(state.past.begin());
  state.past.push_back(std::move(past));
  play.leave_rest();
  if (!choose.into.empty() &&
      !play.set_variable(choose.into, value_at(choose.buttons, waiting.shown, waiting.values, position)))
    return Flow::Next;
  if (option) take_option(play, *option);
  return Flow::Next;
}

}  // namespace

Flow play_verb(Play& play, StepId id, const Step&, const Choose&) {
  Waiting waiting;
  waiting.what = Waiting::For::Choice;
  waiting.step = id;
  return play.show(std::move(waiting));
}

Flow show_choice(Play& play, Waiting waiting, const RichText* was) {
  const Step& step = play.program.step(waiting.step);
  const Choose& choose = std::get<Choose>(step.verb);
  play.span = step.span;
  Message message;
  if (!render_asked(play, choose.text, choose.attach, was, message)) return Flow::Next;
  if (!make_options(play, choose.buttons, waiting.shown, waiting.values)) return Flow::Next;
  if (waiting.shown.empty()) {
    // Nobody could ever answer this.
    play.effect(WriteLog{"nothing to choose from at `" + step.place + "`"});
    if (play.traces()) play.note({Way::What::Otherwise, waiting.step, {}, 0});
    play.enter(choose.otherwise);
    return Flow::Next;
  }
  waiting.serial = play.next_serial();
  message.keyboard = make_keyboard(play, choose.buttons, waiting.shown, waiting.values, waiting.serial);
  if (play.fault) return Flow::Next;
  play.send(std::move(message));
  return play.rest(std::move(waiting));
}

Flow hear_choice(Play& play, std::optional<std::size_t> position) {
  const Step& step = play.program.step(play.state.waiting.step);
  const Choose& choose = std::get<Choose>(step.verb);
  play.span = step.span;
  if (!position) position = find_label(trim(play.heard.text), play.state.waiting.shown);
  if (position) return take(play, choose, *position);
  if (choose.otherwise) {
    if (play.traces()) play.note(play.way_of_rest(Way::What::Otherwise), Value(play.heard.text));
    play.interrupt(choose.otherwise);
    return Flow::Next;
  }
  hear_other(play);
  return Flow::Rest;
}

}  // namespace sufler
