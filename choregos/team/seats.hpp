// Every seat an agent of its own: minimum-cost flow from requirements over agents and, where hosts are limited, over hosts. Exact;
// successive shortest paths (Edmonds, Karp 1972; Tomizawa 1971), one augmentation a seat.
//
// The answer carries the dual solution: price_r of each requirement and price_h ≥ 0 of each full host, such that with
//
//     price_a = max(0, max_r (price_r - price_host(a) - cost_a - proof_{a,r}))     over every agent of the fleet
//
// Σ demand_r × price_r - Σ price_a - Σ room_h × price_h = cost. By weak duality nothing is cheaper, and anybody can add it up.
#pragma once

#include "choregos/team/problem.hpp"

namespace choregos::team {

/// `several_hosts` is kept by allowing no host all of the members. size_min and size_max play no part: the seats are counted.
/// When there is no solution, `contested` names requirements that together have fewer agents than seats (Hall 1935).
Solution solve_seats(const Problem& problem);

}  // namespace choregos::team
