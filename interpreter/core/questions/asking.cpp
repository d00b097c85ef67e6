// One question from its showing to its answer. A message goes through Skip, the question's buttons, the type's
// collecting or `gather`, and the type's reader; a value through `check` and `confirm`.
#include <algorithm>

#include "interpreter/core/assistants/asking.h"
#include "interpreter/core/questions/questions.h"
#include "interpreter/core/reading/choice.h"
#include "interpreter/core/relocation.h"

namespace sufler {
namespace {

constexpr std::size_t kMaxFragments = 100;
constexpr std::size_t kMaxGatheredBytes = 64 * 1024;
constexpr std::int64_t kLongestGathering = 30'000;


std::vector<OwnButton> own_buttons(const Question& question) {
  std::vector<OwnButton> own;
  if (const QuestionKind& kind = kind_of(question); kind.own_buttons) own = kind.own_buttons(question);
  if (question.optional) own.push_back({Phrase::Skip, 's'});
  return own;
}

const std::vector<OwnButton>& confirm_buttons() {
  static const std::vector<OwnButton> kButtons = {{Phrase::Yes, 'y'}, {Phrase::No, 'n'}};
  return kButtons;
}

bool is_phrase(Play& play, Phrase phrase) {
  const std::string label = play.phrase_text(phrase);
  if (play.heard.text == label) return true;
  // `Да?` asks back; folding would lose the mark.
  if (play.heard.text.empty() || play.heard.text.find('?') != std::string::npos) return false;
  return fold(play.heard.text) == fold(label);
}

/// Behind the question: in its row, then behind its step.
void go_behind(Play& play, const Waiting& waiting) {
  if (play.state.frames.empty()) return;
  Frame& frame = play.state.frames.back();
  frame.next = play.program.step(waiting.step).index;
  frame.row = waiting.question + 1;
}

Value hidden() { return Value("•••"); }

QuestionId id_of(const Play& play, const Question& question) {
  return QuestionId{static_cast<std::uint32_t>(&question - play.program.questions.data())};
}

/// For the trace, whichever step asks.
TraceEntry& note(Play& play, Way::What what, const Question& question, Value value = {}) {
  TraceEntry& entry = play.note({what, play.state.waiting.step, id_of(play, question), 0}, std::move(value));
  if (question.secret && !entry.value.is_null()) entry.value = hidden();
  return entry;
}

bool default_of(Play& play, const Question& question, Value& value) {
  value = Value();
  if (!question.default_value) return true;
  if (!play.evaluate(*question.default_value, value)) return false;
  if (play.traces()) note(play, Way::What::Default, question, value);
  return true;
}

/// The option that gave an answer, which `from` may have made.
void note_option(Play& play, const Question& question, std::size_t position) {
  if (!play.traces()) return;
  const Waiting& waiting = play.state.waiting;
  Way way = way_of_option(waiting.step, question.buttons, waiting.values, position);
  way.question = id_of(play, question);
  if (way.what == Way::What::DataOption && !question.buttons.from) return;  // marks of a rating
  TraceEntry& entry = play.note(way, Value(label_at(waiting.shown, position)));
  if (question.secret) entry.value = hidden();
}

/// The answer is settled.
Flow accept(Play& play, const Question& question, Value value) {
  State& state = play.state;
  play.remember_stand();
  PastQuestion past;
  past.frames = state.frames;
  past.step = state.waiting.step;
  past.question = state.waiting.question;
  if (state.past.size() >= 20) state.past.erase(state.past.begin());
  state.past.push_back(std::move(past));
  if (question.secret &&
      std::find(state.secrets.begin(), state.secrets.end(), question.name) == state.secrets.end()) {
    state.secrets.push_back(question.name);
  }
  if (question.secret) play.hide(value);
  if (!play.set_variable(question.name, std::move(value))) return Flow::Next;
  go_behind(play, state.waiting);
  play.leave_rest();
  return Flow::Next;
}

Flow take_option_of_question(Play& play, const Question& question, std::size_t position) {
  Waiting& waiting = play.state.waiting;
  if (position >= waiting.shown.size()) return Flow::Rest;
  const Option* option = option_at(question.buttons, waiting.values, position);
  if (option && option->url) {
    tell_link(play, *option, label_at(waiting.shown, position));
    return Flow::Rest;
  }
  if (option && (option->target || !option->set.empty()) && !option->value &&
      question.type != QuestionType::Choice) {
    // A way out of the question, such as `Cancel`.
    const Option taken = *option;
    note_option(play, question, position);
    play.remember_stand();
    go_behind(play, waiting);
    play.leave_rest();
    take_option(play, taken);
    return Flow::Next;
  }
  if (question.type == QuestionType::Choice || (option && option->value) || !option) {
    const Option* const taken = option;
    note_option(play, question, position);
    const Flow flow =
        take_value(play, question, value_at(question.buttons, waiting.shown, waiting.values, position));
    if (taken && play.state.waiting.what == Waiting::For::Nothing && !play.fault) take_option(play, *taken);
    return flow;
  }
  // A button of a question that reads text says its label.
  note_option(play, question, position);
  play.heard.text = label_at(waiting.shown, position);
  const Reading reading = kind_of(question).read(play, question);
  return reading.taken ? take_value(play, question, reading.value) : refuse(play, question, reading);
}

Flow read_answer(Play& play, const Question& question) {
  const Reading reading = kind_of(question).read(play, question);
  if (play.fault) return Flow::Next;
  if (reading.taken) return take_value(play, question, reading.value);
  // Which of several numbers was meant a model may know; a doubt about one is the person's to settle.
  const bool doubt = !reading.offered.empty() && !reading.of_many;
  if (!doubt && ask_to_understand(play, question)) return Flow::Rest;
  return refuse(play, question, reading);
}

// ---- readings offered for an unclear answer: a Confirmation with labels in `shown`, and a `candidate` when it is one

bool is_offer(const Waiting& waiting) { return waiting.what == Waiting::For::Confirmation && !waiting.shown.empty(); }
bool is_offer_of_several(const Waiting& waiting) { return is_offer(waiting) && waiting.candidate.is_null(); }

Keyboard confirmation_keyboard(Play& play, const Question& question, const Waiting& waiting) {
  Buttons plain;
  plain.is_inline = question.buttons.is_inline;
  if (is_offer_of_several(waiting)) {
    plain.columns = 1;
    return make_keyboard(play, plain, waiting.shown, waiting.values, waiting.serial);
  }
  return make_keyboard(play, plain, {}, {}, waiting.serial, confirm_buttons());
}

/// The readings that `check` lets pass. False after a fault.
bool good_readings(Play& play, const Question& question, const Reading& reading, List& shown, List& values) {
  // What is secret is not shown again.
  if (question.secret) return true;
  for (const Reading::Offered& one : reading.offered) {
    if (question.check) {
      ValueMap names;
      names.set("value", one.value);
      const ExtraNames extra(play.scope, names);
      bool good = true;
      if (!play.holds(question.check, good)) return false;
      if (!good) continue;
    }
    shown.emplace_back(one.label);
    values.emplace_back(List{one.value});
  }
  return true;
}

/// Asks about readings of an unclear answer, in the place of the message that it was refused with.
Flow offer_readings(Play& play, const Question& question, List shown, List values) {
  Waiting offer;
  offer.what = Waiting::For::Confirmation;
  offer.step = play.state.waiting.step;
  offer.question = play.state.waiting.question;
  offer.attempts = play.state.waiting.attempts;
  if (values.size() == 1) offer.candidate = values.front().list()->front();
  if (values.size() > 1 || !question.confirm) {  // else the author's own words ask the same
    offer.shown = std::move(shown);
    offer.values = std::move(values);
  }
  play.remember_stand();
  play.leave_rest();
  return play.show(std::move(offer));
}

/// The reading that an answer points at: by its label, by its place (`второй`, `вариант 2`, `2`), or by its number without the
/// thousands (`7` of 5 000 000 ₽ and 7 000 000 ₽). A bare number that may be the answer itself points at none.
std::optional<std::size_t> reading_pointed_at(Play& play, const Question& question, const Waiting& waiting) {
  const std::string_view text = trim(play.heard.text);
  if (const auto same = find_same_label(text, waiting.shown)) return same;
  const PlaceInList named = place_in_list(text);
  if (named.place == 0) return std::nullopt;
  const bool in_list = named.place <= waiting.values.size();
  if (named.sure) return in_list ? std::optional(named.place - 1) : std::nullopt;
  const Decimal number(static_cast<std::int64_t>(named.place));
  std::optional<std::size_t> scaled;
  bool of_numbers = true, far = true;
  for (std::size_t i = 0; i < waiting.values.size(); ++i) {
    const Decimal* value = waiting.values[i].list()->front().number();
    if (!value) {
      of_numbers = false;
      break;
    }
    if (*value < Decimal(static_cast<std::int64_t>(named.place * 100))) far = false;
    for (const std::int64_t scale : {std::int64_t{1'000}, std::int64_t{1'000'000}, std::int64_t{1'000'000'000}}) {
      const auto product = multiply(number, Decimal(scale));
      if (!product || *product != *value) continue;
      if (scaled) return std::nullopt;
      scaled = i;
    }
  }
  if (!of_numbers) return in_list && !kind_of(question).read(play, question).taken ? std::optional(named.place - 1) : std::nullopt;
  if (scaled) return scaled;
  return in_list && far ? std::optional(named.place - 1) : std::nullopt;
}

/// Neither yes nor no, nor one of the readings: the answer once more, in other words.
Flow hear_again(Play& play, const Question& question, const Input& input) {
  Waiting& waiting = play.state.waiting;
  waiting.what = Waiting::For::Answer;
  waiting.candidate = Value();
  if (!make_options(play, question.buttons, waiting.shown, waiting.values)) return Flow::Next;
  return hear_answer(play, input);
}

Flow gather(Play& play, const Question& question) {
  Waiting& waiting = play.state.waiting;
  std::size_t bytes = play.heard.text.size();
  for (const Value& fragment : waiting.collected)
    if (fragment.text()) bytes += fragment.text()->size();
  if (waiting.collected.size() < kMaxFragments && bytes <= kMaxGatheredBytes) {
    if (!play.heard.text.empty()) waiting.collected.emplace_back(play.heard.text);
    for (const Attachment& file : play.heard.attachments) waiting.collected.emplace_back(file);
    // A contact or a place is an answer by itself.
    if (play.heard.contact || play.heard.location) return read_answer(play, question);
  }
  if (!waiting.candidate.moment()) waiting.candidate = Value(play.event.at);
  const Moment latest{waiting.candidate.moment()->unix_ms + kLongestGathering};
  play.set_timer("gather", std::min(later(play.event.at, *question.gather), latest));
  return Flow::Rest;
}

/// What else the option that gave a value leads to; asked again after the confirmation, for the buttons are
/// gone by then. Options that only have a value lead nowhere.
const Option* option_of_value(Play& play, const Question& question, const Value& value) {
  const bool leads = std::any_of(question.buttons.options.begin(), question.buttons.options.end(),
                                 [](const Option& one) { return one.target || !one.set.empty(); });
  if (!leads) return nullptr;
  List shown, values;
  if (!make_options(play, question.buttons, shown, values)) return nullptr;
  for (std::size_t i = 0; i < shown.size(); ++i) {
    if (value_at(question.buttons, shown, values, i) == value) return option_at(question.buttons, values, i);
  }
  return nullptr;
}

Flow hear_confirmation(Play& play, const Question& question, const Input& input) {
  Waiting& waiting = play.state.waiting;
  const bool offered = is_offer(waiting);
  if (is_offer_of_several(waiting)) {
    std::optional<std::size_t> position = input.position;
    if (!position && !input.pressed()) position = reading_pointed_at(play, question, waiting);
    if (!position) return input.pressed() ? Flow::Rest : hear_again(play, question, input);
    if (*position >= waiting.values.size()) return Flow::Rest;
    return take_value(play, question, value_at({}, waiting.shown, waiting.values, *position));
  }
  std::optional<bool> answer;
  if (input.code == 'y' || input.code == 'n') {
    answer = input.code == 'y';
  } else if (!input.pressed()) {
    const Reading reading = kind_of_type(QuestionType::YesNo).read(play, question);
    if (reading.taken) answer = reading.value.truthy();
  } else {
    return Flow::Rest;
  }
  if (!answer && offered) return hear_again(play, question, input);
  if (!answer) {
    tell(play, play.phrase(Phrase::InvalidYesNo));
    return Flow::Rest;
  }
  if (*answer) {
    Value value = std::move(waiting.candidate);
    const Option* option =
        question.type == QuestionType::Choice ? option_of_value(play, question, value) : nullptr;
    if (play.fault) return Flow::Next;
    if (play.traces()) note(play, Way::What::Answered, question, value);
    const Flow flow = accept(play, question, std::move(value));
    if (option && !play.fault) take_option(play, *option);
    return flow;
  }
  // Only a `confirm` of the author's is a way through the scenario.
  if (play.traces() && question.confirm) note(play, Way::What::Declined, question, waiting.candidate);
  Waiting again;
  if (offered) again.attempts = waiting.attempts;
  again.what = Waiting::For::Answer;
  again.step = waiting.step;
  again.question = waiting.question;
  play.remember_stand();
  play.leave_rest();
  return play.show(std::move(again));
}

}  // namespace

const Question* question_of(const Program& program, const Waiting& waiting) {
  if (waiting.what != Waiting::For::Answer && waiting.what != Waiting::For::Confirmation) return nullptr;
  if (waiting.step.value >= program.steps.size()) return nullptr;
  const Ask* ask = std::get_if<Ask>(&program.step(waiting.step).verb);
  if (!ask || waiting.question >= ask->questions.size()) return nullptr;
  return &program.question(ask->questions[waiting.question]);
}

bool is_secret_rest(const Program& program, const Waiting& waiting) {
  const Question* question = question_of(program, waiting);
  return question && question->secret;
}

LocalTime local_now(const Play& play) { return play.program.zone.to_local(play.event.at); }

Flow ask_from(Play& play, StepId id, const Ask& ask, std::uint32_t row) {
  Frame& frame = play.state.frames.back();
  if (row == 0 || row >= frame.answered) frame.answered = 0;
  for (; row < ask.questions.size(); ++row) {
    const Question& question = play.program.question(ask.questions[row]);
    if (row < frame.answered) {
      const Value* answer = play.state.variables.find(question.name);
      if (answer && !answer->is_null()) continue;
    }
    play.span = question.span;
    bool wanted = true;
    if (!play.holds(question.ask_when, wanted)) return Flow::Next;
    if (!wanted) {
      if (play.traces())
        play.note({Way::What::PassedOver, id, ask.questions[row], 0}, *question.ask_when, Value(false));
      Value value;
      if (!default_of(play, question, value) || !play.set_variable(question.name, std::move(value)))
        return Flow::Next;
      continue;
    }
    Waiting waiting;
    waiting.what = Waiting::For::Answer;
    waiting.step = id;
    waiting.question = row;
    return play.show(std::move(waiting));
  }
  return Flow::Next;
}

Flow show_question(Play& play, Waiting waiting, const RichText* was) {
  const Question& question = *question_of(play.program, waiting);
  play.span = question.span;
  Message message;
  if (!render_asked(play, question.text, question.attach, was, message)) return Flow::Next;
  if (!make_options(play, question.buttons, waiting.shown, waiting.values)) return Flow::Next;
  if (waiting.shown.empty() &&
      (question.type == QuestionType::Choice || question.type == QuestionType::Choices)) {
    // Nobody could ever answer this: it is passed over, as by `ask_when`.
    play.effect(WriteLog{"nothing to choose from for `" + question.name + "`"});
    if (play.traces() && question.otherwise)
      play.note({Way::What::Otherwise, waiting.step, id_of(play, question), 0});
    Value value;
    if (!default_of(play, question, value) || !play.set_variable(question.name, std::move(value)))
      return Flow::Next;
    go_behind(play, waiting);
    play.enter(question.otherwise);
    return Flow::Next;
  }
  if (question.type == QuestionType::Rating && waiting.shown.empty()) {
    for (int mark = 1; mark <= 5; ++mark) {
      waiting.shown.emplace_back(std::to_string(mark));
      waiting.values.emplace_back(List{Value(mark)});
    }
  }
  waiting.serial = play.next_serial();
  message.keyboard = make_keyboard(play, question.buttons, waiting.shown, waiting.values, waiting.serial,
                                   own_buttons(question));
  if (play.fault) return Flow::Next;
  play.send(std::move(message));
  return play.rest(std::move(waiting));
}

Flow show_confirmation(Play& play, Waiting waiting) {
  const Question& question = *question_of(play.program, waiting);
  play.span = question.span;
  ValueMap names;
  names.set("value", waiting.candidate);
  const ExtraNames extra(play.scope, names);
  Message message;
  if (is_offer(waiting)) {
    names.set("value", label_at(waiting.shown, 0));
    message.text = waiting.candidate.is_null() ? play.phrase(Phrase::WhichReading)
                                               : play.phrase(Phrase::ConfirmReading, &names);
  } else if (!question.confirm) {  // no more: the question itself is asked again
    waiting.what = Waiting::For::Answer;
    waiting.candidate = Value();
    return show_question(play, std::move(waiting), nullptr);
  } else if (!play.render(*question.confirm, message.text)) {
    return Flow::Next;
  }
  waiting.serial = play.next_serial();
  message.keyboard = confirmation_keyboard(play, question, waiting);
  if (play.fault) return Flow::Next;
  play.send(std::move(message));
  return play.rest(std::move(waiting));
}

Keyboard keyboard_of_rest(Play& play) {
  const Waiting& waiting = play.state.waiting;
  if (const Question* question = question_of(play.program, waiting)) {
    if (waiting.what == Waiting::For::Confirmation) return confirmation_keyboard(play, *question, waiting);
    return make_keyboard(play, question->buttons, waiting.shown, waiting.values, waiting.serial,
                         own_buttons(*question));
  }
  if (waiting.what == Waiting::For::Choice) {
    const Choose& choose = std::get<Choose>(play.program.step(waiting.step).verb);
    return make_keyboard(play, choose.buttons, waiting.shown, waiting.values, waiting.serial);
  }
  if (waiting.what == Waiting::For::Nothing && play.state.offer) {
    const Offer& offer = *play.state.offer;
    if (const Buttons* said = said_buttons(play.program.step(offer.step)))
      return make_keyboard(play, *said, offer.shown, offer.values, 0);
  }
  return {};
}

void tell(Play& play, RichText text) {
  Message message;
  message.text = std::move(text);
  message.keyboard = keyboard_of_rest(play);
  if (play.fault) return;
  std::optional<Offer> offer = play.state.offer;
  const bool stays = play.state.waiting.what == Waiting::For::Nothing && offer;
  play.send(std::move(message));
  if (stays) play.state.offer = std::move(offer);
}

void tell_link(Play& play, const Option& option, const std::string& label) {
  RichText url, text;
  if (!option.url || !play.render(*option.url, url)) return;
  text.append(label + ": ");
  text.append(url);
  tell(play, std::move(text));
}

Flow hear_answer(Play& play, const Input& input) {
  const Question& question = *question_of(play.program, play.state.waiting);
  play.span = question.span;
  if (play.state.waiting.what == Waiting::For::Confirmation) return hear_confirmation(play, question, input);
  Waiting& waiting = play.state.waiting;

  if (question.optional && (input.code == 's' || (!input.pressed() && is_phrase(play, Phrase::Skip)))) {
    if (play.traces()) note(play, Way::What::Skipped, question);
    Value value;
    if (!default_of(play, question, value)) return Flow::Next;
    return accept(play, question, std::move(value));
  }
  const QuestionKind& kind = kind_of(question);
  if (kind.collect) return kind.collect(play, question, input);
  // What was said, too: `message.text` still has it, and an answer that is refused is no less secret.
  if (question.secret) play.hide(std::string(trim(play.heard.text)));
  if (input.code != 0) {
    // Yes and No of a yes-or-no question.
    play.heard.text = play.phrase_text(input.code == 'y' ? Phrase::Yes : Phrase::No);
    return read_answer(play, question);
  }
  std::optional<std::size_t> position = input.position;
  if (!position && !waiting.shown.empty()) {
    position = question.type == QuestionType::Choice ? find_label(trim(play.heard.text), waiting.shown)
                                                     : find_same_label(trim(play.heard.text), waiting.shown);
  }
  if (position) return take_option_of_question(play, question, *position);
  if (question.gather) return gather(play, question);
  return read_answer(play, question);
}

Flow take_value(Play& play, const Question& question, Value value) {
  Waiting& waiting = play.state.waiting;
  if (question.check) {
    ValueMap names;
    names.set("value", value);
    const ExtraNames extra(play.scope, names);
    bool good = true;
    if (!play.holds(question.check, good)) return Flow::Next;
    if (!good) {
      // Files cannot be taken out one by one: the person begins anew, or would never get past the check.
      if (question.type == QuestionType::Files) {
        waiting.collected.clear();
        play.state.timers.erase(play.timer_name("files", play.state.interrupted.size()));
      }
      return refuse(play, question, Reading::refuse(Phrase::InvalidCheck));
    }
  }
  if (!question.confirm) {
    if (play.traces()) note(play, Way::What::Answered, question, value);
    return accept(play, question, std::move(value));
  }
  Waiting confirming;
  confirming.what = Waiting::For::Confirmation;
  confirming.step = waiting.step;
  confirming.question = waiting.question;
  confirming.attempts = waiting.attempts;
  confirming.candidate = std::move(value);
  play.remember_stand();
  play.leave_rest();
  return play.show(std::move(confirming));
}

Flow refuse(Play& play, const Question& question, const Reading& reading) {
  Waiting& waiting = play.state.waiting;
  if (waiting.news != Waiting::News::None) {
    // It answered what stood there before the scenario was changed: no attempt at this question.
    show_news(play);
    return play.state.waiting.what == Waiting::For::Nothing ? Flow::Next : Flow::Rest;
  }
  if (waiting.attempts < UINT32_MAX) ++waiting.attempts;
  if (play.traces()) note(play, Way::What::Wrong, question, Value(std::string(trim(play.heard.text))));
  if (question.gather) {
    waiting.collected.clear();
    waiting.candidate = Value();
    play.state.timers.erase(play.timer_name("gather", play.state.interrupted.size()));
  }
  if (question.attempts > 0 && waiting.attempts >= question.attempts && question.otherwise) {
    if (play.traces()) note(play, Way::What::Otherwise, question);
    leave_question(play, question.otherwise);
    return Flow::Next;
  }
  if (!reading.offered.empty()) {
    List shown, values;
    if (!good_readings(play, question, reading, shown, values)) return Flow::Next;
    if (!shown.empty()) return offer_readings(play, question, std::move(shown), std::move(values));
  }
  Message message;
  if (question.invalid) {
    if (!play.render(*question.invalid, message.text)) return Flow::Next;
  } else {
    message.text = play.phrase(reading.why, &reading.details);
  }
  message.keyboard = keyboard_of_rest(play);
  if (play.fault) return Flow::Next;
  play.send(std::move(message));
  return Flow::Rest;
}

void leave_question(Play& play, const Target& target) {
  const Question* question = question_of(play.program, play.state.waiting);
  play.remember_stand();
  if (question) play.set_variable(question->name, Value());
  go_behind(play, play.state.waiting);
  play.leave_rest();
  if (!play.fault) play.enter(target);
}

void collected_enough(Play& play, bool files) {
  Waiting& waiting = play.state.waiting;
  const Question* question = question_of(play.program, waiting);
  if (!question || waiting.what != Waiting::For::Answer) return;
  play.span = question->span;
  if (files) {
    ValueMap names;
    names.set("count", static_cast<std::int64_t>(waiting.collected.size()));
    tell(play, play.phrase(Phrase::FilesTaken, &names));
    return;
  }
  for (const Value& fragment : waiting.collected) {
    if (fragment.text()) {
      if (!play.heard.text.empty()) play.heard.text += "\n";
      play.heard.text += *fragment.text();
    } else if (fragment.file()) {
      play.heard.attachments.push_back(*fragment.file());
    }
  }
  waiting.collected.clear();
  waiting.candidate = Value();
  read_answer(play, *question);
}

}  // namespace sufler
