// Reports as files. The golden files of tests/data/reports are what a shop owner gets; Python's readers of HTML and CSV,
// which nobody here wrote, read each of them back. SUFLER_BLESS=1 writes them anew.
#include "interpreter/core/report/writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "interpreter/core/mail/html_template.h"

namespace sufler {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using Format = ReportStep::Format;

Moment moment(const std::string& local, const std::string& zone = "Europe/Moscow") {
  return Zone::find(zone)->to_moment(*LocalTime::parse_iso(local));
}

ReportOrder of_talks(Language language = Language::Russian, Format format = Format::Html) {
  ReportOrder order;
  order.talks = true;
  order.language = language;
  order.format = format;
  order.name = format == Format::Html ? "day.html" : format == Format::Csv ? "day.csv" : "day.txt";
  order.title = language == Language::Russian ? "Разговоры за сутки" : "Talks of the day";
  order.zone = "Europe/Moscow";
  order.at = order.to = moment("2026-11-22T09:00");
  order.from = moment("2026-11-21T09:00");
  order.counted = {"orders"};
  return order;
}

JournalLine said(const std::string& at, std::optional<std::string> client, std::optional<std::string> bot) {
  JournalLine line;
  line.at = moment(at);
  Event event;
  event.at = line.at;
  if (client) {
    UserMessage message;
    message.text = *client;
    event.what = message;
  } else {
    event.what = TimerDue{"remind", 1};
  }
  line.event = to_json(event);
  Turn turn;
  if (bot) {
    SendMessage send;
    send.message.text.text = *bot;
    turn.effects.emplace_back(std::move(send));
  }
  line.turn = journal_turn_json(turn);
  return line;
}
JournalLine staff(const std::string& at, const std::string& name, const std::string& text) {
  JournalLine line = said(at, std::nullopt, std::nullopt);
  Event event;
  event.at = line.at;
  StaffMessage message;
  message.text = text;
  message.name = name;
  event.what = std::move(message);
  line.event = to_json(event);
  return line;
}

ReportTalk talk(std::int64_t id, const std::string& name, std::vector<JournalLine> lines, const std::string& since = "2026-11-21T10:00") {
  ReportTalk made;
  made.dialog_id = id;
  made.chat = {id % 2 == 0 ? "vk" : "telegram", std::to_string(id)};
  made.user.id = std::to_string(id);
  made.user.first_name = name;
  if (id % 2 != 0) made.user.username = "user" + std::to_string(id);
  made.user.created_at = moment(since);
  made.lines = std::move(lines);
  return made;
}

/// Out of order, as a database may give them.
void add_a_day(ReportWriter& writer, bool russian) {
  writer.add(talk(7, russian ? "Олег Петров" : "Oliver Stone",
                  {said("2026-11-21T18:00", "/start", russian ? "Здравствуйте! Спрашивайте о тачках." : "Hello! Ask me about carts."),
                   said("2026-11-21T18:02", russian ? "Сколько стоит «Дачная»?\nИ доставка?" : "How much is the small one?\nAnd delivery?",
                        russian ? "4 990 ₽, доставка 500 ₽." : "49.90, delivery 5."),
                   staff("2026-11-21T18:30", russian ? "Мария" : "Mary", russian ? "Привезём в субботу" : "We come on Saturday")}));
  writer.add(talk(4, "<script>alert(1)</script>",
                  {said("2026-11-21T23:58", "<img src=x onerror=alert(1)> \"' & <b>", russian ? "Не понял." : "Pardon?"),
                   said("2026-11-22T00:03", "=1+1", std::nullopt)},
                  "2026-01-15T12:00"));
  writer.add(talk(9, "", {said("2026-11-21T09:15", russian ? "Есть кто?" : "Anybody there?", std::nullopt)}));
  writer.add(talk(11, "Timer", {said("2026-11-21T12:00", std::nullopt, std::nullopt)}));
}

ReportFile a_day(Language language, Format format) {
  ReportWriter writer(of_talks(language, format));
  add_a_day(writer, language == Language::Russian);
  return writer.finish({2, {{"orders", 12'345}}});
}

json read(const std::string& path) {
  json found;
  FILE* const pipe = ::popen(("/usr/bin/python3 " SUFLER_SOURCE_DIR "/tests/data/reports/read_report.py '" + path + "'").c_str(), "r");
  std::string out;
  char chunk[4096];
  for (std::size_t got; pipe && (got = std::fread(chunk, 1, sizeof chunk, pipe)) > 0;) out.append(chunk, got);
  EXPECT_TRUE(pipe && ::pclose(pipe) == 0) << path;
  found = json::parse(out, nullptr, false);
  EXPECT_TRUE(found.is_object()) << out;
  return found;
}

/// Read from a file of the test's own.
json read_bytes(const std::string& bytes, const std::string& ending) {
  const std::string path = (std::filesystem::temp_directory_path() / ("sufler_report_" + std::to_string(::getpid()) + ending)).string();
  std::ofstream(path, std::ios::binary) << bytes;
  json found = read(path);
  std::filesystem::remove(path);
  return found;
}

json check_golden(const std::string& name, const std::string& bytes) {
  const std::string path = SUFLER_SOURCE_DIR "/tests/data/reports/" + name;
  if (std::getenv("SUFLER_BLESS")) std::ofstream(path, std::ios::binary) << bytes;
  std::ifstream in(path, std::ios::binary);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), bytes) << name;
  json found = read(path);
  EXPECT_THAT(found["faults"], IsEmpty()) << name << ": " << found["faults"].dump();
  return found;
}

TEST(ReportTest, ADayOfTalksInBothLanguages) {
  for (const auto& [language, name] : {std::pair(Language::Russian, "day_ru"), std::pair(Language::English, "day_en")}) {
    const ReportFile html = a_day(language, Format::Html);
    EXPECT_EQ(html.letter, html.bytes);
    const json found = check_golden(std::string(name) + ".html", html.bytes);
    EXPECT_FALSE(found["tags"].contains("script"));
    EXPECT_FALSE(found["tags"].contains("img"));
    const std::string text = found["text"];
    EXPECT_THAT(text, HasSubstr("<script>alert(1)</script>"));
    EXPECT_THAT(text, HasSubstr("<img src=x onerror=alert(1)> \"' & <b>"));
    // In the order in which they began.
    EXPECT_LT(text.find(language == Language::Russian ? "Есть кто?" : "Anybody"), text.find("/start"));
    EXPECT_LT(text.find("/start"), text.find("alert(1)"));
    EXPECT_EQ(text.find("Timer"), std::string::npos) << "nothing was said there";
    check_golden(std::string(name) + ".txt", a_day(language, Format::Text).bytes);
    const json rows = check_golden(std::string(name) + ".csv", a_day(language, Format::Csv).bytes);
    EXPECT_EQ(rows["delimiter"], language == Language::Russian ? ";" : ",");
    EXPECT_EQ(rows["rows"].size(), 1u + 1u + 5u + 3u);
    EXPECT_EQ(rows["rows"].back().back(), "'=1+1");
  }
}

TEST(ReportTest, TheSameDayGivesTheSameBytes) {
  EXPECT_EQ(a_day(Language::Russian, Format::Html).bytes, a_day(Language::Russian, Format::Html).bytes);
}

TEST(ReportTest, AnEmptyDaySaysSo) {
  for (const Format format : {Format::Html, Format::Text, Format::Csv}) {
    ReportWriter writer(of_talks(Language::Russian, format));
    const ReportFile file = writer.finish({});
    if (format == Format::Html) {
      const json found = check_golden("empty_ru.html", file.bytes);
      EXPECT_THAT(found["text"].get<std::string>(), HasSubstr("За это время никто не писал."));
      EXPECT_THAT(html_to_text(file.letter), HasSubstr("За это время никто не писал."));
    } else if (format == Format::Text) {
      EXPECT_THAT(file.bytes, HasSubstr("За это время никто не писал."));
    } else {
      EXPECT_EQ(read_bytes(file.bytes, ".csv")["rows"].size(), 1u);
    }
  }
}

std::string long_words(int i) { return "Сообщение номер " + std::to_string(i) + ", в котором человек долго рассказывает, что ему нужно."; }

TEST(ReportTest, OfALongDayTheLetterShowsTheBeginningAndSaysWhereTheRestIs) {
  ReportWriter writer(of_talks());
  for (int i = 0; i < 1000; ++i) {
    const std::string at = "2026-11-21T" + std::string(i < 600 ? "1" : "2") + std::to_string(i < 600 ? i / 60 : (i - 600) / 100) + ":" +
                           (i % 60 < 10 ? "0" : "") + std::to_string(i % 60);
    writer.add(talk(i + 1, "Человек " + std::to_string(i), {said(at, long_words(i), "Ответ бота")}));
  }
  const ReportFile file = writer.finish({});
  EXPECT_LE(file.letter.size(), ReportWriter::kMostLetter + 200);
  EXPECT_LT(file.letter.size(), 102'000u);
  EXPECT_GT(file.bytes.size(), file.letter.size());
  EXPECT_THAT(file.letter, AllOf(HasSubstr(kReportCut), HasSubstr("из 1000. "), HasSubstr("Все они в приложенном файле day.html.")));
  EXPECT_THAT(file.bytes, Not(HasSubstr(kReportCut)));
  EXPECT_THAT(read_bytes(file.letter, ".html")["faults"], IsEmpty());
  const json whole = read_bytes(file.bytes, ".html");
  EXPECT_THAT(whole["faults"], IsEmpty());
  for (const int i : {0, 599, 999}) EXPECT_THAT(whole["text"].get<std::string>(), HasSubstr(long_words(i)));
}

TEST(ReportTest, OneVeryLongTalkLeavesTheOthersTheirPlaceInTheLetter) {
  ReportWriter writer(of_talks());
  std::vector<JournalLine> lines;
  for (int i = 0; i < 900; ++i) lines.push_back(said("2026-11-21T10:" + std::string(i / 15 < 10 ? "0" : "") + std::to_string(i / 15), long_words(i), "Ответ <b>"));
  writer.add(talk(1, "Говорун", lines));
  for (int i = 0; i < 20; ++i) writer.add(talk(i + 2, "Человек " + std::to_string(i), {said("2026-11-21T12:00", long_words(i), std::nullopt)}));
  const ReportFile file = writer.finish({});
  EXPECT_LT(file.letter.size(), 102'000u);
  const json letter = read_bytes(file.letter, ".html");
  EXPECT_THAT(letter["faults"], IsEmpty());
  const std::string text = letter["text"];
  EXPECT_THAT(text, AllOf(HasSubstr("Здесь первые разговоры: 21 из 21. Все они в приложенном файле day.html."), HasSubstr(long_words(0)), HasSubstr("Человек 19")));
  EXPECT_THAT(text, AllOf(HasSubstr("… разговор слишком длинный для письма, целиком он в файле day.html"), Not(HasSubstr(long_words(899)))));
  EXPECT_THAT(read_bytes(file.bytes, ".html")["text"].get<std::string>(), HasSubstr(long_words(899)));
}

TEST(ReportTest, TheOnlyTalkHasAllTheLetter) {
  ReportWriter writer(of_talks());
  std::vector<JournalLine> lines;
  for (int i = 0; i < 900; ++i) lines.push_back(said("2026-11-21T10:00", long_words(i), std::nullopt));
  writer.add(talk(1, "Говорун", lines));
  const ReportFile file = writer.finish({});
  EXPECT_LT(file.letter.size(), 102'000u);
  EXPECT_GT(file.letter.size(), 80'000u);
}

TEST(ReportTest, ATalkTooLongForAFileIsCutAndSaysSo) {
  for (const Format format : {Format::Html, Format::Text, Format::Csv}) {
    ReportWriter writer(of_talks(Language::Russian, format));
    std::vector<JournalLine> lines;
    for (int i = 0; i < 5; ++i) lines.push_back(said("2026-11-21T10:0" + std::to_string(i), std::to_string(i) + std::string(1 << 20, 'w'), std::nullopt));
    writer.add(talk(1, "Говорун", lines));
    writer.add(talk(2, "Второй", {said("2026-11-21T12:00", "и он здесь", std::nullopt)}));
    const ReportFile file = writer.finish({});
    EXPECT_EQ(file.left_out, 0u);
    EXPECT_THAT(file.bytes, AllOf(HasSubstr("2ww"), Not(HasSubstr("4ww")), HasSubstr("… разговор слишком длинный, здесь его начало"), HasSubstr("и он здесь")));
  }
}

TEST(ReportTest, OfALetterWithoutItsFileTheWordsAreTrue) {
  ReportWriter writer(of_talks());
  for (int i = 0; i < 1000; ++i) writer.add(talk(i + 1, "Ч", {said("2026-11-21T10:00", long_words(i), std::nullopt)}));
  const ReportFile file = writer.finish({});
  const std::string without = without_report_file(file.letter);
  EXPECT_THAT(read_bytes(file.letter, ".html")["text"].get<std::string>(), AllOf(HasSubstr("из 1000. Все они в приложенном файле day.html."), Not(HasSubstr("не приложен"))));
  EXPECT_THAT(read_bytes(without, ".html")["text"].get<std::string>(),
              AllOf(HasSubstr("из 1000. Файл day.html, где они все, к письму не приложен: он слишком велик"), Not(HasSubstr("в приложенном"))));
  EXPECT_EQ(without_report_file("<p>nothing of it</p>"), "<p>nothing of it</p>");
}

TEST(ReportTest, MarksThatTurnTextAroundAreDropped) {
  for (const Format format : {Format::Html, Format::Text, Format::Csv}) {
    ReportWriter writer(of_talks(Language::Russian, format));
    writer.add(talk(1, "Анна\u202E", {said("2026-11-21T10:00", "счёт \u202Egnp.\u202C — \u2067вот\u2069 שלום\u200F", std::nullopt)}));
    const ReportFile file = writer.finish({});
    EXPECT_THAT(file.bytes, AllOf(HasSubstr("счёт gnp. — вот שלום"), Not(HasSubstr("\u202E")), Not(HasSubstr("\u2067"))));
  }
}

TEST(ReportTest, WhatHasNoRoomIsSaidAndTheFirstAreKept) {
  for (const Format format : {Format::Html, Format::Text, Format::Csv}) {
    ReportWriter writer(of_talks(Language::Russian, format), 4'000);
    for (int i = 99; i >= 0; --i)
      writer.add(talk(i + 1, "Ч" + std::to_string(i), {said("2026-11-21T1" + std::to_string(i / 60) + ":" + (i % 60 < 10 ? "0" : "") + std::to_string(i % 60), long_words(i), std::nullopt)}));
    const ReportFile file = writer.finish({});
    EXPECT_GT(file.left_out, 50u);
    EXPECT_THAT(file.bytes, AllOf(HasSubstr(long_words(0)), Not(HasSubstr(long_words(99))), HasSubstr("из 100. Возьмите период короче.")));
  }
}

TEST(ReportTest, TheDayOnWhichClocksGoBackHas25Hours) {
  ReportOrder order = of_talks();
  order.zone = "Europe/Berlin";
  order.from = moment("2026-10-25T00:00", order.zone);
  order.to = order.at = moment("2026-10-26T00:00", order.zone);
  EXPECT_EQ((order.to.unix_ms - order.from.unix_ms) / 3'600'000, 25);
  ReportWriter writer(order);
  std::vector<JournalLine> lines;
  for (const std::int64_t minutes : {90, 150, 210, 24 * 60 + 30}) {
    JournalLine line = said("2026-11-21T10:00", "Эй", std::nullopt);
    line.at = Moment{order.from.unix_ms + minutes * 60'000};
    lines.push_back(std::move(line));
  }
  writer.add(talk(1, "Анна", std::move(lines)));
  const std::string text = html_to_text(writer.finish({}).bytes);
  EXPECT_THAT(text, HasSubstr("Europe/Berlin, UTC+2, потом UTC+1"));
  EXPECT_THAT(text, HasSubstr("\n25.10.2026\n"));
  // 01:30, 02:30 in summer, 02:30 in winter, 23:30.
  EXPECT_THAT(text, HasSubstr("01:00"));
  EXPECT_EQ(text.find("02:00"), text.rfind("02:00")) << "an hour that comes twice is one bar:\n" << text;
}

TEST(ReportTest, TheDayOnWhichClocksGoForwardHasNoHourThatWasNot) {
  ReportOrder order = of_talks(Language::English);
  order.zone = "Europe/Berlin";
  order.from = moment("2026-03-29T00:00", order.zone);
  order.to = order.at = moment("2026-03-30T00:00", order.zone);
  ReportWriter writer(order);
  std::vector<JournalLine> lines;
  for (const std::int64_t minutes : {30, 150, 22 * 60 + 30}) {
    JournalLine line = said("2026-11-21T10:00", "Hey", std::nullopt);
    line.at = Moment{order.from.unix_ms + minutes * 60'000};
    lines.push_back(std::move(line));
  }
  writer.add(talk(1, "Anna", std::move(lines)));
  const std::string text = html_to_text(writer.finish({}).bytes);
  EXPECT_THAT(text, AllOf(HasSubstr("03:00"), Not(HasSubstr("02:00")), HasSubstr("UTC+1, then UTC+2")));
}

// ---- rows

ReportOrder of_rows(Format format, Language language = Language::Russian) {
  ReportOrder order;
  order.language = language;
  order.format = format;
  order.name = format == Format::Html ? "orders.html" : format == Format::Csv ? "orders.csv" : "orders.txt";
  order.title = language == Language::Russian ? "Заказы за месяц" : "Orders of the month";
  order.zone = "Europe/Moscow";
  order.at = moment("2026-11-22T09:00");
  order.from = moment("2026-11-01T00:00");
  order.to = moment("2026-12-01T00:00");
  order.table.name = "orders";
  order.table.columns.push_back({"sum", ColumnType::Number, {}, {}});
  order.sort = {{"sum", true}};
  order.columns = {{language == Language::Russian ? "Имя" : "Name", "name"}, {language == Language::Russian ? "Телефон" : "Phone", "phone"},
                   {language == Language::Russian ? "Сумма" : "Sum", "sum"}};
  return order;
}

ValueMap row(int id, const std::string& name, const std::string& phone, const std::string& sum, const std::string& at) {
  ValueMap made;
  made.set("id", id);
  made.set("name", name);
  made.set("phone", phone.empty() ? Value() : Value(phone));
  made.set("sum", sum.empty() ? Value() : Value(*Decimal::parse(sum)));
  made.set("created_at", moment(at));
  return made;
}

ReportFile orders(Format format, Language language) {
  const ReportOrder order = of_rows(format, language);
  ReportWriter writer(order);
  EXPECT_EQ(writer.add(row(1, "Анна \"Аня\"; Петрова", "+79123456789", "4990.5", "2026-11-02T10:00")), "");
  EXPECT_EQ(writer.add(row(12345, "=cmd|' /C calc'!A0", "", "1234567", "2026-11-02T18:00")), "");
  EXPECT_EQ(writer.add(row(3, "@SUM(1+1)\nвторая строка", "+79990000000", "-15", "2026-11-20T23:59")), "");
  EXPECT_EQ(writer.add(row(4, "<b>Пётр</b>", "", "", "2026-11-30T12:00")), "");
  return writer.finish({});
}

TEST(ReportTest, RowsInBothLanguages) {
  for (const auto& [language, name] : {std::pair(Language::Russian, "orders_ru"), std::pair(Language::English, "orders_en")}) {
    const std::string bytes = orders(Format::Html, language).bytes;
    const std::string text = check_golden(std::string(name) + ".html", bytes)["text"];
    EXPECT_THAT(bytes, HasSubstr(">1\u00A0234\u00A0567<"));
    EXPECT_THAT(text, HasSubstr("<b>Пётр</b>"));
    EXPECT_LT(text.find("cmd|"), text.find("Анна")) << "the greatest sum first";
    EXPECT_LT(text.find("@SUM"), text.find("Пётр")) << "no sum comes last";
    const json sheet = check_golden(std::string(name) + ".csv", orders(Format::Csv, language).bytes);
    EXPECT_EQ(sheet["rows"][1][0], "'=cmd|' /C calc'!A0");
    EXPECT_EQ(sheet["rows"][2][0], "Анна \"Аня\"; Петрова");
    EXPECT_EQ(sheet["rows"][2][1], "'+79123456789");
    EXPECT_EQ(sheet["rows"][2][2], language == Language::Russian ? "4990,5" : "4990.5");
    EXPECT_EQ(sheet["rows"][3][2], "-15") << "a number is no formula";
    check_golden(std::string(name) + ".txt", orders(Format::Text, language).bytes);
  }
}

TEST(ReportTest, ManyColumnsStandBelowEachOther) {
  ReportOrder order = of_rows(Format::Html);
  order.columns.push_back({"№", "id"});
  order.columns.push_back({"Когда", "created_at"});
  order.columns.push_back({"Примечание", "note"});
  ReportWriter writer(order);
  EXPECT_EQ(writer.add(row(1, "Анна", "+79123456789", "15000", "2026-11-02T10:00")), "");
  const json found = check_golden("cards_ru.html", writer.finish({}).bytes);
  EXPECT_THAT(found["text"].get<std::string>(), HasSubstr("Сумма: 15 000"));
  EXPECT_THAT(found["text"].get<std::string>(), Not(HasSubstr("Примечание"))) << "there is none";
}

TEST(ReportTest, AConditionThatCannotBeAskedIsSaid) {
  ReportOrder order = of_rows(Format::Csv);
  order.where = "sum + limit > 3";
  ReportWriter without(order);
  EXPECT_THAT(without.add(row(1, "Анна", "", "5", "2026-11-02T10:00")), HasSubstr("sum + limit > 3"));
  order.names.set("limit", 3);
  ReportWriter with(order);
  EXPECT_EQ(with.add(row(1, "Анна", "", "5", "2026-11-02T10:00")), "");
  EXPECT_EQ(with.add(row(2, "Мало", "", "-1", "2026-11-02T10:00")), "");
  EXPECT_THAT(with.finish({}).bytes, AllOf(HasSubstr("Анна"), Not(HasSubstr("Мало"))));
}

TEST(ReportTest, AnOrderComesBackFromItsJob) {
  ReportOrder order = of_rows(Format::Csv);
  order.conditions.push_back({"created_at", ">=", Value(order.from)});
  order.where = "sum > limit";
  order.names.set("limit", 3);
  order.secret = {"word"};
  ReportOrder same;
  ASSERT_TRUE(from_json(to_json(order), same));
  EXPECT_EQ(to_json(same), to_json(order));
  EXPECT_EQ(same.table.columns.at(0).type, ColumnType::Number);
  ReportOrder talks = of_talks();
  talks.chat = {"telegram", "7"};
  talks.user_id = "7";
  ASSERT_TRUE(from_json(to_json(talks), same));
  EXPECT_EQ(to_json(same), to_json(talks));
  for (const char* broken : {"", "{}", "[]", "{\"name\":\"a\"}", "{\"name\":\"a\",\"table\":\"t\",\"types\":[[1]]}"}) EXPECT_FALSE(from_json(broken, same)) << broken;
}

}  // namespace
}  // namespace sufler
