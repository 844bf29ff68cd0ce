// Who may fill a requirement: the rule on records, and its compiled form on the roster's bitsets. Both say the same (tested), so
// a plan made from bits and a ledger that looks at records again never disagree.
#pragma once

#include <bit>
#include <string>
#include <vector>

#include "choregos/model/requirement.hpp"
#include "choregos/team/roster.hpp"

namespace choregos::team {

/// Capabilities, model and labels; nothing about whether the agent is free.
bool fills(const Requirement& requirement, const Agent& agent);
/// What fills() finds wanting, for people: "lacks rust", "its model is phi3"; "" when it fills.
std::string lacks(const Requirement& requirement, const Agent& agent);
/// Why no team may take an agent in this state, whatever is asked; "" when one may. Only an agent that we believe alive, that no
/// other process disputes and that nobody is stopping gets new work.
std::string unfit(const Agent& agent);
/// Why a member of a team counts as gone; "" while it is there. Suspicion, disputes and draining end no membership.
std::string gone(const Agent& agent);
/// The request's own conditions on every member: not excluded, of a wanted cluster. "" when it passes.
std::string barred(const TeamRequest& request, const Agent& agent);
/// Points for wishes of the request that the agent does not meet.
struct Wishes {
  Points preference = 0;  ///< agent, model, label
  Points locality = 0;    ///< node, cluster
};
Wishes unmet(const TeamRequest& request, const Agent& agent);

/// One requirement, or several at once that one agent must fill together, made ready for the roster. Valid until the roster changes.
class Matcher {
 public:
  Matcher(const Roster& roster, const std::vector<const Requirement*>& all_of);

  /// False when already the bitsets say that nobody fills it.
  bool possible() const { return possible_; }
  /// Free agents that have its rarest capability, at most; an upper bound of who fills it.
  std::uint64_t free_max() const { return free_max_; }
  /// Bit w: word w of the chunk may hold somebody who passes the bitsets. What to look at first: it costs nearly nothing.
  std::uint8_t words(std::size_t chunk) const {
    if (!possible_) return 0;
    std::uint8_t out = 0xff;
    for (const Roster::Column* column : columns_) out = static_cast<std::uint8_t>(out & (chunk < column->words.size() ? column->words[chunk] : 0));
    return out;
  }
  /// The places of one word of the chunk that pass the bitsets; words() must have its bit.
  std::uint64_t word(std::size_t chunk, std::size_t w) const {
    if (columns_.empty()) return roster_->chunk(chunk).occupied[w];
    std::uint64_t out = (*columns_.front()->block(chunk))[w];
    for (std::size_t i = 1; i < columns_.size(); ++i) out &= (*columns_[i]->block(chunk))[w];
    return out;
  }
  /// The block that alone says who passes; null when it takes several, or none. words() must not be 0.
  const Block* only_block(std::size_t chunk) const { return columns_.size() == 1 ? columns_.front()->block(chunk) : nullptr; }
  /// Has the processor fetch what word() of a chunk that comes soon will read: over large fleets that is most of the waiting.
  void prefetch(std::size_t chunk) const {
    for (const Roster::Column* column : columns_)
      if (const Block* const block = column->block(chunk); block != nullptr) __builtin_prefetch(block);
  }
  /// Calls visit(place) for each place of the chunk that passes the bitsets, until it returns false; false when it did.
  template <class Visit>
  bool each(std::size_t chunk, Visit&& visit) const {
    for (unsigned rest = words(chunk); rest != 0; rest &= rest - 1) {
      const auto w = static_cast<std::size_t>(std::countr_zero(rest));
      for (std::uint64_t bits = word(chunk, w); bits != 0; bits &= bits - 1)
        if (!visit(static_cast<Place>(chunk * kChunkPlaces + w * 64 + static_cast<std::size_t>(std::countr_zero(bits))))) return false;
    }
    return true;
  }
  /// Whether passing the bitsets is enough.
  bool exact() const { return !look_; }
  /// The rest of the conditions, for a place that passed.
  bool check(Place place) const;
  /// All conditions, for any place.
  bool fills(Place place) const;

 private:
  const Roster* roster_;
  std::vector<const Roster::Column*> columns_;
  std::vector<const Requirement*> all_of_;
  bool possible_ = true;
  bool look_ = false;          ///< check() must be asked
  bool look_at_record_ = false;
  std::uint64_t free_max_ = 0;
  mutable std::vector<std::uint8_t> models_;  ///< by number: 0 not asked yet, 1 fits, 2 does not
};

}  // namespace choregos::team
