#include "choregos/team/harvest.hpp"

#include <algorithm>
#include <bit>
#include <unordered_map>

namespace choregos::team {
namespace {

/// One chunk's bits of every wanted requirement.
class Gathered {
 public:
  Gathered(const Sieve& sieve, Mask wanted) : sieve_(sieve), blocks_(sieve.requirements()) {
    for (Mask rest = wanted; rest != 0; rest &= rest - 1) used_.push_back(static_cast<std::uint32_t>(std::countr_zero(rest)));
    exact_ = std::all_of(used_.begin(), used_.end(), [&](std::uint32_t i) { return sieve.matcher(i).exact(); });
  }
  bool load(std::size_t chunk) {
    chunk_ = chunk;
    bool any = false;
    for (const std::uint32_t i : used_) {
      if (sieve_.matcher(i).block(chunk, blocks_[i])) {
        any = true;
      } else {
        blocks_[i] = {};
      }
    }
    return any;
  }
  const Block& block(std::uint32_t i) const { return blocks_[i]; }
  const std::vector<std::uint32_t>& used() const { return used_; }
  /// What the agent at the place fills, as far as `used`.
  Mask mask(std::size_t at) const {
    Mask out = 0;
    for (const std::uint32_t i : used_) out |= (blocks_[i][at / 64] >> (at % 64) & 1) << i;
    if (!exact_)
      for (Mask rest = out; rest != 0; rest &= rest - 1) {
        const auto i = static_cast<std::uint32_t>(std::countr_zero(rest));
        if (!sieve_.matcher(i).check(place(at))) out &= ~(Mask{1} << i);
      }
    return out;
  }
  Place place(std::size_t at) const { return static_cast<Place>(chunk_ * kChunkPlaces + at); }

 private:
  const Sieve& sieve_;
  std::vector<Block> blocks_;
  std::vector<std::uint32_t> used_;
  bool exact_ = true;
  std::size_t chunk_ = 0;
};

/// Chooses the places of a chunk whose mask holds one of a family of masks that is closed upwards, by whole words.
class Picker {
 public:
  /// `open` of every mask over `bits`; closed upwards within what anybody may fill.
  void set(const std::vector<char>& open, std::size_t bits, Mask wanted) {
    minimal_.clear();
    fewest_ = static_cast<int>(bits) + 1;
    for (Mask u = 1; u < open.size(); ++u) {
      if (open[u] == 0 || (u & ~wanted) != 0) continue;
      bool minimal = true;
      for (Mask rest = u; rest != 0 && minimal; rest &= rest - 1) minimal = open[u ^ (rest & (~rest + 1))] == 0;
      if (!minimal) continue;
      minimal_.push_back(u);
      fewest_ = std::min(fewest_, std::popcount(u));
    }
  }
  bool empty() const { return minimal_.empty(); }

  bool pick(const Gathered& gathered, Block& out) const {
    out = {};
    if (minimal_.size() <= kMinimalMax) {
      for (const Mask u : minimal_) {
        Mask rest = u;
        Block both = gathered.block(static_cast<std::uint32_t>(std::countr_zero(rest)));
        for (rest &= rest - 1; rest != 0; rest &= rest - 1) {
          const Block& other = gathered.block(static_cast<std::uint32_t>(std::countr_zero(rest)));
          for (std::size_t w = 0; w < kBlockWords; ++w) both[w] &= other[w];
        }
        for (std::size_t w = 0; w < kBlockWords; ++w) out[w] |= both[w];
      }
    } else {
      at_least(gathered, out);
    }
    std::uint64_t any = 0;
    for (const std::uint64_t word : out) any |= word;
    return any != 0;
  }

 private:
  static constexpr std::size_t kMinimalMax = 40;

