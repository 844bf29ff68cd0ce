// A simulated cluster: agents that beacon, answer probes, hold tethers, crash, stall, leave and restart; a registry that
// hears them through a faulty network; checkers (checkers.hpp), of which every one holds after every event.
#pragma once

#include <cstdint>
#include <string>

#include "choregos/registry/registry.hpp"
#include "tests/sim/host.hpp"
#include "tests/sim/network.hpp"

namespace choregos::sim {

struct ClusterOptions {
  std::uint64_t seed = 1;
  int agents = 20;
  Duration length = 10min;
  NetworkFaults network;
  double tethered = 0.5;                 ///< share of agents that hold a tether
  double probed = 0.5;                   ///< share that is probed every 10 s
  Duration crash_every = 2min;           ///< mean time between crashes in the whole cluster; 0 = none
  Duration stall_every = 3min;
  Duration leave_every = 5min;
  Duration partition_every = 4min;       ///< of one agent, one way or both
  Duration registry_restart_every{};     ///< 0 = never
  RegistrySettings registry;
  Bug bug = Bug::none;                   ///< planted, to see the checkers catch it
};

/// What a run came to. `violation` is empty when every checker was content.
struct ClusterResult {
  std::string violation;
  std::uint64_t trace_hash = 0;          ///< over every change in order
  std::uint64_t events = 0;
  std::uint64_t changes = 0;
  std::uint64_t crashes = 0;
  std::uint64_t lost_while_up = 0;       ///< verdicts of lost about agents that ran and were not cut off
};

ClusterResult run_cluster(const ClusterOptions& options);

}  // namespace choregos::sim
