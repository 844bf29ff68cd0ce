// The simulator's clock and its one queue. Equal times run in the order in which they were scheduled, so that a run is
// decided by its seed alone.
#pragma once

#include <cstdint>
#include <functional>
#include <queue>
#include <utility>
#include <vector>

#include "choregos/base/time.hpp"

namespace choregos::sim {

class EventQueue {
 public:
  Instant now() const { return now_; }
  void at(Instant when, std::function<void()> what) { queue_.push({when < now_ ? now_ : when, ++count_, std::move(what)}); }
  void after(Duration delay, std::function<void()> what) { at(now_ + delay, std::move(what)); }

  /// Runs events up to `end`, calling `after_each` behind every one.
  template <class F>
  void run_until(Instant end, F&& after_each) {
    while (!queue_.empty() && queue_.top().when <= end) {
      Event event = queue_.top();
      queue_.pop();
      now_ = event.when;
      event.what();
      after_each();
    }
    now_ = end;
  }

 private:
  struct Event {
    Instant when;
    std::uint64_t order;
    std::function<void()> what;
    bool operator<(const Event& other) const { return when != other.when ? when > other.when : order > other.order; }
  };
  std::priority_queue<Event> queue_;
  Instant now_{1'000'000'000};
  std::uint64_t count_ = 0;
};

}  // namespace choregos::sim
