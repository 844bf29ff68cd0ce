// What the operating system knows of this process, read from /proc/self. Linux only, like the rest.
#pragma once

#include <cstdint>

namespace choregos::api {

struct ProcessStats {
  std::uint64_t resident_bytes = 0;
  std::uint64_t virtual_bytes = 0;
  std::uint64_t open_fds = 0;
  std::uint64_t max_fds = 0;
  std::uint64_t threads = 0;
  double cpu_seconds = 0;
  double start_seconds = 0;  ///< since 1970
};

/// Fields that cannot be read stay 0. Costs a few file reads and one directory listing.
ProcessStats read_process_stats();

}  // namespace choregos::api
