// How often agents should speak: one figure for the whole fleet, told to agents in acks, replies and tethers. Pure.
#pragma once

#include <algorithm>
#include <cstddef>

#include "choregos/base/time.hpp"

namespace choregos {

inline constexpr std::size_t kBeaconsPerSecond = 5000;

/// T = max(1 s, N / 5000 s) for N agents: the fleet as a whole never sends more than 5,000 beacons a second, so that one
/// registry hears them all. In whole milliseconds, which is what agents are told, rounded up so that the bound holds.
inline Duration beacon_interval(std::size_t agents) {
  return std::max<Duration>(1s, std::chrono::milliseconds((agents * 1000 + kBeaconsPerSecond - 1) / kBeaconsPerSecond));
}

}  // namespace choregos
