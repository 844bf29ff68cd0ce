#include "choregos/team/harvest.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <unordered_map>

namespace choregos::team {
namespace {

/// One word of a chunk, by requirement.
using Bits = std::array<std::uint64_t, 64>;

/// One chunk as the wanted requirements see it.
class Gathered {
 public:
  Gathered(const Sieve& sieve, Mask wanted) : sieve_(sieve), words_(sieve.requirements()), blocks_(sieve.requirements()) {
    for (Mask rest = wanted; rest != 0; rest &= rest - 1) used_.push_back(static_cast<std::uint32_t>(std::countr_zero(rest)));
    exact_ = std::all_of(used_.begin(), used_.end(), [&](std::uint32_t i) { return sieve.matcher(i).exact(); });
  }
  void load(std::size_t chunk) {
    chunk_ = chunk;
    any_ = 0;
    for (const std::uint32_t i : used_) {
      words_[i] = sieve_.matcher(i).words(chunk);
      any_ = static_cast<std::uint8_t>(any_ | words_[i]);
      blocks_[i] = words_[i] != 0 ? sieve_.matcher(i).only_block(chunk) : nullptr;
    }
  }
  void prefetch(std::size_t chunk) const {
    for (const std::uint32_t i : used_) sieve_.matcher(i).prefetch(chunk);
  }
  /// Which words of the chunk hold somebody for the requirement, for any of them, and who is in such a word.
  std::uint8_t words(std::uint32_t i) const { return words_[i]; }
  std::uint8_t any() const { return any_; }
  const std::vector<std::uint32_t>& used() const { return used_; }

  /// The word of every requirement in use.
  void read(std::size_t w, Bits& bits) const {
    for (const std::uint32_t i : used_)
      bits[i] = (words_[i] >> w & 1) == 0 ? 0 : blocks_[i] != nullptr ? (*blocks_[i])[w] : sieve_.matcher(i).word(chunk_, w);
  }
  /// Calls visit(at, place, mask) for those of `chosen` in word `w` that fill something, with all that they fill.
  template <class Visit>
  void each(std::size_t w, const Bits& bits, std::uint64_t chosen, Visit&& visit) const {
    for (; chosen != 0; chosen &= chosen - 1) {
      const auto bit = static_cast<std::size_t>(std::countr_zero(chosen));
      const std::size_t at = w * 64 + bit;
      Mask mask = 0;
      for (const std::uint32_t i : used_) mask |= (bits[i] >> bit & 1) << i;
      const auto place = static_cast<Place>(chunk_ * kChunkPlaces + at);
      if (!exact_)
        for (Mask rest = mask; rest != 0; rest &= rest - 1) {
          const auto i = static_cast<std::uint32_t>(std::countr_zero(rest));
          if (!sieve_.matcher(i).check(place)) mask &= ~(Mask{1} << i);
        }
      if (mask != 0) visit(at, place, mask);
    }
  }

 private:
  const Sieve& sieve_;
  std::vector<std::uint8_t> words_;
  std::vector<const Block*> blocks_;  ///< where one block says it all
  std::vector<std::uint32_t> used_;
  std::uint8_t any_ = 0;
  bool exact_ = true;
  std::size_t chunk_ = 0;
};

/// Chooses the places of a chunk whose mask holds one of a family of masks that is closed upwards, by whole words.
class Picker {
 public:
  /// Every mask over `wanted` for which open(mask) holds; open must hold for whatever contains one for which it does.
  template <class Open>
  void set(std::size_t bits, Mask wanted, const Open& open) {
    minimal_.clear();
    fewest_ = static_cast<int>(bits) + 1;
    for (Mask u = 1; u < Mask{1} << bits; ++u) {
      if ((u & ~wanted) != 0 || !open(u)) continue;
      bool minimal = true;
      for (Mask rest = u; rest != 0 && minimal; rest &= rest - 1) {
        const Mask less = u ^ (rest & (~rest + 1));
        minimal = less == 0 || !open(less);
      }
      if (!minimal) continue;
      fewest_ = std::min(fewest_, std::popcount(u));
      Members members;
      for (Mask rest = u; rest != 0; rest &= rest - 1) members.indexes[members.count++] = static_cast<std::uint8_t>(std::countr_zero(rest));
      minimal_.push_back(members);
    }
  }
  bool empty() const { return minimal_.empty(); }

