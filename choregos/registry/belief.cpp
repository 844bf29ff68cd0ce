#include <algorithm>
#include <utility>

#include "choregos/registry/derive.hpp"
#include "choregos/registry/registry_impl.hpp"

namespace choregos {

registry::Case Registry::Impl::case_of(const Entry& entry, Instant now) const {
  registry::Case subject;
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
  subject.window_from = entry.window_from;
  if (now < entry.longest_at + 1h) subject.longest_silence = entry.longest_silence;
  return subject;
}

/// Evidence that ended long ago says nothing any more; the newest piece always stays.
void Registry::Impl::prune(Entry& entry, Instant now) const {
  if (entry.evidence.size() < 2) return;
  Instant newest = Instant::min();
  for (const Evidence& e : entry.evidence) newest = std::max(newest, e.last_heard);
  const registry::Waits w = waits(now);
  // Without the voice that fell silent, a connection that nobody holds any more would speak for the dead.
  const bool open = std::any_of(entry.evidence.begin(), entry.evidence.end(), [](const Evidence& e) { return e.open(); });
  std::erase_if(entry.evidence, [&](const Evidence& e) {
    if (open && e.speaks()) return false;
    return e.last_heard != newest && now >= e.alive_until(w, Duration{0}) && e.lost_at(w, Duration{0}, Instant::min(), settings_.detector.tether_veto) + settings_.forget_after < now;
  });
}

void Registry::Impl::emit(ChangeKind kind, AgentRecordPtr record, AgentRecordPtr before, std::optional<Liveness> was, const std::string& into, Turn& turn) {
  turn.changes.push_back({revision_, kind, std::move(record), was, into, turn.source, turn.now, turn.wall_now, std::move(before)});
}

/// An entry that is not listed of its own: make sure of that, and drop it when its evidence is long over.
void Registry::Impl::settle_hidden(Slot slot, Turn& turn) {
  Entry& entry = entries_[slot];
  if (listing_.find(entry.id) == slot && listing_.at(slot) && listing_.at(slot)->agent.id == entry.id) {
    const AgentRecordPtr last = listing_.at(slot);
    listing_.set(slot, nullptr);
    ++revision_.number;
    emit(ChangeKind::merged, last, last, std::nullopt, entry.merged_into != kNoSlot ? entries_[entry.merged_into].id : "", turn);
  }
  Instant end = Instant::min();
  for (const Evidence& e : entry.evidence) end = std::max(end, e.lost_at(waits(turn.now), Duration{0}, Instant::min(), settings_.detector.tether_veto));
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
  const Instant horizon = listening_.horizon(turn.now);
  Verdict verdict = registry::judge(case_of(entry, turn.now), settings_, waits(turn.now), horizon);

  const AgentRecordPtr last = listing_.find(entry.id) == slot ? listing_.at(slot) : nullptr;
  temper(entry, last.get(), verdict, turn.now);
  if (guarded(slot, entry, last.get(), verdict, turn)) return;
  const bool same_liveness = last && last->agent.liveness == verdict.liveness;
  if (!same_liveness) entry.liveness_at = turn.now;
  entry.judged_by_silence = verdict.by_silence;
  entry.judged_heard = verdict.heard;
  if (!same_liveness) entry.judged_stretch = health_.stretch(turn.now);
  const bool over = verdict.liveness == Liveness::lost || verdict.liveness == Liveness::left;
  Instant forget_at = over ? entry.liveness_at + settings_.forget_after : Instant::never();
  if (turn.now >= forget_at) {
    if (!guard_.holds(place_of(entry, last ? &last->agent : nullptr, verdict))) return forget(slot, turn);
    forget_at = turn.now + 10s;  // nobody is forgotten while his domain is frozen
  }
  deadlines_.arm(slot, std::min({verdict.next_check, forget_at, over ? Instant::never() : ask(slot, verdict, horizon)}));
  publish(slot, verdict, last, turn);
}

/// Nobody gets better by staying silent because our own waits got longer, and one that comes back again and again is believed a
/// little later each time.
void Registry::Impl::temper(Entry& entry, const AgentRecord* last, Verdict& verdict, Instant now) {
  static const std::string kFlapping = "came back too often within a minute; believed when it stays";
  if (last == nullptr) return;
  const Liveness was = last->agent.liveness;
  const bool was_silent = entry.judged_by_silence && (was == Liveness::suspect || was == Liveness::lost);
  const bool better = (verdict.liveness == Liveness::alive && was_silent) || (verdict.liveness == Liveness::suspect && was == Liveness::lost && was_silent);
  if (better && verdict.heard <= entry.judged_heard) {
    // Unless the waits of then say the same: something was learnt that lay further back.
    Verdict as_then = registry::judge(case_of(entry, now), settings_, {listening_, entry.judged_stretch}, listening_.horizon(now));
    const bool learnt = as_then.liveness == Liveness::alive || (as_then.liveness == Liveness::suspect && was == Liveness::lost);
    if (learnt) return;
    as_then.next_check = std::min(as_then.next_check, verdict.next_check);
    verdict = std::move(as_then);
    verdict.liveness = was;
    verdict.reason = last->agent.reason;
    verdict.by_silence = true;
    return;
  }
  if (verdict.liveness == Liveness::suspect && verdict.doubted && last->agent.reason == kFlapping) {
    verdict.reason = kFlapping;
    verdict.damped = true;
  }
  if (verdict.liveness != Liveness::alive || was != Liveness::suspect || verdict.heard <= entry.liveness_at) return;
  // A leaky bucket of returns: four at once, then one each five seconds.
  constexpr double kReturns = 4, kPerSecond = 0.2;
  const Duration passed = entry.returns_at == Instant::min() ? Duration{0} : now - entry.returns_at;
  const double level = std::max(0.0, entry.returns - std::chrono::duration<double>(passed).count() * kPerSecond);
  if (level + 1 <= kReturns + 1e-9) {
    entry.returns = level + 1;
    entry.returns_at = now;
    return;
  }
  verdict.liveness = Liveness::suspect;
  verdict.reason = kFlapping;
  verdict.damped = true;
  verdict.by_silence = false;
  verdict.next_check = std::min(verdict.next_check, now + Duration{static_cast<std::int64_t>((level + 1 - kReturns) / kPerSecond * 1e9) + 1});
}

namespace {

std::string subnet_of(const IpAddress& ip) {
  Cidr net{ip, 64};
  if (ip.is_v4()) net.prefix = 120;
  const auto keep = static_cast<std::size_t>(net.prefix / 8);
  std::fill(net.base.bytes.begin() + static_cast<std::ptrdiff_t>(keep), net.base.bytes.end(), std::uint8_t{0});
  return to_string(net);
}

}  // namespace

registry::Place Registry::Impl::place_of(const Entry& entry, const Agent* agent, const Verdict& verdict) const {
  registry::Place out;
  if (agent != nullptr) out.node = agent->node;
  const Evidence* newest = nullptr;
  bool one_source = true;
  for (const registry::Considered& c : verdict.considered) {
    const Evidence& e = *c.evidence;
    if (e.failed() && e.failure->kind != ObservationKind::doubt) continue;
    if (e.from && (newest == nullptr || newest->last_heard < e.last_heard)) newest = &e;
    if (out.source.empty()) out.source = e.source;
    one_source = one_source && out.source == e.source;
  }
  if (!one_source) out.source.clear();
  if (newest != nullptr) out.subnet = subnet_of(*newest->from);
  if (newest == nullptr && entry.before) out.node = entry.before->node;
  return out;
}

/// Tells the guard what becomes of the agent, and lets it hold a verdict of silence back. True: judged again within this tick.
bool Registry::Impl::guarded(Slot slot, Entry& entry, const AgentRecord* last, Verdict& verdict, Turn& turn) {
  // A broken connection is doubt, not silence: what refuses twice is known dead within a second.
  constexpr Duration kDoubtConfirmed = 1s;
  using registry::Presence;
  const registry::Place place = place_of(entry, last != nullptr ? &last->agent : nullptr, verdict);
  const bool was_suspect = last != nullptr && last->agent.liveness == Liveness::suspect;
  switch (verdict.liveness) {
    case Liveness::left: guard_.set(slot, place, Presence::gone, turn.now, turn.wall_now); return false;
    case Liveness::alive:
      // What had arrived before we judged only came late to us.
      if (was_suspect && entry.judged_by_silence && verdict.heard > entry.liveness_at) note_return(slot, turn.now);
      [[fallthrough]];
    case Liveness::unconfirmed: guard_.set(slot, place, Presence::live, turn.now, turn.wall_now); return false;
    case Liveness::suspect: {
      const Instant confirmed_at = (was_suspect ? entry.liveness_at : turn.now) + kDoubtConfirmed;
      const bool silent = verdict.by_silence && (!verdict.doubted || turn.now >= confirmed_at);
      if (verdict.by_silence && !silent) verdict.next_check = std::min(verdict.next_check, confirmed_at);
      guard_.set(slot, place, silent ? Presence::silent : Presence::live, turn.now, turn.wall_now);
      return false;
    }
    case Liveness::lost: break;
  }
  const bool was_live = last != nullptr && last->agent.liveness != Liveness::lost && last->agent.liveness != Liveness::left;
  if (!verdict.by_silence || !was_live) {
    guard_.set(slot, place, Presence::gone, turn.now, turn.wall_now);
    return false;
  }
  guard_.set(slot, place, Presence::silent, turn.now, turn.wall_now);
  if (turn.postponed != nullptr) {
    turn.postponed->push_back(slot);
    return true;
  }
  if (guard_.may_lose(slot)) {
    guard_.set(slot, place, Presence::gone, turn.now, turn.wall_now);
    return false;
  }
  verdict.liveness = Liveness::suspect;
  if (was_suspect) verdict.reason = last->agent.reason;
  return false;
}

/// Several that come back from silence together were silenced by us, unless a frozen domain explains it.
void Registry::Impl::note_return(Slot slot, Instant now) {
  if (!guard_.holders(slot).empty()) return;
  if (returned_at_ == Instant::min() || now > returned_at_ + 1s) returned_at_ = now, returned_ = 0;
  ++returned_;
  if (returned_ >= std::max<std::size_t>(2, listing_.size() / 20)) health_.came_back_together(returned_, now);
}

void Registry::Impl::publish(Slot slot, const Verdict& verdict, const AgentRecordPtr& last, Turn& turn) {
  Entry& entry = entries_[slot];
  const bool same_liveness = last && last->agent.liveness == verdict.liveness;
  Agent agent;
  agent.id = entry.id;
  registry::derive(agent, verdict, entry.before ? &*entry.before : nullptr);
  if (verdict.damped && last) agent.sources = last->agent.sources;  // they come and go with it
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
  emit(kind, record, last, last && !same_liveness ? std::optional(last->agent.liveness) : std::nullopt, "", turn);
  update_claims(slot, &record->agent, turn);
}

void Registry::Impl::forget(Slot slot, Turn& turn) {
  Entry& entry = entries_[slot];
  const AgentRecordPtr last = listing_.find(entry.id) == slot ? listing_.at(slot) : nullptr;
  if (last) {
    if (!entry.anonymous) archive_.put(last->agent, turn.now + settings_.archive_for);
    listing_.set(slot, nullptr);
    ++revision_.number;
    emit(ChangeKind::forgotten, last, last, std::nullopt, "", turn);
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

}  // namespace choregos
