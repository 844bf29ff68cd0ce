#include "choregos/team/planner.hpp"

#include <bit>
#include <map>

#include "choregos/team/fleet_for_tests.hpp"

namespace choregos::team {
namespace {

constexpr Points kNone = INT64_MAX / 4;

/// The cheapest team by trying every one: in cover all subsets, in seats all ways to fill seat after seat. Knows records and the
/// cost function, nothing else of this folder's machinery.
class BruteForce {
 public:
  /// `must`: only teams with this agent in them.
  BruteForce(const TestFleet& fleet, const TeamRequest& request, const std::string& must = "") : request_(request) {
    for (const Witness& w : fleet.all) {
      const Agent& agent = w.record->agent;
      if (!w.free || !unfit(agent).empty() || !barred(request, agent).empty()) continue;
      One one;
      const Wishes wishes = unmet(request, agent);
      one.cost = w.own.total() + wishes.preference + wishes.locality;
      one.host = std::stoi(agent.node.substr(1));
      for (std::size_t i = 0; i < request.needs.size(); ++i) {
        if (!fills(request.needs[i], agent)) continue;
        one.mask |= 1U << i;
        Points worst = -kNone;
        for (const auto& c : request.needs[i].capabilities) worst = std::max<Points>(worst, fleet.cost.proof(fleet.tracks.proof(agent.id, c, fleet.now)));
        one.proof[i] = worst;
      }
      if (one.mask == 0) continue;
      if (agent.id == must) must_ = 1U << all_.size();
      all_.push_back(one);
    }
    for (const Requirement& r : request.needs) counts_.push_back(r.count);
  }

  Points best() {
    if (request_.mode == TeamMode::cover) return (subsets(0, 0, 0), best_);
    return seats();
  }

 private:
  struct One {
    Points cost = 0;
    std::uint32_t mask = 0;
    int host = 0;
    Points proof[8] = {};
  };

  bool limits(std::uint32_t set) const {
    if ((set & must_) != must_) return false;
    int hosts[4] = {};
    for (std::size_t a = 0; a < all_.size(); ++a)
      if ((set >> a & 1) != 0) ++hosts[all_[a].host];
    int used = 0;
    for (const int h : hosts) {
      used += h > 0;
      if (request_.spread.per_host_max != 0 && h > static_cast<int>(request_.spread.per_host_max)) return false;
    }
    const auto size = static_cast<std::uint32_t>(std::popcount(set));
    return (!request_.spread.several_hosts || used >= 2) && size >= request_.size_min && (request_.size_max == 0 || size <= request_.size_max);
  }

  void subsets(std::size_t a, std::uint32_t set, Points cost) {
    if (cost - 600 * std::popcount(set) >= best_) return;  // proofs give back 80 for each of six at most
    if (a < all_.size()) {
      subsets(a + 1, set | 1U << a, cost + all_[a].cost);
      subsets(a + 1, set, cost);
      return;
    }
    if (!limits(set)) return;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      Points proofs[16];
      std::size_t n = 0;
      for (std::size_t m = 0; m < all_.size(); ++m)
        if ((set >> m & 1) != 0 && (all_[m].mask >> i & 1) != 0) proofs[n++] = all_[m].proof[i];
      if (n < counts_[i]) return;
      std::sort(proofs, proofs + n);
      for (std::size_t j = 0; j < counts_[i]; ++j) cost += proofs[j];
    }
    best_ = std::min(best_, cost);
  }

  Points seats() {
    std::map<std::uint32_t, Points> reached{{0, 0}};
    for (std::size_t i = 0; i < counts_.size(); ++i)
      for (std::uint32_t n = 0; n < counts_[i]; ++n) {
        std::map<std::uint32_t, Points> next;
        for (const auto& [set, cost] : reached)
          for (std::size_t a = 0; a < all_.size(); ++a) {
            if ((set >> a & 1) != 0 || (all_[a].mask >> i & 1) == 0) continue;
            const auto [it, fresh] = next.try_emplace(set | 1U << a, kNone);
            it->second = std::min(it->second, cost + all_[a].cost + all_[a].proof[i]);
          }
        reached = std::move(next);
      }
    for (const auto& [set, cost] : reached)
      if (limits(set)) best_ = std::min(best_, cost);
    return best_;
  }

  const TeamRequest& request_;
  std::vector<One> all_;
  std::vector<std::uint32_t> counts_;
  Points best_ = kNone;
  std::uint32_t must_ = 0;
};

/// Plans `cases` random fleets and holds each against brute force and the checker. How many had a team.
int try_cases(std::uint64_t seed, int cases, TeamMode mode, const Mixture& mix) {
  int teams = 0;
  Rng rng(seed);
  for (int n = 0; n < cases; ++n) {
    TestFleet fleet;
    TeamRequest request;
    request.mode = mode;
    random_case(rng, mix, fleet, request);
    if (!check(request)) continue;
    const Points best = BruteForce(fleet, request).best();
    const PlanOrRefusal answer = fleet.ask(request);
    const Plan* const plan = std::get_if<Plan>(&answer);
    EXPECT_EQ(plan != nullptr, best < kNone) << "seed " << seed << " case " << n;
    if (plan == nullptr || best >= kNone) {
      if (plan == nullptr) {
        EXPECT_FALSE(std::get<Refusal>(answer).message.empty());
      }
      if (::testing::Test::HasFailure()) return teams;
      continue;
    }
    ++teams;
    EXPECT_EQ(plan->cost, best) << "seed " << seed << " case " << n;
    EXPECT_TRUE(plan->optimal()) << "seed " << seed << " case " << n;
    for (const LeftOut& out : plan->left_out)
      if (out.team_cost_min) {
        EXPECT_LE(*out.team_cost_min, BruteForce(fleet, request, out.agent).best()) << "seed " << seed << " case " << n << " with " << out.agent;
      }
    const auto verified = fleet.check(*plan);
    EXPECT_TRUE(verified) << "seed " << seed << " case " << n << ": " << verified.error().message;
    if (::testing::Test::HasFailure()) return teams;
  }
  return teams;
}

TEST(Planner, CoverCostsWhatBruteForceFinds) { EXPECT_GT(try_cases(1, 4000, TeamMode::cover, {}), 1000); }
TEST(Planner, CoverWithFiltersWishesAndProofsCostsWhatBruteForceFinds) {
  EXPECT_GT(try_cases(2, 2500, TeamMode::cover, {14, 6, 1, false, true, true, true}), 300);
}
TEST(Planner, CoverWithCountsCostsWhatBruteForceFinds) { EXPECT_GT(try_cases(3, 1500, TeamMode::cover, {12, 4, 3, false, false, true, false}), 200); }
TEST(Planner, CoverWithLimitsCostsWhatBruteForceFinds) { EXPECT_GT(try_cases(4, 2000, TeamMode::cover, {12, 5, 2, true, false, false, false}), 200); }
TEST(Planner, CoverWithEverythingCostsWhatBruteForceFinds) { EXPECT_GT(try_cases(5, 1500, TeamMode::cover, {11, 5, 2, true, true, true, true}), 100); }

TEST(Planner, SeatsCostWhatBruteForceFinds) { EXPECT_GT(try_cases(6, 5000, TeamMode::seats, {14, 5, 2, false, false, false, false}), 500); }
TEST(Planner, SeatsWithEverythingCostWhatBruteForceFinds) { EXPECT_GT(try_cases(7, 5000, TeamMode::seats, {14, 4, 2, true, true, true, true}), 400); }

}  // namespace
}  // namespace choregos::team
