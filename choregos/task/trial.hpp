// A new version of an agent, tried on a share of the tasks. The share is exact by count: of any n tasks given out since the trial began,
// those under trial got at most per_mille × n / 1000, and they are asked first whenever they have got less.
#pragma once

#include <cstdint>
#include <string>

#include "choregos/base/time.hpp"

namespace choregos::task {

struct Trial {
  struct Side {
    std::uint64_t given = 0;
    std::uint64_t succeeded = 0;
    std::uint64_t failed = 0;
    Duration busy{};  ///< sum of the times of successes
  };
  std::string version;
  std::uint32_t per_mille = 0;  ///< 0 = there is no trial
  std::uint32_t failures_max = 0;
  Side tried, others;

  bool on() const { return per_mille != 0; }
  /// Too many failures: agents of this version get nothing until the trial is ended.
  bool stopped() const { return on() && tried.failed >= failures_max; }
  bool is_tried(const std::string& agent_version) const { return on() && agent_version == version; }
  /// Whether the next task may go to one of them.
  bool due() const { return on() && !stopped() && (tried.given + 1) * 1000 <= per_mille * (tried.given + others.given + 1); }
};

}  // namespace choregos::task
