// The listing: the records that readers may see, with every index over them, kept in step by one function. Snapshots are
// taken from here.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "choregos/registry/capability_index.hpp"
#include "choregos/registry/cow_vector.hpp"
#include "choregos/registry/name_index.hpp"
#include "choregos/registry/slot_order.hpp"
#include "choregos/registry/snapshot.hpp"

namespace choregos::registry {

class Listing {
 public:
  /// Puts, replaces (null to record) or removes (record to null) what stands in `slot`.
  void set(Slot slot, AgentRecordPtr record);
  const AgentRecordPtr& at(Slot slot) const { return records_[slot]; }
  Slot find(std::string_view id_or_alias) const { return names_.find(id_or_alias); }
  std::size_t size() const { return order_.size(); }
  std::shared_ptr<const Snapshot::Data> share(Revision revision, Instant now, WallTime wall_now, GuardViewPtr guard);

 private:
  void count(const Agent& agent, int delta);
  CowVector<AgentRecordPtr, 256> records_;
  SlotOrder order_;
  NameIndex names_;
  CapabilityIndex capabilities_;
  Counts counts_;
};

}  // namespace choregos::registry
