// Several versions of one scenario: which one a dialog runs, and how they are stored.
#include "interpreter/runtime/versions.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "databases/test_database.h"
#include "interpreter/runtime/deploying.h"
#include "interpreter/runtime/knowledge.h"
#include "interpreter/runtime/player.h"
#include "interpreter/runtime/shared_work.h"
#include "interpreter/runtime/takeovers.h"
#include "runtime/plain_renderer.h"
#include "schema/loader.h"
#include "storage/version_store.h"

namespace sufler {
namespace {

namespace fs = std::filesystem;

template <class T>
T unwrap(Stored<T> stored) {
  if (!stored) throw std::runtime_error(stored.error().message);
  return std::move(*stored);
}

/// Says its number twice in each turn: a turn of two versions would show.
std::string scenario(int number, const std::string& more = {}) {
  const std::string n = std::to_string(number);
  return "scenario: versions\nlanguage: en\nstart: welcome\nbranches:\n"
         "  welcome:\n    - say: \"hello " + n + "\"\n    - go: talk\n"
         "  talk:\n    - ask: word\n    - if: word == 'sell'\n      then: [{call: sale}]\n"
         "    - say: \"a" + n + " {{ word }}\"\n    - say: \"b" + n + "\"\n    - go: talk\n"
         "  sale:\n    pin: true\n    steps:\n      - ask: price\n      - say: \"sold by " + n + " for {{ price }}\"\n" +
         more +
         "questions:\n  word: {text: \"?\"}\n  price: {text: \"price " + n + "?\"}\n";
}

std::shared_ptr<const Program> load(const std::string& text) {
  Loaded loaded = load_scenario_text({{"scenario.yaml", text}});
  EXPECT_TRUE(loaded.program) << render_text(loaded.diagnostics.sorted(), loaded.sources, Language::English);
  return loaded.program;
}

class VersionsTest : public ::testing::TestWithParam<DatabaseUnderTest> {
 protected:
  VersionsTest() : storage_(unwrap(Storage::open(database_.url(), Durability::Normal))) {
    for (int number = 1; number <= 3; ++number) programs_.push_back(load(scenario(number)));
    setup_.name = "bot";
    setup_.program = program(1);
    setup_.renderers["telegram"] = &renderer_;
    setup_.serving.generation = ++generation_;
    player_.emplace(storage_, setup_);
  }

  const std::shared_ptr<const Program>& program(int number) const { return programs_[static_cast<std::size_t>(number - 1)]; }
  Serving serving(int number) {
    Serving serving;
    serving.program = program(number);
    serving.generation = ++generation_;
    return serving;
  }
  /// Another process, or the same after a restart.
  void restart(int number) {
    setup_.program = program(number);
    setup_.serving = Serving{};
    setup_.serving.generation = generation_;
    player_.emplace(storage_, setup_);
  }
  Incoming said(const std::string& chat, const std::string& text) {
    Incoming update;
    update.id = std::to_string(++events_);
    update.chat = {"telegram", chat};
    update.person.id = chat;
    UserMessage message;
    message.text = text;
    update.event = Event{Moment{1'000'000 + events_}, 0, message};
    return update;
  }
  std::vector<std::string> say(const std::string& chat, const std::string& text) {
    return texts_of(unwrap(player_->play({said(chat, text)}, "telegram", {})));
  }
  static std::vector<std::string> texts_of(const Played& played) {
    std::vector<std::string> texts;
    for (const OutboxRow& row : played.outbox) texts.push_back(row.call.body);
    return texts;
  }
  using Texts = std::vector<std::string>;

