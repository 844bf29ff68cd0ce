// A request made ready for one look through the roster: who fills what, who is barred, and what each costs under this request.
// Valid until the roster changes.
#pragma once

#include <vector>

#include "choregos/team/matching.hpp"
#include "choregos/team/problem.hpp"

namespace choregos::team {

/// What a plan is made from. `now` is the moment for which proofs are weighed.
struct Fleet {
  const Roster& roster;
  const TrackRecord& tracks;
  const CostFunction& cost;
  Instant now;
};

class Sieve {
 public:
  Sieve(const Fleet& fleet, const TeamRequest& request);

  const Roster& roster() const { return fleet_.roster; }
  const TeamRequest& request() const { return request_; }
  std::size_t requirements() const { return matchers_.size(); }
  const Matcher& matcher(std::size_t requirement) const { return matchers_[requirement]; }

  /// Whether the request itself forbids the agent.
  bool barred(Place place) const;
  /// The requirements that the agent fills, of those in `among`.
  Mask mask(Place place, Mask among = ~Mask{0}) const;
  /// With cost and proofs; `mask` must be what the agent fills.
  Candidate candidate(Place place, Mask mask) const;
  /// What the agent costs with every wish of the request, without proofs.
  Points cost(Place place) const { return fleet_.roster.cost(place) + (wishful_ ? wishes(place) : 0); }
  /// The proof for one requirement: that of its least proven capability.
  std::int32_t proof(const Agent& agent, std::uint32_t requirement) const;
  /// No proof ever gives back more for one requirement; 0 while nothing is known of anybody.
  Points discount_max() const { return discount_max_; }
  /// Every term of what a member costs that answers for `answers`.
  CostTerms terms(Place place, Mask answers) const;

 private:
  Points wishes(Place place) const;
  Fleet fleet_;
  const TeamRequest& request_;
  std::vector<Matcher> matchers_;
  std::vector<Place> excluded_;  ///< sorted
  bool wishful_;
  Points discount_max_;
};

}  // namespace choregos::team
