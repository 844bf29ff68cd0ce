#include "choregos/registry/registry.hpp"

#include <algorithm>
#include <cassert>
#include <deque>
#include <unordered_map>
#include <utility>

#include "choregos/base/limits.hpp"
#include "choregos/registry/archive.hpp"
#include "choregos/registry/deadlines.hpp"
#include "choregos/registry/derive.hpp"
#include "choregos/registry/entry.hpp"
#include "choregos/registry/listing.hpp"
#include "choregos/registry/name_claims.hpp"

namespace choregos {

using registry::Case;
using registry::Entry;
using registry::Evidence;
using registry::kNoSlot;
using registry::Slot;
using registry::Verdict;

class Registry::Impl {
 public:
  Impl(RegistrySettings settings, Revision start) : settings_(settings), revision_(start) {
    if (settings_.agent_count_max == 0) settings_.agent_count_max = limits::agent_count_max;
  }

  Result<Applied> apply(const Observation& o, Instant now, WallTime wall_now, std::vector<Change>& changes);
  void tick(Instant now, WallTime wall_now, std::vector<Change>& changes);
  Instant next_deadline() { return deadlines_.next(); }
  void restore(const Agent& agent, WallTime last_seen, Instant now, WallTime wall_now, std::vector<Change>& changes);
  void remember(const Agent& agent, Instant until) { archive_.put(agent, until); }
  SnapshotPtr snapshot(Instant now, WallTime wall_now);
  Revision revision() const { return revision_; }
  std::size_t size() const { return listing_.size(); }
  AgentRecordPtr find(std::string_view name) const {
    const Slot slot = listing_.find(name);
    return slot == kNoSlot ? nullptr : listing_.at(slot);
  }

 private:
  /// One call's clock, output and cause, so that inner functions need no four arguments each.
  struct Turn {
    Instant now;
    WallTime wall_now;
    std::vector<Change>& changes;
    std::string source;
  };

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
  bool is_plain(Slot slot) const;
  static bool agrees(const Observation& o, const Agent& agent);
  void learn_names(Slot slot, const Observation& o, Turn& turn);
  void take_name(const std::string& name, Slot slot, const Observation& o, Turn& turn);
  void update_claims(Slot slot, const Agent* agent, Turn& turn);
  void resolve_named(const std::string& name, Turn& turn);
  void resolve(Slot slot, Turn& turn);
  static bool contradicts(const Entry& anonymous, const Entry& declared);
  Slot find_stronger(const Entry& entry, bool& ambiguous) const;
  void attach(Slot slot, Slot into, bool ambiguous, Turn& turn);

