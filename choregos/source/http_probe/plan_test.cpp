#include "choregos/source/http_probe/plan.hpp"

#include <gtest/gtest.h>

#include <set>

#include "choregos/source/http_probe/world_for_tests.hpp"

namespace choregos::source {
namespace {

TEST(ProbePlan, NineTargetsAreNineAgentsEachWithItsOwnAddress) {
  World w;
  w.answer = [](const ProbeStart& s) { return World::ok(R"({"id":"agent-)" + std::to_string(s.address.ip.v4_bits() & 0xff) + R"("})"); };
  w.set("swarm_dns/chorus", fleet(1, 9));
  w.run(25s);
  std::set<std::pair<std::string, SocketAddress>> seen;
  for (const Observation& o : w.out.observations) {
    EXPECT_EQ(o.kind, ObservationKind::heard);
    EXPECT_TRUE(check(o, w.now));
    seen.insert({o.names.id, *o.names.address});
  }
  EXPECT_EQ(seen.size(), 9u);
  // At the start and about each ten seconds, whatever the number of answers.
  ASSERT_EQ(w.probed.size(), 9u);
  for (const auto& [address, times] : w.probed) {
    EXPECT_GE(times.size(), 3u) << to_string(address);
    EXPECT_LE(times.size(), 4u) << to_string(address);
  }
}

TEST(ProbePlan, BodyDecidesEveryFieldAndAnEmptyBodySaysNothing) {
  World w;
  w.answer = [](const ProbeStart&) { return World::ok(R"({"status":"working","model":"m1"})"); };
  w.set("f", fleet(1, 1));
  w.run(1s);
  ASSERT_EQ(w.out.observations.size(), 1u);
  ASSERT_TRUE(w.out.observations[0].claims);
  EXPECT_EQ(w.out.observations[0].claims->status, Status::working);
  EXPECT_FALSE(w.out.observations[0].claims->tasks_completed);
  EXPECT_FALSE(w.out.observations[0].claims->current_team);
  for (const char* body : {"", "OK", "<html></html>"}) {
    World silent;
    silent.answer = [&](const ProbeStart&) { return World::ok(body); };
    silent.set("f", fleet(1, 1));
    silent.run(30s);
    for (const Observation& o : silent.out.observations) {
      EXPECT_FALSE(o.claims);
      EXPECT_EQ(o.names.id, "");
      EXPECT_EQ(o.names.address, at(1));
      EXPECT_EQ(o.subject, "10.0.0.1:8081") << "one agent, whatever the number of answers";
    }
    EXPECT_GE(silent.out.observations.size(), 3u);
  }
}

TEST(ProbePlan, ThousandHangingTargetsDelayNobody) {  // the predecessor: one cycle 75 s against a period of 10 s
  World w;
  w.answer = [](const ProbeStart& s) { return s.address.ip.v4_bits() < 0x0A000100u ? World::ok("") : World::fails(Outcome::timeout); };
  w.set("good", fleet(1, 9));
  w.set("hanging", fleet(0x100, 1000));
  const Instant begin = w.now;
  w.run(200s);
  for (std::uint32_t i = 1; i <= 9; ++i) {
    const auto& times = w.probed[at(i)];
    ASSERT_GE(times.size(), 17u);
    for (std::size_t k = 2; k < times.size(); ++k) EXPECT_LE(times[k] - times[k - 1], 11100ms);
  }
  for (std::uint32_t i = 0; i < 1000; ++i) {
    const auto& times = w.probed[at(0x100 + i)];
    ASSERT_FALSE(times.empty());
    EXPECT_LE(times.front() - begin, 10s);
    EXPECT_GE(times.size(), 14u) << "each within its period, back-off included";
  }
  EXPECT_LE(w.parallel_seen, w.settings.parallel_max);
}

TEST(ProbePlan, MoreHangingStrangersThanPlacesLeaveRoomForThoseThatAnswer) {
  ProbeSettings settings;
  settings.parallel_max = 8;
  World w(settings);
  w.answer = [](const ProbeStart& s) { return s.address.ip.v4_bits() < 0x0A000100u ? World::ok("") : World::fails(Outcome::timeout); };
  w.set("good", fleet(1, 4));
  w.run(5s);
  w.set("hanging", fleet(0x100, 2000));
  w.run(200s);
  EXPECT_GE(w.parallel_seen, 6u);
  EXPECT_LE(w.parallel_seen, 8u);
  for (std::uint32_t i = 1; i <= 4; ++i) {
    const auto& times = w.probed[at(i)];
    for (std::size_t k = 1; k < times.size(); ++k) EXPECT_LE(times[k] - times[k - 1], 11100ms);
  }
}

TEST(ProbePlan, TargetsTakenAwayWhileAskedGiveTheirPlacesBack) {
  ProbeSettings settings;
  settings.parallel_max = 4;
  World w(settings);
  for (int i = 0; i < 20; ++i) {
    w.set("d", fleet(1, 4));
    EXPECT_FALSE(w.plan.begin(w.now).empty());
    w.set("d", {});
  }
  w.set("d", fleet(1, 4));
  EXPECT_EQ(w.plan.begin(w.now).size(), 3u) << "three quarters for strangers";
}

TEST(ProbePlan, FirstProbesGoOutAtOnceAndThenSpread) {
  World w;
  w.set("f", fleet(1, 1000));
  const Instant begin = w.now;
  w.run(60s);
  std::map<std::int64_t, int> per_second;
  for (const auto& [address, times] : w.probed) {
    EXPECT_LE(times.front() - begin, 100ms);
    for (const Instant t : times)
      if (t > begin + 30s) ++per_second[(t - begin).count() / 1'000'000'000];
  }
  for (const auto& [second, n] : per_second) EXPECT_LE(n, 220) << "a burst in second " << second;
}

TEST(ProbePlan, RefusedStrangersAreAskedSeldom) {  // the predecessor: 15 tries in 6 ms
  World w;
  w.answer = [](const ProbeStart&) { return World::fails(Outcome::refused); };
  w.set("f", fleet(1, 1));
  w.run(10s);
  EXPECT_LE(w.probed[at(1)].size(), 6u);
  EXPECT_TRUE(w.out.observations.empty()) << "a name in DNS is no agent";
}

TEST(ProbePlan, UnwellAgentIsOneStateChangeAndOneCounter) {
  World w;
  bool well = true;
  w.answer = [&](const ProbeStart&) { return well ? World::ok("") : World::fails(Outcome::unwell, 1ms, 503); };
  w.set("f", fleet(1, 1));
  w.run(20s);
  well = false;
  const std::uint64_t changes = w.counter("state_changes");
  w.run(100s);
  EXPECT_EQ(w.counter("state_changes"), changes + 1);
  EXPECT_EQ(w.count(ObservationKind::doubt), 1u);
  EXPECT_GE(w.counter("unwell"), 8u);
  EXPECT_NE(w.plan.targets()[0].note.find("503"), std::string::npos);
}

TEST(ProbePlan, AfterACutThatSilencedAllTheyAreHeardAgainTogether) {
  World w;
  bool up = true;
  w.answer = [&](const ProbeStart&) { return up ? World::ok("") : World::fails(Outcome::timeout); };
  w.set("d", fleet(1, 40));
  w.run(30s);
  up = false;
  w.run(5min);
  up = true;
  w.out.observations.clear();
  w.run(4s);  // two of them may be spent on waiting for an answer that got lost
  std::set<std::string> heard;
  for (const Observation& o : w.out.observations)
    if (o.kind == ObservationKind::heard) heard.insert(o.subject);
  EXPECT_EQ(heard.size(), 40u);
}

TEST(ProbePlan, OneThatComesAndGoesMakesNobodyElseBeAskedWithoutEnd) {
  World w;
  bool up = true;
  std::uint64_t turn = 0;
  w.answer = [&](const ProbeStart& s) { return up || (s.address == at(1) && ++turn % 3 == 0) ? World::ok("") : World::fails(Outcome::timeout, 10ms); };
  w.set("d", fleet(1, 40));
  w.run(30s);
  up = false;
  w.run(5min);
  const std::size_t before = w.probed[at(2)].size();
  w.run(100s);
  EXPECT_LE(w.probed[at(2)].size() - before, 60u);
}

TEST(ProbePlan, AddressesFromSeveralOriginsAreProbedOnce) {
  World w;
  Target named = target(1);
  named.path = "/alive";
  named.configured = true;
  w.set("a_registration", fleet(1, 2));
  w.set("z_static_file", {named});
  std::vector<ProbeStart> starts = w.plan.begin(w.now);
  ASSERT_EQ(starts.size(), 2u);
  EXPECT_EQ(starts[0].path, "/alive") << "an operator's word on the path comes first";
  w.set("a_registration", {});
  EXPECT_EQ(w.out.gone, std::vector<SocketAddress>{at(2)});
  EXPECT_EQ(w.plan.targets().size(), 1u);
}

TEST(ProbePlan, TargetThatIsTakenAwayEndsTheChannel) {
  World w;
  w.set("static_file", fleet(1, 1));
  w.run(5s);
  w.set("static_file", {});
  ASSERT_EQ(w.out.observations.back().kind, ObservationKind::refused);
  EXPECT_NE(w.out.observations.back().reason.find("static_file"), std::string::npos);
  w.run(60s);
  EXPECT_EQ(w.plan.next(), Instant::never());
}

TEST(ProbePlan, TargetThatIsTakenAwayAfterItsEndSaysNothingMore) {
  World w;
  bool up = true;
  w.answer = [&](const ProbeStart&) { return up ? World::ok("") : World::fails(Outcome::refused); };
  w.set("d", fleet(1, 1));
  w.run(5s);
  up = false;
  w.run(20s);
  ASSERT_EQ(w.count(ObservationKind::refused), 1u);
  w.set("d", {});
  EXPECT_EQ(w.count(ObservationKind::refused), 1u);
}

TEST(ProbePlan, DrainingOnlyWhenEveryOriginSaysSo) {
  World w;
  Target leaving = target(1);
  leaving.draining = true;
  w.set("swarm_dns/chorus", {leaving});
  EXPECT_TRUE(w.plan.targets()[0].draining);
  w.set("registration", fleet(1, 1));
  EXPECT_FALSE(w.plan.targets()[0].draining);
}

TEST(ProbePlan, AddressUsedByAnotherTaskEndsTheFormerOne) {
  World w;
  Target t = target(1);
  t.task = task("1", 'a');
  w.set("swarm_dns/chorus", {t});
  w.run(5s);
  t.task = task("1", 'b');
  w.set("swarm_dns/chorus", {t});
  ASSERT_EQ(w.out.observations.back().kind, ObservationKind::refused);
  EXPECT_EQ(w.out.observations.back().names.task, task("1", 'a'));
  w.out = {};
  w.run(1s);
  ASSERT_FALSE(w.out.observations.empty());
  EXPECT_EQ(w.out.observations[0].kind, ObservationKind::heard);
  EXPECT_EQ(w.out.observations[0].names.task, task("1", 'b'));
}

TEST(ProbePlan, AnswerToAProbeSentToTheFormerTaskIsThrownAway) {
  World w;
  Target t = target(1);
  t.task = task("1", 'a');
  w.set("d", {t});
  w.run(5s);
  w.now = w.plan.next();
  ASSERT_EQ(w.plan.begin(w.now).size(), 1u);
  t.task = task("1", 'b');
  w.set("d", {t});
  w.out = {};
  w.plan.finished(at(1), World::ok(R"({"id":"old"})").result, w.moment(), w.out);
  EXPECT_TRUE(w.out.observations.empty());
}

TEST(ProbePlan, LaterTaskNameIsNoNewAgent) {
  World w;
  Target t = target(1);
  w.set("d", {t});
  w.run(5s);
  t.task = task("1", 'a');
  w.set("d", {t});
  w.run(20s);
  EXPECT_EQ(w.count(ObservationKind::refused), 0u);
  EXPECT_EQ(w.out.observations.back().names.task, t.task);
}

TEST(ProbePlan, OtherIdAtTheSameAddressIsJustHeard) {
  World w;
  std::string id = "one";
  w.answer = [&](const ProbeStart&) { return World::ok(R"({"id":")" + id + R"("})"); };
  w.set("d", fleet(1, 1));
  w.run(5s);
  id = "two";
  w.run(15s);
  EXPECT_EQ(w.count(ObservationKind::heard), w.out.observations.size());
  EXPECT_EQ(w.out.observations.back().names.id, "two");
}

TEST(ProbePlan, SameIdAtTwoAddressesIsReportedFromBoth) {
  World w;
  w.answer = [](const ProbeStart&) { return World::ok(R"({"id":"twin"})"); };
  w.set("d", fleet(1, 2));
  w.run(1s);
  ASSERT_EQ(w.out.observations.size(), 2u);
  EXPECT_NE(w.out.observations[0].names.address, w.out.observations[1].names.address);
}

TEST(ProbePlan, KilledAgentIsDeadWithinAQuarterSecondOfItsConnectionsEnd) {
  World w;
  bool up = true;
  w.answer = [&](const ProbeStart&) { return up ? World::ok(R"({"id":"a","incarnation":7})") : World::fails(Outcome::refused); };
  w.set("d", fleet(1, 1));
  w.run(25s);
  up = false;
  const Instant killed = w.now;
  w.plan.idle_closed(at(1), w.now);
  w.run(1s);
  ASSERT_EQ(w.count(ObservationKind::dead), 1u);
  const Observation& dead = w.out.observations.back();
  EXPECT_EQ(dead.names.id, "a");
  EXPECT_EQ(dead.incarnation, 7u);
  EXPECT_LE(dead.heard_at - killed, 250ms);
}

TEST(ProbePlan, DrainingAgentIsHeardAsSuchUntilItFallsSilentAndItsOriginIsTold) {
  World w;
  bool up = true;
  w.answer = [&](const ProbeStart&) { return up ? World::ok("") : World::fails(Outcome::timeout); };
  Target t = target(1);
  w.set("d", {t});
  w.run(20s);
  t.draining = true;
  w.set("d", {t});
  w.run(2s);
  EXPECT_TRUE(w.out.observations.back().draining);
  EXPECT_TRUE(w.out.silent.empty());
  up = false;
  w.run(16s);
  ASSERT_FALSE(w.out.silent.empty());
  EXPECT_EQ(w.out.observations.back().kind, ObservationKind::doubt);
  EXPECT_EQ(w.out.observations.back().lease.lost_after, Duration{}) << "lost at once, by silence";
}

TEST(ProbePlan, HealthSaysWhatMayBeWrong) {
  World w;
  w.answer = [](const ProbeStart&) { return World::fails(Outcome::refused); };
  w.set("swarm_dns/chorus", fleet(1, 9));
  EXPECT_EQ(w.plan.health().state, SourceState::starting);
  w.run(1s);
  EXPECT_EQ(w.plan.health().state, SourceState::degraded);
  EXPECT_EQ(w.plan.health().advice, "DNS gives 9 addresses of chorus but none answers on port 8081: connections are refused; is the health port right?");
  w.answer = [](const ProbeStart&) { return World::ok(""); };
  w.run(20s);
  EXPECT_EQ(w.plan.health().state, SourceState::ok);
  EXPECT_EQ(w.plan.health().advice, "");
}

TEST(ProbePlan, RandomStoriesKeepTheBooks) {
  // Whatever comes, the bound holds, every probe ends, the queues and the table agree.
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    ProbeSettings settings;
    settings.parallel_max = 7;
    World w(settings);
    Rng rng(seed);
    w.answer = [&](const ProbeStart& s) {
      const auto outcome = static_cast<Outcome>(rng.below(10));
      World::Reply r = World::fails(outcome, std::chrono::milliseconds(rng.below(1500)), 503);
      r.takes = std::min<Duration>(r.takes, s.time_max);
      if (outcome == Outcome::answered) r.result.status = 200, r.result.body = rng.chance(0.5) ? "" : R"({"id":"x)" + std::to_string(rng.below(5)) + R"("})";
      return r;
    };
    for (int step = 0; step < 200; ++step) {
      std::vector<Target> targets;
      for (std::uint32_t i = 1; i <= 20; ++i)
        if (rng.chance(0.6)) {
          targets.push_back(target(i));
          targets.back().draining = rng.chance(0.2);
          targets.back().behind_balancer = i > 17 && rng.chance(0.5);
          if (rng.chance(0.5)) targets.back().task = task("1", rng.chance(0.5) ? 'a' : 'b');
        }
      w.set(rng.chance(0.5) ? "a" : "b", targets);
      for (const SocketAddress& gone : w.out.gone)
        for (auto it = w.coming.begin(); it != w.coming.end();) it = it->second.first == gone && !w.plan.contains(gone) ? w.coming.erase(it) : std::next(it);
      w.out.gone.clear();
      if (rng.chance(0.5)) w.plan.idle_closed(at(static_cast<std::uint32_t>(rng.below(20)) + 1), w.now);
      w.run(std::chrono::milliseconds(rng.below(5000)));
      for (const auto& [name, value] : w.plan.health().gauges)
        if (name == "in_flight") {
          ASSERT_LE(value, settings.parallel_max) << "seed " << seed;
        }
    }
    w.set("a", {});
    w.set("b", {});
    for (const auto& [name, value] : w.plan.health().gauges) {
      EXPECT_EQ(value, 0u) << name << ", seed " << seed;
    }
    EXPECT_EQ(w.plan.next(), Instant::never());
    for (const Observation& o : w.out.observations) EXPECT_TRUE(check(o, w.now + 1s));
  }
}

}  // namespace
}  // namespace choregos::source
