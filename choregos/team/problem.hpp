// The small problem that is left when the roster has been looked through: candidates with masks and costs. Solvers know nothing
// of agents, and are tried against brute force on exactly this.
//
// The cost of a team T that answers requirement i by the members A_i ⊆ T, |A_i| = demand_i, is
//
//     Σ_{a ∈ T} cost_a  +  Σ_i Σ_{a ∈ A_i} proof_{a,i}
//
// cost_a ≥ 0 holds the agent's own terms and the request's wishes, proof_{a,i} may be below zero (proven) or far above it (failing).
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "choregos/model/plan.hpp"
#include "choregos/team/roster.hpp"

namespace choregos::team {

using Mask = std::uint64_t;  ///< bit i: fills requirement i
inline constexpr Points kImpossible = std::numeric_limits<Points>::max() / 4;

struct Candidate {
  Mask mask = 0;
  Points cost = 0;
  std::vector<std::pair<std::uint32_t, std::int32_t>> proofs;  ///< (requirement, points) where not 0; sorted
  std::uint32_t host = 0;
  Place place = kNoPlace;

  std::int32_t proof(std::uint32_t requirement) const {
    for (const auto& [r, points] : proofs)
      if (r == requirement) return points;
    return 0;
  }
};

/// How many members stand on a host before anything is chosen.
struct HostUse {
  std::uint32_t host = 0;
  std::uint32_t members = 0;
};

struct Problem {
  std::vector<std::uint32_t> demand;     ///< of each requirement; 0 = already met
  std::vector<Candidate> candidates;
  std::uint32_t per_host_max = 0;        ///< 0 = no limit
  bool several_hosts = false;
  std::uint32_t size_min = 0;            ///< members to choose, those before not counted
  std::uint32_t size_max = UINT32_MAX;
  std::vector<HostUse> hosts_before;
  std::uint64_t steps_max = 0;

  bool constrained() const { return per_host_max != 0 || several_hosts || size_min > 0 || size_max != UINT32_MAX; }
  Mask wanted() const {
    Mask out = 0;
    for (std::size_t i = 0; i < demand.size(); ++i) out |= Mask{demand[i] > 0} << i;
    return out;
  }
};

struct Chosen {
  std::uint32_t candidate = 0;           ///< index
  Mask answers = 0;
};

struct Solution {
  bool found = false;
  std::vector<Chosen> chosen;
  Points cost = 0;
  Points cost_min = 0;                   ///< proven lower bound; also set when nothing was found
  PlanMethod method = PlanMethod::subset_dp;
  double factor_max = 1;
  std::uint64_t steps = 0;
  bool work_ran_out = false;
  std::vector<double> prices;            ///< of requirements, when the method has them
  std::vector<std::pair<std::uint32_t, Points>> host_prices;
  std::vector<double> swap_prices;       ///< seats without limits on hosts: what somebody new in this seat saves, others moving up
  std::vector<std::uint32_t> contested;  ///< when nothing was found: requirements that want the same too few
};

}  // namespace choregos::team
