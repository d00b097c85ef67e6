// What a dialog goes through when it arrives in another version of its scenario, once relocation.cpp has found its
// places (LANGUAGE 11): answers are held against what is accepted now, a question that does not fit what the person
// sees is shown once more, timers are set anew. Nothing here is lost without a line.
#include <algorithm>

#include "interpreter/core/comparison.h"
#include "interpreter/core/expects.h"
#include "interpreter/core/options.h"
#include "interpreter/core/questions/questions.h"
#include "interpreter/core/relocation.h"

namespace sufler {
namespace {

using News = Waiting::News;

void line(Play& play, const Takeover& takeover, std::string text) {
  const std::string place = place_of(play.state, play.program);
  play.effect(Relocated{takeover.from.empty() ? place : takeover.from, takeover.to.empty() ? place : takeover.to,
                        std::move(text)});
}

// ---- answers

bool is_number_type(QuestionType type) {
  return type == QuestionType::Number || type == QuestionType::Money || type == QuestionType::Rating;
}
bool is_text_type(QuestionType type) {
  return type == QuestionType::Text || type == QuestionType::Name || type == QuestionType::Phone ||
         type == QuestionType::Email || type == QuestionType::Url;
}

/// Whether a type of question gives values of this type.
bool gives(QuestionType type, ValueType value) {
  if (is_number_type(type)) return value == ValueType::Number;
  if (is_text_type(type)) return value == ValueType::Text;
  switch (type) {
    case QuestionType::Date: return value == ValueType::Date;
    case QuestionType::Time: return value == ValueType::Time;
    case QuestionType::DateTime: return value == ValueType::Moment;
    case QuestionType::YesNo: return value == ValueType::Boolean;
    case QuestionType::Choices:
    case QuestionType::Files: return value == ValueType::List;
    case QuestionType::Location:
    case QuestionType::Contact: return value == ValueType::Map;
    case QuestionType::Photo:
    case QuestionType::File: return value == ValueType::File;
    default: return true;  // a choice's option may have any value
  }
}

/// How a person would write it.
std::optional<std::string> text_form(const Play& play, const Value& value) {
  switch (value.type()) {
    case ValueType::Text: return *value.text();
    case ValueType::Date: return value.date()->to_iso();
    case ValueType::Time: return value.time()->to_string();
    case ValueType::Moment: {
      const LocalTime local = play.program.zone.to_local(*value.moment());
      return local.date.to_iso() + " " + local.time.to_string();
    }
    case ValueType::Boolean:
    case ValueType::Number: return to_display(value, play.scope.locale());
    case ValueType::Map: {
      const Value* phone = value.map()->find("phone");
      if (phone && phone->text()) return *phone->text();
      return std::nullopt;
    }
    default: return std::nullopt;
  }
}

/// Reads a text as an answer, as if it had been written now.
std::optional<Value> read_as(Play& play, const Question& question, std::string text) {
  Heard before = std::exchange(play.heard, Heard{});
  play.heard.text = std::move(text);
  const Reading reading = kind_of(question).read(play, question);
  play.heard = std::move(before);
  play.fault.reset();
  return reading.taken ? std::optional<Value>(reading.value) : std::nullopt;
}

bool passes_check(Play& play, const Question& question, const Value& value) {
  if (!question.check) return true;
  ValueMap names;
  names.set("value", value);
  const ExtraNames extra(play.scope, names);
  bool good = true;
  // What cannot be judged is kept.
  if (!play.holds(question.check, good)) good = true;
  play.fault.reset();
  return good;
}

std::optional<Value> fit_choice(Play& play, const Question& question, const Value& value) {
  List shown, values;
  if (!make_options(play, question.buttons, shown, values)) {
    play.fault.reset();
    return value;
  }
  for (std::size_t i = 0; i < shown.size(); ++i)
    if (value_at(question.buttons, shown, values, i) == value) return value;
  const auto text = text_form(play, value);
  if (!text) return std::nullopt;
  const auto position = find_same_label(trim(*text), shown);
  if (!position) return std::nullopt;
  return value_at(question.buttons, shown, values, *position);
}

}  // namespace

std::optional<Value> fit_answer(Play& play, const Question& question, const Value& value) {
  if (value.is_null()) return value;
  std::optional<Value> fitting;
  switch (question.type) {
    case QuestionType::Any: fitting = value; break;
    case QuestionType::Choice: fitting = fit_choice(play, question, value); break;
    case QuestionType::Choices: {
      const List one{value};
      const List& items = value.list() ? *value.list() : one;
      List taken;
      for (const Value& item : items)
        if (auto fits = fit_choice(play, question, item)) taken.push_back(std::move(*fits));
      const Decimal count(static_cast<std::int64_t>(taken.size()));
      if (taken.size() == items.size() && !refuse_out_of_range(question, count)) fitting = Value(std::move(taken));
      break;
    }
    case QuestionType::Photo:
    case QuestionType::File:
      if (value.file() && !refuse_file(question, *value.file())) fitting = value;
      if (value.list() && value.list()->size() == 1) fitting = fit_answer(play, question, value.list()->front());
      break;
    case QuestionType::Files: {
      const List one{value};
      const List& items = value.list() ? *value.list() : one;
      const Decimal count(static_cast<std::int64_t>(items.size()));
      const bool good = !refuse_out_of_range(question, count) &&
                        std::all_of(items.begin(), items.end(), [&](const Value& item) {
                          return item.file() && !refuse_file(question, *item.file());
                        });
      if (good) fitting = Value(items);
      break;
    }
    case QuestionType::Location:
      if (value.map()) fitting = value;
      break;
    case QuestionType::Contact:
      if (value.map()) {
        fitting = value;
        break;
      }
      [[fallthrough]];
    default:
      if (value.type() == ValueType::Boolean && question.type == QuestionType::YesNo) {
        fitting = value;
      } else if (const auto text = text_form(play, value)) {
        fitting = read_as(play, question, *text);
        // Reading a date or a name once more must not make another one of what was understood already.
        if (fitting && gives(question.type, value.type()) && !is_text_type(question.type)) fitting = value;
      }
  }
  if (fitting && !passes_check(play, question, *fitting)) fitting.reset();
  return fitting;
}

namespace {

// ---- what the person has before them

Frame* frame_of_rest(State& state, std::size_t depth) {
  if (depth == state.interrupted.size()) return state.frames.empty() ? nullptr : &state.frames.back();
  std::size_t seen = 0;
  for (std::size_t i = 0; i < state.frames.size(); ++i)
    if (state.frames[i].repeats_wait && seen++ == depth) return i > 0 ? &state.frames[i - 1] : nullptr;
  return nullptr;
}

const Buttons* buttons_of(const Program& program, const Waiting& waiting) {
  if (const Question* question = question_of(program, waiting)) return &question->buttons;
  if (waiting.what != Waiting::For::Choice) return nullptr;
  return &std::get<Choose>(program.step(waiting.step).verb).buttons;
}

/// Gives false when a label that the person sees is gone. Else the options are those of now at the positions that
/// the buttons carry; new ones are behind them.
bool keep_labels(Play& play, Waiting& waiting) {
  const Buttons* buttons = buttons_of(play.program, waiting);
  if (!buttons || !waiting.remade || waiting.what == Waiting::For::Confirmation) return true;
  const Question* question = question_of(play.program, waiting);
  if (question && question->type == QuestionType::Rating && buttons->options.empty() && !buttons->from) return true;
  List shown, values;
  if (!make_options(play, *buttons, shown, values)) {
    play.fault.reset();  // said when it is shown again
    return true;
  }
  List kept_shown, kept_values;
  for (const Value& label : waiting.shown) {
    const auto now = std::find(shown.begin(), shown.end(), label);
    if (now == shown.end()) return false;
    const auto at = static_cast<std::ptrdiff_t>(now - shown.begin());
    kept_shown.push_back(*now);
    kept_values.push_back(values[static_cast<std::size_t>(at)]);
    shown.erase(now);
    values.erase(values.begin() + at);
  }
  kept_shown.insert(kept_shown.end(), shown.begin(), shown.end());
  kept_values.insert(kept_values.end(), values.begin(), values.end());
  waiting.shown = std::move(kept_shown);
  waiting.values = std::move(kept_values);
  waiting.remade = false;
  return true;
}

/// What was gathered so far: choices by their labels, files by the checks of now.
bool keep_collected(Play& play, const Takeover& takeover, const Question& question, Waiting& waiting, bool same_type) {
  if (waiting.collected.empty()) return true;
  const std::size_t before = waiting.collected.size();
  if (!same_type) {
    waiting.collected.clear();
  } else if (question.type == QuestionType::Choices) {
    if (!waiting.remade) return true;
    List shown, values;
    if (!make_options(play, question.buttons, shown, values)) {
      play.fault.reset();
      return true;
    }
    List kept;
    for (const Value& chosen : waiting.collected) {
      const auto index = chosen.number() ? chosen.number()->to_int64() : std::nullopt;
      if (!index || *index < 0 || static_cast<std::size_t>(*index) >= waiting.shown.size()) continue;
      const Value& label = waiting.shown[static_cast<std::size_t>(*index)];
      if (std::find(shown.begin(), shown.end(), label) != shown.end()) kept.push_back(chosen);
    }
    // Positions of the old list: whoever shows the question again finds them by their labels.
    waiting.collected = std::move(kept);
  } else if (question.type == QuestionType::Files) {
    std::erase_if(waiting.collected,
                  [&](const Value& file) { return !file.file() || refuse_file(question, *file.file()); });
    while (question.max && Decimal(static_cast<std::int64_t>(waiting.collected.size())) > *question.max)
      waiting.collected.pop_back();
  }
  if (waiting.collected.size() == before) return true;
  line(play, takeover,
       std::to_string(before - waiting.collected.size()) + " of " + std::to_string(before) +
           " parts of the answer to `" + question.name + "` do not pass in the new version");
  return false;
}

/// Choices that are shown anew keep what is chosen, at its new position.
void move_chosen(Play& play, Waiting& waiting) {
  const Question* question = question_of(play.program, waiting);
  if (!question || question->type != QuestionType::Choices || waiting.collected.empty()) return;
  List shown, values;
  if (!make_options(play, question->buttons, shown, values)) {
    play.fault.reset();
    return;
  }
  List kept;
  for (const Value& chosen : waiting.collected) {
    const auto index = chosen.number() ? chosen.number()->to_int64() : std::nullopt;
    if (!index || *index < 0 || static_cast<std::size_t>(*index) >= waiting.shown.size()) continue;
    const auto now = std::find(shown.begin(), shown.end(), waiting.shown[static_cast<std::size_t>(*index)]);
    if (now != shown.end()) kept.emplace_back(static_cast<std::int64_t>(now - shown.begin()));
  }
  waiting.collected = std::move(kept);
}

void begin_anew(Waiting& waiting, std::uint32_t question) {
  Waiting fresh;
  fresh.what = Waiting::For::Answer;
  fresh.step = waiting.step;
  fresh.question = question;
  fresh.serial = waiting.serial;
  fresh.since = waiting.since;
  fresh.news = News::Other;
  waiting = std::move(fresh);
}

/// Earlier answers of the row: those that do not pass are asked again, the others stand.
void check_row(Play& play, const Takeover& takeover, std::uint64_t row, Waiting& waiting, Frame* frame) {
  const Ask* ask = std::get_if<Ask>(&play.program.step(waiting.step).verb);
  if (!ask || !frame || waiting.question == 0 || row == 0 ||
      row == expects_of_row(play.program, waiting.step, waiting.question))
    return;
  std::uint32_t first = waiting.question;
  for (std::uint32_t i = 0; i < waiting.question; ++i) {
    const Question& question = play.program.question(ask->questions[i]);
    const Value* answer = play.state.variables.find(question.name);
    if (!answer || answer->is_null()) continue;
    const auto fitting = fit_answer(play, question, *answer);
    if (fitting && *fitting == *answer) continue;
    if (fitting) {
      play.set_variable(question.name, *fitting);
      line(play, takeover, "the answer to `" + question.name + "` is now of the question's new type");
      continue;
    }
    play.set_variable(question.name, Value());
    line(play, takeover, "the answer to `" + question.name + "` does not pass in the new version; it is asked again");
    first = std::min(first, i);
  }
  if (first == waiting.question) return;
  frame->answered = waiting.question;
  begin_anew(waiting, first);
}

void check_rest(Play& play, const Takeover& takeover, Takeover::Below mark, Waiting& waiting, Frame* frame) {
  const Expects before(mark.expected);
  const Expects now = expects_of(play.program, waiting.step, waiting.question);
  const Question* question = question_of(play.program, waiting);
  const bool known = before && now;
  if (question && !(known && before == now)) {
    const bool same_type = !known || before.kind() == now.kind();
    if (waiting.what == Waiting::For::Confirmation && waiting.candidate.is_null()) {
      begin_anew(waiting, waiting.question);  // readings to choose from, of what the question was
    } else if (waiting.what == Waiting::For::Confirmation) {
      const auto fitting = fit_answer(play, *question, waiting.candidate);
      if (fitting) {
        if (!(*fitting == waiting.candidate))
          line(play, takeover, "the answer to `" + question->name + "` is now of the question's new type");
        waiting.candidate = *fitting;
      } else {
        line(play, takeover,
             "the answer to `" + question->name + "` does not pass in the new version; it is asked again");
        begin_anew(waiting, waiting.question);
      }
    } else if (waiting.what == Waiting::For::Answer) {
      const bool kept = keep_collected(play, takeover, *question, waiting, same_type);
      const bool lost_skip = known && before.optional() && !question->optional;
      if (!same_type || !kept || lost_skip || !keep_labels(play, waiting))
        waiting.news = std::max(waiting.news, News::Changed);
    }
  } else if (waiting.what == Waiting::For::Choice && !(known && before == now)) {
    if (!keep_labels(play, waiting)) waiting.news = std::max(waiting.news, News::Changed);
  }
  if (question) check_row(play, takeover, mark.row, waiting, frame);
}

/// Answers of branches that are over: only what becomes exactly the same in the question's type is touched.
void convert_answers(Play& play, const Takeover& takeover) {
  std::vector<std::pair<std::string, Value>> converted;
  for (const auto& [name, value] : play.state.variables) {
    const auto id = play.program.question_names.find(name);
    if (id == play.program.question_names.end() || value.is_null()) continue;
    const Question& question = play.program.question(id->second);
    if (gives(question.type, value.type()) || question.type == QuestionType::Any ||
        question.type == QuestionType::Choice)
      continue;
    const auto text = text_form(play, value);
    if (!text) continue;
    const auto read = read_as(play, question, *text);
    const auto back = read ? text_form(play, *read) : std::nullopt;
    if (back && fold(*back) == fold(*text)) {
      converted.emplace_back(name, *read);
    } else if (value.text()) {
      line(play, takeover, "the answer to `" + name + "` stays a text: it is not exactly of the question's new type");
    }
  }
  for (auto& [name, value] : converted) {
    play.set_variable(name, std::move(value));
    line(play, takeover, "the answer to `" + name + "` is now of the question's new type");
  }
}

bool is_by_person(const Event& event) {
  return std::holds_alternative<UserMessage>(event.what) || std::holds_alternative<ButtonPress>(event.what);
}

/// A question asked of nobody, to see what it makes of an answer.
template <class Use>
auto ask_nobody(const Program& program, QuestionId question, const ValueMap& variables, Moment now, Use use) {
  static const ValueMap kNone;
  Surroundings around;
  around.shared = &kNone;
  const Event event{now, 0, TimerDue{}};
  State state;
  state.variables = variables;
  Play play(program, std::move(state), UserRecord{}, around, event);
  return use(play, program.question(question));
}

}  // namespace

bool passes_now(const Program& program, QuestionId question, const Value& answer, const ValueMap& variables,
                Moment now) {
  return ask_nobody(program, question, variables, now, [&](Play& play, const Question& asked) {
    return fit_answer(play, asked, answer).has_value();
  });
}

std::optional<Value> answer_to(const Program& program, QuestionId question, const std::string& text,
                               const ValueMap& variables, Moment now) {
  return ask_nobody(program, question, variables, now,
                    [&](Play& play, const Question& asked) { return read_as(play, asked, text); });
}

void show_news(Play& play) {
  State& state = play.state;
  if (state.waiting.news == News::None || play.fault) return;
  move_chosen(play, state.waiting);
  Waiting waiting = std::move(state.waiting);
  play.drop_timers();
  state.waiting = Waiting{};
  const Waiting kept = waiting;
  const Flow flow = play.show(std::move(waiting));
  if (play.fault) {
    // A question that cannot be shown stays as it was for the person; what is wrong with it is said.
    play.effect(*std::exchange(play.fault, std::nullopt));
    state.waiting = kept;
    state.waiting.news = News::None;
    play.arm_timers();
  } else if (flow == Flow::Next) {
    play.run();
  }
}

void take_over_dialog(Play& play) {
  State& state = play.state;
  if (!state.takeover) return;
  const Takeover takeover = std::move(*state.takeover);
  state.takeover.reset();
  if (!takeover.from.empty())
    play.effect(Relocated{takeover.from, takeover.to,
                          "the place `" + takeover.from + "` is gone; the dialog goes on at `" + takeover.to + "`"});
  if (takeover.lost_callers > 0)
    line(play, takeover,
         "what the dialog would have come back to is gone (" + std::to_string(takeover.lost_callers) + ")" +
             (takeover.goes_on_at.empty() ? "" : "; it goes on at `" + takeover.goes_on_at + "`"));
  for (const Takeover::LostRest& lost : takeover.lost_rests)
    line(play, takeover,
         "the place `" + lost.place + "` that was interrupted is gone; the dialog goes on at `" + lost.to + "` behind it");

  for (std::size_t depth = 0; depth < state.interrupted.size(); ++depth) {
    const Takeover::Below mark = depth < takeover.interrupted.size() ? takeover.interrupted[depth] : Takeover::Below{};
    check_rest(play, takeover, mark, state.interrupted[depth], frame_of_rest(state, depth));
  }
  check_rest(play, takeover, {takeover.expected, takeover.row}, state.waiting, frame_of_rest(state, state.interrupted.size()));
  convert_answers(play, takeover);
  play.reaim_timers();
  take_over_schedules(play);

  if (!takeover.relay.empty()) {
    line(play, takeover, "the handoff `" + takeover.relay + "` is gone: it ends with the outcome `closed`");
    close_relay(play);
  } else if (!takeover.silence.empty()) {
    line(play, takeover, "the handoff `" + takeover.silence + "` is gone: it ends with the outcome `closed`");
    end_silence(play);
  }
  // Who has just written something is not interrupted by a question that the words may answer.
  if (!is_by_person(play.event)) show_news(play);
  if (play.fault) play.run();
}

}  // namespace sufler
