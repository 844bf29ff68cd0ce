#include "choregos/registry/slot_order.hpp"

#include <algorithm>

#include "choregos/base/text.hpp"

namespace choregos::registry {
namespace {
constexpr std::size_t kBlockSlots = 512;
}

SlotOrder::Block& SlotOrder::own(std::size_t block) {
  if (!owned_[block]) {
    blocks_[block] = std::make_shared<Block>(*blocks_[block]);
    owned_[block] = true;
  }
  return *blocks_[block];
}

SlotOrder::Position SlotOrder::after(std::string_view id, const IdOf& id_of) const {
  // The block to look in is the last one that begins at or before `id`.
  const auto block = std::upper_bound(blocks_.begin(), blocks_.end(), id, [&](std::string_view key, const std::shared_ptr<Block>& b) {
    return natural_compare(key, id_of(b->front())) < 0;
  });
  if (block == blocks_.begin()) return {};
  const auto index = static_cast<std::size_t>(block - blocks_.begin()) - 1;
  const Block& slots = *blocks_[index];
  const auto slot = std::upper_bound(slots.begin(), slots.end(), id, [&](std::string_view key, Slot s) { return natural_compare(key, id_of(s)) < 0; });
  if (slot == slots.end()) return {index + 1, 0};
  return {index, static_cast<std::size_t>(slot - slots.begin())};
}

void SlotOrder::insert(Slot slot, const IdOf& id_of) {
  ++size_;
  if (blocks_.empty()) {
    blocks_.push_back(std::make_shared<Block>(1, slot));
    owned_.push_back(true);
    return;
  }
  Position p = after(id_of(slot), id_of);
  if (p.offset == 0 && p.block > 0) p = {p.block - 1, blocks_[p.block - 1]->size()};  // the end of a block rather than the front of the next
  Block& block = own(p.block);
  block.insert(block.begin() + static_cast<std::ptrdiff_t>(p.offset), slot);
  if (block.size() < kBlockSlots) return;
  const auto half = block.begin() + kBlockSlots / 2;
  auto upper = std::make_shared<Block>(half, block.end());
  block.erase(half, block.end());
  blocks_.insert(blocks_.begin() + static_cast<std::ptrdiff_t>(p.block) + 1, std::move(upper));
  owned_.insert(owned_.begin() + static_cast<std::ptrdiff_t>(p.block) + 1, true);
}

void SlotOrder::erase(std::string_view id, const IdOf& id_of) {
  Position p = after(id, id_of);
  if (p.offset > 0) {
    --p.offset;
  } else if (p.block > 0) {
    p = {p.block - 1, blocks_[p.block - 1]->size() - 1};
  } else {
    return;
  }
  if (id_of(at(p)) != id) return;
  Block& block = own(p.block);
  block.erase(block.begin() + static_cast<std::ptrdiff_t>(p.offset));
  --size_;
  if (block.empty()) {
    blocks_.erase(blocks_.begin() + static_cast<std::ptrdiff_t>(p.block));
    owned_.erase(owned_.begin() + static_cast<std::ptrdiff_t>(p.block));
  }
}

SlotOrder SlotOrder::share() {
  std::fill(owned_.begin(), owned_.end(), false);
  SlotOrder copy;
  copy.blocks_ = blocks_;
  copy.size_ = size_;
  return copy;
}

}  // namespace choregos::registry
