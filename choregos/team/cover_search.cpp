#include "choregos/team/cover_search.hpp"

#include <algorithm>
#include <bit>
#include <numeric>

#include "choregos/team/cover_greedy.hpp"
#include "choregos/team/cover_table.hpp"
#include "choregos/team/crew.hpp"

namespace choregos::team {
namespace {

using Index = std::uint32_t;

class Search {
 public:
  explicit Search(const Problem& problem)
      : p_(problem), table_(problem.demand.size()), crew_(problem), need_(problem.demand), member_(problem.candidates.size()),
        barred_(problem.candidates.size()), answers_(problem.candidates.size()), barred_for_(problem.candidates.size()) {
    const std::size_t k = p_.demand.size();
    lowest_.assign(k, 0);
    holders_.resize(k);
    for (Index c = 0; c < p_.candidates.size(); ++c) {
      Candidate bare = p_.candidates[c];
      for (std::size_t i = 0; i < k; ++i)
        if ((bare.mask >> i & 1) != 0) {
          const std::int32_t points = bare.proof(static_cast<std::uint32_t>(i));
          lowest_[i] = holders_[i].empty() ? points : std::min(lowest_[i], points);
          holders_[i].push_back(c);
        }
      bare.proofs.clear();
      table_.add(bare, c);
      by_cost_.push_back(c);
    }
    table_.solve();
    const auto cost_for = [&](Index c, std::size_t i) { return p_.candidates[c].cost + p_.candidates[c].proof(static_cast<std::uint32_t>(i)); };
    std::stable_sort(by_cost_.begin(), by_cost_.end(), [&](Index a, Index b) { return p_.candidates[a].cost < p_.candidates[b].cost; });
    cheapest_sum_.resize(k);
    price_.assign(k, 0);
    const Mask wanted = p_.wanted();
    for (std::size_t i = 0; i < k; ++i) {
      std::stable_sort(holders_[i].begin(), holders_[i].end(), [&](Index a, Index b) { return cost_for(a, i) < cost_for(b, i); });
      std::vector<Points> costs;
      double price = -1;
      for (const Index c : holders_[i]) {
        costs.push_back(p_.candidates[c].cost);
        const double share = static_cast<double>(p_.candidates[c].cost) / std::max(1, std::popcount(p_.candidates[c].mask & wanted));
        price = price < 0 ? share : std::min(price, share);
      }
      price_[i] = std::max(price, 0.0);
      std::sort(costs.begin(), costs.end());
      cheapest_sum_[i].push_back(0);
      for (const Points cost : costs) cheapest_sum_[i].push_back(cheapest_sum_[i].back() + cost);
    }
  }

  Solution run() {
    out_ = solve_greedily(p_);
    out_.method = PlanMethod::search;
    out_.factor_max = 1;
    out_.prices.clear();
    best_ = out_.found ? out_.cost : kImpossible;
    visit();
    out_.steps = steps_;
    out_.work_ran_out = steps_ > p_.steps_max;
    out_.cost_min = std::min(best_, unsearched_);
    if (out_.found) out_.cost = best_;
    if (out_.work_ran_out && out_.cost_min < best_) out_.factor_max = 0;
    return out_;
  }

 private:
  bool has(Index c, std::size_t i) const { return (p_.candidates[c].mask >> i & 1) != 0; }
  bool may_answer(Index c, std::size_t i) const { return has(c, i) && ((answers_[c] | barred_for_[c]) >> i & 1) == 0; }

  /// No team below this node costs less; kImpossible when there is none.
  Points bound() {
    Points lowest = 0, dearest = 0;
    double priced = 0;
    Mask strict = 0;
    for (std::size_t i = 0; i < need_.size(); ++i) {
      if (need_[i] == 0) continue;
      std::uint32_t ready = 0;
      for (const Index m : members_) ready += may_answer(m, i) ? 1U : 0U;
      lowest += static_cast<Points>(need_[i]) * lowest_[i];
      if (ready >= need_[i]) continue;
      const std::uint32_t rest = need_[i] - ready;
      if (cheapest_sum_[i].size() <= rest) return kImpossible;
      strict |= Mask{1} << i;
      dearest = std::max(dearest, cheapest_sum_[i][rest]);
      priced += rest * price_[i];
    }
    const Points others = std::max({table_.best(strict), dearest, static_cast<Points>(priced - 1e-6)});
    return others >= kImpossible / 2 ? kImpossible : cost_ + lowest + others;
  }

  void visit() {
    const Points least = bound();
    if (least >= best_) return;
    if (++steps_ > p_.steps_max) {
      unsearched_ = std::min(unsearched_, least);
      return;
    }
    std::size_t pick = need_.size();
    std::size_t fewest = 0;
    for (std::size_t i = 0; i < need_.size(); ++i) {
      if (need_[i] == 0) continue;
      // Slack: how many may refuse before it cannot be met.
      const std::size_t slack = holders_[i].size() - std::min<std::size_t>(holders_[i].size(), need_[i]);
      if (pick == need_.size() || slack < fewest) pick = i, fewest = slack;
    }
    if (pick == need_.size()) return leaf();
    branch(pick);
  }

