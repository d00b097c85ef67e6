// `mode: silent`: people of the community talk in the dialog, and the bot keeps quiet (LANGUAGE 7, 14).
#include <algorithm>

#include "interpreter/core/assistants/asking.h"
#include "interpreter/core/crm_handoff.h"
#include "interpreter/core/crm_talk.h"
#include "interpreter/core/play.h"

namespace sufler {
namespace {

bool is_one_of(const std::vector<std::string>& words, const std::string& folded) {
  return !folded.empty() && std::find(words.begin(), words.end(), folded) != words.end();
}

const HandoffRule* rule_of(const Play& play) {
  const auto& silence = play.state.silence;
  if (!silence || silence->rule.value >= play.program.handoffs.size()) return nullptr;
  return &play.program.handoffs[silence->rule.value];
}

/// `/bot_on@shop_bot now` as the rule's words have it.
std::string spoken(std::string_view text) {
  const std::string_view slash = slash_command(text);
  return slash.empty() ? fold(text) : fold("/" + std::string(slash));
}

}  // namespace

void fall_silent(Play& play, HandoffId rule, StepId step) {
  State& state = play.state;
  play.mark_border();
  play.end_dialog();
  state.silence = Silence{rule, play.event.at, play.event.at};
  state.waiting.what = Waiting::For::People;
  state.waiting.step = step;
  state.waiting.serial = play.next_serial();
  if (rule.value >= play.program.handoffs.size()) return;
  // Managers see the talk there, and what the person writes from now on.
  if (const auto& crm = play.program.handoffs[rule.value].crm) open_crm_chat(play, crm->history, true);
}

void wake(Play& play, bool by_user) {
  const HandoffRule* rule = rule_of(play);
  const HandoffOutcome how = by_user ? HandoffOutcome::ClientLeft : HandoffOutcome::Closed;
  const Target* outcome = outcome_target(play, play.state.waiting.step, how);
  if (play.traces())
    play.note({Way::What::Outcome, play.state.waiting.step, {}, static_cast<std::uint32_t>(how)});
  if (outcome) {
    const Target target = *outcome;
    play.state.silence.reset();
    play.state.waiting = Waiting{};
    if (play.enter(target)) play.run();
    return;
  }
  const BranchId go = rule ? rule->resume_go : BranchId{};
  play.state.silence.reset();
  play.state.waiting = Waiting{};
  // A person who calls the bot back must hear from it, even where the rule names no branch.
  const BranchId branch = go || !by_user ? go : play.program.start;
  if (!branch) return;
  play.jump(branch);
  play.run();
}

void end_silence(Play& play) {
  const Target* outcome = outcome_target(play, play.state.waiting.step, HandoffOutcome::Closed);
  const Target target = outcome ? *outcome : Target{};
  play.state.silence.reset();
  play.state.waiting = Waiting{};
  if (target && play.enter(target)) play.run();
}

bool hear_in_silence(Play& play) {
  State& state = play.state;
  if (!state.silence) return false;
  const HandoffRule* rule = rule_of(play);
  if (!rule) {  // gone with another version of the scenario
    state.silence.reset();
    state.waiting = Waiting{};
    return false;
  }
  const Moment last = state.silence->last_message;
  state.silence->last_message = play.event.at;
  if (is_one_of(rule->user_words, spoken(play.heard.text))) {
    wake(play, true);
    return true;
  }
  if (rule->resume_after && play.event.at.unix_ms - last.unix_ms >= rule->resume_after->ms) {
    const BranchId go = rule->resume_go;
    const Target* outcome = outcome_target(play, state.waiting.step, HandoffOutcome::Timeout);
    if (play.traces())
      play.note({Way::What::Outcome, state.waiting.step, {}, static_cast<std::uint32_t>(HandoffOutcome::Timeout)});
    const Target target = outcome ? *outcome : Target{};
    state.silence.reset();
    state.waiting = Waiting{};
    // Awake again: a command is a command, and any other message starts the rule's branch.
    if (hear_command(play, fold(play.heard.text), false)) return true;
    if (target) {
      if (play.enter(target)) play.run();
    } else if (go) {
      play.jump(go);
      play.run();
    } else {
      hear_other(play);
    }
    return true;
  }
  if (!hear_command(play, fold(play.heard.text), true)) note_people(play, false, play.heard.text);
  return true;
}

void hear_staff(Play& play, const StaffMessage& message) {
  State& state = play.state;
  if (state.relay) return;
  const std::string words = spoken(message.text);
  if (const HandoffRule* rule = rule_of(play)) {
    state.silence->last_message = play.event.at;
    if (is_one_of(rule->staff_words, words)) {
      wake(play, false);
    } else {
      note_people(play, true, message.text);
    }
    return;
  }
  const auto& rules = play.program.handoffs;
  for (const HandoffRule& rule : rules) {
    if (is_one_of(rule.staff_words, words)) return;  // the bot is awake already
  }
  for (std::size_t i = 0; i < rules.size(); ++i) {
    if (!rules[i].on_staff_message) continue;
    fall_silent(play, HandoffId{static_cast<std::uint32_t>(i)}, {});
    return;
  }
}

void hear_staff_call(Play& play, const StaffCall& call) {
  using Meant = StaffCall::Meant;
  ValueMap values;
  values.set("word", call.word);
  const auto answer = [&](Phrase phrase) {
    NotifyPeople people;
    people.address = call.from;
    people.message.text = play.phrase(phrase, &values);
    play.effect(std::move(people));
  };
  // Without a name it may still be the person's own dialog: an owner who tries the bot out.
  const bool here = call.meant == Meant::Dialog || (call.meant == Meant::Unnamed && play.state.silence);
  if (!here) {
    answer(call.meant == Meant::Unnamed   ? Phrase::StaffUnnamed
           : call.meant == Meant::Several ? Phrase::StaffSeveral
                                          : Phrase::StaffNobody);
    return;
  }
  const HandoffRule* rule = rule_of(play);
  if (!rule || !is_one_of(rule->staff_words, call.word)) {
    answer(Phrase::StaffAwake);
    return;
  }
  answer(Phrase::StaffResumed);
  wake(play, false);
}

}  // namespace sufler
