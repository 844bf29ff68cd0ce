// The checkers can fail: each planted bug is caught, and by the rule that it breaks.
#include <gtest/gtest.h>

#include "tests/sim/cluster.hpp"

namespace choregos::sim {
namespace {

struct Planted {
  Bug bug;
  const char* name;
  const char* caught_by;  ///< part of what is reported
};

class CanFail : public ::testing::TestWithParam<Planted> {};

TEST_P(CanFail, ThePlantedBugIsCaughtByItsRule) {
  ClusterOptions options;
  options.length = 5min;
  options.crash_every = 20s;
  options.partition_every = options.stall_every = Duration{};
  options.bug = GetParam().bug;
  for (options.seed = 1; options.seed <= 5; ++options.seed) {
    const ClusterResult result = run_cluster(options);
    EXPECT_NE(result.violation.find(GetParam().caught_by), std::string::npos) << "seed " << options.seed << " reported: '" << result.violation << "'";
  }
}

INSTANTIATE_TEST_SUITE_P(Simulation, CanFail,
                         ::testing::Values(Planted{Bug::drops_a_change, "drops_a_change", "its last change was"},
                                           Planted{Bug::hides_a_change, "hides_a_change", "the snapshot"},
                                           Planted{Bug::skips_a_revision, "skips_a_revision", "follows"},
                                           Planted{Bug::repeats_a_change, "repeats_a_change", "follows"},
                                           Planted{Bug::lists_a_stranger, "lists_a_stranger", "never existed"},
                                           Planted{Bug::forgets_the_living, "forgets_the_living", "which is heard"},
                                           Planted{Bug::loses_the_living, "loses_the_living", "lost agent-"},
                                           Planted{Bug::ignores_a_newcomer, "ignores_a_newcomer", "heard but not listed"},
                                           Planted{Bug::keeps_the_dead, "keeps_the_dead", "still alive"},
                                           Planted{Bug::never_gives_up, "never_gives_up", "never lost"},
                                           Planted{Bug::shows_yesterday, "shows_yesterday", "the snapshot is at revision"},
                                           Planted{Bug::misremembers, "misremembers", "wrong liveness before"},
                                           Planted{Bug::turns_back_time, "turns_back_time", "last_seen"},
                                           Planted{Bug::spins, "spins", "a deadline is due"}),
                         [](const auto& bug) { return std::string(bug.param.name); });

TEST(Simulation, TheSameRunWithoutABugIsClean) {
  ClusterOptions options;
  options.length = 5min;
  options.crash_every = 20s;
  options.partition_every = options.stall_every = Duration{};
  for (options.seed = 1; options.seed <= 5; ++options.seed) EXPECT_EQ(run_cluster(options).violation, "");
}

}  // namespace
}  // namespace choregos::sim
