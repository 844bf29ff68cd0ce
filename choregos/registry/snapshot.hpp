// A snapshot: the immutable belief at one revision. Cheap to take (chunks are shared with the one before), free to keep,
// safe to read from any thread. Nobody is ever handed a pointer into live state.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "choregos/base/result.hpp"
#include "choregos/base/time.hpp"
#include "choregos/model/agent.hpp"
#include "choregos/model/change.hpp"
#include "choregos/model/guard.hpp"
#include "choregos/model/query.hpp"

namespace choregos {

/// How many records of each kind; kept up to date by the registry, so reading it costs nothing.
struct Counts {
  std::uint32_t total = 0;
  std::uint32_t by_liveness[5] = {};  ///< indexed by Liveness
  std::uint32_t by_status[3] = {};    ///< indexed by Status, of the agents that are alive, suspect or unconfirmed
};

struct CapabilityCount {
  std::string capability;
  std::uint32_t total = 0;  ///< every listed agent that has it
  std::uint32_t live = 0;   ///< of these, alive
};

struct Page {
  std::vector<AgentRecordPtr> records;
  std::size_t total = 0;     ///< matches without limit and cursor
  std::string next_cursor;   ///< "" = no more
};

class Snapshot {
 public:
  Revision revision() const;
  Instant taken_at() const;
  WallTime taken_wall_at() const;
  std::size_t size() const;
  const Counts& counts() const;
  /// What the guard against mass silence held when it was taken; never null. It may change without a new revision: then a new
  /// snapshot of the same revision is published.
  const GuardViewPtr& guard() const;
  /// By id, or by an alias of it (a Swarm task name, an address). Null when unknown.
  AgentRecordPtr find(std::string_view id_or_alias) const;
  /// Every record in natural order of ids.
  void for_each(const std::function<void(const AgentRecordPtr&)>& visit) const;
  /// Errors: invalid (a cursor that is not ours or belongs to another sort order).
  Result<Page> run(const Query& query) const;
  /// Sorted by name; capabilities that nobody has are absent.
  std::vector<CapabilityCount> capabilities() const;

  struct Data;  ///< defined in the registry
  explicit Snapshot(std::shared_ptr<const Data> data) : data_(std::move(data)) {}

 private:
  std::shared_ptr<const Data> data_;
};
using SnapshotPtr = std::shared_ptr<const Snapshot>;

}  // namespace choregos
