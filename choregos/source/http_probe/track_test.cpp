#include "choregos/source/http_probe/track.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace choregos::source {
namespace {

/// Lost at once by silence, which is still a doubt: the guard against mass silence has a say.
bool is_verdict(const Finding& f) { return f.kind == ObservationKind::doubt && f.lease == Lease{Duration{}, Duration{}}; }

/// One target on a virtual clock: each probe takes as long as its outcome says.
struct Story {
  ProbeSettings settings;
  Rng rng{7};
  Instant now{1'000'000'000'000};
  Track track{now};
  bool draining = false;
  std::vector<Instant> starts;

  Finding probe(Outcome outcome, int status = 200) {
    now = std::max(now, track.due());
    starts.push_back(now);
    track.started(now);
    ProbeResult r;
    r.outcome = outcome;
    r.status = status;
    if (outcome == Outcome::timeout) now = now + track.time_max(settings);
    else now = now + 1ms;
    r.latency = 1ms;
    return track.finished(r, draining, settings, rng, now);
  }
  void make_healthy(int answers = 100) {
    for (int i = 0; i < answers; ++i) probe(Outcome::answered);
  }
  Duration gap(std::size_t back = 0) const { return starts[starts.size() - 1 - back] - starts[starts.size() - 2 - back]; }
};

TEST(Track, ProbesAtOnceThenEveryPeriodWithJitter) {
  Story s;
  const Instant begin = s.now;
  EXPECT_EQ(s.probe(Outcome::answered).kind, ObservationKind::heard);
  EXPECT_EQ(s.starts[0], begin);
  s.probe(Outcome::answered);
  EXPECT_GE(s.gap(), 3s);
  EXPECT_LE(s.gap(), 10s);
  for (int i = 0; i < 50; ++i) {
    s.probe(Outcome::answered);
    EXPECT_GE(s.gap(), 9s);
    EXPECT_LE(s.gap(), 11s);
  }
}

TEST(Track, LeaseOutlivesOneLostProbe) {
  Story s;
  const Finding heard = s.probe(Outcome::answered);
  EXPECT_GE(heard.lease.suspect_after, s.settings.period + s.settings.period / 10 + s.settings.timeout);
  EXPECT_GE(heard.lease.lost_after, heard.lease.suspect_after + 10s);
}

TEST(Track, RefusedTwiceIsTheEndOfTheChannelWithinAQuarterSecond) {
  Story s;
  s.make_healthy(3);
  EXPECT_FALSE(s.probe(Outcome::refused).kind);
  const Finding second = s.probe(Outcome::refused);
  EXPECT_EQ(second.kind, ObservationKind::refused);
  EXPECT_GE(s.gap(), 200ms);
  EXPECT_LE(s.gap(), 250ms);
  EXPECT_FALSE(s.probe(Outcome::refused).kind) << "said once";
}

TEST(Track, ConnectionBrokeAndRefusedTwiceIsDeath) {
  Story s;
  s.make_healthy(3);
  s.track.idle_closed(s.settings, s.now = s.now + 4s);
  const Instant broke = s.now;
  EXPECT_EQ(s.track.due(), broke) << "asked again at once";
  EXPECT_FALSE(s.probe(Outcome::refused).kind);
  EXPECT_EQ(s.probe(Outcome::refused).kind, ObservationKind::dead);
  EXPECT_LE(s.now - broke, 300ms);
}

TEST(Track, ConnectionBrokeAndAnsweredIsNothing) {
  Story s;
  s.make_healthy(3);
  s.track.idle_closed(s.settings, s.now = s.now + 4s);
  EXPECT_EQ(s.probe(Outcome::answered).kind, ObservationKind::heard);
  EXPECT_FALSE(s.probe(Outcome::refused).kind);
  EXPECT_EQ(s.probe(Outcome::refused).kind, ObservationKind::refused) << "the earlier close says nothing about this";
}

TEST(Track, ConnectionBrokeAndSilentIsDoubtAtOnce) {
  Story s;
  s.make_healthy(3);
  s.track.idle_closed(s.settings, s.now = s.now + 4s);
  const Instant broke = s.now;
  EXPECT_EQ(s.probe(Outcome::timeout).kind, ObservationKind::doubt);
  EXPECT_LE(s.now - broke, 600ms) << "a target that answers in 1 ms is not waited for 2 s";
}

TEST(Track, ServersThatCloseIdleConnectionsByHabitAreNotDoubtedForIt) {
  Story s;
  s.make_healthy(3);
  for (int i = 0; i < 3; ++i) {
    s.track.idle_closed(s.settings, s.now = s.now + 5s);
    EXPECT_EQ(s.probe(Outcome::answered).kind, ObservationKind::heard);
  }
  s.track.idle_closed(s.settings, s.now = s.now + 5s);
  EXPECT_FALSE(s.probe(Outcome::timeout).kind);
  EXPECT_EQ(s.probe(Outcome::timeout).kind, ObservationKind::doubt);
}

TEST(Track, ServersThatCloseAtOnceAreProbedOnceASecondAtMostAndThenWithoutKeepAlive) {
  Story s;
  s.make_healthy(3);
  const std::size_t before = s.starts.size();
  const Instant begin = s.now;
  for (int i = 0; i < 20 && s.track.keep_alive(); ++i) {
    s.track.idle_closed(s.settings, s.now = s.now + 10ms);
    s.probe(Outcome::answered);
  }
  EXPECT_FALSE(s.track.keep_alive());
  EXPECT_LE(static_cast<double>(s.starts.size() - before), 2 + static_cast<double>((s.now - begin).count()) / 1e9);
}

TEST(Track, SilenceOfASpotlessTargetIsDoubtedAfterTwoProbesAndLostAfterSix) {
  Story s;
  s.make_healthy(200);
  EXPECT_FALSE(s.probe(Outcome::timeout).kind);
  const Instant first = s.starts.back();
  const Finding doubt = s.probe(Outcome::timeout);
  EXPECT_EQ(doubt.kind, ObservationKind::doubt);
  EXPECT_GE(s.gap(), 2200ms);
  EXPECT_GE(doubt.lease.lost_after, 10s) << "the registry's clock is only the last resort";
  int more = 0;
  while (!is_verdict(s.probe(Outcome::timeout))) ASSERT_LT(++more, 20);
  EXPECT_GE(s.now - first, 10s);
  EXPECT_LE(s.now - first, 20s);
}

TEST(Track, LiveTargetWithThirtyPercentLostProbesIsNeverLost) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Story s;
    s.rng = Rng(seed);
    Rng network(seed + 1000);
    s.probe(Outcome::answered);
    Instant last_heard = s.now;
    Finding last;
    Lease lease = kOpenLease;
    int doubts = 0;
    for (int i = 0; i < 100'000; ++i) {
      const Finding f = s.probe(network.chance(0.3) ? Outcome::timeout : Outcome::answered);
      ASSERT_FALSE(is_verdict(f)) << "seed " << seed << " probe " << i << ": " << f.reason;
      if (f.kind == ObservationKind::heard) {
        if (i > 0) {
          EXPECT_LT(s.now - last_heard, lease.lost_after) << "seed " << seed;
        }
        last_heard = s.now;
        lease = f.lease;
      }
      if (f.kind == ObservationKind::doubt) ++doubts;
    }
    EXPECT_LT(doubts, 2000) << "doubt adapts to the loss";
  }
}

