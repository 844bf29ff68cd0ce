#include "choregos/source/beacon/pace.hpp"

#include <gtest/gtest.h>

#include "choregos/model/pacing.hpp"

namespace choregos::source::beacon {
namespace {

TEST(BeaconInterval, IsASecondUntilFiveThousandAgentsAndGrowsWithThem) {
  EXPECT_EQ(beacon_interval(0), 1s);
  EXPECT_EQ(beacon_interval(1), 1s);
  EXPECT_EQ(beacon_interval(5000), 1s);
  EXPECT_EQ(beacon_interval(5001), 1001ms);
  EXPECT_EQ(beacon_interval(10'000), 2s);
  EXPECT_EQ(beacon_interval(1'000'000), 200s);
}

TEST(Pace, LeaseIsAboutThreeAndTenIntervals) {
  Pace pace;
  EXPECT_EQ(pace.lease(), (Lease{3050ms, 10s, 1s}));
  pace.agents(20'000, Instant{0});
  EXPECT_EQ(pace.interval(), 4s);
  EXPECT_EQ(pace.lease(), (Lease{12200ms, 40s, 4s}));
}

TEST(Pace, KeepsTheLongerLeaseUntilAgentsHaveHeardOfTheShorterInterval) {
  Pace pace;
  Instant now{1'000'000'000};
  pace.agents(20'000, now);
  now = now + 119s;
  pace.agents(100, now);
  EXPECT_EQ(pace.interval(), 1s) << "what is told follows at once";
  EXPECT_EQ(pace.lease(), (Lease{12200ms, 40s, 4s}));
  now = now + 1s;
  pace.agents(100, now);
  EXPECT_EQ(pace.lease(), (Lease{3050ms, 10s, 1s}));
}

TEST(Pace, TakesALongerIntervalAtOnce) {
  Pace pace;
  pace.agents(100, Instant{0});
  pace.agents(10'000, Instant{1});
  EXPECT_EQ(pace.lease(), (Lease{6100ms, 20s, 2s}));
}

}  // namespace
}  // namespace choregos::source::beacon
