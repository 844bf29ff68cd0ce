// What a snapshot is made of; private to the registry folder.
#pragma once

#include <memory>

#include "choregos/registry/capability_index.hpp"
#include "choregos/registry/cow_vector.hpp"
#include "choregos/registry/name_index.hpp"
#include "choregos/registry/slot_order.hpp"
#include "choregos/registry/snapshot.hpp"

namespace choregos {

struct Snapshot::Data {
  Revision revision;
  Instant taken_at;
  WallTime taken_wall_at;
  Counts counts;
  GuardViewPtr guard;
  registry::CowVector<AgentRecordPtr, 256> records;  ///< by slot; null where nothing is listed
  registry::SlotOrder order;
  registry::NameIndex names;
  std::shared_ptr<const registry::CapabilityMap> capabilities;
  bool capabilities_complete = true;  ///< false: an absent capability must be looked for record by record
};

}  // namespace choregos
