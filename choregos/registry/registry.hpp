// The registry: observations in, changes and snapshots out. Pure: owns no clock, thread, socket, random device or log.
// One owner calls it; the same calls give the same results on every machine.
//
// Identity: the strongest name wins (proven id, declared id, Swarm task, address); weaker names become aliases of it.
// Liveness: every channel (source, subject) holds its own lease; an agent is alive while any of them is fresh.
// docs/ARCHITECTURE.md tells the rules in order; identity.hpp and liveness.hpp hold them as pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "choregos/base/result.hpp"
#include "choregos/base/time.hpp"
#include "choregos/model/change.hpp"
#include "choregos/model/observation.hpp"
#include "choregos/registry/snapshot.hpp"

namespace choregos {

struct RegistrySettings {
  Duration forget_after = 5min;     ///< lost or left this long: off the list, its identity archived
  Duration restart_grace = 30s;     ///< a restored agent is unconfirmed this long before silence counts
  Duration goodbye_slack = 2s;      ///< an answer on another channel this soon after a goodbye was already on its way
  Duration archive_for = 168h;      ///< a forgotten identity that returns within this time keeps its first_seen and team
  std::size_t agent_count_max = 0;  ///< 0 = limits::agent_count_max
};

/// What an apply did. `record` is the agent's record after it (null when the observation named nobody we list).
struct Applied {
  AgentRecordPtr record;
  bool changed = false;
};

class Registry {
 public:
  /// `start` is the position before the first change: an epoch never used before, and a number no smaller than any used.
  Registry(RegistrySettings settings, Revision start);
  ~Registry();
  Registry(Registry&&) noexcept;
  Registry& operator=(Registry&&) noexcept;

  /// Takes one observation; appends what changed to `changes` in order. Times must not fall from call to call.
  /// An observation of an unknown subject makes a record only when it is evidence from the agent (heard, goodbye).
  /// Errors: invalid (border check), exhausted (agent_count_max).
  Result<Applied> apply(const Observation& observation, Instant now, WallTime wall_now, std::vector<Change>& changes);
  /// Acts on every deadline up to `now`.
  void tick(Instant now, WallTime wall_now, std::vector<Change>& changes);
  /// When tick has something to do next; Instant::never() when nothing waits.
  Instant next_deadline() const;

  /// Puts a stored record back, before any apply: alive and suspect become unconfirmed, lost and left stay so. Makes a change.
  void restore(const Agent& agent, WallTime last_seen, Instant now, WallTime wall_now, std::vector<Change>& changes);

  /// Puts an archived identity back, before any apply: if it is heard again by `until` it keeps first_seen, team and counters.
  void remember(const Agent& agent, Instant until);

  /// The belief now. Costs as much as changed since the last call; the same object while nothing changed.
  SnapshotPtr snapshot(Instant now, WallTime wall_now);
  Revision revision() const;
  std::size_t size() const;
  /// Reading one record without a snapshot, for the owner.
  AgentRecordPtr find(std::string_view id_or_alias) const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace choregos