  /// Places with at least `fewest_` bits: a counter of four bits for each place, kept in four words (bit slicing).
  void at_least(const Gathered& gathered, Block& out) const {
    const auto least = static_cast<unsigned>(fewest_);
    for (std::size_t w = 0; w < kBlockWords; ++w) {
      std::uint64_t count[4] = {};
      for (const std::uint32_t i : gathered.used()) {
        std::uint64_t carry = gathered.block(i)[w];
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
      out[w] = above | equal;
    }
  }

  std::vector<Mask> minimal_;
  int fewest_ = 0;
};

template <class Visit>
void each_place(const Block& block, Visit&& visit) {
  for (std::size_t w = 0; w < kBlockWords; ++w)
    for (std::uint64_t word = block[w]; word != 0; word &= word - 1) visit(w * 64 + static_cast<std::size_t>(std::countr_zero(word)));
}

}  // namespace

void harvest_table(const Sieve& sieve, Mask wanted, std::vector<Candidate>& candidates, CoverTable& table) {
  for (std::uint32_t i = 0; i < candidates.size(); ++i) table.add(candidates[i], i);
  const std::size_t bits = table.bits();
  const Points discount = sieve.discount_max();
  Gathered gathered(sieve, wanted);
  Picker picker;
  std::vector<Points> reach(std::size_t{1} << bits);  ///< an agent that fills u helps only if it costs less
  std::vector<char> open(reach.size());

  const auto check = [&](Points floor) {
    table.solve();
    reach[0] = 0;
    for (Mask u = 1; u < reach.size(); ++u) {
      reach[u] = table.best(u) + std::popcount(u) * discount;
      for (Mask rest = u; rest != 0; rest &= rest - 1) reach[u] = std::max(reach[u], reach[u ^ (rest & (~rest + 1))]);
      open[u] = static_cast<char>(reach[u] > floor);
    }
    open[0] = 0;
    picker.set(open, bits, wanted);
  };

  std::size_t seen = 0, next_check = 1;
  check(0);
  sieve.roster().visit_free([&](std::uint32_t number, Points floor) {
    if (seen++ >= next_check) {
      check(floor);
      // A look at the table costs as much as some chunks: for many requirements it is taken seldom.
      next_check = seen * (bits <= 8 ? 2 : 8);
    }
    if (picker.empty() || reach[wanted] <= floor) return false;
    Block block;
    if (!gathered.load(number) || !picker.pick(gathered, block)) return true;
    const Roster::Chunk& chunk = sieve.roster().chunk(number);
    each_place(block, [&](std::size_t at) {
      const Mask mask = gathered.mask(at);
      if (mask == 0 || chunk.costs[at] >= reach[mask]) return;
      const Place place = gathered.place(at);
      if (sieve.barred(place)) return;
      Candidate candidate = sieve.candidate(place, mask);
      if (candidate.cost >= reach[mask]) return;
      // Nothing is known of it, and one alike was met for no more: only then the table need not see it.
      if (candidate.proofs.empty() && candidate.cost >= table.single_plain(mask)) return;
      table.add(candidate, static_cast<std::uint32_t>(candidates.size()));
      candidates.push_back(std::move(candidate));
    });
    return true;
  });
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
  std::vector<char> open(seen.size(), 1);
  open[0] = 0;
  Gathered gathered(sieve, wanted);
  Picker picker;
  picker.set(open, bits, wanted);
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
      if (s.full) {
        open[u] = 0;
        changed = true;
      }
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
      if (changed) picker.set(open, bits, wanted);
      changed = false;
    }
    if (picker.empty()) return false;
    Block block;
    if (!gathered.load(number) || !picker.pick(gathered, block)) return true;
    each_place(block, [&](std::size_t at) {
      const Mask mask = gathered.mask(at);
      const Place place = gathered.place(at);
      if (mask == 0 || crowded(mask, sieve.roster().host(place)) || sieve.barred(place)) return;
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
  sieve.roster().visit_free([&](std::uint32_t number, Points floor) {
    (void)floor;
    if (!gathered.load(number)) return true;
    Block block{};
    for (const std::uint32_t i : gathered.used())
      for (std::size_t w = 0; w < kBlockWords; ++w) block[w] |= gathered.block(i)[w];
    const Roster::Chunk& chunk = sieve.roster().chunk(number);
    each_place(block, [&](std::size_t at) {
      const Mask mask = gathered.mask(at);
      if (mask == 0) return;
      Kept& kept = by_mask[mask];
      const bool full = kept.indexes.size() >= each;
      if (full && !chunk.recorded[at] && chunk.costs[at] >= candidates[kept.indexes.back()].cost) return;
      const Place place = gathered.place(at);
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
    });
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
      Block block;
      if (!wanted[j].matcher->block(number, block)) continue;
      each_place(block, [&](std::size_t at) {
        const auto place = static_cast<Place>(number * kChunkPlaces + at);
        const std::uint32_t host = sieve.roster().host(place);
        const bool recorded = wanted[j].requirement >= 0 && sieve.roster().recorded(place);
        const Points lowest = sieve.roster().cost(place) - (recorded ? discount : 0);
        if (!cheapest[j].wants(lowest, host) || !wanted[j].matcher->check(place) || sieve.barred(place)) return;
        Points cost = sieve.cost(place);
        if (recorded) cost += sieve.proof(sieve.roster().record(place)->agent, static_cast<std::uint32_t>(wanted[j].requirement));
        if (!cheapest[j].wants(cost, host)) return;
        Candidate candidate;
        candidate.place = place;
        candidate.host = host;
        candidate.cost = cost;
        cheapest[j].add(cost, std::move(candidate));
      });
    }
    return !all_done;
  });
  std::vector<std::vector<Candidate>> out;
  for (auto& c : cheapest) out.push_back(c.take());
  return out;
}

}  // namespace choregos::team
