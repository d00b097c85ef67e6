// Who writes what and when, and how updates come: asked for by position, or brought one by one.
#include "simulation/whole_world.h"

namespace sufler::simulation {

Customer* World::customer_of(const std::string& bot, const ChatAddress& chat) {
  for (Customer& one : customers_)
    if (one.bot == bot && one.chat == chat) return &one;
  return nullptr;
}

void World::act(Customer& customer) {
  if (customer.blocks) customer.blocks = false;
  if (!customer.buttons.empty() && chance_.percent(35)) {
    const auto& [message, payload] =
        customer.buttons[static_cast<std::size_t>(chance_.between(0, static_cast<std::int64_t>(customer.buttons.size()) - 1))];
    happen(customer.bot, customer.chat, ButtonPress{"press" + std::to_string(evidence_.updates.size()), message, payload});
    return;
  }
  if (chance_.percent(4)) return say(customer.bot, customer.chat, "/start");
  if (chance_.percent(4)) return say(customer.bot, customer.chat, "/count");
  if (chance_.percent(6)) return say(customer.bot, customer.chat, "/bot");
  static constexpr char kWords[] = "pppsssqnnlhammufrrrrzz";
  char word = kWords[chance_.between(0, sizeof kWords - 2)];
  if (troubles_.throw_words && chance_.percent(8)) word = 't';
  if (troubles_.crash_words && crash_words_ < 2 && chance_.percent(10)) {
    word = 'k';
    ++crash_words_;
  }
  say(customer.bot, customer.chat, std::string(1, word) + std::to_string(++words_));
  if (chance_.percent(troubles_.blocks)) customer.blocks = true;
}

void World::staff_speaks() {
  UserMessage message;
  message.text = "/bot_on";
  if (chance_.percent(60)) message.text += " " + std::to_string(chance_.between(1, 4));
  for (std::size_t i = 0; i < evidence_.sends.size(); ++i)
    if (evidence_.sends[i].chat == admin_ && chance_.percent(40)) message.reply_to = std::to_string(i + 1);
  happen(bots_[0], admin_, std::move(message), true);
}

void World::say(const std::string& bot, const ChatAddress& chat, std::string text) {
  UserMessage message;
  message.text = std::move(text);
  happen(bot, chat, std::move(message));
}

void World::happen(const std::string& bot, const ChatAddress& chat, decltype(Event::what) what, bool is_staff) {
  Update update;
  update.bot = bot;
  update.is_staff = is_staff;
  update.incoming.id = std::to_string(evidence_.updates.size() + 1);
  update.incoming.chat = chat;
  update.incoming.person.id = chat.chat_id;
  update.incoming.person.first_name = "C" + chat.chat_id;
  update.incoming.event.at = Moment{clock_.true_unix_ms()};
  if (const auto* message = std::get_if<UserMessage>(&(update.incoming.event.what = std::move(what))))
    note("says " + chat.chat_id + " " + message->text);
  else
    note("presses " + chat.chat_id);
  const std::size_t index = evidence_.updates.size();
  evidence_.updates.push_back(std::move(update));
  for (Stream& stream : streams_) {
    if (stream.bot != bot || stream.transport != chat.transport) continue;
    stream.updates.push_back(index);
    if (stream.transport == "poll") return ask(stream);
    stream.chats[chat.chat_id].waiting.push_back(index);
    return post(stream, chat.chat_id);
  }
}

Incoming World::decoded(std::size_t index) const {
  Incoming incoming = evidence_.updates[index].incoming;
  incoming.event.at = std::min(incoming.event.at, clock_.now());
  return incoming;
}

void World::ask(Stream& stream) {
  if (!stream.owner) return;
  on(*stream.owner, [&] { ask_as_owner(stream); });
}

void World::ask_as_owner(Stream& stream) {
  if (!now_->engine || !now_->receiving || stream.asking || stream.position < 0) return;
  for (const std::size_t index : stream.updates)
    if (static_cast<std::int64_t>(index) < stream.position) evidence_.updates[index].accepted = true;
  std::vector<std::size_t> found;
  const std::size_t most = static_cast<std::size_t>(chance_.between(1, 6));
  for (const std::size_t index : stream.updates)
    if (static_cast<std::int64_t>(index) + 1 > stream.position && found.size() < most) found.push_back(index);
  if (found.empty()) return;
  stream.asking = true;
  in_process(chance_.between(1, 60), [this, &stream, found, served = stream.served] {
    if (!now_->receiving || stream.served != served) return;
    std::vector<Incoming> updates;
    for (const std::size_t index : found) updates.push_back(decoded(index));
    const std::int64_t position = static_cast<std::int64_t>(found.back()) + 1;
    if (run_.defect == Defect::ConfirmsBeforeCommit) confirm(stream, found, position);
    now_->engine->take(stream.bot, stream.transport, std::move(updates), std::to_string(position), false,
                  [this, &stream, found, position, served, life = now_->life](bool stored) {
                    if (life != now_->life || now_->dead || stream.served != served) return;
                    note(stream.bot + " stored " + std::to_string(position) + (stored ? "" : ": no"));
                    if (stored) confirm(stream, found, position);
                    in_process(stored ? chance_.between(1, 20) : chance_.between(200, 2000), [this, &stream, served] {
                      if (stream.served != served) return;
                      stream.asking = false;
                      ask(stream);
                    });
                  });
  });
}

void World::confirm(Stream& stream, const std::vector<std::size_t>& found, std::int64_t position) {
  stream.position = position;
  for (const std::size_t index : found) evidence_.updates[index].accepted = true;
}

void World::post(Stream& stream, const std::string& chat) {
  Stream::Queue& queue = stream.chats[chat];
  if (queue.busy || queue.waiting.empty()) return;
  queue.busy = true;
  queue.with = nullptr;
  const std::uint64_t number = ++queue.post;
  in(chance_.between(1, 40), [this, &stream, chat, number] {
    Stream::Queue& mine = stream.chats[chat];
    if (mine.post != number) return;
    Process* const to = receiver();
    if (!to) return post_again(stream, chat, number);
    mine.with = to;
    const std::size_t index = mine.waiting.front();
    const bool twice = chance_.percent(troubles_.webhook_twice);
    // Two requests at once: either answer is one.
    for (int copy = 0; copy < (twice ? 2 : 1); ++copy) {
      bring(*to, stream, index, [this, &stream, chat, number, index](bool stored) {
        in(chance_.between(1, 30), [this, &stream, chat, number, index, stored] {
          if (stream.chats[chat].post != number) return;
          if (!stored || (faults_ && chance_.percent(troubles_.webhook_answer_lost)))
            return post_again(stream, chat, number);
          taken(stream, chat, index);
        });
      });
      if (!to->engine) return;
    }
    if (run_.defect == Defect::ConfirmsBeforeCommit) taken(stream, chat, index);
  });
}

void World::bring(Process& to, Stream& stream, std::size_t index, std::function<void(bool)> answer) {
  on(to, [&] { bring(stream, index, std::move(answer)); });
}

void World::bring(Stream& stream, std::size_t index, std::function<void(bool)> answer) {
  enter([&] {
    now_->engine->take(stream.bot, stream.transport, {decoded(index)}, {}, run_.defect != Defect::TakesRepeats,
                  [this, index, life = now_->life, answer = std::move(answer)](bool stored) {
                    if (life != now_->life || now_->dead) return;
                    note("webhook " + std::to_string(index + 1) + (stored ? " stored" : " not stored"));
                    answer(stored);
                  });
  });
}

void World::taken(Stream& stream, const std::string& chat, std::size_t index) {
  Stream::Queue& queue = stream.chats[chat];
  evidence_.updates[index].accepted = true;
  queue.waiting.pop_front();
  queue.busy = false;
  ++queue.post;
  if (faults_ && chance_.percent(troubles_.webhook_again))
    in(chance_.between(10, kMinute), [this, &stream, index] {
      if (Process* const to = receiver()) bring(*to, stream, index, [](bool) {});
    });
  post(stream, chat);
}

void World::post_again(Stream& stream, const std::string& chat, std::uint64_t number) {
  Stream::Queue& queue = stream.chats[chat];
  if (queue.post != number) return;
  queue.busy = false;
  ++queue.post;
  in(chance_.between(100, 3000), [this, &stream, chat] { post(stream, chat); });
}

}  // namespace sufler::simulation
