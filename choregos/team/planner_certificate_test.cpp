// What a certificate and a refusal say, and that the checker is not fooled.
#include <cmath>
#include <set>

#include "choregos/team/cover_greedy.hpp"
#include "choregos/team/cover_table.hpp"
#include "choregos/team/fleet_for_tests.hpp"
#include "choregos/team/single_points.hpp"

namespace choregos::team {
namespace {

TEST(Greedy, IsNeverAboveItsBoundAndItsPricesProveOne) {
  Rng rng(21);
  double worst = 1;
  int found = 0;
  for (int n = 0; n < 10'000; ++n) {
    Problem p;
    const std::size_t k = 2 + rng.below(5);
    p.demand.assign(k, 1);
    for (std::size_t c = 2 + rng.below(13); c > 0; --c) {
      Candidate one;
      for (std::size_t i = 0; i < k; ++i) one.mask |= Mask{rng.chance(0.35)} << i;
      one.cost = 1000 + static_cast<Points>(rng.below(1001));
      if (one.mask != 0) p.candidates.push_back(one);
    }
    const Solution best = solve_by_table(p), greedy = solve_greedily(p);
    ASSERT_EQ(best.found, greedy.found) << n;
    if (!best.found) continue;
    ++found;
    ASSERT_LE(static_cast<double>(greedy.cost), greedy.factor_max * static_cast<double>(best.cost) + 1e-6) << n;
    ASSERT_LE(greedy.cost_min, best.cost) << n;
    ASSERT_GT(greedy.cost_min, 0) << n;
    worst = std::max(worst, static_cast<double>(greedy.cost) / static_cast<double>(best.cost));
  }
  EXPECT_GT(found, 2000);
  EXPECT_GT(worst, 1.0) << "the cases are too easy to tell anything";
}

TEST(Greedy, PlansForManyRequirementsAreChecked) {
  Rng rng(22);
  int found = 0;
  for (int n = 0; n < 200; ++n) {
    TestFleet fleet;
    TeamRequest request;
    for (std::size_t i = 0; i < 13 + rng.below(10); ++i) request.needs.push_back({{"c" + std::to_string(i)}, 1 + static_cast<std::uint32_t>(rng.below(2)), {}, {}});
    for (int a = 0; a < 60; ++a) {
      std::vector<std::string> has;
      for (std::size_t i = 0; i < request.needs.size(); ++i)
        if (rng.chance(0.2)) has.push_back("c" + std::to_string(i));
      if (!has.empty() && rng.chance(0.3)) fleet.tracks.failed("a" + std::to_string(a), has[0], fleet.now);
      if (!has.empty() && rng.chance(0.3)) fleet.tracks.succeeded("a" + std::to_string(a), has[0], fleet.now);
      fleet.put(costing(agent_record("a" + std::to_string(a), has, "h" + std::to_string(a % 9)), static_cast<std::uint32_t>(rng.below(1000))));
    }
    if (rng.chance(0.3)) request.spread.per_host_max = 3;
    const auto answer = fleet.ask(request);
    if (!std::holds_alternative<Plan>(answer)) continue;
    ++found;
    const Plan& plan = std::get<Plan>(answer);
    EXPECT_EQ(plan.method, PlanMethod::greedy);
    const auto verified = fleet.check(plan);
    ASSERT_TRUE(verified) << n << ": " << verified.error().message;
    EXPECT_GT(plan.cost_min, 0);
    EXPECT_LT(plan.gap(), 0.7);
  }
  EXPECT_GT(found, 150);
}

/// A plan with everything in it, and the fleet that it is for.
struct Sample {
  TestFleet fleet;
  Plan plan;
  explicit Sample(TeamMode mode) {
    fleet.put(costing(agent_record("a1", {"go", "git"}, "h1"), 50));
    fleet.put(costing(agent_record("a2", {"rust"}, "h1"), 100));
    fleet.put(costing(agent_record("a3", {"go", "rust"}, "h2"), 400));
    fleet.put(costing(agent_record("a4", {"go", "git", "rust"}, "h2"), 2900));
    fleet.put(agent_record("a5", {"cooking"}, "h3"));
    fleet.put(agent_record("a6", {"go"}, "h3"), true);
    auto suspect = agent_record("a7", {"rust"}, "h3");
    suspect->agent.liveness = Liveness::suspect;
    fleet.put(suspect);
    TeamRequest request = asking({{"go", 1}, {"rust", 1}}, mode);
    request.standby = 1;
    request.prefer.push_back({PreferenceKind::node, "", "h1", 30});
    plan = std::get<Plan>(fleet.ask(request));
  }
};

TEST(Certificate, SaysWhoWasTakenWhoWasNotAndWhy) {
  const Sample cover(TeamMode::cover), seats(TeamMode::seats);
  EXPECT_EQ(ids(cover.plan), (std::vector<std::string>{"a3"}));
  EXPECT_EQ(cover.plan.cost, 1430);
  EXPECT_TRUE(cover.plan.optimal());
  EXPECT_EQ(cover.plan.members[0].terms[static_cast<std::size_t>(CostTerm::price)], 400);
  EXPECT_EQ(cover.plan.members[0].terms[static_cast<std::size_t>(CostTerm::locality)], 30);
  EXPECT_EQ(cover.plan.members[0].instead, "a4");
  EXPECT_EQ(cover.plan.members[0].instead_cost, 3930);
  ASSERT_EQ(cover.plan.left_out.size(), 2U);
  EXPECT_EQ(cover.plan.left_out[0].agent, "a1");
  EXPECT_EQ(*cover.plan.left_out[0].team_cost_min, 2150) << "a1 and a2";
  EXPECT_EQ(cover.plan.standbys[0].agent, "a4");

  EXPECT_EQ(ids(seats.plan), (std::vector<std::string>{"a1", "a2"}));
  EXPECT_EQ(seats.plan.cost, 2150);
  EXPECT_EQ(seats.plan.standbys[0].agent, "a3");
  EXPECT_EQ(seats.plan.standbys[0].for_members, (std::vector<std::string>{"a1", "a2"}));
  EXPECT_EQ(*seats.plan.left_out[0].team_cost_min, 1050 + 1430) << "a1 and a3, as rust";
}

TEST(Checker, RejectsEveryForgery) {
  for (const TeamMode mode : {TeamMode::cover, TeamMode::seats}) {
    const Sample sample(mode);
    ASSERT_TRUE(sample.fleet.check(sample.plan)) << sample.fleet.check(sample.plan).error().message;
    const auto rejects = [&](const char* what, auto&& forge) {
      Plan forged = sample.plan;
      forge(forged);
      EXPECT_FALSE(sample.fleet.check(forged)) << what << " in " << to_string(mode);
    };
    const auto cost_term = [](Plan& p, CostTerm t) -> Points& { return p.members[0].terms[static_cast<std::size_t>(t)]; };
    rejects("a lower cost", [](Plan& p) { --p.cost, --p.cost_min; });
    rejects("a higher cost", [](Plan& p) { ++p.cost; });
    rejects("a bound that is too high", [](Plan& p) { p.cost_min = p.cost + 1; });
    rejects("a member twice", [](Plan& p) { p.members.push_back(p.members[0]); });
    rejects("a member left out", [](Plan& p) { p.members.pop_back(); });
    rejects("a stranger", [](Plan& p) { p.members[0].agent = "nobody"; });
    rejects("somebody in a team", [](Plan& p) { p.members[0].agent = "a6"; });
    rejects("a suspect", [](Plan& p) { p.members.back().agent = "a7"; });
    rejects("somebody excluded", [](Plan& p) { p.request.exclude.push_back(p.members[0].agent); });
    rejects("somebody without the capability", [](Plan& p) { p.members[0].agent = "a5"; });
    rejects("an answer less", [](Plan& p) { p.members[0].answers.pop_back(); });
    rejects("an answer twice", [](Plan& p) { p.members[0].answers.push_back(p.members[0].answers[0]); });
    rejects("an answer to nothing", [](Plan& p) { p.members[0].answers[0] = 9; });
    rejects("a term changed", [&](Plan& p) { ++cost_term(p, CostTerm::load); });
    rejects("a proof invented", [&](Plan& p) { --cost_term(p, CostTerm::proof), ++cost_term(p, CostTerm::load); });
    rejects("a count raised", [](Plan& p) { p.request.needs[0].count = 2; });
    rejects("a size not kept", [](Plan& p) { p.request.size_min = 3; });
    rejects("hosts not kept", [](Plan& p) { p.request.spread.several_hosts = true; });
    rejects("a standby that is a member", [](Plan& p) { p.standbys[0].agent = p.members[0].agent; });
    rejects("a standby that cannot", [](Plan& p) { p.standbys[0].agent = "a5"; });
    rejects("standbys nobody asked for", [](Plan& p) { p.request.standby = 0; });
  }
  // A dearer team with an honest sum, but called optimal.
  Sample sample(TeamMode::seats);
  Plan dearer = sample.plan;
  dearer.members[0] = {"a3", "h2", {0}, {}, {}, 0};
  dearer.members[0].terms[0] = 1000, dearer.members[0].terms[2] = 400, dearer.members[0].terms[6] = 30;
  dearer.standbys.clear();
  dearer.cost = dearer.cost_min = 2530;
  EXPECT_FALSE(sample.fleet.check(dearer));
  dearer.cost_min = sample.plan.cost;
  EXPECT_TRUE(sample.fleet.check(dearer)) << "with the gap told it is an honest plan";
  Sample cover(TeamMode::cover);
  Plan two = cover.plan;
  two.members = sample.plan.members;
  two.standbys.clear();
  two.cost = two.cost_min = sample.plan.cost;
  EXPECT_FALSE(cover.fleet.check(two));
}

std::string refusal(const TestFleet& fleet, const TeamRequest& request) {
  const auto answer = plan(fleet.fleet(), request, {{}, true, [](std::string_view agent) { return agent == "a6" ? std::string("alpha") : std::string(); }});
  return answer && std::holds_alternative<Refusal>(*answer) ? std::get<Refusal>(*answer).message : "no refusal";
}

TEST(Refusal, NamesTheSeatTheRarestCapabilityAndTheNearestMiss) {
  const Sample sample(TeamMode::seats);
  EXPECT_EQ(refusal(sample.fleet, asking({{"git", 1}, {"go", 4}})),
            "requires[1] (4 × go) cannot be filled: 3 of 4 agents are there; rarest is git, which 2 free agents have, of 2 listed; "
            "nearest is a6, which is in team alpha");
  EXPECT_EQ(refusal(sample.fleet, asking({{"rust", 4}})),
            "requires[0] (4 × rust) cannot be filled: 3 of 4 agents are there; rarest is rust, which 3 free agents have, of 4 listed; "
            "nearest is a7, which is suspect");
  EXPECT_EQ(refusal(sample.fleet, asking({{"rusty", 1}})),
            "requires[0] (rusty) cannot be filled: 0 of 1 agents are there; rarest is rusty, which 0 free agents have, of 0 listed; did you mean 'rust'?");
  TeamRequest both = asking({{"cooking", 1}});
  both.needs[0].capabilities.push_back("go");
  EXPECT_EQ(refusal(sample.fleet, both),
            "requires[0] (cooking + go) cannot be filled: 0 of 1 agents are there; rarest is cooking, which 1 free agents have, of 1 listed; "
            "nearest is a1, which lacks cooking");
  EXPECT_EQ(refusal(sample.fleet, asking({{"git", 2}, {"go", 2}}, TeamMode::seats)),
            "requires[1] (2 × go) cannot be filled: 2 requirements want the same agents, 4 seats in all, of which 3 can be filled; "
            "rarest is git, which 2 free agents have, of 2 listed; nearest is a6, which is in team alpha");
  TeamRequest apart = asking({{"git", 2}});
  apart.exclude.push_back("a1");
  EXPECT_NE(refusal(sample.fleet, apart).find("nearest is a1, which is excluded by the request"), std::string::npos) << refusal(sample.fleet, apart);
  TeamRequest hosts = asking({{"git", 1}, {"cooking", 1}});
  hosts.size_max = 1;
  EXPECT_NE(refusal(sample.fleet, hosts).find("keeps the limits on size"), std::string::npos) << refusal(sample.fleet, hosts);
}

TEST(SinglePoints, NameExactlyWhatVanishes) {
  Rng rng(5);
  for (int n = 0; n < 300; ++n) {
    std::vector<std::shared_ptr<AgentRecord>> fleet;
    for (int a = 0; a < 12; ++a) {
      std::vector<std::string> has;
      for (int c = 0; c < 8; ++c)
        if (rng.chance(0.2)) has.push_back("c" + std::to_string(c));
      fleet.push_back(agent_record("a" + std::to_string(a), has, "h" + std::to_string(rng.below(4))));
      if (rng.chance(0.1)) fleet.back()->agent.liveness = Liveness::lost;
    }
    SinglePoints points;
    for (const auto& record : fleet) points.add(record->agent);
    std::map<std::string, std::vector<std::string>> said, fact;
    for (const auto& point : points.take())
      if (point.kind == PointKind::host) said[point.name] = point.capabilities;
    const auto left = [&](const std::string& without) {
      std::set<std::string> out;
      for (const auto& record : fleet)
        if (record->agent.liveness == Liveness::alive && record->agent.node != without) out.insert(record->agent.capabilities.begin(), record->agent.capabilities.end());
      return out;
    };
    for (int h = 0; h < 4; ++h) {
      const std::string host = "h" + std::to_string(h);
      const auto after = left(host);
      for (const auto& capability : left(""))
        if (!after.contains(capability)) fact[host].push_back(capability);
    }
    ASSERT_EQ(said, fact) << n;
  }
}

TEST(Matching, BitsAndRecordsSayTheSame) {
  Rng rng(9);
  for (int n = 0; n < 300; ++n) {
    TestFleet fleet;
    TeamRequest request;
    random_case(rng, {14, 6, 1, false, false, false, true}, fleet, request);
    for (int again = 0; again < 20; ++again) {  // agents come, move and go
      auto record = costing(agent_record("a" + std::to_string(rng.below(14)), {"c" + std::to_string(rng.below(6))}, "h1"), static_cast<std::uint32_t>(rng.below(3000)));
      rng.chance(0.3) ? fleet.roster.remove(record->agent.id) : fleet.put(record, rng.chance(0.3));
    }
    const Sieve sieve(fleet.fleet(), request);
    for (std::size_t i = 0; i < request.needs.size(); ++i) {
      std::set<std::string> by_bits, by_records;
      const auto look = [&](std::uint32_t chunk, std::uint32_t = 0) {
        return sieve.matcher(i).each(chunk, [&](Place p) { return sieve.matcher(i).check(p) && by_bits.insert(fleet.roster.record(p)->agent.id).second, true; });
      };
      fleet.roster.visit_free(look);
      fleet.roster.visit_taken(look);
      for (const Witness& w : fleet.all)
        if (fleet.roster.find(w.record->agent.id) != kNoPlace && fills(request.needs[i], fleet.roster.record(fleet.roster.find(w.record->agent.id))->agent)) by_records.insert(w.record->agent.id);
      ASSERT_EQ(by_bits, by_records) << n;
    }
  }
}

TEST(Request, IsCheckedAndSaysWhatWouldBeRight) {
  const auto says = [](auto&& change) {
    TeamRequest request = asking({{"go", 1}});
    change(request);
    const auto ok = check(request);
    return ok ? std::string("fine") : ok.error().message;
  };
  EXPECT_EQ(says([](TeamRequest&) {}), "fine");
  EXPECT_EQ(says([](TeamRequest& r) { r.needs.clear(); }), "requires is empty; name at least one capability");
  EXPECT_EQ(says([](TeamRequest& r) { r.needs[0].count = 0; }), "requires[0].count is 0; write 1 or more, or leave the requirement out");
  EXPECT_EQ(says([](TeamRequest& r) { r.needs[0].capabilities.clear(); }), "requires[0] says nothing; give it a capability, a model or labels");
  EXPECT_EQ(says([](TeamRequest& r) { r.needs[0].count = 65; }), "requires[0].count is above 64");
  EXPECT_EQ(says([](TeamRequest& r) { r.needs.resize(65, r.needs[0]); }), "requires has more than 64 entries");
  EXPECT_EQ(says([](TeamRequest& r) { r.size_min = 3, r.size_max = 2; }), "size_min is above size_max");
  EXPECT_EQ(says([](TeamRequest& r) { r.needs[0].count = 3, r.size_max = 2; }), "a count of 3 asks for more different agents than size_max allows");
  EXPECT_EQ(says([](TeamRequest& r) { r.spread.several_hosts = true, r.mode = TeamMode::seats; }),
            "a team of one cannot be on several hosts; drop spread.several_hosts or ask for more members");
  EXPECT_EQ(says([](TeamRequest& r) { r.ttl = 0s; }), "ttl must be between 1s and 7d");
  EXPECT_EQ(says([](TeamRequest& r) { r.prefer.push_back({PreferenceKind::label, "", "x", 1}); }).substr(0, 22), "prefer[0].key is empty");
  EXPECT_EQ(says([](TeamRequest& r) { r.id = "a team"; }).substr(0, 2), "id");
}

}  // namespace
}  // namespace choregos::team
