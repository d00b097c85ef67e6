// Looks for similar rows: `similar_bench [ROWS [DATABASE…]]`, a million on a SQLite file of its own unless told otherwise. The
// rows are those of a CSV file that is taken over first, by another process, so that the memory is that of the search alone.
// Beside them stands what one would write without all this: a query that sorts all rows by distance.
#include <soci/postgresql/soci-postgresql.h>
#include <soci/soci.h>
#include <soci/sqlite3/soci-sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "interpreter/core/sha256.h"
#include "interpreter/core/tables/similarity.h"
#include "interpreter/core/tables/table_data.h"
#include "storage/storage.h"

namespace {

using namespace sufler;
using Clock = std::chrono::steady_clock;

constexpr const char* kDistricts[] = {"Центр", "Север", "Юг", "Восток", "Запад"};

double ms_since(Clock::time_point begin) { return std::chrono::duration<double, std::milli>(Clock::now() - begin).count(); }
long peak_kb() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

/// Of this process: with SQLite that is all of the work, whatever else the machine does.
double processor_ms() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto ms = [](const timeval& time) { return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_usec) / 1e3; };
  return ms(usage.ru_utime) + ms(usage.ru_stime);
}

Storage open(const std::string& url) {
  auto opened = Storage::open(url, Durability::Normal);
  if (opened) return std::move(*opened);
  std::fprintf(stderr, "%s\n", opened.error().message.c_str());
  std::exit(1);
}

struct Kind {
  const char* name;
  std::vector<const char*> columns;  ///< of `similar`
  const char* where = nullptr;       ///< a district that `where` asks for
  bool within = false;
};
const std::vector<Kind> kKinds = {
    {"area, floor", {"area", "floor"}},
    {"area, floor, district", {"area", "floor", "district"}},
    {"area, floor, price", {"area", "floor", "price"}},
    {"area, floor, price, built", {"area", "floor", "price", "built"}},
    {"area within 10%, price", {"area", "price"}, nullptr, true},
    {"area, floor where district", {"area", "floor"}, "Север"},
    {"area, floor where nothing holds", {"area", "floor"}, "Нигде"},
};

Table table() {
  Table estates;
  estates.name = "estates";
  estates.key = "id";
  for (const auto& [name, type] : std::initializer_list<std::pair<const char*, ColumnType>>{{"address", ColumnType::Text},
                                                                                           {"area", ColumnType::Number},
                                                                                           {"floor", ColumnType::Integer},
                                                                                           {"price", ColumnType::Number},
                                                                                           {"built", ColumnType::Date},
                                                                                           {"district", ColumnType::Text}}) {
    Column column;
    column.name = name;
    column.type = type;
    if (column.name == "district") column.options.assign(std::begin(kDistricts), std::end(kDistricts));
    estates.columns.push_back(column);
  }
  return estates;
}

/// Areas and prices as in a city: many small flats, few large ones; prices go with areas.
std::string csv(int rows) {
  std::mt19937 random(4711);
  std::lognormal_distribution<double> areas(4.0, 0.4), metres(12.0, 0.3);
  std::uniform_int_distribution<int> floors(1, 25), days(7'000, 20'000), districts(0, 4);
  std::string text;
  for (int i = 1; i <= rows; ++i) {
    const double area = areas(random);
    char line[200];
    std::snprintf(line, sizeof line, "%d;Лесная улица, дом %d;%.1f;%d;%.0f;%s;%s\n", i, i % 200, area, floors(random), area * metres(random),
                  Date{days(random)}.to_iso().c_str(), kDistricts[districts(random)]);
    text += line;
  }
  return text;
}

Program program(int rows) {
  Program program;
  program.id = "shop";
  Table estates = table();
  if (rows > 0) {
    auto data = std::make_shared<TableData>();
    data->text = std::make_shared<const std::string>(csv(rows));
    data->content = sha256_hex(*data->text);
    data->columns = {TableData::kId, 0, 1, 2, 3, 4, 5};
    estates.data = std::move(data);
  }
  program.tables.push_back(std::move(estates));
  for (const Kind& kind : kKinds) {
    auto similarity = std::make_shared<Similarity>();
    for (const char* column : kind.columns)
      if (std::string(column) == "district") similarity->index.emplace_back(column);
    if (kind.where) similarity->index.emplace_back("district");
    // As the loader orders them: whole numbers first.
    for (const bool whole : {true, false})
      for (const char* column : kind.columns)
        if (std::string(column) != "district" && (std::string(column) == "floor") == whole) similarity->index.emplace_back(column);
    for (const char* column : kind.columns) {
      Similarity::Near near;
      near.column = column;
      if (kind.within && near.column == "area") near.within = Within{0.1, true};
      similarity->near.push_back(std::move(near));
    }
    Find find;
    find.table = TableId{0};
    find.similar = std::move(similarity);
    Step step;
    step.verb = std::move(find);
    program.steps.push_back(std::move(step));
  }
  return program;
}

