// The registry as a simulated host runs it: hands over what it says, and can be made to lie, so that the tests of the
// simulator can show that its checkers notice.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "choregos/registry/registry.hpp"

namespace choregos::sim {

/// A bug planted between the registry and its listeners, or between the world and the registry.
enum class Bug : std::uint8_t {
  none,
  drops_a_change,       ///< one change is handed to nobody
  hides_a_change,       ///< the same, and later revisions close the gap
  skips_a_revision,
  repeats_a_change,
  lists_a_stranger,     ///< a change about an agent that never existed
  forgets_the_living,   ///< "forgotten" about an agent that is heard
  loses_the_living,     ///< takes a living agent for dead
  ignores_a_newcomer,   ///< an agent's messages reach nobody
  keeps_the_dead,       ///< time passes, but no deadline is acted on
  never_gives_up,       ///< suspects the dead for ever
  shows_yesterday,      ///< the snapshot stays behind
  misremembers,         ///< says a wrong liveness before the change
  turns_back_time,      ///< last_seen falls
  spins,                ///< a deadline that is never met
  judges_in_freeze,     ///< loses an agent whose domain is frozen
  freezes_for_ever,
};

class Host {
 public:
  Host(const RegistrySettings& settings, Revision start, Bug bug);

  Result<Applied> apply(const Observation& o, Instant now, WallTime wall_now, std::vector<Change>& changes);
  void tick(Instant now, WallTime wall_now, std::vector<Change>& changes);
  Instant next_deadline() const;
  void note(const Sign& sign, Instant now, WallTime wall_now, std::vector<Change>& changes);
  std::vector<Ask> take_asks() { return registry_->take_asks(); }
  void restore(const Agent& agent, WallTime last_seen, Instant now, WallTime wall_now, std::vector<Change>& changes);
  SnapshotPtr snapshot(Instant now, WallTime wall_now);
  Revision revision() const;
  std::size_t size() const { return registry_->size(); }
  /// Ends the process and starts the next: what survives is what a store would hold, the listed records.
  void restart(Instant now, WallTime wall_now, std::vector<Change>& changes);

 private:
  void lie(std::vector<Change>& changes, std::size_t from, Instant now);

  RegistrySettings settings_;
  Bug bug_;
  std::unique_ptr<Registry> registry_;
  SnapshotPtr yesterday_;
  std::uint64_t said_ = 0;     ///< changes handed out
  std::uint64_t shift_ = 0;    ///< of revisions
  bool done_ = false;          ///< the bug has struck
};

}  // namespace choregos::sim
