// What the ledger wants kept. A store writes records in order and answers nobody before they are on disk; many at once is best.
//
// Only the newest record of each subject counts: of a task its image or that it is forgotten, of a (agent, kind) the refusal, of a
// name the hold, of an agent the tally. A store may therefore keep rows instead of a log. Of forgotten tasks it keeps the one with
// the highest number, so that no number is used twice.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "choregos/model/task.hpp"

namespace choregos::task {

struct Forgotten {
  TaskNumber task = 0;
  bool operator==(const Forgotten&) const = default;
};

/// An agent will not do a kind of task, as long as it has this version. `lifted`: that is over; the row can go.
struct Refusal {
  std::string agent;
  std::string kind;
  std::string version;
  bool lifted = false;
  bool operator==(const Refusal&) const = default;
};

/// What keeps work from an agent or from all users of a provider. With nothing set the row can go.
struct Hold {
  std::string agent;     ///< or …
  std::string provider;  ///< … this one
  bool draining = false;
  bool drain_waits = false;  ///< staged, its turn has not come
  bool quarantined = false;
  bool take_back = false;
  WallTime rest_until;       ///< 0 = does not rest
  std::string reason;
  bool empty() const { return !draining && !drain_waits && !quarantined && rest_until.ms == 0; }
  bool operator==(const Hold&) const = default;
};

/// How many tasks an agent has truly completed, and failed.
struct Tally {
  std::string agent;
  std::uint64_t succeeded = 0;
  std::uint64_t failed = 0;
  bool operator==(const Tally&) const = default;
};

/// One step of what is kept; written whole or not at all.
struct Record {
  std::uint64_t sequence = 0;  ///< rises by one
  std::variant<TaskPtr, Forgotten, Refusal, Hold, Tally> what;
  std::optional<Tally> tally = std::nullopt;  ///< of the agent whose work ended with this image, so that each is counted once
};

}  // namespace choregos::task
