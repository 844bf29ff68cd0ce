// Silence: when it is proof enough, what speaks against it, and when it is our own.
#include "choregos/base/rng.hpp"
#include "choregos/registry/world_for_tests.hpp"

namespace choregos {
namespace {

constexpr Lease kBeat{3s, 10s, 1s};

/// The agent's beacon number `n`, on a lease that knows its interval.
Observation beat(const std::string& id, std::uint64_t n) {
  Observation o = beacon(id);
  o.sequence = n;
  o.lease = kBeat;
  o.from = IpAddress::v4(10, 0, 1, 7);
  return o;
}

Sign listened(Instant until) {
  Sign sign;
  sign.kind = SignKind::listened;
  sign.at = sign.until = until;
  return sign;
}

/// Beats for `count` seconds; `arrives` says which of them get through.
template <class Arrives>
std::uint64_t beat_for(World& w, const std::string& id, std::uint64_t from, int count, Arrives arrives) {
  for (int i = 0; i < count; ++i, ++from) {
    if (arrives(i)) w.apply(beat(id, from));
    w.advance(1s);
  }
  return from;
}
constexpr auto kAll = [](int) { return true; };

Liveness of(World& w, const std::string& id) { return w.agent(id)->liveness; }

TEST(Detector, SuspectsAfterThreeIntervalsAndLosesAfterTen) {
  World w;
  beat_for(w, "a1", 1, 60, kAll);  // the last one a second ago
  w.advance(1900ms);
  EXPECT_EQ(of(w, "a1"), Liveness::alive);
  w.advance(100ms);
  EXPECT_EQ(of(w, "a1"), Liveness::suspect);
  w.advance(6900ms);
  EXPECT_EQ(of(w, "a1"), Liveness::suspect);
  w.advance(100ms);
  EXPECT_EQ(of(w, "a1"), Liveness::lost);
  EXPECT_EQ(w.agent("a1")->reason, "beacon: silent for over 10s");
}

TEST(Detector, ALossyPathNeedsMoreSilenceWhenNobodyAnswersQuestions) {
  World w;
  Rng rng(1);
  beat_for(w, "a1", 1, 300, [&](int i) { return i == 299 || rng.chance(0.5); });
  w.advance(9s);
  EXPECT_EQ(of(w, "a1"), Liveness::suspect) << "ten seconds of silence happen on a path that loses half";
  w.advance(60s);
  EXPECT_EQ(of(w, "a1"), Liveness::lost);
}

TEST(Detector, QuestionsInVainMakeUpForALossyPath) {
  World w;
  beat_for(w, "a1", 1, 300, [&](int i) { return i % 3 != 0; });  // one in three is lost, never two in a row
  for (int i = 0; i < 36; ++i) {
    w.advance(250ms);
    Observation asked = of_kind(beat("a1", 0), ObservationKind::asked, "");
    w.apply(asked);
  }
  w.advance(250ms);
  EXPECT_EQ(of(w, "a1"), Liveness::lost) << "at 10 s, as on a clean path";
}

TEST(Detector, AsksAQuietAgentAndStopsWhenItIsHeard) {
  World w;
  auto n = beat_for(w, "a1", 1, 20, kAll);
  EXPECT_TRUE(w.registry.take_asks().empty());
  w.advance(2s);
  const auto asks = w.registry.take_asks();
  ASSERT_EQ(asks.size(), 9U) << "at 2 s and each eighth of a second to 3 s";
  EXPECT_EQ(asks[0].source, "beacon");
  EXPECT_EQ(asks[0].subject, "a1");
  EXPECT_EQ(asks[0].id, "a1");
  EXPECT_EQ(asks[0].incarnation, 7U);
  EXPECT_TRUE(asks[0].helpers.empty());
  w.advance(1s);
  EXPECT_EQ(w.registry.take_asks().size(), 8U) << "eight while its silence weighs too little";
  w.advance(4s);
  w.registry.take_asks();
  w.advance(1s);
  EXPECT_EQ(w.registry.take_asks().size(), 4U) << "four once it weighs enough";
  w.apply(beat("a1", n));
  w.advance(1900ms);
  EXPECT_TRUE(w.registry.take_asks().empty());
}

TEST(Detector, NobodyIsAskedOnceLost) {
  World w;
  beat_for(w, "a1", 1, 20, kAll);
  w.advance(10s);
  ASSERT_EQ(of(w, "a1"), Liveness::lost);
  w.registry.take_asks();
  w.advance(60s);
  EXPECT_TRUE(w.registry.take_asks().empty());
}

TEST(Detector, AsksAHelperOfAnotherSubnetAboutASuspect) {
  World w;
  for (int i = 0; i < 20; ++i) {
    w.apply(beat("near", 1 + i));
    Observation far = beat("far", 1 + i);
    far.from = IpAddress::v4(10, 0, 2, 7);
    w.apply(far);
    if (i < 10) w.apply(beat("a1", 1 + i));
    w.advance(1s);
  }
  std::size_t by_helper = 0, far = 0;
  for (const Ask& ask : w.registry.take_asks()) {
    EXPECT_EQ(ask.id, "a1");
    if (ask.helpers.empty()) continue;
    ++by_helper;
    far += ask.helpers == std::vector<std::string>{"far"};
  }
  EXPECT_GT(by_helper, 10U);
  EXPECT_GT(far, by_helper / 2);
}

TEST(Detector, QuestionsAreBoundedForTheWholeFleet) {
  RegistrySettings settings;
  settings.detector.asks_per_second = 50;
  settings.guard.enabled = false;
  World w(settings);
  for (int i = 0; i < 1000; ++i) w.apply(beat("a" + std::to_string(i), 1));
  w.advance(5s);
  EXPECT_LE(w.registry.take_asks().size(), 200U);
}

TEST(Detector, AnAgentThatCameBackFromALongSilenceIsWaitedForThreeTimesAsLong) {
  World w;
  auto n = beat_for(w, "a1", 1, 30, kAll);
  w.advance(6s);  // seven seconds since the last
  n = beat_for(w, "a1", n + 6, 30, kAll);
  w.advance(19s);
  EXPECT_EQ(of(w, "a1"), Liveness::suspect);
  w.advance(2s);
  EXPECT_EQ(of(w, "a1"), Liveness::lost) << "at 21 s";
  w.apply(beat("a1", n + 21));
  EXPECT_EQ(of(w, "a1"), Liveness::alive);
}

TEST(Detector, TheLearntFloorIsForgottenAfterAnHour) {
  World w;
  auto n = beat_for(w, "a1", 1, 10, kAll);
  w.advance(6s);
  beat_for(w, "a1", n + 6, 3610, kAll);
  w.advance(9s);
  EXPECT_EQ(of(w, "a1"), Liveness::lost);
}

TEST(Detector, AllWaitsScaleWithTheInterval) {
  World w;
  for (int i = 1; i <= 20; ++i) {
    Observation o = beat("a1", i);
    o.lease = {15s, 50s, 5s};
    w.apply(o);
    w.advance(5s);
  }
  w.advance(9s);
  EXPECT_EQ(of(w, "a1"), Liveness::alive);
  w.advance(1s);
  EXPECT_EQ(of(w, "a1"), Liveness::suspect);
  w.advance(34s);
  EXPECT_EQ(of(w, "a1"), Liveness::suspect);
  w.advance(1s);
  EXPECT_EQ(of(w, "a1"), Liveness::lost);
}

TEST(Detector, AnyChannelThatHearsItKeepsItAlive) {
  World w;
  auto n = beat_for(w, "a1", 1, 10, kAll);
  for (int i = 0; i < 60; ++i) {  // ten minutes of probes, no beacon
    Observation o = probe("10.0.0.5:8081", "a1");
    o.incarnation = 7;
    w.apply(o);
    w.advance(10s);
    ASSERT_EQ(of(w, "a1"), Liveness::alive);
  }
  w.advance(11s);
  EXPECT_NE(of(w, "a1"), Liveness::alive);
  w.advance(11s);
  EXPECT_EQ(of(w, "a1"), Liveness::lost) << "all are silent now";
  w.apply(beat("a1", n));
  EXPECT_EQ(of(w, "a1"), Liveness::alive);
}

/// An answer of the probe, which can be asked again.
Observation answered(const std::string& id) {
  Observation o = probe("10.0.0.5:8081", id);
  o.incarnation = 7;
  o.answer = true;
  return o;
}

TEST(Probe, BesideBeaconsAnAnswerCountsNoLongerThanABeacon) {
  World w;
  for (int i = 1; i <= 20; ++i) {
    w.apply(beat("a1", static_cast<std::uint64_t>(i)));
    if (i % 10 == 0) w.apply(answered("a1"));
    w.advance(1s);
  }
  w.registry.take_asks();
  w.advance(1s);  // silent on both since two seconds
  bool asked_probe = false;
  for (const Ask& ask : w.registry.take_asks()) asked_probe |= ask.source == "http_probe" && ask.subject == "10.0.0.5:8081";
  EXPECT_TRUE(asked_probe) << "the probe is hurried";
  w.advance(1200ms);
  EXPECT_EQ(of(w, "a1"), Liveness::suspect);
  w.advance(7s);
  EXPECT_EQ(of(w, "a1"), Liveness::lost);
}

TEST(Probe, HurriedAnswersKeepAnAgentAliveWhoseBeaconsAreCut) {
  World w;
  beat_for(w, "a1", 1, 10, kAll);
  w.apply(answered("a1"));
  for (int i = 0; i < 240; ++i) {
    w.advance(1s);
    for (const Ask& ask : w.registry.take_asks())
      if (ask.source == "http_probe") w.apply(answered("a1"));
    ASSERT_EQ(of(w, "a1"), Liveness::alive) << i;
  }
}

TEST(Probe, ThatFailsSaysThatTheAgentCannotBeReached) {
  World w;
  w.apply(beat("a1", 1));
  EXPECT_FALSE(w.agent("a1")->reachable);
  w.apply(answered("a1"));
  EXPECT_EQ(w.agent("a1")->reachable, true);
  w.advance(1s);
  w.apply(beat("a1", 2));
  Observation failed = of_kind(answered("a1"), ObservationKind::doubt, "no answer");
  failed.lease = {0s, 20s};
  w.apply(failed);
  EXPECT_EQ(of(w, "a1"), Liveness::alive);
  EXPECT_EQ(w.agent("a1")->reachable, false) << "that it answered once is no answer now";
  w.advance(1s);
  w.apply(answered("a1"));
  EXPECT_EQ(w.agent("a1")->reachable, true);
}

// ---- tethers ----------------------------------------------------------------------------------------------------------

Observation held(const std::string& id, bool answer = false) {
  Observation o = tether(id);
  o.lease.interval = 1s;
  o.answer = answer;
  return o;
}

TEST(Tether, HeldBySomethingThatOnlyHoldsItIsLife) {
  World w;
  w.apply(held("a1"));
  w.apply(of_kind(held("a1"), ObservationKind::asked, ""));
  w.advance(24h);
  EXPECT_EQ(of(w, "a1"), Liveness::alive) << "curl answers no questions";
  EXPECT_TRUE(w.registry.take_asks().empty());
}

TEST(Tether, OfAnAgentThatAnswersIsAskedAndAStoppedProcessIsLost) {
  World w;
  w.apply(held("a1", true));
  for (int i = 0; i < 30; ++i) {
    w.advance(2s);
    const auto asks = w.registry.take_asks();
    ASSERT_FALSE(asks.empty()) << i;
    EXPECT_EQ(asks[0].source, "registration");
    w.apply(of_kind(held("a1"), ObservationKind::asked, ""));
    w.apply(held("a1", true));
    ASSERT_EQ(of(w, "a1"), Liveness::alive);
  }
  // Stopped: the kernel keeps its connection open, nobody answers.
  for (int i = 0; i < 200 && of(w, "a1") != Liveness::lost; ++i) {
    w.advance(50ms);
    for (const Ask& ask : w.registry.take_asks()) {
      EXPECT_TRUE(ask.helpers.empty()) << "a helper cannot reach a tether";
      w.apply(of_kind(held("a1"), ObservationKind::asked, ""));
    }
    const Duration passed = 50ms * (i + 1);
    if (passed < 3s) {
      ASSERT_EQ(of(w, "a1"), Liveness::alive) << format_duration(passed);
    } else if (passed >= 3100ms && passed < 10s) {
      ASSERT_EQ(of(w, "a1"), Liveness::suspect) << format_duration(passed);
    }
  }
  EXPECT_EQ(of(w, "a1"), Liveness::lost);
  w.apply(held("a1", true));
  EXPECT_EQ(of(w, "a1"), Liveness::alive);
}

TEST(Tether, ThatAnswersNothingHoldsASilentAgentAsSuspectForABoundedTime) {
  World w;
  w.apply(held("a1"));
  beat_for(w, "a1", 1, 10, kAll);
  w.advance(2s);
  EXPECT_EQ(of(w, "a1"), Liveness::suspect) << "it spoke each second; that its connection is open proves little";
  w.advance(9min);
  EXPECT_EQ(of(w, "a1"), Liveness::suspect);
  w.advance(2min);
  EXPECT_EQ(of(w, "a1"), Liveness::lost);
}

TEST(Tether, ThatAnswersKeepsAnAgentAliveWhoseBeaconsAreCut) {
  World w;
  w.apply(held("a1", true));
  beat_for(w, "a1", 1, 10, kAll);
  for (int i = 0; i < 600; ++i) {  // ten minutes
    w.advance(1s);
    for (const Ask& ask : w.registry.take_asks()) {
      if (ask.source != "registration") continue;
      w.apply(of_kind(held("a1"), ObservationKind::asked, ""));
      w.apply(held("a1", true));
    }
    ASSERT_EQ(of(w, "a1"), Liveness::alive) << i;
  }
}

// ---- our own ears -----------------------------------------------------------------------------------------------------

TEST(Listening, SilenceIsNotJudgedBeyondWhatWasListenedTo) {
  World w;
  w.registry.note(listened(w.now), w.now, w.wall(), w.changes);
  w.apply(beat("a1", 1));
  w.advance(1h);
  w.registry.tick(w.now, w.wall(), w.changes);
  EXPECT_EQ(of(w, "a1"), Liveness::alive) << "nobody has listened since";
  EXPECT_EQ(w.registry.next_deadline(), Instant::never()) << "time alone changes nothing then";
}

TEST(Listening, AStallCountsForNobodysSilence) {
  World w;
  const auto listen_for = [&](Duration d) {
    for (const Instant end = w.now + d; w.now < end;) {
      w.advance(100ms);
      w.registry.note(listened(w.now), w.now, w.wall(), w.changes);
      w.registry.tick(w.now, w.wall(), w.changes);
    }
  };
  listen_for(1s);
  w.apply(beat("a1", 1));
  listen_for(1s);
  w.advance(120s);  // stopped
  listen_for(4s);
  EXPECT_EQ(of(w, "a1"), Liveness::alive) << "three intervals of grace, and what it had left";
  listen_for(2s);
  EXPECT_EQ(of(w, "a1"), Liveness::suspect);
  listen_for(15s);
  EXPECT_EQ(of(w, "a1"), Liveness::lost);
}

TEST(Listening, TroubleOfOurOwnStretchesEveryWait) {
  World w;
  beat_for(w, "a1", 1, 20, kAll);
  Sign drops;
  drops.kind = SignKind::drops;
  drops.count = 10;
  for (int i = 0; i < 20; ++i) {
    drops.at = w.now;
    w.registry.note(drops, w.now, w.wall(), w.changes);
    EXPECT_NE(of(w, "a1"), Liveness::lost) << i;
    w.advance(1s);
  }
  EXPECT_EQ(w.registry.snapshot(w.now, w.wall())->guard()->health_score, 8U);
  EXPECT_EQ(w.registry.snapshot(w.now, w.wall())->guard()->health_reason, "our sockets dropped 10 datagrams");
  w.advance(30s);
  EXPECT_EQ(of(w, "a1"), Liveness::lost);
}

TEST(Listening, LongerWaitsMakeNobodyBetter) {
  World w;
  beat_for(w, "a1", 1, 20, kAll);
  w.advance(2500ms);
  ASSERT_EQ(of(w, "a1"), Liveness::suspect);
  Sign drops;
  drops.kind = SignKind::drops;
  for (int i = 0; i < 8; ++i) {
    drops.at = w.now;
    w.registry.note(drops, w.now, w.wall(), w.changes);
    w.apply(of_kind(beat("a1", 0), ObservationKind::asked, ""));
    EXPECT_EQ(of(w, "a1"), Liveness::suspect);
    w.advance(1s);
  }
}

TEST(Flapping, IsBelievedLaterEachTime) {
  World w;
  w.apply(tether("a1"));
  std::size_t before = w.changes.size();
  for (int i = 0; i < 100; ++i) {  // ten seconds of a tether that breaks and returns
    w.advance(50ms);
    w.apply(of_kind(tether("a1"), ObservationKind::doubt, "closed"));
    w.advance(50ms);
    w.apply(tether("a1"));
  }
  EXPECT_LE(w.changes.size() - before, 16U);
  w.advance(30s);
  EXPECT_EQ(of(w, "a1"), Liveness::alive);
}

// ---- why --------------------------------------------------------------------------------------------------------------

TEST(Explain, NamesEachChannelItsWeightAndWhatWouldChange) {
  World w;
  Claims claims;
  claims.model = "codellama";
  claims.status = Status::idle;
  w.apply(with(beat("a1", 1), claims));
  beat_for(w, "a1", 2, 60, kAll);
  Claims other;
  other.model = "llama3";
  Observation answer = with(probe("10.0.1.7:8081", "a1"), other);
  answer.incarnation = 7;
  w.apply(answer);
  w.advance(1s);
  auto why = w.registry.explain("a1", w.now);
  ASSERT_TRUE(why);
  EXPECT_EQ(why->liveness, Liveness::alive);
  ASSERT_EQ(why->channels.size(), 2U);
  EXPECT_EQ(why->channels[0].source, "beacon");
  EXPECT_EQ(why->channels[0].says, "quiet");
  EXPECT_EQ(*why->channels[0].age, 2s);
  EXPECT_EQ(why->channels[0].missed, 2U);
  EXPECT_NEAR(why->channels[0].weight, 2 * 4.6, 0.5);
  EXPECT_EQ(why->channels[1].says, "alive");
  EXPECT_EQ(why->channels[1].alive_for, 11s);
  EXPECT_EQ(why->would_change, std::vector<std::string>{"suspect in 11.0 s unless it is heard"});
  const auto model = std::find_if(why->fields.begin(), why->fields.end(), [](const FieldEvidence& f) { return f.field == "model"; });
  ASSERT_NE(model, why->fields.end());
  EXPECT_EQ(model->value, "codellama");
  EXPECT_EQ(model->source, "beacon");
  EXPECT_EQ(model->others, std::vector<std::string>{"http_probe says llama3"});
  EXPECT_TRUE(std::none_of(why->fields.begin(), why->fields.end(), [](const FieldEvidence& f) { return f.field == "endpoint"; })) << "nobody said it";
  EXPECT_FALSE(w.registry.explain("nobody", w.now));
}

TEST(Explain, OfASuspectSaysHowMuchIsMissing) {
  World w;
  beat_for(w, "a1", 1, 60, kAll);
  w.advance(4s);
  const auto why = w.registry.explain("a1", w.now);
  ASSERT_TRUE(why);
  EXPECT_EQ(why->liveness, Liveness::suspect);
  EXPECT_EQ(why->silence, 5s);
  EXPECT_EQ(why->silence_needed, 10s);
  EXPECT_NEAR(why->evidence, 5 * 4.6, 1.5);
  EXPECT_EQ(why->evidence_needed, 27.6);
  ASSERT_EQ(why->would_change.size(), 2U);
  EXPECT_EQ(why->would_change[0], "lost in 5.0 s at the earliest unless it is heard");
}

}  // namespace
}  // namespace choregos
