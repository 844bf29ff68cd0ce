#include "choregos/registry/registry.hpp"

#include <algorithm>
#include <utility>

#include "choregos/base/limits.hpp"
#include "choregos/registry/registry_impl.hpp"

namespace choregos {

Registry::Impl::Impl(RegistrySettings settings, Revision start) : settings_(settings), revision_(start), guard_(settings.guard), rng_(settings.seed) {
  if (settings_.agent_count_max == 0) settings_.agent_count_max = limits::agent_count_max;
}

// ---- entries ----------------------------------------------------------------------------------------------------------

registry::Slot Registry::Impl::create(const std::string& id, bool anonymous, Instant now) {
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
  entry.born_at = now;
  if (!anonymous) {
    if (auto archived = archive_.take(id, now)) {
      entry.first_seen = archived->first_seen;
      entry.first_heard = Instant::min();
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
registry::Slot Registry::Impl::holder(const Names& names) const {
  const std::string name = own_name(names);
  if (const Slot slot = by_id(name); slot != kNoSlot) return owner_of(slot);
  return names_.owner(name).slot;
}

registry::Evidence& Registry::Impl::evidence_for(Entry& entry, const Observation& o) {
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
    const bool was_fresh = now < evidence.alive_until(waits(now), 1s);
    learn_silence(listed, o, now);
    bool moved = fold(evidence, o);
    // By our own clock: the one on the wall may be set back, and nobody was seen earlier for that.
    if (o.wall_at.ms != 0 && (entry.first_seen.ms == 0 || o.heard_at < entry.first_heard)) {
      entry.first_seen = o.wall_at;
      entry.first_heard = o.heard_at;
      moved = true;
    }
    note_vitals(listed, o);

    const std::size_t names_before = entry.owned_names.size();
    if (o.kind == ObservationKind::heard) learn_names(slot, o, turn);
    moved |= entry.owned_names.size() != names_before;
    if (unknown && entry.anonymous) resolve(slot, turn);
    // A renewal that says nothing new: the deadline that is armed will find the lease extended.
    const AgentRecordPtr record = listed == owner_of(slot) ? find(entries_[listed].id) : nullptr;
    if (!moved && was_fresh && record && record->agent.liveness == Liveness::alive && changes.size() == changes_before && is_plain(listed) && agrees(o, record->agent)) return Applied{record, false};
  }
  settle(owner_of(slot), turn);
  if (entries_[slot].hidden()) settle(slot, turn);
  return Applied{find(entries_[owner_of(slot)].id), changes.size() != changes_before};
}

/// A silence that ends here is remembered if it was more than the loss of its path explains: this agent may be silent so long
/// and live. Nothing is learnt from a restart, nor from a silence that many shared.
void Registry::Impl::learn_silence(Slot listed, const Observation& o, Instant now) {
  constexpr double kUnexplained = 13.8;  // once in a million
  if (o.lease.interval <= Duration{0}) return;
  interval_ = o.lease.interval;
  Entry& entry = entries_[listed];
  const Instant before{entry.vitals->last_heard_ns.load(std::memory_order_relaxed)};
  if (o.heard_at <= before + 2 * o.lease.interval || before <= entry.born_at || !guard_.holders(listed).empty()) return;
  if (const AgentRecordPtr& record = listing_.at(listed); record && record->agent.incarnation != o.incarnation) return;
  const Duration silence = listening_.between(before, o.heard_at);
  if (silence <= 2 * o.lease.interval) return;
  double evidence = 0;
  for (const Evidence& e : entry.evidence)
    if (e.incarnation == o.incarnation) evidence += registry::weigh(e, before, waits(now), o.heard_at).sum;
  if (evidence < kUnexplained) return;
  if (entry.longest_at + 1h >= o.heard_at && silence < entry.longest_silence) return;
  entry.longest_silence = silence;
  entry.longest_at = o.heard_at;
}

/// What moves without a revision.
void Registry::Impl::note_vitals(Slot listed, const Observation& o) {
  Entry& entry = entries_[listed];
  Vitals& vitals = *entry.vitals;
  const auto raise = [](std::atomic<std::int64_t>& to, std::int64_t value) {
    if (value > to.load(std::memory_order_relaxed)) to.store(value, std::memory_order_relaxed);
  };
  entry.ask_next = Instant::min();
  raise(vitals.last_seen_ms, o.wall_at.ms);
  raise(vitals.last_heard_ns, o.heard_at.ns);
  if (o.latency) vitals.latency_us.store(static_cast<std::uint32_t>(std::clamp<std::int64_t>(o.latency->count() / 1000, 1, UINT32_MAX)), std::memory_order_relaxed);
  if (o.claims && o.claims->running) vitals.running.store(*o.claims->running, std::memory_order_relaxed);
  if (o.claims && o.claims->capacity) vitals.capacity.store(*o.claims->capacity, std::memory_order_relaxed);
}

/// One life and nothing standing against it, so that one more sign of life cannot change the verdict.
bool Registry::Impl::is_plain(Slot slot) const {
  const Entry& entry = entries_[slot];
  if (entry.death.at != Instant::min()) return false;
  return std::all_of(entry.evidence.begin(), entry.evidence.end(), [&](const Evidence& e) {
    return e.incarnation == entry.evidence.front().incarnation && !e.failed() && !registry::has_other_voice(e, entry.evidence.front());
  });
}

/// Whether the statement, though the newest now, leaves the record as it is. Only status competes between channels here:
/// any other field that a channel repeats unchanged was weighed when it was first said.
bool Registry::Impl::agrees(const Observation& o, const Agent& agent) {
  if (!o.claims) return true;
  return (!o.claims->status || *o.claims->status == agent.status) && (!o.claims->current_team || *o.claims->current_team == agent.current_team) &&
         (!o.claims->tasks_completed || *o.claims->tasks_completed == agent.tasks_completed);
}

/// Whether the agent has been heard as a later Swarm task than the one named: an update that starts the new task first. The end
/// of the former one is no death of the agent.
bool Registry::Impl::lives_as_another_task(Slot slot, const Names& names) const {
  if (!names.task || !names.id.empty()) return false;
  Instant as_named = Instant::min(), as_another = Instant::min();
  const auto look = [&](const Entry& entry) {
    for (const Evidence& e : entry.evidence)
      if (e.names.task) (e.names.task == names.task ? as_named : as_another) = std::max(e.names.task == names.task ? as_named : as_another, e.last_heard);
  };
  look(entries_[slot]);
  for (const Slot child : entries_[slot].absorbed) look(entries_[child]);
  return as_another > as_named;
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
  if (o.kind != ObservationKind::dead || lives_as_another_task(slot, o.names)) return;
  registry::Death& death = entries_[slot].death;
  if (o.heard_at > death.at) death = {o.heard_at, o.incarnation, o.reason};
}

// ---- the rest ---------------------------------------------------------------------------------------------------------

/// Silence is judged as far as we have listened; the rest waits for the next sign that we have.
void Registry::Impl::tick(Instant now, WallTime wall_now, std::vector<Change>& changes) {
  std::vector<Slot> postponed;
  Turn turn{now, wall_now, changes, "", &postponed};
  const Instant horizon = listening_.horizon(now);
  for (Slot slot = deadlines_.pop_due(horizon); slot != kNoSlot; slot = deadlines_.pop_due(horizon)) settle(slot, turn);
  turn.postponed = nullptr;
  for (const Slot slot : postponed) settle(slot, turn);
  std::vector<Slot> released, renewed;
  guard_.tick(now, wall_now, released, renewed);
  for (const Slot slot : renewed) entries_[slot].window_from = now;
  for (const Slot slot : released) settle(slot, turn);
}

Instant Registry::Impl::next_deadline() {
  const Instant guard = guard_.next_deadline(), next = deadlines_.next();
  // What lies beyond the horizon comes up when the next sign moves it.
  if (listening_.in_force() && next > listening_.horizon(Instant::never())) return guard;
  return std::min(guard, next);
}

void Registry::Impl::note(const Sign& sign, Instant now, WallTime wall_now) {
  const Duration hold = 3 * std::max<Duration>(1s, interval_);
  // They are told again each second, and over when they are told no more.
  constexpr Duration kRepeated = 2s;
  health_.note(sign);
  switch (sign.kind) {
    case SignKind::listened: {
      const Duration gap = listening_.listened(std::min(sign.until, now), hold);
      if (gap <= Duration{0}) return;
      Sign lag = sign;
      lag.kind = SignKind::lag;
      lag.at = now;
      lag.amount = gap;
      return health_.note(lag);
    }
    // A monotonic clock stands still while the machine sleeps, so only what follows can be excused.
    case SignKind::suspended: return listening_.excuse(now, now + hold);
    case SignKind::canary_lost: return guard_.own_cause("a datagram to ourselves did not come back", kRepeated, now, wall_now);
    case SignKind::link_lost: return guard_.own_cause("our link " + sign.subject + " is down" + (sign.reason.empty() ? "" : ": " + sign.reason), kRepeated, now, wall_now);
    case SignKind::node_down: return guard_.node_down(sign.subject);
    case SignKind::thaw: return guard_.thaw(sign.subject);
    case SignKind::send_failed: {
      // To one agent: perhaps its own route. To several at once: nothing of ours gets out.
      std::erase_if(refused_, [&](const auto& one) { return one.second + 2s < now; });
      if (refused_.size() < kRefusedForFreeze || refused_.contains(sign.subject)) refused_[sign.subject] = now;
      if (refused_.size() >= kRefusedForFreeze) guard_.own_cause("our own system refuses to send" + (sign.reason.empty() ? "" : ": " + sign.reason), kRepeated, now, wall_now);
      return;
    }
    case SignKind::lag:
    case SignKind::drops:
    case SignKind::canary_heard:
    case SignKind::link_back:
    case SignKind::node_up: return;
  }
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
  if (agent.first_seen.ms != 0) entry.first_heard = Instant::min();
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
  const std::uint32_t score = health_.score(now);
  if (published_ && published_->revision() == revision_ && published_guard_ == guard_.version() && published_score_ == score) return published_;
  GuardViewPtr view = published_ ? published_->guard() : nullptr;
  if (!view || published_guard_ != guard_.version() || published_score_ != score) {
    auto fresh = std::make_shared<GuardView>();
    guard_.view(*fresh);
    fresh->health_score = score;
    fresh->health_reason = health_.reason(now);
    view = std::move(fresh);
    published_guard_ = guard_.version();
    published_score_ = score;
  }
  published_ = std::make_shared<const Snapshot>(listing_.share(revision_, now, wall_now, std::move(view)));
  return published_;
}

Registry::Registry(RegistrySettings settings, Revision start) : impl_(std::make_unique<Impl>(settings, start)) {}
Registry::~Registry() = default;
Registry::Registry(Registry&&) noexcept = default;
Registry& Registry::operator=(Registry&&) noexcept = default;
Result<Applied> Registry::apply(const Observation& o, Instant now, WallTime wall_now, std::vector<Change>& changes) { return impl_->apply(o, now, wall_now, changes); }
void Registry::note(const Sign& sign, Instant now, WallTime wall_now, std::vector<Change>&) { impl_->note(sign, now, wall_now); }
void Registry::tick(Instant now, WallTime wall_now, std::vector<Change>& changes) { impl_->tick(now, wall_now, changes); }
Instant Registry::next_deadline() const { return impl_->next_deadline(); }
std::vector<Ask> Registry::take_asks() { return impl_->take_asks(); }
std::optional<Explanation> Registry::explain(std::string_view id_or_alias, Instant now) const { return impl_->explain(id_or_alias, now); }
void Registry::restore(const Agent& agent, WallTime last_seen, Instant now, WallTime wall_now, std::vector<Change>& changes) {
  impl_->restore(agent, last_seen, now, wall_now, changes);
}
void Registry::remember(const Agent& agent, Instant until) { impl_->remember(agent, until); }
SnapshotPtr Registry::snapshot(Instant now, WallTime wall_now) { return impl_->snapshot(now, wall_now); }
Revision Registry::revision() const { return impl_->revision(); }
std::size_t Registry::size() const { return impl_->size(); }
AgentRecordPtr Registry::find(std::string_view name) const { return impl_->find(name); }

}  // namespace choregos
