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
  void at(Instant when, std::function<void()> what) {
    std::uint32_t place;
    if (free_.empty()) {
      place = static_cast<std::uint32_t>(work_.size());
      work_.push_back(std::move(what));
    } else {
      place = free_.back();
      free_.pop_back();
      work_[place] = std::move(what);
    }
    queue_.push({when < now_ ? now_ : when, ++count_, place});
  }
  void after(Duration delay, std::function<void()> what) { at(now_ + delay, std::move(what)); }

  /// Runs events up to `end`, calling `after_each` behind every one; stops early when it returns false.
  template <class F>
  void run_until(Instant end, F&& after_each) {
    while (!queue_.empty() && queue_.top().when <= end) {
      const Event event = queue_.top();
      queue_.pop();
      now_ = event.when;
      const std::function<void()> what = std::move(work_[event.place]);
      free_.push_back(event.place);
      what();
      if (!after_each()) return;
    }
    now_ = end;
  }

 private:
  /// Small, because the heap moves it about; the work lies beside it.
  struct Event {
    Instant when;
    std::uint64_t order;
    std::uint32_t place;
    bool operator<(const Event& other) const { return when != other.when ? when > other.when : order > other.order; }
  };
  std::priority_queue<Event> queue_;
  std::vector<std::function<void()>> work_;
  std::vector<std::uint32_t> free_;
  Instant now_{1'000'000'000};
  std::uint64_t count_ = 0;
};

}  // namespace choregos::sim