  TestDatabase database_{GetParam()};
  Storage storage_;
  PlainRenderer renderer_;
  std::vector<std::shared_ptr<const Program>> programs_;
  BotSetup setup_;
  std::optional<Player> player_;
  std::int64_t generation_ = 0;
  int events_ = 0;
};
INSTANTIATE_TEST_SUITE_P(Databases, VersionsTest, testing::Values(DatabaseUnderTest::Sqlite, DatabaseUnderTest::Postgres),
                         [](const auto& one) { return name_of(one.param); });

TEST_P(VersionsTest, FromTheNextMessageOnANewVersionSpeaksWhereTheDialogStands) {
  EXPECT_EQ(say("a", "/start"), (Texts{"hello 1", "?"}));
  player_->serve(serving(2));
  EXPECT_EQ(say("a", "tulip"), (Texts{"a2 tulip", "b2", "?"}));
}

TEST_P(VersionsTest, APinnedBranchIsFinishedOnTheVersionWithWhichItWasEntered) {
  say("a", "/start");
  say("b", "/start");
  EXPECT_EQ(say("a", "sell"), (Texts{"price 1?"}));
  player_->serve(serving(2));
  EXPECT_EQ(say("b", "sell"), (Texts{"price 2?"}));
  const auto pinned = [&] {
    std::vector<VersionStore::Pinned> all;
    EXPECT_TRUE(storage_.transact([&](Transaction& tx) -> Stored<Done> {
      all = unwrap(tx.versions().pinned());
      return Done{};
    }));
    return all;
  };
  ASSERT_EQ(pinned().size(), 2U);
  // The talk behind the sale is the old version's, too: the branch ends amid a turn.
  EXPECT_EQ(say("a", "5"), (Texts{"sold by 1 for 5", "a1 sell", "b1", "?"}));
  EXPECT_EQ(pinned().size(), 1U);
  EXPECT_EQ(say("a", "rose"), (Texts{"a2 rose", "b2", "?"}));
}

TEST_P(VersionsTest, APinnedDialogOutlivesRestartsAndSeveralReloads) {
  say("a", "/start");
  say("a", "sell");
  player_->serve(serving(2));
  ++generation_;
  restart(3);
  // No turn waits until that version has been read: the dialog does, in the inbox, and nobody else.
  EXPECT_EQ(say("a", "7"), Texts());
  EXPECT_EQ(say("b", "/start"), (Texts{"hello 3", "?"}));
  EXPECT_EQ(say("a", "rose"), Texts());
  EXPECT_EQ(say("b", "tulip"), (Texts{"a3 tulip", "b3", "?"}));
  EXPECT_EQ(player_->wanted(), std::vector<std::string>{program(1)->version});
  EXPECT_EQ(database_.ask("SELECT count(*) FROM inbox"), "2");
  player_->keep(program(1)->version, program(1));
  EXPECT_TRUE(player_->wanted().empty());
  EXPECT_EQ(texts_of(unwrap(player_->go_on())), (Texts{"sold by 1 for 7", "a1 sell", "b1", "?", "a3 rose", "b3", "?"}));
  EXPECT_EQ(database_.ask("SELECT count(*) FROM inbox"), "0");
}

TEST_P(VersionsTest, WhoWaitsForAVersionThatIsGoneFollowsTheLiveOne) {
  say("a", "/start");
  say("a", "sell");
  ++generation_;
  restart(3);
  EXPECT_EQ(say("a", "7"), Texts());
  player_->keep(program(1)->version, nullptr);
  const Played played = unwrap(player_->go_on());
  EXPECT_EQ(texts_of(played), (Texts{"sold by 3 for 7", "a3 sell", "b3", "?"}));
  ASSERT_FALSE(played.notes.empty());
  EXPECT_NE(played.notes[0].text.find("is gone"), std::string::npos);
}

TEST_P(VersionsTest, ATimerOfADialogThatWaitsForItsVersionComesBehindIt) {
  const auto timed = [](int number) {
    const std::string n = std::to_string(number);
    return "scenario: versions\nlanguage: en\nstart: sale\nbranches:\n  sale:\n    pin: true\n    steps:\n      - ask: price\n"
           "      - say: \"sold by " + n + "\"\n  late:\n    - say: \"late " + n + "\"\n"
           "questions:\n  price: {text: \"price " + n + "?\", timeout: {after: 1m, go: late}}\n";
  };
  programs_.push_back(load(timed(1)));
  programs_.push_back(load(timed(2)));
  player_->serve(serving(4));
  EXPECT_EQ(say("a", "/start"), (Texts{"price 1?"}));
  ++generation_;
  restart(5);
  EXPECT_EQ(texts_of(unwrap(player_->play_timers(Moment{9'000'000}, 10))), Texts());
  player_->keep(program(4)->version, program(4));
  EXPECT_EQ(texts_of(unwrap(player_->go_on())), (Texts{"late 1"}));
}

TEST_P(VersionsTest, WhereProcessesShareADatabaseWhoWaitsForAVersionHoldsNobodyUp) {
  say("a", "/start");
  say("a", "sell");
  say("b", "/start");
  ++generation_;
  restart(3);
  std::vector<std::unique_ptr<Player>> players;
  players.push_back(std::make_unique<Player>(storage_, setup_));
  SharedWork work(storage_, players);
  const std::vector<Incoming> updates = {said("a", "7"), said("b", "tulip"), said("a", "rose")};
  unwrap(work.store({{0, "telegram", &updates, ""}}, {}));
  const auto play = [&] {
    Texts texts;
    for (int rounds = 0; rounds < 10; ++rounds) {
      const SharedWork::Round round = unwrap(work.play());
      EXPECT_FALSE(round.trouble);
      for (const std::string& text : texts_of(round.played[0])) texts.push_back(text);
      if (!round.more) break;
    }
    return texts;
  };
  EXPECT_EQ(play(), (Texts{"a3 tulip", "b3", "?"}));
  EXPECT_EQ(play(), Texts());
  EXPECT_EQ(players[0]->wanted(), std::vector<std::string>{program(1)->version});
  players[0]->keep(program(1)->version, program(1));
  work.versions_came();
  EXPECT_EQ(play(), (Texts{"sold by 1 for 7", "a1 sell", "b1", "?", "a3 rose", "b3", "?"}));
  EXPECT_EQ(database_.ask("SELECT count(*) FROM inbox"), "0");
}

TEST_P(VersionsTest, OnePersonRehearsesWhileEverybodyElseStays) {
  say("a", "/start");
  say("b", "/start");
  Serving rehearsed = serving(1);
  rehearsed.rehearsals.push_back({"telegram", "a", program(2)});
  player_->serve(std::move(rehearsed));
  EXPECT_EQ(say("a", "rose"), (Texts{"a2 rose", "b2", "?"}));
  EXPECT_EQ(say("b", "rose"), (Texts{"a1 rose", "b1", "?"}));
  EXPECT_EQ(say("a", "sell"), (Texts{"price 2?"}));
  player_->serve(serving(1));
  // A rehearsal ends when it is ended: nothing holds the dialog there.
  EXPECT_EQ(say("a", "5"), (Texts{"sold by 1 for 5", "a1 sell", "b1", "?"}));
}

TEST_P(VersionsTest, DialogsThatSayNothingAreTakenOverInPieces) {
  constexpr int kDialogs = 30;
  for (int i = 0; i < kDialogs; ++i) say("chat" + std::to_string(i), "/start");
  say("pinned", "/start");
  say("pinned", "sell");
  player_->serve(serving(2));
  Player::Sweep sweep;
  int pieces = 0;
  for (; !sweep.done && pieces < 1000; ++pieces) {
    int more = 4;
    (void)unwrap(player_->sweep(sweep, Moment{2'000'000}, [&] { return --more > 0; }));
  }
  EXPECT_TRUE(sweep.done);
  EXPECT_EQ(sweep.moved, static_cast<std::size_t>(kDialogs));
  EXPECT_GE(pieces, kDialogs / 4);
  const std::string count = "SELECT count(*) FROM dialogs WHERE state LIKE '%" + program(2)->version + "%'";
  EXPECT_EQ(database_.ask(count), std::to_string(kDialogs));
  EXPECT_EQ(database_.ask("SELECT count(DISTINCT changed_at_unix_ms) FROM dialogs WHERE changed_at_unix_ms >= 2000000"), "0");
  EXPECT_EQ(say("chat3", "rose"), (Texts{"a2 rose", "b2", "?"}));
}

TEST_P(VersionsTest, WhomAnotherProcessPlaysIsTakenOverInAnotherPass) {
  if (GetParam() == DatabaseUnderTest::Sqlite) GTEST_SKIP() << "one process has the database to itself";
  constexpr std::size_t kDialogs = 120;  // several are held at once
  for (std::size_t i = 0; i < kDialogs; ++i) say("chat" + std::to_string(i), "/start");
  player_->serve(serving(2));
  Storage others = unwrap(Storage::open(database_.url(), Durability::Normal));
  Player::Sweep sweep;
  const auto pass = [&] {
    do {
      (void)unwrap(player_->sweep(sweep, Moment{2'000'000}, [] { return true; }));
    } while (sweep.after_id != 0);
  };
  EXPECT_TRUE(others.transact([&](Transaction& theirs) -> Stored<Done> {
    for (const char* busy : {"chat0", "chat7", "chat77", "chat119"}) unwrap(theirs.hold_person("bot", "telegram", busy));
    pass();
    return Done{};
  }));
  EXPECT_FALSE(sweep.done);
  EXPECT_EQ(sweep.moved, kDialogs - 4);
  pass();
  EXPECT_TRUE(sweep.done);
  EXPECT_EQ(sweep.moved, kDialogs);
}

/// Cannot say anything to one of them.
class Poisoned : public PlainRenderer {
 public:
  std::vector<ApiCall> render(const ChatAddress& chat, const Message& message) const override {
    if (chat.chat_id == poisoned) throw std::runtime_error("boom");
    return PlainRenderer::render(chat, message);
  }
  std::string poisoned;
};

TEST_P(VersionsTest, ADialogThatCannotBeMovedHoldsUpNobody) {
  constexpr std::size_t kDialogs = 30;
  Poisoned renderer;
  setup_.renderers["telegram"] = &renderer;
  restart(1);
  for (std::size_t i = 0; i < kDialogs; ++i) say("chat" + std::to_string(i), "/start");
  // Another type: the question is shown once more.
  programs_.push_back(load("scenario: versions\nlanguage: en\nstart: talk\nbranches:\n  talk:\n    - ask: word\n"
                           "questions:\n  word: {text: \"How many?\", type: number}\n"));
  player_->serve(serving(4));
  const std::size_t said = std::stoul(database_.ask("SELECT count(*) FROM outbox"));
  renderer.poisoned = "chat7";
  Player::Sweep sweep;
  std::size_t told = 0;
  std::vector<TurnNote> faults;
  for (int bites = 0; !sweep.done && bites < 1000; ++bites) {
    int more = 4;
    const Played played = unwrap(player_->sweep(sweep, Moment{2'000'000}, [&] { return --more > 0; }));
    EXPECT_LE(played.outbox.size(), 4U) << "nobody waits for long";
    told += played.outbox.size();
    for (const TurnNote& note : played.notes)
      if (note.kind == TurnNote::Kind::Fault) faults.push_back(note);
  }
  EXPECT_TRUE(sweep.done);
  EXPECT_EQ(sweep.moved, kDialogs - 1);
  EXPECT_EQ(told, kDialogs - 1);
  ASSERT_EQ(faults.size(), 1U);
  EXPECT_EQ(faults[0].chat.chat_id, "chat7");
  EXPECT_EQ(database_.ask("SELECT count(*) FROM outbox"), std::to_string(said + kDialogs - 1));
}

/// Time that passes when the test says so.
class SteppedClock : public Clock {
 public:
  Moment now() const override { return Moment{2'000'000 + passed.count()}; }
  std::chrono::milliseconds monotonic() const override { return passed; }
  std::chrono::milliseconds passed{1};
};

TEST_P(VersionsTest, BitesOfATakeOverAreAsLargeAsTheDatabaseIsFast) {
  constexpr std::size_t kDialogs = 200;
  for (std::size_t i = 0; i < kDialogs; ++i) say("chat" + std::to_string(i), "/start");
  SteppedClock clock;
  std::chrono::milliseconds commit{0};
  storage_.fail_by([&](Storage::Place place) -> std::optional<StorageError> {
    if (place == Storage::Place::Commit) clock.passed += commit;
    return std::nullopt;
  });
  const auto bites = [&](int version, std::chrono::milliseconds takes) {
    commit = takes;
    setup_.program = program(version);
    setup_.serving = serving(version);
    setup_.serving.program = nullptr;
    std::vector<std::unique_ptr<Player>> players;
    players.push_back(std::make_unique<Player>(storage_, setup_));
    int moving = 0;
    Takeovers takeovers(players, clock,
                        {[](std::size_t) { return true; },
                         [&](std::size_t, Played&, bool moved) { moving += moved; },
                         [](std::size_t, const StorageError& error) { ADD_FAILURE() << error.message; }});
    for (int rounds = 0; takeovers.under_way() && rounds < 1000; ++rounds) {
      const int before = moving;
      const auto rest = takeovers.round();
      if (moving > before) {
        EXPECT_EQ(rest.value_or(takes), takes) << "people are served meanwhile";
      }
      clock.passed += rest.value_or(std::chrono::milliseconds(0));
    }
    EXPECT_FALSE(takeovers.under_way());
    return moving;
  };
  const int slow = bites(2, std::chrono::milliseconds(40));
  const int fast = bites(3, std::chrono::milliseconds(0));
  EXPECT_GE(slow, 6) << "a turn may wait for each";
  EXPECT_LE(fast, 4);
  EXPECT_EQ(database_.ask("SELECT count(*) FROM dialogs WHERE state LIKE '%" + program(3)->version + "%'"),
            std::to_string(kDialogs));
}

TEST_P(VersionsTest, ADialogWhosePlaceIsGoneHasALine) {
  say("a", "/start");
  programs_.push_back(load("scenario: versions\nlanguage: en\nstart: other\nbranches:\n  other:\n    - ask: name\n"
                           "questions:\n  name: {text: \"Name?\"}\n"));
  player_->serve(serving(4));
  Player::Sweep sweep;
  std::vector<TurnNote> notes;
  while (!sweep.done) {
    Played played = unwrap(player_->sweep(sweep, Moment{2'000'000}, [] { return true; }));
    notes.insert(notes.end(), played.notes.begin(), played.notes.end());
  }
  ASSERT_EQ(notes.size(), 1U);
  EXPECT_EQ(notes[0].kind, TurnNote::Kind::Relocated);
  EXPECT_NE(notes[0].text.find("talk/word"), std::string::npos);
  EXPECT_EQ(database_.ask("SELECT count(*) FROM journal WHERE turn LIKE '%relocated%'"), "1");
  EXPECT_EQ(sweep.changed, 1U);
}

TEST_P(VersionsTest, AMessageIsHeardBehindAMoveThatSavesARow) {
  // The rule that called people is gone: the outcome `closed` stores a row before it goes on.
  const auto called = [](const std::string& rule) {
    return "scenario: versions\nlanguage: en\nstart: main\nbranches:\n  main:\n    - handoff: " + rule +
           "\n      id: call\n      outcomes:\n        closed:\n          - save: calls\n            values: {wish: \"'x'\"}\n"
           "          - ask: word\n          - say: \"heard {{ word }}\"\n"
           "questions:\n  word: {text: \"?\"}\ntables:\n  calls: {wish: text}\nhandoff:\n  " + rule +
           ": {to: admins, mode: silent}\n";
  };
  programs_.push_back(load(called("manager")));
  programs_.push_back(load(called("keeper")));
  unwrap(storage_.prepare_tables(*program(4)));
  player_->serve(serving(4));
  say("a", "/start");
  player_->serve(serving(5));
  EXPECT_EQ(say("a", "rose"), (Texts{"?", "heard rose"}));
  EXPECT_EQ(database_.ask("SELECT count(*) FROM calls"), "1");
  // The move has a line of its own in the journal, and the message another.
  EXPECT_EQ(database_.ask("SELECT count(*) FROM journal WHERE event LIKE '%\"version\":%'"), "1");
  EXPECT_EQ(database_.ask("SELECT count(*) FROM journal WHERE event LIKE '%rose%'"), "1");
}

TEST_P(VersionsTest, FiftySwitchesLeaveNoTurnOfTwoVersionsAndNoDialogGoesBack) {
  std::map<std::string, int> last;
  for (int i = 4; i <= 54; ++i) programs_.push_back(load(scenario(i)));
  for (int chat = 0; chat < 5; ++chat) say(std::to_string(chat), "/start");
  for (int number = 2; number <= 54; ++number) {
    player_->serve(serving(number));
    for (int chat = 0; chat < 5; ++chat) {
      const Texts said = say(std::to_string(chat), "word");
      ASSERT_EQ(said, (Texts{"a" + std::to_string(number) + " word", "b" + std::to_string(number), "?"}));
    }
  }
}

// ---- what is stored

class DeployingTest : public VersionsTest {
 protected:
  DeployingTest() : folder_(fs::temp_directory_path() / ("sufler-deploying-" + std::to_string(::getpid()))) {
    fs::remove_all(folder_);
    fs::create_directories(folder_ / "shop" / "photos");
  }
  ~DeployingTest() override { fs::remove_all(folder_); }

