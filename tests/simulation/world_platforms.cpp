// What becomes of what a process says and asks for: messages, calls of the platforms with their limits, work.
#include <new>
#include <stdexcept>

#include "simulation/whole_world.h"
#include "storage/job_store.h"

namespace sufler::simulation {
namespace {

/// A dialog waits no longer for a job that hangs.
constexpr std::int64_t kLongestWork = 11 * 60'000;

}  // namespace

std::vector<ApiCall> World::render(const ChatAddress& chat, const Message& message) const {
  return const_cast<World*>(this)->rendered(chat, message);
}

ApiCall World::render_press_answer(const ChatAddress&, const std::string& press_id, const std::string&) const {
  ApiCall call;
  call.method = "answer";
  call.body = press_id;
  call.ordered = false;
  call.expendable = true;
  return call;
}

std::vector<ApiCall> World::rendered(const ChatAddress&, const Message& message) {
  const std::string& text = message.text.text;
  if (!now_->dead) {
    const std::size_t word = text.find(' ');
    if (text.starts_with('#') && word + 1 < text.size()) {
      if (text[word + 1] == 'k') {
        note("the word kills: " + text);
        ++crashes_[text.substr(word + 1)];
        throw Killed{};
      }
      if (text[word + 1] == 't') throw std::runtime_error("the word is too much: " + text);
    }
    if (faults_ && chance_.in_thousand(troubles_.kill_render)) kill("in a turn");
    if (faults_ && chance_.in_thousand(troubles_.throw_render)) {
      ++evidence_.troubled_turns;
      note("memory runs out in a turn");
      throw std::bad_alloc();
    }
  }
  note("says in a turn \"" + text + "\"");
  ApiCall call;
  call.method = "say";
  call.body = text;
  if (message.keyboard.kind == Keyboard::Kind::Inline)
    for (const auto& row : message.keyboard.rows)
      for (const Button& button : row) call.body += "\n" + button.payload;
  return {call};
}

void World::deliver(std::string_view bot, const ChatAddress& chat, const ApiCall& call,
                    std::function<void(Outcome)> done) {
  if (now_->dead) return;
  if (faults_ && chance_.in_thousand(troubles_.kill_deliver)) kill("before a call");
  const std::size_t index = send_of(bot, chat, call);
  Send& send = evidence_.sends[index];
  send.attempts.push_back({now_->life, clock_.passed, -1, -1, Outcome::Kind::Sent});
  const std::size_t attempt = send.attempts.size() - 1;
  note("call " + name_of(send) + " attempt " + std::to_string(attempt));
  look_for_haste(send);

  const bool swallowed = run_.defect == Defect::SwallowsSends && chance_.percent(10);
  Fate fate = fate_of(send);
  if (swallowed) fate = Fate{};
  if (counts_ && !call.expendable) count(send, fate);
  if (fate.arrives && !swallowed) {
    std::int64_t after = chance_.between(1, 50);
    if (run_.defect == Defect::SwapsSends && chance_.percent(15)) after += 5 * kSecond;
    in(after, [this, index, attempt] { arrive(index, attempt); });
    if (run_.defect == Defect::RepeatsSends && chance_.percent(15)) {
      send.attempts.push_back(send.attempts.back());
      in(after + 1, [this, index, attempt] { arrive(index, attempt + 1); });
    }
    fate.answers_after = std::max(fate.answers_after, run_.defect == Defect::SwapsSends ? 60 : after + 1);
  }
  const std::string chat_key = std::string(bot) + " " + chat.transport + ":" + chat.chat_id;
  if (call.ordered) ++now_->in_flight[chat_key];
  in_process(fate.answers_after, [this, index, attempt, fate, chat_key, done = std::move(done)] {
    Send& told = evidence_.sends[index];
    told.attempts[attempt].told_at = clock_.passed;
    told.attempts[attempt].outcome = fate.outcome.kind;
    if (told.call.ordered) --now_->in_flight[chat_key];
    note("told " + name_of(told) + " " + std::to_string(static_cast<int>(fate.outcome.kind)));
    if (fate.rests) {
      const std::string scope =
          fate.outcome.whole_bot ? chat_key.substr(0, chat_key.find(':')) : chat_key;
      if (told.call.ordered || fate.outcome.whole_bot) now_->resting[scope] = std::max(now_->resting[scope], clock_.passed + fate.outcome.after.ms);
    }
    Outcome outcome = fate.outcome;
    if (outcome.kind == Outcome::Kind::Sent) outcome.message_id = std::to_string(index + 1);
    done(std::move(outcome));
  });
  if (faults_ && chance_.in_thousand(troubles_.kill_deliver)) kill("after a call");
}

void World::begin(const Job& job, JobDoneCall done) {
  if (now_->dead) return;
  if (faults_ && chance_.in_thousand(troubles_.kill_work)) kill("before work", Amid::Work);
  const Workers::Shift shift = take_up(job, std::move(done));
  if (run_.defect == Defect::WorksTwice && chance_.percent(30)) take_up(job, [](const JobResult&) {});
  if (run_.defect == Defect::LosesJobs && chance_.percent(30)) lose_jobs(job.bot);
  if (faults_ && chance_.in_thousand(troubles_.kill_work))
    in_process(chance_.between(0, shift.takes), [this] { kill("at work", Amid::Work); });
}

Workers::Shift World::take_up(const Job& job, JobDoneCall done) {
  Workers::Shift shift = workers_.begin(job, now_->life, clock_.passed, faults_ ? troubles_.work : WorkTroubles{});
  const Work& work = evidence_.work[shift.work];
  const std::string& outcome = work.attempts[shift.attempt].outcome;
  note("works on " + work.bot + " job " + std::to_string(work.job) + " for " + outcome);
  if (run_.defect == Defect::TakesLateResults && shift.attempt > 0)
    shift.result = Workers::done(work.attempts[0].outcome);
  ++now_->working;
  in_process(shift.hangs ? kLongestWork : shift.takes, [this] { --now_->working; });
  if (shift.hangs) return shift;
  in_process(shift.takes, [this, shift, outcome, done = std::move(done)] {
    note("has " + outcome);
    workers_.told(shift, clock_.passed);
    if (run_.defect != Defect::LosesResults || !chance_.percent(30)) done(shift.result);
  });
  return shift;
}

void World::lose_jobs(const std::string& bot) {
  now_->engine->ask([this, bot](Storage& storage) {
    (void)storage.transact([&](Transaction& tx) -> Stored<Done> {
      const Moment late{clock_.now().unix_ms + kDay};
      auto jobs = tx.jobs().claim(bot, Workers::terms().name, late, late, 1, 100);
      if (!jobs) return Error{jobs.error()};
      for (const JobRow& job : *jobs)
        if (auto gone = tx.jobs().finish(job.id, job.token); !gone) return Error{gone.error()};
      return Done{};
    });
  });
}

Fate World::fate_of(const Send& send) {
  Fate fate;
  fate.answers_after = chance_.percent(5) && faults_ ? chance_.between(1, 20) * kSecond : chance_.between(2, 200);
  const auto becomes = [&](Outcome::Kind kind, bool arrives, const char* reason) {
    fate.outcome.kind = kind;
    fate.outcome.reason = reason;
    fate.arrives = arrives;
  };
  const Customer* customer = customer_of(send.bot, send.chat);
  if (customer && customer->blocks) {
    becomes(Outcome::Kind::Failed, false, "blocked");
    fate.outcome.unreachable = true;
    return fate;
  }
  if (!faults_) return fate;
  if (chance_.percent(troubles_.request_lost)) {
    becomes(Outcome::Kind::Unknown, false, "no answer");
  } else if (chance_.percent(troubles_.answer_lost)) {
    becomes(Outcome::Kind::Unknown, true, "no answer");
  } else if (chance_.percent(troubles_.server_error)) {
    becomes(Outcome::Kind::Unknown, chance_.percent(30), "a server's error");
    fate.outcome.after = Duration{chance_.between(200, 2000)};
  } else if (chance_.percent(troubles_.refused_now)) {
    becomes(Outcome::Kind::Retry, false, "no connection");
    fate.outcome.after = Duration{chance_.between(100, 2000)};
  } else if (chance_.percent(troubles_.too_many)) {
    becomes(Outcome::Kind::Retry, false, "too many");
    fate.outcome.after = Duration{chance_.between(1, 37) * kSecond};
    fate.outcome.whole_bot = chance_.percent(30);
    fate.rests = true;
  } else if (chance_.percent(troubles_.refused)) {
    becomes(Outcome::Kind::Failed, false, "refused");
  }
  return fate;
}

void World::count(const Send& send, Fate& fate) {
  const std::string bot = send.bot + " " + send.chat.transport;
  const std::string chat = bot + ":" + send.chat.chat_id;
  const std::string life = " of " + std::to_string(now_->life);
  if (too_much(bot + life, chat + life, send.chat.chat_id) != Excess::None)
    evidence_.seen_amiss.push_back("pace: too much at once from one process: " + name_of(send));
  const Excess excess = too_much(bot, chat, send.chat.chat_id);
  if (excess != Excess::None) {
    ++evidence_.over_the_limit;
    fate = Fate{};
    fate.arrives = false;
    fate.rests = true;
    fate.outcome.kind = Outcome::Kind::Retry;
    fate.outcome.reason = "too many";
    fate.outcome.after = Duration{chance_.between(1, 5) * kSecond};
    fate.outcome.whole_bot = excess == Excess::OfBot;
  }
  if (!fate.arrives) return;
  for (const std::string& scope : {bot, chat, bot + life, chat + life}) made_[scope].push_back(clock_.passed);
}

Excess World::too_much(const std::string& bot, const std::string& chat, const std::string& chat_id) {
  const auto within = [&](const std::string& scope, std::int64_t period) {
    const std::vector<std::int64_t>& times = made_[scope];
    return times.end() - std::upper_bound(times.begin(), times.end(), clock_.passed - period);
  };
  if (within(bot, kBotPeriod) >= kBotMost) return Excess::OfBot;
  if (chat_id == kAdmin && within(chat, kGroupPeriod) >= kGroupMost) return Excess::OfChat;
  // Since any moment at most a burst, and one more for each interval that has passed.
  const std::vector<std::int64_t>& times = made_[chat];
  for (std::size_t i = times.size(); i-- > 0;)
    if (static_cast<std::int64_t>(times.size() - i) + 1 > kChatBurst + (clock_.passed - times[i]) / kChatInterval)
      return Excess::OfChat;
  return Excess::None;
}

void World::look_for_haste(const Send& send) {
  if (!send.call.ordered) return;
  const std::string chat = send.bot + " " + send.chat.transport + ":" + send.chat.chat_id;
  for (const std::string& scope : {chat, chat.substr(0, chat.find(':'))}) {
    const auto found = now_->resting.find(scope);
    if (found != now_->resting.end() && clock_.passed < found->second)
      evidence_.seen_amiss.push_back("a call to " + scope + " that was to rest: " + name_of(send));
  }
  if (send.chat.chat_id != kAdmin && now_->in_flight[chat] > 0)
    evidence_.seen_amiss.push_back("I2: two calls at once: " + name_of(send));
}

std::size_t World::send_of(std::string_view bot, const ChatAddress& chat, const ApiCall& call) {
  const auto [found, fresh] = send_by_key_.try_emplace(
      {std::string(bot) + chat.transport + chat.chat_id, call.repeat_key}, evidence_.sends.size());
  if (fresh) {
    Send send;
    send.bot = bot;
    send.chat = chat;
    send.call = call;
    send.once = chat.transport == "hook";
    evidence_.sends.push_back(std::move(send));
  }
  return found->second;
}

void World::arrive(std::size_t index, std::size_t attempt) {
  Send& send = evidence_.sends[index];
  const bool again = std::any_of(send.attempts.begin(), send.attempts.end(),
                                 [](const Send::Attempt& one) { return one.seen_at >= 0; });
  if (send.once && again) return;
  Customer* customer = customer_of(send.bot, send.chat);
  send.attempts[attempt].seen_at = clock_.passed;
  note("seen " + name_of(send));
  // What an earlier life could not bring may come behind what it brought and did not record.
  if (!again && send.call.ordered && send.attempts[0].life == send.attempts[attempt].life)
    arrived_[send.bot + " " + send.chat.transport + ":" + send.chat.chat_id].push_back(index);
  if (!customer) return;
  customer->heard_at = clock_.passed;
  for (std::size_t line = send.call.body.find('\n'); line != std::string::npos;) {
    const std::size_t next = send.call.body.find('\n', line + 1);
    customer->buttons.emplace_back(std::to_string(index + 1), send.call.body.substr(line + 1, next - line - 1));
    line = next;
  }
}

std::string World::name_of(const Send& send) {
  return send.bot + " " + send.chat.transport + ":" + send.chat.chat_id + " " + send.call.method + " \"" +
         send.call.body.substr(0, send.call.body.find('\n')) + "\"";
}

}  // namespace sufler::simulation
