#include "interpreter/runtime/metrics.h"

#include <gtest/gtest.h>

namespace sufler {
namespace {

TEST(MetricsTextTest, WritesWhatPrometheusReads) {
  MetricsText text;
  text.metric("sufler_turns_total", "counter", "Turns played.");
  text.sample({{"bot", "shop"}, {"transport", "vk"}}, std::uint64_t{12});
  text.sample({}, std::uint64_t{0});
  text.metric("sufler_age_seconds", "gauge", "Age.");
  text.sample({}, 0.5);
  EXPECT_EQ(text.take(),
            "# HELP sufler_turns_total Turns played.\n"
            "# TYPE sufler_turns_total counter\n"
            "sufler_turns_total{bot=\"shop\",transport=\"vk\"} 12\n"
            "sufler_turns_total 0\n"
            "# HELP sufler_age_seconds Age.\n"
            "# TYPE sufler_age_seconds gauge\n"
            "sufler_age_seconds 0.5\n");
}

TEST(MetricsTextTest, ALabelCannotBreakOutOfItsQuotes) {
  MetricsText text;
  text.metric("x", "gauge", "X.");
  text.sample({{"bot", "a\"} 1\n\\"}}, std::uint64_t{1});
  EXPECT_EQ(text.take(), "# HELP x X.\n# TYPE x gauge\nx{bot=\"a\\\"} 1\\n\\\\\"} 1\n");
}

TEST(MetricsTextTest, TheProcessHasMemoryAndTime) {
  MetricsText text;
  add_process_metrics(text);
  const std::string all = text.take();
  EXPECT_NE(all.find("\nprocess_resident_memory_bytes "), std::string::npos) << all;
  EXPECT_EQ(all.find("process_resident_memory_bytes 0\n"), std::string::npos) << all;
  EXPECT_NE(all.find("\nprocess_cpu_seconds_total "), std::string::npos) << all;
}

}  // namespace
}  // namespace sufler
