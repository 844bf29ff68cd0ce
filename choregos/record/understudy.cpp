#include "choregos/record/understudy.hpp"

#include <algorithm>
#include <utility>

#include "choregos/base/limits.hpp"
#include "choregos/base/text.hpp"

namespace choregos::record {
namespace {

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};

constexpr const char* kWho[] = {"the settings in force", "the other settings"};

}  // namespace

Result<void> OtherSettings::set(std::string_view assignment) {
  const auto equals = assignment.find('=');
  if (equals == std::string_view::npos)
    return fail(ErrorCode::invalid, "'" + printable(assignment.substr(0, 100)) + "' sets nothing; write NAME=VALUE, such as detector.evidence_needed=10");
  const std::string_view name = assignment.substr(0, equals), text = assignment.substr(equals + 1);
  std::optional<Duration>* lease = name == "lease.suspect_after" ? &suspect_after : name == "lease.lost_after" ? &lost_after : nullptr;
  if (lease == nullptr) return wire::set_registry_setting(registry, name, text);
  const auto duration = parse_duration(text);
  if (!duration || *duration < 1ms || *duration > 8760h) return fail(ErrorCode::invalid, std::string(name) + ": '" + printable(text.substr(0, 100)) + "' is not a duration from 1ms to 8760h");
  *lease = *duration;
  return {};
}

void OtherSettings::apply_to(Lease& lease) const {
  if (lease.open()) return;
  if (suspect_after) lease.suspect_after = *suspect_after;
  if (lost_after) lease.lost_after = *lost_after;
  lease.lost_after = std::max(lease.lost_after, lease.suspect_after);
}

// ---- comparison -------------------------------------------------------------------------------------------------------

void Comparison::count_only(const Agent& agent, int by) {
  for (const int who : {0, 1})
    if (agent.lost_at[who] && !agent.lost_at[1 - who]) only_[who] += static_cast<std::uint64_t>(by);
}

void Comparison::say(const Change& change, std::string what) {
  ++difference_count_;
  differences_.push_back({change.wall_at, change.record->agent.id, std::move(what)});
  if (differences_.size() > limits::shadow_difference_count_max) differences_.pop_front();
}

/// By time; of the same moment in turns, so that two that do the same are found to agree at each step.
void Comparison::take(std::span<const Change> actor, std::span<const Change> understudy) {
  while (!actor.empty() || !understudy.empty()) {
    if (!actor.empty() && (understudy.empty() || actor.front().at <= understudy.front().at)) {
      const bool together = !understudy.empty() && actor.front().at == understudy.front().at;
      take_one(actor.front(), 0);
      actor = actor.subspan(1);
      if (!together) continue;
    }
    take_one(understudy.front(), 1);
    understudy = understudy.subspan(1);
  }
}

void Comparison::take_one(const Change& change, int who) {
  const choregos::Agent& record = change.record->agent;
  const bool lost = change.kind == ChangeKind::liveness && record.liveness == Liveness::lost;
  const auto found = lost ? agents_.try_emplace(record.id).first : agents_.find(record.id);
  if (found == agents_.end()) return;
  Agent& agent = found->second;
  count_only(agent, -1);
  agent.gone[who] = change.kind == ChangeKind::forgotten;
  if (lost) {
    if (!agent.lost_at[who]) note_loss(agent, change, who);
  } else if (change.kind == ChangeKind::merged || record.liveness == Liveness::left) {
    if (!agent.gone[who]) agent.lost_at[who].reset();
  } else if (agent.lost_at[who] && !agent.gone[who] && (record.liveness == Liveness::alive || record.liveness == Liveness::suspect)) {
    if (record.incarnation == agent.incarnation[who]) {
      ++counts_[who].false_removals;
      if (!agent.lost_at[1 - who] && !agent.both)
        say(change, std::string(kWho[who]) + " declared it lost for " + format_age(change.at - *agent.lost_at[who]) + " though it lived, " + kWho[1 - who] + " did not");
    }
    agent.lost_at[who].reset();
  }
  if (agent.is_over()) agents_.erase(found);
  else count_only(agent, 1);
}

void Comparison::note_loss(Agent& agent, const Change& change, int who) {
  agent.lost_at[who] = change.at;
  agent.incarnation[who] = change.record->agent.incarnation;
  ++counts_[who].lost;
  const auto& other = agent.lost_at[1 - who];
  if (!other || std::exchange(agent.both, true)) return;
  // The second one to notice is `who`; at the same moment is neither earlier nor later.
  const Duration by = change.at - *other;
  if (by <= Duration{0}) return;
  (who == 0 ? earlier_ : later_) += 1;
  (who == 0 ? earlier_by_ : later_by_) += by;
}

// ---- understudy -------------------------------------------------------------------------------------------------------

Understudy::Understudy(OtherSettings settings, Revision start) : settings_(settings), registry_(settings.registry, start) {}

void Understudy::tick(Instant at, WallTime wall) {
  registry_.tick(at, wall, changes_);
  (void)registry_.take_asks();  // nobody puts them
  last_ = at;
}

void Understudy::meet_deadlines(Instant until, WallTime wall) {
  if (last_ == Instant::min()) last_ = until;
  while (true) {
    const Instant deadline = registry_.next_deadline();
    if (deadline <= last_ || deadline >= until) return;
    tick(deadline, {wall.ms - (until - deadline) / 1ms});
  }
}

void Understudy::take(const wire::RecordingLine& line) {
  std::visit(Overloaded{
                 [&](const wire::RecordedRemembered& l) { registry_.remember(l.agent, l.until); },
                 [&](const wire::RecordedRestored& l) { registry_.restore(l.agent, l.last_seen, l.at, l.wall, changes_); },
                 [&](const wire::RecordedObservation& l) {
                   meet_deadlines(l.at, l.wall);
                   Observation observation = l.observation;
                   settings_.apply_to(observation.lease);
                   (void)registry_.apply(observation, l.at, l.wall, changes_);
                   if (l.tick) tick(l.at, l.wall);
                 },
                 [&](const wire::RecordedSign& l) {
                   meet_deadlines(l.at, l.wall);
                   registry_.note(l.sign, l.at, l.wall, changes_);
                   if (l.tick) tick(l.at, l.wall);
                 },
                 [&](const wire::RecordedTick& l) {
                   meet_deadlines(l.at, l.wall);
                   tick(l.at, l.wall);
                 },
                 [](const auto&) {},
             },
             line);
}

}  // namespace choregos::record
