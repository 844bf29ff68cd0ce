#include "choregos/source/beacon/pace.hpp"

#include <algorithm>

namespace choregos::source::beacon {
namespace {
constexpr std::size_t kBeaconsPerSecondMax = 5000;
constexpr int kHeldFor = 30;  ///< intervals
}  // namespace

Duration beacon_interval(std::size_t agents) {
  // Milliseconds, since that is what agents are told; rounded up so that the bound holds.
  const auto ms = static_cast<std::int64_t>((agents * 1000 + kBeaconsPerSecondMax - 1) / kBeaconsPerSecondMax);
  return std::max<Duration>(1s, std::chrono::milliseconds(ms));
}

void Pace::agents(std::size_t count, Instant now) {
  told_ = beacon_interval(count);
  if (told_ < slowest_ && now < slowest_until_) return;
  slowest_ = told_;
  slowest_until_ = now + kHeldFor * slowest_;
}

}  // namespace choregos::source::beacon
