// Seeded clusters under loss, delay, duplication, reordering, partitions, stalls, crashes and restarts. A failure prints
// the command that repeats it.
#include <gtest/gtest.h>

#include "tests/sim/cluster.hpp"

namespace choregos::sim {
namespace {

std::string repeat_command(const ClusterOptions& o) {
  return "repeat with: choregos-sim --seed " + std::to_string(o.seed) + " --agents " + std::to_string(o.agents) + " --minutes " +
         std::to_string(std::chrono::duration_cast<std::chrono::minutes>(o.length).count()) + " --loss " + std::to_string(o.network.loss) +
         (o.registry_restart_every != Duration{} ? " --restarts" : "");
}

ClusterOptions base(std::uint64_t seed) {
  ClusterOptions o;
  o.seed = seed;
  o.network.straggler = 0.02;
  o.network.duplicate = 0.01;
  return o;
}

void run_seeds(ClusterOptions options, int count, std::uint64_t lost_while_up_max) {
  for (int i = 0; i < count; ++i, ++options.seed) {
    const ClusterResult result = run_cluster(options);
    ASSERT_EQ(result.violation, "") << repeat_command(options);
    ASSERT_LE(result.lost_while_up, lost_while_up_max) << repeat_command(options);
    ASSERT_GT(result.changes, 0U);
  }
}

TEST(Simulation, ACalmNetworkNeverLosesALivingAgent) {
  ClusterOptions o = base(1);
  o.partition_every = o.stall_every = Duration{};
  run_seeds(o, 20, 0);
}

TEST(Simulation, TenPercentLossNeverLosesALivingAgent) {
  ClusterOptions o = base(1000);
  o.network.loss = 0.1;
  o.partition_every = o.stall_every = Duration{};
  run_seeds(o, 20, 0);
}

TEST(Simulation, EveryFaultAtOnceBreaksNoInvariant) {
  ClusterOptions o = base(2000);
  o.network.loss = 0.3;
  run_seeds(o, 30, UINT64_MAX);
}

TEST(Simulation, RegistryRestartsLoseNobody) {
  ClusterOptions o = base(3000);
  o.registry_restart_every = 3min;
  run_seeds(o, 30, UINT64_MAX);
}

TEST(Simulation, TheSameSeedGivesTheSameTraceAndAnotherSeedAnother) {
  const auto a = run_cluster(base(7)), b = run_cluster(base(7)), c = run_cluster(base(8));
  EXPECT_EQ(a.trace_hash, b.trace_hash);
  EXPECT_EQ(a.events, b.events);
  EXPECT_NE(a.trace_hash, c.trace_hash);
}

}  // namespace
}  // namespace choregos::sim
