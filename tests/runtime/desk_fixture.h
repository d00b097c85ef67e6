#pragma once
// A desk that people write to in memory, and what each of them got.
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "interpreter/core/event.h"
#include "interpreter/runtime/operations.h"
#include "interpreter/runtime/player.h"
#include "schema/loader.h"
#include "storage/desk_store.h"

namespace sufler {

/// A bot whose only branch hands over; `rule` and `desk` add to what both have: `, capacity: 2`.
inline std::string desk_scenario(const std::string& rule = ", assign: [available], queue: Wait.", const std::string& desk = "") {
  return R"(
scenario: desk
language: en
start: home
branches:
  home:
    - handoff: support
    - say: Done.
handoff:
  support: {mode: relay, desk: support, closed_text: Closed.)" + rule + R"(}
desks:
  support: {register: {command: /join, token: "${DESK_TOKEN}"})" + desk + "}\n";
}
inline const std::string kDeskScenario = desk_scenario();
inline const std::string kDeskInTopics = desk_scenario("", ", topics: group");

class DeskRenderer : public Renderer {
 public:
  std::vector<ApiCall> render(const ChatAddress&, const Message& message) const override {
    ApiCall call;
    call.method = "say";
    call.body = to_json(message);
    return {call};
  }
  ApiCall render_press_answer(const ChatAddress&, const std::string&, const std::string& text) const override {
    ApiCall call;
    call.method = "press";
    call.body = text;
    return call;
  }
  ApiCall render_topic(const ChatAddress&, const std::string& title) const override {
    ApiCall call;
    call.method = "topic";
    call.body = title;
    return call;
  }
};

class DeskTest : public testing::Test {
 protected:
  void open(const std::string& scenario) {
    Loaded loaded = load_scenario_text({{"scenario.yaml", scenario}});
    ASSERT_TRUE(loaded.program) << render_text(loaded.diagnostics.sorted(), loaded.sources, Language::English);
    auto storage = Storage::open("sqlite::memory:", Durability::Normal);
    ASSERT_TRUE(storage);
    player_.reset();
    storage_ = std::make_unique<Storage>(std::move(*storage));
    start(loaded);
  }
  /// Another version of the scenario, or other roles, with what is stored.
  void open_again(const std::string& scenario) {
    Loaded loaded = load_scenario_text({{"scenario.yaml", scenario}});
    ASSERT_TRUE(loaded.program) << render_text(loaded.diagnostics.sorted(), loaded.sources, Language::English);
    start(loaded);
  }
  void start(const Loaded& loaded) {
    BotSetup setup;
    setup.name = "bot";
    setup.program = loaded.program;
    setup.renderers["telegram"] = &renderer_;
    setup.roles = roles_;
    setup.secrets["DESK_TOKEN"] = "right";
    player_ = std::make_unique<Player>(*storage_, std::move(setup));
  }

  void play_timers(std::int64_t after_ms) {
    auto played = player_->play_timers(Moment{now_ += after_ms}, 100);
    ASSERT_TRUE(played);
    for (const TurnNote& note : played->notes) notes_.push_back(note.text);
    keep(*played);
  }
  void play(Incoming update) {
    auto played = player_->play({std::move(update)}, "telegram", {});
    ASSERT_TRUE(played) << played.error().message;
    for (const TurnNote& note : played->notes) notes_.push_back(note.text);
    keep(*played);
  }
  /// What an operator's command does; what it leaves for the desk is played.
  std::string operate(const std::string& request) {
    const Operated operated = sufler::operate(*storage_, request, Moment{now_ += 1000});
    if (operated.inbox_filled) {
      auto played = player_->play_inbox();
      EXPECT_TRUE(played);
      if (played) keep(*played);
    }
    return operated.answer;
  }
  /// What was held is sent, and nothing is held any more.
  void let_go() {
    holds_ = false;
    Played held;
    held.outbox = std::exchange(held_, {});
    keep(held);
  }
  /// Everything in the outbox is delivered, or refused where `refuse_` says so.
  void keep(Played& played) {
    for (const TurnNote& note : played.notes)
      if (note.kind == TurnNote::Kind::Alarm) alarms_.push_back(note.text);
    if (holds_) {
      std::move(played.outbox.begin(), played.outbox.end(), std::back_inserter(held_));
      return;
    }
    settle(played);
  }
  void settle(Played& played) {
    std::vector<Settled> settled;
    for (OutboxRow& row : played.outbox) {
      Settled one{row.id, true, OutboxRow::State::New, 1, {}, {}};
      one.ticket_message = row.ticket_message;
      one.chat = row.chat;
      const auto refused = refuse_.find(row.chat.chat_id);
      if (refused != refuse_.end()) {
        one.state = OutboxRow::State::Dead;
        one.letter = DeadLetter{0, "bot", "outbox", "", "refused", Moment{now_}};
        one.reason = refused->second;
        one.topic_gone = refused->second == "topic" || refused->second == "out";
        one.unreachable = refused->second == "blocked";
      } else {
        const std::string id = row.call.method == "topic" ? std::to_string(++topics_) : "b" + std::to_string(row.id);
        if (row.notice || row.ticket_message != 0) one.notice = SentNotice{row.chat, id, row.dialog_id, Moment{now_}, row.ticket_message};
        if (row.call.method == "say") {
          Message message;
          ASSERT_TRUE(from_json(row.call.body, message));
          inbox_[row.chat.chat_id].push_back({id, std::move(message)});
        }
      }
      settled.push_back(std::move(one));
    }
    ASSERT_TRUE(player_->settle(settled));
    if (!player_->has_reports()) return;
    auto more = player_->go_on();
    ASSERT_TRUE(more) << more.error().message;
    keep(*more);
  }

