#include "choregos/registry/listening.hpp"

#include <gtest/gtest.h>

#include "choregos/base/limits.hpp"
#include "choregos/base/rng.hpp"
#include "choregos/registry/local_health.hpp"

namespace choregos::registry {
namespace {

constexpr Instant at(double seconds) { return Instant{static_cast<std::int64_t>(seconds * 1e9)}; }

TEST(Listening, WithoutASignEveryMomentCounts) {
  Listening l;
  EXPECT_FALSE(l.in_force());
  EXPECT_EQ(l.horizon(at(7)), at(7));
  EXPECT_EQ(l.between(at(1), at(7)), 6s);
  EXPECT_EQ(l.after(at(1), 6s), at(7));
}

TEST(Listening, TheHorizonIsTheLastSign) {
  Listening l;
  EXPECT_EQ(l.listened(at(1), 3s), 0s);
  EXPECT_EQ(l.horizon(at(9)), at(1));
  EXPECT_EQ(l.listened(at(1.5), 3s), 0s) << "half a second is ordinary";
  EXPECT_EQ(l.horizon(at(9)), at(1.5));
  EXPECT_EQ(l.listened(at(1.2), 3s), 0s) << "an older sign moves nothing back";
  EXPECT_EQ(l.horizon(at(9)), at(1.5));
  EXPECT_EQ(l.horizon(at(0)), at(0)) << "never later than now";
}

TEST(Listening, AGapCountsForNobody) {
  Listening l;
  l.listened(at(10), 3s);
  EXPECT_EQ(l.listened(at(11), 3s), 1s);
  EXPECT_EQ(l.between(at(0), at(20)), 19s);
  EXPECT_EQ(l.between(at(10.5), at(20)), 9s) << "only what lies after its start";
  EXPECT_EQ(l.between(at(0), at(10.5)), 10s);
  EXPECT_EQ(l.between(at(11), at(20)), 9s);
  EXPECT_EQ(l.after(at(9), 3s), at(13));
  EXPECT_EQ(l.after(at(11), 3s), at(14));
}

TEST(Listening, AfterALongStallEverybodyGetsMoreTime) {
  Listening l;
  l.listened(at(10), 3s);
  l.listened(at(40), 3s);
  EXPECT_EQ(l.after(at(9), 3s), at(45)) << "1 s before the stall, 30 s of it, 3 s of hold, 2 s more";
  l.listened(at(40.1), 3s);
  EXPECT_EQ(l.horizon(at(41)), at(40.1)) << "the hold does not stop the horizon";
}

TEST(Listening, OldGapsAreDroppedAndCountAgain) {
  Listening l;
  double t = 0;
  l.listened(at(t), 3s);
  for (int i = 0; i < 100; ++i) {
    l.listened(at(t += 1), 3s);     // a gap of a second
    l.listened(at(t += 0.25), 3s);  // none
  }
  EXPECT_EQ(l.between(at(0), at(t)), Duration{125s} - static_cast<int>(limits::deafness_count_max) * 1s);
}

TEST(Listening, AfterAndBetweenAgree) {
  Rng rng(5);
  for (int round = 0; round < 2000; ++round) {
    Listening l;
    double t = 0;
    for (int i = 0; i < 10; ++i) l.listened(at(t += rng.unit() * 4), 3s);
    const Instant from = at(rng.unit() * t);
    const Duration wait = Duration{static_cast<std::int64_t>(rng.unit() * 10e9)} + Duration{1};
    const Instant end = l.after(from, wait);
    ASSERT_EQ(l.between(from, end), wait) << round;
    ASSERT_LT(l.between(from, end - Duration{1}), wait) << round;
  }
}

// ---- our own health ---------------------------------------------------------------------------------------------------

Sign sign(SignKind kind, Instant when, Duration amount = {}) {
  Sign out;
  out.kind = kind;
  out.at = when;
  out.amount = amount;
  return out;
}

TEST(LocalHealth, RisesByOneASecondOfEachKindAndFallsByOneACleanSecond) {
  LocalHealth h;
  EXPECT_EQ(h.score(at(0)), 0U);
  EXPECT_EQ(h.stretch(at(0)), 1);
  for (int i = 0; i < 10; ++i) h.note(sign(SignKind::drops, at(1 + i * 0.05)));
  EXPECT_EQ(h.score(at(1.5)), 1U) << "one kind, one second";
  h.note(sign(SignKind::send_failed, at(1.5)));
  EXPECT_EQ(h.score(at(1.5)), 2U);
  EXPECT_EQ(h.stretch(at(1.5)), 2);
  EXPECT_EQ(h.score(at(3.4)), 2U) << "the second in which the trouble lay is not clean";
  EXPECT_EQ(h.score(at(3.5)), 1U);
  EXPECT_EQ(h.score(at(4.5)), 0U);
  EXPECT_EQ(h.reason(at(4.5)), "");
}

TEST(LocalHealth, NeverExceedsEight) {
  LocalHealth h;
  for (int i = 0; i < 100; ++i) h.note(sign(SignKind::canary_lost, at(i)));
  EXPECT_EQ(h.score(at(99)), 8U);
  EXPECT_EQ(h.stretch(at(99)), 5);
}

TEST(LocalHealth, SmallLagIsNone) {
  LocalHealth h;
  h.note(sign(SignKind::lag, at(1), 250ms));
  EXPECT_EQ(h.score(at(1)), 0U);
  h.note(sign(SignKind::lag, at(1), 251ms));
  EXPECT_EQ(h.score(at(1)), 1U);
  EXPECT_EQ(h.reason(at(1)), "our loop was late by 251ms");
}

TEST(LocalHealth, SignsOfOthersAreNoTroubleOfOurs) {
  LocalHealth h;
  for (const SignKind kind : {SignKind::listened, SignKind::canary_heard, SignKind::link_back, SignKind::node_down, SignKind::thaw}) h.note(sign(kind, at(1)));
  EXPECT_EQ(h.score(at(1)), 0U);
}

}  // namespace
}  // namespace choregos::registry
