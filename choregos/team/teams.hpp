// The ledger of teams: who is in which, under a lease, and repaired when somebody is lost. Pure: time is an argument, changes are
// returned, and the same calls give the same teams on every machine. One owner calls it.
//
// What holds after every call:
//   - No agent is in two teams, as member or as standby; team_of() says which.
//   - A team is formed whole or not at all.
//   - Members that are there stay. Whoever is lost is replaced by a standby first, then by the cheapest free agent that fits, and all
//     replacements of one settle() are one step of the fence. What nobody can replace is listed as missing; the lost member keeps
//     that place until it returns or somebody else can take it, and the team heals as soon as an agent becomes free that fits.
//   - Every change says whose current_team changes (TeamChange::moves), so no record ever names a team that is gone.
//
// How to drive it: pass each change of the registry to follow(), call settle() after each batch and at next_deadline(); it returns
// what happened. Commands may come at any time between. Store what they return before telling anybody.
//
// docs/TEAMS.md tells how members are chosen.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "choregos/base/result.hpp"
#include "choregos/base/text.hpp"
#include "choregos/model/change.hpp"
#include "choregos/model/team.hpp"
#include "choregos/team/planner.hpp"

namespace choregos::team {

struct TeamsSettings {
  Duration restart_grace = 30s;  ///< after load(): members that are not heard yet count as there for so long
  TrackSettings tracks;
};

/// All of it, as it is kept in a store: plain values, no instants of a clock that ends with the process.
struct SavedTeams {
  struct Entry {
    Team team;
    Duration left{};             ///< of the lease
    bool operator==(const Entry&) const = default;
  };
  std::uint64_t revision = 0;
  std::uint64_t fence = 0;
  std::uint64_t serial = 0;      ///< of made-up ids
  std::vector<Entry> teams;
  std::vector<SavedTrack> tracks;
  bool operator==(const SavedTeams&) const = default;
};

using TeamOrRefusal = std::variant<TeamPtr, Refusal>;

class Teams {
 public:
  explicit Teams(TeamsSettings settings = {}, std::shared_ptr<const CostFunction> cost = std::make_shared<WeightedCost>());

  // What the registry believes.

  /// Takes one change; repairs nothing yet.
  void follow(const Change& change, Instant now);
  /// Takes a record as it is listed, for the start: the same as a change that it appeared.
  void follow(const AgentRecordPtr& record, Revision revision, Instant now);
  /// Ends leases, repairs teams that lost somebody, heals those that lack somebody.
  void settle(Instant now, WallTime wall_now, std::vector<TeamChange>& changes);
  /// When settle() has something to do though no change came; Instant::never() when nothing waits.
  Instant next_deadline() const;
  /// Assesses up to `count` agents anew, in turn: loads, latencies and fairness move without a change of the registry. A call each
  /// second with a tenth of the fleet keeps costs fresh to ten seconds.
  void reassess(std::size_t count, Instant now);

  // Commands. Each either does all of what it says or nothing.

  /// Errors: invalid, too_large (the request).
  Result<PlanOrRefusal> plan(const TeamRequest& request, Instant now, bool explain = true) const;
  /// Plans and takes the agents, at once. Errors: as plan(), conflict (a team of that id exists), exhausted (team_count_max).
  Result<TeamOrRefusal> form(const TeamRequest& request, Instant now, WallTime wall_now, std::vector<TeamChange>& changes);
  /// Takes exactly the agents of a plan made before. Errors: conflict (one of them is no longer free or no longer fits: the message
  /// says who and why; plan again), invalid (not a plan of ours), exhausted.
  Result<TeamPtr> form(const Plan& plan, Instant now, WallTime wall_now, std::vector<TeamChange>& changes);
  /// The lease runs `ttl` from now; unset = as long as the request said. Errors: not_found, invalid.
  Result<TeamPtr> renew(std::string_view id, std::optional<Duration> ttl, Instant now, WallTime wall_now, std::vector<TeamChange>& changes);
  /// Grows or shrinks: from now on the team is what `request` asks for. When its own members and standbys are enough the cheapest of
  /// them stay; otherwise all that are of use stay and others join. Errors: not_found, invalid, too_large.
  Result<TeamOrRefusal> resize(std::string_view id, TeamRequest request, Instant now, WallTime wall_now, std::vector<TeamChange>& changes);
  /// Its agents are free. Errors: not_found.
  Result<TeamPtr> release(std::string_view id, std::string note, Instant now, std::vector<TeamChange>& changes);
  /// Looks at once whether the team can be repaired or given its standbys. Errors: not_found.
  Result<TeamPtr> repair(std::string_view id, Instant now, WallTime wall_now, std::vector<TeamChange>& changes);

