// How much of what is sent on one path gets lost while its end is alive, as measured: counts that fade by 2 % with each
// message, a memory of about fifty. Pure; 8 bytes.
#pragma once

#include <algorithm>

namespace choregos {

class LossMeter {
 public:
  void arrived() {
    missed_ *= kFade;
    sent_ = sent_ * kFade + 1;
  }
  void missed() {
    missed_ = missed_ * kFade + 1;
    sent_ = sent_ * kFade + 1;
  }
  /// At least 0.01, so that a spotless past is no proof; at most 0.8. One in ten, believed as much as five messages, when
  /// nothing is known.
  double loss() const { return std::clamp((static_cast<double>(missed_) + 0.5) / (static_cast<double>(sent_) + 5.0), 0.01, 0.8); }

 private:
  static constexpr float kFade = 0.98F;
  float missed_ = 0;
  float sent_ = 0;
};

}  // namespace choregos
