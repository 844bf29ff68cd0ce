// Fleets under faults, by seed; and the same with bugs planted, which must be found. CHOREGOS_SEEDS=N runs N seeds of each.
#include "tests/tasks/world.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

namespace choregos::task_sim {
namespace {

std::uint64_t seeds(std::uint64_t ordinary) {
  const char* said = std::getenv("CHOREGOS_SEEDS");
  return said ? std::strtoull(said, nullptr, 10) : ordinary;
}

Tally run_seeds(Options options, std::uint64_t count) {
  Tally sum;
  for (std::uint64_t i = 0; i < count; ++i, ++options.seed) {
    const Tally t = run(options);
    EXPECT_EQ(t.violation, "") << "repeat with choregos-task-sim --seed " << options.seed;
    if (!t.violation.empty()) break;
    sum.grants += t.grants;
    sum.refused_late += t.refused_late;
    sum.acknowledged += t.acknowledged;
    sum.crashes += t.crashes;
    sum.deaths += t.deaths;
    sum.stalls += t.stalls;
    sum.succeeded += t.succeeded;
  }
  return sum;
}

TEST(TaskWorld, KeepsEveryPromiseUnderEveryFault) {
  const Tally sum = run_seeds({}, seeds(25));
  // The run is worth something only if things went wrong in it.
  EXPECT_GT(sum.crashes, 20u);
  EXPECT_GT(sum.deaths, 20u);
  EXPECT_GT(sum.stalls, 20u);
  EXPECT_GT(sum.refused_late, 20u);
  EXPECT_GT(sum.grants, sum.acknowledged);
}

TEST(TaskWorld, LosesNothingWhenAThirdOfAllMessagesDoes) {
  Options options;
  options.loss = 0.3;
  options.duplicate = 0.3;
  options.die_every = options.stall_every = options.crash_every = {};
  const Tally sum = run_seeds(options, seeds(10));
  EXPECT_GE(sum.acknowledged, 2000u);
}

TEST(TaskWorld, RunsLongWorkOnceWhileItsHolderLives) {
  Options options;
  options.tasks = 8;
  options.agents = 8;
  options.slots_max = 1;
  options.work = 20min;
  options.loss = options.duplicate = options.fail = options.refuse = options.cancel = 0;
  options.die_every = options.stall_every = options.crash_every = {};
  options.pools = options.drains = false;
  options.faults_for = 1s;
  const Tally sum = run_seeds(options, seeds(5));
  EXPECT_GT(sum.succeeded, 30u);
}

TEST(TaskWorld, SameSeedSameTrace) {
  Options options;
  options.tasks = 60;
  options.faults_for = 1min;
  EXPECT_EQ(run(options).trace, run(options).trace);
  Options other = options;
  other.seed = 2;
  EXPECT_NE(run(options).trace, run(other).trace);
}

TEST(TaskWorld, KeepsEveryPromiseOnASlowDisk) {
  Options options;
  options.disk = 500ms;
  options.crash_every = 10s;
  EXPECT_GT(run_seeds(options, seeds(5)).crashes, 20u);
}

bool finds(Bug bug) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Options options;
    options.seed = seed;
    options.bug = bug;
    options.tasks = 100;
    options.crash_every = 10s;
    if (bug == Bug::answers_before_disk) options.disk = 500ms;
    if (!run(options).violation.empty()) return true;
  }
  return false;
}

TEST(TaskWorld, FindsAnAnswerThatWasNotOnDisk) { EXPECT_TRUE(finds(Bug::answers_before_disk)); }
TEST(TaskWorld, FindsFencesThatAreForgotten) { EXPECT_TRUE(finds(Bug::forgets_fences)); }
TEST(TaskWorld, FindsRecordsThatTheDiskLost) { EXPECT_TRUE(finds(Bug::loses_records)); }

}  // namespace
}  // namespace choregos::task_sim
