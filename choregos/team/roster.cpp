#include "choregos/team/roster.hpp"

#include <algorithm>
#include <bit>
#include <cassert>

#include "choregos/base/limits.hpp"

namespace choregos::team {

// Eight significant bits: 128 keys for each doubling, so a few thousand in all, whatever costs there are.
std::uint32_t Roster::key_of(std::uint32_t cost) {
  if (cost < 256) return cost;
  const auto shift = static_cast<std::uint32_t>(std::bit_width(cost)) - 8;
  return (shift << 7) + (cost >> shift);
}

Place Roster::find(std::string_view id) const {
  const auto it = by_id_.find(id);
  return it == by_id_.end() ? kNoPlace : it->second;
}

const Roster::Column* Roster::column(std::string_view capability) const {
  const auto it = columns_.find(std::string(capability));
  return it == columns_.end() ? nullptr : &it->second;
}

std::vector<std::string> Roster::capabilities() const {
  std::vector<std::string> out;
  for (const auto& [name, column] : columns_) out.push_back(name);
  std::sort(out.begin(), out.end());
  return out;
}

Place Roster::take_place(std::uint32_t cost, bool free) {
  const std::uint32_t key = free ? key_of(cost) : 0;
  Bucket& bucket = free ? free_buckets_[key] : taken_;
  if (bucket.open.empty()) {
    std::uint32_t number = 0;
    if (unused_chunks_.empty()) {
      number = static_cast<std::uint32_t>(chunks_.size());
      chunks_.push_back(std::make_unique<Chunk>());
    } else {
      number = unused_chunks_.back();
      unused_chunks_.pop_back();
    }
    Chunk& fresh = *chunks_[number];
    fresh.key = key;
    fresh.free = free;
    fresh.open = true;
    bucket.open.push_back(number);
    bucket.chunks.push_back(number);
  }
  const std::uint32_t number = bucket.open.back();
  Chunk& chunk = *chunks_[number];
  std::size_t word = 0;
  while (~chunk.occupied[word] == 0) ++word;
  const auto bit = static_cast<std::size_t>(std::countr_one(chunk.occupied[word]));
  chunk.occupied[word] |= std::uint64_t{1} << bit;
  bucket.cost_min = std::min(bucket.cost_min, cost);
  if (++chunk.used == kChunkPlaces) {
    chunk.open = false;
    bucket.open.pop_back();
  }
  return static_cast<Place>(number * kChunkPlaces + word * 64 + bit);
}

void Roster::give_back(Place place) {
  const auto number = static_cast<std::uint32_t>(place / kChunkPlaces);
  Chunk& chunk = *chunks_[number];
  const std::size_t at = place % kChunkPlaces;
  chunk.occupied[at / 64] &= ~(std::uint64_t{1} << (at % 64));
  chunk.records[at] = nullptr;
  Bucket& bucket = bucket_of(chunk);
  if (--chunk.used == 0) {
    std::erase(bucket.chunks, number);
    if (chunk.open) std::erase(bucket.open, number);
    chunk.open = false;
    unused_chunks_.push_back(number);
    if (chunk.free && bucket.chunks.empty()) free_buckets_.erase(chunk.key);
  } else if (!chunk.open) {
    chunk.open = true;
    bucket.open.push_back(number);
  }
}

void Roster::set_bits(Place place, const Agent& agent, bool on) {
  const std::size_t number = place / kChunkPlaces, at = place % kChunkPlaces;
  const std::uint64_t bit = std::uint64_t{1} << (at % 64);
  const bool free = chunks_[number]->free;
  for (const std::string& capability : agent.capabilities) {
    auto it = columns_.find(capability);
    if (it == columns_.end()) {
      if (!on) continue;
      if (columns_.size() >= limits::capability_dictionary_max) {
        overflowed_ = true;
        continue;
      }
      it = columns_.emplace(capability, Column{}).first;
    }
    Column& column = it->second;
    if (column.words.size() <= number) {
      column.words.resize(number + 1);
      column.block_at.resize(number + 1);
    }
    std::uint32_t& block_at = column.block_at[number];
    if (block_at == 0) {
      column.blocks.push_back({});
      block_at = static_cast<std::uint32_t>(column.blocks.size());
    }
    std::uint64_t& word = column.blocks[block_at - 1][at / 64];
    if (((word & bit) != 0) == on) continue;  // one that came when the dictionary was full, and goes now
    word ^= bit;
    const auto nonzero = static_cast<std::uint8_t>(1U << (at / 64));
    column.words[number] = static_cast<std::uint8_t>(word != 0 ? column.words[number] | nonzero : column.words[number] & ~nonzero);
    on ? ++column.listed : --column.listed;
    if (free) on ? ++column.free : --column.free;
    if (column.listed == 0) columns_.erase(it);
  }
}

void Roster::put(AgentRecordPtr record, const Assessment& own, bool free, bool recorded) {
  const auto cost = static_cast<std::uint32_t>(own.total());
  const Agent& agent = record->agent;
  Place place = find(agent.id);
  bool gain = true;
  if (place != kNoPlace) {
    const Chunk& now = chunk_of(place);
    const std::size_t at = place % kChunkPlaces;
    const AgentRecordPtr& before = now.records[at];
    const bool same_place = now.free == free && (!free || now.key == key_of(cost));
    const bool same_record = before == record;
    gain = !now.free || !same_record;  // a cost alone makes nothing possible that was not
    if (same_place && same_record && now.costs[at] == cost && now.own[at] == own && now.recorded[at] == recorded) return;
    if (!same_place || (!same_record && (before->agent.capabilities != agent.capabilities || before->agent.model != agent.model ||
                                         before->agent.node != agent.node))) {
      remove(std::string(agent.id));
      place = kNoPlace;
    }
  }
  if (free && gain) ++gains_;
  if (place == kNoPlace) {
    place = take_place(cost, free);
    Chunk& chunk = *chunks_[place / kChunkPlaces];
    const std::size_t at = place % kChunkPlaces;
    chunk.models[at] = models_.acquire(agent.model);
    chunk.hosts[at] = hosts_.acquire(agent.node);
    if (free) ++free_;
    by_id_.emplace(agent.id, place);
    set_bits(place, agent, true);
  } else if (auto node = by_id_.extract(agent.id); node) {
    node.key() = agent.id;  // the old record, in which the key lay, may go
    by_id_.insert(std::move(node));
  }
  Chunk& chunk = *chunks_[place / kChunkPlaces];
  const std::size_t at = place % kChunkPlaces;
  Bucket& bucket = bucket_of(chunk);
  bucket.cost_min = std::min(bucket.cost_min, cost);
  chunk.costs[at] = cost;
  chunk.own[at] = own;
  chunk.recorded[at] = recorded;
  chunk.records[at] = std::move(record);
}

void Roster::remove(std::string_view id) {
  const auto it = by_id_.find(id);
  if (it == by_id_.end()) return;
  const Place place = it->second;
  by_id_.erase(it);
  const Chunk& chunk = chunk_of(place);
  const std::size_t at = place % kChunkPlaces;
  const AgentRecordPtr record = chunk.records[at];
  set_bits(place, record->agent, false);
  models_.release(chunk.models[at]);
  hosts_.release(chunk.hosts[at]);
  if (chunk.free) --free_;
  give_back(place);
}

}  // namespace choregos::team
