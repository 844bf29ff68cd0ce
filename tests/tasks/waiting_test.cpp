// The table of waiting times, replayed: late binding against binding at once, and ours against a plain queue.
#include "tests/tasks/waiting.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>

namespace choregos::task_sim {
namespace {

struct Mean {
  Waits ours, pull, bound;
};

Mean replay_all(double load, bool slow_half) {
  const bool many = std::getenv("CHOREGOS_SEEDS") != nullptr;
  const int seeds = many ? 3 : 1, tasks = many ? 300'000 : 100'000;
  Mean m;
  for (int seed = 1; seed <= seeds; ++seed) {
    const auto add = [&](Waits& sum, Policy policy) {
      const Waits w = replay(policy, seed, load, slow_half, tasks);
      sum.mean += w.mean / seeds;
      sum.p99 += w.p99 / seeds;
    };
    add(m.ours, Policy::ledger);
    add(m.pull, Policy::pull);
    add(m.bound, Policy::least_loaded);
  }
  std::cout << "load " << load << (slow_half ? ", half the agents slow" : "") << ": ours " << m.ours.mean << " / " << m.ours.p99 << " s, pull " << m.pull.mean
            << " / " << m.pull.p99 << " s, least loaded " << m.bound.mean << " / " << m.bound.p99 << " s (mean / p99)\n";
  return m;
}

TEST(Waiting, IsThatOfOneQueueWhenAgentsAreEqual) {
  const Mean m = replay_all(0.9, false);
  EXPECT_LE(m.ours.p99, m.pull.p99 * 1.0001);
  EXPECT_LE(m.ours.mean, m.pull.mean * 1.0001);
  EXPECT_LT(m.ours.p99 * 3, m.bound.p99) << "late binding is what saves the wait";
}

TEST(Waiting, IsNoneAtHalfLoad) {
  const Mean m = replay_all(0.5, false);
  EXPECT_EQ(m.ours.p99, 0);
}

TEST(Waiting, AsksTheFasterAgentsFirst) {
  const Mean m = replay_all(0.9, true);
  EXPECT_LE(m.ours.p99, m.pull.p99);
  EXPECT_LT(m.ours.mean, m.pull.mean * 0.8) << "a plain queue takes any free agent";
  EXPECT_LT(m.ours.p99 * 3, m.bound.p99);
}

}  // namespace
}  // namespace choregos::task_sim
