#include "choregos/source/http_probe/sampler.hpp"

#include <gtest/gtest.h>

#include "choregos/base/rng.hpp"

namespace choregos::source {
namespace {

enum class Balancing { round_robin, random };

Sampler round(std::size_t replicas, Balancing how, Rng& rng, std::size_t cap = 200) {
  Sampler sampler(cap);
  std::uint64_t turn = rng.below(replicas);
  while (!sampler.done()) sampler.add("agent-" + std::to_string(how == Balancing::random ? rng.below(replicas) : turn++ % replicas));
  return sampler;
}

TEST(Sampler, OneReplicaIsOneAgentHoweverOftenItAnswers) {  // the predecessor listed nine
  Rng rng(1);
  const Sampler s = round(1, Balancing::round_robin, rng);
  EXPECT_EQ(s.distinct(), 1u);
  EXPECT_TRUE(s.complete());
  EXPECT_LE(s.samples(), 8u);
}

TEST(Sampler, RoundRobinShowsEveryReplicaOfNineAndTwelve) {
  Rng rng(2);
  for (const std::size_t n : {2u, 9u, 12u}) {
    const Sampler s = round(n, Balancing::round_robin, rng);
    EXPECT_EQ(s.distinct(), n);
    EXPECT_TRUE(s.complete());
  }
}

TEST(Sampler, RandomBalancerShowsAllNineInNineteenOfTwentyRounds) {  // the predecessor: 5.9 of nine, all in 0.09 %
  Rng rng(3);
  int all = 0;
  std::size_t distinct = 0, samples_max = 0;
  constexpr int kRounds = 2000;
  for (int i = 0; i < kRounds; ++i) {
    const Sampler s = round(9, Balancing::random, rng);
    all += s.distinct() == 9;
    distinct += s.distinct();
    samples_max = std::max(samples_max, s.samples());
  }
  EXPECT_GE(all, kRounds * 93 / 100);
  EXPECT_GE(static_cast<double>(distinct) / kRounds, 8.9);
  EXPECT_LE(samples_max, 64u);
}

TEST(Sampler, RandomBalancerShowsAllTwelveInNineteenOfTwentyRounds) {
  Rng rng(4);
  int all = 0;
  for (int i = 0; i < 1000; ++i) all += round(12, Balancing::random, rng).distinct() == 12;
  EXPECT_GE(all, 930);
}

TEST(Sampler, FiveHundredReplicasEndAtTheBoundAndSayIncomplete) {
  Rng rng(5);
  for (const Balancing how : {Balancing::round_robin, Balancing::random}) {
    const Sampler s = round(500, how, rng);
    EXPECT_EQ(s.samples(), 200u);
    EXPECT_FALSE(s.complete());
    EXPECT_GT(s.unseen(), 100);
    EXPECT_GT(s.distinct(), 150u);
  }
}

TEST(Sampler, EstimateIsChao1) {
  Sampler s(200);
  for (const char* id : {"a", "b", "c", "d", "d", "e", "e", "e"}) s.add(id);
  EXPECT_DOUBLE_EQ(s.unseen(), 3.0 * 2.0 / (2.0 * 2.0));  // f1 = 3, f2 = 1
}

TEST(Sampler, AnswersWithoutIdsEndTheRoundAfterThree) {
  Sampler s(200);
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(s.done());
    s.add("");
  }
  EXPECT_TRUE(s.done());
  EXPECT_FALSE(s.complete());
}

TEST(Sampler, ThreeFailuresInARowEndTheRound) {
  Sampler s(200);
  s.add("a");
  s.add_failure();
  s.add_failure();
  s.add("a");
  s.add_failure();
  s.add_failure();
  EXPECT_FALSE(s.done());
  s.add_failure();
  EXPECT_TRUE(s.done());
}

}  // namespace
}  // namespace choregos::source