  void write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / "shop" / name, std::ios::binary) << text;
    // As if it had been there for long.
    fs::last_write_time(folder_ / "shop" / name, fs::file_time_type::clock::now() - std::chrono::hours(1));
  }
  ReadVersion read() { return read_version((folder_ / "shop").string(), {}, Language::English); }
  OnStorage on_storage() {
    return [this](const std::function<Stored<Done>(Storage&)>& job) { return job(storage_); };
  }
  Deployment take(const ReadVersion& version, std::int64_t at = 1) {
    unwrap(store_version(on_storage(), "bot", version, "note " + std::to_string(at), Moment{at}, cache_));
    return unwrap(make_live(storage_, "bot", *version.program, Moment{at}));
  }
  std::vector<VersionRow> versions() {
    std::vector<VersionRow> rows;
    EXPECT_TRUE(storage_.transact([&](Transaction& tx) -> Stored<Done> {
      rows = unwrap(tx.versions().versions("bot"));
      return Done{};
    }));
    return rows;
  }

  fs::path folder_;
  FileCache cache_{(folder_ / "cache").string()};
};
INSTANTIATE_TEST_SUITE_P(Databases, DeployingTest, testing::Values(DatabaseUnderTest::Sqlite, DatabaseUnderTest::Postgres),
                         [](const auto& one) { return name_of(one.param); });

