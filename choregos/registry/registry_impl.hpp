// The registry's inside: one class in four files, by what its functions decide. Private to the registry folder.
//
//   registry.cpp  what comes in: observations, signs, time; entries and stored records
//   identity.cpp  whose evidence is whose: names, claims, merging
//   belief.cpp    what follows from it: verdict, record, change
//   asking.cpp    whom to ask, and why (explanations)
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "choregos/base/rng.hpp"
#include "choregos/registry/archive.hpp"
#include "choregos/registry/deadlines.hpp"
#include "choregos/registry/entry.hpp"
#include "choregos/registry/guard.hpp"
#include "choregos/registry/listening.hpp"
#include "choregos/registry/listing.hpp"
#include "choregos/registry/local_health.hpp"
#include "choregos/registry/name_claims.hpp"
#include "choregos/registry/registry.hpp"

namespace choregos {

class Registry::Impl {
 public:
  Impl(RegistrySettings settings, Revision start);

  Result<Applied> apply(const Observation& o, Instant now, WallTime wall_now, std::vector<Change>& changes);
  void note(const Sign& sign, Instant now, WallTime wall_now);
  void tick(Instant now, WallTime wall_now, std::vector<Change>& changes);
  Instant next_deadline();
  std::vector<Ask> take_asks() { return std::exchange(asks_, {}); }
  std::optional<Explanation> explain(std::string_view id_or_alias, Instant now) const;
  void restore(const Agent& agent, WallTime last_seen, Instant now, WallTime wall_now, std::vector<Change>& changes);
  void remember(const Agent& agent, Instant until) { archive_.put(agent, until); }
  SnapshotPtr snapshot(Instant now, WallTime wall_now);
  Revision revision() const { return revision_; }
  std::size_t size() const { return listing_.size(); }
  AgentRecordPtr find(std::string_view name) const {
    const registry::Slot slot = listing_.find(name);
    return slot == registry::kNoSlot ? nullptr : listing_.at(slot);
  }

 private:
  using Entry = registry::Entry;
  using Evidence = registry::Evidence;
  using Slot = registry::Slot;
  using Verdict = registry::Verdict;
  static constexpr Slot kNoSlot = registry::kNoSlot;

  /// One call's clock, output and cause, so that inner functions need no four arguments each.
  struct Turn {
    Instant now;
    WallTime wall_now;
    std::vector<Change>& changes;
    std::string source;
    /// Set in a tick: agents that would fall from alive to lost at once are put here first, so that the guard sees all of
    /// them fall silent before the first is judged.
    std::vector<Slot>* postponed = nullptr;
  };

  // registry.cpp
  Slot create(const std::string& id, bool anonymous, Instant now);
  void destroy(Slot slot);
  static std::string own_name(const Names& names);
  Slot holder(const Names& names) const;
  Slot by_id(const std::string& id) const {
    const auto it = ids_.find(id);
    return it == ids_.end() ? kNoSlot : it->second;
  }
  Slot owner_of(Slot slot) const { return entries_[slot].merged_into != kNoSlot ? entries_[slot].merged_into : slot; }
  Evidence& evidence_for(Entry& entry, const Observation& o);
  void take_failure(Slot slot, const Observation& o);
  bool lives_as_another_task(Slot slot, const Names& names) const;
  void learn_silence(Slot listed, const Observation& o, Instant now);
  void note_vitals(Slot listed, const Observation& o);
  bool is_plain(Slot slot) const;
  static bool agrees(const Observation& o, const Agent& agent);

  // identity.cpp
  void learn_names(Slot slot, const Observation& o, Turn& turn);
  void take_name(const std::string& name, Slot slot, const Observation& o, Turn& turn);
  void update_claims(Slot slot, const Agent* agent, Turn& turn);
  void resolve_named(const std::string& name, Turn& turn);
  void resolve(Slot slot, Turn& turn);
  static bool contradicts(const Entry& anonymous, const Entry& declared);
  Slot find_stronger(const Entry& entry, bool& ambiguous) const;
  void attach(Slot slot, Slot into, bool ambiguous, Turn& turn);
  std::vector<std::string> aliases_of(Slot slot) const;
  WallTime first_seen_of(const Entry& entry) const;

  // belief.cpp
  registry::Waits waits(Instant now) const { return {listening_, health_.stretch(now)}; }
  registry::Case case_of(const Entry& entry, Instant now) const;
  void prune(Entry& entry, Instant now) const;
  void settle(Slot slot, Turn& turn);
  void settle_hidden(Slot slot, Turn& turn);
  void temper(Entry& entry, const AgentRecord* last, Verdict& verdict, Instant now);
  bool guarded(Slot slot, Entry& entry, const AgentRecord* last, Verdict& verdict, Turn& turn);
  void publish(Slot slot, const Verdict& verdict, const AgentRecordPtr& last, Turn& turn);
  registry::Place place_of(const Entry& entry, const Agent* agent, const Verdict& verdict) const;
  void note_return(Slot slot, Instant now);
  void forget(Slot slot, Turn& turn);
  void emit(ChangeKind kind, AgentRecordPtr record, AgentRecordPtr before, std::optional<Liveness> was, const std::string& into, Turn& turn);

  // asking.cpp
  Instant ask(Slot slot, const Verdict& verdict, Instant now);
  Slot find_helper(Slot asked);

  RegistrySettings settings_;
  Revision revision_;
  std::deque<Entry> entries_;  ///< by slot; a deque so that growing moves nobody
  std::vector<Slot> free_;
  std::unordered_map<std::string, Slot> ids_;
  registry::NameClaims names_;
  registry::Deadlines deadlines_;
  registry::Listing listing_;
  registry::Archive archive_;
  SnapshotPtr published_;

  // How far we can trust our ears.
  registry::Listening listening_;
  registry::LocalHealth health_;
  registry::Guard guard_;
  Duration interval_ = 1s;                   ///< T, as the last beacon's lease said
  Instant returned_at_ = Instant::min();     ///< of the agents that came back from silence within one second …
  std::uint32_t returned_ = 0;               ///< … how many
  static constexpr std::size_t kRefusedForFreeze = 3;
  std::map<std::string, Instant> refused_;   ///< to whom our system would not send, lately
  std::uint64_t published_guard_ = 0;        ///< version of the guard and score in the published snapshot
  std::uint32_t published_score_ = 0;

  // Questions.
  std::vector<Ask> asks_;
  Rng rng_;
  double ask_tokens_ = 0;
  Instant ask_tokens_at_ = Instant::min();
};

}  // namespace choregos
