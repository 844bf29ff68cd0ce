// What one run, or many, came to. Sums, so that runs can be added in any order.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

namespace choregos::sim {

struct Tally {
  std::string violation;            ///< of the first run that had one; "" = every checker was content
  std::uint64_t trace_hash = 0;     ///< over every change in order
  std::uint64_t runs = 0;
  std::uint64_t events = 0;
  std::uint64_t changes = 0;
  std::uint64_t crashes = 0;
  std::uint64_t asks = 0;
  double agent_hours = 0;           ///< of agents that run
  std::uint64_t suspected_up = 0;   ///< verdicts about agents that run (and are not stalled)
  std::uint64_t lost_while_up = 0;
  std::uint64_t forgotten_while_up = 0;
  std::vector<double> suspect_after;  ///< seconds from a crash to the verdict
  std::vector<double> lost_after;

  void add(const Tally& other) {
    if (violation.empty()) violation = other.violation;
    trace_hash = (trace_hash ^ other.trace_hash) * 0x100000001b3U;
    runs += other.runs;
    events += other.events;
    changes += other.changes;
    crashes += other.crashes;
    asks += other.asks;
    agent_hours += other.agent_hours;
    suspected_up += other.suspected_up;
    lost_while_up += other.lost_while_up;
    forgotten_while_up += other.forgotten_while_up;
    suspect_after.insert(suspect_after.end(), other.suspect_after.begin(), other.suspect_after.end());
    lost_after.insert(lost_after.end(), other.lost_after.begin(), other.lost_after.end());
  }
};

/// The value that a share of `values` does not exceed; 0 for none.
inline double quantile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  const auto nth = static_cast<std::size_t>(std::ceil(share * static_cast<double>(values.size()))) - 1;
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(nth), values.end());
  return values[nth];
}

}  // namespace choregos::sim
