#include "interpreter/runtime/player.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <stdexcept>
#include <utility>

#include "databases/test_database.h"
#include "interpreter/runtime/incoming_json.h"
#include "schema/loader.h"
#include "storage/desk_store.h"

namespace sufler {
namespace {

constexpr const char* kScenario = R"(
scenario: player
language: en
start: welcome
branches:
  welcome:
    - ask: name
    - save: people
      into: row
    - say: "{{ row.id }} {{ name }}"
    - go: rest
  rest:
    - choose: What next?
      options: {Again: welcome}
      timeout: {after: 1h, go: late}
  late:
    - say: You are late
questions:
  name: {text: Your name?}
tables:
  people: {name: text}
)";

/// Renders each message as one call; throws at a text the test names, as a defect of ours would.
class TestRenderer : public Renderer {
 public:
  std::vector<ApiCall> render(const ChatAddress&, const Message& message) const override {
    if (!poison.empty() && message.text.text.find(poison) != std::string::npos) throw std::runtime_error("boom");
    rendered = true;
    ApiCall call;
    call.method = "message";
    call.body = message.text.text;
    for (const Attachment& file : message.attachments) call.files.push_back({"document", file});
    return {call};
  }
  ApiCall render_press_answer(const ChatAddress&, const std::string& id, const std::string&) const override {
    ApiCall call;
    call.method = "press";
    call.body = id;
    return call;
  }
  std::string poison;
  mutable bool rendered = false;
};

class PlayerTest : public ::testing::TestWithParam<DatabaseUnderTest> {
 protected:
  PlayerTest() : storage(open(database)) {
    Loaded loaded = load_scenario_text({{"scenario.yaml", kScenario}});
    EXPECT_TRUE(loaded.program) << render_text(loaded.diagnostics.sorted(), loaded.sources, Language::English);
    program = loaded.program;
    EXPECT_TRUE(storage.prepare_tables(*program));
    setup.name = "bot";
    setup.program = program;
    setup.renderers["telegram"] = &renderer;
  }
  static Storage open(const TestDatabase& database) {
    auto opened = Storage::open(database.url(), Durability::Normal);
    EXPECT_TRUE(opened) << opened.error().message;
    return std::move(*opened);
  }
  Incoming says(const std::string& id, const std::string& chat, const std::string& text, std::int64_t at = 1'000) {
    Incoming update;
    update.id = id;
    update.chat = {"telegram", chat};
    update.person.id = chat;
    UserMessage message;
    message.text = text;
    update.event = Event{Moment{at}, 0, message};
    return update;
  }
  static std::vector<std::string> texts(const Played& played) {
    std::vector<std::string> out;
    for (const OutboxRow& row : played.outbox) out.push_back(row.chat.chat_id + ":" + row.call.body);
    return out;
  }
  std::int64_t rows() {
    std::int64_t count = 0;
    auto done = storage.transact([&](Transaction& tx) -> Stored<Done> {
      auto found = tx.count_rows(program->tables[0], {});
      if (!found) return Error{found.error()};
      count = *found;
      return Done{};
    });
    EXPECT_TRUE(done);
    return count;
  }
  std::size_t dead_letters() {
    std::size_t count = 0;
    EXPECT_TRUE(storage.transact([&](Transaction& tx) -> Stored<Done> {
      auto found = tx.dead_letters("bot", 10);
      if (!found) return Error{found.error()};
      count = found->size();
      return Done{};
    }));
    return count;
  }

  /// Of the n-th row of `people`, where turns failed before: PostgreSQL does not take a number back.
  std::string row_number(int n) const {
    if (GetParam() == DatabaseUnderTest::Sqlite) return std::to_string(n);
    return database.ask("SELECT id FROM people ORDER BY id LIMIT 1 OFFSET " + std::to_string(n - 1));
  }
  std::int64_t add_to_outbox() {
    std::int64_t id = 0;
    EXPECT_TRUE(storage.transact([&](Transaction& tx) -> Stored<Done> {
      OutboxRow row;
      row.bot = "bot";
      row.chat = {"telegram", "a"};
      auto added = tx.enqueue(row, Moment{1});
      if (!added) return Error{added.error()};
      id = *added;
      return Done{};
    }));
    return id;
  }
  static Settled refused(std::int64_t outbox_id) {
    Settled dead{outbox_id, true, OutboxRow::State::Dead, 1, "refused", DeadLetter{}};
    dead.letter->bot = "bot";
    dead.letter->kind = "outbox";
    return dead;
  }
  /// Seen from outside, so amid transactions too.
  int dead_letters_stored() const { return std::stoi(database.ask("SELECT count(*) FROM dead_letters")); }

