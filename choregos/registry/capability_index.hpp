// Which listed agents have which capability: a bitset over slots for each, with counts. Snapshots share the bitsets.
// Fed by the registry whenever a record appears, changes or goes.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "choregos/model/agent.hpp"
#include "choregos/registry/cow_vector.hpp"
#include "choregos/registry/slot_order.hpp"

namespace choregos::registry {

struct CapabilityEntry {
  CowVector<std::uint64_t, 64> bits;  ///< bit s of word s/64: the agent in slot s has it
  std::uint32_t total = 0;
  std::uint32_t live = 0;             ///< of these, alive

  bool has(Slot slot) const { return slot / 64 < bits.size() && (bits[slot / 64] >> (slot % 64) & 1) != 0; }
};

/// The frozen form. Absent from the map = nobody has it.
using CapabilityMap = std::map<std::string, std::shared_ptr<const CapabilityEntry>, std::less<>>;

class CapabilityIndex {
 public:
  /// `before` and `after` are the record in `slot` before and after; null = not listed. A capability beyond
  /// limits::capability_dictionary_max distinct ones is left out of the index (queries for it scan).
  void update(Slot slot, const Agent* before, const Agent* after);
  /// Cheap while nothing changed.
  std::shared_ptr<const CapabilityMap> share();
  /// True once a capability had to be left out; then an absent entry does not mean that nobody has it.
  bool overflowed() const { return overflowed_; }

 private:
  void set(const std::string& capability, Slot slot, bool has, int live_delta);
  struct Live {
    CapabilityEntry entry;
    bool dirty = true;
    std::shared_ptr<const CapabilityEntry> shared;
  };
  std::map<std::string, Live, std::less<>> entries_;
  std::shared_ptr<const CapabilityMap> shared_ = std::make_shared<CapabilityMap>();
  bool dirty_ = false;
  bool overflowed_ = false;
};

}  // namespace choregos::registry
