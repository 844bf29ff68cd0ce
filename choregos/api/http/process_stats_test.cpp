#include "choregos/api/http/process_stats.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <vector>

namespace choregos::api {
namespace {

TEST(ProcessStats, KnowsMemoryThreadsAndStart) {
  const auto stats = read_process_stats();
  EXPECT_GT(stats.resident_bytes, 1'000'000u);
  EXPECT_GT(stats.virtual_bytes, stats.resident_bytes);
  EXPECT_GE(stats.threads, 1u);
  EXPECT_GT(stats.max_fds, 10u);
  const double now = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  EXPECT_LT(stats.start_seconds, now + 2);
  EXPECT_GT(stats.start_seconds, now - 3600);
}

TEST(ProcessStats, CountsOpenFiles) {
  const auto before = read_process_stats().open_fds;
  std::FILE* file = std::fopen("/dev/null", "r");
  EXPECT_EQ(read_process_stats().open_fds, before + 1);
  std::fclose(file);
  EXPECT_EQ(read_process_stats().open_fds, before);
}

}  // namespace
}  // namespace choregos::api
