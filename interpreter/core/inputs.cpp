// What a person does, tried in the order of LANGUAGE 6: silence · commands · the waiting question or choice ·
// fallback.
#include <utility>

#include "interpreter/core/assistants/asking.h"
#include "interpreter/core/jobs.h"
#include "interpreter/core/play.h"
#include "interpreter/core/questions/questions.h"
#include "interpreter/core/steps/steps.h"

namespace sufler {
namespace {

Heard heard_of(const UserMessage& message) {
  Heard heard;
  heard.text = message.text;
  heard.attachments = message.attachments;
  heard.contact = message.contact;
  heard.location = message.location;
  return heard;
}

void go_on(Play& play, Flow flow) {
  if (flow == Flow::Next || play.fault) play.run();
}

/// A button that neither leads on nor sets anything says its label, like one of the keyboard that is a suggestion.
bool only_says(const Option& option) { return !option.target && option.set.empty() && !option.url; }

RichText told_choice(Play& play, const std::string& label) {
  ValueMap names;
  names.set("chosen", label);
  return play.phrase(Phrase::Chosen, &names);
}

/// For the trace: a button that only says its label.
void note_said(Play& play, StepId step, const Buttons& buttons, std::size_t option, const std::string& label) {
  const bool made = option >= buttons.options.size();
  play.note({made ? Way::What::DataOption : Way::What::Option, step, {}, made ? 0 : static_cast<std::uint32_t>(option)},
            Value(label));
}

/// Plays a button that nobody waits at by the rules of a command: what waits is shown again behind it, unless it
/// jumps. Gives what is to be told when it only set something.
std::optional<RichText> play_said(Play& play, StepId step, const Option& option, const std::string& label) {
  const Option taken = option;
  play.state.resume_at = BranchId{};
  if (play.traces()) {
    const auto index = static_cast<std::uint32_t>(&option - said_buttons(play.program.step(step))->options.data());
    play.note({Way::What::Option, step, {}, index}, Value(label));
  }
  for (const Assignment& assignment : taken.set) {
    if (!play.assign(assignment)) return std::nullopt;
  }
  if (!taken.target) return told_choice(play, label);
  if (taken.target.go) play.state.past.clear();
  play.interrupt(taken.target);
  play.run();
  return std::nullopt;
}

/// The label of a button that nobody waits at was typed, or pressed in the keyboard, which types it.
bool hear_offer(Play& play, const std::optional<Offer>& offer) {
  if (!offer) return false;
  const Buttons* buttons = said_buttons(play.program.step(offer->step));
  const auto position = find_same_label(trim(play.heard.text), offer->shown);
  if (!buttons || !position) return false;
  const Option* option = option_at(*buttons, offer->values, *position);
  if (!option || only_says(*option)) {
    if (play.traces()) {
      const Way way = way_of_option(offer->step, *buttons, offer->values, *position);
      play.note(way, Value(label_at(offer->shown, *position)));
    }
    return false;
  }
  const std::string label = label_at(offer->shown, *position);
  if (option->url) {
    tell_link(play, *option, label);
  } else if (auto told = play_said(play, offer->step, *option, label)) {
    tell(play, std::move(*told));
  }
  return true;
}

/// Whether the words mean something to what waits, so that no other button with that label is meant.
bool rest_reads(Play& play) {
  const Waiting& waiting = play.state.waiting;
  const std::string_view text = trim(play.heard.text);
  if (waiting.what == Waiting::For::Choice) return find_label(text, waiting.shown).has_value();
  const Question* question = question_of(play.program, waiting);
  if (!question) return false;
  const QuestionKind& kind = kind_of(*question);
  if (waiting.what == Waiting::For::Confirmation || kind.collect || kind.takes_any_text || question->gather ||
      find_same_label(text, waiting.shown))
    return true;
  return kind.read(play, *question).taken;
}

/// A misspelt command is not the answer to a question that would take any text.
bool question_takes(Play& play) {
  const Question* question = question_of(play.program, play.state.waiting);
  if (!question || slash_command(play.heard.text).empty()) return true;
  if (find_same_label(trim(play.heard.text), play.state.waiting.shown)) return true;
  if (play.state.waiting.what == Waiting::For::Confirmation) return false;
  const QuestionKind& kind = kind_of(*question);
  if (kind.collect) return false;
  if (kind.takes_any_text && question->pattern.empty()) return false;
  return kind.read(play, *question).taken;
}

/// Whether more messages of the same album may still belong to the answer.
bool is_collecting(const Play& play) {
  const Question* question = question_of(play.program, play.state.waiting);
  if (!question || play.state.waiting.what != Waiting::For::Answer) return false;
  return question->type == QuestionType::Files || (question->gather && !play.state.waiting.collected.empty());
}

void tell_unknown_command(Play& play) {
  if (play.state.waiting.what == Waiting::For::Nothing) return tell(play, play.phrase(Phrase::UnknownCommand));
  play.say_phrase(Phrase::UnknownCommand);
  if (play.fault) return;
  Waiting waiting = std::move(play.state.waiting);
  play.drop_timers();
  play.state.waiting = Waiting{};
  go_on(play, play.show(std::move(waiting)));
}

/// Options of a rest that comes from another version are made anew, and known again by their labels.
/// False after a fault, or when the pressed one is gone.
bool refresh_options(Play& play, std::optional<std::size_t>& position) {
  Waiting& waiting = play.state.waiting;
  if (!waiting.remade) return true;
  const Question* question = question_of(play.program, waiting);
  const bool choosing = waiting.what == Waiting::For::Choice;
  if (!question && !choosing) return true;
  waiting.remade = false;
  if (waiting.what == Waiting::For::Confirmation) return true;
  const List old = std::exchange(waiting.shown, {});
  const Buttons& buttons =
      question ? question->buttons : std::get<Choose>(play.program.step(waiting.step).verb).buttons;
  if (!make_options(play, buttons, waiting.shown, waiting.values)) return false;
  const auto now_at = [&](std::size_t before) -> std::optional<std::size_t> {
    for (std::size_t i = 0; before < old.size() && i < waiting.shown.size(); ++i)
      if (waiting.shown[i] == old[before]) return i;
    return std::nullopt;
  };
  if (question && question->type == QuestionType::Choices) {
    for (const Value& chosen : std::exchange(waiting.collected, {})) {
      const auto before = chosen.number() ? chosen.number()->to_int64() : std::nullopt;
      if (!before || *before < 0) continue;
      if (const auto now = now_at(static_cast<std::size_t>(*before)))
        waiting.collected.emplace_back(static_cast<std::int64_t>(*now));
    }
  }
  if (!position) return true;
  position = now_at(*position);
  return position.has_value();
}

/// Words, typed or of a button that says its label.
void hear_words(Play& play) {
  State& state = play.state;
  play.restart_timers();
  const BranchId resume_at = std::exchange(state.resume_at, BranchId{});
  const std::string folded = fold(play.heard.text);
  if (hear_command(play, folded, false) || hear_offer(play, state.offer) || hear_subscription(play, folded)) return;
  const auto what = state.waiting.what;
  std::optional<std::size_t> none;
  // What was written before it is heard first.
  const bool behind_others = !state.kept.empty() && !std::holds_alternative<HearKept>(play.event.what);
  if (what == Waiting::For::Job || behind_others) {
    keep_for_later(play);
  } else if (resume_at) {
    play.jump(resume_at);
    play.run();
  } else if (state.waiting.news == Waiting::News::Other) {
    return;  // the words were about another question: this one is shown at the end of the turn
  } else if (!refresh_options(play, none)) {
    play.run();
  } else if (!rest_reads(play) && hear_offer(play, state.inner_offer)) {
    return;
  } else if ((what == Waiting::For::Answer || what == Waiting::For::Confirmation) && question_takes(play)) {
    go_on(play, hear_answer(play, {}));
  } else if (what == Waiting::For::Choice) {
    go_on(play, hear_choice(play, std::nullopt));
  } else if (what == Waiting::For::Talk && slash_command(play.heard.text).empty()) {
    go_on(play, hear_talk(play));
  } else {
    hear_other(play);
  }
}

void press_said(Play& play, const SaidButton& pressed) {
  State& state = play.state;
  const Step& step = play.program.step(pressed.step);
  const Buttons& buttons = *said_buttons(step);
  std::string label;
  const Option* option = nullptr;
  if (pressed.option < buttons.options.size()) {
    option = &buttons.options[pressed.option];
    RichText text;
    // What the label was made of may be gone by now; the button works all the same.
    if (play.render(option->label, text)) label = std::move(text.text);
    play.fault.reset();
  } else if (state.inner_offer && state.inner_offer->step == pressed.step) {
    // Made of data: what it said then is only known while it is the newest.
    std::size_t item = buttons.options.size();
    for (std::size_t i = 0; i < state.inner_offer->shown.size(); ++i) {
      if (option_at(buttons, state.inner_offer->values, i) || item++ != pressed.option) continue;
      label = label_at(state.inner_offer->shown, i);
    }
  }
  if (label.empty() && (!option || only_says(*option))) {
    play.answer_press(play.phrase_text(Phrase::OldButton));
    return;
  }
  play.heard.text = label;
  if (option && !only_says(*option)) {
    play.restart_timers();
    if (auto told = play_said(play, pressed.step, *option, label)) play.answer_press(std::move(told->text));
  } else if (std::holds_alternative<Say>(step.verb)) {
    if (play.traces()) note_said(play, pressed.step, buttons, pressed.option, label);
    hear_words(play);
  } else {
    if (play.traces()) note_said(play, pressed.step, buttons, pressed.option, label);
    play.answer_press(told_choice(play, label).text);  // who reads a notice is in no talk about it
  }
}

}  // namespace

void tell_resting(Play& play) {
  // What comes in a moment is the answer.
  constexpr std::int64_t kMoment = 15'000;
  const auto timer = play.state.timers.find(play.timer_name("pause", play.state.interrupted.size()));
  if (timer != play.state.timers.end() && timer->second.due.unix_ms - play.event.at.unix_ms <= kMoment) return;
  play.say_phrase(Phrase::Resting);
}

void hear_other(Play& play) {
  play.heard.unclaimed = true;
  if (play.state.waiting.news != Waiting::News::None) return;  // shown at the end of the turn
  const Program& program = play.program;
  if (play.around.is_agent && play.state.waiting.what == Waiting::For::Nothing) {
    play.say_phrase(Phrase::NoTicket);
    return;
  }
  const bool unknown_command = !slash_command(play.heard.text).empty();
  const auto what = play.state.waiting.what;
  if (program.fallback) {
    if (play.traces()) play.note({Way::What::Fallback, {}, {}, 0});
    play.interrupt(program.branch(program.fallback).block, Frame::Kind::Command);
    play.run();
  } else if (unknown_command) {
    tell_unknown_command(play);
  } else if (what == Waiting::For::Choice) {
    tell(play, play.phrase(Phrase::NotUnderstood));
  } else if (what == Waiting::For::Pause) {
    tell_resting(play);
  } else if (what == Waiting::For::Nothing && program.start) {
    play.jump(program.start);
    play.run();
  }
}

void hear_message(Play& play, const UserMessage& message) {
  State& state = play.state;
  play.said = &message;
  if (hear_in_relay(play, message)) {
    state.unreachable = false;
    return;
  }
  if (message.edited) return;
  const bool later_part = !message.album.empty() && message.album == state.album;
  if (later_part) {
    if (state.silence) state.silence->last_message = play.event.at;
    return;
  }
  play.heard = heard_of(message);
  state.unreachable = false;
  const auto settle_album = [&] {
    if (!message.album.empty() && !play.kept && !is_collecting(play)) state.album = message.album;
  };
  if (hear_in_silence(play)) {
    settle_album();
    return;
  }
  if (hear_rating(play, {}, trim(message.text))) return;
  hear_words(play);
  settle_album();
}

void hear_press(Play& play, const ButtonPress& press) {
  State& state = play.state;
  play.effect(AnswerPress{press.press_id, {}});
  state.unreachable = false;
  if (hear_rating(play, press.payload, {}) || state.silence) return;

  if (const auto said = read_said_payload(play.program, press.payload)) {
    press_said(play, *said);
    return;
  }
  const auto payload = read_payload(press.payload);
  const auto what = state.waiting.what;
  if (payload && payload->serial == state.waiting.serial && payload->serial != 0 &&
      (what == Waiting::For::Answer || what == Waiting::For::Confirmation || what == Waiting::For::Choice)) {
    play.restart_timers();
    std::optional<std::size_t> position = payload->position;
    if (state.waiting.news == Waiting::News::Other || !refresh_options(play, position)) {
      play.answer_press(play.phrase_text(Phrase::OldButton));
      return;
    }
    if (position && *position < state.waiting.shown.size())
      play.heard.text = label_at(state.waiting.shown, *position);
    go_on(play, what == Waiting::For::Choice ? hear_choice(play, position)
                                             : hear_answer(play, {position, payload->code}));
  } else {
    play.answer_press(play.phrase_text(Phrase::OldButton));
  }
}

}  // namespace sufler
