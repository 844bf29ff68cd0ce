// What a program that asks learns of an agent: the record, and what stands beside it and moves without a revision.
// Plain values, safe to keep and to pass between threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "choregos/base/time.hpp"
#include "choregos/model/agent.hpp"
#include "choregos/model/change.hpp"
#include "choregos/model/guard.hpp"

namespace choregos {

struct AgentView {
  Agent agent;
  WallTime last_seen;               ///< wall clock of whoever keeps the registry
  Duration age{};                   ///< since the last evidence of life, when the answer was made
  std::optional<Duration> latency;  ///< of the last probe; unset = never probed
  std::uint32_t running = 0;        ///< tasks that it says it runs
  std::uint32_t capacity = 0;       ///< tasks that it says it can run; 0 = not said
  std::uint64_t revision = 0;       ///< of the record's last change
};

/// One page of a list. Without a limit in the query it holds everything.
struct AgentPage {
  std::vector<AgentView> agents;
  std::size_t total = 0;       ///< matches without limit and cursor
  Revision revision;           ///< the belief that the page was read from
  std::string mode = "normal"; ///< "draining" or "frozen" while verdicts of silence are held back
  GuardViewPtr guard;          ///< whose; null when there is nothing to say. Its instants count from the answer, which is zero
  std::string next_cursor;     ///< "" = no more
};

}  // namespace choregos
