// How often agents send beacons, and how long silence on that channel may last. Pure.
#pragma once

#include <cstddef>

#include "choregos/base/time.hpp"
#include "choregos/model/observation.hpp"

namespace choregos::source::beacon {

/// T as it is told now, and the lease that fits what agents were told before: an agent that has not heard yet of a shorter
/// interval goes on with the longer one, and must not be called silent for that.
class Pace {
 public:
  /// The fleet has this many agents now. Call it about once a second.
  void agents(std::size_t count, Instant now);
  /// What to tell.
  Duration interval() const { return told_; }
  /// Suspect after 3.05 T (the third beacon may be a little late; at a loss of 30 % most suspicions at 3 T were needless), lost after 10 T, T being the longest interval that an agent may still go by: one told within the
  /// last 30 T. (Agents ask at every tenth beacon, so one that missed it twice has still asked again by then.)
  Lease lease() const { return {3 * slowest_ + slowest_ / 20, 10 * slowest_, slowest_}; }

 private:
  Duration told_ = 1s;
  Duration slowest_ = 1s;
  Instant slowest_until_ = Instant::min();
};

}  // namespace choregos::source::beacon
