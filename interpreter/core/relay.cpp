// `mode: relay`: people of a desk talk with the client through the bot (LANGUAGE 7, 14). The desk itself is the
// shell's; here is the client's side of it: what is asked for before there is a ticket, what is passed on, how the
// scenario goes on behind it.
#include <algorithm>
#include <charconv>

#include "interpreter/core/assistants/asking.h"
#include "interpreter/core/play.h"
#include "interpreter/core/reading/contact_fields.h"
#include "interpreter/core/steps/steps.h"
#include "interpreter/core/working_hours.h"

namespace sufler {
namespace {

// Names of timers; `Play::timer_due` knows them by their beginning.
constexpr std::string_view kOpens = "desk_opens";  ///< the hours begin
constexpr std::string_view kQueue = "desk_queue";  ///< nobody has taken the ticket
constexpr std::string_view kIdle = "desk_idle";    ///< time to look who is waiting for whom

/// Why the desk is asked, kept in `Waiting::question` meanwhile.
enum Phase : std::uint32_t { kOpening, kLooking };

constexpr std::string_view kClientName = "name";
/// Fragments before the name is known; more of them is somebody who will not tell it.
constexpr std::size_t kMostSaid = 20;
constexpr std::string_view kRatePayload = "rate:";

const HandoffRule* rule_of(const Play& play) {
  const auto& relay = play.state.relay;
  if (!relay || relay->rule.value >= play.program.handoffs.size()) return nullptr;
  return &play.program.handoffs[relay->rule.value];
}

std::string client_name(const UserRecord& user) {
  if (const Value* name = user.values.find(kClientName); name && name->text()) return *name->text();
  std::string name = user.first_name;
  if (!user.last_name.empty()) name += (name.empty() ? "" : " ") + user.last_name;
  return name;
}

bool is_open_now(const Play& play, const HandoffRule& rule) {
  return !rule.hours || is_open(*rule.hours, play.program.zone, play.event.at);
}

void set_timer(Play& play, std::string_view name, Moment due) {
  play.state.timers[std::string(name)] = {due, play.state.relay->serial};
}

void drop_timers(Play& play) {
  for (const std::string_view name : {kOpens, kQueue, kIdle}) play.state.timers.erase(std::string(name));
}

/// The turn stops, and goes on in `resume_desk`. What it rested at is kept, all but the kind.
void ask_desk(Play& play, Phase phase, DeskRequest request) {
  play.turn.asks_desk = std::move(request);
  play.state.waiting.what = Waiting::For::Table;
  play.state.waiting.question = phase;
}

Flow rest_at_desk(Play& play, StepId step) {
  Waiting waiting;
  waiting.what = Waiting::For::Desk;
  waiting.step = step;
  waiting.serial = play.next_serial();
  waiting.since = play.event.at;
  play.state.relay->serial = waiting.serial;
  play.state.waiting = std::move(waiting);
  return Flow::Rest;
}

Flow open_ticket(Play& play, StepId step) {
  Relay& relay = *play.state.relay;
  const HandoffRule& rule = *rule_of(play);
  OpenTicket open;
  open.rule = relay.rule;
  open.client_name = client_name(play.user);
  open.assign = is_open_now(play, rule);
  open.said = std::move(relay.said);
  relay.said.clear();
  rest_at_desk(play, step);
  ask_desk(play, kOpening, std::move(open));
  return Flow::Rest;
}

void wait_in_queue(Play& play, const HandoffRule& rule) {
  Moment from = play.event.at;
  if (!is_open_now(play, rule)) {
    from = opens_next(*rule.hours, play.program.zone, play.event.at);
    set_timer(play, kOpens, from);
  }
  if (rule.queue_timeout) set_timer(play, kQueue, later(from, *rule.queue_timeout));
}

/// The next moment at which somebody has waited too long; `unanswered` 0: nobody waits for the agent.
void watch(Play& play, const HandoffRule& rule, Moment unanswered, Moment last) {
  const Relay& relay = *play.state.relay;
  std::optional<Moment> due;
  const auto sooner = [&](const std::optional<Duration>& after, Moment from) {
    if (!after) return;
    const Moment at = later(from, *after);
    if (!due || at.unix_ms < due->unix_ms) due = at;
  };
  if (unanswered.unix_ms != 0 && !relay.agent.empty()) {
    if (relay.reminded != unanswered) sooner(rule.remind_agent, unanswered);
    if (relay.reassigned != unanswered) sooner(rule.reassign, unanswered);
  }
  if (!relay.agent.empty()) sooner(rule.close_idle, last);
  if (due) set_timer(play, kIdle, *due);
}

/// The client has written: the agent's time begins, unless it runs already.
void expect_answer(Play& play, const HandoffRule& rule) {
  const auto running = play.state.timers.find(std::string(kIdle));
  const Moment before = running == play.state.timers.end() ? Moment{} : running->second.due;
  watch(play, rule, play.event.at, play.event.at);
  const auto now = play.state.timers.find(std::string(kIdle));
  if (before.unix_ms != 0 && now != play.state.timers.end() && before.unix_ms < now->second.due.unix_ms)
    now->second.due = before;
}

void told_agent(Play& play, const HandoffRule& rule) {
  // Once: an agent in place of another, or of a group, is no news to the client.
  if (rule.greeting && !std::exchange(play.state.relay->greeted, true)) play.say_if(*rule.greeting);
  watch(play, rule, play.event.at, play.event.at);
}

void ask_rating(Play& play, std::int64_t ticket) {
  Message message;
  message.text = play.phrase(Phrase::AskRating);
  message.keyboard.kind = Keyboard::Kind::Inline;
  auto& row = message.keyboard.rows.emplace_back();
  for (int rating = 1; rating <= 5; ++rating) {
    Button button;
    button.label = std::to_string(rating);
    button.action = ButtonAction::Payload;
    button.payload = std::string(kRatePayload) + std::to_string(ticket) + ":" + std::to_string(rating);
    row.push_back(std::move(button));
  }
  play.send(std::move(message));
  play.state.past_ticket->may_rate = true;
  play.state.past_ticket->may_type = true;
}

enum class Tell : std::uint8_t { Nothing, ClosedText, NobodyCame };

/// People's part is over: the dialog goes on behind the step, or where the outcome leads, or where `instead` does.
void end_relay(Play& play, HandoffOutcome outcome, Tell tell, bool rate, const Target& instead) {
  State& state = play.state;
  const HandoffRule* rule = rule_of(play);
  const auto is_desk = [](const Waiting& waiting) { return waiting.what == Waiting::For::Desk; };
  if (!is_desk(state.waiting)) {
    const auto below = std::find_if(state.interrupted.begin(), state.interrupted.end(), is_desk);
    if (below != state.interrupted.end())
      play.give_up_interruptions(static_cast<std::size_t>(below - state.interrupted.begin()));
  }
  const StepId step = is_desk(state.waiting) ? state.waiting.step : StepId{};
  if (!outcome_target(play, step, outcome) && outcome == HandoffOutcome::Timeout && tell == Tell::ClosedText)
    outcome = HandoffOutcome::Closed;
  const Target* found = outcome_target(play, step, outcome);
  if (play.traces()) play.note({Way::What::Outcome, step, {}, static_cast<std::uint32_t>(outcome)});
  const Target target = instead ? instead : found ? *found : Target{};

  drop_timers(play);
  state.past_ticket = PastTicket{state.relay->ticket, state.relay->number, state.relay->agent, outcome, false, false};
  const bool answered = !state.relay->agent.empty();
  state.relay.reset();
  state.waiting = Waiting{};
  if (tell == Tell::ClosedText) {
    play.say_or(rule ? rule->closed_text : std::nullopt, Phrase::TicketClosed);
    if (rate && answered && rule && rule->rate) ask_rating(play, state.past_ticket->ticket);
  } else if (tell == Tell::NobodyCame && !target) {
    play.say_phrase(Phrase::NoAgents);
  }
  if (!step) state.frames.clear();
  if (target && !play.enter(target)) return;
  play.run();
}

void close_ticket(Play& play, HandoffOutcome outcome) {
  if (play.state.relay->ticket == 0) return;
  DeskOrder order;
  order.what = DeskOrder::What::Close;
  order.ticket = play.state.relay->ticket;
  order.outcome = outcome;
  play.effect(std::move(order));
}

void order(Play& play, DeskOrder::What what) {
  DeskOrder order;
  order.what = what;
  order.ticket = play.state.relay->ticket;
  play.effect(std::move(order));
}

void hear_name(Play& play) {
  auto name = read_name(play.heard.text);
  if (!name) {
    play.say_phrase(Phrase::InvalidName);
    return;
  }
  play.set_user_value(kClientName, Value(std::move(*name)));
  open_ticket(play, play.state.waiting.step);
}

void opened(Play& play, const DeskAnswer& answer) {
  State& state = play.state;
  const HandoffRule& rule = *rule_of(play);
  Relay& relay = *state.relay;
  if (answer.kind == DeskAnswer::Kind::NoAgents) {
    play.effect(WriteLog{"handoff `" + rule.name + "`: nobody is registered at the desk"});
    end_relay(play, HandoffOutcome::NoAgents, Tell::NobodyCame, false, {});
    return;
  }
  relay.ticket = answer.ticket;
  relay.number = answer.number;
  relay.agent = answer.agent;
  relay.position = answer.position;
  relay.wait = answer.wait;
  if (answer.kind == DeskAnswer::Kind::Assigned) {
    told_agent(play, rule);
    return;
  }
  if (is_open_now(play, rule)) {
    play.say_or(rule.queue, Phrase::QueueJoined);
  } else {
    play.say_phrase(Phrase::ClosedHours);
  }
  wait_in_queue(play, rule);
}

void looked(Play& play, const DeskAnswer& answer) {
  const HandoffRule* rule = rule_of(play);
  Relay& relay = *play.state.relay;
  // Ended or queued anew: the news of it is on its way.
  if (!rule || answer.kind != DeskAnswer::Kind::Assigned) return;
  const auto is_due = [&](const std::optional<Duration>& after, Moment from) {
    return after && from.unix_ms != 0 && later(from, *after).unix_ms <= play.event.at.unix_ms;
  };
  if (is_due(rule->close_idle, answer.last_at)) {
    close_ticket(play, HandoffOutcome::Timeout);
    end_relay(play, HandoffOutcome::Timeout, Tell::ClosedText, true, {});
    return;
  }
  const Moment unanswered = answer.unanswered_at;
  if (relay.reassigned != unanswered && is_due(rule->reassign, unanswered)) {
    relay.reassigned = unanswered;
    order(play, DeskOrder::What::Reassign);
  } else if (relay.reminded != unanswered && is_due(rule->remind_agent, unanswered)) {
    relay.reminded = unanswered;
    order(play, DeskOrder::What::Remind);
  }
  watch(play, *rule, unanswered, answer.last_at);
}

}  // namespace

const Target* outcome_target(const Play& play, StepId step, HandoffOutcome outcome) {
  if (step.value >= play.program.steps.size()) return nullptr;
  const auto* handoff = std::get_if<HandoffStep>(&play.program.step(step).verb);
  if (!handoff) return nullptr;
  const Target& target = handoff->outcomes[static_cast<std::size_t>(outcome)];
  return target ? &target : nullptr;
}

Flow begin_relay(Play& play, HandoffId id, StepId step) {
  State& state = play.state;
  const HandoffRule& rule = play.program.handoffs[id.value];
  play.mark_border();
  if (!is_open_now(play, rule) && rule.hours->otherwise) {
    play.effect(WriteLog{"handoff `" + rule.name + "`: outside the hours"});
    play.jump(rule.hours->otherwise);
    return Flow::Next;
  }
  if (state.relay) abandon_relay(play);  // a command of a handoff that hands over again
  state.past.clear();
  Relay relay;
  relay.rule = id;
  relay.since = play.event.at;
  if (const UserMessage* message = play.said; message && play.heard.unclaimed)
    relay.said.push_back(*message);
  state.relay = std::move(relay);
  state.past_ticket.reset();
  const Value* name = play.user.values.find(kClientName);
  if (rule.ask_name && (!name || name->is_null())) {
    play.say_phrase(Phrase::AskClientName);
    return rest_at_desk(play, step);
  }
  return open_ticket(play, step);
}

bool hear_in_relay(Play& play, const UserMessage& message) {
  State& state = play.state;
  if (!state.relay || state.waiting.what != Waiting::For::Desk) return false;
  play.heard = Heard{};
  play.heard.text = message.text;
  play.heard.attachments = message.attachments;
  play.heard.contact = message.contact;
  play.heard.location = message.location;
  const HandoffRule* rule = rule_of(play);
  if (!message.edited && hear_command(play, fold(message.text), true)) return true;
  Relay& relay = *state.relay;
  if (relay.ticket == 0) {
    if (!rule) {  // gone with another version of the scenario, before there was a ticket
      end_relay(play, HandoffOutcome::Closed, Tell::Nothing, false, {});
      return false;
    }
    if (message.edited) return true;
    if (message.text.empty() && relay.said.size() < kMostSaid) {
      relay.said.push_back(message);  // a photo before the name: kept for the agent
      play.say_phrase(Phrase::AskClientName);
    } else {
      hear_name(play);
    }
    return true;
  }
  if (message.text.empty() && message.attachments.empty() && !message.contact && !message.location) {
    play.say_phrase(Phrase::CannotRelay);
    return true;
  }
  DeskOrder relayed;
  relayed.what = DeskOrder::What::Relay;
  relayed.ticket = relay.ticket;
  relayed.message = message;
  play.effect(std::move(relayed));
  if (rule && !relay.agent.empty()) expect_answer(play, *rule);
  return true;
}

bool hear_rating(Play& play, std::string_view payload, std::string_view typed) {
  auto& past = play.state.past_ticket;
  std::int64_t ticket = 0, rating = 0;
  if (!payload.empty()) {
    if (!payload.starts_with(kRatePayload)) return false;
    payload.remove_prefix(kRatePayload.size());
    const char* const end = payload.data() + payload.size();
    const auto number = std::from_chars(payload.data(), end, ticket);
    if (number.ec != std::errc() || number.ptr == end || *number.ptr != ':' ||
        std::from_chars(number.ptr + 1, end, rating).ptr != end) {
      ticket = 0;
    }
    if (!past || !past->may_rate || past->ticket != ticket || rating < 1 || rating > 5) {
      play.answer_press(play.phrase_text(Phrase::OldButton));
      return true;
    }
  } else {
    if (!past || !past->may_type) return false;
    past->may_type = false;
    const bool digit = typed.size() == 1 && typed.front() >= '1' && typed.front() <= '5';
    if (!digit || play.state.waiting.what != Waiting::For::Nothing) return false;
    ticket = past->ticket;
    rating = typed.front() - '0';
  }
  past->may_rate = past->may_type = false;
  DeskOrder rated;
  rated.what = DeskOrder::What::Rate;
  rated.ticket = ticket;
  rated.rating = rating;
  play.effect(std::move(rated));
  if (payload.empty()) {
    play.say_phrase(Phrase::RatingThanks);
  } else {
    play.answer_press(play.phrase_text(Phrase::RatingThanks));
  }
  return true;
}

void resume_desk(Play& play, const DeskAnswer& answer) {
  Waiting& waiting = play.state.waiting;
  if (!play.state.relay || waiting.what != Waiting::For::Table) return;
  const std::uint32_t phase = std::exchange(waiting.question, 0);
  waiting.what = Waiting::For::Desk;
  if (phase == kOpening) {
    opened(play, answer);
  } else {
    looked(play, answer);
  }
}

void hear_ticket_news(Play& play, const TicketNews& news) {
  using What = TicketNews::What;
  State& state = play.state;
  if (!state.relay || state.relay->ticket != news.ticket) return;  // the client has left meanwhile
  const HandoffRule* rule = rule_of(play);
  for (const TicketNews::Said& said : news.said) note_people(play, said.by_agent, said.text);
  switch (news.what) {
    case What::Assigned: {
      const bool first = state.relay->agent.empty();
      state.relay->agent = news.agent;
      for (const std::string_view name : {kOpens, kQueue}) state.timers.erase(std::string(name));
      if (!rule) return;
      if (first) {
        told_agent(play, *rule);
      } else {
        watch(play, *rule, play.event.at, play.event.at);
      }
      return;
    }
    case What::Queued:
      state.relay->agent.clear();
      state.timers.erase(std::string(kIdle));
      if (rule) wait_in_queue(play, *rule);
      return;
    case What::Closed: end_relay(play, HandoffOutcome::Closed, Tell::ClosedText, true, {}); return;
    case What::Rejected: {
      const bool leads_on = outcome_target(play, state.waiting.step, HandoffOutcome::Rejected) != nullptr;
      end_relay(play, HandoffOutcome::Rejected, leads_on ? Tell::Nothing : Tell::ClosedText, false, {});
      return;
    }
  }
}

bool hear_desk_timer(Play& play, const TimerDue& timer) {
  if (!timer.name.starts_with("desk_")) return false;
  State& state = play.state;
  if (!state.relay || state.relay->serial != timer.serial || state.relay->ticket == 0) return true;
  const HandoffRule* rule = rule_of(play);
  if (timer.name == kOpens) {
    order(play, DeskOrder::What::Assign);
  } else if (timer.name == kQueue) {
    if (!state.relay->agent.empty()) return true;
    close_ticket(play, HandoffOutcome::Timeout);
    end_relay(play, HandoffOutcome::Timeout, Tell::NobodyCame, false, {});
  } else if (timer.name == kIdle && rule) {
    if (state.waiting.what == Waiting::For::Desk) {
      ask_desk(play, kLooking, LookAtTicket{state.relay->ticket});
    } else {
      set_timer(play, kIdle, later(play.event.at, Duration{60'000}));  // a command is on its way: a little later
    }
  }
  return true;
}

void leave_relay(Play& play, bool tell, const Target& instead) {
  close_ticket(play, HandoffOutcome::ClientLeft);
  const bool had_ticket = play.state.relay->ticket != 0;
  end_relay(play, HandoffOutcome::ClientLeft, tell && had_ticket ? Tell::ClosedText : Tell::Nothing, tell, instead);
}

void close_relay(Play& play) {
  close_ticket(play, HandoffOutcome::Closed);
  const bool had_ticket = play.state.relay->ticket != 0;
  end_relay(play, HandoffOutcome::Closed, had_ticket ? Tell::ClosedText : Tell::Nothing, false, {});
}

void abandon_relay(Play& play) {
  if (!play.state.relay) return;
  close_ticket(play, HandoffOutcome::ClientLeft);
  drop_timers(play);
  play.state.relay.reset();
}

}  // namespace sufler
