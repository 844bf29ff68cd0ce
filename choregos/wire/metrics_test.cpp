#include "choregos/wire/metrics.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <memory>

namespace choregos::wire {
namespace {

MetricsWriter sample() {
  MetricsWriter out;
  out.family("choregos_agents", MetricType::gauge, "Listed agents by liveness,\nback\\slash.");
  out.sample(9, {{"liveness", "alive"}}).sample(std::uint64_t{0}, {{"liveness", "a\"b\\c\nd\xff"}});
  out.family("choregos_beacons_total", MetricType::counter, "Beacons taken.").sample(std::numeric_limits<std::uint64_t>::max());
  out.family("choregos_latency_seconds", MetricType::histogram, "Time of a probe.");
  out.histogram(std::array{0.005, 0.1}, std::array<std::uint64_t, 3>{1, 2, 3}, 4.5, {{"source", "http_probe"}});
  out.family("choregos_clock_skew_seconds", MetricType::gauge, "Skew.").sample(std::numeric_limits<double>::quiet_NaN());
  return out;
}

TEST(Metrics, WritesTheTextFormat) {
  EXPECT_EQ(sample().text(),
            "# HELP choregos_agents Listed agents by liveness,\\nback\\\\slash.\n"
            "# TYPE choregos_agents gauge\n"
            "choregos_agents{liveness=\"alive\"} 9\n"
            "choregos_agents{liveness=\"a\\\"b\\\\c\\nd\xef\xbf\xbd\"} 0\n"
            "# HELP choregos_beacons_total Beacons taken.\n"
            "# TYPE choregos_beacons_total counter\n"
            "choregos_beacons_total 18446744073709551615\n"
            "# HELP choregos_latency_seconds Time of a probe.\n"
            "# TYPE choregos_latency_seconds histogram\n"
            "choregos_latency_seconds_bucket{source=\"http_probe\",le=\"0.005\"} 1\n"
            "choregos_latency_seconds_bucket{source=\"http_probe\",le=\"0.1\"} 3\n"
            "choregos_latency_seconds_bucket{source=\"http_probe\",le=\"+Inf\"} 6\n"
            "choregos_latency_seconds_sum{source=\"http_probe\"} 4.5\n"
            "choregos_latency_seconds_count{source=\"http_probe\"} 6\n"
            "# HELP choregos_clock_skew_seconds Skew.\n"
            "# TYPE choregos_clock_skew_seconds gauge\n"
            "choregos_clock_skew_seconds NaN\n");
}

TEST(Metrics, AreAcceptedByPromtool) {
  if (std::system("command -v promtool >/dev/null 2>&1") != 0) {
    const char* no_skip = std::getenv("CHOREGOS_NO_SKIP");
    if (no_skip != nullptr && std::string_view(no_skip) == "1") FAIL() << "promtool is missing (package prometheus)";
    GTEST_SKIP() << "promtool is missing (package prometheus)";
  }
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(popen("promtool check metrics 2>&1", "w"), nullptr);
  ASSERT_TRUE(pipe);
  const std::string text = sample().text();
  ASSERT_EQ(std::fwrite(text.data(), 1, text.size(), pipe.get()), text.size());
  EXPECT_EQ(pclose(pipe.release()), 0);
}

}  // namespace
}  // namespace choregos::wire
