#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sufler {

/// Figures as Prometheus reads them (text format 0.0.4). No label holds a person's data or a secret.
class MetricsText {
 public:
  using Labels = std::vector<std::pair<std::string_view, std::string_view>>;

  /// Begins a metric; its samples follow. `kind` is `counter` or `gauge`.
  void metric(std::string_view name, std::string_view kind, std::string_view help);
  void sample(const Labels& labels, double value);
  void sample(const Labels& labels, std::uint64_t value);
  std::string take() { return std::move(out_); }

 private:
  void begin(const Labels& labels);
  std::string name_;
  std::string out_;
};

/// Memory, processor time and start of this process.
void add_process_metrics(MetricsText& text);

}  // namespace sufler
