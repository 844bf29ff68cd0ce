// Why a record is as it is: the evidence behind each field and behind its liveness, with source, age and weight, and what
// would change it. Made on demand from the registry's own state, never from a second book-keeping. Plain values; ages are
// Durations up to the moment of asking.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "choregos/base/time.hpp"
#include "choregos/model/agent.hpp"

namespace choregos {

/// Where the value of one field comes from.
struct FieldEvidence {
  std::string field;      ///< as in the record's JSON
  std::string value;      ///< as text; lists joined by ", "
  std::string source;     ///< instance name; "" = from before our restart, or derived
  std::string subject;
  Duration age{};         ///< since it was said
  std::string rule;       ///< why this source's word counts: "newest statement", "most trusted source", "kept from before the restart"
  std::vector<std::string> others;  ///< what other channels say differently: "http_probe/chorus says idle"
};

/// One channel and how it speaks for or against life.
struct ChannelEvidence {
  std::string source;
  std::string subject;
  std::uint64_t incarnation = 0;
  std::string says;               ///< "alive", "quiet", "silent", "refused", "dead", "goodbye", "open", "asked in vain"
  bool counts = true;             ///< false = of another life, or of a contender
  std::optional<Duration> age;    ///< since it last showed life; unset = never
  Duration alive_for{};           ///< how long it alone keeps the agent alive from now; 0 = no longer; max = while it stays open
  std::optional<double> loss;     ///< share of its messages that get lost while alive, as measured
  std::uint32_t missed = 0;       ///< messages that should have come since the last one
  std::uint32_t asked = 0;        ///< questions in vain since then
  std::uint32_t asked_by_helpers = 0;
  double weight = 0;              ///< its part in the sum of evidence of silence
  std::string detail;             ///< reason of a failure, for people
};

struct Explanation {
  std::string id;
  Liveness liveness = Liveness::unconfirmed;
  std::string reason;
  Duration silence{};             ///< since any channel that counts showed life; 0 while one is open
  double evidence = 0;            ///< sum of -ln P(this silence | alive)
  double evidence_needed = 0;     ///< for lost
  Duration silence_needed{};      ///< for lost: the floor, learnt and stretched
  Duration longest_silence{};     ///< that it came back from within the last hour
  double stretch = 1;             ///< factor on every wait, from our own health
  std::vector<std::string> held_by;      ///< what keeps a verdict of silence away: "subnet 10.0.1.0/24 is frozen", "restart grace"
  std::vector<std::string> would_change; ///< sentences: "suspect in 1.8 s unless beacon is heard"
  std::vector<ChannelEvidence> channels;
  std::vector<FieldEvidence> fields;
};

}  // namespace choregos
