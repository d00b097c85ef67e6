// Reports on both databases: what they read, what they store, and how it goes away again.
#include "interpreter/runtime/reports.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "databases/test_database.h"
#include "interpreter/core/mail/html_template.h"
#include "interpreter/core/report/order.h"
#include "interpreter/core/report/writer.h"
#include "interpreter/runtime/incoming_json.h"
#include "interpreter/runtime/retention.h"
#include "schema/loader.h"
#include "storage/housekeeping.h"
#include "storage/report_store.h"

namespace sufler {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using Format = ReportStep::Format;

constexpr Moment kNoon{1'773'576'000'000};  // a Sunday
constexpr std::int64_t kHour = 3'600'000, kDay = 24 * kHour;
Moment at(std::int64_t ms) { return Moment{kNoon.unix_ms + ms}; }

class SteppedClock final : public Clock {
 public:
  Moment now() const override { return now_; }
  std::chrono::milliseconds monotonic() const override { return monotonic_; }
  Moment now_{};
  std::chrono::milliseconds monotonic_{0};
};

class ReportsTest : public ::testing::TestWithParam<DatabaseUnderTest> {
 protected:
  static Storage open(const std::string& url) {
    auto opened = Storage::open(url, Durability::Normal);
    EXPECT_TRUE(opened) << opened.error().message;
    return std::move(*opened);
  }

  void transact(const std::function<Stored<Done>(Transaction&)>& body) {
    const auto done = storage_.transact(body);
    EXPECT_TRUE(done) << done.error().message;
  }

  /// The person writes at these times, and the bot answers each.
  void person(const std::string& id, const std::vector<Moment>& times, const std::string& words, const std::string& transport = "telegram",
              const std::string& bot = "shop") {
    for (const Moment when : times) {
      transact([&](Transaction& tx) -> Stored<Done> {
        const DialogKey key{bot, {transport, id}, id};
        auto row = tx.load_dialog(key);
        if (!row) return Error{row.error()};
        row->state = "{}";
        UserRecord user;
        user.id = id;
        user.first_name = "Name" + id;
        user.created_at = times.front();
        row->user = to_json(user);
        if (auto saved = tx.save_dialog(key, *row, true, when); !saved) return saved;
        Event event;
        event.at = when;
        UserMessage message;
        message.text = words + " " + std::to_string(when.unix_ms);
        event.what = message;
        Turn turn;
        SendMessage send;
        send.message.text.text = "answer to " + id;
        turn.effects.emplace_back(std::move(send));
        JournalRow line;
        line.dialog_id = row->id;
        line.at = when;
        line.event = to_json(event);
        line.turn = journal_turn_json(turn);
        return tx.append_journal(line);
      });
    }
  }

  ReportOrder of_talks(Moment from, Moment to) const {
    ReportOrder order;
    order.talks = true;
    order.language = Language::English;
    order.name = "day.html";
    order.zone = "UTC";
    order.from = from;
    order.to = order.at = to;
    return order;
  }

  JobResult make(const ReportOrder& order, const std::function<bool()>& stop = {}) {
    ReportTools tools;
    tools.look = [&](const auto& job) { return job(reading_); };
    tools.write = [&](const auto& job) { return job(storage_); };
    tools.stop = stop;
    return make_report(tools, {1, "shop", std::string(kReportService), "day", to_json(order), 1});
  }
  std::optional<std::string> content(const std::string& key) {
    std::optional<std::string> found;
    transact([&](Transaction& tx) -> Stored<Done> {
      auto bytes = read_stored_file(tx, key);
      if (!bytes) return Error{bytes.error()};
      found = std::move(*bytes);
      return Done{};
    });
    return found;
  }
  /// The file, in full.
  std::string made(const ReportOrder& order) {
    const JobResult result = make(order);
    EXPECT_EQ(result.kind, JobResult::Kind::Done) << result.error;
    const Value* file = result.result.map() ? result.result.map()->find("file") : nullptr;
    if (!file || !file->file()) return {};
    last_ = *file->file();
    const auto bytes = content(last_.reference);
    EXPECT_TRUE(bytes && static_cast<std::int64_t>(bytes->size()) == last_.size);
    return bytes.value_or(std::string());
  }
  std::int64_t files() {
    const std::string rows = database_.ask("SELECT count(*) FROM report_files"), parts = database_.ask("SELECT count(*) FROM scenario_files");
    EXPECT_EQ(rows == "0", parts == "0") << rows << " files, " << parts << " parts";
    return std::stoll(rows);
  }

