#include "tools/record_desk.h"

#include <algorithm>

#include "tools/talk_words.h"

namespace sufler {
namespace {

constexpr std::string_view kToken = "token-of-the-desk-";
constexpr std::string_view kAgentsOf = "agents of ";

const std::string& word(const Desk& desk, Desk::Command command) {
  return desk.commands[static_cast<std::size_t>(command)];
}

bool is_taken_by_claim(const HandoffRule& rule) {
  return std::any_of(rule.assign.begin(), rule.assign.end(), [](const HandoffRule::Assign& way) {
    return way.how == HandoffRule::Assign::How::Claim;
  });
}

/// A desk in a group with topics answers by its own name.
bool is_group(const Program& program, const std::string& name) {
  return std::any_of(program.desks.begin(), program.desks.end(),
                     [&](const Desk& desk) { return !desk.topics.empty() && desk.name == name; });
}

}  // namespace

DeskCast::DeskCast(const RecordedDialog& dialog, std::size_t first, const Program& program, Masker& masker)
    : program_(program) {
  if (program.desks.empty()) return;
  bool waits = false;
  for (std::size_t i = first; i < dialog.rows.size(); ++i) {
    const TurnGiven given = read_given(dialog.rows[i].turn);
    for (const TurnGiven::Result& result : given.results) {
      const auto* answer = std::get_if<DeskAnswer>(&result.event.what);
      if (!answer) continue;
      note(answer->agent, masker);
      waits |= answer->kind == DeskAnswer::Kind::Queued || is_group(program, answer->agent);
    }
    Event event;
    if (!from_json(dialog.rows[i].event, event)) continue;
    if (const auto* news = std::get_if<TicketNews>(&event.what)) note(news->agent, masker);
    if (const auto* staff = std::get_if<StaffMessage>(&event.what); staff && !given.known) note(staff->name, masker);
  }
  // Who waits in a queue waits for somebody, and a group is somebody.
  if (waits && agents_.empty()) note(program.language == Language::Russian ? "Оператор" : "Agent", masker);
}

void DeskCast::note(const std::string& real, Masker& masker) {
  if (real.empty() || is_group(program_, real) || find(real)) return;
  Agent agent;
  agent.name = "agent" + std::to_string(agents_.size() + 1);
  agent.real = real;
  agent.shown = masker.name(real);
  agent.person.name = agent.name;
  agent.person.first_name = agent.shown;
  agents_.push_back(std::move(agent));
}

DeskCast::Agent* DeskCast::find(const std::string& real) {
  const auto found = std::find_if(agents_.begin(), agents_.end(), [&](const Agent& one) { return one.real == real; });
  return found == agents_.end() ? nullptr : &*found;
}

DeskCast::Agent* DeskCast::find_shown(const std::string& shown) {
  const auto found = std::find_if(agents_.begin(), agents_.end(), [&](const Agent& one) { return one.shown == shown; });
  return found == agents_.end() ? nullptr : &*found;
}

std::vector<StagePerson> DeskCast::people() const {
  std::vector<StagePerson> people;
  for (const Agent& agent : agents_) people.push_back(agent.person);
  return people;
}

std::map<std::string, std::string> DeskCast::tokens() const {
  std::map<std::string, std::string> tokens;
  for (const Desk& desk : program_.desks)
    if (!desk.token_variable.empty()) tokens.try_emplace(desk.token_variable, std::string(kToken) + desk.name);
  return tokens;
}

std::map<std::string, std::vector<std::string>> DeskCast::roles() const {
  std::map<std::string, std::vector<std::string>> roles;
  for (const Desk& desk : program_.desks) {
    if (desk.agents.empty() || desk.agents == desk.topics) continue;
    for (const Agent& agent : agents_) roles[desk.agents].push_back(agent.name);
  }
  return roles;
}

const HandoffRule* DeskCast::rule_at(const std::string& place) const {
  const auto found = program_.places.find(place);
  if (found != program_.places.end() && found->second.step.value < program_.steps.size()) {
    const auto* handoff = std::get_if<HandoffStep>(&program_.step(found->second.step).verb);
    if (handoff) return &program_.handoffs[handoff->rule.value];
  }
  for (const HandoffRule& rule : program_.handoffs)
    if (rule.mode == HandoffRule::Mode::Relay) return &rule;
  return nullptr;
}

void DeskCast::come(const Desk& desk, Agent& agent, std::vector<Act>& acts) {
  const auto known = agent.on_duty.find(desk.name);
  if (known == agent.on_duty.end()) {
    acts.push_back({agent.name, desk.register_word + " " + tokens()[desk.token_variable]});
  } else if (!known->second) {
    acts.push_back({agent.name, word(desk, Desk::Command::Available)});
  }
  agent.on_duty[desk.name] = true;
}

void DeskCast::leave(const Desk& desk, Agent& agent, std::vector<Act>& acts) {
  const auto known = agent.on_duty.find(desk.name);
  if (known == agent.on_duty.end() || !known->second) return;
  acts.push_back({agent.name, word(desk, Desk::Command::Available)});
  known->second = false;
}

/// All of a group may answer in its topics, once they have registered where that is asked for.
void DeskCast::sit_down(const Desk& desk, std::vector<Act>& acts) {
  if (desk.register_word.empty()) return;
  for (Agent& agent : agents_)
    if (!agent.on_duty.contains(desk.name)) come(desk, agent, acts);
}

std::vector<DeskCast::Act> DeskCast::before(const DeskAnswer& answer, const std::string& place) {
  std::vector<Act> acts;
  const HandoffRule* rule = rule_at(place);
  if (!rule || rule->mode != HandoffRule::Mode::Relay || agents_.empty()) return acts;
  const Desk& desk = program_.desks[rule->desk.value];
  if (!desk.topics.empty()) {
    sit_down(desk, acts);
    return acts;
  }
  if (answer.kind == DeskAnswer::Kind::Assigned) {
    Agent* const agent = find(answer.agent);
    if (!agent) return acts;
    for (Agent& other : agents_)
      if (&other != agent) leave(desk, other, acts);
    come(desk, *agent, acts);
  } else if (answer.kind == DeskAnswer::Kind::Queued) {
    // It is offered to those who are on duty, or waits because nobody is.
    if (agents_.front().on_duty.find(desk.name) == agents_.front().on_duty.end()) come(desk, agents_.front(), acts);
    if (is_taken_by_claim(*rule)) {
      come(desk, agents_.front(), acts);
    } else {
      for (Agent& other : agents_) leave(desk, other, acts);
    }
  }
  return acts;
}

std::vector<DeskCast::Act> DeskCast::before(const TicketNews& news, const Relay& now) {
  std::vector<Act> acts;
  if (now.rule.value >= program_.handoffs.size()) return acts;
  const HandoffRule& rule = program_.handoffs[now.rule.value];
  if (rule.mode != HandoffRule::Mode::Relay) return acts;
  const Desk& desk = program_.desks[rule.desk.value];
  const bool in_topics = !desk.topics.empty() && !agents_.empty();
  Agent* const holder = in_topics ? &agents_.front() : now.agent.empty() ? nullptr : find_shown(now.agent);
  const auto asks = [&](Desk::Command command, const std::string& what = {}) {
    if (holder && !word(desk, command).empty())
      acts.push_back({holder->name, word(desk, command) + (what.empty() ? "" : " " + what)});
  };
  switch (news.what) {
    case TicketNews::What::Closed: asks(Desk::Command::Close); break;
    case TicketNews::What::Rejected: asks(Desk::Command::Reject); break;
    case TicketNews::What::Queued:
      if (in_topics) break;
      for (Agent& other : agents_)
        if (&other != holder) leave(desk, other, acts);
      if (holder) leave(desk, *holder, acts);
      break;
    case TicketNews::What::Assigned: {
      if (in_topics) {
        if (news.agent != desk.name && is_group(program_, news.agent)) asks(Desk::Command::Transfer, news.agent);
        break;
      }
      Agent* const agent = find(news.agent);
      if (!agent || agent == holder) break;
      come(desk, *agent, acts);
      if (holder) {
        asks(Desk::Command::Transfer, agent->shown);
        if (desk.accept) acts.push_back({agent->name, {}, true});
      } else if (is_taken_by_claim(rule)) {
        const std::string& take = word(desk, Desk::Command::Take);
        if (!take.empty()) acts.push_back({agent->name, take + " " + std::to_string(now.number)});
      }
      break;
    }
  }
  return acts;
}

std::optional<std::string> DeskCast::writer(const StaffMessage& said) const {
  const auto found =
      std::find_if(agents_.begin(), agents_.end(), [&](const Agent& one) { return one.real == said.name; });
  return found == agents_.end() ? std::nullopt : std::optional(found->name);
}

std::vector<DeskCast::Act> DeskCast::registration_of_person(const std::vector<std::string>& roles) {
  std::vector<Act> acts;
  for (const Desk& desk : program_.desks) {
    const bool is_agent = std::find(roles.begin(), roles.end(), std::string(kAgentsOf) + desk.name) != roles.end();
    if (is_agent && !desk.register_word.empty() && !desk.token_variable.empty())
      acts.push_back({std::string(kTalkPerson), desk.register_word + " " + tokens()[desk.token_variable]});
  }
  return acts;
}

}  // namespace sufler
