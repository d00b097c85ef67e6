// Makes reports of many talks: `report_bench [TALKS [DATABASE…]]`, 10,000 talks of ten turns on a SQLite file of its own unless told
// otherwise. The talks are put in by another process, so that the memory is that of the report alone; half of the people
// in the database have not written in the time of the report.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "interpreter/core/report/order.h"
#include "interpreter/runtime/incoming_json.h"
#include "interpreter/runtime/reports.h"

namespace {

using namespace sufler;

constexpr Moment kNoon{1'773'576'000'000};
constexpr std::int64_t kDay = 24 * 3'600'000;
constexpr int kTurns = 10, kDialogsAtOnce = 200;

Storage open(const std::string& url) {
  auto opened = Storage::open(url, Durability::Normal);
  if (opened) return std::move(*opened);
  std::fprintf(stderr, "%s\n", opened.error().message.c_str());
  std::exit(1);
}

bool put_talk(Transaction& tx, int number, Moment begin) {
  const std::string id = std::to_string(100'000 + number);
  const DialogKey key{"shop", {"telegram", id}, id};
  UserRecord user;
  user.id = id;
  user.first_name = "Покупатель " + id;
  user.username = "user" + id;
  user.created_at = begin;
  for (int turn = 0; turn < kTurns; ++turn) {
    const Moment at{begin.unix_ms + turn * 30'000};
    auto row = tx.load_dialog(key);
    if (!row) return false;
    row->state = "{}";
    row->user = to_json(user);
    if (!tx.save_dialog(key, *row, turn == 0, at)) return false;
    Event event;
    event.at = at;
    UserMessage message;
    message.text = "А если участок за городом и дорога плохая, доставка сколько выйдет? Вопрос номер " + std::to_string(turn);
    event.what = message;
    Turn played;
    SendMessage send;
    send.message.text.text = "Доставка за город 900 ₽, довезём до калитки в субботу. Если дорога размыта, позвоните, договоримся о другом дне.";
    played.effects.emplace_back(std::move(send));
    JournalRow line;
    line.dialog_id = row->id;
    line.at = at;
    line.event = to_json(event);
    line.turn = journal_turn_json(played);
    if (!tx.append_journal(line)) return false;
  }
  return true;
}

void fill(const std::string& url, int talks) {
  Storage storage = open(url);
  for (int first = 0; first < 2 * talks; first += kDialogsAtOnce) {
    const auto done = storage.transact([&](Transaction& tx) -> Stored<Done> {
      for (int i = first; i < std::min(first + kDialogsAtOnce, 2 * talks); ++i) {
        const Moment begin{kNoon.unix_ms - (i % 2 == 0 ? kDay : 5 * kDay) + std::int64_t{i} * (kDay - 600'000) / (2 * talks)};
        if (!put_talk(tx, i, begin)) return Error{StorageError{}};
      }
      return Done{};
    });
    if (!done) std::exit(1);
  }
}

double megabytes_at_most() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

double seconds_of_work() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto of = [](const timeval& time) { return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6; };
  return of(usage.ru_utime) + of(usage.ru_stime);
}

void report(const std::string& url, ReportStep::Format format, const char* name) {
  ReportOrder order;
  order.talks = true;
  order.format = format;
  order.name = name;
  order.title = "Разговоры";
  order.zone = "Europe/Moscow";
  order.at = order.to = kNoon;
  order.from = Moment{kNoon.unix_ms - kDay};
  Storage reading = open(url), writing = open(url);
  ReportTools tools;
  tools.look = [&](const auto& job) { return job(reading); };
  tools.write = [&](const auto& job) { return job(writing); };
  const double before = megabytes_at_most(), worked = seconds_of_work();
  const auto begin = std::chrono::steady_clock::now();
  const JobResult result = make_report(tools, {1, "shop", std::string(kReportService), "day", to_json(order), 1});
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  const Value* file = result.result.map() ? result.result.map()->find("file") : nullptr;
  std::printf("  %-9s %6.2f s (%.2f s of work)  file %5.1f MB  memory at most %5.0f MB (before %.0f)%s%s\n", name, seconds, seconds_of_work() - worked,
              file && file->file() ? static_cast<double>(file->file()->size) / 1e6 : 0.0, megabytes_at_most(), before,
              result.log.empty() ? "" : "  ", result.log.c_str());
  if (!result.error.empty()) std::printf("  failed: %s\n", result.error.c_str());
  std::fflush(stdout);
}

/// In a process of its own: what one report takes is not added to the next.
template <class Work>
void apart(Work work) {
  std::fflush(stdout);
  if (const pid_t child = ::fork(); child == 0) {
    work();
    std::_Exit(0);
  } else {
    ::waitpid(child, nullptr, 0);
  }
}

}  // namespace

int main(int count, char** arguments) {
  const int talks = count > 1 ? std::atoi(arguments[1]) : 10'000;
  std::vector<std::string> urls(arguments + std::min(count, 2), arguments + count);
  const std::string own = (std::filesystem::temp_directory_path() / ("report_bench_" + std::to_string(::getpid()) + ".db")).string();
  if (urls.empty()) urls.push_back("sqlite:" + own);
  for (const std::string& url : urls) {
    std::printf("%d talks of %d turns, %s\n", talks, kTurns, url.substr(0, url.find(':')).c_str());
    apart([&] { fill(url, talks); });
    apart([&] { report(url, ReportStep::Format::Html, "day.html"); });
    apart([&] { report(url, ReportStep::Format::Csv, "day.csv"); });
    apart([&] { report(url, ReportStep::Format::Text, "day.txt"); });
  }
  for (const char* ending : {"", "-wal", "-shm"}) std::filesystem::remove(own + ending);
  return 0;
}
