// How long tasks wait: 100 agents, one task at a time each, arrivals at random, times log-normal (mean 60 s, sigma 1.2), the same draws for
// every policy. Waits are seconds from arrival to beginning.
#pragma once

#include <cstdint>

namespace choregos::task_sim {

enum class Policy : std::uint8_t {
  least_loaded,  ///< bound at once, to the agent with the fewest tasks in hand, as if everybody's load were known exactly
  pull,          ///< one queue, the first free agent takes the oldest: the row to match
  ledger,        ///< ours
};

struct Waits {
  double mean = 0;
  double p99 = 0;
};

/// `load` is the share of all agents' time that the tasks take. With slow_half every second agent needs three times as long.
Waits replay(Policy policy, std::uint64_t seed, double load, bool slow_half, int tasks);

}  // namespace choregos::task_sim
