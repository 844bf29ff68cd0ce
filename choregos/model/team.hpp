// A team: agents held together under a lease, and what happens to it. Plain values; team/teams.hpp is the ledger that makes them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "choregos/base/time.hpp"
#include "choregos/model/plan.hpp"
#include "choregos/model/requirement.hpp"

namespace choregos {

enum class TeamState : std::uint8_t {
  whole,    ///< everything that was asked for is there
  lacking,  ///< a member is gone and nobody can replace it yet; `missing` says what, and it heals by itself
  ended,    ///< released, or its lease ran out; its agents are free
};
std::string_view to_string(TeamState state);

struct TeamMember {
  std::string agent;
  std::vector<std::uint32_t> answers;  ///< indexes into TeamRequest::needs; {} for a standby, or for size and spread alone
  bool present = true;                 ///< false: gone, and not replaced yet; it takes its place again if it comes back first
  std::string reason;                  ///< why it is not present
  WallTime joined;

  bool operator==(const TeamMember&) const = default;
};

/// What a lacking team needs to be whole.
struct MissingPlace {
  std::uint32_t requirement = 0;
  std::uint32_t count = 0;

  bool operator==(const MissingPlace&) const = default;
};

struct Team {
  std::string id;
  TeamRequest request;                 ///< with the id filled in; as changed by grow and shrink
  TeamState state = TeamState::whole;
  std::vector<TeamMember> members;     ///< in natural order of ids
  std::vector<TeamMember> standbys;    ///< held too: no other team may take them
  std::vector<MissingPlace> missing;
  std::string note;                    ///< for people: why it is lacking or ended
  /// Rises each time that the set of members changes, by one step whatever was changed at once. Work that was handed out under an
  /// older one is not this team's any more. Drawn from one counter of the ledger, so a later team of the same id is above, too.
  std::uint64_t fence = 0;
  std::uint64_t revision = 0;          ///< of the ledger, at its last change
  WallTime formed_at;
  WallTime ends_at;                    ///< when the lease runs out; for people, the verdict is by the monotonic clock

  bool operator==(const Team&) const = default;
};
using TeamPtr = std::shared_ptr<const Team>;

enum class TeamChangeKind : std::uint8_t {
  formed,
  renewed,   ///< the lease only
  resized,   ///< the request was changed
  repaired,  ///< members were replaced, or came back
  lacking,   ///< a member is gone and not replaced
  ended,
};
std::string_view to_string(TeamChangeKind kind);

/// Who is in which team from now on: `team` is "" for an agent that is free again.
struct Move {
  std::string agent;
  std::string team;

  bool operator==(const Move&) const = default;
};

/// One step of the ledger. Replaying changes over the teams of a revision gives those of a later one.
struct TeamChange {
  std::uint64_t revision = 0;          ///< rises by one
  TeamChangeKind kind = TeamChangeKind::formed;
  TeamPtr team;                        ///< after the change
  std::vector<Move> moves;             ///< whose current_team changes; an agent leaves before it joins elsewhere
  std::string note;
};

}  // namespace choregos