  TestDatabase database{GetParam()};
  Storage storage;
  std::shared_ptr<const Program> program;
  TestRenderer renderer;
  BotSetup setup;
};

INSTANTIATE_TEST_SUITE_P(Databases, PlayerTest,
                         ::testing::Values(DatabaseUnderTest::Sqlite, DatabaseUnderTest::Postgres),
                         [](const auto& info) { return name_of(info.param); });

using Texts = std::vector<std::string>;

TEST_P(PlayerTest, ABatchOfManyChatsIsOneCommit) {
  Player player(storage, setup);
  auto played = player.play({says("1", "a", "/start"), says("2", "b", "/start"), says("3", "a", "Ann")}, "telegram", "4");
  ASSERT_TRUE(played) << played.error().message;
  EXPECT_EQ(texts(*played), (Texts{"a:Your name?", "b:Your name?", "a:1 Ann", "a:What next?"}));
  EXPECT_EQ(rows(), 1);
  auto position = player.position("telegram");
  ASSERT_TRUE(position);
  EXPECT_EQ(*position, "4");
}

TEST_P(PlayerTest, AnEventClaimedBeforeIsNotPlayedAgain) {
  Player player(storage, setup);
  ASSERT_TRUE(player.play({says("1", "a", "/start"), says("2", "a", "Ann")}, "telegram", "", {}, true));
  auto again = player.play({says("2", "a", "Ann")}, "telegram", "", {}, true);
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->outbox.empty());
  EXPECT_EQ(rows(), 1);
}

TEST_P(PlayerTest, AFailingEventBecomesADeadLetterAndItsDialogLivesOn) {
  Player player(storage, setup);
  ASSERT_TRUE(player.play({says("1", "a", "/start"), says("2", "b", "/start")}, "telegram", "3"));
  renderer.poison = "Bad";
  auto played = player.play({says("3", "a", "Bad"), says("4", "b", "Bob")}, "telegram", "5");
  ASSERT_TRUE(played) << played.error().message;
  // The neighbour of the failing event is served, the person of the failing one is told, and nothing of the
  // failed turn stays.
  const Texts got = texts(*played);
  EXPECT_NE(std::find(got.begin(), got.end(), "b:" + row_number(1) + " Bob"), got.end());
  EXPECT_NE(std::find(got.begin(), got.end(), "a:Something went wrong. Please try again."), got.end());
  EXPECT_EQ(rows(), 1);
  EXPECT_EQ(dead_letters(), 1U);
  auto next = player.play({says("5", "a", "Ann")}, "telegram", "6");
  ASSERT_TRUE(next);
  EXPECT_EQ(texts(*next).front(), "a:" + row_number(2) + " Ann");
}

TEST_P(PlayerTest, AfterACrashTheInboxIsPlayedAndACrashCountsAsAnAttempt) {
  // What a process leaves that died three times while playing this event.
  ASSERT_TRUE(storage.transact([&](Transaction& tx) -> Stored<Done> {
    InboxRow row;
    row.bot = "bot";
    row.transport = "telegram";
    row.event_id = "1";
    row.incoming = to_json(says("1", "a", "/start"));
    auto put = tx.put_inbox(row);
    if (!put) return put;
    for (std::uint32_t i = 0; i < Player::kMaxAttempts; ++i)
      if (auto counted = tx.count_attempt(1); !counted) return Error{counted.error()};
    row.event_id = "2";
    row.incoming = to_json(says("2", "b", "/start"));
    return tx.put_inbox(row);
  }));
  Player player(storage, setup);
  auto recovered = player.recover(false);
  ASSERT_TRUE(recovered) << recovered.error().message;
  EXPECT_EQ(dead_letters(), 1U);
  const Texts got = texts(*recovered);
  EXPECT_NE(std::find(got.begin(), got.end(), "b:Your name?"), got.end());
  auto next = player.play({says("3", "a", "/start")}, "telegram", "4");
  ASSERT_TRUE(next);
  EXPECT_EQ(texts(*next), (Texts{"a:Your name?"}));
}

