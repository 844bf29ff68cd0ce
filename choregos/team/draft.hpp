// Who makes up a team, without the reasons: the roster harvested and the right solver run. For plans nothing is given; for repair
// and resizing the agents that stay are, and the request is filled around them.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "choregos/team/cover_table.hpp"
#include "choregos/team/sieve.hpp"

namespace choregos::team {

struct Picked {
  Place place = kNoPlace;
  Mask answers = 0;
};

/// What is there before anybody is chosen.
struct Given {
  std::vector<Picked> stay;      ///< members that stay, with what they answer for; they may come to answer for more, or change seats
  std::vector<Place> reserve;    ///< held standbys: they cost nothing any more, so they come before everybody else
  bool reserve_costs = false;    ///< they do cost what they cost: to keep the cheapest of them
  bool only_these = false;       ///< nobody else may join
};

struct Draft {
  bool found = false;
  std::vector<Picked> members;   ///< those that stay and the new ones
  Solution solution;             ///< its indexes point into `candidates`
  std::vector<Candidate> candidates;
  std::optional<CoverTable> table;    ///< of subset_dp, to ask what other teams would cost
  std::vector<std::uint32_t> demand;  ///< what had to be filled anew
};

/// `counts` are what the requirements still ask for (their counts, or less when a team lives with something missing).
Draft draft(const Sieve& sieve, const std::vector<std::uint32_t>& counts, const Given& given);
/// The counts of the request.
std::vector<std::uint32_t> counts_of(const TeamRequest& request);

}  // namespace choregos::team