  /// Calls visit(at, place, mask) for each such place of the loaded chunk.
  template <class Visit>
  void each(const Gathered& gathered, Visit&& visit) const {
    Bits bits;
    if (minimal_.size() > kMinimalMax) {
      for (unsigned rest = gathered.any(); rest != 0; rest &= rest - 1) {
        const auto w = static_cast<std::size_t>(std::countr_zero(rest));
        gathered.read(w, bits);
        if (const std::uint64_t chosen = at_least(gathered, bits); chosen != 0) gathered.each(w, bits, chosen, visit);
      }
      return;
    }
    std::uint8_t hit[kMinimalMax];
    unsigned all = 0;
    for (std::size_t m = 0; m < minimal_.size(); ++m) {
      unsigned words = 0xff;
      for (std::size_t n = 0; n < minimal_[m].count; ++n) words &= gathered.words(minimal_[m].indexes[n]);
      hit[m] = static_cast<std::uint8_t>(words);
      all |= words;
    }
    for (; all != 0; all &= all - 1) {
      const auto w = static_cast<std::size_t>(std::countr_zero(all));
      gathered.read(w, bits);
      std::uint64_t chosen = 0;
      for (std::size_t m = 0; m < minimal_.size(); ++m) {
        if ((hit[m] >> w & 1) == 0) continue;
        std::uint64_t both = ~std::uint64_t{0};
        for (std::size_t n = 0; n < minimal_[m].count; ++n) both &= bits[minimal_[m].indexes[n]];
        chosen |= both;
      }
      if (chosen != 0) gathered.each(w, bits, chosen, visit);
    }
  }

 private:
  static constexpr std::size_t kMinimalMax = 40;
  struct Members {
    std::uint8_t count = 0;
    std::uint8_t indexes[kExactRequirements] = {};
  };

  /// Places with at least `fewest_` bits: a counter of four bits for each place, kept in four words (bit slicing).
  std::uint64_t at_least(const Gathered& gathered, const Bits& bits) const {
    const auto least = static_cast<unsigned>(fewest_);
    std::uint64_t count[4] = {};
    for (const std::uint32_t i : gathered.used()) {
      std::uint64_t carry = bits[i];
      for (std::uint64_t& digit : count) {
        const std::uint64_t next = digit & carry;
        digit ^= carry;
        carry = next;
      }
    }
    std::uint64_t equal = ~std::uint64_t{0}, above = 0;
    for (int digit = 3; digit >= 0; --digit) {
      if ((least >> digit & 1) != 0) {
        equal &= count[digit];
      } else {
        above |= equal & count[digit];
        equal &= ~count[digit];
      }
    }
    return above | equal;
  }

