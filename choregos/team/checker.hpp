// Checks a plan against the fleet it was made from, by other means than it was found: records instead of bitsets, all agents instead
// of harvested ones, plain dynamic programming and sums of prices instead of the solvers. Slow on purpose where that keeps it simple;
// for tests, and for whoever does not want to take the planner's word.
#pragma once

#include <string>
#include <vector>

#include "choregos/base/result.hpp"
#include "choregos/model/plan.hpp"
#include "choregos/team/cost.hpp"

namespace choregos::team {

/// One agent as the plan saw it.
struct Witness {
  AgentRecordPtr record;
  Assessment own;
  bool free = true;
};

enum class Verified {
  all,       ///< the team is valid, its cost is right, and so is the proven bound
  all_but_the_bound,  ///< the bound comes from a search that is too large to repeat here
};

/// Errors: invalid, with the first thing that is wrong.
Result<Verified> verify(const Plan& plan, const std::vector<Witness>& fleet, const TrackRecord& tracks, const CostFunction& cost, Instant now);

}  // namespace choregos::team