  /// How a task went, or a question about a capability: proofs for later choices.
  void succeeded(std::string_view agent, std::string_view capability, Instant now);
  void failed(std::string_view agent, std::string_view capability, Instant now);
  void probed(std::string_view agent, std::string_view capability, Instant now);

  // Reading.

  TeamPtr find(std::string_view id) const;
  std::vector<TeamPtr> all() const;                  ///< in natural order of ids
  std::size_t size() const { return teams_.size(); }
  std::string team_of(std::string_view agent) const; ///< "" = none
  std::uint64_t revision() const { return revision_; }
  std::uint64_t fence() const { return fence_; }     ///< the highest one given
  const Roster& roster() const { return roster_; }
  const TrackRecord& tracks() const { return tracks_; }

  // Surviving.

  SavedTeams save(Instant now) const;
  /// Into an empty ledger. Nobody is repaired before the grace is over.
  void load(const SavedTeams& saved, Instant now);

 private:
  struct Held {
    TeamPtr team;
    Instant ends{};
    std::uint64_t tried_at = 0;  ///< Roster::gains() when it was last tried to heal
  };
  using Held_ = std::map<std::string, Held, NaturalLess>;

  Fleet fleet(Instant now) const { return {roster_, tracks_, *cost_, now}; }
  void put(const AgentRecordPtr& record, Instant now);
  void refresh(std::string_view agent, Instant now);
  void take(const std::string& agent, const std::string& team, Instant now, std::vector<Move>& moves);
  void let_go(const std::string& agent, Instant now, std::vector<Move>& moves);
  std::string absent(const Team& team, const TeamMember& member, Instant now) const;
  void mend(Held& held, Instant now, WallTime wall_now, std::vector<TeamChange>& changes);
  void set_members(Held& held, Team next, std::vector<TeamMember> members, std::vector<TeamMember> standbys, TeamChangeKind kind, Instant now,
                   std::vector<TeamChange>& changes);
  void add_standbys(const Sieve& sieve, const Team& team, const std::vector<TeamMember>& members, std::vector<TeamMember>& standbys, WallTime wall_now) const;
  void publish(Held& held, Team next, TeamChangeKind kind, std::vector<Move> moves, std::vector<TeamChange>& changes);
  TeamPtr end(Held_::iterator it, std::string note, Instant now, std::vector<TeamChange>& changes);

  const TeamsSettings settings_;
  const std::shared_ptr<const CostFunction> cost_;
  Roster roster_;
  TrackRecord tracks_;
  Held_ teams_;
  std::unordered_map<std::string, std::string> team_of_;
  std::set<std::pair<Instant, std::string>> leases_;
  std::set<std::string> disturbed_;                  ///< a member or standby of theirs changed
  std::set<std::string> lacking_;
  std::vector<std::pair<std::string, Move>> renamed_;  ///< (team, move) by merges, told with the team's next change
  std::string last_healed_;                          ///< where the turn of lacking teams stands
  std::size_t next_assessed_ = 0;
  Instant grace_until_ = Instant::min();
  Revision seen_;
  std::uint64_t revision_ = 0;
  std::uint64_t fence_ = 0;
  std::uint64_t serial_ = 0;
};

}  // namespace choregos::team