  std::vector<Members> minimal_;
  int fewest_ = 0;
};

}  // namespace

void harvest_table(const Sieve& sieve, Mask wanted, std::vector<Candidate>& candidates, CoverTable& table) {
  for (std::uint32_t i = 0; i < candidates.size(); ++i) table.add(candidates[i], i);
  const std::size_t bits = table.bits();
  const Points discount = sieve.discount_max();
  Gathered gathered(sieve, wanted);
  Picker picker;
  // An agent that fills u helps only if it costs less than reach[u].
  std::vector<Points> reach(std::size_t{1} << bits, kImpossible);

  const auto check = [&](Points floor) {
    table.solve();
    for (Mask u = 1; u < reach.size(); ++u) reach[u] = table.best(u) + std::popcount(u) * discount;
    if (discount != 0)  // otherwise covering more never costs less
      for (Mask u = 1; u < reach.size(); ++u)
        for (Mask rest = u; rest != 0; rest &= rest - 1) reach[u] = std::max(reach[u], reach[u ^ (rest & (~rest + 1))]);
    picker.set(bits, wanted, [&](Mask u) { return reach[u] > floor; });
  };

  // A look at the table costs as much as some chunks: for many requirements it is taken seldom.
  std::size_t seen = 0, next_check = bits <= 8 ? 1 : 8;
  const std::size_t pace = bits <= 8 ? 2 : 16;
  reach[0] = 0;
  picker.set(bits, wanted, [](Mask) { return true; });
  const auto chunks = sieve.roster().free_chunks();
  for (const auto& entry : chunks) {
    const std::uint32_t number = entry.first;
    const Points floor = entry.second;
    constexpr std::size_t kAhead = 8;
    if (seen + kAhead < chunks.size()) gathered.prefetch(chunks[seen + kAhead].first);
    if (seen++ >= next_check) {
      check(floor);
      next_check = seen * pace;
    }
    if (picker.empty() || reach[wanted] <= floor) break;
    gathered.load(number);
    picker.each(gathered, [&](std::size_t, Place place, Mask mask) {
      // Before its own cost is read, which is a look far away: nobody here is below the floor.
      if (floor >= reach[mask] || (discount == 0 && floor >= table.single_plain(mask))) return;
      const Points own = sieve.roster().cost(place);
      // Somebody who fills as much was met for no more, or two others for this much: only proofs could make it better.
      if (own >= reach[mask] || (discount == 0 && own >= table.single_plain(mask)) || sieve.barred(place)) return;
      Candidate candidate = sieve.candidate(place, mask);
      if (candidate.cost >= reach[mask] || (candidate.proofs.empty() && candidate.cost >= table.single_plain(mask))) return;
      table.add(candidate, static_cast<std::uint32_t>(candidates.size()));
      candidates.push_back(std::move(candidate));
    });
  }
  table.solve();
}

void harvest_search(const Sieve& sieve, Mask wanted, std::uint32_t team_max, bool hosts_matter, std::vector<Candidate>& candidates) {
  const std::size_t bits = sieve.requirements();
  const Points discount = sieve.discount_max() * static_cast<Points>(bits);
  struct Seen {
    std::uint32_t count = 0;                                          ///< that fill at least this, for less than the rest
    std::vector<std::pair<std::uint32_t, std::uint32_t>> by_host;
    bool full = false;
  };
  std::vector<Seen> seen(std::size_t{1} << bits);
  Gathered gathered(sieve, wanted);
  Picker picker;
  const auto open = [&](Mask u) { return !seen[u].full; };
  picker.set(bits, wanted, open);
  bool changed = false;

  const auto settle = [&](const Candidate& c) {
    for (Mask u = c.mask; u != 0; u = (u - 1) & c.mask) {
      Seen& s = seen[u];
      if (s.full) continue;
      ++s.count;
      if (hosts_matter) {
        const auto it = std::find_if(s.by_host.begin(), s.by_host.end(), [&](const auto& h) { return h.first == c.host; });
        it == s.by_host.end() ? s.by_host.emplace_back(c.host, 1U) : (++it->second, *it);
        s.full = s.by_host.size() >= team_max;
      } else {
        s.full = s.count >= team_max;
      }
      changed = changed || s.full;
    }
  };
  const auto crowded = [&](Mask mask, std::uint32_t host) {
    const Seen& s = seen[mask];
    if (s.full) return true;
    if (!hosts_matter) return false;
    const auto it = std::find_if(s.by_host.begin(), s.by_host.end(), [&](const auto& h) { return h.first == host; });
    return it != s.by_host.end() && it->second >= team_max;
  };

  std::vector<std::uint32_t> waiting;  // not certain yet to be cheaper than whoever comes
  Points last_floor = -1;
  sieve.roster().visit_free([&](std::uint32_t number, Points floor) {
    if (floor > last_floor) {
      last_floor = floor;
      std::erase_if(waiting, [&](std::uint32_t i) {
        if (candidates[i].cost > floor - discount) return false;
        settle(candidates[i]);
        return true;
      });
      if (changed) picker.set(bits, wanted, open);
      changed = false;
    }
    if (picker.empty()) return false;
    gathered.load(number);
    picker.each(gathered, [&](std::size_t, Place place, Mask mask) {
      if (crowded(mask, sieve.roster().host(place)) || sieve.barred(place)) return;
      candidates.push_back(sieve.candidate(place, mask));
      if (candidates.back().proofs.empty()) waiting.push_back(static_cast<std::uint32_t>(candidates.size() - 1));
    });
    return true;
  });

  // The same rule once more in exact order, for those that shared a chunk's cost or came with wishes.
  std::stable_sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) { return a.cost < b.cost; });
  seen.assign(seen.size(), {});
  std::vector<Candidate> kept;
  std::size_t settled = 0;
  std::vector<const Candidate*> plain;
  for (Candidate& c : candidates) {
    while (settled < plain.size() && plain[settled]->cost <= c.cost - (c.proofs.empty() ? 0 : discount)) settle(*plain[settled++]);
    if (crowded(c.mask, c.host)) continue;
    kept.push_back(c);
    if (c.proofs.empty()) plain.push_back(&c);
  }
  candidates = std::move(kept);
}

void harvest_masks(const Sieve& sieve, Mask wanted, std::uint32_t each, std::vector<Candidate>& candidates) {
  struct Kept {
    std::vector<std::uint32_t> indexes;  ///< of candidates, cheapest first
  };
  std::unordered_map<Mask, Kept> by_mask;
  Gathered gathered(sieve, wanted);
  sieve.roster().visit_free([&](std::uint32_t number, Points) {
    gathered.load(number);
    const Roster::Chunk& chunk = sieve.roster().chunk(number);
    const auto consider = [&](std::size_t at, Place place, Mask mask) {
      Kept& kept = by_mask[mask];
      const bool full = kept.indexes.size() >= each;
      if (full && !chunk.recorded[at] && chunk.costs[at] >= candidates[kept.indexes.back()].cost) return;
      if (sieve.barred(place)) return;
      Candidate candidate = sieve.candidate(place, mask);
      if (!candidate.proofs.empty()) {
        candidates.push_back(std::move(candidate));
        return;
      }
      std::uint32_t index = 0;
      if (full) {
        index = kept.indexes.back();
        if (candidate.cost >= candidates[index].cost) return;
        kept.indexes.pop_back();
        candidates[index] = std::move(candidate);
      } else {
        index = static_cast<std::uint32_t>(candidates.size());
        candidates.push_back(std::move(candidate));
      }
      const auto after = std::find_if(kept.indexes.begin(), kept.indexes.end(), [&](std::uint32_t i) { return candidates[i].cost > candidates[index].cost; });
      kept.indexes.insert(after, index);
    };
    for (unsigned rest = gathered.any(); rest != 0; rest &= rest - 1) {
      const auto w = static_cast<std::size_t>(std::countr_zero(rest));
      Bits bits;
      gathered.read(w, bits);
      std::uint64_t chosen = 0;
      for (const std::uint32_t i : gathered.used()) chosen |= bits[i];
      gathered.each(w, bits, chosen, consider);
    }
    return true;
  });
}

