// The number of a registry's life. It must be one that no reader has seen before, or a watcher would resume in another history: so it
// rises at each start and is never below the wall clock in milliseconds, which tells a memory that forgets, and a file restored from an
// old backup, from the lives that they do not know of.
#pragma once

#include <algorithm>
#include <cstdint>

#include "choregos/base/time.hpp"

namespace choregos::store {

inline std::uint64_t next_epoch(std::uint64_t last, WallTime now) {
  return std::max(last + 1, static_cast<std::uint64_t>(std::max<std::int64_t>(0, now.ms)));
}

}  // namespace choregos::store
