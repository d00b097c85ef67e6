// What amoCRM tells of the dialog's lead or chat: a manager's words go to the person, and rules with `to: crm` begin and
// end their silence (LANGUAGE 7, 9).
#include <algorithm>

#include "interpreter/core/assistants/asking.h"
#include "interpreter/core/crm/order.h"
#include "interpreter/core/crm_chat.h"
#include "interpreter/core/crm_handoff.h"
#include "interpreter/core/crm_talk.h"
#include "interpreter/core/happenings.h"
#include "interpreter/core/json_text.h"
#include "interpreter/core/play.h"
#include "interpreter/core/text.h"

namespace sufler {
namespace {

bool is_word_of(const HandoffRule& rule, const std::string& folded) {
  return !folded.empty() && std::find(rule.staff_words.begin(), rule.staff_words.end(), folded) != rule.staff_words.end();
}

/// `/bot_on@shop_bot` as the rule's words have it.
std::string spoken(std::string_view text) {
  const std::string_view slash = slash_command(text);
  return slash.empty() ? fold(text) : fold("/" + std::string(slash));
}

const HandoffRule* silent_rule(const Play& play) {
  const auto& silence = play.state.silence;
  if (!silence || silence->rule.value >= play.program.handoffs.size()) return nullptr;
  return &play.program.handoffs[silence->rule.value];
}

/// The first rule that a condition holds for; none without it.
template <class Holds>
HandoffId first_rule(const Play& play, Holds holds) {
  const auto& rules = play.program.handoffs;
  for (std::uint32_t i = 0; i < rules.size(); ++i)
    if (rules[i].mode == HandoffRule::Mode::Silent && holds(rules[i])) return HandoffId{i};
  return {};
}

/// To the person's own chat, and marked as nobody's answer: neither the bot said it nor is it shown in the CRM again.
void pass_on(Play& play, const CrmNews& news) {
  NotifyPeople words;
  words.address = play.around.chat;
  words.message.text.text = news.text;
  words.message.attachments = news.attachments;
  if (news.text.empty() && news.attachments.empty()) return;
  play.effect(std::move(words));
}

void hear_manager(Play& play, const CrmNews& news) {
  State& state = play.state;
  const std::string words = spoken(news.text);
  const HandoffRule* const rule = silent_rule(play);
  if (rule && is_word_of(*rule, words)) {
    state.silence->last_message = play.event.at;
    wake(play, false);
    return;
  }
  // A command that comes when the bot is awake already is not the client's to read.
  if (first_rule(play, [&](const HandoffRule& one) { return is_word_of(one, words); })) return;
  pass_on(play, news);
  if (rule) {
    state.silence->last_message = play.event.at;
    note_people(play, true, news.text);
    return;
  }
  if (state.relay) return;
  HandoffId silent = first_rule(play, [](const HandoffRule& one) { return one.crm && one.on_staff_message; });
  if (!silent) silent = first_rule(play, [](const HandoffRule& one) { return one.on_staff_message; });
  if (silent) fall_silent(play, silent, {});
}

void hear_stage(Play& play, const CrmNews& news) {
  if (const HandoffRule* const rule = silent_rule(play)) {
    if (rule->crm && is_stage_of(rule->crm->wakes_at, news.stage, news.pipeline)) wake(play, false);
    return;
  }
  if (play.state.relay) return;
  const HandoffId silent = first_rule(play, [&](const HandoffRule& one) {
    return one.crm && is_stage_of(one.crm->silent_at, news.stage, news.pipeline);
  });
  if (silent) fall_silent(play, silent, {});
}

/// `events: {moved: {crm: lead_stage_changed, branch: …}}`: the branch sees `event.stage` and `event.pipeline`.
void begin_stage_events(Play& play, const CrmNews& news) {
  if (!play.program.events) return;
  for (const Happening& one : play.program.events->all) {
    if (one.kind != Happening::Kind::LeadStageChanged || !one.branch) continue;
    if (!one.stages.empty() && !is_stage_of(one.stages, news.stage, news.pipeline)) continue;
    if (!one.pipeline.empty() && fold(one.pipeline) != fold(news.pipeline)) continue;
    ValueMap json;
    json.set("stage", news.stage);
    json.set("pipeline", news.pipeline);
    if (const auto lead = Decimal::parse(news.id)) json.set("lead", Value(*lead));
    ValueMap event = event_names(one.name, Value(json));
    for (const auto& [name, value] : json) event.set(name, value);
    ValueMap locals;
    locals.set("event", Value(std::move(event)));
    if (!people_talk(play)) {
      begin_beside(play, one.branch, std::move(locals));
    } else if (play.interrupt(play.program.branch(one.branch).block, Frame::Kind::Command)) {
      if (!play.state.frames.empty()) play.state.frames.back().locals = std::move(locals);
      play.run();
    } else {
      play.run();
    }
  }
}

}  // namespace

void open_crm_chat(Play& play, std::uint32_t history, bool call_people) {
  StartJob start;
  start.service = std::string(kCrmService);
  start.name = kCrmChatJob;
  ObjectWriter request(start.request);
  request.number("history", history);
  request.flag("call", call_people);
  request.end();
  play.effect(std::move(start));
}

void hear_crm(Play& play, const CrmNews& news) {
  switch (news.what) {
    case CrmNews::What::Wrote: return hear_manager(play, news);
    case CrmNews::What::Staged:
      hear_stage(play, news);
      return begin_stage_events(play, news);
    case CrmNews::What::Closed: {
      const HandoffRule* const rule = silent_rule(play);
      if (rule && rule->crm && rule->crm->wakes_when_closed) wake(play, false);
      return;
    }
  }
}

}  // namespace sufler