constexpr const char* kWithPhoto =
    "scenario: shop\nlanguage: en\nstart: hello\nbranches:\n  hello:\n    - say: Look\n      attach: photos/menu.jpg\n";

TEST_P(DeployingTest, AVersionIsLoadedAgainWithoutItsFolder) {
  // More than one part, and no text.
  std::string photo(700'000, '\0');
  for (std::size_t i = 0; i < photo.size(); ++i) photo[i] = static_cast<char>(i * 7 + i / 256);
  write("scenario.yaml", kWithPhoto);
  write("photos/menu.jpg", photo);
  const ReadVersion version = read();
  ASSERT_TRUE(version.program) << version.problems;
  EXPECT_TRUE(version.settled);
  const Deployment deployment = take(version);
  EXPECT_EQ(deployment.version, version.program->version);
  EXPECT_FALSE(deployment.rolled_back);
  fs::remove_all(folder_ / "shop");

  std::string why;
  const auto program = unwrap(load_stored(on_storage(), "bot", deployment.version, why));
  ASSERT_TRUE(program) << why;
  EXPECT_EQ(program->version, version.program->version);
  EXPECT_EQ(program->branches[0].name, "hello");
  // What it sends is known by its content.
  const Attachment& file = std::get<Say>(program->steps[0].verb).attach.files.at(0);
  EXPECT_EQ(file.size, 700'000);
  std::ifstream in(cache_.find(file.reference, file.size), std::ios::binary);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), photo);
  const std::vector<VersionRow> rows = versions();
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].note, "note 1");
  EXPECT_EQ(rows[0].files.size(), 2U);
}

