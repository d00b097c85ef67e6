#include "interpreter/core/assistants/asking.h"

#include <algorithm>

#include "interpreter/core/jobs.h"
#include "interpreter/core/questions/questions.h"

namespace sufler {
namespace {

/// Old answers that are kept hidden.
constexpr std::size_t kMostHidden = 30;

/// As it may stand in words; of a contact its phone.
std::string hidden_text(const Play& play, const Value& value) {
  const ValueMap* map = value.map();
  if (!map) return value.is_null() ? std::string() : to_display(value, play.scope.locale());
  const Value* phone = map->find("phone");
  return phone && phone->text() ? *phone->text() : std::string();
}

bool is_answer_now(const Play& play, const std::pair<std::string, std::string>& old) {
  const Value* value = play.state.variables.find(old.first);
  return value && hidden_text(play, *value) == old.second;
}

/// Values of questions with `pii` and `secret`, and the person's phone.
Masks masks_of(const Play& play) {
  Masks masks;
  for (const Question& question : play.program.questions) {
    const Value* value = question.pii || question.secret ? play.state.variables.find(question.name) : nullptr;
    if (!value) continue;
    if (std::string text = hidden_text(play, *value); !text.empty()) masks.add(question.name, text, !question.secret);
  }
  if (!play.user.phone.empty()) masks.add("user.phone", play.user.phone, true);
  // Forgotten as answers, but perhaps still in the memory of the talk; under names of their own, since the question may
  // have another answer by now.
  const auto& hidden = play.state.assisted.hidden;
  for (std::size_t i = 0; i < hidden.size(); ++i)
    if (!is_answer_now(play, hidden[i])) masks.add(hidden[i].first + "~" + std::to_string(i + 1), hidden[i].second, true);
  return masks;
}

/// Before a talk's memory may take them.
void remember_hidden(Play& play) {
  auto& hidden = play.state.assisted.hidden;
  for (const Question& question : play.program.questions) {
    const Value* value = question.pii ? play.state.variables.find(question.name) : nullptr;
    if (!value || value->is_null()) continue;
    std::pair<std::string, std::string> one{question.name, hidden_text(play, *value)};
    if (one.second.empty() || std::find(hidden.begin(), hidden.end(), one) != hidden.end()) continue;
    if (hidden.size() >= kMostHidden) hidden.erase(hidden.begin());
    hidden.push_back(std::move(one));
  }
}

std::int64_t window_of(const Play& play, Assistant::Quota::Per per) {
  const LocalTime local = play.program.zone.to_local(play.event.at);
  const std::int64_t day = local.date.days_since_epoch;
  switch (per) {
    case Assistant::Quota::Per::Hour: return day * 24 + local.time.seconds / 3600;
    case Assistant::Quota::Per::Day: return day;
    case Assistant::Quota::Per::Week: return (day + 3) / 7;  // 1 January 1970 was a Thursday
  }
  return day;
}

void log(Play& play, const Assistant& assistant, std::string_view what) {
  play.effect(WriteLog{"assistant `" + assistant.name + "`: " + std::string(what)});
}

}  // namespace

const Assistant& assistant_of(const Play& play, AssistantId id) { return play.program.assistant(id); }

std::uint32_t rate_of(const Play& play, const Assistant& assistant) {
  const auto known = play.state.assisted.rates.find(assistant.model);
  return known == play.state.assisted.rates.end() || known->second == 0 ? kFirstRate : known->second;
}

std::string_view in_words(const Play& play, std::string_view english, std::string_view russian) {
  return play.program.language == Language::Russian ? russian : english;
}

bool render_raw(Play& play, const Template& text, std::string& out) {
  out.clear();
  const std::string& source = text.source();
  std::size_t at = 0;
  for (std::size_t i = 0; i < text.expressions().size(); ++i) {
    const Expression& expression = text.expressions()[i];
    const std::size_t begin = text.offset_of(i);
    const std::size_t open = source.rfind("{{", begin);
    const std::size_t close = source.find("}}", begin + expression.source().size());
    if (open == std::string::npos || open < at || close == std::string::npos) continue;
    Value value;
    if (!play.evaluate(expression, value)) {
      play.effect(WriteLog{"a text for a model cannot be made: " + play.fault->reason});
      play.fault.reset();
      return false;
    }
    out.append(source, at, open - at);
    out += cleaned(to_display(value, play.scope.locale()), kMostHeard);
    at = close + 2;
  }
  out.append(source, at);
  return true;
}

bool render_raw(Play& play, const Text& text, std::string& out) {
  out.clear();
  if (text.any_of.empty()) return true;
  const std::size_t choice =
      text.any_of.size() == 1 ? 0 : static_cast<std::size_t>(play.scope.random(text.any_of.size()));
  return render_raw(play, text.any_of[choice], out);
}

bool begin_request(Play& play, const Assistant& assistant, std::string_view rules, ModelRequest& request) {
  request.assistant = assistant.name;
  request.reply = assistant.reply;
  request.version = play.program.version;
  std::string system;
  if (assistant.instructions && !render_raw(play, *assistant.instructions, system)) return false;
  if (!system.empty()) system += "\n\n";
  system += house_rules(play.program.language);
  if (!rules.empty()) system += "\n\n" + std::string(rules);
  request.messages.push_back({RequestMessage::Role::System, std::move(system), {}, {}});
  return true;
}

void mask(const Play& play, ModelRequest& request) {
  const Masks masks = masks_of(play);
  if (masks.empty()) return;
  for (RequestMessage& message : request.messages) {
    message.content = masks.hide(std::move(message.content));
    if (message.call) message.call->arguments = masks.hide(std::move(message.call->arguments));
  }
  request.question = masks.hide(std::move(request.question));
}

Flow send_request(Play& play, Waiting waiting, const Assistant& assistant, ModelRequest request) {
  remember_hidden(play);
  mask(play, request);
  play.state.assisted.asked_points = points_of(request);
  request.awaited = true;
  return begin_job(play, std::move(waiting), std::string(kAssistantService), assistant.model, to_json(request));
}

bool count_message(Play& play, const Assistant& assistant) {
  TalkUsage& usage = play.state.assisted.usage[assistant.name];
  const auto per = assistant.per_user ? assistant.per_user->per : Assistant::Quota::Per::Day;
  const std::int64_t window = window_of(play, per);
  if (usage.window != window) usage = TalkUsage{window, 0, 0, 0};
  if (assistant.per_user && usage.count >= assistant.per_user->count) return false;
  ++usage.count;
  play.effect(TrackEvent{"assistant " + assistant.name});  // counted for the bot, by day
  return true;
}

std::optional<ModelAnswer> take_answer(Play& play, const Assistant& assistant, const Value& result,
                                       const std::string& error, std::string& why) {
  Assisted& assisted = play.state.assisted;
  const std::uint64_t points = std::exchange(assisted.asked_points, 0);
  if (!error.empty()) {
    why = error;
    return std::nullopt;
  }
  auto answer = read_model_answer(result);
  if (!answer) {
    why = "bad_answer";
    return std::nullopt;
  }
  if (answer->tokens_in > 0) {
    std::uint32_t& rate = assisted.rates[assistant.model];
    rate = corrected_rate(rate, points, answer->tokens_in);
    TalkUsage& usage = assisted.usage[assistant.name];
    usage.tokens_in += answer->tokens_in;
    usage.tokens_out += answer->tokens_out;
  }
  if (answer->withheld) {
    why = "filtered";
    return std::nullopt;
  }
  const Masks masks = masks_of(play);
  answer->text = masks.show(std::move(answer->text));
  if (answer->call) answer->call->arguments = masks.show(std::move(answer->call->arguments));
  if (answer->text.empty() && !answer->call) {
    why = "bad_answer: it is empty";
    return std::nullopt;
  }
  return answer;
}

bool give_up(Play& play, StepId step, const Assistant& assistant, const Target& own, std::string_view why) {
  log(play, assistant, why);
  const Target& target = own ? own : assistant.otherwise;
  if (!target) return false;
  if (play.traces()) play.note({Way::What::Otherwise, step, {}, 0}, Value(std::string(why)));
  const Target taken = target;
  play.enter(taken);
  return true;
}

std::optional<Value> read_told(Play& play, const Question& question, const Value& told) {
  if (told.is_null() || (told.text() && trim(*told.text()).empty())) return std::nullopt;
  if (told.text()) return fit_answer(play, question, Value(cleaned(*told.text(), kMostHeard)));
  return fit_answer(play, question, told);
}

}  // namespace sufler
