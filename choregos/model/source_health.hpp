// How a source is doing: shown by /sources, /metrics and `choregos doctor`. A source that fails keeps quiet about agents
// and says here why.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "choregos/base/time.hpp"

namespace choregos {

enum class SourceState : std::uint8_t {
  off,       ///< not configured
  starting,  ///< nothing tried yet
  ok,
  degraded,  ///< works in part, or has heard nothing for long
  failed,    ///< cannot do its work; last_error says why
};
std::string_view to_string(SourceState state);

struct SourceHealth {
  std::string name;        ///< instance name, as in Observation::source
  std::string kind;        ///< folder name: swarm_dns, http_probe, beacon, registration, static_file
  SourceState state = SourceState::starting;
  std::string detail;      ///< one sentence on what it does now: "9 targets of tasks.chorus at 127.0.0.11"
  std::string last_error;  ///< "" = none yet
  std::string advice;      ///< what the operator can do, when state is not ok
  WallTime last_ok;        ///< zero = never
  WallTime last_error_at;  ///< zero = never
  std::vector<std::pair<std::string, std::uint64_t>> counters;  ///< monotonic, snake_case names, fixed order
  std::vector<std::pair<std::string, std::uint64_t>> gauges;    ///< current values, snake_case names, fixed order
};

}  // namespace choregos