namespace {

/// The cheapest of one kind, with the hosts that they are on.
class Cheapest {
 public:
  Cheapest(std::uint32_t each, bool hosts_matter) : each_(each), hosts_matter_(hosts_matter) {}

  bool wants(Points cost, std::uint32_t host) const {
    if (full() && cost >= worst()) return false;
    if (!hosts_matter_) return true;
    const auto it = by_host_.find(host);
    return it == by_host_.end() || it->second.size() < each_ || cost < it->second.back();
  }
  void add(Points cost, Candidate candidate) {
    if (hosts_matter_) {
      auto& costs = by_host_[candidate.host];
      const Points before = costs.empty() ? kImpossible : costs.front();
      costs.insert(std::upper_bound(costs.begin(), costs.end(), cost), cost);
      if (cost < before) {
        if (before != kImpossible) firsts_.erase(std::find(firsts_.begin(), firsts_.end(), before));
        firsts_.insert(std::upper_bound(firsts_.begin(), firsts_.end(), cost), cost);
      }
    } else {
      firsts_.insert(std::upper_bound(firsts_.begin(), firsts_.end(), cost), cost);
    }
    kept_.emplace_back(cost, std::move(candidate));
  }
  /// Nobody who costs `least` or more is wanted.
  bool done(Points least) const { return full() && worst() <= least; }

  std::vector<Candidate> take() {
    std::stable_sort(kept_.begin(), kept_.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<Candidate> out;
    const Points limit = full() ? worst() : kImpossible;
    for (auto& [cost, candidate] : kept_) {
      if (!hosts_matter_ && out.size() == each_) break;
      if (cost <= limit) out.push_back(std::move(candidate));
    }
    return out;
  }

 private:
  bool full() const { return firsts_.size() >= each_; }
  Points worst() const { return firsts_[each_ - 1]; }
  std::uint32_t each_;
  bool hosts_matter_;
  std::vector<Points> firsts_;  ///< sorted: of all, or of the cheapest of each host
  std::unordered_map<std::uint32_t, std::vector<Points>> by_host_;
  std::vector<std::pair<Points, Candidate>> kept_;
};

}  // namespace

std::vector<std::vector<Candidate>> harvest_cheapest(const Sieve& sieve, const std::vector<Wanted>& wanted, std::uint32_t each, bool hosts_matter) {
  std::vector<Cheapest> cheapest(wanted.size(), Cheapest(each, hosts_matter));
  std::vector<char> done(wanted.size(), static_cast<char>(each == 0));
  const Points discount = sieve.discount_max();
  sieve.roster().visit_free([&](std::uint32_t number, Points floor) {
    bool all_done = true;
    for (std::size_t j = 0; j < wanted.size(); ++j) {
      if (done[j] != 0) continue;
      const Points least = floor - (wanted[j].requirement >= 0 ? discount : 0);
      if (cheapest[j].done(least)) {
        done[j] = 1;
        continue;
      }
      all_done = false;
      wanted[j].matcher->each(number, [&](Place place) {
        const std::uint32_t host = sieve.roster().host(place);
        const bool recorded = wanted[j].requirement >= 0 && sieve.roster().recorded(place);
        const Points lowest = sieve.roster().cost(place) - (recorded ? discount : 0);
        if (!cheapest[j].wants(lowest, host) || !wanted[j].matcher->check(place) || sieve.barred(place)) return true;
        Points cost = sieve.cost(place);
        if (recorded) cost += sieve.proof(sieve.roster().record(place)->agent, static_cast<std::uint32_t>(wanted[j].requirement));
        if (!cheapest[j].wants(cost, host)) return true;
        Candidate candidate;
        candidate.place = place;
        candidate.host = host;
        candidate.cost = cost;
        cheapest[j].add(cost, std::move(candidate));
        return true;
      });
    }
    return !all_done;
  });
  std::vector<std::vector<Candidate>> out;
  for (auto& c : cheapest) out.push_back(c.take());
  return out;
}

}  // namespace choregos::team
