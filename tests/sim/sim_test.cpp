// Seeded fleets under loss, delay, duplication, reordering, partitions, stalls, crashes and restarts. A failure prints the
// seed; the rows (rows.hpp) look at one hard case each.
#include <gtest/gtest.h>

#include "tests/sim/world.hpp"

namespace choregos::sim {
namespace {

Options base(std::uint64_t seed) {
  Options o;
  o.seed = seed;
  o.tethered = o.probed = 0.5;
  o.network.straggler = 0.02;
  o.network.duplicate = 0.01;
  o.agent.crash_every = 2min;
  o.agent.leave_every = 5min;
  o.watch = true;
  return o;
}

Options rough(std::uint64_t seed) {
  Options o = base(seed);
  o.agent.stall_every = 3min;
  o.agent.partition_every = 4min;
  return o;
}

Tally run_seeds(Options options, int count) {
  Tally sum;
  for (int i = 0; i < count; ++i, ++options.seed) {
    const Tally tally = run_world(options);
    EXPECT_EQ(tally.violation, "") << "seed " << options.seed;
    EXPECT_GT(tally.changes, 0U);
    if (!tally.violation.empty()) break;
    sum.add(tally);
  }
  return sum;
}

TEST(Simulation, ACalmNetworkNeverLosesALivingAgent) {
  EXPECT_EQ(run_seeds(base(1), 20).lost_while_up, 0U);
}

TEST(Simulation, TenPercentLossNeverLosesALivingAgent) {
  Options o = base(1000);
  o.network.loss = 0.1;
  EXPECT_EQ(run_seeds(o, 20).lost_while_up, 0U);
}

TEST(Simulation, EveryFaultAtOnceBreaksNoInvariant) {
  Options o = rough(2000);
  o.network.loss = 0.3;
  o.network.path = {2s, 2min};
  o.network.link = {1s, 3min};
  o.host.stall_every = 4min;
  o.host.socket_buffer = 30;
  o.host.clock_step_every = 2min;
  o.host.restart_every = 6min;
  run_seeds(o, 30);
}

TEST(Simulation, RegistryRestartsLoseNobody) {
  Options o = rough(3000);
  o.host.restart_every = 3min;
  run_seeds(o, 30);
}

TEST(Simulation, WithoutQuestionsAndSignsTheInvariantsHoldToo) {
  Options o = rough(4000);
  o.pings = o.signs = false;
  o.network.loss = 0.2;
  run_seeds(o, 20);
}

TEST(Simulation, TheSameSeedGivesTheSameTraceAndAnotherSeedAnother) {
  const auto a = run_world(rough(7)), b = run_world(rough(7)), c = run_world(rough(8));
  EXPECT_EQ(a.trace_hash, b.trace_hash);
  EXPECT_EQ(a.events, b.events);
  EXPECT_NE(a.trace_hash, c.trace_hash);
}

}  // namespace
}  // namespace choregos::sim
