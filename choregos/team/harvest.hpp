// From the roster to a small problem: the few agents that can be in a best team, proven enough by what is left out. Each function
// says why its choice is enough; together with the exact solvers that makes the plan exact over the whole fleet.
#pragma once

#include <vector>

#include "choregos/team/cover_table.hpp"
#include "choregos/team/sieve.hpp"

namespace choregos::team {

/// For cover with demands of one: fills `table` (solved) and `candidates`, to which its indexes point; whoever is in it already
/// takes part. Agents are met from cheap to dear. One that costs `c` and fills `m` can help only if c is below the cost of covering
/// some u ⊆ m by those met before, less the discounts for u; once that holds for no mask with anybody left, the rest is not met.
void harvest_table(const Sieve& sieve, Mask wanted, std::vector<Candidate>& candidates, CoverTable& table);

/// For cover with counts and limits: an agent is left out when there are enough others that fill at least as much for no more: as
/// many as a team has members, each on a host of its own where hosts matter, or so many on its own host. Whatever team had the
/// agent, one of those is not in it and can stand in its place without crowding a host.
void harvest_search(const Sieve& sieve, Mask wanted, std::uint32_t team_max, bool hosts_matter, std::vector<Candidate>& candidates);

/// For greed over any number of requirements: the `each` cheapest of every distinct mask.
void harvest_masks(const Sieve& sieve, Mask wanted, std::uint32_t each, std::vector<Candidate>& candidates);

/// The cheapest `each` that pass each matcher, cost and (when it is one requirement) proof together, each on a host of its own
/// where hosts matter and so many of each such host. In every assignment of n seats, a seat held by somebody else can be given to
/// one of its n cheapest, because the others hold at most n - 1 of them.
struct Wanted {
  const Matcher* matcher = nullptr;
  std::int64_t requirement = -1;   ///< whose proof counts; -1 = none
};
std::vector<std::vector<Candidate>> harvest_cheapest(const Sieve& sieve, const std::vector<Wanted>& wanted, std::uint32_t each, bool hosts_matter);

}  // namespace choregos::team
