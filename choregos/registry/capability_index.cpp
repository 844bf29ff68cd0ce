#include "choregos/registry/capability_index.hpp"

#include <algorithm>

#include "choregos/base/limits.hpp"

namespace choregos::registry {

void CapabilityIndex::set(const std::string& capability, Slot slot, bool has, int live_delta) {
  auto it = entries_.find(capability);
  if (it == entries_.end()) {
    if (!has) return;
    if (entries_.size() >= limits::capability_dictionary_max) {
      overflowed_ = true;
      return;
    }
    it = entries_.emplace(capability, Live{}).first;
  }
  Live& live = it->second;
  CapabilityEntry& entry = live.entry;
  const bool had = entry.has(slot);
  if (had != has) {
    while (entry.bits.size() <= slot / 64) entry.bits.push_back(0);
    entry.bits.at_for_write(slot / 64) ^= std::uint64_t{1} << (slot % 64);
    entry.total += has ? 1U : static_cast<std::uint32_t>(-1);
  }
  entry.live += static_cast<std::uint32_t>(live_delta);
  live.dirty = true;
  dirty_ = true;
  if (entry.total == 0) entries_.erase(it);
}

void CapabilityIndex::update(Slot slot, const Agent* before, const Agent* after) {
  const bool was_live = before != nullptr && before->liveness == Liveness::alive;
  const bool is_live = after != nullptr && after->liveness == Liveness::alive;
  static const std::vector<std::string> kNone;
  const auto& old_list = before != nullptr ? before->capabilities : kNone;
  const auto& new_list = after != nullptr ? after->capabilities : kNone;
  if (was_live == is_live && old_list == new_list) return;
  // Both lists are sorted: one merge visits each capability of either.
  auto o = old_list.begin();
  auto n = new_list.begin();
  while (o != old_list.end() || n != new_list.end()) {
    const int order = o == old_list.end() ? 1 : n == new_list.end() ? -1 : o->compare(*n);
    if (order < 0) {
      set(*o++, slot, false, was_live ? -1 : 0);
    } else if (order > 0) {
      set(*n++, slot, true, is_live ? 1 : 0);
    } else {
      if (was_live != is_live) set(*n, slot, true, is_live ? 1 : -1);
      ++o;
      ++n;
    }
  }
}

std::shared_ptr<const CapabilityMap> CapabilityIndex::share() {
  if (!dirty_) return shared_;
  auto map = std::make_shared<CapabilityMap>();
  for (auto& [name, live] : entries_) {
    if (live.dirty || !live.shared) {
      auto frozen = std::make_shared<CapabilityEntry>();
      frozen->bits = live.entry.bits.share();
      frozen->total = live.entry.total;
      frozen->live = live.entry.live;
      live.shared = std::move(frozen);
      live.dirty = false;
    }
    map->emplace_hint(map->end(), name, live.shared);
  }
  shared_ = std::move(map);
  dirty_ = false;
  return shared_;
}

}  // namespace choregos::registry