TEST_P(DeployingTest, WhatAssistantsAreToldAndKnowIsThatOfTheVersion) {
  fs::create_directories(folder_ / "shop" / "knowledge");
  write("scenario.yaml",
        "scenario: shop\nlanguage: en\nbranches:\n  hello:\n    - assistant: helper\n"
        "assistants:\n  helper: {instructions: prompt.md, knowledge: [knowledge/*.md]}\n");
  write("prompt.md", "You sell carts.");
  write("knowledge/carts.md", "# Carts\nA cart with two wheels costs $75.\n");
  const ReadVersion version = read();
  ASSERT_TRUE(version.program) << version.problems;
  take(version);
  write("prompt.md", "You sell boats.");
  fs::remove_all(folder_ / "shop" / "knowledge");

  std::string why;
  const auto program = unwrap(load_stored(on_storage(), "bot", version.program->version, why));
  ASSERT_TRUE(program) << why;
  const Assistant& helper = program->assistants.at(0);
  ASSERT_TRUE(helper.instructions);
  EXPECT_EQ(helper.instructions->source(), "You sell carts.");
  EXPECT_EQ(helper.knowledge, std::vector<std::string>{"knowledge/carts.md"});
  std::vector<FoundPiece> found;
  EXPECT_TRUE(storage_.look([&](Transaction& tx) -> Stored<Done> {
    found = unwrap(search_knowledge(tx, {"bot", program->version, "helper", "How much is a cart?", 5}, nullptr, {}));
    return Done{};
  }));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].piece.path, "knowledge/carts.md");
}

