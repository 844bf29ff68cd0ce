// The writer: the one thread that owns a Registry. Anybody hands it observations and signs; it drains its queue, applies
// them in order, has the batch persisted, publishes one snapshot, tells subscribers, hands out the registry's questions, then
// answers those who waited. Between batches it sleeps until the registry's next deadline.
//
// Every method may be called from any thread. Callbacks run on the writer's thread and must not block for long.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "choregos/base/result.hpp"
#include "choregos/base/time.hpp"
#include "choregos/model/change.hpp"
#include "choregos/model/observation.hpp"
#include "choregos/registry/registry.hpp"
#include "choregos/writer/tap.hpp"

namespace choregos {

/// What one drain of the queue led to. `changes` is empty when only the guard's view moved (Snapshot::guard).
struct Batch {
  SnapshotPtr snapshot;
  std::vector<Change> changes;
};
using BatchPtr = std::shared_ptr<const Batch>;

class Writer {
 public:
  struct Clock {
    std::function<Instant()> now;
    std::function<WallTime()> wall_now;
  };
  struct Options {
    Clock clock;  ///< unset functions = this host's monotonic and system clocks
    /// Makes changes durable before anybody is told of success; an error is passed to those who wait, while the belief
    /// itself goes on. Unset = nothing is kept.
    std::function<Result<void>(std::span<const Change>)> persist;
    /// Takes the questions that the registry wants put, on the writer's thread. Unset = they are dropped.
    std::function<void(std::vector<Ask>)> ask;
    /// See tap.hpp; must outlive the writer. Null = none.
    std::vector<Tap*> taps;
  };
  struct Stats {
    std::uint64_t applied = 0;    ///< observations taken
    std::uint64_t refused = 0;    ///< refused by the registry's border
    std::uint64_t signs = 0;      ///< signs taken
    std::uint64_t asks = 0;       ///< questions handed out
    std::uint64_t dropped = 0;    ///< queue was full
    std::uint64_t batches = 0;
    std::uint64_t changes = 0;
    std::uint64_t persist_errors = 0;
    std::uint64_t queued = 0;     ///< now
  };
  using Done = std::function<void(Result<AgentRecordPtr>)>;
  using Subscription = std::uint64_t;

  Writer(Registry registry, Options options);
  ~Writer();  ///< stops

  /// Starting twice is an error (conflict), also after stop.
  Result<void> start();
  /// Applies what is queued, then ends the thread. Safe to call twice, from any thread, also before start.
  void stop();

  /// Fire and forget. False when the queue is full or the writer has stopped; the loss is counted.
  bool submit(Observation observation);
  /// `done` is called once, after the change is durable, with the record or why it was refused.
  void submit(Observation observation, Done done);

  /// Signs wait in the same queue, so that one of kind `listened` comes after all that was heard before it.
  bool submit(Sign sign);
  /// Why a record is as it is, worked out on the writer's thread after all that is queued now. Errors: not_found, unavailable.
  void explain(std::string id_or_alias, std::function<void(Result<Explanation>)> done);

  /// The newest published belief; never null.
  SnapshotPtr snapshot() const;
  /// Changes after `from`; see Journal::since for the errors.
  Result<std::vector<Change>> changes_since(Revision from, std::size_t count_max) const;
  /// `on_batch` is called for each batch with changes or another view of the guard, in order, from the next one on. It may not unsubscribe from within.
  Subscription subscribe(std::function<void(const BatchPtr&)> on_batch);
  /// After it returns the callback is not running and will not be called.
  void unsubscribe(Subscription subscription);
  Stats stats() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace choregos
