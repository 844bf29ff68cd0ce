// How much silence proves that a target is gone: evidence is the sum of -ln P(this probe is lost | alive), with the loss that
// this very target has shown, and enough when a living one would produce it once in 10^12 (27.6). Losses that are not
// independent (a long pause, a stalled host) would fool that sum, so silence must also have lasted a floor: 10 s, or
// three times the longest silence of the last hour from which the target came back, at most 30 s.
//
// Pure; one per target. The figures are those of the beacon detector, docs/ARCHITECTURE.md.
#pragma once

#include <cstddef>

#include "choregos/base/time.hpp"

namespace choregos::source {

class SilenceMeter {
 public:
  /// One probe was answered at once.
  void answered();
  /// An episode of `misses` lost probes over `silence` ended with an answer. Misses of an episode that has not ended count
  /// for nothing: they may be a death.
  void recovered(std::size_t misses, Duration silence, Instant now);

  /// Share of probes lost while alive: at least 0.01, so that a spotless past is no proof, at most 0.8. 0.1 when nothing is known.
  double loss() const;
  /// Lost probes in a row that prove that it is gone: 6 for a spotless target, 12 for an unknown one, 23 at a loss of 30 %.
  std::size_t misses_for_lost() const { return misses_for(27.6); }
  /// Lost probes in a row (at least 2) that are worth a doubt: what a living one shows once in a hundred.
  std::size_t misses_for_doubt() const;
  Duration floor(Instant now) const;

 private:
  std::size_t misses_for(double evidence) const;

  // Counts fade by 2 % with each probe: a memory of about fifty.
  double missed_ = 0;
  double asked_ = 0;
  Duration longest_{};
  Instant longest_at_ = Instant::min();
};

}  // namespace choregos::source
