#include "choregos/source/http_probe/silence.hpp"

#include <algorithm>
#include <cmath>

namespace choregos::source {
namespace {
constexpr double kFade = 0.98;
constexpr double kPriorMissed = 0.5, kPriorAsked = 5;  // one in ten, believed as much as five probes
}  // namespace

void SilenceMeter::answered() {
  missed_ *= kFade;
  asked_ = asked_ * kFade + 1;
}

void SilenceMeter::recovered(std::size_t misses, Duration silence, Instant now) {
  for (std::size_t i = 0; i < std::min<std::size_t>(misses, 200); ++i) {
    missed_ = missed_ * kFade + 1;
    asked_ = asked_ * kFade + 1;
  }
  if (longest_at_ == Instant::min() || now - longest_at_ > 1h || silence >= longest_) longest_ = silence, longest_at_ = now;
}

double SilenceMeter::loss() const { return std::clamp((missed_ + kPriorMissed) / (asked_ + kPriorAsked), 0.01, 0.8); }

std::size_t SilenceMeter::misses_for(double evidence) const { return static_cast<std::size_t>(std::ceil(evidence / -std::log(loss()))); }

std::size_t SilenceMeter::misses_for_doubt() const { return std::max<std::size_t>(2, misses_for(4.6)); }

Duration SilenceMeter::floor(Instant now) const {
  const bool remembered = longest_at_ != Instant::min() && now - longest_at_ <= 1h;
  return std::max<Duration>(10s, remembered ? std::min<Duration>(30s, 3 * longest_) : Duration{});
}

}  // namespace choregos::source
