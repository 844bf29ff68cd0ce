// When an agent sends which beacon, as arithmetic: announce three times at the start, again upon every change and at every
// tenth interval; alive at the others. Pure.
#pragma once

#include <algorithm>
#include <optional>

#include "choregos/base/rng.hpp"
#include "choregos/base/time.hpp"
#include "choregos/wire/beacon.hpp"

namespace choregos::sdk {

class BeaconSchedule {
 public:
  static constexpr int kAnnounceEvery = 10;         ///< intervals
  static constexpr int kAnnouncesAtStart = 3;       ///< a single datagram may be lost, three in a row hardly
  static constexpr Duration kAnnounceGap = 150ms;   ///< between these
  static constexpr Duration kChangeGap = 100ms;     ///< between announces that follow changes
  static constexpr double kJitter = 0.1;

  BeaconSchedule(Duration interval, std::uint64_t seed) : rng_(seed), interval_(interval) {}

  void start(Instant now) {
    burst_left_ = kAnnouncesAtStart;
    next_at_ = now;
    since_announce_ = 0;
  }
  /// What we say changed, or a registry that knows nothing of us yet asked: announce soon.
  void changed(Instant now) {
    if (next_at_ == Instant::never()) return;
    burst_left_ = std::max(burst_left_, 1);
    next_at_ = std::min(next_at_, std::max(now, announced_at_ + kChangeGap));
  }
  /// Another pace. A longer one takes effect after the next beacon, a shorter one at once.
  void pace(Duration interval, Instant now) {
    interval_ = interval;
    if (next_at_ != Instant::never()) next_at_ = std::min(next_at_, now + interval);
  }
  Duration interval() const { return interval_; }
  Instant next_deadline() const { return next_at_; }

  /// What is to be sent now, if anything is.
  std::optional<wire::BeaconType> tick(Instant now) {
    if (now < next_at_) return std::nullopt;
    const bool announce = burst_left_ > 0 || ++since_announce_ >= kAnnounceEvery;
    if (burst_left_ > 0) --burst_left_;
    next_at_ = now + (burst_left_ > 0 ? rng_.jitter(std::min(kAnnounceGap, interval_), kJitter) : rng_.jitter(interval_, kJitter));
    if (!announce) return wire::BeaconType::alive;
    since_announce_ = 0;
    announced_at_ = now;
    return wire::BeaconType::announce;
  }

 private:
  Rng rng_;
  Duration interval_;
  Instant next_at_ = Instant::never();
  Instant announced_at_ = Instant::min();
  int burst_left_ = 0;
  int since_announce_ = 0;
};

}  // namespace choregos::sdk
