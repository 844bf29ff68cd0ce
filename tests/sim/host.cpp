#include "tests/sim/host.hpp"

#include <functional>

namespace choregos::sim {
namespace {

/// Bugs that strike once wait until the run is in full swing.
constexpr std::uint64_t kFirst = 60;
constexpr Instant kStrikes{61'000'000'000};

AgentRecordPtr altered(const AgentRecordPtr& record, const std::function<void(AgentRecord&)>& alter) {
  auto copy = std::make_shared<AgentRecord>(*record);
  alter(*copy);
  return copy;
}

}  // namespace

Host::Host(const RegistrySettings& settings, Revision start, Bug bug) : settings_(settings), bug_(bug), registry_(std::make_unique<Registry>(settings, start)) {
  if (bug_ == Bug::never_gives_up) settings_.detector.evidence_needed = 1e9;
  if (bug_ == Bug::freezes_for_ever) settings_.guard.freeze_max = settings_.guard.others_heard = 100h;
  if (bug_ == Bug::never_gives_up || bug_ == Bug::freezes_for_ever) registry_ = std::make_unique<Registry>(settings_, start);
}

Result<Applied> Host::apply(const Observation& o, Instant now, WallTime wall_now, std::vector<Change>& changes) {
  const std::size_t from = changes.size();
  if (bug_ == Bug::ignores_a_newcomer && o.names.id == "agent-3") return Applied{};
  auto applied = registry_->apply(o, now, wall_now, changes);
  if (bug_ == Bug::judges_in_freeze && !done_ && o.kind == ObservationKind::asked && applied && applied->record && applied->record->vitals->last_heard_ns < (now - 11s).ns && registry_->snapshot(now, wall_now)->guard()->mode == Mode::frozen) {
    done_ = true;
    Observation dead = o;
    dead.kind = ObservationKind::dead;
    dead.reason = "silent for over 10s";
    (void)registry_->apply(dead, now, wall_now, changes);
  }
  if (bug_ == Bug::loses_the_living && !done_ && now > kStrikes && o.kind == ObservationKind::heard && o.source == "beacon" && applied && applied->record && applied->record->agent.liveness == Liveness::alive) {
    done_ = true;
    Observation dead = o;
    dead.kind = ObservationKind::dead;
    dead.claims.reset();
    dead.reason = "planted";
    (void)registry_->apply(dead, now, wall_now, changes);
  }
  lie(changes, from, now);
  return applied;
}

void Host::tick(Instant now, WallTime wall_now, std::vector<Change>& changes) {
  if (bug_ == Bug::keeps_the_dead) return;
  const std::size_t from = changes.size();
  registry_->tick(now, wall_now, changes);
  lie(changes, from, now);
}

Instant Host::next_deadline() const {
  const Instant next = bug_ == Bug::keeps_the_dead ? Instant::never() : registry_->next_deadline();
  return bug_ == Bug::spins && said_ > kFirst ? kStrikes : next;
}

void Host::note(const Sign& sign, Instant now, WallTime wall_now, std::vector<Change>& changes) {
  if (bug_ == Bug::keeps_the_dead && sign.kind == SignKind::listened) return;
  const std::size_t from = changes.size();
  registry_->note(sign, now, wall_now, changes);
  lie(changes, from, now);
}

void Host::restore(const Agent& agent, WallTime last_seen, Instant now, WallTime wall_now, std::vector<Change>& changes) {
  const std::size_t from = changes.size();
  registry_->restore(agent, last_seen, now, wall_now, changes);
  lie(changes, from, now);
}

SnapshotPtr Host::snapshot(Instant now, WallTime wall_now) {
  SnapshotPtr today = registry_->snapshot(now, wall_now);
  if (bug_ == Bug::shows_yesterday && said_ > kFirst) return yesterday_;
  yesterday_ = today;
  return today;
}

Revision Host::revision() const {
  const Revision r = registry_->revision();
  return {r.epoch, r.number + shift_};
}

void Host::restart(Instant now, WallTime wall_now, std::vector<Change>& changes) {
  const SnapshotPtr before = registry_->snapshot(now, wall_now);
  const Revision last = registry_->revision();
  registry_ = std::make_unique<Registry>(settings_, Revision{last.epoch + 1, last.number});
  before->for_each([&](const AgentRecordPtr& record) { restore(record->agent, WallTime{record->vitals->last_seen_ms.load()}, now, wall_now, changes); });
}

void Host::lie(std::vector<Change>& changes, std::size_t from, Instant) {
  for (std::size_t i = from; i < changes.size(); ++i) {
    ++said_;
    Change& change = changes[i];
    change.revision.number += shift_;
    if (done_ || said_ < kFirst) continue;
    const auto drop = [&] {
      changes.erase(changes.begin() + static_cast<std::ptrdiff_t>(i--));
      done_ = true;
    };
    switch (bug_) {
      case Bug::drops_a_change: drop(); break;
      case Bug::hides_a_change:
        drop();
        --shift_;
        break;
      case Bug::skips_a_revision:
        ++shift_;
        ++change.revision.number;
        done_ = true;
        break;
      case Bug::repeats_a_change:
        changes.insert(changes.begin() + static_cast<std::ptrdiff_t>(i), change);
        ++i;
        done_ = true;
        break;
      case Bug::lists_a_stranger:
        change.record = altered(change.record, [](AgentRecord& r) { r.agent.id = "agent-1001"; });
        done_ = true;
        break;
      case Bug::forgets_the_living:
        if (change.kind == ChangeKind::appeared || change.record->agent.liveness != Liveness::alive) break;
        change.kind = ChangeKind::forgotten;
        done_ = true;
        break;
      case Bug::misremembers:
        if (change.kind != ChangeKind::liveness) break;
        change.was = Liveness::unconfirmed;
        done_ = true;
        break;
      case Bug::turns_back_time:
        change.record = altered(change.record, [](AgentRecord& r) {
          auto vitals = std::make_shared<Vitals>();
          vitals->last_seen_ms = r.vitals->last_seen_ms - 600'000;
          r.vitals = vitals;
        });
        done_ = true;
        break;
      default: break;
    }
  }
}

}  // namespace choregos::sim