void take_over(const std::string& url, int rows) {
  Storage storage = open(url);
  const Program all = program(rows);
  const auto begin = Clock::now();
  const double processor = processor_ms();
  if (auto done = storage.prepare_tables(all); !done) {
    std::fprintf(stderr, "%s\n", done.error().message.c_str());
    std::exit(1);
  }
  std::printf("%d rows of a CSV of %.0f MB taken over in %.1f s, %.1f s of the processor\n", rows, static_cast<double>(all.tables[0].data->text->size()) / 1e6,
              ms_since(begin) / 1000, (processor_ms() - processor) / 1000);
  std::fflush(stdout);
}

/// Past Sufler. SOCI takes a URL with nothing behind it for a name of its own.
soci::session beside(const std::string& url) {
  if (url.starts_with("sqlite:")) return soci::session(*soci::factory_sqlite3(), url.substr(7));
  return soci::session(*soci::factory_postgresql(), url + "?application_name=similar_bench");
}

/// Area and floor, as a plain query.
double plain_scan(const std::string& url) {
  soci::session sql = beside(url);
  double least = 0;
  for (int round = 0; round < 3; ++round) {
    const auto begin = Clock::now();
    std::int64_t id = 0;
    soci::statement query = (sql.prepare << "SELECT id FROM estates ORDER BY abs(CAST(area AS DOUBLE PRECISION) - 45) / 300.0 + "
                                            "abs(CAST(floor AS DOUBLE PRECISION) - 5) / 24.0, id LIMIT 5",
                             soci::into(id));
    query.execute();
    while (query.fetch()) {
    }
    const double took = ms_since(begin);
    least = round == 0 ? took : std::min(least, took);
  }
  return least;
}

void search(const std::string& url) {
  // PostgreSQL does so by itself some seconds after so many rows came.
  if (!url.starts_with("sqlite:")) beside(url) << "VACUUM ANALYZE estates";
  Storage storage = open(url);
  const Table estates = table();
  const long before = peak_kb();
  std::printf("%-34s %9s %9s %9s %15s\n", "similar", "median", "p95", "most", "processor, mean");
  for (const Kind& kind : kKinds) {
    std::mt19937 random(42);
    std::vector<double> times;
    const double processor = processor_ms();
    for (int round = 0; round < 40; ++round) {
      FindRows find;
      for (const char* column : kind.columns) {
        const std::string name = column;
        Nearness near;
        near.column = name;
        if (name == "area") near.to = Value(std::uniform_int_distribution<int>(30, 90)(random));
        if (name == "floor") near.to = Value(std::uniform_int_distribution<int>(1, 25)(random));
        if (name == "price") near.to = Value(std::uniform_int_distribution<int>(5'000'000, 15'000'000)(random));
        if (name == "built") near.to = Value(Date{std::uniform_int_distribution<int>(8'000, 20'000)(random)});
        if (name == "district") near.to = Value(kDistricts[random() % 5]);
        if (kind.within && name == "area") near.within = Within{0.1, true};
        find.conditions.push_back(condition_of(near));
      }
      if (kind.where) find.conditions.push_back({"district", "==", Value(kind.where)});
      find.limit = 5;
      const auto begin = Clock::now();
      auto done = storage.look([&](Transaction& tx) -> Stored<Done> {
        auto found = tx.find_rows(estates, find);
        if (!found) return Error{found.error()};
        return Done{};
      });
      if (!done) {
        std::fprintf(stderr, "%s\n", done.error().message.c_str());
        std::exit(1);
      }
      times.push_back(ms_since(begin));
    }
    std::sort(times.begin(), times.end());
    std::printf("%-34s %6.1f ms %6.1f ms %6.1f ms %12.1f ms\n", kind.name, times[times.size() / 2], times[times.size() * 95 / 100], times.back(),
                (processor_ms() - processor) / static_cast<double>(times.size()));
    std::fflush(stdout);
  }
  std::printf("memory of the searches: %ld MB more than before\n", (peak_kb() - before) / 1024);
  std::printf("area, floor by a plain ORDER BY: %.0f ms at best\n", plain_scan(url));
}

}  // namespace

int main(int argc, char** argv) {
  const int rows = argc > 1 ? std::atoi(argv[1]) : 1'000'000;
  std::vector<std::string> urls(argv + std::min(argc, 2), argv + argc);
  std::string own;
  if (urls.empty()) {
    own = (std::filesystem::temp_directory_path() / ("similar_bench_" + std::to_string(::getpid()) + ".db")).string();
    urls.push_back("sqlite:" + own);
  }
  for (const std::string& url : urls) {
    std::printf("%s\n", url.substr(0, url.find(':')).c_str());
    std::fflush(stdout);
    const pid_t child = ::fork();
    if (child == 0) {
      take_over(url, rows);
      std::_Exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    if (status != 0) return 1;
    search(url);
  }
  if (!own.empty())
    for (const char* end : {"", "-wal", "-shm"}) std::filesystem::remove(own + end);
  return 0;
}
