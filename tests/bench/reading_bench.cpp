// How many answers of a kind one core reads in a second: `reading_bench [SECONDS]`. The texts are the shared tables' (tests/data),
// so short and long, right and wrong ones in the shares that people were thought to write them.
#include <ctime>

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "interpreter/core/reading/dates.h"
#include "interpreter/core/reading/intents.h"
#include "interpreter/core/reading/numbers.h"
#include "reading/table.h"

namespace {

using namespace sufler;

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

std::vector<std::string> texts_of(const std::string& table, std::size_t column) {
  std::vector<std::string> texts;
  for (const TableRow& cells : read_table(table))
    if (cells[1] != "digits" && cells[1] != "range") texts.push_back(cells[column]);
  return texts;
}

std::size_t taken = 0;  // so that nothing is optimised away

void measure(const char* what, const std::vector<std::string>& texts, double seconds,
             const std::function<bool(const std::string&)>& read) {
  for (const std::string& text : texts) taken += read(text) ? 1u : 0u;  // the vocabularies are made at the first call
  std::size_t count = 0;
  std::size_t right = 0;
  const double begin = cpu_seconds();
  double spent = 0;
  do {
    for (const std::string& text : texts) right += read(text) ? 1u : 0u;
    count += texts.size();
    spent = cpu_seconds() - begin;
  } while (spent < seconds);
  taken += right;
  const auto share = 100.0 * static_cast<double>(right) / static_cast<double>(count);
  std::printf("%-34s %9.0f a second  %6.2f us each  %3.0f %% taken\n", what, static_cast<double>(count) / spent,
              spent * 1e6 / static_cast<double>(count), share);
}

}  // namespace

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 2;
  const LocalTime now = *LocalTime::parse_iso("2026-05-17T10:00");
  const auto numbers = texts_of("russian-numbers.tsv", 2);
  const auto dates = texts_of("russian-dates.tsv", 3);
  const auto intents = texts_of("russian-intents.tsv", 2);
  const Language ru = Language::Russian;
  measure("number", numbers, seconds, [&](const std::string& text) { return bool(read_number(text, ru)); });
  measure("money", numbers, seconds, [&](const std::string& text) { return bool(read_money(text, ru)); });
  measure("date", dates, seconds, [&](const std::string& text) { return bool(read_date(text, now, ru)); });
  measure("date and time", dates, seconds, [&](const std::string& text) { return bool(read_datetime(text, now, ru)); });
  measure("time", dates, seconds, [&](const std::string& text) { return bool(read_time(text, now, ru)); });
  measure("yes or no", intents, seconds, [&](const std::string& text) { return bool(read_yes_no(text)); });
  measure("any words, for a command's meaning", intents, seconds,
          [&](const std::string& text) { return bool(read_control(text)); });
  std::vector<std::string> both = numbers;
  both.insert(both.end(), dates.begin(), dates.end());
  measure("numbers and dates, in turns", both, seconds, [&](const std::string& text) {
    const bool is_number = &text < both.data() + numbers.size();
    return is_number ? bool(read_number(text, ru)) : bool(read_date(text, now, ru));
  });
  return taken == 0 ? 1 : 0;
}
