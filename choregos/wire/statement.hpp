// A statement: what an agent says of itself, as it arrives in a health body (read leniently: it was written for somebody
// else), in a registration (read strictly: it was written for us) or in an announce beacon (the same text).
//
// Pure; any thread. Bounds and words are those of model/observation.hpp check().
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "choregos/base/result.hpp"
#include "choregos/base/time.hpp"
#include "choregos/model/observation.hpp"

namespace choregos::wire {

struct Statement {
  std::string id;                 ///< "" = not declared (never from read_registration)
  std::uint64_t incarnation = 0;  ///< 0 = not said
  Claims claims;                  ///< normalized and checked
  Duration ttl{};                 ///< lease wished for; 0 = the default
  std::uint64_t answer = 0;       ///< renewals only: nonce of the ping that came down the tether; 0 = none
  bool draining = false;          ///< says that it is being stopped (health bodies only)
  bool operator==(const Statement&) const = default;
};

/// Reads any health body: empty, not JSON, or JSON of any shape. Understands `id|agent_id|node_id` (the first that is
/// valid), `name`, `status`, `capabilities` (array, or one string with commas), `model`, `endpoint`, `tasks_completed`,
/// `current_team`, `p2p_addr`, `cluster_id`, `incarnation` (number) or `started_at` (RFC 3339 or a number: milliseconds,
/// below 10^11 seconds, as Python and Go write it), `node`, `version`, `health_url`, `labels`, `draining`, `running`,
/// `capacity`. Keeps what is valid; a bad field never spoils the
/// others. A status word that is not ours ("ok", "UP") is not a status. `notes`, when given, gets one sentence for each
/// thing that was there and could not be used, for `choregos doctor`. Never fails.
Statement read_health_body(std::string_view body, std::vector<std::string>* notes = nullptr);

/// Reads a registration: one JSON object of at most limits::record_bytes_max. Members: `id`, `incarnation`, `name`,
/// `status`, `capabilities`, `model`, `endpoint`, `p2p_addr`, `cluster_id`, `node`, `version`, `health_url`, `labels`,
/// `running`, `capacity`, `ttl` (seconds as a number, or "30s").
/// `path_id` is the id in the URL; the body may then leave `id` out, and one that differs is refused. With "" (a beacon)
/// the body must have it. Errors: too_large; invalid (an unknown member with the nearest known one, a wrong type, a value
/// out of bounds, a member that only the server writes such as last_seen or current_team).
Result<Statement> read_registration(std::string_view body, std::string_view path_id = {});
/// Reads a renewal: as a registration, but it may be empty, and it has no `ttl`. It may have `answer`, the nonce of a ping (1 to
/// 2^53 - 1). What is absent does not change.
Result<Statement> read_renewal(std::string_view body, std::string_view path_id);

/// The text that read_registration reads back to an equal statement. Members that only the server writes (current_team,
/// tasks_completed) and draining are left out.
std::string write_registration(const Statement& statement);

}  // namespace choregos::wire
