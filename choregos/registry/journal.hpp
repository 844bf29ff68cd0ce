// The journal: the last changes, bounded, for whoever resumes from a revision. Pure; the owner guards it.
#pragma once

#include <cstddef>
#include <deque>
#include <vector>

#include "choregos/base/limits.hpp"
#include "choregos/base/result.hpp"
#include "choregos/model/change.hpp"

namespace choregos {

class Journal {
 public:
  /// `start` is the registry's position before its first change.
  explicit Journal(Revision start, std::size_t count_max = limits::journal_count_max);
  /// Changes must come in order, each one step after the last.
  void append(const Change& change);
  /// Everything after `from`, oldest first, at most `count_max`. Errors: gone (another epoch, or older than what is kept),
  /// invalid (ahead of us: a revision that was never given out).
  Result<std::vector<Change>> since(Revision from, std::size_t count_max) const;
  Revision newest() const { return newest_; }
  /// The oldest position from which since() still works.
  Revision oldest() const;
  std::size_t size() const { return changes_.size(); }

 private:
  std::deque<Change> changes_;
  Revision newest_;
  std::size_t count_max_;
};

}  // namespace choregos
