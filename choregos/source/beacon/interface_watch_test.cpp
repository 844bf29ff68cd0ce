#include "choregos/source/beacon/interface_watch.hpp"

#include <gtest/gtest.h>

namespace choregos::source::beacon {
namespace {

using Names = std::vector<std::string>;
const InterfaceWatch::Line kLo{"lo", 1, true, 0, {}, Instant::min()}, kEth{"eth0", 2, false, 0, {}, Instant::min()}, kNew{"eth1", 3, false, 0, {}, Instant::min()};

TEST(InterfaceWatch, NamesThoseThatAreSilentForTheWholeWindow) {
  InterfaceWatch watch;
  const Instant begin{1'000'000'000};
  watch.set({kLo, kEth}, begin);
  EXPECT_EQ(watch.silent(begin + 9s, 10s), Names{}) << "not listened for long enough to tell";
  EXPECT_EQ(watch.silent(begin + 10s, 10s), Names{"eth0"}) << "loopback is no LAN";
  watch.heard(2, begin + 8s);
  EXPECT_EQ(watch.silent(begin + 10s, 10s), Names{});
  EXPECT_EQ(watch.silent(begin + 18s, 10s), Names{"eth0"});
}

TEST(InterfaceWatch, KeepsCountsOfThoseThatStay) {
  InterfaceWatch watch;
  const Instant begin{1'000'000'000};
  watch.set({kLo, kEth}, begin);
  watch.heard(1, begin);
  watch.heard(2, begin);
  watch.heard(2, begin + 1s);
  watch.heard(99, begin);
  watch.set({kEth, kNew}, begin + 20s);
  ASSERT_EQ(watch.lines().size(), 2U);
  EXPECT_EQ(watch.lines()[0].heard, 2U);
  EXPECT_EQ(watch.lines()[0].since, begin);
  EXPECT_EQ(watch.lines()[1].since, begin + 20s);
  EXPECT_EQ(watch.silent(begin + 25s, 10s), Names{"eth0"});
}

}  // namespace
}  // namespace choregos::source::beacon
