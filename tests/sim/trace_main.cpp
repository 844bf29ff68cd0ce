// Runs seeds under every fault and prints their trace: what same_trace.sh builds with two compilers and compares.
#include <cstdio>

#include "tests/sim/world.hpp"

int main() {
  using namespace choregos;
  sim::Options o;
  o.network.straggler = 0.02;
  o.network.duplicate = 0.01;
  o.network.loss = 0.2;
  o.network.path = {2s, 2min};
  o.tethered = o.probed = 0.5;
  o.agent.crash_every = 2min;
  o.agent.stall_every = 3min;
  o.agent.leave_every = 5min;
  o.agent.partition_every = 4min;
  o.host.restart_every = 3min;
  o.host.stall_every = 4min;
  sim::Tally sum;
  for (o.seed = 1; o.seed <= 10; ++o.seed) sum.add(sim::run_world(o));
  std::printf("trace %016llx\n%s", static_cast<unsigned long long>(sum.trace_hash), sum.violation.c_str());
  return sum.violation.empty() ? 0 : 1;
}
