#pragma once
#include <memory>
#include <string>
#include <utility>

#include "interpreter/runtime/player.h"
#include "interpreter/runtime/replay.h"
#include "schema/loader.h"
#include "storage/storage.h"
#include "tools/tool_run.h"

namespace sufler {

/// A bot `shop` that has talked: its configuration, its scenario and its database are in the test's folder.
class RecordedBotTest : public ToolTest {
 protected:
  RecordedBotTest() {
    setenv("LC_ALL", "C", 1);
    write("sufler.yaml",
          "bots: {shop: {scenario: bot, telegram: {token: \"${NO_SUCH}\"}}}\ndatabase: sqlite:data.db\n");
  }

  /// Serves from now on; the scenario is written into the folder.
  void serve(const std::string& scenario) {
    std::filesystem::create_directories(path("bot"));
    write("bot/scenario.yaml", scenario);
    Loaded loaded = load_scenario(path("bot"));
    ASSERT_TRUE(loaded.program) << render_text(loaded.diagnostics.sorted(), loaded.sources, Language::English);
    player_.reset();
    if (!storage_) {
      auto opened = Storage::open("sqlite:" + path("data.db"), Durability::Normal);
      ASSERT_TRUE(opened) << opened.error().message;
      storage_.emplace(std::move(*opened));
    }
    ASSERT_TRUE(storage_->prepare_tables(*loaded.program));
    BotSetup setup;
    setup.name = "shop";
    setup.program = loaded.program;
    setup.seed = 7;
    player_ = std::make_unique<Player>(*storage_, std::move(setup));
  }
  /// Nobody serves any more: tools read the database itself.
  void stop() {
    player_.reset();
    storage_.reset();
  }

  void say(const std::string& text, const std::string& person = "111") {
    UserMessage message;
    message.text = text;
    play(person, std::move(message));
  }
  /// As the runner of schedules does.
  void schedule(const std::string& name, const std::string& branch, const std::string& person) {
    play(person, ScheduleDue{name, branch, false, {}, {}});
  }
  void press(const std::string& label, const std::string& person = "111") {
    for (const RecordedDialog& dialog : recorded()) {
      if (dialog.key.user_id != person) continue;
      for (auto row = dialog.rows.rbegin(); row != dialog.rows.rend(); ++row)
        for (const auto& [payload, shown] : labels_of(row->turn))
          if (shown == label) return play(person, ButtonPress{"p1", {}, payload});
    }
    FAIL() << "no button " << label;
  }
  void pass(Duration time) {
    const Moment until{now_.unix_ms + time.ms};
    for (;;) {
      auto next = player_->next_timer();
      ASSERT_TRUE(next);
      if (!*next || **next > until) break;
      now_ = **next;
      ASSERT_TRUE(player_->play_timers(now_, 1));
    }
    now_ = until;
  }

  std::vector<RecordedDialog> recorded() {
    std::vector<RecordedDialog> all;
    (void)storage_->transact([&](Transaction& tx) -> Stored<Done> {
      for (std::int64_t id = 1; id < 10; ++id) {
        auto key = tx.find_dialog(id);
        if (!key || !*key) continue;
        auto row = tx.load_dialog(**key);
        auto rows = tx.journal(id, 1000);
        if (row && rows) all.push_back({id, **key, row->user, std::move(*rows)});
      }
      return Done{};
    });
    return all;
  }

  Moment now_{1773565200000};  // 2026-03-15 09:00 UTC
  std::optional<Storage> storage_;
  std::unique_ptr<Player> player_;

 private:
  template <class What>
  void play(const std::string& person, What what) {
    now_.unix_ms += 1000;
    Incoming update;
    update.id = "u" + std::to_string(++updates_);
    update.chat = {"telegram", person};
    update.person = {person, person == "111" ? "Николай" : "Someone", "Гоголь", "gogol", "ru", false};
    update.event = Event{now_, 0, std::move(what)};
    auto played = player_->play({update}, "telegram", std::to_string(updates_));
    ASSERT_TRUE(played) << played.error().message;
  }
  int updates_ = 0;
};

}  // namespace sufler
