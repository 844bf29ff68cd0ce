#include "choregos/daemon/repeats.hpp"

#include <gtest/gtest.h>

#include "choregos/base/limits.hpp"

namespace choregos::daemon {
namespace {

Instant at(Duration d) { return Instant{} + d; }

TEST(Repeats, WritesTheFirstOfAKindAndCountsTheRest) {
  Repeats repeats;
  EXPECT_TRUE(repeats.first("disk", at(0s)));
  EXPECT_TRUE(repeats.first("dns", at(1s)));
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(repeats.first("disk", at(2s)));
  EXPECT_TRUE(repeats.due(at(59s)).empty());
  const auto due = repeats.due(at(60s));
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ(due[0].kind, "disk");
  EXPECT_EQ(due[0].count, 5u);
  EXPECT_TRUE(repeats.first("disk", at(60s)));
  EXPECT_FALSE(repeats.first("dns", at(60s)));
}

TEST(Repeats, SaysNothingOfWhatDidNotRepeat) {
  Repeats repeats;
  EXPECT_TRUE(repeats.first("disk", at(0s)));
  EXPECT_TRUE(repeats.due(at(1h)).empty());
}

TEST(Repeats, GivesUpEverythingAtTheEnd) {
  Repeats repeats;
  EXPECT_TRUE(repeats.first("disk", at(0s)));
  EXPECT_FALSE(repeats.first("disk", at(1s)));
  ASSERT_EQ(repeats.all().size(), 1u);
  EXPECT_TRUE(repeats.all().empty());
}

TEST(Repeats, WritesEveryLineWhenTooManyKindsAreKnown) {
  Repeats repeats;
  for (std::size_t i = 0; i < limits::log_kind_count_max; ++i) EXPECT_TRUE(repeats.first("kind " + std::to_string(i), at(0s)));
  EXPECT_TRUE(repeats.first("one more", at(0s)));
  EXPECT_TRUE(repeats.first("one more", at(0s)));
  EXPECT_FALSE(repeats.first("kind 7", at(0s)));
}

}  // namespace
}  // namespace choregos::daemon