  TestDatabase database_{GetParam()};
  Storage storage_ = open(database_.url());
  Storage reading_ = open(database_.url());
  Attachment last_;
};
INSTANTIATE_TEST_SUITE_P(Databases, ReportsTest, ::testing::Values(DatabaseUnderTest::Sqlite, DatabaseUnderTest::Postgres),
                         [](const auto& info) { return name_of(info.param); });

TEST_P(ReportsTest, TalksOfItsTimeAndOfItsBotAlone) {
  person("1", {at(-3 * kDay), at(-2 * kHour), at(-kHour)}, "one");
  person("2", {at(-25 * kHour)}, "old");
  person("3", {at(0), at(kHour)}, "late");
  person("4", {at(-kHour)}, "other bot", "telegram", "other");
  person("5", {at(-kHour)}, "nobody", "schedule");
  person("6", {at(-kDay), at(kHour)}, "edge");
  const std::string html = made(of_talks(at(-kDay), at(0)));
  const std::string text = html_to_text(html);
  EXPECT_THAT(text, AllOf(HasSubstr("Talks  2\n"), HasSubstr("Messages from people  3\n"), HasSubstr("New people  1\n")));
  EXPECT_THAT(text, AllOf(HasSubstr("one " + std::to_string(at(-kHour).unix_ms)), HasSubstr("edge " + std::to_string(at(-kDay).unix_ms))));
  EXPECT_THAT(text, AllOf(Not(HasSubstr("one " + std::to_string(at(-3 * kDay).unix_ms))), Not(HasSubstr("old")), Not(HasSubstr("late")),
                          Not(HasSubstr("other bot")), Not(HasSubstr("nobody")), Not(HasSubstr("edge " + std::to_string(at(kHour).unix_ms)))));
  EXPECT_EQ(content(last_.reference + std::string(kReportLetter)), html);
  EXPECT_EQ(last_.name, "day.html");
  EXPECT_EQ(last_.mime, "text/html");
}

TEST_P(ReportsTest, OneTalkWhole) {
  person("1", {at(-400 * kDay), at(-kHour)}, "one");
  person("2", {at(-kHour)}, "two");
  ReportOrder order = of_talks(at(0), at(0));
  order.all_time = true;
  order.format = Format::Text;
  order.name = "talk.txt";
  order.chat = {"telegram", "1"};
  order.user_id = "1";
  EXPECT_THAT(made(order), AllOf(HasSubstr("one " + std::to_string(at(-400 * kDay).unix_ms)), HasSubstr("answer to 1"), Not(HasSubstr("two"))));
  order.chat.chat_id = order.user_id = "stranger";
  EXPECT_THAT(made(order), HasSubstr("Nobody wrote"));
}

TEST_P(ReportsTest, ManyDialogsComeInPortionsAndInTheOrderOfTheDay) {
  for (int i = 0; i < 450; ++i) person(std::to_string(i), {at(-(i + 1) * 60'000)}, "said");
  ReportOrder order = of_talks(at(-kDay), at(0));
  order.format = Format::Csv;
  order.name = "day.csv";
  const std::string csv = made(order);
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 1 + 2 * 450);
  EXPECT_LT(csv.find("\"Name449\""), csv.find("\"Name0\"")) << "the earliest first";
}

TEST_P(ReportsTest, AFileOfManyPartsIsWhole) {
  for (int i = 0; i < 60; ++i) person(std::to_string(i), {at(-(i + 1) * 60'000)}, std::string(20'000, 'x'));
  const std::string html = made(of_talks(at(-kDay), at(0)));
  EXPECT_GT(html.size(), 1'200'000u);
  EXPECT_THAT(html.substr(html.size() - 20), HasSubstr("</html>"));
  const auto letter = content(last_.reference + std::string(kReportLetter));
  ASSERT_TRUE(letter);
  EXPECT_LT(letter->size(), 102'000u);
  EXPECT_THAT(*letter, HasSubstr(std::string(kReportCut)));
  // Made once more, as after a crash, it is the same file.
  const std::string key = last_.reference;
  made(of_talks(at(-kDay), at(0)));
  EXPECT_EQ(last_.reference, key);
  EXPECT_EQ(files(), 1);
}

TEST_P(ReportsTest, RowsInPortionsWithConditionsAndOrder) {
  Loaded loaded = load_scenario_text({{"scenario.yaml", R"(scenario: shop
language: en
start: a
branches: {a: [{save: orders}]}
tables: {orders: {name: text, total: number}}
)"}});
  ASSERT_TRUE(loaded.program);
  ASSERT_TRUE(storage_.prepare_tables(*loaded.program));
  const Table& table = loaded.program->tables[0];
  transact([&](Transaction& tx) -> Stored<Done> {
    for (int i = 0; i < 1203; ++i) {
      ValueMap row;
      row.set("name", "n" + std::to_string(i));
      row.set("total", i);
      if (auto put = tx.insert_row(table, row, {"7", 0}, at(-i * 60'000)); !put) return Error{put.error()};
    }
    return Done{};
  });
  ReportOrder order;
  order.language = Language::English;
  order.format = Format::Csv;
  order.name = "orders.csv";
  order.zone = "UTC";
  order.at = order.to = at(1);
  order.all_time = true;
  order.table.name = table.name;
  order.table.columns = table.columns;
  order.where = "total >= least";
  order.names.set("least", 3);
  order.sort = {{"total", true}};
  order.columns = {{"Name", "name"}, {"Twice", "total * 2"}};
  const std::string csv = made(order);
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 1 + 1200);
  EXPECT_THAT(csv, HasSubstr("\"Name\",\"Twice\"\r\n\"n1202\",\"2404\"\r\n"));
  EXPECT_TRUE(csv.ends_with("\"n3\",\"6\"\r\n"));
  order.all_time = false;
  order.from = at(-60 * 60'000);
  order.conditions = {{"created_at", ">=", Value(order.from)}, {"created_at", "<", Value(order.to)}};
  const std::string hour = made(order);
  EXPECT_EQ(std::count(hour.begin(), hour.end(), '\n'), 1 + 61 - 3);
  order.where = "total + nothing > 1";
  const JobResult broken = make(order);
  EXPECT_EQ(broken.kind, JobResult::Kind::Failed);
  EXPECT_THAT(broken.error, HasSubstr("total + nothing"));
}

TEST_P(ReportsTest, WhoeverIsStoppingLeavesItToTheNext) {
  person("1", {at(-kHour)}, "one");
  const JobResult result = make(of_talks(at(-kDay), at(0)), [] { return true; });
  EXPECT_EQ(result.kind, JobResult::Kind::Again);
  EXPECT_EQ(files(), 0);
}

TEST_P(ReportsTest, OldFilesGoByThemselves) {
  person("1", {at(-kHour)}, "one");
  made(of_talks(at(-kDay), at(0)));
  const std::string old = last_.reference;
  ReportOrder later = of_talks(at(-kDay), at(20 * kDay));
  made(later);
  EXPECT_EQ(files(), 2);
  SteppedClock clock;
  Retention retention;
  retention.files = Retention::days(30);
  clock.now_ = at(31 * kDay);
  Sweeper sweeper(retention);
  for (int i = 0; i < 40; ++i) {
    const auto rest = sweeper.round(storage_, clock);
    clock.monotonic_ += rest;
    clock.now_.unix_ms += rest.count();
  }
  EXPECT_EQ(files(), 1);
  EXPECT_FALSE(content(old));
  EXPECT_FALSE(content(old + std::string(kReportLetter)));
}

TEST_P(ReportsTest, WhoeverIsErasedWhileItIsMadeIsInNoFile) {
  person("1", {at(-kHour)}, "one");
  person("2", {at(-kHour)}, "two");
  bool erased = false;
  const ReportOrder order = of_talks(at(-kDay), at(0));
  ReportTools tools;
  tools.look = [&](const auto& job) {
    auto done = job(reading_);
    // Behind what was read, before anything is stored.
    if (!std::exchange(erased, true))
      transact([&](Transaction& tx) -> Stored<Done> {
        auto gone = tx.housekeeping().erase({"telegram", "1", {}});
        if (!gone) return Error{gone.error()};
        return Done{};
      });
    return done;
  };
  tools.write = [&](const auto& job) { return job(storage_); };
  const JobResult first = make_report(tools, {1, "shop", std::string(kReportService), "day", to_json(order), 1});
  EXPECT_EQ(first.kind, JobResult::Kind::Again);
  EXPECT_THAT(first.error, HasSubstr("somebody was erased"));
  EXPECT_EQ(files(), 0);
  EXPECT_THAT(made(order), AllOf(HasSubstr("Name2"), Not(HasSubstr("Name1")), Not(HasSubstr("one "))));
  EXPECT_EQ(files(), 1) << "what marks one that is made has gone";
}

TEST_P(ReportsTest, LargeTalksComeInSmallPortionsEachOnce) {
  const std::string words(700'000, 'w');
  for (int i = 0; i < 30; ++i) person(std::to_string(i + 1), {at(-kHour + i), at(-kHour + i + 1)}, words);  // some 42 MB of them
  for (int i = 30; i < 300; ++i) person(std::to_string(i + 1), {at(-kHour + i)}, "small");
  ReportOrder order = of_talks(at(-kDay), at(0));
  order.format = Format::Text;
  order.name = "day.txt";
  const std::string text = made(order);
  EXPECT_THAT(text, HasSubstr("Talks: 300\n"));
  for (int i : {1, 15, 30, 31, 200, 300}) {
    const std::string name = "Name" + std::to_string(i) + " (";
    ASSERT_NE(text.find(name), text.npos) << i;
    EXPECT_EQ(text.find(name, text.find(name) + 1), text.npos) << i << " came twice";
  }
}

TEST_P(ReportsTest, WhoeverIsErasedIsInNoFileAnyMore) {
  person("1", {at(-kHour)}, "one");
  made(of_talks(at(-kDay), at(0)));
  EXPECT_EQ(files(), 1);
  transact([&](Transaction& tx) -> Stored<Done> {
    auto erased = tx.housekeeping().erase({"telegram", "1", {}});
    if (!erased) return Error{erased.error()};
    return Done{};
  });
  EXPECT_EQ(files(), 0);
}

}  // namespace
}  // namespace sufler
