// Every id and alias, with the slot of its record: a hash table in shards that snapshots share. One write copies one shard.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "choregos/registry/slot_order.hpp"

namespace choregos::registry {

class NameIndex {
 public:
  NameIndex();
  /// kNoSlot when absent.
  Slot find(std::string_view name) const;
  void put(std::string_view name, Slot slot);
  void erase(std::string_view name);
  std::size_t size() const { return size_; }
  NameIndex share();

 private:
  using Shard = std::vector<std::pair<std::string, Slot>>;
  static std::uint64_t hash(std::string_view name);
  Shard& own(std::size_t shard);
  void grow();
  std::vector<std::shared_ptr<Shard>> shards_;  ///< a power of two of them; null = empty
  std::vector<bool> owned_;
  std::size_t size_ = 0;
};

}  // namespace choregos::registry
