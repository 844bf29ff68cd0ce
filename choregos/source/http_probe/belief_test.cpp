// What the registry believes from the probe alone: the bounds that docs promise, on a virtual clock.
#include <gtest/gtest.h>

#include "choregos/registry/registry.hpp"
#include "choregos/source/http_probe/world_for_tests.hpp"

namespace choregos::source {
namespace {

struct Believer {
  World world;
  Registry registry{RegistrySettings{}, Revision{1, 0}};
  std::vector<Change> changes;

  explicit Believer(ProbeSettings s = {}) : world(s) {
    world.other_due = [this] { return registry.next_deadline(); };
    world.after_step = [this] { take(); };
  }
  void take() {
    for (const Observation& o : std::exchange(world.out.observations, {})) {
      const auto applied = registry.apply(o, world.now, {world.now.ns / 1'000'000}, changes);
      EXPECT_TRUE(applied) << applied.error().message;
    }
    registry.tick(world.now, {world.now.ns / 1'000'000}, changes);
  }
  void run(Duration d) {
    take();
    world.run(d);
    take();
  }
  Liveness liveness(const std::string& id) const {
    const AgentRecordPtr record = registry.find(id);
    return record ? record->agent.liveness : Liveness::left;
  }
  std::size_t count(Liveness liveness) const {
    return static_cast<std::size_t>(std::count_if(changes.begin(), changes.end(), [&](const Change& c) { return c.kind == ChangeKind::liveness && c.record->agent.liveness == liveness; }));
  }
  /// How long from now until the agent has that liveness.
  Duration until(const std::string& id, Liveness wanted, Duration limit) {
    const Instant begin = world.now;
    while (liveness(id) != wanted && world.now < begin + limit) run(10ms);
    return world.now - begin;
  }
};

std::function<World::Reply(const ProbeStart&)> says_id() {
  return [](const ProbeStart& s) { return World::ok(R"({"id":"a)" + std::to_string(s.address.ip.v4_bits() & 0xff) + R"("})"); };
}

TEST(Belief, NineAddressesAreNineRecordsWithEndpointsOfTheirOwn) {
  Believer b;
  b.world.answer = says_id();
  b.world.set("swarm_dns/chorus", fleet(1, 9));
  b.run(60s);
  EXPECT_EQ(b.registry.size(), 9u);
  for (int i = 1; i <= 9; ++i) {
    const AgentRecordPtr record = b.registry.find("a" + std::to_string(i));
    ASSERT_TRUE(record);
    EXPECT_EQ(record->agent.aliases, std::vector<std::string>{"10.0.0." + std::to_string(i) + ":8081"});
  }
  EXPECT_EQ(b.changes.size(), 9u) << "answers that say nothing new make no revision";
}

TEST(Belief, EmptyBodiesAreOneRecordPerAddress) {
  Believer b;
  b.world.set("swarm_dns/chorus", fleet(1, 9));
  b.run(60s);
  EXPECT_EQ(b.registry.size(), 9u);
  EXPECT_EQ(b.registry.find("10.0.0.3:8081")->agent.identity, IdentityKind::address);
  EXPECT_EQ(b.registry.find("10.0.0.3:8081")->agent.tasks_completed, 0u);
}

TEST(Belief, KilledProcessIsLostWithinAQuarterSecond) {
  Believer b;
  bool up = true;
  b.world.answer = [&](const ProbeStart& s) { return up ? says_id()(s) : World::fails(Outcome::refused); };
  b.world.set("d", fleet(1, 1));
  b.run(25s);
  up = false;
  b.world.plan.idle_closed(at(1), b.world.now);
  EXPECT_LE(b.until("a1", Liveness::lost, 5s), 250ms);
  EXPECT_NE(b.registry.find("a1")->agent.reason.find("refused twice"), std::string::npos);
}

TEST(Belief, VanishedHostIsSuspectAtOnceWhenItsConnectionBroke) {
  Believer b;
  bool up = true;
  b.world.answer = [&](const ProbeStart& s) { return up ? says_id()(s) : World::fails(Outcome::timeout); };
  b.world.set("d", fleet(1, 1));
  b.run(1000s);
  up = false;
  b.world.plan.idle_closed(at(1), b.world.now);
  EXPECT_LE(b.until("a1", Liveness::suspect, 5s), 600ms);
  EXPECT_LE(b.until("a1", Liveness::lost, 60s), 15s);
}

TEST(Belief, SilentHostIsSuspectAndLostWithinTheStatedBounds) {
  for (const Duration period : {1s, 10s}) {
    ProbeSettings s;
    s.period = period;
    s.timeout = 1s;
    Believer b(s);
    bool up = true;
    b.world.answer = [&](const ProbeStart& p) { return up ? says_id()(p) : World::fails(Outcome::timeout); };
    b.world.set("d", fleet(1, 1));
    b.run(1000s);
    up = false;
    const Duration suspect = b.until("a1", Liveness::suspect, 60s);
    const Duration lost = suspect + b.until("a1", Liveness::lost, 60s);
    EXPECT_LE(suspect, period * 11 / 10 + 2 * s.timeout + 300ms);
    EXPECT_GE(lost, 10s);
    EXPECT_LE(lost, period * 11 / 10 + 15s);
    // Five minutes later it is forgotten.
    b.run(4min + 50s);
    EXPECT_TRUE(b.registry.find("a1"));
    b.run(11s);
    EXPECT_FALSE(b.registry.find("a1"));
  }
}

TEST(Belief, LiveAgentsAreNeverLostAtThirtyPercentLoss) {
  Believer b;
  Rng network(11);
  b.world.answer = [&](const ProbeStart& s) { return network.chance(0.3) ? World::fails(Outcome::timeout) : says_id()(s); };
  b.world.set("d", fleet(1, 9));
  b.run(6h);
  EXPECT_EQ(b.count(Liveness::lost), 0u);
}

TEST(Belief, SparseLossesMakeNoSuspects) {
  Believer b;
  Rng network(12);
  b.world.answer = [&](const ProbeStart& s) { return network.chance(0.01) ? World::fails(Outcome::timeout) : says_id()(s); };
  b.world.set("d", fleet(1, 9));
  b.run(6h);
  EXPECT_LE(b.count(Liveness::suspect), 12u);  // 19,440 probes, two lost in a row one time in 10^4
  EXPECT_EQ(b.count(Liveness::lost), 0u);
}

TEST(Belief, UnwellAgentIsSuspectThenLostAndBackAtOnce) {
  Believer b;
  bool well = true;
  b.world.answer = [&](const ProbeStart& s) { return well ? says_id()(s) : World::fails(Outcome::unwell, 1ms, 503); };
  b.world.set("d", fleet(1, 1));
  b.run(25s);
  well = false;
  EXPECT_LE(b.until("a1", Liveness::suspect, 60s), 12s);
  EXPECT_GE(b.until("a1", Liveness::lost, 120s), 59s);
  EXPECT_NE(b.registry.find("a1")->agent.reason.find("503"), std::string::npos);
  well = true;
  EXPECT_LE(b.until("a1", Liveness::alive, 60s), 12s);
}

TEST(Belief, OneFailedProbeChangesNothingWhileAnotherSourceHears) {
  Believer b;
  bool up = true;
  b.world.answer = [&](const ProbeStart& s) { return up ? says_id()(s) : World::fails(Outcome::refused); };
  b.world.set("d", fleet(1, 1));
  b.run(5s);
  Observation beacon;
  beacon.source = "beacon";
  beacon.subject = "a1";
  beacon.names.id = "a1";
  beacon.heard_at = b.world.now;
  beacon.lease = kOpenLease;
  ASSERT_TRUE(b.registry.apply(beacon, b.world.now, {1}, b.changes));
  up = false;
  b.run(120s);
  EXPECT_EQ(b.liveness("a1"), Liveness::alive);
}

TEST(Belief, SevenOfNineLostWhenAServiceShrinksToTwo) {
  Believer b;
  std::uint32_t up = 9;
  b.world.answer = [&](const ProbeStart& s) { return (s.address.ip.v4_bits() & 0xff) <= up ? says_id()(s) : World::fails(Outcome::unreachable); };
  b.world.set("swarm_dns/chorus", fleet(1, 9));
  b.run(60s);
  up = 2;
  auto targets = fleet(1, 9);
  for (std::size_t i = 2; i < 9; ++i) targets[i].draining = true;
  b.world.set("swarm_dns/chorus", targets);
  b.run(5s);
  EXPECT_EQ(b.count(Liveness::lost), 7u);
  EXPECT_EQ(b.liveness("a1"), Liveness::alive);
  EXPECT_EQ(b.liveness("a2"), Liveness::alive);
  EXPECT_EQ(b.liveness("a9"), Liveness::lost);
}

TEST(Belief, AddressThatAnswersAsSomebodyElseEndsTheFormer) {
  Believer b;
  std::string id = "one";
  b.world.answer = [&](const ProbeStart&) { return World::ok(R"({"id":")" + id + R"("})"); };
  b.world.set("d", fleet(1, 1));
  b.run(25s);
  id = "two";
  b.run(12s);
  EXPECT_EQ(b.liveness("one"), Liveness::lost);
  EXPECT_EQ(b.liveness("two"), Liveness::alive);
}

TEST(Belief, ServiceBehindARandomBalancerIsNineAgentsForHours) {
  Believer b;
  Rng pick(5);
  b.world.answer = [&](const ProbeStart&) { return World::ok(R"({"id":"r)" + std::to_string(pick.below(9)) + R"("})"); };
  Target vip = target(100);
  vip.behind_balancer = true;
  b.world.set("static_file", {vip});
  b.run(2h);
  EXPECT_EQ(b.registry.size(), 9u);
  EXPECT_EQ(b.count(Liveness::suspect), 0u);
  EXPECT_EQ(b.count(Liveness::lost), 0u);
}

TEST(Belief, ServiceThatSaysNoIdsIsOneRecordOfUnknownSize) {
  Believer b;
  b.world.answer = [](const ProbeStart&) { return World::ok("fine"); };
  Target vip = target(100);
  vip.behind_balancer = true;
  b.world.set("static_file", {vip});
  b.run(10min);
  EXPECT_EQ(b.registry.size(), 1u);
  ASSERT_TRUE(b.registry.find("10.0.0.100:8081"));
  EXPECT_EQ(b.registry.find("10.0.0.100:8081")->agent.identity, IdentityKind::service);
  EXPECT_EQ(b.liveness("10.0.0.100:8081"), Liveness::alive);
  EXPECT_EQ(b.count(Liveness::suspect), 0u);
}

TEST(Belief, EachAnswerHasTheTimeAtWhichItCame) {  // the predecessor stamped a whole cycle with the time of its start
  World w;
  const auto takes = [](const SocketAddress& address) { return 100ms * static_cast<int>(address.ip.v4_bits() & 0xff); };
  w.answer = [&](const ProbeStart& s) {
    World::Reply reply = World::ok("");
    reply.takes = takes(s.address);
    return reply;
  };
  w.set("f", fleet(1, 5));
  const Instant begin = w.now;
  w.run(900ms);
  ASSERT_EQ(w.out.observations.size(), 5U);
  for (const Observation& o : w.out.observations) {
    EXPECT_EQ(o.heard_at, begin + takes(*o.names.address)) << o.subject;
    EXPECT_EQ(o.wall_at.ms, o.heard_at.ns / 1'000'000) << o.subject;
  }
}

}  // namespace
}  // namespace choregos::source
