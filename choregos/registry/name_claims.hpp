// Who is known under which weaker name. Two kinds: an address or Swarm task *answered as* an agent (strong: one owner, the
// last to answer there), or an agent *claims* an address in its endpoint or health URL (soft: counts only while exactly
// one claims it, because nine agents may all name the same balancer).
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "choregos/base/time.hpp"
#include "choregos/registry/slot_order.hpp"

namespace choregos::registry {

class NameClaims {
 public:
  struct Owner {
    Slot slot = kNoSlot;
    Instant at = Instant::min();  ///< when it last answered there
  };

  Owner owner(const std::string& name) const {
    const auto it = owners_.find(name);
    return it == owners_.end() ? Owner{} : it->second;
  }
  void set_owner(const std::string& name, Slot slot, Instant at) { owners_[name] = {slot, at}; }
  void drop_owner(const std::string& name, Slot slot) {
    const auto it = owners_.find(name);
    if (it != owners_.end() && it->second.slot == slot) owners_.erase(it);
  }

  void add_claim(const std::string& name, Slot slot) {
    auto& slots = claims_[name];
    if (std::find(slots.begin(), slots.end(), slot) == slots.end()) slots.push_back(slot);
  }
  void drop_claim(const std::string& name, Slot slot) {
    const auto it = claims_.find(name);
    if (it == claims_.end()) return;
    std::erase(it->second, slot);
    if (it->second.empty()) claims_.erase(it);
  }
  /// How many claim it, and one of them (the only one when the count is 1).
  std::pair<std::size_t, Slot> claimants(const std::string& name) const {
    const auto it = claims_.find(name);
    return it == claims_.end() ? std::pair<std::size_t, Slot>{0, kNoSlot} : std::pair<std::size_t, Slot>{it->second.size(), it->second.front()};
  }

 private:
  std::unordered_map<std::string, Owner> owners_;
  std::unordered_map<std::string, std::vector<Slot>> claims_;
};

}  // namespace choregos::registry
