#include "choregos/source/beacon/pace.hpp"

#include "choregos/model/pacing.hpp"

namespace choregos::source::beacon {
namespace {
constexpr int kHeldFor = 30;  ///< intervals
}  // namespace

void Pace::agents(std::size_t count, Instant now) {
  told_ = beacon_interval(count);
  if (told_ < slowest_ && now < slowest_until_) return;
  slowest_ = told_;
  slowest_until_ = now + kHeldFor * slowest_;
}

}  // namespace choregos::source::beacon
