#include "choregos/sdk/beacon_schedule.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace choregos::sdk {
namespace {

using wire::BeaconType;

struct Sent {
  Instant at;
  BeaconType type;
};
/// Everything that is sent from `now` to `end`.
std::vector<Sent> run(BeaconSchedule& schedule, Instant now, Instant end) {
  std::vector<Sent> sent;
  while ((now = std::max(now, schedule.next_deadline())) <= end)
    if (auto type = schedule.tick(now)) sent.push_back({now, *type});
  return sent;
}
constexpr Instant kStart{1'000'000'000};

TEST(BeaconSchedule, AnnouncesThreeTimesAtTheStart) {
  BeaconSchedule schedule(1s, 1);
  schedule.start(kStart);
  const auto sent = run(schedule, kStart, kStart + 500ms);
  ASSERT_EQ(sent.size(), 3u);
  for (const auto& one : sent) EXPECT_EQ(one.type, BeaconType::announce);
  EXPECT_EQ(sent[0].at, kStart);
  EXPECT_GT(sent[1].at, kStart + 100ms);
}

TEST(BeaconSchedule, ThenSendsAliveEachIntervalAndAnnouncesEveryTenth) {
  BeaconSchedule schedule(1s, 1);
  schedule.start(kStart);
  auto sent = run(schedule, kStart, kStart + 60s);
  sent.erase(sent.begin(), sent.begin() + 3);
  ASSERT_GT(sent.size(), 50u);
  for (std::size_t i = 0; i < sent.size(); ++i) {
    EXPECT_EQ(sent[i].type, i % 10 == 9 ? BeaconType::announce : BeaconType::alive) << i;
    if (i > 0) {
      EXPECT_GE(sent[i].at - sent[i - 1].at, 900ms);
      EXPECT_LE(sent[i].at - sent[i - 1].at, 1100ms);
    }
  }
}

TEST(BeaconSchedule, AnnouncesAChangeAtOnceButNotAStormOfThem) {
  BeaconSchedule schedule(10s, 1);
  schedule.start(kStart);
  run(schedule, kStart, kStart + 5s);
  const Instant change = kStart + 6s;
  schedule.changed(change);
  EXPECT_EQ(schedule.next_deadline(), change);
  EXPECT_EQ(schedule.tick(change), BeaconType::announce);
  for (int i = 0; i < 1000; ++i) schedule.changed(change + 1ms);
  EXPECT_EQ(schedule.next_deadline(), change + BeaconSchedule::kChangeGap);
  EXPECT_EQ(run(schedule, change + 1ms, change + 1s).size(), 1u);
}

TEST(BeaconSchedule, TakesAFasterPaceAtOnce) {
  BeaconSchedule schedule(60s, 1);
  schedule.start(kStart);
  run(schedule, kStart, kStart + 1s);
  schedule.pace(1s, kStart + 2s);
  EXPECT_EQ(schedule.next_deadline(), kStart + 3s);
}

TEST(BeaconSchedule, SendsNothingBeforeItIsStarted) {
  BeaconSchedule schedule(1s, 1);
  schedule.changed(kStart);
  EXPECT_EQ(schedule.next_deadline(), Instant::never());
  EXPECT_FALSE(schedule.tick(kStart + 1h));
}

}  // namespace
}  // namespace choregos::sdk
