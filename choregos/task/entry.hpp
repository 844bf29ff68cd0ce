// What the ledger keeps of a task and of an agent beyond what it shows. Owned by Ledger::Impl; the files beside it say who changes what.
#pragma once

#include <algorithm>
#include <compare>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "choregos/base/time.hpp"
#include "choregos/model/agent.hpp"
#include "choregos/model/task.hpp"
#include "choregos/task/lanes.hpp"
#include "choregos/task/names.hpp"
#include "choregos/task/record.hpp"

namespace choregos::task {

using AgentIndex = std::uint32_t;
inline constexpr AgentIndex kNoAgent = std::numeric_limits<AgentIndex>::max();

/// A task.
struct Entry {
  Task task;                          ///< the durable image
  TaskPtr image;                      ///< copy of it, as last published
  Lane* lane = nullptr;               ///< until it has ended
  bool in_lane = false;               ///< waits there, under `rank`
  Rank rank;
  AgentIndex holder = kNoAgent;       ///< while it is held
  TaskNumber root = 0;                ///< of the tree of delegation
  Instant since;                      ///< when it could first have been offered: its age
  Instant deadline = Instant::never();
  Instant ready;                      ///< not offered before
  Instant age_at = Instant::never();  ///< its next rise in priority
  Instant offer_until = Instant::never();
  Instant accepted_at;
  Instant said_at;                    ///< last word of the holder about it
  Instant forget_at = Instant::never();
  Instant armed = Instant::never();
  std::uint64_t holder_life = 0;      ///< incarnation that accepted it; 0 = not known any more
  bool unproven = false;              ///< the holder has a new life and has not named it yet
  bool moved_by_drain = false;        ///< once is enough: the next one to be drained may finish it
  bool touched = false;               ///< a record is due at the end of this call …
  std::optional<Tally> tally;         ///< … together with this
};

/// A lease on a task that is over, whose holder was told to stop and may still be at it.
struct Stopping {
  TaskNumber task = 0;
  std::uint64_t fence = 0;
  Instant until;
};

/// Who among free agents is asked first: the smaller one.
struct Place {
  std::uint8_t trial = 0;             ///< under trial: after all others, unless its share is due
  std::uint8_t failing = 0;           ///< with the capability that it is looked up by
  std::int8_t slowness = 0;
  std::uint16_t load = 0;             ///< share of its slots in use
  std::uint64_t given = 0;            ///< when it was last given something: the longest idle first
  AgentIndex agent = kNoAgent;
  auto operator<=>(const Place&) const = default;
};

struct AgentCapability {
  CapId id = 0;
  std::uint32_t failures = 0;         ///< in a row
  std::string name;
};

struct AgentEntry {
  std::string id;                     ///< "" = free place
  bool heard = false;                 ///< by the registry, in this life of ours
  Liveness liveness = Liveness::unconfirmed;
  std::uint64_t incarnation = 0;
  Status declared = Status::online;
  std::string version;
  std::uint32_t slots = 1;
  std::vector<AgentCapability> capabilities;  ///< by id
  std::vector<CapId> capability_ids;          ///< the same, sorted
  std::vector<std::string> pools;
  std::string provider;
  std::string team;

  std::vector<TaskNumber> held;       ///< rising
  std::vector<Stopping> stopping;
  Instant listening_until = Instant::min();
  std::uint32_t offers_left = 0;
  Instant rest_until = Instant::min();
  Instant ignored_until = Instant::min();  ///< it did not answer offers
  std::uint32_t unanswered = 0;
  bool draining = false, drain_waits = false, quarantined = false;
  Instant adopt_at = Instant::never();     ///< what is unproven by then is lost
  Instant disagrees_since = Instant::never();
  bool disagrees = false;
  std::uint64_t disagreements = 0;

  std::uint64_t succeeded = 0, failed = 0;
  double slowness = 0;                ///< mean of ln(its time / usual time of the kind), lately
  std::uint64_t given = 0;
  Place place;                        ///< as it stands in the sets, without `failing`
  bool free = false;                  ///< could take something now
  bool placed = false;                ///< and stands in the sets of free agents
  bool dirty = false;                 ///< to be served in this call
  bool changed = false;               ///< its view
  Instant armed = Instant::never();

  std::uint32_t used() const { return static_cast<std::uint32_t>(held.size() + stopping.size()); }
  bool is_gone() const { return liveness == Liveness::lost || liveness == Liveness::left; }
  bool holds(TaskNumber task) const { return std::binary_search(held.begin(), held.end(), task); }
};

struct Pool {
  std::uint32_t slots = 0;            ///< 0 = no limit
  std::uint32_t used = 0;
  std::vector<AgentIndex> members;
  bool full() const { return slots != 0 && used >= slots; }
};

}  // namespace choregos::task
