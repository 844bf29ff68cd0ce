// What an agent costs a team. The cost is a sum of named terms in whole points, and the function behind it can be replaced: the
// planner asks only what this interface offers, and is exact for whatever it answers.
//
// The unit is chosen so that 1000 points are one more member. A term of 200 therefore means: rather take this agent than one that
// costs 200 more, and never take a second agent to save it.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "choregos/model/agent.hpp"
#include "choregos/model/plan.hpp"
#include "choregos/team/track_record.hpp"

namespace choregos::team {

/// The agent's own terms: member, load, price, latency, fairness, in the order of CostTerm.
inline constexpr std::size_t kOwnTermCount = 5;

struct Assessment {
  std::array<std::uint32_t, kOwnTermCount> terms{};

  Points total() const {
    Points sum = 0;
    for (const std::uint32_t term : terms) sum += term;
    return sum;
  }
  bool operator==(const Assessment&) const = default;
};

/// Pure and without state that changes: the same arguments give the same points. Called on the owner's thread.
class CostFunction {
 public:
  virtual ~CostFunction() = default;
  /// The agent's own terms, each at most own_term_max; `member` is at least 1, so that every team has a cost. `served` is how
  /// often it was lately taken into a team (TrackRecord::served).
  virtual Assessment assess(const AgentRecord& record, double served) const = 0;
  /// What is added, once for each requirement that it answers for, by what is known of it and that capability. Declared and never
  /// tried is 0; between -proof_discount_max() and proof_cost_max.
  virtual std::int32_t proof(const Proof& proof) const = 0;
  /// The most that proof() ever gives back, so that a search can stop in time; at least 0.
  virtual std::int32_t proof_discount_max() const = 0;
};
inline constexpr std::uint32_t own_term_max = 1'000'000;
inline constexpr std::int32_t proof_cost_max = 10'000'000;

/// The weights of the function that choregos comes with, in points.
struct CostWeights {
  std::uint32_t member = 1000;          ///< each member: small teams are better
  std::uint32_t load = 1000;            ///< × running / capacity; an agent that is working and does not say how much: 1, online: 1/2, idle: 0
  std::uint32_t price = 100;            ///< × the label `price`, a decimal number in whatever unit the operator uses
  std::uint32_t latency = 20;           ///< × log2(1 + milliseconds) of the last probe: each doubling weighs the same
  std::uint32_t fairness = 50;          ///< × log2(1 + times it was lately taken): work goes round among equals
  std::uint32_t fairness_max = 500;     ///< but never outweighs half a member
  std::int32_t proven = -60;            ///< × s / (s + 1), s = recent successes with this very capability
  std::int32_t probed = -20;            ///< it answered when it was asked for this capability
  std::int32_t doubt = 600;             ///< × f / (f + s + 1), f = recent failures
  std::int32_t failing = 20'000;        ///< three failures in a row: last of all, but never forbidden
};

class WeightedCost final : public CostFunction {
 public:
  explicit WeightedCost(CostWeights weights = {}) : weights_(weights) {}
  Assessment assess(const AgentRecord& record, double served) const override;
  std::int32_t proof(const Proof& proof) const override;
  std::int32_t proof_discount_max() const override;

 private:
  const CostWeights weights_;
};

}  // namespace choregos::team
