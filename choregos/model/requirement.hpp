// What somebody who wants a team asks for. Plain values and the check of their bounds; who may fill a place is decided in
// team/matching.hpp, who does in team/planner.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "choregos/base/result.hpp"
#include "choregos/base/time.hpp"
#include "choregos/model/agent.hpp"

namespace choregos {

/// What one agent must bring, and how many such agents there must be. At least one of capabilities, model and labels is said.
struct Requirement {
  std::vector<std::string> capabilities;  ///< all of them, of one and the same agent
  std::uint32_t count = 1;                ///< so many different agents; at least 1
  std::string model;                      ///< glob, ignoring case; "" = any
  Labels labels;                          ///< all of them

  bool operator==(const Requirement&) const = default;
};

/// For people and messages: "2 × go_development + git, model llama3*, region=eu".
std::string describe(const Requirement& requirement);

enum class TeamMode : std::uint8_t {
  cover,  ///< the cheapest set of agents that together has everything; one agent may answer for several requirements
  seats,  ///< every requirement opens `count` seats, and every seat is taken by an agent of its own
};
std::string_view to_string(TeamMode mode);
std::optional<TeamMode> parse_team_mode(std::string_view word);

/// Where the members may not all be. The host is Agent::node; agents that do not say theirs count as all on one unnamed host,
/// because nothing proves that they are apart.
struct Spread {
  std::uint32_t per_host_max = 0;  ///< so many members on one host at most; 0 = no limit
  bool several_hosts = false;      ///< not all on one host

  bool operator==(const Spread&) const = default;
};

enum class PreferenceKind : std::uint8_t { agent, model, label, node, cluster };
std::string_view to_string(PreferenceKind kind);
std::optional<PreferenceKind> parse_preference_kind(std::string_view word);

/// A wish, not a condition: each member that does not meet it costs `points` more. A thousand points are the price of one more
/// member, so a wish of 1000 is worth taking one more agent for.
struct Preference {
  PreferenceKind kind = PreferenceKind::node;
  std::string key;               ///< of the label; "" for the other kinds
  std::string value;             ///< a glob ignoring case for a model, the exact value otherwise
  std::uint32_t points = 200;

  bool operator==(const Preference&) const = default;
};

struct TeamRequest {
  std::string id;                      ///< of the team, also shown as its members' current_team; "" = one is made up
  TeamMode mode = TeamMode::cover;
  std::vector<Requirement> needs;      ///< the order is kept: seats are named by it
  std::vector<std::string> exclude;    ///< ids of agents that may not be taken
  std::vector<std::string> clusters;   ///< only agents of these; {} = any
  Spread spread;
  std::vector<Preference> prefer;
  std::uint32_t standby = 0;           ///< agents held beside the team, each able to replace a member at once
  std::uint32_t size_min = 0;          ///< members, without standbys; 0 = no limit
  std::uint32_t size_max = 0;          ///< 0 = no limit
  Duration ttl = 10min;                ///< the team ends this long after it was formed or last renewed

  bool operator==(const TeamRequest&) const = default;
};

/// Bounds and words of everything in it, and contradictions that no fleet could satisfy. Errors: invalid, too_large; the message
/// names the field as it is written in JSON ("requires[1].count").
Result<void> check(const TeamRequest& request);

/// The sum of all counts: how many seats there are in mode seats.
std::uint32_t seat_count(const TeamRequest& request);

}  // namespace choregos
