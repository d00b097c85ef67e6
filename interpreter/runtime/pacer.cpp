#include "interpreter/runtime/pacer.h"

#include <algorithm>
#include <limits>

namespace sufler {
namespace {

constexpr std::int64_t kAnyTime = std::numeric_limits<std::int64_t>::min();

}  // namespace

std::int64_t Pacer::Log::free_at(const Window& window) const {
  if (window.most == 0 || sent.size() < window.most) return kAnyTime;
  return sent[sent.size() - window.most] + window.period.ms;
}

void Pacer::Log::spend(const Window& window, std::int64_t now) {
  if (window.most == 0) return;
  sent.push_back(now);
  if (sent.size() > window.most) sent.pop_front();
}

std::int64_t Pacer::free_at(const Chat& chat) const {
  std::int64_t at = kAnyTime;
  if (limits_.chat_burst > 0)
    at = chat.full_at - static_cast<std::int64_t>(limits_.chat_burst - 1) * limits_.chat_interval.ms;
  return chat.is_group ? std::max(at, chat.group.free_at(limits_.group)) : at;
}

void Pacer::spend(Chat& chat, std::int64_t now) {
  bot_.spend(limits_.bot, now);
  chat.full_at = std::max(chat.full_at, now) + limits_.chat_interval.ms;
  if (chat.is_group) chat.group.spend(limits_.group, now);
}

void Pacer::line_up(const std::string& id, Chat& chat, std::int64_t now) {
  const std::int64_t at = free_at(chat);
  if (at <= now) {
    chat.place = Place::Ready;
    waiting_for_bot_ += chat.waiting.size();
    ready_.push_back(id);
  } else {
    chat.place = Place::Resting;
    resting_.emplace(at, id);
  }
}

void Pacer::enter(Row row, std::int64_t now) {
  if (chats_.size() > sweep_at_) forget_the_quiet(now);
  const auto [found, fresh] = chats_.try_emplace(std::string(group_of(row->chat.chat_id)));
  Chat& chat = found->second;
  if (fresh) {
    chat.full_at = now;
    chat.is_group = limits_.is_group && limits_.is_group(found->first);
  }
  chat.waiting.push_back(std::move(row));
  ++waiting_;
  if (chat.place == Place::Nowhere) return line_up(found->first, chat, now);
  if (chat.place == Place::Ready) ++waiting_for_bot_;
}

std::vector<Pacer::Turn> Pacer::take(std::int64_t now, const std::function<bool(const OutboxRow&)>& pointless) {
  std::vector<Turn> turns;
  for (auto first = resting_.begin(); first != resting_.end() && first->first <= now; first = resting_.begin()) {
    const std::string id = std::move(resting_.extract(first).value().second);
    Chat& chat = chats_.find(id)->second;
    line_up(id, chat, now);
  }
  while (!ready_.empty()) {
    Chat& chat = chats_.find(ready_.front())->second;
    const auto pop = [&](bool goes) {
      turns.push_back({std::move(chat.waiting.front()), goes});
      chat.waiting.pop_front();
      --waiting_;
      --waiting_for_bot_;
    };
    while (!chat.waiting.empty() && pointless(*chat.waiting.front())) pop(false);
    if (!chat.waiting.empty()) {
      if (bot_.free_at(limits_.bot) > now) break;
      spend(chat, now);
      pop(true);
    }
    const std::string id = std::move(ready_.front());
    ready_.pop_front();
    waiting_for_bot_ -= chat.waiting.size();
    chat.place = Place::Nowhere;
    if (!chat.waiting.empty()) line_up(id, chat, now);
  }
  return turns;
}

std::optional<std::int64_t> Pacer::next_at(std::int64_t now) const {
  if (!ready_.empty()) return std::max(now, bot_.free_at(limits_.bot));
  if (!resting_.empty()) return std::max(now, resting_.begin()->first);
  return std::nullopt;
}

std::size_t Pacer::room(std::int64_t now) const {
  if (waiting_for_bot_ > 0) return 0;
  const auto spent = std::count_if(bot_.sent.begin(), bot_.sent.end(),
                                   [&](std::int64_t at) { return at + limits_.bot.period.ms > now; });
  const auto used = static_cast<std::size_t>(spent);
  return used < limits_.bot.most ? limits_.bot.most - used : 0;
}

std::vector<Pacer::Row> Pacer::leave(const std::function<bool(const OutboxRow&)>& which) {
  std::vector<Row> gone;
  for (auto& [id, chat] : chats_) {
    const std::size_t before = chat.waiting.size();
    std::erase_if(chat.waiting, [&](Row& row) {
      if (!which(*row)) return false;
      gone.push_back(row);
      return true;
    });
    const std::size_t left = before - chat.waiting.size();
    waiting_ -= left;
    if (chat.place == Place::Ready) waiting_for_bot_ -= left;
  }
  return gone;
}

void Pacer::forget_the_quiet(std::int64_t now) {
  std::erase_if(chats_, [&](const auto& one) {
    const Chat& chat = one.second;
    if (chat.place != Place::Nowhere || chat.full_at > now) return false;
    return !chat.is_group || chat.group.sent.empty() || chat.group.sent.back() + limits_.group.period.ms <= now;
  });
  sweep_at_ = std::max(kFewestBeforeSweep, chats_.size() * 2);
}

}  // namespace sufler
