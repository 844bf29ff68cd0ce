// The answer to a TeamRequest: a plan with its certificate, or a refusal that says what is in the way. Plain values.
//
// Costs are whole points, so that sums are exact and two machines agree. docs/TEAMS.md tells what each term is worth.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "choregos/model/change.hpp"
#include "choregos/model/requirement.hpp"

namespace choregos {

/// What a member costs, by name. Terms up to `fairness` are the agent's own, the two after them come from the request, and
/// `proof` from each requirement that it answers for.
enum class CostTerm : std::uint8_t { member, load, price, latency, fairness, preference, locality, proof };
inline constexpr std::size_t kCostTermCount = 8;
std::string_view to_string(CostTerm term);

using Points = std::int64_t;
using CostTerms = std::array<Points, kCostTermCount>;  ///< indexed by CostTerm
Points sum(const CostTerms& terms);

/// How the members were found; docs/TEAMS.md has the mathematics of each.
enum class PlanMethod : std::uint8_t {
  subset_dp,     ///< cover: dynamic programming over subsets of the requirements; exact
  search,        ///< cover with counts, spread or sizes: branch and bound; exact unless its work ran out
  greedy,        ///< cover of more than twelve requirements: at most `factor_max` times the optimum
  assignment,    ///< seats: minimum-cost flow; exact
};
std::string_view to_string(PlanMethod method);

/// One member of a plan and why.
struct PlannedMember {
  std::string agent;
  std::string host;                      ///< Agent::node; "" = not said
  std::vector<std::uint32_t> answers;    ///< indexes into TeamRequest::needs; {} = taken for size or spread alone
  CostTerms terms{};
  std::string instead;                   ///< the cheapest other agent that could take over all that it answers for; "" = nobody
  Points instead_cost = 0;               ///< what that one would cost in its place, were nothing else changed
};

/// A held replacement.
struct PlannedStandby {
  std::string agent;
  std::vector<std::string> for_members;  ///< each of whom it could replace alone
  Points cost = 0;                       ///< not part of the plan's cost
};

/// The best agent for a requirement that was not taken, and why not.
struct LeftOut {
  std::uint32_t requirement = 0;
  std::string agent;
  Points cost = 0;                       ///< of this agent, for this requirement
  std::optional<Points> team_cost_min;   ///< no team with it can cost less; unset = not known for this method
  std::string reason;
};

/// A plan and the proof of its cost. With the request and the fleet, team/checker.hpp can verify all of it.
struct Plan {
  TeamRequest request;
  Revision revision;                     ///< of the belief that it was made from
  PlanMethod method = PlanMethod::assignment;
  std::vector<PlannedMember> members;    ///< in natural order of ids
  std::vector<PlannedStandby> standbys;
  Points cost = 0;                       ///< of all members
  Points cost_min = 0;                   ///< no team can cost less than this; equal to cost = optimal
  double factor_max = 1;                 ///< the method's own guarantee: cost ≤ factor_max × optimum; 0 = none
  std::uint64_t steps = 0;               ///< of work done; the bound is limits::team_search_steps_max
  bool work_ran_out = false;             ///< the search was cut there, so the cost may be above the optimum
  std::vector<LeftOut> left_out;         ///< at most one for each requirement
  std::uint64_t agents_free = 0;         ///< agents that could be taken at all (alive, in no team, not draining)
  /// Prices that prove cost_min by weak duality, for assignment and greedy: of each requirement, and of each full host.
  std::vector<double> requirement_prices;
  std::vector<std::pair<std::string, Points>> host_prices;

  bool optimal() const { return cost == cost_min; }
  double gap() const { return cost == 0 ? 0 : static_cast<double>(cost - cost_min) / static_cast<double>(cost); }
};

/// Somebody who nearly fits, and what is in the way.
struct NearMiss {
  std::string agent;
  std::string reason;                    ///< "has go, is in team alpha", "is suspect", "lacks rust"
};

/// Why there is no team. `message` is one sentence that says all of it.
struct Refusal {
  std::string message;
  std::uint32_t requirement = 0;         ///< the one that cannot be filled
  std::uint32_t wanted = 0;              ///< agents for it …
  std::uint32_t found = 0;               ///< … and how many there are that could be taken
  std::vector<std::uint32_t> contested;  ///< requirements that want the same too few agents, when more than one (Hall's condition)
  std::string rarest;                    ///< of the wanted capabilities, the one that the fewest free agents have; "" = none wanted
  std::uint64_t rarest_free = 0;         ///< free agents that have it
  std::uint64_t rarest_listed = 0;       ///< all listed agents that have it
  std::optional<NearMiss> nearest;
  Revision revision;
};

using PlanOrRefusal = std::variant<Plan, Refusal>;

}  // namespace choregos
