#include "choregos/team/teams.hpp"

#include <map>

#include "choregos/team/fleet_for_tests.hpp"

namespace choregos::team {
namespace {

/// A ledger with a clock in hand, and a copy of who is in which team that is made from the moves alone.
struct Hall {
  Teams teams;
  Instant now{1'000'000'000'000};
  std::vector<TeamChange> changes;
  std::map<std::string, std::string> told;
  std::size_t seen = 0;
  std::uint64_t revision = 0;

  WallTime wall() const { return {now.ns / 1'000'000}; }
  void put(AgentRecordPtr record) {
    Change change;
    change.revision = {1, ++revision};
    change.kind = ChangeKind::updated;
    change.record = std::move(record);
    teams.follow(change, now);
  }
  void goes(const std::string& id, ChangeKind kind = ChangeKind::forgotten, const std::string& into = "") {
    Change change;
    change.revision = {1, ++revision};
    change.kind = kind;
    change.record = agent_record(id, {});
    change.into = into;
    teams.follow(change, now);
  }
  void becomes(const std::string& id, Liveness liveness) {
    auto record = std::make_shared<AgentRecord>(*teams.roster().record(teams.roster().find(id)));
    record->agent.liveness = liveness;
    put(record);
  }
  void settle() {
    teams.settle(now, wall(), changes);
    listen();
  }
  /// Believes the moves, and is told if they would put somebody into two teams or leave somebody in a team that is gone.
  void listen() {
    for (; seen < changes.size(); ++seen) {
      const TeamChange& change = changes[seen];
      for (const Move& move : change.moves) {
        if (move.team.empty()) {
          EXPECT_EQ(told.erase(move.agent), 1U) << move.agent;
        } else {
          EXPECT_TRUE(told.emplace(move.agent, move.team).second) << move.agent << " is in " << told[move.agent] << " and joins " << move.team;
        }
      }
    }
  }
  /// The whole truth against what was told.
  void compare() {
    std::map<std::string, std::string> truth;
    for (const TeamPtr& team : teams.all())
      for (const auto* list : {&team->members, &team->standbys})
        for (const TeamMember& m : *list) {
          EXPECT_TRUE(truth.emplace(m.agent, team->id).second) << m.agent << " is in two teams";
          EXPECT_EQ(teams.team_of(m.agent), team->id);
        }
    EXPECT_EQ(truth, told);
  }
  TeamPtr form(const TeamRequest& request) {
    auto formed = teams.form(request, now, wall(), changes);
    listen();
    EXPECT_TRUE(formed) << formed.error().message;
    if (!formed || std::holds_alternative<Refusal>(*formed)) return nullptr;
    return std::get<TeamPtr>(*formed);
  }
  TeamPtr team(const std::string& id) const { return teams.find(id); }
};

std::vector<std::string> agents(const std::vector<TeamMember>& list) {
  std::vector<std::string> out;
  for (const TeamMember& m : list) out.push_back(m.agent);
  return out;
}

using List = std::vector<std::string>;

TeamRequest named(const std::string& id, TeamRequest request) {
  request.id = id;
  return request;
}

struct FourOfSix : Hall {
  FourOfSix() {
    for (int i = 1; i <= 6; ++i) put(costing(agent_record("a" + std::to_string(i), {"go"}), static_cast<std::uint32_t>(i) * 100));
    form(named("alpha", asking({{"go", 4}}, TeamMode::seats)));
  }
};

TEST(Teams, KeepsThreeReplacesOneAndStepsTheFenceOnce) {
  FourOfSix hall;
  EXPECT_EQ(agents(hall.team("alpha")->members), (List{"a1", "a2", "a3", "a4"}));
  const std::uint64_t fence = hall.team("alpha")->fence;
  hall.becomes("a2", Liveness::lost);
  hall.settle();
  EXPECT_EQ(agents(hall.team("alpha")->members), (List{"a1", "a3", "a4", "a5"}));
  EXPECT_EQ(hall.team("alpha")->fence, fence + 1);
  EXPECT_EQ(hall.team("alpha")->state, TeamState::whole);
  EXPECT_EQ(hall.changes.back().kind, TeamChangeKind::repaired);
  EXPECT_EQ(hall.changes.back().moves, (std::vector<Move>{{"a2", ""}, {"a5", "alpha"}}));
  hall.compare();
}

TEST(Teams, ReplacesTwoAtOnceInOneFenceStep) {
  FourOfSix hall;
  const std::uint64_t fence = hall.team("alpha")->fence;
  hall.becomes("a2", Liveness::lost);
  hall.becomes("a4", Liveness::left);
  hall.settle();
  EXPECT_EQ(agents(hall.team("alpha")->members), (List{"a1", "a3", "a5", "a6"}));
  EXPECT_EQ(hall.team("alpha")->fence, fence + 1);
  hall.compare();
}

TEST(Teams, ASuspectMemberStays) {
  FourOfSix hall;
  const auto before = hall.changes.size();
  hall.becomes("a2", Liveness::suspect);
  hall.settle();
  EXPECT_EQ(hall.changes.size(), before);
}

TEST(Teams, TakesTheStandbyBeforeACheaperStranger) {
  Hall hall;
  for (int i = 1; i <= 5; ++i) hall.put(costing(agent_record("a" + std::to_string(i), {"go"}), static_cast<std::uint32_t>(i) * 100));
  auto request = named("alpha", asking({{"go", 2}}, TeamMode::seats));
  request.standby = 1;
  const TeamPtr team = hall.form(request);
  ASSERT_TRUE(team);
  EXPECT_EQ(agents(team->standbys), (List{"a3"}));
  EXPECT_EQ(hall.teams.team_of("a3"), "alpha");
  hall.put(costing(agent_record("a0", {"go"}), 1));
  hall.becomes("a1", Liveness::lost);
  hall.settle();
  EXPECT_EQ(agents(hall.team("alpha")->members), (List{"a2", "a3"}));
  EXPECT_EQ(agents(hall.team("alpha")->standbys), (List{"a0"})) << "and a new standby is held";
  hall.compare();
}

TEST(Teams, SaysWhatIsMissingAndHealsWhenSomebodyComes) {
  Hall hall;
  hall.put(agent_record("a1", {"go"}));
  hall.put(agent_record("a2", {"rust"}));
  ASSERT_TRUE(hall.form(named("alpha", asking({{"go", 1}, {"rust", 1}}))));
  hall.becomes("a2", Liveness::lost);
  hall.settle();
  TeamPtr team = hall.team("alpha");
  EXPECT_EQ(team->state, TeamState::lacking);
  EXPECT_EQ(team->missing, (std::vector<MissingPlace>{{1, 1}}));
  EXPECT_EQ(team->note, "missing: rust");
  EXPECT_EQ(agents(team->members), (List{"a1", "a2"})) << "the lost one keeps its place until somebody takes it";
  EXPECT_FALSE(team->members[1].present);
  hall.goes("a2");
  hall.settle();
  EXPECT_EQ(agents(hall.team("alpha")->members), (List{"a1"}));
  EXPECT_EQ(hall.team("alpha")->state, TeamState::lacking);
  hall.put(agent_record("a3", {"rust"}));
  hall.settle();
  EXPECT_EQ(agents(hall.team("alpha")->members), (List{"a1", "a3"}));
  EXPECT_EQ(hall.team("alpha")->state, TeamState::whole);
  hall.compare();
}

TEST(Teams, AMemberThatReturnsInTimeTakesItsPlaceWithoutAFenceStep) {
  Hall hall;
  hall.put(agent_record("a1", {"go"}));
  hall.put(agent_record("a2", {"rust"}));
  ASSERT_TRUE(hall.form(named("alpha", asking({{"go", 1}, {"rust", 1}}))));
  const std::uint64_t fence = hall.team("alpha")->fence;
  hall.becomes("a2", Liveness::lost);
  hall.settle();
  hall.becomes("a2", Liveness::alive);
  hall.settle();
  EXPECT_EQ(hall.team("alpha")->state, TeamState::whole);
  EXPECT_EQ(hall.team("alpha")->fence, fence);
  EXPECT_EQ(hall.changes.back().kind, TeamChangeKind::repaired);
  hall.compare();
}

TEST(Teams, AMemberThatLosesItsCapabilityIsReplaced) {
  FourOfSix hall;
  hall.put(agent_record("a1", {"cooking"}));
  hall.settle();
  EXPECT_EQ(agents(hall.team("alpha")->members), (List{"a2", "a3", "a4", "a5"}));
  EXPECT_EQ(hall.teams.team_of("a1"), "");
  hall.compare();
}

TEST(Teams, AMemberKeepsItsPlaceUnderAStrongerName) {
  FourOfSix hall;
  hall.put(agent_record("worker", {"go"}));
  hall.goes("a2", ChangeKind::merged, "worker");
  hall.settle();
  EXPECT_EQ(agents(hall.team("alpha")->members), (List{"a1", "a3", "a4", "worker"}));
  EXPECT_EQ(hall.teams.team_of("worker"), "alpha");
  EXPECT_EQ(hall.teams.team_of("a2"), "");
  hall.compare();
}

TEST(Teams, EndWithTheirLeaseAndFreeEverybody) {
  FourOfSix hall;
  EXPECT_EQ(hall.teams.next_deadline(), hall.now + 10min);
  hall.now = hall.now + 9min;
  ASSERT_TRUE(hall.teams.renew("alpha", {}, hall.now, hall.wall(), hall.changes));
  hall.now = hall.now + 9min;
  hall.settle();
  EXPECT_TRUE(hall.team("alpha"));
  hall.now = hall.teams.next_deadline();
  hall.settle();
  EXPECT_FALSE(hall.team("alpha"));
  EXPECT_EQ(hall.changes.back().kind, TeamChangeKind::ended);
  EXPECT_EQ(hall.changes.back().note, "its lease ran out");
  EXPECT_TRUE(hall.told.empty());
  hall.compare();
}

TEST(Teams, APlanOfBeforeIsRefusedWhenSomebodyWasTakenSince) {
  FourOfSix hall;
  auto answer = hall.teams.plan(asking({{"go", 2}}, TeamMode::seats), hall.now);
  ASSERT_TRUE(answer);
  const Plan plan = std::get<Plan>(*answer);
  EXPECT_EQ(ids(plan), (List{"a5", "a6"}));
  ASSERT_TRUE(hall.form(named("beta", asking({{"go", 1}}))));
  const auto refused = hall.teams.form(plan, hall.now, hall.wall(), hall.changes);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::conflict);
  EXPECT_EQ(refused.error().message, "a5 is in team beta; plan again");
  EXPECT_EQ(hall.teams.team_of("a6"), "") << "all or none";
  hall.becomes("a6", Liveness::suspect);
  ASSERT_TRUE(hall.teams.release("beta", "", hall.now, hall.changes));
  EXPECT_EQ(hall.teams.form(plan, hall.now, hall.wall(), hall.changes).error().message, "a6 is suspect; plan again");
}

TEST(Teams, GrowAndShrink) {
  FourOfSix hall;
  auto grown = hall.teams.resize("alpha", asking({{"go", 5}}, TeamMode::seats), hall.now, hall.wall(), hall.changes);
  hall.listen();
  ASSERT_TRUE(grown && std::holds_alternative<TeamPtr>(*grown));
  EXPECT_EQ(agents(hall.team("alpha")->members), (List{"a1", "a2", "a3", "a4", "a5"}));
  auto shrunk = hall.teams.resize("alpha", asking({{"go", 2}}, TeamMode::seats), hall.now, hall.wall(), hall.changes);
  hall.listen();
  ASSERT_TRUE(shrunk && std::holds_alternative<TeamPtr>(*shrunk));
  EXPECT_EQ(agents(hall.team("alpha")->members), (List{"a1", "a2"})) << "the cheapest stay";
  auto refused = hall.teams.resize("alpha", asking({{"go", 7}}, TeamMode::seats), hall.now, hall.wall(), hall.changes);
  ASSERT_TRUE(refused && std::holds_alternative<Refusal>(*refused));
  EXPECT_EQ(hall.team("alpha")->members.size(), 2U) << "all or none";
  hall.compare();
}

TEST(Teams, SurviveARestartAndWaitForTheirMembers) {
  FourOfSix hall;
  const SavedTeams saved = hall.teams.save(hall.now);
  Hall after;
  after.now = Instant{5'000'000'000};
  after.teams.load(saved, after.now);
  EXPECT_EQ(after.teams.save(after.now), saved);
  after.told = hall.told;
  for (const auto* id : {"a1", "a3", "a4", "a6"}) after.put(costing(agent_record(id, {"go"}), 100));
  after.settle();
  EXPECT_TRUE(after.changes.empty()) << "a2 is not heard yet";
  auto refused = after.teams.form(asking({{"go", 2}}, TeamMode::seats), after.now, after.wall(), after.changes);
  ASSERT_TRUE(refused);
  EXPECT_TRUE(std::holds_alternative<Refusal>(*refused)) << "the members are not free";
  after.now = after.teams.next_deadline();
  EXPECT_EQ(after.now, Instant{5'000'000'000} + 30s);
  after.settle();
  EXPECT_EQ(agents(after.team("alpha")->members), (List{"a1", "a3", "a4", "a6"}));
  EXPECT_EQ(after.team("alpha")->fence, hall.team("alpha")->fence + 1);
  after.compare();
}

TEST(Teams, AnAgentThatFailsAtACapabilityIsPlacedLastForItAlone) {
  Hall hall;
  for (int i = 1; i <= 3; ++i) hall.put(costing(agent_record("a" + std::to_string(i), {"go", "rust"}), static_cast<std::uint32_t>(i) * 100));
  const auto first = [&](const char* capability) { return ids(std::get<Plan>(*hall.teams.plan(asking({{capability, 1}}), hall.now))).front(); };
  EXPECT_EQ(first("go"), "a1");
  for (int n = 0; n < 3; ++n) hall.teams.failed("a1", "go", hall.now);
  EXPECT_EQ(first("go"), "a2");
  EXPECT_EQ(first("rust"), "a1");
  EXPECT_TRUE(std::holds_alternative<Plan>(*hall.teams.plan(asking({{"go", 3}}, TeamMode::seats), hall.now))) << "last, not forbidden";
  hall.teams.succeeded("a1", "go", hall.now);
  hall.teams.succeeded("a1", "go", hall.now);
  EXPECT_EQ(standing(hall.teams.tracks().proof("a1", "go", hall.now)), Standing::proven);
  for (int n = 0; n < 3; ++n) hall.teams.failed("a2", "go", hall.now);
  EXPECT_EQ(standing(hall.teams.tracks().proof("a2", "go", hall.now)), Standing::failing);
  EXPECT_EQ(standing(hall.teams.tracks().proof("a2", "go", hall.now + 24h)), Standing::declared) << "it gets another chance";
}

TEST(Teams, WorkGoesRoundAmongEquals) {
  Hall hall;
  for (int i = 0; i < 20; ++i) hall.put(agent_record("a" + std::to_string(i), {"go"}));
  std::map<std::string, int> served;
  for (int n = 0; n < 10'000; ++n) {
    hall.now = hall.now + 1s;
    const TeamPtr team = hall.form(asking({{"go", 3}}, TeamMode::seats));
    ASSERT_TRUE(team);
    for (const TeamMember& m : team->members) ++served[m.agent];
    ASSERT_TRUE(hall.teams.release(team->id, "", hall.now, hall.changes));
    hall.listen();
  }
  int most = 0;
  for (const auto& [agent, count] : served) most = std::max(most, count);
  EXPECT_LE(most, 1.2 * 10'000 * 3 / 20);
  EXPECT_EQ(served.size(), 20U);
}

/// Random commands and losses. Nobody is ever in two teams, and what was told is what is.
void live_through(std::uint64_t seed, int steps) {
  Rng rng(seed);
  Hall hall;
  const auto id = [](std::uint64_t i) { return "a" + std::to_string(i); };
  const auto capability = [&] { return "c" + std::to_string(rng.below(5)); };
  constexpr std::uint64_t kAgents = 24;
  const auto fresh = [&](std::uint64_t i) {
    std::vector<std::string> has{capability()};
    if (const std::string second = capability(); rng.chance(0.5) && second != has[0]) has.push_back(second);
    hall.put(costing(agent_record(id(i), has, "h" + std::to_string(i % 4)), static_cast<std::uint32_t>(rng.below(500))));
  };
  for (std::uint64_t i = 0; i < kAgents; ++i) fresh(i);
  for (int step = 0; step < steps; ++step) {
    const double what = rng.unit();
    const std::string team = "t" + std::to_string(rng.below(6));
    if (what < 0.25) {
      TeamRequest request = asking({{capability(), 1 + static_cast<std::uint32_t>(rng.below(2))}}, rng.chance(0.5) ? TeamMode::cover : TeamMode::seats);
      if (rng.chance(0.5)) request.needs.push_back({{capability()}, 1, {}, {}});
      request.standby = static_cast<std::uint32_t>(rng.below(2));
      request.ttl = 1s + 1s * static_cast<int>(rng.below(60));
      request.id = team;
      if (rng.chance(0.1)) request.spread.per_host_max = 1;
      if (rng.chance(0.15) && hall.teams.find(team)) {
        (void)hall.teams.resize(team, request, hall.now, hall.wall(), hall.changes);
      } else if (!hall.teams.find(team)) {
        (void)hall.teams.form(request, hall.now, hall.wall(), hall.changes);
      }
    } else if (what < 0.30) {
      (void)hall.teams.release(team, "", hall.now, hall.changes);
    } else if (what < 0.75) {
      const std::string agent = id(rng.below(kAgents));
      if (hall.teams.roster().find(agent) == kNoPlace) {
        fresh(static_cast<std::uint64_t>(std::stoi(agent.substr(1))));
      } else {
        hall.becomes(agent, rng.chance(0.7) ? Liveness::alive : rng.chance(0.5) ? Liveness::lost : Liveness::suspect);
      }
    } else if (what < 0.80) {
      const std::string agent = id(rng.below(kAgents));
      if (hall.teams.roster().find(agent) != kNoPlace) hall.goes(agent);
    } else if (what < 0.82) {
      const std::string from = id(rng.below(kAgents)), into = id(rng.below(kAgents));
      if (from != into && hall.teams.roster().find(from) != kNoPlace && hall.teams.roster().find(into) != kNoPlace) hall.goes(from, ChangeKind::merged, into);
    } else if (what < 0.86) {
      fresh(rng.below(kAgents));
    } else {
      hall.now = hall.now + 1ms * static_cast<int>(rng.below(2000));
      hall.teams.reassess(4, hall.now);
    }
    hall.settle();
    hall.listen();
    if (step % 256 == 0) {
      hall.compare();
      hall.changes.clear();
      hall.seen = 0;
    }
    ASSERT_FALSE(::testing::Test::HasFailure()) << "seed " << seed << " step " << step;
  }
  hall.compare();
  EXPECT_GT(hall.teams.fence(), static_cast<std::uint64_t>(steps) / 50);
}

TEST(Teams, NeverShareAnAgentInRandomLives) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) live_through(seed, 100'000);
}

}  // namespace
}  // namespace choregos::team
