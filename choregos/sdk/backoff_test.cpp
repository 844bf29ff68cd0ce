#include "choregos/sdk/backoff.hpp"

#include <gtest/gtest.h>

namespace choregos::sdk {
namespace {

TEST(Backoff, DoublesUpToFiveSecondsAndStaysBetweenHalfAndWhole) {
  Rng rng(1);
  Backoff backoff;
  for (Duration step = 100ms; step < 5s; step *= 2) {
    const Duration wait = backoff.next(rng);
    EXPECT_GE(wait, step / 2);
    EXPECT_LE(wait, step);
  }
  for (int i = 0; i < 100; ++i) {
    const Duration wait = backoff.next(rng);
    EXPECT_GE(wait, 2500ms);
    EXPECT_LE(wait, 5s);
  }
}

TEST(Backoff, StartsAgainAfterReset) {
  Rng rng(1);
  Backoff backoff;
  for (int i = 0; i < 10; ++i) backoff.next(rng);
  backoff.reset();
  EXPECT_LE(backoff.next(rng), 100ms);
}

TEST(Backoff, SpreadsAFleet) {
  Backoff a, b;
  Rng rng_a(1), rng_b(2);
  EXPECT_NE(a.next(rng_a), b.next(rng_b));
}

}  // namespace
}  // namespace choregos::sdk