TEST_P(DeployingTest, AnotherPhotoIsAnotherVersion) {
  write("scenario.yaml", kWithPhoto);
  write("photos/menu.jpg", "one");
  const std::string first = read().program->version;
  write("photos/menu.jpg", "two");
  EXPECT_NE(read().program->version, first);
}

TEST_P(DeployingTest, EachVersionSendsTheFileThatItWasReadWith) {
  write("scenario.yaml", kWithPhoto);
  const auto hash_of = [](const Program& program) { return std::get<Say>(program.steps[0].verb).attach.files.at(0).reference; };
  write("photos/menu.jpg", "one");
  const ReadVersion first = read();
  take(first, 1);
  write("photos/menu.jpg", "other");
  const ReadVersion second = read();
  take(second, 2);
  const auto content = [&](const std::string& hash, std::int64_t size) {
    std::ifstream in(cache_.find(hash, size), std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  EXPECT_EQ(content(hash_of(*first.program), 3), "one");
  EXPECT_EQ(content(hash_of(*second.program), 5), "other");
  std::string why;
  const auto stored = unwrap(load_stored(on_storage(), "bot", first.program->version, why));
  ASSERT_TRUE(stored) << why;
  EXPECT_EQ(hash_of(*stored), hash_of(*first.program));
  // It is remembered with the message.
  Message message;
  message.attachments = std::get<Say>(stored->steps[0].verb).attach.files;
  Message again;
  ASSERT_TRUE(from_json(to_json(message), again));
  EXPECT_EQ(again, message);
}

TEST_P(DeployingTest, AVersionThatWasNotStoredWholeIsNotServed) {
  write("scenario.yaml", kWithPhoto);
  write("photos/menu.jpg", "one");
  take(read());
  const std::string version = versions()[0].version;
  database_.ask("DELETE FROM scenario_files WHERE hash = '" + versions()[0].files[0].hash + "'");
  std::string why;
  EXPECT_FALSE(unwrap(load_stored(on_storage(), "bot", version, why)));
  EXPECT_NE(why.find("was not stored whole"), std::string::npos) << why;
}

TEST_P(DeployingTest, TwentyVersionsAreKeptAndThoseThatSomebodyNeeds) {
  std::vector<std::string> all;
  for (int i = 1; i <= 30; ++i) {
    write("scenario.yaml", scenario(i));
    const ReadVersion version = read();
    ASSERT_TRUE(version.program) << version.problems;
    all.push_back(take(version, i).version);
    if (i != 3) continue;
    // Somebody stands in a pinned branch of the third, and somebody rehearses the second.
    setup_.program = version.program;
    player_.emplace(storage_, setup_);
    say("a", "/start");
    say("a", "sell");
    std::string why;
    const auto second = unwrap(load_stored(on_storage(), "bot", all[1], why));
    unwrap(rehearse(storage_, "bot", second.get(), "telegram", "b", Moment{3}));
  }
  std::set<std::string> kept;
  for (const VersionRow& row : versions()) kept.insert(row.version);
  EXPECT_EQ(kept.size(), 22U);
  EXPECT_TRUE(kept.contains(all[1]));
  EXPECT_TRUE(kept.contains(all[2]));
  EXPECT_TRUE(kept.contains(all[29]));
  EXPECT_FALSE(kept.contains(all[0]));
  // Files that no version names are gone.
  EXPECT_EQ(database_.ask("SELECT count(DISTINCT hash) FROM scenario_files"), "22");
}

TEST_P(DeployingTest, RollingBackMeansTheVersionThatWasLiveBefore) {
  std::vector<std::string> all;
  for (int i = 1; i <= 3; ++i) {
    write("scenario.yaml", scenario(i));
    all.push_back(take(read(), i).version);
  }
  EXPECT_EQ(version_before(versions(), all[2]), all[1]);
  std::string why;
  const auto second = unwrap(load_stored(on_storage(), "bot", all[1], why));
  const Deployment back = unwrap(sufler::roll_back(storage_, "bot", *second, Moment{9}));
  EXPECT_TRUE(back.rolled_back);
  EXPECT_EQ(back.version, all[1]);
  EXPECT_EQ(version_before(versions(), all[1]), all[0]);
  EXPECT_EQ(version_before(versions(), all[0]), std::nullopt);
  EXPECT_EQ(find_version(versions(), all[2].substr(0, 10))->version, all[2]);
}

TEST_P(DeployingTest, AChangeThatWouldLoseDataRefusesTheReload) {
  const std::string begin = "scenario: shop\nlanguage: en\nstart: hello\nbranches:\n  hello:\n    - save: seats\n      values: {place: ";
  write("scenario.yaml", begin + "\"'five'\"}\ntables:\n  seats: {place: text}\n");
  const ReadVersion first = read();
  ASSERT_TRUE(first.program) << first.problems;
  const std::string live = take(first).version;
  setup_.program = first.program;
  player_.emplace(storage_, setup_);
  say("a", "/start");
  write("scenario.yaml", begin + "5}\ntables:\n  seats: {place: number}\n");
  const ReadVersion second = read();
  ASSERT_TRUE(second.program) << second.problems;
  unwrap(store_version(on_storage(), "bot", second, {}, Moment{2}, cache_));
  const auto refused = make_live(storage_, "bot", *second.program, Moment{2});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, StorageError::Kind::Refused);
  EXPECT_NE(refused.error().message.find("seats"), std::string::npos);
  EXPECT_TRUE(storage_.transact([&](Transaction& tx) -> Stored<Done> {
    EXPECT_EQ(unwrap(tx.versions().deployment("bot")).version, live);
    return Done{};
  }));
}

TEST_P(DeployingTest, AHalfWrittenFileIsNotSettled) {
  write("scenario.yaml", scenario(1));
  EXPECT_TRUE(read().settled);
  std::ofstream(folder_ / "shop" / "scenario.yaml", std::ios::binary) << "scenario: shop\nbranches:\n  hel";
  const ReadVersion half = read();
  EXPECT_FALSE(half.program);
  EXPECT_FALSE(half.settled);
  EXPECT_FALSE(half.errors.empty());
}

}  // namespace
}  // namespace sufler
