#include "choregos/registry/evidence.hpp"

#include <algorithm>

namespace choregos::registry {
namespace {

/// `under` with every field that `over` sets replaced.
Claims overlay(const Claims& under, const Claims& over) {
  Claims out = under;
  const auto take = [](auto& to, const auto& from) {
    if (from) to = from;
  };
  take(out.name, over.name);
  take(out.status, over.status);
  take(out.capabilities, over.capabilities);
  take(out.model, over.model);
  take(out.endpoint, over.endpoint);
  take(out.tasks_completed, over.tasks_completed);
  take(out.current_team, over.current_team);
  take(out.p2p_addr, over.p2p_addr);
  take(out.cluster_id, over.cluster_id);
  take(out.node, over.node);
  take(out.version, over.version);
  take(out.health_url, over.health_url);
  take(out.labels, over.labels);
  return out;
}

/// Load moves without a revision, so it is no part of what evidence compares.
Claims without_load(Claims claims) {
  claims.running.reset();
  claims.capacity.reset();
  return claims;
}

bool fold_statement(Evidence& e, const Claims& claims, bool partial, const Stamp& stamp) {
  if (!partial) {
    if (!newer(stamp, e.said_at)) return false;
    e.said_at = stamp;
    const bool drop_amended = e.amended && newer(stamp, e.amended_at);
    if (drop_amended) e.amended.reset(), e.amended_at = {};
    Claims said = without_load(claims);
    if (e.said && *e.said == said) return drop_amended;
    e.said = std::make_shared<const Claims>(std::move(said));
    return true;
  }
  if (!newer(stamp, e.said_at)) return false;  // a newer whole statement already covers it
  const Claims said = without_load(claims);
  const bool later = newer(stamp, e.amended_at);
  Claims merged = !e.amended ? said : later ? overlay(*e.amended, said) : overlay(said, *e.amended);
  if (later) e.amended_at = stamp;
  if (e.amended ? *e.amended == merged : merged == Claims{}) return false;
  e.amended = std::make_shared<const Claims>(std::move(merged));
  return true;
}

}  // namespace

bool newer(const Stamp& a, const Stamp& b) {
  if (a.sequence != 0 && b.sequence != 0) return a.sequence > b.sequence;
  return a.at > b.at;
}

bool Evidence::failed() const { return failure && !newer(last_stamp, failure->stamp); }

namespace {

/// A channel that is asked speaks three times before it is doubted, as one that speaks by itself; ten before it may be lost.
constexpr int kSuspectIntervals = 3;
constexpr int kLostIntervals = 10;
/// Numbered messages missed in a row beyond this are no independent losses but one outage, which the learnt floor remembers.
constexpr std::uint64_t kBurst = 5;

}  // namespace

Instant Evidence::alive_until(const Waits& waits, Duration beside) const {
  if (last_heard == Instant::min() || failed()) return Instant::min();
  const bool only_answers = !speaks() && answers() && beside > Duration{0};
  if (!open()) return waits.after(last_heard, only_answers ? std::min(lease.suspect_after, kSuspectIntervals * beside + beside / 20) : lease.suspect_after);
  if (answers()) {
    // Open, and an answer is overdue: it counts as one that speaks at intervals.
    return asked_at == Instant::never() ? Instant::never() : waits.after(last_heard, kSuspectIntervals * lease.interval);
  }
  return beside > Duration{0} ? Instant::min() : Instant::never();
}

Instant Evidence::lost_at(const Waits& waits, Duration beside, Instant since, Duration tether_veto) const {
  if (failed()) {
    if (failure->kind != ObservationKind::doubt) return failure->stamp.at;
    // A new window is a whole one, whatever had been proved before it.
    if (since > failure->stamp.at) return waits.after(since, std::max(failure->lost_after, Lease{}.lost_after));
    const Instant end = waits.after(failure->stamp.at, failure->lost_after);
    if (open() || speaks() || !answers() || beside == Duration{0}) return end;
    return std::min(end, std::max(failure->stamp.at, waits.after(last_heard, kLostIntervals * beside)));
  }
  if (last_heard == Instant::min()) return Instant::min();
  const bool only_answers = !speaks() && answers() && beside > Duration{0};
  if (!open()) return waits.after(std::max(last_heard, since), only_answers ? std::min(lease.lost_after, kLostIntervals * beside) : lease.lost_after);
  if (answers()) return asked_at == Instant::never() ? Instant::never() : waits.after(std::max(last_heard, since), kLostIntervals * lease.interval);
  return beside > Duration{0} ? waits.after(std::max(last_heard, since), tether_veto) : Instant::never();
}

Instant Evidence::heard_until(Instant now, Duration beside) const {
  if (!open() || failed()) return last_heard;
  const bool by_being_open = answers() ? asked_at == Instant::never() : beside == Duration{0};
  return by_being_open ? now : last_heard;
}

bool has_other_voice(const Evidence& a, const Evidence& b) {
  return a.speaks() && b.speaks() && a.incarnation == b.incarnation && a.source == b.source && a.names.id == b.names.id && a.subject != b.subject;
}

bool fold(Evidence& e, const Observation& o) {
  const Stamp stamp{o.sequence, o.heard_at};
  if (o.kind == ObservationKind::asked || o.kind == ObservationKind::unanswered) {
    if (o.heard_at <= e.last_heard) return false;
    // A tether that never answers is held by something that cannot, such as curl: no reason to count it in vain.
    if (e.open() && !e.answers()) return false;
    e.asked_at = std::min(e.asked_at, o.heard_at);
    std::uint16_t& count = o.kind == ObservationKind::asked ? e.asked : e.asked_by_helpers;
    if (count < UINT16_MAX) ++count;
    return true;
  }
  if (o.kind != ObservationKind::heard) {
    if (o.kind == ObservationKind::goodbye) {
      // The agent itself spoke, so this is also the last sign of its life.
      e.first_heard = std::min(e.first_heard, o.heard_at);
      e.last_heard = std::max(e.last_heard, o.heard_at);
    }
    if (e.failure && !newer(stamp, e.failure->stamp)) return false;
    const bool repeated = e.failed() && e.failure->kind == o.kind && e.failure->reason == o.reason;
    const Duration lost_after = o.lease.open() ? Lease{}.lost_after : o.lease.lost_after;
    // A repeated doubt must not start the clock anew, or a channel that fails again and again would never be lost.
    if (repeated && o.kind == ObservationKind::doubt) return false;
    e.failure = std::make_unique<const Failure>(Failure{o.kind, stamp, lost_after, o.reason});
    return true;
  }
  bool moved = false;
  const bool was_failed = e.failed();
  e.first_heard = std::min(e.first_heard, o.heard_at);
  if (e.last_heard == Instant::min() || newer(stamp, e.last_stamp)) {
    if (o.lease.interval > Duration{0} && !o.lease.open() && o.sequence != 0 && e.last_stamp.sequence != 0) {
      for (std::uint64_t i = std::min(kBurst, o.sequence - e.last_stamp.sequence - 1); i > 0; --i) e.loss.missed();
      e.loss.arrived();
    }
    e.last_stamp = stamp;
    e.lease = o.lease;
    moved |= e.draining != o.draining || e.names != o.names;
    e.draining = o.draining;
    e.names = o.names;
    if (o.from) e.from = o.from;
  }
  e.last_heard = std::max(e.last_heard, o.heard_at);
  if (e.asked_at <= o.heard_at) {
    e.asked_at = Instant::never();
    e.asked = e.asked_by_helpers = 0;
    moved = true;
  }
  if (o.answer) {
    moved |= !e.answers();
    e.answered_at = std::max(e.answered_at, o.heard_at);
  }
  moved |= was_failed != e.failed();
  if (o.claims) moved |= fold_statement(e, *o.claims, o.partial, stamp);
  return moved;
}

}  // namespace choregos::registry
