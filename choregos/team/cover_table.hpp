// The cheapest way to cover every subset of up to twelve requirements: dynamic programming over subsets, exact.
//
//   single[u] = min over candidates with mask ⊇ u of  cost + Σ_{i ∈ u} proof_i
//   best[∅] = 0,  best[s] = min over u ⊆ s that hold the lowest bit of s of  single[u] + best[s \ u]
//
// (3^k - 1) / 2 additions: 364 for six requirements, 265,720 for twelve. Members come out distinct without a rule for it: using one
// candidate for two parts pays its cost twice, and the two parts as one are among the choices for less. Weighted set cover by
// subset DP is folklore (Fomin, Kratsch, "Exact Exponential Algorithms", 2010, chapter 3).
#pragma once

#include <vector>

#include "choregos/team/problem.hpp"

namespace choregos::team {

inline constexpr std::size_t kExactRequirements = 12;

class CoverTable {
 public:
  /// `bits` requirements, at most kExactRequirements.
  explicit CoverTable(std::size_t bits);

  /// Offers a candidate under `index`; the first of equals is kept. Call solve() before reading best().
  void add(const Candidate& candidate, std::uint32_t index);
  void solve();

  /// kImpossible or more when the candidates do not have it all.
  Points best(Mask subset) const { return best_[subset] >= kNone ? kImpossible : best_[subset]; }
  std::size_t bits() const { return bits_; }
  /// The least that a candidate without proofs, and which fills all of `mask`, was offered for.
  Points single_plain(Mask mask) const { return plain_[mask] >= kNone ? kImpossible : plain_[mask]; }
  /// The team of best(subset), which must be possible: each candidate once, with all that it answers for.
  std::vector<Chosen> team(Mask subset) const;
  /// The least that a team for `subset` with this candidate in it can cost.
  Points best_with(const Candidate& candidate, Mask subset) const;

 private:
  /// Costs in 32 bits, so that all fit the first-level cache: twelve members at their dearest stay far below kNone.
  using Cost = std::int32_t;
  static constexpr Cost kNone = 1'000'000'000;

  std::size_t bits_;
  std::vector<Cost> single_;
  std::vector<Cost> plain_;           ///< of candidates without proofs
  std::vector<std::uint32_t> who_;
  std::vector<Cost> best_;
  std::vector<std::uint16_t> part_;  ///< the u of best_[s]
};

/// Solves by the table alone: demands of 0 or 1 only, and no look at size and spread.
Solution solve_by_table(const Problem& problem);

}  // namespace choregos::team
