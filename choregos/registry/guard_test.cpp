// Mass silence: frozen when many fall silent together, four ways out, one agent a second.
#include "choregos/registry/world_for_tests.hpp"

namespace choregos {
namespace {

/// A fleet of beaconing agents in numbered subnets; `silent` ones say nothing.
class Fleet : public World {
 public:
  explicit Fleet(int count, int subnets = 1, RegistrySettings settings = {}) : World(settings), count_(count), subnets_(subnets), silent_(static_cast<std::size_t>(count)) {
    settings.detector.ask = false;
    run(30s);
  }
  static std::string id(int i) { return "a" + std::to_string(i); }
  int subnet(int i) const { return i % subnets_; }
  template <class Which>
  void silence(Which which, bool silent = true) {
    for (int i = 0; i < count_; ++i)
      if (which(i)) silent_[static_cast<std::size_t>(i)] = silent;
  }
  void run(Duration d) {
    for (const Instant end = now + d; now < end;) {
      ++sequence_;
      for (int i = 0; i < count_; ++i) {
        if (silent_[static_cast<std::size_t>(i)]) continue;
        Observation o = beacon(id(i));
        o.sequence = sequence_;
        o.lease = {3s, 10s, 1s};
        o.from = IpAddress::v4(10, 0, static_cast<std::uint8_t>(subnet(i)), static_cast<std::uint8_t>(i));
        apply(o);
      }
      advance(1s);
      registry.take_asks();
    }
  }
  int count(Liveness liveness) { return static_cast<int>(registry.snapshot(now, wall())->counts().by_liveness[static_cast<int>(liveness)]); }
  GuardViewPtr guard() { return registry.snapshot(now, wall())->guard(); }

