// Liveness: the verdict over all evidence of one agent, as a pure function of the evidence and the time.
//
//   alive        some channel is fresh
//   suspect      none is fresh, and not every one is past its end
//   lost         every channel is past its end, or the process is positively known to have ended and nothing was heard since
//   left         the agent said goodbye and nothing was heard after (a moment of slack for answers already on their way)
//   unconfirmed  known only from before our own restart, within the grace
//
// Two living processes with one id: of several incarnations the highest is a restart of the same agent unless an older one
// still speaks after the newer one began; then the first stays and the others are contenders. Without incarnations the
// same holds for addresses that answer with the same declared id.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "choregos/registry/evidence.hpp"
#include "choregos/registry/registry.hpp"

namespace choregos::registry {

/// Positive evidence that a process ended, not bound to one channel.
struct Death {
  Instant at = Instant::min();  ///< min = none
  std::uint64_t incarnation = 0;
  std::string reason;
};

/// What the verdict is made from.
struct Case {
  std::vector<const Evidence*> evidence;
  Death death;
  bool restored = false;             ///< known from before our restart
  Instant restored_until = Instant::min();
  Liveness restored_as = Liveness::unconfirmed;
  std::string restored_reason;
};

struct Verdict {
  Liveness liveness = Liveness::lost;
  std::string reason;                      ///< for people; does not depend on `now`, so it changes only when the verdict does
  std::vector<const Evidence*> considered; ///< evidence of the life that holds the id
  std::uint64_t incarnation = 0;
  bool conflict = false;
  std::vector<std::string> contenders;     ///< sorted
  Instant next_check = Instant::never();   ///< when time alone may change the verdict
};

Verdict judge(const Case& subject, const RegistrySettings& settings, Instant now);

}  // namespace choregos::registry
