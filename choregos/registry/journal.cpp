#include "choregos/registry/journal.hpp"

#include <algorithm>
#include <cassert>

namespace choregos {

Journal::Journal(Revision start, std::size_t count_max) : newest_(start), count_max_(count_max) {}

void Journal::append(const Change& change) {
  assert(change.revision.epoch == newest_.epoch && change.revision.number == newest_.number + 1);
  newest_ = change.revision;
  changes_.push_back(change);
  if (changes_.size() > count_max_) changes_.pop_front();
}

Revision Journal::oldest() const { return {newest_.epoch, newest_.number - changes_.size()}; }

Result<std::vector<Change>> Journal::since(Revision from, std::size_t count_max) const {
  if (from.epoch != newest_.epoch)
    return fail(ErrorCode::gone, "revision " + to_string(from) + " is of another epoch than " + to_string(newest_) + "; list again and continue from there");
  if (from.number > newest_.number)
    return fail(ErrorCode::invalid, "revision " + to_string(from) + " was never given out; the newest is " + to_string(newest_));
  if (from < oldest())
    return fail(ErrorCode::gone, "changes since " + to_string(from) + " are no longer held, the oldest start is " + to_string(oldest()) + "; list again and continue from there");
  const auto first = changes_.begin() + static_cast<std::ptrdiff_t>(from.number - oldest().number);
  const auto count = std::min<std::size_t>(count_max, static_cast<std::size_t>(changes_.end() - first));
  return std::vector<Change>(first, first + static_cast<std::ptrdiff_t>(count));
}

}  // namespace choregos
