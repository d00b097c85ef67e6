// What the simulation found where several processes share a database, each by itself.
#include "interpreter/runtime/shared_work.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "runtime/plain_renderer.h"
#include "schema/loader.h"
#include "simulation/disk.h"
#include "simulation/shared_database.h"

namespace sufler::simulation {
namespace {

Incoming says(const std::string& id, const std::string& chat) {
  Incoming update;
  update.id = id;
  update.chat = {"telegram", chat};
  update.person.id = chat;
  UserMessage message;
  message.text = "/start";
  update.event = Event{Moment{1000}, 0, std::move(message)};
  return update;
}

TEST(SharedWorkTest, WhatOnePersonWasToldGoesOutThoughTheNextMeetsABusyDatabase) {
  (void)Disk::instance();
  const std::string path =
      (std::filesystem::temp_directory_path() / ("sufler-shared-" + std::to_string(getpid()) + ".db")).string();
  Processes processes;
  Member member{1, {"bot"}, {}, [] {}};
  auto storage = open_shared(path, processes, member);
  ASSERT_TRUE(storage) << storage.error().message;
  ASSERT_TRUE(storage->join({"bot"}, {}));
  const Loaded loaded =
      load_scenario_text({{"scenario.yaml", "scenario: shared\nlanguage: en\nbranches:\n  start: [{say: Hello}]\n"}});
  ASSERT_TRUE(loaded.program);
  const PlainRenderer renderer;
  BotSetup setup;
  setup.name = "bot";
  setup.program = loaded.program;
  setup.renderers["telegram"] = &renderer;
  std::vector<std::unique_ptr<Player>> players;
  players.push_back(std::make_unique<Player>(*storage, setup));
  SharedWork work(*storage, players);
  work.lead(0, true);
  ASSERT_TRUE(work.claim_sends(0, true));

  // Both failed before, so each is played in transactions of its own.
  const std::vector<Incoming> updates = {says("1", "a"), says("2", "b")};
  ASSERT_TRUE(work.store({{0, "telegram", &updates, "2"}}, {{}}));
  ASSERT_TRUE(storage->transact([](Transaction& tx) -> Stored<Done> {
    auto rows = tx.inbox("bot", 10);
    if (!rows) return Error{rows.error()};
    return count_attempts(tx, {rows->at(0).id, rows->at(1).id});
  }));
  // Claiming, then counting and playing for the first person; counting for the second fails.
  storage->fail_by([number = 0](Storage::Place place) mutable -> std::optional<StorageError> {
    if (place != Storage::Place::Begin || ++number != 4) return std::nullopt;
    return StorageError{StorageError::Kind::Busy, "busy"};
  });
  auto round = work.play();
  ASSERT_TRUE(round) << "what was stored would be sent by nobody";
  EXPECT_TRUE(round->trouble.has_value());
  ASSERT_EQ(round->played[0].outbox.size(), 1u);
  EXPECT_EQ(round->played[0].outbox[0].chat.chat_id, "a");
  auto rest = work.play();
  ASSERT_TRUE(rest);
  ASSERT_EQ(rest->played[0].outbox.size(), 1u);
  EXPECT_EQ(rest->played[0].outbox[0].chat.chat_id, "b");
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace sufler::simulation