/// The database is busy at the transactions of these numbers, counted from now.
void be_busy_at(Storage& storage, std::set<int> numbers) {
  storage.fail_by([numbers = std::move(numbers), number = 0](Storage::Place place) mutable -> std::optional<StorageError> {
    if (place != Storage::Place::Begin || !numbers.contains(++number)) return std::nullopt;
    return StorageError{StorageError::Kind::Busy, "busy"};
  });
}

TEST_P(PlayerTest, WhatIsStoredIsTakenThoughItCannotBePlayedYet) {
  Player player(storage, setup);
  ASSERT_TRUE(player.recover(false));
  // Taking in, reading the inbox and counting the attempt go well; playing does not.
  be_busy_at(storage, {4});
  auto played = player.play({says("1", "a", "/start"), says("2", "a", "Ann")}, "telegram", "3");
  ASSERT_TRUE(played) << "or the platform would be asked for them once more";
  EXPECT_TRUE(played->trouble.has_value());
  EXPECT_TRUE(played->outbox.empty());
  auto later = player.go_on();
  ASSERT_TRUE(later);
  EXPECT_FALSE(later->trouble.has_value());
  EXPECT_EQ(texts(*later), (Texts{"a:Your name?", "a:1 Ann", "a:What next?"}));
  EXPECT_EQ(rows(), 1);
}

TEST_P(PlayerTest, WhatComesMeanwhileLinesUpBehindWhatIsStored) {
  Player player(storage, setup);
  ASSERT_TRUE(player.play({says("1", "a", "/start")}, "telegram", "2"));
  renderer.poison = "Bad";
  // The event fails in the batch, is taken in alone, and then the inbox cannot be read.
  be_busy_at(storage, {3});
  auto failed = player.play({says("2", "a", "Bad")}, "telegram", "3");
  ASSERT_TRUE(failed);
  EXPECT_TRUE(failed->trouble.has_value());
  auto both = player.play({says("3", "a", "Ann")}, "telegram", "4");
  ASSERT_TRUE(both);
  EXPECT_EQ(texts(*both), (Texts{"a:Something went wrong. Please try again.", "a:Your name?",
                                 "a:" + row_number(1) + " Ann", "a:What next?"}));
}

