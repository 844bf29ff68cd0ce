#include "choregos/base/time.hpp"

#include <gtest/gtest.h>

#include "choregos/base/limits.hpp"
#include "choregos/base/result.hpp"
#include "choregos/base/rng.hpp"

namespace choregos {
namespace {

TEST(Rfc3339, WritesUtcWithMilliseconds) {
  EXPECT_EQ(to_rfc3339(WallTime{0}), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(to_rfc3339(WallTime{1'795'428'414'120}), "2026-11-23T10:06:54.120Z");
  EXPECT_EQ(to_rfc3339(WallTime{-1}), "1969-12-31T23:59:59.999Z");
  EXPECT_EQ(to_rfc3339(WallTime{INT64_MAX}), "9999-12-31T23:59:59.999Z");
}

TEST(Rfc3339, ReadsEveryAllowedForm) {
  const struct {
    const char* text;
    std::int64_t ms;
  } rows[] = {{"1970-01-01T00:00:00Z", 0},
              {"1970-01-01t00:00:00.5z", 500},
              {"1970-01-01T01:00:00.123456789+01:00", 123},
              {"1969-12-31T23:00:00-01:00", 0},
              {"2024-02-29T00:00:00Z", 1'709'164'800'000}};
  for (const auto& row : rows) {
    const auto time = parse_rfc3339(row.text);
    ASSERT_TRUE(time) << row.text;
    EXPECT_EQ(time->ms, row.ms) << row.text;
  }
  for (const char* bad : {"", "1970-01-01", "1970-01-01T00:00:00", "1970-13-01T00:00:00Z", "2023-02-29T00:00:00Z", "1970-01-01T24:00:00Z", "1970-01-01T00:00:00.Z",
                          "1970-01-01T00:00:00Zx", "1970-01-01T00:00:00+1:00", "70-01-01T00:00:00Z"})
    EXPECT_FALSE(parse_rfc3339(bad)) << bad;
}

TEST(Rfc3339, RoundTripsAnyTime) {
  Rng rng(3);
  for (int i = 0; i < 5000; ++i) {
    const WallTime time{static_cast<std::int64_t>(rng.below(253'402'300'799'999))};
    ASSERT_EQ(parse_rfc3339(to_rfc3339(time))->ms, time.ms);
  }
}

TEST(DurationText, ReadsUnitsAndRefusesGuesses) {
  EXPECT_EQ(*parse_duration("300ms"), 300ms);
  EXPECT_EQ(*parse_duration("1h30m"), 90min);
  EXPECT_EQ(*parse_duration("2d"), 48h);
  EXPECT_EQ(*parse_duration("0"), Duration{0});
  for (const char* bad : {"", "5", "-5s", "5 s", "5x", "s", "1.5s", "99999999999d"}) EXPECT_FALSE(parse_duration(bad)) << bad;
}

TEST(DurationText, RoundTrips) {
  for (const Duration d : {Duration{1}, Duration{300ms}, Duration{90min}, Duration{49h}, Duration{1500us}}) EXPECT_EQ(*parse_duration(format_duration(d)), d);
}

TEST(Instant, SaturatesInsteadOfWrapping) {
  EXPECT_EQ(Instant::never() + 1h, Instant::never());
  EXPECT_EQ(Instant{INT64_MAX - 5} + 1h, Instant::never());
  EXPECT_EQ(Instant{5} + Duration::max(), Instant::never());
}

TEST(Rng, GivesTheSameNumbersForTheSameSeed) {
  Rng a(42), b(42), c(43);
  const auto first = a.next();
  EXPECT_EQ(first, b.next());
  EXPECT_NE(first, c.next());
  for (int i = 0; i < 1000; ++i) {
    EXPECT_LT(a.below(7), 7U);
    const double u = a.unit();
    EXPECT_GE(u, 0.0);
    EXPECT_LT(u, 1.0);
    const Duration j = a.jitter(1s, 0.1);
    EXPECT_GE(j, 900ms);
    EXPECT_LE(j, 1100ms);
  }
}

TEST(ErrorCode, HasOneRowInTheTableEach) {
  for (int code = 0; code <= static_cast<int>(ErrorCode::internal); ++code) {
    const auto c = static_cast<ErrorCode>(code);
    EXPECT_FALSE(to_string(c).empty());
    EXPECT_GE(http_status(c), 400);
    EXPECT_GE(exit_code(c), 1);
    if (c != ErrorCode::internal) {
      EXPECT_NE(to_string(c), "internal");
    }
  }
}

TEST(Limits, TableIsCompleteAndNamed) {
  for (const auto& row : limits::table()) {
    EXPECT_FALSE(row.name.empty());
    EXPECT_GT(row.value, 0U);
    EXPECT_FALSE(row.when_reached.empty());
  }
}

}  // namespace
}  // namespace choregos
