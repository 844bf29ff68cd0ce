// The slots of all listed records in natural order of their ids, in blocks that snapshots share. Insert, erase and find
// cost two binary searches and at most one block copy.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

namespace choregos::registry {

using Slot = std::uint32_t;
inline constexpr Slot kNoSlot = UINT32_MAX;
using IdOf = std::function<std::string_view(Slot)>;

class SlotOrder {
 public:
  struct Position {
    std::size_t block = 0;
    std::size_t offset = 0;
  };

  void insert(Slot slot, const IdOf& id_of);
  void erase(std::string_view id, const IdOf& id_of);
  /// The first position whose id is after `id`.
  Position after(std::string_view id, const IdOf& id_of) const;
  Position begin() const { return {}; }
  bool at_end(Position p) const { return p.block >= blocks_.size(); }
  Slot at(Position p) const { return (*blocks_[p.block])[p.offset]; }
  Position next(Position p) const { return p.offset + 1 < blocks_[p.block]->size() ? Position{p.block, p.offset + 1} : Position{p.block + 1, 0}; }
  std::size_t size() const { return size_; }
  SlotOrder share();

 private:
  using Block = std::vector<Slot>;
  Block& own(std::size_t block);
  std::vector<std::shared_ptr<Block>> blocks_;
  std::vector<bool> owned_;
  std::size_t size_ = 0;
};

}  // namespace choregos::registry