TEST_P(PlayerTest, TimersThatWereTakenAndCouldNotBePlayedComeLater) {
  Player player(storage, setup);
  ASSERT_TRUE(player.play({says("1", "a", "/start"), says("2", "a", "Ann")}, "telegram", "3"));
  ASSERT_TRUE(player.recover(false));
  be_busy_at(storage, {3});
  auto due = player.play_timers(Moment{1'000 + 3'600'000}, 10);
  ASSERT_TRUE(due);
  EXPECT_TRUE(due->trouble.has_value());
  auto later = player.go_on();
  ASSERT_TRUE(later);
  EXPECT_EQ(texts(*later), (Texts{"a:You are late"}));
}

TEST_P(PlayerTest, TroublesOfTheDatabaseMakeNoDeadLetter) {
  Player player(storage, setup);
  ASSERT_TRUE(player.recover(false));
  int troubles = 5;
  storage.fail_by([&](Storage::Place place) -> std::optional<StorageError> {
    if (place != Storage::Place::Commit || !std::exchange(renderer.rendered, false) || troubles-- <= 0)
      return std::nullopt;
    return StorageError{StorageError::Kind::Busy, "busy"};
  });
  ASSERT_TRUE(player.play({says("1", "a", "/start")}, "telegram", "2"));
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(player.go_on());
  auto played = player.go_on();
  ASSERT_TRUE(played);
  EXPECT_EQ(texts(*played), (Texts{"a:Your name?"}));
  EXPECT_EQ(dead_letters(), 0U);
}

TEST_P(PlayerTest, WhatABurialSaidIsSentOnlyWhenItIsStored) {
  Player player(storage, setup);
  ASSERT_TRUE(player.play({says("1", "a", "/start")}, "telegram", "2"));
  // The turn fails of it, and so does that of the burial: it repeats the question behind the phrase for an error.
  renderer.poison = "Your name?";
  auto played = player.play({says("2", "a", "/start")}, "telegram", "3");
  ASSERT_TRUE(played);
  EXPECT_EQ(dead_letters(), 1U);
  EXPECT_EQ(texts(*played), Texts{});
  auto stored = player.outbox(0, 10);
  ASSERT_TRUE(stored);
  EXPECT_EQ(stored->size(), 1U);
}

TEST_P(PlayerTest, WhatWasSettledIsRecordedOnceThoughItsBatchComesAgain) {
  Player player(storage, setup);
  ASSERT_TRUE(player.recover(false));
  const Settled dead = refused(add_to_outbox());
  for (int number = 1; number < 4; ++number) {
    be_busy_at(storage, {number});
    auto played = player.play({says("1", "a", "/start")}, "telegram", "2", {dead});
    if (played) break;
  }
  EXPECT_EQ(dead_letters(), 1U);
}

TEST_P(PlayerTest, TheCopyOfATicketsMessageIsRemembered) {
  Player player(storage, setup);
  ASSERT_TRUE(player.recover(false));
  std::int64_t message = 0;
  ASSERT_TRUE(storage.transact([&](Transaction& tx) -> Stored<Done> {
    TicketRow ticket;
    ticket.bot = "bot";
    ticket.desk = "support";
    if (auto opened = tx.desk().open_ticket(ticket); !opened) return opened;
    TicketMessage said;
    said.ticket_id = ticket.id;
    auto added = tx.desk().add_message(said);
    message = said.id;
    return added;
  }));
  const ChatAddress agent{"telegram", "21"};
  Settled sent{add_to_outbox(), true, OutboxRow::State::New, 1, {}, {}};
  sent.notice = SentNotice{agent, "900", 7, Moment{1}, message};
  ASSERT_TRUE(player.play({says("1", "a", "/start")}, "telegram", "2", {sent}));
  ASSERT_TRUE(storage.transact([&](Transaction& tx) -> Stored<Done> {
    const auto copy = tx.desk().copy_in("bot", message, agent);
    if (!copy) return Error{copy.error()};
    EXPECT_EQ(*copy, "900");
    return Done{};
  }));
}

TEST_P(PlayerTest, ADeadLetterStandsOnceThoughNobodyKnowsWhetherItWasStored) {
  Player player(storage, setup);
  const Settled dead = refused(add_to_outbox());
  bool lost = false;
  storage.fail_by([&](Storage::Place place) -> std::optional<StorageError> {
    if (place != Storage::Place::Answer || std::exchange(lost, true)) return std::nullopt;
    return StorageError{StorageError::Kind::Lost, "the answer of the commit was lost"};
  });
  EXPECT_FALSE(player.settle({dead}));
  EXPECT_TRUE(player.settle({dead}));
  EXPECT_EQ(dead_letters(), 1U);
}

TEST_P(PlayerTest, ABuriedEventStandsOnceThoughNobodyKnowsWhetherItWasStored) {
  Player player(storage, setup);
  renderer.poison = "Your name?";
  bool lost = false;
  storage.fail_by([&](Storage::Place place) -> std::optional<StorageError> {
    if (place != Storage::Place::Answer || lost || dead_letters_stored() == 0) return std::nullopt;
    lost = true;
    return StorageError{StorageError::Kind::Lost, "the answer of the commit was lost"};
  });
  auto played = player.play({says("1", "a", "/start")}, "telegram", "2");
  ASSERT_TRUE(played);
  EXPECT_TRUE(played->trouble.has_value());
  ASSERT_TRUE(player.go_on());
  EXPECT_TRUE(lost);
  EXPECT_EQ(dead_letters(), 1U);
}

TEST_P(PlayerTest, OfARowThatLeftTheOutboxMeanwhileNothingIsWrittenDown) {
  Player player(storage, setup);
  Settled dead = refused(add_to_outbox());
  dead.outbox_id += 1000;  // an operator erased whom it was to
  dead.notice = SentNotice{{"telegram", "admin"}, "message-1", 1, Moment{1}};
  EXPECT_TRUE(player.settle({dead}));
  EXPECT_EQ(dead_letters(), 0U);
  EXPECT_EQ(database.ask("SELECT count(*) FROM messages_map"), "0");
}

TEST_P(PlayerTest, ATimerFiresOnceAtItsTime) {
  Player player(storage, setup);
  ASSERT_TRUE(player.play({says("1", "a", "/start"), says("2", "a", "Ann")}, "telegram", "3"));
  auto next = player.next_timer();
  ASSERT_TRUE(next);
  ASSERT_TRUE(next->has_value());
  EXPECT_EQ((*next)->unix_ms, 1'000 + 3'600'000);
  auto early = player.play_timers(Moment{1'000 + 3'599'999}, 10);
  ASSERT_TRUE(early);
  EXPECT_TRUE(early->outbox.empty());
  auto due = player.play_timers(**next, 10);
  ASSERT_TRUE(due);
  EXPECT_EQ(texts(*due), (Texts{"a:You are late"}));
  auto again = player.play_timers(**next, 10);
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->outbox.empty());
}

TEST_P(PlayerTest, WhatWasNotSentStaysInTheOutboxAndWhatWasSentLeavesIt) {
  Player player(storage, setup);
  auto played = player.play({says("1", "a", "/start"), says("2", "b", "/start")}, "telegram", "3");
  ASSERT_TRUE(played);
  ASSERT_EQ(played->outbox.size(), 2U);
  ASSERT_TRUE(player.settle({{played->outbox[0].id, true, OutboxRow::State::New, 1, {}, {}}}));
  auto left = player.outbox(0, 10);
  ASSERT_TRUE(left);
  ASSERT_EQ(left->size(), 1U);
  EXPECT_EQ(left->front().chat.chat_id, "b");
  EXPECT_EQ(left->front().call.body, "Your name?");
}

TEST_P(PlayerTest, EqualSeedsGiveEqualTurns) {
  setup.seed = 7;
  TestDatabase another(GetParam());
  Storage other = open(another);
  ASSERT_TRUE(other.prepare_tables(*program));
  Player first(storage, setup), second(other, setup);
  const std::vector<Incoming> updates = {says("1", "a", "/start"), says("2", "a", "Ann")};
  auto one = first.play(updates, "telegram", "3");
  auto two = second.play(updates, "telegram", "3");
  ASSERT_TRUE(one && two);
  EXPECT_EQ(texts(*one), texts(*two));
}

TEST_P(PlayerTest, EveryCallHasAKeyOfItsOwnThatItsAttemptsShare) {
  Player player(storage, setup);
  auto played = player.play({says("1", "a", "/start"), says("2", "b", "/start")}, "telegram", "5");
  ASSERT_TRUE(played) << played.error().message;
  ASSERT_GE(played->outbox.size(), 2U);
  std::set<std::int32_t> keys;
  for (const OutboxRow& row : played->outbox) {
    EXPECT_GT(row.call.repeat_key, 0);
    EXPECT_TRUE(keys.insert(row.call.repeat_key).second);
  }
  auto stored = player.outbox(0, 100);
  ASSERT_TRUE(stored);
  ASSERT_EQ(stored->size(), played->outbox.size());
  for (std::size_t i = 0; i < stored->size(); ++i)
    EXPECT_EQ((*stored)[i].call.repeat_key, played->outbox[i].call.repeat_key);
}

TEST_P(PlayerTest, HistoryIsTheDialogUpToTheNoticeWithoutSecrets) {
  Loaded loaded = load_scenario_text({{"scenario.yaml", R"(
scenario: history
branches:
  main:
    - ask: [name, code]
    - choose: Отправить?
      inline: true
      options: {Да: send}
  send:
    - say: "Спасибо, {{ name }}!"
    - notify: admins
      text: Заявка
      history: true
    - say: Ждите.
questions:
  name: {text: "Как вас зовут?"}
  code: {text: "Код?", secret: true}
)"}});
  ASSERT_TRUE(loaded.program);
  setup.program = loaded.program;
  setup.roles["admins"] = {{"telegram", "boss"}, {"telegram", "deputy"}};
  Player player(storage, setup);
  const std::int64_t evening = 1'773'604'740'000;  // 15 March 2026, 22:59 in Moscow
  Incoming press = says("4", "a", "", evening + 2 * 3'600'000);
  press.event.what = ButtonPress{"p", "", "3:0"};
  auto played = player.play({says("1", "a", "/start", evening), says("2", "a", "Анна\nИванова", evening),
                             says("3", "a", "сим-сим", evening), press},
                            "telegram", "5");
  ASSERT_TRUE(played) << played.error().message;
  std::vector<Attachment> sent;
  for (const OutboxRow& row : played->outbox)
    for (const FilePart& part : row.call.files) sent.push_back(part.file);
  ASSERT_EQ(sent.size(), 2U);
  EXPECT_EQ(sent[0], sent[1]);
  EXPECT_EQ(sent[0].origin, "text");
  EXPECT_EQ(sent[0].name, "history.txt");
  EXPECT_EQ(sent[0].mime, "text/plain");
  EXPECT_EQ(sent[0].reference,
            "15 марта 2026\n"
            "22:59 Клиент: /start\n"
            "22:59 Бот: Как вас зовут?\n"
            "22:59 Клиент: Анна\n"
            "      Иванова\n"
            "22:59 Бот: Код?\n"
            "22:59 Клиент: •••\n"
            "22:59 Бот: Отправить? [Да]\n"
            "\n"
            "16 марта 2026\n"
            "00:59 Клиент: [Да]\n"
            "00:59 Бот: Спасибо, Анна\n"
            "      Иванова!\n");
  // The journal does not hold itself.
  ASSERT_TRUE(storage.transact([&](Transaction& tx) -> Stored<Done> {
    auto rows = tx.journal(1, 100);
    EXPECT_TRUE(rows);
    if (!rows) return Error{rows.error()};
    for (const JournalRow& row : *rows) EXPECT_EQ(row.turn.find("history.txt"), std::string::npos);
    return Done{};
  }));
}

TEST_P(PlayerTest, ANoticeToARoleOfNobodyIsSaidInTheLog) {
  Loaded loaded = load_scenario_text(
      {{"scenario.yaml", "scenario: lost\nbranches:\n  main:\n    - notify: admins\n      text: Заявка\n"}});
  ASSERT_TRUE(loaded.program);
  setup.program = loaded.program;
  setup.roles["admins"] = {};
  Player player(storage, setup);
  auto played = player.play({says("1", "a", "/start")}, "telegram", "2");
  ASSERT_TRUE(played);
  ASSERT_EQ(played->notes.size(), 1U);
  EXPECT_NE(played->notes[0].text.find("`admins`"), std::string::npos) << played->notes[0].text;
}

TEST(IncomingJsonTest, KeepsTheTopic) {
  Incoming said;
  said.id = "1";
  said.chat = {"telegram", "-100"};
  said.topic = "45";
  said.is_private = false;
  said.event.what = UserMessage{};
  Incoming read;
  ASSERT_TRUE(from_json(to_json(said), read));
  EXPECT_EQ(read.topic, "45");
  EXPECT_EQ(read.chat, said.chat);
  EXPECT_FALSE(read.is_private);
  said.topic.clear();
  ASSERT_TRUE(from_json(to_json(said), read));
  EXPECT_EQ(read.topic, "");
}

}  // namespace
}  // namespace sufler
