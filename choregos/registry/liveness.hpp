// Liveness: the verdict over all evidence of one agent, as a pure function of the evidence and the time.
//
//   alive        some channel is fresh
//   suspect      none is fresh, and not every one is past its end
//   lost         every channel is past its end and silence is proof enough, or the process is positively known to have ended
//                and nothing was heard since
//   left         the agent said goodbye and nothing was heard after (a moment of slack for answers already on their way)
//   unconfirmed  known only from before our own restart, within the grace
//
// When silence is proof enough: a living agent would be silent like this once in 10^12, given the loss measured on its channel
// (the sum of -ln P over missed messages and questions in vain reaches 27.6), and the silence has lasted the floor: ten
// intervals, or three times the longest silence that this agent came back from within the last hour, at most thirty.
//
// Two living processes with one id: of several incarnations the highest is a restart of the same agent unless an older one
// still speaks after the newer one began; then the first stays and the others are contenders. The same holds for voices: two
// subjects of one source that speak at intervals with one id and one incarnation, as an agent and its clone do. Without
// incarnations addresses that answer with the same declared id contend as soon as two of them answer. A conflict is over when
// all but one of the lives fell silent, said goodbye or are known to have ended; if the first did, the next in age holds the id.
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
  Instant window_from = Instant::min();  ///< silence before this was excused: a freeze ended
  Duration longest_silence{};            ///< that it came back from within the last hour
  bool restored = false;                 ///< known from before our restart
  Instant restored_until = Instant::min();
  Liveness restored_as = Liveness::unconfirmed;
  std::string restored_reason;
};

/// One channel as the verdict saw it.
struct Considered {
  const Evidence* evidence = nullptr;
  bool fresh = false;
  Duration beside{};  ///< the longest interval of a channel of the same life that speaks; 0 = none does
};

/// How much one channel's silence proves.
struct Weight {
  std::uint32_t missed = 0;
  double sum = 0;
};

struct Verdict {
  Liveness liveness = Liveness::lost;
  std::string reason;                      ///< for people; does not depend on `now`, so it changes only when the verdict does
  std::vector<Considered> considered;      ///< evidence of the life that holds the id
  std::uint64_t incarnation = 0;
  bool conflict = false;
  std::vector<std::string> contenders;     ///< sorted
  Instant next_check = Instant::never();   ///< when time alone may change the verdict
  bool by_silence = false;                 ///< suspect or lost because nothing was heard, not because something was
  bool damped = false;                     ///< suspect only because it came back too often
  bool doubted = false;                    ///< suspect because a channel broke, which may be confirmed within a second
  Instant heard = Instant::min();          ///< when it last showed life
  Instant ask_from = Instant::never();     ///< since when it is worth asking
  Duration floor{};                        ///< of silence, for lost; 0 = no channel speaks at intervals
  double evidence = 0;                     ///< sum of the weights
};

Verdict judge(const Case& subject, const RegistrySettings& settings, const Waits& waits, Instant now);

/// How much the silence of `e` since `since` proves; nothing for a channel that does not speak.
Weight weigh(const Evidence& e, Instant since, const Waits& waits, Instant now);

}  // namespace choregos::registry
