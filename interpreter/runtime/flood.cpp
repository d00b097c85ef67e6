#include "interpreter/runtime/flood.h"

#include <algorithm>

namespace sufler {
namespace {

constexpr std::size_t kFewestBeforeSweep = 4096;

/// What a person can do many times a second.
bool is_said(const Incoming& update) {
  return std::holds_alternative<UserMessage>(update.event.what) || std::holds_alternative<ButtonPress>(update.event.what);
}

std::string key_of(std::string_view bot, std::string_view transport, std::string_view person) {
  std::string key(bot);
  return key.append(1, '\n').append(transport).append(1, '\n').append(person);
}

std::string key_of(std::string_view bot, const Incoming& update) {
  return key_of(bot, update.chat.transport, update.person.id.empty() ? update.chat.chat_id : update.person.id);
}

}  // namespace

std::size_t FloodGate::hold_back(std::string_view bot, std::vector<Incoming>& updates) {
  if (settings_.messages == 0) return 0;
  std::size_t passed_over = 0;
  std::int64_t newest = 0;
  std::erase_if(updates, [&](Incoming& update) {
    if (!is_said(update)) return false;
    newest = std::max(newest, update.event.at.unix_ms);
    const Verdict verdict = judge(talkers_[key_of(bot, update)], update);
    if (verdict == Verdict::Told) update.event.what = TooMany{};
    passed_over += verdict == Verdict::PassedOver ? 1 : 0;
    return verdict == Verdict::PassedOver;
  });
  if (talkers_.size() > sweep_at_) forget_the_quiet(newest);
  return passed_over;
}

void FloodGate::answered(std::string_view bot, const ChatAddress& chat) {
  if (settings_.messages == 0) return;
  // A private chat has the number of its person; in a group nobody can be said to be answered.
  const auto talker = talkers_.find(key_of(bot, chat.transport, chat.chat_id));
  if (talker != talkers_.end() && talker->second.told == 0) talker->second.last.clear();
}

FloodGate::Verdict FloodGate::judge(Talker& talker, const Incoming& update) const {
  const std::int64_t now = update.event.at.unix_ms;
  const std::size_t id = std::hash<std::string>()(update.id);
  for (const Said& said : talker.last) {
    if (said.id != id) continue;
    if (said.heard) return Verdict::Heard;
    return talker.told == id ? Verdict::Told : Verdict::PassedOver;
  }
  const auto* message = std::get_if<UserMessage>(&update.event.what);
  if (message && !message->album.empty() && message->album == talker.album && !talker.last.empty())
    return talker.last.back().heard ? Verdict::Heard : Verdict::PassedOver;
  talker.album = message ? message->album : std::string();

  // Those passed over count as well: whoever goes on and on stays out.
  const bool too_many =
      talker.last.size() >= settings_.messages && now - talker.last.front().at_unix_ms < settings_.within.ms;
  if (talker.last.size() >= settings_.messages) talker.last.pop_front();
  talker.last.push_back({now, id, !too_many});
  if (!too_many) {
    talker.told = 0;
    return Verdict::Heard;
  }
  if (talker.told != 0) return Verdict::PassedOver;
  talker.told = id;
  return Verdict::Told;
}

void FloodGate::forget_the_quiet(std::int64_t now_unix_ms) {
  std::erase_if(talkers_, [&](const auto& one) {
    return one.second.last.empty() || now_unix_ms - one.second.last.back().at_unix_ms > settings_.within.ms;
  });
  sweep_at_ = std::max(kFewestBeforeSweep, talkers_.size() * 2);
}

}  // namespace sufler
