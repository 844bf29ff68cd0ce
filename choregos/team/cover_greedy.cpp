#include "choregos/team/cover_greedy.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

#include "choregos/team/crew.hpp"

namespace choregos::team {
namespace {

template <class Visit>
void each_bit(Mask mask, Visit&& visit) {
  for (; mask != 0; mask &= mask - 1) visit(static_cast<std::uint32_t>(std::countr_zero(mask)));
}

class Greedy {
 public:
  explicit Greedy(const Problem& problem) : p_(problem), need_(problem.demand), crew_(problem), answers_(problem.candidates.size()), member_(problem.candidates.size()) {
    // Proofs are counted from the lowest of each requirement, so that no step has a negative price; the sum is a constant.
    lowest_.assign(need_.size(), 0);
    for (const Candidate& c : p_.candidates)
      for (const auto& [i, points] : c.proofs) lowest_[i] = std::min(lowest_[i], points);
    price_.assign(need_.size(), -1);
  }

  Solution run() {
    Solution out;
    out.method = PlanMethod::greedy;
    out.found = true;
    while (open() != 0 && out.found) out.found = step();
    if (out.found) {
      drop_redundant();
      out.found = complete();
    }
    out.steps = steps_;
    prove(out);
    if (!out.found) return out;
    for (std::uint32_t c = 0; c < p_.candidates.size(); ++c) {
      if (!member_[c]) continue;
      out.chosen.push_back({c, answers_[c]});
      out.cost += p_.candidates[c].cost;
      each_bit(answers_[c], [&](std::uint32_t i) { out.cost += p_.candidates[c].proof(i); });
    }
    return out;
  }

 private:
  Mask open() const {
    Mask out = 0;
    for (std::size_t i = 0; i < need_.size(); ++i) out |= Mask{need_[i] > 0} << i;
    return out;
  }
  Points proof(const Candidate& c, std::uint32_t i) const { return c.proof(i) - lowest_[i]; }

  /// The subset of what `c` could newly answer that costs least each, and that price.
  std::pair<Mask, double> offer(std::uint32_t index) const {
    const Candidate& c = p_.candidates[index];
    const Mask mask = c.mask & open_ & ~answers_[index];
    if (mask == 0) return {0, 0};
    Points sum = member_[index] ? 0 : c.cost;
    if (c.proofs.empty() && !any_lowest_) return {mask, static_cast<double>(sum) / std::popcount(mask)};
    std::vector<std::pair<Points, std::uint32_t>> by_proof;
    each_bit(mask, [&](std::uint32_t i) { by_proof.emplace_back(proof(c, i), i); });
    std::sort(by_proof.begin(), by_proof.end());
    Mask used = 0, best_mask = 0;
    double best = 0;
    for (std::size_t n = 0; n < by_proof.size(); ++n) {
      sum += by_proof[n].first;
      used |= Mask{1} << by_proof[n].second;
      const double each = static_cast<double>(sum) / static_cast<double>(n + 1);
      if (best_mask == 0 || each <= best) best = each, best_mask = used;
    }
    return {best_mask, best};
  }

  bool step() {
    open_ = open();
    any_lowest_ = std::any_of(lowest_.begin(), lowest_.end(), [](std::int32_t l) { return l != 0; });
    std::uint32_t chosen = UINT32_MAX;
    Mask use = 0;
    double price = 0;
    for (std::uint32_t c = 0; c < p_.candidates.size(); ++c) {
      ++steps_;
      const auto [mask, each] = offer(c);
      if (mask == 0 || (use != 0 && each >= price)) continue;
      if (!member_[c] && !crew_.fits(p_.candidates[c])) continue;
      chosen = c, use = mask, price = each;
    }
    if (use == 0) return false;
    if (!member_[chosen]) crew_.add(p_.candidates[chosen]);
    member_[chosen] = true;
    answers_[chosen] |= use;
    each_bit(use, [&](std::uint32_t i) {
      --need_[i];
      if (price_[i] < 0) price_[i] = price;  // the first unit is the cheapest
    });
    return true;
  }

