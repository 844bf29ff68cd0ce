#include <gtest/gtest.h>

#include <algorithm>

#include "choregos/registry/world_for_tests.hpp"

namespace choregos {
namespace {

TEST(Registry, ListsNobodyWithoutEvidenceFromTheAgent) {
  World w;
  w.apply(of_kind(beacon("a1"), ObservationKind::dead, "task failed"));
  w.apply(of_kind(beacon("a1"), ObservationKind::doubt, "timeout"));
  EXPECT_TRUE(w.ids().empty());
  EXPECT_TRUE(w.changes.empty());
}

TEST(Registry, InventsNothingThatWasNotSaid) {
  World w;
  w.apply(beacon("a1"));
  const Agent& a = *w.agent("a1");
  EXPECT_EQ(a.name, "");
  EXPECT_EQ(a.model, "");
  EXPECT_EQ(a.endpoint, "");
  EXPECT_EQ(a.cluster_id, "");
  EXPECT_EQ(a.p2p_addr, "");
  EXPECT_EQ(a.current_team, "");
  EXPECT_EQ(a.tasks_completed, 0U);
  EXPECT_TRUE(a.capabilities.empty());
  EXPECT_EQ(a.status, Status::online);
}

TEST(Registry, RefusesAnEmptySubjectAndAFutureTime) {
  World w;
  Observation nobody = beacon("");
  nobody.heard_at = w.now;
  EXPECT_FALSE(w.registry.apply(nobody, w.now, w.wall(), w.changes));
  Observation future = beacon("a1");
  future.heard_at = w.now + 1h;
  EXPECT_FALSE(w.registry.apply(future, w.now, w.wall(), w.changes));
  EXPECT_TRUE(w.ids().empty());
}

TEST(Registry, ARenewalMakesNoRevisionAndMovesLastSeen) {
  World w;
  w.apply(beacon("a1"));
  const Revision before = w.registry.revision();
  const SnapshotPtr snapshot = w.registry.snapshot(w.now, w.wall());
  w.advance(1s);
  EXPECT_FALSE(w.apply(beacon("a1")).changed);
  EXPECT_EQ(w.registry.revision(), before);
  EXPECT_EQ(w.registry.snapshot(w.now, w.wall()), snapshot);
  EXPECT_EQ(snapshot->find("a1")->vitals->last_seen_ms.load(), w.wall().ms);
}

TEST(Registry, LastSeenNeverMovesBackwardsNorBySweepOrThirdParties) {
  World w;
  w.apply(beacon("a1"));
  const auto seen = [&] { return w.registry.find("a1")->vitals->last_seen_ms.load(); };
  const auto first = seen();
  Observation late = beacon("a1");
  late.heard_at = w.now - 500ms;
  w.apply(late);
  EXPECT_EQ(seen(), first);
  w.advance(5s);
  w.apply(of_kind(beacon("a1"), ObservationKind::doubt, "timeout"));
  w.advance(20s);
  EXPECT_EQ(seen(), first);
}

TEST(Registry, RevisionsRiseByOneFromTheStart) {
  World w;
  for (int i = 0; i < 5; ++i) w.apply(beacon("a" + std::to_string(i)));
  w.advance(1h);
  ASSERT_FALSE(w.changes.empty());
  for (std::size_t i = 0; i < w.changes.size(); ++i) EXPECT_EQ(w.changes[i].revision, (Revision{1, 101 + i}));
}

TEST(Liveness, SilenceMakesSuspectThenLostThenForgotten) {
  World w;
  w.apply(beacon("a1"));
  w.advance(3s - Duration{1});
  EXPECT_EQ(w.agent("a1")->liveness, Liveness::alive);
  w.advance(Duration{1});
  EXPECT_EQ(w.agent("a1")->liveness, Liveness::suspect);
  EXPECT_EQ(w.agent("a1")->reason, "beacon: silent for over 3s");
  w.advance(7s);
  EXPECT_EQ(w.agent("a1")->liveness, Liveness::lost);
  w.advance(5min - Duration{1});
  EXPECT_NE(w.agent("a1"), nullptr);
  w.advance(Duration{1});
  EXPECT_EQ(w.agent("a1"), nullptr);
  EXPECT_EQ(w.changes.back().kind, ChangeKind::forgotten);
}

TEST(Liveness, AnyMessageBringsALostAgentBackAsItWas) {
  World w;
  Claims claims;
  claims.current_team = "alpha";
  claims.tasks_completed = 12;
  w.apply(with(beacon("a1"), claims));
  w.advance(1min);
  EXPECT_EQ(w.agent("a1")->liveness, Liveness::lost);
  w.apply(beacon("a1"));
  EXPECT_EQ(w.agent("a1")->liveness, Liveness::alive);
  EXPECT_EQ(w.agent("a1")->current_team, "alpha");
  EXPECT_EQ(w.agent("a1")->tasks_completed, 12U);
}

TEST(Liveness, AForgottenAgentThatReturnsKeepsItsIdentity) {
  World w;
  Claims claims;
  claims.tasks_completed = 12;
  w.apply(with(beacon("a1"), claims));
  const WallTime first = w.agent("a1")->first_seen;
  w.advance(10min);
  ASSERT_EQ(w.agent("a1"), nullptr);
  w.apply(beacon("a1"));
  EXPECT_EQ(w.agent("a1")->first_seen, first);
  EXPECT_EQ(w.agent("a1")->tasks_completed, 12U);
}

TEST(Liveness, AnySourceThatStillHearsVetoesTheLoss) {
  World w;
  w.apply(beacon("a1"));
  w.apply(tether("a1"));
  w.advance(10min);
  EXPECT_EQ(w.agent("a1")->liveness, Liveness::alive);
  EXPECT_EQ(w.agent("a1")->sources, std::vector<std::string>{"registration"});
  w.apply(of_kind(tether("a1"), ObservationKind::doubt, "tether closed: connection reset"));
  EXPECT_EQ(w.agent("a1")->liveness, Liveness::suspect);
  EXPECT_EQ(w.agent("a1")->reason, "registration: tether closed: connection reset");
  w.advance(10s);
  EXPECT_EQ(w.agent("a1")->liveness, Liveness::lost);
}

TEST(Liveness, ARepeatedDoubtDoesNotStartTheClockAnew) {
  World w;
  w.apply(tether("a1"));
  for (int i = 0; i < 10; ++i) {
    w.apply(of_kind(tether("a1"), ObservationKind::doubt, "closed"));
    w.advance(1s);
  }
  EXPECT_EQ(w.agent("a1")->liveness, Liveness::lost);
}

TEST(Liveness, PositiveDeathLosesAtOnceAndALaterMessageRevives) {
  World w;
  w.apply(beacon("a1"));
  w.apply(tether("a1"));
  w.advance(500ms);
  w.apply(of_kind(tether("a1"), ObservationKind::dead, "tether broke, then its port refused twice"));
  EXPECT_EQ(w.agent("a1")->liveness, Liveness::lost);
  EXPECT_EQ(w.agent("a1")->reason, "tether broke, then its port refused twice");
  w.advance(1s);
  w.apply(beacon("a1"));
  EXPECT_EQ(w.agent("a1")->liveness, Liveness::alive);
}

TEST(Liveness, OneRefusedChannelDoesNotKillAnAgentHeardOnAnother) {
  World w;
  w.apply(probe("10.0.0.5:8081", "a1"));
  w.apply(beacon("a1"));
  w.apply(of_kind(probe("10.0.0.5:8081", "a1"), ObservationKind::refused, "connection refused twice"));
  EXPECT_EQ(w.agent("a1")->liveness, Liveness::alive);
  w.advance(3s);
  EXPECT_EQ(w.agent("a1")->liveness, Liveness::suspect);
}

TEST(Liveness, GoodbyeMeansLeftAndAnAnswerOnItsWayDoesNotRevive) {
  World w;
  w.apply(beacon("a1"));
  w.apply(probe("10.0.0.5:8081", "a1"));
  w.apply(of_kind(beacon("a1"), ObservationKind::goodbye, "SIGTERM"));
  EXPECT_EQ(w.agent("a1")->liveness, Liveness::left);
  EXPECT_EQ(w.agent("a1")->reason, "said goodbye: SIGTERM");
  w.advance(1s);
  w.apply(probe("10.0.0.5:8081", "a1"));
  EXPECT_EQ(w.agent("a1")->liveness, Liveness::left);
  w.advance(2s);
  w.apply(probe("10.0.0.5:8081", "a1"));
  EXPECT_EQ(w.agent("a1")->liveness, Liveness::alive);
}

TEST(Liveness, AReorderedBeaconFromBeforeTheGoodbyeChangesNothing) {
  World w;
  Observation hello = beacon("a1");
  hello.sequence = 4;
  w.apply(hello);
  Observation bye = of_kind(beacon("a1"), ObservationKind::goodbye, "");
  bye.sequence = 6;
  w.apply(bye);
  w.advance(100ms);
  Observation late = beacon("a1");
  late.sequence = 5;
  w.apply(late);
  EXPECT_EQ(w.agent("a1")->liveness, Liveness::left);
}

TEST(Liveness, ARestartOfTheAgentAfterItsGoodbyeIsAliveAtOnce) {
  World w;
  w.apply(beacon("a1", 7));
  w.apply(of_kind(beacon("a1", 7), ObservationKind::goodbye, ""));
  w.advance(100ms);
  w.apply(beacon("a1", 8));
  EXPECT_EQ(w.agent("a1")->liveness, Liveness::alive);
  EXPECT_EQ(w.agent("a1")->incarnation, 8U);
  EXPECT_FALSE(w.agent("a1")->conflict);
}

TEST(Liveness, TheEndOfAFormerTaskIsNoDeathOfAnAgentThatLivesOnInANewOne) {
  World w;
  Observation former = probe("10.0.0.5:8081", "a1"), later = probe("10.0.0.6:8081", "a1");
  former.names.task = task(1, "aaa");
  later.names.task = task(1, "bbb");
  w.apply(former);
  w.advance(1s);
  w.apply(later);
  w.advance(100ms);
  Observation ended;
  ended.kind = ObservationKind::dead;
  ended.source = "docker_engine";
  ended.subject = former.names.task->name();
  ended.names.task = former.names.task;
  ended.reason = "Docker: task aaa: shutdown";
  w.apply(ended);
  EXPECT_EQ(w.agent("a1")->liveness, Liveness::alive);
  ended.subject = later.names.task->name();
  ended.names.task = later.names.task;
  w.apply(ended);
  EXPECT_EQ(w.agent("a1")->liveness, Liveness::lost);
}

TEST(Liveness, RestoredAgentsAreListedAtOnceAsUnconfirmedThenLost) {
  World w;
  Agent stored;
  stored.id = "a1";
  stored.model = "codellama";
  stored.current_team = "alpha";
  w.registry.restore(stored, WallTime{5}, w.now, w.wall(), w.changes);
  EXPECT_EQ(w.agent("a1")->liveness, Liveness::unconfirmed);
  EXPECT_EQ(w.agent("a1")->model, "codellama");
  w.advance(29s);
  EXPECT_EQ(w.agent("a1")->liveness, Liveness::unconfirmed);
  w.advance(1s);
  EXPECT_EQ(w.agent("a1")->liveness, Liveness::suspect) << "from here it is silence like any other";
  w.advance(9s);
  EXPECT_EQ(w.agent("a1")->liveness, Liveness::suspect);
  w.advance(1s);
  EXPECT_EQ(w.agent("a1")->liveness, Liveness::lost);
}

TEST(Liveness, ARestoredAgentIsConfirmedByOneMessageAndKeepsWhatItDoesNotRepeat) {
  World w;
  Agent stored;
  stored.id = "a1";
  stored.model = "codellama";
  w.registry.restore(stored, WallTime{5}, w.now, w.wall(), w.changes);
  w.apply(beacon("a1"));
  EXPECT_EQ(w.agent("a1")->liveness, Liveness::alive);
  EXPECT_EQ(w.agent("a1")->model, "codellama");
  w.apply(with(beacon("a1"), Claims{}));
  EXPECT_EQ(w.agent("a1")->model, "") << "a whole statement withdraws what it does not say";
}

TEST(Identity, AnAnswerWithoutAnIdIsOneAgentNamedByItsAddress) {
  World w;
  for (int i = 0; i < 9; ++i) w.apply(probe("10.0.0.5:8081"));
  EXPECT_EQ(w.ids(), std::vector<std::string>{"10.0.0.5:8081"});
  EXPECT_EQ(w.agent("10.0.0.5:8081")->identity, IdentityKind::address);
}

TEST(Identity, ABalancedAddressWithoutIdsIsAServiceOfUnknownSize) {
  World w;
  Observation o = probe("10.0.0.2:8081");
  o.names.behind_balancer = true;
  for (int i = 0; i < 9; ++i) w.apply(o);
  EXPECT_EQ(w.ids(), std::vector<std::string>{"10.0.0.2:8081"});
  EXPECT_EQ(w.agent("10.0.0.2:8081")->identity, IdentityKind::service);
}

TEST(Identity, AStrongerNameAbsorbsTheWeakerOneWithItsHistory) {
  World w;
  w.apply(probe("10.0.0.5:8081"));
  const WallTime first = w.agent("10.0.0.5:8081")->first_seen;
  w.advance(5s);
  w.apply(probe("10.0.0.5:8081", "a1"));
  EXPECT_EQ(w.ids(), std::vector<std::string>{"a1"});
  EXPECT_EQ(w.agent("a1")->first_seen, first);
  EXPECT_EQ(w.agent("a1")->aliases, std::vector<std::string>{"10.0.0.5:8081"});
  EXPECT_EQ(w.agent("10.0.0.5:8081")->id, "a1") << "found by its alias";
  EXPECT_TRUE(std::any_of(w.changes.begin(), w.changes.end(), [](const Change& c) { return c.kind == ChangeKind::merged && c.into == "a1"; }));
}

TEST(Identity, TaskNameIsStrongerThanAddressAndWeakerThanADeclaredId) {
  World w;
  w.apply(probe("10.0.0.5:8081"));
  Observation named = probe("10.0.0.5:8081");
  named.names.task = task(3, "abc");
  w.apply(named);
  EXPECT_EQ(w.ids(), std::vector<std::string>{"chorus.3.abc"});
  named.names.id = "a1";
  w.apply(named);
  EXPECT_EQ(w.ids(), std::vector<std::string>{"a1"});
  EXPECT_EQ(w.agent("a1")->aliases, (std::vector<std::string>{"10.0.0.5:8081", "chorus.3.abc"}));
}

TEST(Identity, ThreeSourcesOfOneAgentMakeOneRecord) {
  World w;
  Claims claims;
  claims.health_url = "http://10.0.0.5:8081/health";
  Observation registered = with(beacon("a1"), claims);
  registered.source = "registration";
  w.apply(registered);
  w.apply(beacon("a1"));
  w.apply(probe("10.0.0.5:8081"));
  EXPECT_EQ(w.ids(), std::vector<std::string>{"a1"});
  EXPECT_EQ(w.agent("a1")->sources, (std::vector<std::string>{"beacon", "http_probe", "registration"}));
  w.advance(5s);
  EXPECT_EQ(w.agent("a1")->liveness, Liveness::alive) << "the probe alone still hears it";
}

TEST(Identity, AnAddressClaimedByTwoAgentsSpeaksForNeither) {
  World w;
  Claims claims;
  claims.endpoint = "http://10.0.0.9:8080";
  w.apply(with(beacon("a1"), claims));
  w.apply(with(beacon("a2"), claims));
  w.apply(probe("10.0.0.9:8080"));
  EXPECT_EQ(w.ids(), (std::vector<std::string>{"a1", "a2"}));
  w.advance(5s);
  EXPECT_EQ(w.agent("a1")->liveness, Liveness::suspect);
  EXPECT_EQ(w.agent("a2")->liveness, Liveness::suspect);
}

TEST(Identity, AnAddressUsedAgainByAnotherAgentEndsWhatItSaidOfTheFirst) {
  World w;
  w.apply(probe("10.0.0.5:8081", "a1"));
  w.advance(1s);
  w.apply(probe("10.0.0.5:8081", "a2"));
  EXPECT_EQ(w.agent("a1")->liveness, Liveness::lost);
  EXPECT_EQ(w.agent("a1")->reason, "http_probe: 10.0.0.5:8081 now answers as a2");
  EXPECT_EQ(w.agent("a2")->liveness, Liveness::alive);
  EXPECT_EQ(w.agent("10.0.0.5:8081")->id, "a2");
}

TEST(Identity, TwoLivingIncarnationsAreAConflictAndTheFirstStays) {
  World w;
  Claims first, second;
  first.model = "one";
  second.model = "two";
  w.apply(with(beacon("a1", 7), first));
  w.advance(1s);
  w.apply(with(beacon("a1", 8), second));
  EXPECT_EQ(w.agent("a1")->model, "two") << "so far it looks like a restart";
  int flips = 0;
  for (int i = 0; i < 20; ++i) {
    const std::string before = w.agent("a1")->model;
    w.advance(500ms);
    w.apply(with(beacon("a1", 7), first));
    w.advance(500ms);
    w.apply(with(beacon("a1", 8), second));
    flips += before != w.agent("a1")->model;
  }
  EXPECT_EQ(w.agent("a1")->model, "one");
  EXPECT_TRUE(w.agent("a1")->conflict);
  EXPECT_EQ(w.agent("a1")->contenders, std::vector<std::string>{"beacon incarnation 8"});
  EXPECT_EQ(flips, 1);
  for (int i = 0; i < 12; ++i) {
    w.advance(1s);
    w.apply(with(beacon("a1", 8), second));
  }
  EXPECT_EQ(w.agent("a1")->model, "two") << "the first fell silent";
  EXPECT_FALSE(w.agent("a1")->conflict);
}

/// A voice of a1 as the beacon source hears it: numbered, each second.
Observation voice(const std::string& subject, std::uint64_t incarnation, std::uint64_t sequence, const std::string& model) {
  Claims said;
  said.model = model;
  Observation o = with(beacon("a1", incarnation), said);
  o.subject = subject;
  o.sequence = sequence;
  o.lease = {3s, 10s, 1s};
  return o;
}

/// A clone says the same id and the same incarnation, or neither of them says one.
TEST(Identity, AClonedProcessIsAContenderAndTheFirstStays) {
  for (const std::uint64_t incarnation : {7U, 0U}) {
    World w;
    std::uint64_t n = 1;
    w.apply(voice("a1", incarnation, n, "first"));
    w.advance(1s);
    w.apply(voice("a1", incarnation, ++n, "first"));
    w.advance(500ms);
    w.apply(voice("a1 from 10.0.0.6:4000", incarnation, n, "clone"));
    EXPECT_FALSE(w.agent("a1")->conflict) << "so far its sender may be new";
    w.advance(500ms);
    w.apply(voice("a1", incarnation, ++n, "first"));
    w.advance(500ms);
    w.apply(voice("a1 from 10.0.0.6:4000", incarnation, n, "clone"));
    w.advance(500ms);
    w.apply(voice("a1", incarnation, ++n, "first"));
    ASSERT_TRUE(w.agent("a1")->conflict) << "within two of its beacons";
    EXPECT_EQ(w.agent("a1")->contenders, std::vector<std::string>{"beacon from 10.0.0.6:4000"});
    EXPECT_EQ(w.agent("a1")->model, "first");
    const std::size_t changes = w.changes.size();
    for (int i = 0; i < 20; ++i) {
      w.advance(500ms);
      w.apply(voice("a1 from 10.0.0.6:4000", incarnation, ++n, "clone"));
      w.advance(500ms);
      w.apply(voice("a1", incarnation, n, "first"));
    }
    EXPECT_EQ(w.changes.size(), changes) << "nothing flips";
    const auto why = w.registry.explain("a1", w.now);
    ASSERT_TRUE(why);
    ASSERT_EQ(why->channels.size(), 2U) << "both are shown";
    EXPECT_TRUE(why->channels[0].counts);
    EXPECT_EQ(why->channels[0].subject, "a1");
    EXPECT_FALSE(why->channels[1].counts);

    // The first falls silent: the clone holds the id, and the agent was alive all along.
    for (int i = 0; i < 6; ++i) {
      w.advance(1s);
      w.apply(voice("a1 from 10.0.0.6:4000", incarnation, ++n, "clone"));
      EXPECT_EQ(w.agent("a1")->liveness, Liveness::alive);
    }
    EXPECT_FALSE(w.agent("a1")->conflict);
    EXPECT_EQ(w.agent("a1")->model, "clone");
  }
}

TEST(Identity, AConflictEndsWithTheGoodbyeOfEither) {
  for (const bool first_leaves : {true, false}) {
    World w;
    std::uint64_t n = 1;
    const auto both = [&] {
      w.apply(voice("a1", 7, ++n, "first"));
      w.apply(voice("a1 from 10.0.0.6:4000", 7, n, "clone"));
      w.advance(1s);
    };
    w.apply(voice("a1", 7, n, "first"));
    w.advance(1s);
    for (int i = 0; i < 4; ++i) both();
    ASSERT_TRUE(w.agent("a1")->conflict);
    Observation bye = of_kind(voice(first_leaves ? "a1" : "a1 from 10.0.0.6:4000", 7, ++n, ""), ObservationKind::goodbye, "stop");
    bye.claims.reset();
    w.apply(bye);
    EXPECT_FALSE(w.agent("a1")->conflict);
    EXPECT_EQ(w.agent("a1")->liveness, Liveness::alive) << "the other lives";
    EXPECT_EQ(w.agent("a1")->model, first_leaves ? "clone" : "first");
  }
}

TEST(Identity, ASenderMadeAnewIsNoConflict) {
  World w;
  w.apply(voice("a1", 7, 1, "one"));
  w.advance(1s);
  w.apply(voice("a1", 7, 2, "one"));
  for (std::uint64_t i = 1; i < 20; ++i) {
    w.advance(1s);
    w.apply(voice("a1 from 10.0.0.5:4001", 7, i, "two"));
    EXPECT_FALSE(w.agent("a1")->conflict);
    EXPECT_EQ(w.agent("a1")->model, "two");
  }
}

TEST(Identity, OneIdAtTwoAddressesWithoutIncarnationsIsAConflict) {
  World w;
  w.apply(probe("10.0.0.5:8081", "a1"));
  w.advance(1s);
  w.apply(probe("10.0.0.6:8081", "a1"));
  EXPECT_EQ(w.ids(), std::vector<std::string>{"a1"});
  EXPECT_TRUE(w.agent("a1")->conflict);
  EXPECT_EQ(w.agent("a1")->contenders, std::vector<std::string>{"10.0.0.6:8081"});
}

TEST(Registry, EveryFieldOfAKnownAgentFollowsWhatItSays) {
  World w;
  w.apply(with(beacon("a1"), Claims{}));
  w.advance(10ms);
  Claims c;
  const auto said = [&] {
    const std::size_t before = w.changes.size();
    w.apply(with(beacon("a1"), c));
    EXPECT_EQ(w.changes.size(), before + 1);
    w.advance(10ms);
    return *w.agent("a1");
  };
  c.name = "One";
  EXPECT_EQ(said().name, "One");
  c.status = Status::working;
  EXPECT_EQ(said().status, Status::working);
  c.capabilities = {"go_development"};
  EXPECT_EQ(said().capabilities, std::vector<std::string>{"go_development"});
  c.model = "llama3.1:8b";
  EXPECT_EQ(said().model, "llama3.1:8b");
  c.endpoint = "http://10.0.0.5:8080";
  EXPECT_EQ(said().endpoint, "http://10.0.0.5:8080");
  c.tasks_completed = 3;
  EXPECT_EQ(said().tasks_completed, 3U);
  c.current_team = "alpha";
  EXPECT_EQ(said().current_team, "alpha");
  c.p2p_addr = "10.0.0.5:9000";
  EXPECT_EQ(said().p2p_addr, "10.0.0.5:9000");
  c.cluster_id = "docker-unified-stack";
  EXPECT_EQ(said().cluster_id, "docker-unified-stack");
  c.labels = Labels{{"zone", "a"}};
  EXPECT_EQ(said().labels, (Labels{{"zone", "a"}}));
}

TEST(Registry, TheNewestStatusWinsWhicheverChannelCarriesIt) {
  World w;
  Claims idle, working;
  idle.status = Status::idle;
  working.status = Status::working;
  w.apply(with(beacon("a1"), idle));
  w.advance(100ms);
  w.apply(with(probe("10.0.0.5:8081", "a1"), working));
  EXPECT_EQ(w.agent("a1")->status, Status::working);
  w.advance(100ms);
  w.apply(with(beacon("a1"), idle));
  EXPECT_EQ(w.agent("a1")->status, Status::idle);
}

TEST(Snapshot, KeepsItsBeliefWhileTheRegistryGoesOn) {
  World w;
  w.apply(beacon("a1"));
  const SnapshotPtr before = w.registry.snapshot(w.now, w.wall());
  w.apply(beacon("a2"));
  w.advance(1h);
  EXPECT_EQ(before->size(), 1U);
  EXPECT_EQ(before->find("a1")->agent.liveness, Liveness::alive);
  EXPECT_EQ(before->find("a2"), nullptr);
  EXPECT_EQ(w.registry.snapshot(w.now, w.wall())->size(), 0U);
}

TEST(Snapshot, ListsInNaturalOrderWhateverTheOrderOfArrival) {
  World w;
  for (const char* id : {"agent-10", "agent-2", "agent-100", "agent-1"}) w.apply(beacon(id));
  EXPECT_EQ(w.ids(), (std::vector<std::string>{"agent-1", "agent-2", "agent-10", "agent-100"}));
}

TEST(Snapshot, PagesThroughEveryoneOnceInAnyOrderWhileTheFleetChanges) {
  World w;
  for (int i = 0; i < 3000; ++i) {
    Claims c;
    c.capabilities = {i % 2 == 0 ? "go" : "rust", i % 50 == 0 ? "rare" : "common"};
    std::sort(c.capabilities->begin(), c.capabilities->end());
    c.model = "m" + std::to_string(i % 7);
    w.apply(with(beacon("agent-" + std::to_string(i * 7919 % 3000)), c));
  }
  for (const char* sort : {"id", "-id", "model", "-model"}) {
    for (const char* capability : {"", "go", "rare", "go,rare"}) {
      std::vector<std::pair<std::string, std::string>> parameters{{"sort", sort}, {"limit", "97"}};
      if (*capability != '\0') parameters.emplace_back("capability", capability);
      Query query = *parse_query(parameters);
      std::vector<std::string> paged;
      std::size_t total = 0;
      do {
        const Page page = *w.registry.snapshot(w.now, w.wall())->run(query);
        total = page.total;
        for (const auto& record : page.records) {
          EXPECT_TRUE(matches(query, record->agent));
          paged.push_back(record->agent.id);
        }
        query.cursor = page.next_cursor;
      } while (!query.cursor.empty());
      std::vector<std::string> unique = paged;
      std::sort(unique.begin(), unique.end());
      unique.erase(std::unique(unique.begin(), unique.end()), unique.end());
      std::size_t expected = 0;
      w.registry.snapshot(w.now, w.wall())->for_each([&](const AgentRecordPtr& r) { expected += matches(query, r->agent); });
      EXPECT_EQ(unique.size(), paged.size()) << sort << " " << capability;
      EXPECT_EQ(paged.size(), expected) << sort << " " << capability;
      EXPECT_EQ(total, expected) << sort << " " << capability;
    }
  }
}

TEST(Snapshot, RefusesACursorThatIsNotOurs) {
  World w;
  w.apply(beacon("a1"));
  Query query;
  query.cursor = "zz";
  EXPECT_EQ(w.registry.snapshot(w.now, w.wall())->run(query).error().code, ErrorCode::invalid);
  query.cursor = "2d69640a0a6131";  // "-id\n\na1": another order
  EXPECT_EQ(w.registry.snapshot(w.now, w.wall())->run(query).error().code, ErrorCode::invalid);
}

TEST(Snapshot, CountsCapabilitiesLiveAndTotal) {
  World w;
  Claims c;
  c.capabilities = {"go"};
  w.apply(with(beacon("a1"), c));
  w.advance(2s);
  w.apply(with(beacon("a2"), c));
  w.advance(2s);
  const auto counts = w.registry.snapshot(w.now, w.wall())->capabilities();
  ASSERT_EQ(counts.size(), 1U);
  EXPECT_EQ(counts[0].total, 2U);
  EXPECT_EQ(counts[0].live, 1U);
  EXPECT_EQ(w.registry.snapshot(w.now, w.wall())->counts().by_liveness[static_cast<int>(Liveness::suspect)], 1U);
  w.advance(1h);
  EXPECT_TRUE(w.registry.snapshot(w.now, w.wall())->capabilities().empty());
}

}  // namespace
}  // namespace choregos
