// The ledger as plain values, and back.
#include <algorithm>

#include "choregos/team/teams.hpp"

namespace choregos::team {

SavedTeams Teams::save(Instant now) const {
  SavedTeams out{revision_, fence_, serial_, {}, tracks_.save(now)};
  for (const auto& [id, held] : teams_) out.teams.push_back({*held.team, std::max(Duration{}, held.ends - now)});
  return out;
}

void Teams::load(const SavedTeams& saved, Instant now) {
  revision_ = saved.revision;
  fence_ = saved.fence;
  serial_ = saved.serial;
  tracks_.load(saved.tracks, now);
  if (!saved.teams.empty()) grace_until_ = now + settings_.restart_grace;
  for (const auto& entry : saved.teams) {
    Held& held = teams_[entry.team.id];
    held.team = std::make_shared<const Team>(entry.team);
    held.ends = now + entry.left;
    leases_.emplace(held.ends, entry.team.id);
    if (entry.team.state == TeamState::lacking) lacking_.insert(entry.team.id);
    for (const auto* list : {&entry.team.members, &entry.team.standbys})
      for (const TeamMember& m : *list) {
        team_of_.emplace(m.agent, entry.team.id);
        refresh(m.agent, now);
      }
  }
}

}  // namespace choregos::team