  void settle(Slot slot, Turn& turn);
  void settle_hidden(Slot slot, Turn& turn);
  Case case_of(const Entry& entry) const;
  void prune(Entry& entry, Instant now) const;
  std::vector<std::string> aliases_of(Slot slot) const;
  WallTime first_seen_of(const Entry& entry) const;
  void forget(Slot slot, Turn& turn);
  void emit(ChangeKind kind, AgentRecordPtr record, std::optional<Liveness> was, const std::string& into, Turn& turn);

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
};

// ---- entries ----------------------------------------------------------------------------------------------------------

Slot Registry::Impl::create(const std::string& id, bool anonymous, Instant now) {
  Slot slot;
  if (free_.empty()) {
    slot = static_cast<Slot>(entries_.size());
    entries_.emplace_back();
  } else {
    slot = free_.back();
    free_.pop_back();
  }
  Entry& entry = entries_[slot];
  entry.id = id;
  entry.anonymous = anonymous;
  entry.vitals = std::make_shared<Vitals>();
  if (!anonymous) {
    if (auto archived = archive_.take(id, now)) {
      entry.first_seen = archived->first_seen;
      entry.before = std::move(*archived);
    }
  }
  ids_.emplace(id, slot);
  return slot;
}

void Registry::Impl::destroy(Slot slot) {
  Entry& entry = entries_[slot];
  for (const auto& name : entry.owned_names) names_.drop_owner(name, slot);
  for (const auto& name : entry.claimed) names_.drop_claim(name, slot);
  if (entry.merged_into != kNoSlot) std::erase(entries_[entry.merged_into].absorbed, slot);
  ids_.erase(entry.id);
  deadlines_.disarm(slot);
  entry = Entry{};
  free_.push_back(slot);
}

/// The strongest name an observation carries: the id of the entry that its evidence belongs to. What is said without a
/// declared id stays in an entry of its own and only counts for the agent that this one resolves to, so that it can move
/// when more is learnt and the order of learning does not matter.
std::string Registry::Impl::own_name(const Names& names) {
  return !names.id.empty() ? names.id : names.task ? names.task->name() : to_string(*names.address);
}

/// Whoever a third party's word concerns: the entry of that name, or the agent that answered under it; kNoSlot = nobody.
Slot Registry::Impl::holder(const Names& names) const {
  const std::string name = own_name(names);
  if (const Slot slot = by_id(name); slot != kNoSlot) return owner_of(slot);
  return names_.owner(name).slot;
}

Evidence& Registry::Impl::evidence_for(Entry& entry, const Observation& o) {
  for (Evidence& e : entry.evidence)
    if (e.is_channel(o)) return e;
  if (entry.evidence.size() >= limits::evidence_count_max) {
    // The one that has been silent longest knows least.
    const auto oldest = std::min_element(entry.evidence.begin(), entry.evidence.end(), [](const Evidence& a, const Evidence& b) { return a.last_heard < b.last_heard; });
    entry.evidence.erase(oldest);
  }
  Evidence& e = entry.evidence.emplace_back();
  e.source = o.source;
  e.subject = o.subject;
  e.incarnation = o.incarnation;
  e.names = o.names;
  return e;
}

// ---- observations -----------------------------------------------------------------------------------------------------

Result<Applied> Registry::Impl::apply(const Observation& o, Instant now, WallTime wall_now, std::vector<Change>& changes) {
  if (auto ok = check(o, now); !ok) return ok.error();
  const bool from_agent = o.kind == ObservationKind::heard || o.kind == ObservationKind::goodbye;
  Slot slot = from_agent ? by_id(own_name(o.names)) : holder(o.names);
  const bool unknown = slot == kNoSlot;
  if (unknown) {
    if (!from_agent) return Applied{};
    if (ids_.size() >= settings_.agent_count_max)
      return fail(ErrorCode::exhausted, "the registry holds " + std::to_string(ids_.size()) + " agents, its limit; raise agent_count_max or remove agents");
    slot = create(own_name(o.names), o.names.id.empty(), now);
  }
  Turn turn{now, wall_now, changes, o.source};
  const std::size_t changes_before = changes.size();
  const Slot listed = owner_of(slot);

  if (!from_agent) {
    take_failure(slot, o);
  } else {
    Entry& entry = entries_[slot];
    Evidence& evidence = evidence_for(entry, o);
    const bool was_fresh = evidence.fresh(now);
    bool moved = fold(evidence, o);
    if (o.wall_at.ms != 0 && (entry.first_seen.ms == 0 || o.wall_at < entry.first_seen)) {
      entry.first_seen = o.wall_at;
      moved = true;
    }
    Vitals& vitals = *entries_[listed].vitals;
    if (o.wall_at.ms > vitals.last_seen_ms.load(std::memory_order_relaxed)) vitals.last_seen_ms.store(o.wall_at.ms, std::memory_order_relaxed);
    if (o.heard_at.ns > vitals.last_heard_ns.load(std::memory_order_relaxed)) vitals.last_heard_ns.store(o.heard_at.ns, std::memory_order_relaxed);
    if (o.latency) vitals.latency_us.store(static_cast<std::uint32_t>(std::clamp<std::int64_t>(o.latency->count() / 1000, 1, UINT32_MAX)), std::memory_order_relaxed);
    if (o.claims && o.claims->running) vitals.running.store(*o.claims->running, std::memory_order_relaxed);
    if (o.claims && o.claims->capacity) vitals.capacity.store(*o.claims->capacity, std::memory_order_relaxed);

    const std::size_t names_before = entry.owned_names.size();
    if (o.kind == ObservationKind::heard) learn_names(slot, o, turn);
    moved |= entry.owned_names.size() != names_before;
    if (unknown && entry.anonymous) resolve(slot, turn);
    // A renewal that says nothing new: the deadline that is armed will find the lease extended.
    const AgentRecordPtr record = listed == owner_of(slot) ? find(entries_[listed].id) : nullptr;
    if (!moved && was_fresh && record && changes.size() == changes_before && is_plain(listed) && agrees(o, record->agent)) return Applied{record, false};
  }
  settle(owner_of(slot), turn);
  if (entries_[slot].hidden()) settle(slot, turn);
  return Applied{find(entries_[owner_of(slot)].id), changes.size() != changes_before};
}

/// One life and nothing standing against it, so that one more sign of life cannot change the verdict.
bool Registry::Impl::is_plain(Slot slot) const {
  const Entry& entry = entries_[slot];
  if (entry.death.at != Instant::min()) return false;
  return std::all_of(entry.evidence.begin(), entry.evidence.end(), [&](const Evidence& e) { return e.incarnation == entry.evidence.front().incarnation && !e.failed(); });
}

/// Whether the statement, though the newest now, leaves the record as it is. Only status competes between channels here:
/// any other field that a channel repeats unchanged was weighed when it was first said.
bool Registry::Impl::agrees(const Observation& o, const Agent& agent) {
  if (!o.claims) return true;
  return (!o.claims->status || *o.claims->status == agent.status) && (!o.claims->current_team || *o.claims->current_team == agent.current_team) &&
         (!o.claims->tasks_completed || *o.claims->tasks_completed == agent.tasks_completed);
}

/// Doubt and refusal concern the channel; death the process.
void Registry::Impl::take_failure(Slot slot, const Observation& o) {
  std::vector<Slot> holders{slot};
  holders.insert(holders.end(), entries_[slot].absorbed.begin(), entries_[slot].absorbed.end());
  for (const Slot holder : holders)
    for (Evidence& e : entries_[holder].evidence)
      if (e.source == o.source && e.subject == o.subject && (o.incarnation == 0 || e.incarnation == 0 || o.incarnation == e.incarnation)) {
        Observation as_channel = o;
        if (o.kind == ObservationKind::dead) as_channel.kind = ObservationKind::refused;
        fold(e, as_channel);
      }
  registry::Death& death = entries_[slot].death;
  if (o.kind == ObservationKind::dead && o.heard_at > death.at) death = {o.heard_at, o.incarnation, o.reason};
}

// ---- identity ---------------------------------------------------------------------------------------------------------

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

Slot Registry::Impl::find_stronger(const Entry& entry, bool& ambiguous) const {
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

// ---- belief -----------------------------------------------------------------------------------------------------------

Case Registry::Impl::case_of(const Entry& entry) const {
  Case subject;
  subject.death = entry.death;
  const auto add = [&](const Entry& from) {
    for (const Evidence& e : from.evidence) subject.evidence.push_back(&e);
    if (from.death.at > subject.death.at) subject.death = from.death;
  };
  add(entry);
  for (const Slot slot : entry.absorbed) add(entries_[slot]);
  subject.restored = entry.restored;
  subject.restored_until = entry.restored_until;
  subject.restored_as = entry.restored_as;
  if (entry.before) subject.restored_reason = entry.before->reason;
  return subject;
}

/// Evidence that ended long ago says nothing any more; the newest piece always stays.
void Registry::Impl::prune(Entry& entry, Instant now) const {
  if (entry.evidence.size() < 2) return;
  Instant newest = Instant::min();
  for (const Evidence& e : entry.evidence) newest = std::max(newest, e.last_heard);
  std::erase_if(entry.evidence, [&](const Evidence& e) { return e.last_heard != newest && !e.fresh(now) && e.lost_at() + settings_.forget_after < now; });
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

void Registry::Impl::emit(ChangeKind kind, AgentRecordPtr record, std::optional<Liveness> was, const std::string& into, Turn& turn) {
  turn.changes.push_back({revision_, kind, std::move(record), was, into, turn.source, turn.now, turn.wall_now});
}

/// An entry that is not listed of its own: make sure of that, and drop it when its evidence is long over.
void Registry::Impl::settle_hidden(Slot slot, Turn& turn) {
  Entry& entry = entries_[slot];
  if (listing_.find(entry.id) == slot && listing_.at(slot) && listing_.at(slot)->agent.id == entry.id) {
    const AgentRecordPtr last = listing_.at(slot);
    listing_.set(slot, nullptr);
    ++revision_.number;
    emit(ChangeKind::merged, last, std::nullopt, entry.merged_into != kNoSlot ? entries_[entry.merged_into].id : "", turn);
  }
  Instant end = Instant::min();
  for (const Evidence& e : entry.evidence) end = std::max(end, e.lost_at());
  end = end + settings_.forget_after;
  if (turn.now >= end) {
    const Slot target = entry.merged_into;
    destroy(slot);
    if (target != kNoSlot) settle(target, turn);
  } else {
    deadlines_.arm(slot, end);
  }
}

void Registry::Impl::settle(Slot slot, Turn& turn) {
  if (entries_[slot].id.empty()) return;
  if (entries_[slot].hidden()) return settle_hidden(slot, turn);
  Entry& entry = entries_[slot];
  prune(entry, turn.now);
  const Verdict verdict = registry::judge(case_of(entry), settings_, turn.now);

  const AgentRecordPtr last = listing_.find(entry.id) == slot ? listing_.at(slot) : nullptr;
  const bool same_liveness = last && last->agent.liveness == verdict.liveness;
  if (!same_liveness) entry.liveness_at = turn.now;
  const bool over = verdict.liveness == Liveness::lost || verdict.liveness == Liveness::left;
  const Instant forget_at = over ? entry.liveness_at + settings_.forget_after : Instant::never();
  if (turn.now >= forget_at) return forget(slot, turn);
  deadlines_.arm(slot, std::min(verdict.next_check, forget_at));

  Agent agent;
  agent.id = entry.id;
  registry::derive(agent, verdict, entry.before ? &*entry.before : nullptr, turn.now);
  agent.first_seen = first_seen_of(entry);
  const bool as_restored = !last && entry.before && entry.before->liveness == verdict.liveness;
  agent.liveness_since = same_liveness ? last->agent.liveness_since : as_restored ? entry.before->liveness_since : turn.wall_now;
  agent.aliases = aliases_of(slot);
  if (last && last->agent == agent) return;

  ++revision_.number;
  auto record = std::make_shared<AgentRecord>();
  record->agent = std::move(agent);
  record->revision = revision_.number;
  record->vitals = entry.vitals;
  const ChangeKind kind = !last ? ChangeKind::appeared : same_liveness ? ChangeKind::updated : ChangeKind::liveness;
  listing_.set(slot, record);
  emit(kind, record, last && !same_liveness ? std::optional(last->agent.liveness) : std::nullopt, "", turn);
  update_claims(slot, &record->agent, turn);
}

void Registry::Impl::forget(Slot slot, Turn& turn) {
  Entry& entry = entries_[slot];
  const AgentRecordPtr last = listing_.find(entry.id) == slot ? listing_.at(slot) : nullptr;
  if (last) {
    if (!entry.anonymous) archive_.put(last->agent, turn.now + settings_.archive_for);
    listing_.set(slot, nullptr);
    ++revision_.number;
    emit(ChangeKind::forgotten, last, std::nullopt, "", turn);
  }
  // Its names go before anybody else is looked at again, so that nobody can be led back here.
  for (const auto& name : std::exchange(entry.owned_names, {})) names_.drop_owner(name, slot);
  for (const Slot child : std::exchange(entry.absorbed, {})) {
    entries_[child].merged_into = kNoSlot;
    destroy(child);
  }
  update_claims(slot, nullptr, turn);
  destroy(slot);
}

// ---- the rest ---------------------------------------------------------------------------------------------------------

void Registry::Impl::tick(Instant now, WallTime wall_now, std::vector<Change>& changes) {
  Turn turn{now, wall_now, changes, ""};
  for (Slot slot = deadlines_.pop_due(now); slot != kNoSlot; slot = deadlines_.pop_due(now)) settle(slot, turn);
}

void Registry::Impl::restore(const Agent& agent, WallTime last_seen, Instant now, WallTime wall_now, std::vector<Change>& changes) {
  if (agent.id.empty() || by_id(agent.id) != kNoSlot) return;
  const bool anonymous = agent.identity == IdentityKind::task || agent.identity == IdentityKind::address || agent.identity == IdentityKind::service;
  const Slot slot = create(agent.id, anonymous, now);
  Entry& entry = entries_[slot];
  entry.before = agent;
  entry.restored = true;
  entry.restored_as = agent.liveness == Liveness::lost || agent.liveness == Liveness::left ? agent.liveness : Liveness::unconfirmed;
  entry.restored_until = now + settings_.restart_grace;
  entry.first_seen = agent.first_seen;
  entry.vitals->last_seen_ms.store(last_seen.ms, std::memory_order_relaxed);
  // Monotonic clocks do not survive a restart, so its age is carried over by the wall clock: for display only.
  const Duration age = std::clamp<Duration>(std::chrono::milliseconds(wall_now.ms - last_seen.ms), Duration{0}, 87600h);
  entry.vitals->last_heard_ns.store((now - age).ns, std::memory_order_relaxed);
  for (const auto& alias : agent.aliases)
    if (names_.owner(alias).slot == kNoSlot && by_id(alias) == kNoSlot) {
      names_.set_owner(alias, slot, Instant::min());
      entry.owned_names.push_back(alias);
    }
  Turn turn{now, wall_now, changes, ""};
  settle(slot, turn);
}

SnapshotPtr Registry::Impl::snapshot(Instant now, WallTime wall_now) {
  if (!published_ || published_->revision() != revision_) published_ = std::make_shared<const Snapshot>(listing_.share(revision_, now, wall_now));
  return published_;
}

Registry::Registry(RegistrySettings settings, Revision start) : impl_(std::make_unique<Impl>(settings, start)) {}
Registry::~Registry() = default;
Registry::Registry(Registry&&) noexcept = default;
Registry& Registry::operator=(Registry&&) noexcept = default;
Result<Applied> Registry::apply(const Observation& o, Instant now, WallTime wall_now, std::vector<Change>& changes) { return impl_->apply(o, now, wall_now, changes); }
void Registry::tick(Instant now, WallTime wall_now, std::vector<Change>& changes) { impl_->tick(now, wall_now, changes); }
Instant Registry::next_deadline() const { return impl_->next_deadline(); }
void Registry::restore(const Agent& agent, WallTime last_seen, Instant now, WallTime wall_now, std::vector<Change>& changes) {
  impl_->restore(agent, last_seen, now, wall_now, changes);
}
void Registry::remember(const Agent& agent, Instant until) { impl_->remember(agent, until); }
SnapshotPtr Registry::snapshot(Instant now, WallTime wall_now) { return impl_->snapshot(now, wall_now); }
Revision Registry::revision() const { return impl_->revision(); }
std::size_t Registry::size() const { return impl_->size(); }
AgentRecordPtr Registry::find(std::string_view name) const { return impl_->find(name); }

}  // namespace choregos
