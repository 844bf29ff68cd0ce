// Whether we listened: silence counts only while somebody of ours had his ears open. A stall of this process, a suspended
// machine or a queue that was not drained yet is our own silence, not the agents'.
//
// Once a sign `listened` was given, silence is judged up to the time of the last one and not beyond. A jump between two of
// them is time that counts for nobody, and so are the `hold` after it: what was sent meanwhile may have been thrown away by a
// full socket, so everybody gets a chance to be heard again.
#pragma once

#include <cstddef>
#include <deque>

#include "choregos/base/time.hpp"

namespace choregos::registry {

class Listening {
 public:
  /// A gap of up to this between two signs is ordinary life of a busy machine.
  static constexpr Duration kGapMax = 500ms;

  /// Returns the length of the gap that this sign ended; 0 = none. `hold` is added to a gap of over 2 s (tilt).
  Duration listened(Instant until, Duration hold);
  /// Time that counts for nobody, `until` may lie ahead.
  void excuse(Instant from, Instant until);

  /// Up to when silence may be judged at `now`.
  Instant horizon(Instant now) const { return in_force_ && until_ < now ? until_ : now; }
  bool in_force() const { return in_force_; }
  /// How long we listened between the two.
  Duration between(Instant from, Instant to) const;
  /// When `wait` of listening will have passed since `from`, as far as gaps are known.
  Instant after(Instant from, Duration wait) const;

 private:
  struct Gap {
    Instant from;
    Instant until;
  };
  std::deque<Gap> gaps_;  ///< in order, disjoint; older ones are hours back and their agents decided
  Instant until_ = Instant::min();
  bool in_force_ = false;
};

/// How long to wait for an agent: listening time, stretched by the state of our own health.
struct Waits {
  const Listening& listening;
  double stretch = 1;
  Instant after(Instant from, Duration wait) const {
    if (wait == Duration::max() || from == Instant::never()) return Instant::never();
    return listening.after(from, stretch == 1 ? wait : Duration{static_cast<std::int64_t>(static_cast<double>(wait.count()) * stretch)});
  }
};

}  // namespace choregos::registry
