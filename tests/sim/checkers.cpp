#include "tests/sim/checkers.hpp"

#include <algorithm>
#include <utility>

namespace choregos::sim {

Checkers::Checkers(int agents, Bounds bounds) : bounds_(bounds), agents_(static_cast<std::size_t>(agents)) {
  for (int i = 1; i <= agents; ++i) {
    agents_[index(i)].id = id_of(i);
    by_id_.emplace(id_of(i), i);
  }
}

void Checkers::started(int agent) {
  Subject& s = agents_[index(agent)];
  s.up = true;
  s.heard = s.beacon_heard = Instant::min();  // of this life
}

void Checkers::violate(const std::string& what, Instant now) {
  if (violation_.empty()) violation_ = "at " + format_duration(now - Instant{1'000'000'000}) + ": " + what;
}

void Checkers::ended(int agent, Instant now, bool probed) {
  Subject& s = agents_[index(agent)];
  s.up = false;
  s.stalled = false;
  ++s.life;
  const Duration alive = bounds_.alive_at_most(probed) + std::exchange(s.open_for, Duration{0});
  s.not_alive_from = now + alive;
  due_.push({now + alive, alive, agent, Due::not_alive, s.life});
  const Duration suspect = alive + bounds_.suspect_at_most();
  due_.push({now + suspect, suspect, agent, Due::not_suspect, s.life});
}

void Checkers::place(int agent, std::string subnet, std::string node, std::string source) {
  Subject& s = agents_[index(agent)];
  s.domains[0] = std::move(subnet);
  s.domains[1] = std::move(node);
  s.domains[2] = std::move(source);
}

void Checkers::heard(int agent, Instant at, bool beacon) {
  Subject& s = agents_[index(agent)];
  s.heard = std::max(s.heard, at);
  if (beacon) s.beacon_heard = std::max(s.beacon_heard, at);
  s.just_heard = s.placed = true;
  touched_.push_back(agent);
}

void Checkers::restarted(Instant now) {
  restarted_ = true;
  resumed_at_ = now;
  guard_.reset();
  for (Subject& s : agents_) {
    s.record.reset();
    s.placed = false;
  }
  listed_ = 0;
  by_liveness_ = {};
}

void Checkers::count(const AgentRecordPtr& record, int by) {
  if (record) by_liveness_[static_cast<std::size_t>(record->agent.liveness)] += by;
}

void Checkers::take(const std::vector<Change>& changes, Instant now) {
  for (const Change& change : changes) take_one(change, now);
}

void Checkers::take_one(const Change& change, Instant now) {
  if (last_ && !restarted_ && (change.revision.epoch != last_->epoch || change.revision.number != last_->number + 1))
    violate("revision " + to_string(change.revision) + " follows " + to_string(*last_), now);
  if (last_ && change.revision.number <= last_->number) violate("the revision fell to " + to_string(change.revision), now);
  if (last_ && restarted_ && change.revision.epoch <= last_->epoch) violate("the epoch did not rise at a restart", now);
  restarted_ = false;
  last_ = change.revision;

  const Agent& agent = change.record->agent;
  const auto it = by_id_.find(agent.id);
  if (it == by_id_.end()) return violate("an agent that never existed was listed: " + agent.id, now);
  Subject& s = agents_[index(it->second)];
  touched_.push_back(it->second);
  const bool goes = change.kind == ChangeKind::forgotten || change.kind == ChangeKind::merged;
  if (change.kind == ChangeKind::appeared && s.record) violate(agent.id + " appeared twice", now);
  if (change.kind != ChangeKind::appeared && !s.record) violate(agent.id + " was " + std::string(to_string(change.kind)) + " but never appeared", now);
  if (s.record && (change.kind == ChangeKind::liveness || change.kind == ChangeKind::updated)) {
    const Liveness before = s.record->agent.liveness;
    if ((agent.liveness != before) != (change.kind == ChangeKind::liveness)) violate("a change of " + agent.id + " is of the wrong kind", now);
    if (change.kind == ChangeKind::liveness && change.was != before) violate("a change of " + agent.id + " says a wrong liveness before", now);
    if (agent == s.record->agent) violate("a change of " + agent.id + " changes nothing", now);
  }
  if (!goes && change.record->revision != change.revision.number) violate("the record of " + agent.id + " has another revision than its change", now);
  const std::int64_t seen = change.record->vitals->last_seen_ms.load();
  if (seen < s.last_seen_ms) violate("last_seen of " + agent.id + " fell", now);
  s.last_seen_ms = seen;
  check_verdict(change, s, now);

  count(s.record, -1);
  if (s.record) --listed_;
  s.record = goes ? nullptr : change.record;
  count(s.record, +1);
  if (s.record) ++listed_;
}

void Checkers::check_verdict(const Change& change, Subject& s, Instant now) {
  const Agent& agent = change.record->agent;
  const bool runs = s.up && !s.stalled;
  if (change.kind == ChangeKind::forgotten && runs && s.heard + bounds_.lost_floor() + bounds_.forget_after > now) violate("forgot " + agent.id + ", which is heard", now);
  const bool certain = agent.reason.starts_with("tether broke, then") || agent.reason == "planted" || agent.liveness == Liveness::left;
  if (!certain && agent.liveness == Liveness::lost && (change.kind == ChangeKind::forgotten || change.kind == ChangeKind::liveness)) let_go_.push_back(touched_.back());
  if (change.kind == ChangeKind::liveness && agent.liveness == Liveness::lost && runs) {
    ++lost_while_up_;
    if (s.beacon_heard != Instant::min() && s.beacon_heard + bounds_.lost_floor() > now) violate("lost " + agent.id + ", heard " + format_duration(now - s.beacon_heard) + " ago", now);
  }
  if (agent.liveness == Liveness::alive && change.kind == ChangeKind::liveness && !s.up && s.not_alive_from < now && resumed_at_ + bounds_.alive_at_most(true) < now) violate(agent.id + " came to life long after its end", now);
}

void Checkers::check_record(int agent, const Snapshot& snapshot, Instant now) {
  const Subject& s = agents_[index(agent)];
  if (snapshot.find(s.id) != s.record) violate("the record of " + s.id + " in the snapshot is not what the changes say", now);
}

void Checkers::after_event(Revision revision, const SnapshotPtr& snapshot, Instant now) {
  if (last_ && revision != *last_) violate("the registry is at revision " + to_string(revision) + ", its last change was " + to_string(*last_), now);
  if (last_ && snapshot->revision() != *last_) violate("the snapshot is at revision " + to_string(snapshot->revision()) + ", the last change was " + to_string(*last_), now);
  if (snapshot->size() != listed_ || snapshot->counts().total != listed_) violate("the snapshot holds " + std::to_string(snapshot->size()) + " agents, the changes say " + std::to_string(listed_), now);
  for (std::size_t i = 0; i < by_liveness_.size(); ++i)
    if (snapshot->counts().by_liveness[i] != by_liveness_[i])
      violate("the snapshot counts " + std::to_string(snapshot->counts().by_liveness[i]) + " agents that are " + std::string(to_string(static_cast<Liveness>(i))) + ", the changes say " + std::to_string(by_liveness_[i]), now);
  for (const int agent : touched_) {
    Subject& s = agents_[index(agent)];
    check_record(agent, *snapshot, now);
    if (s.just_heard && !s.record) violate(id_of(agent) + " is heard but not listed", now);
    s.just_heard = false;
    if (!s.record) continue;
    const std::int64_t seen = s.record->vitals->last_seen_ms.load();
    if (seen < s.last_seen_ms) violate("last_seen of " + id_of(agent) + " fell", now);
    s.last_seen_ms = seen;
  }
  touched_.clear();
  const GuardViewPtr guard = snapshot->guard();
  if (!let_go_.empty()) check_guarded(*guard, now);
  if (guard != guard_) {
    for (const DomainView& domain : guard->domains)
      if (domain.mode == Mode::frozen && !stopped_ && std::max(domain.since_at, resumed_at_) + bounds_.freeze_max + 3s < now) violate("the freeze of " + domain.name + " does not end", now);
    guard_ = guard;
  }
  if (stopped_) return;
  check_record(next_in_turn_, *snapshot, now);
  next_in_turn_ = next_in_turn_ % static_cast<int>(agents_.size()) + 1;
  while (!due_.empty() && due_.top().at < now) {
    const Expectation e = due_.top();
    due_.pop();
    const Subject& s = agents_[index(e.agent)];
    if (s.up || s.life != e.life || !s.record) continue;
    // What stopped, restarted or froze waits anew.
    if (e.at - e.wait < resumed_at_) {
      due_.push({resumed_at_ + e.wait + Duration{1}, e.wait, e.agent, e.due, e.life});
      continue;
    }
    if (e.due == Due::not_suspect && cover(s, guard_.get()) != Cover::none) {
      due_.push({now + 30s, e.wait, e.agent, e.due, e.life});
      continue;
    }
    const Liveness liveness = s.record->agent.liveness;
    if (liveness == Liveness::alive) violate(id_of(e.agent) + " is down for long and still alive", now);
    if (e.due == Due::not_suspect && liveness == Liveness::suspect) violate(id_of(e.agent) + " is down and never lost", now);
  }
}

Checkers::Cover Checkers::cover(const Subject& s, const GuardView* guard) {
  Cover out = Cover::none;
  if (guard == nullptr) return out;
  for (const DomainView& domain : guard->domains) {
    if (domain.kind != DomainKind::network && !s.placed) continue;
    if (domain.kind != DomainKind::network && domain.name != s.domains[0] && domain.name != s.domains[1] && domain.name != s.domains[2]) continue;
    out = std::max(out, domain.mode == Mode::frozen ? Cover::frozen : Cover::draining);
  }
  return out;
}

/// Those that went in this event, by what the guard held before it and still holds.
void Checkers::check_guarded(const GuardView& guard, Instant now) {
  for (const int agent : let_go_) {
    const Subject& s = agents_[index(agent)];
    const Cover covered = std::min(cover(s, guard_.get()), cover(s, &guard));
    if (covered == Cover::frozen) violate(id_of(agent) + " was " + (s.record ? "lost" : "forgotten") + " while its domain is frozen", now);
    if (covered != Cover::draining || !s.record) continue;
    if (now < drained_at_ + 999ms) violate(id_of(agent) + " was let go within a second of another while its domain drains", now);
    drained_at_ = now;
  }
  let_go_.clear();
}

void Checkers::at_end(const SnapshotPtr& snapshot, Instant now) {
  for (int i = 1; i <= static_cast<int>(agents_.size()); ++i) check_record(i, *snapshot, now);
  std::size_t seen = 0;
  snapshot->for_each([&](const AgentRecordPtr&) { ++seen; });
  if (seen != listed_) violate("the list shows " + std::to_string(seen) + " agents, the changes say " + std::to_string(listed_), now);
}

}  // namespace choregos::sim
