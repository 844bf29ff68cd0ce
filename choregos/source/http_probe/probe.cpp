#include "choregos/source/http_probe/probe.hpp"

namespace choregos::source {

Result<void> check(const ProbeSettings& s) {
  if (s.period < 1s) return fail(ErrorCode::invalid, "the probe period is " + format_duration(s.period) + "; it must be at least 1s");
  if (s.period > 24h) return fail(ErrorCode::invalid, "the probe period is " + format_duration(s.period) + "; it must be at most 24h");
  if (s.timeout < 50ms || s.timeout > limits::probe_time_max)
    return fail(ErrorCode::invalid, "the probe time-out is " + format_duration(s.timeout) + "; it must be between 50ms and " + format_duration(limits::probe_time_max));
  if (s.timeout > s.period) return fail(ErrorCode::invalid, "the probe time-out is longer than the period");
  if (!(s.jitter >= 0 && s.jitter <= 0.5)) return fail(ErrorCode::invalid, "the probe jitter must lie between 0 and 0.5");
  if (s.parallel_max == 0 || s.parallel_max > limits::probe_parallel_max)
    return fail(ErrorCode::invalid, "parallel probes must lie between 1 and " + std::to_string(limits::probe_parallel_max));
  if (s.sample_gap < 10ms || s.sample_gap > s.period) return fail(ErrorCode::invalid, "the sample gap must lie between 10ms and the period");
  if (s.sample_count_max < 15 || s.sample_count_max > 1000) return fail(ErrorCode::invalid, "samples of a round must lie between 15 and 1000");
  return {};
}

std::string_view to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::answered: return "answered";
    case Outcome::unwell: return "unwell";
    case Outcome::redirected: return "redirected";
    case Outcome::malformed: return "malformed";
    case Outcome::reset: return "reset";
    case Outcome::refused: return "refused";
    case Outcome::unreachable: return "unreachable";
    case Outcome::timeout: return "timeout";
    case Outcome::forbidden: return "forbidden";
    case Outcome::own_fault: return "own_fault";
  }
  return "?";
}

}  // namespace choregos::source
