#include "choregos/record/shadow.hpp"

#include <gtest/gtest.h>

#include "choregos/base/limits.hpp"
#include "choregos/record/fleet_for_tests.hpp"
#include "choregos/wire/change_json.hpp"

namespace choregos::record {
namespace {

const std::vector<std::string> kOneSecond{"lease.suspect_after=1s", "lease.lost_after=1s", "detector.evidence_needed=0", "detector.floor_intervals=1", "detector.floor_intervals_max=1", "guard.enabled=false"};

std::unique_ptr<Shadow> shadow(const std::vector<std::string>& assignments) {
  auto made = Shadow::create({}, assignments, {3, 1000});
  EXPECT_TRUE(made) << made.error().message;
  return std::move(*made);
}

std::vector<std::string> told(const FleetForTests& fleet) {
  std::vector<std::string> out;
  for (const Change& change : fleet.changes()) out.push_back(wire::change_json(change, change.at));
  return out;
}

TEST(Shadow, ReportsTheFalseRemovalsOfHastySettingsAndChangesNothing) {
  auto hasty = shadow(kOneSecond);
  FleetForTests watched(1, {}, {hasty.get()}), alone(1, {}, {});
  for (FleetForTests* fleet : {&watched, &alone}) fleet->beacons(20, 5min, 0.1);
  hasty->stop();
  const Comparison seen = hasty->comparison();
  EXPECT_GT(seen.of_understudy().false_removals, 100U);
  EXPECT_EQ(seen.of_actor().false_removals, 0U);
  EXPECT_EQ(told(watched), told(alone));
  EXPECT_EQ(watched.registry().size(), 20U);

  const SourceHealth health = hasty->health();
  EXPECT_EQ(health.state, SourceState::ok);
  EXPECT_EQ(health.counters[1], (std::pair<std::string, std::uint64_t>{"false_removals", seen.of_understudy().false_removals}));
  const auto differences = hasty->take_differences();
  ASSERT_EQ(differences.size(), limits::shadow_difference_count_max);
  EXPECT_NE(differences.front().what.find("the other settings declared it lost for"), std::string::npos) << differences.front().what;
  EXPECT_TRUE(hasty->take_differences().empty());
  wire::MetricsWriter metrics;
  hasty->write_metrics(metrics);
  EXPECT_NE(metrics.text().find("choregos_shadow_false_removals_total{settings=\"shadow\"} " + std::to_string(seen.of_understudy().false_removals) + "\n"), std::string::npos);
}

TEST(Shadow, OfTheSameSettingsAgreesInEverything) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    auto same = shadow({"forget_after=5m"});
    FleetForTests fleet(seed, {}, {same.get()});
    fleet.restore(10);
    fleet.chaos(25, 90s);
    same->stop();
    const Comparison seen = same->comparison();
    EXPECT_GT(seen.of_actor().lost, 5U);
    EXPECT_EQ(seen.of_actor().lost, seen.of_understudy().lost);
    EXPECT_EQ(seen.of_actor().false_removals, seen.of_understudy().false_removals);
    EXPECT_EQ(seen.only_actor() + seen.only_understudy() + seen.difference_count(), 0U) << "seed " << seed << ", only " << seen.only_actor() << " " << seen.only_understudy();
  }
}

TEST(Shadow, TellsHowMuchEarlierOrLaterADeathIsNoticed) {
  auto early = shadow({"lease.suspect_after=1s", "lease.lost_after=5s", "detector.floor_intervals=5", "guard.enabled=false"});
  auto late = shadow({"lease.lost_after=30s"});
  FleetForTests fleet(1, {}, {early.get(), late.get()});
  fleet.beacons(1, 30s, 0);
  fleet.beacons(0, 60s, 0);  // it has fallen silent
  early->stop();
  late->stop();
  EXPECT_EQ(early->comparison().earlier(), 1U);
  EXPECT_GT(early->comparison().earlier_by(), 2s);
  EXPECT_EQ(early->comparison().later(), 0U);
  EXPECT_EQ(late->comparison().later(), 1U);
  EXPECT_NEAR(static_cast<double>(late->comparison().later_by().count()), 2e10, 1e9);
  EXPECT_EQ(late->comparison().of_understudy().false_removals, 0U);
}

Change change(const std::string& id, ChangeKind kind, Liveness liveness, Duration at, std::uint64_t incarnation = 1) {
  auto record = std::make_shared<AgentRecord>();
  record->agent.id = id;
  record->agent.liveness = liveness;
  record->agent.incarnation = incarnation;
  Change out;
  out.kind = kind;
  out.record = record;
  out.at = Instant{0} + at;
  return out;
}

TEST(Comparison, KnowsAnAgentThatReturnsAfterOneOfThemHasForgottenIt) {
  Comparison c;
  const auto lost = [&](Duration at) { return change("a", ChangeKind::liveness, Liveness::lost, at); };
  c.take({}, std::vector{lost(1s), change("a", ChangeKind::forgotten, Liveness::lost, 2s)});
  EXPECT_EQ(c.only_understudy(), 1U);
  c.take({}, std::vector{change("a", ChangeKind::appeared, Liveness::alive, 3s)});
  EXPECT_EQ(c.of_understudy().false_removals, 1U);
  EXPECT_EQ(c.only_understudy(), 0U);
  // Forgotten by the hasty one, then lost by the other, too: noticed earlier, and right.
  c.take({}, std::vector{lost(5s), change("a", ChangeKind::forgotten, Liveness::lost, 6s)});
  c.take(std::vector{lost(15s)}, {});
  EXPECT_EQ(c.earlier(), 1U);
  EXPECT_EQ(c.earlier_by(), 10s);
  EXPECT_EQ(c.only_understudy() + c.only_actor(), 0U);
  EXPECT_EQ(c.of_understudy().false_removals, 1U);
}

TEST(Comparison, TakesARestartForADeath) {
  Comparison c;
  c.take({}, std::vector{change("a", ChangeKind::liveness, Liveness::lost, 1s), change("a", ChangeKind::liveness, Liveness::alive, 2s, 2)});
  EXPECT_EQ(c.of_understudy().lost, 1U);
  EXPECT_EQ(c.of_understudy().false_removals, 0U);
  EXPECT_EQ(c.only_understudy(), 0U);
}

TEST(Shadow, RefusesSettingsThatAreNone) {
  const auto error = [](const std::string& assignment) { return Shadow::create({}, {assignment}, {1, 0}).error().message; };
  EXPECT_NE(error("detector.evidence_neded=5").find("did you mean 'detector.evidence_needed'?"), std::string::npos);
  EXPECT_NE(error("detector.evidence_needed=much").find("'much' is not a number"), std::string::npos);
  EXPECT_NE(error("guard.drain_every=0s").find("guard.drain_every must be a duration from 1ms"), std::string::npos);
  EXPECT_NE(error("lease.lost_after=0s").find("is not a duration"), std::string::npos);
  EXPECT_NE(error("forget_after").find("sets nothing"), std::string::npos);
}

TEST(Shadow, EndsWhenItCannotKeepUp) {
  auto made = Shadow::create({}, {"forget_after=1m"}, {3, 1000}, 1);
  FleetForTests fleet(1, {}, {made->get()});
  fleet.chaos(25, 2min);
  (*made)->stop();
  EXPECT_TRUE((*made)->cut());
  EXPECT_EQ((*made)->health().state, SourceState::degraded);
}

}  // namespace
}  // namespace choregos::record
