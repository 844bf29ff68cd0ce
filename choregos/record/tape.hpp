// A tape: a tap that takes the registry's inputs off the writer's thread. A batch is gathered there and handed over in one
// piece, so that the writer never waits for a disk or for a slower reader; a thread of the tape's own works through what waits.
//
// The inputs only mean something when none is missing. So when more than limits::recording_queue_count_max wait, the tape is
// cut for good: what waits is still worked through, and cut() says so.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "choregos/base/limits.hpp"
#include "choregos/wire/recording.hpp"
#include "choregos/writer/tap.hpp"

namespace choregos::record {

/// The inputs of one batch, the last of which ticks, and what they led to. `lines` holds observations, signs, ticks, and what
/// was remembered and restored; a batch of these may come in several pieces.
struct TapeBatch {
  std::vector<wire::RecordingLine> lines;
  std::vector<Change> changes;
};

class Tape : public Tap {
 public:
  ~Tape() override;
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;

  /// Works through what waits, then ends the thread. To be called by the destructor of each heir, after the writer has stopped.
  /// Safe to call twice.
  void stop();
  bool cut() const { return cut_.load(std::memory_order_relaxed); }
  std::uint64_t waiting() const;

  void remembered(const Agent& agent, Instant until) final;
  void restored(const Agent& agent, WallTime last_seen, Instant now, WallTime wall_now) final;
  void applied(const Observation& observation, Instant now, WallTime wall_now) final;
  void noted(const Sign& sign, Instant now, WallTime wall_now) final;
  void ticked(Instant now, WallTime wall_now) final;
  void changed(std::span<const Change> changes) final;

 protected:
  explicit Tape(std::size_t waiting_max = limits::recording_queue_count_max) : waiting_max_(waiting_max) {}
  /// Starts the thread; to be called once, by the constructor of each heir.
  void start();

 private:
  /// On the writer's thread, when a batch is complete and its vitals still are those of its end.
  virtual void seal(TapeBatch& batch, std::span<const Change> changes) = 0;
  /// On the tape's thread, in order.
  virtual void work(TapeBatch& batch) = 0;
  /// On the tape's thread, when nothing waits for the moment.
  virtual void caught_up() {}
  /// On the tape's thread, once, after the last batch.
  virtual void wound_up() = 0;
  void run();
  bool hand_over();
  void hand_over_some();

  const std::size_t waiting_max_;
  // The writer's thread only.
  TapeBatch gathering_;
  std::optional<wire::RecordedRestoredAll> restored_;  ///< something was, and its changes have not come yet
  std::atomic<bool> cut_{false};

  // Guarded by mutex_.
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable less_waits_;
  std::vector<TapeBatch> batches_;
  std::size_t waiting_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace choregos::record