 private:
  int count_;
  int subnets_;
  std::vector<bool> silent_;
  std::uint64_t sequence_ = 0;
};
constexpr auto kEverybody = [](int) { return true; };

TEST(Guard, IsNormalWhileAgentsDieOneByOne) {
  Fleet f(20);
  for (int i = 0; i < 4; ++i) {
    f.silence([&](int k) { return k == i; });
    f.run(11s);
    EXPECT_EQ(f.count(Liveness::lost), i + 1);
    EXPECT_EQ(f.guard()->mode, Mode::normal);
  }
}

TEST(Guard, FreezesWhenAllFallSilentAndLosesNobody) {
  Fleet f(200, 10);
  f.silence(kEverybody);
  f.run(4s);
  EXPECT_EQ(f.guard()->mode, Mode::frozen);
  f.run(9min);
  EXPECT_EQ(f.count(Liveness::lost), 0);
  EXPECT_EQ(f.count(Liveness::suspect), 200);
  f.silence(kEverybody, false);
  f.run(3s);
  EXPECT_EQ(f.count(Liveness::alive), 200);
  f.run(2s);
  EXPECT_EQ(f.guard()->mode, Mode::normal);
  EXPECT_TRUE(f.guard()->domains.empty());
}

TEST(Guard, WhoDiedInTheFreezeIsLostAfterAFullWindow) {
  Fleet f(50);
  f.silence(kEverybody);
  f.run(30s);
  f.silence([](int i) { return i != 3; }, false);
  f.run(9s);
  EXPECT_EQ(f.count(Liveness::lost), 0);
  f.run(4s);
  EXPECT_EQ(f.count(Liveness::lost), 1);
  EXPECT_EQ(f.agent("a3")->liveness, Liveness::lost);
}

TEST(Guard, OneThatStaysAwayDoesNotKeepASmallDomainFrozen) {
  Fleet f(8, 2);
  f.silence(kEverybody);
  f.run(20s);
  ASSERT_GE(f.guard()->domains.size(), 2U);
  f.silence([](int i) { return i != 7; }, false);
  f.run(13s);
  EXPECT_EQ(f.count(Liveness::alive), 7);
  EXPECT_EQ(f.count(Liveness::lost), 1);
}

TEST(Guard, FreezesOnlyTheSubnetThatIsSilent) {
  Fleet f(200, 10);
  f.silence([&](int i) { return f.subnet(i) < 3; });
  f.run(5s);
  ASSERT_EQ(f.guard()->domains.size(), 3U);
  for (const DomainView& d : f.guard()->domains) {
    EXPECT_EQ(d.kind, DomainKind::subnet);
    EXPECT_EQ(d.members, 20U);
    EXPECT_EQ(d.silent, 20U);
  }
  EXPECT_EQ(f.guard()->domains[0].name, "subnet 10.0.0.0/24");
  EXPECT_NE(f.guard()->domains[0].cause.find("agents fell silent within 10s"), std::string::npos) << f.guard()->domains[0].cause;
  // A single death elsewhere is an ordinary death.
  f.silence([](int i) { return i == 5; });
  f.run(11s);
  EXPECT_EQ(f.count(Liveness::lost), 1);
  EXPECT_EQ(f.agent("a5")->liveness, Liveness::lost);
}

TEST(Guard, DrainsOneASecondOnceTheOthersWereHeardForAMinute) {
  Fleet f(50, 5);
  f.silence([&](int i) { return f.subnet(i) == 0; });
  f.run(60s);
  EXPECT_EQ(f.count(Liveness::lost), 0);
  f.run(6s);
  EXPECT_EQ(f.guard()->mode, Mode::draining);
  const int lost = f.count(Liveness::lost);
  EXPECT_GE(lost, 1);
  f.run(1s);
  EXPECT_EQ(f.count(Liveness::lost), lost + 1);
  f.run(10s);
  EXPECT_EQ(f.count(Liveness::lost), 10);
  f.run(2s);
  EXPECT_EQ(f.guard()->mode, Mode::normal);
  EXPECT_EQ(f.count(Liveness::alive), 40);
}

TEST(Guard, DrainsAfterTenMinutesInAnyCaseAndNeverInBulk) {
  Fleet f(30);
  f.silence(kEverybody);
  f.run(10min);
  EXPECT_EQ(f.count(Liveness::lost), 0);
  int before = 0;
  for (int i = 0; i < 40; ++i) {
    f.run(1s);
    EXPECT_LE(f.count(Liveness::lost), before + 1);
    before = f.count(Liveness::lost);
  }
  EXPECT_EQ(before, 30);
}

TEST(Guard, AnOperatorThawsADomain) {
  Fleet f(40, 2);
  f.silence(kEverybody);
  f.run(20s);
  Sign thaw;
  thaw.kind = SignKind::thaw;
  thaw.subject = "subnet 10.0.1.0/24";
  f.registry.note(thaw, f.now, f.wall(), f.changes);
  f.run(30s);
  EXPECT_EQ(f.count(Liveness::lost), 20);
  for (int i = 0; i < 40; ++i) EXPECT_EQ(f.agent(Fleet::id(i))->liveness, f.subnet(i) == 1 ? Liveness::lost : Liveness::suspect);
  thaw.subject.clear();
  f.registry.note(thaw, f.now, f.wall(), f.changes);
  f.run(22s);
  EXPECT_EQ(f.count(Liveness::lost), 40);
}

TEST(Guard, PositiveEvidenceNeverAsksIt) {
  Fleet f(50);
  f.silence(kEverybody);
  f.run(10s);
  ASSERT_EQ(f.guard()->mode, Mode::frozen);
  for (int i = 0; i < 30; ++i) f.apply(of_kind(beacon(Fleet::id(i)), i % 2 ? ObservationKind::dead : ObservationKind::goodbye, "Docker: task failed"));
  EXPECT_EQ(f.count(Liveness::lost), 15);
  f.run(1s);
  EXPECT_EQ(f.count(Liveness::left), 15);
}

TEST(Guard, NeverFreezesThreeAgentsByShares) {
  Fleet f(3);
  f.silence(kEverybody);
  f.run(12s);
  EXPECT_EQ(f.count(Liveness::lost), 3);
}

TEST(Guard, ManyConnectionsThatBreakAndAreThenRefusedAreNoMassSilence) {
  World w;
  for (int i = 0; i < 50; ++i) w.apply(tether("a" + std::to_string(i)));
  for (int i = 0; i < 50; ++i) w.apply(of_kind(tether("a" + std::to_string(i)), ObservationKind::doubt, "closed"));
  w.advance(300ms);
  for (int i = 0; i < 50; ++i) w.apply(of_kind(tether("a" + std::to_string(i)), ObservationKind::dead, "refused twice"));
  w.advance(2s);
  EXPECT_EQ(w.registry.snapshot(w.now, w.wall())->counts().by_liveness[static_cast<int>(Liveness::lost)], 50U);
  EXPECT_EQ(w.registry.snapshot(w.now, w.wall())->guard()->freezes, 0U);
}

TEST(Guard, ManyConnectionsThatBreakAndStaySilentAre) {
  World w;
  for (int i = 0; i < 50; ++i) w.apply(tether("a" + std::to_string(i)));
  for (int i = 0; i < 50; ++i) w.apply(of_kind(tether("a" + std::to_string(i)), ObservationKind::doubt, "closed"));
  w.advance(30s);
  EXPECT_EQ(w.registry.snapshot(w.now, w.wall())->guard()->mode, Mode::frozen);
  EXPECT_EQ(w.registry.snapshot(w.now, w.wall())->counts().by_liveness[static_cast<int>(Liveness::lost)], 0U);
}

TEST(Guard, ACauseOfOurOwnFreezesTheNetworkAtOnce) {
  Fleet f(9);
  Sign link;
  link.kind = SignKind::link_lost;
  link.subject = "eth0";
  link.at = f.now;
  f.registry.note(link, f.now, f.wall(), f.changes);
  EXPECT_EQ(f.guard()->mode, Mode::frozen);
  EXPECT_EQ(f.guard()->domains.at(0).name, "network");
  EXPECT_EQ(f.guard()->domains.at(0).cause, "our link eth0 is down");
  f.run(13s);
  EXPECT_EQ(f.guard()->mode, Mode::normal) << "everybody was heard all the time, and no more signs came";
}

TEST(Guard, ANodeThatItsOrchestratorCallsDownDrainsAtOnce) {
  Fleet f(40);
  for (int i = 0; i < 40; ++i) {
    Claims claims;
    claims.node = i < 20 ? "worker-1" : "worker-2";
    Observation o = with(beacon(Fleet::id(i)), claims);
    o.sequence = 1000;
    o.lease = {3s, 10s, 1s};
    f.apply(o);
  }
  f.silence([](int i) { return i < 20; });
  f.run(12s);
  ASSERT_EQ(f.guard()->domains.at(0).name, "node worker-1");
  EXPECT_EQ(f.count(Liveness::lost), 0);
  Sign down;
  down.kind = SignKind::node_down;
  down.subject = "worker-1";
  f.registry.note(down, f.now, f.wall(), f.changes);
  f.run(24s);
  EXPECT_EQ(f.count(Liveness::lost), 20);
  EXPECT_EQ(f.count(Liveness::alive), 20);
}

TEST(Guard, NobodyIsLostInBulkAfterARestartThatHearsNothing) {
  World w;
  for (int i = 0; i < 50; ++i) {
    Agent stored;
    stored.id = "a" + std::to_string(i);
    w.registry.restore(stored, WallTime{5}, w.now, w.wall(), w.changes);
  }
  w.advance(60s);
  EXPECT_EQ(w.registry.snapshot(w.now, w.wall())->counts().by_liveness[static_cast<int>(Liveness::lost)], 0U);
  EXPECT_EQ(w.registry.snapshot(w.now, w.wall())->guard()->mode, Mode::frozen);
}

TEST(Guard, ANewWindowIsAWholeOneAlsoForAnAgentThatIsOnlyProbed) {
  World w;
  const auto address = [](int i) { return "10.0.0." + std::to_string(i + 1) + ":8081"; };
  for (int i = 0; i < 10; ++i) w.apply(probe(address(i)));
  const auto doubt_all = [&](Lease lease, const char* reason) {
    for (int i = 0; i < 10; ++i) {
      Observation silent = of_kind(probe(address(i)), ObservationKind::doubt, reason);
      silent.lease = lease;
      w.apply(silent);
    }
  };
  w.advance(1s);
  doubt_all({0s, 20s}, "no answer to 2 probes");
  w.advance(15s);
  doubt_all({0s, 0s}, "no answer to 20 probes");  // lost at once, if it were up to this alone
  w.advance(30s);
  EXPECT_EQ(w.registry.snapshot(w.now, w.wall())->guard()->mode, Mode::frozen);
  for (int i = 0; i < 9; ++i) w.apply(probe(address(i)));
  w.advance(3s);
  EXPECT_EQ(w.registry.snapshot(w.now, w.wall())->guard()->mode, Mode::normal);
  EXPECT_EQ(w.agent(address(9))->liveness, Liveness::suspect) << "it gets ten seconds more";
  w.advance(9s);
  EXPECT_EQ(w.agent(address(9))->liveness, Liveness::lost);
}

TEST(Guard, NobodyIsForgottenInAFreeze) {
  Fleet f(20);
  f.silence([](int i) { return i == 0; });
  f.run(12s);
  ASSERT_EQ(f.agent("a0")->liveness, Liveness::lost);
  f.run(4min + 45s);
  f.silence(kEverybody);
  f.run(2min);
  EXPECT_NE(f.agent("a0"), nullptr);
  f.silence([](int i) { return i != 0; }, false);
  f.run(30s);
  EXPECT_EQ(f.agent("a0"), nullptr);
}

}  // namespace
}  // namespace choregos
