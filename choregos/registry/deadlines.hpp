// Deadlines of slots, earliest first, ties by slot so that every run is the same. Moving a deadline later costs nothing: the
// old one fires, finds that it is early, and is set anew.
#pragma once

#include <queue>
#include <utility>
#include <vector>

#include "choregos/base/time.hpp"
#include "choregos/registry/slot_order.hpp"

namespace choregos::registry {

class Deadlines {
 public:
  /// Makes sure that `slot` comes up at `at` or before.
  void arm(Slot slot, Instant at) {
    if (at == Instant::never()) return;
    if (slot >= armed_.size()) armed_.resize(slot + 1, Instant::never());
    if (armed_[slot] <= at) return;
    armed_[slot] = at;
    queue_.emplace(at, slot);
  }
  void disarm(Slot slot) {
    if (slot < armed_.size()) armed_[slot] = Instant::never();
  }
  Instant next() {
    drop_stale();
    return queue_.empty() ? Instant::never() : queue_.top().first;
  }
  /// The next slot due at `now`, or kNoSlot.
  Slot pop_due(Instant now) {
    drop_stale();
    if (queue_.empty() || queue_.top().first > now) return kNoSlot;
    const Slot slot = queue_.top().second;
    queue_.pop();
    armed_[slot] = Instant::never();
    return slot;
  }

 private:
  void drop_stale() {
    while (!queue_.empty() && armed_[queue_.top().second] != queue_.top().first) queue_.pop();
  }
  using Item = std::pair<Instant, Slot>;
  std::priority_queue<Item, std::vector<Item>, std::greater<>> queue_;
  std::vector<Instant> armed_;  ///< per slot: the one item of the queue that counts
};

}  // namespace choregos::registry
