// Commands, and what the ledger is told. Repair is in teams_repair.cpp, saving in teams_state.cpp.
#include "choregos/team/teams.hpp"

#include <algorithm>
#include <bit>
#include <cassert>

#include "choregos/base/limits.hpp"

namespace choregos::team {
namespace {

Error unknown(std::string_view id) { return fail(ErrorCode::not_found, "no team has the id '" + printable(id.substr(0, 64)) + "'"); }

WallTime later(WallTime wall_now, Duration d) { return {wall_now.ms + d.count() / 1'000'000}; }

}  // namespace

Teams::Teams(TeamsSettings settings, std::shared_ptr<const CostFunction> cost) : settings_(settings), cost_(std::move(cost)), tracks_(settings.tracks) {}

void Teams::put(const AgentRecordPtr& record, Instant now) {
  const std::string& id = record->agent.id;
  roster_.put(record, cost_->assess(*record, tracks_.served(id, now)), unfit(record->agent).empty() && !team_of_.contains(id), tracks_.has_proofs(id));
}

void Teams::refresh(std::string_view agent, Instant now) {
  if (const Place place = roster_.find(agent); place != kNoPlace) put(AgentRecordPtr(roster_.record(place)), now);
}

void Teams::follow(const AgentRecordPtr& record, Revision revision, Instant now) {
  seen_ = revision;
  put(record, now);
  if (const auto it = team_of_.find(record->agent.id); it != team_of_.end()) disturbed_.insert(it->second);
}

void Teams::follow(const Change& change, Instant now) {
  const std::string& id = change.record->agent.id;
  if (change.kind != ChangeKind::forgotten && change.kind != ChangeKind::merged) return follow(change.record, change.revision, now);
  seen_ = change.revision;
  roster_.remove(id);
  const auto it = team_of_.find(id);
  if (it != team_of_.end()) disturbed_.insert(it->second);
  if (change.kind != ChangeKind::merged) return;
  tracks_.rename(id, change.into);
  if (it == team_of_.end() || team_of_.contains(change.into)) return;
  // The place goes over to the stronger name. Said to the world by settle(), which sees that the team differs from what it was told.
  const auto held = teams_.find(it->second);
  Team next = *held->second.team;
  for (auto* list : {&next.members, &next.standbys})
    for (TeamMember& m : *list)
      if (m.agent == id) m.agent = change.into;
  std::sort(next.members.begin(), next.members.end(), [](const auto& a, const auto& b) { return natural_compare(a.agent, b.agent) < 0; });
  renamed_.push_back({it->second, {id, ""}});
  renamed_.push_back({it->second, {change.into, it->second}});
  team_of_.emplace(change.into, it->second);
  team_of_.erase(id);
  held->second.team = std::make_shared<const Team>(std::move(next));
  refresh(change.into, now);
}

void Teams::take(const std::string& agent, const std::string& team, Instant now, std::vector<Move>& moves) {
  const auto [it, fresh] = team_of_.emplace(agent, team);
  assert(fresh);
  moves.push_back({agent, team});
  refresh(agent, now);
}

void Teams::let_go(const std::string& agent, Instant now, std::vector<Move>& moves) {
  team_of_.erase(agent);
  moves.push_back({agent, ""});
  refresh(agent, now);
}

void Teams::publish(Held& held, Team next, TeamChangeKind kind, std::vector<Move> moves, std::vector<TeamChange>& changes) {
  next.revision = ++revision_;
  next.state == TeamState::lacking ? (void)lacking_.insert(next.id) : (void)lacking_.erase(next.id);
  held.team = std::make_shared<const Team>(std::move(next));
  changes.push_back({revision_, kind, held.team, std::move(moves), held.team->note});
}

Result<PlanOrRefusal> Teams::plan(const TeamRequest& request, Instant now, bool explain) const {
  return team::plan(fleet(now), request, {seen_, explain, [this](std::string_view agent) { return team_of(agent); }});
}

Result<TeamOrRefusal> Teams::form(const TeamRequest& request, Instant now, WallTime wall_now, std::vector<TeamChange>& changes) {
  if (!request.id.empty() && teams_.contains(request.id))
    return fail(ErrorCode::conflict, "a team '" + request.id + "' exists; release it, or choose another id");
  auto answer = plan(request, now, false);
  if (!answer) return answer.error();
  if (auto* refusal = std::get_if<Refusal>(&*answer)) return TeamOrRefusal{std::move(*refusal)};
  auto formed = form(std::get<Plan>(*answer), now, wall_now, changes);
  if (!formed) return formed.error();
  return TeamOrRefusal{*formed};
}

Result<TeamPtr> Teams::form(const Plan& plan, Instant now, WallTime wall_now, std::vector<TeamChange>& changes) {
  if (auto ok = check(plan.request); !ok) return ok.error();
  if (teams_.size() >= limits::team_count_max)
    return fail(ErrorCode::exhausted, "there are " + std::to_string(teams_.size()) + " teams, and no more are held; release some");
  Team team;
  team.request = plan.request;
  if (team.request.id.empty()) {
    std::uint64_t serial = serial_;
    do team.request.id = "team-" + std::to_string(++serial);
    while (teams_.contains(team.request.id));
    serial_ = serial;
  }
  team.id = team.request.id;
  if (teams_.contains(team.id)) return fail(ErrorCode::conflict, "a team '" + team.id + "' exists; release it, or choose another id");

  std::set<std::string_view> distinct;
  std::vector<std::uint32_t> counts(plan.request.needs.size());
  std::map<std::string, std::uint32_t> hosts;
  const auto may_take = [&](const std::string& agent, const std::vector<std::uint32_t>& answers) -> Result<void> {
    const auto conflict = [&](const std::string& why) { return fail(ErrorCode::conflict, agent + " " + why + "; plan again"); };
    if (!distinct.insert(agent).second) return fail(ErrorCode::invalid, agent + " is in the plan twice");
    const Place place = roster_.find(agent);
    if (place == kNoPlace) return conflict("is not listed any more");
    const Agent& now_agent = roster_.record(place)->agent;
    if (const std::string other = team_of(agent); !other.empty()) return conflict("is in team " + other);
    for (const std::string& why : {unfit(now_agent), barred(plan.request, now_agent)})
      if (!why.empty()) return conflict(why);
    for (const std::uint32_t i : answers) {
      if (i >= counts.size()) return fail(ErrorCode::invalid, "the plan answers for a requirement that it does not ask");
      if (const std::string why = lacks(plan.request.needs[i], now_agent); !why.empty()) return conflict(why);
    }
    return {};
  };
  for (const PlannedMember& m : plan.members) {
    if (auto ok = may_take(m.agent, m.answers); !ok) return ok.error();
    for (const std::uint32_t i : m.answers) ++counts[i];
    ++hosts[roster_.record(roster_.find(m.agent))->agent.node];
    team.members.push_back({m.agent, m.answers, true, {}, wall_now});
  }
  for (const PlannedStandby& s : plan.standbys) {
    if (auto ok = may_take(s.agent, {}); !ok) return ok.error();
    team.standbys.push_back({s.agent, {}, true, {}, wall_now});
  }
  if (counts != counts_of(plan.request)) return fail(ErrorCode::invalid, "the plan does not fill what it asks for; plan again");
  const Spread& spread = plan.request.spread;
  for (const auto& [host, count] : hosts)
    if (spread.per_host_max != 0 && count > spread.per_host_max) return fail(ErrorCode::conflict, "members have moved to one host since; plan again");
  if (spread.several_hosts && hosts.size() < 2) return fail(ErrorCode::conflict, "all members are on one host by now; plan again");

  std::sort(team.members.begin(), team.members.end(), [](const auto& a, const auto& b) { return natural_compare(a.agent, b.agent) < 0; });
  team.fence = ++fence_;
  team.formed_at = wall_now;
  team.ends_at = later(wall_now, team.request.ttl);
  std::vector<Move> moves;
  for (const TeamMember& m : team.members) {
    tracks_.serve(m.agent, now);
    take(m.agent, team.id, now, moves);
  }
  for (const TeamMember& s : team.standbys) take(s.agent, team.id, now, moves);
  Held& held = teams_[team.id];
  held.ends = now + team.request.ttl;
  leases_.emplace(held.ends, team.id);
  publish(held, std::move(team), TeamChangeKind::formed, std::move(moves), changes);
  return held.team;
}

Result<TeamPtr> Teams::renew(std::string_view id, std::optional<Duration> ttl, Instant now, WallTime wall_now, std::vector<TeamChange>& changes) {
  const auto it = teams_.find(id);
  if (it == teams_.end()) return unknown(id);
  Team next = *it->second.team;
  const Duration d = ttl.value_or(next.request.ttl);
  if (d < 1s || d > limits::team_time_max) return fail(ErrorCode::invalid, "ttl must be between 1s and " + format_duration(limits::team_time_max));
  leases_.erase({it->second.ends, it->first});
  it->second.ends = now + d;
  leases_.emplace(it->second.ends, it->first);
  next.ends_at = later(wall_now, d);
  publish(it->second, std::move(next), TeamChangeKind::renewed, {}, changes);
  return it->second.team;
}

TeamPtr Teams::end(Held_::iterator it, std::string note, Instant now, std::vector<TeamChange>& changes) {
  Team next = *it->second.team;
  next.state = TeamState::ended;
  next.note = std::move(note);
  next.missing.clear();
  std::vector<Move> moves;
  for (const auto* list : {&next.members, &next.standbys})
    for (const TeamMember& m : *list) let_go(m.agent, now, moves);
  leases_.erase({it->second.ends, it->first});
  publish(it->second, std::move(next), TeamChangeKind::ended, std::move(moves), changes);
  const TeamPtr last = it->second.team;
  disturbed_.erase(it->first);
  lacking_.erase(it->first);
  std::erase_if(renamed_, [&](const auto& r) { return r.first == it->first; });
  teams_.erase(it);
  return last;
}

Result<TeamPtr> Teams::release(std::string_view id, std::string note, Instant now, std::vector<TeamChange>& changes) {
  const auto it = teams_.find(id);
  if (it == teams_.end()) return unknown(id);
  return end(it, note.empty() ? "released" : std::move(note), now, changes);
}

Result<TeamPtr> Teams::repair(std::string_view id, Instant now, WallTime wall_now, std::vector<TeamChange>& changes) {
  const auto it = teams_.find(id);
  if (it == teams_.end()) return unknown(id);
  mend(it->second, now, wall_now, changes);
  return it->second.team;
}

Result<TeamOrRefusal> Teams::resize(std::string_view id, TeamRequest request, Instant now, WallTime wall_now, std::vector<TeamChange>& changes) {
  const auto it = teams_.find(id);
  if (it == teams_.end()) return unknown(id);
  request.id = it->first;
  if (auto ok = check(request); !ok) return ok.error();
  Held& held = it->second;
  const Team& team = *held.team;
  const Sieve sieve(fleet(now), request);
  const auto usable = [&](const TeamMember& m) {
    const Place place = roster_.find(m.agent);
    return m.present && place != kNoPlace && absent(team, {m.agent, {}, true, {}, {}}, now).empty() && !sieve.barred(place);
  };

  // Enough of our own: the cheapest of them stay.
  Given own;
  own.only_these = true;
  own.reserve_costs = true;
  for (const auto* list : {&team.members, &team.standbys})
    for (const TeamMember& m : *list)
      if (usable(m)) own.reserve.push_back(roster_.find(m.agent));
  Draft found = draft(sieve, counts_of(request), own);
  if (!found.found) {
    Given given;
    for (const TeamMember& m : team.members) {
      if (!usable(m)) continue;
      const Place place = roster_.find(m.agent);
      if (sieve.mask(place) == 0) continue;
      Mask seats = 0;  // the seats that are still asked for in the same words
      for (const std::uint32_t i : m.answers)
        for (std::size_t j = 0; j < request.needs.size(); ++j) {
          Requirement before = team.request.needs[i];
          before.count = request.needs[j].count;
          if (before == request.needs[j]) seats |= Mask{1} << j;
        }
      given.stay.push_back({place, request.mode == TeamMode::seats ? seats : 0});
    }
    for (const TeamMember& s : team.standbys)
      if (usable(s)) given.reserve.push_back(roster_.find(s.agent));
    found = draft(sieve, counts_of(request), given);
    if (!found.found) return TeamOrRefusal{refuse(fleet(now), sieve, found, {seen_, false, [this](std::string_view agent) { return team_of(agent); }})};
  }

  Team next = team;
  next.request = std::move(request);
  next.state = TeamState::whole;
  next.missing.clear();
  next.note = "resized";
  std::vector<TeamMember> members, standbys;
  for (const Picked& p : found.members) {
    const std::string& agent = roster_.record(p.place)->agent.id;
    std::vector<std::uint32_t> answers;
    for (Mask rest = p.answers; rest != 0; rest &= rest - 1) answers.push_back(static_cast<std::uint32_t>(std::countr_zero(rest)));
    const auto before = std::find_if(team.members.begin(), team.members.end(), [&](const TeamMember& m) { return m.agent == agent; });
    members.push_back({agent, std::move(answers), true, {}, before == team.members.end() ? wall_now : before->joined});
  }
  for (const TeamMember& s : team.standbys)
    if (usable(s) && standbys.size() < next.request.standby && std::none_of(members.begin(), members.end(), [&](const TeamMember& m) { return m.agent == s.agent; }))
      standbys.push_back(s);
  const Sieve again(fleet(now), next.request);
  add_standbys(again, next, members, standbys, wall_now);
  set_members(held, std::move(next), std::move(members), std::move(standbys), TeamChangeKind::resized, now, changes);
  return TeamOrRefusal{held.team};
}

void Teams::succeeded(std::string_view agent, std::string_view capability, Instant now) {
  tracks_.succeeded(agent, capability, now);
  refresh(agent, now);
}
void Teams::failed(std::string_view agent, std::string_view capability, Instant now) {
  tracks_.failed(agent, capability, now);
  refresh(agent, now);
}
void Teams::probed(std::string_view agent, std::string_view capability, Instant now) {
  tracks_.probed(agent, capability, now);
  refresh(agent, now);
}

TeamPtr Teams::find(std::string_view id) const {
  const auto it = teams_.find(id);
  return it == teams_.end() ? nullptr : it->second.team;
}

std::vector<TeamPtr> Teams::all() const {
  std::vector<TeamPtr> out;
  out.reserve(teams_.size());
  for (const auto& [id, held] : teams_) out.push_back(held.team);
  return out;
}

std::string Teams::team_of(std::string_view agent) const {
  const auto it = team_of_.find(std::string(agent));
  return it == team_of_.end() ? "" : it->second;
}

}  // namespace choregos::team