TEST(Track, PauseThatItCameBackFromRaisesTheBar) {
  Story s;
  s.make_healthy(200);
  // Nine seconds of silence, then an answer.
  const Instant until = s.now + 10s + 9s;
  s.probe(Outcome::timeout);
  while (s.now < until) s.probe(Outcome::timeout);
  s.make_healthy(100);
  const Instant first = std::max(s.now, s.track.due());
  int n = 0;
  while (!is_verdict(s.probe(Outcome::timeout))) ASSERT_LT(++n, 40);
  EXPECT_GE(s.now - first, 18s);
}

TEST(Track, RefusedStrangersBackOffToThePeriod) {  // the predecessor asked 15 times in 6 ms
  Story s;
  const Instant begin = s.now;
  int probes = 0;
  while (s.now < begin + 60s) {
    EXPECT_FALSE(s.probe(Outcome::refused).kind) << "a stranger proves nothing";
    if (++probes > 1) {
      EXPECT_GE(s.gap(), 800ms);
    }
  }
  EXPECT_LE(probes, 12);
  EXPECT_GE(s.gap(), 8s);
}

TEST(Track, DeadTargetsBackOffToThePeriod) {
  Story s;
  s.make_healthy(3);
  const std::size_t before = s.starts.size();
  const Instant begin = s.now;
  while (s.now < begin + 120s) s.probe(Outcome::refused);
  EXPECT_LE(s.starts.size() - before, 20u);
  EXPECT_GE(s.gap(), 8s);
}

