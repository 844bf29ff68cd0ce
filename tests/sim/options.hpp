// Everything that may go wrong in a simulated run, in one struct. All of it is off by default; every chance is drawn from the
// one seed. What must happen at a certain moment is scheduled by the run's script instead (world.hpp).
#pragma once

#include <cstdint>
#include <functional>

#include "choregos/registry/registry.hpp"
#include "tests/sim/host.hpp"

namespace choregos::sim {

/// Total blackouts with given means, both lengths and gaps drawn from an exponential distribution: the two-state channel of
/// Gilbert and Elliott with nothing lost in the good state and everything in the bad one.
struct Blackouts {
  Duration length{};  ///< mean; 0 = none
  Duration gap{};     ///< mean, from the end of one to the beginning of the next
  bool on() const { return length > Duration{0}; }
};

struct NetworkFaults {
  double loss = 0;                 ///< each way, independent
  double duplicate = 0;
  int copies = 1;                  ///< of each datagram, spread over `copies_within`
  Duration copies_within{};
  Duration delay_min = 200us;
  Duration delay_max = 5ms;
  double straggler = 0;            ///< share of datagrams delayed up to straggler_max, which reorders them
  Duration straggler_max = 900ms;
  Blackouts link;                  ///< of an agent's own link: it reaches nobody
  Blackouts path;                  ///< between an agent and the registry alone: helpers still reach it
};

/// Mean times between faults, in the whole fleet; 0 = never.
struct AgentFaults {
  Duration crash_every{};
  Duration down_for = 45s;
  Duration stall_every{};
  Duration stall_for = 8s;
  Duration leave_every{};
  Duration partition_every{};      ///< of one agent, one way or both
  Duration partition_for = 20s;
};

struct HostFaults {
  Duration restart_every{};
  Duration stall_every{};          ///< stopped: packets queue in the socket, nothing is judged
  Duration stall_for = 5s;
  std::size_t socket_buffer = 400; ///< datagrams that wait while it is stopped; more are dropped and counted
  Duration clock_step_every{};     ///< of the wall clock, up to a day either way
};

class World;

struct Options {
  std::uint64_t seed = 1;
  int agents = 20;
  Duration length = 10min;
  NetworkFaults network;
  AgentFaults agent;
  HostFaults host;
  double tethered = 0;             ///< share of agents that hold a tether
  double probed = 0;               ///< share that is probed every 10 s
  bool pings = true;               ///< questions of the registry are really put
  bool helpers = true;             ///< also by way of other agents
  bool signs = true;               ///< the host says each 100 ms that it has read all that came
  int agents_per_node = 0;         ///< 0 = no node is said
  int agents_per_subnet = 200;
  Duration start_within = 2s;      ///< agents start spread over this
  Duration measure_from{};         ///< what the tally counts begins here
  RegistrySettings registry;
  Bug bug = Bug::none;             ///< planted, to see the checkers catch it
  bool watch = false;              ///< a reader lists at some revision and follows the journal, again and again
  std::function<void(World&)> script;  ///< called once, before the first event
};

}  // namespace choregos::sim
