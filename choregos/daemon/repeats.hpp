// Says which lines of the log are repeats. The first of a kind is written; those of the same kind within a minute are only
// counted, and the count is written when the minute is over. Pure: time comes in; any thread, guarded by the caller.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "choregos/base/time.hpp"

namespace choregos::daemon {

class Repeats {
 public:
  static constexpr Duration kWindow = 60s;
  // limits::log_kind_count_max kinds are remembered; when full, unknown ones are written and not counted.

  struct Count {
    std::string kind;
    std::uint64_t count = 0;  ///< lines that were not written
  };

  /// True when this line is to be written; else it was counted.
  bool first(std::string_view kind, Instant now);
  /// Kinds whose minute is over: each is forgotten, those with repeats are returned, by name.
  std::vector<Count> due(Instant now);
  /// Everything counted so far, and forgets all: for the end of the program.
  std::vector<Count> all() { return due(Instant::never()); }

 private:
  struct Entry {
    Instant until;
    std::uint64_t count = 0;
  };
  std::map<std::string, Entry, std::less<>> kinds_;
};

}  // namespace choregos::daemon
