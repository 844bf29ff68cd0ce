// How long to wait before trying again: doubling from 100 ms to 5 s, each wait scaled by a random factor so that a fleet
// whose registry restarts does not come back in one instant. Pure.
#pragma once

#include <algorithm>

#include "choregos/base/rng.hpp"
#include "choregos/base/time.hpp"

namespace choregos::sdk {

class Backoff {
 public:
  static constexpr Duration kFirst = 100ms;
  static constexpr Duration kMax = 5s;

  /// The wait before the next try: between half of and the whole current step, which then doubles.
  Duration next(Rng& rng) {
    const Duration step = step_;
    step_ = std::min(step_ * 2, kMax);
    return step / 2 + Duration(static_cast<std::int64_t>(static_cast<double>((step / 2).count()) * rng.unit()));
  }
  /// After a success that lasted.
  void reset() { step_ = kFirst; }

 private:
  Duration step_ = kFirst;
};

}  // namespace choregos::sdk
