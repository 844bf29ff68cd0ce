// Seeded randomness, passed in as an argument. xoshiro256++ (Blackman, Vigna 2019) seeded by splitmix64: the same
// sequence on every compiler, unlike the distributions of <random>. Not for keys.
#pragma once

#include <array>
#include <cstdint>

#include "choregos/base/time.hpp"

namespace choregos {

class Rng {
 public:
  explicit Rng(std::uint64_t seed);
  std::uint64_t next();
  /// Uniform in [0, bound); 0 when bound is 0.
  std::uint64_t below(std::uint64_t bound);
  /// Uniform in [0, 1).
  double unit();
  bool chance(double probability) { return unit() < probability; }
  /// `d` scaled by a uniform factor in [1 - share, 1 + share): the jitter that keeps a fleet from marching in step.
  Duration jitter(Duration d, double share);

 private:
  std::array<std::uint64_t, 4> state_;
};

}  // namespace choregos
