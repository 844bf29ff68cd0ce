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
#include <optional>
#include <string_view>
#include <vector>

#include "choregos/base/result.hpp"
#include "choregos/base/time.hpp"
#include "choregos/model/ask.hpp"
#include "choregos/model/change.hpp"
#include "choregos/model/explanation.hpp"
#include "choregos/model/observation.hpp"
#include "choregos/model/sign.hpp"
#include "choregos/registry/snapshot.hpp"

namespace choregos {

/// When silence means death. docs/LIVENESS.md tells the rules; the figures and their simulation stand there, too.
struct DetectorSettings {
  double evidence_needed = 27.6;         ///< sum of -ln P(silence | alive) for lost: one in 10^12
  int floor_intervals = 10;              ///< and silence for this many beacon intervals …
  int floor_intervals_max = 30;          ///< … or three times the longest silence it came back from within an hour, up to this
  std::uint32_t asks_per_second = 2000;  ///< questions to quiet agents, whole fleet; without answers to them silence weighs less
  bool ask = true;                       ///< put questions at all
  Duration tether_veto = 10min;          ///< how long a tether that answers nothing keeps a silent agent from being lost
};

/// When silence of many means that we are deaf.
struct GuardSettings {
  bool enabled = true;
  std::uint32_t silent_min = 3;          ///< newly silent in a window, at least, …
  double silent_share = 0.15;            ///< … and this share of those live at its start: the domain is frozen
  Duration window = 10s;
  Duration others_heard = 60s;           ///< everybody else is heard for so long: the domain drains
  Duration freeze_max = 10min;           ///< it drains after this in any case
  Duration drain_every = 1s;             ///< one agent of a draining domain may be lost each
};

struct RegistrySettings {
  Duration forget_after = 5min;     ///< lost or left this long: off the list, its identity archived
  Duration restart_grace = 30s;     ///< a restored agent is unconfirmed this long before silence counts
  Duration goodbye_slack = 2s;      ///< an answer on another channel this soon after a goodbye was already on its way
  Duration archive_for = 168h;      ///< a forgotten identity that returns within this time keeps its first_seen and team
  std::size_t agent_count_max = 0;  ///< 0 = limits::agent_count_max
  DetectorSettings detector;
  GuardSettings guard;
  std::uint64_t seed = 0;           ///< of the choice of helpers
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

  /// Takes a sign about ourselves or our network; see SignKind for what each does.
  void note(const Sign& sign, Instant now, WallTime wall_now, std::vector<Change>& changes);
  /// Questions that are to be put now; each is handed out once. Ask after every apply, note and tick. Bounded by
  /// DetectorSettings::asks_per_second.
  std::vector<Ask> take_asks();
  /// Why the record is as it is; unset when nobody of that id or alias is listed.
  std::optional<Explanation> explain(std::string_view id_or_alias, Instant now) const;

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
