// Cover with counts above one, limits on hosts and on size: branch and bound, exact unless its work runs out. Work is counted in
// nodes and never in time, so the same question has the same answer on every machine; what is not searched then lowers the proven
// bound instead of being forgotten.
//
// A node chooses who answers one unit of the requirement with the fewest possible answerers: a member that does not answer it yet,
// or a new candidate. The choices split the teams into disjoint classes, because whoever was tried may not answer it in the later
// ones. Three bounds prune: the subset table on what no member can still answer, for each requirement the cost of as many of its
// cheapest candidates as are needed, and dual prices.
#pragma once

#include "choregos/team/problem.hpp"

namespace choregos::team {

/// At most kExactRequirements requirements.
Solution search_cover(const Problem& problem);

}  // namespace choregos::team
