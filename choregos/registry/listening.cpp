#include "choregos/registry/listening.hpp"

#include <algorithm>

#include "choregos/base/limits.hpp"

namespace choregos::registry {

Duration Listening::listened(Instant until, Duration hold) {
  if (!in_force_) {
    in_force_ = true;
    until_ = until;
    return Duration{0};
  }
  if (until <= until_) return Duration{0};
  const Duration gap = until - until_;
  const Instant from = until_;
  until_ = until;
  if (gap <= kGapMax) return Duration{0};
  excuse(from, gap > 2s ? until + hold : until);
  return gap;
}

void Listening::excuse(Instant from, Instant until) {
  if (!gaps_.empty()) from = std::max(from, gaps_.back().until);  // gaps never overlap
  if (until <= from) return;
  if (!gaps_.empty() && gaps_.back().until == from) {
    gaps_.back().until = until;
  } else {
    gaps_.push_back({from, until});
    if (gaps_.size() > limits::deafness_count_max) gaps_.pop_front();
  }
}

Duration Listening::between(Instant from, Instant to) const {
  if (to <= from) return Duration{0};
  if (from == Instant::min()) return Duration::max();
  Duration out = to - from;
  for (auto gap = gaps_.rbegin(); gap != gaps_.rend() && gap->until > from; ++gap) {
    const Instant begin = std::max(gap->from, from), end = std::min(gap->until, to);
    if (end > begin) out -= end - begin;
  }
  return out;
}

Instant Listening::after(Instant from, Duration wait) const {
  if (from == Instant::min()) return from;
  Instant end = from + wait;
  if (gaps_.empty() || gaps_.back().until <= from) return end;
  for (const Gap& gap : gaps_) {
    if (gap.until <= from) continue;
    if (gap.from >= end) break;
    end = end + (gap.until - std::max(gap.from, from));
  }
  return end;
}

}  // namespace choregos::registry