TEST(Track, AverageRateStaysBelowOneProbeASecondWhateverComesBack) {
  for (const Outcome outcome : {Outcome::answered, Outcome::refused, Outcome::timeout, Outcome::unwell, Outcome::reset, Outcome::unreachable, Outcome::malformed, Outcome::own_fault}) {
    Story s;
    s.settings.period = 1s;
    s.settings.timeout = 500ms;
    s.make_healthy(5);
    const std::size_t before = s.starts.size();
    const Instant begin = s.now;
    while (s.now < begin + 100s) s.probe(outcome, 503);
    EXPECT_LE(s.starts.size() - before, 112u) << to_string(outcome);
  }
}

TEST(Track, UnwellAnswersAreOneDoubtNotOnePerProbe) {
  Story s;
  s.make_healthy(3);
  int findings = 0;
  const Instant begin = s.now;
  int probes = 0;
  while (s.now < begin + 100s) {
    ++probes;
    if (const Finding f = s.probe(Outcome::unwell, 503); f.kind) {
      ++findings;
      EXPECT_EQ(f.kind, ObservationKind::doubt);
      EXPECT_NE(f.reason.find("503"), std::string::npos);
    }
  }
  EXPECT_EQ(findings, 1);
  EXPECT_LE(probes, 17);
}

TEST(Track, RedirectsAreFailedProbes) {
  Story s;
  s.make_healthy(3);
  EXPECT_FALSE(s.probe(Outcome::redirected, 302).kind);
  EXPECT_EQ(s.probe(Outcome::redirected, 302).kind, ObservationKind::doubt);
}

TEST(Track, DrainingTargetThatFallsSilentIsOverAtOnce) {
  Story s;
  s.make_healthy(3);
  s.draining = true;
  EXPECT_FALSE(s.probe(Outcome::timeout).kind);
  EXPECT_TRUE(is_verdict(s.probe(Outcome::timeout)));
  EXPECT_TRUE(s.track.silent());
}

TEST(Track, OurOwnFaultsProveNothing) {
  Story s;
  s.make_healthy(3);
  for (int i = 0; i < 50; ++i) EXPECT_FALSE(s.probe(Outcome::own_fault).kind);
  EXPECT_FALSE(s.track.failing());
}

TEST(Track, TimeOutThatOurOwnStallCausedProvesNothing) {
  Story s;
  s.make_healthy(3);
  for (int i = 0; i < 10; ++i) {
    s.now = s.track.due();
    s.track.started(s.now);
    s.now = s.now + 30s;
    ProbeResult r;
    r.outcome = Outcome::timeout;
    EXPECT_FALSE(s.track.finished(r, false, s.settings, s.rng, s.now).kind);
  }
  EXPECT_FALSE(s.track.failing());
}

TEST(Track, AnswerAfterTheEndBringsItBack) {
  Story s;
  s.make_healthy(3);
  s.probe(Outcome::refused);
  s.probe(Outcome::refused);
  EXPECT_EQ(s.probe(Outcome::answered).kind, ObservationKind::heard);
  EXPECT_TRUE(s.track.answering());
}

TEST(Settings, OutOfRangeIsRefusedWithTheRange) {
  ProbeSettings s;
  EXPECT_TRUE(check(s));
  s.period = 500ms;
  EXPECT_FALSE(check(s));
  s = {};
  s.timeout = 6s;
  ASSERT_FALSE(check(s));
  EXPECT_NE(check(s).error().message.find("5s"), std::string::npos);
}

}  // namespace
}  // namespace choregos::source
