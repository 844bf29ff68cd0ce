// When something has to be looked at again: earliest first, ties by key so that every run is the same. Each thing keeps its own `armed`
// instant: moving it later costs nothing, the early one is found stale or early when it comes up.
#pragma once

#include <functional>
#include <queue>
#include <utility>
#include <vector>

#include "choregos/base/time.hpp"

namespace choregos::task {

template <class Key>
class Wakes {
 public:
  /// Makes sure that `key`, whose armed instant is given, comes up at `at` or before.
  void arm(const Key& key, Instant& armed, Instant at) {
    if (at >= armed) return;
    armed = at;
    queue_.emplace(at, key);
  }
  bool empty() const { return queue_.empty(); }
  const std::pair<Instant, Key>& top() const { return queue_.top(); }
  void pop() { queue_.pop(); }

 private:
  using Item = std::pair<Instant, Key>;
  std::priority_queue<Item, std::vector<Item>, std::greater<>> queue_;
};

}  // namespace choregos::task
