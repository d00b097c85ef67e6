#include "interpreter/runtime/metrics.h"

#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <fstream>

namespace sufler {
namespace {

/// The process exists since a little before this is set.
const double kStartedAt =
    std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();

std::uint64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t all = 0, resident = 0;
  statm >> all >> resident;
  return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

}  // namespace

void MetricsText::metric(std::string_view name, std::string_view kind, std::string_view help) {
  name_ = name;
  out_.append("# HELP ").append(name).append(" ").append(help).append("\n# TYPE ").append(name).append(" ");
  out_.append(kind).append("\n");
}

void MetricsText::begin(const Labels& labels) {
  out_ += name_;
  char mark = '{';
  for (const auto& [label, value] : labels) {
    out_ += mark;
    out_.append(label).append("=\"");
    for (const char c : value) {
      if (c == '\n') {
        out_ += "\\n";
        continue;
      }
      if (c == '"' || c == '\\') out_ += '\\';
      out_ += c;
    }
    out_ += '"';
    mark = ',';
  }
  if (!labels.empty()) out_ += '}';
  out_ += ' ';
}

void MetricsText::sample(const Labels& labels, double value) {
  begin(labels);
  char text[32];
  std::snprintf(text, sizeof text, "%.17g", value);
  out_.append(text).append("\n");
}

void MetricsText::sample(const Labels& labels, std::uint64_t value) {
  begin(labels);
  out_.append(std::to_string(value)).append("\n");
}

void add_process_metrics(MetricsText& text) {
  text.metric("process_resident_memory_bytes", "gauge", "Memory of the process.");
  text.sample({}, resident_bytes());
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  text.metric("process_cpu_seconds_total", "counter", "Processor time of the process.");
  text.sample({}, seconds(usage.ru_utime) + seconds(usage.ru_stime));
  text.metric("process_start_time_seconds", "gauge", "Unix time at which the process started.");
  text.sample({}, kStartedAt);
}

}  // namespace sufler