  Incoming from(const std::string& who) {
    Incoming update;
    update.id = std::to_string(++updates_);
    update.chat = {"telegram", who};
    update.person = {who, "Name of " + who, "", "", "", false};
    update.event.at = Moment{now_ += 1000};
    return update;
  }
  /// Gives the message's id.
  std::string say(const std::string& who, const std::string& text, const std::string& reply_to = {}) {
    Incoming update = from(who);
    UserMessage message;
    message.message_id = "m" + std::to_string(++messages_);
    message.text = text;
    message.reply_to = reply_to;
    const std::string id = message.message_id;
    update.event.what = std::move(message);
    play(std::move(update));
    return id;
  }
  void correct(const std::string& who, const std::string& id, const std::string& text) {
    Incoming update = from(who);
    UserMessage message;
    message.message_id = id;
    message.text = text;
    message.edited = true;
    update.event.what = std::move(message);
    play(std::move(update));
  }
  void say_in_topic(const std::string& who, const std::string& topic, const std::string& text) {
    Incoming update = from(who);
    update.chat = {"telegram", "-100"};
    update.topic = topic;
    update.is_private = false;
    UserMessage message;
    message.message_id = "m" + std::to_string(++messages_);
    message.text = text;
    update.event.what = std::move(message);
    play(std::move(update));
  }

  /// A part of an album; gives the message's id.
  std::string send_part(const std::string& who, const std::string& album, const std::string& file, const std::string& words = {}) {
    Incoming update = from(who);
    update.event.at = Moment{now_ -= 1000};  // at once with what came before
    UserMessage message;
    message.message_id = "m" + std::to_string(++messages_);
    message.album = album;
    message.text = words;
    Attachment photo;
    photo.kind = AttachmentKind::Photo;
    photo.origin = "telegram";
    photo.reference = file;
    photo.caption = words;
    message.attachments.push_back(std::move(photo));
    const std::string id = message.message_id;
    update.event.what = std::move(message);
    play(std::move(update));
    return id;
  }

  struct Read {
    std::string id;
    Message message;
  };
  /// What somebody got since the last call.
  std::vector<Read> read(const std::string& who) { return std::exchange(inbox_[who], {}); }
  std::vector<std::string> texts(const std::string& who) {
    std::vector<std::string> all;
    for (Read& one : read(who)) all.push_back(one.message.text.text);
    return all;
  }
  void client_with_agent() {
    say("olga", "/join right");
    say("ann", "Help");
    ASSERT_EQ(texts("olga").size(), 3u);  // registered, the ticket, the message
    texts("ann");
  }

  DeskRenderer renderer_;
  std::unique_ptr<Storage> storage_;
  std::unique_ptr<Player> player_;
  std::map<std::string, std::vector<Read>> inbox_;
  std::vector<std::string> notes_;
  std::map<std::string, std::vector<ChatAddress>> roles_ = {{"group", {{"telegram", "-100"}}}};
  std::map<std::string, std::string> refuse_;  // chat → `blocked`, `topic`, `out` or another reason
  bool holds_ = false;
  std::vector<OutboxRow> held_;
  std::vector<std::string> alarms_;
  std::int64_t now_ = 1'773'662'400'000;
  int updates_ = 0, messages_ = 0, topics_ = 100;
};

}  // namespace sufler
