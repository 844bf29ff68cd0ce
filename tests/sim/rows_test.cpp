// Each row over two hundred seeds. A failure prints the seed and the command that repeats it.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/sim/rows.hpp"

namespace choregos::sim {
namespace {

class Rows : public ::testing::TestWithParam<const Row*> {};

TEST_P(Rows, HoldOverTwoHundredSeeds) {
  const Row& row = *GetParam();
  Tally sum;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    const Tally tally = row.run(seed, Scale::ordinary);
    ASSERT_EQ(tally.violation, "") << "repeat with: choregos-sim --rows " << row.id << " --seed " << seed;
    sum.add(tally);
  }
  EXPECT_EQ(row.judge(sum), "") << "repeat with: choregos-sim --rows " << row.id << " --seeds 200";
}

std::vector<const Row*> those_that_hold() {
  std::vector<const Row*> out;
  for (const Row& row : rows())
    if (!*row.red) out.push_back(&row);
  return out;
}

INSTANTIATE_TEST_SUITE_P(Simulation, Rows, ::testing::ValuesIn(those_that_hold()), [](const auto& row) { return std::string(row.param->id); });

}  // namespace
}  // namespace choregos::sim
