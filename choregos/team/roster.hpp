// The roster: every listed agent in order of what it costs, with a bitset over that order for each capability. It is what makes a
// plan over a million agents take microseconds: the cheapest holder of any set of capabilities stands near the front, and whoever
// stands behind the best team found so far need not be looked at.
//
// Agents stand in chunks of 512 places. All agents of a chunk cost about the same (within a hundred and twenty-eighth), chunks are
// visited from cheap to dear, and the places of agents that cannot be taken now are in chunks of their own, behind all others.
// Putting, moving and removing an agent touches its own chunk and its own capabilities only.
//
// One owner writes and reads. Bounded by the registry's own bounds: it holds what the registry lists.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "choregos/model/agent.hpp"
#include "choregos/team/cost.hpp"
#include "choregos/team/interner.hpp"

namespace choregos::team {

/// Where an agent stands; changes when its cost does. Valid until the next put or remove.
using Place = std::uint32_t;
inline constexpr Place kNoPlace = UINT32_MAX;

inline constexpr std::size_t kChunkPlaces = 512;
inline constexpr std::size_t kBlockWords = kChunkPlaces / 64;
using Block = std::array<std::uint64_t, kBlockWords>;  ///< one bit for each place of a chunk

class Roster {
 public:
  /// Puts the agent at its place, or moves it there; `free` says whether a team may take it. `recorded`: the track record knows
  /// something of it, so its proofs are worth looking up.
  void put(AgentRecordPtr record, const Assessment& own, bool free, bool recorded);
  void remove(std::string_view id);

  Place find(std::string_view id) const;
  const AgentRecordPtr& record(Place place) const { return chunk_of(place).records[place % kChunkPlaces]; }
  const Assessment& own(Place place) const { return chunk_of(place).own[place % kChunkPlaces]; }
  /// The sum of the own terms.
  std::uint32_t cost(Place place) const { return chunk_of(place).costs[place % kChunkPlaces]; }
  std::uint32_t host(Place place) const { return chunk_of(place).hosts[place % kChunkPlaces]; }
  std::uint32_t model(Place place) const { return chunk_of(place).models[place % kChunkPlaces]; }
  bool recorded(Place place) const { return chunk_of(place).recorded[place % kChunkPlaces]; }
  bool free(Place place) const { return chunk_of(place).free; }

  std::size_t size() const { return by_id_.size(); }
  /// Above every place; record() of a place where nobody stands is null.
  std::size_t places() const { return chunks_.size() * kChunkPlaces; }
  std::size_t free_count() const { return free_; }
  /// Rises whenever an agent becomes free or a free one changes: then a team that could not be made may be possible.
  std::uint64_t gains() const { return gains_; }
  const Interner& hosts() const { return hosts_; }
  const Interner& models() const { return models_; }

  /// All that have one capability.
  struct Column {
    std::vector<std::uint8_t> words;      ///< of each chunk: bit w = word w of its block is not empty; looked at first
    std::vector<std::uint32_t> block_at;  ///< of each chunk: index into blocks, counted from 1; 0 = never had anybody
    std::vector<Block> blocks;            ///< side by side, so that a look along a column stays on few pages of memory
    std::uint64_t listed = 0;
    std::uint64_t free = 0;                        ///< of these, could be taken

    /// Null = nobody of that chunk. Valid until the roster changes.
    const Block* block(std::size_t chunk) const { return chunk < words.size() && words[chunk] != 0 ? &blocks[block_at[chunk] - 1] : nullptr; }
  };
  /// Null when nobody has it. Not to be trusted unless complete().
  const Column* column(std::string_view capability) const;
  /// False once there were more than limits::capability_dictionary_max distinct capabilities: then records must be looked at.
  bool complete() const { return !overflowed_; }
  /// Every capability that somebody has, sorted.
  std::vector<std::string> capabilities() const;

  struct Chunk {
    std::array<AgentRecordPtr, kChunkPlaces> records;
    std::array<std::uint32_t, kChunkPlaces> costs{};
    std::array<std::uint32_t, kChunkPlaces> models{};
    std::array<std::uint32_t, kChunkPlaces> hosts{};
    std::array<bool, kChunkPlaces> recorded{};
    std::array<Assessment, kChunkPlaces> own{};
    Block occupied{};
    std::uint32_t key = 0;
    std::uint32_t used = 0;
    bool free = true;
    bool open = false;                    ///< in its bucket's list of chunks with room
  };
  const Chunk& chunk(std::size_t number) const { return *chunks_[number]; }

  /// Calls visit(number, floor) for each chunk of free agents, from cheap to dear; nobody from there on costs less than `floor`.
  /// Ends when visit returns false.
  template <class Visit>
  void visit_free(Visit&& visit) const {
    for (const auto& [key, bucket] : free_buckets_)
      for (const std::uint32_t number : bucket.chunks)
        if (!visit(number, bucket.cost_min)) return;
  }
  /// The same in the form of a list, for whoever wants to know what comes next: (number, floor).
  std::vector<std::pair<std::uint32_t, std::uint32_t>> free_chunks() const {
    std::vector<std::pair<std::uint32_t, std::uint32_t>> out;
    out.reserve(chunks_.size());
    visit_free([&](std::uint32_t number, std::uint32_t floor) { return out.emplace_back(number, floor), true; });
    return out;
  }
  /// The same for agents that cannot be taken now; in no useful order.
  template <class Visit>
  void visit_taken(Visit&& visit) const {
    for (const std::uint32_t number : taken_.chunks)
      if (!visit(number)) return;
  }

 private:
  struct Bucket {
    std::vector<std::uint32_t> chunks;
    std::vector<std::uint32_t> open;
    std::uint32_t cost_min = UINT32_MAX;  ///< nobody in it costs less; may be below the cheapest after removals
  };
  static std::uint32_t key_of(std::uint32_t cost);

  const Chunk& chunk_of(Place place) const { return *chunks_[place / kChunkPlaces]; }
  Bucket& bucket_of(const Chunk& chunk) { return chunk.free ? free_buckets_[chunk.key] : taken_; }
  Place take_place(std::uint32_t cost, bool free);
  void give_back(Place place);
  void set_bits(Place place, const Agent& agent, bool on);

  std::vector<std::unique_ptr<Chunk>> chunks_;
  std::vector<std::uint32_t> unused_chunks_;
  std::map<std::uint32_t, Bucket> free_buckets_;  ///< by key, which rises with cost
  Bucket taken_;
  std::unordered_map<std::string, Column> columns_;
  std::unordered_map<std::string_view, Place> by_id_;  ///< keys lie in the records
  Interner models_;
  Interner hosts_;
  std::size_t free_ = 0;
  std::uint64_t gains_ = 0;
  bool overflowed_ = false;
};

}  // namespace choregos::team
