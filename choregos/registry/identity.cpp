#include <algorithm>
#include <utility>

#include "choregos/registry/derive.hpp"
#include "choregos/registry/registry_impl.hpp"

namespace choregos {

void Registry::Impl::learn_names(Slot slot, const Observation& o, Turn& turn) {
  if (o.names.behind_balancer) return;
  if (o.names.task && o.names.task->name() != entries_[slot].id) take_name(o.names.task->name(), slot, o, turn);
  if (o.names.address)
    if (const std::string name = to_string(*o.names.address); name != entries_[slot].id) take_name(name, slot, o, turn);
}

/// `name` answered as `slot`. Whoever owned it before no longer stands there: what this channel knew of it ends.
void Registry::Impl::take_name(const std::string& name, Slot slot, const Observation& o, Turn& turn) {
  const registry::NameClaims::Owner owner = names_.owner(name);
  if (owner.slot == slot) {
    if (o.heard_at > owner.at) names_.set_owner(name, slot, o.heard_at);
    return;
  }
  // The last to answer there has the name, but one that says no id never takes it from one that did: it is probably the same.
  bool newer = owner.slot == kNoSlot || o.heard_at > owner.at || (o.heard_at == owner.at && entries_[slot].id < entries_[owner.slot].id);
  if (owner.slot != kNoSlot && entries_[slot].anonymous != entries_[owner.slot].anonymous) {
    const Slot anonymous = entries_[slot].anonymous ? slot : owner.slot;
    if (!contradicts(entries_[anonymous], entries_[anonymous == slot ? owner.slot : slot])) newer = anonymous != slot;
  }
  const Slot winner = newer ? slot : owner.slot;
  const Slot former = newer ? owner.slot : slot;
  if (newer) {
    names_.set_owner(name, slot, o.heard_at);
    entries_[slot].owned_names.push_back(name);
    if (former != kNoSlot) std::erase(entries_[former].owned_names, name);
    resolve_named(name, turn);
    // What was merged by a weaker name may contradict the new one.
    for (const Slot child : std::vector<Slot>(entries_[slot].absorbed)) resolve(child, turn);
  }
  if (former == kNoSlot) return;
  if (entries_[former].anonymous) resolve(former, turn);
  if (entries_[former].merged_into == winner) return;
  for (Evidence& e : entries_[former].evidence)
    if (e.source == o.source && e.subject == o.subject) {
      Observation ended = o;
      ended.kind = ObservationKind::refused;
      ended.heard_at = std::max(o.heard_at, owner.at);
      ended.sequence = 0;
      ended.reason = name + " now answers as " + entries_[winner].id;
      fold(e, ended);
    }
  if (former != slot) settle(owner_of(former), turn);
}

void Registry::Impl::update_claims(Slot slot, const Agent* agent, Turn& turn) {
  // Only a declared agent can claim: an anonymous one has said nothing that could be held against others.
  std::vector<std::string> wanted = agent != nullptr && !entries_[slot].anonymous ? registry::claimed_addresses(*agent) : std::vector<std::string>{};
  if (wanted == entries_[slot].claimed) return;
  const std::vector<std::string> former = std::exchange(entries_[slot].claimed, wanted);
  for (const auto& name : former) names_.drop_claim(name, slot);
  for (const auto& name : wanted) names_.add_claim(name, slot);
  for (const auto& name : former)
    if (!std::binary_search(wanted.begin(), wanted.end(), name)) resolve_named(name, turn);
  for (const auto& name : wanted)
    if (!std::binary_search(former.begin(), former.end(), name)) resolve_named(name, turn);
}

/// The anonymous entry called `name`, if there is one, may now belong to somebody else.
void Registry::Impl::resolve_named(const std::string& name, Turn& turn) {
  const Slot slot = by_id(name);
  if (slot != kNoSlot && entries_[slot].anonymous) resolve(slot, turn);
}

/// Whether an anonymous entry cannot be the declared agent: they were seen as different Swarm tasks.
bool Registry::Impl::contradicts(const Entry& anonymous, const Entry& declared) {
  if (anonymous.evidence.empty() || !anonymous.evidence.front().names.task) return false;
  const auto& task = anonymous.evidence.front().names.task;
  return std::any_of(declared.evidence.begin(), declared.evidence.end(), [&](const Evidence& e) { return e.names.task && e.names.task != task; });
}

registry::Slot Registry::Impl::find_stronger(const Entry& entry, bool& ambiguous) const {
  ambiguous = false;
  const Slot self = by_id(entry.id);
  if (entry.evidence.empty()) return kNoSlot;
  const Names& names = entry.evidence.front().names;
  if (names.behind_balancer) return kNoSlot;
  if (const Slot owner = names_.owner(entry.id).slot; owner != kNoSlot && owner != self) return owner;
  if (names.task) {
    // By address only when that does not contradict the task: addresses are used again, tasks are not.
    for (const Evidence& e : entry.evidence) {
      if (!e.names.address) continue;
      const Slot owner = names_.owner(to_string(*e.names.address)).slot;
      if (owner == kNoSlot || owner == self || entries_[owner].anonymous) continue;
      if (!contradicts(entry, entries_[owner])) return owner;
    }
    return kNoSlot;
  }
  const auto [count, claimant] = names_.claimants(entry.id);
  ambiguous = count > 1;
  return count == 1 ? claimant : kNoSlot;
}

void Registry::Impl::resolve(Slot slot, Turn& turn) {
  bool ambiguous = false;
  Slot into = find_stronger(entries_[slot], ambiguous);
  if (into != kNoSlot) into = owner_of(into);
  if (into == slot) into = kNoSlot;
  attach(slot, into, ambiguous, turn);
}

void Registry::Impl::attach(Slot slot, Slot into, bool ambiguous, Turn& turn) {
  Entry& entry = entries_[slot];
  if (entry.merged_into == into && entry.ambiguous == ambiguous) return;
  const Slot former = entry.merged_into;
  if (former != kNoSlot) std::erase(entries_[former].absorbed, slot);
  entry.merged_into = into;
  entry.ambiguous = ambiguous;
  if (into != kNoSlot) {
    Entry& target = entries_[into];
    // Those that this one had absorbed move along, so that chains never form.
    for (const Slot child : std::exchange(entry.absorbed, {})) {
      entries_[child].merged_into = into;
      target.absorbed.push_back(child);
    }
    target.absorbed.push_back(slot);
    const auto raise = [](std::atomic<std::int64_t>& to, const std::atomic<std::int64_t>& from) {
      if (from.load(std::memory_order_relaxed) > to.load(std::memory_order_relaxed)) to.store(from.load(std::memory_order_relaxed), std::memory_order_relaxed);
    };
    raise(target.vitals->last_seen_ms, entry.vitals->last_seen_ms);
    raise(target.vitals->last_heard_ns, entry.vitals->last_heard_ns);
  }
  settle(slot, turn);
  if (into != kNoSlot) settle(into, turn);
  if (former != kNoSlot) settle(former, turn);
}

WallTime Registry::Impl::first_seen_of(const Entry& entry) const {
  WallTime first = entry.first_seen;
  for (const Slot child : entry.absorbed)
    if (const WallTime theirs = entries_[child].first_seen; theirs.ms != 0 && (first.ms == 0 || theirs < first)) first = theirs;
  return first;
}

std::vector<std::string> Registry::Impl::aliases_of(Slot slot) const {
  std::vector<std::string> out = entries_[slot].owned_names;
  for (const Slot child : entries_[slot].absorbed) {
    out.push_back(entries_[child].id);
    out.insert(out.end(), entries_[child].owned_names.begin(), entries_[child].owned_names.end());
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

}  // namespace choregos