  /// Whoever came early may have become superfluous: dearest first, if the others can answer for all that it answers.
  void drop_redundant() {
    std::vector<std::uint32_t> members;
    for (std::uint32_t c = 0; c < p_.candidates.size(); ++c)
      if (member_[c]) members.push_back(c);
    std::stable_sort(members.begin(), members.end(), [&](auto a, auto b) { return p_.candidates[a].cost > p_.candidates[b].cost; });
    for (const std::uint32_t c : members) {
      std::vector<std::pair<std::uint32_t, std::uint32_t>> instead;  // (requirement, member)
      Points saved = p_.candidates[c].cost;
      bool possible = true;
      each_bit(answers_[c], [&](std::uint32_t i) {
        std::uint32_t other = UINT32_MAX;
        for (const std::uint32_t m : members)
          if (m != c && member_[m] && ((p_.candidates[m].mask & ~answers_[m]) >> i & 1) != 0 &&
              (other == UINT32_MAX || p_.candidates[m].proof(i) < p_.candidates[other].proof(i)))
            other = m;
        possible = possible && other != UINT32_MAX;
        if (!possible) return;
        instead.emplace_back(i, other);
        saved += p_.candidates[c].proof(i) - p_.candidates[other].proof(i);
      });
      if (!possible || saved < 0) continue;
      member_[c] = false;
      answers_[c] = 0;
      crew_.drop(p_.candidates[c]);
      for (const auto& [i, m] : instead) answers_[m] |= Mask{1} << i;
    }
  }

  bool complete() {
    std::vector<std::uint32_t> by_cost(p_.candidates.size()), extras;
    std::iota(by_cost.begin(), by_cost.end(), 0U);
    std::stable_sort(by_cost.begin(), by_cost.end(), [&](auto a, auto b) { return p_.candidates[a].cost < p_.candidates[b].cost; });
    Points cost = 0;
    if (!crew_.complete_with(by_cost, [&](std::uint32_t i) { return member_[i] != 0; }, extras, cost)) return false;
    for (const std::uint32_t i : extras) member_[i] = true;
    return true;
  }

  bool affordable(double scale) const {
    return std::all_of(p_.candidates.begin(), p_.candidates.end(), [&](const Candidate& c) {
      double worth = 0;
      each_bit(c.mask, [&](std::uint32_t i) {
        if (p_.demand[i] > 0) worth += std::max(0.0, price_[i] * scale - static_cast<double>(proof(c, i)));
      });
      return worth <= static_cast<double>(c.cost);
    });
  }

  void prove(Solution& out) {
    for (double& price : price_) price = std::max(price, 0.0);
    double low = 0, high = 2;
    if (affordable(high)) low = high;
    for (int i = 0; i < 40 && low < high; ++i) {
      const double middle = (low + high) / 2;
      (affordable(middle) ? low : high) = middle;
    }
    double bound = 0, constant = 0;
    Mask widest = 0;
    for (const Candidate& c : p_.candidates)
      if (std::popcount(c.mask & p_.wanted()) > std::popcount(widest)) widest = c.mask & p_.wanted();
    for (std::size_t i = 0; i < p_.demand.size(); ++i) {
      out.prices.push_back(p_.demand[i] > 0 ? price_[i] * low + lowest_[i] : 0);
      bound += p_.demand[i] * out.prices.back();
      constant -= static_cast<double>(p_.demand[i]) * lowest_[i];
    }
    out.cost_min = static_cast<Points>(std::ceil(bound - 1e-6 * std::max(1.0, std::abs(bound))));
    if (p_.constrained()) {
      out.factor_max = 0;
      return;
    }
    double h = 0;
    for (int i = 1; i <= std::popcount(widest); ++i) h += 1.0 / i;
    h = std::max(h, 1.0);
    if (constant > 0) h = bound > 0 ? h + (h - 1) * constant / bound : 0;
    out.factor_max = h;
  }

  const Problem& p_;
  std::vector<std::uint32_t> need_;
  Crew crew_;
  std::vector<Mask> answers_;
  std::vector<char> member_;
  std::vector<std::int32_t> lowest_;
  std::vector<double> price_;
  Mask open_ = 0;
  bool any_lowest_ = false;
  std::uint64_t steps_ = 0;
};

}  // namespace

Solution solve_greedily(const Problem& problem) { return Greedy(problem).run(); }

}  // namespace choregos::team
