// Fleets for the tests of this folder: agents with a word each, and random small ones.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "choregos/base/rng.hpp"
#include "choregos/team/checker.hpp"
#include "choregos/team/planner.hpp"

namespace choregos::team {

inline std::shared_ptr<AgentRecord> agent_record(const std::string& id, std::vector<std::string> capabilities, const std::string& node = "", Status status = Status::idle) {
  auto record = std::make_shared<AgentRecord>();
  record->agent.id = id;
  record->agent.name = id;
  record->agent.status = status;
  std::sort(capabilities.begin(), capabilities.end());
  record->agent.capabilities = std::move(capabilities);
  record->agent.node = node;
  record->vitals = std::make_shared<Vitals>();
  return record;
}

/// A price makes costs differ: the agent costs 1000 + points.
inline std::shared_ptr<AgentRecord> costing(std::shared_ptr<AgentRecord> record, std::uint32_t points) {
  record->agent.labels.emplace_back("price", std::to_string(points / 100) + "." + std::to_string(points % 100 / 10) + std::to_string(points % 10));
  return record;
}

struct TestFleet {
  Roster roster;
  TrackRecord tracks;
  WeightedCost cost;
  Instant now{1'000'000'000'000};
  std::vector<Witness> all;

  void put(AgentRecordPtr record, bool in_team = false) {
    const Assessment own = cost.assess(*record, tracks.served(record->agent.id, now));
    const bool free = !in_team && unfit(record->agent).empty();
    std::erase_if(all, [&](const Witness& w) { return w.record->agent.id == record->agent.id; });
    all.push_back({record, own, free});
    roster.put(record, own, free, tracks.has_proofs(record->agent.id));
  }
  Fleet fleet() const { return {roster, tracks, cost, now}; }
  PlanOrRefusal ask(const TeamRequest& request) const {
    auto answer = plan(fleet(), request, {});
    EXPECT_TRUE(answer) << answer.error().message;
    return answer ? *answer : PlanOrRefusal{Refusal{}};
  }
  Result<Verified> check(const Plan& p) const { return verify(p, all, tracks, cost, now); }
};

inline TeamRequest asking(std::vector<std::pair<std::string, std::uint32_t>> needs, TeamMode mode = TeamMode::cover) {
  TeamRequest request;
  request.mode = mode;
  for (auto& [capability, count] : needs) request.needs.push_back({{capability}, count, {}, {}});
  return request;
}

inline std::vector<std::string> ids(const Plan& plan) {
  std::vector<std::string> out;
  for (const auto& m : plan.members) out.push_back(m.agent);
  return out;
}

/// What a random case may contain.
struct Mixture {
  std::size_t agents_max = 14;
  std::size_t needs_max = 6;
  std::uint32_t count_max = 1;
  bool limits = false;   ///< hosts and sizes
  bool proofs = false;
  bool wishes = false;
  bool filters = false;  ///< models, labels, clusters, exclusions
};

inline void random_case(Rng& rng, const Mixture& mix, TestFleet& fleet, TeamRequest& request) {
  const std::size_t agents = 1 + rng.below(mix.agents_max), needs = 1 + rng.below(mix.needs_max);
  const auto capability = [](std::uint64_t i) { return "c" + std::to_string(i); };
  for (std::size_t a = 0; a < agents; ++a) {
    std::vector<std::string> has;
    const double share = 0.15 + 0.5 * rng.unit();
    for (std::size_t c = 0; c < needs; ++c)
      if (rng.chance(share)) has.push_back(capability(c));
    auto record = costing(agent_record("a" + std::to_string(a), has, "h" + std::to_string(rng.below(4))), static_cast<std::uint32_t>(rng.below(rng.chance(0.3) ? 2 : 2500)));
    record->agent.model = rng.chance(0.5) ? "llama3.1:8b" : "phi3";
    record->agent.cluster_id = rng.chance(0.9) ? "one" : "two";
    if (rng.chance(0.5)) record->agent.labels.insert(record->agent.labels.begin(), {"gpu", "yes"});
    if (rng.chance(0.05)) record->agent.liveness = Liveness::suspect;
    if (mix.proofs)
      for (const auto& c : has) {
        for (std::uint64_t n = rng.chance(0.4) ? rng.below(4) : 0; n > 0; --n) fleet.tracks.succeeded(record->agent.id, c, fleet.now);
        for (std::uint64_t n = rng.chance(0.3) ? rng.below(4) : 0; n > 0; --n) fleet.tracks.failed(record->agent.id, c, fleet.now);
      }
    fleet.put(record, rng.chance(0.05));
  }
  for (std::size_t c = 0; c < needs; ++c) {
    Requirement r{{capability(c)}, 1 + static_cast<std::uint32_t>(rng.below(mix.count_max)), {}, {}};
    if (mix.filters && rng.chance(0.2)) r.model = "LLAMA3*";
    if (mix.filters && rng.chance(0.2)) r.labels.emplace_back("gpu", "yes");
    if (mix.filters && rng.chance(0.1)) r.capabilities.push_back(capability(rng.below(needs)));
    request.needs.push_back(r);
  }
  if (mix.filters && rng.chance(0.3)) request.exclude.push_back("a" + std::to_string(rng.below(agents)));
  if (mix.filters && rng.chance(0.2)) request.clusters.push_back("one");
  if (mix.wishes && rng.chance(0.7)) request.prefer.push_back({PreferenceKind::node, "", "h1", static_cast<std::uint32_t>(rng.below(800))});
  if (mix.wishes && rng.chance(0.5)) request.prefer.push_back({PreferenceKind::label, "gpu", "yes", static_cast<std::uint32_t>(rng.below(800))});
  if (mix.limits) {
    if (rng.chance(0.4)) request.spread.per_host_max = 1 + static_cast<std::uint32_t>(rng.below(3));
    request.spread.several_hosts = rng.chance(0.4);
    if (request.mode == TeamMode::cover && rng.chance(0.3)) request.size_min = 1 + static_cast<std::uint32_t>(rng.below(6));
    if (request.mode == TeamMode::cover && rng.chance(0.3)) request.size_max = std::max(request.size_min, 3 + static_cast<std::uint32_t>(rng.below(5)));
  }
}

}  // namespace choregos::team
