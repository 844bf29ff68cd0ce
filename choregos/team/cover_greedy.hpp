// Cover by greed: again and again the candidate that costs least for each requirement it newly answers. Within H_k of the optimum,
// H_k = 1 + 1/2 + … + 1/k and k the most requirements that one candidate fills (Chvátal 1979; with counts: Rajagopalan, Vazirani
// 1998), while neither size nor spread is limited. Linear in candidates × members, so it serves any number of requirements.
//
// The answer carries prices of the requirements that prove a lower bound by weak duality: no candidate is worth more than it
// costs, Σ_i max(0, price_i - proof_i) ≤ cost over what it fills; then no team costs less than Σ demand_i × price_i.
#pragma once

#include "choregos/team/problem.hpp"

namespace choregos::team {

/// With limits on size and spread `found` may be false though a team exists, and factor_max is 0.
Solution solve_greedily(const Problem& problem);

}  // namespace choregos::team
