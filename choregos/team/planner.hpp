// Plans: the best team for a request over the whole fleet, with a certificate, or why there is none.
//
//   cover  up to twelve requirements with count one:  subset DP, exact                       (cover_table.hpp)
//          counts, limits on hosts and size:          branch and bound, exact or gap told    (cover_search.hpp)
//          more than twelve requirements:             greedy, bound H_k and proven gap       (cover_greedy.hpp)
//   seats  always:                                    minimum-cost flow, exact               (seats.hpp)
//
// Pure: a plan changes nothing and reserves nobody. The same fleet, request and moment give the same plan. It is called on the
// owner's thread; over a million agents it takes about a millisecond (planner_bench.cpp; figures in docs/TEAMS.md).
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "choregos/base/result.hpp"
#include "choregos/model/plan.hpp"
#include "choregos/team/draft.hpp"

namespace choregos::team {

struct PlanOptions {
  Revision revision;       ///< of the belief that the roster holds; stated in the answer
  bool explain = true;     ///< with `instead` and `left_out`, which cost as much again as the plan
  /// The team that holds an agent, for refusals; "" = none. Not called for plans that succeed.
  std::function<std::string(std::string_view agent)> team_of;
};

/// Errors: invalid, too_large (check() of the request).
Result<PlanOrRefusal> plan(const Fleet& fleet, const TeamRequest& request, const PlanOptions& options);

/// Standbys for a team: agents, free and not in it, each chosen to be able to replace as many members as possible that no earlier
/// one can, and then to cost little. Fewer than asked when there are no more.
std::vector<PlannedStandby> choose_standbys(const Sieve& sieve, const std::vector<Picked>& members, std::uint32_t count, const std::vector<Place>& not_these = {});

/// Why the draft found nobody.
Refusal refuse(const Fleet& fleet, const Sieve& sieve, const Draft& draft, const PlanOptions& options);

/// The number of agents that could fill the requirement now, counted up to `most`.
std::uint32_t count_free(const Sieve& sieve, std::size_t requirement, std::uint32_t most);

}  // namespace choregos::team
