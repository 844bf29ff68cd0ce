// What is asked and what came of it: the settings of a probe and its outcome, free of sockets.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "choregos/base/limits.hpp"
#include "choregos/base/result.hpp"
#include "choregos/base/time.hpp"

namespace choregos::source {

struct ProbeSettings {
  std::string name = "http_probe";                ///< instance name, Observation::source
  Duration period = 10s;                          ///< between two probes of a healthy target; at least 1 s
  Duration timeout = limits::probe_time_default;  ///< for one probe; at most limits::probe_time_max
  double jitter = 0.1;                            ///< share of the period by which each one varies
  std::size_t parallel_max = limits::probe_parallel_max;
  Duration unwell_lost_after = 60s;               ///< a target that answers, but not with 200, is lost after so long
  Duration sample_gap = 100ms;                    ///< between two samples of a virtual IP
  std::size_t sample_count_max = limits::sample_count_max;  ///< samples of a virtual IP in one round
};
/// Errors: invalid, naming the setting and its range.
Result<void> check(const ProbeSettings& settings);

enum class Outcome : std::uint8_t {
  answered,     ///< 200: the only one that counts as life
  unwell,       ///< another status
  redirected,   ///< 3xx: never followed
  malformed,    ///< connected, but what came is no answer of at most 64 KiB
  reset,        ///< connected, then closed or reset before the answer was whole
  refused,      ///< the host is there, nobody listens
  unreachable,  ///< no route, host or network down
  timeout,
  forbidden,    ///< the address policy refused; nothing was sent
  own_fault,    ///< no descriptors left, or our own loop stood still: says nothing about the target
};
std::string_view to_string(Outcome outcome);
/// Whether it is silence, of which one piece proves little; the others are statements of the host or the process.
constexpr bool is_miss(Outcome outcome) { return outcome == Outcome::timeout || outcome == Outcome::unreachable; }

struct ProbeResult {
  Outcome outcome = Outcome::own_fault;
  int status = 0;          ///< of the answer, when there was one
  std::string body;
  Duration latency{};      ///< of the answer
  std::string error;       ///< for people, when there was none
};

}  // namespace choregos::source
