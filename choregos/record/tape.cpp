#include "choregos/record/tape.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace choregos::record {

using namespace wire;

Tape::~Tape() { assert(!thread_.joinable()); }

void Tape::start() {
  thread_ = std::thread([this] { run(); });
}

void Tape::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

std::uint64_t Tape::waiting() const {
  const std::lock_guard lock(mutex_);
  return waiting_;
}

void Tape::remembered(const Agent& agent, Instant until) {
  if (cut()) return;
  gathering_.lines.emplace_back(RecordedRemembered{agent, until});
  hand_over_some();
}

void Tape::restored(const Agent& agent, WallTime last_seen, Instant now, WallTime wall_now) {
  if (cut()) return;
  restored_ = RecordedRestoredAll{now, wall_now};
  gathering_.lines.emplace_back(RecordedRestored{agent, last_seen, now, wall_now});
  hand_over_some();
}

void Tape::applied(const Observation& observation, Instant now, WallTime wall_now) {
  if (!cut()) gathering_.lines.emplace_back(RecordedObservation{observation, now, wall_now, false});
}

void Tape::noted(const Sign& sign, Instant now, WallTime wall_now) {
  if (!cut()) gathering_.lines.emplace_back(RecordedSign{sign, now, wall_now, false});
}

/// A tick nearly always comes at the time of the input before it, and then is a word in that one's line.
void Tape::ticked(Instant now, WallTime wall_now) {
  if (cut()) return;
  const auto join = [&](auto* last) {
    if (last == nullptr || last->at != now || last->wall != wall_now || last->tick) return false;
    return last->tick = true;
  };
  if (!gathering_.lines.empty())
    if (auto& last = gathering_.lines.back(); join(std::get_if<RecordedObservation>(&last)) || join(std::get_if<RecordedSign>(&last))) return;
  gathering_.lines.emplace_back(RecordedTick{now, wall_now});
}

void Tape::changed(std::span<const Change> changes) {
  if (cut()) return;
  if (restored_) gathering_.lines.emplace_back(*std::exchange(restored_, std::nullopt));
  if (gathering_.lines.empty()) return;
  seal(gathering_, changes);
  if (!hand_over()) cut_ = true;
}

bool Tape::hand_over() {
  TapeBatch batch = std::exchange(gathering_, {});
  {
    const std::lock_guard lock(mutex_);
    if (waiting_ > 0 && waiting_ + batch.lines.size() > waiting_max_) return false;
    waiting_ += batch.lines.size();
    batches_.push_back(std::move(batch));
  }
  wake_.notify_one();
  return true;
}

/// A store may know a million agents: they go in pieces, and as fast as they are worked through, because the writer has not
/// started yet.
void Tape::hand_over_some() {
  constexpr std::size_t kPiece = 1000;
  if (gathering_.lines.size() < std::min(kPiece, waiting_max_)) return;
  {
    std::unique_lock lock(mutex_);
    less_waits_.wait(lock, [&] { return waiting_ == 0 || waiting_ + gathering_.lines.size() <= std::min(10 * kPiece, waiting_max_); });
  }
  hand_over();
}

void Tape::run() {
  std::vector<TapeBatch> batches;
  while (true) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [&] { return !batches_.empty() || stopping_; });
      if (batches_.empty()) break;
      batches.swap(batches_);
    }
    for (TapeBatch& batch : batches) {
      const std::size_t count = batch.lines.size();
      work(batch);
      batch = {};
      const std::lock_guard lock(mutex_);
      waiting_ -= count;
      less_waits_.notify_all();
    }
    batches.clear();
    caught_up();
  }
  wound_up();
}

}  // namespace choregos::record
