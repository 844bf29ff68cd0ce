#include "choregos/team/cover_table.hpp"

#include <algorithm>
#include <bit>
#include <cassert>

namespace choregos::team {

CoverTable::CoverTable(std::size_t bits)
    : bits_(bits), single_(std::size_t{1} << bits, kNone), plain_(single_), who_(single_.size()), best_(single_), part_(single_.size()) {
  assert(bits <= kExactRequirements);
  best_[0] = 0;
}

void CoverTable::add(const Candidate& candidate, std::uint32_t index) {
  const Mask mask = candidate.mask & ((Mask{1} << bits_) - 1);
  for (Mask u = mask; u != 0; u = (u - 1) & mask) {
    auto cost = static_cast<Cost>(candidate.cost);
    for (const auto& [requirement, points] : candidate.proofs)
      if ((u >> requirement & 1) != 0) cost += points;
    if (candidate.proofs.empty() && cost < plain_[u]) plain_[u] = cost;
    if (cost < single_[u]) {
      single_[u] = cost;
      who_[u] = index;
    }
  }
}

void CoverTable::solve() {
  const std::size_t end = best_.size();
  for (std::size_t s = 1; s < end; ++s) {
    const std::size_t low = s & (~s + 1);
    const std::size_t rest = s ^ low;
    Cost best = kNone;
    std::size_t part = s;
    for (std::size_t v = rest;; v = (v - 1) & rest) {
      const Cost cost = single_[v | low] + best_[rest ^ v];
      if (cost < best) {
        best = cost;
        part = v | low;
      }
      if (v == 0) break;
    }
    best_[s] = best;
    part_[s] = static_cast<std::uint16_t>(part);
  }
}

std::vector<Chosen> CoverTable::team(Mask subset) const {
  std::vector<Chosen> out;
  while (subset != 0) {
    const Mask part = part_[subset];
    const std::uint32_t who = who_[part];
    const auto it = std::find_if(out.begin(), out.end(), [&](const Chosen& c) { return c.candidate == who; });
    if (it != out.end()) {
      it->answers |= part;
    } else {
      out.push_back({who, part});
    }
    subset ^= part;
  }
  return out;
}

Points CoverTable::best_with(const Candidate& candidate, Mask subset) const {
  Points least = kImpossible;
  const Mask mask = candidate.mask & subset;
  for (Mask u = mask;; u = (u - 1) & mask) {
    Points cost = candidate.cost + best(subset & ~u);
    for (const auto& [requirement, points] : candidate.proofs)
      if ((u >> requirement & 1) != 0) cost += points;
    least = std::min(least, cost);
    if (u == 0) break;
  }
  return least;
}

Solution solve_by_table(const Problem& problem) {
  CoverTable table(problem.demand.size());
  for (std::uint32_t i = 0; i < problem.candidates.size(); ++i) table.add(problem.candidates[i], i);
  table.solve();
  Solution out;
  out.method = PlanMethod::subset_dp;
  const Mask wanted = problem.wanted();
  out.steps = problem.candidates.size();
  if (table.best(wanted) >= kImpossible / 2) return out;
  out.found = true;
  out.cost = out.cost_min = table.best(wanted);
  out.chosen = table.team(wanted);
  return out;
}

}  // namespace choregos::team
