// What a person does, tried in the order of LANGUAGE 6: silence · commands · the waiting question or choice ·
// fallback.
#include <utility>

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

/// Buttons of a `say` stay alive beside whatever waits.
bool take_offer(Play& play, std::size_t position) {
  State& state = play.state;
  if (!state.offer || position >= state.offer->shown.size()) return false;
  const Say* say = std::get_if<Say>(&play.program.step(state.offer->step).verb);
  if (!say || !say->buttons) return false;
  const Option* option = option_at(*say->buttons, state.offer->values, position);
  if (!option || option->url) return false;
  const Option taken = *option;
  for (const Assignment& assignment : taken.set) {
    if (!play.assign(assignment)) return true;
  }
  if (taken.target) {
    play.interrupt(taken.target);
    if (taken.target.go) play.state.past.clear();
    play.run();
  }
  return true;
}

bool hear_offer(Play& play) {
  if (!play.state.offer || play.state.offer->is_inline) return false;
  const auto position = find_same_label(trim(play.heard.text), play.state.offer->shown);
  return position && take_offer(play, *position);
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
  play.say_phrase(Phrase::UnknownCommand);
  if (play.fault || play.state.waiting.what == Waiting::For::Nothing) return;
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

}  // namespace

void hear_other(Play& play) {
  const Program& program = play.program;
  const bool unknown_command = !slash_command(play.heard.text).empty();
  const auto what = play.state.waiting.what;
  if (program.fallback) {
    play.interrupt(program.branch(program.fallback).block, Frame::Kind::Command);
    play.run();
  } else if (unknown_command) {
    tell_unknown_command(play);
  } else if (what == Waiting::For::Choice) {
    Message message;
    message.text = play.phrase(Phrase::NotUnderstood);
    message.keyboard = keyboard_of_rest(play);
    if (!play.fault) play.send(std::move(message));
  } else if (what == Waiting::For::Nothing && program.start) {
    play.jump(program.start);
    play.run();
  }
}

void hear_message(Play& play, const UserMessage& message) {
  State& state = play.state;
  if (message.edited) return;
  const bool later_part = !message.album.empty() && message.album == state.album;
  if (later_part) {
    if (state.silence) state.silence->last_message = play.event.at;
    return;
  }
  play.heard = heard_of(message);
  state.unreachable = false;
  const auto settle_album = [&] {
    if (!message.album.empty() && !is_collecting(play)) state.album = message.album;
  };
  if (hear_in_silence(play)) {
    settle_album();
    return;
  }
  play.restart_timers();
  const BranchId resume_at = std::exchange(state.resume_at, BranchId{});
  const std::string folded = fold(play.heard.text);
  if (!hear_command(play, folded, false) && !hear_offer(play)) {
    const auto what = state.waiting.what;
    std::optional<std::size_t> none;
    if (resume_at) {
      play.jump(resume_at);
      play.run();
    } else if (!refresh_options(play, none)) {
      play.run();
    } else if ((what == Waiting::For::Answer || what == Waiting::For::Confirmation) && question_takes(play)) {
      go_on(play, hear_answer(play, {}));
    } else if (what == Waiting::For::Choice) {
      go_on(play, hear_choice(play, std::nullopt));
    } else {
      hear_other(play);
    }
  }
  settle_album();
}

void hear_press(Play& play, const ButtonPress& press) {
  State& state = play.state;
  play.effect(AnswerPress{press.press_id, {}});
  state.unreachable = false;
  if (state.silence) return;

  if (const Option* option = read_notice_payload(play.program, press.payload)) {
    const Option taken = *option;
    play.restart_timers();
    for (const Assignment& assignment : taken.set) {
      if (!play.assign(assignment)) return;
    }
    if (taken.target) {
      play.interrupt(taken.target);
      if (taken.target.go) state.past.clear();
      play.run();
    }
    return;
  }
  const auto payload = read_payload(press.payload);
  const auto hear_label = [&](const List& shown) {
    if (payload->position && *payload->position < shown.size() && shown[*payload->position].text())
      play.heard.text = *shown[*payload->position].text();
  };
  const auto what = state.waiting.what;
  if (payload && payload->serial == state.waiting.serial && payload->serial != 0 &&
      (what == Waiting::For::Answer || what == Waiting::For::Confirmation || what == Waiting::For::Choice)) {
    play.restart_timers();
    std::optional<std::size_t> position = payload->position;
    if (!refresh_options(play, position)) {
      play.answer_press(play.phrase_text(Phrase::OldButton));
      return;
    }
    if (position && *position < state.waiting.shown.size() && state.waiting.shown[*position].text())
      play.heard.text = *state.waiting.shown[*position].text();
    go_on(play, what == Waiting::For::Choice ? hear_choice(play, position)
                                             : hear_answer(play, {position, payload->code}));
  } else if (payload && payload->position && state.offer && payload->serial == state.offer->serial) {
    play.restart_timers();
    hear_label(state.offer->shown);
    take_offer(play, *payload->position);
  } else {
    play.answer_press(play.phrase_text(Phrase::OldButton));
  }
}

}  // namespace sufler