  void leaf() {
    std::vector<Index> extras;
    Points cost = 0;
    if (!crew_.complete_with(by_cost_, [&](Index c) { return member_[c] != 0; }, extras, cost) || cost_ + cost >= best_) return;
    best_ = cost_ + cost;
    out_.found = true;
    out_.chosen.clear();
    for (const Index m : members_) out_.chosen.push_back({m, answers_[m]});
    for (const Index e : extras) out_.chosen.push_back({e, 0});
  }

  void branch(std::size_t i) {
    const std::size_t depth = undo_.size();
    const Mask bit = Mask{1} << i;
    std::vector<Index> tried;
    // Members first: they cost only their proof. One with the lowest proof is as good as any.
    const std::vector<Index> members = members_;
    for (const Index m : members) {
      if (!may_answer(m, i)) continue;
      answer(m, i);
      visit();
      take_back(m, i);
      if (p_.candidates[m].proof(static_cast<std::uint32_t>(i)) == lowest_[i]) return unbar(tried, bit, depth);
      barred_for_[m] |= bit;
      tried.push_back(m);
    }
    for (const Index c : holders_[i]) {
      const Candidate& candidate = p_.candidates[c];
      if (member_[c] || barred_[c] || !may_answer(c, i) || !crew_.fits(candidate)) continue;
      if (cost_ + candidate.cost + candidate.proof(static_cast<std::uint32_t>(i)) >= best_ + slack()) break;
      const Points before = cost_;
      const Mask answered = join(c, i);
      visit();
      leave(c, answered);
      cost_ = before;
      // In a team with this one, it may as well be this one that answers, unless its proof is worse than somebody's.
      if (candidate.proof(static_cast<std::uint32_t>(i)) == lowest_[i]) {
        barred_[c] = true;
        undo_.push_back(c);
      } else {
        barred_for_[c] |= bit;
        tried.push_back(c);
      }
    }
    unbar(tried, bit, depth);
  }

  /// What open requirements may still give back.
  Points slack() const {
    Points out = 0;
    for (std::size_t i = 0; i < need_.size(); ++i) out -= static_cast<Points>(need_[i]) * std::min(0, lowest_[i]);
    return out;
  }
  void answer(Index c, std::size_t i) {
    answers_[c] |= Mask{1} << i;
    --need_[i];
    cost_ += p_.candidates[c].proof(static_cast<std::uint32_t>(i));
  }
  void take_back(Index c, std::size_t i) {
    answers_[c] &= ~(Mask{1} << i);
    ++need_[i];
    cost_ -= p_.candidates[c].proof(static_cast<std::uint32_t>(i));
  }
  /// Makes it a member that answers `i`, and whatever else nobody could answer for less.
  Mask join(Index c, std::size_t i) {
    member_[c] = true;
    members_.push_back(c);
    crew_.add(p_.candidates[c]);
    cost_ += p_.candidates[c].cost;
    answer(c, i);
    for (std::size_t j = 0; j < need_.size(); ++j)
      if (need_[j] > 0 && may_answer(c, j) && p_.candidates[c].proof(static_cast<std::uint32_t>(j)) == lowest_[j]) answer(c, j);
    return answers_[c];
  }
  void leave(Index c, Mask answered) {
    for (std::size_t j = 0; j < need_.size(); ++j)
      if ((answered >> j & 1) != 0) take_back(c, j);
    member_[c] = false;
    members_.pop_back();
    crew_.drop(p_.candidates[c]);
  }
  void unbar(const std::vector<Index>& tried, Mask bit, std::size_t depth) {
    for (const Index c : tried) barred_for_[c] &= ~bit;
    while (undo_.size() > depth) {
      barred_[undo_.back()] = false;
      undo_.pop_back();
    }
  }

  const Problem& p_;
  CoverTable table_;                          ///< of own costs, without proofs
  Crew crew_;
  std::vector<std::uint32_t> need_;
  std::vector<char> member_;
  std::vector<char> barred_;                  ///< may not join below this node
  std::vector<Mask> answers_;
  std::vector<Mask> barred_for_;              ///< may not answer these below this node
  std::vector<std::int32_t> lowest_;          ///< proof of each requirement
  std::vector<std::vector<Index>> holders_;   ///< of each requirement, cheapest first
  std::vector<std::vector<Points>> cheapest_sum_;
  std::vector<double> price_;
  std::vector<Index> by_cost_;
  std::vector<Index> members_;
  std::vector<Index> undo_;
  Points cost_ = 0;
  Points best_ = kImpossible;
  Points unsearched_ = kImpossible;
  std::uint64_t steps_ = 0;
  Solution out_;
};

}  // namespace

Solution search_cover(const Problem& problem) { return Search(problem).run(); }

}  // namespace choregos::team
