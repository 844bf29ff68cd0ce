// Our own health, 0 (fine) to 8: how far our ears can be trusted. Every wait for an agent is stretched by 1 + score/2, so that a
// registry on an overloaded host gets slower instead of wrong (the idea of Lifeguard, arXiv 1707.00788). One step up for each
// sign of trouble, at most one a second of each kind; one step down for each clean second. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "choregos/base/time.hpp"
#include "choregos/model/sign.hpp"

namespace choregos::registry {

class LocalHealth {
 public:
  static constexpr std::uint32_t kScoreMax = 8;

  /// `lag`, `drops`, `send_failed` and `canary_lost` count; other kinds are ignored.
  void note(const Sign& sign);
  /// Agents came back from silence together: the silence was ours.
  void came_back_together(std::uint32_t count, Instant now);

  std::uint32_t score(Instant now) const;
  double stretch(Instant now) const { return 1 + score(now) / 2.0; }
  /// What raised it last; "" at score 0.
  std::string reason(Instant now) const { return score(now) == 0 ? std::string() : reason_; }

 private:
  void raise(std::size_t kind, Instant now, std::string reason);
  std::uint32_t score_ = 0;
  Instant at_ = Instant::min();  ///< of the last trouble
  std::array<Instant, 5> raised_{Instant::min(), Instant::min(), Instant::min(), Instant::min(), Instant::min()};
  std::string reason_;
};

}  // namespace choregos::registry
