// The checkers can fail: each planted bug is caught, and by the rule that it breaks.
#include <gtest/gtest.h>

#include <regex>

#include "tests/sim/world.hpp"

namespace choregos::sim {
namespace {

/// Beacons and probes; crashes, restarts of agents, and a black hole of twelve minutes.
Options busy() {
  Options o;
  o.length = 26min;
  o.probed = 0.3;
  o.agent.crash_every = 40s;
  o.agent.down_for = 5min;
  o.script = [](World& w) {
    const auto black_hole = [&w](bool is) {
      w.network().cut_input(0, is);
      w.network().cut_output(0, is);
    };
    w.at(12min, [black_hole] { black_hole(true); });
    w.at(24min, [black_hole] { black_hole(false); });
  };
  return o;
}

struct Planted {
  Bug bug;
  const char* name;
  const char* caught_by;  ///< what is reported, a regular expression
};

class CanFail : public ::testing::TestWithParam<Planted> {};

TEST_P(CanFail, ThePlantedBugIsCaughtByItsRule) {
  Options options = busy();
  options.bug = GetParam().bug;
  for (options.seed = 1; options.seed <= 5; ++options.seed) {
    const Tally tally = run_world(options);
    EXPECT_TRUE(std::regex_search(tally.violation, std::regex(GetParam().caught_by))) << "seed " << options.seed << " reported: '" << tally.violation << "'";
  }
}

INSTANTIATE_TEST_SUITE_P(Simulation, CanFail,
                         ::testing::Values(Planted{Bug::drops_a_change, "drops_a_change", "its last change was|follows"},
                                           Planted{Bug::hides_a_change, "hides_a_change", "the snapshot|another revision"},
                                           Planted{Bug::skips_a_revision, "skips_a_revision", "follows"},
                                           Planted{Bug::repeats_a_change, "repeats_a_change", "follows"},
                                           Planted{Bug::lists_a_stranger, "lists_a_stranger", "never existed"},
                                           Planted{Bug::forgets_the_living, "forgets_the_living", "which is heard|the snapshot holds"},
                                           Planted{Bug::loses_the_living, "loses_the_living", "lost agent-"},
                                           Planted{Bug::ignores_a_newcomer, "ignores_a_newcomer", "heard but not listed"},
                                           Planted{Bug::keeps_the_dead, "keeps_the_dead", "still alive"},
                                           Planted{Bug::never_gives_up, "never_gives_up", "never lost"},
                                           Planted{Bug::shows_yesterday, "shows_yesterday", "the snapshot is at revision"},
                                           Planted{Bug::misremembers, "misremembers", "wrong liveness before"},
                                           Planted{Bug::turns_back_time, "turns_back_time", "last_seen"},
                                           Planted{Bug::spins, "spins", "a deadline is due"},
                                           Planted{Bug::judges_in_freeze, "judges_in_freeze", "while its domain is frozen"},
                                           Planted{Bug::freezes_for_ever, "freezes_for_ever", "does not end"}),
                         [](const auto& bug) { return std::string(bug.param.name); });

TEST(Simulation, TheSameRunWithoutABugIsClean) {
  Options options = busy();
  for (options.seed = 1; options.seed <= 5; ++options.seed) EXPECT_EQ(run_world(options).violation, "") << "seed " << options.seed;
}

}  // namespace
}  // namespace choregos::sim
