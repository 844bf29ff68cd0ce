// What survives a restart: who was there, who was forgotten, what happened to each, and the revisions that were used. The daemon hands the
// writer's batches to persist() before anybody is told of success, so what was acknowledged is there after kill -9.
//
// Identities and what they say are durable, and so is a goodbye. Liveness and last_seen are soft: they ride along with the
// next durable batch, or with flush(), and may be some seconds old after a crash; they are judged anew after every start.
// A batch that says nothing but what is on disk already (the records put back at a start) waits for no disk.
//
// Any thread may call; persist(), flush(), open() and close() block while the disk works, so the loop's thread should not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "choregos/base/result.hpp"
#include "choregos/base/time.hpp"
#include "choregos/model/agent.hpp"
#include "choregos/model/change.hpp"
#include "choregos/model/history.hpp"

namespace choregos::store {

struct StoredAgent {
  Agent agent;
  WallTime last_seen;
};

/// An identity that left the list. The same id that returns keeps its first_seen and team.
using ArchivedAgent = Forgotten;

struct Loaded {
  /// Where the registry starts: an epoch never used before, and a number no smaller than any used.
  Revision start;
  std::vector<StoredAgent> agents;      ///< sorted by id, bytewise
  std::vector<ArchivedAgent> archived;  ///< latest forgotten first
  std::string note;                     ///< something the operator should know ("1 record could not be read"); "" = nothing
};

struct StoreHealth {
  std::string kind;                   ///< "memory", "sqlite"
  std::string where;                  ///< path of the file; "" for memory
  bool ok = true;                     ///< the last write worked
  std::string last_error;             ///< "" = none yet
  std::size_t pending = 0;            ///< records whose newest form is not on disk yet
  std::uint64_t transactions = 0;     ///< written
  std::uint64_t records = 0;          ///< written
  std::uint64_t errors = 0;           ///< writes that failed; what they held is kept and written with the next
  std::uint64_t bytes = 0;            ///< size of the file and its log
  std::uint64_t revision_reserved = 0;///< end of the block that is reserved on disk
};

class Store {
 public:
  virtual ~Store() = default;

  /// Reads everything and reserves the new epoch and a block of revisions, durably, before it returns. Once.
  /// Errors: io (cannot be opened, read or written; the message names the path and what to do), conflict (another process
  /// uses it), unsupported (written by a newer choregos), invalid (not a database of ours, or damaged). Never deletes.
  virtual Result<Loaded> open() = 0;

  /// Takes a batch in order. When it returns success everything in it that must be durable is on disk, and so is the
  /// reservation of every revision in it. On an error (io) the batch is kept, newest form by id, and is written together
  /// with the next one: belief and disk meet again as soon as the disk takes writes.
  virtual Result<void> persist(std::span<const Change> changes) = 0;

  /// Remembers newer last_seen times for the next write; never touches the disk. Unknown ids are ignored.
  virtual void touch(std::span<const std::pair<std::string, WallTime>> last_seen) = 0;

  /// Writes what is soft and pending, without waiting for the disk's cache; call every few seconds. Errors: io.
  virtual Result<void> flush() = 0;

  /// flush, then lets go of the file. Safe to call twice; later calls of persist fail with unavailable.
  virtual void close() = 0;

  /// What is kept of one id, batches included that no flush has written yet. History is soft, like liveness: it may lack its last
  /// seconds after a crash. An id that merged into another one has no past of its own: it went over. Errors: io, unavailable.
  virtual Result<Past> past(std::string_view id) = 0;

  virtual StoreHealth health() const = 0;
};

}  // namespace choregos::store
