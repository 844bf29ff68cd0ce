#include "choregos/registry/name_index.hpp"

#include <algorithm>

namespace choregos::registry {
namespace {
constexpr std::size_t kShardsFirst = 16;
constexpr std::size_t kNamesPerShard = 32;
}  // namespace

NameIndex::NameIndex() : shards_(kShardsFirst), owned_(kShardsFirst, false) {}

/// FNV-1a with a final mix: fixed on every machine. Strangers choose ids, but a shard is scanned linearly in any case and
/// the fleet's size is bounded, so a flood of colliding ids costs a scan and nothing worse.
std::uint64_t NameIndex::hash(std::string_view name) {
  std::uint64_t h = 0xcbf29ce484222325U;
  for (const char c : name) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  h ^= h >> 32;
  h *= 0x9e3779b97f4a7c15U;
  return h ^ h >> 29;
}

Slot NameIndex::find(std::string_view name) const {
  const auto& shard = shards_[hash(name) & (shards_.size() - 1)];
  if (!shard) return kNoSlot;
  for (const auto& [key, slot] : *shard)
    if (key == name) return slot;
  return kNoSlot;
}

NameIndex::Shard& NameIndex::own(std::size_t shard) {
  if (!owned_[shard]) {
    shards_[shard] = shards_[shard] ? std::make_shared<Shard>(*shards_[shard]) : std::make_shared<Shard>();
    owned_[shard] = true;
  }
  return *shards_[shard];
}

void NameIndex::put(std::string_view name, Slot slot) {
  const std::size_t at = hash(name) & (shards_.size() - 1);
  if (shards_[at])
    for (std::size_t i = 0; i < shards_[at]->size(); ++i)
      if ((*shards_[at])[i].first == name) {
        if ((*shards_[at])[i].second != slot) own(at)[i].second = slot;
        return;
      }
  own(at).emplace_back(name, slot);
  if (++size_ > shards_.size() * kNamesPerShard) grow();
}

void NameIndex::erase(std::string_view name) {
  const std::size_t at = hash(name) & (shards_.size() - 1);
  if (!shards_[at]) return;
  const auto it = std::find_if(shards_[at]->begin(), shards_[at]->end(), [&](const auto& e) { return e.first == name; });
  if (it == shards_[at]->end()) return;
  const auto offset = it - shards_[at]->begin();
  Shard& shard = own(at);
  shard[static_cast<std::size_t>(offset)] = std::move(shard.back());
  shard.pop_back();
  --size_;
}

void NameIndex::grow() {
  std::vector<std::shared_ptr<Shard>> old = std::move(shards_);
  shards_.assign(old.size() * 4, nullptr);
  owned_.assign(shards_.size(), false);
  for (const auto& shard : old)
    if (shard)
      for (const auto& entry : *shard) own(hash(entry.first) & (shards_.size() - 1)).push_back(entry);
}

NameIndex NameIndex::share() {
  std::fill(owned_.begin(), owned_.end(), false);
  NameIndex copy;
  copy.shards_ = shards_;
  copy.owned_ = owned_;
  copy.size_ = size_;
  return copy;
}

}  // namespace choregos::registry
