// What the ledger does by itself: ending leases, replacing who is lost, healing what is missing.
#include <algorithm>
#include <bit>

#include "choregos/base/limits.hpp"
#include "choregos/team/teams.hpp"

namespace choregos::team {
namespace {

Mask mask_of(const std::vector<std::uint32_t>& answers) {
  Mask out = 0;
  for (const std::uint32_t i : answers) out |= Mask{1} << i;
  return out;
}

std::vector<std::uint32_t> indexes(Mask mask) {
  std::vector<std::uint32_t> out;
  for (; mask != 0; mask &= mask - 1) out.push_back(static_cast<std::uint32_t>(std::countr_zero(mask)));
  return out;
}

bool holds(const std::vector<TeamMember>& list, std::string_view agent) {
  return std::any_of(list.begin(), list.end(), [&](const TeamMember& m) { return m.agent == agent; });
}

std::string missing_text(const Team& team) {
  std::string out = "missing: ";
  for (std::size_t n = 0; n < team.missing.size(); ++n) {
    Requirement r = team.request.needs[team.missing[n].requirement];
    r.count = team.missing[n].count;
    out += (n == 0 ? "" : "; ") + describe(r);
  }
  return out;
}

}  // namespace

/// Why a member is not there; "" while it is.
std::string Teams::absent(const Team& team, const TeamMember& member, Instant now) const {
  const Place place = roster_.find(member.agent);
  if (place == kNoPlace) return now < grace_until_ ? "" : "is not listed any more";
  const Agent& agent = roster_.record(place)->agent;
  if (std::string why = gone(agent); !why.empty()) return why;
  for (const std::uint32_t i : member.answers)
    if (std::string why = lacks(team.request.needs[i], agent); !why.empty()) return why;
  return {};
}

void Teams::add_standbys(const Sieve& sieve, const Team& team, const std::vector<TeamMember>& members, std::vector<TeamMember>& standbys,
                         WallTime wall_now) const {
  if (standbys.size() >= team.request.standby) return;
  std::vector<Picked> picked;
  for (const TeamMember& m : members)
    if (const Place place = roster_.find(m.agent); place != kNoPlace) picked.push_back({place, mask_of(m.answers)});
  for (const PlannedStandby& s : choose_standbys(sieve, picked, team.request.standby - static_cast<std::uint32_t>(standbys.size())))
    if (!holds(standbys, s.agent)) standbys.push_back({s.agent, {}, true, {}, wall_now});
}

/// Makes these the members and standbys, with one fence step if the set of members changes, and tells who moved.
void Teams::set_members(Held& held, Team next, std::vector<TeamMember> members, std::vector<TeamMember> standbys, TeamChangeKind kind, Instant now,
                        std::vector<TeamChange>& changes) {
  std::vector<Move> moves;
  for (auto r = renamed_.begin(); r != renamed_.end();) {
    if (r->first == next.id) {
      moves.push_back(r->second);
      r = renamed_.erase(r);
    } else {
      ++r;
    }
  }
  bool changed = !moves.empty();
  for (const auto* list : {&next.members, &next.standbys})
    for (const TeamMember& m : *list)
      if (!holds(members, m.agent) && !holds(standbys, m.agent)) let_go(m.agent, now, moves);
  for (const auto* list : {&members, &standbys})
    for (const TeamMember& m : *list)
      if (!holds(next.members, m.agent) && !holds(next.standbys, m.agent)) take(m.agent, next.id, now, moves);
  for (const TeamMember& m : members)
    if (!holds(next.members, m.agent)) {
      tracks_.serve(m.agent, now);
      changed = true;
    }
  for (const TeamMember& m : next.members) changed = changed || !holds(members, m.agent);
  if (changed) next.fence = ++fence_;
  std::sort(members.begin(), members.end(), [](const auto& a, const auto& b) { return natural_compare(a.agent, b.agent) < 0; });
  next.members = std::move(members);
  next.standbys = std::move(standbys);
  publish(held, std::move(next), kind, std::move(moves), changes);
}

void Teams::mend(Held& held, Instant now, WallTime wall_now, std::vector<TeamChange>& changes) {
  const Team& team = *held.team;
  held.tried_at = roster_.gains();
  std::vector<TeamMember> there, gone_members;
  Given given;
  for (TeamMember m : team.members) {
    m.reason = absent(team, m, now);
    m.present = m.reason.empty();
    if (!m.present) {
      gone_members.push_back(std::move(m));
      continue;
    }
    // One that is not heard yet after our restart holds its place, though nothing can be asked of its record.
    if (const Place place = roster_.find(m.agent); place != kNoPlace) given.stay.push_back({place, mask_of(m.answers)});
    there.push_back(std::move(m));
  }
  std::vector<TeamMember> standbys;
  for (const TeamMember& s : team.standbys) {
    const Place place = roster_.find(s.agent);
    const bool waits = place == kNoPlace && now < grace_until_;
    if (waits || (place != kNoPlace && gone(roster_.record(place)->agent).empty())) standbys.push_back(s);
    if (place != kNoPlace && unfit(roster_.record(place)->agent).empty()) given.reserve.push_back(place);
  }
  const bool unheard = given.stay.size() != there.size();

  Team next = team;
  next.missing.clear();
  std::vector<TeamMember> members = there;
  std::vector<std::uint32_t> missing(team.request.needs.size());
  std::vector<std::uint32_t> counts = counts_of(team.request), answered(counts.size());
  for (const TeamMember& m : there)
    for (const std::uint32_t i : m.answers) ++answered[i];
  const bool short_of = !gone_members.empty() || answered != counts || there.size() < team.request.size_min;
  if (short_of && !unheard) {
    const Sieve sieve(fleet(now), team.request);
    // As much as can be had: while there is no whole team, do without one agent of the requirement with the fewest free ones.
    std::vector<std::pair<std::uint32_t, std::size_t>> by_supply;
    for (std::size_t i = 0; i < counts.size(); ++i)
      if (counts[i] > answered[i]) by_supply.emplace_back(count_free(sieve, i, counts[i] - answered[i]), i);
    std::sort(by_supply.begin(), by_supply.end());
    Draft found = draft(sieve, counts, given);
    for (const auto& [supply, i] : by_supply)
      while (!found.found && counts[i] > answered[i]) {
        --counts[i];
        ++missing[i];
        found = draft(sieve, counts, given);
      }
    if (found.found) {
      // Requirements given up early may have been possible after all.
      for (std::size_t i = 0; i < counts.size(); ++i)
        while (missing[i] > 0) {
          ++counts[i];
          Draft more = draft(sieve, counts, given);
          if (!more.found) {
            --counts[i];
            break;
          }
          --missing[i];
          found = std::move(more);
        }
      members.clear();
      for (const Picked& p : found.members) {
        const std::string& agent = roster_.record(p.place)->agent.id;
        const auto before = std::find_if(there.begin(), there.end(), [&](const TeamMember& m) { return m.agent == agent; });
        members.push_back({agent, indexes(p.answers), true, {}, before == there.end() ? wall_now : before->joined});
      }
    } else {
      for (std::size_t i = 0; i < counts.size(); ++i) missing[i] = team.request.needs[i].count - answered[i];
    }
  } else {
    for (std::size_t i = 0; i < counts.size(); ++i) missing[i] = counts[i] - answered[i];
  }

  // Whoever is gone keeps a place that nobody else could take; the others are free.
  std::vector<std::uint32_t> open = missing;
  for (TeamMember& m : gone_members) {
    std::erase_if(m.answers, [&](std::uint32_t i) { return open[i] == 0; });
    if (m.answers.empty() || roster_.find(m.agent) == kNoPlace) continue;
    for (const std::uint32_t i : m.answers) --open[i];
    members.push_back(m);
  }
  std::erase_if(standbys, [&](const TeamMember& s) { return holds(members, s.agent); });
  for (std::uint32_t i = 0; i < missing.size(); ++i)
    if (missing[i] > 0) next.missing.push_back({i, missing[i]});
  next.state = next.missing.empty() ? TeamState::whole : TeamState::lacking;
  next.note = next.missing.empty() ? "" : missing_text(next);
  if (next.state == TeamState::whole && !unheard) {
    const Sieve sieve(fleet(now), team.request);
    add_standbys(sieve, next, members, standbys, wall_now);
  }

  std::sort(members.begin(), members.end(), [](const auto& a, const auto& b) { return natural_compare(a.agent, b.agent) < 0; });
  const bool renamed = std::any_of(renamed_.begin(), renamed_.end(), [&](const auto& r) { return r.first == team.id; });
  if (!renamed && members == team.members && standbys == team.standbys && next.missing == team.missing) return;
  const TeamChangeKind kind = next.state == TeamState::lacking ? TeamChangeKind::lacking : TeamChangeKind::repaired;
  set_members(held, std::move(next), std::move(members), std::move(standbys), kind, now, changes);
}

void Teams::settle(Instant now, WallTime wall_now, std::vector<TeamChange>& changes) {
  while (!leases_.empty() && leases_.begin()->first <= now) end(teams_.find(leases_.begin()->second), "its lease ran out", now, changes);
  if (grace_until_ != Instant::min() && grace_until_ <= now) {
    grace_until_ = Instant::min();
    for (const auto& [id, held] : teams_) disturbed_.insert(id);
  }
  for (const std::string& id : std::exchange(disturbed_, {}))
    if (const auto it = teams_.find(id); it != teams_.end()) mend(it->second, now, wall_now, changes);
  // Lacking ones in turn, while there is somebody new whom they have not seen.
  std::vector<std::string> turn;
  const auto wants = [&](const std::string& id) { return teams_.find(id)->second.tried_at != roster_.gains(); };
  for (auto it = lacking_.upper_bound(last_healed_); it != lacking_.end() && turn.size() < limits::team_repair_count_max; ++it)
    if (wants(*it)) turn.push_back(*it);
  for (auto it = lacking_.begin(); it != lacking_.end() && *it <= last_healed_ && turn.size() < limits::team_repair_count_max; ++it)
    if (wants(*it)) turn.push_back(*it);
  for (const std::string& id : turn) {
    last_healed_ = id;
    mend(teams_.find(id)->second, now, wall_now, changes);
  }
}

Instant Teams::next_deadline() const {
  Instant next = leases_.empty() ? Instant::never() : leases_.begin()->first;
  if (grace_until_ != Instant::min()) next = std::min(next, grace_until_);
  const bool waiting = !disturbed_.empty() || std::any_of(lacking_.begin(), lacking_.end(), [&](const std::string& id) { return teams_.find(id)->second.tried_at != roster_.gains(); });
  return waiting ? Instant::min() : next;
}

void Teams::reassess(std::size_t count, Instant now) {
  const std::size_t places = roster_.places();
  if (places == 0) return;
  std::vector<AgentRecordPtr> due;
  for (std::size_t n = 0; n < std::min(count, places); ++n) {
    next_assessed_ = (next_assessed_ + 1) % places;
    if (const AgentRecordPtr& record = roster_.record(static_cast<Place>(next_assessed_)); record) due.push_back(record);
  }
  for (const AgentRecordPtr& record : due) put(record, now);
}

}  // namespace choregos::team
